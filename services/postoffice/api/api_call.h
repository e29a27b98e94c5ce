//  api_call — a REQUEST of an edge that is being carried out, and the ways to answer it: what every
//  operation of the API has in common.
//
//  A call is open from calls_begin until one of the answers below, by its number. Its asker waits
//  for so long only: what comes later is counted, and sent to nobody.

#ifndef API_CALL_H
#define API_CALL_H

#include "api/list_page.h"
#include "model/problem.h"
#include "read/reader.h"
#include "session/postoffice_context.h"

typedef struct calls calls_t;

//  What an operation is given; it lives until the operation returns. Texts that the request does
//  not have are empty.
typedef struct {
    calls_t *calls;
    const api_row_t *row;
    const principal_t *principal;
    text_t session; //  its id
    text_t key;     //  of principal and session: how the session is called; empty without a session
    text_t user, item;
    text_t idempotency_key;
    text_t if_match;
    text_t more; //  the cursor that the piece before ended with (api_answer_t.more)
    struct json_object *query; //  or NULL; checked
    struct json_object *body;  //  of the HTTP request; NULL: it has none
    uint64_t number;
} api_call_t;

//  Begins an operation, which is answered now or later.
typedef void api_operation_fn (const api_call_t *call);

//  Borrows the context.
calls_t *calls_new (uv_loop_t *loop, postoffice_context_t *office, const store_config_t *store);
void calls_open (calls_t *self); //  the schema is the right one now
//  Answers nobody.
void calls_destroy (calls_t **self_p);
postoffice_context_t *calls_office (const calls_t *self);

//  Returns the number.
uint64_t calls_begin (calls_t *self, peer_t peer, const bus_request_t *request);

// ---------------------------------------------------------------------------------------------
//  Answers. Each ends the call; nothing happens when there is none of this number.

typedef struct {
    unsigned status;
    text_t body;
    text_t etag; //  without quotes; empty: none
    text_t type; //  media type; empty: JSON
    text_t location; //  path of what was made; empty: none
    text_t more; //  cursor; empty: the body is whole
} api_answer_t;

void calls_answer (calls_t *self, uint64_t number, const api_answer_t *answer);
void calls_refuse (calls_t *self, uint64_t number, problem_t problem, text_t detail);
//  With who has control, a JSON object (problem.h).
void calls_refuse_control (calls_t *self, uint64_t number, problem_t problem, text_t detail,
                           text_t control);
//  Of a verdict that is neither OK nor DUPLICATE.
void calls_refuse_verdict (calls_t *self, uint64_t number, verdict_t verdict);

//  The answer is what a statement answers: a row of JSON and perhaps an etag; 404 without a row.
void call_read (const api_call_t *call, read_statement_t statement, const text_t *parameters,
                size_t count);
//  The same, of a statement of a list: columns of list_items_t, in its order; `more` is "t" or "f".
//  Takes the page.
void call_read_page (const api_call_t *call, read_statement_t statement, const text_t *parameters,
                     size_t count, list_page_t **page_p);

//  The same, of a statement whose columns become an answer: `then` ends the call. It is told the
//  name that the call is about, and who asks, of which app: texts that last until the call ends.
typedef struct {
    text_t app, name;
    role_t role;
    text_t user;
    uint64_t seq; //  as given to calls_read_on
} call_about_t;
typedef void call_then_fn (calls_t *calls, uint64_t number, const call_about_t *about,
                           const reader_answer_t *answer);
void call_read_then (const api_call_t *call, read_statement_t statement, const text_t *parameters,
                     size_t count, call_then_fn *then, text_t name);

//  Of a call that has begun with call_read_then: reads once more, about the same.
void calls_read_on (calls_t *self, uint64_t number, read_statement_t statement,
                    const text_t *parameters, size_t count, call_then_fn *then, uint64_t seq);

//  The media type of JSON objects, one a line.
#define API_JSON_LINES "application/x-ndjson"
//  Bytes of api_answer_t.more at most.
#define API_MORE_MAX (SESSION_KEY_MAX + 32)
//  The same, of a statement of pieces (statements.def), with their media type, a literal.
void call_read_piece (const api_call_t *call, read_statement_t statement,
                      const text_t *parameters, size_t count, const char *type);

//  The answer is what a change answers: JSON with its status and perhaps an etag, or a conflict or
//  failed precondition and why; 404 without a row.
void call_change (const api_call_t *call, change_statement_t statement, const text_t *parameters,
                  size_t count);

//  What a statement's condition has of who asks: the visitor's user id when the asker sees only
//  its own sessions, else empty.
text_t call_only_visitor (const api_call_t *call);

#endif
