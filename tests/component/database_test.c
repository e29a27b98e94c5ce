//  A postoffice and databases that are not as one would like: of no use at all, of no use until
//  somebody sees to it, set up for something else, and behind a pooler.

#include "eventually.h"
#include "ports.h"
#include "postgres.h"
#include "process.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
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

// ---------------------------------------------------------------------------------------------
//  Migrations

//  A postoffice that may not migrate. Its lines say why it waits, and nothing else.
static process_t *
s_postoffice_that_waits (postgres_t *postgres, const char *why)
{
    char url[200];
    snprintf (url, sizeof url, "POSTGRES_URL=%s", postgres_url (postgres));
    uint16_t operations = ports_free ();
    char port[40];
    snprintf (port, sizeof port, "OPERATIONS_PORT=%u", operations);
    const char *const settings[] = { url, port, "POSTOFFICE_BUS_ADDRESS=tcp://127.0.0.1:*",
                                     "POSTGRES_MIGRATE=off", "SHUTDOWN_GRACE=1s", NULL };
    process_t *postoffice = process_new ("postoffice", "postoffice", NULL, settings);
    cr_assert (postoffice);
    process_set_operations_port (postoffice, operations);
    EVENTUALLY (20000, process_log_count (postoffice, why) >= 2);
    cr_assert_not (process_is_ready (postoffice));
    cr_assert_eq (process_log_count (postoffice, "database link lost"), 0);
    cr_assert_eq (process_log_count (postoffice, "POSTGRES_URL"), 0);
    return postoffice;
}

static process_t *
s_migrate (const char *url)
{
    char setting[200];
    snprintf (setting, sizeof setting, "POSTGRES_URL=%s", url);
    process_t *migrate = process_new ("migrate", "postoffice",
                                      (const char *const[]){ "migrate", NULL },
                                      (const char *const[]){ setting, NULL });
    cr_assert (migrate);
    return migrate;
}

Test (database, an_older_schema_is_said_to_be_older, .timeout = 120)
{
    static const char *const schemas[][2] = {
        { "SELECT 1", "\"found\":0," },
        { "CREATE TABLE migration (number int PRIMARY KEY, name text)", "\"found\":0," },
        { "INSERT INTO migration VALUES (3, 'of 0.1')", "\"found\":3," },
    };
    postgres_t *postgres = postgres_new (NULL);
    cr_assert (postgres);
    for (size_t at = 0; at < sizeof schemas / sizeof *schemas; at++) {
        cr_assert (postgres_exec (postgres, schemas[at][0]));
        process_t *postoffice =
            s_postoffice_that_waits (postgres, "schema is older than this program");
        cr_assert_geq (process_log_count (postoffice, "run `postoffice migrate`"), 2);
        cr_assert_geq (process_log_count (postoffice, schemas[at][1]), 2);
        process_destroy (&postoffice);
    }
    postgres_destroy (&postgres);
}

Test (database, a_newer_schema_is_said_to_be_newer, .timeout = 120)
{
    postgres_t *postgres = postgres_new (NULL);
    cr_assert (postgres);
    process_t *migrate = s_migrate (postgres_url (postgres));
    cr_assert_eq (process_wait_exit (migrate, 60000), 0);
    process_destroy (&migrate);
    cr_assert (postgres_exec (postgres, "INSERT INTO migration (number, name, readable_from)"
                                        " SELECT max (number) + 1, 'next', max (number) + 1"
                                        " FROM migration"));
    process_t *postoffice = s_postoffice_that_waits (postgres, "schema is newer than this");
    process_destroy (&postoffice);
    migrate = s_migrate (postgres_url (postgres));
    cr_assert_eq (process_wait_exit (migrate, 20000), 69);
    cr_assert_eq (process_log_count (migrate, "schema is newer than this program"), 1);
    cr_assert_eq (process_log_count (migrate, "\"node\":\"migrate\""), 1);
    cr_assert_eq (process_log_count (migrate, "postoffice migrate: "), 0);
    process_destroy (&migrate);
    postgres_destroy (&postgres);
}

Test (database, migrate_says_that_a_setting_is_wrong, .timeout = 60)
{
    process_t *migrate = s_migrate ("s3cret is no url");
    cr_assert_eq (process_wait_exit (migrate, 10000), 78);
    cr_assert_eq (process_log_count (migrate, "POSTGRES_URL must be a libpq connection"), 1);
    cr_assert_eq (process_log_count (migrate, "s3cret"), 0);
    process_destroy (&migrate);
    migrate = s_migrate ("postgresql://nowhere.invalid/x");
    cr_assert_eq (process_wait_exit (migrate, 20000), 69);
    cr_assert_eq (process_log_count (migrate, "POSTGRES_URL was found"), 1);
    cr_assert_eq (process_log_count (migrate, "was found:"), 0);
    process_destroy (&migrate);
}

//  Holds what the migration wants, then wants what the migration holds. The migration looks for the
//  deadlock first, and loses.
static void *
s_cross (void *postgres)
{
    static const char sql[] =
        "SET LOCAL deadlock_timeout = '1min'; LOCK TABLE wanted;"
        " DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE relation = 'wanted'::regclass"
        " AND NOT granted) LOOP PERFORM pg_sleep (0.01); END LOOP; END $$; LOCK TABLE migration";
    return postgres_exec (postgres, sql) ? postgres : NULL;
}

static bool
s_is_true (postgres_t *postgres, const char *sql)
{
    char *said = postgres_query (postgres, sql);
    bool is_true = said && strcmp (said, "t") == 0;
    free (said);
    return is_true;
}

Test (database, a_migration_that_loses_a_deadlock_is_tried_again, .timeout = 120)
{
    postgres_t *postgres = postgres_new (NULL);
    cr_assert (postgres);
    //  Each function that the migration makes waits for who has the other table.
    cr_assert (postgres_exec (
        postgres,
        "CREATE TABLE migration (number int PRIMARY KEY, name text NOT NULL); CREATE TABLE wanted"
        " (id int); CREATE FUNCTION want () RETURNS event_trigger LANGUAGE plpgsql AS"
        " $$ BEGIN LOCK TABLE public.wanted; END $$; CREATE EVENT TRIGGER want ON"
        " ddl_command_end WHEN TAG IN ('CREATE FUNCTION') EXECUTE FUNCTION want ()"));
    pthread_t other;
    cr_assert_eq (pthread_create (&other, NULL, s_cross, postgres), 0);
    EVENTUALLY (20000, s_is_true (postgres, "SELECT count (*) > 0 FROM pg_locks WHERE granted AND"
                                            " relation = 'wanted'::regclass"));
    process_t *migrate = s_migrate (postgres_url (postgres));
    cr_assert_eq (process_wait_exit (migrate, 60000), 0);
    void *went_on;
    cr_assert_eq (pthread_join (other, &went_on), 0);
    cr_assert (went_on, "it was not the migration that lost");
    cr_assert_geq (process_log_count (migrate, "rolled back by the database"), 1);
    process_destroy (&migrate);
    postgres_destroy (&postgres);
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

//  Whoever writes to somebody who takes nothing any more.
static bool
s_writes_in_vain (postgres_t *postgres)
{
    return s_is_true (postgres, "SELECT count (*) > 0 FROM pg_stat_activity"
                                " WHERE wait_event = 'ClientWrite'");
}

//  As a pod's network goes with the pod: nobody answers the server any more, not even with a reset.
Test (database, a_server_gives_up_who_takes_nothing, .timeout = 120)
{
    postgres_t *postgres = postgres_new (NULL);
    process_t *postoffice = s_postoffice_as (postgres, "stentor", "postgres");
    EVENTUALLY (20000, process_log_count (postoffice, "database is usable") == 1);
    cr_assert (process_wait_ready (postoffice, 20000));
    process_kill (postoffice, SIGSTOP);
    cr_assert (postgres_exec (postgres,
                              "SELECT pg_notify ('session_moved', repeat ('x', 7900) || number)"
                              " FROM generate_series (1, 4000) number"));
    EVENTUALLY (20000, s_writes_in_vain (postgres));
    EVENTUALLY (40000, !s_writes_in_vain (postgres));
    process_kill (postoffice, SIGCONT);
    cr_assert (process_wait_ready (postoffice, 20000));
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
