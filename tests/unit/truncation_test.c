//  truncation — stories of a log that has lost its tail: nobody is deaf to what is written then,
//  those who had seen more are told, and where nothing is lost nobody is told anything.

#include "office_rig.h"

#include "tables/postoffice_metrics.h"

TestSuite (truncation, .init = rig_begin, .fini = rig_end);

static void
s_other_says (const char *data)
{
    fake_store_other_says (KEY,
                           &(fake_said_t){ EVENT_NEW_MESSAGE, ROLE_AGENT, "otto", NULL, data });
}

//  Entries up to this one, said by another postoffice.
static void
s_log_up_to (uint64_t last)
{
    char data[20];
    for (uint64_t at = fake_store_last (KEY) + 1; at <= last; at++) {
        snprintf (data, sizeof data, "n%u", (unsigned) at);
        s_other_says (data);
    }
}

static void
s_database_is_back (void)
{
    sessions_happen (rig_office.sessions, SESSION_STORE_READY);
    rig_wait (300);
}

//  "vic" on endpoint 5 of edge 1; the agent "anna", in control, on endpoint 9 of edge 2: entries 1
//  to 3. Then anna says "a" and "b": 4 and 5.
static void
s_talk (uint64_t dialect)
{
    attach_as (1, 5, ROLE_VISITOR, "vic", dialect, ATTACH_JOIN, SEQ_UNKNOWN);
    agent_joins (2, 9, "anna");
    post (2, 9, EVENT_BARGE_IN, "in");
    say (2, 9, "a");
    say (2, 9, "b");
    rig_run ();
    cr_assert_eq (fake_store_last (KEY), 5);
    rig_forget ();
}

// ---------------------------------------------------------------------------------------------
//  Live endpoints

//  Nobody writes: they hear of it all the same, and are not deaf then.
Test (truncation, the_log_ends_earlier)
{
    s_talk (DIALECT_RICH);
    int64_t sessions = postoffice_counts[POSTOFFICE_TRUNCATED_SESSIONS];
    fake_store_lose_above (KEY, 3);
    s_database_is_back ();
    EXPECT ("e1 TRUNCATED 5 #3 of 3\n"
            "e2 TRUNCATED 9 #3 of 3\n");
    say (2, 9, "c");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #4 c\n"
            "e2 POSTED 4 ok #4\n");
    cr_assert_eq (postoffice_counts[POSTOFFICE_TRUNCATED_SESSIONS], sessions + 1);
}

Test (truncation, the_log_has_other_entries_there)
{
    s_talk (DIALECT_RICH);
    fake_store_lose_above (KEY, 3);
    s_log_up_to (6);
    s_database_is_back ();
    EXPECT ("e1 TRUNCATED 5 #3 of 6\n"
            "e2 TRUNCATED 9 #3 of 6\n"
            "e1 DELIVER 5 #4 n4\n"
            "e1 DELIVER 5 #5 n5\n"
            "e1 DELIVER 5 #6 n6\n"
            "e2 DELIVER 9 #4 n4\n"
            "e2 DELIVER 9 #5 n5\n"
            "e2 DELIVER 9 #6 n6\n");
}

//  It is as long as it was: only what stands there tells.
Test (truncation, the_log_has_one_other_entry)
{
    s_talk (DIALECT_RICH);
    fake_store_lose_above (KEY, 4);
    s_log_up_to (5);
    s_database_is_back ();
    EXPECT ("e1 TRUNCATED 5 #4 of 5\n"
            "e2 TRUNCATED 9 #4 of 5\n"
            "e1 DELIVER 5 #5 n5\n"
            "e2 DELIVER 9 #5 n5\n");
}

//  A planned change of the server, or a standby that had everything.
Test (truncation, where_nothing_is_lost_nobody_is_told)
{
    s_talk (DIALECT_RICH);
    s_database_is_back ();
    EXPECT ("");
    s_log_up_to (6);
    s_database_is_back ();
    EXPECT ("e1 DELIVER 5 #6 n6\n"
            "e2 DELIVER 9 #6 n6\n");
}

//  One who writes before we know that the database was away.
Test (truncation, noticed_by_a_conflict)
{
    s_talk (DIALECT_RICH);
    fake_store_lose_above (KEY, 4);
    say (1, 5, "mine");
    rig_run ();
    EXPECT ("e1 TRUNCATED 5 #4 of 4\n"
            "e2 TRUNCATED 9 #4 of 4\n"
            "e2 DELIVER 9 #5 mine\n"
            "e1 POSTED 4 ok #5\n");
}

//  More was written meanwhile than a load brings: what they have is compared when they read on.
Test (truncation, far_behind_and_nothing_lost)
{
    s_talk (DIALECT_RICH);
    s_log_up_to (85);
    s_database_is_back ();
    cr_assert_null (strstr (rig_story (), "TRUNCATED"));
    cr_assert_not_null (strstr (rig_story (), "e1 DELIVER 5 #6 n6\ne1 DELIVER 5 #7 n7\n"));
    cr_assert_null (strstr (rig_story (), "e1 DELIVER 5 #5 "));
    cr_assert_not_null (strstr (rig_story (), "e1 DELIVER 5 #85 n85\n"));
}

Test (truncation, far_behind_and_something_lost)
{
    s_talk (DIALECT_RICH);
    fake_store_lose_above (KEY, 4);
    s_log_up_to (85);
    s_database_is_back ();
    cr_assert_not_null (strstr (rig_story (), "e1 TRUNCATED 5 #0 of 85\n"));
    cr_assert_not_null (strstr (rig_story (), "e1 DELIVER 5 #4 a\ne1 DELIVER 5 #5 n5\n"));
    cr_assert_not_null (strstr (rig_story (), "e1 DELIVER 5 #85 n85\n"));
}

//  A read has brought it more than was published, and that is lost.
Test (truncation, one_that_is_ahead)
{
    s_talk (DIALECT_RICH);
    s_other_says ("c");
    session_happens (rig_session (), SESSION_MOVED);
    rig_turn ();
    cr_assert (fake_store_step ()); //  loaded: 6 is the last
    s_other_says ("d");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #6 c\n"
            "e1 DELIVER 5 #7 d\n"
            "e2 DELIVER 9 #6 c\n"
            "e2 DELIVER 9 #7 d\n");
    fake_store_lose_above (KEY, 6);
    s_database_is_back ();
    EXPECT ("e1 TRUNCATED 5 #6 of 6\n"
            "e2 TRUNCATED 9 #6 of 6\n");
    say (2, 9, "e");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #7 e\n"
            "e2 POSTED 4 ok #7\n");
}

//  It waits for its client in the middle of a part of the log that is lost.
Test (truncation, in_the_middle_of_a_long_history)
{
    fake_store_other_opens (KEY, "vic");
    s_log_up_to (350);
    attach_as (1, 5, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_RESUME, 0);
    rig_run ();
    rig_forget ();
    fake_store_lose_above (KEY, 90);
    s_log_up_to (92);
    s_database_is_back ();
    cr_assert_eq (strncmp (rig_story (), "e1 TRUNCATED 5 #0 of 92\ne1 DELIVER 5 #2 n2\n", 43), 0,
                  "%s", rig_story ());
    cr_assert_not_null (strstr (rig_story (), "e1 DELIVER 5 #92 n92\n"));
}

// ---------------------------------------------------------------------------------------------
//  What waits

//  The post is stored, and its answer waits until the client has what stands before it. Its edge
//  sends it again when both are lost.
Test (truncation, an_answer_that_waits)
{
    fake_store_other_opens (KEY, "vic");
    s_log_up_to (150);
    attach_as (1, 5, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_RESUME, 0);
    say (1, 5, "mine");
    rig_run ();
    uint64_t last = fake_store_last (KEY);
    cr_assert_null (strstr (rig_story (), "POSTED"));
    rig_forget ();
    fake_store_lose_above (KEY, last - 1);
    s_database_is_back ();
    EXPECT ("e1 POSTED 1 not_joined #0\n");
    say (1, 5, "mine");
    rig_run ();
    cr_assert_eq (fake_store_last (KEY), last);
    while (!strstr (rig_story (), "POSTED")) {
        more (1, 5);
        rig_run ();
    }
    cr_assert_not_null (strstr (rig_story (), "e1 POSTED 2 ok "));
}

//  Receipts of before that are under way are of what is lost.
Test (truncation, receipts_of_before_do_not_count)
{
    s_talk (DIALECT_WIDGET);
    received (1, 5, 5);
    fake_store_lose_above (KEY, 3);
    s_log_up_to (5);
    s_database_is_back ();
    EXPECT ("e1 TRUNCATED 5 #3 of 5\n"
            "e2 TRUNCATED 9 #3 of 5\n"
            "e1 DELIVER 5 #4 n4\n"
            "e1 DELIVER 5 #5 n5\n"
            "e2 DELIVER 9 #4 n4\n"
            "e2 DELIVER 9 #5 n5\n");
    received (1, 5, 5);
    received (1, 5, 0); //  the edge has heard
    received (1, 5, 4);
    detach (1, 5, SEQ_UNKNOWN);
    rig_run ();
    cr_assert_eq (fake_store_received_of (KEY, ROLE_VISITOR, "vic"), 4);
    attach_as (1, 6, ROLE_VISITOR, "vic", DIALECT_WIDGET, ATTACH_SILENT, SEQ_UNKNOWN);
    rig_run ();
    EXPECT ("e1 ATTACHED 6 ok #5\n"
            "e1 DELIVER 6 #5 n5\n"
            "e1 BROADCAST 6 stop typing\n");
}

// ---------------------------------------------------------------------------------------------
//  The session itself

Test (truncation, a_session_that_was_opened_in_the_lost_tail)
{
    s_talk (DIALECT_RICH);
    fake_store_lose_above (KEY, 0);
    s_database_is_back ();
    EXPECT ("e1 TRUNCATED 5 #0 of 0 gone\n"
            "e2 TRUNCATED 9 #0 of 0 gone\n");
    attach_as (1, 5, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_REATTACH, 0);
    attach_as (2, 9, ROLE_AGENT, "anna", DIALECT_RICH, ATTACH_REATTACH, 0);
    rig_run ();
    EXPECT ("e1 ATTACHED 5 ok #1\n"
            "e2 ATTACHED 9 ok #2\n"
            "e2 DELIVER 9 #1 user joined\n");
    say (1, 5, "again");
    rig_run ();
    EXPECT ("e2 DELIVER 9 #3 again\n"
            "e1 POSTED 4 ok #3\n");
}

//  Pages that stand open for a month need not open it anew.
Test (truncation, a_session_that_was_dropped_as_old)
{
    s_talk (DIALECT_RICH);
    rig_session ()->fold.last_time_ms = 1;
    fake_store_lose_above (KEY, 0);
    s_database_is_back ();
    EXPECT ("");
    say (1, 5, "mine");
    rig_run ();
    EXPECT ("e1 POSTED 4 not_joined #0\n");
    //  Its edge brings it back, and it is told then.
    attach_at (1, 5, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_REATTACH,
               (log_position_t){ 5, 77 });
    rig_run ();
    EXPECT ("e1 ATTACHED 5 ok #1\n"
            "e1 TRUNCATED 5 #0 of 1\n");
}

// ---------------------------------------------------------------------------------------------
//  Those who come back

static void
s_resumes (log_position_t has)
{
    attach_at (1, 5, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_RESUME, has);
    rig_run ();
}

static void
s_log_of_six (void)
{
    fake_store_other_opens (KEY, "vic");
    s_log_up_to (6);
    fake_store_other_admits (KEY, ROLE_VISITOR, "vic", SEQ_UNKNOWN);
}

Test (truncation, resume_at_the_end)
{
    s_log_of_six ();
    s_resumes (rig_position (6));
    EXPECT ("e1 ATTACHED 5 ok #6\n"
            "e1 BROADCAST 5 stop typing\n");
    cr_assert_eq (fake_store_reads, 0);
}

Test (truncation, resume_with_another_entry_at_the_end)
{
    s_log_of_six ();
    s_resumes ((log_position_t){ 6, 77 });
    EXPECT ("e1 ATTACHED 5 ok #6\n"
            "e1 TRUNCATED 5 #0 of 6\n"
            "e1 DELIVER 5 #2 n2\n"
            "e1 DELIVER 5 #3 n3\n"
            "e1 DELIVER 5 #4 n4\n"
            "e1 DELIVER 5 #5 n5\n"
            "e1 DELIVER 5 #6 n6\n"
            "e1 BROADCAST 5 stop typing\n");
}

//  The postoffice has just loaded the session: it knows the last entry only.
Test (truncation, resume_at_an_entry_that_is_not_recent)
{
    s_log_of_six ();
    s_resumes (rig_position (4));
    EXPECT ("e1 ATTACHED 5 ok #6\n"
            "e1 DELIVER 5 #5 n5\n"
            "e1 DELIVER 5 #6 n6\n"
            "e1 BROADCAST 5 stop typing\n");
    cr_assert_eq (fake_store_reads, 1);
}

Test (truncation, resume_with_another_entry_that_is_not_recent)
{
    s_log_of_six ();
    s_resumes ((log_position_t){ 4, 77 });
    EXPECT ("e1 ATTACHED 5 ok #6\n"
            "e1 TRUNCATED 5 #0 of 6\n"
            "e1 DELIVER 5 #2 n2\n"
            "e1 DELIVER 5 #3 n3\n"
            "e1 DELIVER 5 #4 n4\n"
            "e1 DELIVER 5 #5 n5\n"
            "e1 DELIVER 5 #6 n6\n"
            "e1 BROADCAST 5 stop typing\n");
}

Test (truncation, reattach_above_the_end)
{
    s_log_of_six ();
    attach_at (1, 5, ROLE_VISITOR, "vic", DIALECT_WIDGET, ATTACH_REATTACH,
               (log_position_t){ 8, 77 });
    rig_run ();
    EXPECT ("e1 ATTACHED 5 ok #6\n"
            "e1 TRUNCATED 5 #0 of 6\n"
            "e1 DELIVER 5 #2 n2\n"
            "e1 DELIVER 5 #3 n3\n"
            "e1 DELIVER 5 #4 n4\n"
            "e1 DELIVER 5 #5 n5\n"
            "e1 DELIVER 5 #6 n6\n");
}

//  An edge of before knows no checks.
Test (truncation, reattach_without_a_check)
{
    s_log_of_six ();
    attach_as (1, 5, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_REATTACH, 4);
    rig_run ();
    EXPECT ("e1 ATTACHED 5 ok #6\n"
            "e1 DELIVER 5 #5 n5\n"
            "e1 DELIVER 5 #6 n6\n");
}

//  The edges were sent away while the database was lost, and come back to one who was there.
Test (truncation, what_a_postoffice_remembers_is_not_sent_again)
{
    s_talk (DIALECT_RICH);
    log_position_t had = rig_position (5);
    edge_down (1);
    sessions_happen (rig_office.sessions, SESSION_HANDED_OVER);
    edge_up (3);
    fake_store_lose_above (KEY, 3);
    s_log_up_to (6);
    sessions_happen (rig_office.sessions, SESSION_STORE_READY);
    attach_at (3, 5, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_REATTACH, had);
    attach_at (3, 6, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_RESUME,
               (log_position_t){ 5, 77 });
    rig_run ();
    EXPECT ("e3 ATTACHED 5 ok #6\n"
            "e3 TRUNCATED 5 #3 of 6\n"
            "e3 DELIVER 5 #4 n4\n"
            "e3 DELIVER 5 #5 n5\n"
            "e3 DELIVER 5 #6 n6\n"
            "e3 ATTACHED 6 ok #6\n"
            "e3 TRUNCATED 6 #0 of 6\n"
            "e3 DELIVER 6 #3 user joined\n"
            "e3 DELIVER 6 #4 n4\n"
            "e3 DELIVER 6 #5 n5\n"
            "e3 DELIVER 6 #6 n6\n"
            "e3 BROADCAST 6 stop typing\n");
}

//  The log of before is still in memory here, and the edge's word is of the log as it is.
Test (truncation, what_a_postoffice_remembers_is_not_believed)
{
    s_talk (DIALECT_RICH);
    fake_store_lose_above (KEY, 4);
    s_log_up_to (6);
    attach_at (1, 6, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_RESUME, rig_position (5));
    rig_run ();
    EXPECT ("e1 TRUNCATED 5 #4 of 6\n"
            "e2 TRUNCATED 9 #4 of 6\n"
            "e1 ATTACHED 6 ok #6\n"
            "e1 DELIVER 5 #5 n5\n"
            "e1 DELIVER 5 #6 n6\n"
            "e2 DELIVER 9 #5 n5\n"
            "e2 DELIVER 9 #6 n6\n"
            "e1 DELIVER 6 #6 n6\n"
            "e1 BROADCAST 6 stop typing\n");
}
