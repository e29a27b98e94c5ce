//  reader — queries of the HTTP API to the database, over links of their own: a slow query
//  stands before no commit, and no commit before a query. What the API changes outside of sessions
//  goes the same way, through a reader of its own (reader_new_of_changes).
//
//  A query is one statement that the database answers with JSON, or with nothing when there is
//  nothing, or nothing for whoever asks: who may see what is a condition of the statement. Links
//  are read-only, plan as PostgreSQL likes, and give a statement up after READER_STATEMENT_MS.
//
//  Queries wait, oldest first, for a link with room; beyond the limit they are refused. Each is
//  answered once, from the loop, at the latest some seconds after its statement's limit.

#ifndef READER_H
#define READER_H

#include "store/store_model.h"

#include <uv.h>

#define READER_STATEMENT_MS 2000
#define READER_QUERIES_MOST 1000

typedef struct reader reader_t;

//  The statements (statements.def), with their parameters, which are texts.
typedef enum {
#define READ_STATEMENT(NAME, name, sql) READ_##NAME,
#include "read/statements.def"
#undef READ_STATEMENT
    READ_STATEMENTS
} read_statement_t;

//  What the API changes outside of sessions (changes.def), likewise.
typedef enum {
#define CHANGE_STATEMENT(NAME, name, sql) CHANGE_##NAME,
#include "read/changes.def"
#undef CHANGE_STATEMENT
    CHANGE_STATEMENTS
} change_statement_t;

#define READ_PARAMETERS_MOST 16
#define READ_COLUMNS_MOST 4

//  STORED with the columns of the first row, texts all of them; or with empty ones: there is no
//  row. STORE_REJECTED: a parameter is not what the statement takes for one. Or STORE_DOWN. The
//  texts live until the callback returns.
typedef struct {
    store_outcome_t outcome;
    text_t columns[READ_COLUMNS_MOST];
} reader_answer_t;

typedef void reader_answered_fn (void *owner, uint64_t number, const reader_answer_t *answer);

//  Copies the config; begins to connect with reader_open.
reader_t *reader_new (uv_loop_t *loop, const store_config_t *config, reader_answered_fn *answered,
                      void *owner);
//  One whose statements are those of changes, each of which can be said twice: one that was lost is
//  answered with STORE_DOWN, and may be stored.
reader_t *reader_new_of_changes (uv_loop_t *loop, const store_config_t *config,
                                 reader_answered_fn *answered, void *owner);
//  The schema is the right one now; safe to call again.
void reader_open (reader_t *self);
//  Answers nobody.
void reader_destroy (reader_t **self_p);

//  Copies the parameters. Returns 0; −1 when too many queries wait.
__attribute__ ((warn_unused_result)) int reader_ask (reader_t *self, unsigned statement,
                                                     const text_t *parameters, size_t count,
                                                     uint64_t number);

#endif
