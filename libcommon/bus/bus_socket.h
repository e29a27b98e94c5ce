//  bus_socket — a ZeroMQ socket (czmq's zsock) on a libuv loop, plain or with CURVE.
//
//  ZeroMQ's descriptor only says that something has changed, once, and a send may consume that. So
//  the socket is asked whenever the descriptor was readable, and before the loop sleeps when
//  something was sent since the last time; an idle socket costs a turn nothing
//  (bus_socket.c says why none of this misses a message).
//
//  A turn takes at most BUS_SOCKET_TURN messages (or BUS_SOCKET_TURN_BYTES), then the loop goes on.
//  Nothing here blocks. Each side holds at most BUS_SOCKET_HWM messages per peer in ZeroMQ.

#ifndef BUS_SOCKET_H
#define BUS_SOCKET_H

#include "bus/bus_keys.h"
#include "bus/bus_limits.h"
#include "bus/bus_monitor.h"
#include "base/text.h"

#include <uv.h>

#define BUS_SOCKET_TURN 64
#define BUS_SOCKET_TURN_BYTES (512 * 1024)
#define BUS_SOCKET_HWM 64

typedef struct bus_socket bus_socket_t;

typedef struct {
    //  The loop has woken up and messages are about to be taken.
    void (*woken) (void *owner);
    //  A message of one frame. `from` is the routing id at a ROUTER, else empty. Both are borrowed.
    //  Messages of any other shape are counted, logged and gone.
    void (*message) (void *owner, text_t from, text_t body);
    //  The loop is about to sleep: what has gathered should be sent now.
    void (*turn) (void *owner);
    bus_refused_fn *refused; //  may be NULL
} bus_socket_events_t;

//  Binds. NULL when the address cannot be had; errno says why. Without keys it is plain.
bus_socket_t *bus_socket_new_router (uv_loop_t *loop, const char *address, const bus_keys_t *keys,
                                     const bus_socket_events_t *events, void *owner);
//  Dials, and dials again for as long as the socket lives. The id is what the ROUTER knows it by.
//  NULL when the address is no address or no descriptor is left; errno says which. `nth` chooses
//  the postoffice's certificate among the keys.
bus_socket_t *bus_socket_new_dealer (uv_loop_t *loop, const char *address, text_t id,
                                     const bus_keys_t *keys, uint64_t nth,
                                     const bus_socket_events_t *events, void *owner);
//  May be called from a callback of the socket's, which is then the last one. What was sent just
//  before still has BUS_SOCKET_LINGER_MS to go out. The memory goes when the loop has turned; the
//  last socket of the process takes ZeroMQ's threads with it.
void bus_socket_destroy (bus_socket_t **self_p);
#define BUS_SOCKET_LINGER_MS 200

//  What ZeroMQ knows of the sender of the message that the callback was called with: "User-Id" (the
//  public key of its connection, with keys), "Peer-Address". Other properties may be the sender's
//  own words. NULL when there is none. Borrowed.
const char *bus_socket_sender (const bus_socket_t *self, const char *property);

//  The connection of that sender, as the monitor knows it. 0: it is gone.
uint64_t bus_socket_sender_connection (bus_socket_t *self);
//  Borrowed.
bus_monitor_t *bus_socket_monitor (bus_socket_t *self);
//  Counts what is no batch of a stream, and logs it now and then.
void bus_socket_complain (const bus_socket_t *self, text_t from, const char *what);

//  What a ROUTER is really bound to. Borrowed.
const char *bus_socket_endpoint (const bus_socket_t *self);

typedef enum {
    BUS_SENT,
    BUS_FULL,        //  not now; nothing was sent
    BUS_UNREACHABLE, //  nobody of this id is connected
} bus_sent_t;

//  Sends head and body as one frame, copied. `to` is a routing id at a ROUTER, else ignored.
bus_sent_t bus_socket_send (bus_socket_t *self, text_t to, text_t head, text_t body);

#endif
