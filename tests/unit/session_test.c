//  session — stories of one session over a fake store and a fake bus: what is decided, stored and
//  told, in which order, and what becomes of it when the store or another postoffice is in the way.

#include "office_rig.h"
#include "base/clock.h"
#include "tables/postoffice_metrics.h"

TestSuite (session, .init = rig_begin, .fini = rig_end);

//  A visitor on endpoint 5 of edge 1, another connection of it on endpoint 6 of edge 2.
static void
s_visitor (void)
{
    visitor_joins (1, 5);
    rig_run ();
    EXPECT ("e1 ATTACHED 5 ok #1\n");
}

static void
s_visitor_twice (void)
{
    s_visitor ();
    visitor_joins (2, 6);
    rig_run ();
    EXPECT ("e2 ATTACHED 6 ok #1\n"
            "e2 BROADCAST 6 stop typing\n");
}

// ---------------------------------------------------------------------------------------------
//  Coming in

Test (session, join_opens)
{
    visitor_joins (1, 5);
    rig_turn ();
    EXPECT ("");
    rig_run ();
    EXPECT ("e1 ATTACHED 5 ok #1\n");
    cr_assert_eq (fake_store_last (KEY), 1);
    cr_assert_eq (fake_store_entry (KEY, 1)->event, EVENT_USER_JOINED);
    cr_assert_eq (fake_store_entry (KEY, 1)->hidden, 0);
}

Test (session, foreign_visitor_is_refused_and_nothing_changes)
{
    s_visitor ();
    attach_as (2, 6, ROLE_VISITOR, "mallory", DIALECT_RICH, ATTACH_JOIN, SEQ_UNKNOWN);
    say (2, 6, "let me in");
    rig_run ();
    EXPECT ("e2 ATTACHED 6 not_yours #1\n"
            "e2 POSTED 1 not_joined #0\n");
    cr_assert_eq (fake_store_last (KEY), 1);
    cr_assert_eq (rig_session ()->endpoint_count, 1);
}

Test (session, agent_does_not_open)
{
    agent_joins (1, 5, "anna");
    rig_run ();
    EXPECT ("e1 ATTACHED 5 not_joined #0\n");
    cr_assert_eq (fake_store_last (KEY), 0);
}

Test (session, opened_by_another_at_the_same_time)
{
    visitor_joins (1, 5);
    rig_turn ();
    cr_assert (fake_store_step ()); //  loaded: there is none
    rig_turn ();
    fake_store_other_opens (KEY, "mallory");
    rig_run ();
    EXPECT ("e1 ATTACHED 5 not_yours #1\n");
    cr_assert_eq (fake_store_last (KEY), 1);
    cr_assert_eq (rig_session ()->endpoint_count, 0);
}

Test (session, endpoint_limit)
{
    s_visitor ();
    for (uint64_t endpoint = 10; endpoint < 17; endpoint++)
        visitor_joins (2, endpoint);
    rig_run ();
    rig_forget ();
    agent_joins (2, 20, "anna");
    rig_run ();
    EXPECT ("e2 ATTACHED 20 busy #1\n");
    cr_assert_eq (postoffice_counts[POSTOFFICE_FULL_ENDPOINTS], 1);
    cr_assert_eq (fake_store_last (KEY), 1, "who is not let in has not joined");
}

// ---------------------------------------------------------------------------------------------
//  Messages

Test (session, message_is_told_after_its_commit)
{
    s_visitor_twice ();
    say (1, 5, "hello");
    rig_turn ();
    EXPECT ("");
    cr_assert (fake_store_do ());
    rig_turn ();
    EXPECT ("");
    cr_assert (fake_store_step ());
    EXPECT ("e2 DELIVER 6 #2 hello\n"
            "e1 POSTED 1 ok #2\n");
}

Test (session, endpoints_of_one_edge_share_a_record)
{
    s_visitor_twice ();
    visitor_joins (2, 7);
    rig_run ();
    rig_forget ();
    say (1, 5, "hello");
    rig_run ();
    EXPECT ("e2 DELIVER 6,7 #2 hello\n"
            "e1 POSTED 1 ok #2\n");
}

Test (session, times_rise_above_the_clients_clock)
{
    s_visitor ();
    uint64_t ahead = clock_wall_ms () + 60000; //  its clock is some way ahead
    say_at (1, 5, "m1", ahead);
    say_at (1, 5, "m2", ahead);
    say_at (1, 5, "m3", 1);
    rig_run ();
    cr_assert_eq (fake_store_entry (KEY, 2)->time_ms, ahead + 2);
    cr_assert_eq (fake_store_entry (KEY, 3)->time_ms, ahead + 3);
    cr_assert_eq (fake_store_entry (KEY, 4)->time_ms, ahead + 4);
}

//  What one client says of its clock does not move the session's for everybody.
Test (session, a_clock_that_is_far_ahead_is_not_believed)
{
    s_visitor ();
    uint64_t before = clock_wall_ms ();
    say_at (1, 5, "m1", 1ull << 52);
    say_at (1, 5, "m2", 4000000000000);
    say (1, 5, "m3");
    rig_run ();
    uint64_t last = 0;
    for (uint64_t seq = 2; seq <= 4; seq++) {
        uint64_t time = fake_store_entry (KEY, seq)->time_ms;
        cr_assert (time > last && time >= before && time < before + 60000);
        last = time;
    }
}

Test (session, repeated_message_is_known)
{
    s_visitor_twice ();
    say (1, 5, "hello");
    say (1, 5, "hello");
    rig_run ();
    say (1, 5, "hello");
    rig_run ();
    EXPECT ("e2 DELIVER 6 #2 hello\n"
            "e1 POSTED 1 ok #2\n"
            "e1 POSTED 2 duplicate #2\n"
            "e1 POSTED 3 duplicate #2\n");
    cr_assert_eq (fake_store_last (KEY), 2);
    cr_assert_eq (fake_store_loads, 1);
}

//  An agent in control: no turns, so no turn limit.
static void
s_agent_in_control (void)
{
    agent_joins (2, 9, "anna");
    post (2, 9, EVENT_BARGE_IN, "in");
    rig_run ();
    rig_forget ();
}

Test (session, repeated_message_is_known_to_the_store)
{
    s_visitor ();
    s_agent_in_control ();
    for (int at = 0; at < RECENT_IDS + 12; at++) {
        char id[20];
        snprintf (id, sizeof id, "m%d", at);
        say (1, 5, id);
        rig_run ();
    }
    uint64_t last = fake_store_last (KEY);
    rig_forget ();
    say (1, 5, "new 1");
    say (1, 5, "m0");
    say (1, 5, "new 2");
    rig_run ();
    cr_assert_str_eq (rig_story (), "e2 DELIVER 9 #176 new 1\n"
                                    "e1 POSTED 174 ok #176\n"
                                    "e1 POSTED 175 duplicate #4\n"
                                    "e2 DELIVER 9 #177 new 2\n"
                                    "e1 POSTED 176 ok #177\n");
    cr_assert_eq (fake_store_last (KEY), last + 2);
    cr_assert_eq (fake_store_loads, 2);
}

Test (session, verdict_that_changes_nothing_tells_no_seq_of_a_lost_draft)
{
    s_visitor ();
    s_agent_in_control ();
    post (2, 9, EVENT_BARGE_OUT, "out");
    rig_turn ();
    fake_store_other_says (KEY, &(fake_said_t){ EVENT_BARGE_IN, ROLE_AGENT, "otto", NULL, "" });
    rig_run ();
    EXPECT ("e2 POSTED 2 ok #0\n"
            "e1 DELIVER 5 #4 user joined\n"
            "e2 DELIVER 9 #4 user joined\n");
}

// ---------------------------------------------------------------------------------------------
//  Another writer

Test (session, another_writer_goes_first)
{
    s_visitor_twice ();
    say (1, 5, "mine");
    rig_turn ();
    fake_store_other_says (KEY, &(fake_said_t){ EVENT_NEW_MESSAGE, ROLE_AGENT, "otto", NULL, "a" });
    fake_store_other_says (KEY, &(fake_said_t){ EVENT_NEW_MESSAGE, ROLE_AGENT, "otto", NULL, "b" });
    rig_run ();
    EXPECT ("e1 DELIVER 5 #2 a\n"
            "e1 DELIVER 5 #3 b\n"
            "e2 DELIVER 6 #2 a\n"
            "e2 DELIVER 6 #3 b\n"
            "e2 DELIVER 6 #4 mine\n"
            "e1 POSTED 1 ok #4\n");
}

Test (session, always_another_writer)
{
    s_visitor ();
    say (1, 5, "mine");
    for (int at = 0; at < 30; at++) {
        rig_turn ();
        fake_store_other_says (KEY,
                               &(fake_said_t){ EVENT_NEW_MESSAGE, ROLE_AGENT, "otto", NULL, "x" });
        fake_store_step ();
    }
    rig_run ();
    cr_assert_not_null (strstr (rig_story (), "e1 POSTED 1 busy"));
}

Test (session, moved)
{
    s_visitor_twice ();
    fake_store_other_says (KEY, &(fake_said_t){ EVENT_NEW_MESSAGE, ROLE_AGENT, "otto", NULL, "a" });
    session_happens (rig_session (), SESSION_MOVED);
    rig_run ();
    EXPECT ("e1 DELIVER 5 #2 a\n"
            "e2 DELIVER 6 #2 a\n");
}

//  Another postoffice writes, and has endpoints, too: it is told that there are some here, and of
//  each entry that is written here, until it does not say so any more.
Test (session, shared_with_another_postoffice)
{
    s_visitor_twice ();
    say (1, 5, "alone");
    rig_run ();
    cr_assert_eq (fake_store_notified (NOTIFY_MOVED) + fake_store_notified (NOTIFY_SHARED), 0);
    fake_store_other_says (KEY, &(fake_said_t){ EVENT_NEW_MESSAGE, ROLE_AGENT, "otto", NULL, "a" });
    session_happens (rig_session (), SESSION_MOVED);
    rig_run ();
    cr_assert_eq (fake_store_notified (NOTIFY_SHARED), 1);

    say (1, 5, "behind another's");
    rig_run ();
    cr_assert_eq (fake_store_notified (NOTIFY_MOVED), 1);
    session_happens (rig_session (), SESSION_SHARED);
    cr_assert_eq (fake_store_notified (NOTIFY_MOVED), 2); //  of what it may have missed
    session_happens (rig_session (), SESSION_SHARED);
    cr_assert_eq (fake_store_notified (NOTIFY_MOVED), 2);
    say (1, 5, "behind ours");
    rig_run ();
    say (1, 5, "and again");
    rig_run ();
    cr_assert_eq (fake_store_notified (NOTIFY_MOVED), 4);
    cr_assert_eq (fake_store_notified (NOTIFY_SHARED), 1);
}

//  It is too soon to say so again: it is said later.
Test (session, shared_is_said_at_last)
{
    s_visitor ();
    fake_store_other_says (KEY, &(fake_said_t){ EVENT_NEW_MESSAGE, ROLE_AGENT, "otto", NULL, "a" });
    session_happens (rig_session (), SESSION_MOVED);
    rig_run ();
    cr_assert_eq (fake_store_notified (NOTIFY_SHARED), 1);
    rig_session ()->split_hosting.said_ms -= SPLIT_HOSTING_SAY_EVERY_MS - 500;
    session_happens (rig_session (), SESSION_SHARED);
    rig_run ();
    cr_assert_eq (fake_store_notified (NOTIFY_SHARED), 1);
    rig_wait (1200);
    cr_assert_eq (fake_store_notified (NOTIFY_SHARED), 2);
}

//  An agent without an endpoint here may have one there.
Test (session, nobody_leaves_who_may_be_at_another_postoffice)
{
    s_visitor ();
    agent_joins (2, 7, "anna");
    post (2, 7, EVENT_BARGE_IN, "in");
    rig_run ();
    session_happens (rig_session (), SESSION_SHARED);
    detach (2, 7, SEQ_UNKNOWN);
    rig_forget ();
    rig_wait (8 * GRACE_MS);
    EXPECT ("");
    cr_assert (fold_controls (&rig_session ()->fold, ROLE_AGENT, TEXT ("anna")));
    cr_assert_geq (fake_store_notified (NOTIFY_MOVED), 3); //  it is asked in each grace period
    rig_session ()->split_hosting = (split_hosting_t){ 0 };
    rig_wait (4 * GRACE_MS);
    cr_assert_not (fold_controls (&rig_session ()->fold, ROLE_AGENT, TEXT ("anna")));
}

Test (session, moved_while_it_is_loaded)
{
    s_visitor ();
    session_happens (rig_session (), SESSION_MOVED);
    rig_turn ();
    cr_assert (fake_store_do ()); //  what is answered is what was there before
    fake_store_other_says (KEY, &(fake_said_t){ EVENT_NEW_MESSAGE, ROLE_AGENT, "otto", NULL, "a" });
    session_happens (rig_session (), SESSION_MOVED);
    rig_run ();
    EXPECT ("e1 DELIVER 5 #2 a\n");
}

Test (session, moved_while_it_commits)
{
    s_visitor_twice ();
    say (1, 5, "mine");
    rig_turn ();
    cr_assert (fake_store_do ());
    fake_store_other_says (KEY, &(fake_said_t){ EVENT_NEW_MESSAGE, ROLE_AGENT, "otto", NULL, "a" });
    session_happens (rig_session (), SESSION_MOVED);
    rig_run ();
    EXPECT ("e2 DELIVER 6 #2 mine\n"
            "e1 POSTED 1 ok #2\n"
            "e1 DELIVER 5 #3 a\n"
            "e2 DELIVER 6 #3 a\n");
}

Test (session, unsure_and_stored)
{
    s_visitor_twice ();
    worker_up (W1, 5);
    say (1, 5, "hello");
    rig_turn ();
    rig_run ();
    rig_forget ();
    fake_store_next (FAKE_UNSURE);
    say (1, 5, "again");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #3 again\n" //  nobody knows any more who said it
            "e1 POSTED 2 duplicate #3\n"
            "e2 DELIVER 6 #3 again\n");
    done (W1, "t1", "yes");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #4 yes\n"
            "e2 DELIVER 6 #4 yes\n"
            "w1 SETTLED t1\n"
            "w1 WORK t2 1\n");
    cr_assert_eq (fake_store_works (KEY), 1);
}

Test (session, unsure_and_not_stored)
{
    s_visitor_twice ();
    fake_store_next (FAKE_UNSURE_LOST);
    say (1, 5, "hello");
    rig_run ();
    EXPECT ("e2 DELIVER 6 #2 hello\n"
            "e1 POSTED 1 ok #2\n");
    cr_assert_eq (fake_store_last (KEY), 2);
    cr_assert_eq (fake_store_works (KEY), 1);
}

Test (session, unsure_opening)
{
    fake_store_next (FAKE_WELL);
    visitor_joins (1, 5);
    rig_turn ();
    fake_store_next (FAKE_UNSURE);
    rig_run ();
    EXPECT ("e1 ATTACHED 5 ok #1\n"
            "e1 BROADCAST 5 stop typing\n");
    cr_assert_eq (fake_store_last (KEY), 1);
}

Test (session, unsure_answer_of_the_bot)
{
    s_visitor ();
    worker_up (W1, 5);
    say (1, 5, "hello");
    rig_run ();
    accepted (W1, "t1");
    rig_run ();
    rig_forget ();
    fake_store_next (FAKE_UNSURE);
    done (W1, "t1", "yes");
    rig_run ();
    EXPECT ("w1 SETTLED t1\n" //  somebody else's answer, for all that it knows
            "e1 DELIVER 5 #3 yes\n");
    cr_assert_eq (fake_store_works (KEY), 0);
    say (1, 5, "more");
    rig_run ();
    EXPECT ("e1 POSTED 2 ok #4\n"
            "w1 WORK t2 1\n");
}

// ---------------------------------------------------------------------------------------------
//  The store is away

Test (session, store_is_down_for_a_load)
{
    fake_store_always (FAKE_DOWN);
    visitor_joins (1, 5);
    say (1, 5, "hello");
    rig_run ();
    EXPECT ("e1 ATTACHED 5 store_down #0\n"
            "e1 POSTED 1 store_down #0\n");
    fake_store_always (FAKE_WELL);
    visitor_joins (1, 5);
    rig_run ();
    EXPECT ("e1 ATTACHED 5 ok #1\n");
}

Test (session, store_is_down_for_an_append)
{
    s_visitor_twice ();
    fake_store_always (FAKE_DOWN);
    say (1, 5, "hello");
    say (2, 6, "you");
    rig_run ();
    EXPECT ("e1 POSTED 1 store_down #0\n"
            "e2 POSTED 2 store_down #0\n");
    fake_store_always (FAKE_WELL);
    say (1, 5, "hello");
    rig_run ();
    EXPECT ("e2 DELIVER 6 #2 hello\n"
            "e1 POSTED 3 ok #2\n");
}

Test (session, store_is_full)
{
    s_visitor ();
    fake_store_next (FAKE_FULL);
    say (1, 5, "hello");
    rig_run ();
    EXPECT ("e1 POSTED 1 store_down #0\n");
    say (1, 5, "hello");
    rig_run ();
    EXPECT ("e1 POSTED 2 ok #2\n");
}

Test (session, reattaches_wait_for_the_store)
{
    s_visitor ();
    edge_down (1);
    fake_store_other_says (KEY, &(fake_said_t){ EVENT_NEW_MESSAGE, ROLE_AGENT, "otto", NULL, "a" });
    session_happens (rig_session (), SESSION_MOVED);
    fake_store_always (FAKE_DOWN);
    attach_as (2, 6, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_REATTACH, 1);
    rig_run ();
    EXPECT ("");
    fake_store_always (FAKE_WELL);
    sessions_happen (rig_office.sessions, SESSION_STORE_READY);
    rig_run ();
    EXPECT ("e2 ATTACHED 6 ok #2\n"
            "e2 DELIVER 6 #2 a\n");
}

Test (session, outcomes_wait_for_the_store)
{
    s_visitor ();
    worker_up (W1, 5);
    say (1, 5, "hello");
    rig_run ();
    accepted (W1, "t1");
    rig_run ();
    rig_forget ();
    fake_store_always (FAKE_DOWN);
    done (W1, "t1", "yes");
    rig_run ();
    EXPECT ("");
    fake_store_always (FAKE_WELL);
    rig_wait (300);
    EXPECT ("e1 DELIVER 5 #3 yes\n"
            "w1 SETTLED t1\n");
    cr_assert_eq (schedule_load (rig_office.schedule).operations, 0);
}

// ---------------------------------------------------------------------------------------------
//  Going while something waits

Test (session, detach_behind_an_attach)
{
    visitor_joins (1, 5);
    detach (1, 5, SEQ_UNKNOWN);
    rig_run ();
    EXPECT ("e1 ATTACHED 5 ok #1\n");
    cr_assert_eq (rig_session ()->endpoint_count, 0);
}

Test (session, detach_behind_an_attach_that_is_decided_again)
{
    s_visitor ();
    visitor_joins (2, 6);
    say (2, 6, "last words");
    detach (2, 6, SEQ_UNKNOWN);
    rig_turn ();
    fake_store_other_says (KEY, &(fake_said_t){ EVENT_NEW_MESSAGE, ROLE_AGENT, "otto", NULL, "a" });
    rig_run ();
    EXPECT ("e1 DELIVER 5 #2 a\n"
            "e2 ATTACHED 6 ok #2\n"
            "e2 BROADCAST 6 stop typing\n"
            "e1 DELIVER 5 #3 last words\n"
            "e2 POSTED 1 ok #3\n");
    cr_assert_eq (rig_session ()->endpoint_count, 1);
}

Test (session, detach_behind_a_reattach_that_waits)
{
    s_visitor ();
    edge_down (1);
    session_happens (rig_session (), SESSION_MOVED);
    fake_store_always (FAKE_DOWN);
    attach_as (2, 6, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_REATTACH, 1);
    detach (2, 6, SEQ_UNKNOWN);
    rig_run ();
    fake_store_always (FAKE_WELL);
    sessions_happen (rig_office.sessions, SESSION_STORE_READY);
    rig_run ();
    EXPECT ("e2 ATTACHED 6 ok #1\n");
    cr_assert_eq (rig_session ()->endpoint_count, 0);
}

Test (session, detach_does_not_wait_for_the_store)
{
    s_visitor_twice ();
    fake_store_always (FAKE_DOWN);
    say (1, 5, "hello");
    detach (2, 6, SEQ_UNKNOWN);
    rig_run ();
    EXPECT ("e1 POSTED 1 store_down #0\n");
    cr_assert_eq (rig_session ()->endpoint_count, 1);
}

Test (session, edge_lost_with_a_message_at_the_store)
{
    s_visitor_twice ();
    say (1, 5, "hello");
    rig_turn ();
    edge_down (1);
    rig_run ();
    EXPECT ("e2 DELIVER 6 #2 hello\n");
    cr_assert_eq (rig_session ()->endpoint_count, 1);
}

Test (session, edge_lost_with_an_attach_at_the_store)
{
    visitor_joins (1, 5);
    rig_turn ();
    fake_store_step ();
    rig_turn ();
    edge_down (1);
    rig_run ();
    EXPECT ("");
    cr_assert_eq (rig_session ()->endpoint_count, 0);
    rig_wait (GRACE_MS + 550);
    cr_assert_eq (fake_store_last (KEY), 2, "left after the grace period");
}

Test (session, attach_of_a_lost_edge)
{
    visitor_joins (1, 5);
    edge_down (1);
    rig_run ();
    EXPECT ("");
    cr_assert_eq (rig_session ()->endpoint_count, 0);
}

// ---------------------------------------------------------------------------------------------
//  Bounds

Test (session, queue_limit)
{
    s_visitor ();
    unsigned busy = 0;
    for (int at = 0; at < 1000; at++) {
        char id[20];
        snprintf (id, sizeof id, "m%d", at);
        say (1, 5, id);
    }
    for (const char *line = rig_story (); (line = strstr (line, " busy ")); line++)
        busy++;
    cr_assert (busy > 700 && busy < 1000);
    cr_assert_eq (postoffice_counts[POSTOFFICE_FULL_QUEUE], busy);
    cr_assert_eq (schedule_load (rig_office.schedule).operations + busy, 1000);
    rig_run ();
    cr_assert_eq (schedule_load (rig_office.schedule).operations, 0);
    rig_forget ();
    say (1, 5, "m0");
    rig_run ();
    EXPECT ("e1 POSTED 1001 duplicate #2\n");
}

Test (session, session_limit)
{
    s_visitor ();
    rig_office.session_limit = 1;
    bus_record_t record = { .kind = BUS_ATTACH,
                            .attach = { .endpoint = 6, .session = TEXT ("demo/another") } };
    operation_t *operation = operation_of_record (2, &record);
    sessions_ask (rig_office.sessions, TEXT ("demo/another"), &operation);
    say (1, 5, "m1");
    rig_run ();
    EXPECT ("e2 ATTACHED 6 busy #0\n"
            "e1 POSTED 1 ok #2\n");
    cr_assert_eq (postoffice_counts[POSTOFFICE_FULL_SESSIONS], 1);
}

//  The bot is behind, and a message is refused. There is room again when what was said behind it
//  comes: that is refused all the same. Said again, both are taken.
Test (session, what_follows_a_refused_message_is_refused)
{
    s_visitor ();
    worker_up (W1, 1);
    rig_fill_turns ();
    say (1, 5, "late");
    rig_run ();
    EXPECT ("e1 POSTED 33 busy #0\n");
    for (int at = 1; at <= 2; at++) {
        char id[20];
        snprintf (id, sizeof id, "t%d", at);
        accepted (W1, id);
        done (W1, id, "answer");
        rig_run ();
    }
    rig_forget ();
    say_behind (1, 5, "behind", 33);
    say_behind (1, 5, "last", 34);
    rig_run ();
    EXPECT ("e1 POSTED 34 busy #0\n"
            "e1 POSTED 35 busy #0\n");
    say (1, 5, "late");
    say_behind (1, 5, "behind", 36);
    rig_run ();
    EXPECT ("e1 POSTED 36 ok #36\n"
            "e1 POSTED 37 ok #37\n");
}

//  The database was away for longer than the edge waits: the edge has given the endpoint up, and
//  come again with it. When all of it is decided at last, the endpoint is in.
Test (session, leaves_and_comes_again_while_the_store_is_away)
{
    s_visitor ();
    hand_over (1, 5);
    rig_run ();
    visitor_joins (1, 6);
    say (1, 6, "one");
    detach (1, 6, SEQ_UNKNOWN);
    visitor_joins (1, 6);
    say (1, 6, "two");
    rig_run ();
    EXPECT ("e1 ATTACHED 6 ok #1\n"
            "e1 BROADCAST 6 stop typing\n"
            "e1 POSTED 1 ok #2\n"
            "e1 ATTACHED 6 ok #2\n"
            "e1 BROADCAST 6 stop typing\n"
            "e1 POSTED 2 ok #3\n");
    cr_assert_eq (rig_session ()->endpoint_count, 1);
    say (1, 6, "three");
    rig_run ();
    EXPECT ("e1 POSTED 3 ok #4\n");
}

//  What was refused in a changeset that is lost is refused again, although the message that it
//  followed was said again in the same changeset: else it would now be stored before it.
Test (session, a_lost_draft_lets_nobody_overtake)
{
    s_visitor ();
    rig_office.queue_limit = 1;
    say (1, 5, "first");
    EXPECT ("e1 POSTED 1 busy #0\n");
    rig_office.queue_limit = QUEUE_LIMIT;
    say_behind (1, 5, "behind", 1);
    say (1, 5, "first");
    say_behind (1, 5, "behind", 3);
    rig_turn ();
    fake_store_other_says (KEY, &(fake_said_t){ EVENT_NEW_MESSAGE, ROLE_AGENT, "otto", NULL, "x" });
    rig_run ();
    EXPECT ("e1 DELIVER 5 #2 x\n"
            "e1 POSTED 2 busy #0\n"
            "e1 POSTED 3 ok #3\n"
            "e1 POSTED 4 ok #4\n");
}

Test (session, turn_limit)
{
    s_visitor ();
    rig_fill_turns ();
    say (1, 5, "too much");
    rig_run ();
    EXPECT ("e1 POSTED 33 busy #0\n");
    cr_assert_eq (fake_store_last (KEY), 1 + TURN_LIMIT);
    cr_assert_eq (fake_store_works (KEY), TURN_LIMIT);
}

Test (session, idle_ones_are_dropped)
{
    s_visitor ();
    detach (1, 5, SEQ_UNKNOWN);
    rig_wait (1200);
    cr_assert_null (rig_session ());
    cr_assert_eq (fake_store_entry (KEY, 2)->event, EVENT_USER_LEFT);
    rig_forget ();
    visitor_joins (1, 5);
    rig_run ();
    EXPECT ("e1 ATTACHED 5 ok #3\n"
            "e1 BROADCAST 5 stop typing\n");
}

Test (session, unknown_one_is_dropped)
{
    fake_store_always (FAKE_DOWN);
    visitor_joins (1, 5);
    rig_wait (700);
    cr_assert_null (rig_session ());
}

//  Who loses control is told on each connection, whoever took it, and cannot take it back by words.
Test (session, an_agent_who_loses_control_is_told)
{
    s_visitor ();
    agent_joins (1, 7, "anna");
    agent_joins (2, 9, "otto");
    rig_run ();
    post (1, 7, EVENT_BARGE_IN, "in-a");
    rig_run ();
    rig_forget ();
    post (2, 9, EVENT_BARGE_IN, "in-o");
    rig_run ();
    EXPECT ("e1 DELIVER 5,7 #5 user left\n"
            "e2 DELIVER 9 #5 user left\n"
            "e1 DELIVER 5,7 #6 user joined\n"
            "e2 DELIVER 9 #6 user joined\n"
            "e2 POSTED 2 ok #6\n");
    say (1, 7, "wait");
    say (2, 9, "hello");
    rig_run ();
    EXPECT ("e1 POSTED 3 not_in_control #0\n"
            "e1 DELIVER 5,7 #7 hello\n"
            "e2 POSTED 4 ok #7\n");
}

Test (session, an_agent_who_was_away_too_long_is_told_when_it_is_back)
{
    s_visitor ();
    agent_joins (2, 9, "anna");
    rig_run ();
    post (2, 9, EVENT_BARGE_IN, "in");
    rig_run ();
    detach (2, 9, SEQ_UNKNOWN);
    rig_wait (2 * GRACE_MS);
    rig_forget ();
    attach_as (2, 10, ROLE_AGENT, "anna", DIALECT_RICH, ATTACH_RESUME, 3);
    rig_run ();
    EXPECT ("e2 ATTACHED 10 ok #6\n"
            "e2 DELIVER 10 #4 user left\n"
            "e2 BROADCAST 10 stop typing\n");
    say (2, 10, "still here?");
    rig_run ();
    EXPECT ("e2 POSTED 2 not_in_control #0\n");
}
