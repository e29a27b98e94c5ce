//  steps — the steps of a conversation, each a function that begins an attempt at an item
//  (conversations.h).

#ifndef STEPS_H
#define STEPS_H

#include "conversation/attempt.h"

//  `offer`: the conversation is opened. A first attempt remembers that it will be, and posts
//  nothing: whatever becomes of this process, `over` knows that there may be one.
void step_open (attempt_t *self);
//  What is said.
void step_say (attempt_t *self);
//  `user left`: the visitor who has gone is given back, unless they are back themselves.
void step_leave (attempt_t *self);
//  `over`: the conversation is ended there, whether its id is known or not.
void step_end (attempt_t *self);
//  `watch`: one look at who is there, and one thing that follows from it.
void step_watch (attempt_t *self);
//  `receipt`.
void step_receipt (attempt_t *self);
//  Of what Genesys has no use for.
void step_nothing (attempt_t *self);

//  For the steps: posts self->said from the first part on that was not accepted yet, in order, one
//  at a time; then calls `posted`. What does not go ends the attempt, by `refused`.
void post_all (attempt_t *self, void (*posted) (attempt_t *self), attempt_outcome_fn *refused);

#endif
