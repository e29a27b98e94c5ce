//  message_ids — whose a message id is: of the participant that used it, and the router's own when
//  it begins with a colon.

#include "office_rig.h"

//  The visitor is at endpoint 5 of edge 1.
static void
s_begin (void)
{
    rig_begin ();
    visitor_joins (1, 5);
    rig_run ();
    rig_forget ();
}

TestSuite (message_ids, .init = s_begin, .fini = rig_end);

static void
s_agent_in_control (void)
{
    agent_joins (2, 9, "anna");
    post (2, 9, EVENT_BARGE_IN, "in");
    rig_run ();
    rig_forget ();
}

//  An id belongs to its participant, in memory and in the log: another one's is neither a duplicate
//  nor in the way.
Test (message_ids, two_participants_use_one_id)
{
    s_agent_in_control ();
    say (2, 9, "same");
    say (1, 5, "same");
    rig_run ();
    say (2, 9, "same");
    say (1, 5, "same");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #4 same\n"
            "e2 POSTED 2 ok #4\n"
            "e2 DELIVER 9 #5 same\n"
            "e1 POSTED 3 ok #5\n"
            "e2 POSTED 4 duplicate #4\n"
            "e1 POSTED 5 duplicate #5\n");

    say (2, 9, "later");
    rig_run ();
    rig_forget ();
    fake_store_next (FAKE_UNSURE_LOST); //  what is known of the id comes from the log then
    say (1, 5, "later");
    rig_run ();
    EXPECT ("e2 DELIVER 9 #7 later\n"
            "e1 POSTED 7 ok #7\n");
}

//  What is said under the id of something else would not be stored: it is refused, also when the id
//  is known from the log.
Test (message_ids, one_id_is_not_used_for_two_things)
{
    s_agent_in_control ();
    say (2, 9, "in");
    post (2, 9, EVENT_BARGE_IN, "in");
    rig_run ();
    EXPECT ("e2 POSTED 2 bad_request #0\n"
            "e2 POSTED 3 duplicate #3\n");
    say (2, 9, "text");
    rig_run ();
    rig_forget ();
    post (2, 9, EVENT_BARGE_OUT, "text");
    rig_run ();
    EXPECT ("e2 POSTED 5 bad_request #0\n");
    fake_store_next (FAKE_UNSURE_LOST);
    say (1, 5, "other");
    rig_run ();
    rig_forget ();
    say (2, 9, "in");
    rig_run ();
    EXPECT ("e2 POSTED 7 bad_request #0\n");
}

//  What follows from a message has an id that follows from its own: nobody can say that before.
Test (message_ids, ids_of_the_router_are_its_own)
{
    attach_as (2, 9, ROLE_AGENT, "anna", DIALECT_WIDGET, ATTACH_JOIN, SEQ_UNKNOWN);
    rig_run ();
    rig_forget ();
    say (2, 9, ":barge-in:K");
    rig_run ();
    EXPECT ("e2 POSTED 1 bad_request #0\n");
    say (2, 9, "K");
    say (2, 9, "K");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #3 user joined\n"
            "e1 DELIVER 5 #4 K\n"
            "e2 POSTED 2 ok #4\n"
            "e2 POSTED 3 duplicate #4\n");
    cr_assert (text_is (fake_store_entry (KEY, 3)->message_id, TEXT (":barge-in:K")));
}

//  One agent is replaced twice, with the same id by two others.
Test (message_ids, an_agent_is_replaced_twice_with_one_id)
{
    agent_joins (2, 7, "bert");
    agent_joins (2, 8, "carl");
    s_agent_in_control ();
    post (2, 7, EVENT_BARGE_IN, "mine");
    rig_run ();
    post (2, 9, EVENT_BARGE_IN, "in again");
    post (2, 8, EVENT_BARGE_IN, "mine");
    rig_run ();
    cr_assert_not_null (strstr (rig_story (), "POSTED 2 ok"));
    cr_assert_not_null (strstr (rig_story (), "POSTED 4 ok"));
}
