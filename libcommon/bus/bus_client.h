//  bus_client — an edge's or worker's end of the bus: one DEALER to every postoffice.
//
//  It resolves the addresses (again every few seconds, never blocking the loop), says HELLO,
//  heartbeats, numbers its batches, notices what dies, falls silent or has lost something, and then
//  begins anew. To its owner a postoffice is a peer: a small number that is up or down.
//
//  Records that are sent in one turn of the loop to one postoffice travel as one batch.
//  Everything is FIFO within a stream; a stream that has a gap ends (postoffice_down), and the next
//  one begins with postoffice_up. So between postoffice_up and postoffice_down nothing is lost
//  and nothing comes twice.

#ifndef BUS_CLIENT_H
#define BUS_CLIENT_H

#include "bus/bus_resolver.h"
#include "bus/bus_record.h"

#include <uv.h>

//  Offices are numbers below this one.
#define BUS_LINKS_MAX BUS_ADDRESSES_IN_ALL

typedef struct bus_client bus_client_t;

typedef struct {
    const char *node;          //  name for logs
    node_role_t role;
    const char *topics;        //  of a worker, else ""
    uint64_t credit;           //  of a worker, else 0
    const char *addresses; //  "host:port,host:port": each host may resolve to many postoffices
    uint64_t heartbeat_ms;     //  how often; three times as long in silence means lost
    uint64_t queue_limit;      //  bytes that may wait for one postoffice
    const char *keys;          //  BUS_KEYS; NULL or "": plain
} bus_client_config_t;

//  Callbacks come from the loop, never from within a call of the owner's.
typedef struct {
    //  A new stream has begun: tell the postoffice everything that it must know of you.
    void (*postoffice_up) (void *owner, unsigned postoffice);
    //  The stream is over: what was not answered must be said again to whoever is up.
    void (*postoffice_down) (void *owner, unsigned postoffice);
    //  The record and its texts live until the callback returns.
    void (*record) (void *owner, unsigned postoffice, const bus_record_t *record);
} bus_client_events_t;

//  Copies the config. NULL when the addresses are not of the form or the keys cannot be used: a
//  fatal line in the log says which.
bus_client_t *bus_client_new (uv_loop_t *loop, const bus_client_config_t *config,
                              const bus_client_events_t *events, void *owner);
//  Says GOODBYE with what is still queued and closes; the loop must turn until its handles are
//  gone. Not from within a callback.
void bus_client_destroy (bus_client_t **self_p);

//  Which postoffice a key belongs to, of those that are up; −1 when none is. Every key that answers
//  differently after a postoffice_up or postoffice_down has moved.
int bus_client_postoffice_of (const bus_client_t *self, text_t key);
unsigned bus_client_postoffices_up (const bus_client_t *self);
//  Which start of its process it is, or was when it was up last: another one knows nothing of what
//  was said to the one before. 0: it has never been up.
uint64_t bus_client_incarnation (const bus_client_t *self, unsigned postoffice);
//  Is it up, and do both know this feature?
bool bus_client_has (const bus_client_t *self, unsigned postoffice, uint64_t feature);
//  How many there are by their addresses with which that is not so.
unsigned bus_client_without (const bus_client_t *self, uint64_t feature);

//  Queues a copy of the record. Returns 0; −1 when the postoffice is down or its queue is full.
__attribute__ ((warn_unused_result)) int bus_client_send (bus_client_t *self, unsigned postoffice,
                                                          const bus_record_t *record);

#endif
