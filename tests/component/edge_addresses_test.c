//  edge and the addresses of its clients: what one address may take, and whom a proxy speaks for.

#include "base/clock.h"
#include "edge_fixture.h"
#include "eventually.h"
#include "http_get.h"
#include "tcp_talk.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST "Host: h\r\n"
#define END "\r\n"
#define PAGE "GET /config.json HTTP/1.1\r\n" HOST
#define API "GET /api/v1/sessions/x?userId=u HTTP/1.1\r\n" HOST
#define SOCKETS "stentor_edge_sockets"
#define REFUSED(limit) "stentor_edge_address_refused_total{limit=\"" limit "\"}"
#define FAULTS "stentor_edge_requests_refused_total{reason=\"forwarded\"}"
#define ATTACKER "127.0.0.2"
#define PROXY "EDGE_TRUSTED_PROXIES=127.0.0.1"

static void
s_say (tcp_talk_t *talk, const char *words)
{
    cr_assert (tcp_talk_say (talk, words, strlen (words)), "%s", words);
}

//  Asks, and waits for one answer more: its status.
static int
s_ask (tcp_talk_t *talk, const char *request)
{
    size_t had = talk->size;
    uint64_t until = clock_mono_ms () + 5000;
    s_say (talk, request);
    do
        tcp_talk_hear (talk, SIZE_MAX, 5);
    while (!strstr (talk->heard + had, "\r\n\r\n") && !talk->has_ended
           && clock_mono_ms () < until);
    return talk->size > had + 12 ? atoi (talk->heard + had + 9) : 0;
}

static bool
s_is_closed (int socket)
{
    char byte;
    return recv (socket, &byte, 1, MSG_DONTWAIT) == 0;
}

static ws_client_t *
s_connect (const stage_t *stage, const char *headers)
{
    ws_client_t *client = ws_client_open (
        &(ws_options_t){ .port = stage->port, .target = "/?userId=u-1", .headers = headers });
    cr_assert (client);
    return client;
}

// ---------------------------------------------------------------------------------------------
//  One address, with what it has at once

//  More than all sockets of the edge, and of those that are silent much more.
Test (edge_addresses, silent_sockets_lock_nobody_out)
{
    stage_t *stage = START ("EDGE_CONNECTIONS=500", "EDGE_ADDRESS_SILENT=200");
    enum { MUTES = 1500, MOST = 200 };
    static int mutes[MUTES];
    ws_client_t *early = stage_connect (stage, "/?userId=u-1&protocol=2");
    stage_join (stage, early);
    for (int at = 0; at < MUTES; at++)
        mutes[at] = stage_mute_from (stage, ATTACKER);
    EVENTUALLY (10000, process_metric (stage->edge, REFUSED ("silent")) == MUTES - MOST);
    cr_expect_eq (process_metric (stage->edge, SOCKETS), MOST + 1);
    cr_expect (!s_is_closed (mutes[MOST - 1]) && s_is_closed (mutes[MOST])
               && s_is_closed (mutes[MUTES - 1]));
    //  Who was there chats on, others come in, and pages are served.
    stage_message (early, "s-1", "m-1");
    stage_posted (stage, stage_hear (stage, BUS_POST), VERDICT_OK, 2);
    cr_expect (ws_client_wait_event (early, "ack", 2000));
    ws_client_t *late = stage_connect (stage, "/?userId=u-2&protocol=2");
    stage_join (stage, late);
    stage_message (late, "s-1", "m-2");
    stage_posted (stage, stage_hear (stage, BUS_POST), VERDICT_OK, 3);
    cr_expect (ws_client_wait_event (late, "ack", 2000));
    http_answer_t page = http_get (stage->port, "/config.json", NULL);
    cr_expect_eq (page.status, 200);
    http_answer_free (&page);
    //  What was refused took nothing of what is for all.
    cr_expect_eq (process_metric (stage->edge, "stentor_edge_sockets_refused_total"), 0);
    cr_expect_eq (process_metric (stage->edge, "stentor_edge_accepts_throttled_total"), 0);
    //  A log says which network it was, and no more.
    cr_expect_geq (process_log_count (stage->edge, "\"network\":\"127.0.0.0\""), 1);
    cr_expect_eq (process_log_count (stage->edge, ATTACKER), 0);
    //  When some of them have gone, it is let in again.
    for (int at = 0; at < MUTES; at++)
        close (mutes[at]);
    EVENTUALLY (5000, process_metric (stage->edge, SOCKETS) == 2);
    int again = stage_mute_from (stage, ATTACKER);
    EVENTUALLY (5000, process_metric (stage->edge, SOCKETS) == 3);
    close (again);
    ws_client_destroy (&early);
    ws_client_destroy (&late);
    stage_end (stage);
}

Test (edge_addresses, open_sockets_have_a_limit)
{
    stage_t *stage = START ("EDGE_ADDRESS_SOCKETS=2");
    ws_client_t *first = s_connect (stage, NULL), *second = s_connect (stage, NULL);
    cr_expect (ws_client_status (first) == 101 && ws_client_status (second) == 101);
    int third = stage_mute (stage), other = stage_mute_from (stage, ATTACKER);
    EVENTUALLY (5000, process_metric (stage->edge, REFUSED ("sockets")) == 1);
    EVENTUALLY (5000, process_metric (stage->edge, SOCKETS) == 3);
    cr_expect (s_is_closed (third) && !s_is_closed (other));
    ws_client_destroy (&first);
    EVENTUALLY (5000, process_metric (stage->edge, SOCKETS) == 2);
    first = s_connect (stage, NULL);
    cr_expect_eq (ws_client_status (first), 101);
    close (third);
    close (other);
    ws_client_destroy (&first);
    ws_client_destroy (&second);
    stage_end (stage);
}

// ---------------------------------------------------------------------------------------------
//  One address, and how fast it is

Test (edge_addresses, new_sockets_come_at_a_pace)
{
    stage_t *stage = START ("EDGE_ADDRESS_SOCKETS_PER_SECOND=1", "EDGE_SOCKETS_BURST=40",
                            "EDGE_SOCKETS_PER_SECOND=1");
    enum { MUTES = 200, BURST = 10 };
    int mutes[MUTES];
    for (int at = 0; at < MUTES; at++)
        mutes[at] = stage_mute_from (stage, ATTACKER);
    EVENTUALLY (5000, process_metric (stage->edge, REFUSED ("new_sockets")) >= MUTES - BURST - 2);
    //  What was refused did not count at the rate limit of all: another one need not wait.
    ws_client_t *client = stage_connect (stage, "/?userId=u-1");
    stage_join (stage, client);
    cr_expect_eq (process_metric (stage->edge, "stentor_edge_accepts_throttled_total"), 0);
    //  The bucket refills.
    double before = process_metric (stage->edge, SOCKETS);
    EVENTUALLY (5000,
                (close (mutes[MUTES - 1]), mutes[MUTES - 1] = stage_mute_from (stage, ATTACKER),
                 process_metric (stage->edge, SOCKETS) > before));
    ws_client_destroy (&client);
    for (int at = 0; at < MUTES; at++)
        close (mutes[at]);
    stage_end (stage);
}

Test (edge_addresses, requests_beyond_the_pace_get_429)
{
    stage_t *stage = START ("EDGE_ADDRESS_REQUESTS_PER_SECOND=1", "EDGE_DEMO_MODE=on");
    tcp_talk_t talk = tcp_talk_new (stage->port, 0);
    int status = 0, asked = 0;
    //  One after the other, and whatever is said of whom it is for.
    while (status != 429 && asked++ < 15) {
        char request[200];
        snprintf (request, sizeof request,
                  PAGE "X-Forwarded-For: 192.0.2.%d\r\nForwarded: for=192.0.2.%d\r\n" END, asked,
                  asked);
        status = s_ask (&talk, request);
        cr_expect (status == 200 || status == 429, "%d", status);
    }
    cr_expect (asked >= 11 && asked <= 13, "%d", asked);
    cr_expect (strstr (talk.heard, "HTTP/1.1 429 Too Many Requests\r\n")
                   && strstr (talk.heard, "\r\nretry-after: 1\r\n"),
               "%s", talk.heard);
    cr_expect (tcp_talk_hear_end (&talk, 3000), "and its connection ends");
    tcp_talk_free (&talk);
    cr_expect_eq (process_metric (stage->edge, REFUSED ("requests")), 1);
    cr_expect_eq (process_metric (stage->edge, "stentor_edge_pages_total"), asked - 1,
                  "a refused one counts at nobody's");
    cr_expect_eq (process_log_count (stage->edge, "X-Forwarded-For is ignored"), 1);
    //  The API says it in its own way, to pages of other origins, too.
    talk = tcp_talk_new (stage->port, 0);
    if (s_ask (&talk, API "Origin: http://page\r\n" END) == 429) {
        tcp_talk_hear_end (&talk, 3000);
        cr_expect (strstr (talk.heard, "urn:stentor:problem:too-many")
                       && strstr (talk.heard, "application/problem+json")
                       && strstr (talk.heard, "access-control-allow-origin: http://page\r\n")
                       && strstr (talk.heard, "\r\nretry-after: 1\r\n"),
                   "%s", talk.heard);
    } else
        cr_expect (false, "%s", talk.heard);
    tcp_talk_free (&talk);
    cr_expect_null (stage_find (stage, BUS_REQUEST));
    //  WebSockets have a limit of their own; and the bucket refills.
    ws_client_t *client = stage_connect (stage, "/?userId=u-1");
    ws_client_destroy (&client);
    EVENTUALLY (5000, (talk = tcp_talk_new (stage->port, 0), status = s_ask (&talk, PAGE END),
                       tcp_talk_free (&talk), status == 200));
    stage_end (stage);
}

Test (edge_addresses, upgrades_beyond_the_pace_get_429)
{
    stage_t *stage = START ("EDGE_ADDRESS_UPGRADES_PER_SECOND=1");
    int status = 101, asked = 0;
    while (status == 101 && asked++ < 15) {
        ws_client_t *client = s_connect (stage, "X-Forwarded-For: 192.0.2.1\r\n");
        status = ws_client_status (client);
        ws_client_destroy (&client);
    }
    cr_expect_eq (status, 429);
    cr_expect (asked >= 11 && asked <= 13, "%d", asked);
    cr_expect_eq (process_metric (stage->edge, REFUSED ("upgrades")), 1);
    http_answer_t page = http_get (stage->port, "/config.json", NULL);
    cr_expect_eq (page.status, 200);
    http_answer_free (&page);
    stage_end (stage);
}

// ---------------------------------------------------------------------------------------------
//  Behind a trusted proxy

//  One connection of the proxy carries many clients: each has its own limits, and one that is
//  refused does not end it.
Test (edge_addresses, a_proxy_speaks_for_its_clients)
{
    static const char *const ways[][2] = {
        { PAGE "X-Forwarded-For: 203.0.113.9, 192.0.2.1\r\n" END,
          PAGE "X-Forwarded-For: 192.0.2.1, 192.0.2.2\r\n" END },
        { PAGE "X-Forwarded-For: 192.0.2.4\r\nX-Forwarded-For: 192.0.2.3:80, 127.0.0.1\r\n" END,
          PAGE "X-Forwarded-For: 192.0.2.3\r\nX-Forwarded-For: 192.0.2.4\r\n" END },
        { PAGE "Forwarded: for=\"[2001:db8:1::1]:80\";proto=https\r\n" END,
          PAGE "Forwarded: for=\"[2001:db8:2::1]:80\";proto=https\r\n" END },
        { PAGE "Forwarded: for=_hidden\r\n" END, PAGE "Forwarded: for=192.0.2.5\r\n" END },
        //  A /64 is one.
        { PAGE "X-Forwarded-For: 2001:db8:3::1\r\n" END,
          PAGE "X-Forwarded-For: 2001:db8:4::1\r\n" END },
    };
    stage_t *stage = START (PROXY, "EDGE_ADDRESS_REQUESTS_PER_SECOND=1");
    tcp_talk_t talk = tcp_talk_new (stage->port, 0);
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        int status = 200, asked = 0;
        while (status == 200 && asked++ < 15)
            status = s_ask (&talk, ways[way][0]);
        cr_expect_eq (status, 429, "%s", ways[way][0]);
        cr_expect (asked >= 11 && asked <= 13, "%d", asked);
        cr_expect_eq (s_ask (&talk, ways[way][1]), 200, "%s", ways[way][1]);
    }
    cr_expect_eq (s_ask (&talk, PAGE "X-Forwarded-For: 2001:db8:3:0:ffff::2\r\n" END), 429);
    //  The proxy's own requests have no limits.
    for (int asked = 0; asked < 30; asked++)
        cr_expect_eq (s_ask (&talk, PAGE END), 200);
    cr_expect_not (talk.has_ended);
    tcp_talk_free (&talk);
    //  Nothing of them stays but what their buckets are remembered for.
    EVENTUALLY (5000, process_metric (stage->edge, SOCKETS) == 0);
    cr_expect_leq (process_metric (stage->edge, "stentor_edge_addresses"), 10);
    stage_end (stage);
}

Test (edge_addresses, what_a_proxy_says_must_be_clear)
{
    static const char *const rows[] = {
        "X-Forwarded-For: rubbish\r\n",
        "X-Forwarded-For: 192.0.2.1, 192.0.2\r\n",
        "Forwarded: for=2001:db8::1\r\n",
        "Forwarded: for=\"192.0.2.1\r\n",
        "Forwarded: for=192.0.2.1;for=192.0.2.2\r\n",
        "X-Forwarded-For: 192.0.2.1\r\nForwarded: for=203.0.113.9\r\n",
    };
    stage_t *stage = START (PROXY);
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        char request[300];
        tcp_talk_t talk = tcp_talk_new (stage->port, 0);
        snprintf (request, sizeof request, PAGE "%s" END PAGE END, rows[row]);
        s_say (&talk, request);
        cr_expect (tcp_talk_hear_end (&talk, 3000));
        cr_expect_str_eq (tcp_talk_statuses (&talk, ""), "400", "%s", rows[row]);
        tcp_talk_free (&talk);
        ws_client_t *client = s_connect (stage, rows[row]);
        cr_expect_eq (ws_client_status (client), 400, "%s", rows[row]);
        ws_client_destroy (&client);
        cr_expect_eq (process_metric (stage->edge, FAULTS), 2 * (row + 1));
    }
    stage_end (stage);
}

//  The sockets are the proxy's: what counts are the WebSockets and the requests under way.
Test (edge_addresses, a_proxy_has_many_sockets_and_its_clients_few)
{
    stage_t *stage = START (PROXY, "EDGE_ADDRESS_SOCKETS=2", "EDGE_ADDRESS_SILENT=1",
                            "EDGE_ADDRESS_SOCKETS_PER_SECOND=1", "EDGE_DEMO_MODE=on");
    enum { MUTES = 50 };
    int mutes[MUTES];
    for (int at = 0; at < MUTES; at++)
        mutes[at] = stage_mute (stage);
    EVENTUALLY (5000, process_metric (stage->edge, SOCKETS) == MUTES);
    ws_client_t *clients[4];
    static const char *const names[] = { "X-Forwarded-For: 192.0.2.1\r\n",
                                         "X-Forwarded-For: 192.0.2.1\r\n",
                                         "X-Forwarded-For: 192.0.2.1\r\n",
                                         "X-Forwarded-For: 192.0.2.2\r\n" };
    static const int statuses[] = { 101, 101, 429, 101 };
    for (int at = 0; at < 4; at++) {
        clients[at] = s_connect (stage, names[at]);
        cr_expect_eq (ws_client_status (clients[at]), statuses[at], "%d", at);
    }
    cr_expect_eq (process_metric (stage->edge, REFUSED ("sockets")), 1);
    ws_client_destroy (&clients[0]);
    EVENTUALLY (5000, process_metric (stage->edge, "stentor_edge_connections{dialect=\"widget\"}")
                          == 2);
    clients[0] = s_connect (stage, names[0]);
    cr_expect_eq (ws_client_status (clients[0]), 101, "one has gone");
    for (int at = 0; at < 4; at++)
        ws_client_destroy (&clients[at]);
    //  One request of this client waits for a postoffice.
    RIG_UNTIL (&stage->rig, 5000, process_metric (stage->edge, "stentor_edge_postoffices") == 1);
    tcp_talk_t waits = tcp_talk_new (stage->port, 0), more = tcp_talk_new (stage->port, 0);
    s_say (&waits, API "X-Forwarded-For: 192.0.2.3\r\n" END);
    const bus_record_t *request = stage_hear (stage, BUS_REQUEST);
    cr_expect_eq (s_ask (&more, PAGE "X-Forwarded-For: 192.0.2.3\r\n" END), 429);
    cr_expect_eq (s_ask (&more, PAGE "X-Forwarded-For: 192.0.2.4\r\n" END), 200);
    stage_say (stage, &(bus_record_t){ .kind = BUS_REPLY,
                                       .reply = { .request_id = request->request.request_id,
                                                  .status = 200,
                                                  .body = TEXT ("{}") } });
    tcp_talk_hear (&waits, 13, 3000);
    cr_expect_eq (s_ask (&more, PAGE "X-Forwarded-For: 192.0.2.3\r\n" END), 200);
    tcp_talk_free (&waits);
    tcp_talk_free (&more);
    for (int at = 0; at < MUTES; at++)
        close (mutes[at]);
    EVENTUALLY (5000, process_metric (stage->edge, SOCKETS) == 0);
    stage_end (stage);
}

//  Somebody else than the proxy says the same, and is not believed.
Test (edge_addresses, nobody_else_is_believed)
{
    stage_t *stage =
        START ("EDGE_TRUSTED_PROXIES=10.0.0.0/8,127.0.0.3", "EDGE_ADDRESS_SOCKETS=1");
    ws_client_t *first = s_connect (stage, "X-Forwarded-For: 192.0.2.1\r\n");
    cr_expect_eq (ws_client_status (first), 101);
    int forger = stage_mute (stage), proxy = stage_mute_from (stage, "127.0.0.3");
    EVENTUALLY (5000, process_metric (stage->edge, REFUSED ("sockets")) == 1);
    EVENTUALLY (5000, s_is_closed (forger));
    cr_expect_not (s_is_closed (proxy));
    //  What is malformed for a proxy is nothing here.
    ws_client_destroy (&first);
    EVENTUALLY (5000, process_metric (stage->edge, SOCKETS) == 1);
    first = s_connect (stage, "X-Forwarded-For: rubbish\r\nForwarded: \"\r\n");
    cr_expect_eq (ws_client_status (first), 101);
    ws_client_destroy (&first);
    close (forger);
    close (proxy);
    stage_end (stage);
}

//  The class is that of the client, not of its proxy; and no address goes any further.
Test (edge_addresses, the_class_of_an_address_is_the_clients)
{
    static const struct {
        const char *headers, *info;
    } rows[] = {
        { NULL, "{\"addressClass\":\"loopback\"}" },
        { "X-Forwarded-For: 8.8.8.8\r\n", "{\"addressClass\":\"public_v4\"}" },
        { "X-Forwarded-For: 8.8.8.8, 2a00:1450:4001::1\r\n",
          "{\"addressClass\":\"public_v6\"}" },
        { "Forwarded: for=10.0.0.1\r\n", "{\"addressClass\":\"private\"}" },
    };
    stage_t *stage = START (PROXY);
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        ws_client_t *client = s_connect (stage, rows[at].headers);
        cr_assert_eq (ws_client_status (client), 101);
        ws_client_send_text (client, "{\"event\":\"user joined\",\"sessionId\":\"s-1\"}");
        const bus_attach_t *attach = &stage_hear (stage, BUS_ATTACH)->attach;
        cr_expect (text_is (attach->info, text_of (rows[at].info)), "%.*s",
                   TEXT_ARGS (attach->info));
        ws_client_destroy (&client);
    }
    stage_end (stage);
}
