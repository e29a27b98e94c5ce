#include "desk.h"

#include "lanes.h"
#include "parts/clock.h"
#include "pg_link.h"
#include "seen.h"
#include "service/log.h"
#include "store_counters.h"
#include "trail.h"

#include <assert.h>
#include <stdlib.h>

#define TICK_MS 100
#define SEEN_MS 500
#define SEEN_MOST 4096
#define PROBE_MS 500
#define TRAIL_BITS 16
#define BATCH_TRIES 6
//  Days whose partition is known to be there.
#define DAYS_KNOWN 16
//  More than one answer may be due to requests sent in one go: keep room for a batch.
#define ROOM_FOR_BATCH 1

enum { SAY_APPEND, SAY_LOAD, SAY_READ, SAY_LOCATE, SAY_SEEN, SAY_DAY, SAY_PROBE, STATEMENTS };

static const pg_statement_t s_statements[STATEMENTS] = {
    [SAY_APPEND] = { "append",
                     "SELECT append_batch ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,"
                     " $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28,"
                     " $29, $30, $31, $32, $33, $34, $35, $36, $37, $38)" },
    [SAY_LOAD] = { "load", QUERY_LOAD_SQL },
    [SAY_READ] = { "read", QUERY_READ_SQL },
    [SAY_LOCATE] = { "locate", QUERY_LOCATE_SQL },
    [SAY_SEEN] = { "seen", "SELECT note_seen ($1, $2, $3, $4)" },
    [SAY_DAY] = { "day", "SELECT make_day ($1::date)" },
    [SAY_PROBE] = { "probe", "SELECT beat ($1::bigint, $2::text)" },
};

static const size_t s_query_statements[] = {
    [QUERY_LOAD] = SAY_LOAD, [QUERY_READ] = SAY_READ, [QUERY_LOCATE] = SAY_LOCATE,
};

struct desk {
    pg_link_t *link;
    uv_timer_t timer;
    desk_changed_fn *changed;
    void *owner;
    uint64_t writer;
    char *node;
    uint64_t batch_chunks;
    uint64_t patience_ms;
    lanes_t *lanes;
    list_t queries;          //  that may be sent
    list_t asked;            //  under way
    list_t ages;             //  everything that waits, oldest first
    batch_t *batch;          //  under way, or to be sent again
    bool batch_sent;
    size_t alone;            //  groups that are still to be sent one by one
    bool sick;               //  the server cannot write; a probe is due
    bool probing;
    uint64_t probe_ms;
    uint64_t seen_ms;
    seen_t *seen;
    trail_t *trail;          //  of this connection
    uint64_t days[DAYS_KNOWN];
    size_t day_count;
    uint64_t pending;
    uint64_t bytes;
    pg_values_t values;
};

static void s_pump (desk_t *self);

// ---------------------------------------------------------------------------------------------
//  Answering

static void
s_count_outcome (const chunk_t *chunk, store_outcome_t outcome)
{
    switch (outcome) {
    case STORED:
        store_counters[STORE_CHUNKS]++;
        store_counters[STORE_ENTRIES] += (int64_t) chunk->copy.entry_count;
        break;
    case STORE_CONFLICT:
        store_counters[STORE_CONFLICTS]++;
        break;
    case STORE_UNSURE:
        store_counters[STORE_UNSURES]++;
        break;
    case STORE_DOWN:
        store_counters[STORE_DOWNS]++;
        break;
    }
}

static void
s_forget (desk_t *self, size_t size)
{
    self->pending--;
    self->bytes -= size;
    store_counters[STORE_QUEUE_BYTES] -= (int64_t) size;
}

static void
s_answer_chunks (desk_t *self, list_t *chunks, store_outcome_t outcome)
{
    while (!list_is_empty (chunks)) {
        chunk_t *chunk = LIST_THING (list_first (chunks), chunk_t, place);
        s_count_outcome (chunk, outcome);
        list_remove (&chunk->place);
        s_forget (self, chunk->size);
        chunk->appended (chunk->owner, chunk->ticket, outcome);
        chunk_destroy (&chunk);
    }
}

//  The group did not get through: nor may what was decided after it.
static void
s_fail_group (desk_t *self, batch_group_t *group, store_outcome_t outcome)
{
    list_t later;
    list_init (&later);
    lanes_take (self->lanes, group->session, &later, &self->queries);
    store_outcome_t then = outcome == STORE_UNSURE ? STORE_CONFLICT : outcome;
    s_answer_chunks (self, &group->chunks, outcome);
    s_answer_chunks (self, &later, then);
}

static void
s_fail_batch (desk_t *self, store_outcome_t outcome)
{
    batch_t *batch = self->batch;
    self->batch = NULL;
    for (size_t at = 0; at < batch->count; at++)
        s_fail_group (self, &batch->groups[at], outcome);
    batch_destroy (&batch);
}

static void
s_answer_query (desk_t *self, query_t *query, store_outcome_t outcome, const PGresult *result)
{
    list_remove (&query->place);
    s_forget (self, query->size);
    if (outcome == STORE_DOWN)
        store_counters[STORE_DOWNS]++;
    query_answer (query, outcome, result);
    query_destroy (&query);
}

static void
s_get_sick (desk_t *self, const char *sqlstate)
{
    log_error ("database cannot write", log_string ("sqlstate", sqlstate),
               log_string ("advice", "see its log: disk full, read-only, or shutting down?"));
    self->sick = true;
    self->probe_ms = clock_mono_ms ();
    self->changed (self->owner);
}

// ---------------------------------------------------------------------------------------------
//  The batch

static bool
s_is_class (const char *sqlstate, const char *class)
{
    return strncmp (sqlstate, class, strlen (class)) == 0;
}

//  The chunks go back into their lanes, to be stored one group at a time: the one that the server
//  cannot digest must not take the others with it.
static void
s_split (desk_t *self)
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

//  The server said no to the whole batch; nothing of it is stored.
static void
s_batch_failed (desk_t *self, const char *sqlstate)
{
    static const char *const again[] = { "40001", "40P01", "55P03", "23514", "40003" };
    bool try_again = false;
    for (size_t at = 0; at < sizeof again / sizeof *again; at++)
        try_again = try_again || s_is_class (sqlstate, again[at]);
    self->day_count = 0; //  a partition may be missing
    if (try_again && self->batch->tries < BATCH_TRIES) {
        store_counters[STORE_RETRIES]++;
        return;
    }
    bool indigestible = s_is_class (sqlstate, "22") || s_is_class (sqlstate, "23")
                        || s_is_class (sqlstate, "54");
    if (indigestible && self->batch->count > 1) {
        s_split (self);
        return;
    }
    if (indigestible)
        log_error ("chunk cannot be stored", log_string ("sqlstate", sqlstate),
                   log_text ("session", self->batch->groups[0].session));
    else
        s_get_sick (self, sqlstate);
    s_fail_batch (self, STORE_DOWN);
    if (s_is_class (sqlstate, "25006") || s_is_class (sqlstate, "42")
        || s_is_class (sqlstate, "0A"))
        pg_link_renew (self->link); //  not the primary any more, or another schema
}

//  Which groups lost: there is one result for each day.
static void
s_read_losers (desk_t *self, const pg_answer_t *answer)
{
    batch_t *batch = self->batch;
    for (size_t day = 0; day < batch->day_count; day++) {
        const PGresult *result = answer->results[day];
        for (int row = 0; row < PQntuples (result); row++)
            batch_lose (batch, day, pg_text (result, row, 0));
    }
}

static void
s_group_stored (desk_t *self, batch_group_t *group)
{
    trail_note (self->trail, group->session, batch_group_last (group));
    s_answer_chunks (self, &group->chunks, STORED);
}

static void
s_batch_done (desk_t *self, const pg_answer_t *answer)
{
    s_read_losers (self, answer);
    batch_t *batch = self->batch;
    self->batch = NULL;
    store_counters[STORE_BATCHES]++;
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
    desk_t *self = owner;
    (void) unused;
    //  Nothing is sent while we answer: what waits may depend on a group that lost.
    if (answer->lost)
        s_fail_batch (self, STORE_UNSURE);
    else if (answer->failed)
        s_batch_failed (self, answer->sqlstate);
    else
        s_batch_done (self, answer);
    self->batch_sent = false;
    s_pump (self);
}

static bool
s_day_is_known (const desk_t *self, uint64_t day)
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
s_make_days (desk_t *self)
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
s_send_batch (desk_t *self)
{
    batch_t *batch = self->batch;
    s_make_days (self);
    for (size_t at = 0; at < batch->count; at++) {
        batch_group_t *group = &batch->groups[at];
        group->sure = trail_ends_at (self->trail, group->session, batch_group_before (group));
    }
    for (size_t day = 0; day < batch->day_count; day++) {
        batch_write (batch, day, (int64_t) self->writer, &self->values);
        pg_link_add (self->link, SAY_APPEND, &self->values);
    }
    batch->tries++;
    batch->sent_us = clock_mono_us ();
    self->batch_sent = true;
    pg_link_send (self->link, s_on_appended, self, NULL);
}

static void
s_gather (desk_t *self)
{
    if (self->batch || lanes_are_empty (self->lanes))
        return;
    self->batch = batch_new (self->batch_chunks);
    bool alone = self->alone > 0;
    if (alone)
        self->alone--;
    lanes_fill (self->lanes, self->batch, self->batch_chunks, alone, &self->queries);
    batch_sort (self->batch);
}

// ---------------------------------------------------------------------------------------------
//  Questions

static void
s_on_asked (void *owner, void *request, const pg_answer_t *answer)
{
    desk_t *self = owner;
    query_t *query = request;
    if (answer->lost) {
        list_append (&self->queries, &query->place); //  asking again does no harm
        list_append (&self->ages, &query->age.link);
        return;
    }
    if (answer->failed) {
        log_warn ("database refused a question", log_string ("sqlstate", answer->sqlstate));
        s_answer_query (self, query, STORE_DOWN, NULL);
    } else {
        store_counters[query->kind == QUERY_LOAD ? STORE_LOADS : STORE_READS]++;
        s_answer_query (self, query, STORED, answer->results[0]);
    }
    s_pump (self);
}

static void
s_send_queries (desk_t *self)
{
    while (!list_is_empty (&self->queries)
           && pg_link_room (self->link) > BATCH_DAYS + ROOM_FOR_BATCH) {
        query_t *query = LIST_THING (list_first (&self->queries), query_t, place);
        list_append (&self->asked, &query->place);
        list_remove (&query->age.link);
        query_write (query, (int64_t) self->writer, &self->values);
        pg_link_add (self->link, s_query_statements[query->kind], &self->values);
        pg_link_send (self->link, s_on_asked, self, query);
    }
}

//  Sends what may be sent. A batch goes before the questions that it frees.
static void
s_pump (desk_t *self)
{
    if (!self->batch_sent && !self->sick
        && pg_link_room (self->link) >= BATCH_DAYS + ROOM_FOR_BATCH) {
        s_gather (self);
        if (self->batch)
            s_send_batch (self);
    }
    s_send_queries (self);
}

// ---------------------------------------------------------------------------------------------
//  From time to time

static void
s_on_seen (void *owner, void *unused, const pg_answer_t *answer)
{
    (void) owner;
    (void) unused;
    (void) answer; //  lost notes only make us deliver something twice
}

static void
s_write_seen (desk_t *self)
{
    if (seen_count (self->seen) == 0 || self->sick
        || pg_link_room (self->link) < 2 * BATCH_DAYS)
        return;
    self->seen_ms = clock_mono_ms ();
    seen_write (self->seen, &self->values);
    pg_link_add (self->link, SAY_SEEN, &self->values);
    pg_link_send (self->link, s_on_seen, self, NULL);
}

static void
s_on_probed (void *owner, void *unused, const pg_answer_t *answer)
{
    desk_t *self = owner;
    (void) unused;
    self->probing = false;
    if (answer->lost || answer->failed || !self->sick)
        return;
    log_info ("database can write again", log_string ("node", self->node));
    self->sick = false;
    self->changed (self->owner);
    s_pump (self);
}

static void
s_probe (desk_t *self, uint64_t now)
{
    if (!self->sick || self->probing || now - self->probe_ms < PROBE_MS
        || pg_link_room (self->link) == 0)
        return;
    self->probing = true;
    self->probe_ms = now;
    pg_values_begin (&self->values);
    pg_values_number (&self->values, (int64_t) self->writer);
    pg_values_text (&self->values, text_of (self->node));
    pg_link_add (self->link, SAY_PROBE, &self->values);
    pg_link_send (self->link, s_on_probed, self, NULL);
}

//  A batch that is to be sent again waits, too.
static void
s_expire_batch (desk_t *self, uint64_t now)
{
    if (!self->batch || self->batch_sent)
        return;
    const chunk_t *first = LIST_THING (self->batch->groups[0].chunks.next, chunk_t, place);
    if (now - first->age.since_ms <= self->patience_ms)
        return;
    self->batch_sent = true; //  nothing is gathered while we answer
    s_fail_batch (self, STORE_DOWN);
    self->batch_sent = false;
}

//  A chunk that waited for too long takes all of its session's with it.
static void
s_expire_chunk (desk_t *self, chunk_t *chunk)
{
    list_t chunks;
    list_init (&chunks);
    lanes_take (self->lanes, chunk->copy.session, &chunks, &self->queries);
    s_answer_chunks (self, &chunks, STORE_DOWN);
}

static void
s_expire (desk_t *self, uint64_t now)
{
    s_expire_batch (self, now);
    while (!list_is_empty (&self->ages)) {
        aged_t *oldest = LIST_THING (list_first (&self->ages), aged_t, link);
        if (now - oldest->since_ms <= self->patience_ms)
            return;
        if (oldest->is_chunk)
            s_expire_chunk (self, LIST_THING (&oldest->link, chunk_t, age.link));
        else
            s_answer_query (self, LIST_THING (&oldest->link, query_t, age.link), STORE_DOWN, NULL);
    }
}

static void
s_on_timer (uv_timer_t *timer)
{
    desk_t *self = timer->data;
    uint64_t now = clock_mono_ms ();
    s_expire (self, now);
    s_probe (self, now);
    if (now - self->seen_ms >= SEEN_MS)
        s_write_seen (self);
    s_pump (self);
}

// ---------------------------------------------------------------------------------------------

static void
s_on_up (void *owner)
{
    desk_t *self = owner;
    store_counters[STORE_LINKS_UP]++;
    self->sick = false; //  a new connection: the next batch will tell
    self->probing = false;
    self->day_count = 0;
    trail_forget (self->trail);
    self->changed (self->owner);
    s_pump (self);
}

static void
s_on_down (void *owner)
{
    desk_t *self = owner;
    store_counters[STORE_LINKS_UP]--;
    store_counters[STORE_LINKS_LOST]++;
    self->changed (self->owner);
}

desk_t *
desk_new (uv_loop_t *loop, const store_config_t *config, desk_changed_fn *changed, void *owner)
{
    desk_t *self = calloc (1, sizeof *self);
    assert (self);
    self->changed = changed;
    self->owner = owner;
    self->writer = config->writer;
    self->node = strdup (config->node);
    assert (self->node);
    self->batch_chunks = config->batch_chunks;
    self->patience_ms = config->patience_ms;
    self->lanes = lanes_new ();
    self->seen = seen_new (SEEN_MOST);
    self->trail = trail_new (TRAIL_BITS);
    list_init (&self->queries);
    list_init (&self->asked);
    list_init (&self->ages);
    self->link = pg_link_new (
        loop,
        &(pg_link_config_t){ .url = config->url, .node = config->node, .statements = s_statements,
                             .statement_count = STATEMENTS,
                             .answer_ms = config->answer_ms },
        &(pg_link_events_t){ .up = s_on_up, .down = s_on_down }, self);
    uv_timer_init (loop, &self->timer);
    self->timer.data = self;
    uv_timer_start (&self->timer, s_on_timer, TICK_MS, TICK_MS);
    return self;
}

static void
s_destroy_queries (list_t *queries)
{
    while (!list_is_empty (queries)) {
        query_t *query = LIST_THING (list_first (queries), query_t, place);
        query_destroy (&query);
    }
}

static void
s_on_closed (uv_handle_t *handle)
{
    desk_t *self = handle->data;
    pg_values_free (&self->values);
    free (self->node);
    free (self);
}

void
desk_destroy (desk_t **self_p)
{
    desk_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    pg_link_destroy (&self->link);
    batch_destroy (&self->batch);
    lanes_destroy (&self->lanes);
    s_destroy_queries (&self->queries);
    s_destroy_queries (&self->asked);
    seen_destroy (&self->seen);
    trail_destroy (&self->trail);
    uv_close ((uv_handle_t *) &self->timer, s_on_closed);
}

void
desk_open (desk_t *self)
{
    pg_link_open (self->link);
}

bool
desk_is_usable (const desk_t *self)
{
    return pg_link_is_up (self->link) && !self->sick;
}

uint64_t
desk_pending (const desk_t *self)
{
    return self->pending;
}

uint64_t
desk_bytes (const desk_t *self)
{
    return self->bytes;
}

static void
s_remember (desk_t *self, size_t size)
{
    self->pending++;
    self->bytes += size;
    store_counters[STORE_QUEUE_BYTES] += (int64_t) size;
}

void
desk_append (desk_t *self, chunk_t **chunk_p)
{
    chunk_t *chunk = *chunk_p;
    *chunk_p = NULL;
    s_remember (self, chunk->size);
    list_append (&self->ages, &chunk->age.link);
    lanes_put (self->lanes, chunk);
    s_pump (self);
}

void
desk_ask (desk_t *self, query_t **query_p)
{
    query_t *query = *query_p;
    *query_p = NULL;
    s_remember (self, query->size);
    list_append (&self->ages, &query->age.link);
    if (query->kind == QUERY_LOCATE || !lanes_follow (self->lanes, query))
        list_append (&self->queries, &query->place);
    s_pump (self);
}

void
desk_seen (desk_t *self, text_t session, uint64_t role, text_t user, uint64_t seq)
{
    if (seen_note (self->seen, session, role, user, seq) == 0)
        return;
    s_write_seen (self);
    //  When the database is away the note is lost: too much is delivered again, not too little.
    if (seen_note (self->seen, session, role, user, seq) != 0)
        store_counters[STORE_SEEN_LOST]++;
}
