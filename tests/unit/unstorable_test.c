//  What PostgreSQL can never take: it is refused for good, and nobody else suffers.

#include "office_rig.h"

TestSuite (unstorable, .init = rig_begin, .fini = rig_end);

static void
s_two_visitors (void)
{
    visitor_joins (1, 5);
    visitor_joins (1, 6);
    rig_run ();
    rig_forget ();
}

Test (unstorable, its_neighbours_are_stored)
{
    s_two_visitors ();
    say (1, 5, "one");
    say (1, 5, "poison 1");
    say (1, 6, "two");
    say (1, 5, "poison 2");
    say (1, 5, "three");
    rig_run ();
    EXPECT ("e1 DELIVER 6 #2 one\n"
            "e1 POSTED 1 ok #2\n"
            "e1 POSTED 2 bad_request #0\n"
            "e1 DELIVER 5 #3 two\n"
            "e1 POSTED 3 ok #3\n"
            "e1 POSTED 4 bad_request #0\n"
            "e1 DELIVER 6 #4 three\n"
            "e1 POSTED 5 ok #4\n");
    cr_assert_eq (fake_store_last (KEY), 4);
    cr_assert_eq (fake_store_works (KEY), 3);
}

//  What comes behind it goes on in one piece again.
Test (unstorable, it_costs_a_draft_for_each_operation_that_was_with_it)
{
    s_two_visitors ();
    for (int at = 0; at < 4; at++)
        say (1, 5, at == 2 ? "poison" : (const char *[]){ "a", "b", "", "d" }[at]);
    rig_turn ();
    unsigned before = fake_store_appends;
    rig_run ();
    cr_assert_leq (fake_store_appends - before, 5);
    before = fake_store_appends;
    say (1, 5, "e");
    say (1, 5, "f");
    rig_run ();
    cr_assert_eq (fake_store_appends - before, 1);
}

Test (unstorable, said_again_it_is_refused_again)
{
    s_two_visitors ();
    for (int at = 0; at < 3; at++) {
        say (1, 5, "poison");
        rig_run ();
    }
    say (1, 5, "good");
    rig_run ();
    EXPECT ("e1 POSTED 1 bad_request #0\n"
            "e1 POSTED 2 bad_request #0\n"
            "e1 POSTED 3 bad_request #0\n"
            "e1 DELIVER 6 #2 good\n"
            "e1 POSTED 4 ok #2\n");
}

//  A worker's answer: the turn has failed, the visitor hears of it, the worker has done its part,
//  and the next question goes on.
Test (unstorable, an_answer_is_a_failure)
{
    worker_up (11, 10);
    visitor_joins (1, 5);
    say (1, 5, "one");
    say (1, 5, "two");
    rig_run ();
    accepted (11, "t1");
    rig_run ();
    rig_forget ();
    done (11, "t1", "poison");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #4 failure\n"
            "w1 SETTLED t1\n"
            "w1 WORK t2 1\n");
    cr_assert_eq (fake_store_works (KEY), 1);
    cr_assert_eq (fake_store_entry (KEY, 4)->event, EVENT_FAILURE);
    accepted (11, "t2");
    done (11, "t2", "good");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #5 good\n"
            "w1 SETTLED t2\n");
}

Test (unstorable, an_answer_does_not_take_a_message_with_it)
{
    worker_up (11, 10);
    visitor_joins (1, 5);
    say (1, 5, "one");
    rig_run ();
    accepted (11, "t1");
    rig_run ();
    rig_forget ();
    say (1, 5, "two");
    done (11, "t1", "poison");
    rig_run ();
    EXPECT ("e1 POSTED 2 ok #3\n"
            "e1 DELIVER 5 #4 failure\n"
            "w1 SETTLED t1\n"
            "w1 WORK t2 1\n");
}

//  No text: found before anything is drafted.
Test (unstorable, what_is_no_utf8_is_refused_at_the_door)
{
    s_two_visitors ();
    unsigned before = fake_store_appends;
    say (1, 5, "not \xff UTF-8");
    say (1, 5, "half \xe2\x82");
    say (1, 5, "surrogate \xed\xa0\x80");
    attach_as (1, 7, ROLE_VISITOR, "v\xc0\x80", DIALECT_RICH, ATTACH_JOIN, 0);
    rig_run ();
    EXPECT ("e1 POSTED 1 bad_request #0\n"
            "e1 POSTED 2 bad_request #0\n"
            "e1 POSTED 3 bad_request #0\n"
            "e1 ATTACHED 7 bad_request #0\n");
    cr_assert_eq (fake_store_appends, before);
}

Test (unstorable, an_answer_that_is_no_utf8_is_a_failure)
{
    worker_up (11, 10);
    visitor_joins (1, 5);
    say (1, 5, "one");
    rig_run ();
    accepted (11, "t1");
    rig_run ();
    rig_forget ();
    done (11, "t1", "\xff");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #3 failure\n"
            "w1 SETTLED t1\n");
    done (11, "t\xff", "who knows");
    rig_run ();
    EXPECT ("");
}
