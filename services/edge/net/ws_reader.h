//  ws_reader — the frames of a client (RFC 6455), bytes in, events out: strict, without memory of
//  its own beyond these few bytes, and without I/O.
//
//  The payload is unmasked where it stands and handed out as it comes. A control frame, and the
//  head of any, is taken only when it is whole: its bytes are to be offered again with more behind
//  them (WS_RESTS_MOST of them at most). Whether text is UTF-8 is for who gets it to check.

#ifndef WS_READER_H
#define WS_READER_H

#include "base/text.h"

#include <stdint.h>

#define WS_CONTROL_MAX 125
#define WS_RESTS_MOST (6 + WS_CONTROL_MAX)
#define WS_NO_CODE 1005 //  of a close frame that says none

typedef enum {
    WS_HEARD_LESS,  //  nothing whole: more must come
    WS_HEARD_TEXT,  //  a part of a text message
    WS_HEARD_PING,
    WS_HEARD_PONG,
    WS_HEARD_CLOSE, //  nothing is read any more
    WS_HEARD_FAULT, //  nothing is read any more
} ws_heard_t;

typedef struct {
    ws_heard_t what;
    text_t bytes;     //  of a text, a ping or a pong
    bool is_fresh;    //  a frame begins with it
    bool is_whole;    //  the message ends with it
    uint16_t code;    //  close: theirs, or WS_NO_CODE. Fault: ours
} ws_event_t;

typedef struct {
    uint64_t message; //  bytes of the message that were announced so far
    uint64_t left;    //  of the payload of its frame
    uint32_t limit;   //  bytes of a message
    uint8_t mask[4];  //  for the next byte
    bool is_open;     //  a message has begun and is not whole
    bool is_final;    //  its frame is the last one
    bool is_over;
} ws_reader_t;

void ws_reader_init (ws_reader_t *self, uint32_t limit);
//  Returns how many bytes the event took.
size_t ws_reader_next (ws_reader_t *self, char *data, size_t size, ws_event_t *event);
//  Is a message, or a frame of one, under way?
static inline bool
ws_reader_is_within (const ws_reader_t *self)
{
    return self->is_open;
}

#endif
