//  requests — the postoffice's half of the HTTP API: a REQUEST of an edge is decided by
//  permissions.def, carried out, and answered with a REPLY: JSON, or a problem.
//
//  What only reads is asked of the database (reader.h), not of the sessions in memory: another
//  postoffice may have them. Whether the principal may see it is part of the question, so that what
//  is not there and what is not the asker's look the same.

#ifndef REQUESTS_H
#define REQUESTS_H

#include "session/postoffice_context.h"

typedef struct requests requests_t;

//  Borrows the context.
requests_t *requests_new (uv_loop_t *loop, postoffice_context_t *office,
                          const store_config_t *store);
//  Answers nobody.
void requests_destroy (requests_t **self_p);
//  The schema is the right one now.
void requests_open (requests_t *self);

//  REQUEST: answered with REPLY, at once or later.
void requests_ask (requests_t *self, peer_t peer, const bus_request_t *request);

#endif
