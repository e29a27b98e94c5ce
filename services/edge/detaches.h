//  detaches — DETACHes that wait for the bus: each office's in the order in which they came about.
//  An office that takes nothing does not hold up those of the others.

#ifndef DETACHES_H
#define DETACHES_H

#include "bus/bus_client.h"
#include "parts/list.h"

typedef struct {
    list_t by_office[BUS_OFFICES_MAX];
    uint64_t count;
} detaches_t;

void detaches_init (detaches_t *self);
void detaches_free (detaches_t *self);

//  Copies it. When too many wait the office's oldest is dropped: it learns of that one from
//  silence.
void detaches_put (detaches_t *self, unsigned office, const bus_detach_t *detach);
//  Sends what the office takes. True when nothing waits for it any more.
bool detaches_send (detaches_t *self, bus_client_t *bus, unsigned office);
//  The same for all offices.
bool detaches_send_all (detaches_t *self, bus_client_t *bus);
//  The office is gone, and what it knew of us with it.
void detaches_forget (detaches_t *self, unsigned office);

#endif
