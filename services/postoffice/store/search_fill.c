#include "store/search_fill.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop_timer.h"
#include "pg/pg_link.h"
#include "store/migrations.h"
#include "store/store_metrics.h"

#include <assert.h>
#include <stdlib.h>

//  A piece costs 2 ms whatever is in it. In larger ones an entry is not cheaper any more.
#define ENTRIES_AT_ONCE 2500
//  When so many times as much is said as the share carries, it is only this part of the share.
#define HOPELESS_TIMES 2
#define HOPELESS_PART 5
#define PAUSE_LEAST_MS 50
#define LOCK_AGAIN_MS 5000
#define FAILED_AGAIN_MS 10000
//  A partition that has become empty is nobody's trouble.
#define DROP_EVERY_MS 600000
//  Nobody waits for a piece. What a crash takes back is found again.
#define ANSWER_MS 90000
static const char s_settings[] = "SET statement_timeout = '1min'; SET lock_timeout = '10s';"
                                 " SET synchronous_commit = off;";

enum { SAY_LOCK, SAY_FILL, SAY_DROP, STATEMENTS };

static const pg_statement_t s_statements[STATEMENTS] = {
    [SAY_LOCK] = { "search_lock", "SELECT pg_try_advisory_lock (7365746, 5)" },
    [SAY_FILL] = { "fill_search", "SELECT * FROM " SCHEMA_FUNCTION (
                                      "fill_search") " ($1::bigint, $2::boolean)" },
    [SAY_DROP] = { "drop_search", "SELECT " SCHEMA_FUNCTION ("drop_search") " ()" },
};

struct search_fill {
    pg_link_t *link;
    loop_timer_t *timer;
    pg_values_t values;
    int next; //  what is said when the timer ends
    uint64_t share;    //  percent of the time
    uint64_t every_ms; //  what is new is looked for so often
    uint64_t said_ms;
    uint64_t new_ms;     //  when what is new was looked for last
    int64_t said;        //  entries that this postoffice had stored at the last piece
    uint64_t counted_ms; //  when that was
    uint64_t dropped_ms; //  when an empty partition was
    uint64_t level_ms;   //  everything of before this is there; 0: not known
    bool has_backlog;
};

static void
s_after (search_fill_t *self, int what, uint64_t ms)
{
    self->next = what;
    loop_timer_start_ms (self->timer, ms, 0);
}

static void
s_show_delay (const search_fill_t *self)
{
    store_metrics[STORE_SEARCH_BEHIND] =
        self->level_ms ? (int64_t) ((clock_mono_ms () - self->level_ms + 999) / 1000) : 0;
    store_metrics[STORE_SEARCH_BACKLOG] = self->has_backlog;
}

uint64_t
search_fill_pause_ms (uint64_t took_ms, uint64_t share)
{
    assert (share > 0 && share <= 100);
    uint64_t pause_ms = took_ms * (100 - share) / share;
    return pause_ms > PAUSE_LEAST_MS ? pause_ms : PAUSE_LEAST_MS;
}

uint64_t
search_fill_share (uint64_t share, uint64_t said, uint64_t carried)
{
    uint64_t part = share / HOPELESS_PART;
    return said <= HOPELESS_TIMES * carried ? share : part > 0 ? part : 1;
}

//  For the pause behind a piece. One that is not full says that there is no more than is carried.
static uint64_t
s_share (search_fill_t *self, uint64_t entries, uint64_t took_ms)
{
    int64_t said = store_metrics[STORE_ENTRIES] - self->said;
    uint64_t since_ms = clock_mono_ms () - self->counted_ms;
    self->said = store_metrics[STORE_ENTRIES];
    self->counted_ms = clock_mono_ms ();
    if (entries < ENTRIES_AT_ONCE)
        return self->share;
    //  Of the time that has gone by.
    uint64_t carried = entries * since_ms * self->share / (100 * (took_ms + 1));
    return search_fill_share (self->share, (uint64_t) said, carried);
}

static void
s_on_filled (search_fill_t *self, const PGresult *result, uint64_t took_ms)
{
    uint64_t now = clock_mono_ms (), behind_ms = (uint64_t) pg_number (result, 0, 2);
    bool is_more = pg_flag (result, 0, 1), had_backlog = self->has_backlog;
    self->has_backlog = pg_flag (result, 0, 3);
    self->level_ms = now > behind_ms ? now - behind_ms : 1;
    uint64_t entries = (uint64_t) pg_number (result, 0, 0);
    store_metrics[STORE_SEARCH_ENTRIES] += (int64_t) entries;
    s_show_delay (self);
    if (had_backlog && !self->has_backlog)
        log_info ("all that was stored before can be searched");
    uint64_t since_ms = now - self->new_ms;
    uint64_t pause_ms = search_fill_pause_ms (took_ms, s_share (self, entries, took_ms));
    if (is_more || self->has_backlog)
        s_after (self, SAY_FILL, pause_ms);
    else if (now - self->dropped_ms >= DROP_EVERY_MS)
        s_after (self, SAY_DROP, pause_ms);
    else
        s_after (self, SAY_FILL, since_ms + pause_ms < self->every_ms
                                     ? self->every_ms - since_ms : pause_ms);
}

static void
s_on_failed (search_fill_t *self, const pg_answer_t *answer)
{
    static log_limit_t limit = LOG_LIMIT (LOG_WARN, "database refused to fill the search");
    store_metrics[STORE_SEARCH_FAILED]++;
    if (log_limit_allows (&limit))
        log_warn ("database refused to fill the search",
                  log_string ("what", s_statements[self->next].name),
                  log_string ("sqlstate", answer->sqlstate));
    s_show_delay (self);
    if (answer->error == PG_ERROR_RECONNECT)
        pg_link_renew (self->link); //  read-only: this may not be the primary any more
    else
        s_after (self, self->next == SAY_DROP ? SAY_FILL : self->next, FAILED_AGAIN_MS);
}

static void
s_on_answered (void *owner, void *unused, const pg_answer_t *answer)
{
    search_fill_t *self = owner;
    (void) unused;
    if (answer->lost)
        return;
    if (answer->failed) {
        s_on_failed (self, answer);
        return;
    }
    const PGresult *result = answer->results[0];
    if (self->next == SAY_FILL)
        s_on_filled (self, result, clock_mono_ms () - self->said_ms);
    else if (self->next == SAY_LOCK && !pg_flag (result, 0, 0))
        s_after (self, SAY_LOCK, LOCK_AGAIN_MS);
    else
        s_after (self, SAY_FILL, 0);
}

static void
s_on_timer (void *owner)
{
    search_fill_t *self = owner;
    self->said_ms = clock_mono_ms ();
    if (pg_link_room (self->link) == 0)
        return; //  it broke a moment ago, and begins anew when it is up
    if (self->next == SAY_FILL) {
        self->new_ms = self->said_ms;
        pg_values_number (&self->values, PG_NUMBER, ENTRIES_AT_ONCE);
        pg_values_number (&self->values, PG_BOOL, 1);
    } else if (self->next == SAY_DROP)
        self->dropped_ms = self->said_ms;
    pg_link_add (self->link, (size_t) self->next, &self->values);
    pg_link_send (self->link, s_on_answered, self, NULL);
}

static void
s_on_up (void *owner, bool is_direct)
{
    (void) is_direct;
    store_metrics_link (true);
    s_after (owner, SAY_LOCK, 0);
}

//  Somebody else may do it from now on.
static void
s_on_down (void *owner)
{
    search_fill_t *self = owner;
    store_metrics_link (false);
    loop_timer_stop (self->timer);
    self->level_ms = 0;
    self->has_backlog = false;
    s_show_delay (self);
}

search_fill_t *
search_fill_new (uv_loop_t *loop, const store_config_t *config)
{
    search_fill_t *self = alloc_zeroed (sizeof *self);
    pg_link_config_t link = { .url = config->url,
                              .name = "search",
                              .node = config->node,
                              .settings = s_settings,
                              .statements = s_statements,
                              .statement_count = STATEMENTS,
                              .answer_ms = ANSWER_MS };
    self->link =
        pg_link_new (loop, &link, &(pg_link_events_t){ .up = s_on_up, .down = s_on_down }, self);
    self->timer = loop_timer_new (loop, s_on_timer, self);
    self->dropped_ms = self->counted_ms = clock_mono_ms ();
    self->share = config->search_share;
    self->every_ms = config->search_every_ms;
    return self;
}

void
search_fill_open (search_fill_t *self)
{
    pg_link_open (self->link);
}

void
search_fill_destroy (search_fill_t **self_p)
{
    search_fill_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    pg_link_destroy (&self->link);
    loop_timer_destroy (&self->timer);
    pg_values_free (&self->values);
    free (self);
}
