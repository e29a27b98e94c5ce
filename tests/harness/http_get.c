//  http_get — see http_get.h.

#include "http_get.h"

#include "eventually.h"
#include "exchange_record.h"
#include "tcp_talk.h"
#include "tls_wire.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_WITHIN 5 //  seconds

static int
s_connect (uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons (port),
                                   .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    int handle = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert (handle >= 0);
    struct timeval patience = { .tv_sec = ANSWER_WITHIN };
    setsockopt (handle, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt (handle, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect (handle, (struct sockaddr *) &address, sizeof address) != 0) {
        close (handle);
        return -1;
    }
    return handle;
}

static bool
s_send (int handle, const char *data, size_t size)
{
    while (size) {
        ssize_t sent = send (handle, data, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        data += sent;
        size -= (size_t) sent;
    }
    return true;
}

//  Everything until the server closes (it was asked to) or is silent for too long.
static char *
s_receive_all (int handle, size_t *size_p)
{
    size_t size = 0, room = 65536;
    char *data = malloc (room + 1);
    assert (data);
    for (;;) {
        ssize_t got = recv (handle, data + size, room - size, 0);
        if (got <= 0)
            break;
        size += (size_t) got;
        if (size == room) {
            room *= 2;
            data = realloc (data, room + 1);
            assert (data);
        }
    }
    data[size] = 0;
    *size_p = size;
    return data;
}

//  Says both, and returns what was answered; NULL when it could not be said.
static char *
s_exchange (uint16_t port, const char *head, size_t head_size, const char *body, size_t body_size,
            size_t *size)
{
    int handle = s_connect (port);
    if (handle < 0)
        return NULL;
    bool is_said = s_send (handle, head, head_size) && (!body || s_send (handle, body, body_size));
    char *raw = is_said ? s_receive_all (handle, size) : NULL;
    close (handle);
    return raw;
}

static char *
s_exchange_by_tls (uint16_t port, const char *head, size_t head_size, const char *body,
                   size_t body_size, size_t *size)
{
    tcp_talk_t talk = tcp_talk_new (port, 0);
    char *raw = NULL;
    if (tcp_talk_say (&talk, head, head_size)
        && (!body || tcp_talk_say (&talk, body, body_size))) {
        tcp_talk_hear_end (&talk, ANSWER_WITHIN * 1000);
        *size = talk.size;
        raw = talk.heard;
        talk.heard = NULL;
    }
    tcp_talk_free (&talk);
    return raw;
}

//  Puts the chunks of a body together, in place. One that is not whole has no size.
static void
s_join_chunks (http_answer_t *self)
{
    char *to = self->body, *at = self->body, *end = self->body + self->body_size;
    for (;;) {
        char *data;
        unsigned long size = strtoul (at, &data, 16);
        if (data == at || end - data < 4 || memcmp (data, "\r\n", 2) != 0
            || (size_t) (end - data - 4) < size || memcmp (data + 2 + size, "\r\n", 2) != 0) {
            to = self->body;
            break;
        }
        memmove (to, data + 2, size);
        to += size;
        at = data + size + 4;
        if (size == 0)
            break;
    }
    *to = 0;
    self->body_size = (size_t) (to - self->body);
}

//  Takes the raw bytes apart.
static http_answer_t
s_parse (char *raw, size_t size)
{
    http_answer_t answer = { 0 };
    char *end = strstr (raw, "\r\n\r\n");
    if (end && strncmp (raw, "HTTP/1.", 7) == 0) {
        answer.status = atoi (raw + 9);
        answer.headers = strndup (raw, (size_t) (end + 2 - raw));
        answer.body_size = size - (size_t) (end + 4 - raw);
        answer.body = malloc (answer.body_size + 1);
        assert (answer.headers && answer.body);
        memcpy (answer.body, end + 4, answer.body_size + 1);
        if (strcasestr (answer.headers, "\r\ntransfer-encoding: chunked\r\n"))
            s_join_chunks (&answer);
    }
    free (raw);
    return answer;
}

http_answer_t
http_request (uint16_t port, const char *method, const char *target, const char *headers,
              const char *body, size_t body_size)
{
    char *head = NULL;
    char length[64] = "";
    if (body)
        snprintf (length, sizeof length, "Content-Length: %zu\r\n", body_size);
    int head_size = asprintf (&head,
                              "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n"
                              "%s%s\r\n",
                              method, target, port, length, headers ? headers : "");
    assert (head_size > 0);
    size_t size = 0;
    char *raw = tls_wire_is_at (port)
                    ? s_exchange_by_tls (port, head, (size_t) head_size, body, body_size, &size)
                    : s_exchange (port, head, (size_t) head_size, body, body_size, &size);
    http_answer_t answer = raw ? s_parse (raw, size) : (http_answer_t){ 0 };
    free (head);
    exchange_record (method, target, headers, body, body_size, &answer);
    return answer;
}

http_answer_t
http_get (uint16_t port, const char *target, const char *headers)
{
    return http_request (port, "GET", target, headers, NULL, 0);
}

void
http_answer_free (http_answer_t *self)
{
    free (self->headers);
    free (self->body);
    *self = (http_answer_t){ 0 };
}
