#include "worker/worker_requests.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash_table.h"
#include "base/log.h"
#include "base/loop_timer.h"
#include "base/metrics.h"
#include "base/percent.h"
#include "model/session_key.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define TICK_MS 50
//  Of a REQUEST's JSON beside what is given.
#define FRAME 1000
//  JSON's longest escape for one byte.
#define ESCAPED 6

enum { PENDING, ANSWERED, UNANSWERED, LATE, COUNTS };

static int64_t s_counts[COUNTS];
static const metric_row_t s_rows[COUNTS] = {
    [PENDING] = { "worker_requests", NULL, GAUGE, "requests of postoffices that are under way" },
    [ANSWERED] = { "worker_requests_total", "result=\"answered\"", COUNTER,
                   "requests of postoffices by what they came to" },
    [UNANSWERED] = { "worker_requests_total", "result=\"unanswered\"", COUNTER,
                     "requests of postoffices by what they came to" },
    [LATE] = { "worker_replies_late_total", NULL, COUNTER,
               "answers of postoffices that nobody waits for" },
};

struct worker_request {
    worker_requests_t *all;
    UT_hash_handle hh; //  by number
    uint64_t number;   //  of its last REQUEST
    api_operation_t operation;
    char *place; //  what chooses the postoffice: the session's key
    char *principal, *body; //  JSON
    uint64_t deadline_ms;
    bool is_sent;
    unsigned postoffice; //  the one that has it
    worker_answer_fn *answer;
    void *owner;
};

struct worker_requests {
    bus_client_t *bus;
    worker_request_t *by_number;
    uint64_t next_number;
    loop_timer_t *tick; //  runs while there are any
};

static void
s_destroy (worker_request_t *self)
{
    HASH_DEL (self->all->by_number, self);
    s_counts[PENDING]--;
    if (!self->all->by_number)
        loop_timer_stop (self->all->tick);
    free (self->place);
    free (self->principal);
    free (self->body);
    free (self);
}

//  It is over before its owner is told, who may ask for the next one within.
static void
s_end (worker_request_t *self, unsigned status, text_t body, uint64_t last_seq)
{
    worker_answer_fn *answer = self->answer;
    void *owner = self->owner;
    s_counts[status > 0 ? ANSWERED : UNANSWERED]++;
    s_destroy (self);
    answer (owner, status, body, last_seq);
}

void
worker_request_cancel (worker_request_t **self_p)
{
    worker_request_t *self = *self_p;
    *self_p = NULL;
    if (self)
        s_destroy (self);
}

//  ------------------------------------------------------------------------------------------------
//  Sending

//  The session's own, if it answers workers; else any that does: it can do it, too. −1: none.
static int
s_postoffice (const worker_request_t *self)
{
    const bus_client_t *bus = self->all->bus;
    int own = bus_client_postoffice_of (bus, text_of (self->place));
    if (own < 0 || bus_client_has (bus, (unsigned) own, BUS_FEATURE_WORKERS_ASK))
        return own;
    for (unsigned at = 0; at < BUS_LINKS_MAX; at++)
        if (bus_client_has (bus, at, BUS_FEATURE_WORKERS_ASK))
            return (int) at;
    return -1;
}

//  Each REQUEST has a number of its own: whoever was asked before, and answers yet, is not heard.
static void
s_renumber (worker_request_t *self)
{
    worker_requests_t *all = self->all;
    HASH_DEL (all->by_number, self);
    self->number = ++all->next_number;
    HASH_ADD (hh, all->by_number, number, sizeof self->number, self);
}

//  What cannot be sent now is sent with the next tick.
static void
s_send (worker_request_t *self)
{
    uint64_t now = clock_mono_ms ();
    int postoffice = s_postoffice (self);
    if (postoffice < 0 || now >= self->deadline_ms)
        return;
    s_renumber (self);
    bus_record_t record = { .kind = BUS_REQUEST,
                            .request = { .request_id = self->number,
                                         .operation = self->operation,
                                         .deadline_ms = self->deadline_ms - now,
                                         .principal = text_of (self->principal),
                                         .body = text_of (self->body),
                                         .trace = TEXT_EMPTY } };
    self->is_sent = bus_client_send (self->all->bus, (unsigned) postoffice, &record) == 0;
    self->postoffice = (unsigned) postoffice;
}

static worker_request_t *
s_overdue (const worker_requests_t *self, uint64_t now)
{
    worker_request_t *at = self->by_number;
    while (at && now < at->deadline_ms)
        at = at->hh.next;
    return at;
}

static void
s_send_all (worker_requests_t *self)
{
    //  Those that are sent stand behind the others then, under another number.
    size_t left = HASH_COUNT (self->by_number);
    for (worker_request_t *at = self->by_number, *next; at && left > 0; at = next, left--) {
        next = at->hh.next;
        if (!at->is_sent)
            s_send (at);
    }
}

static void
s_on_tick (void *owner)
{
    worker_requests_t *self = owner;
    uint64_t now = clock_mono_ms ();
    worker_request_t *late;
    s_send_all (self);
    while ((late = s_overdue (self, now)))
        s_end (late, 0, TEXT_EMPTY, 0);
}

//  ------------------------------------------------------------------------------------------------
//  Asking

static char *
s_principal (const worker_ask_t *ask)
{
    const principal_t principal = { .kind = ROLE_PLATFORM,
                                    .app = ask->app,
                                    .user = ask->platform,
                                    .session = TEXT_EMPTY,
                                    .name = TEXT_EMPTY };
    buffer_t json;
    json_writer_t writer;
    buffer_init (&json, FRAME + ESCAPED * (ask->app.size + ask->platform.size));
    json_write_begin (&writer, &json);
    principal_write (&principal, NULL, &writer);
    int rc = json_write_end (&writer);
    assert (rc == 0);
    char *copy = alloc_text (buffer_text (&json));
    buffer_free (&json);
    return copy;
}

//  Names are those of the operation's row, and go into the JSON as literals of ours.
static void
s_put_pair (api_operation_t operation, text_t pair, json_writer_t *json)
{
    char room[API_COMPLAINT], value[API_PARAMETER_MAX];
    const char *equals = memchr (pair.data, '=', pair.size);
    size_t size = equals ? (size_t) (equals - pair.data) : pair.size;
    text_t raw = { pair.data + size + 1, equals ? pair.size - size - 1 : 0 };
    const api_query_row_t *row = api_query_row (operation, (text_t){ pair.data, size });
    assert (row && raw.size <= sizeof value);
    long decoded = percent_decode (raw, true, value);
    assert (decoded >= 0);
    text_t text = { value, (size_t) decoded };
    assert (!api_query_complaint (row, text, room));
    json_put_text (json, row->name, text);
}

static void
s_put_query (const worker_ask_t *ask, json_writer_t *json)
{
    json_open_object (json, "query");
    for (text_t left = ask->query; left.size > 0;) {
        const char *end = memchr (left.data, '&', left.size);
        size_t size = end ? (size_t) (end - left.data) : left.size;
        s_put_pair (ask->operation, (text_t){ left.data, size }, json);
        size_t skip = end ? size + 1 : size;
        left = (text_t){ left.data + skip, left.size - skip };
    }
    json_close_object (json);
}

static char *
s_body (const worker_ask_t *ask)
{
    char if_match[24];
    buffer_t body;
    json_writer_t json;
    buffer_init (&body, FRAME + ask->body.size
                            + ESCAPED * (ask->session.size + ask->query.size + ask->key.size));
    snprintf (if_match, sizeof if_match, "%llu", (unsigned long long) ask->if_match);
    json_write_begin (&json, &body);
    json_open_object (&json, NULL);
    json_put_text (&json, "session", ask->session);
    if (ask->query.size > 0)
        s_put_query (ask, &json);
    json_put_text_if (&json, "key", ask->key);
    if (ask->if_match != SEQ_UNKNOWN)
        json_put_string (&json, "ifMatch", if_match);
    json_put_json (&json, "body", ask->body.size > 0 ? ask->body : TEXT ("{}"));
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
    char *copy = alloc_text (buffer_text (&body));
    buffer_free (&body);
    return copy;
}

worker_request_t *
worker_requests_ask (worker_requests_t *all, const worker_ask_t *ask, worker_answer_fn *answer,
                     void *owner)
{
    worker_request_t *self = alloc_zeroed (sizeof *self);
    session_key_room_t room;
    self->all = all;
    self->operation = ask->operation;
    self->place = alloc_text (session_key_of (room, ask->app, ask->session));
    self->principal = s_principal (ask);
    self->body = s_body (ask);
    self->deadline_ms = clock_mono_ms () + ask->deadline_ms;
    self->answer = answer;
    self->owner = owner;
    self->number = ++all->next_number;
    if (!all->by_number)
        loop_timer_start_ms (all->tick, TICK_MS, TICK_MS);
    HASH_ADD (hh, all->by_number, number, sizeof self->number, self);
    s_counts[PENDING]++;
    s_send (self);
    return self;
}

//  ------------------------------------------------------------------------------------------------
//  The bus

//  The seq is the answer's tag. What has none, or another one, says nothing of it.
static uint64_t
s_last_seq (text_t etag)
{
    uint64_t seq = 0;
    for (size_t at = 0; at < etag.size; at++) {
        if (etag.data[at] < '0' || etag.data[at] > '9' || at >= 18)
            return 0;
        seq = 10 * seq + (uint64_t) (etag.data[at] - '0');
    }
    return seq;
}

void
worker_requests_reply (worker_requests_t *self, const bus_reply_t *reply)
{
    worker_request_t *request;
    HASH_FIND (hh, self->by_number, &reply->request_id, sizeof reply->request_id, request);
    if (!request || !request->is_sent || reply->status < 200 || reply->status > 599)
        s_counts[LATE]++;
    else
        s_end (request, (unsigned) reply->status, reply->body, s_last_seq (reply->etag));
}

void
worker_requests_postoffice_up (worker_requests_t *self)
{
    s_send_all (self);
}

void
worker_requests_postoffice_down (worker_requests_t *self, unsigned postoffice)
{
    for (worker_request_t *at = self->by_number; at; at = at->hh.next)
        if (at->is_sent && at->postoffice == postoffice)
            at->is_sent = false;
    s_send_all (self);
}

//  ------------------------------------------------------------------------------------------------

worker_requests_t *
worker_requests_new (uv_loop_t *loop, bus_client_t *bus)
{
    worker_requests_t *self = alloc_zeroed (sizeof *self);
    self->bus = bus;
    self->tick = loop_timer_new (loop, s_on_tick, self);
    metrics_register (s_rows, s_counts, COUNTS);
    return self;
}

void
worker_requests_destroy (worker_requests_t **self_p)
{
    worker_requests_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    worker_request_t *request, *next;
    HASH_ITER (hh, self->by_number, request, next)
    s_destroy (request);
    loop_timer_destroy (&self->tick);
    free (self);
}
