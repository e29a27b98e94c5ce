//  send_queue — who has something for a postoffice that could not be sent at once, and the timer
//  that tries again. The queue knows nothing of what is sent: it calls `send` for each that waits.
//
//  When a postoffice is lost, thousands of clients have something to send in the same moment: only
//  a bounded number is tried at a time, so that they do not fill the bus at once. With no
//  postoffice up nothing is tried; send_queue_retry begins again.

#ifndef SEND_QUEUE_H
#define SEND_QUEUE_H

#include "base/list.h"
#include "session/pending_detaches.h"

typedef struct send_queue send_queue_t;

typedef struct {
    //  Sends what the owner of this link has. True when nothing is left to send.
    bool (*send) (void *owner, list_t *link);
    void *owner;
} send_queue_events_t;

//  Borrows bus and detaches, which are tried again by the same timer.
send_queue_t *send_queue_new (uv_loop_t *loop, bus_client_t *bus, pending_detaches_t *detaches,
                              const send_queue_events_t *events);
//  Nobody waits any more. The loop must turn until its timer is closed.
void send_queue_destroy (send_queue_t **self_p);

//  `send` is called for the link soon.
void send_queue_add (send_queue_t *self, list_t *link);
//  The link waits no more; it need not have waited.
void send_queue_remove (send_queue_t *self, list_t *link);
//  Tries again after a moment.
void send_queue_retry (send_queue_t *self);

#endif
