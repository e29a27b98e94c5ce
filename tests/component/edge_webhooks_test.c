//  edge's webhooks: what is not signed as it must be, or not of its form, never reaches the bus;
//  what is, reaches it as one shape, and is answered as its sender expects.

#include "edge_fixture.h"
#include "eventually.h"
#include "tcp_talk.h"
#include "webhook_sender.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CRM "/webhooks/demo/crm"
#define SMS "/webhooks/demo/sms"
#define RCS "/webhooks/demo/rcs"
#define GBM "/webhooks/demo/gbm"
#define OLD_SECRET "whsec_b2xkMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2Q="
#define SAID                                                                                      \
    "{\"type\":\"message.created\",\"data\":{\"messageId\":\"m-1\",\"userId\":\"ann\","           \
    "\"text\":\"Hello\"}}"

#define CREATED(data) ("{\"type\":\"message.created\",\"data\":{" data "}}")

static char s_apps[100];

static stage_t *
s_stage (const char *public_url)
{
    static const char apps[]
        = "{\"apps\":[{\"appId\":\"demo\",\"sms\":{\"accountSid\":"
          "\"AC00000000000000000000000000000000\",\"token\":\"t\",\"from\":\"+447700900000\"},"
          "\"webhooksIn\":["
          "{\"channel\":\"crm\",\"kind\":\"standard\",\"secret\":\"" SENDER_SECRET
          "\",\"previousSecret\":\"" OLD_SECRET "\"},"
          "{\"channel\":\"sms\",\"kind\":\"twilio\",\"secret\":\"" SENDER_TOKEN "\"},"
          "{\"channel\":\"rcs\",\"kind\":\"rcs\",\"secret\":\"client-token\"},"
          "{\"channel\":\"gbm\",\"kind\":\"business-messages\",\"secret\":\"partner-key\"}]}]}";
    static char settings[2][200];
    snprintf (s_apps, sizeof s_apps, "%s/stentor-apps-XXXXXX",
              getenv ("TMPDIR") ? getenv ("TMPDIR") : "/tmp");
    int file = mkstemp (s_apps);
    cr_assert (file >= 0 && write (file, apps, sizeof apps - 1) == (ssize_t) sizeof apps - 1);
    close (file);
    snprintf (settings[0], sizeof settings[0], "APPS_FILE=%s", s_apps);
    snprintf (settings[1], sizeof settings[1], "EDGE_PUBLIC_URL=%s", public_url);
    stage_t *stage = START (settings[0], settings[1], "EDGE_DEMO_MODE=on");
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
s_expect (http_answer_t answer, int status, const char *words, const char *what)
{
    cr_expect_eq (answer.status, status, "%s: %d %s", what, answer.status, answer.body);
    cr_expect (!words || (answer.body && strstr (answer.body, words)), "%s: %s", what,
               answer.body);
    http_answer_free (&answer);
}

static http_answer_t
s_post (stage_t *stage, const char *path, const char *headers, const char *body)
{
    return http_request (stage->port, "POST", path, headers, body, strlen (body));
}

// ---------------------------------------------------------------------------------------------
//  What reaches nobody

Test (edge_webhooks, paths_and_methods, .timeout = 60)
{
    stage_t *stage = s_stage (SENDER_PUBLIC);
    static const char *const none[] = { "/webhooks/",          "/webhooks/demo",
                                        "/webhooks/demo/",     "/webhooks/none/crm",
                                        "/webhooks//crm",      "/webhooks/demo/none",
                                        "/webhooks/demo/crm/x", "/webhooks/demo/crm/status",
                                        "/webhooks/demo/sms/x", "/webhooks/demo/sms/status/x",
                                        "/webhooks/demo/%63rm",
                                        "/webhooks/demo/crm/", "/webhooks/demo/sms/status/" };
    for (size_t row = 0; row < sizeof none / sizeof *none; row++)
        s_expect (s_post (stage, none[row], "", SAID), 404, "not-found", none[row]);
    s_expect (http_get (stage->port, CRM, ""), 405, "method", "GET");
    s_expect (http_request (stage->port, "PUT", CRM, "", SAID, sizeof SAID - 1), 405, "method",
              "PUT");
    cr_expect_null (stage_find (stage, BUS_REQUEST));
    s_end (stage);
}

Test (edge_webhooks, signatures_of_standard_webhooks, .timeout = 60)
{
    stage_t *stage = s_stage (SENDER_PUBLIC);
    uint16_t port = stage->port;
    time_t now = time (NULL);
    s_expect (s_post (stage, CRM, "", SAID), 401, "unsigned", "without");
    s_expect (s_post (stage, CRM, "webhook-id: m\r\nwebhook-signature: v1,x\r\n", SAID), 401,
              "unsigned", "without a time");
    s_expect (s_post (stage, CRM, "webhook-id: m\r\nwebhook-timestamp: 1\r\n", SAID), 401,
              "unsigned", "without a signature");
    s_expect (s_post (stage, CRM,
                      "webhook-id: m\r\nwebhook-id: m\r\nwebhook-timestamp: 1\r\n"
                      "webhook-signature: v1,x\r\n",
                      SAID),
              400, "twice", "two ids");
    s_expect (s_post (stage, CRM,
                      "webhook-id: m\r\nwebhook-timestamp: 1abc\r\nwebhook-signature: v1,x\r\n",
                      SAID),
              403, "malformed", "letters in the time");
    s_expect (send_standard (port, CRM, SENDER_SECRET, "m1", now - 400, SAID), 403,
              "more than five minutes ago", "expired");
    s_expect (send_standard (port, CRM, SENDER_SECRET, "m1", now + 400, SAID), 403,
              "more than five minutes ahead", "ahead");
    s_expect (send_standard (port, CRM, "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY0",
                             "m1", now, SAID),
              403, "signature", "another secret");
    s_expect (send_standard (port, RCS, SENDER_SECRET, "m1", now, SAID), 400, "base64",
              "another kind");
    cr_expect_null (stage_find (stage, BUS_REQUEST));
    s_end (stage);
}

Test (edge_webhooks, signatures_of_twilio_and_google, .timeout = 60)
{
    static const char sms[] = "From=%2B447700900513&MessageSid=SM1&Body=hi";
    static const char by_rcs[] =
        "{\"senderPhoneNumber\":\"+1\",\"messageId\":\"m\",\"text\":\"a\"}";
    stage_t *stage = s_stage (SENDER_PUBLIC);
    uint16_t port = stage->port;
    s_expect (s_post (stage, SMS, "", sms), 401, "unsigned", "without");
    s_expect (s_post (stage, SMS, "X-Twilio-Signature: AAAA\r\n", sms), 403, "signature", "wrong");
    s_expect (s_post (stage, SMS,
                      "X-Twilio-Signature: AAAA\r\n"
                      "X-Twilio-Webhooks-Signature-Settings: key=k,algorithm=HMAC_SHA256\r\n",
                      sms),
              403, "another kind", "with a shared key");
    s_expect (send_twilio (port, SMS, "another-token", sms), 403, "signature", "another token");
    s_expect (s_post (stage, SMS, "X-Twilio-Signature: AAAA\r\n", "Body=%zz"), 400, "form",
              "no form");
    s_expect (s_post (stage, RCS, "", "{\"message\":{\"data\":\"e30=\"}}"), 401, "unsigned",
              "without");
    s_expect (send_google (port, RCS, "another", by_rcs, true), 403, "signature", "another key");
    s_expect (send_google (port, RCS, "client-token", by_rcs, false), 400, "base64", "bare");
    s_expect (send_google (port, GBM, "client-token", "{\"requestId\":\"r\"}", false), 403,
              "signature", "of another channel");
    //  A handshake with another token is not echoed.
    s_expect (s_post (stage, RCS, "", "{\"clientToken\":\"x\",\"secret\":\"s-1\"}"), 403,
              "signature", "handshake");
    http_answer_t answer =
        s_post (stage, RCS, "", "{\"clientToken\":\"client-token\",\"secret\":\"s-1\"}");
    cr_expect_eq (answer.status, 200);
    cr_expect_str_eq (answer.body, "s-1");
    cr_expect (strstr (answer.headers, "text/plain"));
    http_answer_free (&answer);
    cr_expect_null (stage_find (stage, BUS_REQUEST));
    s_end (stage);
}

Test (edge_webhooks, without_the_public_url_twilio_is_not_believed, .timeout = 60)
{
    stage_t *stage = s_stage ("");
    s_expect (send_twilio (stage->port, SMS, SENDER_TOKEN, "From=%2B44&MessageSid=SM1&Body=hi"),
              403, "EDGE_PUBLIC_URL", "no public URL");
    cr_expect_null (stage_find (stage, BUS_REQUEST));
    s_end (stage);
}

//  Signed, and of every wrong shape.
Test (edge_webhooks, bodies_of_every_wrong_shape, .timeout = 120)
{
    stage_t *stage = s_stage (SENDER_PUBLIC);
    uint16_t port = stage->port;
    time_t now = time (NULL);
    static char deep[20100], name[300];
    memset (deep, '[', 10000);
    memset (deep + 10000, ']', 10000);
    static const char *const none[] = {
        "",
        "{",
        "null",
        "[]",
        "7",
        "\"text\"",
        "{}",
        "{\"type\":7}",
        "{\"type\":\"message.created\"}",
        "{\"type\":\"message.created\",\"data\":[]}",
        CREATED (""),
        CREATED ("\"userId\":\"ann\",\"text\":\"x\""),
        CREATED ("\"messageId\":\"m\",\"text\":\"x\""),
        CREATED ("\"messageId\":\"m\",\"userId\":\"ann\""),
        CREATED ("\"messageId\":\"m\",\"userId\":\"ann\",\"text\":\"\""),
        CREATED ("\"messageId\":\"m\",\"userId\":\"ann\",\"text\":7"),
        CREATED ("\"messageId\":7,\"userId\":\"ann\",\"text\":\"x\""),
        CREATED ("\"messageId\":\"m\",\"userId\":\"a\\nb\",\"text\":\"x\""),
        CREATED ("\"messageId\":\"m\",\"userId\":\"a\\u0000b\",\"text\":\"x\""),
        CREATED ("\"messageId\":\"m\",\"userId\":\"ann\",\"text\":\"a\\u0000b\""),
        CREATED ("\"messageId\":\"m\",\"userId\":\"ann\",\"text\":\"\xff\xfe\""),
        CREATED ("\"messageId\":\"m\",\"userId\":\"ann\",\"text\":\"x\","
                 "\"displayName\":\"\\u202eevil\""),
        deep,
    };
    for (size_t row = 0; row < sizeof none / sizeof *none; row++)
        s_expect (send_standard (port, CRM, SENDER_SECRET, "m1", now, none[row]), 400,
                  "bad-request", none[row][0] == '[' ? "deep" : none[row]);
    memset (name, 'n', 199);
    char body[600];
    snprintf (body, sizeof body,
              "{\"type\":\"message.created\",\"data\":{\"messageId\":\"m\",\"userId\":\"%s\","
              "\"text\":\"x\"}}",
              name);
    s_expect (send_standard (port, CRM, SENDER_SECRET, "m1", now, body), 400, "too long",
              "a long id");
    //  A text above the app's limit; a body above ours, announced and in chunks; ten megabytes.
    char *large = malloc (11u << 20);
    int head = snprintf (large, 200,
                         "{\"type\":\"message.created\",\"data\":{\"messageId\":\"m\","
                         "\"userId\":\"ann\",\"text\":\"");
    memset (large + head, 'x', 9000);
    memcpy (large + head + 9000, "\"}}", 4);
    s_expect (send_standard (port, CRM, SENDER_SECRET, "m1", now, large), 413, "too-large",
              "a long text");
    memset (large + head, 'x', (10u << 20));
    large[head + (10 << 20)] = 0;
    http_answer_t answer = s_post (stage, CRM, "", large);
    cr_expect (answer.status == 413 || answer.status == 0, "%d", answer.status);
    cr_expect (!answer.body || !*answer.body
                   || strstr (answer.body, "\"type\":\"urn:stentor:problem:too-large\""),
               "%s", answer.body);
    http_answer_free (&answer);
    free (large);
    static const struct {
        const char *body, *complaint;
    } wrong[] = {
        { "{\"a\":\"\xff\"}", "The body is not UTF-8" },
        { "{\"a\":}", "The body is not JSON" },
        { "[]", "The body must be a JSON object" },
        { "{\"a\":[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]}", "more than 16 objects and arrays" },
        { CREATED ("\"messageId\":\"m\",\"userId\":\"ann\",\"text\":\"x\",\"attachments\":\"x\""),
          "data.attachments must be an array" },
        { CREATED ("\"messageId\":\"m\",\"userId\":\"ann\",\"text\":\"x\",\"attachments\":"
                   "[{},{},{},{},{},{},{},{},{},{},{}]"),
          "data.attachments must be an array of at most 10 objects" },
        { CREATED ("\"messageId\":\"m\",\"userId\":\"ann\",\"text\":\"x\",\"attachments\":[7]"),
          "an element of data.attachments must be an object" },
        { CREATED ("\"messageId\":\"m\",\"userId\":\"ann\",\"text\":\"x\",\"attachments\":"
                   "[{\"url\":7}]"),
          "url in data.attachments" },
        { CREATED ("\"messageId\":\"m\",\"userId\":\"ann\",\"text\":\"x\",\"attachments\":"
                   "[{\"url\":\"https://x\",\"type\":7}]"),
          "type in data.attachments" },
        { CREATED ("\"messageId\":\"m\",\"userId\":\"ann\",\"text\":\"x\",\"token\":7"),
          "data.token must be a text" },
        { CREATED ("\"messageId\":\"m\",\"userId\":\"ann\",\"text\":\"x\",\"displayName\":[]"),
          "data.displayName" },
        { CREATED ("\"messageId\":\"m\",\"userId\":\"ann\",\"text\":7"), "data.text must be" },
        { CREATED ("\"messageId\":7,\"userId\":\"ann\",\"text\":\"x\""), "data.messageId must be" },
        { "{\"type\":\"typing.changed\",\"data\":{\"userId\":\"ann\",\"isTyping\":\"yes\"}}",
          "data.isTyping must be true or false" },
        { "{\"type\":\"typing.changed\",\"data\":{\"userId\":\"ann\"}}",
          "data.isTyping must be true or false" },
        { "{\"type\":\"message.read\",\"data\":{\"userId\":\"ann\",\"messageId\":7}}",
          "data.messageId must be" },
        { "{\"type\":\"handoff.requested\",\"data\":{\"userId\":7,\"messageId\":\"m\"}}",
          "data.userId must be" },
        { "{\"type\":7,\"data\":{}}", "type must be a text" },
    };
    for (size_t row = 0; row < sizeof wrong / sizeof *wrong; row++)
        s_expect (send_standard (port, CRM, SENDER_SECRET, "m1", now, wrong[row].body), 400,
                  wrong[row].complaint, wrong[row].body);
    //  What has no form at all, and forms without what must be there.
    static const char *const forms[] = { "", "Body=hi", "From=%2B44&Body=hi",
                                         "From=&MessageSid=SM1&Body=hi",
                                         "From=%00&MessageSid=SM1&Body=hi",
                                         "From=%2B44&MessageSid=SM1&Body=%ff",
                                         "From=%2B44&MessageSid=SM1&Body=a%00b" };
    for (size_t row = 0; row < sizeof forms / sizeof *forms; row++)
        s_expect (send_twilio (port, SMS, SENDER_TOKEN, forms[row]), 400, "bad-request",
                  forms[row]);
    static char many[6000];
    for (size_t at = 0; at < 400; at++)
        memcpy (many + 4 * at, "a=b&", 4);
    s_expect (s_post (stage, SMS, "X-Twilio-Signature: AAAA\r\n", many), 400, "form", "many");
    cr_expect_null (stage_find (stage, BUS_REQUEST));
    s_end (stage);
}

//  Signed, and nothing that we know: it is acknowledged, so that it is not sent again.
Test (edge_webhooks, what_is_not_known_is_acknowledged, .timeout = 60)
{
    stage_t *stage = s_stage (SENDER_PUBLIC);
    uint16_t port = stage->port;
    s_expect (send_standard (port, CRM, SENDER_SECRET, "m1", time (NULL),
                             "{\"type\":\"invoice.paid\",\"data\":{}}"),
              200, "{}", "an unknown type");
    static const char *const by_google[] = { "{}", "{\"agentId\":\"a\"}",
                                             ("{\"senderPhoneNumber\":\"+1\",\"eventType\":"
                                              "\"DELIVERED\",\"messageId\":\"m\"}"),
                                             "{\"senderPhoneNumber\":\"+1\",\"text\":\"no id\"}",
                                             "{\"senderPhoneNumber\":7,\"messageId\":\"m\"}" };
    for (size_t row = 0; row < sizeof by_google / sizeof *by_google; row++)
        s_expect (send_google (port, RCS, "client-token", by_google[row], true), 200, "{}",
                  by_google[row]);
    s_expect (send_google (port, GBM, "partner-key",
                           "{\"requestId\":\"r\",\"conversationId\":\"c\",\"surveyResponse\":{}}",
                           false),
              200, "{}", "a survey");
    s_expect (send_twilio (port, SMS, SENDER_TOKEN, "From=%2B44&MessageSid=SM1&Body="), 200,
              "<Response></Response>", "an empty SMS");
    s_expect (send_twilio (port, SMS "/status", SENDER_TOKEN,
                           "MessageSid=SM1&MessageStatus=delivered"),
              200, "<Response>", "of no item");
    cr_expect_null (stage_find (stage, BUS_REQUEST));
    s_end (stage);
}

// ---------------------------------------------------------------------------------------------
//  The whole way

static void
s_say (stage_t *stage, const char *path, const char *secret, tcp_talk_t *talk)
{
    char request[2000];
    webhook_secret_t decoded;
    buffer_t signature;
    uint64_t now = (uint64_t) time (NULL);
    cr_assert_null (webhook_secret_read (text_of (secret), &decoded));
    text_t key = webhook_secret_key (&decoded);
    buffer_init (&signature, 500);
    cr_assert_eq (webhook_standard_sign ((webhook_keys_t){ &key, 1 }, TEXT ("m1"), now,
                                         TEXT (SAID), &signature),
                  0);
    snprintf (request, sizeof request,
              "POST %s HTTP/1.1\r\nHost: h\r\nwebhook-id: m1\r\nwebhook-timestamp: %llu\r\n"
              "webhook-signature: v1,AAAA %.*s\r\nContent-Length: %zu\r\n\r\n" SAID,
              path, (unsigned long long) now, TEXT_ARGS (buffer_text (&signature)),
              sizeof SAID - 1);
    buffer_free (&signature);
    *talk = tcp_talk_new (stage->port, 0);
    cr_assert (tcp_talk_say (talk, request, strlen (request)));
}

static void
s_hear (stage_t *stage, tcp_talk_t *talk, const char *words)
{
    RIG_UNTIL (&stage->rig, 15000,
               (tcp_talk_hear (talk, SIZE_MAX, 5), strstr (talk->heard, words)));
}

static uint64_t
s_expect_request (stage_t *stage, const char *const *words)
{
    const bus_record_t *record = stage_hear (stage, BUS_REQUEST);
    cr_expect_eq (record->request.operation, 51);
    cr_expect (record->request.request_id & UINT64_C (1) << 62);
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

#define PLACE "{\"session\":\"crm-1\",\"isOpen\":true,\"seen\":null,\"said\":null}"

Test (edge_webhooks, a_message_finds_its_session, .timeout = 60)
{
    stage_t *stage = s_stage (SENDER_PUBLIC);
    tcp_talk_t talk;
    s_say (stage, CRM, OLD_SECRET, &talk); //  while it is being replaced
    uint64_t id = REQUEST (stage, "\"what\":\"place\"", "\"user\":\"@crm:ann\"",
                           "\"channel\":\"nowhere\"", "\"id\":\":key:w");
    s_reply (stage, id, 200, PLACE);
    id = REQUEST (stage, "{\"session\":\"crm-1\"", "\"what\":\"says\"", "\"rawQuery\":\"Hello\"");
    //  It was closed meanwhile: the next one is asked for.
    s_reply (stage, id, 409, "{\"type\":\"urn:stentor:problem:closed\",\"status\":409}");
    id = REQUEST (stage, "\"what\":\"place\"");
    s_reply (stage, id, 200,
             "{\"session\":\"crm-2\",\"isOpen\":false,\"seen\":null,\"said\":null}");
    id = REQUEST (stage, "{\"session\":\"crm-2\"", "\"what\":\"says\"", "\"isNewSession\":true");
    s_reply (stage, id, 201, "{\"sessionId\":\"crm-2\",\"seq\":2}");
    s_hear (stage, &talk, "{\"sessionId\":\"crm-2\",\"seq\":2}");
    cr_expect (strstr (talk.heard, "HTTP/1.1 200 "));
    tcp_talk_free (&talk);
    //  One that was stored is not asked about further.
    s_say (stage, CRM, SENDER_SECRET, &talk);
    id = REQUEST (stage, "\"what\":\"place\"");
    s_reply (stage, id, 200, "{\"session\":\"crm-2\",\"isOpen\":true,\"seen\":2,\"said\":null}");
    s_hear (stage, &talk, "{\"seq\":2}");
    tcp_talk_free (&talk);
    s_end (stage);
}

static void
s_tell_status (stage_t *stage, tcp_talk_t *talk)
{
    static const char form[] = "MessageSid=SM1&MessageStatus=sent";
    char request[1000];
    webhook_field_t fields[] = { { TEXT ("MessageSid"), TEXT ("SM1") },
                                 { TEXT ("MessageStatus"), TEXT ("sent") } };
    webhook_signed_t made = webhook_twilio_sign (
        TEXT (SENDER_TOKEN), TEXT (SENDER_PUBLIC SMS "/status?item=i1"), fields, 2);
    snprintf (request, sizeof request,
              "POST " SMS "/status?item=i1 HTTP/1.1\r\nHost: h\r\n"
              "X-Twilio-Signature: %.*s\r\n"
              "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n\r\n%s",
              (int) made.size, made.data, sizeof form - 1, form);
    *talk = tcp_talk_new (stage->port, 0);
    cr_assert (tcp_talk_say (talk, request, strlen (request)));
}

//  What became of an SMS is not stored as long as the report of its sending is not: until then
//  Twilio is not told that it was.
Test (edge_webhooks, a_status_that_is_not_stored_is_not_taken, .timeout = 60)
{
    stage_t *stage = s_stage (SENDER_PUBLIC);
    tcp_talk_t talk;
    s_tell_status (stage, &talk);
    while (!strstr (talk.heard, "HTTP/1.1 ")) {
        RIG_UNTIL (&stage->rig, 15000,
                   (tcp_talk_hear (&talk, SIZE_MAX, 5), strstr (talk.heard, "HTTP/1.1 "))
                       || stage_find (stage, BUS_REQUEST));
        if (stage_find (stage, BUS_REQUEST))
            s_reply (stage, REQUEST (stage, "\"what\":\"status\""), 409, "{}");
    }
    cr_expect (strstr (talk.heard, "HTTP/1.1 503 "), "%s", talk.heard);
    tcp_talk_free (&talk);
    s_end (stage);
}

Test (edge_webhooks, a_lost_postoffice_is_asked_again, .timeout = 60)
{
    stage_t *stage = s_stage (SENDER_PUBLIC);
    tcp_talk_t talk;
    s_say (stage, CRM, SENDER_SECRET, &talk);
    (void) REQUEST (stage, "\"what\":\"place\"");
    stage_lose_postoffice (stage);
    stage_open_postoffice (stage);
    uint64_t id = REQUEST (stage, "\"what\":\"place\"");
    s_reply (stage, id, 200, PLACE);
    id = REQUEST (stage, "\"what\":\"says\"");
    s_reply (stage, id, 201, "{\"sessionId\":\"crm-1\",\"seq\":2}");
    s_hear (stage, &talk, "HTTP/1.1 200 ");
    tcp_talk_free (&talk);
    //  With none at all the sender is told to come again.
    stage_lose_postoffice (stage);
    s_say (stage, CRM, SENDER_SECRET, &talk);
    s_hear (stage, &talk, "HTTP/1.1 503 ");
    cr_expect (strstr (talk.heard, "retry-after: "));
    tcp_talk_free (&talk);
    s_end (stage);
}

//  What was signed is stored, though nobody waits for the answer any more.
Test (edge_webhooks, whoever_hangs_up_has_said_it, .timeout = 60)
{
    stage_t *stage = s_stage (SENDER_PUBLIC);
    tcp_talk_t talk;
    s_say (stage, CRM, SENDER_SECRET, &talk);
    uint64_t id = REQUEST (stage, "\"what\":\"place\"");
    tcp_talk_free (&talk);
    s_reply (stage, id, 200, PLACE);
    id = REQUEST (stage, "\"what\":\"says\"");
    s_reply (stage, id, 201, "{\"sessionId\":\"crm-1\",\"seq\":2}");
    stage_expect_quiet (stage, "a sender hung up");
    s_end (stage);
}

//  The number of a choice becomes what a widget would have sent for a click.
Test (edge_webhooks, a_number_becomes_the_choice, .timeout = 60)
{
    stage_t *stage = s_stage (SENDER_PUBLIC);
    tcp_talk_t talk;
    char request[1000];
    static const char form[] = "From=%2B447700900513&MessageSid=SM1&Body=2";
    webhook_field_t fields[] = { { TEXT ("From"), TEXT ("+447700900513") },
                                 { TEXT ("MessageSid"), TEXT ("SM1") },
                                 { TEXT ("Body"), TEXT ("2") } };
    webhook_signed_t made =
        webhook_twilio_sign (TEXT (SENDER_TOKEN), TEXT (SENDER_PUBLIC SMS "?a=b"), fields, 3);
    snprintf (request, sizeof request,
              "POST " SMS "?a=b HTTP/1.1\r\nHost: h\r\nX-Twilio-Signature: %.*s\r\n"
              "Content-Length: %zu\r\n\r\n%s",
              (int) made.size, made.data, sizeof form - 1, form);
    talk = tcp_talk_new (stage->port, 0);
    cr_assert (tcp_talk_say (&talk, request, strlen (request)));
    uint64_t id = REQUEST (stage, "\"what\":\"place\"", "\"user\":\"@sms:+447700900513\"",
                           "\"channel\":\"sms.out\"");
    s_reply (stage, id, 200,
             "{\"session\":\"sms-1\",\"isOpen\":true,\"seen\":null,\"said\":"
             "\"{\\\"displays\\\":[{\\\"items\\\":[{\\\"title\\\":\\\"A\\\",\\\"token\\\":"
             "\\\"t-a\\\"},{\\\"title\\\":\\\"B\\\",\\\"token\\\":\\\"t-b\\\"}]}]}\"}");
    id = REQUEST (stage, "\"data\":{\"type\":\"OPTION_SELECT_REQUEST\",\"token\":\"t-b\"",
                  "\"title\":\"B\"", "\"quiet\":false");
    s_reply (stage, id, 201, "{\"sessionId\":\"sms-1\",\"seq\":2}");
    s_hear (stage, &talk, "<Response></Response>");
    cr_expect (strstr (talk.heard, "text/xml"));
    tcp_talk_free (&talk);
    s_end (stage);
}
