//  callers — what each address of clients may do: how many sockets it has, and how fast it opens
//  them, asks, and becomes a WebSocket. So one address cannot take what all share: the sockets
//  that are no WebSockets (yet), the rate limit of accepting, that of the pages.
//
//  A socket is silent until it is a WebSocket. Behind a trusted proxy the sockets are the proxy's,
//  and what counts in their place are the requests that are under way, and the WebSockets.
//
//  An address has a place in the table as long as it has sockets, and for a while after that, so
//  that coming again does not fill its buckets. Of places without sockets those left longest ago go
//  first. Memory is bounded by the sockets and `idle_most`.

#ifndef CALLERS_H
#define CALLERS_H

#include "address/client_address.h"

#include <stdint.h>

typedef struct callers callers_t;
typedef struct caller_place caller_place_t;

//  One socket's (or request's) share of its address. All zeros: nobody.
typedef struct {
    client_address_t address;
    bool is_silent;
    caller_place_t *place; //  NULL: it is not counted
} caller_t;

typedef enum { CALLER_SOCKET, CALLER_REQUEST, CALLER_UPGRADE, CALLER_ACTS } caller_act_t;

#define CALLER_BURST_SECONDS 10

//  0: no limit, for each.
typedef struct {
    uint64_t sockets_most;
    uint64_t silent_most;             //  of them
    uint64_t per_second[CALLER_ACTS]; //  in the long run; CALLER_BURST_SECONDS of it at once
    uint64_t idle_most;               //  addresses without sockets that are remembered
} callers_config_t;

callers_t *callers_new (const callers_config_t *config);
//  Its callers have left.
void callers_destroy (callers_t **self_p);

//  One more silent socket. It was not in.
void callers_enter (callers_t *self, caller_t *caller, const client_address_t *address,
                    uint64_t now_ms);
//  In how many milliseconds it may do this; 0: now. More is counted and logged as refused.
uint64_t callers_wait_ms (const callers_t *self, const caller_t *caller, caller_act_t act,
                          uint64_t now_ms);
//  It does it.
void callers_take (callers_t *self, const caller_t *caller, caller_act_t act, uint64_t now_ms);
//  It is a WebSocket now.
void callers_speak (callers_t *self, caller_t *caller);
//  It has gone, if it was in.
void callers_leave (callers_t *self, caller_t *caller, uint64_t now_ms);

#endif
