#include "store/store_metrics.h"

#include <stdbool.h>

static const metric_row_t s_rows[STORE_METRICS] = {
    [STORE_BATCHES] = { "store_batches_total", NULL, COUNTER,
                        "transactions that stored appends" },
    [STORE_APPENDS] = { "store_appends_total", NULL, COUNTER, "appends stored" },
    [STORE_ENTRIES] = { "store_entries_total", NULL, COUNTER, "log entries stored" },
    [STORE_CONFLICTS] = { "store_conflicts_total", NULL, COUNTER,
                          "appends that lost against another postoffice" },
    [STORE_UNSURES] = { "store_unsure_total", NULL, COUNTER,
                        "appends whose link broke before the answer" },
    [STORE_DOWNS] = { "store_down_total", NULL, COUNTER,
                      "requests refused because the database was down" },
    [STORE_REJECTIONS] = { "store_rejected_total", NULL, COUNTER,
                           "appends that PostgreSQL can never take" },
    [STORE_RETRIES] = { "store_retries_total", NULL, COUNTER, "batches sent again" },
    [STORE_CHECKED] = { "store_checked_total", NULL, COUNTER,
                        "plain inserts that conflicted and were sent again as `append`" },
    [STORE_REFUSED] = { "store_refused_total", NULL, COUNTER,
                        "requests refused because the queue was full" },
    [STORE_QUEUE_BYTES] = { "store_queue_bytes", NULL, GAUGE,
                            "bytes of requests without an answer yet" },
    [STORE_QUEUE_LIMIT] = { "store_queue_limit_bytes", NULL, GAUGE,
                            "limit of bytes of requests without an answer (POSTGRES_QUEUE_LIMIT)" },
    [STORE_LOADS] = { "store_loads_total", NULL, COUNTER, "sessions loaded" },
    [STORE_READS] = { "store_reads_total", NULL, COUNTER, "parts of logs read" },
    [STORE_WORK_TAKEN] = { "store_work_taken_total", NULL, COUNTER, "deliveries leased" },
    [STORE_WORK_FINISHED] = { "store_work_reports_total", "result=\"ok\"", COUNTER,
                              "reports of deliveries that were stored" },
    [STORE_WORK_STALE] = { "store_work_reports_total", "result=\"stale\"", COUNTER,
                           "reports of deliveries that were stored" },
    [STORE_WORK_RELEASED] = { "store_work_released_total", NULL, COUNTER,
                              "leases released: their postoffice was dead, or had lost sight of "
                              "them" },
    [STORE_WORK_OVERFULL] = { "store_work_overfull_total", NULL, COUNTER,
                              "deliveries that became dead letters at once: their participant's "
                              "channel was 1,000 entries behind" },
    [STORE_API_QUERIES] = { "store_api_queries", NULL, GAUGE,
                            "queries of the HTTP API that wait for the database" },
    [STORE_API_QUERIES_ANSWERED] = { "store_api_queries_total", "result=\"ok\"", COUNTER,
                                     "queries of the HTTP API to the database" },
    [STORE_API_QUERIES_FAILED] = { "store_api_queries_total", "result=\"failed\"", COUNTER,
                                   "queries of the HTTP API to the database" },
    [STORE_API_QUERIES_REFUSED] = { "store_api_queries_total", "result=\"refused\"", COUNTER,
                                    "queries of the HTTP API to the database" },
    [STORE_API_QUERIES_LIMIT] = { "store_api_queries_limit", NULL, GAUGE,
                                  "limit of queries of the HTTP API that wait" },
    [STORE_LINKS_UP] = { "store_links", NULL, GAUGE, "database connections that are up" },
    [STORE_LINKS_LOST] = { "store_links_lost_total", NULL, COUNTER, "database connections lost" },
    [STORE_ORPHANS] = { "store_orphans_total", NULL, COUNTER,
                        "sessions whose work was taken over from a dead postoffice" },
    [STORE_HOSTS] = { "store_hosts_claimed_total", NULL, COUNTER,
                      "sessions whose host was dead, and that this postoffice hosts since then" },
    [STORE_MOVED] = { "store_moved_total", NULL, COUNTER,
                      "times that another postoffice wrote to a session of ours" },
    [STORE_SHARED] = { "store_shared_total", NULL, COUNTER,
                       "times that another postoffice told of endpoints in a session of ours" },
    [STORE_NOTICES_LOST] = { "store_notices_lost_total", NULL, COUNTER,
                             "notices to other postoffices that could not be sent" },
    [STORE_RECEIPTS_LOST] = { "store_receipts_lost_total", NULL, COUNTER,
                              "receipts of clients dropped: too many waited" },
    [STORE_SESSIONS_DROPPED] = { "store_sessions_dropped_total", NULL, COUNTER,
                                 "sessions deleted from the database (SESSIONS_KEPT)" },
    [STORE_ENTRIES_DROPPED] = { "store_entries_dropped_total", NULL, COUNTER,
                                "log entries of such sessions" },
    [STORE_DAYS_DROPPED] = { "store_days_dropped_total", NULL, COUNTER,
                             "partitions of the log dropped: no session of their day was left" },
    [STORE_SESSIONS_ERASED] = { "store_sessions_erased_total", NULL, COUNTER,
                                "sessions deleted because their visitor's data were to be erased" },
    [STORE_DROPS_FAILED] = { "store_drops_failed_total", NULL, COUNTER,
                             "times that the database refused to drop sessions or a partition" },
    [STORE_SEARCH_ENTRIES] = { "store_search_entries_total", NULL, COUNTER,
                               "log entries that were read for the search" },
    [STORE_SEARCH_FAILED] = { "store_search_failed_total", NULL, COUNTER,
                              "times that the database refused to fill the search" },
    [STORE_SEARCH_BEHIND] = { "store_search_behind_seconds", NULL, GAUGE,
                              "what was stored longer ago than this can be searched; 0 where "
                              "another postoffice fills the search" },
    [STORE_SEARCH_BACKLOG] = { "store_search_backlog", NULL, GAUGE,
                               "1 while what was stored before an upgrade is brought into the "
                               "search" },
};

int64_t store_metrics[STORE_METRICS];

histogram_t store_commit_time = {
    .name = "store_commit_seconds",
    .help = "time from sending a batch to its commit",
};

void
store_metrics_start (void)
{
    static bool started;
    if (started)
        return;
    started = true;
    metrics_register (s_rows, store_metrics, STORE_METRICS);
    histogram_register (&store_commit_time);
}

void
store_metrics_link (bool is_up)
{
    store_metrics[STORE_LINKS_UP] += is_up ? 1 : -1;
    store_metrics[STORE_LINKS_LOST] += !is_up;
}
