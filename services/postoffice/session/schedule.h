//  schedule — when sessions get their turn: at once, in a while, or never again because nobody
//  needs them; and which participants are awaited.
//
//  Sessions and participants stand in its lists by links of their own.

#ifndef SCHEDULE_H
#define SCHEDULE_H

#include "session/session.h"

#include <uv.h>

//  `turn` is called from the loop, once for each session that is pending.
schedule_t *schedule_new (uv_loop_t *loop, void (*turn) (session_t *session));
//  The loop must turn until its handle is closed.
void schedule_destroy (schedule_t **self_p);

//  Gives the session a turn before the loop sleeps again.
void schedule_pend (schedule_t *self, session_t *session);
//  Gives it a turn at the next tick.
void schedule_retry (schedule_t *self, session_t *session);
//  The tick: those that wait for it are pending now, but not all at once.
void schedule_retry_some (schedule_t *self);

//  The session may have become one that nobody needs, or is one no more.
void schedule_consider_idle (schedule_t *self, session_t *session);
//  One that nobody has needed since then, taken out; NULL when there is none.
session_t *schedule_take_idle (schedule_t *self, uint64_t since_ms);

//  The participant has no endpoint since now.
void schedule_await (schedule_t *self, participant_t *participant);
//  One that has been awaited since then, taken out; NULL when there is none.
participant_t *schedule_take_absent (schedule_t *self, uint64_t since_ms);

//  It is not known since now whether the participant has an endpoint somewhere.
void schedule_settle (schedule_t *self, participant_t *participant);
//  One of whom that was not known since then, taken out; NULL when there is none.
participant_t *schedule_take_unsettled (schedule_t *self, uint64_t since_ms);

//  Operations that are not finished.
typedef struct {
    uint64_t operations;
    uint64_t bytes;
} schedule_load_t;

void schedule_begun (schedule_t *self, const operation_t *operation);
void schedule_ended (schedule_t *self, const operation_t *operation);
schedule_load_t schedule_load (const schedule_t *self);

#endif
