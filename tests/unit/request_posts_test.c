//  request_posts — posts of participants without an endpoint: what the API asks for. They are
//  decided, stored and told like those of connections, and make nobody present or absent.

#include "office_rig.h"

TestSuite (request_posts, .init = rig_begin, .fini = rig_end);

//  The visitor is at endpoint 5 of edge 1.
static void
s_visitor (void)
{
    visitor_joins (1, 5);
    rig_run ();
    rig_forget ();
}

static void
s_anna_has_control (void)
{
    agent_joins (2, 9, "anna");
    post (2, 9, EVENT_BARGE_IN, "in");
    rig_run ();
    rig_forget ();
}

Test (request_posts, of_a_visitor)
{
    s_visitor ();
    agent_joins (2, 9, "anna");
    worker_up (W1, 10);
    rig_run ();
    rig_forget ();
    say_by_request (ROLE_VISITOR, "vic", "hello");
    rig_run ();
    //  Nobody said it here, so that the visitor's own connections are told, too.
    EXPECT ("e1 DELIVER 5 #3 hello\n"
            "e2 DELIVER 9 #3 hello\n"
            "api POSTED 1 ok #3\n"
            "w1 WORK t1 1\n");
    const stored_entry_t *entry = fake_store_entry (KEY, 3);
    cr_assert (entry->role == ROLE_VISITOR && text_is (entry->user, TEXT ("vic")));
    cr_assert (text_is (entry->sender, TEXT ("{}")));

    say_by_request (ROLE_VISITOR, "vic", "hello");
    say (1, 5, "hello");
    rig_run ();
    EXPECT ("api POSTED 2 duplicate #3\n"
            "e1 POSTED 3 duplicate #3\n");
    worker_down (W1);
}

Test (request_posts, of_an_agent)
{
    s_visitor ();
    s_anna_has_control ();
    say_by_request (ROLE_AGENT, "anna", "hello");
    say_by_request (ROLE_AGENT, "otto", "hello");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #4 hello\n"
            "e2 DELIVER 9 #4 hello\n"
            "api POSTED 2 ok #4\n"
            "api POSTED 3 not_in_control #0\n");
    cr_assert_eq (fake_store_last (KEY), 4);
}

Test (request_posts, of_whom_it_is_not_for)
{
    say_by_request (ROLE_VISITOR, "vic", "hello"); //  opens nothing
    rig_run ();
    EXPECT ("api POSTED 1 not_joined #0\n");
    s_visitor ();
    say_by_request (ROLE_VISITOR, "mal", "hello");
    say_by_request (ROLE_BOT, "bot", "hello");
    say_by_request (ROLE_VISITOR, "vic", ":answer:1");
    rig_run ();
    EXPECT ("api POSTED 2 not_yours #0\n"
            "api POSTED 3 not_allowed #0\n"
            "api POSTED 4 bad_request #0\n");
    cr_assert_eq (fake_store_last (KEY), 1);
}

//  The visitor is gone, and is not there because of what it posts.
Test (request_posts, nobody_is_present)
{
    s_visitor ();
    s_anna_has_control ();
    detach (1, 5, SEQ_UNKNOWN);
    rig_wait (GRACE_MS + 300);
    EXPECT ("e2 DELIVER 9 #4 user left\n");
    say_by_request (ROLE_VISITOR, "vic", "one");
    rig_wait (GRACE_MS + 300);
    EXPECT ("e2 DELIVER 9 #5 one\n"
            "api POSTED 2 ok #5\n");
}

//  Nor is anybody absent: a grace period that runs goes on.
Test (request_posts, nobody_is_absent)
{
    s_visitor ();
    detach (1, 5, SEQ_UNKNOWN);
    rig_run ();
    say_by_request (ROLE_VISITOR, "vic", "one");
    rig_run ();
    EXPECT ("api POSTED 1 ok #2\n");
    visitor_joins (1, 6);
    rig_wait (GRACE_MS + 300);
    EXPECT ("e1 ATTACHED 6 ok #2\n"
            "e1 BROADCAST 6 stop typing\n");
}

//  The session is loaded for a request: nobody is said to have left because of that. Once somebody
//  comes, all others who take part are awaited.
Test (request_posts, a_session_that_is_loaded_for_one)
{
    fake_store_other_opens (KEY, "vic");
    fake_store_other_admits (KEY, ROLE_VISITOR, "vic", SEQ_UNKNOWN);
    fake_store_other_admits (KEY, ROLE_AGENT, "anna", SEQ_UNKNOWN);
    say_by_request (ROLE_VISITOR, "vic", "one");
    rig_wait (GRACE_MS + 300);
    EXPECT ("api POSTED 1 ok #2\n");
    cr_assert_eq (fake_store_last (KEY), 2);
    say_by_request (ROLE_VISITOR, "vic", "two");
    rig_run ();
    visitor_joins (1, 5);
    rig_run ();
    rig_forget ();
    rig_wait (GRACE_MS + 300);
    cr_assert_eq (fake_store_entry (KEY, fake_store_last (KEY))->event, EVENT_USER_LEFT);
    cr_assert (text_is (fake_store_entry (KEY, fake_store_last (KEY))->user, TEXT ("anna")));
}

Test (request_posts, a_database_that_is_away)
{
    s_visitor ();
    fake_store_always (FAKE_DOWN);
    say_by_request (ROLE_VISITOR, "vic", "one");
    rig_run ();
    EXPECT ("api POSTED 1 store_down #0\n");
    fake_store_always (FAKE_WELL);
    fake_store_next (FAKE_UNSURE); //  the load
    say_by_request (ROLE_VISITOR, "vic", "one");
    rig_wait (300);
    cr_assert_not_null (strstr (rig_story (), "api POSTED 2 ok #2\n"));
    cr_assert_eq (fake_store_last (KEY), 2);
}

//  Nobody knows whether it is stored: it is looked for, and is there once.
Test (request_posts, an_answer_that_is_lost)
{
    static const fake_mood_t moods[] = { FAKE_UNSURE, FAKE_UNSURE_LOST };
    s_visitor ();
    for (size_t at = 0; at < 2; at++) {
        char id[] = { (char) ('a' + at), 0 };
        fake_store_next (moods[at]);
        say_by_request (ROLE_VISITOR, "vic", id);
        rig_run ();
        cr_assert_eq (fake_store_last (KEY), at + 2);
    }
    cr_assert_not_null (strstr (rig_story (), "api POSTED 1 duplicate #2\n"));
    cr_assert_not_null (strstr (rig_story (), "api POSTED 2 ok #3\n"));
}

//  The peers are at other postoffices: connections ask there, and a request is answered here.
Test (request_posts, a_postoffice_that_hands_over)
{
    s_visitor ();
    say (1, 5, "of a connection");
    say_by_request (ROLE_VISITOR, "vic", "of a request");
    sessions_happen (rig_office.sessions, SESSION_HANDED_OVER);
    rig_run ();
    cr_assert_null (strstr (rig_story (), "e1 POSTED 1 ok"));
    cr_assert_not_null (strstr (rig_story (), "api POSTED 2 ok"));
}
