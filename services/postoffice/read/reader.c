#include "read/reader.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/loop_timer.h"
#include "pg/pg_link.h"
#include "read/statements.h"
#include "store/store_metrics.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define LINKS 2 //  of changes: one
//  Few on one link: an answer waits for those before it.
#define UNDER_WAY_MOST 4
//  For a database that is away: the asker has a deadline of its own.
#define PATIENCE_MS 4000
#define TICK_MS 500

static const pg_statement_t s_statements[READ_STATEMENTS] = {
#define READ_STATEMENT(NAME, name, sql) [READ_##NAME] = { "read_" name, sql },
#include "read/statements.def"
#undef READ_STATEMENT
};

static const pg_statement_t s_changes[CHANGE_STATEMENTS] = {
#define CHANGE_STATEMENT(NAME, name, sql) [CHANGE_##NAME] = { "change_" name, sql },
#include "read/changes.def"
#undef CHANGE_STATEMENT
};

typedef struct {
    list_t link; //  among those that wait, or those under way
    reader_t *reader;
    unsigned statement;
    uint64_t number;
    uint64_t since_ms;
    text_t parameters[READ_PARAMETERS_MOST]; //  behind the struct
    size_t count;
} api_query_t;

struct reader {
    reader_answered_fn *answered;
    void *owner;
    const pg_statement_t *statements;
    pg_link_t *links[LINKS];
    size_t link_count;
    list_t waiting; //  oldest first
    list_t under_way;
    size_t pending;
    pg_values_t values;
    loop_timer_t *tick;
};

static void
s_free (api_query_t *query)
{
    reader_t *self = query->reader;
    list_remove (&query->link);
    self->pending--;
    store_metrics[STORE_API_QUERIES]--;
    free (query);
}

static void
s_answer (api_query_t *query, const reader_answer_t *answer)
{
    reader_t *self = query->reader;
    uint64_t number = query->number;
    bool is_good = answer->outcome == STORED;
    store_metrics[is_good ? STORE_API_QUERIES_ANSWERED : STORE_API_QUERIES_FAILED]++;
    s_free (query);
    self->answered (self->owner, number, answer);
}

static void s_pump (reader_t *self);

static void
s_on_answered (void *owner, void *asked, const pg_answer_t *answer)
{
    reader_t *self = owner;
    api_query_t *query = asked;
    static log_limit_t limit = LOG_LIMIT (LOG_WARN, "database refused a query");
    if (answer->failed && log_limit_allows (&limit))
        log_warn ("database refused a query",
                  log_string ("statement", self->statements[query->statement].name),
                  log_string ("sqlstate", answer->sqlstate));
    bool is_there = !answer->lost && !answer->failed;
    const PGresult *result = is_there ? answer->results[0] : NULL;
    //  Class 22, data exceptions: the database does not take a value of the request.
    bool is_rejected = answer->failed && !answer->lost && memcmp (answer->sqlstate, "22", 2) == 0;
    reader_answer_t read = { .outcome = is_there      ? STORED
                                        : is_rejected ? STORE_REJECTED
                                                      : STORE_DOWN };
    if (result && PQntuples (result) > 0)
        for (int at = 0; at < READ_COLUMNS_MOST && at < PQnfields (result); at++)
            read.columns[at] = pg_text (result, 0, at);
    s_answer (query, &read);
    s_pump (self);
}

//  The link with the most room; NULL when none has any.
static pg_link_t *
s_free_link (const reader_t *self)
{
    pg_link_t *best = NULL;
    size_t most = PG_LINK_REQUESTS - UNDER_WAY_MOST;
    for (size_t at = 0; at < self->link_count; at++)
        if (pg_link_room (self->links[at]) > most) {
            best = self->links[at];
            most = pg_link_room (best);
        }
    return best;
}

static void
s_pump (reader_t *self)
{
    pg_link_t *link;
    while (!list_is_empty (&self->waiting) && (link = s_free_link (self))) {
        api_query_t *query = LIST_THING (list_first (&self->waiting), api_query_t, link);
        for (size_t at = 0; at < query->count; at++)
            pg_values_text (&self->values, query->parameters[at]);
        pg_link_add (link, query->statement, &self->values);
        list_append (&self->under_way, &query->link);
        pg_link_send (link, s_on_answered, self, query);
    }
}

static void
s_on_up (void *owner, bool is_direct)
{
    (void) is_direct;
    store_metrics_link (true);
    s_pump (owner);
}

static void
s_on_down (void *owner)
{
    (void) owner; //  what was under way was answered; what waits has its patience
    store_metrics_link (false);
}

//  What has waited too long, while the database is away.
static void
s_on_tick (void *owner)
{
    reader_t *self = owner;
    uint64_t now = clock_mono_ms ();
    for (list_t *first; (first = list_first (&self->waiting));) {
        api_query_t *query = LIST_THING (first, api_query_t, link);
        if (now - query->since_ms < PATIENCE_MS)
            return;
        s_answer (query, &(reader_answer_t){ .outcome = STORE_DOWN });
    }
}

int
reader_ask (reader_t *self, unsigned statement, const text_t *parameters, size_t count,
            uint64_t number)
{
    assert (count <= READ_PARAMETERS_MOST);
    if (self->pending >= READER_QUERIES_MOST) {
        store_metrics[STORE_API_QUERIES_REFUSED]++;
        return -1;
    }
    text_t texts[READ_PARAMETERS_MOST];
    memcpy (texts, parameters, count * sizeof *texts);
    api_query_t *query = alloc_packed (sizeof *query, texts, count);
    *query = (api_query_t){ .reader = self,
                            .statement = statement,
                            .number = number,
                            .since_ms = clock_mono_ms (),
                            .count = count };
    memcpy (query->parameters, texts, count * sizeof *texts);
    list_init (&query->link);
    list_append (&self->waiting, &query->link);
    self->pending++;
    store_metrics[STORE_API_QUERIES]++;
    s_pump (self);
    return 0;
}

static reader_t *
s_new (uv_loop_t *loop, const pg_link_config_t *link, size_t link_count,
       reader_answered_fn *answered, void *owner)
{
    reader_t *self = alloc_zeroed (sizeof *self);
    self->answered = answered;
    self->owner = owner;
    self->statements = link->statements;
    self->link_count = link_count;
    list_init (&self->waiting);
    list_init (&self->under_way);
    store_metrics[STORE_API_QUERIES_LIMIT] += READER_QUERIES_MOST;
    pg_link_events_t events = { .up = s_on_up, .down = s_on_down };
    for (size_t at = 0; at < self->link_count; at++)
        self->links[at] = pg_link_new (loop, link, &events, self);
    self->tick = loop_timer_new (loop, s_on_tick, self);
    loop_timer_start_ms (self->tick, TICK_MS, TICK_MS);
    return self;
}

reader_t *
reader_new (uv_loop_t *loop, const store_config_t *config, reader_answered_fn *answered,
            void *owner)
{
    static char settings[120];
    snprintf (settings, sizeof settings,
              "SET default_transaction_read_only = on; SET statement_timeout = %d;",
              READER_STATEMENT_MS);
    pg_link_config_t link = { .url = config->url,
                              .name = "api",
                              .node = config->node,
                              .settings = settings,
                              .statements = s_statements,
                              .statement_count = READ_STATEMENTS,
                              .answer_ms = config->answer_ms };
    return s_new (loop, &link, LINKS, answered, owner);
}

reader_t *
reader_new_of_changes (uv_loop_t *loop, const store_config_t *config,
                       reader_answered_fn *answered, void *owner)
{
    static char settings[60];
    snprintf (settings, sizeof settings, "SET statement_timeout = %d;", READER_STATEMENT_MS);
    pg_link_config_t link = { .url = config->url,
                              .name = "changes",
                              .node = config->node,
                              .settings = settings,
                              .statements = s_changes,
                              .statement_count = CHANGE_STATEMENTS,
                              .answer_ms = config->answer_ms };
    return s_new (loop, &link, 1, answered, owner);
}

void
reader_open (reader_t *self)
{
    for (size_t at = 0; at < self->link_count; at++)
        pg_link_open (self->links[at]);
}

void
reader_destroy (reader_t **self_p)
{
    reader_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    for (size_t at = 0; at < self->link_count; at++)
        pg_link_destroy (&self->links[at]);
    loop_timer_destroy (&self->tick);
    list_t *first;
    while ((first = list_first (&self->waiting)) || (first = list_first (&self->under_way)))
        s_free (LIST_THING (first, api_query_t, link));
    pg_values_free (&self->values);
    free (self);
}
