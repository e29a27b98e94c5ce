#include "bus/bus_socket.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <zmq.h>

#define ENDPOINT_MAX 256
#define RECONNECT_MS 100
#define RECONNECT_MOST_MS 500
#define CONNECT_TIMEOUT_MS 2000
//  A DEALER with ZMQ_IMMEDIATE forgets what it has not read when the connection goes: so that a
//  GOODBYE is read, the ROUTER keeps the connections for a moment behind it.
#define PARTING_MS 50

struct bus_socket {
    void *socket;
    bool is_router;
    bool is_destroyed;
    bool was_full; //  the last send was refused: ask before the next one builds its frame
    bus_socket_events_t events;
    void *owner;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;
    uv_poll_t poll;
    uv_timer_t parting;
    unsigned handles; //  not closed yet
    char endpoint[ENDPOINT_MAX];
};

//  ZeroMQ's context is the process's: its I/O thread serves all sockets, and ends with the last.
static void *s_context;
static unsigned s_context_users;

//  NULL when there are no descriptors left; it is given back all the same.
static void *
s_context_take (void)
{
    if (s_context_users++ == 0)
        s_context = zmq_ctx_new ();
    return s_context;
}

static void
s_context_give_back (void)
{
    if (--s_context_users > 0 || !s_context)
        return;
    while (zmq_ctx_term (s_context) == -1 && errno == EINTR)
        continue;
    s_context = NULL;
}

//  ZMQ_POLLIN and ZMQ_POLLOUT, as they are at this moment.
static int
s_state (bus_socket_t *self)
{
    int events = 0;
    size_t size = sizeof events;
    int rc = zmq_getsockopt (self->socket, ZMQ_EVENTS, &events, &size);
    return rc == 0 ? events : 0;
}

static void
s_nothing (uv_idle_t *idle)
{
    (void) idle;
}

static void
s_on_poll (uv_poll_t *poll, int status, int events)
{
    (void) poll, (void) status, (void) events;
}

//  Takes what is left of a message that has too many frames.
static void
s_skip (bus_socket_t *self, zmq_msg_t *frame)
{
    while (zmq_msg_more (frame))
        if (zmq_msg_recv (frame, self->socket, ZMQ_DONTWAIT) == -1)
            return;
}

static text_t
s_frame_text (zmq_msg_t *frame)
{
    return (text_t){ zmq_msg_data (frame), zmq_msg_size (frame) };
}

//  Takes one message. Returns its size, or −1 when there is none.
static int
s_take_one (bus_socket_t *self)
{
    zmq_msg_t from, body;
    zmq_msg_init (&from);
    zmq_msg_init (&body);
    zmq_msg_t *first = self->is_router ? &from : &body;
    int size = zmq_msg_recv (first, self->socket, ZMQ_DONTWAIT);
    if (size != -1) {
        bool is_good = !self->is_router
                       || (zmq_msg_more (&from)
                           && zmq_msg_recv (&body, self->socket, ZMQ_DONTWAIT) != -1);
        if (is_good && zmq_msg_more (&body)) {
            s_skip (self, &body);
            is_good = false;
        }
        size = (int) zmq_msg_size (&body);
        if (is_good)
            self->events.message (self->owner, s_frame_text (&from), s_frame_text (&body));
        else
            self->events.garbage (self->owner);
    }
    zmq_msg_close (&body);
    zmq_msg_close (&from);
    return size;
}

static void
s_before_sleep (uv_prepare_t *prepare)
{
    bus_socket_t *self = prepare->data;
    self->events.turn (self->owner);
    if (!self->is_destroyed && (s_state (self) & ZMQ_POLLIN))
        uv_idle_start (&self->idle, s_nothing);
}

static void
s_after_sleep (uv_check_t *check)
{
    bus_socket_t *self = check->data;
    uv_idle_stop (&self->idle);
    self->events.woken (self->owner);
    size_t bytes = 0;
    for (int taken = 0; taken < BUS_SOCKET_TURN && bytes < BUS_SOCKET_TURN_BYTES; taken++) {
        int size = self->is_destroyed ? -1 : s_take_one (self);
        if (size == -1)
            return;
        bytes += (size_t) size;
    }
}

static void
s_option (bus_socket_t *self, int option, int value)
{
    int rc = zmq_setsockopt (self->socket, option, &value, sizeof value);
    assert (rc == 0);
}

//  For a socket that never got onto the loop. Keeps errno.
static void
s_discard (bus_socket_t *self)
{
    int why = errno;
    if (self->socket)
        zmq_close (self->socket);
    s_context_give_back ();
    free (self);
    errno = why;
}

//  NULL when there are no descriptors left; errno says so.
static bus_socket_t *
s_new (int type, const bus_socket_events_t *events, void *owner)
{
    bus_socket_t *self = calloc (1, sizeof *self);
    assert (self);
    self->events = *events;
    self->owner = owner;
    self->is_router = type == ZMQ_ROUTER;
    self->socket = zmq_socket (s_context_take (), type);
    if (!self->socket) {
        s_discard (self);
        return NULL;
    }
    s_option (self, ZMQ_SNDTIMEO, 0);
    s_option (self, ZMQ_RCVTIMEO, 0);
    s_option (self, ZMQ_LINGER, BUS_SOCKET_LINGER_MS);
    s_option (self, ZMQ_SNDHWM, BUS_SOCKET_HWM);
    s_option (self, ZMQ_RCVHWM, BUS_SOCKET_HWM);
    int64_t message_max = BUS_MESSAGE_MAX;
    int rc = zmq_setsockopt (self->socket, ZMQ_MAXMSGSIZE, &message_max, sizeof message_max);
    assert (rc == 0);
    return self;
}

static void
s_start (bus_socket_t *self, uv_loop_t *loop)
{
    int descriptor;
    size_t size = sizeof descriptor;
    int rc = zmq_getsockopt (self->socket, ZMQ_FD, &descriptor, &size);
    assert (rc == 0);
    rc = uv_poll_init (loop, &self->poll, descriptor);
    assert (rc == 0);
    uv_prepare_init (loop, &self->prepare);
    uv_check_init (loop, &self->check);
    uv_idle_init (loop, &self->idle);
    uv_timer_init (loop, &self->parting);
    self->parting.data = self;
    self->poll.data = self->prepare.data = self->check.data = self->idle.data = self;
    self->handles = 5;
    uv_poll_start (&self->poll, UV_READABLE, s_on_poll);
    uv_prepare_start (&self->prepare, s_before_sleep);
    uv_check_start (&self->check, s_after_sleep);
}

bus_socket_t *
bus_socket_new_router (uv_loop_t *loop, const char *address, const bus_socket_events_t *events,
                       void *owner)
{
    bus_socket_t *self = s_new (ZMQ_ROUTER, events, owner);
    if (!self)
        return NULL;
    s_option (self, ZMQ_ROUTER_MANDATORY, 1);
    s_option (self, ZMQ_IPV6, strchr (address, '[') != NULL);
    size_t size = sizeof self->endpoint;
    if (zmq_bind (self->socket, address) == -1
        || zmq_getsockopt (self->socket, ZMQ_LAST_ENDPOINT, self->endpoint, &size) == -1) {
        s_discard (self);
        return NULL;
    }
    s_start (self, loop);
    return self;
}

bus_socket_t *
bus_socket_new_dealer (uv_loop_t *loop, const char *address, text_t id,
                       const bus_socket_events_t *events, void *owner)
{
    bus_socket_t *self = s_new (ZMQ_DEALER, events, owner);
    if (!self)
        return NULL;
    //  Nothing is queued for a connection that does not stand: it would be stale when it does.
    s_option (self, ZMQ_IMMEDIATE, 1);
    s_option (self, ZMQ_RECONNECT_IVL, RECONNECT_MS);
    s_option (self, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MOST_MS);
    s_option (self, ZMQ_CONNECT_TIMEOUT, CONNECT_TIMEOUT_MS);
    s_option (self, ZMQ_IPV6, strchr (address, '[') != NULL);
    if (zmq_setsockopt (self->socket, ZMQ_ROUTING_ID, id.data, id.size) == -1
        || zmq_connect (self->socket, address) == -1) {
        s_discard (self);
        return NULL;
    }
    s_start (self, loop);
    return self;
}

static void
s_on_closed (uv_handle_t *handle)
{
    bus_socket_t *self = handle->data;
    if (--self->handles > 0)
        return;
    s_context_give_back ();
    free (self);
}

static void
s_on_parted (uv_timer_t *timer)
{
    bus_socket_t *self = timer->data;
    zmq_close (self->socket);
    uv_close ((uv_handle_t *) timer, s_on_closed);
}

void
bus_socket_destroy (bus_socket_t **self_p)
{
    bus_socket_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    self->is_destroyed = true;
    //  The loop forgets the descriptor before ZeroMQ closes it.
    uv_poll_stop (&self->poll);
    uv_close ((uv_handle_t *) &self->poll, s_on_closed);
    uv_close ((uv_handle_t *) &self->prepare, s_on_closed);
    uv_close ((uv_handle_t *) &self->check, s_on_closed);
    uv_close ((uv_handle_t *) &self->idle, s_on_closed);
    if (self->is_router)
        uv_timer_start (&self->parting, s_on_parted, PARTING_MS, 0);
    else
        s_on_parted (&self->parting);
}

const char *
bus_socket_endpoint (const bus_socket_t *self)
{
    return self->endpoint;
}

static bus_sent_t
s_refused (bus_socket_t *self)
{
    if (errno == EHOSTUNREACH)
        return BUS_UNREACHABLE;
    self->was_full = true;
    return BUS_FULL;
}

bus_sent_t
bus_socket_send (bus_socket_t *self, text_t to, text_t head, text_t body)
{
    //  Where there is one peer, do not copy a frame only to be refused.
    if (!self->is_router && self->was_full && !(s_state (self) & ZMQ_POLLOUT))
        return BUS_FULL;
    self->was_full = false;
    if (self->is_router
        && zmq_send (self->socket, to.data, to.size, ZMQ_SNDMORE | ZMQ_DONTWAIT) == -1)
        return s_refused (self);

    zmq_msg_t frame;
    int rc = zmq_msg_init_size (&frame, head.size + body.size);
    assert (rc == 0);
    memcpy (zmq_msg_data (&frame), head.data, head.size);
    if (body.size)
        memcpy ((char *) zmq_msg_data (&frame) + head.size, body.data, body.size);
    if (zmq_msg_send (&frame, self->socket, ZMQ_DONTWAIT) != -1)
        return BUS_SENT;
    bus_sent_t refused = s_refused (self);
    zmq_msg_close (&frame);
    return refused;
}
