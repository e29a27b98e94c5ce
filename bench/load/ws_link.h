//  ws_link — one WebSocket connection of a client to 127.0.0.1, and the epoll loop that thousands
//  of them share. It is made to cost little beside what it measures: it expects a good server, and
//  whatever else comes ends the connection.
//
//  Limits: a frame of the server has at most 1 MiB and is not fragmented; 4 MiB may wait to be
//  written. Pings are answered.

#ifndef WS_LINK_H
#define WS_LINK_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct ws_loop ws_loop_t;
typedef struct ws_link ws_link_t;

//  `owner` is the one that was given to ws_link_new.
typedef struct {
    void (*on_open) (void *owner, ws_link_t *link);
    //  One text message; valid until the call returns.
    void (*on_text) (void *owner, ws_link_t *link, text_t text);
    //  The connection has ended by itself and says why; it still has to be destroyed, later.
    void (*on_gone) (void *owner, ws_link_t *link, const char *why);
} ws_events_t;

//  NULL with errno set when the system has no descriptor for it.
ws_loop_t *ws_loop_new (void);
void ws_loop_destroy (ws_loop_t **self_p);
//  Writes what was said, waits until something comes or it is `until_us` (CLOCK_MONOTONIC; as if
//  now when that is past), and handles what came.
void ws_loop_turn (ws_loop_t *self, uint64_t until_us);

//  Begins to connect; `target` is path and query. NULL with errno set when that is not possible.
ws_link_t *ws_link_new (ws_loop_t *loop, uint16_t port, const char *target,
                        const ws_events_t *events, void *owner);
//  Likewise, but the kernel keeps little of what came, as on a way with small segments: a buffer of
//  so many bytes, and what the other side may have under way is no more.
ws_link_t *ws_link_new_narrow (ws_loop_t *loop, uint16_t port, const char *target,
                               const ws_events_t *events, void *owner, int bytes);
//  Cuts it off. Not from within its own callbacks.
void ws_link_destroy (ws_link_t **self_p);
//  Resets the connection (RST) in place of closing it. Not from within its own callbacks.
void ws_link_reset (ws_link_t **self_p);
//  Stops reading, and goes on. What comes meanwhile fills the kernel's buffers, then the server's.
void ws_link_pause (ws_link_t *self, bool holds);
//  Says one text message at the end of this turn of the loop. 0, or −1 when it is gone or full.
__attribute__ ((warn_unused_result)) int ws_link_say (ws_link_t *self, const char *text,
                                                      size_t size);

#endif
