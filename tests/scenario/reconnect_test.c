//  reconnect — connections end; conversations do not.

#include "chat.h"
#include "eventually.h"

#include <criterion/criterion.h>

Test (reconnect, a_rich_client_resumes_where_it_was)
{
    router_stack_t *stack = everything_starts (2, 1, 1);
    person_t *ann = rich_visitor_opens (stack, 1, "ann", "s-1");
    person_t *tab = opens_another_tab (ann, 1);
    says (ann, "one");
    is_told_stored (ann, "ann-1", false);
    hears (ann, "bot", "You said: one");

    is_cut_off (ann);
    says (tab, "two");
    hears (tab, "ann", "one");
    hears (tab, "bot", "You said: one");
    hears (tab, "bot", "You said: two");

    comes_back (ann, 2);
    hears (ann, "ann", "two");
    hears (ann, "bot", "You said: two");
    hears_nothing (ann, 300);

    leaves (&ann);
    leaves (&tab);
    stack_destroy (&stack);
}

Test (reconnect, a_message_that_was_not_acknowledged_is_said_again)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    person_t *ann = rich_visitor_opens (stack, 1, "ann", "s-1");

    says_as (ann, "m-1", "did you hear me?");
    is_cut_off (ann); //  it may have been stored, or not
    comes_back (ann, 1);
    says_as (ann, "m-1", "did you hear me?");
    hears_at_last (ann, "bot", "You said: did you hear me?");
    hears_nothing (ann, 500);
    cr_assert_eq (bot_asked (stack_bot (stack), "did you hear me?"), 1);

    leaves (&ann);
    stack_destroy (&stack);
}

//  Listens until it has answered the ping that asks whether the last words came.
static void
confirms_what_came (router_stack_t *stack, person_t *person)
{
    uint64_t deadline = eventually_deadline (10000);
    while (stack_metric (stack, "edge-", "stentor_edge_pongs_total") < 1) {
        hears_nothing (person, 20);
        cr_assert_lt (clock_mono_ms (), deadline, "no ping came");
    }
}

//  The widget says nothing after a reconnect, and is told what it missed all the same.
Test (reconnect, a_silent_widget_gets_exactly_what_it_missed)
{
    router_stack_t *stack = everything_starts (2, 1, 1);
    the_bot_answers (stack, "think", &(bot_reply_t){ .after_ms = 1000,
                                                     .body = "{\"outputSpeech\":\"a thought\"}" });
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    says (ann, "one");
    hears (ann, "bot", "You said: one");
    confirms_what_came (stack, ann);

    says (ann, "think");
    says (ann, "two");
    sees (ann, "typing", "bot");
    is_cut_off (ann);
    EVENTUALLY (10000, bot_asked (stack_bot (stack), "two") == 1);

    comes_back (ann, 2);
    hears (ann, "bot", "a thought");
    hears (ann, "bot", "You said: two");
    cr_assert (ws_json_true (sees (ann, "connection update", NULL), "data.sessionCreated"));
    hears_nothing (ann, 300);
    cr_assert_eq (told_again (ann), 0, "and nothing else");
    says (ann, "three");
    hears (ann, "bot", "You said: three");

    leaves (&ann);
    stack_destroy (&stack);
}

//  What was written to a connection that died is not known to have come.
Test (reconnect, a_widget_is_told_again_what_may_be_lost)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    person_t *alice = agent_opens (stack, 1, "alice", "s-1");
    says (ann, "one");
    hears (ann, "bot", "You said: one");
    hears (alice, "ann", "one");
    hears (alice, "bot", "You said: one");

    says (ann, "two"); //  its answer reaches the socket, and ann does not read it any more
    hears (alice, "ann", "two");
    hears (alice, "bot", "You said: two");
    is_cut_off (ann);
    comes_back (ann, 1);
    hears (ann, "bot", "You said: two");
    hears_nothing (ann, 300);

    leaves (&ann);
    leaves (&alice);
    stack_destroy (&stack);
}

//  The server was away when the chat was opened: `user joined` is lost, the socket stays silent.
Test (reconnect, a_silent_stranger_is_told_that_all_is_well)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    ws_client_t *client = ws_client_connect ("new", stack_edge_port (stack, 1), "/?userId=new");
    cr_assert (client);
    json_object *update = ws_client_wait_event (client, "connection update", 5000);
    cr_assert (update);
    cr_assert (ws_json_true (update, "data.sessionCreated"));
    ws_client_destroy (&client);
    stack_destroy (&stack);
}

Test (reconnect, a_reload_is_not_a_departure)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    says (ann, "hello");
    hears (ann, "bot", "You said: hello");
    person_t *alice = agent_opens (stack, 1, "alice", "s-1");
    sees (alice, "user joined", "ann");

    is_cut_off (ann);
    reloads (ann, 1);
    says (ann, "here again");
    hears (ann, "bot", "You said: here again");
    sees_no (alice, "user left", 3000); //  longer than the grace period

    leaves (&ann);
    leaves (&alice);
    stack_destroy (&stack);
}

Test (reconnect, who_stays_away_has_left)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    says (ann, "hello");
    hears (ann, "bot", "You said: hello");
    person_t *alice = agent_opens (stack, 1, "alice", "s-1");
    sees (alice, "user joined", "ann");

    is_cut_off (ann);
    sees (alice, "user left", "ann");

    reloads (ann, 1);
    sees (alice, "user joined", "ann");

    leaves (&ann);
    leaves (&alice);
    stack_destroy (&stack);
}
