#include "pg/pg_link.h"

#include "base/alloc.h"
#include "base/backoff.h"
#include "base/loop_timer.h"
#include "pg/pg_dial.h"
#include "pg/pg_socket.h"
#include "base/log.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

typedef enum {
    LINK_CLOSED,    //  nobody wants it yet
    LINK_WAITING,   //  for the next try
    LINK_DIALLING,
    LINK_PREPARING,
    LINK_UP,
    LINK_BROKEN,    //  found while sending: it ends in the next turn
} link_state_t;

typedef struct {
    pg_answered_fn *answered;
    void *owner;
    void *request;
    size_t expected;
    size_t count;
    PGresult *results[PG_LINK_STATEMENTS];
    bool failed;
    char sqlstate[6];
} request_t;

struct pg_link {
    uv_loop_t *loop;
    pg_link_config_t config;
    pg_link_events_t events;
    void *owner;
    link_state_t state;
    pg_dial_t *dial;
    PGconn *connection;
    pg_socket_t socket;
    loop_timer_t *timer; //  the end of the state we are in, or the look at the oldest request
    backoff_t backoff;
    bool stirred;           //  since the last look at the silence
    uint64_t silent_ms;     //  while an answer is due
    request_t requests[PG_LINK_REQUESTS + 1]; //  a ring; one more for the preparing
    size_t first;
    size_t count;
    bool is_direct;
    bool up_said;
    size_t adding;          //  statements of the request that is being made
};

#define RETRY_FIRST_MS 100
#define RETRY_MOST_MS 5000
#define LOOK_EVERY_MS 500

static void
s_timer (pg_link_t *self, uint64_t ms, uint64_t repeat)
{
    uv_update_time (self->loop);
    loop_timer_start_ms (self->timer, ms, repeat);
}

// ---------------------------------------------------------------------------------------------
//  Answers, and the end of a connection

typedef struct {
    const char *class; //  what the SQLSTATE begins with
    pg_error_t error;
} error_row_t;

//  The first one that fits.
static const error_row_t s_rows[] = {
    { "40", PG_ERROR_RETRY },           //  deadlock, serialization
    { "23514", PG_ERROR_NO_PARTITION }, //  the log has no other check
    { "23505", PG_ERROR_DUPLICATE },    { "55P03", PG_ERROR_LOCKED },
    { "21", PG_ERROR_REJECTED },     //  cardinality
    { "22", PG_ERROR_REJECTED },     //  data
    { "23", PG_ERROR_REJECTED },     //  constraints
    { "54", PG_ERROR_REJECTED },     //  too large
    { "25006", PG_ERROR_RECONNECT }, //  read-only
    { "42", PG_ERROR_RECONNECT },    //  no such table, not allowed
    { "0A", PG_ERROR_RECONNECT },    //  the plan does not fit any more
    { "", PG_ERROR_UNAVAILABLE },
};

pg_error_t
pg_error_of (const char *sqlstate)
{
    const error_row_t *row = s_rows;
    while (strncmp (sqlstate, row->class, strlen (row->class)) != 0)
        row++;
    return row->error;
}

static void
s_request_clear (request_t *request)
{
    for (size_t at = 0; at < request->count; at++)
        PQclear (request->results[at]);
    *request = (request_t){ .answered = NULL };
}

static void
s_pop_and_answer (pg_link_t *self, bool lost)
{
    request_t request = self->requests[self->first];
    self->requests[self->first] = (request_t){ .answered = NULL };
    self->first = (self->first + 1) % (PG_LINK_REQUESTS + 1);
    self->count--;
    pg_answer_t answer = { .count = request.count, .lost = lost, .failed = request.failed };
    answer.error = request.failed ? pg_error_of (request.sqlstate) : PG_ERROR_NONE;
    memcpy (answer.sqlstate, request.sqlstate, sizeof answer.sqlstate);
    for (size_t at = 0; at < request.count; at++)
        answer.results[at] = request.results[at];
    if (request.answered)
        request.answered (request.owner, request.request, &answer);
    s_request_clear (&request);
}

static void
s_close (pg_link_t *self)
{
    pg_socket_forget (&self->socket); //  before the descriptor is closed under it
    PQfinish (self->connection);
    self->connection = NULL;
    self->adding = 0;
}

//  The one way to end a connection, or the attempt to have one. Without `why` it was logged.
static void
s_end (void *owner, const char *why, text_t complaint)
{
    pg_link_t *self = owner;
    bool was_up = self->up_said;
    self->up_said = false;
    uint64_t wait = backoff_next_ms (&self->backoff);
    if (why)
        log_warn ("database link lost", log_string ("link", self->config.name),
                  log_string ("why", why), log_text ("complaint", complaint),
                  log_number ("requests", (int64_t) self->count),
                  log_number ("again_ms", (int64_t) wait),
                  log_string ("advice", "see that PostgreSQL runs and that POSTGRES_URL is right, "
                                        "with what it says of TLS"));
    s_close (self);
    self->state = LINK_WAITING;
    s_timer (self, wait, 0);
    while (self->count > 0)
        s_pop_and_answer (self, true);
    if (was_up)
        self->events.down (self->owner);
}

static void
s_lose (pg_link_t *self, const char *why)
{
    s_end (self, why, pg_complaint (self->connection));
}

//  Found where the caller must not be called back: ends from the timer.
static void
s_break (pg_link_t *self)
{
    if (self->state == LINK_BROKEN)
        return;
    self->state = LINK_BROKEN;
    pg_socket_pause (&self->socket);
    s_timer (self, 0, 0);
}

// ---------------------------------------------------------------------------------------------
//  Up: requests and answers

//  Takes the next result of the first request. Returns false when it is none that may come.
static bool
s_take_result (pg_link_t *self, PGresult *result)
{
    request_t *request = &self->requests[self->first];
    ExecStatusType status = PQresultStatus (result);
    bool is_answer = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
    if (is_answer && request->count < request->expected) {
        request->results[request->count++] = result;
        return true;
    }
    //  An error without an SQLSTATE is libpq's own: what the server did is not known.
    const char *sqlstate =
        status == PGRES_FATAL_ERROR ? PQresultErrorField (result, PG_DIAG_SQLSTATE) : NULL;
    if (sqlstate && !request->failed)
        snprintf (request->sqlstate, sizeof request->sqlstate, "%s", sqlstate);
    request->failed = request->failed || status == PGRES_FATAL_ERROR;
    bool good = status == PGRES_PIPELINE_ABORTED || sqlstate
                || (status == PGRES_PIPELINE_SYNC
                    && (request->failed || request->count == request->expected));
    PQclear (result);
    if (good && status == PGRES_PIPELINE_SYNC)
        s_pop_and_answer (self, false);
    return good;
}

//  Between the results of two statements there is one that is NULL.
static void
s_take_results (pg_link_t *self)
{
    while ((self->state == LINK_UP || self->state == LINK_PREPARING) && self->count > 0
           && !PQisBusy (self->connection)) {
        PGresult *result = PQgetResult (self->connection);
        if (result && !s_take_result (self, result))
            s_break (self);
        else
        if (!result && PQstatus (self->connection) == CONNECTION_BAD)
            return;
    }
}

void
pg_link_add (pg_link_t *self, size_t statement, pg_values_t *values)
{
    assert (self->adding < PG_LINK_STATEMENTS && statement < self->config.statement_count);
    self->adding++;
    if (self->state != LINK_UP)
        values->count = 0; //  broken a moment ago: the request will be answered as lost
    else if (!pg_values_send (values, self->connection, self->config.statements[statement].name))
        s_break (self);
}

void
pg_link_send (pg_link_t *self, pg_answered_fn *answered, void *owner, void *request)
{
    assert (self->adding > 0 && self->count <= PG_LINK_REQUESTS && self->connection);
    self->requests[(self->first + self->count++) % (PG_LINK_REQUESTS + 1)] = (request_t){
        .answered = answered, .owner = owner, .request = request, .expected = self->adding
    };
    self->adding = 0;
    if (self->state == LINK_BROKEN)
        return;
    if (!PQpipelineSync (self->connection)
        || pg_socket_flush (&self->socket, self->connection) != 0)
        s_break (self);
}

// ---------------------------------------------------------------------------------------------
//  Preparing

static void
s_on_prepared (void *owner, void *unused, const pg_answer_t *answer)
{
    pg_link_t *self = owner;
    (void) unused;
    if (answer->lost)
        return;
    if (answer->failed) {
        log_error ("database does not know our statements",
                   log_string ("sqlstate", answer->sqlstate),
                   log_string ("advice", "the schema is not that of this version"));
        s_break (self);
        return;
    }
    self->state = LINK_UP;
    self->up_said = true;
    self->silent_ms = 0;
    backoff_reset (&self->backoff);
    s_timer (self, LOOK_EVERY_MS, LOOK_EVERY_MS);
    self->events.up (self->owner, self->is_direct);
}

static void
s_on_dialled (void *owner, PGconn *connection, bool is_direct)
{
    pg_link_t *self = owner;
    self->connection = connection;
    PQsetNoticeReceiver (connection, pg_warned, (void *) (uintptr_t) self->config.name);
    self->is_direct = is_direct;
    self->state = LINK_PREPARING;
    s_timer (self, self->config.answer_ms, 0);
    if (!PQenterPipelineMode (self->connection)) {
        s_lose (self, "no pipeline mode");
        return;
    }
    for (size_t at = 0; at < self->config.statement_count; at++) {
        const pg_statement_t *statement = &self->config.statements[at];
        if (!PQsendPrepare (self->connection, statement->name, statement->sql, 0, NULL)) {
            s_lose (self, "cannot prepare");
            return;
        }
    }
    self->adding = self->config.statement_count;
    pg_link_send (self, s_on_prepared, self, NULL);
}

// ---------------------------------------------------------------------------------------------
//  The loop's calls

//  Something happened on the descriptor.
static void
s_on_stirred (void *owner)
{
    pg_link_t *self = owner;
    self->stirred = true;
    bool is_open = PQconsumeInput (self->connection);
    s_take_results (self); //  what came before the end is an answer still
    if (!is_open || PQstatus (self->connection) == CONNECTION_BAD) {
        s_lose (self, "connection ended");
        return;
    }
    PGnotify *notice;
    while (self->connection && (notice = PQnotifies (self->connection))) {
        if (self->events.notified && self->state == LINK_UP)
            self->events.notified (self->owner, text_of (notice->extra));
        PQfreemem (notice);
    }
    if ((self->state == LINK_UP || self->state == LINK_PREPARING)
        && pg_socket_flush (&self->socket, self->connection) != 0)
        s_break (self);
}

static void
s_on_timer (void *owner)
{
    pg_link_t *self = owner;
    switch (self->state) {
    case LINK_WAITING:
        self->state = LINK_DIALLING;
        loop_timer_stop (self->timer);
        pg_dial_start (self->dial);
        break;
    case LINK_UP:
        //  Silence is counted in looks, not by the clock: when it was this process that stood
        //  still, the answers are there, and are read before the next look.
        self->silent_ms = self->count > 0 && !self->stirred ? self->silent_ms + LOOK_EVERY_MS : 0;
        self->stirred = false;
        if (self->silent_ms > self->config.answer_ms)
            s_lose (self, "no answer in time");
        break;
    case LINK_BROKEN:
        s_lose (self, "connection ended");
        break;
    case LINK_PREPARING:
        s_lose (self, "statements not prepared in time");
        break;
    case LINK_CLOSED:
    case LINK_DIALLING:
        break; //  its limits are the dial's
    }
}

// ---------------------------------------------------------------------------------------------

pg_link_t *
pg_link_new (uv_loop_t *loop, const pg_link_config_t *config, const pg_link_events_t *events,
             void *owner)
{
    pg_link_t *self = alloc_zeroed (sizeof *self);
    assert (config->statement_count <= PG_LINK_STATEMENTS);
    self->loop = loop;
    self->config = *config; //  its strings are the dial's to keep
    self->config.url = self->config.node = NULL;
    self->events = *events;
    self->owner = owner;
    self->socket = (pg_socket_t){ .loop = loop, .stirred = s_on_stirred, .owner = self };
    self->dial =
        pg_dial_new (loop,
                     &(pg_dial_config_t){ .url = config->url,
                                          .node = config->node,
                                          .settings = config->settings,
                                          .answer_ms = config->answer_ms,
                                          .greeting = config->greeting },
                     &(pg_dial_events_t){ .dialled = s_on_dialled, .failed = s_end }, self);
    self->backoff = (backoff_t){ .first_ms = RETRY_FIRST_MS, .most_ms = RETRY_MOST_MS };
    self->timer = loop_timer_new (loop, s_on_timer, self);
    return self;
}

void
pg_link_open (pg_link_t *self)
{
    if (self->state != LINK_CLOSED)
        return;
    self->state = LINK_WAITING;
    s_timer (self, 0, 0);
}

void
pg_link_destroy (pg_link_t **self_p)
{
    pg_link_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    pg_dial_destroy (&self->dial);
    s_close (self);
    for (size_t at = 0; at <= PG_LINK_REQUESTS; at++)
        s_request_clear (&self->requests[at]);
    loop_timer_destroy (&self->timer);
    free (self);
}

pg_link_state_t
pg_link_state (const pg_link_t *self)
{
    bool is_up = self->state == LINK_UP;
    return (pg_link_state_t){ .is_up = is_up, .is_alive = is_up && self->silent_ms == 0 };
}

size_t
pg_link_room (const pg_link_t *self)
{
    return self->state == LINK_UP ? PG_LINK_REQUESTS - self->count : 0;
}

void
pg_link_renew (pg_link_t *self)
{
    if (self->state == LINK_UP)
        s_break (self);
}
