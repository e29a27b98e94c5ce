//  recent_ids — the last entries of a session's log, remembered by a digest of the participant and
//  the message id: a repeated message is answered without the database. An id belongs to its
//  participant: two may use the same one.
//
//  Each has the check of its entry, too (log_position.h): two of these tell where two logs part.
//
//  All that the store knows of the asked ids must fit, and all entries of a changeset: an operation
//  causes three at most (changeset.h), and one that reopens the session. A load makes room for what
//  it brings.

#ifndef RECENT_IDS_H
#define RECENT_IDS_H

#include "base/keyed_hash.h"
#include "model/log_position.h"
#include "store/store_model.h"

#define RECENT_IDS 160
typedef struct {
    keyed_digest_t digest;
    uint64_t seq, time_ms;
    uint64_t check;
    uint64_t event; //  0: not known
} recent_id_t;

//  A ring that grows as it is filled, for most sessions are short and idle: it begins to forget
//  only when it has its full size. All zeros: nothing is remembered.
typedef struct {
    recent_id_t *ring;   //  NULL until one is remembered
    unsigned char *tags; //  behind the ring: a byte of each digest; 0: the place is empty
    size_t room;         //  places that there are now
    size_t most;         //  places of the full size: RECENT_IDS, and what a load brought
    size_t next;
} recent_ids_t;

void recent_ids_free (recent_ids_t *self);
//  Remembers all of a load. Nothing is remembered yet.
void recent_ids_load (recent_ids_t *self, const stored_id_t *ids, size_t count);

//  What a participant's message id is remembered by. Nobody can choose one with another's digest.
//  One that follows from a key of the API, or from an alert, is the same, whoever the entry is of.
keyed_digest_t recent_ids_digest (uint64_t role, text_t user, text_t message_id);
void recent_ids_add (recent_ids_t *self, const recent_id_t *id);
//  NULL when the id is not among the last ones.
const recent_id_t *recent_ids_find (const recent_ids_t *self, keyed_digest_t digest);
//  The check of the entry at seq; 0 when it is not remembered.
uint64_t recent_ids_check (const recent_ids_t *self, uint64_t seq);
//  The highest seq at which both logs are known to have the same entry; 0 when there is none: they
//  may differ from the beginning.
uint64_t recent_ids_common_seq (const recent_ids_t *self, const recent_ids_t *other);

#endif
