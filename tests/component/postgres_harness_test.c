//  The harness's PostgreSQL: what the stories take for granted when they stop and kill it.

#include "postgres.h"

#include "eventually.h"
#include "ports.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void
s_expect (postgres_t *postgres, const char *sql, const char *expected)
{
    char *text = postgres_query (postgres, sql);
    cr_assert_not_null (text, "%s: nothing", sql);
    cr_assert_str_eq (text, expected, "%s: %s", sql, text);
    free (text);
}

static postgres_t *
s_with_a_room (const postgres_options_t *options)
{
    postgres_t *postgres = postgres_new (options);
    cr_assert_not_null (postgres);
    cr_assert (postgres_exec (postgres, "create table room (name text);"
                                        "insert into room values ('hall')"));
    return postgres;
}

//  A client of the server's that a test holds open.
static PGconn *
s_client (postgres_t *postgres)
{
    PGconn *client = PQconnectdb (postgres_url (postgres));
    cr_assert_eq (PQstatus (client), CONNECTION_OK, "%s", PQerrorMessage (client));
    return client;
}

static bool
s_is_served (PGconn *client)
{
    PGresult *result = PQexec (client, "select 1");
    bool served = PQresultStatus (result) == PGRES_TUPLES_OK;
    PQclear (result);
    return served;
}

Test (postgres_harness, is_set_up_as_said)
{
    postgres_t *postgres = s_with_a_room (NULL);
    s_expect (postgres, "select name from room", "hall");
    s_expect (postgres, "show fsync", "off");
    s_expect (postgres, "show synchronous_commit", "on");
    s_expect (postgres, "show server_encoding", "UTF8");
    s_expect (postgres, "show lc_collate", "C.UTF-8");
    s_expect (postgres, "show listen_addresses", "127.0.0.1");
    postgres_destroy (&postgres);
    cr_assert_null (postgres);
    postgres_destroy (&postgres);
}

Test (postgres_harness, says_nothing_where_there_is_nothing)
{
    postgres_t *postgres = postgres_new (NULL);
    cr_assert_null (postgres_query (postgres, "select null"));
    cr_assert_null (postgres_query (postgres, "select 1 where false"));
    cr_assert_null (postgres_query (postgres, "no such statement"));
    cr_assert_not (postgres_exec (postgres, "no such statement"));
    postgres_destroy (&postgres);
}

Test (postgres_harness, keeps_data_and_port_when_restarted)
{
    postgres_t *postgres = s_with_a_room (&(postgres_options_t){ .fsync = true });
    uint16_t port = postgres_port (postgres);
    PGconn *client = s_client (postgres);
    cr_assert (postgres_stop (postgres), "a client that stays must not hinder it");
    cr_assert_not (ports_answers (port));
    cr_assert_not (s_is_served (client));
    PQfinish (client);
    cr_assert (postgres_stop (postgres));
    cr_assert (postgres_start (postgres));
    cr_assert (postgres_start (postgres));
    cr_assert (postgres_restart (postgres));
    cr_assert_eq (postgres_port (postgres), port);
    s_expect (postgres, "select name from room", "hall");
    s_expect (postgres, "show fsync", "on");
    postgres_destroy (&postgres);
}

Test (postgres_harness, keeps_what_was_committed_when_killed)
{
    postgres_t *postgres = s_with_a_room (NULL);
    PGconn *client = s_client (postgres);
    //  Whatever the server leaves behind becomes this process's child, dead or alive.
    prctl (PR_SET_CHILD_SUBREAPER, 1);
    postgres_kill (postgres);
    unsigned killed = 0;
    int status;
    while (waitpid (-1, &status, WNOHANG) > 0)
        killed += WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL;
    cr_assert_eq (errno, ECHILD, "something survived");
    cr_assert_geq (killed, 2, "a backend and the checkpointer at least");
    cr_assert_not (ports_answers (postgres_port (postgres)));
    cr_assert_not (s_is_served (client));
    PQfinish (client);
    postgres_kill (postgres);
    cr_assert (postgres_start (postgres));
    s_expect (postgres, "select name from room", "hall");
    postgres_destroy (&postgres);
}

Test (postgres_harness, cuts_off_the_oldest_client_or_all)
{
    postgres_t *postgres = postgres_new (NULL);
    PGconn *first = s_client (postgres);
    PGconn *second = s_client (postgres);
    PGconn *third = s_client (postgres);
    cr_assert_eq (postgres_kill_backends (postgres, 1), 1);
    cr_assert_not (s_is_served (first));
    cr_assert (s_is_served (second));
    cr_assert_eq (postgres_kill_backends (postgres, POSTGRES_ALL_BACKENDS), 2);
    cr_assert_not (s_is_served (second));
    cr_assert_not (s_is_served (third));
    cr_assert_eq (postgres_kill_backends (postgres, POSTGRES_ALL_BACKENDS), 0);
    PQfinish (first);
    PQfinish (second);
    PQfinish (third);
    postgres_destroy (&postgres);
}

Test (postgres_harness, dies_with_the_test)
{
    int ends[2];
    uint16_t port = 0;
    cr_assert_eq (pipe (ends), 0);
    pid_t test = fork ();
    if (test == 0) {
        postgres_t *postgres = postgres_new (NULL);
        port = postgres ? postgres_port (postgres) : 0;
        if (write (ends[1], &port, sizeof port) == sizeof port)
            pause ();
        _exit (1);
    }
    cr_assert_eq (read (ends[0], &port, sizeof port), sizeof port);
    cr_assert (ports_answers (port));
    kill (test, SIGKILL);
    waitpid (test, NULL, 0);
    EVENTUALLY (10000, !ports_answers (port));
    close (ends[0]);
    close (ends[1]);
}

//  What was committed while the standby was stopped is not in it.
Test (postgres_harness, a_standby_that_lags_is_promoted, .timeout = 120)
{
    postgres_t *primary = s_with_a_room (NULL);
    postgres_t *standby = postgres_standby_new (primary);
    cr_assert_not_null (standby);
    EVENTUALLY (20000, postgres_is_level (standby, primary));
    s_expect (standby, "select pg_is_in_recovery ()", "t");
    cr_assert (postgres_stop (standby));
    cr_assert (postgres_exec (primary, "insert into room values ('attic')"));
    postgres_kill (primary);
    cr_assert (postgres_start (standby));
    cr_assert (postgres_promote (standby));
    cr_assert (postgres_exec (standby, "insert into room values ('cellar')"));
    s_expect (standby, "select string_agg (name, ' ' order by name) from room", "cellar hall");
    postgres_destroy (&standby);
    postgres_destroy (&primary);
}
