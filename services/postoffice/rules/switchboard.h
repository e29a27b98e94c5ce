//  switchboard — who may do what in a session, who is in control, and what follows: the rules.
//
//  Each rule looks at the fold, and either refuses (a verdict) or puts entries into the changeset
//  and folds them in. Nothing is sent and nothing is stored here; what it decides counts when the
//  changeset is committed.

#ifndef SWITCHBOARD_H
#define SWITCHBOARD_H

#include "rules/entries.h"

//  How many turns of one session may be open; a visitor who asks more is told to wait.
#define TURN_LIMIT 32

//  Each decides on one operation and writes its verdict, seq and entries into it.

//  An endpoint comes in. `has_other_endpoint`: the participant has another one here.
void switchboard_attach (switchboard_t *self, operation_t *operation, bool has_other_endpoint);

//  Has it passed the visitor on, and asks for no more than it had before? Then it is not let in.
bool switchboard_is_out (const fold_t *fold, const bus_attach_t *attach);

//  What the endpoint may do in this session: what permissions.def says, and of that no more than
//  its edge says. Bits, as in principal.h.
uint64_t switchboard_permissions (const switchboard_t *self, const bus_attach_t *attach);

//  A participant comes in that is reached over a channel (fold.h): by a message from outside, by an
//  answer of a platform. A visitor opens the session when it is not there.
typedef struct {
    uint64_t role;
    text_t user;
    text_t sender;      //  JSON object
    text_t channel;     //  not a topic of turns
    text_t external_id; //  what the channel calls it; may be empty
} admission_t;
void switchboard_admit (switchboard_t *self, operation_t *operation, const admission_t *admission);

//  A visitor writes from outside (operation_t.channel), and comes in with what is said; or asks for
//  a person (HANDOFF). CLOSED: the session is, and it was not stored before.
void switchboard_visit (switchboard_t *self, operation_t *operation);

//  A participant posts, over a connection of this dialect that may do this at most.
void switchboard_post (switchboard_t *self, operation_t *operation, uint64_t role, text_t user,
                       uint64_t dialect, uint64_t may);

//  A worker tells what came of a turn. DUPLICATE when nobody waits for it any more.
void switchboard_done (switchboard_t *self, operation_t *operation);

//  A participant has been away for the grace period.
void switchboard_absent (switchboard_t *self, operation_t *operation);

//  The matcher has found somebody, or nobody, or has words for a visitor who waits. DUPLICATE:
//  control has gone on since it looked.
void switchboard_match (switchboard_t *self, operation_t *operation);

//  A platform's worker has answered an offer: done, it accepts; dead, it declines. DUPLICATE: it is
//  offered to it no more.
void switchboard_answered (switchboard_t *self, operation_t *operation);

#endif
