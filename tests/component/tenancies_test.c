//  The SQL of a platform's tenancy: what comes back to a lane behind its end, what a report of a
//  cancelled item leaves behind, and what thousands of looks at the far side do not.

#include "store_box.h"

#include <criterion/criterion.h>
#include <stdlib.h>

//  Items of one session, in the order of the list, ready at once.
#define MADE(values)                                                                               \
    "INSERT INTO work_item (item, kind, app, session, topic, lane, body, attempts) SELECT i, 2,"   \
    " 'demo', 'demo/s', t, l, '{}', a FROM (VALUES " values ") AS v (i, t, l, a)"
#define TAKE                                                                                       \
    "SELECT coalesce (string_agg (item || ' ' || attempts || ' ' || lane_memory, ', '), 'none')"   \
    " FROM take_work_@V@ (7, '{platform.x,sms.out}', '{10,10}', '{}', '{}', '{}')"
#define STATES "SELECT string_agg (item || ' ' || state, ', ' ORDER BY number) FROM work_item"

//  One report: of this item in this attempt; state, what is remembered of the lane.
#define REPORT(item, attempt, state, memory)                                                       \
    "SELECT coalesce (string_agg (f, ' '), 'none') FROM finish_work_@V@ ('{" item "}',"            \
    " '{platform.x}', '{" attempt "}', '{" state "}', '{0}', '{200}', '{5}', '{}'::text[] ||"      \
    " 'why'::text, '{0}', '{}'::text[] || ''::text, '{}'::text[] || '" memory "'::text,"           \
    " '{0}', '{0}', '{f}') AS f"

//  It is to be tried again in a minute.
#define LATER(item, attempt)                                                                       \
    "SELECT coalesce (string_agg (f, ' '), 'none') FROM finish_work_@V@ ('{" item "}',"            \
    " '{platform.x}', '{" attempt "}', '{0}', '{60000}', '{200}', '{5}', '{}'::text[] ||"          \
    " ''::text, '{0}', '{}'::text[] || ''::text, '{}'::text[] || ''::text, '{0}', '{0}', '{f}')"   \
    " AS f"

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

TestSuite (tenancies, .init = s_begin, .fini = s_end, .timeout = 120);

//  It was in hand when the platform lost the visitor, and is to be tried again: it is not.
Test (tenancies, what_comes_back_behind_the_end_is_not_taken)
{
    sql_exec (s_postgres, MADE ("('a', 'platform.x', 'l', 3), (':over:1', 'platform.x', 'l', 0),"
                                " (':offer:2', 'platform.x', 'l', 0)"));
    sql_expect (s_postgres, TAKE, "none");
    sql_expect (s_postgres, STATES, "a 4, :over:1 0, :offer:2 0");
    sql_expect (s_postgres, TAKE, ":over:1 1 ");
    sql_expect (s_postgres, TAKE, "none");
    sql_expect (s_postgres, REPORT (":over:1", "1", "2", ""), ":over:1");
    sql_expect (s_postgres, TAKE, ":offer:2 1 ");
}

//  What is of the next tenancy stands behind the end of the one before; lanes of others have none.
Test (tenancies, what_is_behind_an_end_is_taken)
{
    sql_exec (s_postgres, MADE ("(':over:1', 'platform.x', 'l', 0), ('b', 'platform.x', 'l', 0),"
                                " ('c', 'sms.out', 'm', 2), (':over:9', 'sms.out', 'm', 0)"));
    sql_expect (s_postgres, TAKE, ":over:1 1 , c 3 ");
    sql_expect (s_postgres, REPORT (":over:1", "1", "2", ""), ":over:1");
    sql_expect (s_postgres, TAKE, "b 1 ");
}

//  The far side's conversation was begun when nobody wanted it any more: what ends it must know
//  which one it is. A report of another attempt says nothing.
Test (tenancies, a_cancelled_item_leaves_what_is_remembered_of_its_lane)
{
    sql_exec (s_postgres, MADE ("(':offer:1', 'platform.x', 'l', 2), (':over:1', 'platform.x',"
                                " 'l', 0), ('other', 'platform.x', 'k', 1)"));
    sql_exec (s_postgres, "UPDATE work_item SET state = 4 WHERE item LIKE ':offer%'");
    sql_expect (s_postgres, REPORT (":offer:1", "1", "2", "{\"old\":1}"), "none");
    sql_expect (s_postgres, "SELECT count (*) FROM lane_memory", "0");
    sql_expect (s_postgres, REPORT (":offer:1", "2", "2", "{\"conversation\":\"c-1\"}"), "none");
    sql_expect (s_postgres, "SELECT state || ' ' || (SELECT count (*) FROM work_attempt) FROM"
                            " work_item WHERE item = ':offer:1'", "4 0");
    sql_expect (s_postgres, "SELECT lane || ' ' || session || ' ' || memory FROM lane_memory",
                "l demo/s {\"conversation\":\"c-1\"}");
    sql_expect (s_postgres, "SELECT lane_memory FROM take_work_@V@ (7, '{platform.x}', '{10}',"
                            " '{}', '{}', '{}')"
                            " WHERE item = ':over:1'",
                "{\"conversation\":\"c-1\"}");
}

//  Something happens there while it looks: it looks again at once, and then as it says.
Test (tenancies, a_watch_that_is_woken_while_it_looks_looks_again)
{
    sql_exec (s_postgres, MADE ("(':watch:1', 'platform.x', 'watchl', 0), ('d', 'platform.x',"
                                " 'l', 0)"));
    sql_expect (s_postgres, TAKE, ":watch:1 1 , d 1 ");
    sql_exec (s_postgres, "UPDATE work_item SET detail = 'woken'");
    sql_expect (s_postgres, LATER (":watch:1", "1"), ":watch:1");
    sql_expect (s_postgres, LATER ("d", "1"), "d");
    sql_expect (s_postgres, TAKE, ":watch:1 2 ");
    sql_expect (s_postgres, LATER (":watch:1", "2"), ":watch:1");
    sql_expect (s_postgres, TAKE, "none");
}

//  Each look is an attempt, none of them is noted, and the last one is.
Test (tenancies, a_watch_looks_as_often_as_it_likes)
{
    sql_exec (s_postgres, MADE ("(':watch:1', 'platform.x', 'watchl', 0), ('d', 'platform.x',"
                                " 'l', 0)"));
    sql_exec (s_postgres,
              "DO $$ BEGIN FOR n IN 1 .. 2000 LOOP"
              " PERFORM take_work_@V@ (7, '{platform.x}', '{10}', '{}', '{}', '{}');"
              " PERFORM finish_work_@V@ (i.item, i.topic, i.attempts, i.states, i.zeros,"
              "  i.status, i.zeros, i.texts, i.zeros, i.texts, i.texts, i.small, i.zeros, i.flags)"
              " FROM (SELECT array_agg (item) AS item, array_agg (topic) AS topic,"
              "  array_agg (attempts::bigint) AS attempts, array_agg (0::smallint) AS states,"
              "  array_agg (0::bigint) AS zeros, array_agg (200::smallint) AS status,"
              "  array_agg (''::text) AS texts, array_agg (0::smallint) AS small,"
              "  array_agg (false) AS flags FROM work_item WHERE state = 1"
              "  AND (item LIKE ':watch%' OR attempts < 4)) AS i;"
              " END LOOP; END $$");
    sql_expect (s_postgres, "SELECT string_agg (item || ' ' || attempts || ' ' || (SELECT count (*)"
                            " FROM work_attempt a WHERE a.item = w.item), ', ' ORDER BY number)"
                            " FROM work_item w", ":watch:1 2000 0, d 4 3");
    sql_expect (s_postgres, TAKE, ":watch:1 2001 ");
    sql_expect (s_postgres, REPORT (":watch:1", "2001", "2", ""), ":watch:1");
    sql_expect (s_postgres, "SELECT number || ' ' || outcome FROM work_attempt WHERE item ="
                            " ':watch:1'", "2001 2");
}
