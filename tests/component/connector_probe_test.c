//  stentor-connector and a bot's health: whose fault a failure is, how often a question is tried,
//  and the request of an app's healthUrl.

#include "bot_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

Test (connector_probe, whose_fault_a_failure_is, .timeout = 60)
{
    bot_fixture_t *self = bot_fixture_start (NULL);
    const struct {
        const char *item;
        bot_reply_t reply;
        fault_t fault;
        unsigned tries;
    } rows[] = {
        { "busy", { .status = 503, .body = "no" }, FAULT_BOT, 3 },
        { "hangs", { .manner = BOT_HANGS }, FAULT_BOT, 3 },
        { "resets", { .manner = BOT_RESETS }, FAULT_BOT, 3 },
        { "page", { .type = "text/html", .body = "<html>" }, FAULT_BOT, 1 },
        { "empty", { .body = "" }, FAULT_BOT, 1 },
        { "missing", { .status = 404, .body = "no" }, FAULT_OTHER, 1 },
        { "refused", { .status = 401, .body = "no" }, FAULT_OTHER, 1 },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        char text[40];
        snprintf (text, sizeof text, "<%s>", rows[at].item);
        bot_rule (self->bot, text, 0, &rows[at].reply);
        bot_fixture_hand (self, rows[at].item);
    }
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        const bot_heard_t *done = bot_fixture_done (self, rows[at].item, 20000);
        cr_assert_eq (done->number, OUTCOME_FAILED);
        cr_assert_eq (done->fault, rows[at].fault, "%s", rows[at].item);
        cr_assert_eq (done->tries, rows[at].tries, "%s", rows[at].item);
    }
    bot_fixture_end (self);
}

//  No ladder: the visitor was told, and sees nothing of it.
Test (connector_probe, a_question_that_is_tried_once, .timeout = 60)
{
    bot_fixture_t *self = bot_fixture_start (NULL);
    bot_rule (self->bot, "<once>", 0, &(bot_reply_t){ .status = 503, .body = "no" });
    bot_fixture_hand_once (self, "once", 1);
    const bot_heard_t *done = bot_fixture_done (self, "once", 5000);
    cr_assert_eq (done->tries, 1);
    cr_assert_str_eq (done->data, LAST ("status 503"));
    cr_assert_str_eq (bot_fixture_story (self, "once"), "taken typing failed");
    cr_assert_eq (bot_asked (self->bot, "<once>"), 1);
    bot_fixture_end (self);
}

//  An apps file with this healthUrl in it; the caller removes it.
static void
s_write_apps (char path[40], const char *health_url)
{
    strcpy (path, "/tmp/probe_test.XXXXXX");
    int file = mkstemp (path);
    cr_assert (file >= 0);
    cr_assert (dprintf (file,
                        "{\"apps\":[{\"appId\":\"demo\",\"bot\":{\"url\":\"http://127.0.0.1:9/\","
                        "\"key\":\"secret-key\"},\"switchboard\":{\"failure\":{\"healthUrl\":"
                        "\"%s\"}}},{\"appId\":\"none\"}]}",
                        health_url)
               > 0);
    close (file);
}

static void
s_expect (bot_fixture_t *self, const char *item, outcome_t outcome, unsigned status)
{
    const bot_heard_t *done = bot_fixture_done (self, item, 10000);
    cr_assert_eq (done->number, outcome, "%s", item);
    cr_assert_eq (done->status, status, "%s", item);
    bot_fixture_settle (self, item);
}

Test (connector_probe, a_health_url_is_asked, .timeout = 60)
{
    char path[40], setting[60];
    bot_t *health = bot_new ();
    s_write_apps (path, bot_url (health));
    snprintf (setting, sizeof setting, "APPS_FILE=%s", path);
    bot_fixture_t *self = bot_fixture_start ((const char *const[]){ setting, NULL });
    bot_rule (health, "GET ", 1, &(bot_reply_t){ .status = 204 });
    bot_fixture_ask_health (self, "well", "demo");
    s_expect (self, "well", OUTCOME_ANSWERED, 204);
    char *request = bot_request (health, "GET /bot ");
    cr_assert_null (strstr (request, "secret-key"), "it may be another host's");
    free (request);

    bot_rule (health, "GET ", 1, &(bot_reply_t){ .status = 503 });
    bot_fixture_ask_health (self, "busy", "demo");
    s_expect (self, "busy", OUTCOME_DEAD, 503);
    bot_rule (health, "GET ", 1, &(bot_reply_t){ .manner = BOT_HANGS });
    bot_fixture_ask_health (self, "hangs", "demo");
    s_expect (self, "hangs", OUTCOME_DEAD, 0);
    bot_fixture_ask_health (self, "no-url", "none");
    s_expect (self, "no-url", OUTCOME_DEAD, 0);
    bot_fixture_ask_health (self, "no-app", "foreign");
    s_expect (self, "no-app", OUTCOME_DEAD, 0);
    cr_assert_eq (bot_asked (health, "GET "), 3);
    cr_assert_eq (bot_asked (self->bot, ""), 0, "no question was put to the bot");
    bot_fixture_end (self);
    bot_destroy (&health);
    unlink (path);
}
