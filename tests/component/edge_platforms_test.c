//  edge's platforms: a webhook of Genesys Cloud that is not signed as it must be never reaches the
//  bus; what is, is stored before it is answered, and what cannot be stored in time comes again.

#include "edge_fixture.h"
#include "eventually.h"
#include "http_get.h"
#include "tcp_talk.h"

#include "auth/webhook_signature.h"
#include "model/api_operation.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH "/webhooks/demo/genesys"
#define SECRET "a secret of sixteen and more"
#define OLD_SECRET "the secret that is replaced"
#define UNSIGNED "stentor_edge_webhooks_total{result=\"unsigned\"}"
#define ID "99999999-8888-7777-6666-555555555555"
#define ID_2 "99999999-8888-7777-6666-444444444444"
#define TO                                                                                        \
    "\"channel\":{\"to\":{\"id\":\"e1\"},\"time\":\"2026-11-22T14:01:00.000Z\"},"                 \
    "\"conversationId\":\"c1\","
#define HELLO "{\"id\":\"g1\"," TO "\"type\":\"Text\",\"text\":\"Hello, Ann here\"}"
#define TYPES                                                                                     \
    "{" TO "\"type\":\"Event\",\"events\":[{\"eventType\":\"Typing\",\"typing\":"                \
    "{\"type\":\"On\",\"duration\":3000}}]}"
#define FAILED                                                                                    \
    "{\"id\":\"o1\"," TO "\"type\":\"Receipt\",\"status\":\"Failed\",\"reasons\":"                \
    "[{\"code\":\"MessageExpired\"}]}"

static char s_apps[100];

static stage_t *
s_stage (const char *more)
{
    char apps[1000];
    static char setting[200];
    int size = snprintf (apps, sizeof apps,
                         "{\"apps\":[{\"appId\":\"demo\",\"genesys\":{\"region\":\"eu_central_1\","
                         "\"clientId\":\"c\",\"clientSecret\":\"s\",\"integrationId\":\"" ID "\","
                         "\"webhookSecret\":\"" SECRET "\",\"previousWebhookSecret\":"
                         "\"" OLD_SECRET "\"%s}},{\"appId\":\"plain\"},"
                         "{\"appId\":\"other\",\"genesys\":{\"region\":\"us_west_2\","
                         "\"clientId\":\"c\",\"clientSecret\":\"s\",\"integrationId\":\"" ID_2 "\","
                         "\"webhookSecret\":\"" SECRET "\"}}]}",
                         more);
    snprintf (s_apps, sizeof s_apps, "%s/stentor-apps-XXXXXX",
              getenv ("TMPDIR") ? getenv ("TMPDIR") : "/tmp");
    int file = mkstemp (s_apps);
    cr_assert (file >= 0 && write (file, apps, (size_t) size) == size);
    close (file);
    snprintf (setting, sizeof setting, "APPS_FILE=%s", s_apps);
    stage_t *stage = START (setting, "EDGE_DEMO_MODE=on");
    ws_client_t *client = stage_connect (stage, "/?userId=early&appId=demo&protocol=2");
    stage_join (stage, client);
    ws_client_destroy (&client);
    return stage;
}

static void
s_end (stage_t *stage)
{
    stage_end (stage);
    unlink (s_apps);
}

static void
s_say_to (stage_t *stage, const char *app, const char *secret, const char *more, const char *body,
          tcp_talk_t *talk)
{
    char request[2000];
    webhook_signed_t made = webhook_genesys_sign (text_of (secret), text_of (body));
    snprintf (request, sizeof request,
              "POST /webhooks/%s/genesys HTTP/1.1\r\nHost: h\r\nX-Hub-Signature-256: %.*s\r\n%s"
              "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
              app, (int) made.size, made.data, more, strlen (body), body);
    *talk = tcp_talk_new (stage->port, 0);
    cr_assert (tcp_talk_say (talk, request, strlen (request)));
}

static void
s_say (stage_t *stage, const char *secret, const char *more, const char *body, tcp_talk_t *talk)
{
    s_say_to (stage, "demo", secret, more, body, talk);
}

static void
s_hear (stage_t *stage, tcp_talk_t *talk, const char *words)
{
    RIG_UNTIL (&stage->rig, 15000,
               (tcp_talk_hear (talk, SIZE_MAX, 5), strstr (talk->heard, "\r\n\r\n")));
    cr_expect (strstr (talk->heard, words), "%s\n%s", words, talk->heard);
    tcp_talk_free (talk);
}

static uint64_t
s_expect_request (stage_t *stage, const char *const *words)
{
    const bus_record_t *record = stage_hear (stage, BUS_REQUEST);
    cr_expect_eq (record->request.operation, API_PLATFORM);
    cr_expect (strstr (record->request.principal.data, "\"api\""));
    for (; *words; words++)
        cr_expect (strstr (record->request.body.data, *words), "%s\n%s", *words,
                   record->request.body.data);
    return record->request.request_id;
}
#define REQUEST(stage, ...) s_expect_request (stage, (const char *const[]){ __VA_ARGS__, NULL })

static void
s_reply (stage_t *stage, uint64_t id, uint64_t status, const char *body)
{
    stage_say (stage, &(bus_record_t){ .kind = BUS_REPLY,
                                       .reply = { .request_id = id,
                                                  .status = status,
                                                  .body = text_of (body) } });
}

#define PLACE_OF(open, controls, asked, seen)                                                     \
    "{\"session\":\"s-1\",\"isOpen\":" open ",\"controls\":" controls ",\"asked\":" asked          \
    ",\"seen\":" seen "}"
#define PLACE PLACE_OF ("true", "true", "null", "0")

// ---------------------------------------------------------------------------------------------

Test (edge_platforms, what_is_said_is_stored_first, .timeout = 60)
{
    stage_t *stage = s_stage ("");
    tcp_talk_t talk;
    s_say (stage, SECRET, "", HELLO, &talk);
    uint64_t id = REQUEST (stage, "\"what\":\"place\"", "\"platform\":\"platform.genesys\"",
                           "\"externalId\":\"e1\"", "\"id\":\":key:p");
    s_reply (stage, id, 200, PLACE);
    id = REQUEST (stage, "{\"session\":\"s-1\"", "\"what\":\"says\"", "\"timeMs\":1795356060000",
                  "\"windowMs\":250", "\"rawQuery\":\"Hello, Ann here\"");
    tcp_talk_hear (&talk, SIZE_MAX, 50);
    cr_expect_eq (talk.size, 0, "answered before it was stored");
    s_reply (stage, id, 201, "{\"seq\":7}");
    id = REQUEST (stage, "\"what\":\"receipt\"", "\"externalId\":\"e1\"", "\"id\":\"g1\"",
                  "\"status\":\"Delivered\"", "\"conversation\":\"c1\"");
    s_reply (stage, id, 200, "{}");
    s_hear (stage, &talk, "HTTP/1.1 200 ");
    //  It comes again, signed with the secret of before: it is there.
    s_say (stage, OLD_SECRET, "", HELLO, &talk);
    id = REQUEST (stage, "\"what\":\"place\"");
    s_reply (stage, id, 200, PLACE_OF ("true", "true", "null", "7"));
    id = REQUEST (stage, "\"what\":\"receipt\"", "\"status\":\"Delivered\"");
    s_reply (stage, id, 200, "{}");
    s_hear (stage, &talk, "HTTP/1.1 200 ");
    s_end (stage);
}

//  Not shown, and the agent is told so.
Test (edge_platforms, what_nobody_may_be_shown, .timeout = 60)
{
    static const struct {
        unsigned status;
        const char *place, *code;
    } rows[] = {
        { 404, "{}", "InvalidDestination" },
        { 200, PLACE_OF ("false", "false", "null", "0"), "MessageNotAllowed" },
        { 200, PLACE_OF ("true", "false", "false", "0"), "MessageNotAllowed" },
    };
    stage_t *stage = s_stage ("");
    tcp_talk_t talk;
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        s_say (stage, SECRET, "", HELLO, &talk);
        s_reply (stage, REQUEST (stage, "\"what\":\"place\""), rows[at].status, rows[at].place);
        s_reply (stage,
                 REQUEST (stage, "\"what\":\"receipt\"", "\"status\":\"Failed\"", rows[at].code),
                 200, "{}");
        s_hear (stage, &talk, "HTTP/1.1 200 ");
    }
    //  Refused by the session itself, which was taken meanwhile
    s_say (stage, SECRET, "", HELLO, &talk);
    s_reply (stage, REQUEST (stage, "\"what\":\"place\""), 200, PLACE);
    s_reply (stage, REQUEST (stage, "\"what\":\"says\""), 409, "{}");
    s_reply (stage, REQUEST (stage, "\"status\":\"Failed\"", "\"code\":\"MessageNotAllowed\""), 200,
             "{}");
    s_hear (stage, &talk, "HTTP/1.1 200 ");
    //  With nothing in it that a client could show
    s_say (stage, SECRET, "", "{\"id\":\"g2\"," TO "\"type\":\"Structured\",\"content\":[]}",
           &talk);
    s_reply (stage, REQUEST (stage, "\"what\":\"receipt\"", "\"code\":\"UnsupportedMessage\""), 200,
             "{}");
    s_hear (stage, &talk, "HTTP/1.1 200 ");
    s_end (stage);
}

//  A flow greets while the acceptance of the offer is being stored.
Test (edge_platforms, an_offer_that_is_not_decided_yet, .timeout = 60)
{
    stage_t *stage = s_stage ("");
    tcp_talk_t talk;
    s_say (stage, SECRET, "", HELLO, &talk);
    uint64_t id = REQUEST (stage, "\"what\":\"place\"");
    s_reply (stage, id, 200, PLACE_OF ("true", "false", "true", "0"));
    id = REQUEST (stage, "\"what\":\"place\"");
    s_reply (stage, id, 200, PLACE);
    s_reply (stage, REQUEST (stage, "\"what\":\"says\""), 201, "{\"seq\":9}");
    s_reply (stage, REQUEST (stage, "\"what\":\"receipt\""), 200, "{}");
    s_hear (stage, &talk, "HTTP/1.1 200 ");
    s_end (stage);
}

//  Never 200, and never a status after which it would not come again.
Test (edge_platforms, what_cannot_be_stored_comes_again, .timeout = 60)
{
    stage_t *stage = s_stage ("");
    tcp_talk_t talk;
    s_say (stage, SECRET, "", HELLO, &talk);
    (void) REQUEST (stage, "\"what\":\"place\""); //  which is not answered
    s_hear (stage, &talk, "HTTP/1.1 503 ");
    s_say (stage, SECRET, "", HELLO, &talk);
    s_reply (stage, REQUEST (stage, "\"what\":\"place\""), 200, PLACE);
    s_reply (stage, REQUEST (stage, "\"what\":\"says\""), 503, "{}");
    s_hear (stage, &talk, "HTTP/1.1 503 ");
    //  Stored, but nobody would learn of it
    s_say (stage, SECRET, "", HELLO, &talk);
    s_reply (stage, REQUEST (stage, "\"what\":\"place\""), 200, PLACE);
    s_reply (stage, REQUEST (stage, "\"what\":\"says\""), 201, "{}");
    s_reply (stage, REQUEST (stage, "\"what\":\"receipt\""), 503, "{}");
    s_hear (stage, &talk, "HTTP/1.1 503 ");
    stage_lose_postoffice (stage);
    s_say (stage, SECRET, "", HELLO, &talk);
    s_hear (stage, &talk, "HTTP/1.1 503 ");
    stage_open_postoffice (stage);
    s_end (stage);
}

Test (edge_platforms, typing_and_receipts, .timeout = 60)
{
    stage_t *stage = s_stage (",\"receipts\":false");
    tcp_talk_t talk;
    s_say (stage, SECRET, "", TYPES, &talk);
    s_reply (stage, REQUEST (stage, "\"what\":\"place\""), 200, PLACE);
    s_reply (stage, REQUEST (stage, "\"what\":\"typing\"", "\"session\":\"s-1\"",
                             "\"forMs\":3000"),
             200, "{}");
    s_hear (stage, &talk, "HTTP/1.1 200 ");
    s_say (stage, SECRET, "", TYPES, &talk);
    s_reply (stage, REQUEST (stage, "\"what\":\"place\""), 404, "{}");
    s_hear (stage, &talk, "HTTP/1.1 200 ");
    s_say (stage, SECRET, "", FAILED, &talk);
    s_reply (stage, REQUEST (stage, "\"what\":\"failed\"", "\"id\":\"o1\"",
                             "\"reason\":\"MessageExpired\""),
             200, "{}");
    s_hear (stage, &talk, "HTTP/1.1 200 ");
    //  What it is about is not known yet: it comes again.
    s_say (stage, SECRET, "", FAILED, &talk);
    s_reply (stage, REQUEST (stage, "\"what\":\"failed\"", "\"id\":\"o1\""), 409, "{}");
    RIG_UNTIL (&stage->rig, 15000,
               (tcp_talk_hear (&talk, SIZE_MAX, 5), strstr (talk.heard, "problem:not-yet\"")));
    s_hear (stage, &talk, "HTTP/1.1 503 "); //  and not that no postoffice is there
    //  The app wants no receipts of success; who watches the conversation is woken all the same.
    s_say (stage, SECRET, "", HELLO, &talk);
    s_reply (stage, REQUEST (stage, "\"what\":\"place\""), 200, PLACE);
    s_reply (stage, REQUEST (stage, "\"what\":\"says\""), 201, "{\"seq\":9}");
    s_reply (stage, REQUEST (stage, "\"what\":\"receipt\"", "\"status\":\"\""), 200, "{}");
    s_hear (stage, &talk, "HTTP/1.1 200 ");
    s_end (stage);
}

// ---------------------------------------------------------------------------------------------
//  What reaches nobody

static void
s_expect (http_answer_t answer, int status, const char *what)
{
    cr_expect_eq (answer.status, status, "%s: %d %s", what, answer.status, answer.body);
    http_answer_free (&answer);
}

Test (edge_platforms, what_is_not_theirs, .timeout = 60)
{
    stage_t *stage = s_stage ("");
    tcp_talk_t talk;
    uint16_t port = stage->port;
    s_expect (http_request (port, "POST", PATH, "", HELLO, sizeof HELLO - 1), 403, "unsigned");
    s_expect (http_request (port, "POST", PATH, "X-Hub-Signature-256: sha256=AAAA\r\n", HELLO,
                            sizeof HELLO - 1),
              403, "wrong");
    s_expect (http_get (port, PATH, ""), 405, "GET");
    s_expect (http_request (port, "POST", "/webhooks/plain/genesys", "", HELLO, sizeof HELLO - 1),
              404, "an app without the section");
    s_expect (http_request (port, "POST", "/webhooks/none/genesys", "", HELLO, sizeof HELLO - 1),
              404, "no app");
    s_expect (http_request (port, "POST", PATH "/status", "", HELLO, sizeof HELLO - 1), 404,
              "below it");
    s_say (stage, "another secret of that length", "", HELLO, &talk);
    s_hear (stage, &talk, "HTTP/1.1 403 ");
    s_say (stage, SECRET, "X-Hub-Signature-256: sha256=AAAA\r\n", HELLO, &talk);
    s_hear (stage, &talk, "HTTP/1.1 403 ");
    cr_expect_null (stage_find (stage, BUS_REQUEST));
    s_end (stage);
}

//  Whoever asks with the header of `genesys-connector --check` gets the answer of what is not
//  signed, and is neither counted nor logged; nothing gets in by it.
Test (edge_platforms, a_check_is_no_webhook, .timeout = 60)
{
    stage_t *stage = s_stage ("");
    tcp_talk_t talk;
    s_expect (http_request (stage->port, "POST", PATH, "Stentor-Check: webhook\r\n", "{}", 2), 403,
              "check");
    s_say (stage, SECRET, "Stentor-Check: webhook\r\n", HELLO, &talk);
    s_hear (stage, &talk, "HTTP/1.1 403 ");
    //  By which whoever asks knows that it is an edge.
    s_say (stage, SECRET, "Stentor-Check: webhook\r\n", HELLO, &talk);
    s_hear (stage, &talk, "Stentor-Check: edge\r\n");
    cr_expect_null (stage_find (stage, BUS_REQUEST));
    cr_expect_eq (process_metric (stage->edge, "stentor_edge_webhook_requests_total"), 0);
    cr_expect_eq (process_metric (stage->edge, UNSIGNED), 0);
    cr_expect_eq (process_log_count (stage->edge, "webhook refused"), 0);
    s_expect (http_request (stage->port, "POST", "/webhooks/none/genesys",
                            "Stentor-Check: webhook\r\n", "{}", 2),
              404, "of no app");
    //  As before for everybody else.
    s_expect (http_request (stage->port, "POST", PATH, "", "{}", 2), 403, "unsigned");
    cr_expect_eq (process_metric (stage->edge, UNSIGNED), 1);
    cr_expect_eq (process_log_count (stage->edge, "webhook refused"), 1);
    s_end (stage);
}

Test (edge_platforms, the_second_secret, .timeout = 60)
{
    stage_t *stage = s_stage (
        ",\"webhookHeader\":\"X-Router\",\"webhookHeaderValue\":\"open sesame, please\"");
    tcp_talk_t talk;
    s_say (stage, SECRET, "", HELLO, &talk);
    s_hear (stage, &talk, "HTTP/1.1 403 ");
    s_say (stage, SECRET, "X-Router: open sesame\r\n", HELLO, &talk);
    s_hear (stage, &talk, "HTTP/1.1 403 ");
    cr_expect_null (stage_find (stage, BUS_REQUEST));
    s_say (stage, SECRET, "X-Router: open sesame, please\r\n", HELLO, &talk);
    s_reply (stage, REQUEST (stage, "\"what\":\"place\""), 200,
             PLACE_OF ("true", "true", "null", "7"));
    s_reply (stage, REQUEST (stage, "\"what\":\"receipt\""), 200, "{}");
    s_hear (stage, &talk, "HTTP/1.1 200 ");
    s_end (stage);
}

//  Theirs, and not understood: a refusal would end the conversation there.
Test (edge_platforms, bodies_of_every_wrong_shape, .timeout = 60)
{
    static const char *const bodies[] = {
        "", "{", "null", "[]", "7", "{}", "{\"channel\":{\"to\":{\"id\":7}},\"type\":\"Text\"}",
        "{\"type\":\"Text\",\"text\":\"a\"}", "\xff", "{" TO "\"type\":\"Hologram\"}",
        "{" TO "\"type\":7}", "{" TO "\"type\":\"Event\",\"events\":7}",
        "{" TO "\"type\":\"Event\",\"events\":[{\"eventType\":\"CoBrowse\"}]}",
        "{\"id\":\"o1\"," TO "\"type\":\"Receipt\",\"status\":\"Read\"}",
    };
    stage_t *stage = s_stage ("");
    tcp_talk_t talk;
    for (size_t at = 0; at < sizeof bodies / sizeof *bodies; at++) {
        s_say (stage, SECRET, "", bodies[at], &talk);
        s_hear (stage, &talk, "HTTP/1.1 200 ");
    }
    cr_expect_null (stage_find (stage, BUS_REQUEST));
    s_end (stage);
}

// ---------------------------------------------------------------------------------------------
//  Numbers

static double
s_delays (const stage_t *stage, const char *app)
{
    char sample[100];
    snprintf (sample, sizeof sample, "stentor_edge_platform_delay_seconds_count{app=\"%s\"}", app);
    return process_metric (stage->edge, sample);
}

//  There from the start, of apps with the section; nobody else's path makes more of them.
Test (edge_platforms, each_app_has_its_own_delay, .timeout = 60)
{
    stage_t *stage = s_stage ("");
    tcp_talk_t talk;
    cr_expect (s_delays (stage, "demo") == 0 && s_delays (stage, "other") == 0);
    s_say_to (stage, "other", SECRET, "", TYPES, &talk);
    s_reply (stage, REQUEST (stage, "\"what\":\"place\""), 404, "{}");
    s_hear (stage, &talk, "HTTP/1.1 200 ");
    s_say_to (stage, "demo", "another secret of that length", "", TYPES, &talk);
    s_hear (stage, &talk, "HTTP/1.1 403 ");
    s_say_to (stage, "plain", SECRET, "", TYPES, &talk);
    s_hear (stage, &talk, "HTTP/1.1 404 ");
    s_say_to (stage, "none", SECRET, "", TYPES, &talk);
    s_hear (stage, &talk, "HTTP/1.1 404 ");
    cr_expect (s_delays (stage, "demo") == 0 && s_delays (stage, "other") == 1);
    cr_expect (isnan (s_delays (stage, "plain")) && isnan (s_delays (stage, "none")));
    s_end (stage);
}
