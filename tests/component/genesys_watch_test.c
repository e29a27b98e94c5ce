//  A genesys-connector looks after a conversation before the scripted platform: people come and go,
//  the visitor is passed on and taken over, waits in vain, is given back.

#include "genesys_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static genesys_item_run_t s_watch;

//  A conversation that is open, and its watcher.
static void
s_begin (const char *section)
{
    static char body[1000], id[100];
    genesys_start (section, NULL);
    genesys_open ();
    snprintf (id, sizeof id, "%s", strstr (genesys_session.memory, "\"conversation\":\""));
    id[strcspn (id, ",}")] = '\0';
    snprintf (body, sizeof body, GENESYS_BODY (11, "watch", ",\"data\":{%s}"), id);
    s_watch = GENESYS_RUN ("watch", body);
}

//  One look that is followed by others.
static const worker_heard_t *
s_look (void)
{
    cr_assert_eq (genesys_attempt (&s_watch)->outcome, OUTCOME_RETRY, "%s", s_watch.done->detail);
    return s_watch.done;
}

static void
s_expect_acts (const char *acts)
{
    cr_expect_str_eq (genesys_session.acts, acts, "%s", genesys_session.acts);
}

#define PICTURE(user) "https://pictures.example.com/" user "-200.png"
#define ANN_IN "in Ann Agent " PICTURE ("ann") "; "
#define BOB_IN "in Bob Builder " PICTURE ("bob") "; "

static void
s_ann_is_there (void)
{
    genesys_control ("agent-joins?user=ann");
    s_look ();
    s_expect_acts (ANN_IN);
}

Test (genesys_watch, a_person_comes_and_goes)
{
    s_begin (NULL);
    cr_expect (s_look ()->after_ms >= 5000);
    cr_expect_str_eq (s_watch.done->detail, "the visitor waits in a queue");
    genesys_control ("agent-alerts?user=ann");
    s_look ();
    s_expect_acts ("");
    cr_expect_eq (genesys_metric ("stentor_genesys_conversations_open{app=\"demo\"}"), 1);
    cr_expect_eq (genesys_metric ("stentor_genesys_conversations_waiting{app=\"demo\"}"), 1);
    s_ann_is_there ();
    cr_expect_eq (genesys_metric ("stentor_genesys_conversations_waiting{app=\"demo\"}"), 0);
    cr_expect_eq (genesys_metric ("stentor_genesys_time_to_agent_seconds_count{app=\"demo\"}"), 1);
    s_look ();
    s_expect_acts (ANN_IN);
    genesys_control ("agent-leaves?user=ann");
    cr_expect_eq (s_look ()->after_ms, 0); //  first out, then back
    s_expect_acts (ANN_IN "out; ");
    cr_assert_eq (genesys_attempt (&s_watch)->outcome, OUTCOME_ANSWERED);
    s_expect_acts (ANN_IN "out; release; ");
    cr_expect_eq (genesys_metric ("stentor_genesys_conversations_open{app=\"demo\"}"), 0);
    genesys_end ();
}

Test (genesys_watch, a_transfer_is_no_leaving)
{
    s_begin (NULL);
    s_ann_is_there ();
    genesys_control ("transfer?user=ann");
    s_look ();
    s_look ();
    s_expect_acts (ANN_IN "out; ");
    genesys_control ("agent-alerts?user=bob");
    s_look ();
    genesys_control ("agent-joins?user=bob");
    s_look ();
    s_expect_acts (ANN_IN "out; " BOB_IN);
    genesys_end ();
}

Test (genesys_watch, a_takeover_is_no_leaving)
{
    s_begin (NULL);
    s_ann_is_there ();
    genesys_control ("takeover?user=boss");
    s_look ();
    s_look ();
    s_expect_acts (ANN_IN "out; in Sue Supervisor " PICTURE ("boss") "; ");
    genesys_control ("park?user=boss");
    s_look ();
    cr_expect (genesys_session.controls);
    genesys_end ();
}

//  Each change is done once, however often it is tried: what was remembered before counts.
Test (genesys_watch, a_look_that_is_lost_does_nothing_twice)
{
    s_begin (NULL);
    genesys_control ("agent-joins?user=ann");
    genesys_item_run_t before = s_watch;
    s_look ();
    s_watch = before; //  nobody heard the report
    s_look ();
    s_expect_acts (ANN_IN);
    genesys_control ("agent-leaves?user=ann");
    before = s_watch;
    s_look ();
    s_watch = before;
    s_look ();
    s_expect_acts (ANN_IN "out; ");
    genesys_end ();
}

Test (genesys_watch, the_end_there_gives_the_visitor_back)
{
    s_begin (NULL);
    s_ann_is_there ();
    genesys_control ("agent-leaves?user=ann&ends=true");
    cr_assert_eq (genesys_drive (&s_watch, 2)->outcome, OUTCOME_ANSWERED);
    s_expect_acts (ANN_IN "out; release; ");
    genesys_end ();
}

//  What the visitor said is on its way there: it may open the conversation again.
Test (genesys_watch, what_is_on_its_way_is_waited_for)
{
    s_begin (NULL);
    s_ann_is_there ();
    genesys_control ("agent-leaves?user=ann&ends=true");
    s_look ();
    genesys_session.open = 1;
    cr_expect_eq (s_look ()->after_ms, 500);
    s_expect_acts (ANN_IN "out; ");
    //  It arrives, and by threading the conversation goes on.
    genesys_item_run_t text =
        GENESYS_RUN ("text", GENESYS_SAYS (12, "visitor", "Vic", "{\"rawQuery\":\"hello there\"}"));
    char lane[1100];
    snprintf (lane, sizeof lane, "%s", genesys_session.memory);
    //  channel.from.id is that of the opening.
    cr_assert_eq (genesys_attempt (&text)->outcome, OUTCOME_ANSWERED);
    cr_expect_str_eq (genesys_session.memory, lane);
    genesys_session.open = 0;
    cr_expect_geq (s_look ()->after_ms, 5000);
    cr_expect (genesys_session.controls);
    genesys_control ("agent-joins?user=bob");
    s_look ();
    s_expect_acts (ANN_IN "out; " BOB_IN);
    genesys_end ();
}

Test (genesys_watch, something_is_said_at_the_last_moment)
{
    s_begin (NULL);
    genesys_control ("customer-ends");
    genesys_session.refusals = 1;
    cr_expect_eq (s_look ()->after_ms, 0);
    cr_expect (genesys_session.controls);
    cr_assert_eq (genesys_attempt (&s_watch)->outcome, OUTCOME_ANSWERED);
    s_expect_acts ("release nobody; ");
    genesys_end ();
}

Test (genesys_watch, nobody_comes_in_time)
{
    s_begin ("{\"queueSeconds\":1}");
    s_look ();
    uint64_t until = eventually_deadline (10000);
    while (genesys_attempt (&s_watch)->outcome == OUTCOME_RETRY)
        cr_assert (eventually_again (until), "%s %s %s", genesys_session.acts, s_watch.memory,
                   s_watch.done->detail);
    cr_expect_str_eq (s_watch.done->detail, "nobody came in time");
    s_expect_acts ("release nobody; ");
    genesys_end ();
}

Test (genesys_watch, the_platform_is_out_of_reach)
{
    s_begin ("{\"unreachableSeconds\":1}");
    s_ann_is_there ();
    genesys_session.open = 3; //  it cannot be waited for
    genesys_control ("fault?kind=status&status=503&method=GET&times=0&path=.*messages/.*");
    uint64_t until = eventually_deadline (10000);
    while (genesys_attempt (&s_watch)->outcome == OUTCOME_RETRY)
        cr_assert (eventually_again (until), "%s %s %s", genesys_session.acts, s_watch.memory,
                   s_watch.done->detail);
    s_expect_acts (ANN_IN "out; release unreachable; ");
    genesys_end ();
}

Test (genesys_watch, one_good_look_and_it_is_within_reach)
{
    s_begin (NULL);
    s_ann_is_there ();
    genesys_control ("fault?kind=garbage&method=GET&times=1&path=.*messages/.*");
    genesys_control ("fault?kind=status&status=500&method=GET&times=1&path=.*messages/.*");
    s_look ();
    cr_expect (strstr (s_watch.memory, "\"dark\":1"), "%s", s_watch.memory);
    s_look ();
    s_look ();
    cr_expect (strstr (s_watch.memory, "\"dark\":0"), "%s", s_watch.memory);
    s_expect_acts (ANN_IN);
    genesys_end ();
}

Test (genesys_watch, there_is_no_such_conversation)
{
    s_begin (NULL);
    genesys_control ("forget");
    cr_assert_eq (genesys_attempt (&s_watch)->outcome, OUTCOME_ANSWERED);
    s_expect_acts ("release nobody; ");
    genesys_end ();
}

Test (genesys_watch, it_may_not_look)
{
    s_begin (NULL);
    genesys_control ("fault?kind=status&status=403&method=GET&times=0&path=.*messages/.*");
    cr_assert_eq (genesys_attempt (&s_watch)->outcome, OUTCOME_ANSWERED);
    s_expect_acts ("release unreachable; ");
    genesys_end ();
}

Test (genesys_watch, a_429_is_kept_and_says_nothing)
{
    s_begin (NULL);
    s_ann_is_there ();
    genesys_control ("fault?kind=status&status=429&retry=9&method=GET&times=1&path=.*messages/.*");
    cr_expect_geq (s_look ()->after_ms, 9000);
    cr_expect (strstr (s_watch.memory, "\"dark\":0"), "%s", s_watch.memory);
    s_expect_acts (ANN_IN);
    genesys_end ();
}

//  A conversation of thousands of messages: who is there stays, however long it cannot be read.
Test (genesys_watch, too_large_an_answer_says_nothing)
{
    s_begin ("{\"unreachableSeconds\":1}");
    s_ann_is_there ();
    genesys_control ("fault?kind=large&method=GET&times=0&path=.*messages/.*");
    for (uint64_t until = eventually_deadline (2000); eventually_again (until);) {
        cr_expect_geq (s_look ()->after_ms, 59000);
        cr_assert (strstr (s_watch.memory, "\"dark\":0"), "%s", s_watch.memory);
    }
    s_expect_acts (ANN_IN);
    genesys_control ("mend");
    genesys_control ("agent-leaves?user=ann&ends=true");
    cr_assert_eq (genesys_drive (&s_watch, 2)->outcome, OUTCOME_ANSWERED);
    s_expect_acts (ANN_IN "out; release; ");
    genesys_end ();
}

//  More looks are wanted than the rate has: nothing is out of reach by that.
Test (genesys_watch, that_has_no_turn_is_not_out_of_reach)
{
    s_begin ("{\"requestsPerMinute\":30,\"unreachableSeconds\":1}");
    genesys_control ("agent-joins?user=ann");
    s_look ();
    s_expect_acts ("in Ann Agent; "); //  there is no turn for the picture either
    unsigned later = 0;
    for (uint64_t until = eventually_deadline (3000); eventually_again (until);) {
        later += strstr (s_look ()->detail, "used up") != NULL;
        cr_assert (strstr (s_watch.memory, "\"dark\":0"), "%s", s_watch.memory);
    }
    cr_expect_gt (later, 1);
    s_expect_acts ("in Ann Agent; ");
    genesys_end ();
}

//  A session takes no such picture: the person comes in without it.
Test (genesys_watch, a_picture_with_a_long_address)
{
    char ask[1000];
    s_begin (NULL);
    snprintf (ask, sizeof ask, "user?user=ann&image=https://pictures.example.com/%0*d", 700, 1);
    genesys_control ("%s", ask);
    genesys_control ("agent-joins?user=ann");
    cr_expect_geq (s_look ()->after_ms, 5000);
    s_expect_acts ("in Ann Agent; ");
    genesys_end ();
}

//  What the postoffice will never take holds nobody up; what it may take later is not hurried.
Test (genesys_watch, a_postoffice_that_refuses_who_comes_in)
{
    s_begin (NULL);
    genesys_control ("agent-joins?user=ann");
    genesys_session.refused = 409;
    cr_expect_geq (s_look ()->after_ms, 5000);
    cr_expect (strstr (s_watch.memory, "\"waiting\""), "%s", s_watch.memory);
    genesys_session.refused = 400;
    cr_expect_geq (s_look ()->after_ms, 5000);
    cr_expect (strstr (s_watch.memory, "\"with\""), "%s", s_watch.memory);
    genesys_session.refused = 0;
    s_look ();
    s_expect_acts ("");
    genesys_end ();
}

Test (genesys_watch, somebody_else_answers_by_now)
{
    s_begin (NULL);
    genesys_session.controls = false;
    cr_assert_eq (genesys_attempt (&s_watch)->outcome, OUTCOME_ANSWERED);
    //  Or the platform again, by another acceptance: that has a watcher of its own.
    genesys_session.controls = true;
    genesys_session.tenancy = 30;
    genesys_item_run_t old = s_watch;
    old.item = "old";
    cr_assert_eq (genesys_attempt (&old)->outcome, OUTCOME_ANSWERED);
    s_expect_acts ("");
    genesys_end ();
}

Test (genesys_watch, a_postoffice_that_does_not_answer_changes_nothing)
{
    s_begin (NULL);
    s_ann_is_there ();
    char memory[1100];
    snprintf (memory, sizeof memory, "%s", s_watch.memory);
    genesys_session.status = 503;
    s_look ();
    cr_expect_str_eq (s_watch.memory, memory);
    genesys_session.status = 404; //  the session was erased
    cr_assert_eq (genesys_attempt (&s_watch)->outcome, OUTCOME_ANSWERED);
    genesys_end ();
}

//  Who has neither a name nor a picture is shown as the app says.
Test (genesys_watch, somebody_without_a_name)
{
    s_begin ("{\"name\":\"Service\"}");
    genesys_control ("user?user=bob&name=&is404=true");
    genesys_control ("agent-joins?user=bob");
    s_look ();
    s_expect_acts ("in Service; ");
    genesys_end ();
}
