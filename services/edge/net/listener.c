#include "net/listener.h"

#include "tables/edge_metrics.h"
#include "base/alloc.h"
#include "base/token_bucket.h"
#include "base/log.h"
#include "base/loop_timer.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096
//  In one turn of the loop at most so many sockets are looked at, and so many accepted.
#define LOOKS_PER_TURN 64
#define ACCEPTS_PER_TURN 16
//  When accepting failed for lack of descriptors or memory, it is tried again after this.
#define PAUSE_MS 100
//  When the rate limit is reached, after this.
#define RATE_PAUSE_MS 4

struct listener {
    uv_poll_t poll;
    uv_loop_t *loop;
    loop_timer_t *pause;
    token_bucket_t rate;
    uint64_t per_second;
    uint64_t burst;
    int descriptor;
    listener_accept_fn *accepted;
    void *owner;
};

static int
s_address (const char *address, uint16_t port, struct sockaddr_storage *to)
{
    if (uv_ip4_addr (address, port, (struct sockaddr_in *) to) == 0)
        return 0;
    if (uv_ip6_addr (address, port, (struct sockaddr_in6 *) to) == 0)
        return 0;
    errno = EADDRNOTAVAIL;
    return -1;
}

bool
listener_is_address (const char *address)
{
    struct sockaddr_storage to;
    return s_address (address, 0, &to) == 0;
}

static uint16_t
s_port (int descriptor)
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    if (getsockname (descriptor, (struct sockaddr *) &bound, &size) != 0)
        return 0;
    return ntohs (bound.ss_family == AF_INET ? ((struct sockaddr_in *) &bound)->sin_port
                                             : ((struct sockaddr_in6 *) &bound)->sin6_port);
}

static int
s_listen (const struct sockaddr_storage *address)
{
    int descriptor
        = socket (address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (descriptor == -1)
        return -1;
    int on = 1;
    socklen_t size = address->ss_family == AF_INET ? sizeof (struct sockaddr_in)
                                                   : sizeof (struct sockaddr_in6);
    if (setsockopt (descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0
        || bind (descriptor, (const struct sockaddr *) address, size) != 0
        || listen (descriptor, BACKLOG) != 0) {
        int why = errno;
        close (descriptor);
        errno = why;
        return -1;
    }
    return descriptor;
}

static void s_on_readable (uv_poll_t *poll, int status, int events);

static void
s_on_pause_over (void *owner)
{
    listener_t *self = owner;
    uv_poll_start (&self->poll, UV_READABLE, s_on_readable);
}

//  Sockets that wait keep the descriptor readable: polling it meanwhile would spin.
static void
s_pause (listener_t *self, uint64_t time_ms)
{
    uv_poll_stop (&self->poll);
    loop_timer_start_ms (self->pause, time_ms, 0);
}

static void
s_on_failed (listener_t *self)
{
    int why = errno;
    if (why != EMFILE && why != ENFILE && why != ENOBUFS && why != ENOMEM)
        return; //  none is left, or this one was reset
    edge_count (EDGE_ACCEPTS_FAILED, 1);
    static log_limit_t limit = LOG_LIMIT (LOG_WARN, "cannot accept");
    if (log_limit_allows (&limit))
        log_warn ("cannot accept", log_string ("reason", strerror (why)));
    s_pause (self, PAUSE_MS);
}

//  False when its client has gone already, or may not come in.
static bool
s_accepted (listener_t *self, int descriptor, const struct sockaddr_storage *from)
{
    //  Has its client closed or reset it already?
    char byte;
    ssize_t size = recv (descriptor, &byte, 1, MSG_PEEK);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) {
        edge_count (EDGE_SOCKETS_ABANDONED, 1);
        close (descriptor);
        return false;
    }
    int on = 1;
    (void) setsockopt (descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ip_address_t peer;
    int rc = ip_address_of (&peer, (const struct sockaddr *) from);
    assert (rc == 0);
    if (!self->accepted (self->owner, descriptor, &peer))
        return false;
    token_bucket_take (&self->rate, uv_now (self->loop), self->per_second);
    return true;
}

//  Level-triggered: what is left comes again in the next turn, after the others had theirs.
static void
s_on_readable (uv_poll_t *poll, int status, int events)
{
    (void) events;
    listener_t *self = poll->data;
    int taken = 0;
    for (int looked = 0; status == 0 && looked < LOOKS_PER_TURN && taken < ACCEPTS_PER_TURN;
         looked++) {
        if (token_bucket_is_spent (&self->rate, uv_now (self->loop), self->per_second,
                                   self->burst)) {
            edge_count (EDGE_ACCEPTS_THROTTLED, 1);
            s_pause (self, RATE_PAUSE_MS);
            return;
        }
        struct sockaddr_storage from;
        socklen_t size = sizeof from;
        int descriptor = accept4 (self->descriptor, (struct sockaddr *) &from, &size,
                                  SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor == -1) {
            s_on_failed (self);
            return;
        }
        taken += s_accepted (self, descriptor, &from);
    }
}

listener_t *
listener_new (uv_loop_t *loop, const listener_config_t *config, listener_accept_fn *accepted,
              void *owner)
{
    struct sockaddr_storage bound = { 0 };
    if (s_address (config->address, config->port, &bound) != 0)
        return NULL;
    int descriptor = s_listen (&bound);
    if (descriptor == -1)
        return NULL;
    listener_t *self = alloc_zeroed (sizeof *self);
    if (uv_poll_init (loop, &self->poll, descriptor) != 0) {
        free (self);
        close (descriptor);
        errno = ENOMEM;
        return NULL;
    }
    self->descriptor = descriptor;
    self->loop = loop;
    self->accepted = accepted;
    self->owner = owner;
    self->per_second = config->per_second;
    self->burst = config->burst;
    self->pause = loop_timer_new (loop, s_on_pause_over, self);
    self->poll.data = self;
    uv_poll_start (&self->poll, UV_READABLE, s_on_readable);
    log_info ("listening", log_string ("address", config->address),
              log_number ("port", s_port (descriptor)), log_string ("scheme", config->scheme));
    return self;
}

static void
s_on_closed (uv_handle_t *handle)
{
    free (handle->data);
}

void
listener_destroy (listener_t **self_p)
{
    listener_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    uv_poll_stop (&self->poll);
    close (self->descriptor);
    uv_close ((uv_handle_t *) &self->poll, s_on_closed);
    loop_timer_destroy (&self->pause);
}
