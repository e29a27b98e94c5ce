//  bot_parts — a bot that answers in parts, the whole way: who is shown half an answer, and that
//  none appears when somebody else has control, whoever dies meanwhile.

#include "chat.h"
#include "eventually.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define WHOLE "One two three four five six."
//  Two seconds, with a whole answer at its end.
static const bot_reply_t s_slowly = {
    .manner = BOT_PARTS,
    .type = "application/x-ndjson",
    .every_ms = 300,
    .body = "{\"delta\":\"One \"}\n\x1e{\"delta\":\"two \"}\n\x1e{\"delta\":\"three \"}\n\x1e"
            "{\"delta\":\"four \"}\n\x1e{\"delta\":\"five \"}\n\x1e{\"delta\":\"six.\"}\n"
};

//  Half an answer that begins so comes at last: each is longer than the one before.
static void
s_sees_part (person_t *person, const char *text)
{
    const char *shown;
    do {
        json_object *part = sees (person, "part", "bot");
        shown = ws_json_text (part, "data.outputSpeech.displayText");
        cr_assert (strncmp (shown, WHOLE, strlen (shown)) == 0, "%s", shown);
    } while (strncmp (shown, text, strlen (text)) != 0);
}

Test (bot_parts, a_widget_gets_one_message, .timeout = 120)
{
    router_stack_t *stack = everything_starts (2, 1, 1);
    the_bot_answers (stack, "slowly", &s_slowly);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    person_t *alice = rich_agent_opens (stack, 2, "alice", "s-1");
    person_t *bob = rich_visitor_opens (stack, 2, "bob", "s-2");

    says (ann, "slowly");
    says (bob, "slowly");
    s_sees_part (bob, "One");
    s_sees_part (bob, "One two");
    s_sees_part (alice, "One");
    sees (ann, "typing", "bot");
    hears (ann, "bot", WHOLE);
    hears (bob, "bot", WHOLE);
    hears (alice, "ann", "slowly");
    hears (alice, "bot", WHOLE);
    sees_no (ann, "part", 500);
    hears_nothing (bob, 500);

    leaves (&ann);
    leaves (&bob);
    leaves (&alice);
    stack_destroy (&stack);
}

//  A take-over in the middle, at any moment: nothing of the bot behind it, whole or half.
Test (bot_parts, nothing_of_the_bot_comes_behind_a_take_over, .timeout = 120)
{
    enum { VISITORS = 12 };
    router_stack_t *stack = everything_starts (2, 2, 2);
    the_bot_answers (stack, "slowly", &s_slowly);
    person_t *visitors[VISITORS], *agents[VISITORS];
    char name[20], session[20];
    for (unsigned at = 0; at < VISITORS; at++) {
        snprintf (session, sizeof session, "s-%u", at);
        snprintf (name, sizeof name, "v%u", at);
        visitors[at] = rich_visitor_opens (stack, 1 + at % 2, name, session);
        snprintf (name, sizeof name, "a%u", at);
        agents[at] = rich_agent_opens (stack, 1 + at / 2 % 2, name, session);
    }
    for (unsigned at = 0; at < VISITORS; at++)
        says (visitors[at], "slowly");
    s_sees_part (visitors[0], "One");
    json_object *joined[VISITORS];
    for (unsigned at = 0; at < VISITORS; at++) {
        //  Each a little later in its answer; in the middle of it others die.
        if (at == VISITORS / 3)
            stack_kill (stack, "stentor-connector-1");
        if (at == VISITORS / 2)
            stack_kill (stack, "postoffice-1");
        barges_in (agents[at], "Anna");
        snprintf (name, sizeof name, "a%u", at);
        joined[at] = sees (visitors[at], "user joined", name);
    }
    for (unsigned at = 0; at < VISITORS; at++) {
        sees_none_behind (visitors[at], joined[at], "part", at == 0 ? 3000 : 50);
        sees_none_behind (visitors[at], joined[at], "new message", 0);
        leaves (&visitors[at]);
        leaves (&agents[at]);
    }
    stack_destroy (&stack);
}

//  The question goes to the other connector, and the bot is asked again: what is shown begins anew.
Test (bot_parts, a_connector_dies_in_the_middle, .timeout = 120)
{
    router_stack_t *stack = everything_starts (1, 1, 2);
    the_bot_answers (stack, "slowly", &s_slowly);
    person_t *ann = rich_visitor_opens (stack, 1, "ann", "s-1");
    person_t *bob = visitor_opens (stack, 1, "bob", "s-2");
    says (ann, "slowly");
    says (bob, "slowly");
    s_sees_part (ann, "One two");
    stack_kill (stack, "stentor-connector-1");
    stack_kill (stack, "stentor-connector-2");
    cr_assert (stack_start (stack, "stentor-connector-1"));
    hears (ann, "bot", WHOLE);
    hears (bob, "bot", WHOLE);
    hears_nothing (ann, 1500);
    hears_nothing (bob, 100);
    cr_assert_geq (bot_asked (stack_bot (stack), "slowly"), 3);
    leaves (&ann);
    leaves (&bob);
    stack_destroy (&stack);
}

//  The connector goes on, and tells the next postoffice.
Test (bot_parts, a_postoffice_dies_in_the_middle, .timeout = 120)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    the_bot_answers (stack, "slowly", &s_slowly);
    person_t *ann = rich_visitor_opens (stack, 1, "ann", "s-1");
    says (ann, "slowly");
    s_sees_part (ann, "One");
    stack_kill (stack, "postoffice-1");
    cr_assert (stack_start (stack, "postoffice-1"));
    hears (ann, "bot", WHOLE);
    hears_nothing (ann, 1500);
    cr_assert_eq (bot_asked (stack_bot (stack), "slowly"), 1);
    leaves (&ann);
    stack_destroy (&stack);
}
