//  drain — a process is asked to end while it has work in hand: nobody waits for it.

#include "chat.h"
#include "eventually.h"
#include "base/clock.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#define QUESTIONS 10

static void
s_asks_quickly (person_t *person)
{
    for (unsigned number = 0; number < QUESTIONS; number++) {
        char text[40], answer[60];
        snprintf (text, sizeof text, "question %u", number);
        snprintf (answer, sizeof answer, "You said: %s", text);
        uint64_t began_ms = clock_mono_ms ();
        says (person, text);
        hears (person, "bot", answer);
        uint64_t took_ms = clock_mono_ms () - began_ms;
        cr_assert_lt (took_ms, 1000u, "%s took %" PRIu64 " ms", text, took_ms);
    }
}

static double
s_in_hand (router_stack_t *stack, const char *name)
{
    return stack_metric (stack, name, "stentor_worker_items{state=\"working\"}");
}

//  The one that ends has the most credit left, so everything would be offered to it first.
Test (drain, a_connector_that_ends_delays_nobody)
{
    enum { SLOW = 3 };
    static const char *const names[SLOW] = { "ann", "bea", "cid" };
    router_stack_t *stack = everything_starts (1, 1, 2);
    the_bot_answers (stack, "slowly", &(bot_reply_t){ .after_ms = 4000,
                                                      .body = "{\"outputSpeech\":\"at last\"}" });
    person_t *slow[SLOW];
    for (unsigned number = 0; number < SLOW; number++) {
        slow[number] = visitor_opens (stack, 1, names[number], names[number]);
        says (slow[number], "slowly");
        EVENTUALLY (5000, bot_asked (stack_bot (stack), "slowly") == number + 1);
    }
    person_t *dan = visitor_opens (stack, 1, "dan", "s-1");
    bool is_first = s_in_hand (stack, "stentor-connector-1") == 1;
    process_t *ending = stack_process (stack, is_first ? "stentor-connector-1"
                                                       : "stentor-connector-2");
    process_kill (ending, SIGTERM);

    s_asks_quickly (dan);
    cr_assert (process_is_alive (ending), "it still has its question");
    for (unsigned number = 0; number < SLOW; number++) {
        hears (slow[number], "bot", "at last");
        leaves (&slow[number]);
    }
    cr_assert_eq (bot_asked (stack_bot (stack), "slowly"), SLOW, "each of them was asked once");
    cr_assert_eq (process_wait_exit (ending, 5000), 0);

    leaves (&dan);
    stack_destroy (&stack);
}
