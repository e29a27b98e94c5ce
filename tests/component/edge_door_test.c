//  edge's front door: what is no request or no handshake is refused, whoever has asked is answered
//  whole, and nothing that a client can do leaves work behind.

#include "edge_fixture.h"
#include "eventually.h"
#include "http_get.h"
#include "tcp_talk.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOST "Host: h\r\n"
#define CLOSE "Connection: close\r\n"
#define END "\r\n"
#define NEXT "GET /config.json HTTP/1.1\r\n" HOST CLOSE END
#define WS "GET /?userId=u HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

#define BIG (8u << 20)

// ---------------------------------------------------------------------------------------------
//  The stage

static char s_web[] = "/tmp/edge_door_XXXXXX";

static void
s_file (const char *name, const char *bytes, size_t size)
{
    char path[200];
    snprintf (path, sizeof path, "%s/%s", s_web, name);
    FILE *file = fopen (path, "w");
    cr_assert (file && fwrite (bytes, 1, size, file) == size && fclose (file) == 0);
}

static void
s_directory (const char *name)
{
    char path[200];
    snprintf (path, sizeof path, "%s/%s", s_web, name);
    cr_assert_eq (mkdir (path, 0700), 0);
}

static char
s_big_byte (size_t at)
{
    return (char) (at * 7 + at / 1000);
}

static stage_t *
s_start (void)
{
    static char setting[200], widget[200];
    cr_assert (mkdtemp (s_web));
    snprintf (setting, sizeof setting, "EDGE_WEB_ROOT=%s", s_web);
    snprintf (widget, sizeof widget, "EDGE_WIDGET_ROOT=%s/bundle", s_web);
    char *big = malloc (BIG);
    for (size_t at = 0; at < BIG; at++)
        big[at] = s_big_byte (at);
    s_directory ("sub");
    s_directory (".git");
    s_file ("index.html", "<p>hello", 8);
    s_file ("sub/index.html", "<p>sub", 6);
    s_file (".git/config", "secret", 6);
    s_file ("client.js", "client ();\n", 11);
    s_file ("widget.html", "<p>widget", 9);
    s_directory ("bundle");
    s_file ("bundle/xapp-chat-widget.js", "widget ();\n", 11);
    s_file ("empty.txt", "", 0);
    s_file ("big.bin", big, BIG);
    free (big);
    return START (setting, widget);
}

static void
s_end (stage_t *self)
{
    stage_end (self);
    char command[300];
    snprintf (command, sizeof command, "rm -rf '%s'", s_web);
    cr_assert_eq (system (command), 0);
}

// ---------------------------------------------------------------------------------------------
//  Requests

typedef struct {
    const char *request;
    const char *statuses;
    const char *heads;
} exchange_t;

//  After each of these the server ends the connection.
static const exchange_t s_exchanges[] = {
    //  Well-formed.
    { "GET / HTTP/1.0\r\n\r\n", "200", "" },
    { "GET /config.json HTTP/1.0\r\n\r\n", "200", "" },
    { "GET /nothing HTTP/1.0\r\n\r\n", "404", "" },
    { "HEAD /config.json HTTP/1.0\r\n\r\n", "200", "H" },
    { "HEAD / HTTP/1.1\r\n" HOST CLOSE END, "200", "H" },
    { "HEAD /nothing HTTP/1.1\r\n" HOST CLOSE END, "404", "H" },
    { "GET /empty.txt HTTP/1.1\r\n" HOST CLOSE END, "200", "" },
    { "GET /config.json HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "200", "" },
    { "GET / HTTP/1.1\r\n" HOST CLOSE END, "200", "" },
    { "GET http://h/config.json HTTP/1.1\r\n" HOST CLOSE END, "200", "" },
    { "GET /config.json?x=%zz HTTP/1.1\r\n" HOST CLOSE END, "200", "" },
    { "OPTIONS / HTTP/1.0\r\n\r\n", "204", "" },
    { "OPTIONS / HTTP/1.1\r\n" HOST CLOSE END, "204", "" },
    { "OPTIONS * HTTP/1.1\r\n" HOST CLOSE END, "204", "" },
    { "GET /sub HTTP/1.1\r\n" HOST CLOSE END, "301", "" },
    { "GET /sub/ HTTP/1.1\r\n" HOST CLOSE END, "200", "" },
    { "GET / HTTP/1.1\r\n" HOST END "GET /client.js HTTP/1.1\r\n" HOST END
      "HEAD /client.js HTTP/1.1\r\n" HOST END "OPTIONS / HTTP/1.1\r\n" HOST END
      "GET /no HTTP/1.1\r\n" HOST END NEXT,
      "200 200 200 204 404 200", "--H---" },
    { "HEAD / HTTP/1.1\r\n" HOST END
      "GET /?userId=u HTTP/1.1\r\n" HOST "Upgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      "Origin: http://a\r\nOrigin: http://b\r\n" END NEXT,
      "200 403", "H-" },
    //  The way out of the directory, and what is not shown.
    { "GET /../../../etc/passwd HTTP/1.1\r\n" HOST CLOSE END, "404", "" },
    { "GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n" HOST CLOSE END, "404", "" },
    { "GET /..%2f..%2fetc%2fpasswd HTTP/1.1\r\n" HOST CLOSE END, "404", "" },
    { "GET //etc/passwd HTTP/1.1\r\n" HOST CLOSE END, "404", "" },
    { "GET /.git/config HTTP/1.1\r\n" HOST CLOSE END, "404", "" },
    { "GET /client.js%00.html HTTP/1.1\r\n" HOST CLOSE END, "404", "" },
    { "GET /client.js/ HTTP/1.1\r\n" HOST CLOSE END, "404", "" },
    { "GET /%zz HTTP/1.1\r\n" HOST CLOSE END, "400", "" },
    //  Methods.
    { "CONNECT x:1 HTTP/1.1\r\n" HOST END NEXT, "405", "" },
    { "DELETE / HTTP/1.1\r\n" HOST CLOSE END, "405", "" },
    { "get / HTTP/1.1\r\n" HOST CLOSE END, "405", "" },
    { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505", "" },
    //  An upgrade to something else is none.
    { "GET /config.json HTTP/1.1\r\n" HOST "Connection: Upgrade, HTTP2-Settings, close\r\n"
      "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
      "200", "" },
    //  What stands in a body is no request.
    { "POST / HTTP/1.1\r\n" HOST "Content-Length: 70\r\n\r\n" NEXT, "405", "" },
    { "GET / HTTP/1.1\r\n" HOST "Content-Length: 70\r\n\r\n" NEXT, "200", "" },
    { "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" NEXT, "200", "" },
    { "GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 70\r\n\r\n" NEXT, "400", "" },
    { "GET / HTTP/1.1\r\n" HOST "Content-Length: 0, 70\r\n\r\n" NEXT, "400", "" },
    { "GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n" NEXT,
      "400", "" },
    { "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n" NEXT, "400", "" },
    { "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n" NEXT, "501", "" },
    { "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" NEXT, "400", "" },
    { "POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 9\r\n\r\n", "405", "" },
    //  Not well-formed.
    { "GET / HTTP/1.1\n" HOST END NEXT, "400", "" },
    { "GET / HTTP/1.1\r\nHost: h\n\r\n" NEXT, "400", "" },
    { "GET / HTTP/1.1\r\n" HOST "\n" NEXT, "400", "" },
    { "GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n" NEXT, "400", "" },
    { "GET / HTTP/1.1\r\n" HOST "X : a\r\n\r\n" NEXT, "400", "" },
    { "GET / HTTP/1.1\r\n\r\n" NEXT, "400", "" },
    { "GET / HTTP/1.1\r\n" HOST HOST END NEXT, "400", "" },
    { "GET / HTTP/3.0\r\n" HOST END NEXT, "505", "" },
    { "GET nothing HTTP/1.1\r\n" HOST END NEXT, "400", "" },
    { "\x16\x03\x01\x02", "400", "" },
    { "nonsense\r\n", "400", "" },
    //  Handshakes that RFC 6455 forbids.
    { WS KEY END NEXT, "426", "" },
    { WS KEY "Sec-WebSocket-Version: 8\r\n\r\n" NEXT, "426", "" },
    { WS VERSION END NEXT, "400", "" },
    { WS VERSION "Sec-WebSocket-Key: c2hvcnQ=\r\n\r\n" NEXT, "400", "" },
    { WS VERSION KEY KEY END NEXT, "400", "" },
    { WS VERSION KEY "Content-Length: 3\r\n\r\nabc" NEXT, "400", "" },
    { WS VERSION KEY HOST END NEXT, "400", "" },
    { "GET /?userId=u HTTP/1.1\r\n" HOST "Upgrade: websocket\r\n" VERSION KEY END NEXT, "400", "" },
    { "GET /?userId=u HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" VERSION KEY END,
      "400", "" },
    { "GET / HTTP/1.0\r\n" HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n" VERSION KEY END,
      "200", "" },
    { "POST / HTTP/1.1\r\n" HOST "Connection: Upgrade, close\r\nUpgrade: websocket\r\n" VERSION KEY
      END,
      "405", "" },
};

#define EXCHANGES (sizeof s_exchanges / sizeof *s_exchanges)

static void
s_say (tcp_talk_t *client, const char *request)
{
    tcp_talk_say (client, request, strlen (request));
}

static void
s_expect_answered (tcp_talk_t *client, const exchange_t *row)
{
    cr_expect (tcp_talk_hear_end (client, 3000), "%s", row->request);
    cr_expect_str_eq (tcp_talk_statuses (client, row->heads), row->statuses, "%s\n%s",
                      row->request, client->heard);
}

Test (edge_door, answers_once_and_ends)
{
    stage_t *self = s_start ();
    for (size_t at = 0; at < EXCHANGES; at++) {
        tcp_talk_t client = tcp_talk_new (self->port, 0);
        s_say (&client, s_exchanges[at].request);
        s_expect_answered (&client, &s_exchanges[at]);
        tcp_talk_free (&client);
    }
    EVENTUALLY (5000, process_metric (self->edge, "stentor_edge_sockets") == 0);
    stage_expect_quiet (self, "requests");
    s_end (self);
}

Test (edge_door, answers_who_says_nothing_more)
{
    stage_t *self = s_start ();
    for (size_t at = 0; at < EXCHANGES; at++) {
        tcp_talk_t client = tcp_talk_new (self->port, 0);
        s_say (&client, s_exchanges[at].request);
        tcp_talk_half_close (&client);
        s_expect_answered (&client, &s_exchanges[at]);
        tcp_talk_free (&client);
    }
    EVENTUALLY (5000, process_metric (self->edge, "stentor_edge_sockets") == 0);
    stage_expect_quiet (self, "half-closed requests");
    s_end (self);
}

//  Before, within and behind each request; a reset in place of an answer; a client that has said
//  its end and stays.
Test (edge_door, has_nothing_to_do_behind_a_client)
{
    stage_t *self = s_start ();
    static tcp_talk_t staying[EXCHANGES];
    for (size_t at = 0; at < EXCHANGES; at++) {
        const char *request = s_exchanges[at].request;
        tcp_talk_t client = tcp_talk_new (self->port, 0);
        tcp_talk_say (&client, request, strlen (request) / 2);
        if (at % 2)
            tcp_talk_reset (&client);
        tcp_talk_free (&client);
        client = tcp_talk_new (self->port, 0);
        s_say (&client, request);
        tcp_talk_reset (&client);
        tcp_talk_free (&client);
        client = tcp_talk_new (self->port, 0);
        s_say (&client, request);
        tcp_talk_hear (&client, 12, 3000);
        tcp_talk_reset (&client);
        tcp_talk_free (&client);
        staying[at] = tcp_talk_new (self->port, 0);
        s_say (&staying[at], request);
        tcp_talk_half_close (&staying[at]);
    }
    stage_expect_quiet (self, "resets, with clients that stay");
    for (size_t at = 0; at < EXCHANGES; at++)
        tcp_talk_free (&staying[at]);
    EVENTUALLY (8000, process_metric (self->edge, "stentor_edge_sockets") == 0);
    stage_expect_quiet (self, "all have gone");
    s_end (self);
}

// ---------------------------------------------------------------------------------------------
//  Pages

Test (edge_door, serves_files_that_other_origins_may_read)
{
    stage_t *self = s_start ();
    http_answer_t answer = http_get (self->port, "/client.js", "Origin: https://shop.example\r\n");
    cr_assert_eq (answer.status, 200);
    cr_expect_str_eq (answer.body, "client ();\n");
    cr_expect (strstr (answer.headers, "\r\naccess-control-allow-origin: *\r\n"));
    cr_expect (strstr (answer.headers, "\r\ncontent-type: text/javascript; charset=utf-8\r\n"));
    cr_expect (strstr (answer.headers, "form-action 'none'"));
    char tag[100], condition[200];
    const char *etag = strstr (answer.headers, "\r\netag: \"");
    cr_assert (etag && sscanf (etag, "\r\netag: %99s", tag) == 1 && tag[strlen (tag) - 1] == '"');
    http_answer_free (&answer);

    static const char *const before[] = { "", "W/", "\"a\", ", "*, " };
    for (size_t at = 0; at < 4; at++) {
        snprintf (condition, sizeof condition, "If-None-Match: %s%s\r\n", before[at], tag);
        answer = http_get (self->port, "/client.js", condition);
        cr_expect_eq (answer.status, 304, "%s", condition);
        cr_expect_eq (answer.body_size, 0);
        http_answer_free (&answer);
    }
    answer = http_get (self->port, "/client.js", "If-None-Match: \"other\"\r\n");
    cr_expect_eq (answer.status, 200);
    http_answer_free (&answer);
    answer = http_get (self->port, "/sub", NULL);
    cr_expect (strstr (answer.headers, "\r\nlocation: sub/\r\n"));
    http_answer_free (&answer);
    answer = http_request (self->port, "PUT", "/client.js", NULL, "x", 1);
    cr_expect_eq (answer.status, 405);
    cr_expect (strstr (answer.headers, "\r\nallow: GET, HEAD, OPTIONS\r\n"));
    http_answer_free (&answer);
    s_end (self);
}

//  Its page may style itself, as no other may; the bundle is no way to other files.
Test (edge_door, serves_the_widget_beside_the_pages)
{
    stage_t *self = s_start ();
    http_answer_t answer = http_get (self->port, "/widget/xapp-chat-widget.js", NULL);
    cr_expect_eq (answer.status, 200);
    cr_expect_str_eq (answer.body, "widget ();\n");
    cr_expect (strstr (answer.headers, "\r\naccess-control-allow-origin: *\r\n"));
    http_answer_free (&answer);
    static const char *const nowhere[] = { "/widget", "/widget/", "/widget/client.js",
                                           "/widget/../client.js", "/widget/%2e%2e/client.js",
                                           "/widget//../client.js", "/xapp-chat-widget.js" };
    for (size_t at = 0; at < sizeof nowhere / sizeof *nowhere; at++) {
        answer = http_get (self->port, nowhere[at], NULL);
        cr_expect_eq (answer.status, 404, "%s", nowhere[at]);
        http_answer_free (&answer);
    }
    answer = http_get (self->port, "/widget.html?isAdmin=true", NULL);
    cr_expect_eq (answer.status, 200);
    cr_expect (strstr (answer.headers, "style-src 'self' 'unsafe-inline';"));
    http_answer_free (&answer);
    answer = http_get (self->port, "/", NULL);
    cr_expect (strstr (answer.headers, "style-src 'self';"));
    http_answer_free (&answer);
    answer = http_get (self->port, "/config.json", NULL);
    cr_expect (strstr (answer.body, "\"widget\":true"));
    http_answer_free (&answer);
    s_end (self);
}

static void
s_expect_big (const tcp_talk_t *client)
{
    const char *body = strstr (client->heard, "\r\n\r\n");
    cr_assert (body && client->size - (size_t) (body + 4 - client->heard) == BIG);
    for (size_t at = 0; at < BIG; at++)
        cr_assert_eq (body[4 + at], s_big_byte (at));
}

static double
s_resident_kib (stage_t *self)
{
    char path[64], line[256];
    double kib = 0;
    snprintf (path, sizeof path, "/proc/%d/status", (int) process_pid (self->edge));
    FILE *file = fopen (path, "r");
    while (file && fgets (line, sizeof line, file))
        if (sscanf (line, "VmRSS: %lf", &kib) == 1)
            break;
    cr_assert (file && kib > 0);
    fclose (file);
    return kib;
}

//  They have said their end, read slowly, and get all of it; meanwhile it is not in the edge's
//  memory.
Test (edge_door, gives_large_files_to_slow_readers_whole)
{
    stage_t *self = s_start ();
    enum { READERS = 6 };
    tcp_talk_t readers[READERS];
    double before = s_resident_kib (self);
    for (unsigned at = 0; at < READERS; at++) {
        readers[at] = tcp_talk_new (self->port, 8192);
        s_say (&readers[at], "GET /big.bin HTTP/1.1\r\n" HOST CLOSE END);
        if (at % 2)
            tcp_talk_half_close (&readers[at]);
        tcp_talk_hear (&readers[at], 1000, 3000);
    }
    stage_expect_quiet (self, "readers that read no more");
    cr_expect_lt (s_resident_kib (self) - before, READERS * BIG / 1024 / 4);
    for (unsigned at = 0; at < READERS; at++) {
        cr_expect (tcp_talk_hear_end (&readers[at], 20000));
        s_expect_big (&readers[at]);
        tcp_talk_free (&readers[at]);
    }
    tcp_talk_t leaver = tcp_talk_new (self->port, 8192);
    s_say (&leaver, "GET /big.bin HTTP/1.1\r\n" HOST END);
    tcp_talk_hear (&leaver, 1000, 3000);
    tcp_talk_reset (&leaver);
    tcp_talk_free (&leaver);
    EVENTUALLY (5000, process_metric (self->edge, "stentor_edge_sockets") == 0);
    stage_expect_quiet (self, "readers");
    s_end (self);
}

//  A thousand requests in a row on each of these, none of them large.
static bool
s_fetches_much_and_leaves (stage_t *self)
{
    static const char request[] = "HEAD / HTTP/1.1\r\n" HOST END;
    enum { CLIENTS = 8, REQUESTS = 1000 };
    static char all[REQUESTS * sizeof request];
    for (size_t at = 0; at < REQUESTS; at++)
        memcpy (all + at * (sizeof request - 1), request, sizeof request - 1);
    tcp_talk_t clients[CLIENTS];
    for (size_t at = 0; at < CLIENTS; at++) {
        clients[at] = tcp_talk_new (self->port, 0);
        tcp_talk_say (&clients[at], all, REQUESTS * (sizeof request - 1));
    }
    for (size_t at = 0; at < CLIENTS; at++) {
        tcp_talk_hear (&clients[at], 10 << 20, 50);
        tcp_talk_reset (&clients[at]);
        tcp_talk_free (&clients[at]);
    }
    return true;
}

//  What was announced and not sent costs nobody anything.
Test (edge_door, who_leaves_a_large_file_has_not_fetched_it)
{
    stage_t *self = s_start ();
    for (size_t at = 0; at < 40; at++) {
        tcp_talk_t client = tcp_talk_new (self->port, 8192);
        s_say (&client, "GET /big.bin HTTP/1.1\r\n" HOST END);
        tcp_talk_hear (&client, 12, 1000);
        tcp_talk_reset (&client);
        tcp_talk_free (&client);
    }
    cr_expect_eq (process_metric (self->edge, "stentor_edge_pages_throttled_total"), 0);
    s_end (self);
}

//  Those that wait are not put off by those that come to wait.
Test (edge_door, who_waits_longest_goes_first)
{
    stage_t *self = s_start ();
    EVENTUALLY (20000,
                s_fetches_much_and_leaves (self)
                    && process_metric (self->edge, "stentor_edge_pages_throttled_total") > 0);
    tcp_talk_t first = tcp_talk_new (self->port, 0);
    s_say (&first, "GET / HTTP/1.1\r\n" HOST CLOSE END);
    uint64_t began_ms = clock_mono_ms ();
    while (!first.has_ended && clock_mono_ms () - began_ms < 5000) {
        tcp_talk_t other = tcp_talk_new (self->port, 0);
        s_say (&other, "GET / HTTP/1.1\r\n" HOST CLOSE END);
        tcp_talk_hear (&first, 1 << 20, 3);
        tcp_talk_free (&other);
    }
    cr_expect_str_eq (tcp_talk_statuses (&first, ""), "200");
    tcp_talk_free (&first);
    s_end (self);
}

//  Whoever fetches too much makes those who fetch pages wait, and nobody else; they are answered.
Test (edge_door, serves_pages_at_a_pace)
{
    stage_t *self = s_start ();
    EVENTUALLY (20000,
                s_fetches_much_and_leaves (self)
                    && process_metric (self->edge, "stentor_edge_pages_throttled_total") > 0);
    tcp_talk_t client = tcp_talk_new (self->port, 0);
    s_say (&client, "GET / HTTP/1.1\r\n" HOST CLOSE END);
    ws_client_t *visitor = stage_connect (self, "/?userId=u-1");
    stage_join (self, visitor);
    cr_expect (tcp_talk_hear_end (&client, 5000));
    cr_expect_str_eq (tcp_talk_statuses (&client, ""), "200");
    tcp_talk_free (&client);
    ws_client_destroy (&visitor);
    s_end (self);
}

//  The answer is not lost to a reset, however much of the body is still on its way; and not all of
//  that is read.
Test (edge_door, ends_behind_a_body)
{
    stage_t *self = s_start ();
    static char body[1 << 20];
    tcp_talk_t client = tcp_talk_new (self->port, 0);
    s_say (&client, "POST / HTTP/1.1\r\n" HOST "Content-Length: 10000000000\r\n\r\n");
    tcp_talk_say (&client, body, 20000);
    cr_expect (tcp_talk_hear_end (&client, 3000));
    cr_expect_str_eq (tcp_talk_statuses (&client, ""), "405");
    uint64_t sent = 0;
    while (sent < (256u << 20) && tcp_talk_say (&client, body, sizeof body))
        sent += sizeof body;
    cr_expect_lt (sent, 64u << 20);
    tcp_talk_free (&client);
    s_end (self);
}

Test (edge_door, takes_large_heads_and_refuses_larger_ones)
{
    stage_t *self = s_start ();
    static const struct {
        size_t cookie;
        const char *statuses;
    } rows[] = { { 12000, "200" }, { 16000, "200" }, { 16384, "431" }, { 100000, "431" } };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        char *request = malloc (rows[at].cookie + 200);
        sprintf (request, "GET /config.json HTTP/1.1\r\n" HOST CLOSE "Cookie: %0*d\r\n\r\n",
                 (int) rows[at].cookie, 0);
        tcp_talk_t client = tcp_talk_new (self->port, 0);
        s_say (&client, request);
        cr_expect (tcp_talk_hear_end (&client, 3000));
        cr_expect_str_eq (tcp_talk_statuses (&client, ""), rows[at].statuses);
        tcp_talk_free (&client);
        free (request);
    }
    cr_expect_eq (
        process_metric (self->edge, "stentor_edge_requests_refused_total{reason=\"large_head\"}"),
        2);
    s_end (self);
}

//  Whoever says nothing, drips, or stays behind his answer, has his time.
Test (edge_door, waits_for_nobody_for_ever)
{
    stage_t *self = s_start ();
    static const char drip[] = "GET / HTTP/1.1\r\nX: ";
    uint64_t since = clock_mono_ms ();
    tcp_talk_t mute = tcp_talk_new (self->port, 0), stays = tcp_talk_new (self->port, 0);
    tcp_talk_t drips = tcp_talk_new (self->port, 0), connects = tcp_talk_new (self->port, 0);
    s_say (&stays, "GET / HTTP/1.1\r\n" HOST END);
    s_say (&connects, "CONNECT x:1 HTTP/1.1\r\n" HOST END);
    cr_expect (tcp_talk_hear_end (&connects, 2000));
    tcp_talk_hear (&stays, SIZE_MAX, 500);
    cr_expect_str_eq (tcp_talk_statuses (&stays, ""), "200");
    for (size_t at = 0; !drips.has_ended && clock_mono_ms () - since < 14000; at++) {
        tcp_talk_say (&drips, at < sizeof drip - 1 ? drip + at : "a", 1);
        tcp_talk_hear (&drips, SIZE_MAX, 250);
    }
    uint64_t late = clock_mono_ms () - since;
    cr_expect (late > 8000 && late < 13000, "%llu", (unsigned long long) late);
    cr_expect_str_eq (tcp_talk_statuses (&drips, ""), "408");
    cr_expect (tcp_talk_hear_end (&mute, 3000));
    cr_expect_eq (mute.size, 0);
    cr_expect (!stays.has_ended && tcp_talk_hear_end (&stays, 10000));
    tcp_talk_free (&mute);
    tcp_talk_free (&drips);
    tcp_talk_free (&connects);
    tcp_talk_free (&stays);
    EVENTUALLY (8000, process_metric (self->edge, "stentor_edge_sockets") == 0);
    s_end (self);
}
