//  ws_frame — a server's frame: final, not masked.

#ifndef WS_FRAME_H
#define WS_FRAME_H

#include "base/buffer.h"

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
