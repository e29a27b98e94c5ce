//  agents — people who look in, take over, and give back.

#include "chat.h"
#include "eventually.h"

#include <criterion/criterion.h>
#include <stdio.h>

Test (agents, an_agent_gets_the_history_and_listens)
{
    router_stack_t *stack = everything_starts (2, 1, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    says (ann, "one");
    hears (ann, "bot", "You said: one");
    says (ann, "two");
    hears (ann, "bot", "You said: two");

    person_t *alice = agent_opens (stack, 2, "alice", "s-1");
    sees (alice, "user joined", "ann"); //  it comes first: see section 6 of the widget's protocol
    hears (alice, "ann", "one");
    hears (alice, "bot", "You said: one");
    hears (alice, "ann", "two");
    hears (alice, "bot", "You said: two");

    says (ann, "three");
    hears (alice, "ann", "three");
    hears (alice, "bot", "You said: three");
    sees_no (ann, "user joined", 200); //  nobody has joined in the visitor's eyes

    leaves (&ann);
    leaves (&alice);
    stack_destroy (&stack);
}

//  The edges do not see the same postoffices, for as long as the story lasts: the visitor's part of
//  the session is with one of them, the agent's with the other.
Test (agents, two_postoffices_have_one_session)
{
    static const char *const s_settings[] = { "SESSION_GRACE=1s", NULL };
    router_stack_t *stack = stack_new (&(stack_plan_t){
        .edges = 2, .postoffices = 2, .split = true, .settings = s_settings });
    cr_assert (stack);
    person_t *ann = rich_visitor_opens (stack, 1, "ann", "s-1");
    person_t *alice = agent_opens (stack, 2, "alice", "s-1");
    barges_in (alice, "Alice");
    sees (ann, "user joined", "alice");
    char text[32];
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned at = 0; at < 8; at++) {
            snprintf (text, sizeof text, "question %u.%u", round, at);
            says (ann, text);
        }
        for (unsigned at = 0; at < 8; at++) {
            snprintf (text, sizeof text, "question %u.%u", round, at);
            hears (alice, "ann", text);
        }
        for (unsigned at = 0; at < 3; at++) {
            snprintf (text, sizeof text, "answer %u.%u", round, at);
            says (alice, text);
            hears (ann, "alice", text);
        }
        //  Longer than the grace period: each has no endpoint of the other, who has not left.
        sees_no (ann, "user left", 600);
    }
    sees_no (alice, "user left", 600);
    leaves (&ann);
    leaves (&alice);
    stack_destroy (&stack);
}

Test (agents, an_agent_takes_over_and_gives_back)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    says (ann, "one");
    hears (ann, "bot", "You said: one");
    person_t *alice = agent_opens (stack, 1, "alice", "s-1");
    hears (alice, "ann", "one");
    hears (alice, "bot", "You said: one");

    barges_in (alice, "Alice");
    json_object *joined = sees (ann, "user joined", "alice");
    cr_assert_str_eq (ws_json_text (joined, "sender.displayName"), "Alice");
    says (ann, "are you a person?");
    hears (alice, "ann", "are you a person?");
    says (alice, "I am");
    hears (ann, "alice", "I am");
    hears_nothing (alice, 300);
    cr_assert_eq (bot_asked (stack_bot (stack), "are you a person?"), 0);

    barges_out (alice);
    sees (ann, "user left", "alice");
    says (ann, "and now?");
    hears (ann, "bot", "You said: and now?");

    leaves (&ann);
    leaves (&alice);
    stack_destroy (&stack);
}

//  What a visitor says is always in somebody's hands.
Test (agents, what_an_absent_agent_was_told_is_answered_by_the_bot)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    person_t *alice = agent_opens (stack, 1, "alice", "s-1");
    barges_in (alice, "Alice");
    sees (ann, "user joined", "alice");
    leaves (&alice);
    says (ann, "are you there?");
    says (ann, "anybody?");
    hears_nothing (ann, 500);
    sees (ann, "user left", "alice");
    hears (ann, "bot", "You said: anybody?");
    hears_nothing (ann, 500);
    cr_assert_eq (bot_asked (stack_bot (stack), "are you there?"), 0);
    cr_assert_eq (bot_asked (stack_bot (stack), "anybody?"), 1);
    leaves (&ann);
    stack_destroy (&stack);
}

//  Another postoffice has the session when the agent gives back: it knows it from the log.
Test (agents, what_an_agent_leaves_unanswered_goes_to_the_bot)
{
    router_stack_t *stack = everything_starts (2, 2, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    person_t *alice = agent_opens (stack, 2, "alice", "s-1");
    barges_in (alice, "Alice");
    sees (ann, "user joined", "alice");
    says (ann, "one");
    hears (alice, "ann", "one");
    says (alice, "answer one");
    hears (ann, "alice", "answer one");
    barges_out (alice);
    sees (ann, "user left", "alice");
    hears_nothing (ann, 500);

    barges_in (alice, "Alice");
    sees (ann, "user joined", "alice");
    says (ann, "two");
    hears (alice, "ann", "two");
    stack_kill (stack, "postoffice-1");
    cr_assert (stack_start (stack, "postoffice-1"));
    stack_kill (stack, "postoffice-2");
    barges_out (alice);
    hears (ann, "bot", "You said: two");
    hears (alice, "bot", "You said: two");
    hears_nothing (ann, 500);
    cr_assert_eq (bot_asked (stack_bot (stack), "one"), 0);
    leaves (&ann);
    leaves (&alice);
    stack_destroy (&stack);
}

//  An id belongs to its participant: nobody can use up another's, nor one that the router derives.
Test (agents, two_people_use_one_message_id)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    person_t *ann = rich_visitor_opens (stack, 1, "ann", "s-1");
    person_t *alice = rich_agent_opens (stack, 1, "alice", "s-1");
    barges_in (alice, "Alice");
    sees (ann, "user joined", "alice");
    says_as (alice, "key", "the agent's");
    hears (ann, "alice", "the agent's");
    says_as (ann, "key", "the visitor's");
    hears (alice, "ann", "the visitor's");
    int64_t of_alice = is_told_stored (alice, "key", false);
    int64_t of_ann = is_told_stored (ann, "key", false);
    cr_assert_neq (of_alice, of_ann);

    //  From a postoffice that has to ask the log.
    stack_kill (stack, "postoffice-1");
    cr_assert (stack_start (stack, "postoffice-1"));
    says_as (ann, "key", "the visitor's");
    says_as (alice, "key", "the agent's");
    cr_assert_eq (is_told_stored (ann, "key", true), of_ann);
    cr_assert_eq (is_told_stored (alice, "key", true), of_alice);
    says_as (alice, ":answer:1", "somebody else's");
    json_object *error = sees (alice, "error", NULL);
    cr_assert_str_eq (ws_json_text (error, "data.code"), "bad_request");
    hears_nothing (ann, 300);

    leaves (&ann);
    leaves (&alice);
    stack_destroy (&stack);
}

Test (agents, a_bot_that_answers_too_late_is_not_heard)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    the_bot_answers (stack, "slowly", &(bot_reply_t){ .after_ms = 2000,
                                                      .body = "{\"outputSpeech\":\"too late\"}" });
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    person_t *alice = agent_opens (stack, 1, "alice", "s-1");

    says (ann, "slowly");
    hears (alice, "ann", "slowly");
    EVENTUALLY (5000, bot_asked (stack_bot (stack), "slowly") == 1);
    barges_in (alice, "Alice");
    sees (ann, "user joined", "alice");
    hears_nothing (ann, 3000);
    hears_nothing (alice, 100);
    says (alice, "I am here");
    hears (ann, "alice", "I am here");

    leaves (&ann);
    leaves (&alice);
    stack_destroy (&stack);
}

Test (agents, an_agent_who_stays_away_gives_control_back)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    person_t *alice = agent_opens (stack, 1, "alice", "s-1");
    barges_in (alice, "Alice");
    sees (ann, "user joined", "alice");

    leaves (&alice);
    sees (ann, "user left", "alice");
    says (ann, "anybody there?");
    hears (ann, "bot", "You said: anybody there?");

    leaves (&ann);
    stack_destroy (&stack);
}

static void
s_is_told_why (person_t *self, const char *who, const char *why)
{
    json_object *left = sees (self, "user left", who);
    cr_assert_str_eq (ws_json_text (left, "data.why"), why);
}

static void
s_is_refused (person_t *self, const char *message_id, const char *text)
{
    says_as (self, message_id, text);
    json_object *refused = sees (self, "error", NULL);
    cr_assert_str_eq (ws_json_text (refused, "data.code"), "not_in_control");
    cr_assert_str_eq (ws_json_text (refused, "data.messageId"), message_id);
}

//  The agent before is told that another one took over, and does not take the visitor back with
//  the next words, only on purpose.
Test (agents, one_whose_visitor_is_taken_over_is_told)
{
    router_stack_t *stack = everything_starts (2, 2, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    person_t *anna = rich_agent_opens (stack, 1, "anna", "s-1");
    person_t *otto = rich_agent_opens (stack, 2, "otto", "s-1");
    barges_in (anna, "Anna");
    sees (anna, "user joined", "anna");
    sees (ann, "user joined", "anna");

    barges_in (otto, "Otto");
    s_is_told_why (anna, "anna", "replaced");
    s_is_told_why (ann, "anna", "replaced");
    sees (anna, "user joined", "otto");
    s_is_refused (anna, "a-1", "one moment");
    says (otto, "I am Otto");
    hears (ann, "otto", "I am Otto");
    says (ann, "hello Otto");
    hears (otto, "ann", "hello Otto");
    s_is_told_why (otto, "anna", "replaced");
    sees_no (otto, "user left", 300);

    barges_in (anna, "Anna");
    s_is_told_why (otto, "otto", "replaced");
    says (anna, "back again");
    hears (ann, "anna", "back again");
    leaves (&ann);
    leaves (&anna);
    leaves (&otto);
    stack_destroy (&stack);
}

Test (agents, one_with_a_widget_whose_visitor_is_taken_over_is_told)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    person_t *alice = agent_opens (stack, 1, "alice", "s-1");
    person_t *ben = agent_opens (stack, 1, "ben", "s-1");
    barges_in (alice, "Alice");
    sees (ann, "user joined", "alice");
    barges_in (ben, "Ben");
    s_is_told_why (alice, "alice", "replaced");
    sees (alice, "user joined", "ben");
    sees (ann, "user joined", "ben");
    says (alice, "one moment");
    sees (alice, "failure", NULL);
    says (ben, "I am Ben");
    hears (ann, "ben", "I am Ben");
    leaves (&ann);
    leaves (&alice);
    leaves (&ben);
    stack_destroy (&stack);
}

//  In another tab she gave the visitor back: this one hears of it, too.
Test (agents, control_that_was_given_back_in_another_tab)
{
    router_stack_t *stack = everything_starts (2, 1, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    person_t *anna = rich_agent_opens (stack, 1, "anna", "s-1");
    person_t *again = rich_agent_opens (stack, 2, "anna", "s-1");
    barges_in (anna, "Anna");
    sees (again, "user joined", "anna");
    barges_out (again);
    s_is_told_why (anna, "anna", "asked");
    s_is_refused (anna, "a-1", "still there?");
    says (ann, "hello");
    hears (ann, "bot", "You said: hello");
    leaves (&ann);
    leaves (&anna);
    leaves (&again);
    stack_destroy (&stack);
}

Test (agents, one_who_was_away_too_long_is_told_when_she_is_back)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    person_t *anna = rich_agent_opens (stack, 1, "anna", "s-1");
    barges_in (anna, "Anna");
    sees (ann, "user joined", "anna");
    is_cut_off (anna);
    s_is_told_why (ann, "anna", "absent");
    says (ann, "anybody there?");
    hears (ann, "bot", "You said: anybody there?");
    comes_back (anna, 1);
    s_is_told_why (anna, "anna", "absent");
    s_is_refused (anna, "a-1", "here I am");
    sees_no (ann, "user joined", 300);
    barges_in (anna, "Anna");
    sees (ann, "user joined", "anna");
    leaves (&ann);
    leaves (&anna);
    stack_destroy (&stack);
}

//  A widget's page still shows itself as joined: what it says next takes part again, from the bot
//  and not from a person, and everybody sees it.
Test (agents, a_widget_that_was_away_too_long_joins_again_by_speaking)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    person_t *alice = agent_opens (stack, 1, "alice", "s-1");
    barges_in (alice, "Alice");
    sees (ann, "user joined", "alice");
    is_cut_off (alice);
    s_is_told_why (ann, "alice", "absent");
    comes_back (alice, 1);
    s_is_told_why (alice, "alice", "absent");
    says (alice, "sorry, I was away");
    sees (ann, "user joined", "alice");
    hears (ann, "alice", "sorry, I was away");
    leaves (&ann);
    leaves (&alice);
    stack_destroy (&stack);
}

Test (agents, nobody_is_an_agent_without_the_demo_mode)
{
    static const char *const s_settings[] = { "EDGE_DEMO_MODE=off", NULL };
    router_stack_t *stack = stack_new (&(stack_plan_t){ .settings = s_settings });
    cr_assert (stack);
    ws_client_t *client = ws_client_connect ("mallory", stack_edge_port (stack, 1),
                                             "/?userId=mallory&isAdmin=true");
    cr_assert (client);
    json_object *update = ws_client_wait_event (client, "connection update", 5000);
    cr_assert_str_eq (ws_json_text (update, "data.code"), "not_allowed");
    cr_assert (ws_client_expect_close (client, 4403, 5000));
    ws_client_destroy (&client);
    stack_destroy (&stack);
}
