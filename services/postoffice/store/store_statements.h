//  store_statements — what a store_link's link has prepared, by number.

#ifndef STORE_STATEMENTS_H
#define STORE_STATEMENTS_H

#include "pg/pg_link.h"

enum {
    SAY_APPEND,
    SAY_ENTRIES,
    SAY_ENTRY,
    SAY_LOAD,
    SAY_READ,
    SAY_LOOKUP,
    SAY_RECEIPTS,
    SAY_DAY,
    SAY_PROBE,
    STORE_STATEMENTS
};

extern const pg_statement_t store_statements[STORE_STATEMENTS];

#endif
