//  webhook_schema — an app's server is told of everything that there is to tell of, and each body
//  is as docs/webhooks-schema.json says.

#include "chat.h"
#include "eventually.h"
#include "http_get.h"
#include "webhook_sender.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WITHIN_MS 40000
#define API_KEY "stk_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define API_KEY_HASH "sha256:a3db06f6aacc3af690cc929132b2d35aa59a13ba2a37e852a70a3ec824c48b3b"
#define AUTHORIZED "authorization: Bearer " API_KEY "\r\n"
#define SECRET "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

static const char *const s_events[] = {
    "session.created",  "session.closed",    "session.reopened", "message.created",
    "participant.left", "participant.joined", "control.changed",  "handoff.requested",
    "alert.raised",     "alert.acknowledged", "delivery.dead",
};
#define EVENTS (sizeof s_events / sizeof *s_events)

static const char s_apps[] =
    "{ \"apps\": [ { \"appId\": \"demo\","
    " \"apiKeys\": { \"keys\": [ { \"name\": \"crm\", \"hash\": \"" API_KEY_HASH "\" } ] },"
    " \"people\": [ { \"id\": \"anna\", \"email\": \"anna@example.com\" } ],"
    " \"email\": { \"url\": \"smtp://127.0.0.1:1\", \"security\": \"none\","
    "   \"from\": \"alerts@example.com\", \"withoutLogin\": true },"
    " \"alerts\": [ { \"name\": \"money\", \"on\": \"keyword\","
    "   \"where\": { \"keywords\": [\"refund\"] },"
    "   \"steps\": [ { \"by\": [\"email\"], \"to\": [\"person:anna\"] } ] } ],"
    " \"webhooksIn\": [ { \"channel\": \"support\", \"kind\": \"standard\","
    "   \"secret\": \"" SENDER_SECRET "\", \"reply\": \"all\" } ],"
    " \"webhooksOut\": [ { \"name\": \"all\", \"url\": \"%s\", \"secret\": \"" SECRET "\","
    "   \"events\": [%s] } ] } ] }";

static char s_path[100];
static router_stack_t *s_stack;
static bot_t *s_server; //  the app's

static void
s_begin (void)
{
    static char setting[120];
    char events[600] = "";
    s_server = bot_new ();
    bot_rule (s_server, "", 0, &(bot_reply_t){ .status = 204 });
    for (size_t at = 0; at < EVENTS; at++)
        snprintf (events + strlen (events), sizeof events - strlen (events), "%s\"%s\"",
                  at ? "," : "", s_events[at]);
    snprintf (s_path, sizeof s_path, "/tmp/stentor-apps-XXXXXX");
    FILE *file = fdopen (mkstemp (s_path), "w");
    cr_assert (file);
    fprintf (file, s_apps, bot_url (s_server), events);
    fclose (file);
    snprintf (setting, sizeof setting, "APPS_FILE=%s", s_path);
    const char *const settings[] = { setting, "SESSION_GRACE=2s",
                                     "OUT_ALLOWED_NETWORKS=127.0.0.1/32", NULL };
    s_stack = stack_new (&(stack_plan_t){
        .postoffices = 1, .worker = "notifier", .workers = 1, .settings = settings });
    cr_assert (s_stack);
    EVENTUALLY (WITHIN_MS, stack_metric (s_stack, "edge-", "stentor_edge_postoffices") == 1);
}

static void
s_ask (const char *path, const char *body)
{
    http_answer_t answer =
        http_request (stack_edge_port (s_stack, 1), "POST", path,
                      AUTHORIZED "content-type: application/json\r\n", body, strlen (body));
    cr_expect (answer.status >= 200 && answer.status < 300, "%s: %d %s", path, answer.status,
               answer.body);
    http_answer_free (&answer);
}

static void
s_acknowledge (void)
{
    char path[400];
    char *alert = postgres_query (stack_postgres (s_stack),
                                  "SELECT replace (alert, '/', '%2F') FROM alert");
    cr_assert (alert);
    snprintf (path, sizeof path, "/api/v1/alerts/%s/acknowledge", alert);
    s_ask (path, "");
    free (alert);
}

static bool
s_is_told (const char *words)
{
    return bot_asked (s_server, words) > 0;
}

//  The body of the last webhook with these words, on a line of its own.
static void
s_record (FILE *file, const char *words)
{
    char *request = bot_request (s_server, words);
    cr_assert (request, "%s", words);
    const char *body = strstr (request, "\r\n\r\n");
    cr_assert (body, "%s", request);
    fprintf (file, "%s\n", body + 4);
    free (request);
}

Test (webhook_schema, of_everything_that_is_told, .timeout = 200)
{
    char bodies[] = "/tmp/stentor-webhooks-XXXXXX", command[300], words[80];
    s_begin ();
    person_t *vic = rich_visitor_opens (s_stack, 1, "vic", "s-1");
    says (vic, "I want a refund");
    EVENTUALLY (WITHIN_MS, s_is_told ("\"alert.raised\""));
    s_acknowledge ();
    s_ask ("/api/v1/sessions/s-1/offer", "{\"to\":[\"group:desk\"],\"why\":\"it is urgent\"}");
    person_t *abe = rich_agent_opens (s_stack, 1, "abe", "s-1");
    barges_in (abe, "Abe");
    EVENTUALLY (WITHIN_MS, s_is_told ("\"control.changed\""));
    leaves (&abe);
    EVENTUALLY (WITHIN_MS, s_is_told ("\"participant.left\""));
    s_ask ("/api/v1/sessions/s-1/close", "{}");
    s_ask ("/api/v1/sessions/s-1/reopen", "{}");
    cr_assert (postgres_exec (stack_postgres (s_stack),
                              "INSERT INTO work_item (item, kind, app, session, topic, seq, body,"
                              " state, attempts, finished_at, detail, destination, is_told) VALUES"
                              " ('d-1', 2, 'demo', 'demo/s-1', 'notify.email', 1, '{}', 3, 4,"
                              " now (), 'refused', 'email:demo', false)"));
    //  Somebody writes by a channel, and is answered by an agent.
    http_answer_t answer = send_standard (
        stack_edge_port (s_stack, 1), "/webhooks/demo/support", SENDER_SECRET, "m-1",
        (uint64_t) time (NULL),
        "{\"type\":\"message.created\",\"data\":{\"messageId\":\"m-1\",\"userId\":\"ann\","
        "\"displayName\":\"Ann\",\"text\":\"Hello\"}}");
    cr_assert_eq (answer.status, 200, "%s", answer.body);
    http_answer_free (&answer);
    char *session = postgres_query (stack_postgres (s_stack),
                                    "SELECT split_part (session, '/', 2) FROM session"
                                    " WHERE visitor LIKE '@support:%'");
    cr_assert (session);
    person_t *eve = rich_agent_opens (s_stack, 1, "eve", session);
    barges_in (eve, "Eve");
    says (eve, "Good day");
    EVENTUALLY (WITHIN_MS, s_is_told ("\"channel\":\"support\""));
    FILE *file = fdopen (mkstemp (bodies), "w");
    for (size_t at = 0; at < EVENTS; at++) {
        snprintf (words, sizeof words, "\"type\":\"%s\"", s_events[at]);
        EVENTUALLY (WITHIN_MS, s_is_told (words));
        s_record (file, words);
    }
    s_record (file, "\"channel\":\"support\"");
    s_record (file, "I want a refund");
    fclose (file);
    snprintf (command, sizeof command,
              "python3 " SOURCE_DIR "/tests/scenario/webhook_schema.py " SOURCE_DIR
              "/docs/webhooks-schema.json %s",
              bodies);
    cr_expect_eq (system (command), 0);
    unlink (bodies);
    free (session);
    leaves (&eve);
    leaves (&vic);
    stack_destroy (&s_stack);
    bot_destroy (&s_server);
    unlink (s_path);
}
