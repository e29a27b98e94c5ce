//  whisper — what agents tell each other beside a conversation: who is told, and what it does not
//  do: it is no answer, opens nothing, and goes out by no channel. tests/scenario has the exits.

#include "office_rig.h"
#include "tables/postoffice_metrics.h"

#include "fake_work_store.h"

#include <stdio.h>

//  The visitor is at endpoint 5 of edge 1; anna at 7, otto at 9, wim with a widget at 8 of edge 2.
static void
s_begin (void)
{
    rig_begin ();
    visitor_joins (1, 5);
    agent_joins (2, 7, "anna");
    agent_joins (2, 9, "otto");
    attach_as (2, 8, ROLE_AGENT, "wim", DIALECT_WIDGET, ATTACH_JOIN, SEQ_UNKNOWN);
    worker_up (W1, 10);
    rig_run ();
    cr_assert_eq (fake_store_last (KEY), 4);
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

TestSuite (whisper, .init = s_begin, .fini = s_end);

static void
s_run (void)
{
    rig_run ();
    rig_forget ();
}

static void
s_by_request (uint64_t role, const char *user, const char *id)
{
    operation_t *operation =
        operation_of_request (role, text_of (user),
                              &(bus_record_t){ .kind = BUS_POST,
                                               .post = { .request_id = 77,
                                                         .session = KEY,
                                                         .event = EVENT_WHISPER,
                                                         .message_id = text_of (id),
                                                         .sender = TEXT ("{\"by\":\"itself\"}"),
                                                         .data = TEXT ("{}") } });
    operation->has_sender = false;
    sessions_ask (rig_office.sessions, KEY, &operation);
}

Test (whisper, agents_with_a_rich_client_are_told)
{
    post (2, 9, EVENT_WHISPER, "w");
    rig_run ();
    EXPECT ("e2 DELIVER 7 #5 whisper\n"
            "e2 POSTED 1 ok #5\n");
    post (2, 9, EVENT_WHISPER, "w");
    rig_run ();
    EXPECT ("e2 POSTED 2 duplicate #5\n");
    //  Whoever was in control is so still, and is told by the one who is not.
    cr_assert_eq (rig_session ()->fold.control_role, ROLE_BOT);
}

Test (whisper, in_the_order_of_the_log)
{
    say (1, 5, "a");
    post (2, 9, EVENT_WHISPER, "w");
    say (1, 5, "b");
    rig_run ();
    cr_assert_not_null (strstr (rig_story (), "e2 DELIVER 7 #6 whisper\n"), "%s", rig_story ());
    cr_assert_null (strstr (rig_story (), "e1 DELIVER 5 #6"), "%s", rig_story ());
    cr_assert_eq (fake_store_entry (KEY, 5)->event, EVENT_NEW_MESSAGE);
    cr_assert_eq (fake_store_entry (KEY, 6)->event, EVENT_WHISPER);
    cr_assert_eq (fake_store_entry (KEY, 7)->event, EVENT_NEW_MESSAGE);
}

//  From the log: an agent who comes gets it, in its other tab its own; a visitor gets what stands
//  before and behind it.
Test (whisper, caught_up)
{
    say (1, 5, "a");
    post (2, 9, EVENT_WHISPER, "w");
    say (1, 5, "b");
    s_run ();
    attach_as (1, 6, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_RESUME, 0);
    rig_run ();
    cr_assert_not_null (strstr (rig_story (), "e1 DELIVER 6 #5 a\n"), "%s", rig_story ());
    cr_assert_not_null (strstr (rig_story (), "e1 DELIVER 6 #7 b\n"), "%s", rig_story ());
    cr_assert_null (strstr (rig_story (), "whisper"), "%s", rig_story ());
    rig_forget ();
    attach_as (2, 4, ROLE_AGENT, "otto", DIALECT_RICH, ATTACH_RESUME, 0);
    rig_run ();
    cr_assert_not_null (strstr (rig_story (), "e2 DELIVER 4 #6 whisper\n"), "%s", rig_story ());
    rig_forget ();
    attach_as (2, 3, ROLE_AGENT, "wim", DIALECT_WIDGET, ATTACH_JOIN, SEQ_UNKNOWN);
    rig_run ();
    cr_assert_null (strstr (rig_story (), "whisper"), "%s", rig_story ());
    cr_assert_not_null (strstr (rig_story (), "e2 DELIVER 3 #7 b\n"), "%s", rig_story ());
}

Test (whisper, is_no_answer)
{
    post (2, 9, EVENT_BARGE_IN, "in");
    say (1, 5, "one");
    post (2, 9, EVENT_WHISPER, "w");
    post (2, 7, EVENT_WHISPER, "w");
    s_run ();
    cr_assert_not_null (rig_session ()->fold.unanswered);
    post (2, 9, EVENT_BARGE_OUT, "out");
    rig_run ();
    const fold_t *fold = &rig_session ()->fold;
    cr_assert_eq (fold->turn_count, 1);
    const turn_t *turn = LIST_THING (fold->turns.next, turn_t, in_fold);
    cr_assert (text_is (turn->body, TEXT ("one")), "%.*s", TEXT_ARGS (turn->body));
}

//  What is loaded says the same: another postoffice wrote it.
Test (whisper, of_another_postoffice)
{
    post (2, 9, EVENT_BARGE_IN, "in");
    say (1, 5, "one");
    s_run ();
    fake_store_other_says (KEY, &(fake_said_t){ .event = EVENT_WHISPER,
                                                .role = ROLE_AGENT,
                                                .user = "anna",
                                                .data = "{}" });
    post (2, 9, EVENT_BARGE_OUT, "out");
    rig_run ();
    cr_assert_eq (rig_session ()->fold.turn_count, 1);
    cr_assert_null (strstr (rig_story (), "e1 DELIVER 5 #7"), "%s", rig_story ());
    cr_assert_not_null (strstr (rig_story (), "e2 DELIVER 9 #7 whisper"), "%s", rig_story ());
}

//  A turn that is under way goes on.
Test (whisper, ends_no_turn)
{
    say (1, 5, "one");
    rig_run ();
    accepted (W1, "t1");
    post (2, 9, EVENT_WHISPER, "w");
    s_run ();
    cr_assert_eq (rig_session ()->fold.turn_count, 1);
    done (W1, "t1", "answer");
    rig_run ();
    cr_assert_not_null (strstr (rig_story (), "e1 DELIVER 5 #7 answer\n"), "%s", rig_story ());
}

Test (whisper, a_visitor_may_not)
{
    post (1, 5, EVENT_WHISPER, "w");
    rig_run ();
    EXPECT ("e1 POSTED 1 not_allowed #0\n");
    s_by_request (ROLE_VISITOR, "vic", "w");
    s_by_request (ROLE_API, "key", "w");
    s_by_request (ROLE_BOT, "bot", "w");
    rig_run ();
    cr_assert_null (strstr (rig_story (), " ok "), "%s", rig_story ());
    cr_assert_eq (fake_store_last (KEY), 4);
}

//  An id is one message's: what was whispered is not said by the same one, nor the other way round.
Test (whisper, an_id_is_not_used_for_both)
{
    post (2, 9, EVENT_BARGE_IN, "in");
    post (2, 9, EVENT_WHISPER, "w");
    say (2, 9, "m");
    s_run ();
    say (2, 9, "w");
    post (2, 9, EVENT_WHISPER, "m");
    rig_run ();
    EXPECT ("e2 POSTED 4 bad_request #0\n"
            "e2 POSTED 5 bad_request #0\n");
}

//  Through the API; by somebody who does not take part, too, who is shown by the own name.
Test (whisper, by_request)
{
    s_by_request (ROLE_AGENT, "anna", ":key:1");
    s_by_request (ROLE_AGENT, "sue", ":key:2");
    s_by_request (ROLE_AGENT, "sue", ":key:2");
    rig_run ();
    EXPECT ("e2 DELIVER 7,9 #5 whisper\n"
            "api POSTED 77 ok #5\n"
            "e2 DELIVER 7,9 #6 whisper\n"
            "api POSTED 77 ok #6\n"
            "api POSTED 77 duplicate #6\n");
    cr_assert_eq (fake_store_last (KEY), 6);
    cr_assert (text_is (fake_store_entry (KEY, 5)->sender, TEXT ("{}")));
    cr_assert (text_is (fake_store_entry (KEY, 6)->sender, TEXT ("{\"by\":\"itself\"}")));
}

//  A note on a conversation that is over: it stays so.
Test (whisper, opens_no_closed_session)
{
    change_by_request (CHANGE_CLOSE, ROLE_AGENT, ":key:1", SEQ_UNKNOWN);
    s_run ();
    cr_assert (fake_store_is_closed (KEY));
    s_by_request (ROLE_AGENT, "anna", ":key:2");
    post (2, 9, EVENT_WHISPER, "w");
    rig_run ();
    cr_assert_eq (fake_store_last (KEY), 7);
    cr_assert (fake_store_is_closed (KEY));
    cr_assert_null (strstr (rig_story (), "e1 DELIVER"), "%s", rig_story ());
}

static void
s_reaches (role_t role, const char *user, text_t channel)
{
    fold_reach (fold_admit (&rig_session ()->fold, role, text_of (user), TEXT ("{}")), channel,
                TEXT ("there"));
}

//  Whoever is reached by a channel: everything else is an item for each of them.
Test (whisper, goes_out_by_no_channel)
{
    s_reaches (ROLE_PLATFORM, "genesys", TEXT ("platform.genesys"));
    s_reaches (ROLE_VISITOR, "sms", TEXT ("sms.out"));
    s_reaches (ROLE_AGENT, "sam", TEXT ("notify.slack"));
    s_reaches (ROLE_API, "hook", TEXT ("webhook.out"));
    say (1, 5, "a");
    s_run ();
    size_t made = 0;
    while (fake_work_made (made))
        cr_assert_eq (fake_work_made (made++)->seq, 5);
    cr_assert_eq (made, 4);
    post (2, 9, EVENT_WHISPER, "w");
    rig_run ();
    cr_assert_eq (fake_store_entry (KEY, 6)->event, EVENT_WHISPER);
    cr_assert_null (fake_work_made (made));
}

//  The log of a later program: an event that this one has no row for is told to nobody, by nobody's
//  dialect, live and from the log. So it is with a postoffice that is older than whispers.
Test (whisper, an_event_of_a_later_program)
{
    fake_store_other_says (KEY, &(fake_said_t){ .event = (event_t) 30,
                                                .role = ROLE_AGENT,
                                                .user = "anna",
                                                .data = "{}" });
    say (1, 5, "a");
    rig_run ();
    cr_assert_null (strstr (rig_story (), "#5"), "%s", rig_story ());
    cr_assert_not_null (strstr (rig_story (), "e2 DELIVER 7,9"), "%s", rig_story ());
    rig_forget ();
    attach_as (1, 6, ROLE_VISITOR, "vic", DIALECT_RICH, ATTACH_RESUME, 0);
    attach_as (2, 4, ROLE_AGENT, "otto", DIALECT_RICH, ATTACH_RESUME, 0);
    rig_run ();
    cr_assert_null (strstr (rig_story (), "#5"), "%s", rig_story ());
    cr_assert_not_null (strstr (rig_story (), "e1 DELIVER 6 #6 a\n"), "%s", rig_story ());
}
