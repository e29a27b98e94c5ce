//  pg_values — the parameters of one statement in PostgreSQL's binary form, and its results.
//
//  Values are numbered from 0; all of them are written one after the other. An array is written
//  element by element into its own buffer, so that several can grow side by side.

#ifndef PG_VALUES_H
#define PG_VALUES_H

#include "base/buffer.h"

#include <libpq-fe.h>
#include <stdbool.h>

#define PG_VALUES_MOST 80

typedef enum {
    PG_BOOL = 16,   //  0 or 1
    PG_NUMBER = 20, //  bigint
    PG_SMALL = 21,  //  smallint
    PG_TEXT = 25,
    PG_DAY = 1082, //  date; given in days since 1970
} pg_type_t;

typedef struct {
    bool is_null;
    buffer_t bytes;   //  grows to any size: the ceiling is that of the store's queue
    pg_type_t type;   //  of an array's elements
    uint32_t count;   //  of an array's elements
} pg_value_t;

typedef struct {
    pg_value_t values[PG_VALUES_MOST];
    size_t count;
} pg_values_t;

//  A zeroed struct has no values yet.
void pg_values_free (pg_values_t *self);

void pg_values_number (pg_values_t *self, pg_type_t type, int64_t number);
void pg_values_text (pg_values_t *self, text_t text);
void pg_values_null (pg_values_t *self);

//  Begins an array; elements are added with the calls below, in any order of arrays.
pg_value_t *pg_values_array (pg_values_t *self, pg_type_t type);
void pg_array_number (pg_value_t *self, int64_t number);
void pg_array_text (pg_value_t *self, text_t text);
void pg_array_null (pg_value_t *self);

//  Gives them to libpq for a prepared statement with binary results. There are none then, and the
//  memory is kept. Returns 1, or 0 when the connection is broken.
int pg_values_send (pg_values_t *self, PGconn *connection, const char *statement);

//  Readers of binary results. The texts live as long as the result.
text_t pg_text (const PGresult *result, int row, int column);      //  empty for NULL
int64_t pg_number (const PGresult *result, int row, int column);   //  any integer type; 0 for NULL
bool pg_flag (const PGresult *result, int row, int column);
bool pg_is_null (const PGresult *result, int row, int column);

#endif
