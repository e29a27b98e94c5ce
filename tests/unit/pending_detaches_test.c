//  pending_detaches — DETACHes that wait for the bus; and send_queue, whose timer tries them again.

#include "edge_rig.h"

static pending_detaches_t *s_detaches;

static void
s_begin (void)
{
    rig_begin ();
    s_detaches = pending_detaches_new (NULL);
}

static void
s_end (void)
{
    pending_detaches_destroy (&s_detaches);
    rig_end ();
}

TestSuite (pending_detaches, .init = s_begin, .fini = s_end);

static void
s_put (unsigned postoffice, const char *session)
{
    char copy[40];
    snprintf (copy, sizeof copy, "%s", session);
    bus_detach_t detach = { .endpoint = 0, .session = text_of (copy), .received_seq = 7 };
    pending_detaches_put (s_detaches, postoffice, &detach);
    memset (copy, 0, sizeof copy); //  it was copied
}

Test (pending_detaches, are_sent_in_order)
{
    rig_bus_is_full = true;
    s_put (1, "demo/a");
    s_put (1, "demo/b");
    s_put (2, "demo/c");
    cr_assert_not (pending_detaches_send (s_detaches, 1));
    cr_assert_not (pending_detaches_send_all (s_detaches));
    EXPECT ("");
    rig_bus_is_full = false;
    cr_assert (pending_detaches_send (s_detaches, 1));
    EXPECT ("p1 DETACH c0 demo/a 7\n"
            "p1 DETACH c0 demo/b 7\n");
    cr_assert (pending_detaches_send_all (s_detaches));
    EXPECT ("p2 DETACH c0 demo/c 7\n");
    cr_assert (pending_detaches_send_all (s_detaches));
    EXPECT ("");
}

Test (pending_detaches, a_lost_postoffice_needs_none)
{
    s_put (1, "demo/a");
    s_put (2, "demo/b");
    pending_detaches_forget (s_detaches, 1);
    cr_assert (pending_detaches_send_all (s_detaches));
    EXPECT ("p2 DETACH c0 demo/b 7\n");
}

Test (pending_detaches, the_oldest_of_too_many_is_dropped)
{
    for (unsigned count = 0; count < PENDING_DETACHES_MAX - 1; count++)
        s_put (1, "demo/x");
    s_put (2, "demo/a");
    s_put (2, "demo/b");
    pending_detaches_forget (s_detaches, 1);
    cr_assert (pending_detaches_send_all (s_detaches));
    EXPECT ("p2 DETACH c0 demo/b 7\n");
}

//  An ATTACH must not overtake a DETACH of the same session and postoffice.
Test (pending_detaches, an_attach_waits_behind_them)
{
    connection_t *connection = rig_connect (ROLE_VISITOR, DIALECT_RICH);
    attachment_enter (connection->attachment, TEXT ("demo/s"), ATTACH_JOIN, SEQ_UNKNOWN, 0);
    attachment_send (connection->attachment);
    rig_forget ();
    rig_bus_is_full = true;
    attachment_enter (connection->attachment, TEXT ("demo/t"), ATTACH_JOIN, SEQ_UNKNOWN, 0);
    attachment_send (connection->attachment);
    rig_turn (10);
    EXPECT ("");
    rig_bus_is_full = false;
    rig_turn (10);
    EXPECT ("p1 DETACH c1 demo/s ?\n"
            "p1 ATTACH c1 demo/t join ?\n");
}

//  A DETACH of one that is gone waits as well, and with no postoffice up nothing is tried.
Test (pending_detaches, are_tried_again)
{
    connection_t *connection = rig_connect (ROLE_VISITOR, DIALECT_RICH);
    attachment_enter (connection->attachment, TEXT ("demo/s"), ATTACH_JOIN, SEQ_UNKNOWN, 0);
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
