#include "store/group_commit.h"

#include "store/store_statements.h"
#include "pg/pg_error_class.h"
#include "store/lanes.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/store_metrics.h"
#include "store/tail_cache.h"

#include <assert.h>
#include <stdlib.h>

#define TAIL_CACHE_BITS 16
#define BATCH_TRIES 6
//  Days whose partition is known to be there.
#define DAYS_KNOWN 16
//  After a plain insert that lost, batches are stored with care for so long: who provokes it again
//  and again costs no more than one try in this time.
#define CAREFUL_MS 100
//  A batch is that many requests at most: one for each day, and itself.
#define ROOM_FOR_BATCH (BATCH_DAYS + 1)

struct group_commit {
    pg_link_t *link;
    group_commit_events_t events;
    void *owner;
    uint64_t writer;
    uint64_t batch_chunks;
    uint64_t patience_ms;
    lanes_t *lanes;
    list_t *freed;           //  questions that may be sent
    list_t ages;             //  the chunks that wait, oldest first
    batch_t *batch;          //  under way, or to be sent again
    bool is_sent;
    uint64_t careful_ms;     //  until then plain inserts are not tried
    size_t alone;            //  groups that are still to be sent one by one
    tail_cache_t *tail_cache; //  of this connection
    uint64_t days[DAYS_KNOWN];
    size_t day_count;
    uint64_t pending;
    uint64_t bytes;
    pg_values_t values;
};

// ---------------------------------------------------------------------------------------------
//  Answering

static void
s_count_outcome (const chunk_t *chunk, store_outcome_t outcome)
{
    switch (outcome) {
    case STORED:
        store_metrics[STORE_CHUNKS]++;
        store_metrics[STORE_ENTRIES] += (int64_t) chunk->copy.entry_count;
        break;
    case STORE_CONFLICT:
        store_metrics[STORE_CONFLICTS]++;
        break;
    case STORE_UNSURE:
        store_metrics[STORE_UNSURES]++;
        break;
    case STORE_DOWN:
        store_metrics[STORE_DOWNS]++;
        break;
    case STORE_NEVER:
        store_metrics[STORE_NEVERS]++;
        break;
    }
}

static void
s_forget (group_commit_t *self, size_t size)
{
    self->pending--;
    self->bytes -= size;
    store_metrics[STORE_QUEUE_BYTES] -= (int64_t) size;
}

static void
s_answer_chunks (group_commit_t *self, list_t *chunks, store_outcome_t outcome)
{
    while (!list_is_empty (chunks)) {
        chunk_t *chunk = LIST_THING (list_first (chunks), chunk_t, place);
        s_count_outcome (chunk, outcome);
        list_remove (&chunk->place);
        s_forget (self, chunk->size);
        chunk->appended (chunk->owner, chunk->request_id, outcome);
        chunk_destroy (&chunk);
    }
}

//  The group did not get through: nor may what was decided after it.
static void
s_fail_group (group_commit_t *self, batch_group_t *group, store_outcome_t outcome)
{
    list_t later;
    list_init (&later);
    lanes_take (self->lanes, group->session, &later, self->freed);
    bool is_of_this_one = outcome == STORE_UNSURE || outcome == STORE_NEVER;
    store_outcome_t then = is_of_this_one ? STORE_CONFLICT : outcome;
    s_answer_chunks (self, &group->chunks, outcome);
    s_answer_chunks (self, &later, then);
}

static void
s_fail_batch (group_commit_t *self, store_outcome_t outcome)
{
    batch_t *batch = self->batch;
    self->batch = NULL;
    for (size_t at = 0; at < batch->count; at++)
        s_fail_group (self, &batch->groups[at], outcome);
    batch_destroy (&batch);
}

// ---------------------------------------------------------------------------------------------
//  What the server says

static bool
s_batch_is_old (const group_commit_t *self, uint64_t now)
{
    const chunk_t *first = LIST_THING (self->batch->groups[0].chunks.next, chunk_t, place);
    return now - first->age.since_ms > self->patience_ms;
}

//  The chunks go back into their lanes, to be stored one group at a time: the one that the server
//  cannot digest must not take the others with it.
static void
s_split (group_commit_t *self)
{
    batch_t *batch = self->batch;
    self->batch = NULL;
    self->alone += batch->count;
    for (size_t at = batch->count; at > 0; at--) {
        list_t *chunks = &batch->groups[at - 1].chunks;
        for (list_t *link = chunks->next; link != chunks; link = link->next)
            list_append (&self->ages, &LIST_THING (link, chunk_t, place)->age.link);
        lanes_put_back (self->lanes, chunks);
    }
    batch_destroy (&batch);
}

static bool
s_may_try_again (const group_commit_t *self, pg_error_class_t pg_error_class)
{
    return (pg_error_class == JUDGED_AGAIN || pg_error_class == JUDGED_NO_PARTITION)
           && self->batch->tries < BATCH_TRIES && !s_batch_is_old (self, clock_mono_ms ());
}

//  A plain insert does not say which group lost; append_batch does.
static void
s_take_care (group_commit_t *self)
{
    self->batch->careful = true;
    self->careful_ms = clock_mono_ms () + CAREFUL_MS;
    store_metrics[STORE_CAREFUL]++;
}

static void
s_log_refused (const group_commit_t *self, const char *sqlstate)
{
    static log_limit_t limit = LOG_LIMIT (LOG_ERROR, "chunk cannot be stored");
    if (log_limit_allows (&limit))
        log_error ("chunk cannot be stored", log_string ("sqlstate", sqlstate),
                   log_text ("session", self->batch->groups[0].session));
}

//  The server said no to the whole batch; nothing of it is stored.
static void
s_batch_failed (group_commit_t *self, const char *sqlstate)
{
    pg_error_class_t pg_error_class = pg_error_class_of (sqlstate);
    if (pg_error_class != JUDGED_DOUBLE)
        self->day_count = 0; //  a partition may be missing
    if (pg_error_class == JUDGED_NO_PARTITION)
        tail_cache_forget (self->tail_cache); //  and what stood in it
    if (pg_error_class == JUDGED_DOUBLE && !self->batch->careful) {
        s_take_care (self);
        return;
    }
    if (s_may_try_again (self, pg_error_class)) {
        store_metrics[STORE_RETRIES]++;
        return;
    }
    bool is_about_one = pg_error_class != JUDGED_SICK && pg_error_class != JUDGED_STRANGE;
    if (is_about_one && self->batch->count > 1) {
        s_split (self);
        return;
    }
    if (!is_about_one)
        self->events.sick (self->owner, sqlstate);
    else
        s_log_refused (self, sqlstate);
    s_fail_batch (self, pg_error_class == JUDGED_INDIGESTIBLE ? STORE_NEVER : STORE_DOWN);
    if (pg_error_class == JUDGED_STRANGE)
        pg_link_renew (self->link);
}

//  Which groups lost: there is one result for each day.
static void
s_read_losers (group_commit_t *self, const pg_answer_t *answer)
{
    batch_t *batch = self->batch;
    for (size_t day = 0; day < batch->day_count; day++) {
        const PGresult *result = answer->results[day];
        for (int row = 0; row < PQntuples (result); row++)
            batch_lose (batch, day, pg_text (result, row, 0));
    }
}

static void
s_group_stored (group_commit_t *self, batch_group_t *group)
{
    tail_cache_note (self->tail_cache, group->session, batch_group_last (group));
    s_answer_chunks (self, &group->chunks, STORED);
}

static void
s_batch_done (group_commit_t *self, const pg_answer_t *answer)
{
    s_read_losers (self, answer);
    batch_t *batch = self->batch;
    self->batch = NULL;
    store_metrics[STORE_BATCHES]++;
    histogram_add (&store_commit_time, clock_mono_us () - batch->sent_us);
    for (size_t at = 0; at < batch->count; at++) {
        batch_group_t *group = &batch->groups[at];
        if (group->lost)
            s_fail_group (self, group, STORE_CONFLICT);
        else
            s_group_stored (self, group);
    }
    batch_destroy (&batch);
}

static void
s_on_appended (void *owner, void *unused, const pg_answer_t *answer)
{
    group_commit_t *self = owner;
    (void) unused;
    //  Nothing is sent while we answer: what waits may depend on a group that lost.
    if (answer->lost)
        s_fail_batch (self, STORE_UNSURE);
    else if (answer->failed)
        s_batch_failed (self, answer->sqlstate);
    else
        s_batch_done (self, answer);
    self->is_sent = false;
    self->events.answered (self->owner, !answer->lost && !answer->failed);
}

// ---------------------------------------------------------------------------------------------
//  Sending

static bool
s_day_is_known (const group_commit_t *self, uint64_t day)
{
    for (size_t at = 0; at < self->day_count; at++)
        if (self->days[at] == day)
            return true;
    return false;
}

//  In a transaction of its own, before the batch: others wait while a partition is made.
static void
s_on_day_made (void *owner, void *unused, const pg_answer_t *answer)
{
    (void) owner;
    (void) unused;
    (void) answer; //  when it failed, so will the batch behind it, which is then tried again
}

static void
s_make_days (group_commit_t *self)
{
    for (size_t at = 0; at < self->batch->day_count; at++) {
        uint64_t day = self->batch->days[at];
        if (s_day_is_known (self, day))
            continue;
        pg_values_begin (&self->values);
        pg_values_day (&self->values, day);
        pg_link_add (self->link, SAY_DAY, &self->values);
        pg_link_send (self->link, s_on_day_made, self, NULL);
        if (self->day_count == DAYS_KNOWN)
            self->day_count = 0;
        self->days[self->day_count++] = day;
    }
}

static void
s_add_day (group_commit_t *self, size_t day)
{
    static const size_t statements[] = {
        [BATCH_ENTRY] = SAY_ENTRY, [BATCH_ENTRIES] = SAY_ENTRIES, [BATCH_ALL] = SAY_APPEND,
    };
    batch_way_t way = batch_way (self->batch, day);
    batch_write (self->batch, day, way, (int64_t) self->writer, &self->values);
    pg_link_add (self->link, statements[way], &self->values);
}

static void
s_send_batch (group_commit_t *self)
{
    batch_t *batch = self->batch;
    s_make_days (self);
    for (size_t at = 0; at < batch->count; at++) {
        batch_group_t *group = &batch->groups[at];
        group->sure =
            tail_cache_ends_at (self->tail_cache, group->session, batch_group_before (group));
    }
    batch->careful = batch->careful || clock_mono_ms () < self->careful_ms;
    for (size_t day = 0; day < batch->day_count; day++)
        s_add_day (self, day);
    batch->tries++;
    batch->sent_us = clock_mono_us ();
    self->is_sent = true;
    pg_link_send (self->link, s_on_appended, self, NULL);
}

static void
s_gather (group_commit_t *self)
{
    if (self->batch || lanes_are_empty (self->lanes))
        return;
    self->batch = batch_new (self->batch_chunks);
    bool alone = self->alone > 0;
    if (alone)
        self->alone--;
    lanes_fill (self->lanes, self->batch, self->batch_chunks, alone, self->freed);
    batch_sort (self->batch);
}

void
group_commit_pump (group_commit_t *self)
{
    if (self->is_sent || pg_link_room (self->link) < ROOM_FOR_BATCH)
        return;
    s_gather (self);
    if (self->batch)
        s_send_batch (self);
}

// ---------------------------------------------------------------------------------------------
//  Waiting for too long

//  A batch that is to be sent again waits, too.
static void
s_expire_batch (group_commit_t *self, uint64_t now)
{
    if (!self->batch || self->is_sent || !s_batch_is_old (self, now))
        return;
    self->is_sent = true; //  nothing is gathered while we answer
    s_fail_batch (self, STORE_DOWN);
    self->is_sent = false;
}

//  A chunk that waited for too long takes all of its session's with it.
static void
s_expire_chunk (group_commit_t *self, chunk_t *chunk)
{
    list_t chunks;
    list_init (&chunks);
    lanes_take (self->lanes, chunk->copy.session, &chunks, self->freed);
    s_answer_chunks (self, &chunks, STORE_DOWN);
}

void
group_commit_expire (group_commit_t *self, uint64_t now)
{
    s_expire_batch (self, now);
    while (!list_is_empty (&self->ages)) {
        aged_t *oldest = LIST_THING (list_first (&self->ages), aged_t, link);
        if (now - oldest->since_ms <= self->patience_ms)
            return;
        s_expire_chunk (self, LIST_THING (&oldest->link, chunk_t, age.link));
    }
}

// ---------------------------------------------------------------------------------------------

group_commit_t *
group_commit_new (pg_link_t *link, const store_config_t *config, list_t *freed,
                  const group_commit_events_t *events, void *owner)
{
    group_commit_t *self = calloc (1, sizeof *self);
    assert (self);
    self->link = link;
    self->events = *events;
    self->owner = owner;
    self->writer = config->writer;
    self->batch_chunks = config->batch_chunks;
    self->patience_ms = config->patience_ms;
    self->freed = freed;
    list_init (&self->ages);
    self->lanes = lanes_new ();
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
    store_metrics[STORE_QUEUE_BYTES] -= (int64_t) self->bytes;
    batch_destroy (&self->batch);
    lanes_destroy (&self->lanes);
    tail_cache_destroy (&self->tail_cache);
    pg_values_free (&self->values);
    free (self);
}

void
group_commit_put (group_commit_t *self, chunk_t *chunk)
{
    self->pending++;
    self->bytes += chunk->size;
    store_metrics[STORE_QUEUE_BYTES] += (int64_t) chunk->size;
    list_append (&self->ages, &chunk->age.link);
    lanes_put (self->lanes, chunk);
}

bool
group_commit_follow (group_commit_t *self, query_t *query)
{
    return lanes_follow (self->lanes, query);
}

void
group_commit_renew (group_commit_t *self)
{
    self->day_count = 0;
    tail_cache_forget (self->tail_cache);
}

uint64_t
group_commit_pending (const group_commit_t *self)
{
    return self->pending;
}

uint64_t
group_commit_bytes (const group_commit_t *self)
{
    return self->bytes;
}
