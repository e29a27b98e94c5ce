//  pending_detaches — DETACHes that wait for the bus, each postoffice's in the order in which they
//  were put. A postoffice that takes nothing does not hold up those of the others.

#ifndef PENDING_DETACHES_H
#define PENDING_DETACHES_H

#include "bus/bus_client.h"

typedef struct pending_detaches pending_detaches_t;

//  Borrows the bus.
pending_detaches_t *pending_detaches_new (bus_client_t *bus);
void pending_detaches_destroy (pending_detaches_t **self_p);

//  Copies the record. At PENDING_DETACHES_MAX the postoffice's oldest one is dropped: that
//  postoffice keeps the endpoint until the stream ends, and sends to it for nothing.
#define PENDING_DETACHES_MAX 100000
void pending_detaches_put (pending_detaches_t *self, unsigned postoffice,
                           const bus_detach_t *detach);
//  Sends what the postoffice takes. True when nothing waits for it any more.
bool pending_detaches_send (pending_detaches_t *self, unsigned postoffice);
//  The same for all postoffices.
bool pending_detaches_send_all (pending_detaches_t *self);
//  The postoffice is gone, and what it knew of this edge with it.
void pending_detaches_forget (pending_detaches_t *self, unsigned postoffice);

#endif
