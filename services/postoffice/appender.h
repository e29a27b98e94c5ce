//  appender — a desk's chunks on their way into the log.
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

#ifndef APPENDER_H
#define APPENDER_H

#include "chunk.h"
#include "pg_link.h"
#include "query.h"

typedef struct appender appender_t;

typedef struct {
    //  The server cannot write: pump no more until it can.
    void (*sick) (void *owner, const char *sqlstate);
    //  A batch was answered, each of its chunks that needed it; pump again.
    void (*answered) (void *owner, bool stored);
} appender_events_t;

//  Speaks over the link, which is not its own; appends to `freed` the questions whose turn came.
appender_t *appender_new (pg_link_t *link, const store_config_t *config, list_t *freed,
                          const appender_events_t *events, void *owner);
//  When the link is destroyed. Destroys what waits.
void appender_destroy (appender_t **self_p);

//  Takes the chunk.
void appender_put (appender_t *self, chunk_t *chunk);
//  Puts the question behind its session's chunks; false when none of them wait.
bool appender_follow (appender_t *self, query_t *query);
//  Sends what may be sent.
void appender_pump (appender_t *self);
//  A new connection: what was known of the server is not known any more.
void appender_renew (appender_t *self);
//  Answers what has waited for too long with STORE_DOWN.
void appender_expire (appender_t *self, uint64_t now);

//  Chunks that are not answered, and their bytes.
uint64_t appender_pending (const appender_t *self);
uint64_t appender_bytes (const appender_t *self);

#endif
