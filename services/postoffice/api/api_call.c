#include "api/api_call.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash_table.h"
#include "base/log.h"
#include "bus/bus_limits.h"
#include "tables/postoffice_metrics.h"

#include <assert.h>
#include <stdlib.h>

#define BESIDE_MOST (16 * 1024) //  of a page beside its items: cursors
//  Of an answer's body: it must fit into a record.
#define ANSWER_MOST (BUS_RECORD_MAX - BESIDE_MOST)

//  A request whose answer is on its way.
typedef struct {
    UT_hash_handle hh; //  by number
    uint64_t number;   //  ours
    peer_t peer;
    uint64_t request_id; //  the peer's
    uint64_t deadline_ms;
    list_page_t *page; //  of a list; else NULL
    const char *type;  //  of a piece; else NULL
    call_then_fn *then; //  or NULL
    char *about_app, *about_name, *about_user; //  for `then`
    role_t about_role;
    uint64_t about_seq;
} pending_t;

struct calls {
    postoffice_context_t *office;
    reader_t *reader, *changes;
    pending_t *by_number;
    uint64_t next_number;
};

static pending_t *
s_pending (const calls_t *self, uint64_t number)
{
    pending_t *pending;
    HASH_FIND (hh, self->by_number, &number, sizeof number, pending);
    return pending;
}

static void
s_end (calls_t *self, pending_t *pending)
{
    HASH_DEL (self->by_number, pending);
    list_page_destroy (&pending->page);
    free (pending->about_app);
    free (pending->about_name);
    free (pending->about_user);
    free (pending);
}

uint64_t
calls_begin (calls_t *self, peer_t peer, const bus_request_t *request)
{
    pending_t *pending = alloc_zeroed (sizeof *pending);
    pending->number = ++self->next_number;
    pending->peer = peer;
    pending->request_id = request->request_id;
    pending->deadline_ms = clock_mono_ms () + request->deadline_ms;
    HASH_ADD (hh, self->by_number, number, sizeof pending->number, pending);
    return pending->number;
}

postoffice_context_t *
calls_office (const calls_t *self)
{
    return self->office;
}

// ---------------------------------------------------------------------------------------------
//  Answers

static void
s_send (const calls_t *self, const pending_t *pending, const api_answer_t *answer)
{
    bus_record_t record = { .kind = BUS_REPLY,
                            .reply = { .request_id = pending->request_id,
                                       .status = answer->status,
                                       .body = answer->body,
                                       .etag = answer->etag,
                                       .type = answer->type,
                                       .more = answer->more,
                                       .location = answer->location } };
    metric_add (answer->status >= 500   ? POSTOFFICE_REQUESTS_FAILED
                : answer->status >= 400 ? POSTOFFICE_REQUESTS_REFUSED
                                        : POSTOFFICE_REQUESTS_ANSWERED,
                1);
    if (bus_server_send (self->office->bus, pending->peer, &record) != 0)
        log_debug ("answer not sent", log_string ("kind", "REPLY"));
}

void
calls_answer (calls_t *self, uint64_t number, const api_answer_t *answer)
{
    pending_t *pending = s_pending (self, number);
    if (!pending)
        return;
    if (clock_mono_ms () > pending->deadline_ms)
        metric_add (POSTOFFICE_REQUESTS_LATE, 1); //  the edge has said so already
    else if (answer->body.size > ANSWER_MOST) {
        calls_refuse (self, number, PROBLEM_BAD_REQUEST,
                      TEXT ("The answer is too large; ask for fewer items (limit)"));
        return;
    } else
        s_send (self, pending, answer);
    s_end (self, pending);
}

void
calls_refuse (calls_t *self, uint64_t number, problem_t problem, text_t detail)
{
    calls_refuse_control (self, number, problem, detail, TEXT_EMPTY);
}

void
calls_refuse_control (calls_t *self, uint64_t number, problem_t problem, text_t detail,
                      text_t control)
{
    buffer_t body;
    buffer_init (&body, PROBLEM_MAX);
    problem_write_control (problem, detail, control, &body);
    api_answer_t answer = { .status = problem_status (problem), .body = buffer_text (&body) };
    calls_answer (self, number, &answer);
    buffer_free (&body);
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
    [VERDICT_NOT_IN_CONTROL] = PROBLEM_NOT_IN_CONTROL,
    [VERDICT_NOT_OFFERED] = PROBLEM_NOT_OFFERED,
    [VERDICT_CLOSED] = PROBLEM_CLOSED,
    [VERDICT_EXISTS] = PROBLEM_EXISTS,
    [VERDICT_PRECONDITION] = PROBLEM_PRECONDITION,
    [VERDICT_KEY_REUSED] = PROBLEM_KEY_REUSED,
};

void
calls_refuse_verdict (calls_t *self, uint64_t number, verdict_t verdict)
{
    problem_t problem = s_problems[verdict];
    assert (problem != PROBLEMS);
    bool says_why = problem == PROBLEM_FORBIDDEN || problem == PROBLEM_NOT_IN_CONTROL;
    calls_refuse (self, number, problem,
                  says_why ? text_of (verdict_words (verdict)) : TEXT_EMPTY);
}

// ---------------------------------------------------------------------------------------------
//  What only reads

static void
s_answer_page (calls_t *self, pending_t *pending, const reader_answer_t *answer)
{
    const text_t *columns = answer->columns;
    buffer_t body;
    buffer_init (&body, columns[0].size + BESIDE_MOST);
    list_page_write (pending->page,
                     &(list_items_t){ .items = columns[0],
                                      .first = columns[1],
                                      .last = columns[2],
                                      .more = text_is (columns[3], TEXT ("t")) },
                     &body);
    calls_answer (self, pending->number,
                  &(api_answer_t){ .status = 200, .body = buffer_text (&body) });
    buffer_free (&body);
}

static void
s_answer_piece (calls_t *self, const pending_t *pending, const reader_answer_t *answer)
{
    const text_t *columns = answer->columns;
    if (columns[3].size == 0)
        calls_refuse (self, pending->number, PROBLEM_NOT_FOUND, TEXT_EMPTY);
    else if (!text_is (columns[3], TEXT ("t")))
        calls_refuse (self, pending->number, PROBLEM_BAD_REQUEST, columns[3]);
    else
        calls_answer (self, pending->number,
                      &(api_answer_t){ .status = 200,
                                       .body = columns[0],
                                       .type = text_of (pending->type),
                                       .more = columns[2] });
}

static void
s_on_read (void *owner, uint64_t number, const reader_answer_t *answer)
{
    calls_t *self = owner;
    pending_t *pending = s_pending (self, number);
    if (!pending)
        return;
    if (answer->outcome == STORE_REJECTED)
        calls_refuse (self, number, PROBLEM_BAD_REQUEST,
                      TEXT ("A parameter or the cursor has no value that can be looked for"));
    else if (answer->outcome != STORED)
        calls_refuse (self, number, PROBLEM_STORE_DOWN, TEXT_EMPTY);
    else if (pending->then)
        pending->then (self, number,
                       &(call_about_t){ .app = text_of (pending->about_app),
                                        .name = text_of (pending->about_name),
                                        .role = pending->about_role,
                                        .user = text_of (pending->about_user),
                                        .seq = pending->about_seq },
                       answer);
    else if (pending->type)
        s_answer_piece (self, pending, answer);
    else if (answer->columns[0].size == 0)
        calls_refuse (self, number, PROBLEM_NOT_FOUND, TEXT_EMPTY);
    else if (pending->page)
        s_answer_page (self, pending, answer);
    else
        calls_answer (self, number,
                      &(api_answer_t){ .status = 200,
                                       .body = answer->columns[0],
                                       .etag = answer->columns[1] });
}

void
call_read (const api_call_t *call, read_statement_t statement, const text_t *parameters,
           size_t count)
{
    calls_t *self = call->calls;
    if (reader_ask (self->reader, statement, parameters, count, call->number) != 0)
        calls_refuse (self, call->number, PROBLEM_BUSY, TEXT_EMPTY);
}

void
call_read_page (const api_call_t *call, read_statement_t statement, const text_t *parameters,
                size_t count, list_page_t **page_p)
{
    pending_t *pending = s_pending (call->calls, call->number);
    assert (pending && !pending->page);
    pending->page = *page_p;
    *page_p = NULL;
    call_read (call, statement, parameters, count);
}

void
call_read_then (const api_call_t *call, read_statement_t statement, const text_t *parameters,
                size_t count, call_then_fn *then, text_t name)
{
    pending_t *pending = s_pending (call->calls, call->number);
    assert (pending && !pending->then);
    pending->then = then;
    pending->about_app = alloc_text (call->principal->app);
    pending->about_name = alloc_text (name);
    pending->about_role = call->principal->kind;
    pending->about_user = alloc_text (call->principal->user);
    call_read (call, statement, parameters, count);
}

void
calls_read_on (calls_t *self, uint64_t number, read_statement_t statement,
               const text_t *parameters, size_t count, call_then_fn *then, uint64_t seq)
{
    pending_t *pending = s_pending (self, number);
    if (!pending)
        return;
    assert (pending->then);
    pending->then = then;
    pending->about_seq = seq;
    if (reader_ask (self->reader, statement, parameters, count, number) != 0)
        calls_refuse (self, number, PROBLEM_BUSY, TEXT_EMPTY);
}

static void
s_on_changed (void *owner, uint64_t number, const reader_answer_t *answer)
{
    calls_t *self = owner;
    text_t status = answer->columns[1];
    //  An agent may have become available.
    if (answer->outcome == STORED && self->office->matcher)
        matcher_somebody_is_free (self->office->matcher);
    if (answer->outcome == STORE_REJECTED)
        calls_refuse (self, number, PROBLEM_BAD_REQUEST,
                      TEXT ("A value of the request cannot be stored"));
    else if (answer->outcome != STORED)
        calls_refuse (self, number, PROBLEM_STORE_DOWN, TEXT_EMPTY);
    else if (status.size == 0)
        calls_refuse (self, number, PROBLEM_NOT_FOUND, TEXT_EMPTY);
    else if (text_is (status, TEXT ("409")))
        calls_refuse (self, number, PROBLEM_CONFLICT, answer->columns[0]);
    else if (text_is (status, TEXT ("412")))
        calls_refuse (self, number, PROBLEM_PRECONDITION, answer->columns[0]);
    else
        calls_answer (self, number,
                      &(api_answer_t){ .status = text_is (status, TEXT ("202")) ? 202 : 200,
                                       .body = answer->columns[0],
                                       .etag = answer->columns[2] });
}

void
call_change (const api_call_t *call, change_statement_t statement, const text_t *parameters,
             size_t count)
{
    calls_t *self = call->calls;
    if (reader_ask (self->changes, statement, parameters, count, call->number) != 0)
        calls_refuse (self, call->number, PROBLEM_BUSY, TEXT_EMPTY);
}

void
call_read_piece (const api_call_t *call, read_statement_t statement, const text_t *parameters,
                 size_t count, const char *type)
{
    pending_t *pending = s_pending (call->calls, call->number);
    assert (pending && !pending->type);
    pending->type = type;
    call_read (call, statement, parameters, count);
}

text_t
call_only_visitor (const api_call_t *call)
{
    bool is_own = permission_scope (call->row->permission, call->principal->kind) == SCOPE_OWN;
    return is_own ? call->principal->user : TEXT_EMPTY;
}

// ---------------------------------------------------------------------------------------------

calls_t *
calls_new (uv_loop_t *loop, postoffice_context_t *office, const store_config_t *store)
{
    calls_t *self = alloc_zeroed (sizeof *self);
    self->office = office;
    self->reader = reader_new (loop, store, s_on_read, self);
    self->changes = reader_new_of_changes (loop, store, s_on_changed, self);
    return self;
}

void
calls_open (calls_t *self)
{
    reader_open (self->reader);
    reader_open (self->changes);
}

void
calls_destroy (calls_t **self_p)
{
    calls_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    reader_destroy (&self->reader);
    reader_destroy (&self->changes);
    pending_t *pending, *next;
    HASH_ITER (hh, self->by_number, pending, next)
    s_end (self, pending);
    free (self);
}
