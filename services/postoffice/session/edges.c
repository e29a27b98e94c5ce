#include "session/edges.h"

#include "base/alloc.h"
#include "base/hash_table.h"

#include <stdlib.h>

typedef struct {
    UT_hash_handle hh;
    peer_t peer;
    list_t endpoints;
} edge_t;

struct edges {
    edge_t *by_peer;
};

edges_t *
edges_new (void)
{
    return alloc_zeroed (sizeof (edges_t));
}

static void
s_remove (edges_t *self, edge_t *edge)
{
    HASH_DEL (self->by_peer, edge);
    free (edge);
}

void
edges_destroy (edges_t **self_p)
{
    edges_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    edge_t *edge, *next;
    HASH_ITER (hh, self->by_peer, edge, next)
    s_remove (self, edge);
    free (self);
}

static edge_t *
s_edge (const edges_t *self, peer_t peer)
{
    edge_t *edge;
    HASH_FIND (hh, self->by_peer, &peer, sizeof peer, edge);
    return edge;
}

void
edges_up (edges_t *self, peer_t peer)
{
    edge_t *edge = alloc_zeroed (sizeof *edge);
    edge->peer = peer;
    list_init (&edge->endpoints);
    HASH_ADD (hh, self->by_peer, peer, sizeof edge->peer, edge);
}

void
edges_down (edges_t *self, peer_t peer, list_t *endpoints)
{
    edge_t *edge = s_edge (self, peer);
    if (!edge)
        return;
    list_t *link;
    while ((link = list_first (&edge->endpoints)))
        list_append (endpoints, link);
    s_remove (self, edge);
}

bool
edges_file (edges_t *self, endpoint_t *endpoint)
{
    edge_t *edge = s_edge (self, endpoint->peer);
    if (!edge)
        return false;
    list_append (&edge->endpoints, &endpoint->in_peer);
    return true;
}
