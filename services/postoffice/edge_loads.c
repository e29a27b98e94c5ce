#include "edge_loads.h"

#include "base/alloc.h"
#include "base/hash_table.h"
#include "base/log.h"

#include <stdlib.h>

typedef struct {
    UT_hash_handle hh;
    peer_t peer;
    bool knows;    //  is told LOADS
    bool has_said; //  its number is known
    bool ends;
    uint64_t connections;
} edge_load_t;

struct edge_loads {
    uv_loop_t *loop;
    bus_server_t *bus;
    edge_load_t *edges; //  hash table
    uint64_t changed_ms; //  when one came or went last
    uint64_t told_ms;
};

edge_loads_t *
edge_loads_new (uv_loop_t *loop, bus_server_t *bus)
{
    edge_loads_t *self = alloc_zeroed (sizeof *self);
    self->loop = loop;
    self->bus = bus;
    self->changed_ms = self->told_ms = uv_now (loop);
    return self;
}

static void
s_remove (edge_loads_t *self, edge_load_t *edge)
{
    HASH_DEL (self->edges, edge);
    free (edge);
}

void
edge_loads_destroy (edge_loads_t **self_p)
{
    edge_loads_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    edge_load_t *edge, *next;
    HASH_ITER (hh, self->edges, edge, next)
    s_remove (self, edge);
    free (self);
}

static edge_load_t *
s_edge (const edge_loads_t *self, peer_t peer)
{
    edge_load_t *edge;
    HASH_FIND_NUMBER (hh, self->edges, peer, edge);
    return edge;
}

void
edge_loads_up (edge_loads_t *self, peer_t peer, bool knows)
{
    edge_load_t *edge = alloc_zeroed (sizeof *edge);
    edge->peer = peer;
    edge->knows = knows;
    HASH_ADD_NUMBER (hh, self->edges, peer, edge);
    self->changed_ms = uv_now (self->loop);
}

void
edge_loads_down (edge_loads_t *self, peer_t peer)
{
    edge_load_t *edge = s_edge (self, peer);
    if (!edge)
        return;
    s_remove (self, edge);
    self->changed_ms = uv_now (self->loop);
}

void
edge_loads_said (edge_loads_t *self, peer_t peer, const bus_load_t *load)
{
    edge_load_t *edge = s_edge (self, peer);
    if (!edge)
        return;
    if (load->ends && !edge->ends)
        self->changed_ms = uv_now (self->loop);
    edge->has_said = true;
    edge->ends = load->ends;
    //  So that the sum of any number of them is one.
    edge->connections = load->connections < UINT32_MAX ? load->connections : UINT32_MAX;
}

static bus_loads_t
s_sum (const edge_loads_t *self)
{
    bus_loads_t loads = { .settled_ms = uv_now (self->loop) - self->changed_ms };
    for (const edge_load_t *edge = self->edges; edge; edge = edge->hh.next) {
        if (edge->ends)
            continue;
        loads.edges += edge->has_said;
        loads.silent += !edge->has_said;
        loads.connections += edge->connections;
    }
    return loads;
}

void
edge_loads_tick (edge_loads_t *self)
{
    uint64_t now = uv_now (self->loop);
    if (now - self->told_ms < EDGE_LOADS_EVERY_MS)
        return;
    self->told_ms = now;
    bus_record_t record = { .kind = BUS_LOADS, .loads = s_sum (self) };
    for (const edge_load_t *edge = self->edges; edge; edge = edge->hh.next)
        if (edge->knows && bus_server_send (self->bus, edge->peer, &record) != 0)
            log_debug ("not sent", log_string ("kind", "LOADS")); //  peer_down follows
}
