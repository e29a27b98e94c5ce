//  offering — an offer goes along its chain of targets, from its beginning to its end: who is
//  asked, who is sought, and what becomes of the visitor when nobody is left. Called by the actions
//  of control's table (handover.h); each change is an entry of the log.

#ifndef OFFERING_H
#define OFFERING_H

#include "model/offer.h"
#include "rules/entries.h"

//  It comes to nothing with the one who is asked, or sought. `goes_on`: the target's turn is over,
//  else another one of its group is sought. `message_id`, `role` and `user` are of the entry, if it
//  was somebody's doing.
typedef struct {
    const char *why; //  "declined", "expired", "nobody" …
    bool goes_on;
    text_t message_id;
    uint64_t role; //  0: the router's
    text_t user;
} failing_t;

static inline failing_t
failing_by_router (const char *why)
{
    return (failing_t){ .why = why, .message_id = TEXT_EMPTY, .user = TEXT_EMPTY };
}

//  Begins, with the entry of this id (empty: a new one): whoever has control keeps it if it is an
//  agent; else nobody has it until somebody accepts. An offer that there was must be over. The
//  texts are borrowed. `round`: 0, or the visitor was told already that nobody is left.
void offering_begin (switchboard_t *self, operation_t *operation, text_t message_id,
                     const offer_t *offer);
//  This agent, of the present target, is asked.
void offering_ask (switchboard_t *self, operation_t *operation, text_t agent);
//  Another one of the group is sought, or the next target's turn comes.
void offering_fails (switchboard_t *self, operation_t *operation, const failing_t *failing);
//  It is over, and who has control stays as it is. Nothing without an offer.
void offering_end (switchboard_t *self, operation_t *operation, const failing_t *failing);
//  Whoever had control has gone: the offer goes on, now for a visitor who waits.
void offering_stands (switchboard_t *self);

//  The platform of this topic has given the visitor up, `why` in a word that outlives the call: the
//  app's targets behind it are asked, or it is as at the end of a chain. It is not asked once more
//  by itself, or an app without a bot would have it asked for ever. There is no offer.
void offering_goes_behind (switchboard_t *self, operation_t *operation, text_t topic,
                           const char *why);
//  In an app without a bot: what the visitor said waits behind the last target, and what is said
//  next asks all of the app's. How often the chain has come to its end; 0: somebody is asked or
//  sought, or nobody waits.
uint64_t offering_rounds (const switchboard_t *self);
static inline bool
offering_is_left (const switchboard_t *self)
{
    return offering_rounds (self) > 0;
}

#endif
