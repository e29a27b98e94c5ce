#include "bus/bus_socket.h"

#include "bus/bus_czmq.h"
#include "base/alloc.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define ENDPOINT_MAX 256
#define RECONNECT_MS 100
#define RECONNECT_MOST_MS 500
#define CONNECT_TIMEOUT_MS 2000
//  A DEALER with ZMQ_IMMEDIATE forgets what it has not read when the connection goes: so that a
//  GOODBYE is read, the ROUTER keeps the connections for a moment behind it.
#define PARTING_MS 50

//  A monitor's report: event and value in one frame, the endpoint in the next.
#define MONITOR_FRAME 6
#define REPORTS_TURN 64

struct bus_socket {
    zsock_t *zsock;
    void *socket; //  the same, as libzmq knows it: for all that happens often
    zsock_t *monitor;
    unsigned handshakes; //  begun and not ended
    bool is_ambiguous;   //  there was more than one: whose end it was is not known
    char handshaker[64]; //  address of the only one
    zmq_msg_t *current;  //  the message whose callback runs
    bool is_router;
    bool has_keys;
    bool is_destroyed;
    bool has_reports; //  more than a turn takes
    bool was_full;    //  the last send was refused: ask before the next one builds its frame
    bus_socket_events_t events;
    void *owner;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;
    uv_poll_t poll;
    uv_poll_t monitor_poll;
    uv_timer_t parting;
    unsigned handles; //  not closed yet
    char endpoint[ENDPOINT_MAX];
};

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
        self->current = &body;
        if (is_good)
            self->events.message (self->owner, s_frame_text (&from), s_frame_text (&body));
        else
            self->events.garbage (self->owner);
        self->current = NULL;
    }
    zmq_msg_close (&body);
    zmq_msg_close (&from);
    return size;
}

//  The address of whoever is behind an accepted descriptor, if it still is.
static void
s_note_handshaker (bus_socket_t *self, int descriptor)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage space;
    } address;
    socklen_t size = sizeof address;
    self->handshaker[0] = '\0';
    if (getpeername (descriptor, &address.any, &size) != 0)
        return;
    if (address.any.sa_family == AF_INET)
        uv_ip4_name (&address.v4, self->handshaker, sizeof self->handshaker);
    else if (address.any.sa_family == AF_INET6)
        uv_ip6_name (&address.v6, self->handshaker, sizeof self->handshaker);
}

static void
s_on_handshake (bus_socket_t *self, uint16_t event, uint32_t value)
{
    if (event == ZMQ_EVENT_ACCEPTED) {
        self->is_ambiguous = self->handshakes++ > 0;
        s_note_handshaker (self, (int) value);
        return;
    }
    bool is_known = self->handshakes == 1 && !self->is_ambiguous;
    if (self->handshakes > 0 && --self->handshakes == 0)
        self->is_ambiguous = false;
    //  Without keys a connection that ends early is nothing but that.
    if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED || !self->events.refused
        || (event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL && !self->has_keys))
        return;
    const char *why = event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH ? "the key is not listed"
                      : value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH
                          ? "only one side has keys"
                      : value == ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC
                          ? "the postoffice has another key"
                          : "the connection ended in the handshake";
    self->events.refused (self->owner, why, is_known ? self->handshaker : "");
}

//  Takes what the monitor has to report.
static void
s_take_reports (bus_socket_t *self)
{
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    void *monitor = self->is_destroyed ? NULL : zsock_resolve (self->monitor);
    int taken = 0;
    while (!self->is_destroyed && taken < REPORTS_TURN
           && zmq_msg_recv (&frame, monitor, ZMQ_DONTWAIT) == MONITOR_FRAME) {
        taken++;
        uint16_t event;
        uint32_t value;
        memcpy (&event, zmq_msg_data (&frame), sizeof event);
        memcpy (&value, (char *) zmq_msg_data (&frame) + sizeof event, sizeof value);
        if (zmq_msg_more (&frame) && zmq_msg_recv (&frame, monitor, ZMQ_DONTWAIT) == -1)
            break;
        s_on_handshake (self, event, value);
    }
    self->has_reports = taken == REPORTS_TURN;
    zmq_msg_close (&frame);
}

static void
s_before_sleep (uv_prepare_t *prepare)
{
    bus_socket_t *self = prepare->data;
    self->events.turn (self->owner);
    if (!self->is_destroyed && (self->has_reports || (s_state (self) & ZMQ_POLLIN)))
        uv_idle_start (&self->idle, s_nothing);
}

static void
s_after_sleep (uv_check_t *check)
{
    bus_socket_t *self = check->data;
    uv_idle_stop (&self->idle);
    self->events.woken (self->owner);
    s_take_reports (self);
    size_t bytes = 0;
    for (int taken = 0; taken < BUS_SOCKET_TURN && bytes < BUS_SOCKET_TURN_BYTES; taken++) {
        int size = self->is_destroyed ? -1 : s_take_one (self);
        if (size == -1)
            return;
        bytes += (size_t) size;
    }
}

//  For a socket that never got onto the loop. Keeps errno.
static void
s_discard (bus_socket_t *self)
{
    int why = errno;
    zsock_destroy (&self->monitor);
    zsock_destroy (&self->zsock);
    free (self);
    errno = why;
}

//  Handshakes that begin, succeed and fail. libzmq says so on a PAIR, which is read here: czmq's
//  zmonitor would be a thread for each socket.
static int
s_watch_handshakes (bus_socket_t *self)
{
    static unsigned s_count;
    char endpoint[64];
    snprintf (endpoint, sizeof endpoint, "inproc://bus-monitor-%u", ++s_count);
    self->monitor = zsock_new (ZMQ_PAIR);
    if (!self->monitor)
        return -1;
    zsock_set_linger (self->monitor, 0);
    int events = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED
                 | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
                 | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    if (zmq_socket_monitor (self->socket, endpoint, events) != 0)
        return -1;
    return zmq_connect (zsock_resolve (self->monitor), endpoint);
}

//  NULL when there are no descriptors left; errno says so.
static bus_socket_t *
s_new (int type, const bus_socket_events_t *events, void *owner)
{
    bus_czmq_start ();
    bus_socket_t *self = alloc_zeroed (sizeof *self);
    self->events = *events;
    self->owner = owner;
    self->is_router = type == ZMQ_ROUTER;
    self->zsock = zsock_new (type);
    self->socket = self->zsock ? zsock_resolve (self->zsock) : NULL;
    if (!self->socket || s_watch_handshakes (self) != 0) {
        s_discard (self);
        return NULL;
    }
    zsock_set_sndtimeo (self->zsock, 0);
    zsock_set_rcvtimeo (self->zsock, 0);
    zsock_set_linger (self->zsock, BUS_SOCKET_LINGER_MS);
    zsock_set_sndhwm (self->zsock, BUS_SOCKET_HWM);
    zsock_set_rcvhwm (self->zsock, BUS_SOCKET_HWM);
    zsock_set_maxmsgsize (self->zsock, BUS_MESSAGE_MAX);
    return self;
}

static void
s_start (bus_socket_t *self, uv_loop_t *loop)
{
    int rc = uv_poll_init (loop, &self->poll, (int) zsock_fd (self->zsock));
    assert (rc == 0);
    rc = uv_poll_init (loop, &self->monitor_poll, (int) zsock_fd (self->monitor));
    assert (rc == 0);
    self->monitor_poll.data = self;
    uv_poll_start (&self->monitor_poll, UV_READABLE, s_on_poll);
    uv_prepare_init (loop, &self->prepare);
    uv_check_init (loop, &self->check);
    uv_idle_init (loop, &self->idle);
    uv_timer_init (loop, &self->parting);
    self->parting.data = self;
    self->poll.data = self->prepare.data = self->check.data = self->idle.data = self;
    self->handles = 6;
    uv_poll_start (&self->poll, UV_READABLE, s_on_poll);
    uv_prepare_start (&self->prepare, s_before_sleep);
    uv_check_start (&self->check, s_after_sleep);
}

bus_socket_t *
bus_socket_new_router (uv_loop_t *loop, const char *address, const bus_keys_t *keys,
                       const bus_socket_events_t *events, void *owner)
{
    bus_socket_t *self = s_new (ZMQ_ROUTER, events, owner);
    if (!self)
        return NULL;
    zsock_set_router_mandatory (self->zsock, 1);
    zsock_set_ipv6 (self->zsock, strchr (address, '[') != NULL);
    self->has_keys = keys != NULL;
    if (keys)
        bus_keys_apply_to_router (keys, self->zsock);
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
bus_socket_new_dealer (uv_loop_t *loop, const char *address, text_t id, bus_keys_t *keys,
                       uint64_t nth, const bus_socket_events_t *events, void *owner)
{
    bus_socket_t *self = s_new (ZMQ_DEALER, events, owner);
    if (!self)
        return NULL;
    //  Nothing is queued for a connection that does not stand: it would be stale when it does.
    zsock_set_immediate (self->zsock, 1);
    zsock_set_reconnect_ivl (self->zsock, RECONNECT_MS);
    zsock_set_reconnect_ivl_max (self->zsock, RECONNECT_MOST_MS);
    zsock_set_connect_timeout (self->zsock, CONNECT_TIMEOUT_MS);
    zsock_set_ipv6 (self->zsock, strchr (address, '[') != NULL);
    self->has_keys = keys != NULL;
    if (keys)
        bus_keys_apply_to_dealer (keys, self->zsock, nth);
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
    free (self);
}

static void
s_on_parted (uv_timer_t *timer)
{
    bus_socket_t *self = timer->data;
    zsock_destroy (&self->zsock);
    uv_close ((uv_handle_t *) timer, s_on_closed);
}

//  libzmq's threads wait for room in a monitor that is full, and whoever ends the monitor would
//  wait for them.
static void
s_stop_watching (bus_socket_t *self)
{
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    while (zmq_msg_recv (&frame, zsock_resolve (self->monitor), ZMQ_DONTWAIT) != -1)
        ;
    zmq_msg_close (&frame);
    zmq_socket_monitor (self->socket, NULL, 0);
    zsock_destroy (&self->monitor);
}

void
bus_socket_destroy (bus_socket_t **self_p)
{
    bus_socket_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    self->is_destroyed = true;
    //  The loop forgets the descriptors before ZeroMQ closes them.
    uv_poll_stop (&self->poll);
    uv_close ((uv_handle_t *) &self->poll, s_on_closed);
    uv_poll_stop (&self->monitor_poll);
    uv_close ((uv_handle_t *) &self->monitor_poll, s_on_closed);
    s_stop_watching (self);
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
