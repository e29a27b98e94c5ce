//  edge's HTTP API as a door: requests of every wrong shape get the same answers as they get from
//  the pages, and nothing of them, nor of what stands behind them, reaches the bus.

#include "base/clock.h"
#include "edge_fixture.h"
#include "eventually.h"
#include "http_get.h"
#include "tcp_talk.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST "Host: h\r\n"
#define CLOSE "Connection: close\r\n"
#define END "\r\n"
#define API "/api/v1/sessions/x?userId=u"
#define PAGE "/config.json"
//  Would reach the bus, were it read as a request.
#define NEXT "GET " API " HTTP/1.1\r\n" HOST END

//  The edge has the postoffice's WELCOME a moment after the postoffice has its HELLO.
static stage_t *
s_start (void)
{
    stage_t *stage = START ("EDGE_DEMO_MODE=on");
    RIG_UNTIL (&stage->rig, 5000, process_metric (stage->edge, "stentor_edge_postoffices") == 1);
    return stage;
}

//  "@" stands for the target.
static char *
s_request (const char *pattern, const char *target)
{
    char *request = calloc (1, strlen (pattern) + 20 * strlen (target));
    for (char *to = request; *pattern; pattern++)
        if (*pattern == '@')
            to = stpcpy (to, target);
        else
            *to++ = *pattern;
    return request;
}

//  The statuses of all answers, when the connection has ended.
static const char *
s_statuses (const stage_t *stage, const char *pattern, const char *target, const char *heads)
{
    char *request = s_request (pattern, target);
    tcp_talk_t talk = tcp_talk_new (stage->port, 0);
    tcp_talk_say (&talk, request, strlen (request));
    cr_expect (tcp_talk_hear_end (&talk, 5000), "%s\n%s", request, talk.heard);
    const char *statuses = tcp_talk_statuses (&talk, heads);
    free (request);
    tcp_talk_free (&talk);
    return statuses;
}

// ---------------------------------------------------------------------------------------------
//  Shapes

Test (edge_api_door, refuses_what_the_pages_refuse)
{
    static const struct {
        const char *pattern, *status;
    } rows[] = {
        //  Two ways to say how long it is.
        { "GET @ HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 60\r\n\r\n" NEXT,
          "400" },
        { "GET @ HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n" NEXT,
          "400" },
        { "GET @ HTTP/1.1\r\n" HOST "Content-Length: 0, 60\r\n\r\n" NEXT, "400" },
        { "GET @ HTTP/1.1\r\n" HOST "Content-Length: 60\r\nTransfer-Encoding: chunked\r\n\r\n"
          "0\r\n\r\n" NEXT,
          "400" },
        { "POST @ HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
          "0\r\n\r\n" NEXT,
          "400" },
        { "GET @ HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n"
          "0\r\n\r\n" NEXT,
          "400" },
        { "GET @ HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" NEXT, "400" },
        { "GET @ HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" NEXT, "400" },
        { "GET @ HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n" NEXT, "501" },
        { "GET @ HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" NEXT, "400" },
        { "GET @ HTTP/1.1\r\n" HOST "Content-Length: +0\r\n\r\n" NEXT, "400" },
        { "GET @ HTTP/1.1\r\n" HOST "Content-Length: 0x0\r\n\r\n" NEXT, "400" },
        //  Lines that others may read otherwise.
        { "GET @ HTTP/1.1\n" HOST END NEXT, "400" },
        { "GET @ HTTP/1.1\r\nHost: h\n\r\n" NEXT, "400" },
        { "GET @ HTTP/1.1\r\n" HOST "\n" NEXT, "400" },
        { "GET @ HTTP/1.1\r\n" HOST "X: a\rContent-Length: 60\r\n\r\n" NEXT, "400" },
        { "GET @ HTTP/1.1\r\n" HOST "X: a\r\n Content-Length: 60\r\n\r\n" NEXT, "400" },
        { "GET @ HTTP/1.1\r\n" HOST "X : a\r\n\r\n" NEXT, "400" },
        { "GET @ HTTP/1.1\r\n" HOST HOST END NEXT, "400" },
        { "GET @ HTTP/1.1\r\n\r\n" NEXT, "400" },
        { "GET  @ HTTP/1.1\r\n" HOST END NEXT, "400" },
        { "GET @ HTTP/2.0\r\n" HOST END NEXT, "505" },
        { "GET @ HTTP/1.1\r\n" HOST "Expect: more\r\n\r\n" NEXT, "417" },
        //  What stands in a body is no request.
        { "POST @ HTTP/1.1\r\n" HOST "Content-Length: 60\r\n\r\n" NEXT, "405" },
        { "PUT @ HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" NEXT, "405" },
        { "POST @ HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 9\r\n\r\n", "405" },
    };
    stage_t *stage = s_start ();
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        cr_expect_str_eq (s_statuses (stage, rows[row].pattern, API, ""), rows[row].status, "%s",
                          rows[row].pattern);
        cr_expect_str_eq (s_statuses (stage, rows[row].pattern, PAGE, ""), rows[row].status, "%s",
                          rows[row].pattern);
    }
    rig_turn_for (&stage->rig, 200);
    cr_expect_null (stage_find (stage, BUS_REQUEST));
    EVENTUALLY (5000, process_metric (stage->edge, "stentor_edge_sockets") == 0);
    stage_expect_quiet (stage, "requests of wrong shapes");
    stage_end (stage);
}

Test (edge_api_door, knows_few_methods)
{
    static const char *const methods[] = { "POST", "PUT", "DELETE",   "PATCH", "TRACE",
                                           "get",  "Get", "PROPFIND", "QUERY", "M-SEARCH" };
    stage_t *stage = s_start ();
    for (size_t at = 0; at < sizeof methods / sizeof *methods; at++) {
        char pattern[200];
        //  The connection goes on.
        snprintf (pattern, sizeof pattern,
                  "%s @ HTTP/1.1\r\n" HOST END "OPTIONS @ HTTP/1.1\r\n" HOST CLOSE END,
                  methods[at]);
        cr_expect_str_eq (s_statuses (stage, pattern, API, ""), "405 204", "%s", pattern);
        cr_expect_str_eq (s_statuses (stage, pattern, PAGE, ""), "405 204", "%s", pattern);
    }
    static const char connect[] = "CONNECT h:80 HTTP/1.1\r\n" HOST END NEXT;
    cr_expect_str_eq (s_statuses (stage, connect, API, ""), "405");
    cr_expect_str_eq (s_statuses (stage, "CONNECT @ HTTP/1.1\r\n" HOST END NEXT, API, ""), "400");
    rig_turn_for (&stage->rig, 200);
    cr_expect_null (stage_find (stage, BUS_REQUEST));
    stage_end (stage);
}

// ---------------------------------------------------------------------------------------------
//  Sizes and times

static void
s_expect_large (const stage_t *stage, const char *begin, size_t size, const char *status)
{
    char *pattern = calloc (1, strlen (begin) + size + 100);
    char *end = stpcpy (pattern, begin);
    memset (end, 'a', size);
    strcpy (end + size, " HTTP/1.1\r\n" HOST CLOSE END);
    cr_expect_str_eq (s_statuses (stage, pattern, API, ""), status, "%.40s", begin);
    cr_expect_str_eq (s_statuses (stage, pattern, PAGE, ""), status, "%.40s", begin);
    free (pattern);
}

Test (edge_api_door, takes_no_huge_heads)
{
    stage_t *stage = s_start ();
    s_expect_large (stage, "GET @&x=", 17 << 10, "414");
    s_expect_large (stage, "GET @&x=", 1 << 20, "414");
    s_expect_large (stage, "GET @ HTTP/1.1\r\nCookie: ", 17 << 10, "431");
    s_expect_large (stage, "GET @ HTTP/1.1\r\nCookie: ", 1 << 20, "431");
    char many[2000] = "GET @ HTTP/1.1\r\n" HOST;
    for (int fields = 0; fields < 100; fields++)
        strcat (many, "a: b\r\n");
    strcat (many, END NEXT);
    cr_expect_str_eq (s_statuses (stage, many, API, ""), "431");
    cr_expect_str_eq (s_statuses (stage, many, PAGE, ""), "431");
    rig_turn_for (&stage->rig, 200);
    cr_expect_null (stage_find (stage, BUS_REQUEST));
    stage_end (stage);
}

//  One byte now and then is no sign of life.
Test (edge_api_door, does_not_wait_for_slow_heads)
{
    stage_t *stage = s_start ();
    static const char *const targets[] = { API, PAGE };
    tcp_talk_t talks[2];
    for (int at = 0; at < 2; at++) {
        talks[at] = tcp_talk_new (stage->port, 0);
        char *request = s_request ("GET @ HTTP/1.1\r\n" HOST "X: ", targets[at]);
        tcp_talk_say (&talks[at], request, strlen (request));
        free (request);
    }
    uint64_t since = clock_mono_ms ();
    while ((!talks[0].has_ended || !talks[1].has_ended) && clock_mono_ms () - since < 20000)
        for (int at = 0; at < 2; at++) {
            if (!talks[at].has_ended)
                tcp_talk_say (&talks[at], "a", 1);
            tcp_talk_hear (&talks[at], SIZE_MAX, 200);
        }
    uint64_t took = clock_mono_ms () - since;
    cr_expect (took > 8000 && took < 16000, "%u ms", (unsigned) took);
    for (int at = 0; at < 2; at++) {
        cr_expect_str_eq (tcp_talk_statuses (&talks[at], ""), "408");
        tcp_talk_free (&talks[at]);
    }
    cr_expect_null (stage_find (stage, BUS_REQUEST));
    stage_end (stage);
}

// ---------------------------------------------------------------------------------------------
//  One after the other

static void
s_reply (stage_t *stage, uint64_t status)
{
    const bus_record_t *record = stage_hear (stage, BUS_REQUEST);
    stage_say (stage, &(bus_record_t){ .kind = BUS_REPLY,
                                       .reply = { .request_id = record->request.request_id,
                                                  .status = status,
                                                  .body = TEXT ("{}") } });
}

//  The next one is begun when the one before is answered: the bus has one of a connection at a
//  time, and the answers have their order, whatever each is.
Test (edge_api_door, answers_pipelined_requests_in_order)
{
    stage_t *stage = s_start ();
    tcp_talk_t talk = tcp_talk_new (stage->port, 0);
    static const char requests[] =
        NEXT "GET " PAGE " HTTP/1.1\r\n" HOST END NEXT "DELETE " API " HTTP/1.1\r\n" HOST END
             "HEAD " API " HTTP/1.1\r\n" HOST END NEXT "GET " PAGE " HTTP/1.1\n" HOST END NEXT;
    tcp_talk_say (&talk, requests, strlen (requests));
    static const uint64_t statuses[] = { 200, 404, 200, 403 };
    for (size_t at = 0; at < sizeof statuses / sizeof *statuses; at++) {
        const heard_t *heard = NULL;
        RIG_UNTIL (&stage->rig, 5000, (heard = stage_find (stage, BUS_REQUEST)) != NULL);
        rig_turn_for (&stage->rig, 100);
        unsigned waiting = 0;
        for (unsigned record = 0; record < stage->count; record++)
            waiting +=
                !stage->heard[record].taken && stage->heard[record].record.kind == BUS_REQUEST;
        cr_expect_eq (waiting, 1);
        s_reply (stage, statuses[at]);
    }
    cr_expect (tcp_talk_hear_end (&talk, 5000));
    cr_expect_str_eq (tcp_talk_statuses (&talk, "----H"), "200 200 404 405 200 403 400", "%s",
                      talk.heard);
    tcp_talk_free (&talk);
    rig_turn_for (&stage->rig, 100);
    cr_expect_null (stage_find (stage, BUS_REQUEST));
    stage_end (stage);
}

// ---------------------------------------------------------------------------------------------
//  The document of it all

#define DOCUMENT "/api/v1/openapi.json"

//  The value of a header of the answer, with "etag: " before it as a request would say it.
static void
s_condition (const http_answer_t *answer, char to[100])
{
    const char *tag = strstr (answer->headers, "etag: ");
    cr_assert (tag);
    int size = (int) strcspn (tag + 6, "\r");
    snprintf (to, 100, "If-None-Match: \"x\", %.*s\r\n", size, tag + 6);
}

//  No postoffice is needed, no token, and no origin is too foreign.
Test (edge_api_door, anybody_is_given_the_document, .timeout = 60)
{
    char condition[100];
    stage_t *stage = START ("EDGE_DEMO_MODE=off");
    http_answer_t whole = http_get (stage->port, DOCUMENT, "Origin: https://anywhere\r\n");
    cr_expect_eq (whole.status, 200);
    cr_expect (strstr (whole.headers, "content-type: application/json\r\n"));
    cr_expect (strstr (whole.headers, "access-control-allow-origin: *\r\n"));
    cr_expect (strstr (whole.body, "\"openapi\":\"3.1.0\""));
    cr_expect (strstr (whole.body, DOCUMENT));

    s_condition (&whole, condition);
    http_answer_t again = http_get (stage->port, DOCUMENT, condition);
    cr_expect_eq (again.status, 304);
    cr_expect_eq (again.body_size, 0);
    http_answer_free (&again);
    again = http_request (stage->port, "HEAD", DOCUMENT, NULL, NULL, 0);
    cr_expect_eq (again.status, 200);
    cr_expect_eq (again.body_size, 0);
    http_answer_free (&again);
    again = http_get (stage->port, DOCUMENT "?version=2", NULL);
    cr_expect_eq (again.status, 400, "%d", again.status);
    http_answer_free (&again);
    http_answer_free (&whole);
    stage_end (stage);
}
