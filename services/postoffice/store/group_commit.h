//  group_commit — the appends of one store_link on their way into the log.
//
//  They wait in one queue, oldest first. One batch of them is under way at a time, and what comes
//  meanwhile gathers for the next.
//
//  A batch's life:
//
//      gathered → sent ─┬─ stored ──────────────► each append: STORED, STORE_CONFLICT if it lost
//                       ├─ deadlock, no partition ► sent again, at most BATCH_TRIES times
//                       ├─ duplicate key ────────► sent again checked (below)
//                       ├─ about one append ─────► taken apart: each in a batch of its own
//                       ├─ server cannot write ──► STORE_DOWN, and `unavailable`
//                       └─ link lost ────────────► STORE_UNSURE
//
//  What made it so:
//  - A batch of nothing but entries whose predecessor this connection wrote itself (tail_cache.h)
//    is a plain insert, a third cheaper than the function `append`. A plain insert that meets an
//    existing row fails as a whole and does not say which append lost: the batch is sent again
//    "checked", through `append`, which does. For CHECKED_MS afterwards all batches are checked,
//    so that somebody who provokes conflicts costs no more than one failed insert in that time.
//  - One append that PostgreSQL can never take, or that waits for somebody's row lock, must not
//    take the others of its batch with it: they go back to the head of the queue, and `alone`
//    counts how many are to be stored one by one. One that is rejected even alone is
//    STORE_REJECTED.
//  - Partitions are made in a transaction of their own before the batch, because making one locks.
//    After a failure nothing is known of partitions, after a lost link nothing of tails: a
//    fail-over may have lost both.
//  - Nothing is sent from within an answer: the askers may destroy what their appends point at.

#ifndef GROUP_COMMIT_H
#define GROUP_COMMIT_H

#include "pg/pg_link.h"
#include "store/batch.h"

typedef struct group_commit group_commit_t;

//  What a store_link's link has prepared, by number.
enum {
    SAY_APPEND,
    SAY_ENTRIES,
    SAY_ENTRY,
    SAY_LOAD,
    SAY_READ,
    SAY_LOOKUP,
    SAY_EXTERNAL,
    SAY_RECEIPTS,
    SAY_DAY,
    SAY_PROBE,
    STORE_STATEMENTS
};

extern const pg_statement_t store_statements[STORE_STATEMENTS];

typedef struct {
    //  The server cannot write: pump no more until it can.
    void (*unavailable) (void *owner, const char *sqlstate);
    //  A batch was answered, each of its appends that needed it; pump again.
    void (*answered) (void *owner, bool stored);
} group_commit_events_t;

//  Speaks over the link, and counts its appends in the queue; neither is its own.
group_commit_t *group_commit_new (pg_link_t *link, const store_config_t *config,
                                  store_queue_t *queue, const group_commit_events_t *events,
                                  void *owner);
//  When the link is destroyed. Answers nobody, and touches nothing of what its appends borrow.
void group_commit_destroy (group_commit_t **self_p);

//  Takes the append.
void group_commit_put (group_commit_t *self, append_t **append_p);
//  Sends what may be sent.
void group_commit_pump (group_commit_t *self);
//  A new connection: what was known of the server is not known any more.
void group_commit_renew (group_commit_t *self);
//  Answers what has waited for too long with STORE_DOWN.
void group_commit_expire (group_commit_t *self, uint64_t now);

#endif
