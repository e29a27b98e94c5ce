//  The watching of a libpq connection, with a "server" that is a plain listening socket.

#include "pg/pg_socket.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
    uv_loop_t loop;
    pg_socket_t socket;
    PGconn *connection;
    int listening, accepted;
    unsigned stirred;
} watch_t;

static void
s_on_stirred (void *owner)
{
    watch_t *watch = owner;
    watch->stirred++;
}

//  libpq has dialled, and this end has it in hand.
static void
s_begin (watch_t *watch)
{
    *watch = (watch_t){ .listening = socket (AF_INET, SOCK_STREAM, 0) };
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    cr_assert_eq (bind (watch->listening, (struct sockaddr *) &address, size), 0);
    cr_assert_eq (listen (watch->listening, 1), 0);
    cr_assert_eq (getsockname (watch->listening, (struct sockaddr *) &address, &size), 0);
    char url[100];
    snprintf (url, sizeof url, "host=127.0.0.1 port=%u sslmode=disable gssencmode=disable",
              ntohs (address.sin_port));
    watch->connection = PQconnectStart (url);
    watch->accepted = accept (watch->listening, NULL, NULL);
    cr_assert_geq (watch->accepted, 0);
    uv_loop_init (&watch->loop);
    watch->socket = (pg_socket_t){ .loop = &watch->loop, .stirred = s_on_stirred, .owner = watch };
}

static void
s_end (watch_t *watch)
{
    pg_socket_forget (&watch->socket);
    uv_run (&watch->loop, UV_RUN_DEFAULT);
    cr_assert_eq (uv_loop_close (&watch->loop), 0);
    PQfinish (watch->connection);
    close (watch->accepted);
    close (watch->listening);
}

//  A server that dies resets its connections, maybe with a last word in front of it.
static void
s_reset (watch_t *watch)
{
    struct linger at_once = { .l_onoff = 1 };
    setsockopt (watch->accepted, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close (watch->accepted);
    watch->accepted = -1;
    struct pollfd ready = { .fd = PQsocket (watch->connection), .events = POLLIN };
    cr_assert_eq (poll (&ready, 1, 10000), 1);
    cr_assert (ready.revents & POLLERR);
}

Test (pg_socket, is_told_of_what_comes)
{
    watch_t watch;
    s_begin (&watch);
    pg_socket_watch (&watch.socket, watch.connection, UV_READABLE);
    cr_assert_eq (send (watch.accepted, "R", 1, 0), 1);
    uv_run (&watch.loop, UV_RUN_ONCE);
    cr_assert_eq (watch.stirred, 1);
    s_end (&watch);
}

//  The loop stops watching a descriptor with an error. Who watches it on must hear of it again: the
//  reader may not have come to the end of what it was sent.
Test (pg_socket, is_told_of_an_error_until_it_is_forgotten)
{
    watch_t watch;
    s_begin (&watch);
    pg_socket_watch (&watch.socket, watch.connection, UV_READABLE);
    s_reset (&watch);
    for (unsigned times = 1; times <= 3; times++) {
        uv_run (&watch.loop, UV_RUN_NOWAIT);
        cr_assert_eq (watch.stirred, times);
        pg_socket_watch (&watch.socket, watch.connection, UV_READABLE);
    }
    s_end (&watch);
}

Test (pg_socket, hears_nothing_while_it_looks_away)
{
    watch_t watch;
    s_begin (&watch);
    pg_socket_watch (&watch.socket, watch.connection, UV_READABLE);
    pg_socket_pause (&watch.socket);
    cr_assert_eq (send (watch.accepted, "R", 1, 0), 1);
    struct pollfd ready = { .fd = PQsocket (watch.connection), .events = POLLIN };
    cr_assert_eq (poll (&ready, 1, 10000), 1);
    uv_run (&watch.loop, UV_RUN_NOWAIT);
    cr_assert_eq (watch.stirred, 0);
    pg_socket_watch (&watch.socket, watch.connection, UV_READABLE);
    uv_run (&watch.loop, UV_RUN_NOWAIT);
    cr_assert_eq (watch.stirred, 1);
    s_end (&watch);
}
