#include "api/requests.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash_table.h"
#include "base/log.h"
#include "json/json_read.h"
#include "model/api_operation.h"
#include "model/problem.h"
#include "model/session_key.h"
#include "store/reader.h"
#include "tables/postoffice_metrics.h"

#include <json-c/json.h>
#include <stdlib.h>

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
    text_t session; //  its id
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

static void
s_on_answered (void *owner, uint64_t number, store_outcome_t outcome, text_t json)
{
    requests_t *self = owner;
    pending_t *pending;
    HASH_FIND (hh, self->by_number, &number, sizeof number, pending);
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
    HASH_DEL (self->by_number, pending);
    free (pending);
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

typedef int operation_fn (const call_t *call);

static operation_fn *const s_operations[] = {
    [API_SESSION_GET] = s_session_get,
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
             const principal_t *principal, text_t session)
{
    bool is_bound = principal->session.size > 0 && !text_is (principal->session, session);
    if (is_bound || permission_scope (row->permission, principal->kind) == SCOPE_NEVER) {
        s_refuse (self, peer, request->request_id, PROBLEM_FORBIDDEN, TEXT_EMPTY);
        return;
    }
    pending_t *pending = s_pending_new (self, peer, request);
    call_t call = { self, principal, session, pending->number };
    if (s_operations[row->operation](&call) == 0)
        return;
    HASH_DEL (self->by_number, pending);
    free (pending);
    s_refuse (self, peer, request->request_id, PROBLEM_BUSY, TEXT_EMPTY);
}

//  {"session":"…"}; borrowed from the tree.
static text_t
s_session_of (json_object *body)
{
    json_object *value = NULL;
    if (!json_object_is_type (body, json_type_object)
        || !json_object_object_get_ex (body, "session", &value)
        || !json_object_is_type (value, json_type_string))
        return TEXT_EMPTY;
    return (text_t){ json_object_get_string (value),
                     (size_t) json_object_get_string_len (value) };
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
    text_t session = s_session_of (body);
    principal_copy_t *principal = principal_read (request->principal);
    if (!principal || session.size == 0 || session.size > SESSION_ID_MAX)
        s_refuse (self, peer, request->request_id, PROBLEM_BAD_REQUEST, TEXT_EMPTY);
    else
        s_carry_out (self, peer, request, row, principal_of (principal), session);
    principal_copy_destroy (&principal);
    json_object_put (body);
}

// ---------------------------------------------------------------------------------------------

requests_t *
requests_new (uv_loop_t *loop, postoffice_context_t *office, const store_config_t *store)
{
    requests_t *self = alloc_zeroed (sizeof *self);
    self->office = office;
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
