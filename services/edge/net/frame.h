//  frame — what a server sends on a WebSocket. A text frame is made once and shared by all the
//  outboxes that it waits in (counted references): a message to 1,000 agents is in memory once. And
//  how any frame is written: final, not masked.

#ifndef FRAME_H
#define FRAME_H

#include "base/buffer.h"
#include "model/log_position.h"

typedef struct {
    uint32_t references; //  whoever shares it adds one
    uint32_t size;
    //  How far a client has the log behind it, whatever it had before; SEQ_UNKNOWN: as before. An
    //  event stream says it (events/event_text.h).
    log_position_t position;
    char text[];
} frame_t;

//  Copies the text. The caller has the only reference.
frame_t *frame_new (text_t text);
//  Gives one reference back; the last one frees. Safe on NULL.
void frame_destroy (frame_t **self_p);

typedef enum {
    WS_FRAME_TEXT = 1,
    WS_FRAME_CLOSE = 8,
    WS_FRAME_PING = 9,
    WS_FRAME_PONG = 10
} ws_frame_t;

//  Appends it. Returns 0; −1 at the buffer's ceiling.
__attribute__ ((warn_unused_result)) int ws_frame_put (buffer_t *to, ws_frame_t opcode,
                                                       text_t payload);
//  Code 0: a close frame that says nothing.
__attribute__ ((warn_unused_result)) int ws_frame_put_close (buffer_t *to, unsigned code,
                                                             text_t words);

#endif
