//  balance — an edge's part in spreading clients over edges: it says to each postoffice how many it
//  has (LOAD), hears of all (LOADS), and sends some of its own elsewhere when it has more than the
//  mean.

#ifndef BALANCE_H
#define BALANCE_H

#include "session/departures.h"
#include "session/shedding.h"

typedef struct balance balance_t;

//  Borrows the bus and the clients.
balance_t *balance_new (uv_loop_t *loop, bus_client_t *bus, clients_t *clients,
                        const shedding_config_t *config);
void balance_destroy (balance_t **self_p);

void balance_told (balance_t *self, unsigned postoffice, const bus_loads_t *loads);
void balance_postoffice_down (balance_t *self, unsigned postoffice);
//  This edge is ending: it counts no more, and all clients go within so many milliseconds.
void balance_drain (balance_t *self, uint64_t within_ms);
void balance_tick (balance_t *self);

#endif
