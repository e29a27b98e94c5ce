//  edge_loads — how many clients each edge has, as the edges say (LOAD), and what all of them are
//  told of that once in a second (LOADS).
//
//  An edge of before says nothing: it is counted as silent. One that is ending is counted no more.

#ifndef EDGE_LOADS_H
#define EDGE_LOADS_H

#include "bus/bus_server.h"

#define EDGE_LOADS_EVERY_MS 1000

typedef struct edge_loads edge_loads_t;

//  Borrows the bus.
edge_loads_t *edge_loads_new (uv_loop_t *loop, bus_server_t *bus);
void edge_loads_destroy (edge_loads_t **self_p);

//  A new edge; `knows` it LOADS?
void edge_loads_up (edge_loads_t *self, peer_t peer, bool knows);
//  Peers that are no edges are ignored, here and below.
void edge_loads_down (edge_loads_t *self, peer_t peer);
void edge_loads_said (edge_loads_t *self, peer_t peer, const bus_load_t *load);
//  Tells the edges, when it is time to.
void edge_loads_tick (edge_loads_t *self);

#endif
