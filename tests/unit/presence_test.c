//  presence — stories of those who go: the grace period, who is told, what becomes of control.

#include "office_rig.h"
#include "session/presence.h"

#include <string.h>

TestSuite (presence, .init = rig_begin, .fini = rig_end);

#define LONG_ENOUGH (GRACE_MS + 600)

static void
s_visitor_and_agents (void)
{
    visitor_joins (1, 5);
    agent_joins (2, 9, "anna");
    agent_joins (2, 10, "otto");
    rig_run ();
    rig_forget ();
}

Test (presence, who_stays_away_has_left)
{
    s_visitor_and_agents ();
    detach (1, 5, SEQ_UNKNOWN);
    rig_run ();
    EXPECT ("");
    rig_wait (LONG_ENOUGH);
    EXPECT ("e2 DELIVER 9,10 #4 user left\n");
    visitor_joins (1, 6);
    rig_run ();
    EXPECT ("e2 DELIVER 9,10 #5 user joined\n"
            "e1 ATTACHED 6 ok #5\n"
            "e1 BROADCAST 6 stop typing\n");
}

Test (presence, who_returns_was_not_away)
{
    s_visitor_and_agents ();
    detach (1, 5, SEQ_UNKNOWN);
    rig_run ();
    visitor_joins (2, 6);
    rig_run ();
    rig_forget ();
    rig_wait (LONG_ENOUGH);
    EXPECT ("");
    cr_assert_eq (fake_store_last (KEY), 3);
}

Test (presence, who_returns_at_the_last_moment)
{
    s_visitor_and_agents ();
    detach (1, 5, SEQ_UNKNOWN);
    rig_run ();
    uv_sleep (GRACE_MS + 250); //  the end of the grace and the return are seen in the same turn
    visitor_joins (2, 6);
    rig_wait (LONG_ENOUGH);
    uint64_t last = fake_store_last (KEY);
    cr_assert (last == 3 || fake_store_entry (KEY, last)->event == EVENT_USER_JOINED);
}

Test (presence, one_of_two_connections)
{
    s_visitor_and_agents ();
    visitor_joins (2, 6);
    rig_run ();
    rig_forget ();
    detach (1, 5, SEQ_UNKNOWN);
    rig_wait (LONG_ENOUGH);
    EXPECT ("");
}

Test (presence, lost_edge)
{
    s_visitor_and_agents ();
    edge_down (2);
    rig_wait (LONG_ENOUGH);
    cr_assert_eq (fake_store_last (KEY), 5);
    cr_assert_eq (fake_store_entry (KEY, 4)->event, EVENT_USER_LEFT);
    cr_assert_eq (fake_store_entry (KEY, 5)->event, EVENT_USER_LEFT);
    EXPECT (""); //  agents who only listen are not spoken of
}

Test (presence, agent_in_control_leaves)
{
    s_visitor_and_agents ();
    worker_up (W1, 5);
    post (2, 9, EVENT_BARGE_IN, "in");
    rig_run ();
    rig_forget ();
    detach (2, 9, SEQ_UNKNOWN);
    rig_wait (LONG_ENOUGH);
    EXPECT ("e1 DELIVER 5 #5 user left\n"
            "e2 DELIVER 10 #5 user left\n");
    cr_assert_eq (fake_store_entry (KEY, 5)->event, EVENT_BARGE_OUT);
    cr_assert_eq (fake_store_entry (KEY, 6)->event, EVENT_USER_LEFT);
    say (1, 5, "anybody?");
    rig_run ();
    EXPECT ("e2 DELIVER 10 #7 anybody?\n"
            "e1 POSTED 2 ok #7\n"
            "w1 WORK t1 1\n");
}

Test (presence, grace_is_not_begun_anew_by_another_writer)
{
    s_visitor_and_agents ();
    detach (1, 5, SEQ_UNKNOWN);
    rig_run ();
    rig_office.grace_ms = 400;
    for (int at = 0; at < 10; at++) {
        fake_store_other_says (KEY,
                               &(fake_said_t){ EVENT_NEW_MESSAGE, ROLE_AGENT, "x", NULL, "x" });
        session_happens (rig_session (), SESSION_MOVED);
        rig_wait (100);
    }
    bool left = false;
    for (uint64_t seq = 4; seq <= fake_store_last (KEY); seq++)
        left |= fake_store_entry (KEY, seq)->event == EVENT_USER_LEFT;
    cr_assert (left);
}

Test (presence, those_of_a_dead_postoffice)
{
    fake_store_other_opens (KEY, "vic");
    fake_store_other_admits (KEY, ROLE_VISITOR, "vic", SEQ_UNKNOWN);
    fake_store_other_admits (KEY, ROLE_AGENT, "anna", SEQ_UNKNOWN);
    attach_as (1, 5, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_REATTACH, 1);
    rig_run ();
    EXPECT ("e1 ATTACHED 5 ok #1\n");
    rig_wait (LONG_ENOUGH);
    cr_assert_eq (fake_store_last (KEY), 2);
    cr_assert_eq (fake_store_entry (KEY, 2)->event, EVENT_USER_LEFT);
    cr_assert_eq (fake_store_entry (KEY, 2)->role, ROLE_AGENT);
}

Test (presence, nobody_leaves_because_the_session_moved)
{
    s_visitor_and_agents ();
    post (2, 9, EVENT_BARGE_IN, "in");
    rig_run ();
    uint64_t last = fake_store_last (KEY);
    detach (2, 10, SEQ_UNKNOWN); //  otto goes, and his grace with the session
    rig_run ();
    hand_over (1, 5);
    hand_over (2, 9);
    rig_wait (LONG_ENOUGH + IDLE_MS + 600);
    cr_assert_eq (fake_store_last (KEY), last);
    cr_assert_null (sessions_find (rig_office.sessions, KEY)); //  nobody needs it here
}

Test (presence, session_that_is_loaded_for_its_work_declares_nobody_absent)
{
    fake_store_other_opens (KEY, "vic");
    fake_store_other_admits (KEY, ROLE_VISITOR, "vic", SEQ_UNKNOWN);
    fake_store_other_asks (KEY, "item", 1);
    rig_name ("item");
    worker_up (15, 5);
    sessions_adopt (rig_office.sessions, KEY);
    rig_wait (LONG_ENOUGH);
    cr_assert_eq (fake_store_last (KEY), 1);
}

//  What a worker shows of a turn, by what is known of the session. Content (a notice, half an
//  answer) must not appear when the turn may be over.
Test (presence, what_may_be_shown_of_a_turn)
{
    static const struct {
        session_state_t state;
        bool is_stale, is_shared, is_deaf, of_agent;
        bool typing, content;
    } cases[] = {
        { .state = SESSION_READY, .typing = true, .content = true },
        { .state = SESSION_COMMITTING, .typing = true, .content = true },
        { .state = SESSION_UNKNOWN },
        { .state = SESSION_LOADING },
        { .state = SESSION_READY, .of_agent = true },
        { .state = SESSION_READY, .is_stale = true, .typing = true },
        { .state = SESSION_READY, .is_shared = true, .typing = true },
        { .state = SESSION_READY, .is_deaf = true, .typing = true },
        { .state = SESSION_COMMITTING, .is_stale = true, .typing = true },
    };
    visitor_joins (1, 5);
    worker_up (W1, 5);
    say (1, 5, "hello");
    rig_run ();
    session_t *session = rig_session ();
    const turn_t *turn = LIST_THING (list_first (&session->fold.turns), turn_t, in_fold);
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        session->state = cases[at].state;
        session->stale = cases[at].is_stale;
        session->split_hosting.is_shared = cases[at].is_shared;
        rig_office.is_deaf = cases[at].is_deaf;
        session->fold.control_role = cases[at].of_agent ? ROLE_AGENT : ROLE_BOT;
        cr_expect_eq (presence_may_show (session, turn, EVENT_TYPING), cases[at].typing, "%zu", at);
        cr_expect_eq (presence_may_show (session, turn, EVENT_RETRY_NOTICE), cases[at].content,
                      "%zu", at);
        cr_expect_eq (presence_may_show (session, turn, EVENT_PART), cases[at].content, "%zu", at);
        cr_expect_not (presence_may_show (session, NULL, EVENT_TYPING), "no such turn");
    }
    session->state = SESSION_READY;
    session->stale = session->split_hosting.is_shared = rig_office.is_deaf = false;
    session->fold.control_role = ROLE_BOT;
}

Test (presence, a_notice_is_not_shown_after_a_take_over)
{
    s_visitor_and_agents ();
    worker_up (W1, 5);
    say (1, 5, "hello");
    rig_run ();
    accepted (W1, "t1");
    rig_run ();
    rig_forget ();
    progress (W1, "t1", EVENT_RETRY_NOTICE);
    cr_assert_not_null (strstr (rig_story (), "e1 BROADCAST 5"));
    //  Somewhere else, which is told to this postoffice and not loaded yet.
    session_happens (rig_session (), SESSION_MOVED);
    rig_forget ();
    progress (W1, "t1", EVENT_RETRY_NOTICE);
    EXPECT ("");
    rig_run ();
    post (2, 9, EVENT_BARGE_IN, "in");
    rig_turn ();
    rig_forget ();
    progress (W1, "t1", EVENT_RETRY_NOTICE);
    progress (W1, "t1", EVENT_TYPING);
    EXPECT ("");
    rig_run ();
    rig_forget ();
    progress (W1, "t1", EVENT_RETRY_NOTICE);
    EXPECT ("");
}

//  Only of the worker that has the turn, to clients that know it, and nothing behind its end.
Test (presence, half_an_answer)
{
    visitor_joins (1, 5);
    visitor_joins (1, 6);
    worker_up (W1, 5);
    worker_up (W2, 5);
    say (1, 5, "hello");
    rig_run ();
    session_endpoint (rig_session (), 1, 6)->dialect = DIALECT_WIDGET;
    rig_forget ();
    progress (W1, "t1", EVENT_PART);
    EXPECT (""); //  it has not accepted the turn
    accepted (W1, "t1");
    rig_run ();
    rig_forget ();
    progress (W1, "t1", EVENT_PART);
    EXPECT ("e1 BROADCAST 5 part\n");
    progress (W2, "t1", EVENT_PART);
    EXPECT ("");
    done (W1, "t1", "{\"text\":\"a\"}");
    progress (W1, "t1", EVENT_PART); //  committed or not: the turn is over in the fold
    rig_run ();
    rig_forget ();
    progress (W1, "t1", EVENT_PART);
    EXPECT ("");
}

Test (presence, typing)
{
    s_visitor_and_agents ();
    visitor_joins (1, 6);
    rig_run ();
    rig_forget ();
    type (1, 5, EVENT_TYPING);
    EXPECT ("e2 BROADCAST 9 typing\n"
            "e2 BROADCAST 10 typing\n");
    type (2, 9, EVENT_TYPING); //  not in control
    type (1, 5, EVENT_NEW_MESSAGE);
    EXPECT ("");
    detach (1, 6, SEQ_UNKNOWN);
    rig_run ();
    EXPECT ("");
    detach (1, 5, SEQ_UNKNOWN);
    rig_run ();
    EXPECT ("e2 BROADCAST 9 stop typing\n"
            "e2 BROADCAST 10 stop typing\n");
}

Test (presence, agent_in_control_types)
{
    s_visitor_and_agents ();
    post (2, 9, EVENT_BARGE_IN, "in");
    rig_run ();
    rig_forget ();
    type (2, 9, EVENT_TYPING);
    EXPECT ("e1 BROADCAST 5 typing\n"
            "e2 BROADCAST 10 typing\n");
}
