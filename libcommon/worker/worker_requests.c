#include "worker/worker_requests.h"

#include "asking/inquiry.h"
#include "base/alloc.h"
#include "base/list.h"
#include "base/metrics.h"
#include "base/percent.h"
#include "model/session_key.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

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
    list_t link;
    inquiry_t *inquiry;
    worker_answer_fn *answer;
    void *owner;
};

struct worker_requests {
    inquiries_t *inquiries;
    list_t all;
};

static void
s_destroy (worker_request_t *self)
{
    list_remove (&self->link);
    inquiry_destroy (&self->inquiry);
    s_counts[PENDING]--;
    free (self);
}

void
worker_request_cancel (worker_request_t **self_p)
{
    worker_request_t *self = *self_p;
    *self_p = NULL;
    if (self)
        s_destroy (self);
}

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

//  It is over before its owner is told, who may ask for the next one within.
static void
s_on_answered (void *request, const bus_reply_t *reply, bool was_sent)
{
    worker_request_t *self = request;
    worker_answer_fn *answer = self->answer;
    void *owner = self->owner;
    (void) was_sent;
    s_counts[reply ? ANSWERED : UNANSWERED]++;
    s_destroy (self);
    if (reply)
        answer (owner, (unsigned) reply->status, reply->body, s_last_seq (reply->etag));
    else
        answer (owner, 0, TEXT_EMPTY, 0);
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
    char *principal = s_principal (ask), *body = s_body (ask);
    self->answer = answer;
    self->owner = owner;
    list_init (&self->link);
    list_append (&all->all, &self->link);
    s_counts[PENDING]++;
    self->inquiry = inquiry_new (all->inquiries, ask->deadline_ms, s_on_answered, self);
    inquiry_ask (self->inquiry,
                 &(inquiry_question_t){ .place = session_key_of (room, ask->app, ask->session),
                                        .operation = ask->operation,
                                        .principal = text_of (principal),
                                        .body = text_of (body) });
    free (principal);
    free (body);
    return self;
}

//  ------------------------------------------------------------------------------------------------
//  The bus

void
worker_requests_reply (worker_requests_t *self, const bus_reply_t *reply)
{
    s_counts[LATE] += !inquiries_reply (self->inquiries, reply);
}

void
worker_requests_postoffice_up (worker_requests_t *self)
{
    inquiries_postoffice_up (self->inquiries);
}

void
worker_requests_postoffice_down (worker_requests_t *self, unsigned postoffice)
{
    inquiries_postoffice_down (self->inquiries, postoffice);
}

//  ------------------------------------------------------------------------------------------------

worker_requests_t *
worker_requests_new (uv_loop_t *loop, bus_client_t *bus)
{
    worker_requests_t *self = alloc_zeroed (sizeof *self);
    self->inquiries = inquiries_new (
        loop, &(inquiries_config_t){ .bus = bus, .feature = BUS_FEATURE_WORKERS_ASK });
    list_init (&self->all);
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
    while (!list_is_empty (&self->all))
        s_destroy (LIST_THING (list_first (&self->all), worker_request_t, link));
    inquiries_destroy (&self->inquiries);
    free (self);
}
