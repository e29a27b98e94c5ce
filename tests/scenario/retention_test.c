//  retention — old sessions (SESSIONS_KEPT) and days (tools/drop-day.sql) are dropped while
//  everybody goes on talking.

#include "chat.h"
#include "eventually.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

//  Drops the conversations that began today; the exit code of psql.
static int
s_drop_today (router_stack_t *stack)
{
    postgres_t *postgres = stack_postgres (stack);
    char *today = postgres_query (postgres, "SELECT max (day)::text FROM session");
    cr_assert_not_null (today);
    char day[32];
    snprintf (day, sizeof day, "day=%s", today);
    free (today);
    const char *arguments[]
        = { postgres_url (postgres), "-v", day, "-f", SOURCE_DIR "/tools/drop-day.sql", NULL };
    process_t *psql = process_new ("psql", "psql", arguments, NULL);
    cr_assert_not_null (psql);
    int code = process_wait_exit (psql, 30000);
    if (code != 0 && code != 3)
        process_print_log (psql);
    process_destroy (&psql);
    return code;
}

static bool
s_there_are (router_stack_t *stack, const char *rows, const char *sql)
{
    char *found = postgres_query (stack_postgres (stack), sql);
    bool are_there = found && strcmp (found, rows) == 0;
    if (!are_there)
        fprintf (stderr, "%s: %s, not %s\n", sql, found ? found : "nothing", rows);
    free (found);
    return are_there;
}

Test (retention, a_day_on_which_somebody_talks_is_kept)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    person_t *ann = rich_visitor_opens (stack, 1, "ann", "s-1");
    says (ann, "one");
    hears (ann, "bot", "You said: one");

    cr_assert_eq (s_drop_today (stack), 3);
    says (ann, "two");
    hears (ann, "bot", "You said: two");
    cr_assert (s_there_are (stack, "1", "SELECT count (*) FROM session"));

    leaves (&ann);
    stack_destroy (&stack);
}

//  Its postoffice has the session in memory, and would know how to go on; but what it acknowledged
//  then would be found by nobody.
Test (retention, what_is_dropped_under_an_open_page_begins_anew)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    person_t *ann = rich_visitor_opens (stack, 1, "ann", "s-1");
    says (ann, "one");
    is_told_stored (ann, "ann-1", false);
    hears (ann, "bot", "You said: one");
    cr_assert (postgres_exec (stack_postgres (stack),
                              "UPDATE log SET time_ms = time_ms - 2 * 86400000"));

    cr_assert_eq (s_drop_today (stack), 0);
    //  What is left of before. The page is there still, and joins anew as soon as it is told.
    //  (An append that was under way when the day went is made again on a new one.)
    EVENTUALLY (20000,
                s_there_are (stack, "0",
                             "SELECT (SELECT count (*) FROM work_item)"
                             " + (SELECT count (*) FROM log"
                             "    WHERE time_ms < extract (epoch FROM now ()) * 1000 - 86400000)"
                             " + (SELECT count (*) FROM session s WHERE NOT EXISTS ("
                             "        SELECT FROM log l WHERE l.session = s.session))"));
    says (ann, "two");
    json_object *change = sees (ann, "history changed", NULL);
    cr_assert_eq (ws_json_number (change, "seq"), 0, "the page is told that it begins anew");
    json_object *update = sees (ann, "connection update", NULL);
    cr_assert_eq (ws_json_number (update, "data.seq"), 0, "so is one of before");
    is_told_stored (ann, "ann-2", false);
    hears (ann, "bot", "You said: two");
    cr_assert (s_there_are (stack, "3", "SELECT count (*) FROM log"));

    leaves (&ann);
    ann = rich_visitor_opens (stack, 1, "ann", "s-1"); //  the page is loaded anew
    says (ann, "three");
    is_told_stored (ann, "ann-1", false);
    hears_at_last (ann, "bot", "You said: three");
    cr_assert (s_there_are (stack, "1", "SELECT count (*) FROM session"));

    leaves (&ann);
    stack_destroy (&stack);
}

//  Ann has said nothing for days, and her page is open: her session stays, and the others of its
//  age go. One of the two postoffices sees to it.
Test (retention, old_sessions_go_and_who_is_there_stays)
{
    static const char *const settings[] = { "SESSIONS_KEPT=24h", NULL };
    router_stack_t *stack
        = stack_new (&(stack_plan_t){ .postoffices = 2, .settings = settings });
    cr_assert (stack);
    bot_says (stack_bot (stack), "", "{\"outputSpeech\":{\"displayText\":\"yes\"}}");
    person_t *ann = rich_visitor_opens (stack, 1, "ann", "s-1");
    says (ann, "one");
    hears (ann, "bot", "yes");
    cr_assert (postgres_exec (
        stack_postgres (stack),
        "INSERT INTO session (session, app, visitor, day) SELECT 'demo/old-' || n, 'demo', 'bob',"
        " day FROM session, generate_series (1, 600) n;"
        "UPDATE session SET created_at = created_at - interval '3 days',"
        " active_at = active_at - interval '3 days';"
        "UPDATE log SET stored_at = stored_at - interval '3 days'"));
    EVENTUALLY (60000, stack_metric (stack, "postoffice-", "stentor_store_sessions_dropped_total")
                           == 600);
    cr_assert (s_there_are (stack, "demo/s-1", "SELECT string_agg (session, ' ') FROM session"));
    says (ann, "two");
    is_told_stored (ann, "ann-2", false);
    hears (ann, "bot", "yes");
    cr_assert (s_there_are (stack, "5", "SELECT max (seq) FROM log"));

    leaves (&ann);
    stack_destroy (&stack);
}
