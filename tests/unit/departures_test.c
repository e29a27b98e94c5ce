//  departures — who is sent to another edge, in which order, and when they are closed.

#include "edge_rig.h"

#include "session/departures.h"

#define TOLD_LEAST_MS 250
#define NOW UINT64_MAX

static departures_t *s_departures;

static void
s_begin (void)
{
    rig_begin ();
    s_departures = departures_new (rig_loop, rig_clients);
}

static void
s_end (void)
{
    departures_destroy (&s_departures);
    rig_end ();
}

TestSuite (departures, .init = s_begin, .fini = s_end);

//  A client that is in its session.
static connection_t *
s_in (role_t role, dialect_t dialect)
{
    connection_t *connection = rig_connect (role, dialect);
    attachment_enter (connection->attachment, TEXT ("demo/s"), ATTACH_JOIN,
                      (log_position_t){ SEQ_UNKNOWN, 0 }, 0);
    attachment_send (connection->attachment);
    rig_attached (connection, ATTACH_JOIN, VERDICT_OK, 0);
    rig_write (connection);
    rig_forget ();
    return connection;
}

static void
s_tick_after (uint64_t ms)
{
    rig_wait (ms);
    departures_tick (s_departures);
}

Test (departures, a_rich_client_is_told_and_then_closed)
{
    connection_t *rich = s_in (ROLE_VISITOR, DIALECT_RICH);
    cr_assert_eq (departures_send (s_departures, 1, NOW), 1);
    rig_write (rich);
    EXPECT ("c1 < going away\n");
    s_tick_after (TOLD_LEAST_MS - 1);
    rig_write (rich);
    EXPECT ("");
    s_tick_after (1);
    rig_write (rich);
    EXPECT ("c1 < close shed\n");
}

Test (departures, a_widget_is_closed_without_a_word)
{
    connection_t *widget = s_in (ROLE_VISITOR, DIALECT_WIDGET);
    cr_assert_eq (departures_send (s_departures, 1, NOW), 1);
    rig_write (widget);
    EXPECT ("c1 < close shed\n");
    cr_expect_not (client_is_closed (widget->client), "it is still read");
}

//  What it had said before it was told is answered before it is closed, if that does not take long.
Test (departures, what_is_under_way_is_answered_first)
{
    connection_t *rich = s_in (ROLE_VISITOR, DIALECT_RICH);
    cr_assert_eq (departures_send (s_departures, 1, NOW), 1);
    inbound_text (rich, TEXT ("{\"event\":\"new message\",\"sessionId\":\"s\",\"messageId\":\"m\","
                              "\"data\":{\"type\":\"INTENT_REQUEST\",\"rawQuery\":\"a\"}}"));
    s_tick_after (TOLD_LEAST_MS);
    rig_write (rich);
    rig_forget ();
    s_tick_after (1000);
    rig_write (rich);
    EXPECT ("");
    rig_posted (1, VERDICT_OK, 1);
    rig_write (rich);
    s_tick_after (10);
    rig_write (rich);
    EXPECT ("c1 answered\n"
            "c1 < ack\n"
            "c1 < close shed\n");
}

Test (departures, who_is_told_is_closed_in_the_end)
{
    connection_t *rich = s_in (ROLE_VISITOR, DIALECT_RICH);
    cr_assert_eq (departures_send (s_departures, 1, NOW), 1);
    inbound_text (rich, TEXT ("{\"event\":\"new message\",\"sessionId\":\"s\",\"messageId\":\"m\","
                              "\"data\":{\"type\":\"INTENT_REQUEST\",\"rawQuery\":\"a\"}}"));
    rig_write (rich);
    rig_forget ();
    s_tick_after (3000);
    rig_write (rich);
    EXPECT ("c1 < close shed\n");
}

//  The longest connected go first, whoever is quiet before whoever is in a live conversation, and
//  agents last; nobody twice.
Test (departures, the_quiet_and_the_old_go_first)
{
    connection_t *agent = s_in (ROLE_AGENT, DIALECT_RICH);
    connection_t *live = s_in (ROLE_VISITOR, DIALECT_RICH);
    connection_t *old = s_in (ROLE_VISITOR, DIALECT_RICH);
    connection_t *young = s_in (ROLE_VISITOR, DIALECT_RICH);
    keepalive_said (live->keepalive);
    cr_assert_eq (departures_send (s_departures, 1, NOW), 1);
    cr_expect (old->is_leaving && !young->is_leaving && !live->is_leaving);
    cr_assert_eq (departures_send (s_departures, 1, NOW), 1);
    cr_expect (young->is_leaving && !live->is_leaving && !agent->is_leaving);
    cr_assert_eq (departures_send (s_departures, 1, NOW), 1);
    cr_expect (live->is_leaving && !agent->is_leaving);
    cr_assert_eq (departures_send (s_departures, 5, NOW), 1);
    cr_expect (agent->is_leaving);
    cr_assert_eq (departures_send (s_departures, 5, NOW), 0);
}

Test (departures, nobody_goes_for_whom_something_is_under_way)
{
    connection_t *silent = rig_connect (ROLE_VISITOR, DIALECT_RICH);
    connection_t *asks = s_in (ROLE_VISITOR, DIALECT_RICH);
    connection_t *hears = s_in (ROLE_VISITOR, DIALECT_WIDGET);
    inbound_text (asks, TEXT ("{\"event\":\"new message\",\"sessionId\":\"s\",\"messageId\":\"m\","
                              "\"data\":{\"type\":\"INTENT_REQUEST\",\"rawQuery\":\"a\"}}"));
    rig_deliver (hears, 1, "a", false);
    cr_expect_eq (departures_send (s_departures, 5, NOW), 0);
    cr_expect (!silent->is_leaving && !asks->is_leaving && !hears->is_leaving);
    rig_write (hears);
    cr_expect_eq (departures_send (s_departures, 5, NOW), 1);
    cr_expect (hears->is_leaving);
}

//  Who was moved here a moment ago is not moved on.
Test (departures, who_came_lately_stays)
{
    connection_t *old = s_in (ROLE_VISITOR, DIALECT_RICH);
    connection_t *young = s_in (ROLE_VISITOR, DIALECT_RICH);
    old->opened_ms = 5000;
    young->opened_ms = 6000;
    keepalive_said (old->keepalive);
    cr_expect_eq (departures_send (s_departures, 5, 6000), 1);
    cr_expect (old->is_leaving && !young->is_leaving);
}

//  One that was told and goes by itself is forgotten.
Test (departures, who_goes_by_itself_is_not_closed)
{
    connection_t *rich = s_in (ROLE_VISITOR, DIALECT_RICH);
    cr_assert_eq (departures_send (s_departures, 1, NOW), 1);
    rig_disconnect (&rich);
    rig_forget ();
    s_tick_after (5000);
    EXPECT ("");
}

//  Each is told shortly before it is closed, and not when the others are.
Test (departures, a_drain_tells_and_closes_all)
{
    connection_t *told = s_in (ROLE_VISITOR, DIALECT_RICH);
    cr_assert_eq (departures_send (s_departures, 1, NOW), 1);
    connection_t *rich = s_in (ROLE_VISITOR, DIALECT_RICH);
    connection_t *widget = s_in (ROLE_VISITOR, DIALECT_WIDGET);
    rig_write (told);
    rig_forget ();
    departures_drain (s_departures, 5000);
    s_tick_after (2);
    rig_write (told);
    rig_write (rich);
    rig_write (widget);
    EXPECT ("c2 < going away\n"
            "c3 < close going_away\n");
    s_tick_after (TOLD_LEAST_MS);
    rig_write (told);
    rig_write (rich);
    EXPECT ("c1 < close going_away\n"
            "c2 < close going_away\n");
}

//  A client in a millisecond, the longest connected first; or faster, when there is less time.
Test (departures, a_drain_has_a_pace)
{
    connection_t *clients[10];
    for (unsigned at = 0; at < 10; at++)
        clients[at] = s_in (ROLE_VISITOR, DIALECT_RICH);
    departures_drain (s_departures, 5);
    s_tick_after (1);
    cr_expect (clients[1]->is_leaving && !clients[2]->is_leaving);
    s_tick_after (3);
    cr_expect (clients[7]->is_leaving && !clients[8]->is_leaving);
    s_tick_after (1);
    cr_expect (clients[9]->is_leaving);
}

//  Nobody is given more time to go than there is.
Test (departures, a_drain_in_a_hurry)
{
    connection_t *silent = rig_connect (ROLE_VISITOR, DIALECT_RICH);
    departures_drain (s_departures, 100);
    s_tick_after (1);
    rig_write (silent);
    EXPECT ("c1 < going away\n");
    s_tick_after (99);
    rig_write (silent);
    EXPECT ("");
    s_tick_after (1);
    rig_write (silent);
    EXPECT ("c1 < close going_away\n");
}

Test (departures, a_drain_of_nobody)
{
    departures_drain (s_departures, 0);
    s_tick_after (0);
    EXPECT ("");
}

//  Somebody is just coming in: it is told at the end, and closed soon after that.
Test (departures, a_drain_waits_for_nobody)
{
    connection_t *silent = rig_connect (ROLE_VISITOR, DIALECT_RICH);
    departures_drain (s_departures, 5000);
    s_tick_after (1);
    s_tick_after (TOLD_LEAST_MS);
    rig_write (silent);
    EXPECT ("c1 < going away\n");
    s_tick_after (3000);
    rig_write (silent);
    EXPECT ("c1 < close going_away\n");
}
