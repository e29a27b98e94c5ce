//  conversations — the items of topic platform.genesys: each is an attempt at one of the steps of a
//  conversation there (docs/genesys.md). A table on `body.event` says which:
//
//      offer        opens the conversation, with what was said before; done accepts the visitor
//      an entry     what the visitor says goes there, in order; `user left` gives the visitor back
//      over         the conversation there is ended
//      watch        asks who is there, and does what follows from it; until the platform is out
//      receipt      tells Genesys what became of a message of its agent
//
//  A conversation has no memory here: what a step must know of those before stands in the item, in
//  its memory and in that of its lane. What is counted is this process's own view.

#ifndef CONVERSATIONS_H
#define CONVERSATIONS_H

#include "conversation/conversation_means.h"
#include "worker/worker.h"

conversations_t *conversations_new (const conversation_means_t *means);
//  When the worker is gone.
void conversations_destroy (conversations_t **self_p);

//  The kind of worker whose service they are: all but `credit`, `attempt_ms` and `overdue`.
worker_kind_t conversation_kind (conversations_t *self);
//  Once it is there, and before the loop turns.
void conversations_set_worker (conversations_t *self, worker_t *worker);

#endif
