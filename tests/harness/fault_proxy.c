//  fault_proxy — see fault_proxy.h.

#include "fault_proxy.h"

#include "base/list.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define CABLES_MOST 256
#define ORDERS_MOST 1024
#define READ_SIZE (64 * 1024)
#define SLOW_READ_SIZE 4096
#define UNDER_WAY_MOST (256 * 1024) //  bytes in one direction: beyond that it is not read
#define BACKLOG 512

typedef struct wire wire_t;

//  One direction of a connection: read from `from`, written to `to` when it is due.
typedef struct {
    wire_t *wire;
    uv_tcp_t *from;
    uv_tcp_t *to;
    list_t pieces;
    size_t under_way;
    uint64_t free_at; //  CABLE_SLOW: when the next piece may begin
    bool is_read;
    bool has_ended;   //  the end came, and is to be passed on behind the pieces
    uv_timer_t timer;
    uv_shutdown_t shutdown;
} lane_t;

typedef struct {
    list_t place;
    lane_t *lane;
    uint64_t due;
    bool is_written;
    uv_write_t write;
    uv_buf_t bytes;
    char data[];
} piece_t;

typedef struct {
    fault_proxy_t *cables;
    int handle; //  of the listener, until the loop has it
    uv_tcp_t listener;
    struct sockaddr_in to;
    cable_state_t state;
    list_t wires;
} cable_t;

//  One connection through a cable.
struct wire {
    list_t place;
    cable_t *cable;
    uv_tcp_t client;
    uv_tcp_t server;
    lane_t up;
    lane_t down;
    uv_connect_t connect;
    unsigned open_handles;
    unsigned ends; //  directions whose end was passed on
    bool is_up;
    bool is_closing;
};

typedef struct {
    int cable;
    bool is_reset;
    uint16_t to_port; //  0: as before
    cable_state_t state;
} order_t;

struct cables {
    pthread_t thread;
    pthread_mutex_t mutex; //  orders, and the laying of cables
    uv_loop_t loop;
    uv_async_t wake;
    bool is_ending;
    cable_t *cables[CABLES_MOST];
    int count;
    int watched; //  cables that listen
    order_t orders[ORDERS_MOST];
    size_t order_count;
    char read_buffer[READ_SIZE];
};

static void s_pass (lane_t *lane);

// ---------------------------------------------------------------------------------------------
//  The end of a connection

static void
s_forget_pieces (lane_t *lane)
{
    for (list_t *first; (first = list_first (&lane->pieces));) {
        list_remove (first);
        free (LIST_THING (first, piece_t, place));
    }
}

static void
s_handle_closed (uv_handle_t *handle)
{
    wire_t *wire = handle->data;
    if (--wire->open_handles > 0)
        return;
    s_forget_pieces (&wire->up);
    s_forget_pieces (&wire->down);
    free (wire);
}

static void
s_close (wire_t *wire, bool by_reset)
{
    uv_tcp_t *sockets[] = { &wire->client, &wire->server };
    if (wire->is_closing)
        return;
    wire->is_closing = true;
    list_remove (&wire->place);
    uv_close ((uv_handle_t *) &wire->up.timer, s_handle_closed);
    uv_close ((uv_handle_t *) &wire->down.timer, s_handle_closed);
    for (unsigned index = 0; index < 2; index++)
        if (!by_reset || uv_tcp_close_reset (sockets[index], s_handle_closed) != 0)
            uv_close ((uv_handle_t *) sockets[index], s_handle_closed);
}

// ---------------------------------------------------------------------------------------------
//  Bytes

static void
s_shut (uv_shutdown_t *shutdown, int status)
{
    wire_t *wire = shutdown->data;
    (void) status;
    if (++wire->ends == 2)
        s_close (wire, false);
}

//  Both sides have no more to say only after both ends came through.
static void
s_pass_end (lane_t *lane)
{
    wire_t *wire = lane->wire;
    lane->has_ended = false;
    lane->shutdown.data = wire;
    if (uv_shutdown (&lane->shutdown, (uv_stream_t *) lane->to, s_shut) != 0)
        s_close (wire, true);
}

static void
s_written (uv_write_t *write, int status)
{
    piece_t *piece = write->data;
    lane_t *lane = piece->lane;
    list_remove (&piece->place);
    lane->under_way -= piece->bytes.len;
    free (piece);
    if (status != 0)
        s_close (lane->wire, true);
    else
        s_pass (lane);
}

static void
s_on_timer (uv_timer_t *timer)
{
    wire_t *wire = timer->data;
    s_pass (timer == &wire->up.timer ? &wire->up : &wire->down);
}

static void
s_allocate (uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    (void) wanted;
    wire_t *wire = handle->data;
    bool is_slow = wire->cable->state.manner == CABLE_SLOW;
    *buffer = uv_buf_init (wire->cable->cables->read_buffer, is_slow ? SLOW_READ_SIZE : READ_SIZE);
}

static uint64_t
s_due (lane_t *lane, size_t size)
{
    const cable_state_t *state = &lane->wire->cable->state;
    uint64_t now = uv_now (&lane->wire->cable->cables->loop);
    if (state->manner != CABLE_SLOW)
        return now;
    uint64_t from = lane->free_at > now ? lane->free_at : now;
    lane->free_at = from + size * 1000 / state->bytes_per_second;
    return lane->free_at + state->delay_ms;
}

static void
s_on_read (uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    wire_t *wire = stream->data;
    lane_t *lane = stream == (uv_stream_t *) &wire->client ? &wire->up : &wire->down;
    const char *data = buffer->base;
    if (size == 0)
        return;
    if (size < 0) {
        uv_read_stop (stream);
        lane->is_read = false;
        lane->from = NULL;
        if (size == UV_EOF) {
            lane->has_ended = true;
            s_pass (lane);
        } else
            s_close (wire, true);
        return;
    }
    //  The usual case: nothing waits, and the socket takes it all.
    if (list_is_empty (&lane->pieces) && wire->cable->state.manner == CABLE_GOOD) {
        uv_buf_t whole = uv_buf_init (buffer->base, (unsigned) size);
        int taken = uv_try_write ((uv_stream_t *) lane->to, &whole, 1);
        if (taken == size)
            return;
        if (taken > 0) {
            data += taken;
            size -= taken;
        }
    }
    piece_t *piece = malloc (sizeof *piece + (size_t) size);
    assert (piece);
    *piece = (piece_t){ .lane = lane, .due = s_due (lane, (size_t) size) };
    list_init (&piece->place);
    memcpy (piece->data, data, (size_t) size);
    piece->bytes = uv_buf_init (piece->data, (unsigned) size);
    lane->under_way += (size_t) size;
    list_append (&lane->pieces, &piece->place);
    s_pass (lane);
}

static void
s_read_or_not (lane_t *lane)
{
    bool wanted = lane->from && lane->wire->cable->state.manner != CABLE_SILENT
                  && lane->under_way < UNDER_WAY_MOST;
    if (wanted == lane->is_read)
        return;
    lane->is_read = wanted;
    if (wanted)
        uv_read_start ((uv_stream_t *) lane->from, s_allocate, s_on_read);
    else if (lane->from)
        uv_read_stop ((uv_stream_t *) lane->from);
}

//  Writes what is due, and says when it wants to be asked again.
static void
s_pass (lane_t *lane)
{
    wire_t *wire = lane->wire;
    if (wire->is_closing || !wire->is_up)
        return;
    s_read_or_not (lane);
    if (wire->cable->state.manner == CABLE_SILENT)
        return;
    uint64_t now = uv_now (&wire->cable->cables->loop);
    list_t *link = lane->pieces.next;
    for (; link != &lane->pieces; link = link->next) {
        piece_t *piece = LIST_THING (link, piece_t, place);
        if (piece->is_written)
            continue;
        if (piece->due > now) {
            uv_timer_start (&lane->timer, s_on_timer, piece->due - now, 0);
            return;
        }
        piece->is_written = true;
        piece->write.data = piece;
        if (uv_write (&piece->write, (uv_stream_t *) lane->to, &piece->bytes, 1, s_written) != 0) {
            s_close (wire, true);
            return;
        }
    }
    if (lane->has_ended && list_is_empty (&lane->pieces))
        s_pass_end (lane);
}

// ---------------------------------------------------------------------------------------------
//  Connections

static void
s_on_connected (uv_connect_t *connect, int status)
{
    wire_t *wire = connect->data;
    if (wire->is_closing)
        return;
    if (status != 0) {
        s_close (wire, true);
        return;
    }
    wire->is_up = true;
    s_pass (&wire->up);
    s_pass (&wire->down);
}

static void
s_lane_init (lane_t *self, wire_t *wire, uv_tcp_t *from, uv_tcp_t *to)
{
    *self = (lane_t){ .wire = wire, .from = from, .to = to };
    list_init (&self->pieces);
    uv_timer_init (&wire->cable->cables->loop, &self->timer);
    self->timer.data = wire;
}

static void
s_on_connection (uv_stream_t *listener, int status)
{
    cable_t *cable = listener->data;
    uv_loop_t *loop = &cable->cables->loop;
    if (status != 0)
        return;
    wire_t *wire = calloc (1, sizeof *wire);
    assert (wire);
    wire->cable = cable;
    wire->open_handles = 4;
    wire->connect.data = wire->client.data = wire->server.data = wire;
    uv_tcp_init (loop, &wire->client);
    uv_tcp_init (loop, &wire->server);
    s_lane_init (&wire->up, wire, &wire->client, &wire->server);
    s_lane_init (&wire->down, wire, &wire->server, &wire->client);
    list_init (&wire->place);
    list_append (&cable->wires, &wire->place);
    if (uv_accept (listener, (uv_stream_t *) &wire->client) != 0
        || uv_tcp_connect (&wire->connect, &wire->server, (struct sockaddr *) &cable->to,
                           s_on_connected)
               != 0) {
        s_close (wire, true);
        return;
    }
    uv_tcp_nodelay (&wire->client, 1);
    uv_tcp_nodelay (&wire->server, 1);
}

// ---------------------------------------------------------------------------------------------
//  Orders, in the thread

static void
s_carry_out (fault_proxy_t *self, const order_t *order)
{
    cable_t *cable = self->cables[order->cable];
    list_t *next;
    if (order->to_port) {
        uv_ip4_addr ("127.0.0.1", order->to_port, &cable->to);
        return;
    }
    if (!order->is_reset)
        cable->state = order->state;
    for (list_t *link = cable->wires.next; link != &cable->wires; link = next) {
        wire_t *wire = LIST_THING (link, wire_t, place);
        next = link->next;
        if (order->is_reset)
            s_close (wire, true);
        else {
            s_pass (&wire->up);
            if (!wire->is_closing)
                s_pass (&wire->down);
        }
    }
}

static void
s_close_handle (uv_handle_t *handle, void *argument)
{
    fault_proxy_t *self = argument;
    if (uv_is_closing (handle))
        return;
    for (int index = 0; index < self->watched; index++)
        if (handle == (uv_handle_t *) &self->cables[index]->listener)
            uv_close (handle, NULL);
    if (handle == (uv_handle_t *) &self->wake)
        uv_close (handle, NULL);
}

static void
s_end (fault_proxy_t *self)
{
    for (int index = 0; index < self->watched; index++) {
        list_t *first;
        while ((first = list_first (&self->cables[index]->wires)))
            s_close (LIST_THING (first, wire_t, place), true);
    }
    uv_walk (&self->loop, s_close_handle, self);
}

static void
s_watch (fault_proxy_t *self, cable_t *cable)
{
    uv_tcp_init (&self->loop, &cable->listener);
    cable->listener.data = cable;
    int rc = uv_tcp_open (&cable->listener, cable->handle);
    assert (rc == 0);
    rc = uv_listen ((uv_stream_t *) &cable->listener, BACKLOG, s_on_connection);
    assert (rc == 0);
}

static void
s_on_wake (uv_async_t *wake)
{
    fault_proxy_t *self = wake->data;
    pthread_mutex_lock (&self->mutex);
    for (; self->watched < self->count; self->watched++)
        s_watch (self, self->cables[self->watched]);
    for (size_t index = 0; index < self->order_count; index++)
        s_carry_out (self, &self->orders[index]);
    self->order_count = 0;
    bool is_ending = self->is_ending;
    pthread_mutex_unlock (&self->mutex);
    if (is_ending)
        s_end (self);
}

static void *
s_run (void *argument)
{
    fault_proxy_t *self = argument;
    sigset_t pipe; //  who writes to one that has gone is told so by the write
    sigemptyset (&pipe);
    sigaddset (&pipe, SIGPIPE);
    pthread_sigmask (SIG_BLOCK, &pipe, NULL);
    uv_run (&self->loop, UV_RUN_DEFAULT);
    return NULL;
}

// ---------------------------------------------------------------------------------------------

fault_proxy_t *
fault_proxy_new (void)
{
    fault_proxy_t *self = calloc (1, sizeof *self);
    assert (self);
    pthread_mutex_init (&self->mutex, NULL);
    int rc = uv_loop_init (&self->loop);
    assert (rc == 0);
    rc = uv_async_init (&self->loop, &self->wake, s_on_wake);
    assert (rc == 0);
    self->wake.data = self;
    rc = pthread_create (&self->thread, NULL, s_run, self);
    assert (rc == 0);
    return self;
}

void
fault_proxy_destroy (fault_proxy_t **self_p)
{
    fault_proxy_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    pthread_mutex_lock (&self->mutex);
    self->is_ending = true;
    pthread_mutex_unlock (&self->mutex);
    uv_async_send (&self->wake);
    pthread_join (self->thread, NULL);
    uv_loop_close (&self->loop);
    for (int index = 0; index < self->count; index++)
        free (self->cables[index]);
    pthread_mutex_destroy (&self->mutex);
    free (self);
}

//  −1 when the address is taken. Nobody else's thread may touch the loop, so this does not.
static int
s_listen (const struct sockaddr_in *here)
{
    int on = 1, handle = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert (handle >= 0);
    setsockopt (handle, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind (handle, (const struct sockaddr *) here, sizeof *here) == 0
        && listen (handle, BACKLOG) == 0)
        return handle;
    close (handle);
    return -1;
}

int
fault_proxy_lay (fault_proxy_t *self, const char *address, uint16_t port, uint16_t to_port)
{
    struct sockaddr_in here;
    uv_ip4_addr (address, port, &here);
    int handle = s_listen (&here);
    if (handle < 0) {
        fprintf (stderr, "harness: %s:%u is taken\n", address, port);
        return -1;
    }
    cable_t *cable = calloc (1, sizeof *cable);
    assert (cable);
    cable->cables = self;
    cable->handle = handle;
    list_init (&cable->wires);
    uv_ip4_addr ("127.0.0.1", to_port, &cable->to);
    pthread_mutex_lock (&self->mutex);
    int number = self->count;
    assert (number < CABLES_MOST);
    self->cables[self->count++] = cable;
    pthread_mutex_unlock (&self->mutex);
    uv_async_send (&self->wake);
    return number;
}

static void
s_order (fault_proxy_t *self, const order_t *order)
{
    pthread_mutex_lock (&self->mutex);
    assert (self->order_count < ORDERS_MOST && order->cable < self->count);
    self->orders[self->order_count++] = *order;
    pthread_mutex_unlock (&self->mutex);
    uv_async_send (&self->wake);
}

void
fault_proxy_set (fault_proxy_t *self, int cable, const cable_state_t *state)
{
    s_order (self, &(order_t){ .cable = cable, .state = *state });
}

void
fault_proxy_point (fault_proxy_t *self, int cable, uint16_t to_port)
{
    s_order (self, &(order_t){ .cable = cable, .to_port = to_port });
}

void
fault_proxy_reset (fault_proxy_t *self, int cable)
{
    s_order (self, &(order_t){ .cable = cable, .is_reset = true });
}
