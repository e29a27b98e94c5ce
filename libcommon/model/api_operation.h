//  api_operation — the operations of the HTTP API as a table (api_operations.def): which path and
//  method is which operation, who may ask for it, and its limits. The edge routes by it, a
//  postoffice carries it out.

#ifndef API_OPERATION_H
#define API_OPERATION_H

#include "model/principal.h"

typedef enum {
    API_NONE = 0,
#define API_OPERATION(number, NAME, method, path, permission, deadline, body, words)             \
    API_##NAME = number,
#include "model/api_operations.def"
#undef API_OPERATION
} api_operation_t;

typedef struct {
    api_operation_t operation;
    const char *method;
    const char *path;
    permission_t permission;
    uint64_t deadline_ms;
    uint64_t body_most;
    const char *words;
} api_row_t;

//  What a path came to. The parameter points into the path, still percent-encoded.
typedef struct {
    const api_row_t *row; //  NULL: no such path, or no such method
    char allow[80]; //  methods of the path, "GET, HEAD, OPTIONS"; empty: there is no such path
    text_t session; //  {session}; empty: the path has none
} api_match_t;

//  A HEAD is a GET whose answer's body is not sent.
void api_match (api_match_t *self, text_t method, text_t path);

//  NULL for a number that is no operation.
const api_row_t *api_row (uint64_t operation);

//  The table for the documents, as Markdown.
__attribute__ ((warn_unused_result)) int api_operations_markdown (buffer_t *to);

#endif
