#include "read/matches.h"

#include "base/alloc.h"
#include "base/log.h"
#include "read/own_link.h"
#include "store/migrations.h"

#include <stdlib.h>

enum { SAY_LOOK, SAY_FIND, SAY_TELL, STATEMENTS };

static const pg_statement_t s_statements[STATEMENTS] = {
    [SAY_LOOK] = { "waiting", "SELECT * FROM " SCHEMA_FUNCTION ("apps_waiting") " ($1::bigint)" },
    [SAY_FIND] = { "match", "SELECT session, agent, version FROM " SCHEMA_FUNCTION (
                                "match") " ($1::text, $2::boolean, $3::bigint, $4::bigint)" },
    [SAY_TELL] = { "notices", "SELECT * FROM " SCHEMA_FUNCTION (
                                  "queue_notices") " ($1::text, $2::bigint, $3::boolean,"
                                                   " $4::bigint)" },
};

struct matches {
    matches_events_t events;
    void *owner;
    pg_link_t *link;
    pg_values_t values;
};

//  The answer's rows; NULL: the database did not say.
static const PGresult *
s_rows (const pg_answer_t *answer, const char *what)
{
    static log_limit_t limit = LOG_LIMIT (LOG_WARN, "database refused to match");
    if (answer->failed && log_limit_allows (&limit))
        log_warn ("database refused to match", log_string ("what", what),
                  log_string ("sqlstate", answer->sqlstate));
    return answer->lost || answer->failed ? NULL : answer->results[0];
}

static size_t
s_count (const PGresult *rows)
{
    return rows ? (size_t) PQntuples (rows) : 0;
}

static void
s_on_look (void *owner, void *unused, const pg_answer_t *answer)
{
    matches_t *self = owner;
    (void) unused;
    const PGresult *rows = s_rows (answer, "waiting");
    waiting_app_t apps[MATCHES_AT_ONCE];
    size_t count = s_count (rows);
    for (size_t at = 0; at < count && at < MATCHES_AT_ONCE; at++)
        apps[at] = (waiting_app_t){ .app = pg_text (rows, (int) at, 0),
                                    .count = (uint64_t) pg_number (rows, (int) at, 1),
                                    .oldest_ms = (uint64_t) pg_number (rows, (int) at, 2) };
    self->events.waiting (self->owner, rows, apps, count);
}

static void
s_on_found (void *owner, void *unused, const pg_answer_t *answer)
{
    matches_t *self = owner;
    (void) unused;
    const PGresult *rows = s_rows (answer, "match");
    found_agent_t agents[MATCHES_AT_ONCE];
    size_t count = s_count (rows);
    for (size_t at = 0; at < count && at < MATCHES_AT_ONCE; at++)
        agents[at] = (found_agent_t){ .session = pg_text (rows, (int) at, 0),
                                      .agent = pg_text (rows, (int) at, 1),
                                      .version = (uint64_t) pg_number (rows, (int) at, 2) };
    self->events.found (self->owner, rows, agents, count);
}

static void
s_on_notices (void *owner, void *unused, const pg_answer_t *answer)
{
    matches_t *self = owner;
    (void) unused;
    const PGresult *rows = s_rows (answer, "notices");
    queue_notice_t notices[MATCHES_AT_ONCE];
    size_t count = s_count (rows);
    for (size_t at = 0; at < count && at < MATCHES_AT_ONCE; at++)
        notices[at] = (queue_notice_t){ .session = pg_text (rows, (int) at, 0),
                                        .version = (uint64_t) pg_number (rows, (int) at, 1),
                                        .place = (uint64_t) pg_number (rows, (int) at, 2),
                                        .expected_ms = (uint64_t) pg_number (rows, (int) at, 3) };
    self->events.notices (self->owner, rows, notices, count);
}

int
matches_look (matches_t *self)
{
    if (pg_link_room (self->link) == 0)
        return -1;
    pg_values_number (&self->values, PG_NUMBER, MATCHES_AT_ONCE);
    pg_link_add (self->link, SAY_LOOK, &self->values);
    pg_link_send (self->link, s_on_look, self, NULL);
    return 0;
}

int
matches_find (matches_t *self, text_t app, bool is_least_busy, uint64_t last_agent_ms)
{
    if (pg_link_room (self->link) == 0)
        return -1;
    pg_values_text (&self->values, app);
    pg_values_number (&self->values, PG_BOOL, is_least_busy);
    pg_values_number (&self->values, PG_NUMBER, (int64_t) last_agent_ms);
    pg_values_number (&self->values, PG_NUMBER, MATCHES_AT_ONCE);
    pg_link_add (self->link, SAY_FIND, &self->values);
    pg_link_send (self->link, s_on_found, self, NULL);
    return 0;
}

int
matches_tell (matches_t *self, text_t app, uint64_t every_ms, bool is_timed)
{
    if (pg_link_room (self->link) == 0)
        return -1;
    pg_values_text (&self->values, app);
    pg_values_number (&self->values, PG_NUMBER, (int64_t) every_ms);
    pg_values_number (&self->values, PG_BOOL, is_timed);
    pg_values_number (&self->values, PG_NUMBER, MATCHES_AT_ONCE);
    pg_link_add (self->link, SAY_TELL, &self->values);
    pg_link_send (self->link, s_on_notices, self, NULL);
    return 0;
}

// ---------------------------------------------------------------------------------------------

matches_t *
matches_new (uv_loop_t *loop, const store_config_t *config, const matches_events_t *events,
             void *owner)
{
    matches_t *self = alloc_zeroed (sizeof *self);
    self->events = *events;
    self->owner = owner;
    self->link = own_link_new (loop, config, "matcher", s_statements, STATEMENTS, self);
    return self;
}

void
matches_open (matches_t *self)
{
    pg_link_open (self->link);
}

void
matches_destroy (matches_t **self_p)
{
    matches_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    pg_link_destroy (&self->link);
    pg_values_free (&self->values);
    free (self);
}
