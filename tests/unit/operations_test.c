//  operations — what the port answers, and that no client of it can hold up the loop.

#include "process/operations.h"

#include "http_get.h"
#include "ports.h"
#include "base/metrics.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

//  The port's loop turns in a thread of its own, so that the test may use it from outside.
typedef struct {
    uv_loop_t loop;
    uv_async_t wake;
    uv_thread_t thread;
    operations_t *operations;
    const char *condition; //  to be set in the loop's thread, with `holds` or `why`
    bool holds;
    const char *why;
    bool end;
    uv_sem_t done;
} server_t;

static void
s_on_wake (uv_async_t *wake)
{
    server_t *self = wake->data;
    if (self->condition && self->why)
        operations_explain (self->operations, self->condition, text_of (self->why));
    else if (self->condition)
        operations_ready (self->operations, self->condition, self->holds);
    self->condition = NULL;
    if (self->end) {
        operations_destroy (&self->operations);
        uv_close ((uv_handle_t *) wake, NULL);
    }
    uv_sem_post (&self->done);
}

static void
s_turn (void *arg)
{
    server_t *self = arg;
    uv_run (&self->loop, UV_RUN_DEFAULT);
}

static server_t *
s_server_new (void)
{
    server_t *self = calloc (1, sizeof *self);
    log_start ("test", "test-1", LOG_ERROR);
    uv_loop_init (&self->loop);
    uv_async_init (&self->loop, &self->wake, s_on_wake);
    uv_sem_init (&self->done, 0);
    self->wake.data = self;
    self->operations = operations_new (&self->loop, "127.0.0.1", 0);
    cr_assert_not_null (self->operations);
    uv_thread_create (&self->thread, s_turn, self);
    return self;
}

static void
s_set (server_t *self, const char *condition, bool holds)
{
    self->condition = condition;
    self->holds = holds;
    uv_async_send (&self->wake);
    uv_sem_wait (&self->done);
}

static void
s_explain (server_t *self, const char *condition, const char *why)
{
    self->why = why;
    s_set (self, condition, false);
    self->why = NULL;
}

static void
s_server_destroy (server_t *self)
{
    self->end = true;
    uv_async_send (&self->wake);
    uv_sem_wait (&self->done);
    uv_thread_join (&self->thread);
    cr_assert_eq (uv_loop_close (&self->loop), 0, "a handle was left open");
    uv_sem_destroy (&self->done);
    free (self);
}

static void
s_expect (server_t *self, const char *method, const char *target, int status, const char *body)
{
    uint16_t port = operations_port (self->operations);
    http_answer_t answer = http_request (port, method, target, NULL, "", 0);
    cr_assert_eq (answer.status, status, "%s %s: %d", method, target, answer.status);
    cr_assert_not_null (strstr (answer.body, body), "%s", answer.body);
    http_answer_free (&answer);
}

Test (operations, answers_what_it_has, .timeout = 30)
{
    server_t *server = s_server_new ();
    s_expect (server, "GET", "/healthz", 200, "ok\n");
    s_expect (server, "GET", "/metrics", 200, "stentor_operations_requests_total 2\n");
    s_expect (server, "GET", "/metrics?x=1", 200, "\nprocess_resident_memory_bytes ");
    s_expect (server, "GET", "/", 404, "/readyz");
    s_expect (server, "GET", "/../etc/passwd", 404, "/readyz");
    s_expect (server, "POST", "/metrics", 405, "only GET");
    s_server_destroy (server);
}

Test (operations, is_ready_when_every_condition_holds, .timeout = 30)
{
    server_t *server = s_server_new ();
    s_expect (server, "GET", "/readyz", 200, "ready\n");
    s_set (server, "database", false);
    s_set (server, "bus", false);
    s_expect (server, "GET", "/readyz", 503, "missing: database bus\n");
    s_expect (server, "GET", "/metrics", 200, "\nstentor_ready 0\n");
    s_explain (server, "database", "cannot connect:\nrefused\n");
    s_expect (server, "GET", "/readyz", 503, "bus\ndatabase: cannot connect: refused \n");
    s_set (server, "database", true);
    s_expect (server, "GET", "/readyz", 503, "missing: bus\n");
    s_set (server, "database", false);
    s_explain (server, "database", "");
    s_expect (server, "GET", "/readyz", 503, "missing: database bus\n");
    s_set (server, "database", true);
    s_set (server, "bus", true);
    s_expect (server, "GET", "/readyz", 200, "ready\n");
    s_expect (server, "GET", "/metrics", 200, "\nstentor_ready 1\n");
    s_server_destroy (server);
}

static int
s_dial (uint16_t port)
{
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons (port),
                              .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    cr_assert_eq (connect (fd, (struct sockaddr *) &to, sizeof to), 0);
    return fd;
}

//  How many requests of one connection are answered when they all come in one piece.
Test (operations, answers_pipelined_requests, .timeout = 30)
{
    server_t *server = s_server_new ();
    int fd = s_dial (operations_port (server->operations));
    for (int request = 0; request < 20; request++) {
        static const char get[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
        cr_assert_eq (send (fd, get, sizeof get - 1, MSG_NOSIGNAL), (ssize_t) sizeof get - 1);
    }
    shutdown (fd, SHUT_WR);
    char bytes[16384];
    size_t size = 0;
    ssize_t got;
    while ((got = recv (fd, bytes + size, sizeof bytes - 1 - size, 0)) > 0)
        size += (size_t) got;
    bytes[size] = '\0';
    unsigned answers = 0;
    for (const char *at = strstr (bytes, "HTTP/1.1 200"); at; at = strstr (at + 1, "HTTP/1.1 200"))
        answers++;
    cr_assert_eq (answers, 20, "%u answers", answers);
    close (fd);
    s_server_destroy (server);
}

//  Says something that does not end, or nothing at all.
static int
s_dial_silent (uint16_t port, size_t number)
{
    static const char *const words[] = { "", "GET /metr", "\xff\r\n\r\n GET",
                                         "GET /metrics HTTP/1.1\r\nHost: x\r\n" };
    int fd = s_dial (port);
    const char *word = words[number % 4];
    (void) !send (fd, word, strlen (word), MSG_NOSIGNAL);
    return fd;
}

//  However many connect and say nothing, or garbage, or half a request: a probe is answered
//  meanwhile, and when all of them are gone.
Test (operations, silent_and_odd_clients_hold_up_nobody, .timeout = 60)
{
    enum { SILENT = 300 };
    server_t *server = s_server_new ();
    uint16_t port = operations_port (server->operations);
    int fds[SILENT];
    for (size_t at = 0; at < SILENT; at++) {
        fds[at] = s_dial_silent (port, at);
        if (at % 16 == 15)
            s_expect (server, "GET", "/healthz", 200, "ok\n");
    }
    s_expect (server, "GET", "/metrics", 200, "\nstentor_operations_evicted_total ");
    for (size_t at = 0; at < SILENT; at++)
        close (fds[at]);
    for (int again = 0; again < 100; again++)
        s_expect (server, "GET", "/healthz", 200, "ok\n");
    s_server_destroy (server);
}

//  Connections that are closed for their silence, not by their clients.
Test (operations, listens_again_after_a_crowd_ran_out_of_time, .timeout = 60)
{
    enum { SILENT = 64 };
    server_t *server = s_server_new ();
    uint16_t port = operations_port (server->operations);
    int fds[SILENT];
    for (size_t at = 0; at < SILENT; at++)
        fds[at] = s_dial (port);
    char byte;
    for (size_t at = 0; at < SILENT; at++)
        cr_assert_leq (recv (fds[at], &byte, 1, 0), 0, "it is closed by the server");
    s_expect (server, "GET", "/healthz", 200, "ok\n");
    for (size_t at = 0; at < SILENT; at++)
        close (fds[at]);
    s_server_destroy (server);
}

Test (operations, says_why_it_cannot_listen)
{
    uv_loop_t loop;
    uv_loop_init (&loop);
    operations_t *first = operations_new (&loop, "127.0.0.1", 0);
    cr_assert_not_null (first);
    cr_assert_null (operations_new (&loop, "127.0.0.1", operations_port (first)));
    cr_assert_eq (errno, EADDRINUSE);
    cr_assert_null (operations_new (&loop, "a.name.example", 0));
    cr_assert_eq (errno, EINVAL);
    operations_destroy (&first);
    operations_destroy (&first);
    uv_run (&loop, UV_RUN_DEFAULT);
    cr_assert_eq (uv_loop_close (&loop), 0);
}
