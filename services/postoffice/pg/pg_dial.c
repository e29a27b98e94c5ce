#include "pg/pg_dial.h"

#include "base/alloc.h"
#include "base/loop_timer.h"
#include "pg/pg_address.h"
#include "pg/pg_fitness.h"
#include "pg/pg_socket.h"
#include "pg/pg_tls.h"
#include "base/log.h"
#include "base/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

//  A log line's field has no room for more.
#define COMPLAINT_MOST 300
#define PLACE_MOST 190

typedef enum {
    DIAL_IDLE,
    DIAL_RESOLVING,
    DIAL_DIALLING,
    DIAL_SETTING,
    DIAL_LOOKING,
    DIAL_GREETING,
} dial_state_t;

struct pg_dial {
    uv_loop_t *loop;
    char *url;
    char *node;
    uint64_t answer_ms;
    pg_greeting_t greeting;
    pg_dial_events_t events;
    void *owner;
    dial_state_t state;
    pg_address_t *address;
    size_t first_place;     //  of the address
    PGconn *connection;
    pg_socket_t socket;
    loop_timer_t *timer;    //  the end of the step
    PGresult *result;       //  the last one to what was said
    pg_tls_t tls;
    char complaint[COMPLAINT_MOST];
    bool is_direct;
    char settings[1500];
};

//  Why the last attempt failed that any of them made.
static char s_trouble[COMPLAINT_MOST + 60];

const char PG_DIAL_REFUSE[] = "";
const char PG_DIAL_AGAIN[] = "rolled back by the database";

enum { WARNED_CONNECTING, WARNED_WORKING, WARNINGS };

static int64_t s_warnings[WARNINGS];
static const metric_row_t s_rows[WARNINGS] = {
    [WARNED_CONNECTING] = { "postgres_warnings_total", "when=\"connecting\"", COUNTER,
                            "warnings of the database" },
    [WARNED_WORKING] = { "postgres_warnings_total", "when=\"working\"", COUNTER,
                         "warnings of the database" },
};

//  Everything that we rely on, whatever the server, the database or the role has set for others.
//  The server gives up before we do, so that its answer says what happened: waiting for a lock
//  first (but a second, its default, is for finding a deadlock), then the statement. Statements are
//  written for one isolation level, and a link may be idle for long.
//
//  A server that has something to write to a postoffice that is gone without a word (a pod's
//  network is taken down with it, before the last segments are answered) would try for a quarter
//  of an hour, with the locks of the session that it has read. statement_timeout ends no write.
//
//  default_transaction_read_only is left alone: it is how a server is made read-only, and one that
//  is gets no connection (target_session_attrs).
static const char s_settings[] =
    "SET statement_timeout = %" PRIu64 "; SET lock_timeout = %" PRIu64 ";"
    " SET idle_in_transaction_session_timeout = '30s'; SET tcp_user_timeout = '5s';"
    " SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;"
    " SET client_encoding = 'UTF8';"
    " SET synchronous_commit = on; SET search_path = public;"
    " SET default_transaction_isolation = 'read committed';"
    " SET default_transaction_deferrable = off; SET standard_conforming_strings = on;"
    " SET bytea_output = 'hex'; SET DateStyle = 'ISO, YMD'; SET TimeZone = 'UTC';"
    " SET default_table_access_method = heap; SET default_tablespace = '';"
    " SET enable_partition_pruning = on; SET plan_cache_mode = auto; SET jit = off; %s"
    //  Not every version has these.
    " SELECT set_config (name, '0', false) FROM pg_settings"
    " WHERE name IN ('idle_session_timeout', 'transaction_timeout')";

text_t
pg_complaint (const PGconn *connection)
{
    const char *words = connection ? PQerrorMessage (connection) : "";
    return (text_t){ words, strcspn (words, "\n") };
}

text_t
pg_dial_trouble (void)
{
    return text_of (s_trouble);
}

// ---------------------------------------------------------------------------------------------
//  The end of an attempt

static void
s_clear (pg_dial_t *self)
{
    self->state = DIAL_IDLE;
    loop_timer_stop (self->timer);
    pg_socket_forget (&self->socket); //  before the descriptor is closed under it
    pg_address_destroy (&self->address);
    PQclear (self->result);
    self->result = NULL;
}

//  libpq has a line for each place that it tried, and advice on further lines. The last place is
//  where it gave up: it is of all the others, or has a reason to try no other.
static text_t
s_last_complaint (const PGconn *connection)
{
    static const char begins[] = "connection to server ";
    const char *words = connection ? PQerrorMessage (connection) : "", *last = words;
    for (const char *at = words; at; at = strchr (at, '\n')) {
        at += *at == '\n';
        if (strncmp (at, begins, sizeof begins - 1) == 0)
            last = at;
    }
    return (text_t){ last, strcspn (last, "\n") };
}

static text_t
s_complaint (pg_dial_t *self, const PGconn *connection)
{
    text_t words = s_last_complaint (connection);
    const char *of_tls = pg_tls_complaint (&self->tls, words);
    if (!of_tls)
        return words;
    if (words.size > PLACE_MOST)
        words.size = PLACE_MOST;
    snprintf (self->complaint, sizeof self->complaint, "%.*s (%s)", TEXT_ARGS (words), of_tls);
    return text_of (self->complaint);
}

static void
s_end (pg_dial_t *self, const char *why, const char *trouble)
{
    PGconn *connection = self->connection;
    text_t complaint = s_complaint (self, connection);
    self->connection = NULL;
    s_clear (self);
    snprintf (s_trouble, sizeof s_trouble, "%s%s%.*s", trouble, complaint.size ? ": " : "",
              TEXT_ARGS (complaint));
    self->events.failed (self->owner, why, complaint);
    PQfinish (connection);
}

static void
s_fail (pg_dial_t *self, const char *why)
{
    s_end (self, why, why);
}

// ---------------------------------------------------------------------------------------------
//  Settings and greeting

static void
s_say (pg_dial_t *self, const char *sql, uint64_t within_ms)
{
    uv_update_time (self->loop);
    loop_timer_start_ms (self->timer, within_ms, 0);
    if (!PQsendQuery (self->connection, sql)
        || pg_socket_flush (&self->socket, self->connection) != 0)
        s_fail (self, "cannot greet");
}

//  The answer to pg_fitness_sql: is this a database that we can work on?
static const pg_fault_t *
s_look (pg_dial_t *self)
{
    int pid;
    const pg_fault_t *fault = pg_fitness_fault (self->result, &pid);
    self->is_direct = pid == PQbackendPID (self->connection);
    if (!fault)
        return NULL;
    log_error ("database is of no use to us", log_string ("complaint", fault->complaint),
               log_string ("database", PQdb (self->connection)),
               log_string ("role", PQuser (self->connection)),
               log_string ("encoding", PQparameterStatus (self->connection, "server_encoding")),
               log_string ("version", PQparameterStatus (self->connection, "server_version")),
               log_string ("advice", fault->advice));
    return fault;
}

//  Asks the owner what to say next, given the answer to what was said before.
static void
s_greet (pg_dial_t *self)
{
    PGresult *result = self->state == DIAL_GREETING ? self->result : NULL;
    self->state = DIAL_GREETING;
    uint64_t within_ms = self->answer_ms;
    const pg_greeting_t *greeting = &self->greeting;
    const char *sql = greeting->say ? greeting->say (greeting->owner, result, &within_ms) : NULL;
    PQclear (self->result);
    self->result = NULL;
    if (sql == PG_DIAL_REFUSE)
        s_end (self, NULL, "refused, the log says why");
    else if (sql)
        s_say (self, sql, within_ms);
    else {
        PGconn *connection = self->connection;
        self->connection = NULL;
        s_clear (self);
        *s_trouble = '\0';
        self->events.dialled (self->owner, connection, self->is_direct);
    }
}

//  What was said is answered: the settings, the look at the database, or the owner's greeting.
static void
s_go_on (pg_dial_t *self)
{
    if (self->state == DIAL_SETTING) {
        self->state = DIAL_LOOKING;
        s_say (self, pg_fitness_sql, self->answer_ms);
        return;
    }
    const pg_fault_t *fault = self->state == DIAL_LOOKING ? s_look (self) : NULL;
    if (!fault) {
        s_greet (self);
        return;
    }
    if (fault->final && self->greeting.unfit)
        self->greeting.unfit (self->greeting.owner);
    s_end (self, NULL, fault->complaint);
}

// ---------------------------------------------------------------------------------------------
//  Dialling

static void
s_dial_on (pg_dial_t *self)
{
    pg_socket_forget (&self->socket);
    switch (pg_tls_poll (&self->tls, self->connection)) {
    case PGRES_POLLING_READING:
        pg_socket_watch (&self->socket, self->connection, UV_READABLE);
        break;
    case PGRES_POLLING_WRITING:
        pg_socket_watch (&self->socket, self->connection, UV_WRITABLE);
        break;
    case PGRES_POLLING_OK:
        self->state = DIAL_SETTING;
        PQsetnonblocking (self->connection, 1);
        s_say (self, self->settings, self->answer_ms);
        break;
    default:
        s_fail (self, "cannot connect");
    }
}

//  Notices of lower severity are the server's small talk; libpq would print all of them.
void
pg_warned (void *link, const PGresult *notice)
{
    static log_limit_t limit = LOG_LIMIT (LOG_WARN, "database warns");
    const char *severity = PQresultErrorField (notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (!severity || strcmp (severity, "WARNING") != 0)
        return;
    s_warnings[link ? WARNED_WORKING : WARNED_CONNECTING]++;
    if (!log_limit_allows (&limit))
        return;
    const char *sqlstate = PQresultErrorField (notice, PG_DIAG_SQLSTATE);
    const char *words = PQresultErrorField (notice, PG_DIAG_MESSAGE_PRIMARY);
    log_warn ("database warns", log_string ("link", link ? link : "connecting"),
              log_string ("sqlstate", sqlstate ? sqlstate : ""),
              log_string ("complaint", words ? words : ""));
}

//  What stands after dbname wins over the string, what stands before it loses. A Kerberos server
//  would be asked for tickets while the loop stands still: only for who asks for it.
static void
s_on_resolved (void *owner)
{
    pg_dial_t *self = owner;
    const char *failure = pg_address_failure (self->address);
    if (failure) {
        s_fail (self, failure);
        return;
    }
    self->state = DIAL_DIALLING;
    self->tls = (pg_tls_t){ 0 };
    pg_places_t places = pg_address_places (self->address, self->first_place);
    const char *const keywords[] = { "target_session_attrs", "gssencmode", "keepalives_idle",
                                     "keepalives_interval", "keepalives_count",
                                     "tcp_user_timeout", "dbname", "host", "hostaddr", "port",
                                     "application_name", NULL };
    const char *const values[] = { "read-write", "disable", "10", "5", "3", "20000", self->url,
                                   places.host, places.hostaddr, places.port, self->node, NULL };
    self->connection = PQconnectStartParams (keywords, values, 1);
    if (!self->connection || PQstatus (self->connection) == CONNECTION_BAD) {
        s_fail (self, "cannot connect");
        return;
    }
    PQsetNoticeReceiver (self->connection, pg_warned, NULL);
    pg_socket_watch (&self->socket, self->connection, UV_WRITABLE);
}

// ---------------------------------------------------------------------------------------------
//  The loop's calls

//  Results to what was said; when they are complete, what comes next.
static void
s_on_stirred (void *owner)
{
    pg_dial_t *self = owner;
    if (self->state == DIAL_DIALLING) {
        s_dial_on (self);
        return;
    }
    if (!PQconsumeInput (self->connection)) {
        s_fail (self, "connection ended");
        return;
    }
    while (!PQisBusy (self->connection)) {
        PGresult *result = PQgetResult (self->connection);
        if (!result) {
            s_go_on (self);
            return;
        }
        PQclear (self->result);
        self->result = result;
        if (PQresultStatus (result) == PGRES_FATAL_ERROR) {
            const char *sqlstate = PQresultErrorField (result, PG_DIAG_SQLSTATE);
            bool is_conflict = sqlstate
                               && (strncmp (sqlstate, "40", 2) == 0
                                   || strcmp (sqlstate, "55P03") == 0);
            s_fail (self, is_conflict ? PG_DIAL_AGAIN : "greeting refused");
            return;
        }
    }
    if (pg_socket_flush (&self->socket, self->connection) != 0)
        s_fail (self, "cannot greet");
}

static void
s_on_timer (void *owner)
{
    pg_dial_t *self = owner;
    if (self->state != DIAL_RESOLVING)
        self->first_place++;
    s_fail (self, self->state == DIAL_RESOLVING ? "host names not looked up in time"
                  : self->state == DIAL_DIALLING ? "not connected in time"
                                                 : "no answer to the greeting in time");
}

// ---------------------------------------------------------------------------------------------

pg_dial_t *
pg_dial_new (uv_loop_t *loop, const pg_dial_config_t *config, const pg_dial_events_t *events,
             void *owner)
{
    static bool is_shown;
    if (!is_shown)
        metrics_register (s_rows, s_warnings, WARNINGS);
    is_shown = true;
    pg_dial_t *self = alloc_zeroed (sizeof *self);
    self->loop = loop;
    self->url = alloc_string (config->url);
    self->node = alloc_string (config->node);
    self->answer_ms = config->answer_ms;
    self->greeting = config->greeting;
    self->events = *events;
    self->owner = owner;
    self->socket = (pg_socket_t){ .loop = loop, .stirred = s_on_stirred, .owner = self };
    int size =
        snprintf (self->settings, sizeof self->settings, s_settings, self->answer_ms * 4 / 5,
                  self->answer_ms / 5, config->settings ? config->settings : "");
    assert (size > 0 && (size_t) size < sizeof self->settings);
    self->timer = loop_timer_new (loop, s_on_timer, self);
    return self;
}

void
pg_dial_destroy (pg_dial_t **self_p)
{
    pg_dial_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    s_clear (self);
    PQfinish (self->connection);
    loop_timer_destroy (&self->timer);
    free (self->url);
    free (self->node);
    free (self);
}

void
pg_dial_start (pg_dial_t *self)
{
    assert (self->state == DIAL_IDLE);
    self->state = DIAL_RESOLVING;
    uv_update_time (self->loop);
    loop_timer_start_ms (self->timer, self->answer_ms, 0);
    self->address = pg_address_new (self->loop, self->url, s_on_resolved, self);
    if (pg_address_is_resolved (self->address))
        s_on_resolved (self);
}
