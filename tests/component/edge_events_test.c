//  edge's event streams: a client that only receives is in its session like one with a WebSocket,
//  goes on behind what it has, and ends with a reason.

#include "edge_fixture.h"
#include "eventually.h"
#include "tcp_talk.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define HOST "Host: h\r\n"
#define END "\r\n"
#define PATH "/api/v1/sessions/s-1/events"
#define STREAMS "stentor_edge_connections{dialect=\"events\"}"

//  Lets the edge's answer come.
static void
s_expect (stage_t *stage, tcp_talk_t *talk, const char *words)
{
    RIG_UNTIL (&stage->rig, 10000,
               (tcp_talk_hear (talk, SIZE_MAX, 5), strstr (talk->heard, words)));
}

static void
s_expect_end (stage_t *stage, tcp_talk_t *talk)
{
    RIG_UNTIL (&stage->rig, 10000, (tcp_talk_hear (talk, SIZE_MAX, 5), talk->has_ended));
}

//  The edge has the postoffice's WELCOME a moment after the postoffice has its HELLO.
static stage_t *
s_start (const char *const *settings)
{
    stage_t *stage = stage_start (settings);
    ws_client_t *client = stage_connect (stage, "/?userId=early&appId=demo&protocol=2");
    stage_join (stage, client);
    ws_client_destroy (&client);
    stage_hear (stage, BUS_DETACH);
    EVENTUALLY (5000, process_metric (stage->edge, "stentor_edge_sockets") == 0);
    return stage;
}

#define S_START(...) s_start ((const char *const[]){ __VA_ARGS__, NULL })

static tcp_talk_t
s_ask (stage_t *stage, const char *query, const char *headers)
{
    char request[600];
    (void) stage;
    snprintf (request, sizeof request, "GET " PATH "?userId=ann%s HTTP/1.1\r\n" HOST "%s" END,
              query, headers);
    tcp_talk_t talk = tcp_talk_new (stage->port, 0);
    cr_assert (tcp_talk_say (&talk, request, strlen (request)));
    return talk;
}

//  It is in; returns its ATTACH, which lives until the next record is heard.
static const bus_record_t *
s_listen (stage_t *stage, tcp_talk_t *talk, const char *query, const char *headers)
{
    *talk = s_ask (stage, query, headers);
    const bus_record_t *attach = stage_hear (stage, BUS_ATTACH);
    cr_expect_eq (attach->attach.reason, ATTACH_RESUME);
    stage_attached (stage, attach, VERDICT_OK, 7);
    s_expect (stage, talk, "\"sessionCreated\":true");
    return attach;
}

Test (edge_events, a_client_is_in_its_session_and_receives)
{
    stage_t *stage = S_START ("EDGE_DEMO_MODE=off");
    tcp_talk_t talk;
    const bus_record_t *attach =
        s_listen (stage, &talk, "&displayName=Ann%20B.&lastEventId=1",
                  "Origin: http://page\r\nLast-Event-ID: 7-00000000000000ab\r\n");
    cr_expect (text_is (attach->attach.session, TEXT ("demo/s-1")));
    cr_expect (text_is (attach->attach.user, TEXT ("ann")) && attach->attach.role == ROLE_VISITOR);
    cr_expect_eq (attach->attach.dialect, DIALECT_RICH);
    cr_expect (attach->attach.seq == 7 && attach->attach.check == 0xab);
    cr_expect (memmem (attach->attach.sender.data, attach->attach.sender.size,
                       "\"displayName\":\"Ann B.\"", 22));
    cr_expect (strstr (talk.heard, "HTTP/1.1 200 ") && strstr (talk.heard, "text/event-stream"));
    cr_expect (strstr (talk.heard, "access-control-allow-origin: http://page\r\n"));
    cr_expect (strstr (talk.heard, "cache-control: no-store\r\n")
               && strstr (talk.heard, "x-accel-buffering: no\r\n"));
    cr_expect_null (strstr (talk.heard, "content-length"));
    stage_deliver (stage, attach->attach.endpoint, 8, "{\"outputSpeech\":\"hi\"}", false);
    s_expect (stage, &talk, "\n\nid: 8\ndata: {\"event\":\"new message\"");
    s_expect (stage, &talk, "\"outputSpeech\":\"hi\"");
    cr_expect_eq (process_metric (stage->edge, STREAMS), 1);
    //  Nothing is heard of what it says behind its request.
    const char *more = "GET / HTTP/1.1\r\n" HOST END;
    cr_expect (tcp_talk_say (&talk, more, strlen (more)));
    stage_deliver (stage, attach->attach.endpoint, 9, "{\"outputSpeech\":\"more\"}", false);
    s_expect (stage, &talk, "\n\nid: 9\n");
    cr_expect_str_neq (talk.heard, "");
    uint64_t endpoint = attach->attach.endpoint;
    tcp_talk_free (&talk);
    cr_expect_eq (stage_hear (stage, BUS_DETACH)->detach.endpoint, endpoint);
    EVENTUALLY (5000, process_metric (stage->edge, STREAMS) == 0
                          && process_metric (stage->edge, "stentor_edge_sockets") == 0);
    stage_end (stage);
}

typedef struct {
    char query[60];
    char headers[100];
    uint64_t seq;
} position_t;

ParameterizedTestParameters (edge_events, positions)
{
    static position_t cases[] = {
        { "", "", 0 },
        { "&lastEventId=3", "", 3 },
        { "&lastEventId=3", "Last-Event-ID: 5\r\n", 5 },
        { "&lastEventId=3", "Last-Event-ID:\r\n", 3 },
    };
    return cr_make_param_array (position_t, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest (position_t *param, edge_events, positions)
{
    stage_t *stage = S_START ("EDGE_DEMO_MODE=off");
    tcp_talk_t talk;
    const bus_record_t *attach = s_listen (stage, &talk, param->query, param->headers);
    cr_expect_eq (attach->attach.seq, param->seq);
    tcp_talk_free (&talk);
    stage_end (stage);
}

Test (edge_events, what_is_refused)
{
    static const struct {
        const char *request;
        const char *status;
        const char *heard;
    } cases[] = {
        { "GET " PATH, "401", "problem:unauthenticated" },
        { "GET " PATH "?userId=ann&isAdmin=true", "403", "problem:forbidden" },
        { "GET " PATH "?userId=ann&appId=none", "404", "problem:unknown-app" },
        { "GET " PATH "?userId=ann&lastEventId=x", "400", "must be the id of an event" },
        { "GET " PATH "?userId=ann&lastEventId=", "400", "lastEventId" },
        { "GET " PATH "?userId=ann&other=1", "400", "other" },
        { "GET " PATH "?userId=ann&token=x", "401", "problem:unauthenticated" },
        { "POST " PATH "?userId=ann", "405", "allow: GET, HEAD, OPTIONS" },
        { "HEAD " PATH "?userId=ann", "200", "text/event-stream" },
    };
    stage_t *stage = S_START ("EDGE_DEMO_MODE=off");
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        char request[300], status[40];
        tcp_talk_t talk = tcp_talk_new (stage->port, 0);
        snprintf (request, sizeof request, "%s HTTP/1.1\r\n" HOST "Connection: close\r\n" END,
                  cases[at].request);
        snprintf (status, sizeof status, "HTTP/1.1 %s ", cases[at].status);
        tcp_talk_say (&talk, request, strlen (request));
        cr_expect (tcp_talk_hear_end (&talk, 5000), "%s", cases[at].request);
        cr_expect (strstr (talk.heard, status), "%s\n%s", cases[at].request, talk.heard);
        cr_expect (strstr (talk.heard, cases[at].heard), "%s\n%s", cases[at].request, talk.heard);
        tcp_talk_free (&talk);
    }
    cr_expect_null (stage_find (stage, BUS_ATTACH));
    cr_expect_eq (process_metric (stage->edge, STREAMS), 0);
    stage_end (stage);
}

Test (edge_events, a_session_that_cannot_be_entered)
{
    stage_t *stage = S_START ("EDGE_DEMO_MODE=off");
    tcp_talk_t talk = s_ask (stage, "", "");
    const bus_record_t *attach = stage_hear (stage, BUS_ATTACH);
    stage_attached (stage, attach, VERDICT_NOT_YOURS, 0);
    s_expect (stage, &talk, "\"code\":\"not_yours\"");
    s_expect (stage, &talk, "\n\nretry: 86400000\nevent: close\ndata: {\"code\":4403,");
    s_expect_end (stage, &talk);
    tcp_talk_free (&talk);
    stage_end (stage);
}

//  Both kinds of connections have one limit.
Test (edge_events, counts_as_a_connection)
{
    stage_t *stage = S_START ("EDGE_CONNECTIONS=1");
    tcp_talk_t talk;
    s_listen (stage, &talk, "", "");
    tcp_talk_t second = s_ask (stage, "", "");
    s_expect (stage, &second, "HTTP/1.1 503 ");
    s_expect (stage, &second, "problem:busy");
    tcp_talk_t upgrade = tcp_talk_new (stage->port, 0);
    const char *request = "GET /?userId=bob HTTP/1.1\r\n" HOST
                          "Upgrade: websocket\r\nConnection: upgrade\r\n"
                          "Sec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" END;
    tcp_talk_say (&upgrade, request, strlen (request));
    s_expect (stage, &upgrade, "HTTP/1.1 503 ");
    tcp_talk_free (&talk);
    stage_hear (stage, BUS_DETACH);
    tcp_talk_free (&second);
    s_listen (stage, &second, "", "");
    tcp_talk_free (&second);
    tcp_talk_free (&upgrade);
    stage_end (stage);
}

Test (edge_events, an_address_has_its_rate)
{
    stage_t *stage = S_START ("EDGE_ADDRESS_UPGRADES_PER_SECOND=1");
    tcp_talk_t talks[12];
    unsigned refused = 0;
    for (size_t at = 0; at < 12; at++)
        talks[at] = s_ask (stage, "", "");
    for (size_t at = 0; at < 12; at++) {
        s_expect (stage, &talks[at], "\r\n\r\n");
        refused += strstr (talks[at].heard, "HTTP/1.1 429 ")
                   && strstr (talks[at].heard, "retry-after: ");
        tcp_talk_free (&talks[at]);
    }
    cr_expect (refused >= 1 && refused <= 3, "%u", refused);
    stage_end (stage);
}

Test (edge_events, signs_of_life)
{
    stage_t *stage = S_START ("EDGE_PING_EVERY=100ms");
    tcp_talk_t talk;
    s_listen (stage, &talk, "", "");
    s_expect (stage, &talk, "\n\n:\n\n:\n\n:\n\n");
    cr_expect (!talk.has_ended);
    tcp_talk_free (&talk);
    stage_end (stage);
}

Test (edge_events, one_that_does_not_read_is_cut)
{
    stage_t *stage = S_START ("EDGE_DEMO_MODE=off");
    const char *request = "GET " PATH "?userId=ann HTTP/1.1\r\n" HOST END;
    tcp_talk_t talk = tcp_talk_new (stage->port, 4096);
    tcp_talk_say (&talk, request, strlen (request));
    const bus_record_t *attach = stage_hear (stage, BUS_ATTACH);
    uint64_t endpoint = attach->attach.endpoint;
    stage_attached (stage, attach, VERDICT_OK, 0);
    static char data[60100];
    snprintf (data, sizeof data, "{\"outputSpeech\":\"%060000d\"}", 7);
    const char *closed = "stentor_edge_closed_total{reason=\"slow_reader\"}";
    uint64_t seq = 0;
    RIG_UNTIL (&stage->rig, 10000,
               (stage_deliver (stage, endpoint, ++seq, data, false),
                process_metric (stage->edge, closed) == 1));
    stage_hear (stage, BUS_DETACH);
    s_expect_end (stage, &talk);
    cr_expect_eq (process_metric (stage->edge, "stentor_edge_outbox_bytes"), 0);
    tcp_talk_free (&talk);
    stage_end (stage);
}

//  Its client notices nothing, and is given each entry once.
Test (edge_events, goes_on_at_another_postoffice)
{
    stage_t *stage = S_START ("EDGE_DEMO_MODE=off");
    tcp_talk_t talk;
    const bus_record_t *attach = s_listen (stage, &talk, "&lastEventId=7", "");
    stage_deliver (stage, attach->attach.endpoint, 8, "{\"outputSpeech\":\"eight\"}", false);
    s_expect (stage, &talk, "eight");
    stage_lose_postoffice (stage);
    stage_open_postoffice (stage);
    attach = stage_hear (stage, BUS_ATTACH);
    cr_expect (attach->attach.reason == ATTACH_REATTACH && attach->attach.seq == 8);
    stage_attached (stage, attach, VERDICT_OK, 9);
    stage_deliver (stage, attach->attach.endpoint, 8, "{\"outputSpeech\":\"eight\"}", false);
    stage_deliver (stage, attach->attach.endpoint, 9, "{\"outputSpeech\":\"nine\"}", false);
    s_expect (stage, &talk, "nine");
    const char *first = strstr (talk.heard, "eight");
    cr_expect_null (strstr (first + 1, "eight"));
    tcp_talk_free (&talk);
    stage_end (stage);
}

Test (edge_events, goes_away_in_order)
{
    stage_t *stage = S_START ("EDGE_DEMO_MODE=off");
    tcp_talk_t talk;
    s_listen (stage, &talk, "", "");
    process_kill (stage->edge, SIGTERM);
    s_expect (stage, &talk, "\n\ndata: {\"event\":\"going away\",\"data\":{\"delayMs\":");
    s_expect (stage, &talk, "\nevent: close\ndata: {\"code\":1001,\"reason\":\"going_away\"");
    const char *retry = strstr (talk.heard, "\n\nretry: ");
    cr_expect (retry && atoi (retry + 9) >= 1 && atoi (retry + 9) <= 5000);
    s_expect_end (stage, &talk);
    stage_hear (stage, BUS_DETACH);
    cr_expect_eq (process_wait_exit (stage->edge, 8000), 0);
    tcp_talk_free (&talk);
    stage_end (stage);
}
