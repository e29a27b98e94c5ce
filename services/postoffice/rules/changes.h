//  changes — what the API asks of a session, beside messages: to be opened, closed and opened
//  again, and that an agent takes part without a connection and leaves.
//
//  An agent who takes part without a connection has the channel CHANNEL_API (fold.h): it is present
//  until it leaves or the session is closed, and no grace period ends that. Nothing is delivered
//  over this channel; who is in it reads by itself.
//
//  Each request has an id, that of its entry. A request that comes again finds its entry, is told
//  what came of it the first time, and does nothing. What would change nothing makes no entry.

#ifndef CHANGES_H
#define CHANGES_H

#include "rules/entries.h"

//  Agents who take part in one session without a connection, at most.
#define CHANNEL_API_MOST 100

//  Decides on an OPERATION_CHANGE. OK without an entry: it is so already.
void changes_decide (switchboard_t *self, operation_t *operation);

//  Would it put nothing into the log? Before that is said, the log is to be looked at once more:
//  another postoffice may have written to it.
bool changes_is_idle (const fold_t *fold, const operation_t *operation);

//  Has this request an entry already? Then the verdict is DUPLICATE, with its seq and time, or
//  KEY_REUSED when the entry is of another event than these, or of another participant.
bool changes_is_repeated (const fold_t *fold, operation_t *operation, text_t message_id,
                          unsigned events, uint64_t role, text_t user);

//  Is this the log that the asker saw? Sets the verdict when not.
bool changes_is_expected (const fold_t *fold, operation_t *operation);

#define EVENT_BIT(NAME) (1u << EVENT_##NAME)

#endif
