#include "store/migrate.h"

#include "base/clock.h"
#include "base/log.h"
#include "pg/pg_dial.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

//  The server's limit ends before ours, so that its answer says what happened.
#define MORE_MS 30000
#define NO_LIMIT_MS (7 * 24 * 3600000ull)
#define DIAL_MS 10000
//  Beside programs that are at work: a deadlock, or a lock that was not had, takes a second or two
//  to be found.
#define TRIES_MOST 10

static void
s_refuse (const migrations_t *self)
{
    bool is_newer = self->state == MIGRATIONS_NEWER;
    log_error (
        is_newer ? "schema is newer than this program" : "schema is older than this program",
        log_number ("found", self->found), log_number ("known", (int64_t) migrations_count),
        log_string ("advice", is_newer ? "run the version of the postoffice that belongs to it"
                                       : "run `postoffice migrate`, or set POSTGRES_MIGRATE=on"));
}

const char *
migrate_say (migrations_t *self, const PGresult *result, uint64_t *within_ms)
{
    if (!result)
        migrations_begin (self);
    else if (self->state == MIGRATIONS_ASK) {
        bool is_answer = PQresultStatus (result) == PGRES_TUPLES_OK && PQntuples (result) == 1;
        int number = is_answer ? (int) strtol (PQgetvalue (result, 0, 0), NULL, 10) : -1;
        int from = is_answer ? (int) strtol (PQgetvalue (result, 0, 1), NULL, 10) : 0;
        migrations_answer (self, number, from);
    } else
        migrations_answer (self, 0, 0);
    switch (self->state) {
    case MIGRATIONS_ASK:
        return self->sql.data;
    case MIGRATIONS_APPLY:
        if ((size_t) self->found < migrations_count)
            *within_ms =
                self->limit_minutes ? self->limit_minutes * 60000 + MORE_MS : NO_LIMIT_MS;
        return self->sql.data;
    case MIGRATIONS_NEWER:
    case MIGRATIONS_OLDER:
        s_refuse (self);
        return PG_DIAL_REFUSE;
    case MIGRATIONS_DONE:
        break;
    }
    if (result && self->apply && (size_t) self->found < migrations_count)
        log_info ("schema migrated", log_number ("from", self->found),
                  log_number ("to", (int64_t) migrations_count));
    return NULL;
}

// ---------------------------------------------------------------------------------------------
//  The command

typedef struct {
    migrations_t migrations;
    uv_loop_t loop;
    pg_dial_t *dial;
    uint64_t began_ms;
    bool is_migrating;
    unsigned tries;
    int exit_code;
} run_t;

static const char *
s_say (void *owner, const PGresult *result, uint64_t *within_ms)
{
    run_t *self = owner;
    const char *sql = migrate_say (&self->migrations, result, within_ms);
    size_t found = (size_t) self->migrations.found;
    if (sql && self->migrations.state == MIGRATIONS_APPLY && found < migrations_count) {
        self->is_migrating = true;
        self->began_ms = clock_mono_ms ();
        for (size_t at = found; at < migrations_count; at++)
            printf ("applying %s …\n", migrations_table[at].name);
        fflush (stdout);
    }
    return sql;
}

static void
s_on_dialled (void *owner, PGconn *connection, bool is_direct)
{
    (void) is_direct;
    run_t *self = owner;
    PQfinish (connection);
    if (self->is_migrating)
        printf ("schema %d → %zu in %.1f s\n", self->migrations.found, migrations_count,
                (double) (clock_mono_ms () - self->began_ms) / 1000);
    else
        printf ("schema %zu: nothing to migrate\n", migrations_count);
    self->exit_code = fflush (stdout) == 0 ? EX_OK : EX_IOERR;
    uv_stop (&self->loop);
}

static void
s_on_failed (void *owner, const char *why, text_t complaint)
{
    run_t *self = owner;
    if (why)
        fprintf (stderr, "postoffice migrate: %s%s%.*s\n", why, complaint.size ? ": " : "",
                 TEXT_ARGS (complaint));
    if (why == PG_DIAL_AGAIN && ++self->tries < TRIES_MOST) {
        pg_dial_start (self->dial);
        return;
    }
    if (self->exit_code != EX_CONFIG)
        self->exit_code = self->is_migrating ? EX_SOFTWARE : EX_UNAVAILABLE;
    uv_stop (&self->loop);
}

static void
s_on_unfit (void *owner)
{
    run_t *self = owner;
    self->exit_code = EX_CONFIG;
}

int
migrate_run (const char *url)
{
    run_t self = { .migrations = { .apply = true }, .exit_code = EX_UNAVAILABLE };
    uv_loop_init (&self.loop);
    self.dial = pg_dial_new (
        &self.loop,
        &(pg_dial_config_t){ .url = url,
                             .node = "postoffice migrate",
                             .answer_ms = DIAL_MS,
                             .greeting = { .say = s_say, .unfit = s_on_unfit, .owner = &self } },
        &(pg_dial_events_t){ .dialled = s_on_dialled, .failed = s_on_failed }, &self);
    pg_dial_start (self.dial);
    uv_run (&self.loop, UV_RUN_DEFAULT);
    pg_dial_destroy (&self.dial);
    uv_run (&self.loop, UV_RUN_DEFAULT);
    uv_loop_close (&self.loop);
    buffer_free (&self.migrations.sql);
    return self.exit_code;
}
