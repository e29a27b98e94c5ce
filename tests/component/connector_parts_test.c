//  stentor-connector with bots that answer in parts: what is shown meanwhile, and what it comes to.

#include "bot_fixture.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>

#define LINES "application/x-ndjson"
#define EVENTS "text/event-stream"
#define SAID(text) "{\"outputSpeech\":{\"displayText\":\"" text "\"}}"
#define CUT(text) "{\"outputSpeech\":{\"displayText\":\"" text "\"},\"truncated\":true}"
#define TRUNCATED "stentor_connector_bot_truncated_total"

static void
s_rule (bot_fixture_t *self, const char *item, unsigned times, const bot_reply_t *reply)
{
    char text[40];
    snprintf (text, sizeof text, "<%s>", item);
    bot_rule (self->bot, text, times, reply);
}

static unsigned
s_parts (const bot_fixture_t *self, const char *item)
{
    unsigned count = 0;
    for (unsigned at = 0; at < self->count; at++)
        count += self->heard[at].kind == BUS_PROGRESS && self->heard[at].number == EVENT_PART
                 && strcmp (self->heard[at].item, item) == 0;
    return count;
}

//  The last partial answer that was shown; "": none.
static const char *
s_last_part (const bot_fixture_t *self, const char *item)
{
    const char *last = "";
    for (unsigned at = 0; at < self->count; at++)
        if (self->heard[at].kind == BUS_PROGRESS && self->heard[at].number == EVENT_PART
            && strcmp (self->heard[at].item, item) == 0)
            last = self->heard[at].data;
    return last;
}

//  Each is shown as far as it has come, and what pauses is shown whole.
Test (connector_parts, slow_parts_are_shown_as_they_come, .timeout = 60)
{
    bot_fixture_t *self = bot_fixture_start ((const char *const[]){ "BOT_TIMEOUT=900ms", NULL });
    s_rule (self, "slow", 0, &(bot_reply_t){
        .manner = BOT_PARTS, .type = LINES, .every_ms = 600,
        .body = "{\"delta\":\"One \"}\n\x1e{\"delta\":\"two \"}\n\x1e{\"delta\":\"\"}\n\x1e"
                "{\"delta\":\"three\"}\n" });
    bot_fixture_hand (self, "slow");
    RIG_UNTIL (&self->rig, 5000, strcmp (s_last_part (self, "slow"), SAID ("One ")) == 0);
    RIG_UNTIL (&self->rig, 5000, strcmp (s_last_part (self, "slow"), SAID ("One two ")) == 0);
    cr_assert_eq (bot_fixture_count (self, "slow", BUS_DONE), 0);
    const bot_heard_t *done = bot_fixture_done (self, "slow", 5000);
    cr_assert_eq (done->number, OUTCOME_ANSWERED);
    cr_assert_str_eq (done->data, SAID ("One two three"), "longer than one try may take");
    cr_assert_eq (bot_asked (self->bot, "<slow>"), 1);
    cr_assert_eq (process_log_count (self->connector, "two"), 0, "a bot's words are not logged");
    bot_fixture_end (self);
}

Test (connector_parts, events_and_a_whole_answer_at_their_end, .timeout = 60)
{
    bot_fixture_t *self = bot_fixture_start (NULL);
    s_rule (self, "events", 0, &(bot_reply_t){
        .manner = BOT_PARTS_STOP, .type = EVENTS, .every_ms = 50,
        .body = ": hello\n\n\x1e" "data: {\"delta\":\"I call\"}\n\n\x1e"
                "event: done\ndata: {\"outputSpeech\":\"I call somebody\",\"system\":\"HANDOFF\","
                "\"data\":{\"handoffTargetId\":\"sales\"}}\n\n" });
    bot_fixture_hand (self, "events");
    const bot_heard_t *done = bot_fixture_done (self, "events", 5000);
    cr_assert (done->ask == ASK_HANDOFF && strcmp (done->target, "sales") == 0);
    cr_assert (strstr (done->data, "\"outputSpeech\":\"I call somebody\""));
    cr_assert_str_eq (s_last_part (self, "events"), SAID ("I call"));
    RIG_UNTIL (&self->rig, 5000, bot_connections (self->bot) == 0);
    bot_fixture_end (self);
}

//  A bot that streams a letter at a time costs the visitors' browsers no more than one that does
//  not.
Test (connector_parts, many_parts_are_shown_a_few_times, .timeout = 60)
{
    enum { PARTS = 400 };
    static char body[PARTS * 20];
    char *at = body;
    for (unsigned part = 0; part < PARTS; part++)
        at += sprintf (at, "%s{\"delta\":\"x\"}\n", part ? "\x1e" : "");
    bot_fixture_t *self = bot_fixture_start (NULL);
    s_rule (self, "many", 0, &(bot_reply_t){
        .manner = BOT_PARTS, .type = LINES, .every_ms = 5, .body = body });
    bot_fixture_hand (self, "many");
    uint64_t began_ms = clock_mono_ms ();
    const bot_heard_t *done = bot_fixture_done (self, "many", 20000);
    uint64_t took_ms = done->at_ms - began_ms;
    cr_assert_eq (strlen (done->data), strlen (SAID ("")) + PARTS);
    cr_assert_geq (s_parts (self, "many"), 2);
    cr_assert_leq (s_parts (self, "many"), took_ms / 250 + 1);
    bot_fixture_end (self);
}

//  What was said stays: it was read, and the bot has acted upon the question.
Test (connector_parts, what_stops_is_finished_by_what_was_said, .timeout = 60)
{
    static const struct {
        const char *item;
        bot_reply_t reply;
    } cases[] = {
        { "cut", { .manner = BOT_PARTS_CUT, .type = LINES,
                   .body = "{\"delta\":\"Half\"}\n\x1e{\"delta\":\" and" } },
        { "stop", { .manner = BOT_PARTS_STOP, .type = LINES, .body = "{\"delta\":\"Half\"}\n" } },
        { "bytes", { .manner = BOT_PARTS, .type = LINES, .every_ms = 300,
                     .body = "{\"delta\":\"Half\"}\n\x1e{\x1e\"\x1e" "d\x1e" "e\x1el\x1et\x1e" } },
        { "huge", { .manner = BOT_PARTS, .type = LINES, .filler = 100000,
                    .body = "{\"delta\":\"Half\"}\n\x1e{\"delta\":" } },
        { "garbage", { .manner = BOT_PARTS, .type = EVENTS,
                       .body = "data: {\"delta\":\"Half\"}\n\n\x1e" "data: <html>\n\n" } },
        { "latin", { .manner = BOT_PARTS, .type = LINES,
                     .body = "{\"delta\":\"Half\"}\n\x1e{\"delta\":\"caf\xe9\"}\n" } },
    };
    bot_fixture_t *self =
        bot_fixture_start ((const char *const[]){ "BOT_PART_WITHIN=1s", NULL });
    for (unsigned at = 0; at < sizeof cases / sizeof *cases; at++) {
        s_rule (self, cases[at].item, 0, &cases[at].reply);
        bot_fixture_hand (self, cases[at].item);
    }
    for (unsigned at = 0; at < sizeof cases / sizeof *cases; at++) {
        const bot_heard_t *done = bot_fixture_done (self, cases[at].item, 10000);
        char text[40];
        cr_expect_eq (done->number, OUTCOME_ANSWERED, "%s", cases[at].item);
        cr_expect_str_eq (done->data, CUT ("Half"), "%s: %s", cases[at].item, done->data);
        cr_expect_str_eq (s_last_part (self, cases[at].item), SAID ("Half"), "%s",
                          cases[at].item);
        snprintf (text, sizeof text, "<%s>", cases[at].item);
        cr_expect_eq (bot_asked (self->bot, text), 1, "%s is not asked again", cases[at].item);
    }
    cr_assert_eq (process_metric (self->connector, TRUNCATED), 6);
    cr_assert_eq (process_log_count (self->connector, "Half"), 0);
    bot_fixture_end (self);
}

//  The bot sends a part again and again, and never ends.
Test (connector_parts, all_parts_together_have_a_time_limit, .timeout = 60)
{
    bot_fixture_t *self = bot_fixture_start (
        (const char *const[]){ "BOT_PARTS_TIMEOUT=2s", "BOT_PART_WITHIN=10s", NULL });
    s_rule (self, "endless", 0, &(bot_reply_t){
        .manner = BOT_PARTS, .type = LINES, .every_ms = 700,
        .body = "{\"delta\":\"x\"}\n\x1e\n\x1e\n\x1e\n\x1e\n\x1e\n\x1e\n\x1e\n\x1e\n\x1e\n" });
    bot_fixture_hand (self, "endless");
    uint64_t began_ms = clock_mono_ms ();
    cr_assert_str_eq (bot_fixture_done (self, "endless", 10000)->data, CUT ("x"));
    cr_assert_lt (clock_mono_ms () - began_ms, 4000u);
    bot_fixture_end (self);
}

//  Nothing was said: a failure like others, with its tries.
Test (connector_parts, who_said_nothing_is_asked_again, .timeout = 60)
{
    bot_fixture_t *self =
        bot_fixture_start ((const char *const[]){ "BOT_PART_WITHIN=500ms", NULL });
    s_rule (self, "cut", 1, &(bot_reply_t){ .manner = BOT_PARTS_CUT, .type = LINES,
                                            .body = "\n\x1e{\"del" });
    s_rule (self, "cut", 1, &(bot_reply_t){ .manner = BOT_PARTS_STOP, .type = EVENTS,
                                            .body = ": thinking\n" });
    s_rule (self, "cut", 0, &(bot_reply_t){ .manner = BOT_PARTS, .type = LINES,
                                            .body = "{\"delta\":\"Third\"}\n" });
    s_rule (self, "no", 0, &(bot_reply_t){ .manner = BOT_PARTS, .type = LINES, .body = "5\n" });
    bot_fixture_hand (self, "cut");
    bot_fixture_hand (self, "no");
    cr_assert_str_eq (bot_fixture_done (self, "cut", 15000)->data, SAID ("Third"));
    cr_assert_str_eq (bot_fixture_done (self, "no", 5000)->data, LAST ("answer is no object"));
    cr_assert_eq (bot_asked (self->bot, "<no>"), 1);
    cr_assert_eq (process_metric (self->connector, "stentor_connector_bot_failures_total{class="
                                                   "\"part_no_object\"}"), 1);
    bot_fixture_end (self);
}

//  A take-over: CANCEL ends the call, and nothing more is said.
Test (connector_parts, cancelled_in_the_middle, .timeout = 60)
{
    bot_fixture_t *self = bot_fixture_start (NULL);
    s_rule (self, "gone", 0, &(bot_reply_t){
        .manner = BOT_PARTS, .type = LINES, .every_ms = 100,
        .body = "{\"delta\":\"a\"}\n\x1e{\"delta\":\"b\"}\n\x1e{\"delta\":\"c\"}\n\x1e"
                "{\"delta\":\"d\"}\n\x1e{\"delta\":\"e\"}\n\x1e{\"delta\":\"f\"}\n\x1e"
                "{\"delta\":\"g\"}\n\x1e{\"delta\":\"h\"}\n\x1e{\"delta\":\"i\"}\n" });
    bot_fixture_hand (self, "gone");
    RIG_UNTIL (&self->rig, 5000, s_parts (self, "gone") > 0);
    bot_fixture_cancel (self, "gone");
    RIG_UNTIL (&self->rig, 5000, bot_connections (self->bot) == 0);
    unsigned shown = s_parts (self, "gone");
    rig_turn_for (&self->rig, 600);
    cr_assert_eq (s_parts (self, "gone"), shown);
    cr_assert_eq (bot_fixture_count (self, "gone", BUS_DONE), 0);
    bot_fixture_hand (self, "after");
    bot_fixture_done (self, "after", 5000);
    bot_fixture_end (self);
}
