//  notifier, Slack: what it makes of everything that Slack can answer or leave out
//  (texting_server.py is Slack), and what it tells the postoffice.

#include "base/clock.h"
#include "texting_rig.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINK "https://chat.example.com/alerts/abc.def"
#define UNSURE "no answer of Slack that says what came of it: it may have been posted"
#define BODY_SIZE 30000

//  The text is JSON's inside; `address` NULL: that of the script, which the app's name is.
static void
s_hand_text (const char *item, const char *app, const char *address, const char *text,
             const bus_work_t *more)
{
    static char body[BODY_SIZE];
    snprintf (body, sizeof body,
              "{\"kind\":\"alert\",\"sessionId\":\"s-1\",\"rule\":\"waiting\",\"address\":\"%s\","
              "\"subject\":\"Bob waits\",\"link\":\"" LINK "\",\"text\":\"%s\"}",
              address, text);
    bus_work_t work = *more;
    work.item = text_of (item);
    work.app = text_of (app);
    work.topic = TEXT ("notify.slack");
    work.body = text_of (body);
    texting_hand (&work);
}

//  The channel whose script this is.
static const char *
s_channel (const char *script)
{
    static char channel[8];
    char *channels = texting_file ("channels"), line[60];
    snprintf (line, sizeof line, "\n%s=", script);
    const char *at = strncmp (channels, line + 1, strlen (line) - 1) == 0
                         ? channels - 1
                         : strstr (channels, line);
    cr_assert (at, "%s", script);
    snprintf (channel, sizeof channel, "%.4s", at + strlen (line));
    free (channels);
    return channel;
}

static void
s_hand (const char *item, const char *script, const char *memory, const char *lane, uint64_t lost,
        uint64_t attempt)
{
    s_hand_text (item, "slack", s_channel (script), "Bob waits " LINK,
                 &(bus_work_t){ .memory = text_of (memory),
                                .lane_memory = text_of (lane),
                                .lost = lost,
                                .attempt = attempt });
}

static double
s_metric (const char *result)
{
    char sample[100];
    snprintf (sample, sizeof sample, "stentor_notifier_slack_total{result=\"%s\"}", result);
    return texting_metric (sample);
}

static void
s_expect_log (const char *app, const char *text)
{
    char *log = texting_log (app);
    cr_expect (strstr (log, text), "%s: %s\nin\n%s", app, text, log);
    free (log);
}

//  The second message of a session stands in the thread that the first one began.
Test (slack, has_a_thread_for_each_session, .timeout = 60)
{
    texting_start (NULL);
    s_hand ("one", "thread", "", "", 0, 1);
    const worker_heard_t *first = texting_done ("one");
    cr_assert_eq (first->outcome, OUTCOME_ANSWERED, "%s", first->detail);
    cr_assert_eq (first->destination, DESTINATION_WELL);
    cr_assert_eq (first->pause_ms, 1000, "the next one a second behind its end");
    cr_assert_str_eq (first->remember_lane, "{\"ts\":\"1700000000.000001\"}");
    cr_assert_str_eq (first->detail, "posted: 1700000000.000001");
    s_hand ("two", "thread", "", first->remember_lane, 0, 1);
    const worker_heard_t *second = texting_done ("two");
    cr_assert_str_eq (second->remember_lane, "", "the root stays");
    cr_assert_str_eq (second->detail, "posted: 1700000000.000002, in the session's thread");
    s_expect_log ("thread", "\"text\": \"*Bob waits*\\nBob waits " LINK
                            "\", \"unfurl_links\": false");
    s_expect_log ("thread", "\"thread_ts\": \"1700000000.000001\"");
    cr_assert_eq (texting_count ("thread", "thread_ts"), 1);
    //  What is no root is none.
    s_hand ("three", "thread", "", "{\"ts\":\"17\\\"x\"}", 0, 1);
    cr_assert (strstr (texting_done ("three")->remember_lane, "000003"));
    //  Somebody has deleted the root: a new thread begins.
    s_hand ("four", "old-thread", "", "{\"ts\":\"1600000000.000001\"}", 0, 1);
    const worker_heard_t *fourth = texting_done ("four");
    cr_assert_eq (fourth->outcome, OUTCOME_ANSWERED, "%s", fourth->detail);
    cr_assert_str_eq (fourth->remember_lane, "{\"ts\":\"1700000000.000001\"}");
    texting_end ();
}

typedef struct {
    const char *script; //  of a channel, or, with "hook", the app
    uint64_t outcome;
    const char *detail; //  how it begins
    uint64_t destination;
    const char *result; //  of the metric
    uint64_t status;
    uint64_t pause_ms;
} row_t;

#define LOGIN "Slack refuses the token, or the webhook's URL"
#define GONE "the channel, webhook or workspace is gone"
#define CHANNEL "nothing can be posted to the channel"
#define FORBIDDEN "the workspace does not allow it"
#define LONG "the message is too long"
#define MESSAGE "Slack does not understand the message"
#define BUSY "Slack has too many messages for there"

//  Every row of the fact sheet.
static const row_t s_rows[] = {
    { "channel-not-found", OUTCOME_DEAD, CHANNEL ": 200 channel_not_found", DESTINATION_FAILED,
      "channel", 200, 0 },
    { "not-in-channel", OUTCOME_DEAD, CHANNEL, DESTINATION_FAILED, "channel", 200, 0 },
    { "messages-tab-disabled", OUTCOME_DEAD, CHANNEL, DESTINATION_FAILED, "channel", 200, 0 },
    { "is-archived", OUTCOME_DEAD, GONE, DESTINATION_DISABLED, "gone", 200, 0 },
    { "msg-too-long", OUTCOME_DEAD, LONG, DESTINATION_UNSAID, "too_long", 200, 0 },
    { "msg-blocks-too-long", OUTCOME_DEAD, LONG, DESTINATION_UNSAID, "too_long", 200, 0 },
    { "no-text", OUTCOME_DEAD, MESSAGE, DESTINATION_UNSAID, "message", 200, 0 },
    { "invalid-json", OUTCOME_DEAD, MESSAGE, DESTINATION_UNSAID, "message", 200, 0 },
    { "invalid-charset", OUTCOME_DEAD, MESSAGE, DESTINATION_UNSAID, "message", 200, 0 },
    { "restricted-action", OUTCOME_DEAD, FORBIDDEN, DESTINATION_FAILED, "forbidden", 200, 0 },
    { "ekm-access-denied", OUTCOME_DEAD, FORBIDDEN, DESTINATION_FAILED, "forbidden", 200, 0 },
    { "missing-scope", OUTCOME_DEAD, "the token may not do this", DESTINATION_FAILED, "scope", 200,
      0 },
    { "invalid-auth", OUTCOME_RETRY, LOGIN ": 200 invalid_auth", DESTINATION_FAILED,
      "login_refused", 200, 60000 },
    { "not-authed", OUTCOME_RETRY, LOGIN, DESTINATION_FAILED, "login_refused", 200, 60000 },
    { "account-inactive", OUTCOME_RETRY, LOGIN, DESTINATION_FAILED, "login_refused", 200, 60000 },
    { "token-revoked", OUTCOME_RETRY, LOGIN, DESTINATION_FAILED, "login_refused", 200, 60000 },
    { "token-expired", OUTCOME_RETRY, LOGIN, DESTINATION_FAILED, "login_refused", 200, 60000 },
    { "internal-error", OUTCOME_RETRY, "Slack failed: 200 internal_error", DESTINATION_FAILED,
      "server", 200, 0 },
    { "fatal-error", OUTCOME_RETRY, "Slack failed", DESTINATION_FAILED, "server", 200, 0 },
    { "service-unavailable", OUTCOME_RETRY, "Slack failed", DESTINATION_FAILED, "server", 200, 0 },
    { "brand-new-error", OUTCOME_DEAD, "Slack refuses the message: 200 brand_new_error",
      DESTINATION_UNSAID, "refused", 200, 0 },
    { "ratelimited", OUTCOME_RETRY, BUSY ": 429 ratelimited", DESTINATION_UNSAID, "busy", 429,
      12000 },
    { "ratelimited-bare", OUTCOME_RETRY, BUSY, DESTINATION_UNSAID, "busy", 429, 30000 },
    { "server-500", OUTCOME_RETRY, "Slack failed: 500", DESTINATION_FAILED, "server", 500, 0 },
    { "server-503", OUTCOME_RETRY, "Slack failed: 503", DESTINATION_FAILED, "server", 503, 0 },
    { "html-200", OUTCOME_RETRY, UNSURE ": 200", DESTINATION_FAILED, "unsure", 200, 0 },
    { "moved-302", OUTCOME_DEAD, "what answers is not Slack: it redirects: 302",
      DESTINATION_FAILED, "redirected", 302, 0 },
    { "close", OUTCOME_RETRY, UNSURE ": the connection", DESTINATION_FAILED, "unsure", 0, 0 },
    { "reset", OUTCOME_RETRY, UNSURE ": the connection", DESTINATION_FAILED, "unsure", 0, 0 },
    { "hang", OUTCOME_RETRY, UNSURE ": no whole answer in time", DESTINATION_FAILED, "unsure", 0,
      0 },
    { "cut", OUTCOME_RETRY, UNSURE, DESTINATION_FAILED, "unsure", 201, 0 },
    { "hook-good", OUTCOME_ANSWERED, "posted", DESTINATION_WELL, "posted", 200, 0 },
    { "hook-payload", OUTCOME_DEAD, MESSAGE ": 400 invalid_payload", DESTINATION_UNSAID, "message",
      400, 0 },
    { "hook-user", OUTCOME_DEAD, CHANNEL ": 400 user_not_found", DESTINATION_FAILED, "channel",
      400, 0 },
    { "hook-prohibited", OUTCOME_DEAD, FORBIDDEN ": 403", DESTINATION_FAILED, "forbidden", 403, 0 },
    { "hook-token", OUTCOME_RETRY, LOGIN ": 403 invalid_token", DESTINATION_FAILED,
      "login_refused", 403, 60000 },
    { "hook-channel", OUTCOME_DEAD, CHANNEL ": 404", DESTINATION_FAILED, "channel", 404, 0 },
    { "hook-service", OUTCOME_DEAD, GONE ": 404 no_service", DESTINATION_DISABLED, "gone", 404, 0 },
    { "hook-team", OUTCOME_DEAD, GONE ": 404 no_team", DESTINATION_DISABLED, "gone", 404, 0 },
    { "hook-archived", OUTCOME_DEAD, GONE ": 410 channel_is_archived", DESTINATION_DISABLED, "gone",
      410, 0 },
    { "hook-410", OUTCOME_DEAD, GONE ": 410", DESTINATION_DISABLED, "gone", 410, 0 },
    { "hook-rollup", OUTCOME_RETRY, "Slack failed: 500 rollup_error", DESTINATION_FAILED, "server",
      500, 0 },
    { "hook-429", OUTCOME_RETRY, BUSY ": 429", DESTINATION_UNSAID, "busy", 429, 9000 },
    { "hook-429-bare", OUTCOME_RETRY, BUSY ": 429", DESTINATION_UNSAID, "busy", 429, 30000 },
    { "hook-404", OUTCOME_DEAD, "Slack refuses the message: 404; another", DESTINATION_UNSAID,
      "refused", 404, 0 },
    { "hook-302", OUTCOME_DEAD, "what answers is not Slack: it redirects: 302", DESTINATION_FAILED,
      "redirected", 302, 0 },
    { "hook-close", OUTCOME_RETRY, UNSURE ": the connection", DESTINATION_FAILED, "unsure", 0, 0 },
    { "hook-hang", OUTCOME_RETRY, UNSURE ": no whole answer in time", DESTINATION_FAILED, "unsure",
      0, 0 },
    { "hook-certificate", OUTCOME_DEAD, "Slack's certificate is not valid", DESTINATION_FAILED,
      "certificate", 0, 0 },
    { "hook-refused", OUTCOME_RETRY, "Slack was not reached: the host refuses", DESTINATION_FAILED,
      "unsent", 0, 0 },
};
#define ROWS (sizeof s_rows / sizeof *s_rows)

static double
s_expected (const char *result)
{
    double count = 0;
    for (size_t row = 0; row < ROWS; row++)
        count += strcmp (s_rows[row].result, result) == 0;
    return count;
}

Test (slack, every_way_to_fail, .timeout = 120)
{
    texting_start ((const char *const[]){ "TRY_WITHIN=8s", NULL });
    for (size_t row = 0; row < ROWS; row++) {
        const char *script = s_rows[row].script;
        if (strncmp (script, "hook", 4) == 0)
            s_hand_text (script, script, "", "Bob waits", &(bus_work_t){ .attempt = 1 });
        else
            s_hand (script, script, "", "", 0, 1);
    }
    for (size_t row = 0; row < ROWS; row++) {
        const row_t *wanted = &s_rows[row];
        const worker_heard_t *done = texting_done (wanted->script);
        cr_expect_eq (done->outcome, wanted->outcome, "%s: %s", wanted->script, done->detail);
        cr_expect (strncmp (done->detail, wanted->detail, strlen (wanted->detail)) == 0, "%s: %s",
                   wanted->script, done->detail);
        cr_expect_eq (done->destination, wanted->destination, "%s", wanted->script);
        cr_expect_eq (done->status, wanted->status, "%s: %" PRIu64, wanted->script, done->status);
        cr_expect_eq (done->after_ms > 0, done->outcome == OUTCOME_RETRY, "%s", wanted->script);
        uint64_t pause_ms = wanted->pause_ms > 0 ? wanted->pause_ms : 1000; //  the pace
        cr_expect_eq (done->pause_ms, pause_ms, "%s: %" PRIu64, wanted->script, done->pause_ms);
    }
    for (size_t row = 0; row < ROWS; row++)
        cr_expect_eq (s_metric (s_rows[row].result), s_expected (s_rows[row].result), "%s",
                      s_rows[row].result);
    cr_assert_eq (texting_metric ("stentor_notifier_slack_sending"), 0);
    cr_assert_eq (texting_metric ("stentor_notifier_slack_waiting"), 0);
    texting_end ();
}

Test (slack, whose_answer_is_lost_is_posted_once_more, .timeout = 60)
{
    texting_start (NULL);
    s_hand ("one", "close-once", "", "", 0, 1);
    const worker_heard_t *first = texting_done ("one");
    s_hand ("one", "close-once", first->remember, "", 0, 2);
    const worker_heard_t *second = texting_done_again ("one", 2);
    cr_assert_str_eq (second->detail, "possible duplicate, posted: 1700000000.000001");
    cr_assert_eq (texting_metric ("stentor_notifier_slack_possibly_twice_total"), 1);
    s_hand ("two", "close", "", "", 1, 2); //  killed in a try, and lost
    cr_assert_eq (texting_done ("two")->outcome, OUTCOME_DEAD);
    s_hand ("three", "good", "{\"unsure\":1}", "", 1, 3);
    cr_assert_str_eq (texting_done ("three")->detail,
                      "it may have been posted twice, and is not tried again");
    s_hand ("four", "good", texting_done ("three")->remember, "", 1, 4); //  replayed
    cr_assert_eq (texting_done ("four")->outcome, OUTCOME_ANSWERED);
    cr_assert_eq (texting_count ("good", "POST"), 1);
    texting_end ();
}

Test (slack, a_wrong_token_is_used_a_few_times, .timeout = 60)
{
    texting_start (NULL);
    const char *memory = "";
    for (unsigned attempt = 1; attempt <= 3; attempt++) {
        s_hand ("one", "invalid-auth", memory, "", 0, attempt);
        const worker_heard_t *done = texting_done_again ("one", attempt);
        cr_assert_eq (done->outcome, attempt < 3 ? OUTCOME_RETRY : OUTCOME_DEAD);
        cr_assert_eq (done->destination,
                      attempt < 3 ? DESTINATION_FAILED : DESTINATION_DISABLED);
        memory = done->remember;
        worker_fixture_again (texting_fixture);
    }
    texting_end ();
}

//  One in a second to one place; others do not wait for it.
Test (slack, keeps_its_pace, .timeout = 60)
{
    texting_start ((const char *const[]){ "TRY_WITHIN=6s", NULL });
    uint64_t began_ms = clock_mono_ms ();
    char item[20];
    for (int at = 0; at < 8; at++) {
        snprintf (item, sizeof item, "pace-%d", at);
        s_hand (item, "pace", "", "", 0, 1);
    }
    s_hand ("other", "good", "", "", 0, 1);
    cr_assert_eq (texting_done ("other")->outcome, OUTCOME_ANSWERED);
    for (int at = 0; at < 2; at++) {
        snprintf (item, sizeof item, "pace-%d", at);
        cr_assert_eq (texting_done (item)->outcome, OUTCOME_ANSWERED);
    }
    cr_assert (clock_mono_ms () - began_ms >= 1000);
    const worker_heard_t *last = texting_done ("pace-7");
    cr_assert_eq (last->outcome, OUTCOME_RETRY);
    cr_assert_str_eq (last->detail, "other messages to the same place took all the time");
    cr_assert (strstr (last->remember, "\"waited\":1"), "%s", last->remember);
    cr_assert (texting_count ("pace", "POST") < 7);
    texting_end ();
}

Test (slack, goes_where_it_should, .timeout = 60)
{
    static const struct {
        const char *app, *detail;
        uint64_t outcome;
    } wrong[] = {
        { "nothing", "the app has no section \"slack\" here", OUTCOME_RETRY },
        { "no-channel", "there is no channel: the app's \"slack\" has none", OUTCOME_DEAD },
    };
    texting_start (NULL);
    s_hand_text ("own", "slack", "", "to the app's channel", &(bus_work_t){ .attempt = 1 });
    cr_assert_eq (texting_done ("own")->outcome, OUTCOME_ANSWERED);
    s_expect_log ("good", "{\"channel\": \"C001\", "
                          "\"text\": \"*Bob waits*\\nto the app's channel\"");
    s_hand_text ("hook", "hook-good", "C001", "by the webhook", &(bus_work_t){ .attempt = 1 });
    const worker_heard_t *hook = texting_done ("hook");
    cr_assert_str_eq (hook->detail, "posted");
    cr_assert_str_eq (hook->remember_lane, "");
    for (size_t at = 0; at < 2; at++) {
        s_hand_text (wrong[at].app, wrong[at].app, "", "x", &(bus_work_t){ .attempt = 1 });
        cr_assert_eq (texting_done (wrong[at].app)->outcome, wrong[at].outcome);
        cr_assert_str_eq (texting_done (wrong[at].app)->detail, wrong[at].detail);
    }
    s_hand_text ("id", "slack", "C001\\n", "x", &(bus_work_t){ .attempt = 1 });
    cr_assert_str_eq (texting_done ("id")->detail, "the address is no id of Slack");
    s_hand_text ("unwanted", "slack", "C001", "x", &(bus_work_t){ .suppressed = 1 });
    cr_assert_eq (texting_done ("unwanted")->outcome, OUTCOME_DEAD);
    s_hand_text ("unknown", "nobody", "C001", "x", &(bus_work_t){ .attempt = 1 });
    cr_assert_eq (texting_done ("unknown")->outcome, OUTCOME_RETRY);
    static const char *const bodies[] = { "", "[]", "{}", "{\"address\":7}", "{\"text\":[]}" };
    for (size_t at = 0; at < sizeof bodies / sizeof *bodies; at++) {
        char item[20];
        snprintf (item, sizeof item, "bad-%zu", at);
        texting_hand (&(bus_work_t){ .item = text_of (item),
                                     .app = TEXT ("slack"),
                                     .topic = TEXT ("notify.slack"),
                                     .body = text_of (bodies[at]) });
        cr_assert_eq (texting_done (item)->outcome, OUTCOME_DEAD, "%s", bodies[at]);
    }
    texting_end ();
}

//  Texts come escaped. They are cut between characters, and not within an entity or a link.
Test (slack, long_and_hostile_texts, .timeout = 60)
{
    static char text[BODY_SIZE];
    texting_start (NULL);
    size_t size = 0;
    while (size < 10000)
        size += (size_t) sprintf (text + size, "&lt;!channel&gt; \U0001F600 ");
    sprintf (text + size, "<" LINK "|Seen> *now*");
    s_hand_text ("long", "slack", "C001", text, &(bus_work_t){ .attempt = 1 });
    cr_assert_eq (texting_done ("long")->outcome, OUTCOME_ANSWERED);
    s_expect_log ("good", "...<" LINK "|Seen> *now*\", \"unfurl");
    cr_assert_eq (texting_count ("good", "<!channel>"), 0);
    s_hand_text ("quoted", "slack", "C001", "a \\\"b\\\" \\\\ \\n\\u2028 c",
                 &(bus_work_t){ .attempt = 1 });
    cr_assert_eq (texting_done ("quoted")->outcome, OUTCOME_ANSWERED);
    s_expect_log ("good", "\"text\": \"*Bob waits*\\na \\\"b\\\" \\\\ \\n\u2028 c\"");
    texting_end ();
}
