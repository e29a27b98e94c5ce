#include "net/http_server.h"

#include "tables/edge_metrics.h"
#include "net/ws_handshake.h"
#include "base/alloc.h"
#include "base/token_bucket.h"
#include "base/list.h"
#include "base/log.h"
#include "base/loop_timer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define THROTTLE_MS 10
//  What is larger is not waited for when there are too many connections.
#define LARGE_HEAD (4u << 10)
//  And a body that becomes larger than this is refused when too much waits on this edge.
#define LARGE_BODY (16u << 10)

// ---------------------------------------------------------------------------------------------
//  Refusals

static void
s_fault (request_t *self, http_fault_t fault)
{
    const http_fault_row_t *row = &http_faults[fault];
    edge_requests_refused[fault]++;
    static log_limit_t limit = LOG_LIMIT (LOG_INFO, "request refused");
    if (log_limit_allows (&limit))
        log_info ("request refused", log_string ("reason", row->metric),
                  log_number ("status", row->status));
    connection_set_busy (self, true);
    self->is_head = false;
    if (self->has_problems && fault != HTTP_WS_VERSION) {
        request_refuse_problem (self, row->problem, row->words);
        return;
    }
    request_say (self, row->status,
                 fault == HTTP_WS_VERSION
                     ? TEXT ("content-type: text/plain\r\nsec-websocket-version: 13\r\n"
                             "upgrade: websocket\r\nconnection: upgrade\r\n")
                     : TEXT ("content-type: text/plain\r\n"),
                 row->words);
}

//  Too much waits on this edge.
static void
s_refuse_busy (request_t *self)
{
    if (self->has_problems)
        request_refuse_problem (self, PROBLEM_BUSY, "");
    else
        request_refuse (self, 503);
}

//  Of a head that may be half there, or be none: where it leads is what decides how it is refused.
static void
s_note_target (request_t *self, text_t bytes)
{
    const http_server_t *server = self->requests;
    const char *blank = memchr (bytes.data, ' ', bytes.size);
    text_t target = TEXT_EMPTY;
    if (blank)
        target = (text_t){ blank + 1, bytes.size - (size_t) (blank + 1 - bytes.data) };
    self->has_problems = server->events->has_problems
                         && server->events->has_problems (server->owner, target);
}

//  Tells the answerer that nobody waits any more.
static void
s_let_go (request_t *self)
{
    const request_events_t *events = self->events;
    void *answerer = self->answerer;
    request_set_answerer (self, NULL, NULL);
    self->fields = TEXT_EMPTY;
    if (events && events->gone)
        events->gone (answerer);
}

// ---------------------------------------------------------------------------------------------
//  Bodies of requests

static void
s_refuse_body (request_t *self, http_fault_t fault)
{
    s_fault (self, fault); //  with the lines of the answer, which are the answerer's
    s_let_go (self);
}

//  The body is the answerer's for the time of the call; the answer may come within.
static void
s_give_body (request_t *self)
{
    body_t *body = self->body;
    self->body = NULL;
    self->keep_alive = body->keep_alive;
    stream_limit (self->stream, STREAM_TAKE, stream_now (self->stream));
    self->requests->events->memory (self->requests->owner, -(int64_t) body->bytes.size);
    self->events->body (self->answerer, buffer_text (&body->bytes));
    buffer_free (&body->bytes);
    free (body);
}

//  Some may be there already, and a client may wait for our word before it sends any. One that does
//  not take even that is not read until it does: the answer would have no room.
static void
s_begin_body (request_t *self, const http_head_t *head)
{
    text_t expected;
    if (self->body->fault) {
        s_refuse_body (self, self->body->fault);
        return;
    }
    if (http_body_is_whole (&self->body->reader)) {
        s_give_body (self);
        return;
    }
    stream_limit (self->stream, STREAM_BODY, stream_now (self->stream));
    if (http_head_only (head, "Expect", &expected) == 0 && expected.size > 0 && head->minor > 0)
        stream_write (self->stream, TEXT ("HTTP/1.1 100 Continue\r\n\r\n"));
    if (stream_is_full (self->stream))
        stream_read (self->stream, false);
}

//  Returns how much it took.
static size_t
s_read_body (request_t *self, text_t bytes)
{
    http_server_t *requests = self->requests;
    body_t *body = self->body;
    size_t had = body->bytes.size, taken;
    http_fault_t fault = http_body_read (&body->reader, bytes, &body->bytes, &taken);
    requests->events->memory (requests->owner, (int64_t) (body->bytes.size - had));
    connection_charge (self, taken / BYTES_OF_A_PAGE);
    bool is_large = had <= LARGE_BODY && body->bytes.size > LARGE_BODY;
    if (fault) {
        s_refuse_body (self, fault);
        return bytes.size;
    }
    if (is_large && !requests->events->may_grow (requests->owner)) {
        s_refuse_busy (self);
        s_let_go (self);
        return bytes.size;
    }
    if (http_body_is_whole (&body->reader)) {
        s_give_body (self);
        if (self->is_busy)
            stream_read (self->stream, false);
    }
    return taken;
}

// ---------------------------------------------------------------------------------------------
//  Requests

//  The longest waiting go on, as many as the rate limit allows.
static void
s_on_throttle (void *owner)
{
    http_server_t *self = owner;
    uint64_t now = uv_now (self->loop);
    uint64_t token_us = token_bucket_token_us (STATIC_FILES_PER_SECOND),
             burst_us = STATIC_FILES_BURST * token_us;
    uint64_t most = self->rate.full_us >= now * 1000 + burst_us
                        ? 0
                        : (now * 1000 + burst_us - self->rate.full_us) / token_us;
    for (list_t *first; most > 0 && (first = list_first (&self->throttled)); most--) {
        request_t *request = LIST_THING (first, request_t, throttled);
        list_remove (first);
        stream_limit (request->stream, STREAM_HEAD, now);
        stream_read (request->stream, true);
    }
    if (list_is_empty (&self->throttled))
        loop_timer_stop (self->throttle);
}

static void
s_throttle (request_t *self)
{
    http_server_t *requests = self->requests;
    edge_count (EDGE_PAGES_THROTTLED, 1);
    stream_read (self->stream, false);
    stream_limit (self->stream, STREAM_FREE, 0);
    list_append (&requests->throttled, &self->throttled);
    //  Starting it anew for each would delay those that wait already.
    if (!loop_timer_is_active (requests->throttle))
        loop_timer_start_ms (requests->throttle, THROTTLE_MS, THROTTLE_MS);
}

static void
s_leave (request_t *self, bool is_closed)
{
    list_remove (&self->throttled);
    s_let_go (self);
    connection_forget_body (self);
    connection_set_busy (self, false);
    callers_leave (self->requests->callers, &self->caller, uv_now (self->requests->loop));
    edge_count (EDGE_SOCKETS, is_closed ? -1 : 0);
    free (self);
}

//  True when the stream has another owner now.
static bool
s_upgrade (request_t *self, const http_head_t *head)
{
    http_server_t *requests = self->requests;
    text_t key;
    http_fault_t fault = ws_handshake_check (head, &key);
    if (fault) {
        s_fault (self, fault);
        return false;
    }
    unsigned status =
        requests->events->upgrade (requests->owner, self->stream, head, key, &self->caller);
    if (status == 0) {
        self->caller.place = NULL; //  the socket's now
        s_leave (self, false);
        return true;
    }
    connection_set_busy (self, true);
    self->is_head = false;
    request_refuse (self, status);
    return false;
}

//  True when the stream has another owner now.
static bool
s_ask (request_t *self, const http_head_t *head)
{
    http_server_t *requests = self->requests;
    edge_count (EDGE_PAGES, 1);
    connection_charge (self, 1);
    self->keep_alive = head->keep_alive && head->body == HTTP_BODY_NONE;
    self->is_head = http_head_is (head, "HEAD");
    self->is_old = head->minor == 0;
    self->fields = TEXT_EMPTY;
    self->is_within = true;
    connection_set_busy (self, true);
    stream_limit (self->stream, STREAM_TAKE, stream_now (self->stream));
    requests->events->asked (requests->owner, self, head);
    if (self->is_handed) {
        s_leave (self, false);
        return true;
    }
    if (self->body)
        s_begin_body (self, head);
    self->is_within = false;
    if (self->is_busy && !self->body)
        stream_read (self->stream, false);
    return false;
}

//  Nothing is charged, and nothing looked at: this is what a flood gets.
static void
s_refuse_caller (request_t *self, const http_head_t *head, uint64_t wait_ms)
{
    http_server_t *requests = self->requests;
    self->keep_alive = self->is_proxy && head->keep_alive && head->body == HTTP_BODY_NONE;
    self->is_head = http_head_is (head, "HEAD");
    self->is_within = true;
    connection_set_busy (self, true);
    requests->events->too_many (requests->owner, self, head, (unsigned) ((wait_ms + 999) / 1000));
    self->is_within = false;
    if (self->is_busy)
        stream_read (self->stream, false);
}

//  Who asks through a trusted proxy. What others say of that is theirs to say.
static int
s_find_caller (request_t *self, const http_head_t *head)
{
    http_server_t *requests = self->requests;
    uint64_t now = stream_now (self->stream);
    forwarded_list_t x = { .count = 0 }, forwarded = { .count = 0 };
    client_address_t client;
    text_t line;
    for (unsigned at = 0; http_head_field (head, "X-Forwarded-For", &at, &line);)
        forwarded_add_x (&x, line);
    for (unsigned at = 0; http_head_field (head, "Forwarded", &at, &line);)
        forwarded_add (&forwarded, line);
    if (forwarded_client (requests->trusted, &self->peer, &x, &forwarded, &client) != 0)
        return -1;
    callers_leave (requests->callers, &self->caller, now);
    callers_enter (requests->callers, &self->caller, &client, now);
    return 0;
}

//  Nobody is believed who says it; but a proxy that was forgotten is one address for all.
static void
s_note_ignored (const request_t *self, const http_head_t *head)
{
    static bool is_noted;
    unsigned at = 0;
    text_t line;
    char room[CLIENT_ADDRESS_ROOM];
    if (is_noted || self->is_proxy || !http_head_field (head, "X-Forwarded-For", &at, &line))
        return;
    is_noted = true;
    log_info ("X-Forwarded-For is ignored", log_string ("setting", "EDGE_TRUSTED_PROXIES"),
              log_text ("network", client_address_network (&self->caller.address, room)));
}

//  The limit runs from the first byte, however slowly the others come.
static void
s_wait_for_more (request_t *self, size_t seen)
{
    http_server_t *requests = self->requests;
    self->seen = (uint32_t) seen;
    if (!self->has_begun)
        stream_limit (self->stream, STREAM_HEAD, stream_now (self->stream));
    self->has_begun = true;
    if (seen > LARGE_HEAD && !requests->events->has_room (requests->owner)) {
        edge_count (EDGE_PAGES_REFUSED, 1);
        connection_set_busy (self, true);
        self->is_head = false;
        s_refuse_busy (self);
    }
}

//  May a body go on, or the next request begin?
static bool
s_may_read (const request_t *self)
{
    return (self->body ? !stream_is_full (self->stream) : !self->is_busy)
           && list_is_empty (&self->throttled);
}

//  Returns how much it took; 0: more must come, or it is not its turn. True in `is_over`: nothing
//  of this is ours any more.
static size_t
s_read_one (request_t *self, text_t bytes, bool *is_over)
{
    http_head_t head;
    size_t size = 0;
    //  A head that drips is read again only when a line more is whole.
    bool is_worth_it = self->seen == 0 || bytes.size <= self->seen || bytes.size >= HTTP_HEAD_MAX
                       || memchr (bytes.data + self->seen, '\n', bytes.size - self->seen);
    s_note_target (self, bytes);
    http_fault_t fault = is_worth_it ? http_head_read (&head, bytes, &size) : HTTP_NO_FAULT;
    if (fault) {
        s_fault (self, fault);
        return bytes.size;
    }
    if (size == 0) {
        s_wait_for_more (self, bytes.size);
        return 0;
    }
    http_server_t *requests = self->requests;
    bool is_upgrade = ws_handshake_is_asked (&head);
    caller_act_t act = is_upgrade ? CALLER_UPGRADE : CALLER_REQUEST;
    if (self->is_proxy && s_find_caller (self, &head) != 0) {
        s_fault (self, HTTP_FORWARDED);
        return bytes.size;
    }
    s_note_ignored (self, &head);
    uint64_t now = stream_now (self->stream);
    uint64_t wait_ms = callers_wait_ms (requests->callers, &self->caller, act, now);
    if (!wait_ms && !is_upgrade
        && token_bucket_is_spent (&requests->rate, now, STATIC_FILES_PER_SECOND,
                                  STATIC_FILES_BURST)) {
        s_throttle (self);
        return 0;
    }
    self->seen = 0;
    self->has_begun = false;
    if (wait_ms) {
        s_refuse_caller (self, &head, wait_ms);
        return size;
    }
    callers_take (requests->callers, &self->caller, act, now);
    *is_over = is_upgrade ? s_upgrade (self, &head) : s_ask (self, &head);
    return size;
}

static size_t
s_on_bytes (void *owner, char *data, size_t size)
{
    request_t *self = owner;
    size_t done = 0;
    bool is_over = false;
    while (done < size && !is_over && s_may_read (self)) {
        text_t rest = { data + done, size - done };
        size_t taken = self->body ? s_read_body (self, rest) : s_read_one (self, rest, &is_over);
        if (taken == 0)
            break;
        done += taken;
        if (is_over)
            break;
    }
    return done;
}

static void
s_on_ended (void *owner)
{
    request_t *self = owner;
    self->has_ended = true;
    if (self->body) {
        s_refuse_body (self, HTTP_LENGTH);
        return;
    }
    if (self->is_busy || !list_is_empty (&self->throttled))
        return;
    connection_set_busy (self, true);
    stream_finish (self->stream);
}

static void
s_on_write (void *owner)
{
    request_t *self = owner;
    if (self->body) {
        stream_read (self->stream, true);
        return;
    }
    if (!self->is_busy)
        return;
    stream_limit (self->stream, STREAM_TAKE, stream_now (self->stream));
    if (self->is_answered)
        connection_go_on (self);
    else if (self->left > 0 && self->events && self->events->room)
        self->events->room (self->answerer);
}

static void
s_on_late (void *owner)
{
    request_t *self = owner;
    if (self->body && !stream_is_full (self->stream))
        s_refuse_body (self, HTTP_LATE);
    else if (!self->is_busy && self->seen > 0)
        s_fault (self, HTTP_LATE);
    else
        stream_close (self->stream);
}

static void
s_on_closed (void *owner)
{
    s_leave (owner, true);
}

// ---------------------------------------------------------------------------------------------
//  Life

int
http_server_take (http_server_t *self, streams_t *streams, int descriptor, const caller_t *caller)
{
    static const stream_events_t events = { .bytes = s_on_bytes,
                                            .ended = s_on_ended,
                                            .write = s_on_write,
                                            .late = s_on_late,
                                            .closed = s_on_closed };
    request_t *request = alloc_zeroed (sizeof *request);
    list_init (&request->throttled);
    request->requests = self;
    request->caller = *caller;
    request->peer = caller->address.ip;
    request->is_proxy = caller->address.is_exempt;
    request->stream = stream_new (streams, descriptor, &events, request);
    if (!request->stream) {
        callers_leave (self->callers, &request->caller, uv_now (self->loop));
        free (request);
        return -1;
    }
    request->has_begun = true;
    stream_limit (request->stream, STREAM_HEAD, stream_now (request->stream));
    return 0;
}

http_server_t *
http_server_new (uv_loop_t *loop, callers_t *callers, const trusted_proxies_t *trusted,
                 const http_server_events_t *events, void *owner)
{
    http_server_t *self = alloc_zeroed (sizeof *self);
    self->callers = callers;
    self->trusted = trusted;
    self->events = events;
    self->owner = owner;
    self->lines = TEXT_EMPTY;
    buffer_init (&self->gathered, HTTP_ANSWER_MOST);
    list_init (&self->throttled);
    self->loop = loop;
    self->throttle = loop_timer_new (loop, s_on_throttle, self);
    return self;
}

void
http_server_say_always (http_server_t *self, text_t lines)
{
    self->lines = lines;
}

void
http_server_drain (http_server_t *self)
{
    self->is_draining = true;
}

bool
http_server_is_quiet (const http_server_t *self)
{
    return self->busy == 0;
}

void
http_server_destroy (http_server_t **self_p)
{
    http_server_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    buffer_free (&self->gathered);
    loop_timer_destroy (&self->throttle);
    free (self);
}
