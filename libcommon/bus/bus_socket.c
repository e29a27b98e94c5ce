//  When a socket is asked
//
//  Asking costs libzmq two system calls, and a loop has a socket for each postoffice: so a socket
//  is asked only when the answer may have changed.
//
//  libzmq puts commands for us ("there is something to read") into the socket's mailbox. Who fills
//  an empty mailbox makes the descriptor readable, and it stays so until a call of ours looks into
//  the mailbox. Three states follow:
//
//      quiet   The mailbox and the socket were found empty, and no call of ours has looked into
//              the mailbox since. Whatever comes makes the descriptor readable, which wakes the
//              loop (uv_poll reports it for as long as it is so). Nothing has to be asked.
//      stale   We have sent since: the send may have taken the command out of the mailbox, and the
//              descriptor says nothing of what is there. Before the loop sleeps, ZMQ_EVENTS is
//              asked. It takes all commands, so without ZMQ_POLLIN the socket is quiet.
//      ready   The descriptor was readable, or ZMQ_EVENTS says ZMQ_POLLIN, or a turn took as many
//              messages as it may. The loop does not sleep, and messages are taken behind it.
//              Only EAGAIN of a receive ends it: libzmq says so when it has taken all commands and
//              looked at the socket once more, so the socket is quiet.
//
//  A send in the callback of a message needs no more: the receive behind it takes all commands.
//  That a DEALER can be sent to again is a command, too; a turn that took it turns once more.
//  EINTR says nothing, so it is taken for "ready". A new socket is ready: what was set up may have
//  looked into the mailbox. The monitor has a socket of its own, which never sends: never stale.

#include "bus/bus_socket.h"

#include "bus/bus_czmq.h"
#include "bus/bus_metrics.h"
#include "base/alloc.h"
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define ENDPOINT_MAX 256
#define RECONNECT_MS 100
#define RECONNECT_MOST_MS 500
#define CONNECT_TIMEOUT_MS 2000
//  A connection that is no ZeroMQ, or does not come to the end of its handshake, is closed.
#define HANDSHAKE_MS 5000
//  TCP's own probes, far slower than our heartbeats: they end connections whose other side has gone
//  without a word, also those that never had a stream. Not ZeroMQ's heartbeats: libzmq 4.3 aborts
//  the process when one is due on a connection that broke while its input had to wait
//  (`!_io_error`), as after a process was stopped.
#define PROBE_EVERY_S 10
#define PROBES 2
#define PROBE_TIMEOUT_MS 30000
//  A DEALER with ZMQ_IMMEDIATE forgets what it has not read when the connection goes: so that a
//  GOODBYE is read, the ROUTER keeps the connections for a moment behind it.
#define PARTING_MS 50

struct bus_socket {
    zsock_t *zsock;
    void *socket; //  the same, as libzmq knows it: for all that happens often
    bus_monitor_t *monitor;
    zmq_msg_t *current;  //  the message whose callback runs
    bool is_router;
    bool is_destroyed;
    bool is_ready; //  see the top
    bool is_stale; //  likewise
    bool was_full;    //  the last send was refused: ask before the next one builds its frame
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

//  Is the socket ready, and can it be sent to?
static bool
s_ask (bus_socket_t *self)
{
    int events = 0;
    size_t size = sizeof events;
    int rc = zmq_getsockopt (self->socket, ZMQ_EVENTS, &events, &size);
    self->is_ready = rc != 0 || (events & ZMQ_POLLIN);
    self->is_stale = false;
    return rc == 0 && (events & ZMQ_POLLOUT);
}

static void
s_nothing (uv_idle_t *idle)
{
    (void) idle;
}

static void
s_on_poll (uv_poll_t *poll, int status, int events)
{
    (void) status, (void) events;
    bus_socket_t *self = poll->data;
    self->is_ready = true;
}

void
bus_socket_complain (const bus_socket_t *self, text_t from, const char *what)
{
    static log_limit_t s_limit = LOG_LIMIT (LOG_WARN, "garbage on the bus");
    bus_counts[BUS_COUNT_GARBAGE]++;
    if (log_limit_allows (&s_limit))
        log_warn ("garbage on the bus", log_text ("from", from), log_string ("what", what),
                  log_string ("address", bus_socket_sender (self, "Peer-Address")));
}

//  Hands over a message of as many frames as it should have. Of one that has more, the rest is
//  taken and forgotten.
static void
s_hand_over (bus_socket_t *self, zmq_msg_t *from, zmq_msg_t *body, bool has_body)
{
    text_t sender = { zmq_msg_data (from), zmq_msg_size (from) };
    self->current = body;
    if (has_body && !zmq_msg_more (body))
        self->events.message (self->owner, sender,
                              (text_t){ zmq_msg_data (body), zmq_msg_size (body) });
    else {
        bus_socket_complain (self, sender, "a message of another number of frames");
        while (has_body && zmq_msg_more (body))
            has_body = zmq_msg_recv (body, self->socket, ZMQ_DONTWAIT) != -1;
    }
    self->current = NULL;
}

//  Takes one message. Returns its size, or −1 when there is none: the socket is quiet then.
static int
s_take_one (bus_socket_t *self)
{
    zmq_msg_t from, body;
    zmq_msg_init (&from);
    zmq_msg_init (&body);
    zmq_msg_t *first = self->is_router ? &from : &body;
    int size = zmq_msg_recv (first, self->socket, ZMQ_DONTWAIT);
    if (size != -1) {
        bool has_body =
            !self->is_router
            || (zmq_msg_more (&from) && zmq_msg_recv (&body, self->socket, ZMQ_DONTWAIT) != -1);
        size = (int) zmq_msg_size (&body);
        s_hand_over (self, &from, &body, has_body);
    } else if (errno == EAGAIN)
        self->is_ready = self->is_stale = false;
    zmq_msg_close (&body);
    zmq_msg_close (&from);
    return size;
}

static void
s_before_sleep (uv_prepare_t *prepare)
{
    bus_socket_t *self = prepare->data;
    self->events.turn (self->owner);
    if (self->is_destroyed)
        return;
    //  A DEALER that was full, and is not: its owner is to try again.
    bool can_go_on =
        self->is_stale && !self->is_ready && s_ask (self) && self->was_full && !self->is_router;
    if (can_go_on || self->is_ready || bus_monitor_is_ready (self->monitor))
        uv_idle_start (&self->idle, s_nothing);
}

static void
s_after_sleep (uv_check_t *check)
{
    bus_socket_t *self = check->data;
    uv_idle_stop (&self->idle);
    self->events.woken (self->owner);
    if (!self->is_destroyed)
        bus_monitor_take (self->monitor);
    size_t bytes = 0;
    for (int taken = 0; taken < BUS_SOCKET_TURN && bytes < BUS_SOCKET_TURN_BYTES; taken++) {
        int size = self->is_destroyed || !self->is_ready ? -1 : s_take_one (self);
        if (size == -1)
            return;
        bytes += (size_t) size;
    }
}

//  For a socket that never got onto the loop. Returns NULL and keeps errno.
static bus_socket_t *
s_discard (bus_socket_t *self)
{
    int why = errno;
    bus_monitor_destroy (&self->monitor);
    zsock_destroy (&self->zsock);
    free (self);
    errno = why;
    return NULL;
}

//  NULL when there are no descriptors left; errno says so.
static bus_socket_t *
s_new (int type, uv_loop_t *loop, const char *address, bool has_keys,
       const bus_socket_events_t *events, void *owner)
{
    bus_czmq_start ();
    bus_socket_t *self = alloc_zeroed (sizeof *self);
    self->events = *events;
    self->owner = owner;
    self->is_router = type == ZMQ_ROUTER;
    self->is_ready = true;
    self->zsock = zsock_new (type);
    self->socket = self->zsock ? zsock_resolve (self->zsock) : NULL;
    if (!self->socket
        || !(self->monitor =
                 bus_monitor_new (loop, self->socket, has_keys, events->refused, owner)))
        return s_discard (self);
    zsock_set_sndtimeo (self->zsock, 0);
    zsock_set_rcvtimeo (self->zsock, 0);
    zsock_set_linger (self->zsock, BUS_SOCKET_LINGER_MS);
    zsock_set_sndhwm (self->zsock, BUS_SOCKET_HWM);
    zsock_set_rcvhwm (self->zsock, BUS_SOCKET_HWM);
    zsock_set_maxmsgsize (self->zsock, BUS_MESSAGE_MAX);
    zsock_set_handshake_ivl (self->zsock, HANDSHAKE_MS);
    zsock_set_tcp_keepalive (self->zsock, 1);
    zsock_set_tcp_keepalive_idle (self->zsock, PROBE_EVERY_S);
    zsock_set_tcp_keepalive_intvl (self->zsock, PROBE_EVERY_S);
    zsock_set_tcp_keepalive_cnt (self->zsock, PROBES);
    zsock_set_tcp_maxrt (self->zsock, PROBE_TIMEOUT_MS);
    zsock_set_ipv6 (self->zsock, strchr (address, '[') != NULL);
    return self;
}

//  Onto the loop.
static bus_socket_t *
s_start (bus_socket_t *self, uv_loop_t *loop)
{
    int rc = uv_poll_init (loop, &self->poll, (int) zsock_fd (self->zsock));
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
    return self;
}

bus_socket_t *
bus_socket_new_router (uv_loop_t *loop, const char *address, const bus_keys_t *keys,
                       const bus_socket_events_t *events, void *owner)
{
    bus_socket_t *self = s_new (ZMQ_ROUTER, loop, address, keys != NULL, events, owner);
    if (!self)
        return NULL;
    zsock_set_router_mandatory (self->zsock, 1);
    if (keys)
        bus_keys_apply_to_router (keys, self->zsock);
    size_t size = sizeof self->endpoint;
    if (zmq_bind (self->socket, address) == -1
        || zmq_getsockopt (self->socket, ZMQ_LAST_ENDPOINT, self->endpoint, &size) == -1)
        return s_discard (self);
    return s_start (self, loop);
}

bus_socket_t *
bus_socket_new_dealer (uv_loop_t *loop, const char *address, text_t id, const bus_keys_t *keys,
                       uint64_t nth, const bus_socket_events_t *events, void *owner)
{
    bus_socket_t *self = s_new (ZMQ_DEALER, loop, address, keys != NULL, events, owner);
    if (!self)
        return NULL;
    //  Nothing is queued for a connection that does not stand: it would be stale when it does.
    zsock_set_immediate (self->zsock, 1);
    zsock_set_reconnect_ivl (self->zsock, RECONNECT_MS);
    zsock_set_reconnect_ivl_max (self->zsock, RECONNECT_MOST_MS);
    zsock_set_connect_timeout (self->zsock, CONNECT_TIMEOUT_MS);
    if (keys)
        bus_keys_apply_to_dealer (keys, self->zsock, nth);
    if (zmq_setsockopt (self->socket, ZMQ_ROUTING_ID, id.data, id.size) == -1
        || zmq_connect (self->socket, address) == -1)
        return s_discard (self);
    return s_start (self, loop);
}

static void
s_on_closed (uv_handle_t *handle)
{
    bus_socket_t *self = handle->data;
    if (--self->handles == 0)
        free (self);
}

static void
s_on_parted (uv_timer_t *timer)
{
    bus_socket_t *self = timer->data;
    zsock_destroy (&self->zsock);
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
    bus_monitor_destroy (&self->monitor);
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
bus_socket_sender (const bus_socket_t *self, const char *property)
{
    return self->current ? zmq_msg_gets (self->current, property) : NULL;
}

uint64_t
bus_socket_sender_connection (bus_socket_t *self)
{
    return self->current
               ? bus_monitor_connection (self->monitor, zmq_msg_get (self->current, ZMQ_SRCFD))
               : 0;
}

bus_monitor_t *
bus_socket_monitor (bus_socket_t *self)
{
    return self->monitor;
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
    if (!self->is_router && self->was_full && !s_ask (self))
        return BUS_FULL;
    self->was_full = false;
    self->is_stale = true;
    if (self->is_router
        && zmq_send (self->socket, to.data, to.size, ZMQ_SNDMORE | ZMQ_DONTWAIT) == -1)
        return s_refused (self);

    zmq_msg_t frame;
    if (zmq_msg_init_size (&frame, head.size + body.size) != 0)
        alloc_failed ();
    memcpy (zmq_msg_data (&frame), head.data, head.size);
    if (body.size)
        memcpy ((char *) zmq_msg_data (&frame) + head.size, body.data, body.size);
    if (zmq_msg_send (&frame, self->socket, ZMQ_DONTWAIT) != -1)
        return BUS_SENT;
    bus_sent_t refused = s_refused (self);
    zmq_msg_close (&frame);
    return refused;
}
