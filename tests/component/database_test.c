//  A postoffice and databases that are not as one would like: of no use at all, of no use until
//  somebody sees to it, set up for something else, and behind a pooler.

#include "eventually.h"
#include "ports.h"
#include "postgres.h"
#include "process.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static process_t * __attribute__ ((format (printf, 1, 2)))
s_postoffice (const char *format, ...)
{
    char url[200] = "POSTGRES_URL=", port[40];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (url + strlen (url), sizeof url - strlen (url), format, arguments);
    va_end (arguments);
    uint16_t operations = ports_free ();
    snprintf (port, sizeof port, "OPERATIONS_PORT=%u", operations);
    const char *const settings[] = { url, port, "POSTOFFICE_BUS_ADDRESS=tcp://127.0.0.1:*",
                                     "POSTGRES_TIMEOUT=2s", "SHUTDOWN_GRACE=1s", NULL };
    process_t *postoffice = process_new ("postoffice", "postoffice", NULL, settings);
    cr_assert (postoffice);
    process_set_operations_port (postoffice, operations);
    return postoffice;
}

static process_t *
s_postoffice_as (postgres_t *postgres, const char *role, const char *database)
{
    return s_postoffice ("postgresql://%s@127.0.0.1:%u/%s", role, postgres_port (postgres),
                         database);
}

//  What can never work is a wrong setting, and is said in one line.
Test (database, one_that_is_not_utf8_is_refused, .timeout = 120)
{
    static const char *const encodings[] = { "LATIN1", "SQL_ASCII" };
    postgres_t *postgres = postgres_new (NULL);
    cr_assert (postgres);
    for (size_t at = 0; at < sizeof encodings / sizeof *encodings; at++) {
        char sql[200];
        snprintf (sql, sizeof sql, "CREATE DATABASE odd%zu ENCODING '%s' LC_COLLATE 'C'"
                  " LC_CTYPE 'C' TEMPLATE template0", at, encodings[at]);
        cr_assert (postgres_exec (postgres, sql));
        char name[20];
        snprintf (name, sizeof name, "odd%zu", at);
        process_t *postoffice = s_postoffice_as (postgres, "stentor", name);
        cr_assert_eq (process_wait_exit (postoffice, 20000), 78);
        cr_assert_geq (process_log_count (postoffice, "its encoding is not UTF8"), 1);
        cr_assert_eq (process_log_count (postoffice, "wrong settings"), 1);
        cr_assert_geq (process_log_count (postoffice, encodings[at]), 1);
        process_destroy (&postoffice);
    }
    postgres_destroy (&postgres);
}

//  (The node's name is written there every two seconds.)
Test (database, a_setting_that_the_database_cannot_take_is_wrong, .timeout = 60)
{
    static const char *const wrong[][2] = {
        { "NODE_NAME=b\xfcro", "NODE_NAME must be UTF-8" },
        { "SESSIONS_KEPT=23h", "SESSIONS_KEPT must be 0 or at least 24h" },
        { "SESSIONS_KEPT=99999999h", "SESSIONS_KEPT must be a duration such as" },
        { "SESSION_CLOSE_AFTER=87601h", "SESSION_CLOSE_AFTER must be a duration such as" },
        { "WORK_KEPT=9999999999h", "from 1m to 87600h; it is" },
    };
    for (size_t at = 0; at < sizeof wrong / sizeof *wrong; at++) {
        const char *settings[] = { wrong[at][0], "OPERATIONS_PORT=0",
                                   "POSTGRES_URL=host=127.0.0.1 port=1",
                                   "POSTOFFICE_BUS_ADDRESS=tcp://127.0.0.1:*", NULL };
        process_t *postoffice = process_new ("postoffice", "postoffice", NULL, settings);
        cr_assert (postoffice);
        cr_assert_eq (process_wait_exit (postoffice, 10000), 78);
        cr_assert_eq (process_log_count (postoffice, wrong[at][1]), 1);
        process_destroy (&postoffice);
    }
}

static bool
s_cancels_waits (postgres_t *postgres)
{
    char *count = postgres_query (postgres,
                                  "SELECT count (*) FROM (SELECT pg_cancel_backend (pid) FROM"
                                  " pg_stat_activity WHERE wait_event = 'SyncRep') t");
    bool are_some = count && strcmp (count, "0") != 0;
    free (count);
    return are_some;
}

//  The server says COMMIT to somebody who waits for a standby and is cancelled, and warns: it is
//  stored there and, perhaps, nowhere else.
Test (database, a_commit_that_was_not_replicated_is_said, .timeout = 120)
{
    postgres_t *postgres = postgres_new (NULL);
    process_t *postoffice = s_postoffice_as (postgres, "stentor", "postgres");
    EVENTUALLY (20000, process_log_count (postoffice, "database is usable") == 1);
    cr_assert (postgres_exec (postgres, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'"));
    cr_assert (postgres_exec (postgres, "SELECT pg_reload_conf ()"));
    //  Its beats wait from now on.
    EVENTUALLY (20000, s_cancels_waits (postgres));
    EVENTUALLY (20000, process_log_count (postoffice, "database warns") >= 1);
    cr_assert_geq (process_log_count (postoffice, "01000"), 1);
    cr_assert_geq (process_metric (postoffice,
                                  "stentor_postgres_warnings_total{when=\"working\"}"), 1);
    cr_assert (postgres_exec (postgres, "ALTER SYSTEM RESET synchronous_standby_names"));
    cr_assert (postgres_exec (postgres, "SELECT pg_reload_conf ()"));
    process_destroy (&postoffice);
    postgres_destroy (&postgres);
}

//  What somebody can see to meanwhile is said, and waited for.
Test (database, rights_that_are_missing_are_named_until_they_are_there, .timeout = 120)
{
    postgres_t *postgres = postgres_new (NULL);
    cr_assert (postgres);
    cr_assert (postgres_exec (postgres, "CREATE ROLE weak LOGIN"));
    process_t *postoffice = s_postoffice_as (postgres, "weak", "postgres");
    cr_assert (process_wait_log (postoffice, "may not create tables", 20000));
    cr_assert_not (process_is_ready (postoffice));
    cr_assert (postgres_exec (postgres, "ALTER DATABASE postgres OWNER TO weak"));
    cr_assert (process_wait_ready (postoffice, 20000));
    process_destroy (&postoffice);

    cr_assert (postgres_exec (postgres, "ALTER TABLE log OWNER TO stentor"));
    postoffice = s_postoffice_as (postgres, "weak", "postgres");
    cr_assert (process_wait_log (postoffice, "belong to another role", 20000));
    cr_assert_not (process_is_ready (postoffice));
    cr_assert (postgres_exec (postgres, "ALTER TABLE log OWNER TO weak"));
    cr_assert (process_wait_ready (postoffice, 20000));
    process_destroy (&postoffice);
    postgres_destroy (&postgres);
}

Test (database, a_role_that_may_only_read_is_named, .timeout = 120)
{
    postgres_t *postgres = postgres_new (NULL);
    cr_assert (postgres);
    cr_assert (postgres_exec (postgres, "CREATE ROLE reader LOGIN SUPERUSER;"
                              " ALTER ROLE reader SET default_transaction_read_only = on"));
    process_t *postoffice = s_postoffice_as (postgres, "reader", "postgres");
    cr_assert (process_wait_log (postoffice, "read-only", 20000));
    cr_assert_not (process_is_ready (postoffice));
    cr_assert (postgres_exec (postgres, "ALTER ROLE reader RESET default_transaction_read_only"));
    cr_assert (process_wait_ready (postoffice, 20000));
    process_destroy (&postoffice);
    postgres_destroy (&postgres);
}

// ---------------------------------------------------------------------------------------------
//  PgBouncer

typedef struct {
    char directory[40];
    char path[60];
    uint16_t port;
    process_t *process;
} bouncer_t;

static void
s_bouncer_start (bouncer_t *self, postgres_t *postgres, const char *mode)
{
    FILE *file = fopen (self->path, "w");
    cr_assert (file);
    fprintf (file,
             "[databases]\npostgres = host=127.0.0.1 port=%u user=stentor\n"
             "[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %u\nunix_socket_dir =\n"
             "auth_type = any\npool_mode = %s\n",
             postgres_port (postgres), self->port, mode);
    fclose (file);
    cr_assert_eq (chmod (self->path, 0644), 0);
    const char *as_other[] = { "-u", "nobody", self->path, NULL };
    self->process = process_new ("pgbouncer", "pgbouncer", geteuid () == 0 ? as_other
                                                                           : as_other + 2, NULL);
    cr_assert (self->process, "there is no pgbouncer");
    EVENTUALLY (10000, ports_answers (self->port));
}

static bouncer_t
s_bouncer (postgres_t *postgres, const char *mode)
{
    bouncer_t self = { .directory = "/tmp/stentor-bouncer-XXXXXX", .port = ports_free () };
    cr_assert (mkdtemp (self.directory));
    cr_assert_eq (chmod (self.directory, 0755), 0);
    snprintf (self.path, sizeof self.path, "%s/pgbouncer.ini", self.directory);
    s_bouncer_start (&self, postgres, mode);
    return self;
}

static void
s_bouncer_end (bouncer_t *self)
{
    process_destroy (&self->process);
    unlink (self->path);
    rmdir (self->directory);
}

//  It takes everything that we say, and keeps nothing of it for the next time: postoffices would
//  not hear each other, and what one set for itself another one would get.
Test (database, a_pooler_that_keeps_no_sessions_is_noticed, .timeout = 120)
{
    static const char *const modes[] = { "transaction", "statement" };
    postgres_t *postgres = postgres_new (NULL);
    cr_assert (postgres);
    for (size_t at = 0; at < sizeof modes / sizeof *modes; at++) {
        bouncer_t bouncer = s_bouncer (postgres, modes[at]);
        process_t *postoffice
            = s_postoffice ("postgresql://stentor@127.0.0.1:%u/postgres", bouncer.port);
        //  In statement mode it refuses the greeting's transaction itself.
        cr_assert (process_wait_log (postoffice, at == 0 ? "PgBouncer" : "statement pooling",
                                     20000));
        cr_assert_not (process_is_ready (postoffice));
        cr_assert_eq (process_log_count (postoffice, "database is usable"), 0);
        process_destroy (&postoffice);
        s_bouncer_end (&bouncer);
    }
    postgres_destroy (&postgres);
}

Test (database, a_pooler_that_keeps_sessions_will_do, .timeout = 120)
{
    postgres_t *postgres = postgres_new (NULL);
    cr_assert (postgres);
    bouncer_t bouncer = s_bouncer (postgres, "transaction");
    process_t *postoffice
        = s_postoffice ("postgresql://stentor@127.0.0.1:%u/postgres", bouncer.port);
    cr_assert (process_wait_log (postoffice, "PgBouncer", 20000));
    process_destroy (&bouncer.process);
    s_bouncer_start (&bouncer, postgres, "session");
    cr_assert (process_wait_ready (postoffice, 20000));
    process_destroy (&postoffice);
    s_bouncer_end (&bouncer);
    postgres_destroy (&postgres);
}
