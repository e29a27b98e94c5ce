#include "websocket.h"

#include "complaint.h"
#include "edge_counters.h"
#include "listener.h"
#include "pages.h"
#include "parts/buffer.h"
#include "parts/clock.h"
#include "parts/list.h"
#include "service/log.h"

#include <assert.h>
#include <errno.h>
#include <libwebsockets.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define URL_PAIR_MAX 4096     //  a longer parameter is too long for anything that we read
#define RX_PIECE 1024         //  each open socket holds this much
#define SERVICE_BUFFER 4096
//  Pieces of a frame are a sign of life for so long; by then it should be whole.
#define FRAME_WITHIN_MS 60000
#define HEAD_MOST 14          //  bytes of a client's frame before its payload
#define HEADER_LIMIT 8192
//  What is larger than this is not read on when too much waits on this edge.
#define LARGE_FRAME (16 * 1024)
#define BYTES_PER_TURN 65536
//  A frame that was larger than this gives its memory back.
#define ROOM_TO_KEEP (4 * BYTES_PER_TURN)
#define GATHERED_MOST (64u << 20)
//  Of one that is going to be closed so much is read and thrown away, then no more: whoever meant
//  well has the reason before its eyes, and until it has gone the rest stays where it is.
#define IGNORED_MOST (64u << 10)

struct websocket_server {
    struct lws_context *context;
    struct lws_vhost *vhost;
    listener_t *listener;
    const websocket_events_t *events;
    void *owner;
    uint64_t frame_limit;
    uint64_t connection_limit;
    uint64_t connections;
    uint64_t socket_limit;
    uint64_t page_limit;
    uint64_t sockets; //  all, as the library has made them known
    bool draining;
    char *config_json;
    size_t config_json_size;
    uint16_t port;
    pages_t pages;
    list_t ready;      //  sockets with something to write that are not known to be full
    buffer_t gathered; //  what one of them is given in one write
    uv_prepare_t *writer;
    uv_idle_t *awake;  //  runs while any are ready; NULL when the server ends
    uv_idle_t *reaper; //  frees the rest when the library's handles are closed
    int turns;
};

//  The library closes its handles in one turn of the loop, those that these held in the next, its
//  own in the third; more does not hurt.
#define REAP_AFTER_TURNS 8

//  The library's per-session memory: zeroed by it.
struct websocket {
    struct lws *wsi;
    connection_t *guest;
    buffer_t inbox; //  pieces of a frame that is not whole yet
    size_t rest;    //  of what was written, at most so much is with the library still
    uint64_t began_ms; //  the frame that is not whole yet
    list_t ready;   //  in the server's list while it is to be written to
    bool deaf;      //  what it reads is thrown away: it is going to be closed
    bool killed;    //  and now at once
    uint32_t ignored; //  bytes that were thrown away
    uint64_t passed_on; //  bytes; see websocket_passed_on
    bool closing;   //  our close frame is written: nothing may follow it
    bool gone;      //  the peer has closed: nothing is written any more
    bool full;      //  the library holds a rest of what was written, and calls when that is out
};

static websocket_server_t *
s_server (struct lws *wsi)
{
    return lws_context_user (lws_get_context (wsi));
}

// ---------------------------------------------------------------------------------------------
//  Coming in

static void
s_read_url (struct lws *wsi, client_url_t *url)
{
    client_url_init (url);
    char pair[URL_PAIR_MAX + 1];
    for (int at = 0;; at++) {
        int size = lws_hdr_fragment_length (wsi, WSI_TOKEN_HTTP_URI_ARGS, at);
        if (size <= 0)
            return;
        int rc = lws_hdr_copy_fragment (wsi, pair, sizeof pair, WSI_TOKEN_HTTP_URI_ARGS, at);
        if (rc >= 0)
            client_url_take (url, (text_t){ pair, (size_t) size });
    }
}

static int
s_refuse_upgrade (struct lws *wsi, int status)
{
    if (lws_return_http_status (wsi, (unsigned) status, NULL) != 0)
        return -1;
    return 1;
}

static int
s_on_upgrade (websocket_server_t *self, struct lws *wsi, const char *to)
{
    if (strcasecmp (to, "websocket") != 0)
        return -1;
    if (self->draining) {
        edge_count (EDGE_REFUSED_DRAINING, 1);
        return s_refuse_upgrade (wsi, HTTP_STATUS_SERVICE_UNAVAILABLE);
    }
    if (self->connections >= self->connection_limit) {
        edge_count (EDGE_REFUSED_FULL, 1);
        return s_refuse_upgrade (wsi, HTTP_STATUS_SERVICE_UNAVAILABLE);
    }
    client_url_t url;
    s_read_url (wsi, &url);
    char origin[512] = "";
    if (lws_hdr_total_length (wsi, WSI_TOKEN_ORIGIN) > 0
        && lws_hdr_copy (wsi, origin, sizeof origin, WSI_TOKEN_ORIGIN) <= 0)
        return s_refuse_upgrade (wsi, HTTP_STATUS_FORBIDDEN);
    int status = self->events->upgrade (self->owner, &url, text_of (origin));
    return status ? s_refuse_upgrade (wsi, status) : 0;
}

//  A page is an open file. Whoever opens sockets and says nothing takes away the pages, no more.
static int
s_on_request (websocket_server_t *self, struct lws *wsi)
{
    if (self->sockets - self->connections <= self->page_limit)
        return 0;
    edge_count (EDGE_PAGES_REFUSED, 1);
    (void) lws_return_http_status (wsi, HTTP_STATUS_SERVICE_UNAVAILABLE, NULL);
    return -1;
}

static void
s_count_socket (websocket_server_t *self, int change)
{
    self->sockets += (uint64_t) change;
    edge_count (EDGE_SOCKETS, change);
}

static int
s_on_established (websocket_server_t *self, struct lws *wsi, websocket_t *socket)
{
    *socket = (websocket_t){ .wsi = wsi };
    buffer_init (&socket->inbox, self->frame_limit);
    list_init (&socket->ready);
    client_url_t url;
    s_read_url (wsi, &url);
    socket->guest = self->events->opened (self->owner, socket, &url);
    if (!socket->guest)
        return -1;
    self->connections++;
    return 0;
}

static void
s_empty_inbox (websocket_t *socket)
{
    edge_count (EDGE_INBOX_BYTES, -(int64_t) socket->inbox.size);
    buffer_free (&socket->inbox);
}

//  What the library may still hold for it.
static void
s_note_rest (websocket_t *socket, size_t rest)
{
    edge_count (EDGE_WRITING_BYTES, (int64_t) rest - (int64_t) socket->rest);
    socket->rest = rest;
}

static void
s_on_closed (websocket_server_t *self, websocket_t *socket)
{
    if (!socket->guest)
        return;
    self->connections--;
    list_remove (&socket->ready);
    socket->gone = true;
    self->events->closed (self->owner, socket->guest);
    socket->guest = NULL;
    s_empty_inbox (socket);
    s_note_rest (socket, 0);
}

// ---------------------------------------------------------------------------------------------
//  Reading

static void
s_fault (websocket_server_t *self, websocket_t *socket, close_reason_t reason)
{
    socket->deaf = true;
    s_empty_inbox (socket);
    self->events->fault (self->owner, socket->guest, reason);
}

static void
s_text (websocket_server_t *self, websocket_t *socket, text_t text)
{
    edge_count (EDGE_FRAMES_IN, 1);
    edge_count (EDGE_BYTES_IN, (int64_t) text.size);
    self->events->text (self->owner, socket->guest, text);
}

//  Returns −1 when the connection has to end. To read on what a hostile client says as fast as it
//  can would cost as much as all others together.
static int
s_ignore (websocket_t *socket, size_t size)
{
    if (socket->killed)
        return -1;
    socket->ignored += (uint32_t) size;
    if (socket->ignored >= IGNORED_MOST)
        lws_rx_flow_control (socket->wsi, 0);
    return 0;
}

//  A piece of a frame: nearly always all of it.
static void
s_on_piece (websocket_server_t *self, struct lws *wsi, websocket_t *socket, text_t piece)
{
    if (lws_frame_is_binary (wsi)) {
        s_fault (self, socket, CLOSE_BINARY);
        return;
    }
    size_t known = socket->inbox.size + piece.size + lws_remaining_packet_payload (wsi);
    if (known > self->frame_limit) {
        s_fault (self, socket, CLOSE_TOO_LARGE);
        return;
    }
    bool whole = lws_is_final_fragment (wsi);
    socket->passed_on += piece.size + (whole ? HEAD_MOST : 0);
    if (whole && socket->inbox.size == 0) {
        socket->began_ms = 0;
        s_text (self, socket, piece);
        return;
    }
    uint64_t now = clock_mono_ms ();
    if (!socket->began_ms)
        socket->began_ms = now;
    if (socket->inbox.size >= LARGE_FRAME && !self->events->growing (self->owner)) {
        s_fault (self, socket, CLOSE_CROWDED);
        return;
    }
    if (buffer_put_text (&socket->inbox, piece) != 0) {
        s_fault (self, socket, CLOSE_NO_MEMORY);
        return;
    }
    edge_count (EDGE_INBOX_BYTES, (int64_t) piece.size);
    if (whole) {
        buffer_t inbox = socket->inbox;
        buffer_init (&socket->inbox, self->frame_limit);
        socket->began_ms = 0;
        edge_count (EDGE_INBOX_BYTES, -(int64_t) inbox.size);
        s_text (self, socket, buffer_text (&inbox));
        buffer_free (&inbox);
    } else if (now - socket->began_ms < FRAME_WITHIN_MS)
        self->events->piece (self->owner, socket->guest);
}

// ---------------------------------------------------------------------------------------------
//  Writing

enum { TEXT_FRAME = 1, CLOSE_FRAME = 8, PING_FRAME = 9 };

//  All that a socket can be given now leaves in one write, whatever the frames are, and their
//  headers are made here: the library would spend a system call on each of them.
static int
s_put_frame (buffer_t *to, unsigned opcode, text_t payload)
{
    size_t head_size = payload.size < 126 ? 2 : payload.size <= UINT16_MAX ? 4 : 10;
    unsigned char *head = (unsigned char *) buffer_grow (to, head_size + payload.size);
    if (!head)
        return -1;
    head[0] = (unsigned char) (0x80 | opcode); //  final
    head[1] = head_size == 2 ? (unsigned char) payload.size : head_size == 4 ? 126 : 127;
    for (size_t at = head_size, left = payload.size; at > 2; left >>= 8)
        head[--at] = (unsigned char) left;
    if (payload.size)
        memcpy (head + head_size, payload.data, payload.size);
    return 0;
}

static int
s_put_text (buffer_t *to, frame_t *frame)
{
    edge_count (EDGE_FRAMES_OUT, 1);
    edge_count (EDGE_BYTES_OUT, frame->size);
    int rc = s_put_frame (to, TEXT_FRAME, (text_t){ frame->text, frame->size });
    frame_destroy (&frame);
    return rc;
}

static int
s_put_ping (buffer_t *to, uint64_t number)
{
    edge_count (EDGE_PINGS, 1);
    return s_put_frame (to, PING_FRAME, (text_t){ (const char *) &number, sizeof number });
}

//  The library's own way (lws_close_reason and −1) loses the close frame under libuv (4.1.6 closes
//  a second time at once, as a test of itself), so it is written by hand. The peer answers it, and
//  the answer ends the connection; who does not answer is killed after a while by the guest.
static int
s_put_close (buffer_t *to, websocket_t *socket, close_reason_t reason)
{
    const close_reason_row_t *row = close_reason_row (reason);
    if (!row->ws_code)
        return -1;
    size_t words = strlen (row->words);
    char payload[125];
    assert (words + 2 <= sizeof payload);
    payload[0] = (char) (row->ws_code >> 8);
    payload[1] = (char) row->ws_code;
    memcpy (payload + 2, row->words, words);
    socket->closing = true;
    //  Who is told that we go may have said something before it reads that: it counts.
    socket->deaf = socket->deaf || reason != CLOSE_GOING_AWAY;
    return s_put_frame (to, CLOSE_FRAME, (text_t){ payload, words + 2 });
}

static int
s_put_next (buffer_t *to, websocket_t *socket, const websocket_write_t *next)
{
    switch (next->what) {
    case WRITE_TEXT:
        return s_put_text (to, next->frame);
    case WRITE_PING:
        return s_put_ping (to, next->ping);
    default:
        return s_put_close (to, socket, next->reason);
    }
}

//  Gathers what there is, up to a turn's share. Returns 1 when there may be more, 0 when there is
//  not, −1 when the connection has to end.
static int
s_gather (websocket_server_t *self, websocket_t *socket)
{
    while (self->gathered.size < BYTES_PER_TURN) {
        websocket_write_t next;
        if (socket->closing || !self->events->next (self->owner, socket->guest, &next))
            return 0;
        if (s_put_next (&self->gathered, socket, &next) != 0)
            return -1;
    }
    return 1;
}

//  Returns 0; −1 when the connection has to end. What the socket does not take the library keeps,
//  and calls when it has room again: until then nothing more is taken out of the outbox.
static int
s_write (websocket_server_t *self, websocket_t *socket)
{
    list_remove (&socket->ready);
    buffer_clear (&self->gathered);
    int more = s_gather (self, socket);
    text_t all = buffer_text (&self->gathered);
    if (all.size > 0
        && lws_write (socket->wsi, (unsigned char *) self->gathered.data, all.size, LWS_WRITE_RAW)
               < 0)
        return -1;
    socket->full = lws_partial_buffered (socket->wsi);
    s_note_rest (socket, socket->full ? all.size : 0);
    if (self->gathered.room > ROOM_TO_KEEP)
        buffer_free (&self->gathered);
    if (more == 1)
        websocket_want_write (socket);
    return more < 0 ? -1 : 0;
}

static int
s_on_writable (websocket_server_t *self, websocket_t *socket)
{
    socket->full = false;
    s_note_rest (socket, 0);
    return socket->gone ? 0 : s_write (self, socket);
}

//  Before the loop sleeps, so that what came for a socket in one turn leaves together. To ask the
//  loop whether a socket is writable, which it nearly always is, costs more than to write.
static void
s_before_sleep (uv_prepare_t *prepare)
{
    websocket_server_t *self = prepare->data;
    list_t now;
    list_init (&now);
    for (list_t *first; (first = list_first (&self->ready));)
        list_append (&now, first);
    for (list_t *first; (first = list_first (&now));) {
        websocket_t *socket = LIST_THING (first, websocket_t, ready);
        if (s_write (self, socket) != 0) {
            socket->gone = true;
            websocket_kill (socket);
        }
    }
    if (list_is_empty (&self->ready))
        uv_idle_stop (self->awake);
}

static void
s_nothing (uv_idle_t *awake)
{
    (void) awake; //  it only keeps the loop from sleeping
}

void
websocket_want_write (websocket_t *self)
{
    websocket_server_t *server = s_server (self->wsi);
    if (self->full || self->gone || !server->awake)
        return; //  it will be looked at when there is room, or never
    list_append (&server->ready, &self->ready);
    uv_idle_start (server->awake, s_nothing);
}

int
websocket_descriptor (const websocket_t *self)
{
    return lws_get_socket_fd (self->wsi);
}

uint64_t
websocket_passed_on (const websocket_t *self)
{
    return self->passed_on;
}

bool
websocket_is_full (const websocket_t *self)
{
    return self->full;
}

void
websocket_read (websocket_t *self, bool on)
{
    lws_rx_flow_control (self->wsi, on);
    //  What it has read and not passed on it would keep until something else wakes it.
    if (on)
        lws_cancel_service (lws_get_context (self->wsi));
}

//  The library's own kill is a timer that runs only when it is woken by something else, or a close
//  in the middle of the caller's work. The end of the stream comes through the loop as any other.
void
websocket_kill (websocket_t *self)
{
    self->killed = true;
    lws_rx_flow_control (self->wsi, 1);
    (void) shutdown (lws_get_socket_fd (self->wsi), SHUT_RDWR);
}

// ---------------------------------------------------------------------------------------------
//  The library

static int
s_callback (struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size)
{
    websocket_t *socket = user;
    switch (reason) {
    case LWS_CALLBACK_WSI_CREATE:
        s_count_socket (s_server (wsi), 1);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        s_count_socket (s_server (wsi), -1);
        return 0;
    case LWS_CALLBACK_FILTER_HTTP_CONNECTION:
        return s_on_request (s_server (wsi), wsi);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return s_on_upgrade (s_server (wsi), wsi, in);
    case LWS_CALLBACK_ESTABLISHED:
        return s_on_established (s_server (wsi), wsi, socket);
    case LWS_CALLBACK_RECEIVE:
        if (socket->deaf)
            return s_ignore (socket, size);
        s_on_piece (s_server (wsi), wsi, socket, (text_t){ in, size });
        return 0;
    case LWS_CALLBACK_RECEIVE_PONG:
        s_server (wsi)->events->pong (s_server (wsi)->owner, socket->guest, (text_t){ in, size });
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return s_on_writable (s_server (wsi), socket);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        list_remove (&socket->ready);
        socket->gone = true;
        return socket->closing ? -1 : 0;
    case LWS_CALLBACK_CLOSED:
        s_on_closed (s_server (wsi), socket);
        return 0;
    case LWS_CALLBACK_HTTP:
        return pages_answer (wsi, in, (text_t){ s_server (wsi)->config_json,
                                                s_server (wsi)->config_json_size });
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return pages_write (wsi, (text_t){ s_server (wsi)->config_json,
                                           s_server (wsi)->config_json_size });
    default:
        return lws_callback_http_dummy (wsi, reason, user, in, size);
    }
}

static const struct lws_protocols s_protocols[] = {
    { .name = "chat",
      .callback = s_callback,
      .per_session_data_size = sizeof (websocket_t),
      .rx_buffer_size = RX_PIECE,
      .tx_packet_size = BYTES_PER_TURN },
    { .name = NULL },
};

//  All zeros: the library makes no timer of its own for each connection (its sorted list of timers
//  is walked for each); liveness.c keeps time.
static const lws_retry_bo_t s_no_validity = { .secs_since_valid_ping = 0 };

//  Most of what it says is about what a client sent, a head that is too large, say.
static void
s_log (int level, const char *line)
{
    (void) level;
    static complaint_t complaint;
    edge_count (EDGE_LIBRARY_COMPLAINTS, 1);
    if (!complaint_is_due (&complaint, clock_mono_ms ()))
        return;
    size_t size = strlen (line);
    if (size > 0 && line[size - 1] == '\n')
        size--;
    log_warn ("socket library", log_text ("words", (text_t){ line, size }));
}

static void
s_on_accept (void *owner, int descriptor)
{
    websocket_server_t *self = owner;
    if (self->sockets >= self->socket_limit) {
        edge_count (EDGE_SOCKETS_REFUSED, 1);
        close (descriptor);
        return;
    }
    //  It closes the descriptor itself when it cannot take it.
    (void) lws_adopt_socket_vhost (self->vhost, descriptor);
    //  Its timers are set from outside of it now and noticed only when it is woken.
    lws_cancel_service (self->context);
}

static int
s_start_library (websocket_server_t *self, uv_loop_t *loop, const websocket_config_t *config)
{
    void *loops[] = { loop };
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .foreign_loops = loops,
        .count_threads = 1,
        .pt_serv_buf_size = SERVICE_BUFFER,
        .max_http_header_data = HEADER_LIMIT,
        .protocols = s_protocols,
        .mounts = pages_mounts (&self->pages, config->web_root),
        .headers = pages_headers (),
        .server_string = "stentor-edge",
        .retry_and_idle_policy = &s_no_validity,
        .vhost_name = "edge",
        .gid = (gid_t) -1,
        .uid = (uid_t) -1,
        .user = self,
    };
    lws_set_log_level (LLL_ERR, s_log);
    self->context = lws_create_context (&info);
    if (!self->context)
        return -1;
    self->reaper = malloc (sizeof *self->reaper);
    self->awake = malloc (sizeof *self->awake);
    self->writer = malloc (sizeof *self->writer);
    assert (self->reaper && self->awake && self->writer);
    uv_idle_init (loop, self->reaper);
    uv_idle_init (loop, self->awake);
    uv_prepare_init (loop, self->writer);
    self->reaper->data = self->awake->data = self->writer->data = self;
    uv_prepare_start (self->writer, s_before_sleep);
    self->vhost = lws_create_vhost (self->context, &info);
    return self->vhost ? 0 : -1;
}

websocket_server_t *
websocket_server_new (uv_loop_t *loop, const websocket_config_t *config,
                      const websocket_events_t *events, void *owner)
{
    websocket_server_t *self = calloc (1, sizeof *self);
    assert (self);
    self->events = events;
    self->owner = owner;
    list_init (&self->ready);
    buffer_init (&self->gathered, GATHERED_MOST);
    self->frame_limit = config->frame_limit;
    self->connection_limit = config->connection_limit;
    self->socket_limit = config->socket_limit;
    self->page_limit = config->page_limit;
    self->config_json_size = config->config_json.size;
    self->config_json = malloc (self->config_json_size + 1);
    assert (self->config_json);
    memcpy (self->config_json, config->config_json.data, self->config_json_size);

    listener_config_t listener = { .address = config->address,
                                   .port = config->port,
                                   .per_second = config->sockets_per_second,
                                   .burst = config->sockets_burst };
    self->listener = listener_new (loop, &listener, s_on_accept, self);
    if (self->listener)
        self->port = listener_port (self->listener);
    if (!self->listener || s_start_library (self, loop, config) != 0) {
        int why = self->listener ? ENOTSUP : errno;
        websocket_server_destroy (&self);
        errno = why;
    }
    return self;
}

void
websocket_server_stop (websocket_server_t *self)
{
    self->draining = true;
    listener_destroy (&self->listener);
}

static void
s_free (websocket_server_t *self)
{
    buffer_free (&self->gathered);
    free (self->config_json);
    free (self);
}

static void
s_on_handle_closed (uv_handle_t *handle)
{
    free (handle);
}

static void
s_on_reaped (uv_handle_t *handle)
{
    s_free (handle->data);
    free (handle);
}

//  With a loop that is not its own the library begins to end with the first call and frees its
//  memory with the second, which must come when all its handles are closed.
static void
s_on_reaper (uv_idle_t *reaper)
{
    websocket_server_t *self = reaper->data;
    if (++self->turns < REAP_AFTER_TURNS)
        return;
    lws_context_destroy (self->context);
    uv_close ((uv_handle_t *) reaper, s_on_reaped);
}

void
websocket_server_destroy (websocket_server_t **self_p)
{
    websocket_server_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    listener_destroy (&self->listener);
    if (!self->context) {
        s_free (self);
        return;
    }
    uv_close ((uv_handle_t *) self->writer, s_on_handle_closed);
    uv_close ((uv_handle_t *) self->awake, s_on_handle_closed);
    self->awake = NULL;
    lws_context_destroy (self->context);
    uv_idle_start (self->reaper, s_on_reaper);
}

uint16_t
websocket_server_port (const websocket_server_t *self)
{
    return self->port;
}
