//  draft — what one or more operations want to append to a session's log: a chunk in the making.
//
//  Filled by the switchboard, given to the store, and kept until the store's answer: the entries
//  are then what is delivered. Texts are borrowed from the operations, which the draft owns, or
//  copied into the draft.

#ifndef DRAFT_H
#define DRAFT_H

#include "operation.h"
#include "store.h"
#include "turn.h"

#define DRAFT_OPERATIONS 32 //  that one draft takes
#define DRAFT_BYTES (1024 * 1024)

//  The endpoint that an entry came from, which is not told it again; all zero: from none.
typedef struct {
    peer_t peer;
    uint64_t endpoint;
} origin_t;

typedef struct {
    text_t session;           //  borrowed from the session
    bool opens;
    bool control_changes;
    bool follows_other;       //  another postoffice wrote last, or may have all the endpoints
    uint64_t first_seq;       //  of its first entry; the others follow without a gap
    store_entry_t *entries;   //  the arrays grow as they are filled
    origin_t *origins;        //  of the entries
    size_t entry_count;
    store_participant_t *participants;
    size_t participant_count;
    store_work_t *works;
    size_t work_count;
    store_finish_t *finishes;
    size_t finish_count;
    list_t ended;             //  turns that it ends, out of the fold (linked by in_fold)
    list_t operations;        //  decided on, in order
    size_t operation_count;
    size_t bytes;
    list_t copies;            //  texts that the draft owns
} draft_t;

draft_t *draft_new (text_t session);
//  Destroys the operations and turns that are still in it.
void draft_destroy (draft_t **self_p);

//  No more operations should be decided on into this draft.
bool draft_is_full (const draft_t *self);

//  Adds the entry; `seq` follows the one before.
void draft_entry (draft_t *self, uint64_t seq, const store_entry_t *entry, origin_t origin);
void draft_participant (draft_t *self, uint64_t role, text_t user, text_t sender, bool present);
void draft_work (draft_t *self, const store_work_t *work);
//  Takes the turn, which is out of the fold already.
void draft_finish (draft_t *self, turn_t **turn_p, work_state_t state, text_t detail);

//  The operation was decided on into this draft, which takes it.
void draft_take (draft_t *self, operation_t **operation_p);

//  A copy of the text that lives as long as the draft.
text_t draft_keep (draft_t *self, text_t text);

#endif
