//  outbound — entries and events from a postoffice, into outboxes and out of them.

#include "edge_rig.h"

TestSuite (outbound, .init = rig_begin, .fini = rig_end);

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
s_broadcast (unsigned postoffice, const connection_t *connection, const char *session)
{
    uint64_t endpoints[] = { rig_endpoint (connection) };
    bus_broadcast_t event = { .endpoints = ids_of (endpoints, 1),
                              .session = text_of (session),
                              .event = EVENT_TYPING,
                              .sender = TEXT ("{}"),
                              .data = TEXT_EMPTY };
    outbound_broadcast (rig_clients, postoffice, &event);
}

Test (outbound, entries_come_once_and_in_order)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    rig_deliver (connection, 1, "a", false);
    rig_deliver (connection, 2, "b", false);
    rig_deliver (connection, 2, "b", false);
    rig_deliver (connection, 1, "a", false);
    rig_write (connection);
    EXPECT ("c1 < new message a\n"
            "c1 < new message b\n");
}

//  Entries that were on their way when the client said what it has must not hide what it misses.
Test (outbound, a_resume_in_the_session_is_given_all_it_asks_for)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    for (uint64_t seq = 1; seq <= 10; seq++)
        rig_deliver (connection, seq, "old", false);
    rig_write (connection);
    rig_forget ();
    attachment_enter (connection->attachment, TEXT ("demo/s"), ATTACH_RESUME,
                      (log_position_t){ 7, 0 }, 0);
    attachment_send (connection->attachment);
    rig_deliver (connection, 11, "k", true);
    rig_turn (10);
    rig_write (connection);
    EXPECT ("p1 ATTACH c1 demo/s resume 7\n");
    rig_attached (connection, ATTACH_RESUME, VERDICT_OK, 11);
    rig_deliver (connection, 7, "g", false);
    rig_deliver (connection, 8, "h", false);
    rig_deliver (connection, 9, "i", false);
    rig_deliver (connection, 10, "j", false);
    rig_deliver (connection, 11, "k", false);
    rig_write (connection);
    EXPECT ("c1 answered\n"
            "c1 < connection update\n"
            "c1 < new message h\n"
            "c1 < new message i\n"
            "c1 < new message j\n"
            "c1 < new message k\n");
}

Test (outbound, only_its_postoffice_and_its_session_count)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    s_broadcast (2, connection, "demo/s");
    s_broadcast (1, connection, "demo/t");
    rig_write (connection);
    EXPECT ("");
    s_broadcast (1, connection, "demo/s");
    rig_write (connection);
    EXPECT ("c1 < typing\n");
}

//  The next part of the log is asked for when this one is written, not when it has come.
Test (outbound, the_next_window_is_asked_for_when_this_one_is_written)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    rig_deliver (connection, 1, "a", false);
    rig_deliver (connection, 2, "b", true);
    rig_turn (10);
    EXPECT ("");
    rig_write (connection);
    rig_turn (10);
    EXPECT ("c1 < new message a\n"
            "c1 < new message b\n"
            "p1 NEXT_WINDOW c1 2\n");
}

Test (outbound, the_next_window_is_asked_for_of_what_it_has)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    rig_deliver (connection, 5, "a", false);
    rig_deliver (connection, 3, "b", true);
    rig_turn (10);
    EXPECT ("p1 NEXT_WINDOW c1 3\n");
}

//  What was put in for the ATTACH before must not answer the one that is out now.
Test (outbound, a_window_of_an_older_attach_is_forgotten)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    rig_deliver (connection, 1, "a", true);
    attachments_postoffice_down (rig_attachments, 1);
    rig_turn (10);
    rig_write (connection);
    rig_turn (10);
    EXPECT ("p1 ATTACH c1 demo/s reattach 1\n"
            "c1 < new message a\n");
}

Test (outbound, events_are_dropped_for_a_half_full_outbox)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    char text[150];
    memset (text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    //  More than half of the limit.
    uint64_t seq = 1;
    while (seq * (sizeof text - 1) <= rig_config.outbox_limit / 2)
        rig_deliver (connection, seq++, text, false);
    s_broadcast (1, connection, "demo/s");
    rig_deliver (connection, seq, "last", false);
    cr_assert_not (client_is_closed (connection->client));
    outbox_item_t item;
    unsigned count = 0;
    for (; client_take (connection->client, &item); count++) {
        cr_assert_neq (item.seq, 0, "an event is in the outbox");
        frame_destroy (&item.frame);
    }
    cr_assert_eq (count, seq);
}

Test (outbound, a_reader_that_is_too_slow_is_closed)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    for (uint64_t seq = 1; seq <= 100; seq++)
        rig_deliver (connection, seq, "a", false);
    cr_assert (client_is_closed (connection->client));
    rig_write (connection);
    EXPECT ("c1 < close slow_reader\n");
}

Test (outbound, a_full_socket_is_closed_when_the_edge_is_overloaded)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    flow_control_add (rig_flow, FLOW_WRITING, 1 << 20);
    rig_deliver (connection, 1, "a", false);
    rig_write (connection);
    EXPECT ("c1 < new message a\n");
    rig_sockets_are_full = true;
    rig_deliver (connection, 2, "b", false);
    rig_write (connection);
    EXPECT ("c1 < close slow_reader\n");
}

Test (outbound, a_draining_client_is_given_what_waits_and_then_the_close)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    rig_deliver (connection, 1, "a", false);
    client_drain (connection->client, CLOSE_GOING_AWAY);
    rig_deliver (connection, 2, "b", false);
    rig_write (connection);
    EXPECT ("c1 < new message a\n"
            "c1 < new message b\n"
            "c1 < close going_away\n");
    rig_wait (2000);
    clients_abort_late (rig_clients);
    EXPECT ("c1 abort\n");
}

// ---------------------------------------------------------------------------------------------
//  The log has lost its tail

//  What it was given counts no more, and it is given what stands there now.
Test (outbound, a_history_that_went_back)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    rig_check = 10;
    for (uint64_t seq = 1; seq <= 4; seq++)
        rig_deliver (connection, seq, "old", false);
    rig_write (connection);
    rig_forget ();
    rig_truncated (connection, 2, 3, false);
    rig_check = 20;
    rig_deliver (connection, 2, "old", false);
    rig_deliver (connection, 3, "new", false);
    rig_write (connection);
    EXPECT ("p1 RECEIPT c1 0\n"
            "c1 < history changed\n"
            "c1 < connection update\n"
            "c1 < new message new\n");
    attachments_postoffice_down (rig_attachments, 1);
    rig_turn (10);
    EXPECT ("p1 ATTACH c1 demo/s reattach 3 :23\n");
}

//  Another postoffice is told where it is then, although nothing came behind.
Test (outbound, where_the_history_went_back_to_is_kept)
{
    connection_t *connection = s_attached (DIALECT_WIDGET);
    rig_check = 10;
    rig_deliver (connection, 3, "a", false);
    rig_deliver (connection, 4, "b", false);
    rig_write (connection);
    rig_forget ();
    rig_truncated (connection, 3, 3, false);
    rig_write (connection);
    attachments_postoffice_down (rig_attachments, 1);
    rig_turn (10);
    EXPECT ("p1 RECEIPT c1 0\n"
            "p1 ATTACH c1 demo/s reattach 3 :13\n");
}

//  What waits in the outbox and is lost is not written any more, and counts for nothing.
Test (outbound, what_is_lost_and_was_not_written_is_dropped)
{
    connection_t *connection = s_attached (DIALECT_WIDGET);
    rig_deliver (connection, 1, "a", false);
    rig_deliver (connection, 2, "b", true);
    rig_truncated (connection, 1, 1, false);
    rig_deliver (connection, 2, "c", false);
    rig_write (connection);
    rig_turn (10);
    EXPECT ("p1 RECEIPT c1 0\n"
            "c1 < new message a\n"
            "c1 < new message c\n");
}

//  A pong that comes behind answers a ping of before.
Test (outbound, what_was_lost_was_not_received)
{
    connection_t *connection = s_attached (DIALECT_WIDGET);
    rig_deliver (connection, 1, "a", false);
    rig_deliver (connection, 5, "b", false);
    rig_write (connection);
    rig_wait (1000);
    rig_turn (300);
    rig_write (connection);
    EXPECT ("c1 < new message a\n"
            "c1 < new message b\n"
            "c1 < ping 1\n");
    rig_truncated (connection, 1, 1, false);
    uint64_t number = 1;
    keepalive_pong (connection->keepalive, (text_t){ (const char *) &number, sizeof number });
    keepalives_tell (rig_keepalives);
    EXPECT ("p1 RECEIPT c1 0\n"
            "p1 RECEIPT c1 1\n");
}

//  It says itself what it has, and is compared when that is answered.
Test (outbound, a_history_that_went_back_before_a_resume_is_answered)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    rig_deliver (connection, 1, "a", false);
    rig_write (connection);
    rig_forget ();
    attachment_enter (connection->attachment, TEXT ("demo/s"), ATTACH_RESUME,
                      (log_position_t){ 7, 17 }, 0);
    attachment_send (connection->attachment);
    rig_truncated (connection, 0, 1, false);
    rig_write (connection);
    EXPECT ("p1 ATTACH c1 demo/s resume 7 :17\n");
    rig_attached (connection, ATTACH_RESUME, VERDICT_OK, 7);
    rig_truncated (connection, 0, 7, false);
    rig_deliver (connection, 1, "b", false);
    rig_write (connection);
    EXPECT ("c1 answered\n"
            "p1 RECEIPT c1 0\n"
            "c1 < connection update\n"
            "c1 < history changed\n"
            "c1 < connection update\n"
            "c1 < new message b\n");
}

//  The session was opened in what is lost: its client opens it again, and sends what is unanswered.
Test (outbound, a_session_that_is_gone)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    rig_check = 10;
    rig_deliver (connection, 3, "a", false);
    rig_write (connection);
    rig_forget ();
    rig_truncated (connection, 0, 0, true);
    rig_write (connection);
    rig_turn (10);
    EXPECT ("p1 RECEIPT c1 0\n"
            "c1 < history changed\n"
            "c1 < connection update\n"
            "p1 ATTACH c1 demo/s reattach 0\n");
}

Test (outbound, the_history_of_another_session_or_postoffice)
{
    connection_t *connection = s_attached (DIALECT_RICH);
    rig_deliver (connection, 3, "a", false);
    rig_write (connection);
    rig_forget ();
    bus_truncated_t truncated = { .endpoint = rig_endpoint (connection),
                                  .session = TEXT ("demo/t") };
    outbound_truncate (rig_clients, 1, &truncated);
    truncated.session = TEXT ("demo/s");
    outbound_truncate (rig_clients, 2, &truncated);
    truncated.endpoint = 7;
    outbound_truncate (rig_clients, 1, &truncated);
    rig_write (connection);
    EXPECT ("");
}
