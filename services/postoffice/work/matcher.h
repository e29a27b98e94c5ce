//  matcher — finds agents for the visitors who wait, and tells those their place in the queue.
//
//  Who is found for whom is decided in the database (schema/agents.sql), by one postoffice at a
//  time for an app; each session then decides what becomes of it. What is found is reserved for
//  10 s: whatever is lost on the way, with this process or its session, ends by itself.
//
//  When it looks:
//  - as soon as somebody begins to wait here, or something that they wait for may have come free;
//  - every second while anybody waits anywhere;
//  - every few seconds else, at the cost of one look at an index: what another postoffice left.

#ifndef MATCHER_H
#define MATCHER_H

#include "config/apps.h"
#include "read/matches.h"

typedef struct matcher matcher_t;

//  What a session that waits is to know. Its texts live as long as the call.
typedef struct {
    text_t session;   //  its key
    uint64_t version; //  of control, when that was so: stale when it is another one by now
    text_t agent;     //  who can take it; empty, and no words: nobody of its target can
    text_t words;     //  for the visitor, of its place; empty: it is about an agent
} matched_t;

typedef void matched_fn (void *owner, const matched_t *matched);

//  Borrows the apps.
matcher_t *matcher_new (uv_loop_t *loop, const store_config_t *store, apps_t *apps,
                        matched_fn *matched, void *owner);
//  The schema is the right one now; safe to call again.
void matcher_open (matcher_t *self);
void matcher_destroy (matcher_t **self_p);

//  Somebody waits here.
void matcher_somebody_waits (matcher_t *self);
//  An agent has become available, or has less to do: nothing happens when nobody waits.
void matcher_somebody_is_free (matcher_t *self);
//  The process is about to end: nobody is looked for any more.
void matcher_drain (matcher_t *self);

#endif
