//  shedding — edges that are added get some of those who are there already: nobody notices more
//  than a reconnect, and nothing is lost, doubled or out of order.

#include "chat.h"
#include "counting.h"
#include "eventually.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define PEOPLE 36
#define EDGES 3
//  Above 12 by 2 standard deviations and one: there an edge with the mean of 12 begins to shed.
#define MOST 19
#define QUIET_MS 3000
#define EVEN_WITHIN_MS 60000

static const char *const s_settings[] = { "SESSION_GRACE=2s", "EDGE_SHED_AFTER=1s",
                                          "EDGE_SHED_SHARE=50", NULL };

static router_stack_t *
s_one_edge_starts (void)
{
    router_stack_t *stack = stack_new (
        &(stack_plan_t){ .spares = EDGES - 1, .settings = s_settings });
    cr_assert (stack, "the stack does not start");
    bot_keep_no_requests (stack_bot (stack));
    bot_says (stack_bot (stack), "", "{\"outputSpeech\":\"You said: $rawQuery\"}");
    return stack;
}

static double
s_connections (router_stack_t *stack, unsigned edge)
{
    char name[20];
    snprintf (name, sizeof name, "edge-%u", edge);
    return stack_metric (stack, name, "stentor_edge_connections{dialect=\"rich\"}");
}

static double
s_shed (router_stack_t *stack)
{
    return stack_metric (stack, "edge-", "stentor_edge_closed_total{reason=\"shed\"}");
}

static bool
s_is_even (router_stack_t *stack)
{
    double sum = 0;
    for (unsigned edge = 1; edge <= EDGES; edge++) {
        if (s_connections (stack, edge) > MOST)
            return false;
        sum += s_connections (stack, edge);
    }
    return sum == PEOPLE;
}

//  They go on talking meanwhile, and nobody is moved any more for a while.
static void
s_becomes_even (router_stack_t *stack, crowd_t *crowd)
{
    uint64_t deadline = eventually_deadline (EVEN_WITHIN_MS), quiet_from = clock_mono_ms ();
    for (double shed = s_shed (stack); clock_mono_ms () < quiet_from + QUIET_MS;) {
        cr_assert_lt (clock_mono_ms (), deadline, "edges have %.0f, %.0f and %.0f",
                      s_connections (stack, 1), s_connections (stack, 2),
                      s_connections (stack, 3));
        crowd_talks (crowd, 1);
        crowd_listens (crowd);
        if (s_shed (stack) == shed && s_is_even (stack))
            continue;
        shed = s_shed (stack);
        quiet_from = clock_mono_ms ();
    }
}

Test (shedding, new_edges_get_some_of_those_who_are_there)
{
    router_stack_t *stack = s_one_edge_starts ();
    crowd_t *crowd = crowd_new (stack, PEOPLE, EDGES);
    crowd_talks (crowd, 10);
    cr_assert_eq (s_connections (stack, 1), PEOPLE);
    cr_assert_eq (s_shed (stack), 0, "an edge that is alone keeps all");
    cr_assert (stack_start (stack, "edge-2"));
    cr_assert (stack_start (stack, "edge-3"));
    s_becomes_even (stack, crowd);
    //  Two thirds at least; and those whom the next edge had too many of once more.
    cr_expect_geq (s_shed (stack), PEOPLE - MOST);
    cr_expect_leq (s_shed (stack), 3 * PEOPLE);
    crowd_has_everything_once (crowd);
    crowd_destroy (&crowd);
    stack_destroy (&stack);
}

//  The stock widget has no word for it: its connection is closed, and it comes back saying nothing.
Test (shedding, a_widget_that_was_sent_away_gets_what_it_missed)
{
    router_stack_t *stack = s_one_edge_starts ();
    crowd_t *crowd = crowd_new (stack, PEOPLE, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-ann");
    crowd_talks (crowd, 1);
    cr_assert (stack_start (stack, "edge-2"));
    person_t *ben = rich_agent_opens (stack, 2, "ben", "s-ann");
    barges_in (ben, "Ben");
    //  Of the visitors, who all are in conversations, the one who was connected first goes first.
    uint64_t deadline = eventually_deadline (20000);
    while (stack_metric (stack, "edge-1", "stentor_edge_connections{dialect=\"widget\"}") > 0) {
        cr_assert_lt (clock_mono_ms (), deadline, "the widget was not sent away");
        hears_nothing (ann, 20);
    }
    says (ben, "are you there?");
    comes_back (ann, 2);
    hears (ann, "ben", "are you there?");
    says (ann, "I am");
    hears (ben, "ann", "I am");
    crowd_destroy (&crowd);
    leaves (&ann);
    leaves (&ben);
    stack_destroy (&stack);
}
