//  lookups — questions of edges for the session that a user was last in, until the store answers.

#ifndef LOOKUPS_H
#define LOOKUPS_H

#include "session/postoffice_context.h"

typedef struct lookups lookups_t;

lookups_t *lookups_new (postoffice_context_t *office);
//  Answers nobody; the store must be gone.
void lookups_destroy (lookups_t **self_p);

//  LOOKUP: answered with LOOKUP_REPLY, at once or later.
void lookups_ask (lookups_t *self, peer_t peer, const bus_lookup_t *lookup);

#endif
