//  api_operation — the operations of the HTTP API as a table (api_operations.def): which path and
//  method is which operation, who may ask for it, and its limits; and what may stand in the query
//  of each (api_queries.def). The edge routes by it, a postoffice carries it out.

#ifndef API_OPERATION_H
#define API_OPERATION_H

#include "model/principal.h"

typedef enum {
    API_NONE = 0,
#define API_OPERATION(number, NAME, method, path, permission, place, deadline, body, words)      \
    API_##NAME = number,
#include "model/api_operations.def"
#undef API_OPERATION
    API_BOT_ANSWER = 50, //  of no row of the table: see api_bot_answer
    API_WEBHOOK = 51,    //  likewise: see api_webhook
    API_PLATFORM = 52,   //  likewise: see api_platform
    API_ALERT_PAGE = 53, //  likewise: see api_alert_page
    API_OPERATIONS       //  above all numbers
} api_operation_t;

//  Who carries it out.
typedef enum { API_AT_SESSION, API_AT_ANY, API_AT_EDGE } api_place_t;

//  Of a path; each one is a segment of it.
typedef enum {
    API_PARAMETER_SESSION, //  {session}: the id of a session
    API_PARAMETER_USER,    //  {user}: of a visitor
    API_PARAMETER_ITEM,    //  {item}: of a work item
    API_PARAMETERS
} api_parameter_t;

const char *api_parameter_name (api_parameter_t parameter); //  "session"
size_t api_parameter_most (api_parameter_t parameter);      //  bytes, decoded
#define API_PARAMETER_MAX 600
#define API_HEADER_MAX 200 //  of Idempotency-Key and If-Match

//  In place of a permission: anybody may ask.
#define PERMIT_ANYBODY PERMISSIONS

typedef struct {
    api_operation_t operation;
    const char *name; //  "SESSION_GET"
    const char *method;
    const char *path;
    permission_t permission;
    api_place_t place;
    uint64_t deadline_ms;
    uint64_t body_most;
    const char *words;
} api_row_t;

//  What a path came to. The parameters point into the path, still percent-encoded.
typedef struct {
    const api_row_t *row; //  NULL: no such path, or no such method
    char allow[80]; //  methods of the path, "GET, HEAD, OPTIONS"; empty: there is no such path
    text_t parameters[API_PARAMETERS]; //  empty: the path has none of these
} api_match_t;

//  A HEAD is a GET whose answer's body is not sent.
void api_match (api_match_t *self, text_t method, text_t path);

//  A bot answers later, at the address that it was given with the question (auth/answer_url.h). It
//  is not of /api/v1, and nobody asks for it by a credential: whoever has the address may.
extern const api_row_t api_bot_answer;
#define API_BOT_ANSWER_MOST 262144 //  bytes of such an answer

//  What a webhook comes to (docs/bus.md): an edge has checked who sent it. Nobody else asks for it.
//  With a session it goes to the session's postoffice, else to any.
extern const api_row_t api_webhook;
#define API_WEBHOOK_MOST (1u << 20) //  bytes of such a request

//  What a platform's webhook comes to, and what its worker asks (docs/bus.md). Nobody else asks for
//  it. With a session it goes to the session's postoffice, else to any.
extern const api_row_t api_platform;

//  What the page behind an alert's link shows (auth/alert_url.h). It is not of /api/v1 either: an
//  edge asks, for whoever has the link.
extern const api_row_t api_alert_page;

//  NULL for a number that is no operation.
const api_row_t *api_row (uint64_t operation);
//  What an asker of this kind needs: a server says things in the name of others, and of others.
permission_t api_permission (const api_row_t *row, role_t kind);
//  Any of these, as bits, opens the door to who may ask. Which of them a body needs it says itself
//  (api_body_permission).
uint64_t api_door_permissions (const api_row_t *row, role_t kind);
//  All of them, one by one: NULL behind the last one.
const api_row_t *api_row_at (size_t at);

// ---------------------------------------------------------------------------------------------
//  Queries

typedef enum {
    API_QUERY_TEXT,
    API_QUERY_NUMBER,
    API_QUERY_TIME,
    API_QUERY_CHOICE,
} api_query_kind_t;

typedef struct {
    api_operation_t operation;
    const char *name;
    api_query_kind_t kind;
    uint64_t least, most;
    const char *choices;
    const char *words;
    bool is_needed;
} api_query_row_t;

//  NULL: the operation has no parameter of this name.
const api_query_row_t *api_query_row (api_operation_t operation, text_t name);
const api_query_row_t *api_query_row_at (size_t at);
//  The choices of a row, one by one: `at` is NULL before the first. Empty behind the last one.
text_t api_query_choice (const api_query_row_t *row, const char **at);
//  What is wrong with a value, for a person, in `room`; NULL: nothing.
#define API_COMPLAINT 200
const char *api_query_complaint (const api_query_row_t *row, text_t value,
                                 char room[API_COMPLAINT]);

//  The tables for the documents, as Markdown.
__attribute__ ((warn_unused_result)) int api_operations_markdown (buffer_t *to);
__attribute__ ((warn_unused_result)) int api_queries_markdown (buffer_t *to);

#endif
