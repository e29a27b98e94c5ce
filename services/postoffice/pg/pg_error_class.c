#include "pg/pg_error_class.h"

#include <string.h>

typedef struct {
    const char *class;      //  what the SQLSTATE begins with
    pg_error_class_t pg_error_class;
} pg_error_class_row_t;

//  The first one that fits.
static const pg_error_class_row_t s_rows[] = {
    { "40", JUDGED_AGAIN },           //  deadlock, serialization
    { "23514", JUDGED_NO_PARTITION }, //  the log has no other check
    { "23505", JUDGED_DOUBLE },
    { "55P03", JUDGED_LOCKED },
    { "21", JUDGED_INDIGESTIBLE }, //  cardinality
    { "22", JUDGED_INDIGESTIBLE }, //  data
    { "23", JUDGED_INDIGESTIBLE }, //  constraints
    { "54", JUDGED_INDIGESTIBLE }, //  too large
    { "25006", JUDGED_STRANGE },   //  read-only
    { "42", JUDGED_STRANGE },      //  no such table, not allowed
    { "0A", JUDGED_STRANGE },      //  the plan does not fit any more
    { "", JUDGED_SICK },
};

pg_error_class_t
pg_error_class_of (const char *sqlstate)
{
    const pg_error_class_row_t *row = s_rows;
    while (strncmp (sqlstate, row->class, strlen (row->class)) != 0)
        row++;
    return row->pg_error_class;
}
