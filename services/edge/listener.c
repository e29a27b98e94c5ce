#include "listener.h"

#include "complaint.h"
#include "edge_counters.h"
#include "service/log.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096
#define ACCEPTS_PER_TURN 64
//  Where accepting fails for want of something, it is tried again after this.
#define REST_MS 100

struct listener {
    uv_poll_t poll;
    uv_timer_t rest;
    unsigned handles; //  not closed yet
    complaint_t complaint;
    int descriptor;
    uint16_t port;
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
s_on_rested (uv_timer_t *rest)
{
    listener_t *self = rest->data;
    uv_poll_start (&self->poll, UV_READABLE, s_on_readable);
}

//  Whoever waits in the backlog keeps the descriptor readable: to look again at once is to spin.
static void
s_on_failed (listener_t *self)
{
    int why = errno;
    if (why != EMFILE && why != ENFILE && why != ENOBUFS && why != ENOMEM)
        return; //  nobody is there any more, or this one has gone
    edge_count (EDGE_ACCEPTS_FAILED, 1);
    if (complaint_is_due (&self->complaint, uv_now (self->rest.loop)))
        log_warn ("cannot accept", log_string ("reason", strerror (why)));
    uv_poll_stop (&self->poll);
    uv_timer_start (&self->rest, s_on_rested, REST_MS, 0);
}

//  Level-triggered: what is left comes again in the next turn, after the others had theirs.
static void
s_on_readable (uv_poll_t *poll, int status, int events)
{
    (void) events;
    listener_t *self = poll->data;
    for (int taken = 0; status == 0 && taken < ACCEPTS_PER_TURN; taken++) {
        int descriptor = accept4 (self->descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor == -1) {
            s_on_failed (self);
            return;
        }
        int on = 1;
        (void) setsockopt (descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        self->accepted (self->owner, descriptor);
    }
}

listener_t *
listener_new (uv_loop_t *loop, const char *address, uint16_t port, listener_accept_fn *accepted,
              void *owner)
{
    struct sockaddr_storage bound = { 0 };
    if (s_address (address, port, &bound) != 0)
        return NULL;
    int descriptor = s_listen (&bound);
    if (descriptor == -1)
        return NULL;
    listener_t *self = malloc (sizeof *self);
    if (!self || uv_poll_init (loop, &self->poll, descriptor) != 0) {
        free (self);
        close (descriptor);
        errno = ENOMEM;
        return NULL;
    }
    self->descriptor = descriptor;
    self->port = s_port (descriptor);
    self->accepted = accepted;
    self->owner = owner;
    self->handles = 2;
    self->complaint = (complaint_t){ 0 };
    uv_timer_init (loop, &self->rest);
    self->poll.data = self->rest.data = self;
    uv_poll_start (&self->poll, UV_READABLE, s_on_readable);
    return self;
}

static void
s_on_closed (uv_handle_t *handle)
{
    listener_t *self = handle->data;
    if (--self->handles == 0)
        free (self);
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
    uv_close ((uv_handle_t *) &self->rest, s_on_closed);
}

uint16_t
listener_port (const listener_t *self)
{
    return self->port;
}
