//  control_rig — a session without a postoffice, in any state of control: visitor `vic`, agents
//  `anna` and `otto`, an app that hands off to `rig_chain`. What happens goes into `rig_draft`.
//
//  There is one at a time.

#ifndef CONTROL_RIG_H
#define CONTROL_RIG_H

#include "config/app_switchboard.h"
#include "rules/deadlines.h"
#include "rules/handover.h"
#include "rules/switchboard.h"

#define RIG_CHAIN 3 //  group:sales, platform:x, bot
extern const text_t rig_chain[RIG_CHAIN];
extern fold_t rig_fold;
extern changeset_t *rig_draft;
extern switchboard_t rig_board;

void rig_begin (void);
void rig_end (void);
//  What was in the one before is stored, as it were.
void rig_next_changeset (void);
//  A message id; borrowed until the next call.
text_t rig_new_id (void);

//  What happens, by this one; the operation goes into the changeset.
verdict_t rig_happens (control_event_t event, uint64_t role, const char *user,
                       const text_t *targets, size_t count);
void rig_visitor_says (bool is_hidden, const char *data);
void rig_visitor_asks (void);
//  The state, with a question that nobody has answered, and a new changeset.
void rig_make (control_state_t state);
//  A question that nobody has answered is in somebody's hands: asked of the bot, or of a person, or
//  somebody is sought, with a deadline.
void rig_expect_no_silence (const char *after);

#endif
