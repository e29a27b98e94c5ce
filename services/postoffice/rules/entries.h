//  entries — how the rules write: an entry goes into the changeset and is folded in, in one step.
//
//  The struct is what every rule is given: the fold that it looks at, and the changeset that it
//  fills. Nothing here decides who may do what.

#ifndef ENTRIES_H
#define ENTRIES_H

#include "config/app.h"
#include "rules/changeset.h"
#include "rules/fold.h"

typedef struct {
    uint64_t writer;         //  this process
    uint64_t close_after_ms; //  how long nobody is present before a session is closed; 0: never
    int64_t database_ms; //  the database's clock less this process' monotonic one; 0: not known yet
} switchboard_rules_t;

//  What the app's section `switchboard` says of control. All zero: nothing.
typedef struct {
    const text_t *handoff; //  targets, in this order
    size_t handoff_count;  //  OFFER_TARGETS_MOST at most; 0: a bot that asks is only shown
    uint64_t offer_ms, wait_ms, silence_ms; //  0: the usual; as long as it takes; likewise
    uint64_t quiet_ms; //  how long a visitor by a channel is there; 0: for ever
    bool gives_event; //  the bot is told that it has control again; else asked what is unanswered
    bool sends_out;   //  an agent whose visitor another one accepts is out of the session
    text_t nobody_text; //  empty: nothing is said
    uint64_t away_after_missed; //  offers in a row that an agent lets pass; 0: any number
} handover_rules_t;

typedef struct {
    const switchboard_rules_t *rules;
    fold_t *fold;
    changeset_t *changeset;
    const app_t *app;    //  NULL: it is not there any more
    bool has_bot;        //  the app has one; else people answer alone
    text_t bot_sender;   //  JSON object: the app's bot as clients see it
    const app_failure_t *failure; //  what is done when it fails; never NULL
    handover_rules_t handover;
} switchboard_t;

//  What the rules say about an entry; the rest follows from the fold.
typedef struct {
    event_t event;
    text_t message_id;
    const keyed_digest_t *digest; //  of the id, where it is known already
    uint64_t role;
    text_t user;
    text_t sender;
    text_t data;
    text_t secret; //  for the bot only
    uint64_t client_ms;
    bool hidden;
} said_t;

//  Puts one entry of the operation into the changeset and folds it in. Whatever happens in a closed
//  session opens it again, first; that somebody leaves it does not, nor what agents whisper,
//  nor that an alert is seen to.
void entries_append (switchboard_t *self, operation_t *operation, const said_t *said);
//  The session is open again.
void entries_reopen (switchboard_t *self, operation_t *operation);
//  What the database's clock says now, by which deadlines run; this machine's own may be wrong.
uint64_t entries_now_ms (const switchboard_t *self);
//  An entry of the router's own.
void entries_note (switchboard_t *self, operation_t *operation, event_t event, text_t data);

//  An id for an entry that no client or worker named.
text_t entries_new_id (switchboard_t *self);
//  ":<what>:<id>": one request may cause several entries, each with an id that follows from its
//  own. No participant may use such ids (message_id_is_reserved).
text_t entries_derived_id (switchboard_t *self, text_t id, const char *what);

//  The participant is present from now on.
void entries_admit (switchboard_t *self, uint64_t role, text_t user, text_t sender, text_t info);
//  Both are of the last entry, whose seq is the version of control from now on.
void entries_control (switchboard_t *self, uint64_t role, text_t user);
void entries_offer (switchboard_t *self, const store_offer_t *offer);

//  The user of what the router says to a visitor who waits, as the app's bot: no answer.
#define NOTICE_USER TEXT ("notice")

//  Texts of the fold may be gone before the changeset is.
static inline text_t
entries_keep (switchboard_t *self, text_t text)
{
    return changeset_keep (self->changeset, text);
}
//  Likewise what was written into the buffer, which is freed.
text_t entries_keep_buffer (switchboard_t *self, buffer_t *buffer);

#endif
