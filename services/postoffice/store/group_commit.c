#include "store/group_commit.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/migrations.h"
#include "store/query.h"
#include "store/store_metrics.h"
#include "store/tail_cache.h"

#include <stdlib.h>

#define TAIL_CACHE_BITS 16
#define BATCH_TRIES 6
//  Days whose partition is known to be there.
#define DAYS_KNOWN 16
//  How long batches are checked after a plain insert has lost.
#define CHECKED_MS 100
//  A batch is that many requests at most: one for each day, and itself.
#define ROOM_FOR_BATCH (BATCH_DAYS + 1)

const pg_statement_t store_statements[STORE_STATEMENTS] = {
    [SAY_APPEND] = { "append", schema_append },
    [SAY_ENTRIES] = { "entries", schema_insert_entries },
    //  Most batches of a quiet postoffice: without the arrays it takes a third less.
    [SAY_ENTRY] = { "entry", schema_insert_entry },
    [SAY_LOAD] = { "load", query_load_sql },
    [SAY_READ] = { "read", query_read_sql },
    [SAY_LOOKUP] = { "lookup", query_lookup_sql },
    [SAY_EXTERNAL] = { "external", query_external_sql },
    [SAY_RECEIPTS] = { "received",
                       "SELECT " SCHEMA_FUNCTION ("note_received") " ($1, $2, $3, $4, $5, $6)" },
    [SAY_DAY] = { "day", "SELECT " SCHEMA_FUNCTION ("make_day") " ($1::date)" },
    [SAY_PROBE] = { "probe", "SELECT " SCHEMA_FUNCTION ("beat") " ($1::bigint, $2::text)" },
};

struct group_commit {
    pg_link_t *link;
    store_queue_t *queue;
    group_commit_events_t events;
    void *owner;
    uint64_t writer;
    uint64_t batch_appends;
    uint64_t patience_ms;
    list_t waiting;          //  appends, oldest first
    size_t alone;            //  how many from the head on go into batches of their own
    batch_t *batch;          //  under way, or to be sent again
    bool is_sent;
    unsigned tries;  //  how often the batch was sent
    bool is_checked; //  the batch goes through `append`
    uint64_t sent_us;
    uint64_t checked_ms;      //  until then all batches do
    tail_cache_t *tail_cache; //  of this connection
    uint64_t days[DAYS_KNOWN];
    size_t day_count;
    pg_values_t values;
};

// ---------------------------------------------------------------------------------------------
//  Answering

static const store_metric_t s_outcome_metrics[] = {
    [STORED] = STORE_APPENDS,
    [STORE_CONFLICT] = STORE_CONFLICTS,
    [STORE_UNSURE] = STORE_UNSURES,
    [STORE_DOWN] = STORE_DOWNS,
    [STORE_REJECTED] = STORE_REJECTIONS,
};

//  What the append borrows may be gone when its asker has been answered.
static void
s_answer (group_commit_t *self, append_t *append, store_outcome_t outcome)
{
    store_metrics[s_outcome_metrics[outcome]]++;
    if (outcome == STORED)
        store_metrics[STORE_ENTRIES] += (int64_t) append->request.entry_count;
    self->queue->count--;
    self->queue->bytes -= append->size;
    store_metrics[STORE_QUEUE_BYTES] -= (int64_t) append->size;
    append->appended (append->owner, append->request_id, outcome, append->waits,
                      append->wait_count);
    append_destroy (&append);
}

//  The batch is over: its appends that lost are conflicts, the others have this outcome.
static void
s_end_batch (group_commit_t *self, store_outcome_t outcome)
{
    batch_t *batch = self->batch;
    self->batch = NULL;
    for (size_t at = 0; at < batch->count; at++) {
        append_t *append = batch->appends[at];
        batch->appends[at] = NULL;
        const store_append_t *request = &append->request;
        if (outcome == STORED && !append->lost)
            tail_cache_note (self->tail_cache, request->session,
                             request->first_seq + request->entry_count - 1);
        s_answer (self, append, append->lost ? STORE_CONFLICT : outcome);
    }
    batch_destroy (&batch);
}

// ---------------------------------------------------------------------------------------------
//  What the server says

//  The server refused the whole batch; nothing of it is stored.
static void
s_batch_failed (group_commit_t *self, const pg_answer_t *answer)
{
    static log_limit_t limit = LOG_LIMIT (LOG_ERROR, "append cannot be stored");
    pg_error_t error = answer->error;
    if (error == PG_ERROR_DUPLICATE && !self->is_checked) {
        self->is_checked = true;
        self->checked_ms = clock_mono_ms () + CHECKED_MS;
        store_metrics[STORE_CHECKED]++;
        return;
    }
    if (error != PG_ERROR_DUPLICATE)
        self->day_count = 0; //  a partition may be missing
    if (error == PG_ERROR_NO_PARTITION)
        tail_cache_forget (self->tail_cache); //  and what stood in it
    if ((error == PG_ERROR_RETRY || error == PG_ERROR_NO_PARTITION) && self->tries < BATCH_TRIES
        && clock_mono_ms () - self->batch->since_ms <= self->patience_ms) {
        store_metrics[STORE_RETRIES]++;
        return;
    }
    bool is_about_one = error != PG_ERROR_UNAVAILABLE && error != PG_ERROR_RECONNECT;
    if (is_about_one && self->batch->count > 1) {
        //  The one that is to blame must not take the others with it.
        self->alone += self->batch->count;
        batch_put_back (self->batch, &self->waiting);
        batch_destroy (&self->batch);
        return;
    }
    if (!is_about_one)
        self->events.unavailable (self->owner, answer->sqlstate);
    else if (log_limit_allows (&limit))
        log_error ("append cannot be stored", log_string ("sqlstate", answer->sqlstate),
                   log_text ("session", self->batch->appends[0]->request.session));
    s_end_batch (self, error == PG_ERROR_REJECTED ? STORE_REJECTED : STORE_DOWN);
    if (error == PG_ERROR_RECONNECT)
        pg_link_renew (self->link);
}

//  There is one result for each day: the sessions that lost; and items that were not stored as
//  asked, which wait for an earlier one of their lane, or are dead.
static void
s_read_result (group_commit_t *self, size_t day, const PGresult *result)
{
    static log_limit_t limit = LOG_LIMIT (LOG_WARN, "too many open items: one is a dead letter");
    for (int row = 0; row < PQntuples (result); row++) {
        text_t session = pg_text (result, row, 0);
        if (pg_is_null (result, row, 1)) {
            batch_lose (self->batch, day, session);
            continue;
        }
        batch_wait (self->batch, day, session, pg_text (result, row, 1));
        if (!pg_flag (result, row, 2))
            continue;
        store_metrics[STORE_WORK_OVERFULL]++;
        if (log_limit_allows (&limit))
            log_warn ("too many open items: one is a dead letter", log_text ("session", session));
    }
}

//  is_sent stays true while we answer: nothing is sent from within an answer.
static void
s_on_appended (void *owner, void *unused, const pg_answer_t *answer)
{
    group_commit_t *self = owner;
    (void) unused;
    if (answer->lost)
        s_end_batch (self, STORE_UNSURE);
    else if (answer->failed)
        s_batch_failed (self, answer);
    else {
        for (size_t day = 0; day < self->batch->day_count; day++)
            s_read_result (self, day, answer->results[day]);
        store_metrics[STORE_BATCHES]++;
        histogram_add (&store_commit_time, clock_mono_us () - self->sent_us);
        s_end_batch (self, STORED);
    }
    self->is_sent = false;
    self->events.answered (self->owner, !answer->lost && !answer->failed);
}

// ---------------------------------------------------------------------------------------------
//  Sending

static void
s_make_day (group_commit_t *self, uint64_t day)
{
    for (size_t at = 0; at < self->day_count; at++)
        if (self->days[at] == day)
            return;
    pg_values_number (&self->values, PG_DAY, (int64_t) day);
    pg_link_add (self->link, SAY_DAY, &self->values);
    //  When it fails, so will the batch behind it, which is then tried again.
    pg_link_send (self->link, NULL, NULL, NULL);
    if (self->day_count == DAYS_KNOWN)
        self->day_count = 0;
    self->days[self->day_count++] = day;
}

static void
s_send_batch (group_commit_t *self)
{
    static const size_t statements[] = {
        [BATCH_ENTRY] = SAY_ENTRY, [BATCH_ENTRIES] = SAY_ENTRIES, [BATCH_ALL] = SAY_APPEND,
    };
    batch_t *batch = self->batch;
    for (size_t day = 0; day < batch->day_count; day++)
        s_make_day (self, batch->days[day]);
    for (size_t at = 0; at < batch->count; at++)
        batch->appends[at]->tail_known =
            tail_cache_ends_at (self->tail_cache, batch->appends[at]->request.session,
                                batch->appends[at]->request.first_seq - 1);
    self->is_checked = self->is_checked || clock_mono_ms () < self->checked_ms;
    for (size_t day = 0; day < batch->day_count; day++) {
        batch_way_t way = batch_way (batch, day, self->is_checked);
        batch_write (batch, day, way, (int64_t) self->writer, &self->values);
        pg_link_add (self->link, statements[way], &self->values);
    }
    self->tries++;
    self->sent_us = clock_mono_us ();
    self->is_sent = true;
    pg_link_send (self->link, s_on_appended, self, NULL);
}

void
group_commit_pump (group_commit_t *self)
{
    if (self->is_sent || pg_link_room (self->link) < ROOM_FOR_BATCH)
        return;
    if (!self->batch) {
        if (list_is_empty (&self->waiting))
            return;
        self->batch = batch_new (&self->waiting, self->alone > 0 ? 1 : self->batch_appends);
        self->alone -= self->alone > 0;
        self->tries = 0;
        self->is_checked = false;
    }
    s_send_batch (self);
}

// ---------------------------------------------------------------------------------------------
//  Waiting for too long

void
group_commit_expire (group_commit_t *self, uint64_t now)
{
    //  A batch that is to be sent again waits, too. Nothing is sent from within an answer.
    bool was_sent = self->is_sent;
    self->is_sent = true;
    if (self->batch && !was_sent && now - self->batch->since_ms > self->patience_ms)
        s_end_batch (self, STORE_DOWN);
    list_t *link;
    while ((link = list_first (&self->waiting))) {
        append_t *append = LIST_THING (link, append_t, link);
        if (now - append->since_ms <= self->patience_ms)
            break;
        self->alone -= self->alone > 0;
        list_remove (link);
        s_answer (self, append, STORE_DOWN);
    }
    self->is_sent = was_sent;
}

// ---------------------------------------------------------------------------------------------

group_commit_t *
group_commit_new (pg_link_t *link, const store_config_t *config, store_queue_t *queue,
                  const group_commit_events_t *events, void *owner)
{
    group_commit_t *self = alloc_zeroed (sizeof *self);
    self->link = link;
    self->queue = queue;
    self->events = *events;
    self->owner = owner;
    self->writer = config->writer;
    self->batch_appends = config->batch_appends;
    self->patience_ms = config->patience_ms;
    list_init (&self->waiting);
    self->tail_cache = tail_cache_new (TAIL_CACHE_BITS);
    return self;
}

void
group_commit_destroy (group_commit_t **self_p)
{
    group_commit_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    batch_destroy (&self->batch);
    list_t *link;
    while ((link = list_first (&self->waiting))) {
        append_t *append = LIST_THING (link, append_t, link);
        append_destroy (&append);
    }
    tail_cache_destroy (&self->tail_cache);
    pg_values_free (&self->values);
    free (self);
}

void
group_commit_put (group_commit_t *self, append_t **append_p)
{
    append_t *append = *append_p;
    *append_p = NULL;
    self->queue->count++;
    self->queue->bytes += append->size;
    store_metrics[STORE_QUEUE_BYTES] += (int64_t) append->size;
    list_append (&self->waiting, &append->link);
}

void
group_commit_renew (group_commit_t *self)
{
    self->day_count = 0;
    tail_cache_forget (self->tail_cache);
}
