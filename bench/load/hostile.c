//  hostile — one client that means no good, at full speed. See plan.h.
//
//  It has `at_once` sockets. Each begins anew as soon as it is ended; what the server says is
//  thrown away. It comes from addresses of its own in 127/8, so as not to use up the ports of
//  those who mean well.

#include "plan.h"

#include "base/buffer.h"
#include "base/clock.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECOND 1000000u //  µs
#define EVENTS_MOST 64
#define BLOCK_MOST (1u << 20)
#define FRAME_BODY 120u
#define HUGE_FRAME (1ull << 30)
#define HUGE_BODY (64u << 10)
#define HALF_OPEN 256u
#define SOURCES 200u
#define CANNOT_BEGIN 69

typedef enum { CONNECTING, ASKING, OPEN } attack_state_t;

typedef struct hostile hostile_t;

typedef struct {
    hostile_t *hostile;
    int handle;
    attack_state_t state;
    uint64_t written; //  of what it says when it is open
} attack_t;

//  What is said once the socket is open: the first part, then the rest again and again.
typedef struct {
    buffer_t bytes;
    size_t repeat_from;
} speech_t;

struct hostile {
    const plan_t *plan;
    int epoll;
    attack_t *attacks;
    char request[256];
    size_t request_size;
    speech_t speech;
    //  Called when a socket is connected, and when the first answer is in.
    void (*connected) (attack_t *attack);
    void (*answered) (attack_t *attack);
    int half_open[HALF_OPEN];
    uint64_t connections, refused, ended, bytes;
    char trash[64 * 1024];
};

// ---------------------------------------------------------------------------------------------
//  A socket

static void
s_watch (attack_t *self, int how, uint32_t what)
{
    struct epoll_event event = { .events = what, .data.ptr = self };
    int rc = epoll_ctl (self->hostile->epoll, how, self->handle, &event);
    assert (rc == 0);
}

static void
s_begin_attack (attack_t *self)
{
    hostile_t *hostile = self->hostile;
    int on = 1;
    struct sockaddr_in from = { .sin_family = AF_INET };
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    from.sin_addr.s_addr
        = htonl (0x7f010101u + ((uint32_t) (hostile->connections % SOURCES) << 8));
    to.sin_port = htons (hostile->plan->ports[hostile->connections % hostile->plan->port_count]);
    hostile->connections++;
    self->state = CONNECTING;
    self->written = 0;
    self->handle = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert (self->handle >= 0);
    setsockopt (self->handle, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt (self->handle, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind (self->handle, (struct sockaddr *) &from, sizeof from) != 0
        || (connect (self->handle, (struct sockaddr *) &to, sizeof to) != 0
            && errno != EINPROGRESS))
        hostile->refused++;
    s_watch (self, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
}

static void
s_close (int handle, bool reset)
{
    struct linger linger = { .l_onoff = 1, .l_linger = 0 };
    if (reset)
        setsockopt (handle, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close (handle);
}

static void
s_anew (attack_t *self, bool reset)
{
    s_close (self->handle, reset);
    s_begin_attack (self);
}

static void
s_ask (attack_t *self)
{
    const hostile_t *hostile = self->hostile;
    self->state = ASKING;
    (void) !send (self->handle, hostile->request, hostile->request_size, MSG_NOSIGNAL);
    s_watch (self, EPOLL_CTL_MOD, EPOLLIN);
}

// ---------------------------------------------------------------------------------------------
//  Garbage and huge frames

static void
s_open (attack_t *self)
{
    self->state = OPEN;
    s_watch (self, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

static void
s_speak (attack_t *self)
{
    hostile_t *hostile = self->hostile;
    const speech_t *speech = &hostile->speech;
    size_t at = (size_t) self->written;
    if (at >= speech->bytes.size)
        at = speech->repeat_from
             + (at - speech->repeat_from) % (speech->bytes.size - speech->repeat_from);
    ssize_t size = send (self->handle, speech->bytes.data + at, speech->bytes.size - at,
                         MSG_NOSIGNAL);
    if (size < 0 && errno == EAGAIN)
        return;
    if (size < 0) {
        hostile->ended++;
        s_anew (self, true);
        return;
    }
    self->written += (uint64_t) size;
    hostile->bytes += (uint64_t) size;
}

//  A mask of zeros: the bytes as they are.
static void
s_put_frame_head (buffer_t *to, uint64_t size)
{
    bool is_long = size > UINT16_MAX;
    size_t digits = is_long ? 8 : 2;
    char *head = buffer_grow (to, 2 + digits + 4);
    assert (head);
    memset (head, 0, 2 + digits + 4);
    head[0] = (char) 0x81;
    head[1] = (char) (0x80 | (is_long ? 127 : 126));
    for (size_t at = 2 + digits; at > 2; size >>= 8)
        head[--at] = (char) size;
}

static void
s_put_body (buffer_t *to, const char *words, size_t size)
{
    char *body = buffer_grow (to, size);
    assert (body);
    memset (body, ' ', size);
    memcpy (body, words, strlen (words) < size ? strlen (words) : size);
}

//  All are refused, none in a way that ends the connection at once: that is for the sixteenth.
static void
s_put_garbage (buffer_t *to)
{
    static const char *const s_bodies[] = {
        "no JSON at all",
        "{\"event\":\"new message\",\"sessionId\":\"s\",\"data\":{\"a\":[[[[[[[[[[[[[[[[",
        "{\"event\":\"no such event\",\"sessionId\":\"s\"}",
        "{\"event\":\"new message\",\"sessionId\":{\"a\":1},\"data\":\"text\"}",
        "{\"event\":\"user joined\"}",
        "[1,2,3,4,5,6,7,8,9,10]",
        "{\"event\":\"barge in\",\"sessionId\":\"s\"}",
        "{\"event\":\"new message\",\"sessionId\":\"s\",\"data\":{\"n\":1e999999}}",
    };
    for (unsigned at = 0; at < 8 * sizeof s_bodies / sizeof s_bodies[0]; at++) {
        s_put_frame_head (to, FRAME_BODY);
        s_put_body (to, s_bodies[at % (sizeof s_bodies / sizeof s_bodies[0])], FRAME_BODY);
    }
}

static void
s_put_huge (buffer_t *to)
{
    s_put_frame_head (to, HUGE_FRAME);
    s_put_body (to, "{\"event\":\"new message\",\"sessionId\":\"s\",\"data\":{\"text\":\"",
                HUGE_BODY);
}

// ---------------------------------------------------------------------------------------------
//  Connections for nothing

//  Half a request, and then nothing: the oldest of them makes room.
static void
s_leave_half_open (attack_t *self)
{
    hostile_t *hostile = self->hostile;
    int *place = &hostile->half_open[hostile->connections / 4 % HALF_OPEN];
    (void) !send (self->handle, hostile->request, hostile->request_size / 2, MSG_NOSIGNAL);
    epoll_ctl (hostile->epoll, EPOLL_CTL_DEL, self->handle, NULL);
    if (*place)
        s_close (*place, true);
    *place = self->handle;
    s_begin_attack (self);
}

static void
s_waste (attack_t *self)
{
    switch (self->hostile->connections % 4) {
    case 0:
        s_anew (self, false);
        break;
    case 1:
        s_anew (self, true);
        break;
    case 2:
        s_leave_half_open (self);
        break;
    default:
        s_ask (self);
    }
}

static void
s_leave (attack_t *self)
{
    s_anew (self, true);
}

// ---------------------------------------------------------------------------------------------

//  A close frame with a code of 1000 and something is the only thing said that has these bytes.
static bool
s_has_close (const char *data, size_t size)
{
    for (size_t at = 0; at + 2 < size; at++)
        if (data[at] == (char) 0x88 && data[at + 2] == 3)
            return true;
    return false;
}

static void
s_hear (attack_t *self)
{
    hostile_t *hostile = self->hostile;
    ssize_t size = recv (self->handle, hostile->trash, sizeof hostile->trash, 0);
    if (size < 0 && errno == EAGAIN)
        return;
    if (size > 0 && self->state == ASKING) {
        hostile->answered (self);
    } else if (size <= 0 || s_has_close (hostile->trash, (size_t) size)) {
        hostile->ended++;
        s_anew (self, true);
    }
}

static void
s_happened (attack_t *self, uint32_t what)
{
    if (what & (EPOLLERR | EPOLLHUP)) {
        self->hostile->ended++;
        s_anew (self, true);
        return;
    }
    if ((what & EPOLLOUT) && self->state == CONNECTING) {
        self->hostile->connected (self);
        return;
    }
    uint64_t before = self->hostile->connections;
    if ((what & EPOLLIN) && self->state != CONNECTING)
        s_hear (self);
    if ((what & EPOLLOUT) && self->state == OPEN && self->hostile->connections == before)
        s_speak (self);
}

static void
s_attack (hostile_t *self)
{
    const plan_t *plan = self->plan;
    uint64_t until
        = clock_mono_us () + (uint64_t) (plan->warm_up_seconds + plan->seconds) * SECOND;
    for (unsigned index = 0; index < plan->at_once; index++) {
        self->attacks[index].hostile = self;
        s_begin_attack (&self->attacks[index]);
    }
    while (clock_mono_us () < until) {
        struct epoll_event events[EVENTS_MOST];
        int count = epoll_wait (self->epoll, events, EVENTS_MOST, 100);
        for (int index = 0; index < count; index++)
            s_happened (events[index].data.ptr, events[index].events);
    }
}

static void
s_report (const hostile_t *self)
{
    uint64_t seconds = self->plan->warm_up_seconds + self->plan->seconds;
    printf ("connections=%" PRIu64 "\nbytes=%" PRIu64 "\nended=%" PRIu64 "\nrefused=%" PRIu64 "\n",
            self->connections / seconds, self->bytes / seconds, self->ended / seconds,
            self->refused / seconds);
    printf ("frames=%" PRIu64 "\n", self->bytes / (FRAME_BODY + 8) / seconds);
    printf ("cpu_percent=%" PRIu64 "\n",
            clock_read (CLOCK_PROCESS_CPUTIME_ID, SECOND) * 100 / SECOND / seconds);
}

static int
s_hostile (hostile_t *self, const plan_t *plan)
{
    self->plan = plan;
    self->epoll = epoll_create1 (EPOLL_CLOEXEC);
    self->attacks = calloc (plan->at_once, sizeof *self->attacks);
    assert (self->attacks);
    self->request_size = (size_t) snprintf (
        self->request, sizeof self->request,
        "GET /?userId=hostile&protocol=2 HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: c3RlbnRvci1iZW5jaC1sZA==\r\n\r\n");
    if (self->epoll < 0)
        return CANNOT_BEGIN;
    s_attack (self);
    s_report (self);
    buffer_free (&self->speech.bytes);
    free (self->attacks);
    return 0;
}

static int
s_speaker (const plan_t *plan, void (*put) (buffer_t *to), size_t repeat_from)
{
    static hostile_t s_self;
    buffer_init (&s_self.speech.bytes, BLOCK_MOST);
    put (&s_self.speech.bytes);
    s_self.speech.repeat_from = repeat_from;
    s_self.connected = s_ask;
    s_self.answered = s_open;
    return s_hostile (&s_self, plan);
}

int
hostile_garbage (const plan_t *plan)
{
    return s_speaker (plan, s_put_garbage, 0);
}

int
hostile_huge (const plan_t *plan)
{
    return s_speaker (plan, s_put_huge, 14);
}

int
hostile_connects (const plan_t *plan)
{
    static hostile_t s_self = { .connected = s_waste, .answered = s_leave };
    return s_hostile (&s_self, plan);
}
