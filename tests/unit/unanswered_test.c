//  unanswered — what a visitor said while an agent had the conversation, and nobody answered: the
//  bot is asked it when it has the visitor again.

#include "office_rig.h"

//  The visitor is at endpoint 5 of edge 1, anna at 9 of edge 2. The bot is asked through worker 1.
static void
s_begin (void)
{
    rig_begin ();
    visitor_joins (1, 5);
    agent_joins (2, 9, "anna");
    worker_up (W1, 10);
    rig_run ();
    rig_forget ();
}

static void
s_end (void)
{
    edge_down (1);
    edge_down (2);
    worker_down (W1);
    rig_end ();
}

TestSuite (unanswered, .init = s_begin, .fini = s_end);

static void
s_run (void)
{
    rig_run ();
    rig_forget ();
}

static void
s_anna_has_control (void)
{
    post (2, 9, EVENT_BARGE_IN, "in");
    s_run ();
}

static void
s_anna_gives_back (void)
{
    post (2, 9, EVENT_BARGE_OUT, "out");
    rig_run ();
}

//  The bot is asked this, with this secret, and nothing else. NULL: nothing at all.
static void
s_expect_question (const char *body, const char *secret)
{
    const fold_t *fold = &rig_session ()->fold;
    cr_assert_eq (fold->turn_count, body ? 1 : 0);
    cr_assert_eq (fake_store_works (KEY), fold->turn_count);
    cr_assert_eq (strstr (rig_story (), "WORK") != NULL, body != NULL, "%s", rig_story ());
    if (!body)
        return;
    const turn_t *turn = LIST_THING (fold->turns.next, turn_t, in_fold);
    cr_assert (text_is (turn->body, text_of (body)), "%.*s", TEXT_ARGS (turn->body));
    cr_assert (text_is (turn->secret, text_of (secret)), "%.*s", TEXT_ARGS (turn->secret));
    cr_assert (text_is (turn->user, TEXT ("vic")));
}

Test (unanswered, the_last_message_is_asked_when_control_is_given_back)
{
    s_anna_has_control ();
    say (1, 5, "one");
    say (1, 5, "two");
    s_run ();
    s_anna_gives_back ();
    EXPECT ("e1 DELIVER 5 #6 user left\n"
            "e2 DELIVER 9 #6 user left\n"
            "e2 POSTED 4 ok #6\n"
            "w1 WORK t1 1\n");
    done (W1, "t1", "answer");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #7 answer\n"
            "e2 DELIVER 9 #7 answer\n"
            "w1 SETTLED t1\n");
}

Test (unanswered, nothing_is_asked_that_the_agent_has_answered)
{
    s_anna_has_control ();
    say (1, 5, "one");
    say (2, 9, "answer");
    s_run ();
    s_anna_gives_back ();
    s_expect_question (NULL, NULL);
}

Test (unanswered, a_message_behind_the_answer_is_asked)
{
    s_anna_has_control ();
    say (1, 5, "one");
    say (2, 9, "answer");
    say (1, 5, "two");
    s_run ();
    s_anna_gives_back ();
    s_expect_question ("two", "token");
}

Test (unanswered, the_agent_is_gone)
{
    s_anna_has_control ();
    detach (2, 9, SEQ_UNKNOWN);
    say (1, 5, "anybody?");
    rig_run ();
    EXPECT ("e1 POSTED 2 ok #4\n");
    rig_wait (GRACE_MS + 300);
    s_expect_question ("anybody?", "token");
}

//  What the bot was about to answer when the agent came.
Test (unanswered, a_turn_that_an_agent_cut_off_is_asked_again)
{
    say (1, 5, "one");
    rig_run ();
    s_anna_has_control ();
    s_expect_question (NULL, NULL);
    s_anna_gives_back ();
    s_expect_question ("one", "token");
    done (W1, "t1", "too late");
    rig_run ();
    s_expect_question ("one", "token");
}

Test (unanswered, an_agent_takes_over_from_another)
{
    agent_joins (2, 8, "bert");
    s_anna_has_control ();
    say (1, 5, "one");
    post (2, 8, EVENT_BARGE_IN, "bert's");
    s_run ();
    s_expect_question (NULL, NULL);
    post (2, 8, EVENT_BARGE_OUT, "bert's out");
    rig_run ();
    s_expect_question ("one", "token");
}

static void
s_bot_fails (fault_t fault)
{
    operation_t *operation = operation_of_record (
        W1,
        &(bus_record_t){
            .kind = BUS_DONE,
            .done = { .item = LIST_THING (rig_session ()->fold.turns.next, turn_t, in_fold)->item,
                      .session = KEY,
                      .outcome = OUTCOME_FAILED,
                      .fault = fault,
                      .data = TEXT ("{}") } });
    operation->topics = strdup ("bot.stentor");
    sessions_ask (rig_office.sessions, KEY, &operation);
    rig_run ();
}

//  The question cannot be answered, and the visitor was told so.
Test (unanswered, a_failure_that_is_not_the_bots_is_an_answer)
{
    say (1, 5, "one");
    rig_run ();
    s_bot_fails (FAULT_OTHER);
    s_anna_has_control ();
    s_anna_gives_back ();
    s_expect_question (NULL, NULL);
}

//  The bot was away: it may be back.
Test (unanswered, a_failure_of_the_bot_is_none)
{
    say (1, 5, "one");
    rig_run ();
    s_bot_fails (FAULT_BOT);
    s_anna_has_control ();
    s_anna_gives_back ();
    s_expect_question ("one", "token");
}

//  A page that opens greets the bot, and says nothing to people.
Test (unanswered, a_greeting_is_no_question)
{
    s_anna_has_control ();
    operation_t *operation =
        operation_of_record (1, &(bus_record_t){ .kind = BUS_POST,
                                                 .post = { .request_id = 99,
                                                           .endpoint = 5,
                                                           .session = KEY,
                                                           .event = EVENT_NEW_MESSAGE,
                                                           .message_id = TEXT ("launch"),
                                                           .sender = TEXT ("{}"),
                                                           .data = TEXT ("{}"),
                                                           .hidden = 1 } });
    sessions_ask (rig_office.sessions, KEY, &operation);
    s_run ();
    s_anna_gives_back ();
    s_expect_question (NULL, NULL);
}

//  The session is loaded between: the question follows from the log, and the secret is still here.
Test (unanswered, a_load_between)
{
    s_anna_has_control ();
    say (1, 5, "one");
    s_run ();
    fake_store_next (FAKE_UNSURE_LOST);
    s_anna_gives_back ();
    s_expect_question ("one", "token");
}

//  The bot is at the second question, and has answered the first one, when the agent takes over.
static void
s_second_is_cut_off (void)
{
    say (1, 5, "one");
    say (1, 5, "two");
    rig_run ();
    done (W1, "t1", "to one");
    s_run ();
    s_anna_has_control ();
}

Test (unanswered, a_question_behind_the_one_that_the_bot_answered)
{
    s_second_is_cut_off ();
    s_anna_gives_back ();
    s_expect_question ("two", "token");
}

//  The same for whoever loads the session.
Test (unanswered, a_load_behind_the_one_that_the_bot_answered)
{
    s_second_is_cut_off ();
    fake_store_next (FAKE_UNSURE_LOST);
    s_anna_gives_back ();
    s_expect_question ("two", "token");
}

//  Another postoffice heard it: it has the secret, and the log has none.
Test (unanswered, another_postoffice_heard_it)
{
    s_anna_has_control ();
    fake_store_other_says (KEY, &(fake_said_t){ .event = EVENT_NEW_MESSAGE,
                                                .role = ROLE_VISITOR,
                                                .user = "vic",
                                                .data = "elsewhere" });
    session_happens (rig_session (), SESSION_MOVED);
    s_run ();
    s_anna_gives_back ();
    s_expect_question ("elsewhere", "");
}

//  And another one answered it.
Test (unanswered, another_postoffice_answered_it)
{
    s_anna_has_control ();
    say (1, 5, "one");
    s_run ();
    fake_store_other_says (KEY, &(fake_said_t){ .event = EVENT_NEW_MESSAGE,
                                                .role = ROLE_AGENT,
                                                .user = "anna",
                                                .data = "answer" });
    session_happens (rig_session (), SESSION_MOVED);
    s_run ();
    s_anna_gives_back ();
    s_expect_question (NULL, NULL);
}
