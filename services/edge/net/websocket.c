#include "net/websocket.h"

#include "tables/edge_metrics.h"
#include "net/listener.h"
#include "net/http_answer.h"
#include "net/ws_handshake.h"
#include "net/ws_reader.h"
#include "base/alloc.h"
#include "base/buffer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define BYTES_PER_TURN 65536
//  A frame that was larger than this gives its memory back.
#define ROOM_TO_KEEP (4 * BYTES_PER_TURN)
#define GATHERED_MOST (64u << 20)
//  A fragment smaller than this costs more to process than its bytes say.
#define SMALL_FRAGMENT 256
//  So much input of a socket that is going to be closed is read and discarded, so that no reset
//  destroys the close frame. The rest stays in the kernel until the peer has gone.
#define DISCARDED_MOST (64u << 10)

//  A request must come whole in this time, or begin behind the one before; what was written must be
//  taken, each piece of it; and a peer that has its answer is to go.
#define HEAD_WITHIN_MS 10000
#define BODY_WITHIN_MS 20000
#define NEXT_WITHIN_MS 15000
#define TAKE_WITHIN_MS 30000
#define LINGER_MS 5000
#define SHAKE_WITHIN_MS 10000

struct websocket_server {
    uv_loop_t *loop;
    callers_t *callers;
    const trusted_proxies_t *trusted;
    streams_t *streams;
    http_server_t *requests;
    http_site_t site;
    listener_t *listener;
    const websocket_events_t *events;
    void *owner;
    uint64_t frame_limit;
    uint64_t connection_limit;
    uint64_t connections;
    uint64_t socket_limit;
    uint64_t page_limit;
    bool draining;
    buffer_t gathered; //  what a socket is given in one write
};

struct websocket {
    websocket_server_t *server;
    stream_t *stream;
    connection_t *connection; //  NULL: it was told that the socket is gone
    caller_t caller;
    ws_reader_t reader;
    buffer_t inbox;      //  pieces of a message that is not whole yet
    char *pong;          //  to be sent; NULL: none
    uint8_t pong_size;
    uint32_t discarded;  //  bytes of input that were discarded
    uint64_t began_ms;   //  something that has not come whole, or 0
    uint64_t paused_ms;  //  not read since then, or 0
    uint16_t answer;     //  the code of the peer's close frame, until it is answered
    bool discards_input; //  it is going to be closed
    bool closing;        //  our close frame is written: no frame may follow it
    bool peer_closed;    //  the connection writes nothing more
};

// ---------------------------------------------------------------------------------------------
//  Its end

static void
s_count_inbox (const websocket_t *self, int64_t change)
{
    self->server->events->memory (self->server->owner, NET_INBOX, change);
}

static void
s_empty_inbox (websocket_t *self)
{
    s_count_inbox (self, -(int64_t) self->inbox.size);
    buffer_free (&self->inbox);
}

static void
s_tell_closed (websocket_t *self)
{
    connection_t *connection = self->connection;
    self->peer_closed = true;
    self->connection = NULL;
    if (!connection)
        return;
    self->server->connections--;
    self->server->events->closed (self->server->owner, connection);
}

static void
s_on_closed (void *owner)
{
    websocket_t *self = owner;
    s_tell_closed (self);
    s_empty_inbox (self);
    free (self->pong);
    callers_leave (self->server->callers, &self->caller, uv_now (self->server->loop));
    edge_count (EDGE_SOCKETS, -1);
    free (self);
}

static void
s_on_ended (void *owner)
{
    websocket_t *self = owner;
    s_tell_closed (self);
    stream_finish (self->stream);
}

// ---------------------------------------------------------------------------------------------
//  Reading

static void
s_fault (websocket_t *self, close_reason_t reason)
{
    self->discards_input = true;
    s_empty_inbox (self);
    self->server->events->fault (self->connection, reason);
}

static void
s_text (websocket_t *self, text_t text)
{
    self->began_ms = 0;
    edge_count (EDGE_FRAMES_IN, 1);
    edge_count (EDGE_BYTES_IN, (int64_t) text.size);
    self->server->events->text (self->connection, text);
}

//  Nearly always a whole message, which is passed on as it stands.
static void
s_take_fragment (websocket_t *self, const ws_event_t *event)
{
    const websocket_events_t *events = self->server->events;
    if (event->is_whole && self->inbox.size == 0) {
        s_text (self, event->bytes);
        return;
    }
    if (self->inbox.size >= WEBSOCKET_LARGE && !events->may_grow (self->server->owner)) {
        s_fault (self, CLOSE_OVERLOADED);
        return;
    }
    //  ws_reader.c has the same limit of a message.
    int rc = buffer_put_text (&self->inbox, event->bytes);
    assert (rc == 0);
    s_count_inbox (self, (int64_t) event->bytes.size);
    if (!event->is_whole) {
        events->fragment (self->connection,
                          event->is_fresh || event->bytes.size < SMALL_FRAGMENT);
        return;
    }
    buffer_t inbox = self->inbox;
    buffer_init (&self->inbox, self->server->frame_limit);
    s_count_inbox (self, -(int64_t) inbox.size);
    s_text (self, buffer_text (&inbox));
    buffer_free (&inbox);
}

//  The last ping is answered, if there are many before there is room (RFC 6455, 5.5.3).
static void
s_take_ping (websocket_t *self, text_t payload)
{
    if (!self->pong)
        self->pong = alloc_zeroed (WS_CONTROL_MAX);
    memcpy (self->pong, payload.data, payload.size);
    self->pong_size = (uint8_t) payload.size;
    stream_want_write (self->stream);
    self->server->events->fragment (self->connection, true);
}

static void s_answer_close (websocket_t *self);

static void
s_take_close (websocket_t *self, unsigned code)
{
    self->discards_input = true;
    s_tell_closed (self);
    if (self->closing) {
        stream_finish (self->stream);
        return;
    }
    //  1010 is a client's to say.
    self->answer = code == 1010 ? 1000 : (uint16_t) code;
    //  A peer that closes and does not read gets a short time: the connection is gone already.
    if (stream_is_full (self->stream))
        stream_limit (self->stream, STREAM_LINGER, stream_now (self->stream));
    else
        s_answer_close (self);
}

static void
s_on_event (websocket_t *self, const ws_event_t *event)
{
    switch (event->what) {
    case WS_HEARD_TEXT:
        s_take_fragment (self, event);
        break;
    case WS_HEARD_PING:
        s_take_ping (self, event->bytes);
        break;
    case WS_HEARD_PONG:
        self->server->events->pong (self->connection, event->bytes);
        break;
    case WS_HEARD_CLOSE:
        s_take_close (self, event->code);
        break;
    default:
        s_fault (self, event->code == 1003   ? CLOSE_BINARY
                       : event->code == 1007 ? CLOSE_NOT_UTF8
                       : event->code == 1009 ? CLOSE_TOO_LARGE
                                             : CLOSE_PROTOCOL);
    }
}

//  What has begun must come whole in time, whatever else comes meanwhile.
static void
s_limit_message (websocket_t *self, bool is_incomplete)
{
    if (!is_incomplete) {
        self->began_ms = 0;
        stream_limit (self->stream, STREAM_FREE, 0);
        return;
    }
    if (self->began_ms)
        return;
    self->began_ms = stream_now (self->stream);
    stream_limit (self->stream, STREAM_MESSAGE, self->began_ms);
}

static size_t
s_on_bytes (void *owner, char *data, size_t size)
{
    websocket_t *self = owner;
    bool was_limited = self->began_ms > 0;
    size_t done = 0;
    ws_event_t event;
    while (!self->discards_input && !self->paused_ms) {
        done += ws_reader_next (&self->reader, data + done, size - done, &event);
        if (event.what == WS_HEARD_LESS)
            break;
        s_on_event (self, &event);
        if (!ws_reader_is_within (&self->reader))
            self->began_ms = 0;
    }
    if (self->paused_ms)
        return done;
    if (self->discards_input) {
        //  Reading on from a hostile client would cost as much as all other clients together.
        self->discarded += (uint32_t) (size - done);
        if (self->discarded >= DISCARDED_MOST)
            stream_read (self->stream, false);
        return size;
    }
    bool is_incomplete = done < size || ws_reader_is_within (&self->reader);
    if (is_incomplete || was_limited)
        s_limit_message (self, is_incomplete);
    return done;
}

static void
s_on_late (void *owner)
{
    websocket_t *self = owner;
    if (!self->connection)
        stream_close (self->stream);
    else if (!self->discards_input)
        s_fault (self, CLOSE_LATE);
}

// ---------------------------------------------------------------------------------------------
//  Writing

static int
s_put_next (buffer_t *to, websocket_t *self, websocket_write_t *next)
{
    const close_reason_row_t *row;
    int rc;
    switch (next->what) {
    case WRITE_TEXT:
        edge_count (EDGE_FRAMES_OUT, 1);
        edge_count (EDGE_BYTES_OUT, next->frame->size);
        rc = ws_frame_put (to, WS_FRAME_TEXT, (text_t){ next->frame->text, next->frame->size });
        frame_destroy (&next->frame);
        return rc;
    case WRITE_PING:
        edge_count (EDGE_PINGS, 1);
        return ws_frame_put (to, WS_FRAME_PING,
                             (text_t){ (const char *) &next->ping, sizeof next->ping });
    default:
        //  The peer answers it, and the answer ends the connection.
        row = &close_reasons[next->reason];
        if (!row->ws_code)
            return -1;
        self->closing = true;
        //  A client may have sent something before it reads that it is to go elsewhere: that still
        //  counts.
        self->discards_input = self->discards_input || !close_reason_is_move (next->reason);
        return ws_frame_put_close (to, row->ws_code, text_of (row->words));
    }
}

static int
s_put_pong (buffer_t *to, websocket_t *self)
{
    if (!self->pong)
        return 0;
    int rc = self->closing
                 ? 0
                 : ws_frame_put (to, WS_FRAME_PONG, (text_t){ self->pong, self->pong_size });
    free (self->pong);
    self->pong = NULL;
    return rc;
}

//  Gathers what there is, up to a turn's share. Returns 1 when there may be more, 0 when there is
//  not, −1 when the connection has to end.
static int
s_gather (websocket_t *self, buffer_t *to)
{
    websocket_server_t *server = self->server;
    if (s_put_pong (to, self) != 0)
        return -1;
    while (to->size < BYTES_PER_TURN) {
        websocket_write_t next;
        if (self->closing || !server->events->next (self->connection, &next))
            return 0;
        if (s_put_next (to, self, &next) != 0)
            return -1;
    }
    return 1;
}

//  The answer to the peer's close frame is the last thing that is said.
static void
s_answer_close (websocket_t *self)
{
    buffer_t *to = &self->server->gathered;
    buffer_clear (to);
    unsigned code = self->answer == WS_NO_CODE ? 0 : self->answer;
    if (ws_frame_put_close (to, code, TEXT_EMPTY) == 0)
        stream_write (self->stream, buffer_text (to));
    stream_finish (self->stream);
}

//  What the socket does not take the stream keeps, and calls when it has room again: until then
//  nothing more is taken out of the outbox.
static void
s_on_write (void *owner)
{
    websocket_t *self = owner;
    if (self->answer) {
        s_answer_close (self);
        return;
    }
    if (self->peer_closed || self->closing)
        return;
    buffer_t *gathered = &self->server->gathered;
    buffer_clear (gathered);
    int more = s_gather (self, gathered);
    stream_write (self->stream, buffer_text (gathered));
    if (gathered->room > ROOM_TO_KEEP)
        buffer_free (gathered);
    if (more < 0)
        stream_close (self->stream);
    else if (self->closing && self->discards_input)
        stream_finish (self->stream);
    else if (more > 0)
        stream_want_write (self->stream);
}

void
websocket_want_write (websocket_t *self)
{
    if (!self->peer_closed && !self->closing)
        stream_want_write (self->stream);
}

const client_address_t *
websocket_address (const websocket_t *self)
{
    return &self->caller.address;
}

bool
websocket_is_full (const websocket_t *self)
{
    return stream_is_full (self->stream);
}

//  The time limit of a message does not run while the socket is not read.
void
websocket_read (websocket_t *self, bool on)
{
    if (self->discards_input || self->peer_closed || on == !self->paused_ms)
        return;
    if (!on) {
        self->paused_ms = stream_now (self->stream);
        stream_limit (self->stream, STREAM_FREE, 0);
    } else {
        if (self->began_ms) {
            self->began_ms += stream_now (self->stream) - self->paused_ms;
            stream_limit (self->stream, STREAM_MESSAGE, self->began_ms);
        }
        self->paused_ms = 0;
    }
    stream_read (self->stream, on);
}

void
websocket_abort (websocket_t *self)
{
    stream_close (self->stream);
}

// ---------------------------------------------------------------------------------------------
//  Coming in

static void
s_accept_upgrade (websocket_server_t *self, stream_t *stream, const http_head_t *head, text_t key)
{
    char accept[WS_ACCEPT_SIZE + 1];
    ws_handshake_accept (key, accept);
    buffer_clear (&self->gathered);
    http_answer_t answer = http_answer_begin (&self->gathered, 101, true);
    http_answer_field (&answer, "upgrade", TEXT ("websocket"));
    http_answer_field (&answer, "connection", TEXT ("Upgrade"));
    http_answer_field (&answer, "sec-websocket-accept", (text_t){ accept, WS_ACCEPT_SIZE });
    if (http_head_has_token (head, "Sec-WebSocket-Protocol", WEBSOCKET_PROTOCOL))
        http_answer_field (&answer, "sec-websocket-protocol", TEXT (WEBSOCKET_PROTOCOL));
    if (http_answer_end (&answer) == 0)
        stream_write (stream, buffer_text (&self->gathered));
}

static websocket_t *
s_websocket_new (websocket_server_t *self, stream_t *stream)
{
    static const stream_events_t events = { .bytes = s_on_bytes,
                                            .ended = s_on_ended,
                                            .write = s_on_write,
                                            .late = s_on_late,
                                            .closed = s_on_closed };
    websocket_t *socket = alloc_zeroed (sizeof *socket);
    socket->server = self;
    socket->stream = stream;
    ws_reader_init (&socket->reader, (uint32_t) self->frame_limit);
    buffer_init (&socket->inbox, self->frame_limit);
    stream_limit (stream, STREAM_FREE, 0);
    stream_hand_over (stream, &events, socket);
    return socket;
}

//  A connection of any kind: a WebSocket, an event stream.
static unsigned
s_on_may_stay (void *owner)
{
    websocket_server_t *self = owner;
    bool is_full = self->connections >= self->connection_limit;
    if (self->draining || is_full)
        edge_count (self->draining ? EDGE_REFUSED_DRAINING : EDGE_REFUSED_FULL, 1);
    return self->draining || is_full ? 503 : 0;
}

static unsigned
s_on_upgrade (void *owner, stream_t *stream, const http_head_t *head, text_t key,
              const caller_t *caller)
{
    websocket_server_t *self = owner;
    unsigned status = s_on_may_stay (self);
    if (status)
        return status;
    client_url_t url;
    text_t origin;
    client_url_read (&url, head->query);
    if (http_head_only (head, "Origin", &origin) != 0) {
        edge_count (EDGE_REFUSED_ORIGIN, 1);
        return 403;
    }
    status = (unsigned) self->events->upgrade (self->owner, &url, origin);
    if (status)
        return status;
    websocket_t *socket = s_websocket_new (self, stream);
    socket->caller = *caller;
    callers_speak (self->callers, &socket->caller);
    s_accept_upgrade (self, stream, head, key);
    socket->connection = self->events->opened (self->owner, socket, &url, head);
    self->connections++;
    return 0;
}

//  A page is an open file. Idle sockets use up the allowance of the pages and no other.
static bool
s_has_room (void *owner)
{
    const websocket_server_t *self = owner;
    return streams_count (self->streams) - self->connections <= self->page_limit;
}

static void
s_on_asked (void *owner, request_t *request, const http_head_t *head)
{
    websocket_server_t *self = owner;
    if (s_has_room (self)) {
        self->site.asked (self->site.owner, request, head);
        return;
    }
    edge_count (EDGE_PAGES_REFUSED, 1);
    request_refuse (request, 503);
}

static void
s_on_too_many (void *owner, request_t *request, const http_head_t *head, unsigned seconds)
{
    websocket_server_t *self = owner;
    self->site.too_many (self->site.owner, request, head, seconds);
}

static bool
s_has_problems (void *owner, text_t target)
{
    websocket_server_t *self = owner;
    return self->site.has_problems && self->site.has_problems (self->site.owner, target);
}

static void
s_on_quiet (void *owner)
{
    websocket_server_t *self = owner;
    self->site.quiet (self->site.owner);
}

static bool
s_on_may_grow (void *owner)
{
    websocket_server_t *self = owner;
    return self->events->may_grow (self->owner);
}

static void
s_on_body_memory (void *owner, int64_t change)
{
    websocket_server_t *self = owner;
    self->events->memory (self->owner, NET_INBOX, change);
}

static void
s_on_stays (void *owner, int change)
{
    ((websocket_server_t *) owner)->connections += (uint64_t) (int64_t) change;
}

static bool
s_on_accept (void *owner, int descriptor, const ip_address_t *peer)
{
    websocket_server_t *self = owner;
    uint64_t now = uv_now (self->loop);
    caller_t caller = { .place = NULL };
    client_address_t address = { .ip = *peer,
                                 .is_exempt = trusted_proxies_hold (self->trusted, peer) };
    callers_enter (self->callers, &caller, &address, now);
    bool is_welcome = callers_wait_ms (self->callers, &caller, CALLER_SOCKET, now) == 0;
    if (is_welcome)
        callers_take (self->callers, &caller, CALLER_SOCKET, now);
    if (!is_welcome || streams_count (self->streams) >= self->socket_limit) {
        edge_count (EDGE_SOCKETS_REFUSED, is_welcome);
        callers_leave (self->callers, &caller, now);
        close (descriptor);
    } else if (http_server_take (self->requests, self->streams, descriptor, &caller) == 0)
        edge_count (EDGE_SOCKETS, 1);
    return is_welcome;
}

// ---------------------------------------------------------------------------------------------
//  Life

static void
s_start (websocket_server_t *self, uv_loop_t *loop, const websocket_config_t *config)
{
    static const http_server_events_t events = { .upgrade = s_on_upgrade,
                                                 .has_room = s_has_room,
                                                 .asked = s_on_asked,
                                                 .too_many = s_on_too_many,
                                                 .has_problems = s_has_problems,
                                                 .may_grow = s_on_may_grow,
                                                 .memory = s_on_body_memory,
                                                 .may_stay = s_on_may_stay,
                                                 .stays = s_on_stays,
                                                 .quiet = s_on_quiet };
    streams_config_t streams = { .limits_ms = { [STREAM_HEAD] = HEAD_WITHIN_MS,
                                                [STREAM_BODY] = BODY_WITHIN_MS,
                                                [STREAM_IDLE] = NEXT_WITHIN_MS,
                                                [STREAM_TAKE] = TAKE_WITHIN_MS,
                                                [STREAM_MESSAGE] = config->message_within_ms,
                                                [STREAM_LINGER] = LINGER_MS,
                                                [STREAM_SHAKE] = SHAKE_WITHIN_MS },
                                 .memory = self->events->memory,
                                 .owner = self->owner,
                                 .tls = config->tls };
    self->streams = streams_new (loop, &streams);
    callers_config_t callers = config->callers;
    uint64_t half = config->page_limit > 1 ? config->page_limit / 2 : 1;
    if (callers.silent_most > half)
        callers.silent_most = half;
    self->callers = callers_new (&callers);
    self->trusted = config->trusted;
    self->requests = http_server_new (loop, self->callers, self->trusted, &events, self);
    http_server_say_always (self->requests, config->lines);
    self->site = config->site;
}

websocket_server_t *
websocket_server_new (uv_loop_t *loop, const websocket_config_t *config,
                      const websocket_events_t *events, void *owner)
{
    assert (config->frame_limit <= UINT32_MAX);
    websocket_server_t *self = alloc_zeroed (sizeof *self);
    self->loop = loop;
    self->events = events;
    self->owner = owner;
    buffer_init (&self->gathered, GATHERED_MOST);
    self->frame_limit = config->frame_limit;
    self->connection_limit = config->connection_limit;
    self->socket_limit = config->socket_limit;
    self->page_limit = config->page_limit;
    listener_config_t listener = { .address = config->address,
                                   .port = config->port,
                                   .scheme = config->tls ? "https" : "http",
                                   .per_second = config->sockets_per_second,
                                   .burst = config->sockets_burst };
    self->listener = listener_new (loop, &listener, s_on_accept, self);
    if (!self->listener) {
        int why = errno;
        free (self);
        errno = why;
        return NULL;
    }
    s_start (self, loop, config);
    return self;
}

void
websocket_server_stop (websocket_server_t *self)
{
    self->draining = true;
    listener_destroy (&self->listener);
    http_server_drain (self->requests);
}

bool
websocket_server_is_quiet (const websocket_server_t *self)
{
    return http_server_is_quiet (self->requests);
}

void
websocket_server_destroy (websocket_server_t **self_p)
{
    websocket_server_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    listener_destroy (&self->listener);
    streams_destroy (&self->streams);
    http_server_destroy (&self->requests);
    callers_destroy (&self->callers);
    buffer_free (&self->gathered);
    free (self);
}
