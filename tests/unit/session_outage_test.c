//  A session while its database is away, for a moment or for hours: what waits, what is refused,
//  and what is left when it is back.

#include "office_rig.h"

#include <string.h>

TestSuite (session_outage, .init = rig_begin, .fini = rig_end);

static void
s_visitor (void)
{
    visitor_joins (1, 5);
    rig_run ();
    rig_forget ();
}

//  A worker says again what was not settled, and does so for as long as that takes.
Test (session_outage, what_a_worker_says_again_is_kept_once)
{
    s_visitor ();
    worker_up (W1, 5);
    say (1, 5, "hello");
    rig_run ();
    accepted (W1, "t1");
    rig_run ();
    rig_forget ();
    fake_store_always (FAKE_DOWN);
    for (int times = 0; times < 200; times++) {
        done (W1, "t1", "yes");
        if (times % 10 == 0)
            rig_run ();
    }
    cr_expect_eq (schedule_load (rig_office.schedule).operations, 1);
    fake_store_always (FAKE_WELL);
    sessions_happen (rig_office.sessions, SESSION_STORE_READY);
    rig_wait (500);
    EXPECT ("e1 DELIVER 5 #3 yes\n"
            "w1 SETTLED t1\n");
}

//  Everybody has gone while what was decided could not be stored.
Test (session_outage, a_session_that_nobody_needs_is_forgotten)
{
    s_visitor ();
    agent_joins (2, 6, "anna");
    post (2, 6, EVENT_BARGE_IN, "b1");
    rig_run ();
    detach (1, 5, SEQ_UNKNOWN);
    rig_wait (400);
    fake_store_always (FAKE_DOWN);
    say (2, 6, "from anna");
    hand_over (2, 6);
    rig_run ();
    rig_wait (300);
    fake_store_always (FAKE_WELL);
    sessions_happen (rig_office.sessions, SESSION_STORE_READY);
    rig_wait (2000);
    cr_expect_null (rig_session ());
}

//  It was stored, but the answer got lost, and then the store is too full to ask.
Test (session_outage, nobody_is_told_that_what_may_be_stored_is_not)
{
    s_visitor ();
    fake_store_next (FAKE_UNSURE);
    say (1, 5, "hello");
    rig_turn ();
    fake_store_always (FAKE_FULL);
    rig_run ();
    EXPECT ("");
    cr_expect_eq (fake_store_last (KEY), 2);
    fake_store_always (FAKE_WELL);
    sessions_happen (rig_office.sessions, SESSION_STORE_READY);
    rig_wait (500);
    EXPECT ("e1 DELIVER 5 #2 hello\n"
            "e1 POSTED 1 duplicate #2\n");
}

//  The client is behind in the log; the refusal is of something that is not in it.
Test (session_outage, a_refusal_waits_for_nothing)
{
    s_visitor ();
    edge_down (1);
    for (int entry = 0; entry < 150; entry++)
        fake_store_other_says (KEY, &(fake_said_t){ EVENT_NEW_MESSAGE, ROLE_AGENT, "otto", NULL,
                                                    "a" });
    session_happens (rig_session (), SESSION_MOVED);
    attach_as (2, 6, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_REATTACH, 1);
    rig_run ();
    rig_forget ();
    fake_store_always (FAKE_DOWN);
    say (2, 6, "hello");
    rig_run ();
    EXPECT ("e2 POSTED 1 store_down #0\n");
}

//  The postoffice lost its database and sent its edges away: they are elsewhere, nobody has left.
Test (session_outage, handed_over_tells_of_nobody_that_they_left)
{
    visitor_joins (1, 5);
    agent_joins (1, 6, "ann");
    rig_run ();
    fake_store_always (FAKE_DOWN);
    say (1, 5, "m1");
    attach_as (1, 7, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_REATTACH, 1);
    sessions_happen (rig_office.sessions, SESSION_HANDED_OVER);
    edge_down (1);
    cr_assert_eq (schedule_load (rig_office.schedule).operations, 0);
    rig_forget ();
    fake_store_always (FAKE_WELL);
    sessions_happen (rig_office.sessions, SESSION_STORE_READY);
    rig_wait (2 * GRACE_MS);
    EXPECT ("");
    cr_assert_eq (fake_store_last (KEY), 2, "no `user left`, and the edge says m1 elsewhere");
}

//  A changeset was at the store when that was lost.
Test (session_outage, handed_over_with_a_changeset_at_the_store)
{
    visitor_joins (1, 5);
    rig_run ();
    fake_store_next (FAKE_UNSURE_LOST);
    attach_as (1, 7, ROLE_VISITOR, "vic", DIALECT_WIDGET, ATTACH_JOIN, SEQ_UNKNOWN);
    say (1, 5, "m1");
    rig_turn ();
    sessions_happen (rig_office.sessions, SESSION_HANDED_OVER);
    edge_down (1);
    *fake_store_host (KEY) = FAKE_OTHER; //  its edges are there by now
    rig_wait (2 * GRACE_MS);
    const stored_entry_t *last = fake_store_entry (KEY, fake_store_last (KEY));
    cr_assert_neq (last->event, EVENT_USER_LEFT);
}

//  While the log is being read the endpoint moves: its edge says the message at another postoffice,
//  and may be told there that it is not stored. So it is not stored here, behind what the client
//  says next.
Test (session_outage, what_an_endpoint_says_elsewhere_is_not_stored)
{
    visitor_joins (1, 5);
    rig_run ();
    rig_forget ();
    uint64_t before = fake_store_last (KEY);
    say (1, 5, "m1");
    say (1, 5, "m2");
    hand_over (1, 5);
    rig_run ();
    EXPECT ("");
    cr_assert_eq (fake_store_last (KEY), before);
    cr_assert_eq (schedule_load (rig_office.schedule).operations, 0);
}

//  Nor is a message that was at the store, and comes back undecided.
Test (session_outage, nor_what_comes_back_undecided)
{
    visitor_joins (1, 5);
    rig_run ();
    rig_forget ();
    uint64_t before = fake_store_last (KEY);
    fake_store_next (FAKE_UNSURE_LOST);
    say (1, 5, "m1");
    rig_turn ();
    hand_over (1, 5);
    rig_run ();
    EXPECT ("");
    cr_assert_eq (fake_store_last (KEY), before);
    cr_assert_eq (schedule_load (rig_office.schedule).operations, 0);
}
