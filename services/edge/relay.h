//  relay — between the sockets of clients and the postoffices: what a client says becomes records,
//  what an office says becomes frames. It knows no rules of sessions: offices decide.
//
//  The work is divided among files that share this struct:
//      intake.c      a client's frame: refused, or placed in its session and posted
//      membership.c  LOCATE, SYNC, DETACH and posts on their way to an office; what comes back
//      delivery.c    entries and events from an office into outboxes, and out of them
//      liveness.c    pings, pongs, SEEN
//      relay.c       its life, time limits, offices that come and go
//
//  Everything is remembered by number (endpoint, ticket): an answer for a gone one is ignored.

#ifndef RELAY_H
#define RELAY_H

#include "bus/bus_client.h"
#include "connections.h"
#include "detaches.h"
#include "edge_config.h"
#include "posts.h"
#include "websocket.h"
#include "words/apps.h"

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
    detaches_t detaches;
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
} relay_t;

//  Borrows config and apps. NULL after having logged why it cannot run.
relay_t *relay_new (uv_loop_t *loop, const char *node, const edge_config_t *config,
                    const apps_t *apps);
//  The sockets are gone already. The loop must turn until its handles are gone.
void relay_destroy (relay_t **self_p);

//  What the sockets are given; the owner is the relay.
extern const websocket_events_t relay_socket_events;

//  Closes all connections, spread over a short time, and calls `drained` when none is left.
void relay_drain (relay_t *self, void (*drained) (void *owner), void *owner);

// ---------------------------------------------------------------------------------------------
//  For the files of the relay

//  Puts a frame into the connection's outbox and gives back the caller's reference. Closes a
//  connection whose outbox is full. NULL (no memory) closes it, too.
void relay_write (relay_t *self, connection_t *connection, frame_t **frame_p);

//  Ends a connection: it leaves its session at once, what is in its outbox is still written for a
//  while, then the socket is closed with the reason's code.
void relay_close (relay_t *self, connection_t *connection, close_reason_t reason);

//  It has something for an office: sent in a moment. NULL: something else waits for the bus.
void relay_wait (relay_t *self, connection_t *connection);

//  The bot of the connection's app, as the sender of a frame.
text_t relay_bot_sender (const relay_t *self, const connection_t *connection);

//  Too much waits here, all connections together: what is large is refused.
bool relay_is_crowded (const relay_t *self);

static inline uint64_t
relay_now (const relay_t *self)
{
    return uv_now (self->loop);
}

#endif
