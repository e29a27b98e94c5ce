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

#include "json/json_write.h"
#include "rules/entries.h"

//  Agents who take part in one session without a connection, at most.
#define CHANNEL_API_MOST 100

//  READ: the participant; NULL when it does not take part.
participant_t *changes_reader (const fold_t *fold, const change_t *change);

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

//  The slower of two is told who was faster, and since when.
void control_seen_note (control_seen_t *self, const fold_t *fold);
//  {"role","userId","version","since"}, as a member of this name; NULL: by itself.
void control_seen_put (const control_seen_t *self, json_writer_t *json, const char *name);
//  For a person; stands in the room.
#define CONTROL_SEEN_WORDS (100 + USER_ID_MAX + JSON_TIME_MAX)
text_t control_seen_words (const control_seen_t *self, char room[CONTROL_SEEN_WORDS]);

#endif
