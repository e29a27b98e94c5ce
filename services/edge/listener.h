//  listener — the port that clients connect to. Our own and not the socket library's, so that it
//  can stop listening when the process drains, says why it cannot bind, and listens on the address
//  that it was told and on no other. When there is nothing left to accept with, it rests a moment.

#ifndef LISTENER_H
#define LISTENER_H

#include <stdint.h>
#include <uv.h>

typedef struct listener listener_t;

//  A new connection: the descriptor is the callee's, non-blocking.
typedef void listener_accept_fn (void *owner, int descriptor);

//  Port 0 takes any free one. NULL when it cannot listen; errno says why.
listener_t *listener_new (uv_loop_t *loop, const char *address, uint16_t port,
                          listener_accept_fn *accepted, void *owner);
//  Stops listening at once; the loop must turn once more before the memory is gone.
void listener_destroy (listener_t **self_p);

uint16_t listener_port (const listener_t *self);

#endif
