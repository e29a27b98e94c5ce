//  keepalive — pings by silence and by rate, and what pongs confirm.

#include "edge_rig.h"

#include "tables/edge_metrics.h"

TestSuite (keepalive, .init = rig_begin, .fini = rig_end);

#define CONFIRM_AFTER_MS 250

static connection_t *
s_attached (dialect_t dialect)
{
    connection_t *connection = rig_connect (ROLE_VISITOR, dialect);
    attachment_enter (connection->attachment, TEXT ("demo/s"), ATTACH_JOIN,
                      LOG_POSITION_UNKNOWN, 0);
    attachment_send (connection->attachment);
    rig_attached (connection, ATTACH_JOIN, VERDICT_OK, 0);
    rig_write (connection);
    rig_forget ();
    return connection;
}

static void
s_pong (connection_t *connection, uint64_t number)
{
    keepalive_pong (connection->keepalive, (text_t){ (const char *) &number, sizeof number });
}

//  The clock of the loop and that of the test go on together.
static void
s_wait (unsigned ms)
{
    rig_wait (ms);
    rig_turn (ms);
}

Test (keepalive, a_silent_client_is_pinged_and_then_closed)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    rig_wait (44999);
    keepalives_tick (rig_keepalives);
    rig_write (connection);
    EXPECT ("");
    rig_wait (1);
    keepalives_tick (rig_keepalives);
    rig_write (connection);
    EXPECT ("c1 < ping 1\n");
    //  One ping is out at most.
    rig_wait (9999);
    keepalives_tick (rig_keepalives);
    rig_write (connection);
    EXPECT ("");
    rig_wait (1);
    keepalives_tick (rig_keepalives);
    EXPECT ("c1 abort\n");
    cr_assert (client_is_closed (connection->client));
}

Test (keepalive, anything_heard_is_a_sign_of_life)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    rig_wait (45000);
    keepalives_tick (rig_keepalives);
    rig_write (connection);
    rig_wait (9000);
    s_pong (connection, 99); //  unsolicited
    rig_wait (9000);
    keepalives_tick (rig_keepalives);
    EXPECT ("c1 < ping 1\n");
    cr_assert_not (client_is_closed (connection->client));
}

Test (keepalive, a_client_that_is_not_read_is_not_silent)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    client_read (connection->client, false);
    rig_wait (100000);
    keepalives_tick (rig_keepalives);
    rig_write (connection);
    EXPECT ("c1 stop\n");
}

Test (keepalive, the_longest_silent_is_looked_at_first)
{
    connection_t *first = s_attached (DIALECT_RICH);
    connection_t *second = s_attached (DIALECT_RICH);
    rig_wait (30000);
    keepalive_heard (first->keepalive);
    rig_wait (20000);
    keepalives_tick (rig_keepalives);
    rig_write (first);
    rig_write (second);
    EXPECT ("c2 < ping 1\n");
}

//  A rich client says itself what it has, unless somebody waits for that.
Test (keepalive, a_rich_client_is_asked_to_confirm_one_entry)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    rig_deliver (connection, 1, "a", false);
    rig_write (connection);
    s_wait (CONFIRM_AFTER_MS + 30);
    rig_forget ();
    rig_write (connection);
    EXPECT ("");
    keepalive_confirm (connection->keepalive);
    rig_deliver (connection, 2, "b", false);
    rig_write (connection);
    s_wait (CONFIRM_AFTER_MS + 30);
    rig_forget ();
    rig_write (connection);
    EXPECT ("c1 < ping 1\n");
    s_pong (connection, 1);
    cr_assert_eq (keepalive_received_seq (connection->keepalive), 2);
}

Test (keepalive, a_pong_confirms_what_was_written_before_its_ping)
{
    connection_t *connection = s_attached (DIALECT_WIDGET);
    rig_deliver (connection, 1, "a", false);
    rig_deliver (connection, 2, "b", false);
    rig_write (connection);
    cr_assert_eq (keepalive_received_seq (connection->keepalive), SEQ_UNKNOWN);
    s_wait (CONFIRM_AFTER_MS + 30);
    rig_deliver (connection, 3, "c", false);
    //  Pings go before the outbox: the third entry is behind this one.
    rig_write (connection);
    s_pong (connection, 1);
    cr_assert_eq (keepalive_received_seq (connection->keepalive), 2);
    s_wait (CONFIRM_AFTER_MS + 30);
    EXPECT ("c1 < new message a\n"
            "c1 < new message b\n"
            "c1 < ping 1\n"
            "c1 < new message c\n"
            "p1 RECEIPT c1 2\n");
    keepalives_tell (rig_keepalives);
    EXPECT ("");
}

Test (keepalive, a_rich_client_is_not_pinged_for_deliveries)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    rig_deliver (connection, 1, "a", false);
    rig_write (connection);
    s_wait (CONFIRM_AFTER_MS + 30);
    rig_write (connection);
    EXPECT ("c1 < new message a\n");
}

Test (keepalive, a_widget_is_pinged_once_a_second)
{
    connection_t *connection = s_attached (DIALECT_WIDGET);
    rig_deliver (connection, 1, "a", false);
    rig_write (connection);
    s_wait (CONFIRM_AFTER_MS + 30);
    rig_write (connection);
    s_pong (connection, 1);
    rig_forget ();
    rig_deliver (connection, 2, "b", false);
    rig_write (connection);
    s_wait (CONFIRM_AFTER_MS + 30);
    rig_write (connection);
    EXPECT ("c1 < new message b\n"
            "p1 RECEIPT c1 1\n");
    for (int turn = 0; turn < 3; turn++)
        s_wait (CONFIRM_AFTER_MS + 30);
    rig_write (connection);
    EXPECT ("c1 < ping 2\n");
}

Test (keepalive, nothing_is_known_of_another_session)
{
    connection_t *connection = s_attached (DIALECT_WIDGET);
    rig_deliver (connection, 4, "a", false);
    rig_write (connection);
    s_wait (CONFIRM_AFTER_MS + 30);
    rig_write (connection);
    s_pong (connection, 1);
    rig_forget ();
    attachment_enter (connection->attachment, TEXT ("demo/t"), ATTACH_FRAME,
                      LOG_POSITION_UNKNOWN, 0);
    //  The DETACH tells what the receipt would have told.
    EXPECT ("p1 DETACH c1 demo/s 4\n");
    cr_assert_eq (keepalive_received_seq (connection->keepalive), SEQ_UNKNOWN);
    keepalives_tell (rig_keepalives);
    EXPECT ("");
}

Test (keepalive, receipts_wait_for_a_full_bus)
{
    connection_t *connection = s_attached (DIALECT_WIDGET);
    rig_deliver (connection, 4, "a", false);
    rig_write (connection);
    s_wait (CONFIRM_AFTER_MS + 30);
    rig_write (connection);
    s_pong (connection, 1);
    rig_forget ();
    rig_bus_is_full = true;
    keepalives_tell (rig_keepalives);
    EXPECT ("");
    rig_bus_is_full = false;
    keepalives_tell (rig_keepalives);
    EXPECT ("p1 RECEIPT c1 4\n");
}

//  Client 1 is at postoffice 1, clients 2 and 3 are at postoffice 2.
Test (keepalive, a_full_postoffice_stops_no_receipts_to_others)
{
    connection_t *all[3];
    for (unsigned at = 0; at < 3; at++) {
        rig_owner = at == 0 ? 1 : 2;
        connection_t *connection = all[at] = rig_connect (ROLE_VISITOR, DIALECT_WIDGET);
        attachment_enter (connection->attachment, TEXT ("demo/s"), ATTACH_FRAME,
                          LOG_POSITION_UNKNOWN, 0);
        attachment_send (connection->attachment);
        bus_attached_t attached = { .session = TEXT ("demo/s"),
                                    .verdict = VERDICT_OK,
                                    .reason = ATTACH_FRAME };
        attachment_attached (connection->attachment, (unsigned) rig_owner, &attached);
        keepalive_written (connection->keepalive, 4, 100);
    }
    s_wait (CONFIRM_AFTER_MS + 30);
    for (unsigned at = 0; at < 3; at++) {
        rig_write (all[at]);
        s_pong (all[at], 1);
    }
    rig_forget ();
    rig_full_postoffice = 1;
    keepalives_tell (rig_keepalives);
    EXPECT ("p2 RECEIPT c2 4\n"
            "p2 RECEIPT c3 4\n");
    rig_full_postoffice = -1;
    keepalives_tell (rig_keepalives);
    EXPECT ("p1 RECEIPT c1 4\n");
}

// ---------------------------------------------------------------------------------------------
//  Live conversations

//  Is it pinged after so long a silence, and closed so long after that?
static void
s_expect_pace (connection_t *connection, unsigned ping_ms, unsigned pong_ms)
{
    keepalive_heard (connection->keepalive);
    rig_forget ();
    rig_wait (ping_ms - 1);
    keepalives_tick (rig_keepalives);
    rig_write (connection);
    EXPECT ("");
    rig_wait (1);
    keepalives_tick (rig_keepalives);
    rig_write (connection);
    EXPECT ("c1 < ping 1\n");
    rig_wait (pong_ms - 1);
    keepalives_tick (rig_keepalives);
    cr_expect_not (client_is_closed (connection->client));
    rig_wait (1);
    keepalives_tick (rig_keepalives);
    cr_expect (client_is_closed (connection->client));
    rig_forget ();
}

static void
s_say (connection_t *connection, const char *data)
{
    char frame[300];
    snprintf (frame, sizeof frame,
              "{\"event\":\"new message\",\"sessionId\":\"s\",\"messageId\":\"m\",\"data\":%s}",
              data);
    inbound_text (connection, text_of (frame));
    rig_forget ();
}

static void
s_post (connection_t *connection)
{
    s_say (connection, "{\"type\":\"INTENT_REQUEST\",\"rawQuery\":\"x\"}");
}

Test (keepalive, an_agent_is_soon_missed)
{
    connection_t *connection = rig_connect (ROLE_AGENT, DIALECT_RICH);
    s_expect_pace (connection, 4000, 5000);
}

//  All who open a page are greeted.
Test (keepalive, who_is_greeted_is_quiet)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    s_say (connection, "{\"type\":\"LAUNCH_REQUEST\"}");
    rig_age_ms = 0;
    rig_deliver (connection, 1, "a", false);
    rig_write (connection);
    s_expect_pace (connection, 45000, 10000);
}

static void
s_is_told_later (connection_t *connection, uint64_t age_ms)
{
    s_post (connection);
    rig_wait (200000);
    rig_age_ms = age_ms;
    rig_deliver (connection, 1, "a", false);
    rig_write (connection);
    rig_wait (200000);
    keepalive_heard (connection->keepalive);
}

Test (keepalive, an_answer_prolongs_a_conversation)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    s_is_told_later (connection, 0);
    s_expect_pace (connection, 4000, 5000);
}

Test (keepalive, an_old_history_prolongs_none)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    s_is_told_later (connection, 300000);
    s_expect_pace (connection, 45000, 10000);
}

Test (keepalive, who_says_something_is_soon_missed)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    s_post (connection);
    s_expect_pace (connection, 4000, 5000);
}

//  The silence of a conversation that was quiet begins when it becomes a live one.
Test (keepalive, a_quiet_client_becomes_live)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    rig_wait (30000);
    s_post (connection);
    rig_wait (3999);
    keepalives_tick (rig_keepalives);
    rig_write (connection);
    EXPECT ("");
    rig_wait (1);
    keepalives_tick (rig_keepalives);
    rig_write (connection);
    EXPECT ("c1 < ping 1\n");
    rig_wait (5000);
    keepalives_tick (rig_keepalives);
    EXPECT ("c1 abort\n");
}

Test (keepalive, a_conversation_is_live_for_a_while)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    s_post (connection);
    cr_expect_eq (edge_metrics[EDGE_LIVE], 1);
    rig_wait (299000);
    keepalive_heard (connection->keepalive);
    cr_expect_eq (edge_metrics[EDGE_LIVE], 1);
    rig_wait (1000);
    keepalive_heard (connection->keepalive);
    cr_expect_eq (edge_metrics[EDGE_LIVE], 0);
    s_expect_pace (connection, 45000, 10000);
}

Test (keepalive, while_a_person_answers_a_conversation_is_live)
{
    rig_is_attended = true;
    connection_t *connection = s_attached (DIALECT_RICH);
    rig_wait (3600000);
    keepalive_heard (connection->keepalive);
    cr_expect_eq (edge_metrics[EDGE_LIVE], 1);
    //  The person gives back: old news, in the middle of a silence.
    rig_is_attended = false;
    rig_deliver (connection, 1, "a", false);
    rig_write (connection);
    keepalive_heard (connection->keepalive);
    s_expect_pace (connection, 45000, 10000);
}

//  Each list has its own order: a quiet one that is silent for long is behind no live one.
Test (keepalive, live_and_quiet_ones_are_looked_at_apart)
{
    connection_t *quiet = s_attached (DIALECT_RICH);
    connection_t *live = s_attached (DIALECT_RICH);
    rig_wait (41000);
    s_post (live);
    rig_wait (4000);
    keepalives_tick (rig_keepalives);
    rig_write (quiet);
    rig_write (live);
    EXPECT ("c1 < ping 1\n"
            "c2 < ping 1\n");
    cr_expect_eq (edge_metrics[EDGE_LIVE], 1);
    rig_disconnect (&live);
    cr_expect_eq (edge_metrics[EDGE_LIVE], 0);
}

//  A pong stands behind all that is on its way to the client.
Test (keepalive, a_slow_link_has_the_time_of_a_quiet_one)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    s_post (connection);
    keepalive_heard (connection->keepalive);
    rig_forget ();
    for (unsigned part = 0; part < 4; part++)
        keepalive_written (connection->keepalive, part + 1, 8192);
    rig_wait (54999);
    keepalives_tick (rig_keepalives);
    cr_expect_not (client_is_closed (connection->client));
    keepalive_heard (connection->keepalive);
    rig_wait (9000);
    keepalives_tick (rig_keepalives);
    cr_expect (client_is_closed (connection->client));
}

// ---------------------------------------------------------------------------------------------
//  What was read

Test (keepalive, what_was_read_is_told_with_what_was_received)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    rig_deliver (connection, 1, "a", false);
    rig_deliver (connection, 2, "b", false);
    rig_write (connection);
    rig_forget ();
    attachment_read (connection->attachment, 1);
    keepalives_tell (rig_keepalives);
    EXPECT ("p1 RECEIPT c1 1 read 1\n");
    //  Not more than there is, and never back.
    attachment_read (connection->attachment, 99);
    attachment_read (connection->attachment, 1);
    attachment_read (connection->attachment, 2);
    keepalives_tell (rig_keepalives);
    EXPECT ("p1 RECEIPT c1 2 read 2\n");
    keepalives_tell (rig_keepalives);
    EXPECT ("");
}

Test (keepalive, the_log_has_lost_what_was_read)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    rig_deliver (connection, 1, "a", false);
    rig_deliver (connection, 2, "b", false);
    rig_write (connection);
    attachment_read (connection->attachment, 2);
    rig_truncated (connection, 1, 1, false);
    cr_expect_eq (keepalive_read_seq (connection->keepalive), 1);
    rig_write (connection);
    rig_forget ();
    rig_deliver (connection, 2, "c", false);
    rig_write (connection);
    keepalives_tell (rig_keepalives);
    EXPECT ("c1 < new message c\n"
            "p1 RECEIPT c1 1 read 1\n");
}

Test (keepalive, a_rich_client_confirms_with_the_pongs_of_its_silence)
{
    rig_is_attended = true;
    connection_t *connection = s_attached (DIALECT_RICH);
    rig_deliver (connection, 1, "a", false);
    rig_write (connection);
    rig_wait (4000);
    keepalives_tick (rig_keepalives);
    rig_write (connection);
    s_pong (connection, 1);
    keepalives_tell (rig_keepalives);
    EXPECT ("c1 < new message a\n"
            "c1 < ping 1\n"
            "p1 RECEIPT c1 1\n");
}

Test (keepalive, another_postoffice_is_told_again)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    rig_deliver (connection, 1, "a", false);
    rig_write (connection);
    attachment_read (connection->attachment, 1);
    keepalives_tell (rig_keepalives);
    rig_owner = 2;
    attachments_postoffice_down (rig_attachments, 1);
    rig_turn (10);
    rig_forget ();
    attachment_attached (connection->attachment, 2,
                         &(bus_attached_t){ .session = TEXT ("demo/s"),
                                            .verdict = VERDICT_OK,
                                            .reason = ATTACH_REATTACH,
                                            .seq = 1 });
    keepalives_tell (rig_keepalives);
    rig_write (connection);
    EXPECT ("c1 answered\n"
            "p2 RECEIPT c1 1 read 1\n");
}
