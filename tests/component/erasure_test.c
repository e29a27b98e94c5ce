//  What is left of a visitor whose data were to be erased, against a real PostgreSQL: nothing, also
//  when a postoffice writes to a session of theirs in that moment, or the one that erases dies.

#include "base/clock.h"
#include "store_box.h"
#include "store/store_metrics.h"

#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS 86400000u

//  make (session, visitor, days): a session of then with two entries, and all that a session can
//  have, in each place the visitor's name. rows (name): tables with it, and in how many rows;
//  is_found (name): can it be found?
static void
s_functions (postgres_t *postgres)
{
    sql_exec (postgres, "SELECT make_day_@V@ ((now () AT TIME ZONE 'UTC')::date - n)"
                        " FROM generate_series (0, 3) n");
    sql_exec (
        postgres,
        "CREATE FUNCTION make (p text, who text, days int) RETURNS void LANGUAGE sql AS $$"
        " INSERT INTO session (session, app, visitor, day, created_at, active_at) SELECT 'a/' || p,"
        "  'a', who, (t AT TIME ZONE 'UTC')::date, t, t FROM (SELECT now () - days * interval"
        "  '1 day' AS t) t;"
        " INSERT INTO log (seq, time_ms, writer, day, event, role, hidden, session, message_id,"
        "  user_id, sender, data, stored_at)"
        "  SELECT n, 1, 1, s.day, 3, n, false, s.session, 'm' || n, who, '{}',"
        "  '{\"text\":\"I am ' || who || '\"}', s.created_at"
        "  FROM session s, generate_series (1, 2) n WHERE s.session = 'a/' || p;"
        " INSERT INTO participant (session, role, user_id, sender, present, info)"
        "  VALUES ('a/' || p, 1, who, '{\"displayName\":\"' || who || '\"}', true, '{}');"
        " INSERT INTO last_session (app, user_id, role, session) VALUES ('a', who, 1, 'a/' || p)"
        "  ON CONFLICT DO NOTHING;"
        " INSERT INTO external_ref (app, channel, external_id, session, role, user_id)"
        "  VALUES ('a', 'sms', p, 'a/' || p, 1, who);"
        " INSERT INTO work_item (item, kind, app, session, topic, body, state, finished_at)"
        "  SELECT p || ' ' || kind || ' ' || state, kind, 'a', 'a/' || p, 't', who, state,"
        "  CASE WHEN state > 1 THEN now () END"
        "  FROM generate_series (1, 3) kind, generate_series (0, 4) state;"
        " INSERT INTO work_attempt (item, number, outcome, detail) SELECT item, 1, 0, who"
        "  FROM work_item WHERE session = 'a/' || p AND kind < 3 $$;"
        "CREATE FUNCTION rows (who text) RETURNS text LANGUAGE plpgsql AS $$"
        " DECLARE t text; n bigint; found text := ''; BEGIN"
        " FOR t IN SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
        "  AND relnamespace = 'public'::regnamespace AND relname <> 'erasure'"
        "  AND relname NOT LIKE 'search%' ORDER BY 1 LOOP"
        "  EXECUTE format ('SELECT count (*) FROM %I t WHERE t::text LIKE %L', t, '%' || who"
        " || '%')"
        "   INTO n;"
        "  IF n > 0 THEN found := found || t || ' ' || n || ' '; END IF;"
        " END LOOP; RETURN found; END $$;"
        "CREATE FUNCTION is_found (who text) RETURNS boolean LANGUAGE sql AS $$"
        " SELECT EXISTS (SELECT FROM search_entry e WHERE e::text LIKE '%' || who || '%')"
        "  OR EXISTS (SELECT FROM search_session e WHERE e::text LIKE '%' || who || '%') $$");
}

//  All that is stored can be found.
static void
s_fill_search (postgres_t *postgres)
{
    sql_expect (postgres, "SELECT more FROM fill_search_@V@ (1000, true)", "f");
}

#define ALL_ROWS                                                                                   \
    "external_ref 1 last_session 1 log 2 participant 1 session 1 work_attempt 10 work_item 15 "

static postgres_t *
s_database (void)
{
    postgres_t *postgres = postgres_new (NULL);
    box_end (box_that_keeps (postgres, 11, 0));
    s_functions (postgres);
    return postgres;
}

static void
s_order (postgres_t *postgres, const char *user)
{
    char sql[120];
    snprintf (sql, sizeof sql, "INSERT INTO erasure (app, user_id) VALUES ('a', '%s')", user);
    sql_exec (postgres, sql);
}

//  One piece, of few sessions and items; entries go so long after the session.
static void
s_piece (postgres_t *postgres, unsigned after_ms, const char *result)
{
    char sql[160];
    snprintf (sql, sizeof sql,
              "SELECT more || ' ' || sessions || ' ' || emptied || ' ' || looked"
              " FROM erase_@V@ (2, 3, 10, %u)",
              after_ms);
    sql_expect (postgres, sql, result);
}

static const char s_told[] = "SELECT string_agg (user_id || ' ' || state || ' ' || sessions || ' '"
                             " || entries || ' ' || items, ', ' ORDER BY user_id) FROM erasure";

// ---------------------------------------------------------------------------------------------

Test (erasure, nothing_is_left_and_others_stay)
{
    postgres_t *postgres = s_database ();
    sql_exec (postgres, "SELECT make ('1', 'vera', 2), make ('2', 'vera', 0),"
                        " make ('3', 'vera', 0), make ('4', 'otto', 0)");
    sql_exec (postgres, "UPDATE search_state SET done_at = now () - interval '3 days'");
    s_fill_search (postgres);
    sql_expect (postgres, "SELECT is_found ('vera')", "t");
    s_order (postgres, "vera");
    s_piece (postgres, 0, "true 2 0 0");
    s_piece (postgres, 0, "true 1 0 0");
    sql_expect (postgres, "SELECT is_found ('vera')", "f");
    sql_expect (postgres, "SELECT is_found ('otto')", "t");
    sql_expect (postgres, "SELECT string_agg (session, ' ') FROM session", "a/4");
    s_piece (postgres, 0, "true 0 0 0"); //  elsewhere
    sql_expect (postgres, s_told, "vera 1 3 0 0");
    s_piece (postgres, 60000, "false 0 0 0"); //  a postoffice may have them in memory
    s_piece (postgres, 0, "true 0 1 0");      //  two entries, and the router's
    s_piece (postgres, 0, "true 0 1 0");
    s_piece (postgres, 0, "true 0 1 0");
    sql_expect (postgres, s_told, "vera 2 3 6 0");
    for (int left = 36; left >= 10; left -= 10)
        s_piece (postgres, 0, "true 0 0 10");
    s_piece (postgres, 0, "false 0 0 6");
    sql_expect (postgres, s_told, "vera 4 3 6 27");
    sql_expect (postgres, "SELECT rows ('vera')", "");
    sql_expect (postgres, "SELECT rows ('otto')", ALL_ROWS);
    sql_expect (postgres, "SELECT count (*) FROM erasure_session", "0");
    s_piece (postgres, 0, "false 0 0 0");
    //  Who is told what became of the order has a month for it.
    sql_exec (postgres, "UPDATE erasure SET finished_at = now () - interval '31 days'");
    s_piece (postgres, 0, "false 0 0 0");
    sql_expect (postgres, "SELECT count (*) FROM erasure", "0");
    postgres_destroy (&postgres);
}

#define WAITING "SELECT string_agg (session, ' ' ORDER BY session) FROM session"

static void
s_closes (postgres_t *postgres, const char *session)
{
    char sql[400];
    snprintf (sql, sizeof sql,
              "UPDATE session SET closed_at = now () WHERE session = '%s';"
              "UPDATE work_item SET state = 2, finished_at = now ()"
              " WHERE item = ':timer:erase:%s';"
              "INSERT INTO work_item (item, kind, app, session, topic, body)"
              " VALUES (':over:%s', 2, 'a', '%s', 'platform.genesys', '{}')",
              session, session, session, session);
    sql_exec (postgres, sql);
}

//  Whose conversation with the visitor would stay open for ever. What has nothing to wait for, of
//  the same visitor and of others, does not wait.
Test (erasure, a_platform_is_told_first)
{
    postgres_t *postgres = s_database ();
    sql_exec (postgres, "SELECT make ('1', 'vera', 1), make ('2', 'vera', 1),"
                        " make ('3', 'vera', 1), make ('4', 'otto', 0);"
                        "UPDATE session SET control_role = 4, control_user = 'platform.genesys'"
                        " WHERE session = 'a/1';"
                        "UPDATE session SET offered_to = 'platform:genesys' WHERE session = 'a/2'");
    s_order (postgres, "vera");
    s_order (postgres, "otto");
    s_piece (postgres, 60000, "true 1 0 0");
    sql_expect (postgres, WAITING, "a/1 a/2 a/4");
    sql_expect (postgres, "SELECT string_agg (item || ' ' || state, ', ' ORDER BY item)"
                          " FROM work_item WHERE kind = 3 AND topic = 'timer'",
              ":timer:erase:a/1 0, :timer:erase:a/2 0");
    s_piece (postgres, 60000, "true 1 0 0"); //  otto's
    s_piece (postgres, 60000, "true 0 0 0"); //  elsewhere
    s_piece (postgres, 60000, "false 0 0 0");
    //  Closed: the platform is not told yet, and then it is.
    s_closes (postgres, "a/1");
    s_piece (postgres, 60000, "false 0 0 0");
    sql_expect (postgres, WAITING, "a/1 a/2");
    sql_exec (postgres, "UPDATE work_item SET state = 2, finished_at = now ()"
                        " WHERE item = ':over:a/1'");
    s_piece (postgres, 60000, "true 1 0 0");
    sql_expect (postgres, WAITING, "a/2");
    //  The platform gets the visitor once more.
    sql_exec (postgres, "UPDATE work_item SET state = 2, finished_at = now ()"
                        " WHERE item = ':timer:erase:a/2'");
    s_piece (postgres, 60000, "true 0 0 0");
    sql_expect (postgres, "SELECT state FROM work_item WHERE item = ':timer:erase:a/2'", "0");
    s_piece (postgres, 60000, "false 0 0 0");
    //  And nothing becomes of it.
    sql_exec (postgres, "UPDATE erasure SET asked_at = now () - interval '59 minutes'");
    s_piece (postgres, 60000, "false 0 0 0");
    sql_exec (postgres, "UPDATE erasure SET asked_at = now () - interval '61 minutes'");
    s_piece (postgres, 60000, "true 1 0 0");
    sql_expect (postgres, "SELECT count (*) FROM session", "0");
    sql_expect (postgres, "SELECT count (*) FROM work_item WHERE item = ':timer:erase:a/2'", "0");
    postgres_destroy (&postgres);
}

//  The visitor writes again before the order is done: that is none of what was to be erased.
Test (erasure, what_begins_behind_the_order_stays)
{
    postgres_t *postgres = s_database ();
    sql_exec (postgres, "SELECT make ('1', 'vera', 0)");
    s_order (postgres, "vera");
    s_piece (postgres, 60000, "true 1 0 0");
    sql_exec (postgres, "SELECT make ('2', 'vera', 0)");
    s_piece (postgres, 60000, "true 0 0 0"); //  elsewhere
    s_piece (postgres, 0, "true 0 1 0");
    s_piece (postgres, 0, "true 0 0 10");
    s_piece (postgres, 0, "false 0 0 8");
    sql_expect (postgres, s_told, "vera 4 1 2 9");
    sql_expect (postgres, "SELECT rows ('vera')", ALL_ROWS);
    sql_expect (postgres, "SELECT session FROM last_session", "a/2");
    //  Ordered again, it goes, too.
    sql_exec (postgres, "UPDATE erasure SET state = 0, asked_at = now ()");
    s_piece (postgres, 0, "true 1 0 0");
    postgres_destroy (&postgres);
}

//  Somebody else's session keeps that there was a visitor, and nothing of what it said or is.
Test (erasure, in_sessions_of_others_it_has_said_nothing)
{
    postgres_t *postgres = s_database ();
    sql_exec (
        postgres,
        "SELECT make ('1', 'otto', 0);"
        "INSERT INTO participant (session, role, user_id, sender, present, info, channel)"
        " VALUES ('a/1', 1, 'vera', '{\"displayName\":\"Vera V\"}', true, '{\"page\":\"V\"}', 's');"
        "INSERT INTO external_ref (app, channel, external_id, session, role, user_id)"
        " VALUES ('a', 'sms', 'her number', 'a/1', 1, 'vera');"
        "INSERT INTO log (seq, time_ms, writer, day, event, role, hidden, session, message_id,"
        " user_id, sender, data) SELECT 2 + n, 1, 1, day, CASE n WHEN 1 THEN 1 ELSE 3 END, 1,"
        " false, session, 'v' || n, 'vera', '{\"displayName\":\"Vera V\"}',"
        " CASE n WHEN 2 THEN '{\"rawQuery\":\"V was here\"}' END"
        " FROM session, generate_series (1, 2) n");
    s_fill_search (postgres);
    sql_expect (postgres, "SELECT is_found ('V was')", "t");
    s_order (postgres, "vera");
    s_piece (postgres, 0, "true 0 0 0");
    s_piece (postgres, 0, "false 0 0 9");
    sql_expect (postgres, s_told, "vera 4 0 2 9");
    sql_expect (postgres, "SELECT rows ('V')", "");
    sql_expect (postgres, "SELECT is_found ('V was')", "f");
    sql_expect (postgres, "SELECT is_found ('otto')", "t");
    sql_expect (postgres, "SELECT rows ('her number')", "");
    sql_expect (postgres, "SELECT rows ('vera')", "log 2 participant 1 ");
    sql_expect (postgres, "SELECT string_agg (coalesce (data, '-'), ' ' ORDER BY seq) FROM log",
              "{\"text\":\"I am otto\"} {\"text\":\"I am otto\"} - {\"text\":\"\"}");
    postgres_destroy (&postgres);
}

//  Vera says something; the store's outcome.
static store_outcome_t
s_say (box_t *box, const char *session, uint64_t seq, uint64_t days_ago)
{
    store_entry_t entry = { .message_id = text_of (seq == 3 ? "m3" : "m4"),
                            .event = EVENT_NEW_MESSAGE, .time_ms = 1, .role = ROLE_VISITOR,
                            .user = TEXT ("vera"), .sender = TEXT ("{}"), .data = TEXT ("{}") };
    store_append_t append = { .session = text_of (session),
                              .day = clock_wall_ms () / DAY_MS - days_ago, .first_seq = seq,
                              .entries = &entry, .entry_count = 1 };
    return box_appended (box, &append);
}

//  A postoffice has the session in memory, and wrote to it last: it appends by a plain insert,
//  which looks at nothing but the log.
Test (erasure, what_is_written_meanwhile_is_refused)
{
    postgres_t *postgres = s_database ();
    sql_exec (postgres, "SELECT make ('1', 'vera', 0)");
    box_t *box = box_that_keeps (postgres, 31, 0);
    cr_assert_eq (s_say (box, "a/1", 3, 0), STORED);
    s_order (postgres, "vera");
    UNTIL (box, strcmp (box->moved, "a/1") == 0);
    cr_assert_eq (s_say (box, "a/1", 4, 0), STORE_CONFLICT);
    UNTIL (box, sql_is (postgres, s_told, "vera 4 1 3 9"));
    sql_expect (postgres, "SELECT rows ('vera')", "");
    box_end (box);
    postgres_destroy (&postgres);
}

//  An append holds its place in the log, and is not committed: the piece gives up in time,
//  and comes
//  again.
Test (erasure, an_append_under_way_is_waited_for)
{
    postgres_t *postgres = s_database ();
    sql_exec (postgres, "SELECT make ('1', 'vera', 0)");
    PGconn *other = PQconnectdb (postgres_url (postgres));
    PQclear (PQexec (other,
                     "BEGIN; INSERT INTO log (seq, time_ms, writer, day, event, role, hidden,"
                     " session, message_id, user_id, sender, data) SELECT 3, 1, 1, day, 3, 1,"
                     " false,"
                     " session, 'm3', 'vera', '{}', '{}' FROM session"));
    s_order (postgres, "vera");
    box_t *box = box_that_keeps (postgres, 31, 0);
    UNTIL (box, store_metrics[STORE_DROPS_FAILED] > 0);
    sql_expect (postgres, s_told, "vera 0 0 0 0");
    PQclear (PQexec (other, "COMMIT"));
    PQfinish (other);
    UNTIL (box, sql_is (postgres, s_told, "vera 4 1 3 9"));
    sql_expect (postgres, "SELECT rows ('vera')", "");
    box_end (box);
    postgres_destroy (&postgres);
}

//  Whoever erases dies between two pieces: another one goes on. Two orders wait for one look
//  through the finished work.
Test (erasure, another_postoffice_goes_on)
{
    postgres_t *postgres = s_database ();
    sql_exec (postgres, "SELECT make ('v' || n, 'vera', n % 3), make ('o' || n, 'otto', n % 3)"
                        " FROM generate_series (1, 30) n; SELECT make ('1', 'anna', 0)");
    s_order (postgres, "vera");
    s_order (postgres, "otto");
    box_t *one = box_that_keeps (postgres, 31, 0);
    UNTIL (one, store_metrics[STORE_SESSIONS_ERASED] >= 20);
    box_end (one);
    cr_assert_not (sql_is (postgres, s_told, "otto 4 30 60 270, vera 4 30 60 270"));
    box_t *two = box_that_keeps (postgres, 32, 0);
    UNTIL (two, sql_is (postgres, s_told, "otto 4 30 60 270, vera 4 30 60 270"));
    sql_expect (postgres, "SELECT rows ('vera') || rows ('otto')", "");
    sql_expect (postgres, "SELECT rows ('anna')", ALL_ROWS);
    box_end (two);
    postgres_destroy (&postgres);
}
