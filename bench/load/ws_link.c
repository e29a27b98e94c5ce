//  ws_link — see ws_link.h.

#include "ws_link.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/list.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define EVENTS_MOST 256
#define READ_SIZE (256 * 1024)
#define FRAME_MOST (1024 * 1024)
#define WAITING_MOST (4 * 1024 * 1024)
#define NARROW_SEGMENT 1400
#define CLIENT_NET 0x7f010000u //  127.1.0.0/16: the loopback's, too
#define CLIENT_ADDRESSES 250

enum { TEXT_FRAME = 1, CLOSE_FRAME = 8, PING_FRAME = 9, PONG_FRAME = 10 };

typedef enum { CONNECTING, UPGRADING, OPEN, GONE } link_state_t;

struct ws_loop {
    int epoll;
    int timer;
    list_t unwritten; //  links that have something to write and may
    char read_buffer[READ_SIZE];
};

struct ws_link {
    list_t in_unwritten;
    ws_loop_t *loop;
    const ws_events_t *events;
    void *owner;
    int handle;
    link_state_t state;
    bool is_full;    //  the socket takes nothing at the moment
    bool is_paused;  //  is not read
    char why[40];    //  words for a close code
    buffer_t input;  //  a frame that has not come whole
    buffer_t output; //  from `written` on still to be written
    size_t written;
};

// ---------------------------------------------------------------------------------------------
//  The loop's own things

ws_loop_t *
ws_loop_new (void)
{
    ws_loop_t *self = calloc (1, sizeof *self);
    assert (self);
    list_init (&self->unwritten);
    self->epoll = epoll_create1 (EPOLL_CLOEXEC);
    self->timer = timerfd_create (CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
    if (self->epoll < 0 || self->timer < 0
        || epoll_ctl (self->epoll, EPOLL_CTL_ADD, self->timer, &event) != 0)
        ws_loop_destroy (&self);
    return self;
}

void
ws_loop_destroy (ws_loop_t **self_p)
{
    ws_loop_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    if (self->timer >= 0)
        close (self->timer);
    if (self->epoll >= 0)
        close (self->epoll);
    free (self);
}

//  Always for input unless it is paused; for output when the socket is full.
static void
s_watch (const ws_link_t *self)
{
    struct epoll_event event = {
        .events = (self->is_paused ? 0u : EPOLLIN) | (self->is_full ? EPOLLOUT : 0u),
        .data.ptr = (void *) (uintptr_t) self,
    };
    int rc = epoll_ctl (self->loop->epoll, EPOLL_CTL_MOD, self->handle, &event);
    assert (rc == 0);
}

// ---------------------------------------------------------------------------------------------
//  One link: its life

//  Segments of the loopback have 64 KiB, and the sender's buffer is a multiple of them.
static void
s_narrow (int handle, int bytes)
{
    int segment = NARROW_SEGMENT;
    setsockopt (handle, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    setsockopt (handle, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
}

//  Clients come from many addresses. From one the kernel would try port after port that is taken,
//  which for a crowd costs more than all else.
static void
s_come_from_one_of_many (int handle)
{
    static uint32_t count;
    int on = 1;
    setsockopt (handle, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl (CLIENT_NET | ((uint32_t) getpid () & 0xff) << 8
                                  | (1 + count++ % CLIENT_ADDRESSES)),
    };
    //  Where that cannot be, it is the usual one.
    (void) !bind (handle, (const struct sockaddr *) &address, sizeof address);
}

ws_link_t *
ws_link_new (ws_loop_t *loop, uint16_t port, const char *target, const ws_events_t *events,
             void *owner)
{
    return ws_link_new_narrow (loop, port, target, events, owner, 0);
}

ws_link_t *
ws_link_new_narrow (ws_loop_t *loop, uint16_t port, const char *target, const ws_events_t *events,
                    void *owner, int bytes)
{
    int handle = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (handle < 0)
        return NULL;
    int on = 1;
    setsockopt (handle, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    //  Both sides agree on them when they connect.
    if (bytes)
        s_narrow (handle, bytes);
    s_come_from_one_of_many (handle);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons (port),
                                   .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    ws_link_t *self = calloc (1, sizeof *self);
    assert (self);
    *self = (ws_link_t){ .loop = loop, .events = events, .owner = owner, .handle = handle };
    list_init (&self->in_unwritten);
    buffer_init (&self->input, FRAME_MOST + 16);
    buffer_init (&self->output, WAITING_MOST);
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT, .data.ptr = self };
    char request[1024];
    int size = snprintf (request, sizeof request,
                         "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
                         "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                         "Sec-WebSocket-Key: c3RlbnRvci1iZW5jaC1sZA==\r\n\r\n",
                         target, port);
    assert (size > 0 && (size_t) size < sizeof request);
    if ((connect (handle, (struct sockaddr *) &address, sizeof address) != 0
         && errno != EINPROGRESS)
        || epoll_ctl (loop->epoll, EPOLL_CTL_ADD, handle, &event) != 0
        || buffer_put (&self->output, request, (size_t) size) != 0)
        ws_link_destroy (&self);
    return self;
}

void
ws_link_destroy (ws_link_t **self_p)
{
    ws_link_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    int reason = errno;
    list_remove (&self->in_unwritten);
    if (self->handle >= 0)
        close (self->handle);
    buffer_free (&self->input);
    buffer_free (&self->output);
    free (self);
    errno = reason;
}

void
ws_link_reset (ws_link_t **self_p)
{
    struct linger at_once = { .l_onoff = 1 };
    if (*self_p && (*self_p)->handle >= 0)
        setsockopt ((*self_p)->handle, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ws_link_destroy (self_p);
}

void
ws_link_pause (ws_link_t *self, bool holds)
{
    if (self->state != OPEN || self->is_paused == holds)
        return;
    self->is_paused = holds;
    s_watch (self);
}

static void
s_gone (ws_link_t *self, const char *why)
{
    if (self->state == GONE)
        return;
    self->state = GONE;
    list_remove (&self->in_unwritten);
    close (self->handle);
    self->handle = -1;
    self->events->on_gone (self->owner, self, why);
}

// ---------------------------------------------------------------------------------------------
//  Writing

static void
s_write (ws_link_t *self)
{
    list_remove (&self->in_unwritten);
    while (self->written < self->output.size) {
        ssize_t size = send (self->handle, self->output.data + self->written,
                             self->output.size - self->written, MSG_NOSIGNAL);
        if (size < 0 && errno == EAGAIN) {
            self->is_full = true;
            s_watch (self);
            return;
        }
        if (size < 0) {
            s_gone (self, "cannot be written to");
            return;
        }
        self->written += (size_t) size;
    }
    self->written = 0;
    buffer_clear (&self->output);
}

//  The mask hides nothing here. It is there because a server must undo one.
static void
s_copy_masked (char *to, const char *from, size_t size, uint32_t key)
{
    uint64_t keys = (uint64_t) key << 32 | key;
    size_t at = 0;
    for (; at + 8 <= size; at += 8) {
        uint64_t piece;
        memcpy (&piece, from + at, 8);
        piece ^= keys;
        memcpy (to + at, &piece, 8);
    }
    for (; at < size; at++)
        to[at] = (char) (from[at] ^ (char) (keys >> (at % 8 * 8)));
}

static int
s_put_frame (ws_link_t *self, unsigned opcode, const char *data, size_t size)
{
    static const uint32_t s_key = 0x5bd1e995;
    assert (size <= UINT16_MAX);
    size_t head = size < 126 ? 6 : 8;
    if (self->state == GONE)
        return -1;
    char *place = buffer_grow (&self->output, head + size);
    if (!place)
        return -1;
    place[0] = (char) (0x80 | opcode);
    place[1] = (char) (0x80 | (size < 126 ? size : 126));
    if (size >= 126) {
        place[2] = (char) (size >> 8);
        place[3] = (char) size;
    }
    memcpy (place + head - 4, &s_key, 4);
    s_copy_masked (place + head, data, size, s_key);
    if (!self->is_full)
        list_append (&self->loop->unwritten, &self->in_unwritten);
    return 0;
}

int
ws_link_say (ws_link_t *self, const char *text, size_t size)
{
    assert (self->state == OPEN || self->state == GONE);
    return s_put_frame (self, TEXT_FRAME, text, size);
}

// ---------------------------------------------------------------------------------------------
//  Reading

//  Handles one frame; returns its size, or 0 when it has not come whole.
static size_t
s_take_frame (ws_link_t *self, const char *data, size_t size)
{
    const unsigned char *head = (const unsigned char *) data;
    if (size < 2)
        return 0;
    uint64_t body = head[1] & 0x7f;
    size_t head_size = body == 126 ? 4 : body == 127 ? 10 : 2;
    if (size < head_size)
        return 0;
    if (head_size > 2) {
        body = 0;
        for (size_t at = 2; at < head_size; at++)
            body = body << 8 | head[at];
    }
    unsigned opcode = head[0] & 0x0f;
    if (!(head[0] & 0x80) || (head[1] & 0x80) || body > FRAME_MOST) {
        s_gone (self, "a frame that is not expected");
        return 0;
    }
    if (size < head_size + body)
        return 0;
    text_t text = { data + head_size, (size_t) body };
    if (opcode == TEXT_FRAME)
        self->events->on_text (self->owner, self, text);
    else if (opcode == PING_FRAME && s_put_frame (self, PONG_FRAME, text.data, text.size) != 0)
        s_gone (self, "cannot be written to");
    else if (opcode == CLOSE_FRAME) {
        unsigned code = text.size >= 2 ? (unsigned) head[head_size] << 8 | head[head_size + 1] : 0;
        snprintf (self->why, sizeof self->why, "closed by the server with %u", code);
        s_gone (self, self->why);
    }
    return head_size + (size_t) body;
}

//  The answer to the upgrade; returns its size, or 0 when it has not come whole.
static size_t
s_take_upgrade (ws_link_t *self, const char *data, size_t size)
{
    const char *end = memmem (data, size, "\r\n\r\n", 4);
    if (!end)
        return 0;
    if (size < 12 || memcmp (data, "HTTP/1.1 101", 12) != 0) {
        s_gone (self, "refused the upgrade");
        return 0;
    }
    self->state = OPEN;
    self->events->on_open (self->owner, self);
    return (size_t) (end - data) + 4;
}

//  Handles all that is whole; returns how many bytes that was.
static size_t
s_take (ws_link_t *self, const char *data, size_t size)
{
    size_t taken = 0;
    while (taken < size && self->state != GONE) {
        size_t step = self->state == OPEN ? s_take_frame (self, data + taken, size - taken)
                                          : s_take_upgrade (self, data + taken, size - taken);
        if (step == 0)
            break;
        taken += step;
    }
    return taken;
}

//  What is not whole is kept; most of the time that is nothing, and nothing is copied.
static void
s_took_in (ws_link_t *self, const char *data, size_t size)
{
    bool is_kept = self->input.size > 0;
    if (is_kept) {
        if (buffer_put (&self->input, data, size) != 0) {
            s_gone (self, "a frame that is too long");
            return;
        }
        data = self->input.data;
        size = self->input.size;
    }
    size_t taken = s_take (self, data, size);
    if (self->state == GONE)
        return;
    if (taken == size)
        buffer_free (&self->input);
    else if (is_kept) {
        memmove (self->input.data, data + taken, size - taken);
        self->input.size = size - taken;
    } else if (buffer_put (&self->input, data + taken, size - taken) != 0)
        s_gone (self, "a frame that is too long");
}

static void
s_read (ws_link_t *self)
{
    ssize_t size = recv (self->handle, self->loop->read_buffer, READ_SIZE, 0);
    if (size > 0)
        s_took_in (self, self->loop->read_buffer, (size_t) size);
    else if (size == 0)
        s_gone (self, "cut off by the server");
    else if (errno != EAGAIN)
        s_gone (self, self->state == CONNECTING ? "cannot connect" : "reset by the server");
}

// ---------------------------------------------------------------------------------------------
//  The loop

static void
s_happened (ws_link_t *self, uint32_t what)
{
    if (self->state == GONE)
        return;
    if (what & EPOLLOUT) {
        if (self->state == CONNECTING)
            self->state = UPGRADING;
        self->is_full = false;
        s_watch (self);
        s_write (self);
    }
    if (self->state == GONE)
        return;
    if (!self->is_paused && (what & (EPOLLIN | EPOLLERR | EPOLLHUP)))
        s_read (self);
    else if (what & (EPOLLERR | EPOLLHUP))
        s_gone (self, "reset by the server while not reading");
}

static void
s_write_all (ws_loop_t *self)
{
    for (list_t *first; (first = list_first (&self->unwritten));)
        s_write (LIST_THING (first, ws_link_t, in_unwritten));
}

void
ws_loop_turn (ws_loop_t *self, uint64_t until_us)
{
    struct itimerspec at = { .it_value = { .tv_sec = (time_t) (until_us / 1000000),
                                           .tv_nsec = (long) (until_us % 1000000 * 1000) } };
    struct epoll_event events[EVENTS_MOST];
    bool is_due = until_us <= clock_mono_us ();
    s_write_all (self);
    timerfd_settime (self->timer, TFD_TIMER_ABSTIME, &at, NULL);
    int count = epoll_wait (self->epoll, events, EVENTS_MOST, is_due ? 0 : -1);
    for (int index = 0; index < count; index++)
        if (events[index].data.ptr)
            s_happened (events[index].data.ptr, events[index].events);
    s_write_all (self);
}
