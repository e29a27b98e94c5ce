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
