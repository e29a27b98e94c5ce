//  listener — the port that clients connect to. It stops listening when the process drains, says
//  why it cannot bind, and listens on the address that it was told and on no other. When there is
//  nothing left to accept with, it rests a moment.
//
//  To let somebody in and out again costs as much as some messages, so there is a pace for all of
//  them together: whoever connects in a loop must not take the time of those who are in. They wait
//  in the system's queue, and whoever has gone from there is not let in at all.

#ifndef LISTENER_H
#define LISTENER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

typedef struct listener listener_t;

//  A new connection: the descriptor is the callee's, non-blocking.
typedef void listener_accept_fn (void *owner, int descriptor);

typedef struct {
    const char *address;
    uint16_t port;       //  0 takes any free one
    uint64_t per_second; //  that are let in in the long run
    uint64_t burst;      //  and at once
} listener_config_t;

//  NULL when it cannot listen; errno says why.
listener_t *listener_new (uv_loop_t *loop, const listener_config_t *config,
                          listener_accept_fn *accepted, void *owner);
//  Stops listening at once; the loop must turn once more before the memory is gone.
void listener_destroy (listener_t **self_p);

//  Is it one that can be listened on: IPv4 or IPv6, in numbers?
bool listener_is_address (const char *address);

uint16_t listener_port (const listener_t *self);

#endif
