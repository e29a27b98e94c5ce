//  What can be found, by whom, and that all of it gets there, against a real PostgreSQL.

#include "store_box.h"
#include "store/migrations.h"
#include "store/search_fill.h"
#include "store/store_metrics.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

//  opens (session, visitor, days ago) and says (session, text …).
static void
s_let_them_say (postgres_t *postgres)
{
    sql_exec (postgres,
            "CREATE FUNCTION opens (p text, who text, days int) RETURNS void LANGUAGE sql AS $$"
            " INSERT INTO session (session, app, visitor, day, created_at, active_at)"
            "  SELECT p, split_part (p, '/', 1), who, (t AT TIME ZONE 'UTC')::date, t, t"
            "  FROM (SELECT now () - days * interval '1 day' AS t) t;"
            " INSERT INTO participant (session, role, user_id, sender, present) VALUES"
            "  (p, 1, who, json_build_object ('displayName', initcap (who)), true);"
            " INSERT INTO log (seq, time_ms, writer, day, event, role, hidden, session,"
            "  message_id, user_id, sender) SELECT 1, 1, 1, s.day, 1, 1, false, p, 'm1', who, '{}'"
            "  FROM session s WHERE s.session = p; $$;"
            "CREATE FUNCTION writes (p text, p_role int, p_hidden boolean, p_data text) RETURNS"
            " void LANGUAGE sql AS $$"
            " INSERT INTO log (seq, time_ms, writer, day, event, role, hidden, session,"
            "  message_id, user_id, sender, data)"
            "  SELECT n.seq, 1, 1, s.day, 3, p_role, p_hidden, p, 'm' || n.seq, s.visitor, '{}',"
            "  p_data FROM session s, (SELECT max (l.seq) + 1 AS seq FROM log l"
            "  WHERE l.session = p) n WHERE s.session = p;"
            " UPDATE session SET active_at = now () WHERE session = p $$;"
            "CREATE FUNCTION says (p text, words text) RETURNS void LANGUAGE sql AS $$"
            " SELECT writes (p, 1, false, json_build_object ('rawQuery', words)::text) $$;");
}

//  With found (visitor or '', words): session and seq of each hit in its order, by pages of two.
static postgres_t *
s_database (void)
{
    postgres_t *postgres = postgres_new (NULL);
    box_end (box_new (postgres, 11));
    sql_expect (postgres,
              "SELECT count (make_day_@V@ ((now () AT TIME ZONE 'UTC')::date - n))"
              " FROM generate_series (0, 9) n",
              "10");
    s_let_them_say (postgres);
    sql_exec (
        postgres,
        "CREATE FUNCTION found (who text, q text, hidden boolean DEFAULT true, kind text DEFAULT"
        " '', whispers boolean DEFAULT false) RETURNS text LANGUAGE plpgsql AS $$"
        " DECLARE r record; at bigint; t text := '';"
        " BEGIN LOOP SELECT * INTO r FROM search_@V@ ('a', who, '', hidden, q, kind, false, at, 2,"
        "  whispers);"
        " t := t || coalesce ((SELECT string_agg ((i ->> 'sessionId') || (i ->> 'seq'), ' ')"
        "  FROM json_array_elements (r.items::json) i) || ' ', '');"
        " EXIT WHEN r.more = 'f'; at := r.last::json ->> 0; END LOOP; RETURN btrim (t); END $$;"
        "CREATE FUNCTION fills () RETURNS text LANGUAGE plpgsql AS $$ DECLARE r record;"
        " n bigint := 0; BEGIN LOOP SELECT * INTO r FROM fill_search_@V@ (1000, true);"
        " n := n + r.entries; EXIT WHEN NOT r.more AND NOT r.backlog; END LOOP; RETURN n; END $$;");
    return postgres;
}

// ---------------------------------------------------------------------------------------------

Test (search, letters_count_the_same_in_all_their_forms)
{
    static const struct {
        const char *text, *query;
        bool is_found;
    } rows[] = {
        { "Où est l’été à Zürich?", "ou ETE zurich", true },
        { "Où est l’été", "Été, OÙ", true },
        { "straße", "STRASSE", true },
        { "STRASSE", "straße", true },
        { "Łódź, Ørsted, Đorđe, Œuvre", "lodz orsted dorde oeuvre", true },
        { "ПРИВЕТ, ёлка", "привет елка", true },
        { "ΚΑΛΗΜΕΡΑ Κόσμος", "καλημερα κοσμοσ", true },
        { "İstanbul ISPARTA", "istanbul isparta", true },
        { "日本語", "日本", true },
        { "naïve co\xc3\xb6perate", "naive cooperate", true },
        { "cafe\xcc\x81", "café", true },
        //  By the beginning of a word, but for very short ones; all words; any order.
        { "opening hours", "hour open", true },
        { "opening hours", "ours", false },
        { "opening hours", "opening prices", false },
        { "an old hat", "ol", false },
        { "an old hat", "an", true },
        //  Whatever is no letter and no digit separates words.
        { "write to ann.lee@shop.example, order #4711/b", "ann.lee@shop.example 4711 b", true },
        { "100%_sure 'quoted' \\ back", "sure' & !back | quoted:*", true },
        { "12'000.50", "12 000 50", true },
    };
    postgres_t *postgres = s_database ();
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        char sql[600];
        snprintf (sql, sizeof sql,
                  "SELECT search_words ('a/s', $q$%s$q$) @@ search_query ('a', $q$%s$q$)",
                  rows[at].text, rows[at].query);
        char *found = postgres_query (postgres, sql);
        cr_expect_str_eq (found, rows[at].is_found ? "t" : "f", "%s ? %s", rows[at].text,
                          rows[at].query);
        free (found);
    }
    //  No word at all finds nothing; a word of another app's is another one.
    sql_expect (postgres, "SELECT search_query ('a', ' -- ''') IS NULL", "t");
    sql_expect (postgres, "SELECT search_words ('b/s', 'word') @@ search_query ('a', 'word')", "f");
    //  What is too long for an index is cut, and found by its beginning.
    sql_expect (postgres,
              "SELECT search_words ('a/s', repeat ('x', 20000)) @@ search_query ('a', 'xxxxx')",
              "t");
    postgres_destroy (&postgres);
}

Test (search, finds_messages_and_visitors_newest_first)
{
    postgres_t *postgres = s_database ();
    sql_exec (postgres, "SELECT opens ('a/s1-', 'ann', 0), opens ('a/s2-', 'bob', 0),"
                      " opens ('b/s3-', 'ann', 0);"
                      "SELECT says ('a/s1-', 'Where is my order?'), says ('b/s3-', 'order')");
    sql_exec (postgres, "SELECT writes ('a/s1-', 3, false, '{\"outputSpeech\":{\"displayText\":"
                      "\"Your order is on its way\"}}'), writes ('a/s2-', 2, false,"
                      " '{\"outputSpeech\":{\"html\":\"<b>Orders</b> of Bob\"}}')");
    sql_expect (postgres, "SELECT fills ()", "7");
    sql_expect (postgres, "SELECT found ('', 'order')", "s2-2 s1-3 s1-2");
    sql_expect (postgres, "SELECT found ('', 'b order')", "");
    //  A visitor by name, by id of user or session; the words of others are no name.
    sql_expect (postgres, "SELECT found ('', 'ANN')", "s1-1");
    sql_expect (postgres, "SELECT found ('', 's2', true, 'visitor')", "s2-1");
    sql_expect (postgres, "SELECT found ('', 'bob', true, 'message')", "s2-2");
    sql_expect (postgres, "SELECT found ('', 'bob')", "s2-2 s2-1");
    //  A visitor finds in its own sessions only.
    sql_expect (postgres, "SELECT found ('ann', 'order')", "s1-3 s1-2");
    sql_expect (postgres, "SELECT found ('ann', 'bob')", "");
    sql_expect (postgres, "SELECT found ('eve', 'order')", "");
    //  What people are not shown is found by those who are told of it.
    sql_exec (postgres, "SELECT writes ('a/s1-', 1, true, '{\"rawQuery\":\"order hidden\"}')");
    sql_expect (postgres, "SELECT fills ()", "1");
    sql_expect (postgres, "SELECT found ('ann', 'hidden', false)", "");
    sql_expect (postgres, "SELECT found ('', 'hidden', true)", "s1-4");
    //  Another name of the visitor's is one more hit; the same one is not.
    sql_exec (postgres, "UPDATE participant SET sender = '{\"displayName\":\"Anna\"}', info ="
                      " '{\"page\":\"https://shop.example/cart\"}' WHERE session = 'a/s1-';"
                      "SELECT says ('a/s1-', 'more')");
    sql_expect (postgres, "SELECT fills ()", "1");
    sql_exec (postgres, "SELECT says ('a/s1-', 'and more')");
    sql_expect (postgres, "SELECT fills ()", "1");
    sql_expect (postgres, "SELECT found ('', 'anna')", "s1-5");
    sql_expect (postgres, "SELECT found ('', 'cart shop')", "s1-5");
    postgres_destroy (&postgres);
}

//  Data that PostgreSQL cannot read as JSON, and texts of any length, stop nothing.
Test (search, odd_data_are_passed_over)
{
    postgres_t *postgres = s_database ();
    sql_exec (postgres,
            "SELECT opens ('a/s', 'ann', 0);"
            "SELECT writes ('a/s', 1, false, d) FROM unnest (ARRAY['{', '[1]', 'null',"
            " '{\"rawQuery\":\"\\u0000\"}', '{\"rawQuery\":{}}', '{\"rawQuery\":\"\"}',"
            " '{\"outputSpeech\":1e999999}', '{\"outputSpeech\":\"plain needle\"}',"
            " '{\"rawQuery\":\"' || repeat ('a word, ', 30000) || 'end\"}',"
            " repeat ('[', 100000)]) d;"
            "SELECT says ('a/s', 'last needle')");
    sql_expect (postgres, "SELECT fills ()", "12");
    sql_expect (postgres, "SELECT found ('', 'needle')", "s12 s9");
    sql_expect (postgres,
              "SELECT max (length (i ->> 'text')) < 300 FROM json_array_elements ((SELECT items"
              " FROM search_@V@ ('a', '', '', true, 'word', '', false, NULL, 10))::json) i",
              "t");
    postgres_destroy (&postgres);
}

//  Sessions of any age, entries that are committed late, a task that stood still, and what was
//  there before there was a search: all of it is found, once.
Test (search, everything_gets_there_once)
{
    postgres_t *postgres = s_database ();
    sql_exec (postgres,
            //  As after an upgrade: what there is was there before.
            "SELECT opens ('a/b' || n || '-', 'ann', n) FROM generate_series (1, 9) n;"
            "SELECT says ('a/b' || n || '-', 'word') FROM generate_series (1, 9) n;"
            "UPDATE session SET active_at = created_at;"
            "UPDATE search_state SET back_day = (SELECT max (day) FROM session)");
    sql_expect (postgres, "SELECT fills ()", "18");
    sql_expect (postgres, "SELECT found ('', 'word')",
              "b1-2 b2-2 b3-2 b4-2 b5-2 b6-2 b7-2 b8-2 b9-2");
    //  One of before goes on.
    sql_exec (postgres, "SELECT says ('a/b9-', 'word')");
    sql_expect (postgres, "SELECT fills ()", "1");
    //  Another one was committed late: its row said that it was active five minutes ago.
    sql_exec (postgres, "SELECT says ('a/b8-', 'word'); UPDATE session SET active_at = now () -"
                      " interval '5 min' WHERE session = 'a/b8-'; UPDATE log SET stored_at = now ()"
                      " - interval '1 hour' WHERE session = 'a/b8-' AND seq = 3");
    sql_expect (postgres, "SELECT fills ()", "1");
    sql_expect (postgres, "SELECT fills ()", "0");
    //  The task stood still for two days, and does not get done in one piece.
    sql_exec (postgres, "UPDATE search_state SET done_at = now () - interval '2 days';"
                      "SELECT opens ('a/c' || n || '-', 'bob', 1) FROM generate_series (1, 30) n;"
                      "SELECT says ('a/c' || n || '-', 'later ' || k) FROM generate_series (1, 30)"
                      " n, generate_series (1, 100) k;"
                      "UPDATE session SET active_at = created_at WHERE visitor = 'bob'");
    sql_expect (postgres, "SELECT entries || ' ' || more FROM fill_search_@V@ (1000, true)",
              "1000 true");
    sql_expect (postgres, "SELECT fills ()", "2030");
    sql_expect (postgres, "SELECT count (*) || ' ' || count (DISTINCT (session, seq, kind)) FROM"
                          " search_entry WHERE kind = 1", "3011 3011");
    sql_expect (postgres, "SELECT count (*) FROM search_session x JOIN"
                          " (SELECT session, max (seq) AS seq FROM log GROUP BY 1) l"
                          " USING (session, seq)", "39");
    sql_expect (postgres, "SELECT fills ()", "0");
    //  Words are computed again for each row that ANALYZE looks at: of a partition few are.
    sql_expect (postgres,
                "SELECT bool_and (a.attstattarget = 10) AND count (DISTINCT a.attrelid) > 1"
                " FROM pg_attribute a LEFT JOIN pg_index i ON i.indexrelid = a.attrelid"
                " WHERE a.attnum > 0 AND (i.indexprs IS NOT NULL OR i.indexrelid IS NULL)"
                "  AND (i.indrelid = 'search_entry_4000000'::regclass"
                "       OR a.attrelid = 'search_entry_4000000'::regclass)",
                "t");
    postgres_destroy (&postgres);
}

//  The union of the pages is what is found, in both directions, over several partitions, whatever
//  comes meanwhile.
Test (search, pages_are_the_whole)
{
    postgres_t *postgres = s_database ();
    sql_exec (postgres,
            "SELECT opens ('a/s' || n || '-', 'ann', 0) FROM generate_series (1, 40) n;"
            "SELECT says ('a/s' || n || '-', 'word') FROM generate_series (1, 40) n;"
            "SELECT fills ();"
            //  As if there had been much between them.
            "UPDATE search_state SET upper = upper + 600000;"
            "SELECT says ('a/s' || n || '-', 'word again') FROM generate_series (1, 40) n;"
            "SELECT fills ()");
    sql_expect (postgres, "SELECT count (DISTINCT tableoid) FROM search_entry", "2");
    sql_exec (
        postgres,
        "CREATE FUNCTION walk (rises boolean, p_from bigint, n bigint) RETURNS text LANGUAGE"
        " plpgsql AS $$ DECLARE r record; at bigint := p_from; t text[] := '{}'; k int := 0;"
        " BEGIN LOOP SELECT * INTO r FROM search_@V@ ('a', '', '', true, 'word', '', rises, at, n);"
        " IF rises THEN t := ARRAY (SELECT (i ->> 'sessionId') || (i ->> 'seq') FROM"
        " json_array_elements (r.items::json) i) || t; ELSE t := t || ARRAY (SELECT"
        " (i ->> 'sessionId') || (i ->> 'seq') FROM json_array_elements (r.items::json) i); END IF;"
        " k := k + 1; IF NOT rises AND k < 6 THEN PERFORM says ('a/s1-', 'word'), fills (); END IF;"
        " EXIT WHEN r.more = 'f'; at := CASE WHEN rises THEN r.first ELSE r.last END::json ->> 0;"
        " END LOOP; RETURN md5 (array_to_string (t, ' ')) || ' ' || cardinality (t); END $$");
    char *rising = postgres_query (postgres, "SELECT walk (true, 0, 7)");
    cr_assert_str_eq (strchr (rising, ' '), " 80");
    //  What comes while it is walked is newer than where it began.
    sql_expect (postgres, "SELECT walk (false, NULL, 7)", rising);
    free (rising);
    rising = postgres_query (postgres, "SELECT walk (true, 0, 3)");
    cr_assert_str_eq (strchr (rising, ' '), " 85");
    sql_expect (postgres, "SELECT walk (false, NULL, 200)", rising);
    free (rising);
    postgres_destroy (&postgres);
}

//  What agents whisper is found by those who may, and by nobody else, whatever else they may see:
//  not by a program of schema 6, which knows nothing of it, for a visitor. It goes with its
//  session.
Test (search, whispers_are_found_by_those_who_may)
{
    postgres_t *postgres = s_database ();
    sql_exec (postgres,
              "CREATE FUNCTION whispers (p text, p_hidden boolean, p_data text) RETURNS void"
              " LANGUAGE sql AS $$ SELECT writes (p, 2, p_hidden, p_data);"
              " UPDATE log SET event = 11 WHERE session = p AND seq = (SELECT max (seq) FROM log l"
              "  WHERE l.session = p) $$;"
              "SELECT opens ('a/s1-', 'ann', 0), opens ('a/s2-', 'bob', 0);"
              "SELECT says ('a/s1-', 'an order');"
              "SELECT whispers ('a/s1-', false, '{\"rawQuery\":\"order of a thief\"}'),"
              " whispers ('a/s2-', true, '{\"rawQuery\":\"order\"}'),"
              " whispers ('a/s2-', false, 'order: no JSON')");
    sql_exec (postgres, "SELECT fills ()");
    static const char *const kinds[] = { "", "message", "visitor", "whisper" };
    for (size_t at = 0; at < 4; at++) {
        char sql[200];
        snprintf (sql, sizeof sql, "SELECT found ('ann', 'thief', false, '%s') || found ('',"
                                   " 'thief', true, '%s')", kinds[at], kinds[at]);
        sql_expect (postgres, sql, "");
    }
    sql_expect (postgres, "SELECT found ('', 'order')", "s1-2");
    sql_expect (postgres, "SELECT found ('', 'order', true, '', true)", "s2-2 s1-3 s1-2");
    sql_expect (postgres, "SELECT found ('', 'order', false, 'whisper', true)", "s2-2 s1-3");
    sql_expect (postgres, "SELECT found ('', 'order', true, 'message', true)", "s1-2");
    sql_expect (postgres, "SELECT items::json -> 0 ->> 'kind' FROM search_@V@ ('a', '', '', true,"
                          " 'thief', '', false, NULL, 2, true)", "whisper");
    sql_expect (postgres, "SELECT count (*) FROM search_entry WHERE kind = 3 AND NOT hidden", "0");
    sql_expect (postgres, "SELECT forget_sessions_@V@ ('{a/s1-}') IS NOT NULL", "t");
    sql_expect (postgres, "SELECT found ('', 'order', true, '', true)", "s2-2");
    postgres_destroy (&postgres);
}

Test (search, what_is_dropped_is_not_found)
{
    postgres_t *postgres = s_database ();
    sql_exec (postgres, "SELECT opens ('a/s' || n || '-', 'ann', 5) FROM generate_series (1, 4) n;"
                      "SELECT says ('a/s' || n || '-', 'word') FROM generate_series (1, 4) n;"
                      "SELECT fills ()");
    sql_expect (postgres, "SELECT forget_sessions_@V@ ('{a/s2-,a/s3-}') IS NOT NULL", "t");
    sql_expect (postgres, "SELECT found ('', 'word')", "s4-2 s1-2");
    sql_expect (postgres, "SELECT string_agg (session, ' ' ORDER BY session) FROM search_session",
              "a/s1- a/s4-");
    //  A partition of which nothing is left goes, when it is not the last one.
    sql_expect (postgres, "SELECT forget_sessions_@V@ ('{a/s1-,a/s4-}') IS NOT NULL", "t");
    sql_expect (postgres, "SELECT count (*) FROM drop_search_@V@ ()", "0");
    sql_exec (postgres, "UPDATE search_state SET upper = upper + 250000;"
                      "SELECT opens ('a/t', 'ann', 0), fills ()");
    sql_expect (postgres, "SELECT count (*) FROM drop_search_@V@ ()", "1");
    sql_expect (postgres, "SELECT count (*) FROM drop_search_@V@ ()", "0");
    sql_expect (postgres, "SELECT found ('', 'ann')", "t1");
    postgres_destroy (&postgres);
}

//  One of them fills the search; when it ends, the other one goes on.
Test (search, one_postoffice_at_a_time)
{
    postgres_t *postgres = s_database ();
    box_t *one = box_new (postgres, 21);
    sql_exec (postgres, "SELECT opens ('a/s', 'ann', 0), says ('a/s', 'word')");
    UNTIL (one, store_metrics[STORE_SEARCH_ENTRIES] >= 2);
    box_t *two = box_new (postgres, 22);
    sql_expect (postgres, "SELECT count (*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 5"
                        " AND granted", "1");
    box_end (one);
    sql_exec (postgres, "SELECT says ('a/s', 'again')");
    UNTIL (two, store_metrics[STORE_SEARCH_ENTRIES] >= 3);
    sql_expect (postgres, "SELECT found ('', 'again')", "s3");
    cr_expect_eq (store_metrics[STORE_SEARCH_ENTRIES], 3);
    cr_expect_leq (store_metrics[STORE_SEARCH_BEHIND], 30);
    box_end (two);
    postgres_destroy (&postgres);
}

//  A database as a program of schema 6 left it.
static postgres_t *
s_schema_6 (void)
{
    postgres_t *postgres = postgres_new (NULL);
    sql_exec (postgres, "CREATE TABLE migration (number int PRIMARY KEY, name text NOT NULL,"
                        " applied_at timestamptz NOT NULL DEFAULT now (),"
                        " readable_from int NOT NULL DEFAULT 0)");
    for (size_t at = 0; at < 6; at++) {
        char row[100];
        snprintf (row, sizeof row, "INSERT INTO migration VALUES (%zu, '%s', now (), %d)", at + 1,
                  migrations_table[at].name, migrations_table[at].readable_from);
        bool is_empty = at == 1 || at == 2; //  comments only
        cr_assert (is_empty || postgres_exec (postgres, migrations_table[at].sql));
        cr_assert (postgres_exec (postgres, row));
    }
    static char functions[40000];
    FILE *file = fopen (SCHEMA_6, "r");
    cr_assert (file && fread (functions, 1, sizeof functions - 1, file) > 0 && feof (file));
    fclose (file);
    cr_assert (postgres_exec (postgres, functions));
    cr_assert (
        postgres_exec (postgres, "SELECT make_day_6 ((now () AT TIME ZONE 'UTC')::date)"));
    s_let_them_say (postgres);
    return postgres;
}

#define ENTRIES_OF(number) "SELECT entries FROM fill_search_" number " (1000, true)"
#define FOUND_BY(number) \
    "SELECT (SELECT string_agg ((i ->> 'sessionId') || (i ->> 'seq'), ' ') FROM" \
    " json_array_elements (items::json) i) FROM search_" number \
    " ('a', '', '', true, 'word', '', false, NULL, 20)"

//  Programs of schema 6 and ours fill the search in turns, on the migrated database, and each finds
//  what the other one brought in. Every text has the words that it had.
Test (search, is_filled_beside_a_program_of_schema_6)
{
    postgres_t *postgres = s_schema_6 ();
    sql_exec (postgres,
              "SELECT opens ('a/s', 'ann', 0), opens ('a/t', 'bob', 0);"
              "SELECT says ('a/s', t) FROM unnest (ARRAY['A word, and -- another', ' -- ',"
              " 'Où est l’été à Zürich? straße', 'ПРИВЕТ: ёлка … ΚΑΛΗΜΕΡΑ', '日本語、word',"
              " 'İstanbul «100%_sure» it''s a soft­hyphen', '12''000.50 ann@shop.example',"
              " repeat ('x', 3000) || ' end', 'a' || U&'\\00a0' || 'b' || U&'\\200b' || 'c']) t");
    sql_expect (postgres, ENTRIES_OF ("6"), "11");
    sql_exec (postgres, "CREATE TABLE before AS SELECT number, search_words (session, text) AS w"
                        " FROM search_entry WHERE search_fold (text) <> ''");
    sql_expect (postgres, "SELECT count (*) FROM before", "10");
    box_end (box_new (postgres, 11));
    sql_expect (postgres, "SELECT count (*) FROM before b JOIN search_entry e USING (number)"
                          " WHERE search_words (e.session, e.text) <> b.w", "0");

    sql_exec (postgres, "SELECT says ('a/s', 'word')");
    sql_expect (postgres, ENTRIES_OF ("6"), "1");
    sql_exec (postgres, "SELECT says ('a/t', 'word')");
    sql_expect (postgres, ENTRIES_OF ("@V@"), "1");
    sql_expect (postgres, ENTRIES_OF ("6"), "0");
    sql_exec (postgres, "SELECT says ('a/s', 'word')");
    sql_expect (postgres, ENTRIES_OF ("@V@"), "1");
    sql_expect (postgres, ENTRIES_OF ("@V@"), "0");
    sql_expect (postgres, FOUND_BY ("6"), "s12 t2 s11 s6 s2");
    sql_expect (postgres, FOUND_BY ("@V@"), "s12 t2 s11 s6 s2");
    //  Who they are is there once, whoever looked; and once more with another name.
    sql_expect (postgres, "SELECT count (*) FROM search_entry WHERE kind = 2", "2");
    sql_exec (postgres, "UPDATE participant SET sender = '{\"displayName\":\"Anna\"}' WHERE"
                        " session = 'a/s'; SELECT says ('a/s', 'more')");
    sql_expect (postgres, ENTRIES_OF ("@V@"), "1");
    sql_exec (postgres, "SELECT says ('a/s', 'more')");
    sql_expect (postgres, ENTRIES_OF ("6"), "1");
    sql_expect (postgres, "SELECT count (*) FROM search_entry WHERE kind = 2", "3");
    postgres_destroy (&postgres);
}

//  Pieces take their share of the time, and no more, however long they are.
Test (search, pieces_take_their_share)
{
    static const struct {
        uint64_t took_ms, share, pause_ms;
    } rows[] = {
        { 100, 10, 900 }, { 5000, 10, 45000 }, { 100, 50, 100 }, { 300, 1, 29700 },
        { 400, 90, 50 }, { 3, 10, 50 }, { 0, 100, 50 }, { 5000, 100, 50 },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++)
        cr_expect_eq (search_fill_pause_ms (rows[at].took_ms, rows[at].share), rows[at].pause_ms,
                      "%zu", at);
}

//  Nobody catches up with what is said many times faster than the share carries: most of the share
//  is left to the messages until less is said.
Test (search, pieces_leave_a_flood_to_the_messages)
{
    static const struct {
        uint64_t share, said, carried, now;
    } rows[] = {
        { 10, 0, 0, 10 }, { 10, 0, 2500, 10 }, { 10, 5000, 2500, 10 }, { 10, 5001, 2500, 2 },
        { 100, 90000, 2500, 20 }, { 3, 90000, 2500, 1 }, { 1, 90000, 2500, 1 },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++)
        cr_expect_eq (search_fill_share (rows[at].share, rows[at].said, rows[at].carried),
                      rows[at].now, "%zu", at);
}
