//  entries — how the rules write: an entry goes into the changeset and is folded in, in one step.
//
//  The struct is what every rule is given: the fold that it looks at, and the changeset that it
//  fills. Nothing here decides who may do what.

#ifndef ENTRIES_H
#define ENTRIES_H

#include "rules/changeset.h"
#include "rules/fold.h"

typedef struct {
    uint64_t writer;         //  this process
    uint64_t close_after_ms; //  how long nobody is present before a session is closed; 0: never
} switchboard_rules_t;

typedef struct {
    const switchboard_rules_t *rules;
    fold_t *fold;
    changeset_t *changeset;
    bool has_bot;        //  the app has one; else people answer alone
    text_t bot_sender;   //  JSON object: the app's bot as clients see it
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
//  session opens it again, first; that somebody leaves it does not.
void entries_append (switchboard_t *self, operation_t *operation, const said_t *said);
//  An entry of the router's own.
void entries_note (switchboard_t *self, operation_t *operation, event_t event, text_t data);

//  An id for an entry that no client or worker named.
text_t entries_new_id (switchboard_t *self);
//  ":<what>:<id>": one request may cause several entries, each with an id that follows from its
//  own. No participant may use such ids (message_id_is_reserved).
text_t entries_derived_id (switchboard_t *self, text_t id, const char *what);

//  The participant is present from now on.
void entries_admit (switchboard_t *self, uint64_t role, text_t user, text_t sender, text_t info);
void entries_control (switchboard_t *self, uint64_t role, text_t user);

//  Texts of the fold may be gone before the changeset is.
static inline text_t
entries_keep (switchboard_t *self, text_t text)
{
    return changeset_keep (self->changeset, text);
}

#endif
