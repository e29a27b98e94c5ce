//  departures — clients that are sent to other edges: all of them when this one ends, and a few now
//  and then while it has more than others (shedding.h).
//
//  A rich client is told `going away`, with a moment of its own at which to come back, says nothing
//  new from then on, and is closed at once when what it had said is answered: that is its pause. So
//  it is told as late as can be, and the many are spread by when they are told, not by how long
//  they are away. The stock widget has no such
//  word: it comes back 5 s after its connection was closed, whatever the reason, and says
//  nothing until its visitor does. What either says before it reads the close is still stored.
//
//  When not all go: those who are quiet first, since a move is a pause in a conversation, agents
//  last, since they are in many; and of each kind those that were connected first. Whoever came
//  lately, moved or not, stays for a while. Nobody goes whose message is not answered, for whom
//  something waits, or who is not in a session yet.

#ifndef DEPARTURES_H
#define DEPARTURES_H

#include "session/connection.h"

#include <uv.h>

typedef struct departures departures_t;

//  Borrows both.
departures_t *departures_new (uv_loop_t *loop, clients_t *clients);
void departures_destroy (departures_t **self_p);

//  All are told at a pace that the other edges can take, within so many milliseconds, and given no
//  longer than that to go.
void departures_drain (departures_t *self, uint64_t within_ms);
//  So many of those go who were connected before this moment. Returns how many: fewer, when the
//  others cannot go now.
uint64_t departures_send (departures_t *self, uint64_t count, uint64_t before_ms);
//  Closes those whose time has come.
void departures_tick (departures_t *self);

#endif
