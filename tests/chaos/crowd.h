//  crowd — everybody who talks to the router, in a thread of their own.

#ifndef CROWD_H
#define CROWD_H

#include "crowd_context.h"
#include "conversation.h"

typedef struct crowd crowd_t;

//  They begin to talk.
crowd_t *crowd_new (const plan_t *plan, const deployment_t *site, findings_t *trouble);
void crowd_destroy (crowd_t **self_p);

//  Its counts may be read at any time; the rest of it after crowd_end.
crowd_context_t *crowd_scene (crowd_t *self);
//  Nobody says anything new; what was said is brought to its end.
void crowd_fall_silent (crowd_t *self);
//  True when everybody has got all that they were to get.
bool crowd_is_quiet (const crowd_t *self);
//  Ends the thread; whoever still waits is complained of. All have hung up.
void crowd_end (crowd_t *self);

//  After crowd_end.
unsigned crowd_talks (const crowd_t *self);
conversation_t *crowd_talk (const crowd_t *self, unsigned number);

#endif
