//  notifier, webhooks: what it makes of everything that an endpoint can say, leave out or break off
//  (webhook_peer.py has the endpoints), and what it tells the postoffice.

#include "model/model.h"
#include "worker_fixture.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SETTINGS_MOST 12
#define EVENT                                                                                    \
    "{\"kind\":\"event\",\"endpoint\":\"crm\",\"payload\":1,\"type\":\"message.created\","       \
    "\"time\":\"2026-11-26T21:00:00.000Z\",\"data\":{\"sessionId\":\"s-1\",\"text\":\"Hallo "    \
    "\\u00fc \\\"x\\\"\"}}"
#define PAYLOAD                                                                                  \
    " {\"type\":\"message.created\",\"timestamp\":\"2026-11-26T21:00:00.000Z\",\"version\":1,"   \
    "\"data\":{\"sessionId\":\"s-1\",\"text\":\"Hallo \\u00fc \\\"x\\\"\"}}\n"
#define LOCAL "OUT_ALLOWED_NETWORKS=127.0.0.1/32"

static char s_directory[] = "/tmp/notifier-hooks-XXXXXX";
static process_t *s_peer;
static worker_fixture_t *s_fixture;

static void
s_start_of (const char *file, const char *const *more)
{
    char apps[80], ca[80];
    cr_assert (mkdtemp (s_directory));
    s_peer = process_new ("endpoints", "python3",
                          (const char *const[]){ WEBHOOK_PEER, s_directory, NULL }, NULL);
    cr_assert (process_wait_log (s_peer, "ready", 20000));
    snprintf (apps, sizeof apps, "APPS_FILE=%s/%s", s_directory, file);
    snprintf (ca, sizeof ca, "OUT_CA_FILE=%s/ca.pem", s_directory);
    const char *const usual[] = { apps, ca, "TRY_WITHIN=4s", NULL };
    const char *settings[SETTINGS_MOST];
    process_settings (settings, SETTINGS_MOST, more, usual);
    s_fixture = worker_fixture_start ("notifier", settings);
}

static void
s_start (const char *const *more)
{
    s_start_of ("apps.json", more);
}

static void
s_start_local (void)
{
    s_start ((const char *const[]){ LOCAL, NULL });
}

static void
s_end (void)
{
    char command[80];
    worker_fixture_end (s_fixture);
    process_destroy (&s_peer);
    snprintf (command, sizeof command, "rm -rf %s", s_directory);
    cr_assert_eq (system (command), 0);
}

static void
s_hand_body (const char *item, const char *app, const char *body, const char *memory,
             uint64_t attempt)
{
    worker_fixture_hand (s_fixture, &(bus_work_t){ .item = text_of (item),
                                                   .app = text_of (app),
                                                   .topic = TEXT ("webhook.out"),
                                                   .body = text_of (body),
                                                   .memory = text_of (memory),
                                                   .attempt = attempt });
}

static void
s_hand (const char *item, const char *app)
{
    s_hand_body (item, app, EVENT, "", 1);
}

static const worker_heard_t *
s_done (const char *item)
{
    return worker_fixture_done (s_fixture, item, 1, 20000);
}

static char *
s_read (const char *name)
{
    char path[120], *text = calloc (1, 1 << 18);
    snprintf (path, sizeof path, "%s/%s", s_directory, name);
    FILE *file = fopen (path, "r");
    if (file) {
        text[fread (text, 1, (1 << 18) - 1, file)] = '\0';
        fclose (file);
    }
    return text;
}

//  What came to the app's endpoint; the caller frees it.
static char *
s_log (const char *app)
{
    char name[80];
    snprintf (name, sizeof name, "%s.log", app);
    char *log = s_read (name);
    cr_assert (!strstr (log, "WRONG"), "%s: %s", app, log);
    return log;
}

static unsigned
s_count (const char *app, const char *words)
{
    char *log = s_log (app);
    unsigned count = 0;
    for (const char *at = log; (at = strstr (at, words)); at++)
        count++;
    free (log);
    return count;
}

static void
s_expect_log (const char *app, const char *words)
{
    char *log = s_log (app);
    cr_expect (strstr (log, words), "%s\nin\n%s", words, log);
    free (log);
}

// ------------------------------------------------------------------------------------------------

Test (hooks, is_signed_and_taken, .timeout = 120)
{
    s_start_local ();
    s_hand ("one", "good");
    const worker_heard_t *done = s_done ("one");
    cr_assert_eq (done->outcome, OUTCOME_ANSWERED, "%s", done->detail);
    cr_assert_eq (done->status, 200);
    cr_assert_eq (done->destination, DESTINATION_WELL);
    cr_assert_str_eq (done->detail, "taken: HTTP 200");
    //  SHA-256 of "one".
    s_expect_log ("good", "POST /hook?key=open-sesame HTTP/1.1 "
                          "msg_7692c3ad3540bb803c020b3aee66cd88 signed=1 old=0 count=1\n" PAYLOAD);
    s_hand ("two", "rotating");
    cr_assert_eq (s_done ("two")->outcome, OUTCOME_ANSWERED);
    s_expect_log ("rotating", " signed=1 old=1 count=2\n");
    cr_assert_eq (process_log_count (s_fixture->process, "open-sesame"), 0);
    cr_assert_eq (process_log_count (s_fixture->process, "whsec_"), 0);
    s_end ();
}

typedef struct {
    const char *app;
    uint64_t outcome;
    const char *detail; //  how it begins
    uint64_t destination;
    uint64_t status;
    uint64_t pause_ms;
} row_t;

#define NOW "the endpoint takes nothing now: HTTP "
#define CUT "the connection ended before an answer"
#define LATE "the endpoint did not answer in time"
#define ELSEWHERE "the endpoint points elsewhere, which is not followed: HTTP "
#define REFUSES "the endpoint refuses it: HTTP "
#define ODD "the endpoint answers with no status that means anything"

static const row_t s_rows[] = {
    { "good-201", OUTCOME_ANSWERED, "taken: HTTP 201", DESTINATION_WELL, 201, 0 },
    { "good-204", OUTCOME_ANSWERED, "taken: HTTP 204", DESTINATION_WELL, 204, 0 },
    { "good-large", OUTCOME_ANSWERED, "taken: HTTP 200", DESTINATION_WELL, 200, 0 },
    { "good-cut", OUTCOME_ANSWERED, "taken: HTTP 200", DESTINATION_WELL, 200, 0 },
    { "good-clear", OUTCOME_ANSWERED, "taken: HTTP 200", DESTINATION_WELL, 200, 0 },
    { "status-301", OUTCOME_RETRY, ELSEWHERE "301", DESTINATION_FAILED, 301, 0 },
    { "status-307", OUTCOME_RETRY, ELSEWHERE "307", DESTINATION_FAILED, 307, 0 },
    { "status-400", OUTCOME_RETRY, REFUSES "400", DESTINATION_FAILED, 400, 0 },
    { "status-401", OUTCOME_RETRY, REFUSES "401", DESTINATION_FAILED, 401, 0 },
    { "status-404", OUTCOME_RETRY, REFUSES "404", DESTINATION_FAILED, 404, 0 },
    { "status-408", OUTCOME_RETRY, REFUSES "408", DESTINATION_FAILED, 408, 0 },
    { "status-410", OUTCOME_DEAD,
      "the endpoint is gone for good: HTTP 410; nothing more goes to it until it is enabled",
      DESTINATION_DISABLED, 410, 0 },
    { "status-429", OUTCOME_RETRY, NOW "429", DESTINATION_UNSAID, 429, 0 },
    { "status-429-wait", OUTCOME_RETRY, NOW "429", DESTINATION_UNSAID, 429, 7000 },
    { "status-500", OUTCOME_RETRY, "the endpoint fails: HTTP 500", DESTINATION_FAILED, 500, 0 },
    { "status-502", OUTCOME_RETRY, NOW "502", DESTINATION_FAILED, 502, 0 },
    { "status-502-wait", OUTCOME_RETRY, NOW "502", DESTINATION_FAILED, 502, 3600000 },
    { "status-503", OUTCOME_RETRY, NOW "503", DESTINATION_FAILED, 503, 0 },
    { "status-503-wait", OUTCOME_RETRY, NOW "503", DESTINATION_FAILED, 503, 120000 },
    { "status-503-week", OUTCOME_RETRY, NOW "503", DESTINATION_FAILED, 503, 86400000 },
    { "status-503-odd", OUTCOME_RETRY, NOW "503", DESTINATION_FAILED, 503, 0 },
    { "status-504-wait", OUTCOME_RETRY, NOW "504", DESTINATION_FAILED, 504, 60000 },
    { "status-700", OUTCOME_RETRY, ODD, DESTINATION_FAILED, 700, 0 },
    { "close", OUTCOME_RETRY, CUT, DESTINATION_FAILED, 0, 0 },
    { "reset", OUTCOME_RETRY, CUT, DESTINATION_FAILED, 0, 0 },
    { "hang", OUTCOME_RETRY, LATE, DESTINATION_FAILED, 0, 0 },
    { "no-http", OUTCOME_RETRY, ODD, DESTINATION_FAILED, 0, 0 },
    { "not-trusted", OUTCOME_DEAD, "the endpoint's certificate is not valid: ",
      DESTINATION_FAILED, 0, 0 },
    { "expired", OUTCOME_DEAD, "the endpoint's certificate is not valid: ", DESTINATION_FAILED, 0,
      0 },
    { "tls-to-plain", OUTCOME_RETRY, "TLS could not be set up", DESTINATION_FAILED, 0, 0 },
    { "refused", OUTCOME_RETRY, "the endpoint cannot be reached", DESTINATION_FAILED, 0, 0 },
    { "resolve", OUTCOME_RETRY, "the endpoint's name has no address", DESTINATION_FAILED, 0, 0 },
    { "no-endpoint", OUTCOME_RETRY, "the apps file here has no such endpoint", DESTINATION_UNSAID,
      0, 0 },
    { "no-app", OUTCOME_RETRY, "the apps file here has no such endpoint", DESTINATION_UNSAID, 0,
      0 },
};
#define ROWS (sizeof s_rows / sizeof *s_rows)

Test (hooks, every_way_to_fail, .timeout = 200)
{
    s_start_local ();
    for (size_t row = 0; row < ROWS; row++)
        s_hand (s_rows[row].app, s_rows[row].app);
    for (size_t row = 0; row < ROWS; row++) {
        const row_t *wanted = &s_rows[row];
        const worker_heard_t *done = s_done (wanted->app);
        cr_expect_eq (done->outcome, wanted->outcome, "%s: %s", wanted->app, done->detail);
        cr_expect (strncmp (done->detail, wanted->detail, strlen (wanted->detail)) == 0, "%s: %s",
                   wanted->app, done->detail);
        cr_expect_eq (done->destination, wanted->destination, "%s: %s", wanted->app, done->detail);
        cr_expect_eq (done->status, wanted->status, "%s: %" PRIu64, wanted->app, done->status);
        cr_expect_eq (done->pause_ms, wanted->pause_ms, "%s: %" PRIu64, wanted->app,
                      done->pause_ms);
        cr_expect_eq (done->after_ms > 0, done->outcome == OUTCOME_RETRY, "%s", wanted->app);
        cr_expect_geq (done->after_ms, done->pause_ms, "%s", wanted->app);
        cr_expect (!strstr (done->detail, "open-sesame"), "%s", done->detail);
    }
    cr_expect_eq (s_count ("status-301", "elsewhere"), 0);
    cr_expect_eq (s_count ("status-307", "elsewhere"), 0);
    cr_expect_eq (s_count ("not-trusted", "POST"), 0);
    cr_expect_eq (s_count ("expired", "POST"), 0);
    cr_assert_eq (process_metric (s_fixture->process, "stentor_notifier_webhooks_sending"), 0);
    cr_assert_eq (process_metric (s_fixture->process,
                                  "stentor_notifier_webhooks_total{result=\"taken\"}"), 5);
    cr_assert_eq (process_log_count (s_fixture->process, "open-sesame"), 0);
    s_end ();
}

//  Nothing is connected to: the peer's first endpoint would have noted it.
Test (hooks, goes_to_no_private_address_however_it_is_spelt, .timeout = 200)
{
    char item[40], *spellings, *end;
    s_start_of ("spellings.json", (const char *const[]){ NULL });
    spellings = s_read ("spellings");
    unsigned count = 0;
    for (char *at = spellings; (end = strchr (at, '\n')); at = end + 1, count++) {
        snprintf (item, sizeof item, "spelling-%u", count);
        s_hand (item, item);
    }
    cr_assert_gt (count, 30);
    count = 0;
    for (char *at = spellings; (end = strchr (at, '\n')); at = end + 1, count++) {
        snprintf (item, sizeof item, "spelling-%u", count);
        const worker_heard_t *done = s_done (item);
        cr_expect_eq (done->outcome, OUTCOME_DEAD, "%.*s: %s", (int) (end - at), at, done->detail);
        cr_expect (strstr (done->detail, "the endpoint's address may not be reached: the ")
                       && strstr (done->detail, "address is in a blocked range"),
                   "%.*s: %s", (int) (end - at), at, done->detail);
        cr_expect_eq (done->destination, DESTINATION_FAILED);
    }
    cr_assert_eq (s_count ("good", "connected"), 0);
    free (spellings);
    s_end ();
}

//  The file that this notifier has may be the older one; an endpoint that is not in it for a day is
//  gone. Attempts that wait are no tries: then there are all of them.
Test (hooks, waits_for_its_endpoint_for_a_day, .timeout = 120)
{
    char memory[200] = "";
    uint64_t total_ms = 0;
    unsigned attempt = 1;
    s_start_local ();
    for (;; attempt++) {
        s_hand_body ("one", "no-endpoint", EVENT, memory, attempt);
        const worker_heard_t *done = worker_fixture_done (s_fixture, "one", attempt, 20000);
        snprintf (memory, sizeof memory, "%s", done->remember);
        cr_assert_str_eq (done->detail, "the apps file here has no such endpoint");
        worker_fixture_settle (s_fixture, "one");
        if (done->outcome == OUTCOME_DEAD)
            break;
        cr_assert_eq (done->outcome, OUTCOME_RETRY);
        total_ms += done->after_ms;
        cr_assert_lt (attempt, 100);
    }
    cr_expect_geq (total_ms, 24 * 3600 * 1000);
    cr_expect_leq (total_ms, 25 * 3600 * 1000);
    //  Somebody has put it into the file, and replays.
    s_hand_body ("one", "status-500", EVENT, memory, attempt + 1);
    const worker_heard_t *done = worker_fixture_done (s_fixture, "one", attempt + 1, 20000);
    cr_expect_eq (done->outcome, OUTCOME_RETRY, "%s", done->detail);
    s_end ();
}

//  Three days of a dead endpoint, in the time that it takes to say so: each try is one that another
//  notifier could make as well.
Test (hooks, three_days_and_then_dead, .timeout = 120)
{
    static const uint64_t pauses_s[] = { 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400 };
    enum { PAUSES = sizeof pauses_s / sizeof *pauses_s };
    char memory[200] = "";
    uint64_t total_s = 0;
    s_start_local ();
    for (unsigned attempt = 1; attempt <= PAUSES + 1; attempt++) {
        s_hand_body ("one", "status-500", EVENT, memory, attempt);
        const worker_heard_t *done = worker_fixture_done (s_fixture, "one", attempt, 20000);
        snprintf (memory, sizeof memory, "%s", done->remember);
        worker_fixture_settle (s_fixture, "one");
        if (attempt > PAUSES) {
            cr_assert_eq (done->outcome, OUTCOME_DEAD, "%s", done->detail);
            cr_assert_str_eq (done->detail, "the endpoint fails: HTTP 500; no try is left");
            break;
        }
        uint64_t pause_ms = pauses_s[attempt - 1] * 1000;
        cr_assert_eq (done->outcome, OUTCOME_RETRY, "%u: %s", attempt, done->detail);
        cr_assert_geq (done->after_ms, pause_ms, "%u: %" PRIu64, attempt, done->after_ms);
        cr_assert_leq (done->after_ms, pause_ms + pause_ms / 10, "%u: %" PRIu64, attempt,
                       done->after_ms);
        total_s += pauses_s[attempt - 1];
    }
    cr_assert_eq (total_s, 75 * 3600 + 35 * 60 + 5, "as Standard Webhooks has it");
    cr_assert_eq (s_count ("status-500", "POST"), PAUSES + 1);
    cr_assert_eq (s_count ("status-500", " msg_7692c3ad3540bb803c020b3aee66cd88 signed=1"),
                  PAUSES + 1);
    //  Somebody replays it: as if it were new, and with the same id.
    s_hand_body ("one", "status-500", EVENT, memory, PAUSES + 2);
    const worker_heard_t *again = worker_fixture_done (s_fixture, "one", PAUSES + 2, 20000);
    cr_assert_eq (again->outcome, OUTCOME_RETRY, "%s", again->detail);
    cr_assert_leq (again->after_ms, 5500);
    s_end ();
}

//  An attempt that nobody reported is made again, and the receiver knows it by its id.
Test (hooks, is_sent_again_when_its_answer_is_lost, .timeout = 120)
{
    s_start_local ();
    s_hand ("one", "twice");
    cr_assert_eq (s_done ("one")->outcome, OUTCOME_RETRY);
    worker_fixture_settle (s_fixture, "one");
    s_hand_body ("one", "twice", EVENT, "", 2);
    cr_assert_eq (worker_fixture_done (s_fixture, "one", 2, 20000)->outcome, OUTCOME_ANSWERED);
    cr_assert_eq (s_count ("twice", " msg_7692c3ad3540bb803c020b3aee66cd88 signed=1"), 2);
    s_end ();
}

#define ENTRY(event, data)                                                                       \
    "{\"event\":\"" event "\",\"seq\":12,\"timeMs\":1767000000123,\"appId\":\"good\","           \
    "\"sessionId\":\"s-1\",\"messageId\":\"m-7\",\"role\":\"agent\",\"userId\":\"anna\","        \
    "\"sender\":{\"displayName\":\"Anna\"},\"data\":" data ",\"participant\":{"                  \
    "\"role\":\"visitor\",\"userId\":\"@support:ann\",\"channel\":\"webhook.out\"}}"

//  A person who writes by a channel of webhooks is answered by the endpoint that it names.
Test (hooks, answers_to_a_channel, .timeout = 120)
{
    s_start_local ();
    s_hand_body ("one", "good", ENTRY ("new message", "{\"rawQuery\":\"Good morning\"}"), "", 1);
    cr_assert_eq (s_done ("one")->outcome, OUTCOME_ANSWERED, "%s", s_done ("one")->detail);
    s_expect_log ("good", " {\"type\":\"message.created\","
                          "\"timestamp\":\"2025-12-29T09:20:00.123Z\","
                          "\"version\":1,\"data\":{\"sessionId\":\"s-1\",\"channel\":\"support\","
                          "\"userId\":\"ann\",\"messageId\":\"m-7\",\"seq\":12,"
                          "\"text\":\"Good morning\",\"sender\":{\"role\":\"agent\","
                          "\"userId\":\"anna\",\"displayName\":\"Anna\"}}}\n");
    s_hand_body ("rich", "good",
                 ENTRY ("new message", "{\"outputSpeech\":{\"displayText\":\"Which?\","
                                       "\"suggestions\":[{\"title\":\"Red\"},"
                                       "{\"title\":\"Blue\"}]}}"),
                 "", 1);
    cr_assert_eq (s_done ("rich")->outcome, OUTCOME_ANSWERED);
    s_expect_log ("good", "\"text\":\"Which?\\n1. Red\\n2. Blue\"");
    s_hand_body ("two", "good", ENTRY ("user joined", "{}"), "", 1);
    cr_assert_eq (s_done ("two")->outcome, OUTCOME_ANSWERED);
    cr_assert_str_eq (s_done ("two")->detail, "not told by this channel");
    cr_assert_eq (s_count ("good", "POST"), 2);
    s_hand_body ("three", "good", "{\"event\":\"new message\"", "", 1);
    cr_assert_eq (s_done ("three")->outcome, OUTCOME_DEAD);
    s_end ();
}
