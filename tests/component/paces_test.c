//  The SQL of paces: two postoffices that take of one destination at the same moment, and a worker
//  that sends late what it has got.

#include "store_box.h"

#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <stdlib.h>

//  Of a destination that takes one a second, one at a time.
#define MADE                                                                                       \
    "INSERT INTO work_item (item, kind, app, topic, body, destination)"                            \
    " SELECT 'i' || n, 2, 'demo', 'notify.slack', '{}', 'slack:demo/C1'"                           \
    " FROM generate_series (1, 4) AS n"
#define TAKE(writer, burst)                                                                        \
    "SELECT coalesce (string_agg (item, ' '), 'none') FROM take_work_@V@ (" writer ","             \
    " '{notify.slack}', '{99}', '{slack:}', '{1000}', '{" burst "}')"
#define SINGLE TAKE ("7", "-1")
#define REPORT(item, state)                                                                        \
    "SELECT string_agg (f, ' ') FROM finish_work_@V@ ('{" item "}', '{notify.slack}', '{1}',"      \
    " '{" state "}', '{3600000}', '{200}', '{5}', '{}'::text[] || ''::text, '{0}',"                \
    " '{}'::text[] || ''::text, '{}'::text[] || ''::text, '{1}', '{1000}', '{f}') AS f"
#define A_SECOND_LATER "UPDATE destination SET free_at = free_at - interval '1 s'"

static postgres_t *s_postgres;
static box_t *s_box;

static void
s_begin (void)
{
    s_postgres = postgres_new (NULL);
    s_box = box_new (s_postgres, 7);
}

static void
s_end (void)
{
    box_end (s_box);
    postgres_destroy (&s_postgres);
}

TestSuite (paces, .init = s_begin, .fini = s_end, .timeout = 120);

static void
s_send (PGconn *connection, const char *take)
{
    cr_assert (PQsendQuery (connection, sql_of (take)), "%s", PQerrorMessage (connection));
}

//  Has the take that was sent got an item?
static bool
s_has_one (PGconn *connection)
{
    PGresult *result = PQgetResult (connection);
    cr_assert_eq (PQresultStatus (result), PGRES_TUPLES_OK, "%s", PQerrorMessage (connection));
    bool has_one = strcmp (PQgetvalue (result, 0, 0), "none") != 0;
    cr_expect_null (strchr (PQgetvalue (result, 0, 0), ' '), "more than one");
    PQclear (result);
    cr_assert_null (PQgetResult (connection));
    return has_one;
}

//  Of a destination that has rested long, or that nobody has heard of yet.
Test (paces, two_who_take_at_once_get_one)
{
    PGconn *one = PQconnectdb (postgres_url (s_postgres)),
           *two = PQconnectdb (postgres_url (s_postgres));
    for (unsigned round = 0; round < 100; round++) {
        sql_exec (s_postgres, MADE);
        sql_exec (s_postgres, round % 2
                                  ? "UPDATE destination SET free_at = now () - interval '20 s'"
                                  : "DELETE FROM destination");
        s_send (one, round % 4 < 2 ? TAKE ("1", "-1") : TAKE ("1", "0"));
        s_send (two, round % 4 < 2 ? TAKE ("2", "-1") : TAKE ("2", "0"));
        int count = s_has_one (one) + s_has_one (two);
        cr_expect_leq (count, 1, "both, in round %u", round);
        sql_exec (s_postgres, "DELETE FROM work_item");
    }
    PQfinish (one);
    PQfinish (two);
}

//  A new connection took its time, and the request goes out when the next one could be taken.
Test (paces, what_is_sent_late_has_nobody_behind_it)
{
    sql_exec (s_postgres, MADE);
    sql_expect (s_postgres, SINGLE, "i1");
    sql_exec (s_postgres, A_SECOND_LATER);
    sql_expect (s_postgres, SINGLE, "none");
    sql_expect (s_postgres, REPORT ("i1", "2"), "i1");
    sql_expect (s_postgres, SINGLE, "none"); //  the second begins now
    sql_exec (s_postgres, "UPDATE destination SET paused_until = now ()");
    sql_expect (s_postgres, SINGLE, "i2");
    //  One that waits for another try is not in hand.
    sql_expect (s_postgres, REPORT ("i2", "0"), "i2");
    sql_exec (s_postgres, "UPDATE destination SET paused_until = now ()");
    sql_exec (s_postgres, A_SECOND_LATER);
    sql_expect (s_postgres, SINGLE, "i3");
}

//  Where a burst is allowed what is in hand holds up nobody.
Test (paces, others_do_not_wait_for_what_is_in_hand)
{
    sql_exec (s_postgres, MADE);
    sql_expect (s_postgres, TAKE ("7", "0"), "i1");
    sql_exec (s_postgres, A_SECOND_LATER);
    sql_expect (s_postgres, TAKE ("7", "0"), "i2");
}
