//  pending_detaches — DETACHes that wait for the bus: each office's in the order in which they
//  came about. An office that takes nothing does not hold up those of the others.

#ifndef PENDING_DETACHES_H
#define PENDING_DETACHES_H

#include "bus/bus_client.h"
#include "base/list.h"

typedef struct {
    list_t by_office[BUS_LINKS_MAX];
    uint64_t count;
} pending_detaches_t;

void pending_detaches_init (pending_detaches_t *self);
void pending_detaches_free (pending_detaches_t *self);

//  Copies it. When too many wait the office's oldest is dropped: it learns of that one from
//  silence.
void pending_detaches_put (pending_detaches_t *self, unsigned office, const bus_detach_t *detach);
//  Sends what the office takes. True when nothing waits for it any more.
bool pending_detaches_send (pending_detaches_t *self, bus_client_t *bus, unsigned office);
//  The same for all offices.
bool pending_detaches_send_all (pending_detaches_t *self, bus_client_t *bus);
//  The office is gone, and what it knew of us with it.
void pending_detaches_forget (pending_detaches_t *self, unsigned office);

#endif
