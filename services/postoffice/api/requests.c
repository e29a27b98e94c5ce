#include "api/requests.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash_table.h"
#include "base/log.h"
#include "json/json_read.h"
#include "model/api_operation.h"
#include "model/message.h"
#include "model/problem.h"
#include "model/session_key.h"
#include "session/sessions.h"
#include "store/reader.h"
#include "tables/postoffice_metrics.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

//  A request whose answer is on its way.
typedef struct {
    UT_hash_handle hh; //  by number
    uint64_t number;   //  ours
    peer_t peer;
    uint64_t request_id; //  the peer's
    uint64_t deadline_ms;
} pending_t;

struct requests {
    postoffice_context_t *office;
    reader_t *reader;
    pending_t *by_number;
    uint64_t next_number;
};

//  What an operation is given.
typedef struct {
    requests_t *requests;
    const principal_t *principal;
    text_t session;    //  its id
    json_object *body; //  of the HTTP request; NULL: it has none
    uint64_t number;
} call_t;

// ---------------------------------------------------------------------------------------------
//  Replies

static void
s_reply (requests_t *self, peer_t peer, uint64_t request_id, unsigned status, text_t body)
{
    bus_record_t record = {
        .kind = BUS_REPLY, .reply = { .request_id = request_id, .status = status, .body = body }
    };
    metric_add (status >= 500   ? POSTOFFICE_REQUESTS_FAILED
                : status >= 400 ? POSTOFFICE_REQUESTS_REFUSED
                                : POSTOFFICE_REQUESTS_ANSWERED,
                1);
    if (bus_server_send (self->office->bus, peer, &record) != 0)
        log_debug ("answer not sent", log_string ("kind", "REPLY"));
}

static void
s_refuse (requests_t *self, peer_t peer, uint64_t request_id, problem_t problem, text_t detail)
{
    buffer_t body;
    buffer_init (&body, PROBLEM_MAX);
    problem_write (problem, detail, &body);
    s_reply (self, peer, request_id, problem_status (problem), buffer_text (&body));
    buffer_free (&body);
}

static pending_t *
s_pending (const requests_t *self, uint64_t number)
{
    pending_t *pending;
    HASH_FIND (hh, self->by_number, &number, sizeof number, pending);
    return pending;
}

static void
s_end (requests_t *self, pending_t *pending)
{
    HASH_DEL (self->by_number, pending);
    free (pending);
}

static void
s_on_answered (void *owner, uint64_t number, store_outcome_t outcome, text_t json)
{
    requests_t *self = owner;
    pending_t *pending = s_pending (self, number);
    if (!pending)
        return;
    if (clock_mono_ms () > pending->deadline_ms)
        metric_add (POSTOFFICE_REQUESTS_LATE, 1); //  the edge has said so already
    else if (outcome != STORED)
        s_refuse (self, pending->peer, pending->request_id, PROBLEM_STORE_DOWN, TEXT_EMPTY);
    else if (json.size == 0)
        s_refuse (self, pending->peer, pending->request_id, PROBLEM_NOT_FOUND, TEXT_EMPTY);
    else
        s_reply (self, pending->peer, pending->request_id, 200, json);
    s_end (self, pending);
}

//  Whoever may not see the session is not told that there is one.
static const problem_t s_problems[VERDICT_COUNT] = {
    [VERDICT_OK] = PROBLEMS,
    [VERDICT_DUPLICATE] = PROBLEMS,
    [VERDICT_NOT_YOURS] = PROBLEM_NOT_FOUND,
    [VERDICT_NOT_ALLOWED] = PROBLEM_FORBIDDEN,
    [VERDICT_NOT_JOINED] = PROBLEM_NOT_FOUND,
    [VERDICT_UNKNOWN_APP] = PROBLEM_UNKNOWN_APP,
    [VERDICT_BAD_REQUEST] = PROBLEM_BAD_REQUEST,
    [VERDICT_TOO_LARGE] = PROBLEM_TOO_LARGE,
    [VERDICT_BUSY] = PROBLEM_BUSY,
    [VERDICT_STORE_DOWN] = PROBLEM_STORE_DOWN,
    [VERDICT_GOING_AWAY] = PROBLEM_UNAVAILABLE,
    [VERDICT_NOT_IN_CONTROL] = PROBLEM_FORBIDDEN,
};

static void
s_write_time (json_writer_t *json, const char *name, uint64_t time_ms)
{
    time_t seconds = (time_t) (time_ms / 1000);
    struct tm parts;
    char second[32], whole[48];
    gmtime_r (&seconds, &parts);
    strftime (second, sizeof second, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf (whole, sizeof whole, "%s.%03uZ", second, (unsigned) (time_ms % 1000));
    json_put_string (json, name, whole);
}

//  What a post came to. The entry is committed, or was before.
static void
s_on_posted (void *owner, const operation_t *operation)
{
    requests_t *self = owner;
    const bus_post_t *post = &operation->record.post;
    pending_t *pending = s_pending (self, post->request_id);
    if (!pending)
        return;
    problem_t problem = s_problems[operation->verdict];
    if (clock_mono_ms () > pending->deadline_ms)
        metric_add (POSTOFFICE_REQUESTS_LATE, 1);
    else if (problem != PROBLEMS) {
        bool says_why = problem == PROBLEM_FORBIDDEN;
        s_refuse (self, pending->peer, pending->request_id, problem,
                  says_why ? text_of (verdict_words (operation->verdict)) : TEXT_EMPTY);
    } else {
        buffer_t body;
        json_writer_t json;
        buffer_init (&body, 6 * MESSAGE_ID_MAX + 200);
        json_write_begin (&json, &body);
        json_open_object (&json, NULL);
        json_put_number (&json, "seq", operation->seq);
        json_put_text (&json, "messageId", post->message_id);
        s_write_time (&json, "time", operation->time_ms);
        json_close_object (&json);
        int rc = json_write_end (&json);
        assert (rc == 0);
        s_reply (self, pending->peer, pending->request_id,
                 operation->verdict == VERDICT_OK ? 201 : 200, buffer_text (&body));
        buffer_free (&body);
    }
    s_end (self, pending);
}

// ---------------------------------------------------------------------------------------------
//  Operations: each returns 0 when it will be answered, or −1 when too much waits

static int
s_session_get (const call_t *call)
{
    session_key_room_t room;
    const principal_t *principal = call->principal;
    bool is_own = permission_scope (PERMIT_SESSION_READ, principal->kind) == SCOPE_OWN;
    text_t parameters[] = { session_key_of (room, principal->app, call->session), principal->app,
                            is_own ? principal->user : TEXT_EMPTY };
    return reader_ask (call->requests->reader, READ_SESSION, parameters, 3, call->number);
}

//  Decided and stored like what a connection says (sessions.h).
static int
s_message_post (const call_t *call)
{
    requests_t *self = call->requests;
    const principal_t *principal = call->principal;
    message_t message;
    char room[MESSAGE_COMPLAINT];
    const char *complaint =
        message_read_body (&message, call->body, call->session, principal->user, room);
    if (complaint) {
        pending_t *pending = s_pending (self, call->number);
        s_refuse (self, pending->peer, pending->request_id, PROBLEM_BAD_REQUEST,
                  text_of (complaint));
        s_end (self, pending);
        return 0;
    }
    session_key_room_t key_room;
    text_t key = session_key_of (key_room, principal->app, call->session);
    bus_record_t record = { .kind = BUS_POST,
                            .post = { .request_id = call->number,
                                      .session = key,
                                      .event = EVENT_NEW_MESSAGE,
                                      .message_id = message.message_id,
                                      .sender = TEXT_EMPTY,
                                      .data = message.data,
                                      .secret = message.secret,
                                      .hidden = message.hidden,
                                      .trace = TEXT_EMPTY } };
    operation_t *operation = operation_of_request (principal->kind, principal->user, &record);
    sessions_ask (self->office->sessions, key, &operation);
    return 0;
}

typedef int operation_fn (const call_t *call);

static operation_fn *const s_operations[] = {
    [API_SESSION_GET] = s_session_get,
    [API_MESSAGE_POST] = s_message_post,
};

// ---------------------------------------------------------------------------------------------
//  The door

static pending_t *
s_pending_new (requests_t *self, peer_t peer, const bus_request_t *request)
{
    pending_t *pending = alloc_zeroed (sizeof *pending);
    pending->number = ++self->next_number;
    pending->peer = peer;
    pending->request_id = request->request_id;
    pending->deadline_ms = clock_mono_ms () + request->deadline_ms;
    HASH_ADD (hh, self->by_number, number, sizeof pending->number, pending);
    return pending;
}

//  Who asks, and for which session, once they were read.
static void
s_carry_out (requests_t *self, peer_t peer, const bus_request_t *request, const api_row_t *row,
             const principal_t *principal, text_t session, json_object *body)
{
    bool is_bound = principal->session.size > 0 && !text_is (principal->session, session);
    if (is_bound || permission_scope (row->permission, principal->kind) == SCOPE_NEVER) {
        s_refuse (self, peer, request->request_id, PROBLEM_FORBIDDEN, TEXT_EMPTY);
        return;
    }
    pending_t *pending = s_pending_new (self, peer, request);
    call_t call = { self, principal, session, body, pending->number };
    if (s_operations[row->operation](&call) == 0)
        return;
    s_end (self, pending);
    s_refuse (self, peer, request->request_id, PROBLEM_BUSY, TEXT_EMPTY);
}

void
requests_ask (requests_t *self, peer_t peer, const bus_request_t *request)
{
    const api_row_t *row = api_row (request->operation);
    if (!row) {
        s_refuse (self, peer, request->request_id, PROBLEM_NOT_FOUND,
                  TEXT ("This postoffice does not know the operation"));
        return;
    }
    json_reading_t reading;
    json_object *body = json_read (
        request->body, &(json_limits_t){ .depth_most = 40, .values_most = 10000 }, &reading);
    text_t session;
    (void) json_member_text (body, "session", &session);
    principal_copy_t *principal = principal_read (request->principal);
    if (!principal || session.size == 0 || session.size > SESSION_ID_MAX)
        s_refuse (self, peer, request->request_id, PROBLEM_BAD_REQUEST, TEXT_EMPTY);
    else
        s_carry_out (self, peer, request, row, principal_of (principal), session,
                     json_object_object_get (body, "body"));
    principal_copy_destroy (&principal);
    json_object_put (body);
}

// ---------------------------------------------------------------------------------------------

requests_t *
requests_new (uv_loop_t *loop, postoffice_context_t *office, const store_config_t *store)
{
    requests_t *self = alloc_zeroed (sizeof *self);
    self->office = office;
    office->posted = s_on_posted;
    office->posted_owner = self;
    self->reader = reader_new (loop, store, s_on_answered, self);
    return self;
}

void
requests_open (requests_t *self)
{
    reader_open (self->reader);
}

void
requests_destroy (requests_t **self_p)
{
    requests_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    reader_destroy (&self->reader);
    pending_t *pending, *next;
    HASH_ITER (hh, self->by_number, pending, next)
    {
        HASH_DEL (self->by_number, pending);
        free (pending);
    }
    free (self);
}
