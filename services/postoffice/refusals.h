//  refusals — which posts of an endpoint are refused because one before them was: of what a client
//  says in one go, nothing may be stored that overtakes a message that it is to say again.
//
//  Each POST names the one that was under way before it (`follows`). When that one, or one before
//  it, was refused for now, so is this one. The run ends with a later POST that follows none of
//  them: the client has begun again. Tickets of one edge only rise. A post whose client would not
//  say it again names itself and is of no run.
//
//  One row for an endpoint, until its run ends or it is gone, at most for REFUSALS_KEPT_MS: longer
//  than any post is under way. There are at most REFUSALS_MOST; the oldest go first.

#ifndef REFUSALS_H
#define REFUSALS_H

#include "bus/bus_server.h"

#define REFUSALS_KEPT_MS 60000
#define REFUSALS_MOST 100000

typedef struct refusals refusals_t;

refusals_t *refusals_new (void);
void refusals_destroy (refusals_t **self_p);

//  This post was refused, and may be said again.
void refusals_note (refusals_t *self, peer_t peer, const bus_post_t *post, uint64_t now_ms);
//  Must it be refused because it follows one that was? Ends the run when it begins a new one.
bool refusals_include (refusals_t *self, peer_t peer, const bus_post_t *post);

void refusals_forget (refusals_t *self, peer_t peer, uint64_t endpoint);
void refusals_forget_peer (refusals_t *self, peer_t peer);
//  To be called now and then: forgets what is too old.
void refusals_expire (refusals_t *self, uint64_t now_ms);
size_t refusals_count (const refusals_t *self);

#endif
