#include "bus/bus_monitor.h"

#include "bus/bus_czmq.h"
#include "bus/bus_metrics.h"
#include "base/hash_table.h"
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
    UT_hash_handle by_number;
    UT_hash_handle by_descriptor;
    list_t stranger; //  in the monitor's list while it has no stream
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
    bool is_ready;       //  there may be something to take
    unsigned handshakes; //  begun and not ended
    bool is_ambiguous;   //  there was more than one: whose end it was is not known
    char handshaker[ADDRESS_MAX]; //  address of the only one
    uint64_t last_number;
    connection_t *by_number;     //  of a ROUTER: all of them
    connection_t *by_descriptor; //  likewise
    list_t strangers;            //  since the longest time first
    unsigned stranger_count;
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
    HASH_DELETE (by_number, self->by_number, connection);
    HASH_DELETE (by_descriptor, self->by_descriptor, connection);
    self->stranger_count -= connection->streams == 0;
    list_remove (&connection->stranger);
    free (connection);
}

//  The descriptor's connection; NULL: none, or it is gone.
static connection_t *
s_of_descriptor (const bus_monitor_t *self, int descriptor)
{
    connection_t *connection;
    HASH_FIND (by_descriptor, self->by_descriptor, &descriptor, sizeof descriptor, connection);
    return connection;
}

static void
s_become_stranger (bus_monitor_t *self, connection_t *connection)
{
    connection->since_ms = uv_now (self->poll.loop);
    list_append (&self->strangers, &connection->stranger);
    self->stranger_count++;
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
    list_t *oldest = list_first (&self->strangers);
    return oldest ? LIST_THING (oldest, connection_t, stranger) : NULL;
}

static void
s_on_accepted (bus_monitor_t *self, int descriptor)
{
    //  One that has it still is gone without a word.
    connection_t *connection = s_of_descriptor (self, descriptor);
    if (connection)
        s_forget (self, connection);
    connection = alloc_zeroed (sizeof *connection);
    connection->number = ++self->last_number;
    connection->descriptor = descriptor;
    list_init (&connection->stranger);
    HASH_ADD_NUMBER (by_number, self->by_number, number, connection);
    HASH_ADD (by_descriptor, self->by_descriptor, descriptor, sizeof connection->descriptor,
              connection);
    int rc = s_peer_address (descriptor, &connection->address);
    s_print_address (&connection->address, self->handshaker);
    self->is_ambiguous = self->handshakes++ > 0;
    s_become_stranger (self, connection);
    if (self->stranger_count > BUS_STRANGERS_MAX)
        s_cut (self, s_oldest_stranger (self), "there are too many");
    else if (rc != 0)
        s_forget (self, connection); //  it has gone again
}

static void
s_on_disconnected (bus_monitor_t *self, int descriptor)
{
    connection_t *connection = s_of_descriptor (self, descriptor);
    if (connection)
        s_forget (self, connection);
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

//  Takes a report's next frame. False when there is none: then the descriptor tells of the next one
//  (bus_socket.c says why).
static bool
s_take (bus_monitor_t *self, zmq_msg_t *frame)
{
    bool has_one = zmq_msg_recv (frame, zsock_resolve (self->reports), ZMQ_DONTWAIT) != -1;
    if (!has_one && errno == EAGAIN)
        self->is_ready = false;
    return has_one;
}

static void
s_report (bus_monitor_t *self, uint16_t event, uint32_t value)
{
    if (event == ZMQ_EVENT_ACCEPTED)
        s_on_accepted (self, (int) value);
    else if (event == ZMQ_EVENT_DISCONNECTED)
        s_on_disconnected (self, (int) value);
    else
        s_on_handshake (self, event, value);
}

static void
s_take_some (bus_monitor_t *self)
{
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    for (int taken = 0; !self->is_destroyed && taken < REPORTS_TURN && s_take (self, &frame)
                        && zmq_msg_size (&frame) == REPORT_SIZE;
         taken++) {
        uint16_t event;
        uint32_t value;
        memcpy (&event, zmq_msg_data (&frame), sizeof event);
        memcpy (&value, (char *) zmq_msg_data (&frame) + sizeof event, sizeof value);
        if (zmq_msg_more (&frame) && !s_take (self, &frame))
            break;
        s_report (self, event, value);
    }
    zmq_msg_close (&frame);
}

void
bus_monitor_take (bus_monitor_t *self)
{
    if (self->is_ready)
        s_take_some (self);
}

bool
bus_monitor_is_ready (const bus_monitor_t *self)
{
    return self->is_ready;
}

uint64_t
bus_monitor_connection (bus_monitor_t *self, int descriptor)
{
    //  What stands in a message was accepted before it, so that is reported already.
    for (self->is_ready = true; self->is_ready && !self->is_destroyed;)
        s_take_some (self);
    connection_t *connection = s_of_descriptor (self, descriptor);
    return connection ? connection->number : 0;
}

void
bus_monitor_stream (bus_monitor_t *self, uint64_t number, bool has_begun)
{
    connection_t *connection;
    HASH_FIND_NUMBER (by_number, self->by_number, number, connection);
    if (!connection)
        return;
    if (connection->streams == 0) {
        list_remove (&connection->stranger);
        self->stranger_count--;
    }
    connection->streams += has_begun ? 1 : (unsigned) -1;
    if (connection->streams == 0)
        s_become_stranger (self, connection);
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
    (void) status, (void) events;
    bus_monitor_t *self = poll->data;
    self->is_ready = true;
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
    list_init (&self->strangers);
    self->is_ready = true;
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
    connection_t *connection, *next;
    HASH_ITER (by_number, self->by_number, connection, next)
    s_forget (self, connection);
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
