//  edge's feed: watchers of an app's sessions share one WATCH, are told when it is confirmed, are
//  told each row, and are told to ask again whenever something may have been missed.

#include "edge_fixture.h"
#include "eventually.h"
#include "tcp_talk.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define HOST "Host: h\r\n"
#define END "\r\n"
#define PATH "/api/v1/feed"
#define AGENT "?userId=anna&isAdmin=true"
#define WATCHERS "stentor_edge_feed_watchers"

//  Lets the edge's answer come.
static void
s_expect (stage_t *stage, tcp_talk_t *talk, const char *words)
{
    RIG_UNTIL (&stage->rig, 10000,
               (tcp_talk_hear (talk, SIZE_MAX, 5), strstr (talk->heard, words)));
}

static unsigned
s_count (const tcp_talk_t *talk, const char *words)
{
    unsigned count = 0;
    for (const char *at = talk->heard; (at = strstr (at, words)); at += strlen (words))
        count++;
    return count;
}

static void
s_forget (tcp_talk_t *talk)
{
    talk->size = 0;
    talk->heard[0] = '\0';
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

#define S_START(...) s_start ((const char *const[]){ "EDGE_DEMO_MODE=on", __VA_ARGS__ NULL })

static tcp_talk_t
s_ask (stage_t *stage, const char *headers, int receive_buffer)
{
    char request[400];
    snprintf (request, sizeof request, "GET " PATH AGENT " HTTP/1.1\r\n" HOST "%s" END, headers);
    tcp_talk_t talk = tcp_talk_new (stage->port, receive_buffer);
    cr_assert (tcp_talk_say (&talk, request, strlen (request)));
    return talk;
}

static void
s_say_watching (stage_t *stage, uint64_t number, bool is_gap)
{
    bus_record_t record = { .kind = BUS_WATCHING,
                            .watching = { .app = TEXT ("demo"), .gap = is_gap, .number = number } };
    stage_say (stage, &record);
}

//  Returns the number of the WATCH.
static uint64_t
s_hear_watch (stage_t *stage)
{
    const bus_watch_t *watch = &stage_hear (stage, BUS_WATCH)->watch;
    cr_assert (text_is (watch->app, TEXT ("demo")) && !watch->ends);
    return watch->number;
}

static void
s_say_row (stage_t *stage, const char *session, uint64_t seq, const char *row)
{
    bus_record_t record = { .kind = BUS_SUMMARY,
                            .summary = { .app = TEXT ("demo"),
                                         .session = text_of (session),
                                         .seq = seq,
                                         .row = text_of (row) } };
    stage_say (stage, &record);
}

//  The first watcher, who is ready.
static tcp_talk_t
s_watch (stage_t *stage)
{
    tcp_talk_t talk = s_ask (stage, "", 0);
    s_say_watching (stage, s_hear_watch (stage), false);
    s_expect (stage, &talk, "event: ready\ndata: {}\n\n");
    return talk;
}

Test (edge_feed, watchers_share_a_watch)
{
    stage_t *stage = S_START ("EDGE_PING_EVERY=100ms", );
    tcp_talk_t one = s_ask (stage, "Origin: http://page\r\n", 0);
    uint64_t number = s_hear_watch (stage);
    s_expect (stage, &one, "text/event-stream");
    cr_expect (strstr (one.heard, "HTTP/1.1 200 ")
               && strstr (one.heard, "access-control-allow-origin: http://page\r\n")
               && strstr (one.heard, "cache-control: no-store\r\n"));
    s_say_watching (stage, number + 1, false); //  of another WATCH
    s_say_row (stage, "s-0", 1, "{\"early\":1}");
    s_expect (stage, &one, "event: session\ndata: {\"early\":1}\n\n");
    cr_expect_null (strstr (one.heard, "ready"), "not confirmed");
    s_say_watching (stage, number, false);
    s_expect (stage, &one, "event: ready\ndata: {}\n\n");
    tcp_talk_t two = s_ask (stage, "", 0);
    s_expect (stage, &two, "event: ready\ndata: {}\n\n");
    s_say_row (stage, "s-1", 7, "{\"sessionId\":\"s-1\",\"lastSeq\":7}");
    s_expect (stage, &one, "event: session\ndata: {\"sessionId\":\"s-1\",\"lastSeq\":7}\n\n");
    s_expect (stage, &two, "event: session\ndata: {\"sessionId\":\"s-1\",\"lastSeq\":7}\n\n");
    cr_expect_null (strstr (two.heard, "early"));
    s_expect (stage, &two, "\n\n:\n\n"); //  a sign of life
    cr_expect_eq (process_metric (stage->edge, WATCHERS), 2);
    cr_expect_null (stage_find (stage, BUS_WATCH));
    tcp_talk_free (&one);
    EVENTUALLY (5000, process_metric (stage->edge, WATCHERS) == 1);
    cr_expect_null (stage_find (stage, BUS_WATCH));
    tcp_talk_free (&two);
    cr_expect_eq (stage_hear (stage, BUS_WATCH)->watch.ends, 1);
    EVENTUALLY (5000, process_metric (stage->edge, "stentor_edge_sockets") == 0);
    tcp_talk_t again = s_ask (stage, "", 0);
    cr_expect_neq (s_hear_watch (stage), number);
    tcp_talk_free (&again);
    stage_end (stage);
}

Test (edge_feed, what_may_have_been_missed)
{
    stage_t *stage = S_START ();
    tcp_talk_t talk = s_watch (stage);
    s_say_watching (stage, 0, true);
    s_expect (stage, &talk, "event: resync\ndata: {\"reason\":\"gap\"}\n\n");
    stage_lose_postoffice (stage);
    s_expect (stage, &talk, "event: resync\ndata: {\"reason\":\"postoffice lost\"}\n\n");
    //  It may serve others meanwhile, and so this is said again.
    RIG_UNTIL (&stage->rig, 10000,
               (tcp_talk_hear (&talk, SIZE_MAX, 5), s_count (&talk, "postoffice lost") == 2));
    stage_open_postoffice (stage);
    uint64_t number = s_hear_watch (stage);
    cr_expect_null (strstr (talk.heard, "postoffice back"));
    s_say_watching (stage, number, false);
    s_expect (stage, &talk, "event: resync\ndata: {\"reason\":\"postoffice back\"}\n\n");
    cr_expect_eq (s_count (&talk, "event: ready"), 1);
    cr_expect_not (talk.has_ended);
    tcp_talk_free (&talk);
    stage_end (stage);
}

//  The postoffice goes before it has confirmed: the watcher is ready when it is back.
Test (edge_feed, a_postoffice_that_is_lost_early)
{
    stage_t *stage = S_START ();
    tcp_talk_t talk = s_ask (stage, "", 0);
    s_hear_watch (stage);
    stage_lose_postoffice (stage);
    stage_open_postoffice (stage);
    uint64_t number = s_hear_watch (stage);
    cr_expect_null (strstr (talk.heard, "event: "));
    s_say_watching (stage, number, false);
    s_expect (stage, &talk, "event: ready\n");
    cr_expect_null (strstr (talk.heard, "resync"));
    tcp_talk_free (&talk);
    stage_end (stage);
}

Test (edge_feed, what_is_not_confirmed_is_said_again)
{
    stage_t *stage = S_START ();
    tcp_talk_t talk = s_ask (stage, "", 0);
    uint64_t number = s_hear_watch (stage);
    cr_expect_eq (s_hear_watch (stage), number);
    s_say_watching (stage, number, false);
    s_say_watching (stage, number, false);
    s_expect (stage, &talk, "event: ready\n");
    tcp_talk_free (&talk);
    stage_end (stage);
}

Test (edge_feed, what_is_refused)
{
    static const struct {
        const char *request;
        const char *status;
        const char *heard;
    } cases[] = {
        { "GET " PATH, "401", "problem:unauthenticated" },
        { "GET " PATH "?userId=ann", "403", "problem:forbidden" },
        { "GET " PATH AGENT "&appId=none", "404", "problem:unknown-app" },
        { "GET " PATH AGENT "&other=1", "400", "other" },
        { "GET " PATH AGENT "&token=x", "401", "problem:unauthenticated" },
        { "POST " PATH AGENT, "405", "allow: GET, HEAD, OPTIONS" },
        { "HEAD " PATH AGENT, "200", "text/event-stream" },
    };
    stage_t *stage = S_START ();
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
    cr_expect_null (stage_find (stage, BUS_WATCH));
    cr_expect_eq (process_metric (stage->edge, WATCHERS), 0);
    stage_lose_postoffice (stage);
    tcp_talk_t talk = s_ask (stage, "", 0);
    s_expect (stage, &talk, "HTTP/1.1 503 ");
    s_expect (stage, &talk, "problem:unavailable");
    tcp_talk_free (&talk);
    stage_end (stage);
}

Test (edge_feed, more_than_may_watch)
{
    stage_t *stage = S_START ("EDGE_WATCHERS=1", );
    tcp_talk_t one = s_watch (stage);
    tcp_talk_t two = s_ask (stage, "", 0);
    s_expect (stage, &two, "HTTP/1.1 503 ");
    s_expect (stage, &two, "problem:busy");
    tcp_talk_free (&two);
    tcp_talk_free (&one);
    stage_hear (stage, BUS_WATCH);
    two = s_watch (stage);
    tcp_talk_free (&two);
    stage_end (stage);
}

//  Rows of so many sessions, at once.
static void
s_say_rows (stage_t *stage, unsigned first, unsigned count)
{
    char session[20], row[4100];
    for (unsigned at = first; at < first + count; at++) {
        snprintf (session, sizeof session, "s-%u", at);
        snprintf (row, sizeof row, "{\"sessionId\":\"%s\",\"x\":\"%04000d\"}", session, 7);
        bus_record_t record = { .kind = BUS_SUMMARY,
                                .summary = { .app = TEXT ("demo"),
                                             .session = text_of (session),
                                             .seq = 1,
                                             .row = text_of (row) } };
        cr_assert_eq (bus_server_send (stage->bus, stage->peer, &record), 0);
    }
}

//  One that does not read keeps nobody else waiting, and little memory busy: it is told in the end
//  to ask again, and the newest rows.
Test (edge_feed, one_that_does_not_read)
{
    stage_t *stage = S_START ();
    tcp_talk_t good = s_watch (stage);
    tcp_talk_t slow = s_ask (stage, "", 4096);
    EVENTUALLY (5000, process_metric (stage->edge, WATCHERS) == 2);
    unsigned sent = 0;
    RIG_UNTIL (&stage->rig, 20000, ({
                   s_say_rows (stage, sent, 100);
                   sent += 100;
                   rig_turn (&stage->rig);
                   tcp_talk_hear (&good, SIZE_MAX, 5);
                   s_forget (&good);
                   sent >= 4000
                       && process_metric (stage->edge, "stentor_edge_feed_rows_waiting") <= 2000
                       && process_metric (stage->edge, "stentor_edge_feed_rows_total") > 4000;
               }));
    s_say_row (stage, "last", 1, "{\"sessionId\":\"last\"}");
    s_expect (stage, &good, "\"last\"");
    cr_expect_null (strstr (good.heard, "resync"));
    s_expect (stage, &slow, "event: resync\ndata: {\"reason\":\"slow\"}\n\n");
    s_expect (stage, &slow, "\"last\"");
    tcp_talk_free (&slow);
    tcp_talk_free (&good);
    stage_end (stage);
}

Test (edge_feed, goes_away_in_order)
{
    stage_t *stage = S_START ();
    tcp_talk_t talk = s_watch (stage);
    process_kill (stage->edge, SIGTERM);
    s_expect (stage, &talk, "retry: ");
    s_expect (stage, &talk, "event: end\ndata: {\"reason\":\"this edge is ending\"}\n\n");
    RIG_UNTIL (&stage->rig, 10000, (tcp_talk_hear (&talk, SIZE_MAX, 5), talk.has_ended));
    cr_expect_eq (process_wait_exit (stage->edge, 8000), 0);
    tcp_talk_free (&talk);
    stage_end (stage);
}
