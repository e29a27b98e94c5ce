//  Lists of sessions and participants, page by page, against a real PostgreSQL.

#include "store_box.h"
#include "store/migrations.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

//  400 sessions of app a and one of b. Of a's the n-th began n minutes ago (four begin at a time),
//  every third one is closed, every seventh is answered by an agent; they are of 20 visitors. The
//  log of each has its first entry and one message.
//
//  page (visitor, filter, sort, falls, backward, position, n) is a page; the filter is an object.
static postgres_t *
s_database (void)
{
    postgres_t *postgres = postgres_new (NULL);
    box_end (box_new (postgres, 11));
    sql_expect (postgres,
              "SELECT count (make_day_@V@ ((now () AT TIME ZONE 'UTC')::date - n))"
              " FROM generate_series (0, 2) n",
              "3");
    sql_exec (postgres,
            "INSERT INTO session (session, app, visitor, day, created_at, active_at, closed_at,"
            "  control_role, control_user)"
            " SELECT CASE n WHEN 0 THEN 'b/' ELSE 'a/' END || n, CASE n WHEN 0 THEN 'b' ELSE 'a'"
            "  END, 'v' || n % 20, (t AT TIME ZONE 'UTC')::date, t,"
            "  CASE WHEN n % 5 > 0 THEN t + n % 9 * interval '2 min' END,"
            "  CASE WHEN n % 3 = 0 THEN now () END,"
            "  CASE WHEN n % 7 = 0 THEN 2 ELSE 3 + n % 7 % 3 END,"
            "  CASE WHEN n % 7 = 0 THEN 'agent' || n % 2 ELSE '' END"
            " FROM (SELECT n, now () - n / 4 * interval '4 min' AS t"
            "  FROM generate_series (0, 400) n) n;"
            "INSERT INTO participant (session, role, user_id, sender, present)"
            " SELECT s.session, r, CASE r WHEN 1 THEN s.visitor ELSE 'agent' END, '{}', r = 1"
            " FROM session s, generate_series (1, 2) r;"
            "INSERT INTO log (seq, time_ms, writer, day, event, role, hidden, session, message_id,"
            "  user_id, sender, data, stored_at)"
            " SELECT n, 1, 1, s.day, 2 * n - 1, 1, false, s.session, 'm' || n,"
            "  s.visitor, '{}', '{}', s.created_at FROM session s, generate_series (1, 2) n");
    sql_exec (
        postgres,
        "CREATE FUNCTION page (p text, f json, sort text, falls boolean, backward boolean, at"
        " text, n int) RETURNS TABLE (items text, first text, last text, more text) LANGUAGE sql"
        " AS $$ SELECT * FROM list_sessions_@V@ ('a', p, coalesce (f ->> 'visitor', ''),"
        " coalesce (f ->> 'state', ''), coalesce (f ->> 'control', ''), coalesce (f ->> 'agent',"
        " ''), coalesce (f ->> 'aa', ''), coalesce (f ->> 'ab', ''), coalesce (f ->> 'ca', ''),"
        " coalesce (f ->> 'cb', ''), sort, falls, backward, coalesce (at::json ->> 0, ''),"
        " coalesce (at::json ->> 1, ''), n) $$;"
        "CREATE FUNCTION ids (items text) RETURNS text[] LANGUAGE sql AS $$ SELECT ARRAY ("
        " SELECT i ->> 'sessionId' FROM json_array_elements (items::json) i) $$;");
    //  All pages to the end, and back again: the sessions of both ways, and what a query says.
    sql_exec (postgres,
            "CREATE FUNCTION walks (p text, f json, sort text, falls boolean, n int) RETURNS"
            " TABLE (forth text[], back text[]) LANGUAGE plpgsql AS $$ DECLARE r record; at text;"
            " BEGIN forth := '{}'; LOOP"
            "  SELECT * INTO r FROM page (p, f, sort, falls, false, at, n);"
            "  forth := forth || ids (r.items); EXIT WHEN r.more = 'f'; at := r.last; END LOOP;"
            " back := ids (r.items); at := r.first; WHILE at <> '' LOOP"
            "  SELECT * INTO r FROM page (p, f, sort, falls, true, at, n);"
            "  back := ids (r.items) || back; at := r.first; EXIT WHEN r.more = 'f'; END LOOP;"
            " RETURN NEXT; END $$;"
            "CREATE FUNCTION truth (p text, f json, sort text, falls boolean) RETURNS text[]"
            " LANGUAGE sql AS $$ SELECT coalesce (array_agg (id ORDER BY"
            "  CASE WHEN falls THEN -k ELSE k END, CASE WHEN falls THEN rank ELSE -rank END), '{}')"
            " FROM (SELECT substr (s.session, 3) AS id, extract (epoch FROM CASE sort WHEN"
            "   'createdAt' THEN s.created_at ELSE coalesce (s.active_at, s.created_at) END) AS k,"
            "   row_number () OVER (ORDER BY s.session) AS rank FROM session s WHERE s.app = 'a'"
            "   AND p IN ('', s.visitor) AND coalesce (f ->> 'visitor', s.visitor) = s.visitor"
            "   AND coalesce ((f ->> 'state') = 'closed', s.closed_at IS NOT NULL) ="
            "    (s.closed_at IS NOT NULL)"
            "   AND coalesce (f ->> 'control', api_role_@V@ (s.control_role)) ="
            "    api_role_@V@ (s.control_role)"
            "   AND coalesce (f ->> 'agent', s.control_user) = s.control_user"
            "   AND coalesce (s.active_at, s.created_at) >= coalesce ((f ->> 'aa')::timestamptz,"
            "    '-infinity')"
            "   AND coalesce (s.active_at, s.created_at) < coalesce ((f ->> 'ab')::timestamptz,"
            "    'infinity')"
            "   AND s.created_at >= coalesce ((f ->> 'ca')::timestamptz, '-infinity')"
            "   AND s.created_at < coalesce ((f ->> 'cb')::timestamptz, 'infinity')) s $$");
    return postgres;
}

// ---------------------------------------------------------------------------------------------

//  For each filter, order and direction: what the pages have, forth and back, is what a plain query
//  says, each session once and in its order.
Test (session_lists, the_union_of_the_pages_is_the_list)
{
    postgres_t *postgres = s_database ();
    sql_exec (postgres,
            "CREATE TABLE filter AS SELECT json_strip_nulls (json_build_object ('state', state,"
            " 'control', control, 'agent', agent, 'visitor', visitor, 'aa', aa, 'cb', cb)) AS f"
            " FROM unnest ('{NULL,open,closed}'::text[]) state,"
            " (VALUES (NULL, NULL), ('agent', NULL), ('bot', NULL), ('agent', 'agent1'),"
            "  ('platform', NULL), ('router', NULL),"
            "  (NULL, 'agent0')) c (control, agent), unnest ('{NULL,v7}'::text[]) visitor,"
            " (VALUES (NULL::timestamptz, NULL::timestamptz), (now () - interval '2 h', NULL),"
            "  (NULL, now () - interval '3 h')) t (aa, cb);"
            "INSERT INTO filter SELECT json_build_object ('ab', now () - interval '1 h', 'ca',"
            " now () - interval '5 h'); INSERT INTO filter VALUES ('{\"visitor\":\"nobody\"}')");
    sql_expect (postgres, "SELECT count (*) FROM filter", "128");
    sql_expect (postgres,
              "SELECT count (*) FROM (SELECT f, sort, falls, w.*, truth ('', f, sort, falls) AS t"
              " FROM filter, unnest ('{createdAt,lastActivity}'::text[]) sort,"
              " unnest ('{f,t}'::boolean[]) falls, walks ('', f, sort, falls, 61) w) a"
              " WHERE a.forth IS DISTINCT FROM a.t OR a.back IS DISTINCT FROM a.t",
              "0");
    //  Pages that end with a session, where several began at a time, and one that is larger.
    sql_expect (postgres,
              "SELECT bool_and (w.forth = truth ('', '{}', 'createdAt', true) AND w.back = w.forth)"
              " FROM unnest ('{1,2,4,80,199,400,401}'::int[]) n,"
              " walks ('', '{}', 'createdAt', true, n) w",
              "t");
    //  A visitor's list is of its own sessions, whatever it asks for.
    sql_expect (postgres,
              "SELECT array_to_string (forth, ' ') = array_to_string (truth ('v3', '{}',"
              " 'createdAt', true), ' ') AND cardinality (forth) = 20"
              " FROM walks ('v3', '{}', 'createdAt', true, 7)",
              "t");
    sql_expect (postgres,
              "SELECT cardinality (forth) FROM walks ('v3', '{\"visitor\":\"v4\"}', 'createdAt',"
              " true, 7)",
              "0");
    postgres_destroy (&postgres);
}

//  By when they began: whoever is there all the time is met once, whatever comes, goes, and
//  becomes active meanwhile. By activity, oldest first: nobody is left out.
Test (session_lists, pages_of_a_list_that_changes)
{
    postgres_t *postgres = s_database ();
    sql_exec (
        postgres,
        "CREATE FUNCTION changes () RETURNS void LANGUAGE sql AS $$"
        " UPDATE session SET active_at = clock_timestamp (), closed_at = NULL WHERE session IN ("
        "  SELECT session FROM session WHERE app = 'a' ORDER BY random () LIMIT 20);"
        " DELETE FROM session WHERE session IN (SELECT session FROM session WHERE app = 'a' AND"
        "  visitor IN ('v1', 'v2') ORDER BY random () LIMIT 3);"
        " INSERT INTO session (session, app, visitor, day, created_at) SELECT 'a/new' || random (),"
        "  'a', 'new', now ()::date, now () - random () * interval '7 h'"
        " FROM generate_series (1, 5) $$;"
        "CREATE FUNCTION walk (sort text, falls boolean) RETURNS text[] LANGUAGE plpgsql AS $$"
        " DECLARE r record; at text; t text[] := '{}'; BEGIN LOOP"
        "  SELECT * INTO r FROM page ('', '{}', sort, falls, false, at, 23); t := t || ids"
        "  (r.items); PERFORM changes (); EXIT WHEN r.more = 'f'; at := r.last; END LOOP;"
        " RETURN t; END $$;"
        "SELECT setseed (0.5)");
    sql_exec (postgres,
            "CREATE TABLE met AS SELECT sort || falls AS walk, walk (sort, falls) AS t FROM (VALUES"
            " ('createdAt', true), ('createdAt', false), ('lastActivity', false)) w (sort, falls)");
    sql_expect (postgres,
              "SELECT string_agg (walk || ' ' || lost || ' ' || twice, ', ' ORDER BY walk) FROM ("
              " SELECT m.walk, (SELECT count (*) FROM session s WHERE s.app = 'a' AND s.visitor"
              "  <> 'new' AND substr (s.session, 3) <> ALL (m.t)) AS lost,"
              " m.walk LIKE 'created%' AND (SELECT count (DISTINCT e) < count (*) FROM"
              "  unnest (m.t) e) AS twice FROM met m) x",
              "createdAtfalse 0 false, createdAttrue 0 false, lastActivityfalse 0 false");
    postgres_destroy (&postgres);
}

Test (session_lists, a_row_says_what_the_session_says)
{
    postgres_t *postgres = s_database ();
    sql_exec (postgres,
            "UPDATE session SET control_user = 'carl', control_role = 2, control_seq = 2,"
            " control_at = '2026-08-24 02:02:03.004+00', created_at ="
            " '2026-08-24 01:02:03.004+00', closed_at = '2026-08-25 01:02:03.004+00'"
            " WHERE session = 'a/1';"
            "UPDATE log SET stored_at = '2026-08-24 02:02:03.004+00' WHERE session = 'a/1';"
            "INSERT INTO log (seq, time_ms, writer, day, event, role, hidden, session, message_id,"
            " user_id, sender, stored_at) SELECT 3, 1, 1, day, 8, 5, false, session, 'c', '',"
            " '{}', '2026-08-25 01:02:03.004+00' FROM session WHERE session = 'a/1'");
    sql_expect (postgres,
              "SELECT i::jsonb - 'appId' FROM json_array_elements ((SELECT items FROM"
              " page ('', '{\"agent\":\"carl\"}', '', true, false, NULL, 5))::json) i",
              "{\"offer\": null, \"state\": \"closed\", \"lastAt\": "
              "\"2026-08-25T01:02:03.004Z\", "
              "\"control\": {\"role\": \"agent\", \"since\": \"2026-08-24T02:02:03.004Z\", "
              "\"userId\": \"carl\", \"version\": 2}, "
              "\"lastSeq\": 3, "
              "\"visitor\": \"v1\", \"waiting\": true, \"closedAt\": "
              "\"2026-08-25T01:02:03.004Z\", \"createdAt\": "
              "\"2026-08-24T01:02:03.004Z\", \"sessionId\": \"1\", \"lastActivity\": "
              "\"2026-08-24T02:02:03.004Z\", \"participants\": [{\"role\": \"visitor\", "
              "\"userId\": \"v1\", \"present\": true}], \"presentCount\": 1}");
    //  Answered, and so not waiting; of schema 3; with more who are present than a row has.
    sql_exec (postgres,
            "INSERT INTO log (seq, time_ms, writer, day, event, role, hidden, session, message_id,"
            " user_id, sender, data) SELECT 4, 1787533323004, 1, day, 3, 3, false, session, 'd',"
            " '', '{}', '{}' FROM session WHERE session = 'a/1';"
            "UPDATE log SET stored_at = NULL WHERE session = 'a/1' AND seq = 4;"
            "INSERT INTO participant (session, role, user_id, sender, present)"
            " SELECT 'a/1', 2, 'x' || n, '{}', true FROM generate_series (1, 60) n");
    sql_expect (postgres,
              "SELECT concat_ws (' ', i ->> 'waiting', i ->> 'lastAt', i ->> 'presentCount',"
              " json_array_length (i -> 'participants')) FROM json_array_elements ((SELECT items"
              " FROM page ('', '{\"agent\":\"carl\"}', '', true, false, NULL, 5))::json) i",
              "false 2026-08-24T01:02:03.004Z 61 50");
    postgres_destroy (&postgres);
}

Test (session_lists, participants)
{
    postgres_t *postgres = s_database ();
    sql_exec (
        postgres,
        "CREATE FUNCTION walk (who text, session text, p_user text, p_role text, present text,"
        " backward boolean) RETURNS int[] LANGUAGE plpgsql AS $$ DECLARE r record; at json := '[]';"
        " t text[] := '{}'; BEGIN LOOP SELECT * INTO r FROM list_participants_@V@ ('a', who,"
        " session, p_user, p_role, present, backward, coalesce (at ->> 0, ''), coalesce (at ->> 1,"
        " ''), coalesce (at ->> 2, ''), 33); t := t || ARRAY (SELECT concat_ws ('/', i ->>"
        " 'sessionId', i ->> 'role', i ->> 'userId') FROM json_array_elements (r.items::json) i);"
        " EXIT WHEN r.more = 'f'; at := CASE WHEN backward THEN r.first ELSE r.last END; END LOOP;"
        " RETURN ARRAY[cardinality (t), (SELECT count (DISTINCT e) FROM unnest (t) e)]; END $$");
    sql_expect (postgres, "SELECT walk ('', '', '', '', '', false)", "{800,800}");
    sql_expect (postgres, "SELECT walk ('', '', '', '', 'true', false)", "{400,400}");
    sql_expect (postgres, "SELECT walk ('', '', '', 'agent', 'false', false)", "{400,400}");
    sql_expect (postgres, "SELECT walk ('', '', 'v4', '', '', false)", "{20,20}");
    sql_expect (postgres, "SELECT walk ('', 'a/4', '', '', '', false)", "{2,2}");
    sql_expect (postgres, "SELECT walk ('v4', '', '', '', '', false)", "{40,40}");
    sql_expect (postgres, "SELECT walk ('v4', 'a/5', '', '', '', false)", "{0,0}");
    sql_expect (postgres, "SELECT walk ('', '', '', '', '', true)", "{800,800}");
    postgres_destroy (&postgres);
}
