//  What is dropped of a database, what stays, and who does it, against a real PostgreSQL.

#include "base/clock.h"
#include "store_box.h"
#include "store/store_metrics.h"

#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY_MS 86400000u

#define DROPPED "SELECT sessions || ' ' || entries || ' ' || more FROM drop_sessions_@V@"

//  One piece: of sessions that are older than a day.
static void
s_expect_dropped (postgres_t *postgres, unsigned sessions, unsigned entries, const char *result)
{
    char sql[160];
    snprintf (sql, sizeof sql, DROPPED " (86400000, %u, %u, '{}', '{}')", sessions, entries);
    sql_expect (postgres, sql, result);
}

static const char *
s_all_sessions (void)
{
    return "SELECT coalesce (string_agg (session, ' ' ORDER BY session), '') FROM session";
}

//  A database with the partitions of today and of ten days ago; make (name, app, days) makes a
//  session of then, with two entries and all that a session can have.
static postgres_t *
s_database (void)
{
    postgres_t *postgres = postgres_new (NULL);
    box_end (box_that_keeps (postgres, 11, 0));
    sql_exec (postgres, "SELECT make_day_@V@ ((now () AT TIME ZONE 'UTC')::date - n)"
                        " FROM generate_series (0, 10) n");
    sql_exec (postgres,
            "CREATE FUNCTION make (p text, p_app text, days int) RETURNS void LANGUAGE sql AS $$"
            " INSERT INTO session (session, app, visitor, day, created_at, active_at) SELECT p,"
            "  p_app, p, (t AT TIME ZONE 'UTC')::date, t, t FROM (SELECT now () - days * interval"
            "  '1 day' AS t) t;"
            " INSERT INTO log (seq, time_ms, writer, day, event, role, hidden, session, message_id,"
            "  user_id, sender, stored_at)"
            "  SELECT n, 1, 1, s.day, 3, 1, false, p, 'm' || n, p, '{}', s.created_at"
            "  FROM session s, generate_series (1, 2) n WHERE s.session = p;"
            " INSERT INTO participant (session, role, user_id, sender, present)"
            "  VALUES (p, 1, p, '{}', false);"
            " INSERT INTO last_session (app, user_id, role, session) VALUES (p_app, p, 1, p);"
            " INSERT INTO external_ref (app, channel, external_id, session, role, user_id)"
            "  VALUES (p_app, 'sms', p, p, 1, p);"
            " INSERT INTO work_item (item, kind, app, session, topic, body)"
            "  VALUES ('timer ' || p, 3, p_app, p, 'timer', '{}'); $$");
    return postgres;
}

// ---------------------------------------------------------------------------------------------

Test (retention, a_session_goes_with_all_that_is_its_own)
{
    postgres_t *postgres = s_database ();
    sql_exec (postgres, "SELECT make ('a/old', 'a', 3), make ('a/new', 'a', 0),"
                        " make ('b/old', 'b', 10)");
    s_expect_dropped (postgres, 100, 1000, "2 4 false");
    sql_expect (postgres, s_all_sessions (), "a/new");
    sql_expect (postgres,
              "SELECT string_agg (DISTINCT session, ' ') FROM ("
              " SELECT session FROM log UNION ALL SELECT session FROM participant"
              " UNION ALL SELECT session FROM last_session UNION ALL SELECT session FROM"
              " external_ref UNION ALL SELECT session FROM work_item) t",
              "a/new");
    s_expect_dropped (postgres, 100, 1000, "0 0 false");
    postgres_destroy (&postgres);
}

Test (retention, who_is_there_or_owed_something_stays)
{
    postgres_t *postgres = s_database ();
    sql_exec (postgres,
            "SELECT make ('a/' || n, 'a', 3) FROM unnest ('{hosted,left,turn,delivery,done,fresh,"
            "ahead,never}'::text[]) n;"
            "INSERT INTO node (writer, name, beat_at) VALUES (21, 'alive', now ()),"
            " (22, 'dead', now () - interval '2 min');"
            "UPDATE session SET host = 21 WHERE session = 'a/hosted';"
            "UPDATE session SET host = 22 WHERE session = 'a/left';"
            "INSERT INTO work_item (item, kind, app, session, topic, body, state) VALUES"
            " ('t', 1, 'a', 'a/turn', 't', '', 1), ('d', 2, 'a', 'a/delivery', 't', '', 0),"
            " ('e', 2, 'a', 'a/done', 't', '', 2);"
            //  Written by a program that does not say when a session is active.
            "UPDATE session SET active_at = NULL WHERE session = 'a/fresh';"
            "UPDATE log SET stored_at = now () WHERE session = 'a/fresh' AND seq = 2;"
            //  Of before the database's clock, and of a client whose own was ahead.
            "UPDATE log SET stored_at = NULL, time_ms = 1 << 40 WHERE session = 'a/ahead';"
            "UPDATE log SET time_ms = 3 * time_ms WHERE session = 'a/ahead';"
            "DELETE FROM log WHERE session = 'a/never'");
    s_expect_dropped (postgres, 100, 1000, "4 6 false");
    sql_expect (postgres, s_all_sessions (), "a/delivery a/fresh a/hosted a/turn");
    sql_expect (postgres, "SELECT active_at > now () - interval '1 min' FROM session"
                          " WHERE session = 'a/fresh'", "t");
    postgres_destroy (&postgres);
}

//  b keeps its sessions for two days, c for ever, d for five; a has no time of its own.
Test (retention, an_app_has_a_time_of_its_own)
{
    postgres_t *postgres = s_database ();
    sql_exec (postgres, "SELECT make (app || '/' || days, app, days)"
                        " FROM unnest ('{a,b,c,d}'::text[]) app, unnest ('{1,3,4,6}'::int[]) days");
    sql_expect (postgres, DROPPED " (302400000, 100, 1000, '{b,c,d}', '{172800000,0,432000000}')",
                "6 12 false");
    sql_expect (postgres, s_all_sessions (), "a/1 a/3 b/1 c/1 c/3 c/4 c/6 d/1 d/3 d/4");
    //  Without a time for all: only those of b and d go.
    sql_exec (postgres, "SELECT make (app || '/old', app, 9)"
                        " FROM unnest ('{a,b,c,d}'::text[]) app");
    sql_expect (postgres, DROPPED " (0, 100, 1000, '{b,c,d}', '{172800000,0,432000000}')",
                "2 4 false");
    sql_expect (postgres, s_all_sessions (),
              "a/1 a/3 a/old b/1 c/1 c/3 c/4 c/6 c/old d/1 d/3 d/4");
    postgres_destroy (&postgres);
}

Test (retention, every_table_has_a_rule)
{
    postgres_t *postgres = s_database ();
    //  docs/operations.md, "What grows, and what ends it": a new table needs a row there.
    sql_expect (postgres,
              "SELECT string_agg (relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind IN"
              " ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace",
              "agent alert alert_rule app_trouble destination erasure erasure_session"
              " external_ref lane_memory last_session log"
              " migration node participant queue_pace search_entry search_session search_state"
              " session suppressed_address"
              " work_attempt work_item");
    postgres_destroy (&postgres);
}

Test (retention, finished_work_goes_with_its_attempts)
{
    postgres_t *postgres = s_database ();
    sql_exec (postgres,
            "INSERT INTO work_item (item, app, topic, body, state, finished_at)"
            " SELECT n || '/' || state, 'a', 't', '', state,"
            " CASE WHEN state > 1 THEN now () - n * interval '1 day' END"
            " FROM generate_series (0, 4) state, generate_series (1, 3, 2) n;"
            "INSERT INTO work_attempt (item, number, outcome) SELECT item, 1, 0 FROM work_item");
    const char *sql = "SELECT drop_finished_@V@ (172800000, 2, '{}', '{}')";
    sql_expect (postgres, sql, "2");
    sql_expect (postgres, sql, "1");
    sql_expect (postgres, sql, "0");
    const char *left = "1/0 1/1 1/2 1/3 1/4 3/0 3/1";
    sql_expect (postgres, "SELECT string_agg (item, ' ' ORDER BY item) FROM work_item", left);
    sql_expect (postgres, "SELECT string_agg (item, ' ' ORDER BY item) FROM work_attempt", left);
    //  Another app's work stays for half a day.
    sql_exec (postgres, "INSERT INTO work_item (item, app, topic, body, state, finished_at)"
                        " SELECT 'b' || n, 'b', 't', '', 2, now () - n * interval '6 hours'"
                        " FROM generate_series (1, 3) n");
    sql_expect (postgres, "SELECT drop_finished_@V@ (172800000, 9, '{b}', '{43200000}')", "2");
    sql_expect (postgres, "SELECT string_agg (item, ' ' ORDER BY item) FROM work_item"
                          " WHERE app = 'b'", "b1");
    postgres_destroy (&postgres);
}

Test (retention, dead_nodes_go_when_no_session_names_them)
{
    postgres_t *postgres = s_database ();
    sql_exec (postgres, "SELECT make ('a/1', 'a', 0);"
                        "INSERT INTO node (writer, name, beat_at) SELECT n, 'dead',"
                        " now () - interval '2 hours' FROM generate_series (21, 22) n;"
                        "UPDATE session SET host = 22");
    sql_exec (postgres, "SELECT forget_nodes_@V@ ()");
    sql_expect (postgres, "SELECT string_agg (writer || '', ' ') FROM node WHERE name = 'dead'",
              "22");
    postgres_destroy (&postgres);
}

//  A piece ends behind the session with which it has as many entries as it may; none is cut.
Test (retention, pieces_are_small_and_whole)
{
    postgres_t *postgres = s_database ();
    sql_exec (postgres, "SELECT make ('a/' || n, 'a', 3) FROM generate_series (1, 9) n");
    s_expect_dropped (postgres, 4, 1000, "4 8 true");
    s_expect_dropped (postgres, 100, 3, "2 4 true");
    s_expect_dropped (postgres, 100, 1, "1 2 true");
    s_expect_dropped (postgres, 100, 1000, "2 4 false");
    sql_expect (postgres, "SELECT count (*) FROM log", "0");
    postgres_destroy (&postgres);
}

//  A visitor who comes back just now has the session's row locked: it is left alone, and the others
//  go meanwhile.
Test (retention, a_session_that_is_being_loaded_is_passed_over)
{
    postgres_t *postgres = s_database ();
    sql_exec (postgres, "SELECT make ('a/1', 'a', 3), make ('a/2', 'a', 3)");
    PGconn *other = PQconnectdb (postgres_url (postgres));
    PQclear (PQexec (other, "BEGIN; UPDATE session SET host = 21 WHERE session = 'a/1'"));
    s_expect_dropped (postgres, 100, 1000, "1 2 false");
    PQclear (PQexec (other, "COMMIT"));
    PQfinish (other);
    sql_expect (postgres, s_all_sessions (), "a/1");
    postgres_destroy (&postgres);
}

//  A postoffice has loaded the session, and appends while it is dropped: nothing is left of what
//  nobody would find, and nothing is said to be stored.
Test (retention, what_is_written_to_a_dropped_session_is_refused)
{
    postgres_t *postgres = s_database ();
    sql_exec (postgres, "SELECT make ('a/old', 'a', 3), make ('a/new', 'a', 0)");
    box_t *box = box_that_keeps (postgres, 31, 0);
    PGconn *other = PQconnectdb (postgres_url (postgres));
    PQclear (PQexec (other, sql_of ("BEGIN;" DROPPED " (86400000, 100, 1000, '{}', '{}')")));
    store_entry_t entry = { .message_id = TEXT ("m"), .event = EVENT_NEW_MESSAGE, .time_ms = 1,
                            .role = ROLE_VISITOR, .user = TEXT ("ann"), .sender = TEXT ("{}"),
                            .data = TEXT ("{}") };
    store_participant_t ann = { .role = ROLE_VISITOR, .user = TEXT ("ann"),
                                .sender = TEXT ("{}"), .present = true };
    store_append_t append = { .session = TEXT ("a/old"), .day = clock_wall_ms () / DAY_MS - 3,
                              .first_seq = 3, .entries = &entry, .entry_count = 1,
                              .participants = &ann, .participant_count = 1, .touches = true };
    box_append (box, &append);
    const char *waits = "SELECT count (*) FROM pg_locks WHERE NOT granted";
    char *count = NULL;
    UNTIL (box, (free (count), count = postgres_query (postgres, waits), atoi (count) > 0));
    free (count);
    PQclear (PQexec (other, "COMMIT"));
    PQfinish (other);
    UNTIL (box, box->answers > 0);
    cr_assert_eq (box->outcome, STORE_CONFLICT);
    sql_expect (postgres, "SELECT (SELECT count (*) FROM log WHERE session = 'a/old') + (SELECT"
                          " count (*) FROM participant WHERE session = 'a/old')", "0");
    box_end (box);
    postgres_destroy (&postgres);
}

static const char s_days[] =
    "SELECT coalesce (string_agg ((now () AT TIME ZONE 'UTC')::date - to_date (substr (relname, 5),"
    " 'YYYYMMDD') || '', ' ' ORDER BY relname DESC), '') FROM pg_class JOIN pg_inherits ON oid ="
    " inhrelid WHERE inhparent = 'log'::regclass"
    " AND to_date (substr (relname, 5), 'YYYYMMDD') <= (now () AT TIME ZONE 'UTC')::date";

//  The whole: sessions go, days of which nobody is left go, and one of two stores does it.
Test (retention, one_postoffice_at_a_time)
{
    postgres_t *postgres = s_database ();
    sql_exec (postgres, "SELECT make ('a/' || n, 'a', 4 + n % 6) FROM generate_series (1, 1200) n;"
                        "UPDATE session SET host = 21 WHERE session = 'a/1';"
                        "INSERT INTO node (writer, name, beat_at) VALUES"
                        " (21, 'alive', now () + interval '1 hour')");
    const char *holders = "SELECT count (*) FROM pg_locks WHERE locktype = 'advisory'"
                          " AND objid = 3";
    box_t *one = box_that_keeps (postgres, 31, 2 * DAY_MS);
    UNTIL (one, sql_is (postgres, holders, "1"));
    box_t *two = box_that_keeps (postgres, 32, 2 * DAY_MS);
    UNTIL (one, box_turn (two) && store_metrics[STORE_DAYS_DROPPED] == 7);
    sql_expect (postgres, s_all_sessions (), "a/1");
    sql_expect (postgres, "SELECT count (*) FROM log", "2");
    sql_expect (postgres, s_days, "0 1 2 5");
    cr_assert_eq (store_metrics[STORE_SESSIONS_DROPPED], 1199);
    cr_assert_eq (store_metrics[STORE_ENTRIES_DROPPED], 2398);
    sql_expect (postgres, holders, "1");
    //  The other one has the lock next, and does not rest first.
    box_end (one);
    sql_exec (postgres, "UPDATE session SET host = NULL");
    UNTIL (two, store_metrics[STORE_DAYS_DROPPED] == 8);
    sql_expect (postgres, s_all_sessions (), "");
    box_end (two);
    postgres_destroy (&postgres);
}

//  A dump holds the log for hours: the day stays, and nobody waits for it.
Test (retention, a_day_that_somebody_reads_is_left_for_later)
{
    postgres_t *postgres = s_database ();
    PGconn *dump = PQconnectdb (postgres_url (postgres));
    PQclear (PQexec (dump, "BEGIN; LOCK TABLE log IN ACCESS SHARE MODE"));
    box_t *box = box_that_keeps (postgres, 31, 2 * DAY_MS);
    UNTIL (box, store_metrics[STORE_DROPS_FAILED] > 0);
    store_entry_t entry = { .message_id = TEXT ("m"), .event = EVENT_NEW_MESSAGE, .time_ms = 1,
                            .role = ROLE_VISITOR, .user = TEXT ("ann"), .sender = TEXT ("{}"),
                            .data = TEXT ("{}") };
    store_append_t append = { .session = TEXT ("a/s"), .opens = true, .app = TEXT ("a"),
                              .visitor = TEXT ("ann"), .day_ms = clock_wall_ms (),
                              .first_seq = 1, .entries = &entry, .entry_count = 1 };
    cr_assert_eq (box_appended (box, &append), STORED);
    sql_expect (postgres, s_days, "0 1 2 3 4 5 6 7 8 9 10");
    PQfinish (dump);
    box_end (box);
    postgres_destroy (&postgres);
}

//  The search reads the log for longer than the lock would be waited for: the day waits until that
//  is over, and nobody waits for the day.
Test (retention, a_day_waits_for_the_search)
{
    postgres_t *postgres = s_database ();
    PGconn *search = PQconnectdb (postgres_url (postgres)),
           *drop = PQconnectdb (postgres_url (postgres));
    PQclear (PQexec (search, "BEGIN; SELECT pg_advisory_xact_lock (7365746, 4);"
                             " LOCK TABLE log IN ACCESS SHARE MODE"));
    cr_assert (PQsendQuery (drop, sql_of ("SELECT drop_day_@V@ (current_date - 2)")));
    EVENTUALLY (40000, sql_is (postgres, "SELECT count (*) FROM pg_locks"
                                         " WHERE locktype = 'advisory' AND NOT granted", "1"));
    sql_exec (postgres, "SELECT make ('a/new', 'a', 0)");
    PQclear (PQexec (search, "COMMIT"));
    PGresult *dropped = PQgetResult (drop);
    cr_assert_eq (PQresultStatus (dropped), PGRES_TUPLES_OK, "%s", PQerrorMessage (drop));
    cr_assert_eq (PQntuples (dropped), 1);
    PQclear (dropped);
    PQfinish (drop);
    PQfinish (search);
    postgres_destroy (&postgres);
}
