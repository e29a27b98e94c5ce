//  bus_server — a postoffice's end of the bus: one ROUTER for all edges and workers.
//
//  It answers HELLO with WELCOME, heartbeats, numbers its batches to each peer, and drops a peer
//  that falls silent, says GOODBYE, or whose stream has a gap (telling it, so it begins anew).
//  Peers are numbers that are never used twice: one that is gone is simply not found any more.

#ifndef BUS_SERVER_H
#define BUS_SERVER_H

#include "bus/bus_record.h"

#include <uv.h>

typedef struct bus_server bus_server_t;
typedef uint64_t peer_t; //  0 is nobody

typedef struct {
    const char *node;
    const char *address;       //  "tcp://127.0.0.1:7001"; port * takes any free one
    uint64_t heartbeat_ms;
    uint64_t queue_limit;      //  bytes that may wait for one peer; a peer beyond it is dropped
    uint64_t peer_limit;       //  how many peers; one more is told REJECT
    const char *keys;          //  BUS_KEYS; NULL or "": plain
    const char *hash_secret;   //  BUS_HASH_KEY; NULL or "": what follows from the keys
} bus_server_config_t;

typedef struct {
    //  A new stream: the peer knows nothing of older ones and neither should you.
    void (*peer_up) (void *owner, peer_t peer, const bus_hello_t *hello);
    void (*peer_down) (void *owner, peer_t peer);
    //  The record and its texts live until the callback returns.
    void (*record) (void *owner, peer_t peer, const bus_record_t *record);
} bus_server_events_t;

//  Binds. NULL when the address cannot be had or the keys cannot be used: a fatal line in the log
//  says which, and errno is 0 when a setting is wrong (the keys, an address of another form).
bus_server_t *bus_server_new (uv_loop_t *loop, const bus_server_config_t *config,
                              const bus_server_events_t *events, void *owner);
//  Says GOODBYE to all, calls nobody, and closes; the loop must turn until its handles are gone.
//  Not from within a callback.
void bus_server_destroy (bus_server_t **self_p);

//  The endpoint really bound, such as "tcp://127.0.0.1:7001". Borrowed.
const char *bus_server_endpoint (const bus_server_t *self);

//  Queues a copy of the record. Returns 0; −1 when there is no such peer (any more) or its queue is
//  full, in which case the peer is dropped: it begins anew and asks for what it missed.
__attribute__ ((warn_unused_result)) int bus_server_send (bus_server_t *self, peer_t peer,
                                                          const bus_record_t *record);

//  Bytes that wait for the peer; SIZE_MAX when there is no such peer (any more).
size_t bus_server_queued (const bus_server_t *self, peer_t peer);

//  Sends GOODBYE to all and welcomes nobody any more: they move their sessions elsewhere. Records
//  still come in and can still be answered until the server is destroyed.
void bus_server_drain (bus_server_t *self);

//  Sends GOODBYE to all, ends their streams (peer_down comes from the loop) and refuses every HELLO
//  until bus_server_resume: they move their sessions elsewhere and come back.
void bus_server_suspend (bus_server_t *self);
void bus_server_resume (bus_server_t *self);

#endif
