//  desk_statements — what a desk's link has prepared, by number.

#ifndef DESK_STATEMENTS_H
#define DESK_STATEMENTS_H

#include "pg_link.h"

enum {
    SAY_APPEND,
    SAY_ENTRIES,
    SAY_ENTRY,
    SAY_LOAD,
    SAY_READ,
    SAY_LOCATE,
    SAY_SEEN,
    SAY_DAY,
    SAY_PROBE,
    DESK_STATEMENTS
};

extern const pg_statement_t desk_statements[DESK_STATEMENTS];

#endif
