//  faults — processes die in the middle of everything, and nothing is lost or doubled.
//
//  The crowd counts: every message that was acknowledged is in its session once, in order, and was
//  answered by the bot once.

#include "chat.h"
#include "counting.h"
#include "eventually.h"

#include <criterion/criterion.h>

//  Three of each, while ten people talk; `victim` dies in the middle and comes back.
static void
s_dies_in_the_middle (const char *victim)
{
    router_stack_t *stack = everything_starts (3, 3, 2);
    crowd_t *crowd = crowd_new (stack, 10, 3);
    crowd_talks (crowd, 20);

    crowd_sends (crowd, 10);
    stack_kill (stack, victim);
    crowd_talks (crowd, 20);
    cr_assert (stack_start (stack, victim));
    crowd_talks (crowd, 10);

    crowd_has_everything_once (crowd);
    crowd_destroy (&crowd);
    stack_destroy (&stack);
}

Test (faults, a_postoffice_is_killed)
{
    s_dies_in_the_middle ("postoffice-2");
}

Test (faults, an_edge_is_killed)
{
    s_dies_in_the_middle ("edge-1");
}

Test (faults, a_connector_is_killed)
{
    s_dies_in_the_middle ("stentor-connector-1");
}

Test (faults, the_only_postoffice_is_killed)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    crowd_t *crowd = crowd_new (stack, 5, 1);
    crowd_talks (crowd, 10);

    crowd_sends (crowd, 5);
    stack_kill (stack, "postoffice-1");
    cr_assert (stack_start (stack, "postoffice-1"));
    crowd_talks (crowd, 20);

    cr_assert_eq (crowd_reconnects (crowd), 0, "the clients are to notice nothing");
    crowd_has_everything_once (crowd);
    crowd_destroy (&crowd);
    stack_destroy (&stack);
}

//  A visitor with the widget, which repeats nothing, asks while a bot's turn is under way.
Test (faults, a_turn_survives_the_death_of_its_connector)
{
    router_stack_t *stack = everything_starts (1, 1, 2);
    the_bot_answers (stack, "slowly", &(bot_reply_t){ .after_ms = 1500,
                                                      .body = "{\"outputSpeech\":\"at last\"}" });
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    says (ann, "slowly");
    EVENTUALLY (5000, bot_asked (stack_bot (stack), "slowly") == 1);

    bool first_has_it = stack_metric (stack, "stentor-connector-1", "stentor_worker_items") > 0;
    stack_kill (stack, first_has_it ? "stentor-connector-1" : "stentor-connector-2");
    hears (ann, "bot", "at last");
    hears_nothing (ann, 2000);

    leaves (&ann);
    stack_destroy (&stack);
}

Test (faults, postgresql_is_killed_and_restarted)
{
    router_stack_t *stack = everything_starts (2, 2, 1);
    crowd_t *crowd = crowd_new (stack, 10, 2);
    crowd_talks (crowd, 20);

    crowd_sends (crowd, 10);
    postgres_kill (stack_postgres (stack));
    cr_assert (postgres_start (stack_postgres (stack)));
    crowd_talks (crowd, 20);

    crowd_sends (crowd, 10);
    cr_assert (postgres_restart (stack_postgres (stack)));
    crowd_talks (crowd, 20);

    crowd_sends (crowd, 10);
    cr_assert (postgres_kill_backends (stack_postgres (stack), POSTGRES_ALL_BACKENDS));
    crowd_talks (crowd, 20);

    crowd_has_everything_once (crowd);
    crowd_destroy (&crowd);
    stack_destroy (&stack);
}

//  Every process is stopped in order and started again, one after the other.
Test (faults, a_rolling_restart_loses_nothing)
{
    static const char *const s_names[] = { "postoffice-1", "postoffice-2", "stentor-connector-1",
                                           "stentor-connector-2", "edge-1", "edge-2" };
    router_stack_t *stack = everything_starts (2, 2, 2);
    crowd_t *crowd = crowd_new (stack, 10, 2);
    for (size_t index = 0; index < sizeof s_names / sizeof s_names[0]; index++) {
        crowd_talks (crowd, 5);
        crowd_sends (crowd, 5);
        cr_assert (stack_stop (stack, s_names[index]));
        crowd_talks (crowd, 5);
        cr_assert (stack_start (stack, s_names[index]));
    }
    crowd_has_everything_once (crowd);
    crowd_destroy (&crowd);
    stack_destroy (&stack);
}

Test (faults, everything_at_once)
{
    router_stack_t *stack = everything_starts (3, 3, 2);
    crowd_t *crowd = crowd_new (stack, 20, 3);
    crowd_talks (crowd, 20);

    crowd_sends (crowd, 10);
    stack_kill (stack, "postoffice-1");
    stack_kill (stack, "edge-2");
    stack_kill (stack, "stentor-connector-2");
    crowd_talks (crowd, 20);

    crowd_has_everything_once (crowd);
    crowd_destroy (&crowd);
    stack_destroy (&stack);
}
