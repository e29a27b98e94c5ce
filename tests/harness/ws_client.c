//  ws_client — see ws_client.h.

#include "ws_client.h"

#include "eventually.h"
#include "tls_wire.h"
#include "wait_report.h"
#include "base/list.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_WITHIN 5000 //  ms
#define SEND_WITHIN 10000   //  ms
#define HEAD_MOST 16384     //  bytes of an HTTP answer's head
#define MESSAGE_MOST (16u << 20)
#define LINES_KEPT 80
#define LINES_TOLD 6 //  by each that is told about when time is up
#define CLIENTS_TOLD 10
#define LINE_SHOWN 220

//  Bytes that came and were not taken yet, or a message that is being put together.
typedef struct {
    char *data;
    size_t size;
    size_t room;
} bytes_t;

struct ws_client {
    list_t place; //  among those that are open
    char *name;
    int handle; //  −1: gone
    struct ssl_st *tls; //  where the port speaks it; NULL: in clear
    int status;
    bool answers_pings;
    int close_code; //  1006 until a close message comes
    bytes_t incoming;
    size_t taken;     //  of incoming: what ws_client_next has already given out
    bytes_t partial;  //  fragments of a message
    ws_opcode_t partial_opcode;
    unsigned partial_count;
    bytes_t message;  //  the one last given out
    json_object *json;
    char *lines[LINES_KEPT];
    unsigned line_count;
};

static list_t s_all = { &s_all, &s_all };

static void
s_bytes_put (bytes_t *self, const void *data, size_t size)
{
    if (self->room < self->size + size + 1) {
        self->room = (self->size + size + 1) * 2;
        self->data = realloc (self->data, self->room);
        assert (self->data);
    }
    if (size)
        memcpy (self->data + self->size, data, size);
    self->size += size;
    self->data[self->size] = 0;
}

//  Keeps one line of what was said, `<` from the server and `>` to it.
static void
s_note (ws_client_t *self, const char *direction, const char *what, const char *data, size_t size)
{
    char **line = &self->lines[self->line_count++ % LINES_KEPT];
    free (*line);
    int shown = size > LINE_SHOWN ? LINE_SHOWN : (int) size;
    if (asprintf (line, "%s %s %.*s%s", direction, what, shown, data ? data : "",
                  size > LINE_SHOWN ? "…" : "")
        < 0)
        *line = NULL;
}

static void
s_print (const ws_client_t *self, unsigned most)
{
    unsigned from = self->line_count > most ? self->line_count - most : 0;
    fprintf (stderr, "---- %s%s, the last lines\n", self->name,
             self->handle < 0 ? " (disconnected)" : "");
    for (unsigned line = from; line < self->line_count; line++)
        fprintf (stderr, "  %s\n", self->lines[line % LINES_KEPT]);
    fprintf (stderr, "----\n");
}

void
ws_client_print (const ws_client_t *self)
{
    s_print (self, LINES_KEPT);
}

//  All that are open, when time is up.
static void
s_speak (void)
{
    unsigned told = 0;
    for (list_t *link = s_all.next; link != &s_all && told < CLIENTS_TOLD; link = link->next) {
        s_print (LIST_THING (link, ws_client_t, place), LINES_TOLD);
        told++;
    }
}

//  An expectation was not met.
__attribute__ ((format (printf, 2, 3))) static void
s_complain (const ws_client_t *self, const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    fprintf (stderr, "harness: %s ", self->name);
    vfprintf (stderr, format, arguments);
    fprintf (stderr, "\n");
    va_end (arguments);
    ws_client_print (self);
}

// ---------------------------------------------------------------------------------------------
//  The TCP connection

static void
s_gone (ws_client_t *self)
{
    tls_wire_free (&self->tls);
    if (self->handle >= 0)
        close (self->handle);
    self->handle = -1;
}

//  Waits until the socket can do it. False at the deadline.
static bool
s_wait (const ws_client_t *self, short what, uint64_t deadline)
{
    struct pollfd entry = { .fd = self->handle, .events = what };
    uint64_t now = clock_mono_ms ();
    if (what == POLLIN && self->tls && tls_wire_has_more (self->tls))
        return true;
    int ready = poll (&entry, 1, now < deadline ? (int) (deadline - now) : 0);
    return ready > 0;
}

bool
ws_client_send_raw (ws_client_t *self, const void *data, size_t size)
{
    const char *at = data;
    uint64_t deadline = eventually_deadline (SEND_WITHIN);
    while (size && self->handle >= 0) {
        ssize_t sent = self->tls ? tls_wire_send (self->tls, at, size)
                                 : send (self->handle, at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            at += sent;
            size -= (size_t) sent;
        }
        else if (sent < 0 && errno != EAGAIN)
            return false; //  what the server said before it went can still be read
        else if (!s_wait (self, POLLOUT, deadline)) {
            s_complain (self, "cannot send: the server does not read");
            return false;
        }
    }
    return size == 0;
}

//  Takes in what has come. WS_MESSAGE here: there is more than before.
static ws_outcome_t
s_receive (ws_client_t *self, uint64_t deadline)
{
    char chunk[65536];
    if (self->handle < 0)
        return WS_GONE;
    if (!s_wait (self, POLLIN, deadline))
        return WS_NOTHING;
    ssize_t got = self->tls ? tls_wire_recv (self->tls, chunk, sizeof chunk)
                            : recv (self->handle, chunk, sizeof chunk, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return WS_NOTHING;
    if (got <= 0) {
        s_note (self, "<", got == 0 ? "(end of the connection)" : "(connection reset)", "", 0);
        s_gone (self);
        return WS_GONE;
    }
    if (self->taken) {
        self->incoming.size -= self->taken;
        memmove (self->incoming.data, self->incoming.data + self->taken, self->incoming.size);
        self->taken = 0;
    }
    s_bytes_put (&self->incoming, chunk, (size_t) got);
    return WS_MESSAGE;
}

// ---------------------------------------------------------------------------------------------
//  Opening and closing

static bool
s_connect (ws_client_t *self, const ws_options_t *options)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons (options->port),
                                   .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    int yes = 1;
    self->handle = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert (self->handle >= 0);
    setsockopt (self->handle, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    //  Also how long connecting takes, where nobody takes in who comes.
    struct timeval patience = { .tv_sec = 3 * CONNECT_WITHIN / 1000 };
    setsockopt (self->handle, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (options->receive_buffer)
        setsockopt (self->handle, SOL_SOCKET, SO_RCVBUF, &options->receive_buffer,
                    sizeof options->receive_buffer);
    if (connect (self->handle, (struct sockaddr *) &address, sizeof address) != 0)
        return false;
    if (tls_wire_is_at (options->port))
        self->tls = tls_wire_open (self->handle, NULL, NULL);
    return self->tls || !tls_wire_is_at (options->port);
}

static bool
s_ask_for_upgrade (ws_client_t *self, const ws_options_t *options)
{
    char *head;
    int size = asprintf (&head,
                         "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
                         "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                         "Sec-WebSocket-Key: c3RlbnRvci10ZXN0LWtleQ==\r\n%s%s%s%s\r\n",
                         options->target, options->port, options->origin ? "Origin: " : "",
                         options->origin ? options->origin : "", options->origin ? "\r\n" : "",
                         options->headers ? options->headers : "");
    assert (size > 0);
    bool sent = ws_client_send_raw (self, head, (size_t) size);
    free (head);
    return sent;
}

//  Of TLS something may come that is none of the answer.
static bool
s_receive_more (ws_client_t *self, uint64_t deadline)
{
    ws_outcome_t outcome;
    while ((outcome = s_receive (self, deadline)) == WS_NOTHING && clock_mono_ms () < deadline)
        ;
    return outcome == WS_MESSAGE;
}

//  Reads the answer's head; what follows it stays in `incoming`.
static bool
s_read_head (ws_client_t *self)
{
    uint64_t deadline = eventually_deadline (CONNECT_WITHIN);
    char *end = NULL;
    while (!end) {
        if (self->incoming.size > HEAD_MOST || !s_receive_more (self, deadline))
            return false;
        end = strstr (self->incoming.data, "\r\n\r\n");
    }
    self->taken = (size_t) (end + 4 - self->incoming.data);
    if (strncmp (self->incoming.data, "HTTP/1.", 7) == 0)
        self->status = atoi (self->incoming.data + 9);
    return self->status != 0;
}

ws_client_t *
ws_client_open (const ws_options_t *options)
{
    ws_client_t *self = calloc (1, sizeof *self);
    assert (self);
    wait_report_ask (s_speak);
    list_init (&self->place);
    list_append (&s_all, &self->place);
    self->name = strdup (options->name ? options->name : "client");
    self->answers_pings = true;
    self->close_code = 1006;
    if (!s_connect (self, options) || !s_ask_for_upgrade (self, options) || !s_read_head (self))
        ws_client_destroy (&self);
    return self;
}

ws_client_t *
ws_client_connect (const char *name, uint16_t port, const char *target)
{
    ws_client_t *self =
        ws_client_open (&(ws_options_t){ .name = name, .port = port, .target = target });
    if (self && self->status != 101) {
        fprintf (stderr, "harness: %s is answered %d in place of 101\n", name, self->status);
        ws_client_destroy (&self);
    }
    return self;
}

void
ws_client_destroy (ws_client_t **self_p)
{
    ws_client_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    list_remove (&self->place);
    s_gone (self);
    json_object_put (self->json);
    for (unsigned line = 0; line < LINES_KEPT; line++)
        free (self->lines[line]);
    free (self->incoming.data);
    free (self->partial.data);
    free (self->message.data);
    free (self->name);
    free (self);
}

void
ws_client_reset (ws_client_t *self)
{
    struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    if (self->handle >= 0)
        setsockopt (self->handle, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    s_gone (self);
}

int
ws_client_status (const ws_client_t *self)
{
    return self->status;
}

const char *
ws_client_name (const ws_client_t *self)
{
    return self->name;
}

int
ws_client_handle (const ws_client_t *self)
{
    return self->handle;
}

void
ws_client_answer_pings (ws_client_t *self, bool answer)
{
    self->answers_pings = answer;
}

// ---------------------------------------------------------------------------------------------
//  Speaking

static const char *
s_opcode_name (ws_opcode_t opcode)
{
    switch (opcode) {
    case WS_CONTINUATION:
        return "(more)";
    case WS_TEXT:
        return "";
    case WS_BINARY:
        return "(binary)";
    case WS_CLOSE:
        return "(close)";
    case WS_PING:
        return "(ping)";
    case WS_PONG:
        return "(pong)";
    }
    return "(unknown)";
}

//  Writes a masked frame's head. Returns its size, at most 14.
static size_t
s_frame_head (unsigned char *head, ws_opcode_t opcode, bool final, size_t size,
              const unsigned char mask[4])
{
    size_t at = 0;
    head[at++] = (unsigned char) ((final ? 0x80 : 0) | opcode);
    if (size < 126)
        head[at++] = (unsigned char) (0x80 | size);
    else {
        unsigned width = size < 65536 ? 2 : 8;
        head[at++] = (unsigned char) (0x80 | (width == 2 ? 126 : 127));
        while (width--)
            head[at++] = (unsigned char) (((uint64_t) size >> (8 * width)) & 0xff);
    }
    memcpy (head + at, mask, 4);
    return at + 4;
}

bool
ws_client_send_frame (ws_client_t *self, ws_opcode_t opcode, bool final, const void *data,
                      size_t size)
{
    static uint32_t s_mask = 0x9d3a51c7;
    unsigned char mask[4], head[14];
    s_mask = s_mask * 1664525u + 1013904223u;
    memcpy (mask, &s_mask, 4);
    bytes_t frame = { 0 };
    s_bytes_put (&frame, head, s_frame_head (head, opcode, final, size, mask));
    size_t body = frame.size;
    s_bytes_put (&frame, data, size);
    for (size_t index = 0; index < size; index++)
        frame.data[body + index] = (char) (frame.data[body + index] ^ (char) mask[index % 4]);
    if (opcode != WS_PONG)
        s_note (self, ">", s_opcode_name (opcode), data, size);
    bool sent = ws_client_send_raw (self, frame.data, frame.size);
    free (frame.data);
    return sent;
}

bool
ws_client_send_text (ws_client_t *self, const char *text)
{
    return ws_client_send_frame (self, WS_TEXT, true, text, strlen (text));
}

bool
ws_client_send_format (ws_client_t *self, const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    char *text;
    int size = vasprintf (&text, format, arguments);
    va_end (arguments);
    assert (size >= 0);
    bool sent = ws_client_send_text (self, text);
    free (text);
    return sent;
}

bool
ws_client_send_fragmented (ws_client_t *self, ws_opcode_t opcode, const void *data, size_t size,
                           size_t piece)
{
    const char *at = data;
    assert (piece);
    do {
        size_t now = size < piece ? size : piece;
        if (!ws_client_send_frame (self, opcode, now == size, at, now))
            return false;
        opcode = WS_CONTINUATION;
        at += now;
        size -= now;
    } while (size);
    return true;
}

bool
ws_client_send_close (ws_client_t *self, uint16_t code)
{
    unsigned char body[2] = { (unsigned char) (code >> 8), (unsigned char) code };
    return ws_client_send_frame (self, WS_CLOSE, true, body, 2);
}

// ---------------------------------------------------------------------------------------------
//  Listening

typedef struct {
    ws_opcode_t opcode;
    bool final;
    const char *data;
    size_t size;
} frame_t;

//  Takes the next whole frame out of what has come. False when there is none yet.
static bool
s_take_frame (ws_client_t *self, frame_t *frame)
{
    const unsigned char *at = (const unsigned char *) self->incoming.data + self->taken;
    size_t there = self->incoming.size - self->taken, head = 2;
    if (there < head)
        return false;
    uint64_t size = at[1] & 0x7f;
    unsigned width = size == 126 ? 2 : size == 127 ? 8 : 0;
    head += width;
    if (there < head)
        return false;
    if (width)
        size = 0;
    for (unsigned index = 0; index < width; index++)
        size = size << 8 | at[2 + index];
    assert (!(at[1] & 0x80) && "a server must not mask");
    assert (!(at[0] & 0x70) && "no extension was offered");
    assert (size <= MESSAGE_MOST);
    if (there < head + size)
        return false;
    *frame = (frame_t){ .opcode = at[0] & 0x0f,
                        .final = at[0] & 0x80,
                        .data = (const char *) at + head,
                        .size = (size_t) size };
    self->taken += head + (size_t) size;
    return true;
}

static void
s_give (ws_client_t *self, ws_message_t *message, ws_opcode_t opcode, const char *data, size_t size,
        unsigned fragments)
{
    self->message.size = 0;
    s_bytes_put (&self->message, data, size);
    *message = (ws_message_t){ .opcode = opcode,
                               .data = self->message.data,
                               .size = self->message.size,
                               .fragments = fragments };
    s_note (self, "<", s_opcode_name (opcode), self->message.data, size);
}

static void
s_control (ws_client_t *self, const frame_t *frame)
{
    if (frame->opcode == WS_PING && self->answers_pings)
        (void) ws_client_send_frame (self, WS_PONG, true, frame->data, frame->size);
    if (frame->opcode != WS_CLOSE)
        return;
    const unsigned char *code = (const unsigned char *) frame->data;
    self->close_code = frame->size >= 2 ? code[0] << 8 | code[1] : 0;
    (void) ws_client_send_frame (self, WS_CLOSE, true, frame->data, frame->size >= 2 ? 2 : 0);
}

//  True when the frame completes a message, which is then given out.
static bool
s_frame (ws_client_t *self, const frame_t *frame, ws_message_t *message)
{
    if (frame->opcode >= WS_CLOSE) {
        s_control (self, frame);
        s_give (self, message, frame->opcode, frame->data, frame->size, 1);
        return true;
    }
    if (frame->opcode != WS_CONTINUATION) {
        self->partial.size = 0;
        self->partial_count = 0;
        self->partial_opcode = frame->opcode;
    }
    s_bytes_put (&self->partial, frame->data, frame->size);
    self->partial_count++;
    if (!frame->final)
        return false;
    s_give (self, message, self->partial_opcode, self->partial.data, self->partial.size,
            self->partial_count);
    return true;
}

static ws_outcome_t
s_next (ws_client_t *self, ws_message_t *message, uint64_t deadline)
{
    frame_t frame;
    for (;;) {
        while (s_take_frame (self, &frame))
            if (s_frame (self, &frame, message))
                return WS_MESSAGE;
        ws_outcome_t outcome = s_receive (self, deadline);
        if (outcome != WS_MESSAGE)
            return outcome;
    }
}

ws_outcome_t
ws_client_next (ws_client_t *self, ws_message_t *message, uint64_t milliseconds)
{
    return s_next (self, message, eventually_deadline (milliseconds));
}

//  The next text message that is JSON; anything else is skipped.
static json_object *
s_next_json (ws_client_t *self, uint64_t deadline)
{
    ws_message_t message;
    while (s_next (self, &message, deadline) == WS_MESSAGE) {
        if (message.opcode != WS_TEXT)
            continue;
        json_object_put (self->json);
        self->json = json_tokener_parse (message.data);
        if (self->json)
            return self->json;
        s_complain (self, "got a text frame that is not JSON");
    }
    return NULL;
}

json_object *
ws_client_next_json (ws_client_t *self, uint64_t milliseconds)
{
    return s_next_json (self, eventually_deadline (milliseconds));
}

json_object *
ws_client_wait_where (ws_client_t *self, const char *event, const char *path, const char *value,
                      uint64_t milliseconds)
{
    uint64_t deadline = eventually_deadline (milliseconds);
    json_object *frame;
    while ((frame = s_next_json (self, deadline)))
        if (strcmp (ws_json_text (frame, "event"), event) == 0
            && (!path || strcmp (ws_json_text (frame, path), value) == 0))
            return frame;
    s_complain (self, "got no '%s'%s%s%s%s in %u ms%s", event, path ? " with " : "",
                path ? path : "", path ? " = " : "", path ? value : "", (unsigned) milliseconds,
                self->handle < 0 ? ": the connection has ended" : "");
    return NULL;
}

json_object *
ws_client_wait_event (ws_client_t *self, const char *event, uint64_t milliseconds)
{
    return ws_client_wait_where (self, event, NULL, NULL, milliseconds);
}

bool
ws_client_expect_close (ws_client_t *self, int code, uint64_t milliseconds)
{
    uint64_t deadline = eventually_deadline (milliseconds);
    ws_message_t message;
    ws_outcome_t outcome;
    while ((outcome = s_next (self, &message, deadline)) == WS_MESSAGE)
        continue;
    if (outcome == WS_GONE && self->close_code == code)
        return true;
    if (outcome == WS_GONE)
        s_complain (self, "is closed with %d in place of %d", self->close_code, code);
    else
        s_complain (self, "is not closed in %u ms", (unsigned) milliseconds);
    return false;
}

bool
ws_client_expect_silence (ws_client_t *self, uint64_t milliseconds)
{
    uint64_t deadline = clock_mono_ms () + milliseconds;
    ws_message_t message;
    ws_outcome_t outcome;
    while ((outcome = s_next (self, &message, deadline)) == WS_MESSAGE)
        if (message.opcode < WS_CLOSE)
            break;
    if (outcome != WS_NOTHING)
        s_complain (self, outcome == WS_GONE ? "is disconnected in place of silence"
                                             : "is told something in place of silence");
    return outcome == WS_NOTHING;
}

bool
ws_client_expect_no (ws_client_t *self, const char *event, uint64_t milliseconds)
{
    uint64_t deadline = clock_mono_ms () + milliseconds;
    json_object *frame;
    while ((frame = s_next_json (self, deadline)))
        if (strcmp (ws_json_text (frame, "event"), event) == 0) {
            s_complain (self, "got a '%s' that must not come", event);
            return false;
        }
    if (self->handle < 0)
        s_complain (self, "is disconnected");
    return self->handle >= 0;
}

// ---------------------------------------------------------------------------------------------
//  Reading JSON by path

json_object *
ws_json_at (json_object *object, const char *path)
{
    while (object && path && *path) {
        char step[64];
        size_t length = strcspn (path, ".");
        assert (length < sizeof step);
        memcpy (step, path, length);
        step[length] = 0;
        path += length + (path[length] == '.');
        if (json_object_is_type (object, json_type_array))
            object = json_object_array_get_idx (object, strtoul (step, NULL, 10));
        else if (!json_object_object_get_ex (object, step, &object))
            return NULL;
    }
    return object;
}

const char *
ws_json_text (json_object *object, const char *path)
{
    json_object *found = ws_json_at (object, path);
    return json_object_is_type (found, json_type_string) ? json_object_get_string (found) : "";
}

int64_t
ws_json_number (json_object *object, const char *path)
{
    return json_object_get_int64 (ws_json_at (object, path));
}

bool
ws_json_true (json_object *object, const char *path)
{
    json_object *found = ws_json_at (object, path);
    return json_object_is_type (found, json_type_boolean) && json_object_get_boolean (found);
}
