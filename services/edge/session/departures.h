//  departures — clients that are sent to other edges: all of them when this one ends, and a few now
//  and then while it has more than others (shedding.h).
//
//  A rich client is told `going away`, with a moment of its own at which to come back, says nothing
//  new from then on, and is closed once what it had said is answered. The stock widget has no such
//  word: it comes back 5 s after its connection was closed, whatever the reason, and says
//  nothing until its visitor does. What either says before it reads the close is still stored.
//
//  When not all go: those who are quiet first, since a move is a pause in a conversation, agents
//  last, since they are in many; and of each kind those that were connected first. Whoever was
//  moved comes back as the youngest, so nobody is moved twice before everybody was once. Nobody
//  goes whose message is not answered, for whom something waits, or who is not in a session yet.

#ifndef DEPARTURES_H
#define DEPARTURES_H

#include "session/connection.h"

#include <uv.h>

typedef struct departures departures_t;

//  Borrows both.
departures_t *departures_new (uv_loop_t *loop, clients_t *clients);
void departures_destroy (departures_t **self_p);

//  All go, spread over a short time.
void departures_drain (departures_t *self);
//  So many go. Returns how many: fewer, when the others cannot go now.
uint64_t departures_send (departures_t *self, uint64_t count);
//  Closes those whose time has come.
void departures_tick (departures_t *self);

#endif
