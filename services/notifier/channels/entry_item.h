//  entry_item — the body of a delivery that is an entry of a session for somebody who is reached by
//  a channel (docs/work-items.md, "Entries for a channel").

#ifndef ENTRY_ITEM_H
#define ENTRY_ITEM_H

#include "base/buffer.h"

#include <stdint.h>

struct json_object;

#define ENTRY_ITEM_MOST (8u << 20) //  bytes of a body

//  What a body does not have is empty or 0.
typedef struct {
    text_t app, session;
    text_t event;       //  its name on the wire
    uint64_t time_ms;
    uint64_t seq;
    text_t external_id; //  what the channel calls the participant
    text_t via;         //  the channel of `webhooksIn` that it writes by
    buffer_t text;      //  what is said, as plain text
    struct json_object *tree; //  that the texts stand in
} entry_item_t;

//  Returns 0, and the texts live until entry_item_free; −1 when the body is no JSON object or a
//  member is of another kind than it should be.
__attribute__ ((warn_unused_result)) int entry_item_read (entry_item_t *self, text_t body);
//  Safe behind a read that failed.
void entry_item_free (entry_item_t *self);

#endif
