#include "pg/pg_error_class.h"

#include <string.h>

typedef struct {
    const char *class;      //  what the SQLSTATE begins with
    pg_error_class_t pg_error_class;
} pg_error_class_row_t;

//  The first one that fits.
static const pg_error_class_row_t s_rows[] = {
    { "40", PG_ERROR_RETRY },           //  deadlock, serialization
    { "23514", PG_ERROR_NO_PARTITION }, //  the log has no other check
    { "23505", PG_ERROR_DUPLICATE },    { "55P03", PG_ERROR_LOCKED },
    { "21", PG_ERROR_REJECTED },     //  cardinality
    { "22", PG_ERROR_REJECTED },     //  data
    { "23", PG_ERROR_REJECTED },     //  constraints
    { "54", PG_ERROR_REJECTED },     //  too large
    { "25006", PG_ERROR_RECONNECT }, //  read-only
    { "42", PG_ERROR_RECONNECT },    //  no such table, not allowed
    { "0A", PG_ERROR_RECONNECT },    //  the plan does not fit any more
    { "", PG_ERROR_UNAVAILABLE },
};

pg_error_class_t
pg_error_class_of (const char *sqlstate)
{
    const pg_error_class_row_t *row = s_rows;
    while (strncmp (sqlstate, row->class, strlen (row->class)) != 0)
        row++;
    return row->pg_error_class;
}
