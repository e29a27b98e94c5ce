//  store_metrics — what the store counts, for all of its links together.

#ifndef STORE_METRICS_H
#define STORE_METRICS_H

#include "base/metrics.h"

#include <stdbool.h>

typedef enum {
    STORE_BATCHES,
    STORE_APPENDS,
    STORE_ENTRIES,
    STORE_CONFLICTS,
    STORE_UNSURES,
    STORE_DOWNS,
    STORE_REJECTIONS,
    STORE_RETRIES,
    STORE_CHECKED,
    STORE_REFUSED,
    STORE_QUEUE_BYTES,
    STORE_QUEUE_LIMIT,
    STORE_LOADS,
    STORE_READS,
    STORE_WORK_TAKEN,
    STORE_WORK_FINISHED,
    STORE_WORK_STALE,
    STORE_WORK_RELEASED,
    STORE_WORK_OVERFULL,
    STORE_API_QUERIES,
    STORE_API_QUERIES_ANSWERED,
    STORE_API_QUERIES_FAILED,
    STORE_API_QUERIES_REFUSED,
    STORE_API_QUERIES_LIMIT,
    STORE_LINKS_UP,
    STORE_LINKS_LOST,
    STORE_ORPHANS,
    STORE_HOSTS,
    STORE_MOVED,
    STORE_SHARED,
    STORE_NOTICES_LOST,
    STORE_RECEIPTS_LOST,
    STORE_SESSIONS_DROPPED,
    STORE_ENTRIES_DROPPED,
    STORE_DAYS_DROPPED,
    STORE_SESSIONS_ERASED,
    STORE_DROPS_FAILED,
    STORE_SEARCH_ENTRIES,
    STORE_SEARCH_FAILED,
    STORE_SEARCH_BEHIND,
    STORE_SEARCH_BACKLOG,
    STORE_METRICS,
} store_metric_t;

extern int64_t store_metrics[STORE_METRICS];
extern histogram_t store_commit_time;

//  Shows them in /metrics; safe to call again.
void store_metrics_start (void);

//  A database link is up, or one that was is lost.
void store_metrics_link (bool is_up);

#endif
