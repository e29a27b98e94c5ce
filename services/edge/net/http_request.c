#include "net/http_request.h"

#include "base/alloc.h"
#include "net/http_answer.h"
#include "net/http_connection.h"
#include "tables/edge_metrics.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define FIELDS_MOST 1000
//  Lines of every answer.
#define COMMON_FIELDS "x-content-type-options: nosniff\r\nreferrer-policy: no-referrer\r\n"

// ---------------------------------------------------------------------------------------------
//  The end of an answer

static void
s_answered (request_t *self)
{
    connection_forget_body (self);
    self->fields = TEXT_EMPTY;
    if (self->is_proxy)
        callers_leave (self->requests->callers, &self->caller, stream_now (self->stream));
    self->is_answered = true;
    if (!self->keep_alive || !stream_is_full (self->stream))
        connection_go_on (self);
}

// ---------------------------------------------------------------------------------------------
//  Answers

static bool
s_has_body (unsigned status)
{
    return status != 204 && status != 304;
}

static void
s_put_head (request_t *self, unsigned status, text_t fields, uint64_t size)
{
    buffer_t *to = &self->requests->gathered;
    self->keep_alive = self->keep_alive && !self->requests->is_draining;
    buffer_clear (to);
    http_answer_t answer = http_answer_begin (to, status, self->keep_alive);
    char digits[24];
    snprintf (digits, sizeof digits, "%llu", (unsigned long long) size);
    if (s_has_body (status) && size != HTTP_UNKNOWN_SIZE)
        http_answer_field (&answer, "content-length", text_of (digits));
    if (buffer_put_string (to, COMMON_FIELDS) != 0
        || buffer_put_text (to, self->requests->lines) != 0
        || buffer_put_text (to, self->fields) != 0
        || buffer_put_text (to, fields) != 0 || http_answer_end (&answer) != 0)
        buffer_clear (to);
}

static void
s_write_gathered (request_t *self)
{
    buffer_t *gathered = &self->requests->gathered;
    stream_limit (self->stream, STREAM_TAKE, stream_now (self->stream));
    //  What does not fit would be half an answer.
    if (gathered->size == 0)
        stream_close (self->stream);
    else
        stream_write (self->stream, buffer_text (gathered));
}

void
request_answer (request_t *self, unsigned status, text_t fields, text_t body)
{
    s_put_head (self, status, fields, body.size);
    if (!self->is_head && s_has_body (status)
        && buffer_put_text (&self->requests->gathered, body) != 0)
        buffer_clear (&self->requests->gathered);
    s_write_gathered (self);
    s_answered (self);
}

//  A client of HTTP/1.0 knows no chunks: its answer ends with the connection.
static void
s_put_head_of_chunks (request_t *self, unsigned status, text_t fields)
{
    char all[FIELDS_MOST];
    self->is_chunked = !self->is_old;
    self->keep_alive = self->keep_alive && self->is_chunked;
    int size = snprintf (all, sizeof all, "%s%.*s",
                         self->is_chunked ? "transfer-encoding: chunked\r\n" : "",
                         TEXT_ARGS (fields));
    assert (size >= 0 && (size_t) size < sizeof all);
    s_put_head (self, status, (text_t){ all, (size_t) size }, HTTP_UNKNOWN_SIZE);
}

bool
request_begin (request_t *self, unsigned status, text_t fields, uint64_t size)
{
    self->is_chunked = false;
    if (size == HTTP_UNKNOWN_SIZE)
        s_put_head_of_chunks (self, status, fields);
    else
        s_put_head (self, status, fields, size);
    s_write_gathered (self);
    self->left = self->is_head ? 0 : size;
    if (self->left == 0)
        s_answered (self);
    return self->left > 0;
}

bool
request_is_full (const request_t *self)
{
    return stream_is_full (self->stream);
}

static void
s_write_chunk (request_t *self, text_t piece)
{
    buffer_t *to = &self->requests->gathered;
    char size[24];
    buffer_clear (to);
    snprintf (size, sizeof size, "%zx\r\n", piece.size);
    if (buffer_put_string (to, size) != 0 || buffer_put_text (to, piece) != 0
        || buffer_put_string (to, "\r\n") != 0)
        buffer_clear (to);
    s_write_gathered (self);
}

void
request_body (request_t *self, text_t piece)
{
    assert (piece.size <= self->left);
    if (piece.size == 0) {
        stream_close (self->stream);
        return;
    }
    connection_charge (self, piece.size / BYTES_OF_A_PAGE);
    if (self->is_chunked) {
        s_write_chunk (self, piece);
        return;
    }
    stream_limit (self->stream, STREAM_TAKE, stream_now (self->stream));
    stream_write (self->stream, piece);
    if (self->left == HTTP_UNKNOWN_SIZE)
        return;
    self->left -= piece.size;
    if (self->left == 0)
        s_answered (self);
}

void
request_end (request_t *self)
{
    assert (self->left == HTTP_UNKNOWN_SIZE);
    self->left = 0;
    if (self->is_chunked)
        stream_write (self->stream, TEXT ("0\r\n\r\n"));
    s_answered (self);
}

void
request_say (request_t *self, unsigned status, text_t fields, const char *words)
{
    char body[200];
    int size = snprintf (body, sizeof body, "%s\n", words);
    self->keep_alive = false;
    request_answer (self, status, fields, (text_t){ body, (size_t) size });
}

void
request_refuse (request_t *self, unsigned status)
{
    request_say (self, status, TEXT ("content-type: text/plain\r\n"), http_status_words (status));
}

void
request_refuse_problem (request_t *self, problem_t problem, const char *detail)
{
    buffer_t body;
    bool is_busy = problem_status (problem) == 503;
    text_t fields = is_busy ? TEXT ("content-type: " PROBLEM_TYPE "\r\nretry-after: 2\r\n")
                            : TEXT ("content-type: " PROBLEM_TYPE "\r\n");
    buffer_init (&body, PROBLEM_MAX);
    problem_write (problem, text_of (detail), &body);
    self->keep_alive = false;
    request_answer (self, problem_status (problem), fields, buffer_text (&body));
    buffer_free (&body);
}

void
request_too_many (request_t *self, unsigned seconds)
{
    char fields[80];
    int size = snprintf (fields, sizeof fields, "content-type: text/plain\r\nretry-after: %u\r\n",
                         seconds);
    request_answer (self, 429, (text_t){ fields, (size_t) size }, TEXT ("Too Many Requests\n"));
}

unsigned
request_may_stay (const request_t *self, unsigned *seconds)
{
    const http_server_t *server = self->requests;
    unsigned status = server->events->may_stay (server->owner);
    uint64_t wait_ms = callers_wait_ms (server->callers, &self->caller, CALLER_UPGRADE,
                                        stream_now (self->stream));
    *seconds = (unsigned) ((wait_ms + 999) / 1000);
    return status ? status : wait_ms ? 429 : 0;
}

stream_t *
request_hand_over (request_t *self, text_t fields, http_stay_t *stay)
{
    http_server_t *server = self->requests;
    assert (self->is_within && !self->body && !self->events);
    self->keep_alive = false;
    s_put_head (self, 200, fields, HTTP_UNKNOWN_SIZE);
    s_write_gathered (self);
    if (self->is_head) {
        s_answered (self);
        return NULL;
    }
    callers_take (server->callers, &self->caller, CALLER_UPGRADE, stream_now (self->stream));
    callers_speak (server->callers, &self->caller);
    *stay = (http_stay_t){ server, self->caller };
    self->caller.place = NULL;
    self->is_handed = true;
    server->events->stays (server->owner, 1);
    return self->stream;
}

void
http_stay_end (http_stay_t *self)
{
    http_server_t *server = self->server;
    callers_leave (server->callers, &self->caller, uv_now (server->loop));
    edge_count (EDGE_SOCKETS, -1);
    server->events->stays (server->owner, -1);
}

// ---------------------------------------------------------------------------------------------
//  What whoever answers says beforehand

void
request_set_answerer (request_t *self, const request_events_t *events, void *answerer)
{
    self->events = events;
    self->answerer = answerer;
}

const client_address_t *
request_address (const request_t *self)
{
    return &self->caller.address;
}

void
request_set_fields (request_t *self, text_t fields)
{
    self->fields = fields;
}

void
request_want_body (request_t *self, const http_head_t *head, uint64_t most)
{
    assert (self->is_within && self->events && self->events->body && !self->body);
    self->body = alloc_zeroed (sizeof *self->body);
    self->body->keep_alive = head->keep_alive;
    buffer_init (&self->body->bytes, most);
    self->body->fault = http_body_begin (&self->body->reader, head, most);
}
