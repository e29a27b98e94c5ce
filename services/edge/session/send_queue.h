//  send_queue — what could not be sent to a postoffice at once, and the timer that tries again: the
//  clients that have something to send, and the DETACHes of clients that have left a session.
//
//  The queue knows nothing of what a client sends: it calls `send` for each that waits. When a
//  postoffice is lost, thousands of clients have something to send in the same moment: only a
//  bounded number is tried at a time, so that they do not fill the bus at once. With no postoffice
//  up nothing is tried; send_queue_retry begins again.
//
//  The DETACHes for a postoffice go in the order in which they were put. A postoffice that takes
//  nothing does not hold up those of the others.

#ifndef SEND_QUEUE_H
#define SEND_QUEUE_H

#include "base/list.h"
#include "bus/bus_client.h"

typedef struct send_queue send_queue_t;

//  Sends what the owner of this link has. True when nothing is left to send.
typedef bool send_queue_send_fn (list_t *link);

//  Borrows the bus.
send_queue_t *send_queue_new (uv_loop_t *loop, bus_client_t *bus, send_queue_send_fn *send);
//  Nobody waits any more. The loop must turn until its timer is closed.
void send_queue_destroy (send_queue_t **self_p);

//  `send` is called for the link soon.
void send_queue_add (send_queue_t *self, list_t *link);
//  The link waits no more; it need not have waited.
void send_queue_remove (send_queue_t *self, list_t *link);
//  Tries again after a moment.
void send_queue_retry (send_queue_t *self);

//  Sends the DETACH, behind those that wait already; what is not sent now is kept and tried again.
//  At PENDING_DETACHES_MAX the postoffice's oldest one is dropped: that postoffice keeps the
//  endpoint until the stream ends, and sends to it for nothing.
#define PENDING_DETACHES_MAX 100000
void send_queue_detach (send_queue_t *self, unsigned postoffice, const bus_detach_t *detach);
//  Sends the DETACHes that the postoffice takes. True when none waits for it any more.
bool send_queue_send_detaches (send_queue_t *self, unsigned postoffice);
//  The same for all postoffices.
bool send_queue_send_all_detaches (send_queue_t *self);
//  The postoffice is gone, and what it knew of this edge with it: it needs no DETACHes.
void send_queue_forget (send_queue_t *self, unsigned postoffice);

#endif
