//  send_queue — DETACHes and clients that wait for the bus, and the timer that tries again.

#include "edge_rig.h"

#include "session/send_queue.h"

static send_queue_t *s_queue;

static void
s_begin (void)
{
    rig_begin ();
    s_queue = send_queue_new (rig_loop, NULL, NULL);
}

static void
s_end (void)
{
    send_queue_destroy (&s_queue);
    rig_end ();
}

TestSuite (send_queue, .init = s_begin, .fini = s_end);

static void
s_put (unsigned postoffice, const char *session)
{
    char copy[40];
    snprintf (copy, sizeof copy, "%s", session);
    bus_detach_t detach = { .endpoint = 0, .session = text_of (copy), .received_seq = 7 };
    send_queue_detach (s_queue, postoffice, &detach);
    memset (copy, 0, sizeof copy); //  it was copied
}

Test (send_queue, detaches_are_sent_in_order)
{
    rig_bus_is_full = true;
    s_put (1, "demo/a");
    s_put (1, "demo/b");
    s_put (2, "demo/c");
    cr_assert_not (send_queue_send_detaches (s_queue, 1));
    cr_assert_not (send_queue_send_all_detaches (s_queue));
    EXPECT ("");
    rig_bus_is_full = false;
    cr_assert (send_queue_send_detaches (s_queue, 1));
    EXPECT ("p1 DETACH c0 demo/a 7\n"
            "p1 DETACH c0 demo/b 7\n");
    cr_assert (send_queue_send_all_detaches (s_queue));
    EXPECT ("p2 DETACH c0 demo/c 7\n");
    cr_assert (send_queue_send_all_detaches (s_queue));
    EXPECT ("");
}

Test (send_queue, a_lost_postoffice_needs_none)
{
    rig_bus_is_full = true;
    s_put (1, "demo/a");
    s_put (2, "demo/b");
    send_queue_forget (s_queue, 1);
    rig_bus_is_full = false;
    cr_assert (send_queue_send_all_detaches (s_queue));
    EXPECT ("p2 DETACH c0 demo/b 7\n");
}

Test (send_queue, the_oldest_of_too_many_is_dropped)
{
    rig_bus_is_full = true;
    for (unsigned count = 0; count < PENDING_DETACHES_MAX - 1; count++)
        s_put (1, "demo/x");
    s_put (2, "demo/a");
    s_put (2, "demo/b");
    send_queue_forget (s_queue, 1);
    rig_bus_is_full = false;
    cr_assert (send_queue_send_all_detaches (s_queue));
    EXPECT ("p2 DETACH c0 demo/b 7\n");
}

//  An ATTACH must not overtake a DETACH of the same session and postoffice.
Test (send_queue, an_attach_waits_behind_them)
{
    connection_t *connection = rig_connect (ROLE_VISITOR, DIALECT_RICH);
    attachment_enter (connection->attachment, TEXT ("demo/s"), ATTACH_JOIN,
                      LOG_POSITION_UNKNOWN, 0);
    attachment_send (connection->attachment);
    rig_forget ();
    rig_bus_is_full = true;
    attachment_enter (connection->attachment, TEXT ("demo/t"), ATTACH_JOIN,
                      LOG_POSITION_UNKNOWN, 0);
    attachment_send (connection->attachment);
    rig_turn (10);
    EXPECT ("");
    rig_bus_is_full = false;
    rig_turn (10);
    EXPECT ("p1 DETACH c1 demo/s ?\n"
            "p1 ATTACH c1 demo/t join ?\n");
}

//  A DETACH of one that is gone waits as well, and with no postoffice up nothing is tried.
Test (send_queue, detaches_are_tried_again)
{
    connection_t *connection = rig_connect (ROLE_VISITOR, DIALECT_RICH);
    attachment_enter (connection->attachment, TEXT ("demo/s"), ATTACH_JOIN,
                      LOG_POSITION_UNKNOWN, 0);
    attachment_send (connection->attachment);
    rig_forget ();
    rig_bus_is_full = true;
    rig_disconnect (&connection);
    rig_turn (20);
    EXPECT ("");
    rig_bus_is_full = false;
    rig_turn (20);
    EXPECT ("p1 DETACH c1 demo/s ?\n");
}
