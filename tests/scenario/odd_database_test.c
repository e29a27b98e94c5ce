//  odd_database — a database whose server and role are set up for something else than us: we set
//  what we rely on ourselves, on each of our connections. And one that can never take what is said.

#include "chat.h"
#include "eventually.h"

#include <criterion/criterion.h>
#include <stdio.h>

//  Half of them for the server, the others for our role.
static const char *const s_odd[] = {
    "idle_session_timeout = '1s'",
    "idle_in_transaction_session_timeout = '100ms'",
    "statement_timeout = '300ms'",
    "lock_timeout = '100ms'",
    "default_transaction_isolation = 'serializable'",
    "default_transaction_deferrable = on",
    "search_path = 'nowhere'",
    "standard_conforming_strings = off",
    "bytea_output = 'escape'",
    "DateStyle = 'SQL, DMY'",
    "TimeZone = 'Asia/Kathmandu'",
    "synchronous_commit = off",
    "plan_cache_mode = 'force_generic_plan'",
    "enable_indexscan = off",
    "enable_partition_pruning = off",
    "quote_all_identifiers = on",
    "array_nulls = off",
    "transform_null_equals = on",
    "jit_above_cost = 0",
    "client_encoding = 'LATIN1'",
};

static void
s_set_up_oddly (postgres_t *postgres)
{
    char sql[200];
    for (size_t at = 0; at < sizeof s_odd / sizeof *s_odd; at++) {
        snprintf (sql, sizeof sql, "%s SET %s", at % 2 ? "ALTER ROLE stentor" : "ALTER SYSTEM",
                  s_odd[at]);
        cr_assert (postgres_exec (postgres, sql), "%s", sql);
    }
    cr_assert (postgres_restart (postgres));
}

//  What the server says of the connection that it serves us on.
static void
s_asks_itself (postgres_t *postgres, const char *sql, const char *answer)
{
    char *found = postgres_query (postgres, sql);
    cr_assert (found && strcmp (found, answer) == 0, "%s: %s", sql, found ? found : "nothing");
    free (found);
}

Test (odd_database, we_set_what_we_rely_on)
{
    router_stack_t *stack = everything_starts (2, 2, 1);
    postgres_t *postgres = stack_postgres (stack);
    s_set_up_oddly (postgres);
    s_asks_itself (postgres, "SHOW search_path", "nowhere");
    s_asks_itself (postgres, "SHOW TimeZone", "Asia/Kathmandu");
    cr_assert (stack_wait_ready (stack, "postoffice-1"));
    cr_assert (stack_wait_ready (stack, "postoffice-2"));
    //  Ten each; those of the API and of deliveries begin when the others are there.
    EVENTUALLY (20000, stack_metric (stack, "postoffice-", "stentor_store_links") == 22);
    double lost = stack_metric (stack, "postoffice-", "stentor_store_links_lost_total");

    person_t *ann = rich_visitor_opens (stack, 1, "ann", "s-1");
    person_t *alice = agent_opens (stack, 2, "alice", "s-1");
    for (unsigned at = 0; at < 3; at++) {
        says (ann, "costs 5 \xe2\x82\xac? it's a \\ \xf0\x9f\x98\x80");
        hears (alice, "ann", "costs 5 \xe2\x82\xac? it's a \\ \xf0\x9f\x98\x80");
        hears (ann, "bot", "You said: costs 5 \xe2\x82\xac? it's a \\ \xf0\x9f\x98\x80");
        hears (alice, "bot", "You said: costs 5 \xe2\x82\xac? it's a \\ \xf0\x9f\x98\x80");
        sees_no (ann, "failure", 700); //  the links are idle for longer than a session may be
    }
    barges_in (alice, "Alice");
    sees (ann, "user joined", "alice");
    says (ann, "person?");
    hears (alice, "ann", "person?");
    cr_assert_eq (stack_metric (stack, "postoffice-", "stentor_store_links_lost_total"), lost);
    cr_assert_eq (stack_metric (stack, "postoffice-", "stentor_log_lines_total{level=\"error\"}"),
                  0);
    leaves (&ann);
    leaves (&alice);
    stack_destroy (&stack);
}

//  A text that PostgreSQL rejects, among good ones: an id that may never be used again, in words of
//  a visitor, an agent and the bot.
Test (odd_database, what_it_can_never_take_is_refused_for_good)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    cr_assert (postgres_exec (stack_postgres (stack),
        "CREATE FUNCTION pick () RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF NEW.data LIKE '%poison%' THEN RAISE 'no text' USING ERRCODE = '22021'; END IF;"
        " RETURN NEW; END $$;"
        " CREATE TRIGGER pick BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION pick ()"));
    the_bot_answers (stack, "say something odd",
                     &(bot_reply_t){ .body = "{\"outputSpeech\":\"poison\"}" });
    person_t *ann = rich_visitor_opens (stack, 1, "ann", "s-1");
    person_t *bob = visitor_opens (stack, 1, "bob", "s-2");
    says_as (ann, "m-1", "one");
    says_as (ann, "m-2", "poison");
    says_as (ann, "m-3", "three");
    json_object *refused = sees (ann, "error", NULL);
    cr_assert_str_eq (ws_json_text (refused, "data.code"), "bad_request");
    cr_assert_str_eq (ws_json_text (refused, "data.messageId"), "m-2");
    is_told_stored (ann, "m-1", false);
    is_told_stored (ann, "m-3", false);
    hears (ann, "bot", "You said: one");
    hears (ann, "bot", "You said: three");

    says (bob, "poison");
    cr_assert_eq (ws_json_number (sees (bob, "failure", NULL), "data.delay"), 0);
    says (bob, "fine");
    hears (bob, "bot", "You said: fine");

    //  Asked once, told once; the visitor is not left waiting, and the next question is answered.
    says (bob, "say something odd");
    cr_assert_eq (ws_json_number (sees (bob, "failure", "bot"), "data.tries"), 3);
    says (bob, "and now?");
    hears (bob, "bot", "You said: and now?");
    cr_assert_eq (bot_asked (stack_bot (stack), "say something odd"), 1);
    cr_assert_eq (stack_metric (stack, "postoffice-", "stentor_postoffice_work_done_total"), 5);
    cr_assert_geq (stack_metric (stack, "postoffice-", "stentor_store_rejected_total"), 3);
    cr_assert (process_is_ready (stack_process (stack, "postoffice-1")));
    leaves (&ann);
    leaves (&bob);
    stack_destroy (&stack);
}
