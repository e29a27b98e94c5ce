//  hosts — who keeps a session's presence: stories of grace periods that outlive their postoffice,
//  and of two postoffices on one store that may both believe to have the session.

#include "office_rig.h"

#include <string.h>

TestSuite (hosts, .init = rig_begin, .fini = rig_end);

#define LONG_ENOUGH (2 * GRACE_MS + 900)

static const stored_entry_t *
s_last (void)
{
    return fake_store_entry (KEY, fake_store_last (KEY));
}

static unsigned
s_times (event_t event)
{
    unsigned times = 0;
    for (uint64_t seq = 1; seq <= fake_store_last (KEY); seq++)
        times += fake_store_entry (KEY, seq)->event == event;
    return times;
}

//  A visitor, and an agent in control, at a postoffice that is dead now.
static void
s_dead_ones_session (void)
{
    fake_store_other_opens (KEY, "vic");
    fake_store_other_admits (KEY, ROLE_VISITOR, "vic", SEQ_UNKNOWN);
    fake_store_other_admits (KEY, ROLE_AGENT, "anna", SEQ_UNKNOWN);
    fake_store_other_says (KEY, &(fake_said_t){ EVENT_BARGE_IN, ROLE_AGENT, "anna", NULL, "" });
    *fake_store_host (KEY) = FAKE_OTHER;
}

static void
s_claim (void)
{
    *fake_store_host (KEY) = FAKE_WRITER;
    sessions_host (rig_office.sessions, KEY, true);
    rig_run ();
}

// ---------------------------------------------------------------------------------------------
//  One postoffice

Test (hosts, whoever_opens_is_the_host_until_the_last_one_has_left)
{
    visitor_joins (1, 5);
    rig_run ();
    agent_joins (2, 9, "anna");
    rig_run ();
    cr_assert_eq (*fake_store_host (KEY), FAKE_WRITER);
    cr_assert_eq (fake_store_loads, 1);
    detach (1, 5, SEQ_UNKNOWN);
    rig_wait (LONG_ENOUGH);
    cr_assert_eq (s_last ()->event, EVENT_USER_LEFT);
    cr_assert_eq (*fake_store_host (KEY), FAKE_WRITER, "the agent is there");
    detach (2, 9, SEQ_UNKNOWN);
    rig_wait (LONG_ENOUGH);
    cr_assert_eq (s_times (EVENT_USER_LEFT), 2);
    cr_assert_eq (*fake_store_host (KEY), 0);
    cr_assert_null (rig_session (), "nobody needs it");
}

//  A page that is reloaded costs no write, and no load.
Test (hosts, who_returns_in_time_costs_nothing)
{
    visitor_joins (1, 5);
    rig_run ();
    detach (1, 5, SEQ_UNKNOWN);
    rig_run ();
    visitor_joins (1, 6);
    rig_run ();
    cr_assert_eq (fake_store_appends, 1);
    cr_assert_eq (fake_store_loads, 1);
}

//  The session is still in memory, without a host.
Test (hosts, who_returns_after_all_have_left)
{
    rig_office.idle_ms = 10000;
    visitor_joins (1, 5);
    rig_run ();
    detach (1, 5, SEQ_UNKNOWN);
    rig_wait (LONG_ENOUGH);
    cr_assert_eq (*fake_store_host (KEY), 0);
    rig_forget ();
    visitor_joins (1, 6);
    rig_run ();
    EXPECT ("e1 ATTACHED 6 ok #3\n"
            "e1 BROADCAST 6 stop typing\n");
    cr_assert_eq (*fake_store_host (KEY), FAKE_WRITER);
    detach (1, 6, SEQ_UNKNOWN);
    rig_wait (LONG_ENOUGH);
    cr_assert_eq (s_times (EVENT_USER_LEFT), 2);
}

//  For a request of the API, or for its work: who is there is another one's to know.
Test (hosts, a_session_that_is_loaded_for_a_request_is_not_hosted)
{
    s_dead_ones_session ();
    say_by_request (ROLE_VISITOR, "vic", "hello");
    rig_run ();
    cr_assert_eq (*fake_store_host (KEY), FAKE_OTHER);
    uint64_t last = fake_store_last (KEY);
    rig_office.idle_ms = 10000;
    rig_wait (LONG_ENOUGH);
    cr_assert_eq (fake_store_last (KEY), last);
    attach_as (1, 5, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_REATTACH, 1);
    rig_run ();
    cr_assert_eq (*fake_store_host (KEY), FAKE_WRITER);
    rig_wait (LONG_ENOUGH);
    cr_assert_eq (s_last ()->event, EVENT_USER_LEFT);
    cr_assert (text_is (s_last ()->user, TEXT ("anna")));
}

Test (hosts, those_of_a_dead_postoffice_have_left)
{
    s_dead_ones_session ();
    fake_store_other_says (KEY,
                           &(fake_said_t){ EVENT_NEW_MESSAGE, ROLE_VISITOR, "vic", NULL, "hm?" });
    worker_up (W1, 5);
    s_claim ();
    cr_assert_geq (fake_store_notified (NOTIFY_MOVED), 1, "somebody may have endpoints");
    rig_wait (LONG_ENOUGH);
    cr_assert_eq (s_times (EVENT_USER_LEFT), 2);
    cr_assert_eq (s_times (EVENT_BARGE_OUT), 1);
    cr_assert_eq (*fake_store_host (KEY), 0);
    cr_assert_not_null (strstr (rig_story (), "w1 WORK t1"), "the bot is asked");
    visitor_joins (1, 5);
    say (1, 5, "anybody?");
    rig_run ();
    cr_assert_not_null (strstr (rig_story (), "POSTED 1 ok"));
    cr_assert_eq (s_times (EVENT_USER_JOINED), 2);
}

//  The row says so, and this process does not know: an answer was lost, or the session was handed
//  over and nobody took it.
Test (hosts, one_that_did_not_know_finds_out)
{
    visitor_joins (1, 5);
    rig_run ();
    hand_over (1, 5);
    rig_wait (LONG_ENOUGH);
    cr_assert_null (rig_session ());
    cr_assert_eq (s_times (EVENT_USER_LEFT), 0);
    cr_assert_eq (*fake_store_host (KEY), FAKE_WRITER);
    sessions_host (rig_office.sessions, KEY, false);
    rig_wait (LONG_ENOUGH);
    cr_assert_eq (s_times (EVENT_USER_LEFT), 1);
    cr_assert_eq (*fake_store_host (KEY), 0);
}

//  What is claimed from the dead leaves a tenth of the limit to those whom clients ask for.
Test (hosts, claims_leave_room)
{
    rig_office.session_limit = 20;
    cr_expect_eq (sessions_room (rig_office.sessions), 18);
    for (unsigned at = 0; at < 19; at++) {
        char key[20];
        snprintf (key, sizeof key, "demo/s%u", at);
        sessions_host (rig_office.sessions, text_of (key), true);
        cr_expect_eq (sessions_room (rig_office.sessions), at < 18 ? 17 - at : 0);
    }
    rig_office.session_limit = 1;
    cr_expect_eq (sessions_room (rig_office.sessions), 0);
    rig_run ();
}

Test (hosts, one_that_knows_does_nothing_about_it)
{
    visitor_joins (1, 5);
    rig_run ();
    sessions_host (rig_office.sessions, KEY, false);
    rig_run ();
    cr_assert_eq (fake_store_loads, 1);
    detach (1, 5, SEQ_UNKNOWN);
    rig_run ();
    sessions_host (rig_office.sessions, KEY, false);
    rig_run ();
    cr_assert_eq (fake_store_loads, 1);
}

//  The visitor writes by SMS, and is there without a connection.
Test (hosts, who_has_a_channel_needs_no_host)
{
    fake_store_other_opens (KEY, "vic");
    fake_store_other_admits (KEY, ROLE_VISITOR, "vic", SEQ_UNKNOWN);
    fake_store_other_reaches (KEY, ROLE_VISITOR, "vic", "sms.out", "+1");
    agent_joins (1, 9, "anna");
    rig_run ();
    cr_assert_eq (*fake_store_host (KEY), FAKE_WRITER);
    detach (1, 9, SEQ_UNKNOWN);
    rig_wait (LONG_ENOUGH);
    cr_assert_eq (s_times (EVENT_USER_LEFT), 1, "the agent has");
    cr_assert_eq (*fake_store_host (KEY), 0);
    s_claim ();
    cr_assert_eq (*fake_store_host (KEY), 0, "by an old mistake");
    rig_wait (LONG_ENOUGH);
    cr_assert_eq (s_times (EVENT_USER_LEFT), 1);
}

//  Nobody is present: there is nothing to wait for, and nothing to host.
Test (hosts, a_session_without_anybody_is_given_up)
{
    fake_store_other_opens (KEY, "vic");
    s_claim ();
    cr_assert_eq (*fake_store_host (KEY), 0);
    rig_wait (600);
    cr_assert_null (rig_session ());
}

//  It cannot be told that it is hosted here: then it is not yet.
Test (hosts, one_that_cannot_be_told_of_waits)
{
    rig_begin_second ();
    s_dead_ones_session ();
    rig_office.idle_ms = 10000;
    rig_deafen (1);
    s_claim ();
    rig_wait (LONG_ENOUGH);
    cr_assert_eq (s_times (EVENT_USER_LEFT), 0);
    rig_hear_again (1);
    rig_wait (LONG_ENOUGH);
    cr_assert_eq (s_times (EVENT_USER_LEFT), 2);
}

// ---------------------------------------------------------------------------------------------
//  Two postoffices

//  A is dead; this one claims its session and begins to wait. The visitor comes back at another
//  one, and that writes nothing: it was present all the time.
Test (hosts, who_comes_back_elsewhere_has_not_left)
{
    rig_begin_second ();
    s_dead_ones_session ();
    s_claim ();
    uint64_t last = fake_store_last (KEY);
    rig_use (2);
    attach_as (3, 7, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_REATTACH, 1);
    attach_as (3, 8, ROLE_AGENT, "anna", DIALECT_RICH, ATTACH_REATTACH, 1);
    rig_run ();
    cr_assert_eq (*fake_store_host (KEY), FAKE_OTHER);
    cr_assert_eq (fake_store_last (KEY), last);
    rig_wait (LONG_ENOUGH);
    cr_assert_eq (fake_store_last (KEY), last, "nobody has left");
    cr_assert_eq (*fake_store_host (KEY), FAKE_OTHER);
    rig_use (1);
    cr_assert_null (rig_session ());
}

//  And so whatever this one does not hear.
Test (hosts, who_comes_back_elsewhere_unheard_has_not_left)
{
    rig_begin_second ();
    s_dead_ones_session ();
    s_claim ();
    uint64_t last = fake_store_last (KEY);
    rig_deafen (1);
    rig_use (2);
    attach_as (3, 7, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_REATTACH, 1);
    attach_as (3, 8, ROLE_AGENT, "anna", DIALECT_RICH, ATTACH_REATTACH, 1);
    rig_wait (LONG_ENOUGH);
    cr_assert_eq (fake_store_last (KEY), last);
}

//  A fail-over loses that the other one had become the host. Both are told that the database is
//  back, this one first, just when the grace period is over.
Test (hosts, a_host_that_a_fail_over_forgot)
{
    rig_begin_second ();
    s_dead_ones_session ();
    s_claim ();
    uint64_t last = fake_store_last (KEY);
    rig_use (2);
    attach_as (3, 7, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_REATTACH, 1);
    attach_as (3, 8, ROLE_AGENT, "anna", DIALECT_RICH, ATTACH_REATTACH, 1);
    rig_deafen (1);
    rig_run ();
    rig_deafen (2);
    *fake_store_host (KEY) = FAKE_WRITER;
    uv_sleep (GRACE_MS + 50);
    rig_hear_again (1);
    rig_wait (GRACE_MS / 2);
    rig_hear_again (2);
    rig_wait (LONG_ENOUGH);
    cr_assert_eq (fake_store_last (KEY), last);
    cr_assert_eq (*fake_store_host (KEY), FAKE_OTHER);
}

//  A program of schema 4 has endpoints, and does not say that it is the host. It answers what it is
//  told.
Test (hosts, nobody_leaves_while_an_old_program_answers)
{
    s_dead_ones_session ();
    s_claim ();
    uint64_t last = fake_store_last (KEY);
    unsigned asked = fake_store_notified (NOTIFY_MOVED);
    for (unsigned round = 0; round < 12; round++) {
        session_happens (rig_session (), SESSION_SHARED);
        rig_wait (GRACE_MS / 2);
    }
    cr_assert_eq (fake_store_last (KEY), last);
    cr_assert_gt (fake_store_notified (NOTIFY_MOVED), asked, "it is asked in each grace period");
    rig_session ()->split_hosting = (split_hosting_t){ 0 }; //  it has not answered for long
    rig_wait (LONG_ENOUGH);
    cr_assert_eq (s_times (EVENT_USER_LEFT), 2);
}

//  It comes back at the last moment: the entry that it has left is on its way. Either the other
//  one's load is first, and the append loses; or the load sees the entry, and the visitor joins.
static void
s_at_the_last_moment (bool load_is_first)
{
    rig_begin_second ();
    s_dead_ones_session ();
    s_claim ();
    uint64_t last = fake_store_last (KEY);
    operation_t *operation = operation_absent (ROLE_VISITOR, TEXT ("vic"));
    schedule_begun (rig_office.schedule, operation);
    list_remove (&fold_participant (&rig_session ()->fold, ROLE_VISITOR, TEXT ("vic"))->absent);
    if (!load_is_first) {
        session_ask (rig_session (), &operation);
        session_turn (rig_session ()); //  the append stands before the load
    }
    rig_use (2);
    attach_as (3, 7, ROLE_VISITOR, "vic", DIALECT_WIDGET, ATTACH_FRAME, 1);
    session_turn (rig_session ());
    rig_use (1);
    if (load_is_first) {
        session_ask (rig_session (), &operation);
        session_turn (rig_session ());
    }
    rig_run ();
    cr_assert_eq (s_times (EVENT_USER_LEFT), load_is_first ? 0 : 1);
    cr_assert_eq (s_last ()->event, EVENT_USER_JOINED);
    cr_assert_eq (fake_store_last (KEY), last + (load_is_first ? 1 : 2));
    cr_assert_eq (*fake_store_host (KEY), FAKE_OTHER);
}

Test (hosts, the_other_ones_load_is_first)
{
    s_at_the_last_moment (true);
}

Test (hosts, the_entry_is_first)
{
    s_at_the_last_moment (false);
}

//  The claim takes the session from one that is dead; another one that has endpoints, too, hears of
//  it, and is the host.
Test (hosts, a_claim_ends_where_there_are_endpoints)
{
    rig_begin_second ();
    visitor_joins (1, 5);
    rig_run ();
    fake_store_other_admits (KEY, ROLE_AGENT, "anna", SEQ_UNKNOWN); //  at a third one, which dies
    *fake_store_host (KEY) = FAKE_OTHER;
    sessions_host (rig_second.sessions, KEY, true);
    rig_run ();
    cr_assert_eq (*fake_store_host (KEY), FAKE_WRITER);
    rig_wait (2 * LONG_ENOUGH);
    for (uint64_t seq = 1; seq <= fake_store_last (KEY); seq++)
        if (fake_store_entry (KEY, seq)->event == EVENT_USER_LEFT)
            cr_assert_eq (fake_store_entry (KEY, seq)->role, ROLE_AGENT, "the visitor is here");
}

//  A visitor here, an agent there: each postoffice knows of the other from its load.
static void
s_split (void)
{
    rig_begin_second ();
    visitor_joins (1, 5);
    rig_run ();
    rig_use (2);
    agent_joins (3, 7, "anna");
    rig_run ();
}

Test (hosts, nobody_leaves_while_two_host_the_session)
{
    s_split ();
    rig_wait (2 * LONG_ENOUGH);
    cr_assert_eq (s_times (EVENT_USER_LEFT), 0);
    rig_use (1);
    cr_assert (rig_session ()->split_hosting.is_shared);
    rig_use (2);
    cr_assert (rig_session ()->split_hosting.is_shared);
}

Test (hosts, each_hears_what_the_other_writes)
{
    s_split ();
    rig_use (1);
    rig_forget ();
    say (1, 5, "one");
    say (1, 5, "two");
    rig_run ();
    rig_use (2);
    cr_assert_not_null (strstr (rig_story (), "e3 DELIVER 7 #3 one\n"));
    cr_assert_not_null (strstr (rig_story (), "e3 DELIVER 7 #4 two\n"));
    rig_forget ();
    post (3, 7, EVENT_BARGE_IN, "in");
    rig_run ();
    cr_assert_not_null (strstr (rig_story (), "e1 DELIVER 5 #5 user joined\n"));
}

//  The first one writes, and the second one's answer that it is there, too, is lost with the
//  control link of the first. What the first one writes meanwhile is told to nobody.
Test (hosts, what_was_written_with_the_control_link_down_is_told_at_last)
{
    rig_begin_second ();
    visitor_joins (1, 5);
    rig_run ();
    rig_use (2);
    agent_joins (3, 7, "anna");
    rig_turn ();
    rig_deafen (1); //  its load is asked for, and what it says of it is not heard
    rig_run ();
    rig_use (1);
    rig_session ()->split_hosting = (split_hosting_t){ 0 };
    session_t *first = rig_session ();
    cr_assert_not (first->split_hosting.is_shared);
    say (1, 5, "one");
    rig_run ();
    say (1, 5, "two");
    rig_run ();
    rig_hear_again (1);
    rig_wait (400);
    cr_assert_not_null (strstr (rig_story (), "e3 DELIVER 7 #3 one\n"), "%s", rig_story ());
    cr_assert_not_null (strstr (rig_story (), "e3 DELIVER 7 #4 two\n"));
}

//  The host dies while somebody is away: the other one has to wait for them.
Test (hosts, the_second_one_dies_in_a_grace_period)
{
    rig_begin_second ();
    rig_use (2);
    visitor_joins (3, 5);
    agent_joins (3, 7, "anna");
    rig_run ();
    post (3, 7, EVENT_BARGE_IN, "in");
    rig_run ();
    detach (3, 5, SEQ_UNKNOWN);
    detach (3, 7, SEQ_UNKNOWN);
    rig_kill_second ();
    cr_assert_eq (s_times (EVENT_USER_LEFT), 0);
    cr_assert_eq (*fake_store_host (KEY), FAKE_OTHER);
    s_claim ();
    rig_wait (LONG_ENOUGH);
    cr_assert_eq (s_times (EVENT_USER_LEFT), 2);
    rig_forget ();
    worker_up (W1, 5);
    visitor_joins (1, 6);
    say (1, 6, "hello?");
    rig_run ();
    cr_assert_not_null (strstr (rig_story (), "w1 WORK t1 1\n"), "the bot has the visitor again");
}
