//  hooks — an app's server is told by webhooks what happens: when it is there, when it is dead for
//  three days, when somebody replays what it did not take, and when the notifier is killed while it
//  is being told. Days pass by setting what the database waits for back.

#include "chat.h"
#include "eventually.h"
#include "http_get.h"
#include "webhook_sender.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WITHIN_MS 30000
#define RESIDENT "process_resident_memory_bytes"
#define API_KEY "stk_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define API_KEY_HASH "sha256:a3db06f6aacc3af690cc929132b2d35aa59a13ba2a37e852a70a3ec824c48b3b"
#define AUTHORIZED "authorization: Bearer " API_KEY "\r\n"
#define SECRET "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

static const char s_apps[] =
    "{ \"apps\": [ { \"appId\": \"demo\","
    " \"apiKeys\": { \"keys\": [ { \"name\": \"crm\", \"hash\": \"" API_KEY_HASH "\" } ] },"
    " \"people\": [ { \"id\": \"anna\", \"name\": \"Anna\", \"email\": \"anna@example.com\" } ],"
    " \"email\": { \"url\": \"smtp://127.0.0.1:1\", \"security\": \"none\","
    "   \"from\": \"alerts@example.com\", \"withoutLogin\": true },"
    " \"alerts\": [ { \"name\": \"dead\", \"on\": \"dead-letter\","
    "   \"steps\": [ { \"by\": [\"email\"], \"to\": [\"person:anna\"] } ],"
    "   \"subject\": \"s\", \"text\": \"{{reason}}\" } ],"
    " \"webhooksOut\": [ { \"name\": \"crm\", \"url\": \"%s\", \"secret\": \"" SECRET "\","
    "   \"events\": [\"message.created\", \"session.created\", \"control.changed\"] } ] },"
    " { \"appId\": \"shop\", \"bot\": { \"url\": \"%s\" },"
    " \"webhooksIn\": [ { \"channel\": \"support\", \"kind\": \"standard\","
    "   \"secret\": \"" SENDER_SECRET "\", \"reply\": \"chat\" } ],"
    " \"webhooksOut\": [ { \"name\": \"chat\", \"url\": \"%s\", \"secret\": \"" SECRET "\" },"
    "  { \"name\": \"log\", \"url\": \"%s\", \"secret\": \"" SECRET "\","
    "    \"events\": [\"message.created\"] } ] } ] }";

static char s_path[100];
static router_stack_t *s_stack;
static bot_t *s_server; //  the app's
static bot_t *s_bot;

static void
s_begin (void)
{
    static char setting[120];
    s_server = bot_new ();
    s_bot = bot_new ();
    bot_says (s_bot, "", "{\"outputSpeech\":{\"displayText\":\"Which?\",\"suggestions\":"
                         "[{\"title\":\"Red\"},{\"title\":\"Blue\"}]}}");
    bot_rule (s_server, "session.created", 0, &(bot_reply_t){ .status = 204 });
    snprintf (s_path, sizeof s_path, "/tmp/stentor-apps-XXXXXX");
    FILE *file = fdopen (mkstemp (s_path), "w");
    cr_assert (file);
    fprintf (file, s_apps, bot_url (s_server), bot_url (s_bot), bot_url (s_server),
             bot_url (s_server));
    fclose (file);
    snprintf (setting, sizeof setting, "APPS_FILE=%s", s_path);
    const char *const settings[] = { setting, "SESSION_GRACE=2s",
                                     "OUT_ALLOWED_NETWORKS=127.0.0.1/32", NULL };
    s_stack = stack_new (&(stack_plan_t){
        .postoffices = 2, .worker = "notifier", .workers = 2, .settings = settings });
    cr_assert (s_stack);
    EVENTUALLY (WITHIN_MS, stack_metric (s_stack, "edge-", "stentor_edge_postoffices") == 2);
}

static void
s_end (void)
{
    stack_destroy (&s_stack);
    bot_destroy (&s_server);
    bot_destroy (&s_bot);
    unlink (s_path);
}

static bool
s_is (const char *sql, const char *value)
{
    char *answer = postgres_query (stack_postgres (s_stack), sql);
    bool is_so = answer && strcmp (answer, value) == 0;
    free (answer);
    return is_so;
}

static double
s_number (const char *sql)
{
    char *answer = postgres_query (stack_postgres (s_stack), sql);
    double number = answer && *answer ? atof (answer) : -1;
    free (answer);
    return number;
}

static void
s_exec (const char *sql)
{
    cr_assert (postgres_exec (stack_postgres (s_stack), sql), "%s", sql);
}

#define MESSAGE "WHERE topic = 'webhook.out' AND item LIKE '%message.created%'"

//  "webhook-id: msg_…" of the last webhook with these words; the caller frees it.
static char *
s_id (const char *words)
{
    char *request = bot_request (s_server, words);
    cr_assert (request, "%s", words);
    char *id = strstr (request, "webhook-id: ");
    cr_assert (id, "%s", request);
    id[strcspn (id, "\r")] = '\0';
    id = strdup (id);
    free (request);
    return id;
}

// ------------------------------------------------------------------------------------------------

static void *
s_replay (void *of_number)
{
    char path[900], headers[300];
    const unsigned *number = of_number;
    char *item = postgres_query (stack_postgres (s_stack),
                                 "SELECT replace (replace (item, ':', '%3A'), '/', '%2F')"
                                 " FROM work_item " MESSAGE);
    snprintf (path, sizeof path, "/api/v1/work-items/%s/replay", item);
    snprintf (headers, sizeof headers, AUTHORIZED "idempotency-key: key-%u\r\n", *number);
    http_answer_t answer =
        http_request (stack_edge_port (s_stack, 1), "POST", path, headers, "", 0);
    bool is_taken = answer.status == 200 || answer.status == 409;
    cr_expect (is_taken, "%d %s", answer.status, answer.body);
    http_answer_free (&answer);
    free (item);
    return NULL;
}

//  The tenth try is the last; one dead letter, one alert; what is replayed by two people at once is
//  sent once, under the id of before.
Test (hooks, three_days_of_a_dead_server, .timeout = 300)
{
    static const double pauses_s[] = { 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400 };
    enum { PAUSES = sizeof pauses_s / sizeof *pauses_s };
    s_begin ();
    bot_rule (s_server, "message.created", PAUSES + 1, &(bot_reply_t){ .status = 500 });
    person_t *vic = rich_visitor_opens (s_stack, 1, "vic", "s-1");
    says (vic, "hello");
    for (unsigned tries = 1; tries <= PAUSES; tries++) {
        char attempts[20];
        snprintf (attempts, sizeof attempts, "0 %u", tries);
        EVENTUALLY (WITHIN_MS, s_is ("SELECT concat_ws (' ', state, attempts) FROM work_item "
                                     MESSAGE, attempts));
        double pause_s = s_number ("SELECT extract (epoch FROM i.next_at - a.began_at)"
                                   " FROM work_item i JOIN work_attempt a USING (item) " MESSAGE
                                   " ORDER BY a.number DESC LIMIT 1");
        cr_expect_geq (pause_s, pauses_s[tries - 1], "%u", tries);
        cr_expect_leq (pause_s, pauses_s[tries - 1] * 1.1 + WITHIN_MS / 1000.0, "%u", tries);
        //  The time passes, for its circuit as well.
        s_exec ("DELETE FROM destination");
        s_exec ("UPDATE work_item SET next_at = now () " MESSAGE);
    }
    EVENTUALLY (WITHIN_MS, s_is ("SELECT concat_ws (' ', state, attempts) FROM work_item " MESSAGE,
                                 "3 10"));
    cr_expect_eq (bot_asked (s_server, "message.created"), PAUSES + 1);
    char *id = s_id ("message.created");
    cr_expect_eq (bot_asked (s_server, id), PAUSES + 1, "%s", id);
    EVENTUALLY (WITHIN_MS, s_is ("SELECT body::json ->> 'text' FROM work_item"
                                 " WHERE topic = 'notify.email'",
                                 "webhook.out to webhook:demo/crm: the endpoint fails: HTTP 500;"
                                 " no try is left"));
    cr_expect (s_is ("SELECT count (*) FROM alert", "1"));
    cr_expect (s_is ("SELECT count (*) FROM work_item WHERE state = 3", "1"));
    cr_expect_eq (stack_metric (s_stack, "notifier-", "stentor_notifier_webhooks_sending"), 0);

    //  It is back.
    pthread_t others[2];
    unsigned numbers[2] = { 1, 2 };
    bot_rule (s_server, "message.created", 0, &(bot_reply_t){ .status = 204 });
    s_exec ("DELETE FROM destination");
    for (int at = 0; at < 2; at++)
        cr_assert_eq (pthread_create (&others[at], NULL, s_replay, &numbers[at]), 0);
    for (int at = 0; at < 2; at++)
        pthread_join (others[at], NULL);
    EVENTUALLY (WITHIN_MS, s_is ("SELECT concat_ws (' ', state, attempts) FROM work_item " MESSAGE,
                                 "2 11"));
    cr_expect_eq (bot_asked (s_server, id), PAUSES + 2);
    cr_expect (s_is ("SELECT replays FROM work_item " MESSAGE, "1"));
    free (id);
    leaves (&vic);
    s_end ();
}

//  Killed while the server has it and has not answered: it is told again, under the same id.
Test (hooks, a_notifier_is_killed_while_it_tells, .timeout = 200)
{
    s_begin ();
    bot_rule (s_server, "message.created", 1, &(bot_reply_t){ .manner = BOT_HANGS });
    bot_rule (s_server, "message.created", 0, &(bot_reply_t){ .status = 204 });
    person_t *vic = rich_visitor_opens (s_stack, 1, "vic", "s-1");
    says (vic, "hello");
    EVENTUALLY (WITHIN_MS, bot_asked (s_server, "message.created") == 1);
    stack_kill (s_stack, "notifier-1");
    stack_kill (s_stack, "notifier-2");
    cr_assert (stack_start (s_stack, "notifier-1"));
    EVENTUALLY (90000, s_is ("SELECT state FROM work_item " MESSAGE, "2"));
    char *id = s_id ("message.created");
    cr_expect_eq (bot_asked (s_server, id), 2);
    free (id);
    leaves (&vic);
    s_end ();
}

//  Of 410 on nothing more goes to it, until somebody says so.
Test (hooks, a_server_that_is_gone, .timeout = 200)
{
    s_begin ();
    bot_rule (s_server, "message.created", 1, &(bot_reply_t){ .status = 410 });
    bot_rule (s_server, "message.created", 0, &(bot_reply_t){ .status = 204 });
    person_t *vic = rich_visitor_opens (s_stack, 1, "vic", "s-1");
    says (vic, "one");
    EVENTUALLY (WITHIN_MS, s_is ("SELECT disabled FROM destination WHERE name ="
                                 " 'webhook:demo/crm'", "t"));
    says (vic, "two");
    EVENTUALLY (WITHIN_MS, s_is ("SELECT string_agg (state::text, ' ' ORDER BY number)"
                                 " FROM work_item " MESSAGE, "3 0"));
    cr_expect_eq (bot_asked (s_server, "message.created"), 1);
    http_answer_t answer = http_request (
        stack_edge_port (s_stack, 1), "POST",
        "/api/v1/destinations/webhook%3Ademo%2Fcrm/enable", AUTHORIZED, "", 0);
    cr_expect_eq (answer.status, 200, "%s", answer.body);
    http_answer_free (&answer);
    EVENTUALLY (WITHIN_MS, s_is ("SELECT string_agg (state::text, ' ' ORDER BY number)"
                                 " FROM work_item " MESSAGE, "3 2"));
    cr_expect_eq (bot_asked (s_server, "message.created"), 2);
    leaves (&vic);
    s_end ();
}

//  From an outside system to the bot and back: the answer is plain text with numbers, to the
//  endpoint that the channel names.
Test (hooks, an_outside_system_writes_and_is_answered, .timeout = 200)
{
    s_begin ();
    bot_rule (s_server, "message.created", 0, &(bot_reply_t){ .status = 204 });
    cr_assert_eq (writes_standard (stack_edge_port (s_stack, 1), "/webhooks/shop/support", "ann",
                                   "m-1", "Hello"),
                  200);
    EVENTUALLY (WITHIN_MS,
                bot_asked (s_server, "\"channel\":\"support\",\"userId\":\"ann\"") == 1);
    char *request = bot_request (s_server, "\"channel\":\"support\"");
    cr_expect (strstr (request, "\"text\":\"Which?\\n1. Red\\n2. Blue\""), "%s", request);
    cr_expect (strstr (request, "\"sender\":{\"role\":\"bot\""), "%s", request);
    free (request);
    //  The endpoint that is told of everything is told of both messages.
    EVENTUALLY (WITHIN_MS, bot_asked (s_server, "\"messageId\":") == 3);
    EVENTUALLY (WITHIN_MS, s_is ("SELECT string_agg (DISTINCT destination, ' ') FROM work_item"
                                 " WHERE topic = 'webhook.out' AND state = 2",
                                 "webhook:shop/chat webhook:shop/log"));
    s_end ();
}

//  What piles up for a dead endpoint waits in the database: the notifier has a few of it in hand,
//  and another endpoint is told at once.
Test (hooks, thousands_wait_for_a_dead_server, .timeout = 200)
{
    s_begin ();
    bot_rule (s_server, "piled-up", 0, &(bot_reply_t){ .status = 500 });
    bot_rule (s_server, "message.created", 0, &(bot_reply_t){ .status = 204 });
    double before = stack_metric (s_stack, "notifier-", RESIDENT);
    s_exec ("INSERT INTO work_item (item, kind, app, topic, seq, body, destination)"
            " SELECT 'piled-' || n, 2, 'demo', 'webhook.out', 0, json_build_object ('kind',"
            "  'event', 'endpoint', 'crm', 'payload', 1, 'type', 'session.closed', 'time',"
            "  '2026-11-26T21:00:00.000Z', 'data', json_build_object ('x', 'piled-up', 'text',"
            "  repeat ('y', 10000)))::text, 'webhook:demo/crm' FROM generate_series (1, 5000) n");
    EVENTUALLY (WITHIN_MS, s_is ("SELECT openings > 0 FROM destination", "t"));
    cr_assert_eq (writes_standard (stack_edge_port (s_stack, 1), "/webhooks/shop/support", "ann",
                                   "m-1", "Hello"),
                  200);
    EVENTUALLY (WITHIN_MS, bot_asked (s_server, "\"channel\":\"support\"") == 1);
    cr_expect_lt (bot_asked (s_server, "piled-up"), 1000);
    EVENTUALLY (WITHIN_MS, s_is ("SELECT count (*) FROM work_item WHERE state = 1", "0"));
    double after = stack_metric (s_stack, "notifier-", RESIDENT);
    bool is_watched = getenv ("HARNESS_PATIENCE") != NULL; //  by sanitizers, which keep memory
    cr_expect (is_watched || after - before < 40e6, "%.0f, then %.0f", before, after);
    fprintf (stderr, "notifiers: %.1f MB, with 5000 that wait %.1f MB, tries %u\n", before / 1e6,
             after / 1e6, bot_asked (s_server, "piled-up"));
    s_end ();
}
