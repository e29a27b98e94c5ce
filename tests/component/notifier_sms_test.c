//  notifier, SMS: what it makes of everything that Twilio can answer or leave out
//  (texting_server.py is Twilio), and what it tells the postoffice.

#include "base/clock.h"
#include "texting_rig.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINK "https://chat.example.com/alerts/abc.def"
#define ALERT_WITH(text)                                                                         \
    "{\"kind\":\"alert\",\"appId\":\"a\",\"sessionId\":\"s-1\",\"alert\":\"7\","                 \
    "\"rule\":\"waiting\",\"event\":\"visitor-waits\",\"step\":0,"                               \
    "\"person\":{\"id\":\"anna\",\"name\":\"Anna\"},\"address\":\"+49301234567\","               \
    "\"subject\":\"Bob waits\",\"link\":\"" LINK "\",\"text\":\"" text "\"}"
#define ALERT ALERT_WITH ("Bob waits " LINK)
#define UNSURE "no answer of Twilio that says what came of it: it may have been sent"
#define TWICE "it may have been sent twice, and is not tried again"

static void
s_hand (const char *item, const char *app, const char *body, const char *memory, uint64_t lost,
        uint64_t attempt)
{
    texting_hand (&(bus_work_t){ .item = text_of (item),
                                 .app = text_of (app),
                                 .topic = TEXT ("notify.sms"),
                                 .body = text_of (body),
                                 .memory = text_of (memory),
                                 .lost = lost,
                                 .attempt = attempt });
}

//  What an agent or a bot says to somebody who writes by SMS. The text is JSON's inside.
static void
s_say (const char *item, const char *app, const char *text, const char *memory, uint64_t lost,
       uint64_t attempt)
{
    char *body = malloc (strlen (text) + 600);
    sprintf (body,
             "{\"event\":\"new message\",\"seq\":4,\"timeMs\":%" PRIu64 ",\"appId\":\"%s\","
             "\"sessionId\":\"s-1\",\"role\":\"agent\",\"userId\":\"anna\",\"data\":{},"
             "\"text\":\"%s\",\"participant\":{\"role\":\"visitor\",\"channel\":\"sms.out\","
             "\"externalId\":\"+49301234567\",\"via\":\"text\"}}",
             clock_wall_ms (), app, text);
    texting_hand (&(bus_work_t){ .item = text_of (item),
                                 .app = text_of (app),
                                 .topic = TEXT ("sms.out"),
                                 .body = text_of (body),
                                 .memory = text_of (memory),
                                 .lost = lost,
                                 .attempt = attempt });
    free (body);
}

static double
s_metric (const char *result)
{
    char sample[100];
    snprintf (sample, sizeof sample, "stentor_notifier_sms_total{result=\"%s\"}", result);
    return texting_metric (sample);
}

static void
s_expect_log (const char *app, const char *text)
{
    char *log = texting_log (app);
    cr_expect (strstr (log, text), "%s: %s\nin\n%s", app, text, log);
    free (log);
}

Test (sms, is_sent, .timeout = 60)
{
    texting_start (NULL);
    s_hand (":notify:visitor-waits:s-1:7:anna:sms:0", "good", ALERT, "", 0, 1);
    const worker_heard_t *done = texting_done (":notify:visitor-waits:s-1:7:anna:sms:0");
    cr_assert_eq (done->outcome, OUTCOME_ANSWERED, "%s", done->detail);
    cr_assert_eq (done->status, 201);
    cr_assert_eq (done->destination, DESTINATION_WELL);
    cr_assert (strncmp (done->detail, "sent: SM", 8) == 0 && strstr (done->detail, "segments: 3"),
               "%s", done->detail);
    s_expect_log ("good", "\"To\": \"+49301234567\", \"From\": \"+15555550111\", "
                          "\"Body\": \"Bob waits " LINK "\", \"StatusCallback\": "
                          "\"https://chat.example.com/webhooks/good/text/status?item="
                          "%3Anotify%3Avisitor-waits%3As-1%3A7%3Aanna%3Asms%3A0\", "
                          "\"ValidityPeriod\": \"3600\"}");
    s_hand ("by-service", "service", ALERT, "", 0, 1);
    cr_assert_eq (texting_done ("by-service")->outcome, OUTCOME_ANSWERED);
    s_expect_log ("service", "{\"To\": \"+49301234567\", \"MessagingServiceSid\": \"MG5555");
    s_hand ("by-key", "key", ALERT, "", 0, 1);
    cr_assert_eq (texting_done ("by-key")->outcome, OUTCOME_ANSWERED);
    cr_assert_eq (texting_count ("key", "POST"), 1);
    cr_assert_eq (texting_count ("key", "StatusCallback"), 0, "no webhook of Twilio's there");
    cr_assert_eq (texting_metric ("stentor_notifier_sms_segments_total"), 9);
    texting_end ();
}

typedef struct {
    const char *app;
    uint64_t outcome;
    const char *detail; //  how it begins
    uint64_t destination;
    const char *result; //  of the metric
    uint64_t status;
    bool pauses, suppresses;
} row_t;

//  Every row of the fact sheet.
static const row_t s_rows[] = {
    { "login-401", OUTCOME_RETRY, "Twilio refuses the account or its token: 401 20003 error <",
      DESTINATION_FAILED, "login_refused", 401, true, false },
    { "forbidden-403", OUTCOME_DEAD, "Twilio does not allow it to the account: 403 20003",
      DESTINATION_FAILED, "forbidden", 403, false, false },
    { "path-404", OUTCOME_DEAD, "Twilio knows no such account or path: 404 20404",
      DESTINATION_FAILED, "not_found", 404, false, false },
    { "to-21211", OUTCOME_DEAD, "the person's number gets no SMS: 400 21211", DESTINATION_WELL,
      "number", 400, false, false },
    { "from-21212", OUTCOME_DEAD, "the account may not send from this sender: 400 21212",
      DESTINATION_FAILED, "sender", 400, false, false },
    { "from-21606", OUTCOME_DEAD, "the account may not send from this sender: 400 21606",
      DESTINATION_FAILED, "sender", 400, false, false },
    { "region-21408", OUTCOME_DEAD, "the account may not send to this country: 400 21408",
      DESTINATION_UNSAID, "region", 400, false, false },
    { "stop-21610", OUTCOME_DEAD, "the person has said STOP: 400 21610", DESTINATION_WELL,
      "opted_out", 400, false, true },
    { "route-21612", OUTCOME_DEAD, "the person's number gets no SMS: 400 21612", DESTINATION_WELL,
      "number", 400, false, false },
    { "mobile-21614", OUTCOME_DEAD, "the person's number gets no SMS: 400 21614",
      DESTINATION_WELL, "number", 400, false, false },
    { "long-21617", OUTCOME_DEAD, "the message is too long: 400 21617", DESTINATION_UNSAID,
      "too_long", 400, false, false },
    { "long-21658", OUTCOME_DEAD, "the message is too long: 400 21658", DESTINATION_UNSAID,
      "too_long", 400, false, false },
    { "long-21605", OUTCOME_DEAD, "the message is too long: 400 21605", DESTINATION_UNSAID,
      "too_long", 400, false, false },
    { "new-29999", OUTCOME_DEAD, "Twilio refuses the message: 400 29999", DESTINATION_UNSAID,
      "refused", 400, false, false },
    { "html-400", OUTCOME_DEAD, "Twilio refuses the message: 400; another try", DESTINATION_UNSAID,
      "refused", 400, false, false },
    { "busy-429", OUTCOME_RETRY, "Twilio has too many requests of the account: 429 20429",
      DESTINATION_UNSAID, "busy", 429, true, false },
    { "busy-after", OUTCOME_RETRY, "Twilio has too many requests of the account: 429 20429",
      DESTINATION_UNSAID, "busy", 429, true, false },
    { "busy-html", OUTCOME_RETRY, "Twilio has too many requests of the account: 429",
      DESTINATION_UNSAID, "busy", 429, true, false },
    { "server-500", OUTCOME_RETRY, "Twilio failed: 500 20500", DESTINATION_FAILED, "server", 500,
      false, false },
    { "server-503", OUTCOME_RETRY, "Twilio failed: 503 20503", DESTINATION_FAILED, "server", 503,
      false, false },
    { "proxy-502", OUTCOME_RETRY, UNSURE ": 502", DESTINATION_FAILED, "unsure", 502, false,
      false },
    { "proxy-408", OUTCOME_RETRY, "Twilio does not take it now: 408", DESTINATION_FAILED, "later",
      408, false, false },
    { "moved-302", OUTCOME_DEAD, "what answers is not Twilio: it redirects: 302",
      DESTINATION_FAILED, "redirected", 302, false, false },
    { "garbage-201", OUTCOME_RETRY, UNSURE ": 201", DESTINATION_FAILED, "unsure", 201, false,
      false },
    { "list-201", OUTCOME_RETRY, UNSURE ": 201", DESTINATION_FAILED, "unsure", 201, false, false },
    { "close", OUTCOME_RETRY, UNSURE ": the connection", DESTINATION_FAILED, "unsure", 0, false,
      false },
    { "reset", OUTCOME_RETRY, UNSURE ": the connection", DESTINATION_FAILED, "unsure", 0, false,
      false },
    { "hang", OUTCOME_RETRY, UNSURE ": no whole answer in time", DESTINATION_FAILED, "unsure", 0,
      false, false },
    { "cut", OUTCOME_RETRY, UNSURE, DESTINATION_FAILED, "unsure", 201, false, false },
    { "nothing", OUTCOME_RETRY, "the app has no section \"sms\" here", DESTINATION_UNSAID, NULL, 0,
      false, false },
};
#define ROWS (sizeof s_rows / sizeof *s_rows)

static double
s_expected (const char *result)
{
    double count = 0;
    for (size_t row = 0; row < ROWS; row++)
        count += s_rows[row].result && strcmp (s_rows[row].result, result) == 0;
    return count;
}

Test (sms, every_way_to_fail, .timeout = 120)
{
    texting_start ((const char *const[]){ "TRY_WITHIN=8s", NULL });
    for (size_t row = 0; row < ROWS; row++)
        s_hand (s_rows[row].app, s_rows[row].app, ALERT, "", 0, 1);
    for (size_t row = 0; row < ROWS; row++) {
        const row_t *wanted = &s_rows[row];
        const worker_heard_t *done = texting_done (wanted->app);
        cr_expect_eq (done->outcome, wanted->outcome, "%s: %s", wanted->app, done->detail);
        cr_expect (strncmp (done->detail, wanted->detail, strlen (wanted->detail)) == 0, "%s: %s",
                   wanted->app, done->detail);
        cr_expect_eq (done->destination, wanted->destination, "%s", wanted->app);
        cr_expect_eq (done->status, wanted->status, "%s: %" PRIu64, wanted->app, done->status);
        cr_expect_eq (done->after_ms > 0, done->outcome == OUTCOME_RETRY, "%s", wanted->app);
        cr_expect_eq (done->pause_ms > 0, wanted->pauses, "%s", wanted->app);
        cr_expect_eq (done->suppress > 0, wanted->suppresses, "%s", wanted->app);
    }
    cr_expect_eq (texting_done ("busy-after")->pause_ms, 77000);
    cr_expect (texting_done ("busy-after")->after_ms >= 77000);
    for (size_t row = 0; row < ROWS; row++)
        if (s_rows[row].result)
            cr_expect_eq (s_metric (s_rows[row].result), s_expected (s_rows[row].result), "%s",
                          s_rows[row].result);
    cr_assert_eq (texting_metric ("stentor_notifier_sms_sending"), 0);
    cr_assert_eq (texting_metric ("stentor_notifier_sms_waiting"), 0);
    texting_end ();
}

static void
s_expect_unreached (const char *where, uint64_t outcome, const char *why)
{
    texting_twilio = where;
    texting_start (NULL);
    s_hand ("one", "good", ALERT, "", 0, 1);
    const worker_heard_t *done = texting_done ("one");
    cr_assert_eq (done->outcome, outcome, "%s", done->detail);
    cr_assert_eq (done->destination, DESTINATION_FAILED);
    cr_assert (strstr (done->detail, why), "%s", done->detail);
    texting_end ();
}

Test (sms, is_tried_again_when_nobody_is_there, .timeout = 60)
{
    s_expect_unreached ("nowhere", OUTCOME_RETRY, "Twilio was not reached: the host refuses");
}

Test (sms, is_not_told_to_a_stranger, .timeout = 60)
{
    s_expect_unreached ("other", OUTCOME_DEAD, "Twilio's certificate is not valid");
    cr_assert_eq (texting_count ("good", "POST"), 0);
}

//  What was lost is looked up before it is sent again.
Test (sms, that_twilio_has_is_not_sent_again, .timeout = 60)
{
    texting_start (NULL);
    s_hand ("one", "taken-close", ALERT, "", 0, 1);
    const worker_heard_t *first = texting_done ("one");
    cr_assert_eq (first->outcome, OUTCOME_RETRY);
    s_hand ("one", "taken-close", ALERT, first->remember, 0, 2);
    const worker_heard_t *second = texting_done_again ("one", 2);
    cr_assert_eq (second->outcome, OUTCOME_ANSWERED, "%s", second->detail);
    cr_assert (strstr (second->detail, "found in Twilio's list of messages, sent: SM"), "%s",
               second->detail);
    cr_assert_eq (texting_count ("taken-close", "POST"), 1);
    cr_assert_eq (texting_count ("taken-close", "GET To=+49301234567 From=+15555550111 DateSent>"),
                  1);
    cr_assert_eq (texting_metric ("stentor_notifier_sms_found_total"), 1);
    //  Likewise when the notifier was killed in the middle.
    s_hand ("one", "taken-close", ALERT, "", 1, 2);
    cr_assert_eq (texting_done_again ("one", 3)->outcome, OUTCOME_ANSWERED);
    cr_assert_eq (texting_count ("taken-close", "POST"), 1);
    texting_end ();
}

Test (sms, that_twilio_has_not_is_sent_once_more, .timeout = 60)
{
    texting_start (NULL);
    s_hand ("one", "close-once", ALERT, "", 0, 1);
    const worker_heard_t *first = texting_done ("one");
    s_hand ("one", "close-once", ALERT, first->remember, 0, 2);
    const worker_heard_t *second = texting_done_again ("one", 2);
    cr_assert_eq (second->outcome, OUTCOME_ANSWERED, "%s", second->detail);
    cr_assert (strncmp (second->detail, "possible duplicate, sent: SM", 28) == 0, "%s",
               second->detail);
    cr_assert_eq (texting_metric ("stentor_notifier_sms_possibly_twice_total"), 1);
    //  And not a third time.
    const char *memory = "";
    for (unsigned attempt = 1; attempt <= 3; attempt++) {
        s_hand ("two", "close", ALERT, memory, 0, attempt);
        const worker_heard_t *done = texting_done_again ("two", attempt);
        cr_assert_eq (done->outcome, attempt < 3 ? OUTCOME_RETRY : OUTCOME_DEAD, "%s",
                      done->detail);
        memory = done->remember;
    }
    cr_assert_str_eq (texting_done_again ("two", 3)->detail, TWICE);
    cr_assert_eq (texting_count ("close", "POST"), 2);
    cr_assert_eq (texting_count ("close", "GET"), 2);
    //  One that cannot be known in the list is not looked for.
    s_hand ("three", "close", ALERT_WITH ("Bob waits"), "", 0, 1);
    first = texting_done ("three");
    cr_assert_eq (first->outcome, OUTCOME_RETRY);
    s_hand ("three", "close", ALERT_WITH ("Bob waits"), first->remember, 0, 2);
    cr_assert_eq (texting_done_again ("three", 2)->outcome, OUTCOME_DEAD);
    cr_assert_eq (texting_count ("close", "GET"), 2);
    //  Who may not read the list sends once more; while the list fails, nothing is sent.
    s_hand ("four", "no-look", ALERT, "{\"unsure\":1}", 0, 2);
    cr_assert_eq (texting_done ("four")->outcome, OUTCOME_ANSWERED);
    s_hand ("five", "look-500", ALERT, "{\"unsure\":1}", 0, 2);
    const worker_heard_t *fifth = texting_done ("five");
    cr_assert_eq (fifth->outcome, OUTCOME_RETRY);
    cr_assert (strstr (fifth->remember, "\"unsure\":1"), "%s", fifth->remember);
    cr_assert_eq (texting_count ("look-500", "POST"), 0);
    texting_end ();
}

Test (sms, a_wrong_login_is_made_a_few_times, .timeout = 60)
{
    texting_start (NULL);
    const char *memory = "";
    for (unsigned attempt = 1; attempt <= 3; attempt++) {
        s_hand ("one", "login-401", ALERT, memory, 0, attempt);
        const worker_heard_t *done = texting_done_again ("one", attempt);
        cr_assert_eq (done->outcome, attempt < 3 ? OUTCOME_RETRY : OUTCOME_DEAD);
        cr_assert_eq (done->pause_ms, 60000);
        cr_assert_eq (done->destination,
                      attempt < 3 ? DESTINATION_FAILED : DESTINATION_DISABLED);
        memory = done->remember;
        worker_fixture_again (texting_fixture);
    }
    texting_end ();
}

//  While an account rests, its other messages come back, and another account's go.
Test (sms, a_busy_account_delays_no_other, .timeout = 60)
{
    texting_start ((const char *const[]){ "TRY_WITHIN=4s", NULL });
    s_hand ("busy", "busy-after", ALERT, "", 0, 1);
    cr_assert_eq (texting_done ("busy")->outcome, OUTCOME_RETRY);
    s_hand ("behind", "busy-after", ALERT, "", 0, 1);
    s_hand ("other", "good", ALERT, "", 0, 1);
    cr_assert_eq (texting_done ("other")->outcome, OUTCOME_ANSWERED);
    const worker_heard_t *behind = texting_done ("behind");
    cr_assert_str_eq (behind->detail, "other SMS of the account took all the time");
    cr_assert (strstr (behind->remember, "\"waited\":1"), "%s", behind->remember);
    cr_assert_eq (texting_count ("busy-after", "POST"), 1);
    texting_end ();
}

Test (sms, an_account_has_eight_requests_at_once, .timeout = 60)
{
    texting_start (NULL);
    char item[20];
    for (int at = 0; at < 12; at++) {
        snprintf (item, sizeof item, "hang-%d", at);
        s_hand (item, "hang", ALERT, "", 0, 1);
    }
    RIG_UNTIL (&texting_fixture->rig, 10000, texting_count ("hang", "POST") == 8);
    s_hand ("other", "good", ALERT, "", 0, 1);
    cr_assert_eq (texting_done ("other")->outcome, OUTCOME_ANSWERED);
    cr_assert_eq (texting_metric ("stentor_notifier_sms_sending"), 8);
    cr_assert_eq (texting_metric ("stentor_notifier_sms_waiting"), 4);
    worker_fixture_cancel (texting_fixture, "hang-0");
    worker_fixture_cancel (texting_fixture, "hang-11");
    RIG_UNTIL (&texting_fixture->rig, 10000, texting_count ("hang", "POST") == 9);
    for (int at = 1; at < 11; at++) {
        snprintf (item, sizeof item, "hang-%d", at);
        cr_assert_eq (texting_done (item)->outcome, OUTCOME_RETRY);
    }
    cr_assert_eq (worker_fixture_count (texting_fixture, "hang-0", BUS_DONE), 0);
    texting_end ();
}

// ------------------------------------------------------------------------------------------------
//  Conversations

Test (sms, long_texts_go_out_in_order, .timeout = 60)
{
    static char text[20001];
    texting_start (NULL);
    for (size_t at = 0; at < 10000; at++)
        text[at] = at % 10 == 9 ? ' ' : (char) ('a' + at / 1500);
    s_say ("long", "good", text, "", 0, 1);
    const worker_heard_t *done = texting_done ("long");
    cr_assert_eq (done->outcome, OUTCOME_ANSWERED, "%s", done->detail);
    cr_assert (strstr (done->detail, "segments: 21, messages: 7"), "%s", done->detail);
    cr_assert (strncmp (done->remember_lane, "{\"sid\":\"SM", 10) == 0, "%s", done->remember_lane);
    char *log = texting_log ("good");
    const char *first = strstr (log, "\"Body\": \"aaaaaaaaa "), *last = strstr (log, " gggggggg");
    cr_assert (first && last && first < last);
    free (log);
    s_expect_log ("good", "/webhooks/good/text/status?item=long\"}");
    cr_assert_eq (texting_count ("good", "StatusCallback"), 1, "of the last one alone");
    texting_end ();
}

//  What was accepted is not sent again, whatever ends the attempt.
Test (sms, goes_on_behind_what_was_accepted, .timeout = 60)
{
    static const char *const apps[] = { "second-500", "second-close", "second-lost" };
    static char text[3001];
    texting_start (NULL);
    memset (text, 'x', 3000); //  two messages of the same letters
    for (size_t at = 0; at < sizeof apps / sizeof *apps; at++) {
        s_say (apps[at], apps[at], text, "", 0, 1);
        const worker_heard_t *first = texting_done (apps[at]);
        cr_assert_eq (first->outcome, OUTCOME_RETRY, "%s", first->detail);
        cr_assert (strstr (first->remember, "\"parts\":1"), "%s", first->remember);
        cr_assert (strstr (first->remember_lane, "SM"), "%s", first->remember_lane);
        char *body = malloc (4000);
        sprintf (body,
                 "{\"event\":\"new message\",\"timeMs\":%" PRIu64 ",\"text\":\"%s\","
                 "\"participant\":{\"externalId\":\"+49301234567\"}}",
                 clock_wall_ms (), text);
        texting_hand (&(bus_work_t){ .item = text_of (apps[at]),
                                     .app = text_of (apps[at]),
                                     .topic = TEXT ("sms.out"),
                                     .body = text_of (body),
                                     .memory = text_of (first->remember),
                                     .lane_memory = text_of (first->remember_lane),
                                     .attempt = 2 });
        free (body);
        cr_assert_eq (texting_done_again (apps[at], 2)->outcome, OUTCOME_ANSWERED);
    }
    cr_assert_eq (texting_count ("second-500", "POST"), 3);
    cr_assert_eq (texting_count ("second-500", "GET"), 0);
    cr_assert_eq (texting_count ("second-close", "POST"), 2, "the second was found");
    cr_assert_eq (texting_count ("second-lost", "POST"), 3, "and this one was not");
    texting_end ();
}

Test (sms, has_a_rate, .timeout = 60)
{
    static char text[4000];
    texting_start (NULL);
    memset (text, 'x', 3300);
    uint64_t began_ms = clock_mono_ms ();
    s_say ("one", "one-a-second", text, "", 0, 1);
    cr_assert_eq (texting_done ("one")->outcome, OUTCOME_ANSWERED);
    cr_assert (clock_mono_ms () - began_ms >= 2000, "three messages have two seconds between them");
    texting_end ();
}

//  There is no time left for all of them: it comes back, and goes on.
Test (sms, that_takes_long_comes_back, .timeout = 60)
{
    static char text[6001];
    texting_start ((const char *const[]){ "TRY_WITHIN=3s", NULL });
    memset (text, 'x', 6000);
    s_say ("one", "one-a-second", text, "", 0, 1);
    const worker_heard_t *done = texting_done ("one");
    cr_assert_eq (done->outcome, OUTCOME_RETRY);
    cr_assert_str_eq (done->detail, "messages of it are left: it goes on");
    cr_assert (strstr (done->remember, "\"waited\":1"), "%s", done->remember);
    cr_assert (!strstr (done->remember, "\"parts\":0"), "%s", done->remember);
    cr_assert_eq (done->after_ms, 100);
    texting_end ();
}

Test (sms, hostile_texts_stay_texts, .timeout = 60)
{
    static const char *const said[][2] = {
        { "a&Body=b&To=+1%00", "a&Body=b&To=+1%00" },
        { "one\\r\\ntwo\\u2028three\\tfour\\u0000\\u0007", "one\\ntwo\\nthree four" },
        { "<!channel> \\\"quoted\\\" {{message.text}}", "<!channel> \\\"quoted\\\" {{message" },
        { "\\ud83d\\udc68\\u200d\\ud83d\\udc69\\u200d\\ud83d\\udc67 \u00e4\u20ac",
          "\U0001F468\u200D\U0001F469\u200D\U0001F467 \u00e4\u20ac" },
    };
    texting_start (NULL);
    for (size_t at = 0; at < sizeof said / sizeof *said; at++) {
        char item[20], body[200];
        snprintf (item, sizeof item, "said-%zu", at);
        s_say (item, "good", said[at][0], "", 0, 1);
        cr_assert_eq (texting_done (item)->outcome, OUTCOME_ANSWERED);
        snprintf (body, sizeof body, "\"Body\": \"%s", said[at][1]);
        s_expect_log ("good", body);
    }
    texting_end ();
}

Test (sms, items_that_cannot_be_sent, .timeout = 60)
{
    static const char *const bodies[] = {
        "", "[]", "{}", "{\"address\":1}", "{\"address\":\"anna\",\"text\":\"x\"}",
        "{\"address\":\"+49\",\"text\":\"x\"}", "{\"address\":\"+4930123456x\",\"text\":\"x\"}",
        "{\"address\":\"+493012345678901234\",\"text\":\"x\"}",
        "{\"address\":\"+4930\\u00001234\",\"text\":\"x\"}",
    };
    texting_start (NULL);
    for (size_t at = 0; at < sizeof bodies / sizeof *bodies; at++) {
        char item[20];
        snprintf (item, sizeof item, "bad-%zu", at);
        s_hand (item, "good", bodies[at], "", 0, 1);
        cr_assert_eq (texting_done (item)->outcome, OUTCOME_DEAD, "%s", bodies[at]);
        snprintf (item, sizeof item, "bad-out-%zu", at);
        texting_hand (&(bus_work_t){ .item = text_of (item),
                                     .app = TEXT ("good"),
                                     .topic = TEXT ("sms.out"),
                                     .body = text_of (bodies[at]) });
        cr_assert_eq (texting_done (item)->outcome, OUTCOME_DEAD, "%s", bodies[at]);
    }
    s_say ("empty", "good", " \\n ", "", 0, 1);
    cr_assert_str_eq (texting_done ("empty")->detail, "there is nothing to say in it");
    texting_hand (&(bus_work_t){ .item = TEXT ("unwanted"),
                                 .app = TEXT ("good"),
                                 .topic = TEXT ("notify.sms"),
                                 .suppressed = 1,
                                 .body = TEXT (ALERT) });
    cr_assert_str_eq (texting_done ("unwanted")->detail, "the person has said STOP");
    cr_assert_eq (texting_count ("good", "POST"), 0);
    s_hand ("unknown", "nobody", ALERT, "", 0, 1);
    cr_assert_eq (texting_done ("unknown")->outcome, OUTCOME_RETRY);
    texting_end ();
}

//  A choice is a number, also when the postoffice leaves it to us.
Test (sms, rich_answers_have_numbers, .timeout = 60)
{
    static const char body[] =
        "{\"event\":\"new message\",\"timeMs\":1,\"data\":{\"outputSpeech\":{"
        "\"displayText\":\"Which one?\",\"suggestions\":[{\"title\":\"Repairs\"},"
        "{\"title\":\"Rental\"}]}},\"participant\":{\"externalId\":\"+49301234567\"}}";
    texting_start (NULL);
    texting_hand (&(bus_work_t){ .item = TEXT ("one"),
                                 .app = TEXT ("good"),
                                 .topic = TEXT ("sms.out"),
                                 .body = text_of (body) });
    const worker_heard_t *done = texting_done ("one");
    cr_assert_eq (done->outcome, OUTCOME_ANSWERED, "%s", done->detail);
    s_expect_log ("good", "\"Body\": \"Which one?\\n1. Repairs\\n2. Rental\"");
    texting_end ();
}

Test (sms, an_alert_keeps_its_link, .timeout = 60)
{
    static char body[4000];
    texting_start (NULL);
    snprintf (body, sizeof body, "{\"address\":\"+49301234567\",\"link\":\"" LINK
                                 "\",\"text\":\"%02000d " LINK " seen?\"}", 0);
    s_hand ("one", "good", body, "", 0, 1);
    cr_assert_eq (texting_done ("one")->outcome, OUTCOME_ANSWERED);
    s_expect_log ("good", "00..." LINK " seen?\"");
    texting_end ();
}

//  It finishes what it has begun, and takes nothing more; a call under way holds nothing up at the
//  end.
Test (sms, drains_and_ends, .timeout = 60)
{
    texting_start ((const char *const[]){ "SHUTDOWN_GRACE=1s", "TRY_WITHIN=30s", NULL });
    s_hand ("hang", "hang", ALERT, "", 0, 1);
    s_hand ("busy", "busy-after", ALERT, "", 0, 1);
    cr_assert_eq (texting_done ("busy")->outcome, OUTCOME_RETRY);
    s_hand ("waits", "busy-after", ALERT, "", 0, 1);
    RIG_UNTIL (&texting_fixture->rig, 10000, texting_count ("hang", "POST") == 1);
    process_kill (texting_fixture->process, SIGTERM);
    RIG_UNTIL (&texting_fixture->rig, 20000, !process_is_alive (texting_fixture->process));
    cr_assert_eq (worker_fixture_count (texting_fixture, "hang", BUS_DONE), 0);
    texting_end ();
}

//  The notifier was killed behind its last message, or between two: the list says where it stood.
Test (sms, of_a_killed_notifier_are_found, .timeout = 60)
{
    static char text[3001], more[4601];
    texting_start (NULL);
    memset (text, 'x', 3000);
    memset (more, 'x', 4600);
    s_say ("one", "good", text, "", 0, 1);
    cr_assert_eq (texting_done ("one")->outcome, OUTCOME_ANSWERED);
    worker_fixture_again (texting_fixture);
    s_say ("one", "good", text, "", 1, 2);
    const worker_heard_t *again = texting_done_again ("one", 2);
    cr_assert_eq (again->outcome, OUTCOME_ANSWERED);
    cr_assert (strstr (again->detail, "found in Twilio's list"), "%s", again->detail);
    cr_assert_eq (texting_count ("good", "POST"), 2);
    //  1,600 and 1,400 of them stand there; this one needs 1,600, 1,600 and 1,400.
    s_say ("two", "good", more, "", 1, 2);
    cr_assert_eq (texting_done ("two")->outcome, OUTCOME_ANSWERED);
    cr_assert_eq (texting_count ("good", "POST"), 4, "one was found, two were sent");
    texting_end ();
}
