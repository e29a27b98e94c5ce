//  edges — the edges that are connected, and which endpoints each has, so that those of a lost one
//  are found.

#ifndef EDGES_H
#define EDGES_H

#include "session/endpoint.h"
#include "session/postoffice_context.h"

edges_t *edges_new (void);
void edges_destroy (edges_t **self_p);

void edges_up (edges_t *self, peer_t peer);
//  The edge is gone: moves its endpoints to the list. Unknown peers are ignored.
void edges_down (edges_t *self, peer_t peer, list_t *endpoints);
//  Puts the endpoint into its edge's list; false when the edge is gone.
bool edges_file (edges_t *self, endpoint_t *endpoint);

#endif
