//  stentor-connector with bots that say 202, to answer later: it holds the question until somebody
//  cancels it, or its time is over.

#include "bot_fixture.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>

#define KEY "BOT_ANSWER_KEY=0123456789abcdef0123456789abcdef"
#define URL "BOT_ANSWER_URL=http://edge.example.com/base/"
#define HEADER "\r\nStentor-Answer-Url: http://edge.example.com/base/bot-answers/"
#define WAITING "stentor_connector_bot_later"

static const bot_reply_t s_later = { .status = 202, .body = "{\"status\":\"accepted\"}" };

static bool
s_has_header (bot_fixture_t *self, const char *text)
{
    char *request = bot_request (self->bot, text);
    bool has_it = request && strstr (request, HEADER);
    free (request);
    return has_it;
}

Test (connector_later, a_question_is_held_until_it_is_cancelled, .timeout = 60)
{
    bot_fixture_t *self =
        bot_fixture_start ((const char *const[]){ KEY, URL, "BOT_TIMEOUT=500ms", NULL });
    bot_rule (self->bot, "<later>", 0, &s_later);
    bot_fixture_hand (self, "later");
    RIG_UNTIL (&self->rig, 5000, process_metric (self->connector, WAITING) == 1);
    cr_assert (s_has_header (self, "<later>"));
    rig_turn_for (&self->rig, 1500);
    cr_assert_eq (bot_fixture_count (self, "later", BUS_DONE), 0, "longer than a try may take");
    cr_assert_eq (bot_asked (self->bot, "<later>"), 1);
    bot_fixture_cancel (self, "later");
    RIG_UNTIL (&self->rig, 5000, process_metric (self->connector, WAITING) == 0);
    rig_turn_for (&self->rig, 300);
    cr_assert_eq (bot_fixture_count (self, "later", BUS_DONE), 0);
    cr_assert_eq (process_log_count (self->connector, "bot-answers"), 0, "who has it may answer");
    bot_fixture_end (self);
}

Test (connector_later, its_time_is_limited, .timeout = 60)
{
    bot_fixture_t *self =
        bot_fixture_start ((const char *const[]){ KEY, URL, "BOT_LATER_WITHIN=700ms", NULL });
    bot_rule (self->bot, "<later>", 0, &s_later);
    bot_fixture_hand (self, "later");
    const bot_heard_t *done = bot_fixture_done (self, "later", 5000);
    cr_assert_eq (done->number, OUTCOME_FAILED);
    cr_assert_str_eq (done->data, LAST ("timeout"));
    cr_assert_eq (bot_asked (self->bot, "<later>"), 1, "it may have acted upon the question");
    cr_assert_eq (process_metric (self->connector, WAITING), 0);
    bot_fixture_end (self);
}

//  What it says at once is its answer, whatever its status.
Test (connector_later, an_answer_with_202_is_an_answer, .timeout = 60)
{
    bot_fixture_t *self = bot_fixture_start ((const char *const[]){ KEY, URL, NULL });
    bot_rule (self->bot, "<now>", 0,
              &(bot_reply_t){ .status = 202, .body = "{\"outputSpeech\":\"now\"}" });
    bot_fixture_hand (self, "now");
    cr_assert_str_eq (bot_fixture_done (self, "now", 5000)->data, "{\"outputSpeech\":\"now\"}");
    bot_fixture_end (self);
}

Test (connector_later, without_a_key_nobody_answers_later, .timeout = 60)
{
    bot_fixture_t *self = bot_fixture_start (NULL);
    bot_rule (self->bot, "<later>", 0, &s_later);
    bot_fixture_hand (self, "later");
    cr_assert_str_eq (bot_fixture_done (self, "later", 5000)->data, LAST ("no answer"));
    cr_assert_eq (process_metric (self->connector,
                                  "stentor_connector_bot_failures_total{class=\"later_off\"}"), 1);
    cr_assert_not (s_has_header (self, "<later>"));
    bot_fixture_end (self);
}

//  Each counts for the credit: memory is bounded, and another connector takes what is too much.
Test (connector_later, what_is_held_counts_for_the_credit, .timeout = 60)
{
    bot_fixture_t *self =
        bot_fixture_start ((const char *const[]){ KEY, URL, "BOT_CREDIT=1", NULL });
    bot_rule (self->bot, "<later>", 0, &s_later);
    bot_fixture_hand (self, "later");
    RIG_UNTIL (&self->rig, 5000, process_metric (self->connector, WAITING) == 1);
    bot_fixture_hand (self, "second");
    RIG_UNTIL (&self->rig, 5000, bot_fixture_count (self, "second", BUS_DECLINED) == 1);
    bot_fixture_cancel (self, "later");
    bot_fixture_hand (self, "second");
    bot_fixture_done (self, "second", 5000);
    bot_fixture_end (self);
}

Test (connector_later, wrong_settings_are_refused, .timeout = 60)
{
    static const char *const wrong[][3] = { { URL, NULL },
                                            { "BOT_ANSWER_KEY=short", URL, NULL },
                                            { KEY, "BOT_ANSWER_URL=chat.example.com", NULL },
                                            { KEY, "BOT_ANSWER_URL=http://a?b", NULL },
                                            { "BOT_AUTH_HEADER=stentor-answer-url", NULL } };
    for (size_t row = 0; row < sizeof wrong / sizeof *wrong; row++) {
        process_t *connector = process_new ("connector", "stentor-connector", NULL, wrong[row]);
        cr_assert (connector);
        cr_assert_eq (process_wait_exit (connector, 10000), 78, "%zu", row);
        process_destroy (&connector);
    }
    process_t *edge = process_new ("edge", "edge", NULL,
                                   (const char *const[]){ "BOT_ANSWER_KEY=short", NULL });
    cr_assert (edge);
    cr_assert_eq (process_wait_exit (edge, 10000), 78);
    process_destroy (&edge);
}
