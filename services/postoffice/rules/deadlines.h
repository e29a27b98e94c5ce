//  deadlines — what follows from control and the offer when time goes by, and when nobody is there:
//  each is a timer of the session (timers.def), set with the entry that it follows from, and stale
//  when what it depends on is over. Agents are warned before a visitor is taken from somebody.

#ifndef DEADLINES_H
#define DEADLINES_H

#include "rules/entries.h"

//  A timer is due. OK: it has run, and is finished in the changeset; DUPLICATE: it is stale; BUSY:
//  it is to be run again (timer_due_t.again_ms).
void deadlines_run (switchboard_t *self, operation_t *operation);

//  No more operations go into the changeset: sets what is to be waited for now.
void deadlines_end (switchboard_t *self);

#endif
