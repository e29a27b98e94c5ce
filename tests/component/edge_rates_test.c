//  edge and those who go on too fast: what each principal, session, app and address may do in a
//  second, and what the others notice of it, which is nothing.

#include "edge_fixture.h"
#include "eventually.h"
#include "tcp_talk.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

//  A limit of one a second lets ten through at once.
#define BURST 10
#define REFUSED(limit) "stentor_edge_limit_refused_total{limit=\"" limit "\"}"

static bool
s_comes_in (stage_t *stage, const char *target)
{
    ws_client_t *client = stage_connect (stage, target);
    ws_client_send_format (client, "{\"event\":\"sing\",\"sessionId\":\"s-1\"}");
    json_object *frame = ws_client_wait_event (client, "error", 3000);
    ws_client_destroy (&client);
    return frame != NULL;
}

Test (edge_rates, a_user_that_connects_too_fast_is_told_when_to_come_again, .timeout = 60)
{
    stage_t *stage = START ("EDGE_PRINCIPAL_CONNECTS_PER_SECOND=1");
    ws_client_t *client = NULL;
    int in = 0;
    //  The clock goes on meanwhile.
    for (bool is_refused = false; !is_refused && in < 100; in++) {
        ws_client_destroy (&client);
        client = stage_connect (stage, "/?userId=u-1&protocol=2");
        is_refused = process_metric (stage->edge, REFUSED ("principal_connects")) == 1;
    }
    cr_expect (in > BURST && in < 30, "%d", in);
    json_object *frame = ws_client_wait_event (client, "going away", 3000);
    cr_assert (frame);
    cr_expect (ws_json_number (frame, "data.delayMs") >= 1000);
    frame = ws_client_wait_event (client, "connection update", 3000);
    cr_assert (frame);
    cr_expect_not (ws_json_true (frame, "data.sessionCreated"));
    cr_expect_str_eq (ws_json_text (frame, "data.code"), "busy");
    cr_expect (ws_client_expect_close (client, 1013, 3000));
    ws_client_destroy (&client);
    //  A widget is told in its own words, and others are let in.
    client = stage_connect (stage, "/?userId=u-1");
    if (process_metric (stage->edge, REFUSED ("principal_connects")) == 2) {
        cr_expect (ws_client_wait_event (client, "connection update", 3000));
        cr_expect (ws_client_expect_close (client, 1013, 3000));
    }
    ws_client_destroy (&client);
    cr_expect (s_comes_in (stage, "/?userId=u-2&protocol=2"));
    cr_expect (process_metric (stage->edge, "stentor_edge_closed_total{reason=\"too_fast\"}") > 0);
    cr_expect (process_wait_log (stage->edge, "rate limited", 3000));
    stage_end (stage);
}

Test (edge_rates, an_app_that_is_too_fast_leaves_others_alone, .timeout = 60)
{
    char path[] = "/tmp/edge_rates_test.XXXXXX", setting[100];
    int descriptor = mkstemp (path);
    FILE *file = fdopen (descriptor, "w");
    fprintf (file, "{\"apps\":[{\"appId\":\"a\"},{\"appId\":\"b\"}]}");
    fclose (file);
    snprintf (setting, sizeof setting, "APPS_FILE=%s", path);
    stage_t *stage = START (setting, "EDGE_APP_CONNECTS_PER_SECOND=1");
    int in = 0;
    for (char target[60]; in < 100; in++) {
        snprintf (target, sizeof target, "/?appId=a&userId=u-%d&protocol=2", in);
        ws_client_t *client = stage_connect (stage, target);
        ws_client_destroy (&client);
        if (process_metric (stage->edge, REFUSED ("app_connects")) > 0)
            break;
    }
    cr_expect (in >= BURST && in < 30, "%d", in);
    cr_expect (s_comes_in (stage, "/?appId=b&userId=u-1&protocol=2"));
    stage_end (stage);
    remove (path);
}

//  The postoffice hears of it once.
Test (edge_rates, a_message_too_many_is_busy_and_comes_again, .timeout = 60)
{
    stage_t *stage = START ("EDGE_PRINCIPAL_MESSAGES_PER_SECOND=1");
    ws_client_t *client = stage_connect (stage, "/?userId=u-1&protocol=2");
    stage_join (stage, client);
    json_object *busy = NULL;
    char id[20];
    int count = 0;
    while (!busy && count < 30) {
        snprintf (id, sizeof id, "m-%d", ++count);
        stage_message (client, "s-1", id);
        if (count > BURST)
            busy = ws_client_wait_event (client, "busy", 300);
    }
    cr_assert (busy);
    cr_expect_str_eq (ws_json_text (busy, "data.code"), "busy");
    cr_expect_str_eq (ws_json_text (busy, "data.messageId"), id);
    int64_t delay_ms = ws_json_number (busy, "data.retryAfterMs");
    cr_expect (delay_ms >= 1000 && delay_ms <= 2000, "%lld", (long long) delay_ms);
    cr_expect_eq (process_metric (stage->edge, REFUSED ("principal_messages")), 1);
    rig_turn_for (&stage->rig, (unsigned) delay_ms);
    stage_message (client, "s-1", id);
    //  All of them are there, in order, and each once.
    for (int at = 1; at <= count; at++) {
        snprintf (id, sizeof id, "m-%d", at);
        const bus_record_t *post = stage_hear (stage, BUS_POST);
        cr_expect (text_is (post->post.message_id, text_of (id)), "%s", id);
    }
    cr_expect_null (stage_find (stage, BUS_POST));
    ws_client_destroy (&client);
    EVENTUALLY (5000, process_metric (stage->edge, "stentor_edge_limited") <= 1);
    stage_end (stage);
}

// ---------------------------------------------------------------------------------------------
//  The API

#define TALKS 40

//  Asks, one connection each, until one is refused. Returns how many were not.
static int
s_ask_until_refused (stage_t *stage, tcp_talk_t talks[TALKS], const char *request)
{
    for (int at = 0; at < TALKS; at++) {
        talks[at] = tcp_talk_new (stage->port, 0);
        cr_assert (tcp_talk_say (&talks[at], request, strlen (request)));
        if (at < BURST)
            continue;
        tcp_talk_hear (&talks[at], SIZE_MAX, 300);
        if (strstr (talks[at].heard, "HTTP/1.1 429 "))
            return at;
    }
    return TALKS;
}

static void
s_free (tcp_talk_t talks[TALKS], int last)
{
    for (int at = 0; at <= last && at < TALKS; at++)
        tcp_talk_free (&talks[at]);
}

Test (edge_rates, the_api_says_when_to_ask_again, .timeout = 60)
{
    stage_t *stage = START ("EDGE_PRINCIPAL_REQUESTS_PER_SECOND=1");
    RIG_UNTIL (&stage->rig, 5000, process_metric (stage->edge, "stentor_edge_postoffices") == 1);
    static tcp_talk_t talks[TALKS];
    int count = s_ask_until_refused (
        stage, talks,
        "GET /api/v1/sessions/x?userId=u-1 HTTP/1.1\r\nHost: h\r\n"
        "Origin: https://shop.example\r\n\r\n");
    cr_assert (count >= BURST && count < TALKS, "%d", count);
    static const char *const words[] = { "retry-after: 1\r\n",
                                         "access-control-allow-origin: https://shop.example\r\n",
                                         "application/problem+json",
                                         "\"urn:stentor:problem:too-many\"",
                                         "Too many requests; try again later" };
    for (size_t at = 0; at < sizeof words / sizeof *words; at++)
        cr_expect (strstr (talks[count].heard, words[at]), "%s", talks[count].heard);
    cr_expect_eq (process_metric (stage->edge, REFUSED ("principal_requests")), 1);
    //  The postoffice was asked as often as nobody was refused, and others may ask.
    for (int at = 0; at < count; at++)
        stage_hear (stage, BUS_REQUEST);
    tcp_talk_t other = tcp_talk_new (stage->port, 0);
    static const char request[] = "GET /api/v1/sessions/x?userId=u-2 HTTP/1.1\r\nHost: h\r\n\r\n";
    cr_assert (tcp_talk_say (&other, request, strlen (request)));
    stage_hear (stage, BUS_REQUEST);
    cr_expect_null (stage_find (stage, BUS_REQUEST));
    tcp_talk_free (&other);
    s_free (talks, count);
    stage_end (stage);
}

//  A session counts the requests that its postoffice has carried out; what strangers ask counts
//  nowhere but with them.
Test (edge_rates, a_session_counts_what_was_done, .timeout = 60)
{
    stage_t *stage = START ("EDGE_SESSION_REQUESTS_PER_SECOND=1");
    RIG_UNTIL (&stage->rig, 5000, process_metric (stage->edge, "stentor_edge_postoffices") == 1);
    static const uint64_t statuses[] = { 404, 200 };
    for (int round = 0; round < 2; round++)
        for (int at = 0; at < 3 * BURST; at++) {
            static const char request[] =
                "GET /api/v1/sessions/x?userId=u-1 HTTP/1.1\r\nHost: h\r\n\r\n";
            tcp_talk_t talk = tcp_talk_new (stage->port, 0);
            cr_assert (tcp_talk_say (&talk, request, strlen (request)));
            heard_t *asked = NULL;
            RIG_UNTIL (&stage->rig, 5000,
                       (asked = stage_find (stage, BUS_REQUEST)) != NULL
                           || (tcp_talk_hear (&talk, SIZE_MAX, 1), talk.size > 0));
            if (asked) {
                asked->taken = true;
                bus_record_t reply = { .kind = BUS_REPLY,
                                       .reply = { .request_id = asked->record.request.request_id,
                                                  .status = statuses[round],
                                                  .body = TEXT ("{}") } };
                stage_say (stage, &reply);
                RIG_UNTIL (&stage->rig, 5000,
                           (tcp_talk_hear (&talk, SIZE_MAX, 1), talk.size > 0));
            }
            bool is_refused = strstr (talk.heard, "HTTP/1.1 429 ") != NULL;
            cr_expect (!is_refused || (round == 1 && at >= BURST), "%d: %s", at, talk.heard);
            tcp_talk_free (&talk);
        }
    cr_expect (process_metric (stage->edge, REFUSED ("session_requests")) > 0);
    stage_end (stage);
}

static void
s_expect_connections (const char *request)
{
    stage_t *stage = START ("EDGE_PRINCIPAL_CONNECTS_PER_SECOND=1", "EDGE_DEMO_MODE=on");
    static tcp_talk_t talks[TALKS];
    RIG_UNTIL (&stage->rig, 5000, process_metric (stage->edge, "stentor_edge_postoffices") == 1);
    int count = s_ask_until_refused (stage, talks, request);
    cr_assert (count >= BURST && count < TALKS, "%d", count);
    cr_expect (strstr (talks[count].heard, "retry-after: 1\r\n"), "%s", talks[count].heard);
    cr_expect_eq (process_metric (stage->edge, REFUSED ("principal_connects")), 1);
    s_free (talks, count);
    stage_end (stage);
}

Test (edge_rates, events_are_connections, .timeout = 60)
{
    s_expect_connections (
        "GET /api/v1/sessions/x/events?userId=u-1 HTTP/1.1\r\nHost: h\r\n\r\n");
}

Test (edge_rates, so_is_the_feed, .timeout = 60)
{
    s_expect_connections (
        "GET /api/v1/feed?userId=u-1&isAdmin=true HTTP/1.1\r\nHost: h\r\n\r\n");
}
