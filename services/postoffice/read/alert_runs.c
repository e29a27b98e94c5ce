#include "read/alert_runs.h"

#include "base/alloc.h"
#include "base/log.h"
#include "read/own_link.h"
#include "store/migrations.h"

#include <stdlib.h>

enum { SAY_TAKE, SAY_LOOK, SAY_RUN, SAY_WATCH, STATEMENTS };

static const pg_statement_t s_statements[STATEMENTS] = {
    [SAY_TAKE] = { "alerts", "SELECT * FROM " SCHEMA_FUNCTION ("take_alerts") " ($1::bigint)" },
    [SAY_LOOK] = { "alert", "SELECT f.*, (f.is_acknowledged, f.is_seen, f.is_over, f.is_double,"
                            " f.is_full, f.suppressed, f.step)::text FROM " SCHEMA_FUNCTION (
                                "look_at_alert") " ($1::text, $2::bigint, $3::bigint,"
                                                 " $4::bigint, $5::boolean, $6::boolean,"
                                                 " $7::boolean) AS f" },
    [SAY_RUN] = { "run", "SELECT " SCHEMA_FUNCTION (
                             "run_alert") " ($1::text, $2::bigint, $3::bigint, $4::bigint,"
                                          " $5::boolean, $6::text, $7::boolean, $8::smallint,"
                                          " $9::bigint, $10::text, $11::text[], $12::text[],"
                                          " $13::text[], $14::text[], $15::text[], $16::text[],"
                                          " $17::text[], $18::text[])" },
    [SAY_WATCH] = { "watch", "SELECT " SCHEMA_FUNCTION (
                                 "watch_app") " ($1::text, $2::text[], $3::text[], $4::bigint[],"
                                              " $5::text[], $6::boolean, $7::bigint,"
                                              " $8::text[])" },
};

struct alert_runs {
    alert_runs_events_t events;
    void *owner;
    pg_link_t *link;
    pg_values_t values;
};

//  The answer's rows; NULL: the database did not say.
static const PGresult *
s_rows (const pg_answer_t *answer, const char *what)
{
    static log_limit_t limit = LOG_LIMIT (LOG_WARN, "database refused an alert");
    if (answer->failed && log_limit_allows (&limit))
        log_warn ("database refused an alert", log_string ("what", what),
                  log_string ("sqlstate", answer->sqlstate));
    return answer->lost || answer->failed ? NULL : answer->results[0];
}

static void
s_on_taken (void *owner, void *unused, const pg_answer_t *answer)
{
    alert_runs_t *self = owner;
    (void) unused;
    const PGresult *rows = s_rows (answer, "take");
    due_alert_t alerts[ALERTS_AT_ONCE];
    size_t count = rows ? (size_t) PQntuples (rows) : 0;
    for (size_t at = 0; at < count && at < ALERTS_AT_ONCE; at++)
        alerts[at] = (due_alert_t){ .item = pg_text (rows, (int) at, 0),
                                    .app = pg_text (rows, (int) at, 1),
                                    .session = pg_text (rows, (int) at, 2),
                                    .attempt = (uint64_t) pg_number (rows, (int) at, 3),
                                    .step = (uint64_t) pg_number (rows, (int) at, 4),
                                    .body = pg_text (rows, (int) at, 5) };
    self->events.due (self->owner, rows, alerts, count);
}

int
alert_runs_take (alert_runs_t *self)
{
    if (pg_link_room (self->link) == 0)
        return -1;
    pg_values_number (&self->values, PG_NUMBER, ALERTS_AT_ONCE);
    pg_link_add (self->link, SAY_TAKE, &self->values);
    pg_link_send (self->link, s_on_taken, self, NULL);
    return 0;
}

static void
s_on_looked (void *owner, void *unused, const pg_answer_t *answer)
{
    alert_runs_t *self = owner;
    (void) unused;
    const PGresult *rows = s_rows (answer, "look");
    if (!rows || PQntuples (rows) == 0) {
        self->events.looked (self->owner, rows, NULL);
        return;
    }
    alert_facts_t facts = { .is_acknowledged = pg_flag (rows, 0, 0),
                            .is_seen = pg_flag (rows, 0, 1),
                            .is_over = pg_flag (rows, 0, 2),
                            .is_double = pg_flag (rows, 0, 3),
                            .is_full = pg_flag (rows, 0, 4),
                            .suppressed = (uint64_t) pg_number (rows, 0, 5),
                            .step = (uint64_t) pg_number (rows, 0, 6),
                            .transcript = pg_text (rows, 0, 7),
                            .said = pg_text (rows, 0, 8),
                            .facts = pg_text (rows, 0, 9) };
    self->events.looked (self->owner, true, &facts);
}

static void
s_put_question (alert_runs_t *self, const alert_question_t *question)
{
    pg_values_text (&self->values, question->item);
    pg_values_number (&self->values, PG_NUMBER, (int64_t) question->attempt);
    pg_values_number (&self->values, PG_NUMBER, (int64_t) question->once_ms);
    pg_values_number (&self->values, PG_NUMBER, (int64_t) question->most_per_hour);
    pg_values_number (&self->values, PG_BOOL, question->sees);
}

int
alert_runs_look (alert_runs_t *self, const alert_question_t *question, bool with_transcript,
                 bool with_said)
{
    if (pg_link_room (self->link) == 0)
        return -1;
    s_put_question (self, question);
    pg_values_number (&self->values, PG_BOOL, with_transcript);
    pg_values_number (&self->values, PG_BOOL, with_said);
    pg_link_add (self->link, SAY_LOOK, &self->values);
    pg_link_send (self->link, s_on_looked, self, NULL);
    return 0;
}

static void
s_on_ran (void *owner, void *unused, const pg_answer_t *answer)
{
    alert_runs_t *self = owner;
    (void) unused;
    const PGresult *rows = s_rows (answer, "run");
    text_t end = rows ? pg_text (rows, 0, 0) : TEXT_EMPTY;
    self->events.ran (self->owner, text_is (end, TEXT ("done"))    ? ALERT_RUN_DONE
                                   : text_is (end, TEXT ("again")) ? ALERT_RUN_AGAIN
                                   : text_is (end, TEXT ("lost"))  ? ALERT_RUN_LOST
                                                                   : ALERT_RUN_UNSURE);
}

int
alert_runs_run (alert_runs_t *self, const alert_question_t *question, text_t facts,
                const alert_order_t *order)
{
    if (pg_link_room (self->link) == 0)
        return -1;
    pg_values_t *values = &self->values;
    s_put_question (self, question);
    pg_values_text (values, facts);
    pg_values_number (values, PG_BOOL, order->calls);
    pg_values_number (values, PG_SMALL, order->state);
    pg_values_number (values, PG_NUMBER, (int64_t) order->next_ms);
    pg_values_text (values, order->detail);
    pg_value_t *columns[7];
    for (size_t at = 0; at < 7; at++)
        columns[at] = pg_values_array (values, PG_TEXT);
    for (size_t at = 0; at < order->note_count; at++) {
        const alert_note_t *note = &order->notes[at];
        const text_t texts[7] = { note->item,    note->topic, note->lane, note->destination,
                                  note->address, note->user,  note->body };
        for (size_t column = 0; column < 7; column++)
            pg_array_text (columns[column], texts[column]);
    }
    pg_value_t *endpoints = pg_values_array (values, PG_TEXT);
    for (size_t at = 0; at < order->endpoint_count; at++)
        pg_array_text (endpoints, order->endpoints[at]);
    pg_link_add (self->link, SAY_RUN, values);
    pg_link_send (self->link, s_on_ran, self, NULL);
    return 0;
}

static void
s_on_watched (void *owner, void *unused, const pg_answer_t *answer)
{
    alert_runs_t *self = owner;
    (void) unused;
    const PGresult *rows = s_rows (answer, "watch");
    self->events.watched (self->owner, rows, rows ? (uint64_t) pg_number (rows, 0, 0) : 0);
}

int
alert_runs_watch (alert_runs_t *self, const app_watch_t *watch)
{
    if (pg_link_room (self->link) == 0)
        return -1;
    pg_values_text (&self->values, watch->app);
    pg_value_t *names = pg_values_array (&self->values, PG_TEXT);
    pg_value_t *events = pg_values_array (&self->values, PG_TEXT);
    pg_value_t *after = pg_values_array (&self->values, PG_NUMBER);
    for (size_t at = 0; at < watch->rule_count; at++) {
        pg_array_text (names, watch->rules[at].name);
        pg_array_text (events, watch->rules[at].event);
        pg_array_number (after, (int64_t) watch->rules[at].after_ms);
    }
    pg_value_t *here = pg_values_array (&self->values, PG_TEXT);
    for (size_t at = 0; at < watch->topic_count; at++)
        pg_array_text (here, watch->topics[at]);
    pg_values_number (&self->values, PG_BOOL, watch->bot_fails);
    pg_values_number (&self->values, PG_NUMBER, watch->bot_well_ms);
    pg_value_t *endpoints = pg_values_array (&self->values, PG_TEXT);
    for (size_t at = 0; at < watch->endpoint_count; at++)
        pg_array_text (endpoints, watch->endpoints[at]);
    pg_link_add (self->link, SAY_WATCH, &self->values);
    pg_link_send (self->link, s_on_watched, self, NULL);
    return 0;
}

// ---------------------------------------------------------------------------------------------

alert_runs_t *
alert_runs_new (uv_loop_t *loop, const store_config_t *config, const alert_runs_events_t *events,
                void *owner)
{
    alert_runs_t *self = alloc_zeroed (sizeof *self);
    self->events = *events;
    self->owner = owner;
    self->link = own_link_new (loop, config, "alerts", s_statements, STATEMENTS, self);
    return self;
}

void
alert_runs_open (alert_runs_t *self)
{
    pg_link_open (self->link);
}

void
alert_runs_destroy (alert_runs_t **self_p)
{
    alert_runs_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    pg_link_destroy (&self->link);
    pg_values_free (&self->values);
    free (self);
}
