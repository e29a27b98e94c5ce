//  frame_reader — the little that a load generator wants to know of a frame of the router, found
//  without reading the rest.
//
//  It relies on JSON without blanks, and on the visitors' texts holding no field names.

#ifndef FRAME_READER_H
#define FRAME_READER_H

#include "base/text.h"

#include <stdint.h>

//  The number behind the first `mark`, such as "\"seq\":". False when there is none.
bool frame_number_behind (text_t frame, text_t mark, uint64_t *number);
//  True when `words` stand somewhere in it.
bool frame_has (text_t frame, text_t words);

typedef enum {
    FRAME_OTHER,
    FRAME_ACK,
    FRAME_NEW_MESSAGE,
    FRAME_CONNECTION_UPDATE, //  that says yes
    FRAME_REFUSAL,           //  busy, error, failure, or a connection update that says no
} frame_event_t;

frame_event_t frame_event (text_t frame);
//  The number in the message id of a visitor, "m-0000000007". False when it is another one's.
bool frame_number (text_t frame, uint32_t *number);

#endif
