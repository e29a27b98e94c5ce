#include "bus/bus_monitor.h"

#include "bus/bus_czmq.h"
#include "bus/bus_metrics.h"
#include "base/alloc.h"
#include "base/list.h"
#include "base/log.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

//  A report: event and value in one frame, the endpoint in the next.
#define REPORT_SIZE 6
#define REPORTS_TURN 64
#define ADDRESS_MAX 64

typedef union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage space;
} address_t;

//  An accepted connection that is not reported as closed.
typedef struct {
    list_t link;
    uint64_t number;
    int descriptor;
    address_t address; //  zeros behind its end, so that it can be compared
    unsigned streams;
    uint64_t since_ms; //  a stranger since then
} connection_t;

struct bus_monitor {
    uv_poll_t poll;
    void *socket;        //  the one that is watched
    zsock_t *reports;
    bool has_keys;
    bus_refused_fn *refused;
    void *owner;
    bool is_destroyed;
    unsigned handshakes; //  begun and not ended
    bool is_ambiguous;   //  there was more than one: whose end it was is not known
    char handshaker[ADDRESS_MAX]; //  address of the only one
    uint64_t last_number;
    list_t connections;  //  of a ROUTER, the oldest first
    unsigned strangers;
};

static int
s_peer_address (int descriptor, address_t *address)
{
    socklen_t size = sizeof *address;
    memset (address, 0, sizeof *address);
    return getpeername (descriptor, &address->any, &size);
}

static void
s_print_address (const address_t *address, char text[ADDRESS_MAX])
{
    text[0] = '\0';
    if (address->any.sa_family == AF_INET)
        uv_ip4_name (&address->v4, text, ADDRESS_MAX);
    else if (address->any.sa_family == AF_INET6)
        uv_ip6_name (&address->v6, text, ADDRESS_MAX);
}

static void
s_forget (bus_monitor_t *self, connection_t *connection)
{
    self->strangers -= connection->streams == 0;
    list_remove (&connection->link);
    free (connection);
}

//  Ends the connection from below; ZeroMQ finds that out and closes it. The descriptor may have
//  been closed and given to something else meanwhile: only one with the same other end is meant.
static void
s_cut (bus_monitor_t *self, connection_t *connection, const char *why)
{
    static log_limit_t s_limit = LOG_LIMIT (LOG_WARN, "stranger cut off");
    address_t address;
    char text[ADDRESS_MAX];
    if (s_peer_address (connection->descriptor, &address) == 0
        && memcmp (&address, &connection->address, sizeof address) == 0) {
        shutdown (connection->descriptor, SHUT_RDWR);
        bus_counts[BUS_COUNT_STRANGERS_CUT]++;
        s_print_address (&address, text);
        if (log_limit_allows (&s_limit))
            log_warn ("stranger cut off", log_string ("address", text), log_string ("why", why));
    }
    s_forget (self, connection);
}

static connection_t *
s_oldest_stranger (const bus_monitor_t *self)
{
    connection_t *oldest = NULL;
    for (list_t *link = self->connections.next; link != &self->connections; link = link->next) {
        connection_t *connection = LIST_THING (link, connection_t, link);
        if (connection->streams == 0 && (!oldest || connection->since_ms < oldest->since_ms))
            oldest = connection;
    }
    return oldest;
}

static void
s_on_accepted (bus_monitor_t *self, int descriptor)
{
    connection_t *connection = alloc_zeroed (sizeof *connection);
    connection->number = ++self->last_number;
    connection->descriptor = descriptor;
    connection->since_ms = uv_now (self->poll.loop);
    int rc = s_peer_address (descriptor, &connection->address);
    s_print_address (&connection->address, self->handshaker);
    self->is_ambiguous = self->handshakes++ > 0;
    list_init (&connection->link);
    list_append (&self->connections, &connection->link);
    if (++self->strangers > BUS_STRANGERS_MAX)
        s_cut (self, s_oldest_stranger (self), "there are too many");
    else if (rc != 0)
        s_forget (self, connection); //  it has gone again
}

static void
s_on_disconnected (bus_monitor_t *self, int descriptor)
{
    for (list_t *link = self->connections.next; link != &self->connections; link = link->next) {
        connection_t *connection = LIST_THING (link, connection_t, link);
        if (connection->descriptor == descriptor) {
            s_forget (self, connection);
            return;
        }
    }
}

static void
s_on_handshake (bus_monitor_t *self, uint16_t event, uint32_t value)
{
    bool is_known = self->handshakes == 1 && !self->is_ambiguous;
    if (self->handshakes > 0 && --self->handshakes == 0)
        self->is_ambiguous = false;
    //  Without keys a connection that ends early is nothing but that.
    if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED || !self->refused
        || (event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL && !self->has_keys))
        return;
    const char *why = event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH ? "the key is not listed"
                      : value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH
                          ? "only one side has keys"
                      : value == ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC
                          ? "the postoffice has another key"
                          : "the connection ended in the handshake";
    self->refused (self->owner, why, is_known ? self->handshaker : "");
}

bool
bus_monitor_take (bus_monitor_t *self)
{
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    int taken = 0;
    while (!self->is_destroyed && taken < REPORTS_TURN
           && zmq_msg_recv (&frame, zsock_resolve (self->reports), ZMQ_DONTWAIT) == REPORT_SIZE) {
        taken++;
        uint16_t event;
        uint32_t value;
        memcpy (&event, zmq_msg_data (&frame), sizeof event);
        memcpy (&value, (char *) zmq_msg_data (&frame) + sizeof event, sizeof value);
        if (zmq_msg_more (&frame)
            && zmq_msg_recv (&frame, zsock_resolve (self->reports), ZMQ_DONTWAIT) == -1)
            break;
        if (event == ZMQ_EVENT_ACCEPTED)
            s_on_accepted (self, (int) value);
        else if (event == ZMQ_EVENT_DISCONNECTED)
            s_on_disconnected (self, (int) value);
        else
            s_on_handshake (self, event, value);
    }
    zmq_msg_close (&frame);
    return taken == REPORTS_TURN;
}

uint64_t
bus_monitor_connection (bus_monitor_t *self, int descriptor)
{
    //  What stands in a message was accepted before it, so that is reported already.
    while (bus_monitor_take (self))
        ;
    for (list_t *link = self->connections.next; link != &self->connections; link = link->next) {
        connection_t *connection = LIST_THING (link, connection_t, link);
        if (connection->descriptor == descriptor)
            return connection->number;
    }
    return 0;
}

void
bus_monitor_stream (bus_monitor_t *self, uint64_t number, bool has_begun)
{
    for (list_t *link = self->connections.next; link != &self->connections; link = link->next) {
        connection_t *connection = LIST_THING (link, connection_t, link);
        if (connection->number != number)
            continue;
        self->strangers -= connection->streams == 0;
        connection->streams += has_begun ? 1 : (unsigned) -1;
        connection->since_ms = uv_now (self->poll.loop);
        self->strangers += connection->streams == 0;
        return;
    }
}

void
bus_monitor_look (bus_monitor_t *self)
{
    uint64_t now = uv_now (self->poll.loop);
    connection_t *oldest;
    while ((oldest = s_oldest_stranger (self)) && now >= oldest->since_ms + BUS_STRANGER_MS)
        s_cut (self, oldest, "it has no stream");
}

static void
s_on_poll (uv_poll_t *poll, int status, int events)
{
    (void) poll, (void) status, (void) events; //  it only wakes the loop
}

bus_monitor_t *
bus_monitor_new (uv_loop_t *loop, void *socket, bool has_keys, bus_refused_fn *refused,
                 void *owner)
{
    static unsigned s_count;
    char endpoint[64];
    snprintf (endpoint, sizeof endpoint, "inproc://bus-monitor-%u", ++s_count);
    int events = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED
                 | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
                 | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    //  On a PAIR that is read here: czmq's zmonitor would be a thread for each socket.
    zsock_t *reports = zsock_new (ZMQ_PAIR);
    if (!reports || zmq_socket_monitor (socket, endpoint, events) != 0
        || zmq_connect (zsock_resolve (reports), endpoint) != 0) {
        int why = errno;
        zsock_destroy (&reports);
        errno = why;
        return NULL;
    }
    zsock_set_linger (reports, 0);
    bus_monitor_t *self = alloc_zeroed (sizeof *self);
    self->socket = socket;
    self->reports = reports;
    self->has_keys = has_keys;
    self->refused = refused;
    self->owner = owner;
    list_init (&self->connections);
    int rc = uv_poll_init (loop, &self->poll, (int) zsock_fd (reports));
    assert (rc == 0);
    self->poll.data = self;
    uv_poll_start (&self->poll, UV_READABLE, s_on_poll);
    return self;
}

static void
s_on_closed (uv_handle_t *handle)
{
    free (handle->data);
}

void
bus_monitor_destroy (bus_monitor_t **self_p)
{
    bus_monitor_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    self->is_destroyed = true;
    list_t *link;
    while ((link = list_first (&self->connections)))
        s_forget (self, LIST_THING (link, connection_t, link));
    //  The loop forgets the descriptor before ZeroMQ closes it.
    uv_poll_stop (&self->poll);
    //  libzmq's threads wait for room in a monitor that is full, and whoever ends the monitor would
    //  wait for them.
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    while (zmq_msg_recv (&frame, zsock_resolve (self->reports), ZMQ_DONTWAIT) != -1)
        ;
    zmq_msg_close (&frame);
    zmq_socket_monitor (self->socket, NULL, 0);
    zsock_destroy (&self->reports);
    uv_close ((uv_handle_t *) &self->poll, s_on_closed);
}
