//  bot_out — a bot dies under a crowd who go on asking, and comes back: what it costs each of them,
//  and that nothing is lost or answered twice.
//
//  Each visitor climbs one ladder of tries at most, and is told of one failure. What each said last
//  is answered once when the bot is back.

#include "chat.h"
#include "eventually.h"
#include "http_get.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS 4 //  questions of each while the bot is out, as q1 …

static bot_t *s_bot;
static unsigned s_open_most_s = 2;
static char s_path[] = "/tmp/bot_out_test.XXXXXX";

static void
s_write_apps (const char *policy)
{
    s_bot = bot_new ();
    strcpy (s_path + strlen (s_path) - 6, "XXXXXX");
    int file = mkstemp (s_path);
    cr_assert (file >= 0);
    cr_assert (dprintf (file,
                        "{\"apps\":[{\"appId\":\"demo\",\"bot\":{\"url\":\"%s\"},"
                        "\"switchboard\":{\"failure\":{%s\"openSeconds\":1,"
                        "\"openMostSeconds\":%u}}}]}",
                        bot_url (s_bot), policy, s_open_most_s)
               > 0);
    close (file);
}

static router_stack_t *
s_start (const char *policy, unsigned postoffices)
{
    char setting[60];
    s_write_apps (policy);
    snprintf (setting, sizeof setting, "APPS_FILE=%s", s_path);
    const char *settings[] = { setting, "SESSION_GRACE=2s", "BOT_TRY_DELAY_1=1s",
                               "BOT_TRY_DELAY_2=1s", NULL };
    router_stack_t *stack = stack_new (
        &(stack_plan_t){ .edges = 2, .postoffices = postoffices, .settings = settings });
    cr_assert (stack, "the stack does not start");
    return stack;
}

static void
s_end (router_stack_t **stack_p)
{
    stack_destroy (stack_p);
    bot_destroy (&s_bot);
    unlink (s_path);
}

static void
s_bot_is_back (void)
{
    bot_forget_rules (s_bot);
    bot_says (s_bot, "", "{\"outputSpeech\":{\"displayText\":\"You said: $rawQuery\"}}");
}

static void
s_bot_dies (void)
{
    bot_forget_rules (s_bot);
    bot_rule (s_bot, "", 0, &(bot_reply_t){ .manner = BOT_RESETS });
}

static void
s_say (person_t *person, unsigned number, const char *what)
{
    char text[60];
    snprintf (text, sizeof text, "v%u-%s.", number, what);
    says (person, text);
}

static void
s_hear (person_t *person, unsigned number, const char *what)
{
    char text[60];
    snprintf (text, sizeof text, "You said: v%u-%s.", number, what);
    hears_at_last (person, "bot", text);
}

static unsigned
s_asked (unsigned number, const char *what)
{
    char text[60];
    snprintf (text, sizeof text, "v%u-%s.", number, what);
    return bot_asked (s_bot, text);
}

//  Until the last failure is shown; the ladders that were begun before it.
static unsigned
s_is_told (person_t *person)
{
    unsigned ladders = 0;
    for (int64_t tries = 0; tries < 3;) {
        tries = ws_json_number (sees (person, "failure", "bot"), "data.tries");
        ladders += tries == 1;
    }
    return ladders;
}

static void
s_crowd_opens (router_stack_t *stack, person_t **people, unsigned count, bool is_rich)
{
    char name[20], session[20];
    for (unsigned at = 0; at < count; at++) {
        snprintf (name, sizeof name, "v%u", at);
        snprintf (session, sizeof session, "s-%u", at);
        people[at] = (is_rich ? rich_visitor_opens : visitor_opens) (stack, 1 + at % 2, name,
                                                                     session);
        s_say (people[at], at, "hello");
    }
    for (unsigned at = 0; at < count; at++)
        s_hear (people[at], at, "hello");
}

//  What everybody says last is answered once, and nothing of it twice.
static void
s_everybody_is_answered (person_t **people, unsigned count)
{
    char last[8];
    snprintf (last, sizeof last, "q%u", ROUNDS);
    for (unsigned at = 0; at < count; at++)
        s_hear (people[at], at, last);
    for (unsigned at = 0; at < count; at++)
        s_say (people[at], at, "bye");
    for (unsigned at = 0; at < count; at++)
        s_hear (people[at], at, "bye");
    for (unsigned at = 0; at < count; at++) {
        hears_nothing (people[at], 20);
        sees_no (people[at], "failure", 1);
    }
}

//  Ladders in all, by what the bot was asked: a question that was asked three times is one.
static void
s_count_asked (unsigned count)
{
    unsigned ladders = 0, probes = 0;
    for (unsigned at = 0; at < count; at++) {
        unsigned of_visitor = 0;
        for (unsigned round = 1; round <= ROUNDS; round++) {
            char what[8];
            snprintf (what, sizeof what, "q%u", round);
            unsigned asked = s_asked (at, what);
            of_visitor += asked >= 3 && round == 1;
            probes += round > 1 ? asked : 0;
        }
        cr_assert (of_visitor <= 1);
        ladders += of_visitor;
    }
    fprintf (stderr, "%u visitors: %u ladders, %u single questions\n", count, ladders, probes);
}

//  Until the bot is asked by everybody again. They all answer pings meanwhile.
static void
s_wait_until_back (router_stack_t *stack, person_t **people, unsigned count)
{
    uint64_t deadline = eventually_deadline (15000);
    do {
        cr_assert (clock_mono_ms () < deadline, "the bot is back and is not asked");
        for (unsigned at = 0; at < count; at++)
            sees_no (people[at], "failure", 10);
    } while (stack_metric (stack, "postoffice-", "stentor_postoffice_bots_out") > 0);
}

static void
s_bot_is_out (unsigned count, bool is_rich, const char *victim)
{
    router_stack_t *stack = s_start ("", 2);
    person_t *people[50];
    s_bot_is_back ();
    s_crowd_opens (stack, people, count, is_rich);

    s_bot_dies ();
    unsigned ladders = 0;
    for (unsigned at = 0; at < count; at++)
        s_say (people[at], at, "q1");
    for (unsigned at = 0; at < count; at++)
        ladders += s_is_told (people[at]);
    cr_assert (ladders <= count, "one each at most");
    for (unsigned round = 2; round <= ROUNDS; round++) {
        char what[8];
        snprintf (what, sizeof what, "q%u", round);
        for (unsigned at = 0; at < count; at++)
            s_say (people[at], at, what);
        if (victim && round == 2) {
            stack_kill (stack, victim);
            cr_assert (stack_start (stack, victim));
        }
    }
    EVENTUALLY (10000, stack_metric (stack, "postoffice-", "stentor_postoffice_questions_held")
                           >= count - 2);
    for (unsigned at = 0; at < count; at++)
        sees_no (people[at], "failure", 10);
    cr_assert (stack_metric (stack, "postoffice-", "stentor_postoffice_bots_out") >= 1);

    uint64_t back_ms = clock_mono_ms ();
    s_bot_is_back ();
    s_wait_until_back (stack, people, count);
    fprintf (stderr, "back after %d ms\n", (int) (clock_mono_ms () - back_ms));
    s_everybody_is_answered (people, count);
    s_count_asked (count);
    for (unsigned at = 0; at < count; at++)
        leaves (&people[at]);
    s_end (&stack);
}

Test (bot_out, fifty_visitors_ask_again_and_again)
{
    s_bot_is_out (50, false, NULL);
}

Test (bot_out, while_a_postoffice_dies)
{
    s_bot_is_out (20, true, "postoffice-1");
}

//  "state" of the bot for an agent, at this edge.
static void
s_expect_state (router_stack_t *stack, const char *state)
{
    char text[40];
    snprintf (text, sizeof text, "\"state\":\"%s\"", state);
    const char *target = "/api/v1/bot-health?userId=anna&isAdmin=true";
    http_answer_t answer = http_get (stack_edge_port (stack, 1), target, "");
    cr_assert_eq (answer.status, 200, "%s", answer.body);
    cr_assert (strstr (answer.body, text), "%s", answer.body);
    cr_assert (strstr (answer.body, "\"postoffice\":\"postoffice-1\""), "%s", answer.body);
    http_answer_free (&answer);
    answer = http_get (stack_edge_port (stack, 1), "/api/v1/bot-health?userId=ann", "");
    cr_assert_eq (answer.status, 403, "a visitor is told nothing of it");
    http_answer_free (&answer);
}

//  A health request tries the bot out: nobody's question is spent on it.
Test (bot_out, a_health_url_tells_when_it_is_back)
{
    char policy[200];
    bot_t *health = bot_new ();
    bot_rule (health, "GET ", 0, &(bot_reply_t){ .status = 503 });
    snprintf (policy, sizeof policy, "\"failures\":3,\"healthUrl\":\"%s\",", bot_url (health));
    router_stack_t *stack = s_start (policy, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    person_t *bob = visitor_opens (stack, 1, "bob", "s-2");
    s_expect_state (stack, "closed");
    s_bot_dies ();
    s_say (ann, 0, "q1");
    s_say (bob, 1, "q1");
    cr_assert_eq (s_is_told (ann), 1);
    cr_assert_eq (s_is_told (bob), 1);
    s_expect_state (stack, "open");
    EVENTUALLY (10000, bot_asked (health, "GET ") >= 2);
    cr_assert_eq (s_asked (0, "q1"), 3);
    s_bot_is_back ();
    bot_forget_rules (health);
    s_wait_until_back (stack, (person_t *[]){ ann, bob }, 2);
    s_hear (ann, 0, "q1");
    s_hear (bob, 1, "q1");
    cr_assert_eq (s_asked (0, "q1"), 4);
    hears_nothing (ann, 100);
    leaves (&ann);
    leaves (&bob);
    s_end (&stack);
    bot_destroy (&health);
}

//  The widget shows the app's words as the bot's.
Test (bot_out, the_visitor_is_told_in_the_apps_words)
{
    router_stack_t *stack = s_start ("\"steps\":[\"text\"],\"text\":\"Back soon\",", 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    s_bot_dies ();
    s_say (ann, 0, "q1");
    hears (ann, "bot", "Back soon");
    s_say (ann, 0, "q2");
    s_bot_is_back ();
    s_hear (ann, 0, "q2");
    sees_no (ann, "failure", 100);
    leaves (&ann);
    s_end (&stack);
}

//  Until so many tries were made. The visitor answers pings meanwhile.
static void
s_wait_until_asked (person_t *person, unsigned tries)
{
    uint64_t deadline = eventually_deadline (30000);
    while (s_asked (0, "q1") < tries) {
        cr_assert (clock_mono_ms () < deadline, "the bot is not asked again");
        sees_no (person, "failure", 10);
    }
}

//  With pauses that double from a second on up to eight, in each of two postoffices.
static unsigned
s_tries_at_most (uint64_t for_ms)
{
    return 2 * (unsigned) (4 + for_ms / 8000);
}

//  One who asks once and waits, whoever has the session meanwhile: it is told once, the bot is left
//  alone for longer each time, and the answer comes once.
Test (bot_out, a_silent_visitor_is_told_once)
{
    s_open_most_s = 8;
    router_stack_t *stack =
        s_start ("\"steps\":[\"text\"],\"text\":\"Back soon\",\"tellSeconds\":1,", 2);
    person_t *ann = rich_visitor_opens (stack, 1, "ann", "s-1");
    s_bot_dies ();
    uint64_t begin_ms = clock_mono_ms ();
    s_say (ann, 0, "q1");
    hears (ann, "bot", "Back soon");
    s_wait_until_asked (ann, 3);
    stack_kill (stack, "postoffice-1");
    cr_assert (stack_start (stack, "postoffice-1"));
    stack_kill (stack, "postoffice-2");
    cr_assert (stack_start (stack, "postoffice-2"));
    unsigned asked = s_asked (0, "q1");
    s_wait_until_asked (ann, asked + 1);
    hears_nothing (ann, 10);
    uint64_t for_ms = clock_mono_ms () - begin_ms;
    fprintf (stderr, "%u tries in %d ms\n", s_asked (0, "q1"), (int) for_ms);
    cr_assert_leq (s_asked (0, "q1"), s_tries_at_most (for_ms));
    s_bot_is_back ();
    asked = s_asked (0, "q1"); //  those are not answered
    s_wait_until_asked (ann, asked + 1);
    hears (ann, "bot", "You said: v0-q1.");
    hears_nothing (ann, 500);
    leaves (&ann);
    s_end (&stack);
}
