//  listener — the port that clients connect to. It stops listening when the process drains, and
//  pauses for a moment when no descriptors are left.
//
//  Accepting and closing a socket costs as much as a few messages, so accepting has a rate limit
//  for all clients together. Beyond it sockets wait in the kernel's queue; a socket that the client
//  has closed meanwhile is not accepted.

#ifndef LISTENER_H
#define LISTENER_H

#include "http/cidr.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

typedef struct listener listener_t;

//  A new connection: the descriptor is the callee's, non-blocking. False: its address may have no
//  more, and it is closed already. That counts at nobody's pace, so that one address cannot use up
//  what is for all.
typedef bool listener_accept_fn (void *owner, int descriptor, const ip_address_t *peer);

typedef struct {
    const char *address;
    uint16_t port;       //  0 takes any free one
    const char *scheme;  //  what is spoken there, for the log
    uint64_t per_second; //  accepted in the long run
    uint64_t burst;      //  accepted at once
} listener_config_t;

//  Logs where it listens. NULL when it cannot; errno says why.
listener_t *listener_new (uv_loop_t *loop, const listener_config_t *config,
                          listener_accept_fn *accepted, void *owner);
//  Stops listening at once; the loop must turn once more before the memory is gone.
void listener_destroy (listener_t **self_p);

//  Is it a numeric IPv4 or IPv6 address?
bool listener_is_address (const char *address);

#endif
