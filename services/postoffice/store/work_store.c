#include "store/work_store.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/loop_timer.h"
#include "pg/pg_link.h"
#include "store/migrations.h"
#include "store/store_metrics.h"

#include <stdlib.h>

#define TICK_MS 500
#define RELEASE_MS 1000
//  After an outage of the database everybody looks dead until it has beaten again.
#define RELEASE_AFTER_MS 6000
#define RELEASED_AT_ONCE 20000
//  Items that the database says are ours and we do not know; more are said again.
#define UNKNOWN_MOST 1000
#define DROP_MS 60000
#define DROPPED_AT_ONCE 1000
//  Statements that may be under way; more means that the database hangs.
#define ROOM_AT_LEAST 16

enum { SAY_TAKE, SAY_FINISH, SAY_RELEASE, SAY_DROP, STATEMENTS };

static const pg_statement_t s_statements[STATEMENTS] = {
    [SAY_TAKE] = { "take", "SELECT * FROM " SCHEMA_FUNCTION (
                               "take_work") " ($1::bigint, $2::text[], $3::bigint[],"
                                            " $4::text[], $5::bigint[], $6::bigint[])" },
    [SAY_FINISH] = { "finish", "SELECT " SCHEMA_FUNCTION (
                                   "finish_work") " ($1::text[], $2::text[], $3::bigint[],"
                                                  " $4::smallint[], $5::bigint[], $6::smallint[],"
                                                  " $7::bigint[], $8::text[], $9::bigint[],"
                                                  " $10::text[], $11::text[], $12::smallint[],"
                                                  " $13::bigint[], $14::boolean[])" },
    [SAY_RELEASE] = { "release", "SELECT * FROM " SCHEMA_FUNCTION (
                                     "release_work") " ($1::bigint, $2::text[], $3::text[],"
                                                     " $4::bigint)" },
    [SAY_DROP] = { "drop", "SELECT " SCHEMA_FUNCTION (
                               "drop_finished") " ($1::bigint, $2::bigint, $3::text[],"
                                                " $4::bigint[])" },
};

//  Reports of one statement, until they are answered.
typedef struct {
    list_t link; //  in the store's list
    size_t count;
    text_t *items; //  behind the struct
} finish_t;

struct work_store {
    work_store_events_t events;
    void *owner;
    pg_link_t *link;
    loop_timer_t *tick;
    uint64_t writer;
    uint64_t kept_ms;
    kept_times_t sessions;
    uint64_t up_ms;
    uint64_t released_ms;
    uint64_t dropped_ms;
    bool is_taking;
    uint64_t take_ms;    //  when it was asked for
    bool wants_release;  //  behind the take that is under way, and before another one
    bool is_releasing;
    bool is_dropping;
    list_t finishes; //  under way
    char *unknown[UNKNOWN_MOST]; //  leased to us, and not known at the last release
    size_t unknown_count;
    pg_values_t values;
};

//  True when the database did what it was asked; what it refused is logged.
static bool
s_is_done (const pg_answer_t *answer, const char *what)
{
    static log_limit_t limit = LOG_LIMIT (LOG_WARN, "database refused work");
    if (answer->failed && log_limit_allows (&limit))
        log_warn ("database refused work", log_string ("what", what),
                  log_string ("sqlstate", answer->sqlstate));
    return !answer->lost && !answer->failed;
}

// ---------------------------------------------------------------------------------------------
//  Taking

static void s_release (work_store_t *self);

//  Only when no take is under way is it known what is not here.
static void
s_release_behind_take (work_store_t *self)
{
    if (!self->wants_release || self->is_releasing || pg_link_room (self->link) < ROOM_AT_LEAST)
        return;
    self->wants_release = false;
    s_release (self);
}

static void
s_on_taken (void *owner, void *unused, const pg_answer_t *answer)
{
    work_store_t *self = owner;
    (void) unused;
    self->is_taking = false;
    if (!s_is_done (answer, "take")) {
        self->events.taken (self->owner, NULL, 0, 0);
        return;
    }
    const PGresult *result = answer->results[0];
    int rows = PQntuples (result);
    work_taken_t *items = alloc_array ((size_t) rows + 1, sizeof *items);
    for (int row = 0; row < rows; row++)
        items[row] = (work_taken_t){ .item = pg_text (result, row, 0),
                                     .app = pg_text (result, row, 1),
                                     .session = pg_text (result, row, 2),
                                     .topic = pg_text (result, row, 3),
                                     .seq = (uint64_t) pg_number (result, row, 4),
                                     .user = pg_text (result, row, 5),
                                     .body = pg_text (result, row, 6),
                                     .secret = pg_text (result, row, 7),
                                     .attempt = (uint64_t) pg_number (result, row, 8),
                                     .memory = pg_text (result, row, 9),
                                     .lane_memory = pg_text (result, row, 10),
                                     .lost = (uint64_t) pg_number (result, row, 11),
                                     .replays = (uint64_t) pg_number (result, row, 12),
                                     .is_suppressed = pg_flag (result, row, 13) };
    store_metrics[STORE_WORK_TAKEN] += rows;
    self->events.taken (self->owner, items, (size_t) rows, clock_mono_ms () - self->take_ms);
    free (items);
    s_release_behind_take (self);
}

bool
work_store_is_up (const work_store_t *self)
{
    return pg_link_room (self->link) >= ROOM_AT_LEAST;
}

int
work_store_take (work_store_t *self, const work_wish_t *wishes, size_t count,
                 const work_paces_t *paces)
{
    if (self->is_taking || self->wants_release || pg_link_room (self->link) < ROOM_AT_LEAST)
        return -1;
    pg_values_number (&self->values, PG_NUMBER, (int64_t) self->writer);
    pg_value_t *topics = pg_values_array (&self->values, PG_TEXT);
    pg_value_t *most = pg_values_array (&self->values, PG_NUMBER);
    for (size_t at = 0; at < count; at++) {
        pg_array_text (topics, wishes[at].topic);
        pg_array_number (most, (int64_t) wishes[at].most);
    }
    pg_value_t *paced = pg_values_array (&self->values, PG_TEXT);
    pg_value_t *gaps = pg_values_array (&self->values, PG_NUMBER);
    pg_value_t *bursts = pg_values_array (&self->values, PG_NUMBER);
    for (size_t at = 0; at < paces->count; at++) {
        pg_array_text (paced, paces->rows[at].name);
        pg_array_number (gaps, (int64_t) paces->rows[at].gap_ms);
        pg_array_number (bursts, paces->rows[at].is_single ? -1
                                                           : (int64_t) paces->rows[at].burst_ms);
    }
    self->is_taking = true;
    self->take_ms = clock_mono_ms ();
    pg_link_add (self->link, SAY_TAKE, &self->values);
    pg_link_send (self->link, s_on_taken, self, NULL);
    return 0;
}

// ---------------------------------------------------------------------------------------------
//  Finishing

static void
s_on_finished (void *owner, void *asked, const pg_answer_t *answer)
{
    work_store_t *self = owner;
    finish_t *finish = asked;
    list_remove (&finish->link);
    if (!s_is_done (answer, "finish")) {
        free (finish);
        self->events.lost (self->owner);
        return;
    }
    const PGresult *result = answer->results[0];
    for (size_t at = 0; at < finish->count; at++) {
        bool counts = false;
        for (int row = 0; row < PQntuples (result) && !counts; row++)
            counts = text_is (pg_text (result, row, 0), finish->items[at]);
        store_metrics[counts ? STORE_WORK_FINISHED : STORE_WORK_STALE]++;
        self->events.finished (self->owner, finish->items[at], counts);
    }
    free (finish);
}

static finish_t *
s_finish_new (const work_report_t *reports, size_t count)
{
    text_t *texts = alloc_array (count, sizeof *texts);
    for (size_t at = 0; at < count; at++)
        texts[at] = reports[at].item;
    finish_t *self = alloc_packed (sizeof *self + count * sizeof (text_t), texts, count);
    list_init (&self->link);
    self->count = count;
    self->items = (text_t *) (void *) (self + 1);
    memcpy (self->items, texts, count * sizeof *texts);
    free (texts);
    return self;
}

int
work_store_finish (work_store_t *self, const work_report_t *reports, size_t count)
{
    if (pg_link_room (self->link) < ROOM_AT_LEAST)
        return -1;
    pg_value_t *items = pg_values_array (&self->values, PG_TEXT);
    pg_value_t *topics = pg_values_array (&self->values, PG_TEXT);
    pg_value_t *attempts = pg_values_array (&self->values, PG_NUMBER);
    pg_value_t *states = pg_values_array (&self->values, PG_SMALL);
    pg_value_t *after = pg_values_array (&self->values, PG_NUMBER);
    pg_value_t *statuses = pg_values_array (&self->values, PG_SMALL);
    pg_value_t *took = pg_values_array (&self->values, PG_NUMBER);
    pg_value_t *details = pg_values_array (&self->values, PG_TEXT);
    pg_value_t *lost = pg_values_array (&self->values, PG_NUMBER);
    pg_value_t *memories = pg_values_array (&self->values, PG_TEXT);
    pg_value_t *lane_memories = pg_values_array (&self->values, PG_TEXT);
    pg_value_t *words = pg_values_array (&self->values, PG_SMALL);
    pg_value_t *pauses = pg_values_array (&self->values, PG_NUMBER);
    pg_value_t *suppressed = pg_values_array (&self->values, PG_BOOL);
    for (size_t at = 0; at < count; at++) {
        pg_array_text (items, reports[at].item);
        pg_array_text (topics, reports[at].topic);
        pg_array_number (attempts, (int64_t) reports[at].attempt);
        pg_array_number (states, reports[at].state);
        pg_array_number (after, (int64_t) reports[at].after_ms);
        pg_array_number (statuses, (int64_t) reports[at].status);
        pg_array_number (took, (int64_t) reports[at].took_ms);
        pg_array_text (details, reports[at].detail);
        pg_array_number (lost, reports[at].lost);
        pg_array_text (memories, reports[at].memory);
        pg_array_text (lane_memories, reports[at].lane_memory);
        pg_array_number (words, reports[at].destination);
        pg_array_number (pauses, (int64_t) reports[at].pause_ms);
        pg_array_number (suppressed, reports[at].suppresses);
    }
    finish_t *finish = s_finish_new (reports, count);
    list_append (&self->finishes, &finish->link);
    pg_link_add (self->link, SAY_FINISH, &self->values);
    pg_link_send (self->link, s_on_finished, self, finish);
    return 0;
}

// ---------------------------------------------------------------------------------------------
//  Releasing, and forgetting

static void
s_on_released (void *owner, void *unused, const pg_answer_t *answer)
{
    work_store_t *self = owner;
    (void) unused;
    self->is_releasing = false;
    if (!s_is_done (answer, "release")) {
        self->up_ms = clock_mono_ms (); //  it takes no beats either, if it is read-only
        return;
    }
    const PGresult *result = answer->results[0];
    int64_t count = pg_number (result, 0, 0);
    for (int row = 1; row < PQntuples (result) && self->unknown_count < UNKNOWN_MOST; row++)
        self->unknown[self->unknown_count++] = alloc_text (pg_text (result, row, 1));
    store_metrics[STORE_WORK_RELEASED] += count;
    if (count > 0)
        log_info ("leases without a holder released", log_number ("items", count));
    if (count == RELEASED_AT_ONCE)
        self->released_ms = 0; //  there may be more
}

static void
s_add_known (void *list, text_t item)
{
    pg_array_text (list, item);
}

static void
s_forget_unknown (work_store_t *self)
{
    while (self->unknown_count > 0)
        free (self->unknown[--self->unknown_count]);
}

static void
s_release (work_store_t *self)
{
    self->is_releasing = true;
    pg_values_number (&self->values, PG_NUMBER, (int64_t) self->writer);
    self->events.known (self->owner, pg_values_array (&self->values, PG_TEXT), s_add_known);
    pg_value_t *lost = pg_values_array (&self->values, PG_TEXT);
    for (size_t at = 0; at < self->unknown_count; at++)
        if (!self->events.knows (self->owner, text_of (self->unknown[at])))
            pg_array_text (lost, text_of (self->unknown[at]));
    s_forget_unknown (self);
    pg_values_number (&self->values, PG_NUMBER, RELEASED_AT_ONCE);
    pg_link_add (self->link, SAY_RELEASE, &self->values);
    pg_link_send (self->link, s_on_released, self, NULL);
}

static void
s_on_dropped (void *owner, void *unused, const pg_answer_t *answer)
{
    work_store_t *self = owner;
    (void) unused;
    self->is_dropping = false;
    if (s_is_done (answer, "drop") && pg_number (answer->results[0], 0, 0) == DROPPED_AT_ONCE)
        self->dropped_ms = 0; //  there may be more
}

//  What became of a session's work is forgotten no later than the session would be.
static uint64_t
s_kept (const work_store_t *self, uint64_t session_ms)
{
    return session_ms > 0 && session_ms < self->kept_ms ? session_ms : self->kept_ms;
}

typedef struct {
    const work_store_t *store;
    pg_value_t *apps, *times;
} kept_list_t;

static void
s_add_kept (void *to, text_t app, uint64_t session_ms)
{
    kept_list_t *list = to;
    pg_array_text (list->apps, app);
    pg_array_number (list->times, (int64_t) s_kept (list->store, session_ms));
}

static void
s_drop (work_store_t *self)
{
    self->is_dropping = true;
    pg_values_number (&self->values, PG_NUMBER,
                      (int64_t) s_kept (self, self->sessions.sessions_ms));
    pg_values_number (&self->values, PG_NUMBER, DROPPED_AT_ONCE);
    kept_list_t list = { .store = self, .apps = pg_values_array (&self->values, PG_TEXT) };
    list.times = pg_values_array (&self->values, PG_NUMBER);
    if (self->sessions.each)
        self->sessions.each (self->sessions.owner, s_add_kept, &list);
    pg_link_add (self->link, SAY_DROP, &self->values);
    pg_link_send (self->link, s_on_dropped, self, NULL);
}

static void
s_on_tick (void *owner)
{
    work_store_t *self = owner;
    uint64_t now = clock_mono_ms ();
    if (pg_link_room (self->link) < ROOM_AT_LEAST || now - self->up_ms < RELEASE_AFTER_MS)
        return;
    if (!self->is_releasing && now - self->released_ms >= RELEASE_MS) {
        self->released_ms = now;
        //  A take that is under way may have leased again what was not known: the release waits for
        //  its end, or takes that follow each other would keep it back for ever.
        self->wants_release = true;
        if (!self->is_taking || self->unknown_count == 0)
            s_release_behind_take (self);
    }
    if (!self->is_dropping && now - self->dropped_ms >= DROP_MS) {
        self->dropped_ms = now;
        s_drop (self);
    }
}

// ---------------------------------------------------------------------------------------------

static void
s_on_up (void *owner, bool is_direct)
{
    (void) is_direct;
    store_metrics_link (true);
    ((work_store_t *) owner)->up_ms = clock_mono_ms ();
}

static void
s_on_down (void *owner)
{
    work_store_t *self = owner;
    store_metrics_link (false);
    self->is_taking = self->is_releasing = self->is_dropping = self->wants_release = false;
    self->events.down (self->owner);
}

work_store_t *
work_store_new (uv_loop_t *loop, const store_config_t *config, uint64_t kept_ms,
                const work_store_events_t *events, void *owner)
{
    work_store_t *self = alloc_zeroed (sizeof *self);
    self->events = *events;
    self->owner = owner;
    self->writer = config->writer;
    self->kept_ms = kept_ms;
    self->sessions = config->kept;
    list_init (&self->finishes);
    pg_link_config_t link = { .url = config->url,
                              .name = "deliveries",
                              .node = config->node,
                              .statements = s_statements,
                              .statement_count = STATEMENTS,
                              .answer_ms = config->answer_ms };
    self->link =
        pg_link_new (loop, &link, &(pg_link_events_t){ .up = s_on_up, .down = s_on_down }, self);
    self->tick = loop_timer_new (loop, s_on_tick, self);
    loop_timer_start_ms (self->tick, TICK_MS, TICK_MS);
    return self;
}

void
work_store_open (work_store_t *self)
{
    pg_link_open (self->link);
}

void
work_store_destroy (work_store_t **self_p)
{
    work_store_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    pg_link_destroy (&self->link);
    loop_timer_destroy (&self->tick);
    for (list_t *first; (first = list_first (&self->finishes));) {
        list_remove (first);
        free (LIST_THING (first, finish_t, link));
    }
    s_forget_unknown (self);
    pg_values_free (&self->values);
    free (self);
}
