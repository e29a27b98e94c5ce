#include "tcp_talk.h"

#include "base/clock.h"
#include "tls_wire.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TAKES_WITHIN_MS 10000

tcp_talk_t
tcp_talk_in_clear (uint16_t port, int receive_buffer)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons (port),
                                   .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    tcp_talk_t self = { .handle = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .room = 4096 };
    assert (self.handle >= 0);
    if (receive_buffer)
        setsockopt (self.handle, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    int rc = connect (self.handle, (struct sockaddr *) &address, sizeof address);
    assert (rc == 0);
    self.heard = calloc (1, self.room);
    assert (self.heard);
    return self;
}

tcp_talk_t
tcp_talk_new (uint16_t port, int receive_buffer)
{
    tcp_talk_t self = tcp_talk_in_clear (port, receive_buffer);
    if (tls_wire_is_at (port)) {
        self.tls = tls_wire_open (self.handle, NULL, NULL);
        assert (self.tls);
    }
    return self;
}

void
tcp_talk_free (tcp_talk_t *self)
{
    tls_wire_free (&self->tls);
    if (self->handle >= 0)
        close (self->handle);
    free (self->heard);
    *self = (tcp_talk_t){ .handle = -1 };
}

static bool
s_wait (const tcp_talk_t *self, short what, uint64_t until_ms)
{
    uint64_t now = clock_mono_ms ();
    struct pollfd handle = { .fd = self->handle, .events = what };
    if (what == POLLIN && self->tls && tls_wire_has_more (self->tls))
        return true;
    return poll (&handle, 1, until_ms > now ? (int) (until_ms - now) : 0) == 1;
}

bool
tcp_talk_say (tcp_talk_t *self, const void *bytes, size_t size)
{
    uint64_t until = clock_mono_ms () + TAKES_WITHIN_MS;
    const char *at = bytes;
    while (size > 0) {
        ssize_t sent = self->tls ? tls_wire_send (self->tls, at, size)
                                 : send (self->handle, at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno != EAGAIN || !s_wait (self, POLLOUT, until)))
            return false;
        if (sent > 0) {
            at += sent;
            size -= (size_t) sent;
        }
    }
    return true;
}

void
tcp_talk_half_close (tcp_talk_t *self)
{
    shutdown (self->handle, SHUT_WR);
}

void
tcp_talk_reset (tcp_talk_t *self)
{
    struct linger at_once = { .l_onoff = 1 };
    setsockopt (self->handle, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close (self->handle);
    self->handle = -1;
}

void
tcp_talk_hear (tcp_talk_t *self, size_t most, uint64_t milliseconds)
{
    uint64_t until = clock_mono_ms () + milliseconds;
    while (!self->has_ended && self->size < most && s_wait (self, POLLIN, until)) {
        if (self->size + 1 == self->room) {
            self->room *= 2;
            self->heard = realloc (self->heard, self->room);
            assert (self->heard);
        }
        size_t room = self->room - self->size - 1;
        if (room > most - self->size)
            room = most - self->size;
        char *to = self->heard + self->size;
        ssize_t got = self->tls ? tls_wire_recv (self->tls, to, room)
                                : recv (self->handle, to, room, 0);
        if (got < 0 && errno == EAGAIN)
            continue; //  of TLS there was no whole record
        self->has_ended = got <= 0;
        self->was_reset = got < 0;
        self->size += got > 0 ? (size_t) got : 0;
        self->heard[self->size] = 0;
    }
}

bool
tcp_talk_hear_end (tcp_talk_t *self, uint64_t milliseconds)
{
    tcp_talk_hear (self, SIZE_MAX, milliseconds);
    return self->has_ended && !self->was_reset;
}

const char *
tcp_talk_statuses (const tcp_talk_t *self, const char *heads)
{
    static char statuses[1024];
    size_t size = 0;
    *statuses = 0;
    const char *at = self->heard, *end = self->heard + self->size;
    while (at < end && size + 8 < sizeof statuses) {
        const char *behind = strstr (at, "\r\n\r\n");
        if (strncmp (at, "HTTP/1.1 ", 9) != 0 || !behind) {
            snprintf (statuses + size, sizeof statuses - size, size ? " ?" : "?");
            break;
        }
        const char *length = strstr (at, "\r\ncontent-length: ");
        size_t body = length && length < behind && *heads != 'H'
                          ? strtoul (length + sizeof "\r\ncontent-length: " - 1, NULL, 10)
                          : 0;
        size += (size_t) snprintf (statuses + size, sizeof statuses - size, "%s%.3s",
                                   size ? " " : "", at + 9);
        heads += *heads != 0;
        at = behind + 4 + body;
    }
    return statuses;
}
