#include "store/store_link.h"

#include "base/alloc.h"
#include "store/group_commit.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/loop_timer.h"
#include "store/receipts.h"
#include "base/log.h"
#include "store/store_metrics.h"

#include <stdlib.h>

#define TICK_MS 100
#define RECEIPTS_MS 500
#define RECEIPTS_MOST 4096
//  A probe may be written where a batch cannot (a disk that is full, but for one row): each time
//  that it was believed in vain, the next one waits longer.
#define PROBE_FIRST_MS 500
#define PROBE_MOST_MS 5000
//  Requests that are kept free for a batch.
#define ROOM_FOR_BATCH 6

//  All statements here find their rows by an index, whatever the statistics say: a plan that was
//  made while a table was small must not scan it when it is large.
static const char s_settings[] =
    " SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off;"
    " SET enable_nestloop = on; SET enable_indexscan = on; SET enable_indexonlyscan = on;"
    " SET enable_bitmapscan = on;";

static const size_t s_query_statements[] = {
    [QUERY_LOAD] = SAY_LOAD,
    [QUERY_READ] = SAY_READ,
    [QUERY_LOOKUP] = SAY_LOOKUP,
    [QUERY_EXTERNAL] = SAY_EXTERNAL,
};

struct store_link {
    pg_link_t *link;
    loop_timer_t *timer;
    store_queue_t *queue;
    store_link_changed_fn *changed;
    void *owner;
    uint64_t writer;
    char *node;
    uint64_t patience_ms;
    group_commit_t *group_commit;
    list_t waiting;          //  queries, oldest first
    list_t asked;            //  queries under way
    list_t returned;         //  queries whose answer is lost with the link: they wait again
    bool is_unavailable; //  the server cannot write; a probe is due
    bool is_probing;
    uint64_t probe_ms;       //  when it is due
    backoff_t probe_backoff;
    uint64_t receipts_ms; //  when they were written last
    receipts_t receipts;
    pg_values_t values;
};

static void s_pump (store_link_t *self);

// ---------------------------------------------------------------------------------------------
//  Queries

static void
s_answer_query (store_link_t *self, query_t *query, store_outcome_t outcome,
                const PGresult *result)
{
    list_remove (&query->link);
    self->queue->count--;
    self->queue->bytes -= query->size;
    store_metrics[STORE_QUEUE_BYTES] -= (int64_t) query->size;
    if (outcome == STORE_DOWN)
        store_metrics[STORE_DOWNS]++;
    query_answer (query, outcome, result);
    query_destroy (&query);
}

static void
s_on_asked (void *owner, void *request, const pg_answer_t *answer)
{
    store_link_t *self = owner;
    query_t *query = request;
    if (answer->lost) {
        list_append (&self->returned, &query->link); //  asking again does no harm
        return;
    }
    if (answer->failed) {
        static log_limit_t limit = LOG_LIMIT (LOG_WARN, "database refused a query");
        if (log_limit_allows (&limit))
            log_warn ("database refused a query", log_string ("sqlstate", answer->sqlstate));
        if (answer->error == PG_ERROR_RECONNECT)
            pg_link_renew (self->link);
        s_answer_query (self, query, STORE_DOWN, NULL);
    } else {
        store_metrics[query->kind == QUERY_LOAD ? STORE_LOADS : STORE_READS]++;
        s_answer_query (self, query, STORED, answer->results[0]);
    }
    s_pump (self);
}

//  Sends what may be sent. A batch goes first.
static void
s_pump (store_link_t *self)
{
    if (!self->is_unavailable)
        group_commit_pump (self->group_commit);
    while (!list_is_empty (&self->waiting) && pg_link_room (self->link) >= ROOM_FOR_BATCH) {
        query_t *query = LIST_THING (list_first (&self->waiting), query_t, link);
        list_append (&self->asked, &query->link);
        query_write (query, (int64_t) self->writer, &self->values);
        pg_link_add (self->link, s_query_statements[query->kind], &self->values);
        pg_link_send (self->link, s_on_asked, self, query);
    }
}

// ---------------------------------------------------------------------------------------------
//  A server that cannot write

static void
s_on_unavailable (void *owner, const char *sqlstate)
{
    store_link_t *self = owner;
    log_error ("database cannot write", log_string ("sqlstate", sqlstate),
               log_string ("advice", "see its log: disk full, read-only, or shutting down?"));
    self->is_unavailable = true;
    self->probe_ms = clock_mono_ms () + backoff_next_ms (&self->probe_backoff);
    self->changed (self->owner);
}

static void
s_on_answered (void *owner, bool stored)
{
    store_link_t *self = owner;
    if (stored)
        backoff_reset (&self->probe_backoff);
    s_pump (self);
}

static void
s_on_probed (void *owner, void *unused, const pg_answer_t *answer)
{
    store_link_t *self = owner;
    (void) unused;
    self->is_probing = false;
    self->probe_ms = clock_mono_ms () + PROBE_FIRST_MS;
    if (answer->lost || answer->failed || !self->is_unavailable)
        return;
    log_info ("database can write again", log_string ("node", self->node));
    self->is_unavailable = false;
    self->changed (self->owner);
    s_pump (self);
}

static void
s_probe (store_link_t *self, uint64_t now)
{
    if (!self->is_unavailable || self->is_probing || now < self->probe_ms
        || pg_link_room (self->link) == 0)
        return;
    self->is_probing = true;
    pg_values_number (&self->values, PG_NUMBER, (int64_t) self->writer);
    pg_values_text (&self->values, text_of (self->node));
    pg_link_add (self->link, SAY_PROBE, &self->values);
    pg_link_send (self->link, s_on_probed, self, NULL);
}

// ---------------------------------------------------------------------------------------------
//  From time to time

static void
s_write_receipts (store_link_t *self)
{
    if (!self->receipts.notes || self->is_unavailable
        || pg_link_room (self->link) <= ROOM_FOR_BATCH)
        return;
    self->receipts_ms = clock_mono_ms ();
    receipts_write (&self->receipts, &self->values);
    pg_link_add (self->link, SAY_RECEIPTS, &self->values);
    //  Lost receipts only make us deliver something twice.
    pg_link_send (self->link, NULL, NULL, NULL);
}

static void
s_on_timer (void *owner)
{
    store_link_t *self = owner;
    uint64_t now = clock_mono_ms ();
    group_commit_expire (self->group_commit, now);
    for (list_t *link; (link = list_first (&self->waiting));) {
        query_t *query = LIST_THING (link, query_t, link);
        if (now - query->since_ms <= self->patience_ms)
            break;
        s_answer_query (self, query, STORE_DOWN, NULL);
    }
    s_probe (self, now);
    if (now - self->receipts_ms >= RECEIPTS_MS)
        s_write_receipts (self);
    s_pump (self);
}

// ---------------------------------------------------------------------------------------------

static void
s_on_up (void *owner, bool is_direct)
{
    store_link_t *self = owner;
    (void) is_direct;
    store_metrics_link (true);
    self->is_unavailable = false; //  a new connection: the next batch will tell
    self->is_probing = false;
    group_commit_renew (self->group_commit);
    self->changed (self->owner);
    s_pump (self);
}

static void
s_on_down (void *owner)
{
    store_link_t *self = owner;
    store_metrics_link (false);
    //  The log that they are about may have lost its tail when the database is back.
    receipts_clear (&self->receipts);
    //  They are older than all that waits: they are to be the first to have waited for too long.
    while (!list_is_empty (&self->returned))
        list_prepend (&self->waiting, self->returned.previous);
    self->changed (self->owner);
}

store_link_t *
store_link_new (uv_loop_t *loop, const store_config_t *config, store_queue_t *queue,
                store_link_changed_fn *changed, void *owner)
{
    store_link_t *self = alloc_zeroed (sizeof *self);
    self->queue = queue;
    self->changed = changed;
    self->owner = owner;
    self->writer = config->writer;
    self->node = alloc_string (config->node);
    self->patience_ms = config->patience_ms;
    self->probe_backoff = (backoff_t){ .first_ms = PROBE_FIRST_MS, .most_ms = PROBE_MOST_MS };
    self->receipts.most = RECEIPTS_MOST;
    list_init (&self->waiting);
    list_init (&self->asked);
    list_init (&self->returned);
    self->link = pg_link_new (loop,
                              &(pg_link_config_t){ .url = config->url,
                                                   .name = "sessions",
                                                   .node = config->node,
                                                   .settings = s_settings,
                                                   .statements = store_statements,
                                                   .statement_count = STORE_STATEMENTS,
                                                   .answer_ms = config->answer_ms },
                              &(pg_link_events_t){ .up = s_on_up, .down = s_on_down }, self);
    self->group_commit = group_commit_new (
        self->link, config, queue,
        &(group_commit_events_t){ .unavailable = s_on_unavailable, .answered = s_on_answered },
        self);
    self->timer = loop_timer_new (loop, s_on_timer, self);
    loop_timer_start_ms (self->timer, TICK_MS, TICK_MS);
    return self;
}

static void
s_destroy_queries (list_t *queries)
{
    while (!list_is_empty (queries)) {
        query_t *query = LIST_THING (list_first (queries), query_t, link);
        query_destroy (&query);
    }
}

void
store_link_destroy (store_link_t **self_p)
{
    store_link_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    pg_link_destroy (&self->link);
    group_commit_destroy (&self->group_commit);
    s_destroy_queries (&self->waiting);
    s_destroy_queries (&self->asked);
    s_destroy_queries (&self->returned);
    receipts_clear (&self->receipts);
    loop_timer_destroy (&self->timer);
    pg_values_free (&self->values);
    free (self->node);
    free (self);
}

void
store_link_open (store_link_t *self)
{
    pg_link_open (self->link);
}

store_link_state_t
store_link_state (const store_link_t *self)
{
    pg_link_state_t link = pg_link_state (self->link);
    return (store_link_state_t){ .is_alive = link.is_alive,
                                 .is_usable = link.is_up && !self->is_unavailable };
}

void
store_link_append (store_link_t *self, append_t **append_p)
{
    group_commit_put (self->group_commit, append_p);
    s_pump (self);
}

void
store_link_ask (store_link_t *self, query_t **query_p)
{
    query_t *query = *query_p;
    *query_p = NULL;
    self->queue->count++;
    self->queue->bytes += query->size;
    store_metrics[STORE_QUEUE_BYTES] += (int64_t) query->size;
    list_append (&self->waiting, &query->link);
    s_pump (self);
}

void
store_link_receipt (store_link_t *self, text_t session, uint64_t role, text_t user,
                    const store_receipt_t *receipt)
{
    //  When the database is away the receipt is lost: too much is delivered again, not too little.
    if (!pg_link_state (self->link).is_up) {
        store_metrics[STORE_RECEIPTS_LOST]++;
        return;
    }
    if (receipts_note (&self->receipts, session, role, user, receipt) == 0)
        return;
    s_write_receipts (self);
    if (receipts_note (&self->receipts, session, role, user, receipt) != 0)
        store_metrics[STORE_RECEIPTS_LOST]++;
}
