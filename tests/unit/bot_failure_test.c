//  bot_failure — stories of a bot that fails: who is told how often, when it is asked no more, and
//  how the last question comes to it when it is back.

#include "base/clock.h"
#include "office_rig.h"
#include "rules/bot_failure.h"
#include "tables/postoffice_metrics.h"

//  The bot is asked through worker 1, tried out at once when it is out, and asked again at once.
static void
s_begin (void)
{
    rig_begin ();
    *rig_policy () = (app_failure_t){ .text = rig_policy ()->text,
                                      .health_url = rig_policy ()->health_url,
                                      .failures = 3,
                                      .answers = 2,
                                      .tell_s = 60,
                                      .ask_again_s = 600 };
    worker_up (W1, 10);
    visitor_joins (1, 5);
    rig_run ();
    rig_forget ();
}

TestSuite (bot_failure, .init = s_begin, .fini = rig_end);

//  Its pauses are long: it is out until the test says otherwise.
static void
s_stays_out (void)
{
    rig_policy ()->open_s = rig_policy ()->open_most_s = 3600;
}

static bot_view_t
s_view (void)
{
    bot_view_t view;
    bot_health_view (rig_office.bots, TEXT ("demo"), &view);
    return view;
}

static void
s_fails_in (const char *session)
{
    bot_health_note (rig_office.bots,
                     &(bot_outcome_t){ .app = TEXT ("demo"),
                                       .session = text_of (session),
                                       .done = &(bus_done_t){ .outcome = OUTCOME_FAILED,
                                                              .fault = FAULT_BOT,
                                                              .tries = 3 } });
}

//  The visitor asks, and the bot fails after a ladder of tries, as it did in another session.
static void
s_fails (void)
{
    s_fails_in ("demo/other");
    say (1, 5, "hello");
    rig_run ();
    accepted (W1, "t1");
    fails (W1, "t1", 3, 0);
    rig_run ();
}

Test (bot_failure, the_visitor_is_told_and_the_question_waits)
{
    s_stays_out ();
    s_fails ();
    EXPECT ("e1 POSTED 1 ok #2\n"
            "w1 WORK t1 1\n"
            "e1 DELIVER 5 #3 failure\n"
            "w1 SETTLED t1\n");
    cr_assert_eq (s_view ().state, CIRCUIT_OPEN);
    cr_assert_eq (s_view ().waiting, 1);
    cr_assert_eq (fake_store_works (KEY), 1);
    cr_assert_not_null (rig_session ()->fold.unanswered);
}

Test (bot_failure, further_questions_are_not_told_again_and_replace_the_first)
{
    s_stays_out ();
    s_fails ();
    rig_forget ();
    say (1, 5, "still there?");
    say (1, 5, "hm?");
    rig_wait (20);
    EXPECT ("e1 POSTED 2 ok #4\n"
            "e1 POSTED 3 ok #5\n");
    const fold_t *fold = &rig_session ()->fold;
    cr_assert_eq (fold->turn_count, 1);
    cr_assert_eq (fake_store_works (KEY), 1);
    cr_assert (text_is (LIST_THING (fold->turns.next, turn_t, in_fold)->body, TEXT ("hm?")));
}

Test (bot_failure, who_goes_on_asking_is_told_once_in_a_while)
{
    s_stays_out ();
    s_fails ();
    rig_policy ()->tell_s = 0;
    rig_forget ();
    say (1, 5, "still there?");
    rig_wait (20);
    EXPECT ("e1 POSTED 2 ok #4\n"
            "e1 DELIVER 5 #5 failure\n");
    cr_assert_eq (s_view ().waiting, 1);
    cr_assert_eq (fake_store_works (KEY), 1);
}

//  Somebody else's first question: it does not wait for a ladder.
Test (bot_failure, a_bot_that_is_out_is_not_asked)
{
    s_stays_out ();
    int64_t refused = postoffice_counts[POSTOFFICE_QUESTIONS_REFUSED];
    s_fails_in ("demo/one");
    s_fails_in ("demo/two");
    say (1, 5, "hello");
    rig_wait (20);
    EXPECT ("e1 POSTED 1 ok #2\n"
            "e1 DELIVER 5 #3 failure\n");
    cr_assert_eq (s_view ().waiting, 1);
    cr_assert_eq (postoffice_counts[POSTOFFICE_QUESTIONS_REFUSED], refused + 1);
    say (1, 5, "hello?");
    rig_wait (20);
    EXPECT ("e1 POSTED 2 ok #4\n");
}

Test (bot_failure, the_last_question_is_the_probe_and_is_answered)
{
    s_fails ();
    rig_forget ();
    rig_wait (20);
    EXPECT ("w1 WORK t2 1\n");
    cr_assert_eq (s_view ().state, CIRCUIT_HALF_OPEN);
    accepted (W1, "t2");
    done (W1, "t2", "at last");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #4 at last\n"
            "w1 SETTLED t2\n");
    cr_assert_eq (s_view ().answers, 1);
    cr_assert_null (rig_session ()->fold.unanswered);
    say (1, 5, "and?");
    rig_run ();
    done (W1, "t3", "yes");
    rig_run ();
    EXPECT ("e1 POSTED 2 ok #5\n"
            "w1 WORK t3 1\n"
            "e1 DELIVER 5 #6 yes\n"
            "w1 SETTLED t3\n");
    cr_assert_eq (s_view ().state, CIRCUIT_CLOSED);
}

Test (bot_failure, a_probe_in_vain_is_told_to_nobody)
{
    s_fails ();
    rig_wait (20);
    s_stays_out ();
    rig_forget ();
    fails (W1, "t2", 1, 503);
    rig_wait (20);
    EXPECT ("w1 SETTLED t2\n");
    cr_assert_eq (s_view ().state, CIRCUIT_OPEN);
    cr_assert_eq (s_view ().failed_status, 503);
    cr_assert_eq (s_view ().openings, 2);
    cr_assert_eq (s_view ().waiting, 1);
    cr_assert_eq (fake_store_last (KEY), 3, "nor is anything stored");
    cr_assert_eq (fake_store_works (KEY), 1);
}

//  However long it waits: only when the visitor says something new, it is told once more.
Test (bot_failure, a_silent_visitor_is_told_once)
{
    s_fails ();
    rig_policy ()->tell_s = 0;
    rig_forget ();
    for (int try = 0; try < 5; try++) {
        rig_wait (20);
        cr_assert (strstr (rig_story (), "w1 WORK t2 "), "%s", rig_story ());
        rig_forget ();
        fails (W1, "t2", 1, 503);
        rig_run ();
        EXPECT ("w1 SETTLED t2\n");
    }
    cr_assert_eq (fake_store_last (KEY), 3);
    rig_wait (20);
    done (W1, "t2", "at last");
    rig_run ();
    cr_assert (strstr (rig_story (), "e1 DELIVER 5 #4 at last\n"), "%s", rig_story ());
}

//  Where others are served it is tried for itself: the pauses double.
Test (bot_failure, the_pauses_of_one_session_double)
{
    rig_policy ()->open_s = 1;
    rig_policy ()->open_most_s = 3600;
    say (1, 5, "too much");
    rig_run ();
    fails (W1, "t1", 3, 500);
    rig_run ();
    turn_t *turn = LIST_THING (rig_session ()->fold.turns.next, turn_t, in_fold);
    for (uint64_t pause_ms = 2000; pause_ms < 100000; pause_ms *= 2) {
        turn->held_until_ms = 0;
        rig_wait (20);
        fails (W1, "t2", 1, 500);
        rig_run ();
        uint64_t left_ms = turn->held_until_ms - clock_mono_ms ();
        cr_assert_geq (left_ms, pause_ms - 100);
        cr_assert_leq (left_ms, pause_ms + pause_ms / 4);
    }
    cr_assert_eq (fake_store_last (KEY), 3);
}

//  It was said while an older one was tried, in vain: it has no pause to wait for.
Test (bot_failure, what_was_said_meanwhile_is_put_at_once)
{
    rig_policy ()->open_s = rig_policy ()->open_most_s = 3600;
    say (1, 5, "too much");
    rig_run ();
    fails (W1, "t1", 3, 500);
    rig_run ();
    LIST_THING (rig_session ()->fold.turns.next, turn_t, in_fold)->held_until_ms = 0;
    rig_wait (20);
    say (1, 5, "anybody?");
    rig_run ();
    fails (W1, "t2", 1, 500);
    rig_wait (20);
    const turn_t *turn = LIST_THING (rig_session ()->fold.turns.next, turn_t, in_fold);
    cr_assert (text_is (turn->body, TEXT ("anybody?")));
    cr_assert_eq (turn->state, TURN_DISPATCHED);
}

//  The postoffice that comes to it knows since when the visitor waits.
Test (bot_failure, another_postoffice_waits_as_long_again)
{
    fold_t *fold = &rig_session ()->fold;
    turn_t *turn = turn_new (&(turn_t){ .item = TEXT ("again-1"), .seq = 2 });
    app_failure_t policy = { .open_s = 2, .open_most_s = 60 };
    for (uint64_t waited_s = 1; waited_s < 200; waited_s += 20) {
        question_t asked = { .seq = 2, .since_ms = clock_wall_ms () - 1000 * waited_s };
        asked.user = asked.body = asked.secret = TEXT_EMPTY;
        fold_answered (fold);
        fold_wait (fold, &asked);
        bot_failure_put_off (&policy, fold, turn);
        uint64_t pause_s = waited_s < 2 ? 2 : waited_s < 60 ? waited_s : 60;
        uint64_t left_ms = turn->held_until_ms - clock_mono_ms ();
        cr_assert_geq (left_ms, 1000 * pause_s - 100);
        cr_assert_leq (left_ms, 1250 * pause_s + 100);
    }
    turn_destroy (&turn);
}

//  The other postoffice was told what came of it, and put it off without a word in the log.
Test (bot_failure, a_worker_that_says_nothing_is_asked_again)
{
    s_fails ();
    rig_wait (20);
    accepted (W1, "t2");
    rig_run ();
    rig_forget ();
    LIST_THING (rig_session ()->fold.turns.next, turn_t, in_fold)->since_ms -= 60000;
    rig_wait (20);
    EXPECT ("w1 WORK t2 2\n");
    done (W1, "t2", "at last");
    rig_run ();
    EXPECT ("e1 DELIVER 5 #4 at last\n"
            "w1 SETTLED t2\n");
}

//  While one question tries the bot out, another waits for it: it is told when that was in vain.
Test (bot_failure, who_waits_for_the_probe_is_told_when_it_fails)
{
    say (1, 5, "hello");
    rig_run ();
    s_fails_in ("demo/one");
    s_fails_in ("demo/two");
    turn_t *other = turn_new (&(turn_t){ .state = TURN_QUEUED,
                                         .item = TEXT ("other"),
                                         .session = TEXT ("demo/other"),
                                         .app = TEXT ("demo"),
                                         .topic = TEXT ("bot.stentor"),
                                         .user = TEXT ("v"),
                                         .body = TEXT ("b"),
                                         .secret = TEXT_EMPTY });
    bot_health_tick (rig_office.bots);
    cr_assert_eq (s_view ().state, CIRCUIT_HALF_OPEN);
    workers_want (rig_office.workers, other);
    cr_assert (other->is_probe);
    fails (W1, "t1", 3, 0); //  opens it again
    rig_run ();
    cr_assert_eq (s_view ().openings, 2);
    workers_forget (rig_office.workers, other, false);
    turn_destroy (&other);
}

//  Whose question is too much for the bot asks the next one at once, and is told once.
Test (bot_failure, in_one_session_only)
{
    say (1, 5, "too much");
    rig_run ();
    rig_policy ()->open_s = rig_policy ()->open_most_s = 3600;
    fails (W1, "t1", 3, 500);
    rig_wait (20);
    EXPECT ("e1 POSTED 1 ok #2\n"
            "w1 WORK t1 1\n"
            "e1 DELIVER 5 #3 failure\n"
            "w1 SETTLED t1\n");
    cr_assert_eq (s_view ().state, CIRCUIT_CLOSED);
    cr_assert_eq (s_view ().waiting, 1, "for its own time");
    say (1, 5, "less");
    rig_run ();
    fails (W1, "t2", 1, 500);
    rig_wait (20);
    EXPECT ("e1 POSTED 2 ok #4\n"
            "w1 WORK t2 1\n"
            "w1 SETTLED t2\n");
    say (1, 5, "little");
    rig_run ();
    done (W1, "t3", "yes");
    rig_run ();
    EXPECT ("e1 POSTED 3 ok #5\n"
            "w1 WORK t3 1\n"
            "e1 DELIVER 5 #6 yes\n"
            "w1 SETTLED t3\n");
    cr_assert_eq (s_view ().waiting, 0);
    cr_assert_eq (rig_session ()->fold.failures, 0);
}

//  Others were answered while it climbed its ladder: only the last try counts.
Test (bot_failure, a_ladder_in_which_others_were_answered)
{
    s_fails_in ("demo/other");
    say (1, 5, "hello");
    rig_run ();
    accepted (W1, "t1");
    rig_wait (10);
    bot_health_note (rig_office.bots,
                     &(bot_outcome_t){ .app = TEXT ("demo"),
                                       .session = TEXT ("demo/third"),
                                       .done = &(bus_done_t){ .outcome = OUTCOME_ANSWERED } });
    fails (W1, "t1", 3, 0);
    rig_run ();
    cr_assert_eq (s_view ().failures, 1);
}

//  Workers of before do not make health requests.
Test (bot_failure, a_question_is_the_probe_when_no_worker_asks_a_health_url)
{
    text_t none = rig_policy ()->health_url;
    rig_policy ()->health_url = TEXT ("http://bot/health");
    s_fails ();
    rig_forget ();
    rig_wait (20);
    EXPECT ("w1 WORK t2 1\n");
    rig_policy ()->health_url = none;
}

Test (bot_failure, a_fault_of_the_question_is_as_before)
{
    say (1, 5, "hello");
    rig_run ();
    fails (W1, "t1", 1, 404);
    rig_wait (20);
    EXPECT ("e1 POSTED 1 ok #2\n"
            "w1 WORK t1 1\n"
            "e1 DELIVER 5 #3 failure\n"
            "w1 SETTLED t1\n");
    cr_assert_eq (s_view ().state, CIRCUIT_CLOSED);
    cr_assert_eq (fake_store_works (KEY), 0);
    cr_assert_null (rig_session ()->fold.unanswered);
}

Test (bot_failure, a_text_in_place_of_the_failure)
{
    s_stays_out ();
    text_t steps[] = { TEXT ("retry"), TEXT ("text") };
    rig_policy ()->steps = (json_texts_t){ steps, 2 };
    text_t before = rig_policy ()->text;
    rig_policy ()->text = TEXT ("Away \"now\"");
    s_fails ();
    rig_policy ()->text = before;
    rig_policy ()->steps = (json_texts_t){ NULL, 0 };
    EXPECT ("e1 POSTED 1 ok #2\n"
            "w1 WORK t1 1\n"
            "e1 DELIVER 5 #3 {\"outputSpeech\":{\"displayText\":\"Away \\\"now\\\"\"}}\n"
            "w1 SETTLED t1\n");
    cr_assert_eq (fake_store_entry (KEY, 3)->event, EVENT_NEW_MESSAGE);
    cr_assert_not_null (rig_session ()->fold.unanswered);
}

Test (bot_failure, a_question_that_is_too_old_is_given_up)
{
    s_stays_out ();
    s_fails ();
    rig_forget ();
    int64_t given_up = postoffice_counts[POSTOFFICE_QUESTIONS_GIVEN_UP];
    LIST_THING (rig_session ()->fold.turns.next, turn_t, in_fold)->asked_ms -= 601000;
    rig_wait (1200);
    EXPECT ("");
    cr_assert_eq (fake_store_works (KEY), 0);
    cr_assert_eq (s_view ().waiting, 0);
    cr_assert_eq (postoffice_counts[POSTOFFICE_QUESTIONS_GIVEN_UP], given_up + 1);
    cr_assert_not_null (rig_session ()->fold.unanswered, "whoever comes next is given it");
}

Test (bot_failure, an_agent_ends_the_waiting)
{
    s_stays_out ();
    s_fails ();
    agent_joins (2, 9, "anna");
    post (2, 9, EVENT_BARGE_IN, "in");
    rig_run ();
    cr_assert_eq (s_view ().waiting, 0);
    cr_assert_eq (fake_store_works (KEY), 0);
    cr_assert_eq (postoffice_counts[POSTOFFICE_QUESTIONS_HELD], 0);
}

//  The probe was the question of a session that an agent takes over: another one is the next.
Test (bot_failure, a_probe_that_nobody_wants_any_more)
{
    s_fails ();
    rig_wait (20);
    agent_joins (2, 9, "anna");
    post (2, 9, EVENT_BARGE_IN, "in");
    rig_run ();
    rig_forget ();
    post (2, 9, EVENT_BARGE_OUT, "out");
    rig_run ();
    cr_assert_eq (s_view ().state, CIRCUIT_HALF_OPEN);
    cr_assert (strstr (rig_story (), "w1 WORK t3 1\n"), "%s", rig_story ());
}

//  The postoffice dies; the one that comes after it knows nothing of the bot, asks when its time
//  has come, and does not tell again.
Test (bot_failure, another_postoffice_takes_over)
{
    s_stays_out ();
    s_fails ();
    rig_forget ();
    rig_begin_second ();
    rig_use (2);
    rig_policy ()->open_s = rig_policy ()->open_most_s = 0;
    worker_up (W2, 10);
    visitor_joins (3, 6);
    rig_wait (RECOVERY_MS + 30);
    const char *story = rig_story ();
    cr_assert (strstr (story, "w2 WORK t2 1\n"), "%s", story);
    uint64_t last = fake_store_last (KEY);
    s_stays_out ();
    fails (W2, "t2", 1, 0);
    rig_forget ();
    rig_wait (20);
    EXPECT ("w2 SETTLED t2\n");
    cr_assert_eq (fake_store_last (KEY), last);
    rig_use (1);
}

// ---------------------------------------------------------------------------------------------
//  A person is asked

static text_t s_steps[] = { TEXT ("retry"), TEXT ("person") };

//  The app names these targets.
static app_switchboard_t *
s_asks_person (text_t *targets, size_t count)
{
    app_switchboard_t *app =
        (app_switchboard_t *) &apps_find (rig_office.apps, TEXT ("demo"))->switchboard;
    app->handoff = (json_texts_t){ targets, count };
    rig_policy ()->steps = (json_texts_t){ s_steps, 2 };
    return app;
}

//  What was borrowed is not the file's to free.
static void
s_asks_nobody (app_switchboard_t *app)
{
    app->handoff = (json_texts_t){ NULL, 0 };
    rig_policy ()->steps = (json_texts_t){ NULL, 0 };
}

Test (bot_failure, a_person_is_asked)
{
    text_t targets[] = { TEXT ("group:sales") };
    app_switchboard_t *app = s_asks_person (targets, 1);
    s_stays_out ();
    s_fails ();
    s_asks_nobody (app);
    const fold_t *fold = &rig_session ()->fold;
    cr_assert_eq (fold->control_role, ROLE_ROUTER, "the visitor waits for a person");
    cr_assert (fold->offer.waits);
    cr_assert_eq (fold->turn_count, 0);
    cr_assert_eq (fake_store_works (KEY), 0);
    cr_assert_not_null (fold->unanswered);
    cr_assert_eq (fake_store_entry (KEY, 3)->event, EVENT_FAILURE);
    cr_assert_eq (fake_store_entry (KEY, 4)->event, EVENT_OFFER);
}

//  The targets end with the bot: the question waits for it, and nobody is asked once more.
Test (bot_failure, a_chain_that_ends_with_the_bot)
{
    text_t targets[] = { TEXT ("bot") };
    app_switchboard_t *app = s_asks_person (targets, 1);
    s_stays_out ();
    s_fails ();
    rig_wait (20);
    s_asks_nobody (app);
    const fold_t *fold = &rig_session ()->fold;
    cr_assert_eq (fold->control_role, ROLE_BOT);
    cr_assert_eq (fold->turn_count, 1);
    cr_assert_eq (s_view ().waiting, 1);
    cr_assert_eq (fake_store_works (KEY), 1);
}

//  Nor does it go round in circles when the question itself is the trouble.
Test (bot_failure, a_fault_of_the_question_asks_a_person_once)
{
    text_t targets[] = { TEXT ("bot") };
    app_switchboard_t *app = s_asks_person (targets, 1);
    say (1, 5, "hello");
    rig_run ();
    fails (W1, "t1", 1, 404);
    rig_run ();
    uint64_t last = fake_store_last (KEY);
    fails (W1, "t2", 1, 404);
    rig_wait (20);
    s_asks_nobody (app);
    cr_assert_eq (fake_store_last (KEY), last + 1);
    cr_assert_eq (rig_session ()->fold.turn_count, 0);
}

//  While a person is sought, another postoffice comes to it: it knows why, and asks for nobody
//  anew.
Test (bot_failure, another_postoffice_finds_who_is_sought)
{
    text_t targets[] = { TEXT ("group:sales") };
    app_switchboard_t *app = s_asks_person (targets, 1);
    s_stays_out ();
    s_fails ();
    rig_begin_second ();
    rig_use (2);
    worker_up (W2, 10);
    visitor_joins (3, 6);
    rig_wait (20);
    const fold_t *fold = &sessions_find (rig_second.sessions, KEY)->fold;
    cr_assert (fold->offer.waits);
    cr_assert_eq (fold->failures, 1);
    cr_assert_eq (fold->person_seq, fold->unanswered->seq);
    rig_use (1);
    s_asks_nobody (app);
}

//  Nobody takes it, and the bot fails again, however much later: the visitor hears of neither.
Test (bot_failure, what_comes_back_from_persons_is_told_to_nobody)
{
    text_t targets[] = { TEXT ("bot") };
    app_switchboard_t *app = s_asks_person (targets, 1);
    rig_policy ()->tell_s = 0;
    s_fails ();
    rig_wait (20);
    uint64_t last = fake_store_last (KEY);
    for (int again = 0; again < 3; again++) {
        cr_assert (strstr (rig_story (), "w1 WORK t2 "), "%s", rig_story ());
        rig_forget ();
        fails (W1, "t2", 1, 503);
        rig_wait (20);
    }
    s_asks_nobody (app);
    cr_assert_eq (fake_store_last (KEY), last);
    cr_assert_eq (fake_store_works (KEY), 1);
}
