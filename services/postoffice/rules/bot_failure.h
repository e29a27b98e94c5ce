//  bot_failure — what follows when a turn fails: who is told, and when the question is put again.
//
//  The visitor is told, as the app's policy says (apps.json, switchboard.failure): by a `failure`,
//  which the widget shows, or by a text; and not once more within tell_s, whatever is asked
//  meanwhile; nor later, unless the visitor says something new; nor of a bot that does not answer
//  when it is told of its return, as nobody waits for that. When the failure is the bot's own
//  fault (fault_t), what the visitor said last stays unanswered, and is put to the bot again by a
//  turn that is_again: once at a time, never up a ladder of tries, and not before
//  work/bot_health.h lets it. Any other failure ends the matter.

#ifndef BOT_FAILURE_H
#define BOT_FAILURE_H

#include "rules/entries.h"

//  Would others fail, too? An old worker does not say; then its status does.
bool bot_failure_is_of_bot (const bus_done_t *done);

//  A DONE of this turn says that it failed: tells, ends the turn, and asks again.
//  One that was put again in vain is not ended, but put off without a word
//  (operation_t.is_put_off).
void bot_failure_done (switchboard_t *self, operation_t *operation, turn_t *turn);

//  When the turn, which is_again, may be put to the bot next. Of one that was just loaded, too: so
//  it is not tried anew by each postoffice that comes to it.
void bot_failure_put_off (const app_failure_t *policy, const fold_t *fold, turn_t *turn);

#endif
