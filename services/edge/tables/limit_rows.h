//  limit_rows — the rows of limits.def: which limits there are, and how each is called.

#ifndef LIMIT_ROWS_H
#define LIMIT_ROWS_H

//  Whose. A refusal names the first one in this order that is reached.
typedef enum {
    LIMIT_PRINCIPAL,
    LIMIT_SESSION,
    LIMIT_APP,
    LIMIT_ADDRESS,
    LIMIT_SCOPES
} limit_scope_t;

//  Of what.
typedef enum { LIMIT_CONNECT, LIMIT_JOIN, LIMIT_MESSAGE, LIMIT_REQUEST, LIMIT_ACTS } limit_act_t;

typedef enum {
#define LIMIT(SCOPE, ACT, metric, setting, fallback, words) LIMIT_ROW_##SCOPE##_##ACT,
#include "tables/limits.def"
#undef LIMIT
    LIMIT_ROWS
} limit_row_t;

#define LIMIT_PER_SECOND_MOST 1000000
#define LIMIT_BURST_SECONDS 10

#endif
