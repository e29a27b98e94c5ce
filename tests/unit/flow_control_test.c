//  flow_control — the totals of what waits, and the rate of one client.

#include "client/flow_control.h"
#include "tables/edge_metrics.h"

#include <criterion/criterion.h>

static edge_config_t s_config = { .backlog_limit = 1000,
                                  .outbox_limit = 100,
                                  .frames_per_second = 10,
                                  .frames_burst = 16,
                                  .sessions_per_second = 1,
                                  .sessions_burst = 2 };
static flow_control_t *s_flow;

static void
s_begin (void)
{
    s_flow = flow_control_new (&s_config);
}

static void
s_end (void)
{
    flow_control_destroy (&s_flow);
}

TestSuite (flow_control, .init = s_begin, .fini = s_end);

Test (flow_control, all_kinds_count_together)
{
    flow_control_add (s_flow, FLOW_OUTBOXES, 300);
    flow_control_add (s_flow, FLOW_WRITING, 300);
    flow_control_add (s_flow, FLOW_INBOXES, 300);
    flow_control_add (s_flow, FLOW_POSTS, 99);
    cr_assert_not (flow_control_is_overloaded (s_flow));
    flow_control_add (s_flow, FLOW_POSTS, 1);
    cr_assert (flow_control_is_overloaded (s_flow));
    cr_assert_eq (edge_metrics[EDGE_POST_BYTES_PENDING], 100);
    flow_control_add (s_flow, FLOW_OUTBOXES, -300);
    cr_assert_not (flow_control_is_overloaded (s_flow));
}

//  A mistake in a metric must not become an outage.
Test (flow_control, metrics_are_never_read)
{
    edge_metrics[EDGE_OUTBOX_BYTES] = 1000000;
    cr_assert_not (flow_control_is_overloaded (s_flow));
    flow_control_add (s_flow, FLOW_OUTBOXES, 5);
    cr_assert_eq (edge_metrics[EDGE_OUTBOX_BYTES], 5);
}

Test (flow_control, the_highest_outbox_is_kept)
{
    flow_control_note_outbox (s_flow, 50);
    flow_control_note_outbox (s_flow, 20);
    cr_assert_eq (edge_metrics[EDGE_OUTBOX_HIGHEST], 50);
    cr_assert_eq (flow_control_outbox_limit (s_flow), 100);
}

Test (flow_control, eight_faults_are_a_burst)
{
    client_rate_t rate = { 0 };
    for (int fault = 0; fault < 7; fault++)
        flow_control_charge (s_flow, &rate, 1000, CHARGE_FAULT, 1);
    cr_assert_not (flow_control_is_too_fast (s_flow, &rate, 1000));
    flow_control_charge (s_flow, &rate, 1000, CHARGE_FAULT, 1);
    cr_assert (flow_control_is_too_fast (s_flow, &rate, 1000));
    cr_assert_not (flow_control_is_too_fast (s_flow, &rate, 1100));
}

Test (flow_control, joins_have_a_rate_of_their_own)
{
    client_rate_t rate = { 0 };
    flow_control_charge (s_flow, &rate, 1000, CHARGE_SESSION, 1);
    cr_assert_not (flow_control_is_too_fast (s_flow, &rate, 1000));
    flow_control_charge (s_flow, &rate, 1000, CHARGE_SESSION, 1);
    cr_assert (flow_control_is_too_fast (s_flow, &rate, 1999));
    cr_assert_not (flow_control_is_too_fast (s_flow, &rate, 2000));
}
