#include "pg_link.h"

#include "parts/backoff.h"
#include "parts/clock.h"
#include "service/log.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

typedef enum {
    LINK_CLOSED,    //  nobody wants it yet
    LINK_WAITING,   //  for the next try
    LINK_DIALLING,
    LINK_GREETING,
    LINK_PREPARING,
    LINK_UP,
    LINK_BROKEN,    //  found while sending: it ends in the next turn
} link_state_t;

typedef struct {
    pg_answered_fn *answered;
    void *owner;
    void *request;
    uint64_t sent_ms;
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
    PGconn *connection;
    uv_poll_t *poll;        //  made anew for every descriptor; freed when it has closed
    uv_timer_t timer;       //  the end of the state we are in, or the look at the oldest request
    backoff_t backoff;
    PGresult *greeted;      //  the last result of the greeting under way
    request_t requests[PG_LINK_REQUESTS + 1]; //  a ring; one more for the preparing
    size_t first;
    size_t count;
    bool greeting;          //  the settings are made: now the owner speaks
    bool up_said;
    size_t adding;          //  statements of the request that is being made
};

const char PG_LINK_REFUSE[] = "";

#define RETRY_FIRST_MS 100
#define RETRY_MOST_MS 5000
#define LOOK_EVERY_MS 500
#define DIAL_MS 10000

static void s_on_poll (uv_poll_t *poll, int status, int events);
static void s_on_timer (uv_timer_t *timer);

// ---------------------------------------------------------------------------------------------
//  The descriptor

static void
s_on_poll_closed (uv_handle_t *handle)
{
    free (handle);
}

static void
s_unwatch (pg_link_t *self)
{
    if (!self->poll)
        return;
    uv_close ((uv_handle_t *) self->poll, s_on_poll_closed);
    self->poll = NULL;
}

//  While dialling libpq may swap its descriptor, also for a new one with the same number: the old
//  one was forgotten before libpq was called, and this is another handle.
static void
s_watch (pg_link_t *self, int events)
{
    if (!self->poll) {
        self->poll = calloc (1, sizeof *self->poll);
        assert (self->poll);
        self->poll->data = self;
        int rc = uv_poll_init (self->loop, self->poll, PQsocket (self->connection));
        assert (rc == 0);
    }
    int rc = uv_poll_start (self->poll, events, s_on_poll);
    assert (rc == 0);
}

static void
s_timer (pg_link_t *self, uint64_t ms, uint64_t repeat)
{
    uv_update_time (self->loop);
    uv_timer_start (&self->timer, s_on_timer, ms, repeat);
}

// ---------------------------------------------------------------------------------------------
//  The end of a connection

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
    memcpy (answer.sqlstate, request.sqlstate, sizeof answer.sqlstate);
    for (size_t at = 0; at < request.count; at++)
        answer.results[at] = request.results[at];
    if (!lost && !request.failed)
        assert (request.count == request.expected);
    request.answered (request.owner, request.request, &answer);
    s_request_clear (&request);
}

static void
s_close (pg_link_t *self)
{
    s_unwatch (self); //  before the descriptor is closed under it
    PQclear (self->greeted);
    self->greeted = NULL;
    if (self->connection)
        PQfinish (self->connection);
    self->connection = NULL;
    self->adding = 0;
}

//  libpq's complaints have several lines; the first one says it.
static text_t
s_complaint (const PGconn *connection)
{
    const char *words = connection ? PQerrorMessage (connection) : "";
    return (text_t){ words, strcspn (words, "\n") };
}

//  The one way to end a connection.
static void
s_lose (pg_link_t *self, const char *why)
{
    bool was_up = self->up_said;
    self->up_said = false;
    uint64_t wait = backoff_next_ms (&self->backoff);
    log_warn ("database link lost", log_string ("why", why),
              log_text ("complaint", s_complaint (self->connection)),
              log_number ("requests", (int64_t) self->count),
              log_number ("again_ms", (int64_t) wait),
              log_string ("advice", "see that PostgreSQL runs and that POSTGRES_URL is right"));
    s_close (self);
    self->state = LINK_WAITING;
    s_timer (self, wait, 0);
    while (self->count > 0)
        s_pop_and_answer (self, true);
    if (was_up)
        self->events.down (self->owner);
}

//  Found where the caller must not be called back: ends from the timer.
static void
s_break (pg_link_t *self)
{
    if (self->state == LINK_BROKEN)
        return;
    self->state = LINK_BROKEN;
    if (self->poll)
        uv_poll_stop (self->poll);
    s_timer (self, 0, 0);
}

// ---------------------------------------------------------------------------------------------
//  Up: requests and answers

static void
s_flush (pg_link_t *self)
{
    int unsent = PQflush (self->connection);
    if (unsent < 0)
        s_break (self);
    else
        s_watch (self, unsent ? UV_READABLE | UV_WRITABLE : UV_READABLE);
}

static void
s_note_failure (request_t *request, const PGresult *result)
{
    if (request->failed)
        return;
    request->failed = true;
    const char *sqlstate = PQresultErrorField (result, PG_DIAG_SQLSTATE);
    snprintf (request->sqlstate, sizeof request->sqlstate, "%s", sqlstate ? sqlstate : "08006");
}

//  True when the first request is answered by now.
static bool
s_take_result (request_t *request, PGresult *result)
{
    ExecStatusType status = PQresultStatus (result);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
        assert (request->count < PG_LINK_STATEMENTS);
        request->results[request->count++] = result;
        return false;
    }
    if (status == PGRES_FATAL_ERROR)
        s_note_failure (request, result);
    PQclear (result);
    return status == PGRES_PIPELINE_SYNC;
}

static void
s_take_results (pg_link_t *self)
{
    while ((self->state == LINK_UP || self->state == LINK_PREPARING) && self->count > 0
           && !PQisBusy (self->connection)) {
        PGresult *result = PQgetResult (self->connection);
        if (result && s_take_result (&self->requests[self->first], result))
            s_pop_and_answer (self, false);
        else
        if (!result && PQstatus (self->connection) == CONNECTION_BAD)
            return;
    }
}

static void
s_take_notices (pg_link_t *self)
{
    PGnotify *notice;
    while (self->connection && (notice = PQnotifies (self->connection))) {
        if (self->events.notified && self->state == LINK_UP)
            self->events.notified (self->owner, text_of (notice->relname), text_of (notice->extra));
        PQfreemem (notice);
    }
}

void
pg_link_add (pg_link_t *self, size_t statement, pg_values_t *values)
{
    assert (self->adding < PG_LINK_STATEMENTS && statement < self->config.statement_count);
    self->adding++;
    if (self->state != LINK_UP)
        return; //  broken a moment ago: the request will be answered as lost
    if (!pg_values_send (values, self->connection, self->config.statements[statement].name))
        s_break (self);
}

static void
s_push (pg_link_t *self, request_t request)
{
    assert (self->count <= PG_LINK_REQUESTS);
    request.sent_ms = clock_mono_ms ();
    request.expected = self->adding;
    self->adding = 0;
    self->requests[(self->first + self->count++) % (PG_LINK_REQUESTS + 1)] = request;
    if (self->state == LINK_BROKEN)
        return;
    if (PQpipelineSync (self->connection))
        s_flush (self);
    else
        s_break (self);
}

void
pg_link_send (pg_link_t *self, pg_answered_fn *answered, void *owner, void *request)
{
    assert (self->adding > 0 && (self->state == LINK_UP || self->state == LINK_BROKEN));
    s_push (self, (request_t){ .answered = answered, .owner = owner, .request = request });
}

// ---------------------------------------------------------------------------------------------
//  Dialling, greeting, preparing

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
    backoff_reset (&self->backoff);
    s_timer (self, LOOK_EVERY_MS, LOOK_EVERY_MS);
    self->events.up (self->owner);
}

static void
s_prepare (pg_link_t *self)
{
    self->state = LINK_PREPARING;
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
    assert (self->config.statement_count <= PG_LINK_STATEMENTS);
    self->adding = self->config.statement_count;
    s_push (self, (request_t){ .answered = s_on_prepared, .owner = self });
}

//  Asks the owner what to say next, given the answer to what was said before.
static void
s_greet (pg_link_t *self)
{
    const char *sql = self->events.greet ? self->events.greet (self->owner, self->greeted) : NULL;
    PQclear (self->greeted);
    self->greeted = NULL;
    if (sql == PG_LINK_REFUSE) {
        s_lose (self, "database refused by us");
    } else if (!sql) {
        s_prepare (self);
    } else if (PQsendQuery (self->connection, sql)) {
        s_flush (self);
    } else {
        s_lose (self, "cannot greet");
    }
}

static const char s_settings[] =
    "SET synchronous_commit = on; SET statement_timeout = '15s'; SET client_encoding = 'UTF8';"
    " SET idle_in_transaction_session_timeout = '30s'; SET enable_hashjoin = off;"
    " SET enable_mergejoin = off; SET enable_seqscan = off; SET jit = off;"
    " SET search_path = public";

//  Results of the greeting under way; when it is complete, the next one.
static void
s_take_greeting (pg_link_t *self)
{
    while (!PQisBusy (self->connection)) {
        PGresult *result = PQgetResult (self->connection);
        if (!result) {
            if (!self->greeting) {
                PQclear (self->greeted); //  that was the answer to our settings
                self->greeted = NULL;
            }
            self->greeting = true;
            s_greet (self);
            return;
        }
        PQclear (self->greeted);
        self->greeted = result;
        if (PQresultStatus (result) == PGRES_FATAL_ERROR) {
            s_lose (self, "greeting refused");
            return;
        }
    }
}

static void
s_dialled (pg_link_t *self)
{
    self->state = LINK_GREETING;
    self->greeting = false;
    s_timer (self, self->config.greeting_ms, 0);
    PQsetnonblocking (self->connection, 1);
    if (PQsendQuery (self->connection, s_settings))
        s_flush (self);
    else
        s_lose (self, "cannot greet");
}

static void
s_dial_on (pg_link_t *self)
{
    s_unwatch (self);
    switch (PQconnectPoll (self->connection)) {
    case PGRES_POLLING_READING:
        s_watch (self, UV_READABLE);
        break;
    case PGRES_POLLING_WRITING:
        s_watch (self, UV_WRITABLE);
        break;
    case PGRES_POLLING_OK:
        s_dialled (self);
        break;
    default:
        s_lose (self, "cannot connect");
    }
}

//  libpq would quote parts of a wrong connection string, its password too, in its complaint.
static bool
s_url_is_good (const char *url)
{
    PQconninfoOption *options = PQconninfoParse (url, NULL);
    PQconninfoFree (options);
    return options != NULL;
}

//  Notices are the server's small talk; libpq would print them.
static void
s_on_notice (void *unused, const PGresult *notice)
{
    (void) unused;
    (void) notice;
}

static void
s_dial (pg_link_t *self)
{
    self->state = LINK_DIALLING;
    s_timer (self, DIAL_MS, 0);
    if (!s_url_is_good (self->config.url)) {
        s_lose (self, "POSTGRES_URL is no connection string");
        return;
    }
    //  What stands after dbname wins over the URL, what stands before it loses.
    const char *const keywords[] = { "target_session_attrs", "keepalives_idle",
                                     "keepalives_interval", "keepalives_count",
                                     "tcp_user_timeout", "dbname", "application_name", NULL };
    const char *const values[] = { "read-write", "10", "5", "3", "20000", self->config.url,
                                   self->config.node, NULL };
    self->connection = PQconnectStartParams (keywords, values, 1);
    if (!self->connection || PQstatus (self->connection) == CONNECTION_BAD) {
        s_lose (self, "cannot connect");
        return;
    }
    PQsetNoticeReceiver (self->connection, s_on_notice, NULL);
    s_watch (self, UV_WRITABLE);
}

// ---------------------------------------------------------------------------------------------
//  The loop's calls

static void
s_serve (pg_link_t *self)
{
    if (!PQconsumeInput (self->connection)) {
        s_take_results (self); //  what came before the end is an answer still
        s_lose (self, "connection ended");
        return;
    }
    s_take_results (self);
    s_take_notices (self);
    if (self->state != LINK_UP && self->state != LINK_PREPARING)
        return;
    if (PQstatus (self->connection) == CONNECTION_BAD)
        s_lose (self, "connection ended");
    else
        s_flush (self);
}

static void
s_on_poll (uv_poll_t *poll, int status, int events)
{
    pg_link_t *self = poll->data;
    (void) status; //  an error shows when libpq reads
    (void) events;
    if (self->state == LINK_DIALLING) {
        s_dial_on (self);
    } else if (self->state == LINK_GREETING) {
        if (!PQconsumeInput (self->connection)) {
            s_lose (self, "connection ended");
            return;
        }
        s_flush (self);
        s_take_greeting (self);
    } else {
        s_serve (self);
    }
}

static void
s_on_timer (uv_timer_t *timer)
{
    pg_link_t *self = timer->data;
    switch (self->state) {
    case LINK_WAITING:
        s_dial (self);
        break;
    case LINK_UP:
        if (self->count > 0
            && clock_mono_ms () - self->requests[self->first].sent_ms > self->config.answer_ms)
            s_lose (self, "no answer in time");
        break;
    case LINK_BROKEN:
        s_lose (self, "connection ended");
        break;
    default:
        s_lose (self, "not connected in time");
    }
}

// ---------------------------------------------------------------------------------------------

pg_link_t *
pg_link_new (uv_loop_t *loop, const pg_link_config_t *config, const pg_link_events_t *events,
             void *owner)
{
    pg_link_t *self = calloc (1, sizeof *self);
    assert (self);
    self->loop = loop;
    self->config = *config;
    self->config.url = strdup (config->url);
    self->config.node = strdup (config->node);
    assert (self->config.url && self->config.node);
    self->events = *events;
    self->owner = owner;
    self->backoff = (backoff_t){ .first_ms = RETRY_FIRST_MS, .most_ms = RETRY_MOST_MS };
    uv_timer_init (loop, &self->timer);
    self->timer.data = self;
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

static void
s_on_timer_closed (uv_handle_t *handle)
{
    pg_link_t *self = handle->data;
    free ((char *) self->config.url);
    free ((char *) self->config.node);
    free (self);
}

void
pg_link_destroy (pg_link_t **self_p)
{
    pg_link_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    s_close (self);
    for (size_t at = 0; at <= PG_LINK_REQUESTS; at++)
        s_request_clear (&self->requests[at]);
    uv_close ((uv_handle_t *) &self->timer, s_on_timer_closed);
}

bool
pg_link_is_up (const pg_link_t *self)
{
    return self->state == LINK_UP;
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
