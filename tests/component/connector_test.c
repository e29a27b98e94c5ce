//  stentor-connector: what it makes of a bot's answers, failures and silence, and what it tells the
//  postoffices.

#include "bot_fixture.h"
#include "bus/bus_limits.h"
#include "ports.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define OUTCOMES(outcome)                                                                        \
    "stentor_worker_outcomes_total{outcome=\"" outcome "\",topic=\"bot.stentor\"}"

Test (connector, question_and_answer, .timeout = 60)
{
    bot_fixture_t *self = bot_fixture_start (NULL);
    cr_assert_eq (self->credit, 2000);
    bot_says (self->bot, "<q>", "{\"outputSpeech\":{\"displayText\":\"A\"}}");
    bot_fixture_hand (self, "q");
    const bot_heard_t *done = bot_fixture_done (self, "q", 5000);
    cr_assert_str_eq (bot_fixture_story (self, "q"), "taken typing answered");
    cr_assert_str_eq (done->data, "{\"outputSpeech\":{\"displayText\":\"A\"}}");
    char *request = bot_request (self->bot, "<q>");
    cr_assert (strstr (request, "POST /bot HTTP/1.1\r\n"));
    cr_assert (strstr (request, "\r\nAuthorization: Bearer the-key\r\n"));
    cr_assert (strstr (request, "\r\nContent-Type: application/json\r\n"));
    cr_assert (strstr (request, "\"sessionId\":\"q\""));
    cr_assert (strstr (request, "\"userId\":\"u-1\""));
    cr_assert (strstr (request, "\"accessToken\":\"visitor-token\""));
    free (request);
    bot_fixture_settle (self, "q");
    rig_turn_for (&self->rig, 300);
    cr_assert_eq (process_metric (self->connector, "stentor_worker_items{state=\"reporting\"}"),
                  0);
    cr_assert_eq (process_metric (self->connector, OUTCOMES ("answered")), 1);
    cr_assert_eq (process_log_count (self->connector, "visitor-token"), 0);
    cr_assert_eq (process_log_count (self->connector, "<q>"), 0);
    cr_assert_eq (process_log_count (self->connector, "the-key"), 0);
    bot_fixture_end (self);
}

Test (connector, what_clients_are_shown, .timeout = 60)
{
    bot_fixture_t *self = bot_fixture_start (NULL);
    bot_says (self->bot, "<handoff>",
        "{\"outputSpeech\":\"x\",\"system\":\"HANDOFF\",\"data\":{\"handoffTargetId\":\"sales\"}}");
    bot_says (self->bot, "<call>",
        "{\"outputSpeech\":\"x\",\"system\":\"TRANSFER_CALL\","
            "\"data\":{\"transferPhoneNumber\":\"+1\"}}");
    bot_says (self->bot, "<nothing>", "{}");
    bot_says (self->bot, "<trouble>",
        "{\"tag\":\"TROUBLE_WITH_REQUEST\",\"outputSpeech\":\"sorry\","
            "\"displays\":[{\"type\":\"CARD\",\"context\":\"stack\"}]}");
    bot_rule (self->bot, "<chunks>", 0, &(bot_reply_t){ .manner = BOT_CHUNKS,
        .body = "{\"outputSpeech\":\"in chunks\"}" });
    bot_rule (self->bot, "<bytes>", 0, &(bot_reply_t){ .manner = BOT_DRIBBLES,
        .body = "{\"outputSpeech\":\"b\"}" });
    static const char *const items[] = { "handoff", "call", "nothing", "trouble", "chunks" };
    for (unsigned index = 0; index < 5; index++)
        bot_fixture_hand (self, items[index]);
    const bot_heard_t *done = bot_fixture_done (self, "handoff", 5000);
    cr_assert (done->ask == ASK_HANDOFF && strcmp (done->target, "sales") == 0);
    done = bot_fixture_done (self, "call", 5000);
    cr_assert (done->ask == ASK_TRANSFER_CALL && strcmp (done->target, "+1") == 0);
    cr_assert (strstr (done->data, "TRANSFER_CALL"), "it is for every client but the widget");
    cr_assert_str_eq (bot_fixture_done (self, "nothing", 5000)->data, "");
    done = bot_fixture_done (self, "trouble", 5000);
    cr_assert_eq (done->number, OUTCOME_BOT_ERROR);
    cr_assert_str_eq (done->data, "{\"tag\":\"TROUBLE_WITH_REQUEST\",\"outputSpeech\":\"sorry\"}");
    cr_assert_eq (bot_asked (self->bot, "<trouble>"), 1, "the bot may have acted on it");
    cr_assert_str_eq (bot_fixture_done (self, "chunks", 5000)->data,
                      "{\"outputSpeech\":\"in chunks\"}");
    bot_fixture_end (self);
}

Test (connector, a_byte_at_a_time_is_in_time, .timeout = 60)
{
    bot_fixture_t *self = bot_fixture_start ((const char *const[]){ "BOT_TIMEOUT=8s", NULL });
    bot_rule (self->bot, "<bytes>", 0, &(bot_reply_t){ .manner = BOT_DRIBBLES,
        .body = "{\"outputSpeech\":\"b\"}" });
    bot_fixture_hand (self, "bytes");
    cr_assert_str_eq (bot_fixture_done (self, "bytes", 8000)->data, "{\"outputSpeech\":\"b\"}");
    bot_fixture_end (self);
}

Test (connector, failures_that_a_second_try_would_not_mend, .timeout = 60)
{
    static const struct {
        const char *item;
        bot_reply_t reply;
        const char *data;
        const char *detail;
    } cases[] = {
        { "html", { .type = "text/html", .body = "<html>Secret</html>" },
            LAST ("answer is not JSON"), "status 200, 19 bytes: <html>Secret</html>" },
        { "empty", { .body = "" }, LAST ("empty answer"), "status 200, 0 bytes" },
        { "array", { .body = "[]" }, LAST ("answer is no object"), "status 200, 2 bytes: []" },
        { "404", { .status = 404, .body = "Cannot POST\n/x" }, LAST ("status 404"),
            "status 404, 14 bytes: Cannot POST./x" },
        { "401", { .status = 401 }, LAST ("status 401"), "status 401, 0 bytes" },
        { "302", { .status = 302, .headers = "Location: http://127.0.0.1:1/\r\n" },
            LAST ("status 302"), "status 302, 0 bytes, redirects to http://127.0.0.1:1/" },
        { "308", { .status = 308, .headers = "Location: /moved?key=hidden#part\r\n" },
            LAST ("status 308"), "status 308, 0 bytes, redirects to http://127.0.0.1:" },
        { "odd", { .headers = "Content-Encoding: x-odd\r\n", .body = "{}" },
            LAST ("answer is not readable"), "status 200, 0 bytes, bad_coding: Unrecognized" },
        { "notgzip", { .headers = "Content-Encoding: gzip\r\n", .body = "{}" },
            LAST ("answer is not readable"), "status 200, 0 bytes, bad_coding: " },
        { "huge", { .body = "{}", .filler = 1000000 }, LAST ("answer too large"), "status 200" },
        { "hugechunks", { .manner = BOT_CHUNKS, .body = "{}", .filler = 200000 },
            LAST ("answer too large"), "status 200" },
    };
    bot_fixture_t *self = bot_fixture_start (NULL);
    for (unsigned index = 0; index < sizeof cases / sizeof *cases; index++) {
        char text[40];
        snprintf (text, sizeof text, "<%s>", cases[index].item);
        bot_rule (self->bot, text, 0, &cases[index].reply);
        bot_fixture_hand (self, cases[index].item);
    }
    for (unsigned index = 0; index < sizeof cases / sizeof *cases; index++) {
        const bot_heard_t *done = bot_fixture_done (self, cases[index].item, 5000);
        cr_assert_str_eq (bot_fixture_story (self, cases[index].item), "taken typing failed");
        cr_assert_str_eq (done->data, cases[index].data);
        cr_assert (strncmp (done->detail, cases[index].detail, strlen (cases[index].detail)) == 0,
            "%s", done->detail);
    }
    bot_fixture_hand_body (self, "nobody", "demo", "[1]");
    cr_assert_str_eq (bot_fixture_done (self, "nobody", 5000)->data,
                      LAST ("question is no object"));
    cr_assert_eq (process_log_count (self->connector, "Secret"), 0, "a bot's words are not logged");
    cr_assert_eq (process_log_count (self->connector, "/moved"), 1, "where it has moved to is");
    cr_assert_eq (process_log_count (self->connector, "hidden"), 0, "a query may be a secret");
    bot_fixture_end (self);
}

Test (connector, failures_that_pass, .timeout = 60)
{
    bot_fixture_t *self = bot_fixture_start (NULL);
    bot_rule (self->bot, "<twice>", 2, &(bot_reply_t){ .status = 500, .body = "stack trace" });
    bot_rule (self->bot, "<later>", 1, &(bot_reply_t){ .status = 429,
        .headers = "Retry-After: 2\r\n" });
    bot_fixture_hand (self, "twice");
    bot_fixture_hand (self, "later");
    uint64_t began_ms = clock_mono_ms ();
    const bot_heard_t *done = bot_fixture_done (self, "twice", 10000);
    cr_assert_str_eq (bot_fixture_story (self, "twice"),
                      "taken typing " TROUBLE (1, 1, "status 500") " typing " TROUBLE (
                          2, 1, "status 500") " typing answered");
    cr_assert (done->at_ms - began_ms >= 1990, "%" PRIu64, done->at_ms - began_ms);
    done = bot_fixture_done (self, "later", 10000);
    cr_assert_str_eq (bot_fixture_story (self, "later"),
                      "taken typing " TROUBLE (1, 2, "status 429") " typing answered");
    cr_assert (done->at_ms - began_ms >= 1990);
    bot_fixture_end (self);
}

Test (connector, tries_are_used_up, .timeout = 90)
{
    static const struct {
        const char *item;
        bot_reply_t reply;
        const char *words;
    } cases[] = {
        { "500", { .status = 500, .body = "<html>", .filler = 500000 }, "status 500" },
        { "503", { .status = 503 }, "status 503" },
        { "hangs", { .manner = BOT_HANGS }, "timeout" },
        { "stops", { .manner = BOT_STOPS, .body = "{\"outputSpeech\":\"x\"}" }, "timeout" },
        { "late", { .after_ms = 3000, .body = "{\"outputSpeech\":\"x\"}" }, "timeout" },
        { "closes", { .manner = BOT_CLOSES }, "unreachable" },
        { "cuts", { .manner = BOT_CUTS, .body = "{\"outputSpeech\":\"x\"}" }, "unreachable" },
        { "resets", { .manner = BOT_RESETS }, "unreachable" },
    };
    bot_fixture_t *self = bot_fixture_start (NULL);
    for (unsigned index = 0; index < sizeof cases / sizeof *cases; index++) {
        char text[40];
        snprintf (text, sizeof text, "<%s>", cases[index].item);
        bot_rule (self->bot, text, 0, &cases[index].reply);
        bot_fixture_hand (self, cases[index].item);
    }
    for (unsigned index = 0; index < sizeof cases / sizeof *cases; index++) {
        const char *words = cases[index].words;
        char story[600], text[40];
        const bot_heard_t *done = bot_fixture_done (self, cases[index].item, 20000);
        snprintf (story, sizeof story,
                  "taken typing {\"type\":\"BOT\",\"tries\":1,\"delay\":1,\"error\":\"%s\"} typing "
                  "{\"type\":\"BOT\",\"tries\":2,\"delay\":1,\"error\":\"%s\"} typing failed",
                      words, words);
        cr_assert_str_eq (bot_fixture_story (self, cases[index].item), story);
        snprintf (story, sizeof story,
            "{\"type\":\"BOT\",\"tries\":3,\"delay\":0,\"error\":\"%s\"}", words);
        cr_assert_str_eq (done->data, story);
        snprintf (text, sizeof text, "<%s>", cases[index].item);
        cr_assert_geq (bot_asked (self->bot, text), 3);
    }
    bot_fixture_end (self);
}

Test (connector, nobody_listens, .timeout = 60)
{
    char url[60];
    snprintf (url, sizeof url, "BOT_URL=http://127.0.0.1:%u/", ports_free ());
    bot_fixture_t *self = bot_fixture_start ((const char *const[]){ url, "BOT_TRIES=2", NULL });
    bot_fixture_hand (self, "refused");
    cr_assert_str_eq (bot_fixture_done (self, "refused", 10000)->data, LAST ("unreachable"));
    cr_assert_str_eq (bot_fixture_story (self, "refused"),
                      "taken typing " TROUBLE (1, 1, "unreachable") " typing failed");
    cr_assert_eq (process_log_count (self->connector, "Couldn't connect to server"), 2,
                  "each try says why");
    bot_fixture_end (self);
}

//  The files of edge and connector are changed at different moments.
Test (connector, an_app_that_is_not_known_is_asked_for_again, .timeout = 60)
{
    bot_fixture_t *self = bot_fixture_start (NULL);
    bot_fixture_hand_body (self, "noapp", "other", "{}");
    cr_assert_str_eq (bot_fixture_done (self, "noapp", 10000)->data, LAST ("no bot"));
    cr_assert_str_eq (bot_fixture_story (self, "noapp"),
                      "taken " TROUBLE (1, 1, "no bot") " " TROUBLE (2, 1, "no bot") " failed");
    bot_fixture_end (self);
}

Test (connector, a_url_that_is_none_is_not_tried_again, .timeout = 60)
{
    bot_fixture_t *self =
        bot_fixture_start ((const char *const[]){ "BOT_URL=http://a%20bot/", NULL });
    bot_fixture_hand (self, "nourl");
    cr_assert_str_eq (bot_fixture_done (self, "nourl", 5000)->data, LAST ("no bot"));
    cr_assert_str_eq (bot_fixture_story (self, "nourl"), "taken failed");
    bot_fixture_end (self);
}

Test (connector, cancelled_and_repeated, .timeout = 60)
{
    bot_fixture_t *self = bot_fixture_start ((const char *const[]){ "BOT_TIMEOUT=20s", NULL });
    bot_rule (self->bot, "<hangs>", 0, &(bot_reply_t){ .manner = BOT_HANGS });
    bot_fixture_hand (self, "hangs");
    RIG_UNTIL (&self->rig, 5000, bot_asked (self->bot, "<hangs>") == 1);
    bot_fixture_hand (self, "hangs");
    RIG_UNTIL (&self->rig, 5000, bot_fixture_count (self, "hangs", BUS_ACCEPTED) == 2);
    cr_assert_str_eq (bot_fixture_story (self, "hangs"), "taken typing taken");
    bot_fixture_cancel (self, "hangs");
    RIG_UNTIL (&self->rig, 5000, bot_connections (self->bot) == 0);
    rig_turn_for (&self->rig, 300);
    cr_assert_eq (bot_asked (self->bot, "<hangs>"), 1);
    cr_assert_eq (bot_fixture_count (self, "hangs", BUS_DONE), 0, "no outcome is wanted");
    cr_assert_eq (process_metric (self->connector, "stentor_worker_items{state=\"working\"}"), 0);
    cr_assert_eq (process_metric (self->connector, OUTCOMES ("cancelled")), 1);
    bot_fixture_cancel (self, "unknown");
    bot_fixture_hand (self, "after");
    bot_fixture_done (self, "after", 5000);
    bot_fixture_end (self);
}

Test (connector, a_new_postoffice_is_told_everything, .timeout = 60)
{
    bot_fixture_t *self = bot_fixture_start ((const char *const[]){ "BOT_TIMEOUT=30s", NULL });
    bot_rule (self->bot, "<slow>", 0, &(bot_reply_t){ .after_ms = 6000,
        .body = "{\"outputSpeech\":\"late\"}" });
    bot_fixture_hand (self, "slow");
    bot_fixture_hand (self, "quick");
    bot_fixture_done (self, "quick", 5000);
    RIG_UNTIL (&self->rig, 5000, bot_asked (self->bot, "<slow>") == 1);
    unsigned before = self->count;
    bus_server_destroy (&self->bus);
    self->peer = 0;
    rig_turn_for (&self->rig, 500);
    bot_fixture_open_postoffice (self);
    RIG_UNTIL (&self->rig, 15000, self->peer != 0);
    RIG_UNTIL (&self->rig, 5000, bot_fixture_count (self, "slow", BUS_ACCEPTED) == 2);
    RIG_UNTIL (&self->rig, 5000, bot_fixture_count (self, "quick", BUS_DONE) == 2);
    cr_assert_gt (self->count, before);
    bot_fixture_settle (self, "quick");
    cr_assert_str_eq (bot_fixture_done (self, "slow", 15000)->data,
                      "{\"outputSpeech\":\"late\"}");
    cr_assert_eq (bot_asked (self->bot, "<slow>"), 1, "the bot is not asked twice for it");
    bot_fixture_settle (self, "slow");
    rig_turn_for (&self->rig, 300);
    cr_assert_eq (process_metric (self->connector, "stentor_worker_items{state=\"reporting\"}"),
                  0);
    bot_fixture_end (self);
}

Test (connector, more_than_the_credit_is_declined, .timeout = 60)
{
    bot_fixture_t *self =
        bot_fixture_start ((const char *const[]){ "BOT_CREDIT=2", "BOT_TIMEOUT=20s", NULL });
    cr_assert_eq (self->credit, 2);
    cr_assert_eq (process_metric (self->connector, "stentor_worker_items_limit"), 2);
    bot_rule (self->bot, "<hangs", 0, &(bot_reply_t){ .manner = BOT_HANGS });
    bot_fixture_hand (self, "hangs1");
    bot_fixture_hand (self, "hangs2");
    bot_fixture_hand (self, "third");
    RIG_UNTIL (&self->rig, 5000, bot_fixture_count (self, "hangs2", BUS_ACCEPTED) == 1);
    RIG_UNTIL (&self->rig, 5000, bot_fixture_count (self, "third", BUS_DECLINED) == 1);
    cr_assert_str_eq (bot_fixture_story (self, "third"), "declined");
    cr_assert_eq (
        process_metric (self->connector, "stentor_worker_declined_total{reason=\"over_credit\"}"),
        1);
    bot_fixture_cancel (self, "hangs1");
    bot_fixture_hand (self, "third");
    bot_fixture_done (self, "third", 5000);
    bot_fixture_end (self);
}

Test (connector, sigterm_finishes_what_is_in_hand, .timeout = 60)
{
    bot_fixture_t *self = bot_fixture_start ((const char *const[]){ "BOT_TIMEOUT=20s", NULL });
    bot_rule (self->bot, "<slow>", 0, &(bot_reply_t){ .after_ms = 2000,
        .body = "{\"outputSpeech\":\"late\"}" });
    bot_fixture_hand (self, "slow");
    RIG_UNTIL (&self->rig, 5000, bot_asked (self->bot, "<slow>") == 1);
    process_kill (self->connector, SIGTERM);
    rig_turn_for (&self->rig, 300);
    bot_fixture_hand (self, "toolate");
    RIG_UNTIL (&self->rig, 1000, bot_fixture_count (self, "toolate", BUS_DECLINED) == 1);
    bot_fixture_done (self, "slow", 10000);
    cr_assert_str_eq (bot_fixture_story (self, "toolate"), "ending");
    rig_turn_for (&self->rig, 300);
    cr_assert (process_is_alive (self->connector), "the outcome is not settled yet");
    bot_fixture_settle (self, "slow");
    RIG_UNTIL (&self->rig, 5000, self->peer == 0);
    RIG_UNTIL (&self->rig, 5000, !process_is_alive (self->connector));
    cr_assert_eq (process_wait_exit (self->connector, 5000), 0);
    bot_fixture_end (self);
}

//  Both ways: what the settings let in fits on the bus and into a request.
Test (connector, the_largest_that_is_let_in, .timeout = 60)
{
    bot_fixture_t *self = bot_fixture_start ((const char *const[]){
        "BOT_ANSWER_LIMIT=1m", "BUS_QUEUE_LIMIT=8m", "BOT_TIMEOUT=10s", NULL });
    char *question = bot_fixture_object_of ("rawQuery", BUS_WRITTEN_MAX);
    char *answer = bot_fixture_object_of ("outputSpeech", BUS_DOOR_MAX);
    bot_says (self->bot, "/////", answer);
    bot_fixture_hand_body (self, "large", "demo", question);
    const bot_heard_t *done = bot_fixture_done (self, "large", 20000);
    cr_assert_eq (done->number, OUTCOME_ANSWERED);
    cr_assert_str_eq (done->data, answer);
    free (question);
    free (answer);
    bot_fixture_end (self);
}

Test (connector, wrong_settings_are_refused, .timeout = 60)
{
    static const char *const wrong[][2] = { { "BOT_ANSWER_LIMIT=1025k", NULL },
                                            { "BUS_QUEUE_LIMIT=7m", NULL },
                                            { "POSTOFFICE_ADDRESSES=nowhere", NULL },
                                            { "BOT_KEY=a\nX-Injected: yes", NULL },
                                            { "BOT_AUTH_HEADER=X Key", NULL },
                                            { "BOT_AUTH_HEADER=X:", NULL },
                                            { "BOT_AUTH_HEADER=content-length", NULL },
                                            { "BOT_AUTH_SCHEME=a\nX-Injected: yes", NULL },
                                            { "BOT_AUTH_SCHEME=two words", NULL },
                                            { "BOT_URL=http://127.0.0.1/\n", NULL },
                                            { "BOT_URL=ftp://127.0.0.1/", NULL },
                                            { "BOT_PROXY=nowhere", NULL },
                                            { "BOT_PROXY=ftp://127.0.0.1/", NULL },
                                            { "NODE_NAME=a\tb", NULL } };
    for (size_t row = 0; row < sizeof wrong / sizeof *wrong; row++) {
        process_t *connector = process_new ("connector", "stentor-connector", NULL, wrong[row]);
        cr_assert (connector);
        cr_assert_eq (process_wait_exit (connector, 10000), 78, "%s", wrong[row][0]);
        process_destroy (&connector);
    }
}

Test (connector, a_thousand_slow_ones_slow_nobody, .timeout = 120)
{
    enum { SLOW = 1000, QUICK = 100 };
    bot_fixture_t *self = bot_fixture_start ((const char *const[]){ "BOT_TIMEOUT=60s", NULL });
    bot_rule (self->bot, "<slow", 0, &(bot_reply_t){ .manner = BOT_HANGS });
    bot_fixture_hand (self, "first");
    bot_fixture_done (self, "first", 5000);
    long before_kb = bot_fixture_resident_kb (self->connector);
    char item[40];
    for (unsigned index = 0; index < SLOW; index++) {
        snprintf (item, sizeof item, "slow%u", index);
        bot_fixture_hand (self, item);
    }
    RIG_UNTIL (&self->rig, 30000, bot_connections (self->bot) >= SLOW);
    rig_turn_for (&self->rig, 500);
    long each_kb = (bot_fixture_resident_kb (self->connector) - before_kb) / SLOW;
    uint64_t worst_ms = 0;
    for (unsigned index = 0; index < QUICK; index++) {
        snprintf (item, sizeof item, "quick%u", index);
        uint64_t began_ms = clock_mono_ms ();
        bot_fixture_hand (self, item);
        uint64_t took_ms = bot_fixture_done (self, item, 5000)->at_ms - began_ms;
        worst_ms = took_ms > worst_ms ? took_ms : worst_ms;
    }
    fprintf (stderr, "with %d calls hanging: %d others answered, slowest %" PRIu64
             " ms; %ld kB per waiting turn\n", SLOW, QUICK, worst_ms, each_kb);
    cr_assert_lt (worst_ms, 1000u);
    cr_assert_lt (each_kb, 200);
    bot_fixture_end (self);
}
