//  gateway — between the sockets of clients and the postoffices: what a client says becomes
//  records, what an office says becomes frames. It knows no rules of sessions: offices decide.
//
//  The work is divided among files that share this struct:
//      inbound.c      a client's frame: refused, or placed in its session and posted
//      attachment.c  LOOKUP, ATTACH, DETACH and posts on their way to an office; what comes back
//      outbound.c    entries and events from an office into outboxes, and out of them
//      keepalive.c    pings, pongs, RECEIPT
//      gateway.c       its life, time limits, offices that come and go
//
//  Everything is remembered by number (endpoint, request_id): an answer for a gone one is ignored.

#ifndef GATEWAY_H
#define GATEWAY_H

#include "bus/bus_client.h"
#include "session/connections.h"
#include "session/pending_detaches.h"
#include "tables/edge_config.h"
#include "session/posts.h"
#include "net/websocket.h"
#include "config/apps.h"

typedef struct {
    uv_loop_t *loop;
    const edge_config_t *config;
    const apps_t *apps;
    bus_client_t *bus;
    connections_t connections;
    posts_t posts;
    list_t waiting;        //  connections with something for an office
    list_t resting;        //  connections that go too fast
    list_t unconfirmed;    //  connections with something written that is to be confirmed by a ping
    list_t changed;        //  connections whose confirmed seq rose
    pending_detaches_t pending_detaches;
    uv_timer_t *pump;      //  sends what waits, a bounded number each time
    bool pumping;
    uv_timer_t *confirm;   //  while there are unconfirmed ones
    uv_timer_t *tick;      //  walks the lists that are ordered by time
    uint64_t tick_ms;
    list_t parting;        //  connections that were told that we go, the longest first
    uint64_t drained_at_ms; //  0: not draining
    uint64_t drain_to_close; //  connections that are still to be told, spread over the time
    void (*drained) (void *owner);
    void *owner;
} gateway_t;

//  Borrows config and apps. NULL after having logged why it cannot run.
gateway_t *gateway_new (uv_loop_t *loop, const char *node, const edge_config_t *config,
                        const apps_t *apps);
//  The sockets are gone already. The loop must turn until its handles are gone.
void gateway_destroy (gateway_t **self_p);

//  What the sockets are given; the owner is the gateway.
extern const websocket_events_t gateway_socket_events;

//  Closes all connections, spread over a short time, and calls `drained` when none is left.
void gateway_drain (gateway_t *self, void (*drained) (void *owner), void *owner);

// ---------------------------------------------------------------------------------------------
//  For the files of the gateway

//  Puts a frame into the connection's outbox and gives back the caller's reference. Closes a
//  connection whose outbox is full. NULL (no memory) closes it, too.
void gateway_write (gateway_t *self, connection_t *connection, frame_t **frame_p);

//  Ends a connection: it leaves its session at once, what is in its outbox is still written for a
//  while, then the socket is closed with the reason's code.
void gateway_close (gateway_t *self, connection_t *connection, close_reason_t reason);

//  It has something for an office: sent in a moment. NULL: something else waits for the bus.
void gateway_wait (gateway_t *self, connection_t *connection);

//  The bot of the connection's app, as the sender of a frame.
text_t gateway_bot_sender (const gateway_t *self, const connection_t *connection);

//  Too much waits here, all connections together: what is large is refused.
bool gateway_is_overloaded (const gateway_t *self);

static inline uint64_t
gateway_now (const gateway_t *self)
{
    return uv_now (self->loop);
}

#endif
