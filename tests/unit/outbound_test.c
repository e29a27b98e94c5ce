//  outbound — entries and events from a postoffice, into outboxes and out of them.

#include "edge_rig.h"

TestSuite (outbound, .init = rig_begin, .fini = rig_end);

static connection_t *
s_attached (dialect_t dialect)
{
    connection_t *connection = rig_connect (ROLE_VISITOR, dialect);
    attachment_enter (connection->attachment, TEXT ("demo/s"), ATTACH_JOIN, SEQ_UNKNOWN, 0);
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
    attachment_enter (connection->attachment, TEXT ("demo/s"), ATTACH_RESUME, 7, 0);
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
    client_drain (connection->client);
    rig_deliver (connection, 2, "b", false);
    rig_write (connection);
    EXPECT ("c1 < new message a\n"
            "c1 < new message b\n"
            "c1 < close going_away\n");
    rig_wait (2000);
    clients_abort_late (rig_clients);
    EXPECT ("c1 abort\n");
}
