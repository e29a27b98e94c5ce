//  keepalive — pings by silence and by rate, and what pongs confirm.

#include "edge_rig.h"

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
        keepalive_written (connection->keepalive, 4);
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
