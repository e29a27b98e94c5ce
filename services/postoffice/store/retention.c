#include "store/retention.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop_timer.h"
#include "pg/pg_link.h"
#include "store/migrations.h"
#include "store/store_metrics.h"

#include <stdlib.h>

//  A piece: so many sessions, and about so many entries. At most a fifth of the time is spent in
//  pieces.
#define SESSIONS_AT_ONCE 500
#define ENTRIES_AT_ONCE 5000
#define PAUSE_FACTOR 4
#define PAUSE_LEAST_MS 100
//  A piece of what is to be erased. Few sessions: somebody may be writing to them just now. A
//  session's entries go so long after the session: nobody has it in memory by then.
#define ERASED_SESSIONS 20
#define ERASED_ENTRIES 5000
#define LOOKED_AT_ONCE 5000
#define ENTRIES_AFTER_MS 5000
#define ERASE_EVERY_MS 1000
//  After an outage of the database every host looks dead until it has beaten again.
#define BEGIN_AFTER_MS 10000
#define REST_MS 60000
#define LOCK_AGAIN_MS 5000
//  A partition that somebody has locked (a dump) stalls writers each time that it is tried.
#define DAY_AGAIN_MS 600000
#define DAY_MS 86400000u
//  One session may have many entries, and goes as a whole. The database is given more time for that
//  than for anything else, as nobody waits for it; for locks less, as others would wait behind us.
//  What a crash takes back is dropped again.
#define ANSWER_MS 330000
static const char s_settings[] = "SET statement_timeout = '5min'; SET lock_timeout = '200ms';"
                                 " SET synchronous_commit = off;";

enum { SAY_LOCK, SAY_SESSIONS, SAY_DAY, SAY_ERASE, STATEMENTS };

static const pg_statement_t s_statements[STATEMENTS] = {
    [SAY_LOCK] = { "retention_lock", "SELECT pg_try_advisory_lock (7365746, 3)" },
    [SAY_SESSIONS] = { "drop_sessions",
                       "SELECT * FROM " SCHEMA_FUNCTION (
                           "drop_sessions") " ($1::bigint, $2::bigint, $3::bigint, $4::text[],"
                                            " $5::bigint[])" },
    //  The day of the database's clock, as with sessions.
    [SAY_DAY] = { "drop_day",
                  "SELECT " SCHEMA_FUNCTION (
                      "drop_day") " ((now () AT TIME ZONE 'UTC' - $1::bigint * interval '1 ms')"
                                  "::date)" },
    [SAY_ERASE] = { "erase", "SELECT * FROM " SCHEMA_FUNCTION (
                                 "erase") " ($1::bigint, $2::bigint, $3::bigint, $4::bigint)" },
};

struct retention {
    pg_link_t *link;
    loop_timer_t *timer;
    pg_values_t values;
    kept_times_t kept;
    int next;         //  what is said at next_ms: the lock; once it is had, sessions or a day
    uint64_t next_ms;
    uint64_t erase_ms; //  when a piece is erased next; 0: not before the lock is had
    int saying;       //  what the timer is set for, or was said last
    uint64_t said_ms;
    uint64_t day_not_before_ms;
    int64_t dropped; //  sessions since the last rest
};

//  One thing is said at a time: what is due first.
static void
s_plan (retention_t *self)
{
    bool erases = self->erase_ms && self->erase_ms < self->next_ms;
    uint64_t now = clock_mono_ms (), at = erases ? self->erase_ms : self->next_ms;
    self->saying = erases ? SAY_ERASE : self->next;
    loop_timer_start_ms (self->timer, at > now ? at - now : 0, 0);
}

static void
s_after (retention_t *self, int what, uint64_t ms)
{
    self->next = what;
    self->next_ms = clock_mono_ms () + ms;
    s_plan (self);
}

static void
s_erase_after (retention_t *self, uint64_t ms)
{
    self->erase_ms = clock_mono_ms () + ms;
    s_plan (self);
}

static void
s_rest (retention_t *self)
{
    if (self->dropped > 0)
        log_info ("old sessions dropped", log_number ("sessions", self->dropped));
    self->dropped = 0;
    s_after (self, SAY_SESSIONS, REST_MS);
}

static void
s_on_sessions (retention_t *self, const PGresult *result, uint64_t pause_ms)
{
    int64_t sessions = pg_number (result, 0, 0);
    self->dropped += sessions;
    store_metrics[STORE_SESSIONS_DROPPED] += sessions;
    store_metrics[STORE_ENTRIES_DROPPED] += pg_number (result, 0, 1);
    if (pg_flag (result, 0, 2))
        s_after (self, SAY_SESSIONS, pause_ms);
    else if (clock_mono_ms () >= self->day_not_before_ms)
        s_after (self, SAY_DAY, pause_ms);
    else
        s_rest (self);
}

static void
s_on_day (retention_t *self, const PGresult *result, uint64_t pause_ms)
{
    if (PQntuples (result) == 0) {
        s_rest (self);
        return;
    }
    store_metrics[STORE_DAYS_DROPPED]++;
    log_info ("old day dropped", log_text ("partition", pg_text (result, 0, 0)));
    s_after (self, SAY_DAY, pause_ms);
}

static void
s_on_erased (retention_t *self, const PGresult *result, uint64_t pause_ms)
{
    enum { MORE, SESSIONS };
    int64_t sessions = pg_number (result, 0, SESSIONS);
    store_metrics[STORE_SESSIONS_ERASED] += sessions;
    if (sessions > 0)
        log_info ("sessions of a visitor erased", log_number ("sessions", sessions));
    s_erase_after (self, pg_flag (result, 0, MORE) ? pause_ms : ERASE_EVERY_MS);
}

static void
s_on_refused (retention_t *self, const pg_answer_t *answer)
{
    static log_limit_t limit = LOG_LIMIT (LOG_WARN, "database refused to drop old sessions");
    store_metrics[STORE_DROPS_FAILED]++;
    if (log_limit_allows (&limit))
        log_warn ("database refused to drop old sessions",
                  log_string ("what", s_statements[self->saying].name),
                  log_string ("sqlstate", answer->sqlstate));
    if (self->saying == SAY_DAY)
        self->day_not_before_ms = clock_mono_ms () + DAY_AGAIN_MS;
    if (answer->error == PG_ERROR_RECONNECT)
        pg_link_renew (self->link); //  read-only: this may not be the primary any more
    else if (self->saying == SAY_DAY)
        s_rest (self);
    else if (self->saying == SAY_ERASE)
        s_erase_after (self, ERASE_EVERY_MS);
    else
        s_after (self, self->next, REST_MS);
}

static void
s_on_answered (void *owner, void *unused, const pg_answer_t *answer)
{
    retention_t *self = owner;
    (void) unused;
    if (answer->lost)
        return;
    if (answer->failed) {
        s_on_refused (self, answer);
        return;
    }
    uint64_t now = clock_mono_ms ();
    uint64_t pause_ms = (now - self->said_ms) * PAUSE_FACTOR + PAUSE_LEAST_MS;
    const PGresult *result = answer->results[0];
    switch (self->saying) {
    case SAY_LOCK:
        if (pg_flag (result, 0, 0)) {
            self->erase_ms = now;
            s_after (self, SAY_SESSIONS, BEGIN_AFTER_MS);
        } else
            s_after (self, SAY_LOCK, LOCK_AGAIN_MS);
        break;
    case SAY_SESSIONS:
        s_on_sessions (self, result, pause_ms);
        break;
    case SAY_ERASE:
        s_on_erased (self, result, pause_ms);
        break;
    default:
        s_on_day (self, result, pause_ms);
    }
}

typedef struct {
    pg_value_t *apps, *times;
    uint64_t shortest_ms; //  of all, apps that are kept for ever aside; 0: all are
} kept_list_t;

static void
s_note_time (kept_list_t *list, uint64_t kept_ms)
{
    if (kept_ms > 0 && (list->shortest_ms == 0 || kept_ms < list->shortest_ms))
        list->shortest_ms = kept_ms;
}

static void
s_add_kept (void *to, text_t app, uint64_t kept_ms)
{
    kept_list_t *list = to;
    s_note_time (list, kept_ms);
    if (!list->apps)
        return;
    pg_array_text (list->apps, app);
    pg_array_number (list->times, (int64_t) kept_ms);
}

static uint64_t
s_shortest_ms (const retention_t *self)
{
    kept_list_t list = { .apps = NULL };
    s_note_time (&list, self->kept.sessions_ms);
    if (self->kept.each)
        self->kept.each (self->kept.owner, s_add_kept, &list);
    return list.shortest_ms;
}

static void
s_put_sessions (retention_t *self)
{
    pg_values_number (&self->values, PG_NUMBER, (int64_t) self->kept.sessions_ms);
    pg_values_number (&self->values, PG_NUMBER, SESSIONS_AT_ONCE);
    pg_values_number (&self->values, PG_NUMBER, ENTRIES_AT_ONCE);
    kept_list_t list = { .apps = pg_values_array (&self->values, PG_TEXT) };
    list.times = pg_values_array (&self->values, PG_NUMBER);
    if (self->kept.each)
        self->kept.each (self->kept.owner, s_add_kept, &list);
}

static void
s_put_erase (retention_t *self)
{
    pg_values_number (&self->values, PG_NUMBER, ERASED_SESSIONS);
    pg_values_number (&self->values, PG_NUMBER, ERASED_ENTRIES);
    pg_values_number (&self->values, PG_NUMBER, LOOKED_AT_ONCE);
    pg_values_number (&self->values, PG_NUMBER, ENTRIES_AFTER_MS);
}

static void
s_on_timer (void *owner)
{
    retention_t *self = owner;
    self->said_ms = clock_mono_ms ();
    if (pg_link_room (self->link) == 0)
        return; //  it broke a moment ago, and begins anew when it is up
    uint64_t shortest_ms = s_shortest_ms (self);
    bool drops = self->saying == SAY_SESSIONS || self->saying == SAY_DAY;
    if (drops && shortest_ms == 0) {
        s_rest (self);
        return;
    }
    if (self->saying == SAY_SESSIONS)
        s_put_sessions (self);
    else if (self->saying == SAY_DAY)
        pg_values_number (&self->values, PG_NUMBER, (int64_t) shortest_ms);
    else if (self->saying == SAY_ERASE)
        s_put_erase (self);
    pg_link_add (self->link, (size_t) self->saying, &self->values);
    pg_link_send (self->link, s_on_answered, self, NULL);
}

static void
s_on_up (void *owner, bool is_direct)
{
    (void) is_direct;
    store_metrics_link (true);
    ((retention_t *) owner)->erase_ms = 0;
    s_after (owner, SAY_LOCK, 0);
}

static void
s_on_down (void *owner)
{
    retention_t *self = owner;
    store_metrics_link (false);
    loop_timer_stop (self->timer);
}

retention_t *
retention_new (uv_loop_t *loop, const store_config_t *config)
{
    retention_t *self = alloc_zeroed (sizeof *self);
    self->kept = config->kept;
    pg_link_config_t link = { .url = config->url,
                              .name = "retention",
                              .node = config->node,
                              .settings = s_settings,
                              .statements = s_statements,
                              .statement_count = STATEMENTS,
                              .answer_ms = ANSWER_MS };
    self->link =
        pg_link_new (loop, &link, &(pg_link_events_t){ .up = s_on_up, .down = s_on_down }, self);
    self->timer = loop_timer_new (loop, s_on_timer, self);
    return self;
}

void
retention_open (retention_t *self)
{
    pg_link_open (self->link);
}

void
retention_destroy (retention_t **self_p)
{
    retention_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    pg_link_destroy (&self->link);
    loop_timer_destroy (&self->timer);
    pg_values_free (&self->values);
    free (self);
}
