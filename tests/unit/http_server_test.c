//  http_server — requests with bodies, over a real connection: read before they are answered, in
//  order, within limits of size and time; and answers without an end.

#include "events/event_stream.h"
#include "net/http_server.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 40000
#define BODY_WITHIN_MS 150

//  A whole process has one test.
static uint64_t s_take_within_ms = 20000;

//  Who answers: says the body again.
typedef struct {
    request_t *request;
    unsigned gone;
    int64_t memory;
    bool may_grow;
    uv_loop_t *loop;
    streams_t *streams;
    callers_t *callers;
    trusted_proxies_t *trusted;
    http_server_t *server;
    event_stream_t *events;
    unsigned to_put; //  events that are still to be put
    unsigned refused_with; //  an answer without an end; 0: not
    unsigned pieces; //  that were written
    bool is_broken;  //  the last one cannot be had
    int staying;     //  answers without an end
    int client;
    int server_end; //  the server's, which owns it
    char heard[6 * MOST];
    size_t size;
} rig_t;

static void
s_on_body (void *owner, text_t body)
{
    rig_t *self = owner;
    request_t *request = self->request;
    request_set_answerer (request, NULL, NULL);
    request_answer (request, 200, TEXT ("x: y\r\n"), body);
}

static void
s_on_gone (void *owner)
{
    ((rig_t *) owner)->gone++;
}

static events_next_t
s_next_event (void *owner, buffer_t *to)
{
    rig_t *self = owner;
    if (self->to_put == 0)
        return EVENTS_NONE;
    int rc = event_text_put (to, LOG_POSITION_UNKNOWN, TEXT ("event"));
    cr_assert_eq (rc, 0);
    return --self->to_put == 0 ? EVENTS_LAST : EVENTS_MORE;
}

static void
s_on_events_closed (void *owner)
{
    ((rig_t *) owner)->events = NULL;
}

static void
s_begin_events (rig_t *self, request_t *request)
{
    static const event_stream_events_t events = { s_next_event, s_on_events_closed };
    unsigned seconds, status = request_may_stay (request, &seconds);
    if (status)
        request_refuse (request, status);
    else
        self->events = event_stream_new (request, TEXT ("x: y\r\n"), &events, self);
}

//  One that is large, one that is small, and the end, or the end of the connection.
static void
s_on_room (void *owner)
{
    static char large[100000];
    rig_t *self = owner;
    request_t *request = self->request;
    while (!request_is_full (request) && self->pieces < 3) {
        self->pieces++;
        if (self->pieces == 1)
            request_body (request, (text_t){ memset (large, 'x', sizeof large), sizeof large });
        else if (self->pieces == 2)
            request_body (request, TEXT ("small"));
        else {
            request_set_answerer (request, NULL, NULL);
            if (self->is_broken)
                request_body (request, TEXT_EMPTY);
            else
                request_end (request);
        }
    }
}

static void
s_begin_pieces (rig_t *self, request_t *request)
{
    static const request_events_t events = { .room = s_on_room, .gone = s_on_gone };
    self->pieces = 0;
    if (!request_begin (request, 200, TEXT ("x: y\r\n"), HTTP_UNKNOWN_SIZE))
        return;
    request_set_answerer (request, &events, self);
    s_on_room (self);
}

static void
s_on_asked (void *owner, request_t *request, const http_head_t *head)
{
    static const request_events_t events = { .body = s_on_body, .gone = s_on_gone };
    rig_t *self = owner;
    self->request = request;
    if (text_is (head->path, TEXT ("/early"))) {
        request_answer (request, 403, TEXT_EMPTY, TEXT ("no"));
        return;
    }
    if (text_is (head->path, TEXT ("/pieces"))) {
        s_begin_pieces (self, request);
        return;
    }
    if (text_is (head->path, TEXT ("/slow"))) {
        request_begin (request, 200, TEXT_EMPTY, HTTP_UNKNOWN_SIZE);
        return;
    }
    if (text_is (head->path, TEXT ("/events"))) {
        s_begin_events (self, request);
        return;
    }
    request_set_answerer (request, &events, self);
    request_want_body (request, head, MOST);
}

static unsigned
s_may_stay (void *owner)
{
    return ((rig_t *) owner)->refused_with;
}

static void
s_stays (void *owner, int change)
{
    ((rig_t *) owner)->staying += change;
}

static bool
s_has_room (void *owner)
{
    (void) owner;
    return true;
}

static bool
s_may_grow (void *owner)
{
    return ((rig_t *) owner)->may_grow;
}

static void
s_on_memory (void *owner, int64_t change)
{
    ((rig_t *) owner)->memory += change;
}

static void
s_on_stream_memory (void *owner, net_memory_t what, int64_t change)
{
    (void) owner, (void) what, (void) change;
}

//  Both ends of a TCP connection on the loopback.
static void
s_connect (int ends[2])
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int listener = socket (AF_INET, SOCK_STREAM, 0);
    cr_assert (bind (listener, (struct sockaddr *) &address, size) == 0
               && listen (listener, 1) == 0
               && getsockname (listener, (struct sockaddr *) &address, &size) == 0);
    ends[0] = socket (AF_INET, SOCK_STREAM, 0);
    cr_assert_eq (connect (ends[0], (struct sockaddr *) &address, size), 0);
    ends[1] = accept (listener, NULL, NULL);
    cr_assert (ends[1] >= 0);
    close (listener);
}

static bool
s_has_problems (void *owner, text_t target)
{
    (void) owner;
    return target.size >= 3 && memcmp (target.data, "/p/", 3) == 0;
}

static void
s_open (rig_t *self)
{
    static const http_server_events_t events = { .has_room = s_has_room,
                                                 .asked = s_on_asked,
                                                 .has_problems = s_has_problems,
                                                 .may_grow = s_may_grow,
                                                 .memory = s_on_memory,
                                                 .may_stay = s_may_stay,
                                                 .stays = s_stays };
    int ends[2];
    s_connect (ends);
    *self = (rig_t){ .client = ends[0],
                     .server_end = ends[1],
                     .loop = uv_default_loop (),
                     .may_grow = true };
    self->streams = streams_new (
        self->loop, &(streams_config_t){ .limits_ms = { [STREAM_HEAD] = 20000,
                                                        [STREAM_BODY] = BODY_WITHIN_MS,
                                                        [STREAM_IDLE] = 20000,
                                                        [STREAM_TAKE] = s_take_within_ms,
                                                        [STREAM_MESSAGE] = 20000,
                                                        [STREAM_LINGER] = 20000 },
                                         .memory = s_on_stream_memory });
    self->callers = callers_new (&(callers_config_t){ .idle_most = 1 });
    self->trusted = trusted_proxies_new ("");
    self->server = http_server_new (self->loop, self->callers, self->trusted, &events, self);
    caller_t caller = { .place = NULL };
    cr_assert_eq (http_server_take (self->server, self->streams, ends[1], &caller), 0);
}

static void
s_send (rig_t *self, const char *bytes)
{
    size_t size = strlen (bytes);
    cr_assert_eq (send (self->client, bytes, size, MSG_NOSIGNAL), (ssize_t) size);
}

static void
s_wake (uv_timer_t *timer)
{
    (void) timer;
}

//  Turns the loop until the client has heard so many answers, or the end (then it is heard as
//  "(end)"); false after ten seconds.
static bool
s_hears (rig_t *self, const char *expected, unsigned times)
{
    uv_timer_t tick;
    uv_timer_init (self->loop, &tick);
    uv_timer_start (&tick, s_wake, 5, 5);
    unsigned found = 0;
    for (int turn = 0; turn < 2000 && found < times; turn++) {
        uv_run (self->loop, UV_RUN_ONCE);
        struct pollfd ready = { .fd = self->client, .events = POLLIN };
        if (poll (&ready, 1, 0) > 0) {
            ssize_t got = recv (self->client, self->heard + self->size,
                                sizeof self->heard - self->size - 1, 0);
            self->size += got > 0 ? (size_t) got : 0;
            self->heard[self->size] = '\0';
            if (got <= 0)
                break;
        }
        found = 0;
        for (const char *at = self->heard; (at = strstr (at, expected)); at++)
            found++;
    }
    uv_close ((uv_handle_t *) &tick, NULL);
    uv_run (self->loop, UV_RUN_NOWAIT);
    return found >= times;
}

static void
s_close (rig_t *self)
{
    close (self->client);
    streams_destroy (&self->streams);
    http_server_destroy (&self->server);
    callers_destroy (&self->callers);
    trusted_proxies_destroy (&self->trusted);
    uv_run (self->loop, UV_RUN_DEFAULT);
    cr_expect (self->staying == 0 && !self->events);
    cr_expect_eq (self->memory, 0, "%lld bytes are still counted", (long long) self->memory);
    cr_assert_eq (uv_loop_close (self->loop), 0);
}

#define POST "POST /x HTTP/1.1\r\nHost: h\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"

typedef struct {
    char bytes[300];
    char heard[40]; //  with `times` of them
    unsigned times;
} body_case_t;

ParameterizedTestParameters (http_server, bodies)
{
    static body_case_t cases[] = {
        { POST "Content-Length: 5\r\n\r\nhello", "\r\n\r\nhello", 1 },
        { POST CHUNKED "\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", "\r\n\r\nhello", 1 },
        { POST "\r\n", "content-length: 0\r\n", 1 },
        { POST "Content-Length: 0\r\n\r\n", "content-length: 0\r\n", 1 },
        //  One behind the other on one connection.
        { POST "Content-Length: 5\r\n\r\nhello" POST CHUNKED "\r\n5\r\nhello\r\n0\r\n\r\n" POST
               "Content-Length: 5\r\n\r\nhello",
          "\r\n\r\nhello", 3 },
        { POST "Connection: close\r\nContent-Length: 5\r\n\r\nhello" POST
               "Content-Length: 5\r\n\r\nhello",
          "connection: close", 1 },
        { POST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n", "100 Continue\r\n\r\n", 1 },
        { POST "Content-Length: 40001\r\n\r\n", "HTTP/1.1 413 ", 1 },
        { POST CHUNKED "\r\n9c41\r\n", "HTTP/1.1 413 ", 1 },
        { POST CHUNKED "\r\n3\r\nhello\r\n0\r\n\r\n", "HTTP/1.1 400 ", 1 },
        { POST CHUNKED "\r\n3\nhel\n0\n\n", "HTTP/1.1 400 ", 1 },
        { POST "Content-Length: 5\r\n\r\nhel", "HTTP/1.1 408 ", 1 },
        { POST CHUNKED "\r\n3\r\nhel\r\n0\r\n", "HTTP/1.1 408 ", 1 },
        //  Refused before its body: nothing behind it is a request.
        { "POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello" POST "\r\n",
          "HTTP/1.1 403 ", 1 },
    };
    return cr_make_param_array (body_case_t, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest (body_case_t *param, http_server, bodies)
{
    rig_t *rig = calloc (1, sizeof *rig);
    s_open (rig);
    s_send (rig, param->bytes);
    cr_expect (s_hears (rig, param->heard, param->times), "%s\nheard: %s", param->bytes,
               rig->heard);
    const char *first = strstr (rig->heard, "HTTP/1.1 4");
    cr_expect (!first || !strstr (first + 1, "HTTP/1.1 "), "a request behind a refusal: %s",
               rig->heard);
    s_close (rig);
    free (rig);
}

//  What is asked there is refused as the HTTP API refuses, whatever the fault; elsewhere in words.
Test (http_server, refuses_with_problems)
{
    static const struct {
        const char *bytes, *status, *type;
    } cases[] = {
        { "POST /p/x HTTP/1.1\r\nHost: h\r\nContent-Length: 40001\r\n\r\n", "413 ", "too-large" },
        { "POST /p/x HTTP/1.1\r\nHost: h\r\n" CHUNKED "\r\n9c41\r\n", "413 ", "too-large" },
        { "POST /p/x HTTP/1.1\r\nHost: h\r\n" CHUNKED "\r\n3\r\nhello\r\n", "400 ",
          "bad-request" },
        { "POST /p/x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel", "408 ", "late" },
        { "GET /p/x HTTP/1.1\r\n\r\n", "400 ", "bad-request" },
        { "GET /p/x HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n", "400 ", "bad-request" },
        { "POST /p/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "501 ",
          "coding" },
        { "POST /p/x HTTP/1.1\r\nHost: h\r\nExpect: tea\r\nContent-Length: 1\r\n\r\n", "417 ",
          "expectation" },
        { "GET /p/x HTTP/2.1\r\nHost: h\r\n\r\n", "505 ", "version" },
        { "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 40001\r\n\r\n", "413 ", NULL },
        { "GET /x HTTP/1.1\r\n\r\n", "400 ", NULL },
    };
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        char status[40], type[80];
        rig_t *rig = calloc (1, sizeof *rig);
        s_open (rig);
        s_send (rig, cases[at].bytes);
        snprintf (status, sizeof status, "HTTP/1.1 %s", cases[at].status);
        snprintf (type, sizeof type, "urn:stentor:problem:%s\"",
                  cases[at].type ? cases[at].type : "");
        cr_expect (s_hears (rig, status, 1), "%s\nheard: %s", cases[at].bytes, rig->heard);
        bool is_problem = strstr (rig->heard, "content-type: application/problem+json\r\n");
        cr_expect_eq (is_problem, cases[at].type != NULL, "%s", rig->heard);
        cr_expect (!cases[at].type || strstr (rig->heard, type), "%s", rig->heard);
        s_close (rig);
        free (rig);
    }
}

Test (http_server, a_body_that_comes_byte_by_byte)
{
    rig_t *rig = calloc (1, sizeof *rig);
    s_open (rig);
    for (const char *at = POST CHUNKED "\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"; *at; at++) {
        s_send (rig, (char[]){ *at, '\0' });
        uv_run (rig->loop, UV_RUN_NOWAIT);
    }
    cr_expect (s_hears (rig, "\r\n\r\nhello", 1), "%s", rig->heard);
    s_close (rig);
    free (rig);
}

Test (http_server, a_client_that_goes_before_its_body_is_whole)
{
    rig_t *rig = calloc (1, sizeof *rig);
    s_open (rig);
    s_send (rig, POST "Content-Length: 5\r\n\r\nhel");
    shutdown (rig->client, SHUT_WR);
    cr_expect (s_hears (rig, "HTTP/1.1 400 ", 1), "%s", rig->heard);
    cr_expect_eq (rig->gone, 1);
    s_close (rig);
    free (rig);
}

Test (http_server, a_large_body_is_refused_when_too_much_waits)
{
    rig_t *rig = calloc (1, sizeof *rig);
    char *piece = calloc (1, 20001);
    memset (piece, 'x', 20000);
    s_open (rig);
    rig->may_grow = false;
    s_send (rig, POST "Content-Length: 30000\r\n\r\n");
    s_send (rig, piece);
    cr_expect (s_hears (rig, "HTTP/1.1 503 ", 1), "%s", rig->heard);
    cr_expect_eq (rig->gone, 1);
    s_close (rig);
    free (piece);
    free (rig);
}

//  The client has not read what was said before: no byte of "100 Continue" has room.
static void
s_fill (rig_t *self)
{
    char bytes[1000];
    int size = 4096;
    memset (bytes, '-', sizeof bytes);
    setsockopt (self->server_end, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    //  Full is what stays so: the other end confirms late what it takes.
    for (int quiet = 0; quiet < 20; quiet++) {
        while (send (self->server_end, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
            quiet = 0;
        while (send (self->server_end, bytes, 1, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
            quiet = 0;
        (void) poll (NULL, 0, 5);
    }
}

static void
s_turn (rig_t *self, unsigned milliseconds)
{
    uv_timer_t end;
    uv_timer_init (self->loop, &end);
    uv_update_time (self->loop);
    uv_timer_start (&end, s_wake, milliseconds, 0);
    while (uv_is_active ((uv_handle_t *) &end))
        uv_run (self->loop, UV_RUN_ONCE);
    uv_close ((uv_handle_t *) &end, NULL);
    uv_run (self->loop, UV_RUN_NOWAIT);
}

Test (http_server, a_body_waits_for_a_client_that_does_not_read)
{
    rig_t *rig = calloc (1, sizeof *rig);
    s_open (rig);
    s_fill (rig);
    s_send (rig, POST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello" POST "\r\n");
    s_turn (rig, BODY_WITHIN_MS / 3);
    cr_expect (s_hears (rig, "HTTP/1.1 200 ", 2), "%s", rig->heard);
    const char *word = strstr (rig->heard, "HTTP/1.1 100 "), *body = strstr (rig->heard, "hello");
    cr_expect (word && body && word < body);
    s_close (rig);
    free (rig);
}

Test (http_server, a_client_that_never_reads_what_it_asked_for)
{
    rig_t *rig = calloc (1, sizeof *rig);
    s_open (rig);
    s_fill (rig);
    s_send (rig, POST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhell");
    s_turn (rig, 3 * BODY_WITHIN_MS);
    cr_expect_eq (rig->gone, 1);
    s_close (rig);
    free (rig);
}

// ---------------------------------------------------------------------------------------------
//  Answers in pieces

#define PIECES(method, minor) method " /pieces HTTP/1." minor "\r\nHost: h\r\n\r\n"

Test (http_server, an_answer_in_pieces)
{
    rig_t rig;
    s_open (&rig);
    s_send (&rig, PIECES ("HEAD", "1") PIECES ("GET", "1")
                      "GET /early HTTP/1.1\r\nHost: h\r\n\r\n");
    cr_assert (s_hears (&rig, "HTTP/1.1 403 ", 1)); //  the connection goes on
    cr_expect (strstr (rig.heard, "transfer-encoding: chunked\r\n"));
    cr_expect (strstr (rig.heard, "\r\n\r\n186a0\r\nxxx"));
    cr_expect (strstr (rig.heard, "xxx\r\n5\r\nsmall\r\n0\r\n\r\nHTTP/1.1 403 "));
    s_close (&rig);
}

Test (http_server, an_answer_in_pieces_that_breaks_off)
{
    rig_t rig;
    s_open (&rig);
    rig.is_broken = true;
    s_send (&rig, PIECES ("GET", "1"));
    cr_expect_not (s_hears (&rig, "\r\n0\r\n", 1));
    s_close (&rig);
}

Test (http_server, an_answer_in_pieces_for_an_old_client)
{
    rig_t rig;
    s_open (&rig);
    s_send (&rig, PIECES ("GET", "0"));
    cr_expect_not (s_hears (&rig, "no such thing", 1)); //  it ends
    cr_expect_null (strstr (rig.heard, "chunked"));
    cr_expect (strstr (rig.heard, "\r\n\r\nxxx") && strstr (rig.heard, "xxxsmall"));
    s_close (&rig);
}

// ---------------------------------------------------------------------------------------------
//  Answers without an end

#define EVENTS " /events HTTP/1.1\r\nHost: h\r\n\r\n"

//  Each piece has its time, not all of them together.
Test (http_server, pieces_that_come_slowly)
{
    rig_t *rig = calloc (1, sizeof *rig);
    s_take_within_ms = 300;
    s_open (rig);
    s_send (rig, "GET /slow HTTP/1.0\r\n\r\n");
    cr_assert (s_hears (rig, "\r\n\r\n", 1), "%s", rig->heard);
    for (unsigned piece = 1; piece <= 6; piece++) {
        request_body (rig->request, TEXT ("piece"));
        cr_assert (s_hears (rig, "piece", piece), "%u: %s", piece, rig->heard);
        s_turn (rig, 100);
    }
    request_end (rig->request);
    s_close (rig);
    free (rig);
}

Test (http_server, an_answer_without_an_end)
{
    rig_t rig;
    s_open (&rig);
    s_send (&rig, "GET" EVENTS);
    cr_assert (s_hears (&rig, "\r\n\r\n", 1));
    cr_expect (strstr (rig.heard, "HTTP/1.1 200 ") && strstr (rig.heard, "text/event-stream"));
    cr_expect (strstr (rig.heard, "x: y\r\n") && strstr (rig.heard, "connection: close\r\n"));
    cr_expect_null (strstr (rig.heard, "content-length"));
    cr_expect_eq (rig.staying, 1);
    rig.to_put = 3;
    event_stream_want_write (rig.events);
    cr_assert (s_hears (&rig, "data: event\n\n", 3));
    //  The last one ended it; nobody hears of a request behind it.
    char byte;
    cr_expect_eq (recv (rig.client, &byte, 1, 0), 0);
    s_close (&rig);
}

Test (http_server, a_client_that_leaves_an_answer_without_an_end)
{
    rig_t rig;
    s_open (&rig);
    s_send (&rig, "GET" EVENTS "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    cr_assert (s_hears (&rig, "\r\n\r\n", 1));
    cr_expect (rig.events && rig.staying == 1);
    shutdown (rig.client, SHUT_WR);
    cr_expect_not (s_hears (&rig, "no such thing", 1));
    cr_expect_null (rig.events);
    s_close (&rig);
}

Test (http_server, only_the_head_of_an_answer_without_an_end)
{
    rig_t rig;
    s_open (&rig);
    s_send (&rig, "HEAD" EVENTS);
    cr_expect_not (s_hears (&rig, "no such thing", 1)); //  it ends
    cr_expect (strstr (rig.heard, "HTTP/1.1 200 ") && strstr (rig.heard, "text/event-stream"));
    cr_expect (!rig.events && rig.staying == 0);
    s_close (&rig);
}

Test (http_server, too_many_answers_without_an_end)
{
    rig_t rig;
    s_open (&rig);
    rig.refused_with = 503;
    s_send (&rig, "GET" EVENTS);
    cr_assert (s_hears (&rig, "HTTP/1.1 503 ", 1));
    s_close (&rig);
}
