//  group_commit — a store_link's chunks on their way into the log.
//
//  They wait in lanes, one lane for each session; one batch of them is under way at a time, and
//  what comes meanwhile gathers.
//
//  A batch of nothing but entries is a plain insert. When that meets a row that is there already,
//  it is sent again through append_batch, which tells who lost.
//
//  What a batch's answer means: a group that lost is STORE_CONFLICT, and so is every chunk of its
//  session that waits (it was decided in the belief that the lost one is stored); deadlocks and
//  missing partitions: sent again, for as long as chunks may wait; a batch that the server cannot
//  digest, or that somebody's lock stands in the way of: its groups again, one by one, and the one
//  that it cannot digest even alone is STORE_NEVER; a server that cannot write: STORE_DOWN.

#ifndef GROUP_COMMIT_H
#define GROUP_COMMIT_H

#include "store/append.h"
#include "pg/pg_link.h"
#include "store/query.h"

typedef struct group_commit group_commit_t;

typedef struct {
    //  The server cannot write: pump no more until it can.
    void (*sick) (void *owner, const char *sqlstate);
    //  A batch was answered, each of its chunks that needed it; pump again.
    void (*answered) (void *owner, bool stored);
} group_commit_events_t;

//  Speaks over the link, which is not its own; appends to `freed` the questions whose turn came.
group_commit_t *group_commit_new (pg_link_t *link, const store_config_t *config, list_t *freed,
                                  const group_commit_events_t *events, void *owner);
//  When the link is destroyed. Destroys what waits.
void group_commit_destroy (group_commit_t **self_p);

//  Takes the chunk.
void group_commit_put (group_commit_t *self, chunk_t *chunk);
//  Puts the question behind its session's chunks; false when none of them wait.
bool group_commit_follow (group_commit_t *self, query_t *query);
//  Sends what may be sent.
void group_commit_pump (group_commit_t *self);
//  A new connection: what was known of the server is not known any more.
void group_commit_renew (group_commit_t *self);
//  Answers what has waited for too long with STORE_DOWN.
void group_commit_expire (group_commit_t *self, uint64_t now);

//  Chunks that are not answered, and their bytes.
uint64_t group_commit_pending (const group_commit_t *self);
uint64_t group_commit_bytes (const group_commit_t *self);

#endif
