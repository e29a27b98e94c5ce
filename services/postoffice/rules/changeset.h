//  changeset — what one or more operations append to a session's log in one step.
//
//  Filled by the switchboard, lent to the store, and kept until the store's answer: the entries are
//  then what is delivered. Texts are borrowed from the operations, which the changeset owns, or
//  copied into the changeset.

#ifndef CHANGESET_H
#define CHANGESET_H

#include "rules/operation.h"
#include "rules/fold.h"
#include "tables/timers.h"

#define CHANGESET_OPERATIONS 32 //  that one changeset takes
#define CHANGESET_ENTRIES 96    //  with more of them it takes no further operation
#define OPERATION_ENTRIES 6     //  that one operation causes at most, a reopening aside
#define CHANGESET_BYTES (1024 * 1024)

//  The endpoint that an entry came from, which is not told it again; all zero: from none.
typedef struct {
    peer_t peer;
    uint64_t endpoint;
} origin_t;

typedef struct {
    text_t session;           //  borrowed from the session
    bool opens;
    bool control_changes;     //  or the offer
    bool holder_changes;      //  somebody else has control
    bool offer_begins;        //  an offer, anew
    text_t offer_before;      //  the offer that stood when it was changed first; data NULL: none is
    store_closing_t closing;
    bool only_host;           //  says who has left: counts only while this postoffice is the host
    bool is_left;             //  and nobody is present any more
    bool follows_other;       //  another postoffice wrote last, or may have all the endpoints
    uint64_t first_seq;       //  of its first entry; the others follow without a gap
    store_entry_t *entries;   //  the arrays grow as they are filled
    origin_t *origins;        //  of the entries
    size_t entry_count;
    store_participant_t *participants;
    size_t participant_count;
    store_external_ref_t *external_refs;
    size_t external_ref_count;
    store_work_t *works;
    size_t work_count;
    store_finish_t *finishes;
    size_t finish_count;
    store_asked_t *asked;     //  in the order in which it happened
    size_t asked_count;
    list_t ended;             //  turns that it ends, out of the fold (linked by in_fold), in the
                              //  order of their finishes; timers have finishes only
    list_t operations;        //  decided on, in order
    size_t operation_count;
    size_t bytes;
    list_t copies; //  texts that the changeset owns
} changeset_t;

changeset_t *changeset_new (text_t session);
//  Destroys the operations and turns that are still in it.
void changeset_destroy (changeset_t **self_p);

//  Adds the entry; `seq` follows the one before.
void changeset_entry (changeset_t *self, uint64_t seq, const store_entry_t *entry,
                      origin_t origin);
//  An empty info: what was told before stays.
void changeset_participant (changeset_t *self, uint64_t role, text_t user, text_t sender,
                            text_t info, bool present);
//  A participant of the changeset is reached over this channel from now on.
void changeset_channel (changeset_t *self, uint64_t role, text_t user, text_t channel);
//  A participant of the changeset, who is not present, is to stay out.
void changeset_out (changeset_t *self, uint64_t role, text_t user);
//  An outside system calls the participant so.
void changeset_external_ref (changeset_t *self, const store_external_ref_t *ref);
void changeset_work (changeset_t *self, const store_work_t *work);
//  Takes the turn, which is out of the fold already. How it ended, but for the item.
void changeset_finish (changeset_t *self, turn_t **turn_p, const store_finish_t *finish);

//  What a session is to be reminded of. A session has one timer of each kind: setting it again
//  moves it, and what the changeset said of it before counts no more.
typedef struct {
    timer_kind_t kind;
    uint64_t seq;      //  of the entry that it follows from
    uint64_t after_ms; //  by the database's clock, from the commit on
    text_t body;       //  small JSON object
} timer_set_t;
void changeset_set_timer (changeset_t *self, const timer_set_t *set);
//  The timer, if there is one, is not to run.
void changeset_cancel_timer (changeset_t *self, timer_kind_t kind);
//  The timer has run in this attempt. One that was set again meanwhile stays.
void changeset_finish_timer (changeset_t *self, text_t item, uint64_t attempt);

//  Nobody is to see to the delivery any more, whoever has it: none is made, if it was to be.
void changeset_cancel (changeset_t *self, text_t item, text_t why);

//  What waits in the lane is not to be delivered any more; what is in hand is, and ends of
//  tenancies are (channel_items.h). An item that is put into it from here on stays.
void changeset_clear (changeset_t *self, text_t lane, text_t why);

//  An offer to an agent is over.
void changeset_asked (changeset_t *self, const store_asked_t *asked);

//  The operation was decided on into this changeset, which takes it. False: it should be the last.
bool changeset_take (changeset_t *self, operation_t **operation_p);

//  A copy of the text that lives as long as the changeset.
text_t changeset_keep (changeset_t *self, text_t text);

#endif
