//  turns — stories of questions to the bot: one at a time, done by one worker, by another when that
//  one is lost, and refused when an agent took control.

#include "office_rig.h"
#include "tables/postoffice_metrics.h"

#include <stdio.h>

static void
s_begin (void)
{
    rig_begin ();
    visitor_joins (1, 5);
    rig_run ();
    rig_forget ();
}

TestSuite (turns, .init = s_begin, .fini = rig_end);

//  A turn that this worker has taken.
static void
s_turn_accepted (peer_t worker)
{
    worker_up (worker, 5);
    say (1, 5, "hello");
    rig_run ();
    accepted (worker, "t1");
    rig_run ();
    rig_forget ();
}

Test (turns, one_at_a_time_and_in_order)
{
    worker_up (W1, 5);
    say (1, 5, "a");
    say (1, 5, "b");
    rig_run ();
    EXPECT ("e1 POSTED 1 ok #2\n"
            "e1 POSTED 2 ok #3\n"
            "w1 WORK t1 1\n");
    accepted (W1, "t1");
    say (1, 5, "c");
    rig_run ();
    EXPECT ("e1 POSTED 3 ok #4\n");
    done (W1, "t1", "A");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #5 A\n"
            "w1 SETTLED t1\n"
            "w1 WORK t2 1\n");
    accepted (W1, "t2");
    done (W1, "t2", "B");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #6 B\n"
            "w1 SETTLED t2\n"
            "w1 WORK t3 1\n");
    cr_assert_eq (fake_store_works (KEY), 1);
}

Test (turns, nothing_is_handed_out_before_its_commit)
{
    worker_up (W1, 5);
    say (1, 5, "a");
    rig_turn ();
    cr_assert (fake_store_do ());
    rig_turn ();
    EXPECT ("");
}

Test (turns, done_twice)
{
    s_turn_accepted (W1);
    done (W1, "t1", "yes");
    done (W1, "t1", "yes");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #3 yes\n"
            "w1 SETTLED t1\n");
    done (W1, "t1", "yes");
    rig_run ();
    EXPECT ("w1 SETTLED t1\n");
    cr_assert_eq (fake_store_last (KEY), 3);
}

Test (turns, bot_has_nothing_to_say)
{
    s_turn_accepted (W1);
    done (W1, "t1", "");
    rig_run ();
    EXPECT ("w1 SETTLED t1\n");
    cr_assert_eq (fake_store_works (KEY), 0);
    cr_assert_eq (fake_store_entry (KEY, 3)->hidden, 1);
}

Test (turns, typing_ends_with_the_turn)
{
    s_turn_accepted (W1);
    progress (W1, "t1", EVENT_TYPING);
    done (W1, "t1", "yes");
    rig_run ();
    EXPECT ("e1 BROADCAST 5 typing\n"
            "e1 BROADCAST 5 stop typing\n"
            "e1 DELIVER 5 #3 yes\n"
            "w1 SETTLED t1\n");
    progress (W1, "t1", EVENT_TYPING); //  late
    EXPECT ("");
}

// ---------------------------------------------------------------------------------------------
//  An agent

Test (turns, barge_in_cancels)
{
    s_turn_accepted (W1);
    say (1, 5, "and?");
    agent_joins (2, 9, "anna");
    rig_run ();
    rig_forget ();
    int64_t late = postoffice_counts[POSTOFFICE_LATE_ANSWERS];
    post (2, 9, EVENT_BARGE_IN, "in");
    rig_run ();
    EXPECT ("w1 CANCEL t1\n"
            "e1 DELIVER 5 #5 user joined\n"
            "e2 DELIVER 9 #5 user joined\n"
            "e2 POSTED 3 ok #5\n");
    done (W1, "t1", "too late");
    rig_run ();
    EXPECT ("w1 SETTLED t1\n");
    cr_assert_eq (postoffice_counts[POSTOFFICE_LATE_ANSWERS], late + 1);
    cr_assert_eq (fake_store_last (KEY), 5);
    cr_assert_eq (fake_store_works (KEY), 0);
    say (1, 5, "hello?");
    rig_run ();
    EXPECT ("e2 DELIVER 9 #6 hello?\n"
            "e1 POSTED 4 ok #6\n");
}

Test (turns, answer_that_is_late_for_the_commit_only)
{
    s_turn_accepted (W1);
    agent_joins (2, 9, "anna");
    rig_run ();
    rig_forget ();
    post (2, 9, EVENT_BARGE_IN, "in");
    rig_turn ();
    done (W1, "t1", "too late");
    rig_run ();
    EXPECT ("w1 CANCEL t1\n"
            "e1 DELIVER 5 #4 user joined\n"
            "e2 DELIVER 9 #4 user joined\n"
            "e2 POSTED 2 ok #4\n"
            "w1 SETTLED t1\n");
}

Test (turns, asked_and_cancelled_in_one_draft)
{
    agent_joins (2, 9, "anna");
    rig_run ();
    rig_forget ();
    worker_up (W1, 5);
    say (1, 5, "hello");
    post (2, 9, EVENT_BARGE_IN, "in");
    rig_run ();
    EXPECT ("e2 DELIVER 9 #3 hello\n"
            "e1 POSTED 1 ok #3\n"
            "e1 DELIVER 5 #4 user joined\n"
            "e2 DELIVER 9 #4 user joined\n"
            "e2 POSTED 2 ok #4\n");
    cr_assert_eq (fake_store_works (KEY), 0);
}

Test (turns, accepted_and_cancelled_in_one_draft)
{
    s_turn_accepted (W1);
    agent_joins (2, 9, "anna");
    rig_run ();
    worker_down (W1);
    worker_up (W2, 5); //  the same process on a new stream
    rig_forget ();
    accepted (W2, "t1");
    post (2, 9, EVENT_BARGE_IN, "in");
    rig_run ();
    EXPECT ("w2 CANCEL t1\n"
            "e1 DELIVER 5 #4 user joined\n"
            "e2 DELIVER 9 #4 user joined\n"
            "e2 POSTED 2 ok #4\n");
}

Test (turns, control_taken_at_another_postoffice)
{
    s_turn_accepted (W1);
    done (W1, "t1", "too late");
    rig_turn ();
    fake_store_other_says (KEY, &(fake_said_t){ EVENT_BARGE_IN, ROLE_AGENT, "otto", NULL, "" });
    fake_store_other_ends (KEY);
    rig_run ();
    EXPECT ("w1 SETTLED t1\n"
            "e1 DELIVER 5 #3 user joined\n");
    cr_assert_eq (fake_store_last (KEY), 3);
}

// ---------------------------------------------------------------------------------------------
//  Workers that are lost

Test (turns, lost_worker)
{
    s_turn_accepted (W1);
    worker_up (W2, 5);
    worker_down (W1);
    rig_run ();
    EXPECT (""); //  it may only have been cut off
    rig_wait (RECOVERY_MS + 50);
    EXPECT ("w2 WORK t1 2\n");
    accepted (W2, "t1");
    done (W2, "t1", "yes");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #3 yes\n"
            "w2 SETTLED t1\n");
}

Test (turns, worker_that_was_cut_off)
{
    s_turn_accepted (W1);
    worker_down (W1);
    worker_up (W2, 5);
    accepted (W2, "t1"); //  the same process on a new stream
    rig_wait (RECOVERY_MS + 50);
    EXPECT ("");
    done (W2, "t1", "yes");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #3 yes\n"
            "w2 SETTLED t1\n");
}

Test (turns, accepted_by_two)
{
    s_turn_accepted (W1);
    worker_up (W2, 5);
    accepted (W2, "t1");
    rig_run ();
    EXPECT ("w2 CANCEL t1\n");
    done (W1, "t1", "yes");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #3 yes\n"
            "w1 SETTLED t1\n");
}

Test (turns, accepted_by_who_was_not_offered_it)
{
    worker_up (W1, 5);
    say (1, 5, "hello");
    rig_run ();
    worker_up (W2, 5);
    rig_forget ();
    accepted (W2, "t1");
    rig_run ();
    EXPECT ("w1 CANCEL t1\n");
}

Test (turns, not_accepted_goes_to_another)
{
    worker_up (W1, 500);
    worker_up (W2, 5);
    say (1, 5, "hello");
    rig_run ();
    EXPECT ("e1 POSTED 1 ok #2\n"
            "w1 WORK t1 1\n");
    rig_wait (ACCEPTED_WITHIN_MS + 20);
    EXPECT ("w2 WORK t1 2\n");
}

Test (turns, accepted_in_vain)
{
    s_turn_accepted (W1);
    done (W1, "t1", "yes");
    rig_run ();
    rig_forget ();
    accepted (W1, "t1");
    rig_run ();
    EXPECT ("w1 CANCEL t1\n");
}

// ---------------------------------------------------------------------------------------------
//  Another postoffice

Test (turns, in_hand_while_the_session_is_loaded_again)
{
    s_turn_accepted (W1);
    fake_store_other_says (KEY, &(fake_said_t){ EVENT_NEW_MESSAGE, ROLE_AGENT, "x", NULL, "x" });
    session_happens (rig_session (), SESSION_MOVED);
    rig_wait (RECOVERY_MS + 50);
    EXPECT ("e1 DELIVER 5 #3 x\n");
    done (W1, "t1", "yes");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #4 yes\n"
            "w1 SETTLED t1\n");
}

Test (turns, answer_to_a_question_that_was_asked_elsewhere)
{
    s_turn_accepted (W1);
    done (W1, "t1", "yes");
    rig_run ();
    fake_store_other_asks (KEY, "theirs", fake_store_last (KEY));
    rig_name ("theirs");
    rig_forget ();
    done (W1, "t2", "from there");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #4 from there\n"
            "w1 SETTLED t2\n");
}

Test (turns, recovery_is_not_begun_anew_by_another_writer)
{
    s_turn_accepted (W1);
    worker_down (W1);
    worker_up (W2, 5);
    for (int at = 0; at < 10; at++) {
        fake_store_other_says (KEY,
                               &(fake_said_t){ EVENT_NEW_MESSAGE, ROLE_AGENT, "x", NULL, "x" });
        session_happens (rig_session (), SESSION_MOVED);
        rig_wait (RECOVERY_MS / 2);
    }
    cr_assert_not_null (strstr (rig_story (), "w2 WORK t1 2\n"));
}

Test (turns, orphan)
{
    text_t key = TEXT ("demo/orphan");
    fake_store_other_opens (key, "vic");
    fake_store_other_asks (key, "item", 1);
    rig_name ("item");
    worker_up (W1, 5);
    sessions_adopt (rig_office.sessions, key);
    rig_run ();
    EXPECT (""); //  a worker may have it
    for (unsigned turn = 0; turn < 100 && !*rig_story (); turn++)
        rig_wait (RECOVERY_MS);
    cr_assert_eq (strncmp (rig_story (), "w1 WORK t1 1\n", 13), 0);
}

Test (turns, orphan_while_the_store_is_away)
{
    text_t key = TEXT ("demo/orphan");
    fake_store_other_opens (key, "vic");
    fake_store_other_asks (key, "item", 1);
    rig_name ("item");
    worker_up (W1, 5);
    fake_store_always (FAKE_DOWN);
    sessions_adopt (rig_office.sessions, key);
    rig_wait (300);
    fake_store_always (FAKE_WELL);
    rig_wait (700 + RECOVERY_MS);
    cr_assert_eq (strncmp (rig_story (), "w1 WORK t1 1\n", 13), 0);
}

Test (turns, orphan_in_a_session_that_is_being_loaded)
{
    text_t key = TEXT ("demo/orphan");
    fake_store_other_opens (key, "vic");
    worker_up (W1, 5);
    sessions_adopt (rig_office.sessions, key);
    rig_turn ();
    cr_assert (fake_store_do ());
    fake_store_other_asks (key, "item", 1);
    rig_name ("item");
    sessions_adopt (rig_office.sessions, key);
    rig_wait (RECOVERY_MS + 100);
    cr_assert_eq (strncmp (rig_story (), "w1 WORK t1 1\n", 13), 0);
}

Test (turns, ended_elsewhere_in_a_session_that_nobody_is_in)
{
    s_turn_accepted (W1);
    detach (1, 5, SEQ_UNKNOWN);
    rig_wait (GRACE_MS + 400);
    worker_down (W1);
    fake_store_other_ends (KEY);
    session_happens (rig_session (), SESSION_MOVED);
    worker_up (W2, 5);
    rig_forget ();
    rig_wait (RECOVERY_MS + 50);
    EXPECT ("");
}

//  A worker says what it likes, but only of topics that it subscribed to.
Test (turns, a_worker_of_another_topic_has_no_say)
{
    worker_up (W1, 5);
    workers_add (rig_office.workers, W2,
                 &(bus_hello_t){ .topics = TEXT ("notify.sms"), .credit = 5 });
    visitor_joins (1, 5);
    say (1, 5, "m1");
    rig_run ();
    rig_forget ();
    progress (W2, "t1", EVENT_TYPING);
    EXPECT ("");
    accepted (W2, "t1");
    rig_run ();
    EXPECT ("w2 CANCEL t1\n");
    done (W2, "t1", "mine");
    done (W1, "t1", "yours");
    rig_run ();
    EXPECT ("w2 SETTLED t1\n"
            "e1 DELIVER 5 #3 yours\n"
            "w1 SETTLED t1\n");
    cr_assert_eq (fake_store_last (KEY), 3);
}

// ---------------------------------------------------------------------------------------------
//  A bot that answers later, over the API

static void
s_answers_item (uint64_t number, text_t item, const char *data)
{
    bus_record_t record = { .kind = BUS_DONE };
    record.done = (bus_done_t){ .item = item,
                                .session = KEY,
                                .outcome = OUTCOME_ANSWERED,
                                .topic = TEXT ("bot.stentor"),
                                .data = text_of (data),
                                .target = TEXT_EMPTY,
                                .trace = TEXT_EMPTY,
                                .detail = TEXT_EMPTY };
    operation_t *operation = operation_of_answer (number, &record);
    sessions_ask (rig_office.sessions, KEY, &operation);
}

//  The question that is open, or was when it was looked at last.
static char s_question[100];

static void
s_look_at_question (void)
{
    list_t *first = list_first (&rig_session ()->fold.turns);
    if (first)
        snprintf (s_question, sizeof s_question, "%.*s",
                  TEXT_ARGS (LIST_THING (first, turn_t, in_fold)->item));
}

static void
s_answers (uint64_t number, const char *data)
{
    s_look_at_question ();
    s_answers_item (number, text_of (s_question), data);
}

//  The worker that has the turn is told to forget it; the same answer again is answered as the
//  first one.
Test (turns, an_answer_over_the_api)
{
    s_turn_accepted (W1);
    s_answers (1, "A");
    rig_run ();
    EXPECT ("w1 CANCEL t1\n"
            "e1 DELIVER 5 #3 A\n"
            "api POSTED 1 ok #3\n");
    s_answers (2, "A");
    s_answers (3, "B");
    rig_run ();
    EXPECT ("api POSTED 2 duplicate #3\n"
            "api POSTED 3 exists #0\n");
    done (W1, "t1", "C");
    rig_run ();
    EXPECT ("w1 SETTLED t1\n");
    cr_assert_eq (fake_store_last (KEY), 3);
}

//  In one changeset: what comes first counts, and nothing is left without a word.
Test (turns, answers_over_the_api_and_by_the_worker_at_once)
{
    s_turn_accepted (W1);
    s_answers (1, "A");
    done (W1, "t1", "B");
    s_answers (2, "A");
    s_answers (3, "C");
    rig_run ();
    EXPECT ("w1 CANCEL t1\n"
            "e1 DELIVER 5 #3 A\n"
            "api POSTED 1 ok #3\n"
            "w1 SETTLED t1\n"
            "api POSTED 2 duplicate #3\n"
            "api POSTED 3 exists #0\n");
    say (1, 5, "again");
    rig_run ();
    accepted (W1, "t2");
    rig_run ();
    rig_forget ();
    done (W1, "t2", "B");
    s_answers (4, "B");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #5 B\n"
            "w1 SETTLED t2\n"
            "api POSTED 4 exists #0\n");
}

Test (turns, an_answer_over_the_api_behind_a_take_over)
{
    s_turn_accepted (W1);
    s_look_at_question ();
    agent_joins (2, 9, "anna");
    post (2, 9, EVENT_BARGE_IN, "in");
    rig_run ();
    rig_forget ();
    s_answers (1, "A");
    rig_run ();
    EXPECT ("api POSTED 1 not_in_control #0\n");
}

//  Nobody has the turn in hand, and nobody else is to get it.
Test (turns, an_answer_over_the_api_while_no_worker_is_there)
{
    s_turn_accepted (W1);
    worker_down (W1);
    s_answers (1, "A");
    s_answers_item (2, TEXT ("another"), "A");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #3 A\n"
            "api POSTED 1 ok #3\n"
            "api POSTED 2 exists #0\n");
    worker_up (W2, 5);
    rig_wait (2 * RECOVERY_MS);
    EXPECT ("");
}
