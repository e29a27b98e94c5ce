//  edge's HTTP API: what is asked becomes a REQUEST of the right postoffice, and its REPLY the
//  answer; what the tables refuse never reaches the bus.

#include "bus/bus_limits.h"
#include "edge_fixture.h"
#include "eventually.h"
#include "http_get.h"
#include "tcp_talk.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define HOST "Host: h\r\n"
#define CLOSE "Connection: close\r\n"
#define END "\r\n"
#define PATH "/api/v1/sessions/s-1"

// ---------------------------------------------------------------------------------------------
//  Refused at the door

typedef struct {
    char request[300];
    char heard[80];  //  in the answer
    char heard2[80]; //  and this
} refusal_t;

ParameterizedTestParameters (edge_api, refusals)
{
    static refusal_t cases[] = {
        { "GET /api/ HTTP/1.1\r\n" HOST CLOSE END, "HTTP/1.1 404 ", "problem:not-found" },
        { "GET /api/v1/nothing?userId=u HTTP/1.1\r\n" HOST CLOSE END, "HTTP/1.1 404 ",
          "application/problem+json" },
        { "DELETE " PATH " HTTP/1.1\r\n" HOST CLOSE END, "HTTP/1.1 405 ",
          "allow: GET, HEAD, OPTIONS" },
        { "GET " PATH " HTTP/1.1\r\n" HOST CLOSE END, "HTTP/1.1 401 ", "unauthenticated" },
        { "GET " PATH "?userId= HTTP/1.1\r\n" HOST CLOSE END, "HTTP/1.1 400 ", "bad-request" },
        { "GET " PATH "?userId=u&userId=v HTTP/1.1\r\n" HOST CLOSE END, "HTTP/1.1 400 ",
          "bad-request" },
        { "GET " PATH "?userId=u&appId=none HTTP/1.1\r\n" HOST CLOSE END, "HTTP/1.1 404 ",
          "unknown-app" },
        { "GET " PATH "?userId=u&isAdmin=true HTTP/1.1\r\n" HOST CLOSE END, "HTTP/1.1 403 ",
          "forbidden" },
        { "GET /api/v1/sessions/%zz?userId=u HTTP/1.1\r\n" HOST CLOSE END, "HTTP/1.1 400 ",
          "bad-request" },
        { "GET /api/v1/sessions/%00?userId=u HTTP/1.1\r\n" HOST CLOSE END, "HTTP/1.1 400 ",
          "bad-request" },
        { "GET /api/v1/sessions/%ff?userId=u HTTP/1.1\r\n" HOST CLOSE END, "HTTP/1.1 400 ",
          "bad-request" },
        //  What says nothing is not taken for what is not there: the change would be made.
        { "POST " PATH "/close?userId=u HTTP/1.1\r\n" HOST CLOSE "If-Match:\r\n" END,
          "HTTP/1.1 400 ", "If-Match must" },
        { "POST " PATH "/close?userId=u HTTP/1.1\r\n" HOST CLOSE "Idempotency-Key: \r\n" END,
          "HTTP/1.1 400 ", "An Idempotency-Key has" },
        //  A page may read why its body is not taken.
        { "POST " PATH "/messages?userId=u HTTP/1.1\r\n" HOST
          "Origin: http://a\r\nContent-Length: 65537\r\n" END,
          "HTTP/1.1 413 ", "access-control-allow-origin: http://a" },
        //  Two origins are none.
        { "GET " PATH "?userId=u HTTP/1.1\r\n" HOST CLOSE
          "Origin: http://a\r\nOrigin: http://b\r\n" END,
          "HTTP/1.1 403 ", "problem:origin" },
        //  A page of another origin can read these, too.
        { "DELETE " PATH "?userId=u HTTP/1.1\r\n" HOST CLOSE "Origin: http://a\r\n" END,
          "HTTP/1.1 405 ", "access-control-allow-origin: http://a\r\n" },
        { "GET /api/v1/nothing HTTP/1.1\r\n" HOST CLOSE "Origin: http://a\r\n" END,
          "HTTP/1.1 404 ", "access-control-allow-origin: http://a\r\n" },
        { "OPTIONS " PATH "?userId=u HTTP/1.1\r\n" HOST CLOSE "Origin: http://a\r\n" END,
          "HTTP/1.1 204 ", "access-control-allow-origin: http://a" },
        { "OPTIONS " PATH "?appId=none HTTP/1.1\r\n" HOST CLOSE "Origin: http://a\r\n" END,
          "HTTP/1.1 204 ", "allow: GET, HEAD, OPTIONS" },
    };
    return cr_make_param_array (refusal_t, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest (refusal_t *param, edge_api, refusals)
{
    stage_t *stage = START ("EDGE_DEMO_MODE=off");
    tcp_talk_t talk = tcp_talk_new (stage->port, 0);
    tcp_talk_say (&talk, param->request, strlen (param->request));
    cr_expect (tcp_talk_hear_end (&talk, 5000), "%s", param->request);
    cr_expect (strstr (talk.heard, param->heard), "%s\n%s", param->request, talk.heard);
    cr_expect (strstr (talk.heard, param->heard2), "%s\n%s", param->request, talk.heard);
    cr_expect_null (stage_find (stage, BUS_REQUEST), "%s", param->request);
    tcp_talk_free (&talk);
    stage_end (stage);
}

// ---------------------------------------------------------------------------------------------
//  The whole way

static tcp_talk_t
s_ask (stage_t *stage, const char *request)
{
    tcp_talk_t talk = tcp_talk_new (stage->port, 0);
    cr_assert (tcp_talk_say (&talk, request, strlen (request)));
    return talk;
}

//  The edge has the postoffice's WELCOME a moment after the postoffice has its HELLO.
static stage_t *
s_start (const char *const *settings)
{
    stage_t *stage = stage_start (settings);
    ws_client_t *client = stage_connect (stage, "/?userId=early&appId=demo&protocol=2");
    stage_join (stage, client);
    ws_client_destroy (&client);
    return stage;
}

#define S_START(...) s_start ((const char *const[]){ __VA_ARGS__, NULL })

static void
s_reply (stage_t *stage, const bus_record_t *request, uint64_t status, const char *body)
{
    stage_say (stage, &(bus_record_t){ .kind = BUS_REPLY,
                                       .reply = { .request_id = request->request.request_id,
                                                  .status = status,
                                                  .body = text_of (body) } });
}

//  Lets the edge's answer come.
static void
s_expect (stage_t *stage, tcp_talk_t *talk, const char *words)
{
    RIG_UNTIL (&stage->rig, 10000,
               (tcp_talk_hear (talk, SIZE_MAX, 5), strstr (talk->heard, words)));
}

Test (edge_api, a_request_goes_to_the_postoffice_and_its_reply_back)
{
    stage_t *stage = S_START ("EDGE_DEMO_MODE=on");
    tcp_talk_t talk = s_ask (stage, "GET /api/v1/sessions/a%2Fb%20c?userId=ann HTTP/1.1\r\n" HOST
                                    "Origin: http://page\r\n" END);
    const bus_record_t *record = stage_hear (stage, BUS_REQUEST);
    cr_expect_eq (record->request.operation, 1);
    cr_expect (record->request.deadline_ms > 0 && record->request.deadline_ms <= 5000);
    cr_expect (text_is (record->request.principal,
                        TEXT ("{\"kind\":\"visitor\",\"app\":\"demo\",\"user\":\"ann\"}")),
               "%.*s", TEXT_ARGS (record->request.principal));
    cr_expect (text_is (record->request.body, TEXT ("{\"session\":\"a/b c\"}")));
    s_reply (stage, record, 200, "{\"sessionId\":\"a/b c\"}");
    s_expect (stage, &talk, "{\"sessionId\":\"a/b c\"}");
    cr_expect (strstr (talk.heard, "HTTP/1.1 200 ") && strstr (talk.heard, "application/json"));
    cr_expect (strstr (talk.heard, "access-control-allow-origin: http://page\r\n"));
    cr_expect (strstr (talk.heard, "cache-control: no-store\r\n"));
    //  The connection goes on; a HEAD has no body; an agent is one in demo mode.
    const char *next = "HEAD " PATH "?userId=bob&isAdmin=true HTTP/1.1\r\n" HOST CLOSE END;
    tcp_talk_say (&talk, next, strlen (next));
    record = stage_hear (stage, BUS_REQUEST);
    cr_expect (
        memmem (record->request.principal.data, record->request.principal.size, "\"agent\"", 7));
    s_reply (stage, record, 404, "{\"status\":404}");
    s_expect (stage, &talk, "HTTP/1.1 404 ");
    cr_expect (tcp_talk_hear_end (&talk, 5000));
    cr_expect_null (strstr (talk.heard, "{\"status\":404}"));
    tcp_talk_free (&talk);
    stage_end (stage);
}

Test (edge_api, an_asker_that_goes_and_a_reply_of_nobody)
{
    stage_t *stage = S_START ("EDGE_DEMO_MODE=on");
    tcp_talk_t talk = s_ask (stage, "GET " PATH "?userId=ann HTTP/1.1\r\n" HOST END);
    const bus_record_t *record = stage_hear (stage, BUS_REQUEST);
    tcp_talk_reset (&talk);
    tcp_talk_free (&talk);
    s_reply (stage, record, 200, "{}");
    s_reply (stage, record, 200, "{}");
    talk = s_ask (stage, "GET " PATH "?userId=ann HTTP/1.1\r\n" HOST CLOSE END);
    record = stage_hear (stage, BUS_REQUEST);
    //  A status that is none is not handed on.
    s_reply (stage, record, 20, "{}");
    s_expect (stage, &talk, "HTTP/1.1 503 ");
    tcp_talk_free (&talk);
    stage_end (stage);
}

Test (edge_api, a_postoffice_that_says_nothing_or_goes)
{
    stage_t *stage = S_START ("EDGE_DEMO_MODE=on");
    tcp_talk_t late = s_ask (stage, "GET " PATH "?userId=ann HTTP/1.1\r\n" HOST CLOSE END);
    stage_hear (stage, BUS_REQUEST);
    s_expect (stage, &late, "HTTP/1.1 504 ");
    cr_expect (strstr (late.heard, "problem:deadline"), "%s", late.heard);
    tcp_talk_t lost = s_ask (stage, "GET " PATH "?userId=ann HTTP/1.1\r\n" HOST CLOSE END);
    stage_hear (stage, BUS_REQUEST);
    stage_lose_postoffice (stage);
    s_expect (stage, &lost, "HTTP/1.1 503 ");
    cr_expect (strstr (lost.heard, "problem:unavailable")
               && strstr (lost.heard, "retry-after: 2"));
    tcp_talk_t none = s_ask (stage, "GET " PATH "?userId=ann HTTP/1.1\r\n" HOST CLOSE END);
    s_expect (stage, &none, "HTTP/1.1 503 ");
    tcp_talk_free (&late);
    tcp_talk_free (&lost);
    tcp_talk_free (&none);
    stage_end (stage);
}

//  The postoffice has the whole time, however slowly the body came.
Test (edge_api, the_deadline_begins_behind_the_body)
{
    stage_t *stage = S_START ("EDGE_DEMO_MODE=on");
    tcp_talk_t talk =
        s_ask (stage, "POST " PATH "/messages?userId=ann HTTP/1.1\r\n" HOST CLOSE
                      "Content-Length: 28\r\nExpect: 100-continue\r\n" END);
    s_expect (stage, &talk, "100 Continue");
    tcp_talk_hear (&talk, SIZE_MAX, 200);
    tcp_talk_say (&talk, "{\"messageId\":\"1\",\"text\":\"a\"}", 28);
    const bus_record_t *record = stage_hear (stage, BUS_REQUEST);
    cr_expect (record->request.deadline_ms > 9900 && record->request.deadline_ms <= 10000,
               "%llu", (unsigned long long) record->request.deadline_ms);
    s_reply (stage, record, 201, "{}");
    s_expect (stage, &talk, "HTTP/1.1 201 ");
    tcp_talk_free (&talk);
    stage_end (stage);
}

Test (edge_api, more_than_the_limit_are_told_so)
{
    stage_t *stage = S_START ("EDGE_DEMO_MODE=on", "EDGE_API_REQUESTS=1");
    tcp_talk_t first = s_ask (stage, "GET " PATH "?userId=ann HTTP/1.1\r\n" HOST CLOSE END);
    const bus_record_t *record = stage_hear (stage, BUS_REQUEST);
    tcp_talk_t second = s_ask (stage, "GET " PATH "?userId=bob HTTP/1.1\r\n" HOST CLOSE END);
    s_expect (stage, &second, "HTTP/1.1 503 ");
    cr_expect (strstr (second.heard, "problem:busy"));
    s_reply (stage, record, 200, "{}");
    s_expect (stage, &first, "HTTP/1.1 200 ");
    tcp_talk_free (&first);
    tcp_talk_free (&second);
    stage_end (stage);
}

// ---------------------------------------------------------------------------------------------
//  Answers in pieces

#define TRANSCRIPT "/api/v1/sessions/s-1/transcript?userId=ann"

static void
s_piece (stage_t *stage, const bus_record_t *request, const char *body, const char *more)
{
    stage_say (stage, &(bus_record_t){ .kind = BUS_REPLY,
                                       .reply = { .request_id = request->request.request_id,
                                                  .status = 200,
                                                  .body = text_of (body),
                                                  .more = text_of (more) } });
}

//  A postoffice that was lost, and is back, may answer what another one was asked meanwhile.
Test (edge_api, a_piece_is_taken_once)
{
    stage_t *stage = S_START ("EDGE_DEMO_MODE=on");
    tcp_talk_t talk = s_ask (stage, "GET " TRANSCRIPT " HTTP/1.1\r\n" HOST CLOSE END);
    const bus_record_t *first = stage_hear (stage, BUS_REQUEST);
    s_piece (stage, first, "one", "cursor");
    s_piece (stage, first, "one", "cursor");
    const bus_record_t *second = stage_hear (stage, BUS_REQUEST);
    cr_expect (memmem (second->request.body.data, second->request.body.size,
                       "\"more\":\"cursor\"", 15));
    cr_expect_neq (second->request.request_id, first->request.request_id);
    s_piece (stage, first, "one", "");
    s_piece (stage, second, "two", "");
    s_expect (stage, &talk, "0\r\n\r\n");
    cr_expect (strstr (talk.heard, "\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"), "%s", talk.heard);
    tcp_talk_free (&talk);
    stage_end (stage);
}

//  Half an answer is not to be taken for a whole one.
Test (edge_api, a_piece_that_cannot_be_had)
{
    stage_t *stage = S_START ("EDGE_DEMO_MODE=on");
    tcp_talk_t talk = s_ask (stage, "GET " TRANSCRIPT " HTTP/1.1\r\n" HOST END);
    s_piece (stage, stage_hear (stage, BUS_REQUEST), "one", "cursor");
    s_reply (stage, stage_hear (stage, BUS_REQUEST), 503, "{}");
    RIG_UNTIL (&stage->rig, 10000, tcp_talk_hear_end (&talk, 5));
    cr_expect (strstr (talk.heard, "3\r\none\r\n") && !strstr (talk.heard, "\r\n0\r\n"), "%s",
               talk.heard);
    tcp_talk_free (&talk);
    //  Of a HEAD there is one piece, which is not said.
    talk = s_ask (stage, "HEAD " TRANSCRIPT " HTTP/1.1\r\n" HOST END);
    s_piece (stage, stage_hear (stage, BUS_REQUEST), "one", "cursor");
    const char *next = "GET " PATH "?userId=ann HTTP/1.1\r\n" HOST CLOSE END;
    tcp_talk_say (&talk, next, strlen (next));
    s_reply (stage, stage_hear (stage, BUS_REQUEST), 200, "{}");
    s_expect (stage, &talk, "\r\n\r\n{}");
    cr_expect_null (strstr (talk.heard, "one"));
    tcp_talk_free (&talk);
    stage_end (stage);
}

//  Whatever a record of the bus can hold.
Test (edge_api, a_large_answer)
{
    stage_t *stage = S_START ("EDGE_DEMO_MODE=on");
    size_t size = BUS_RECORD_MAX - 1000;
    char *body = calloc (1, size + 1);
    memset (body, 'x', size);
    memcpy (body + size - 3, "end", 3);
    tcp_talk_t talk = s_ask (stage, "GET " PATH "?userId=ann HTTP/1.1\r\n" HOST END);
    s_reply (stage, stage_hear (stage, BUS_REQUEST), 200, body);
    s_expect (stage, &talk, "xend");
    tcp_talk_free (&talk);
    talk = s_ask (stage, "GET " TRANSCRIPT " HTTP/1.1\r\n" HOST END);
    s_piece (stage, stage_hear (stage, BUS_REQUEST), body, "cursor");
    s_expect (stage, &talk, "xend");
    s_piece (stage, stage_hear (stage, BUS_REQUEST), "", "");
    s_expect (stage, &talk, "xend\r\n0\r\n\r\n");
    tcp_talk_free (&talk);
    free (body);
    stage_end (stage);
}

// ---------------------------------------------------------------------------------------------
//  The edge's end

//  A client that stays shows when the drain has begun: it is told so.
Test (edge_api, what_was_asked_is_answered_before_the_end)
{
    stage_t *stage = S_START ("EDGE_DEMO_MODE=on");
    tcp_talk_t talk = s_ask (stage, "GET " TRANSCRIPT " HTTP/1.1\r\n" HOST END);
    const bus_record_t *first = stage_hear (stage, BUS_REQUEST);
    tcp_talk_t stays = s_ask (stage, "GET " PATH "/events?userId=bob HTTP/1.1\r\n" HOST END);
    stage_hear (stage, BUS_ATTACH);
    process_kill (stage->edge, SIGTERM);
    RIG_UNTIL (&stage->rig, 10000, tcp_talk_hear_end (&stays, 5));
    s_piece (stage, first, "one", "cursor");
    s_piece (stage, stage_hear (stage, BUS_REQUEST), "two", "");
    RIG_UNTIL (&stage->rig, 10000, tcp_talk_hear_end (&talk, 5));
    cr_expect (strstr (talk.heard, "\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"), "%s", talk.heard);
    cr_expect (strstr (talk.heard, "connection: close"));
    tcp_talk_free (&talk);
    tcp_talk_free (&stays);
    cr_expect_eq (process_wait_exit (stage->edge, 8000), 0);
    stage_end (stage);
}
