#include "store/store_statements.h"

#include "store/migrations.h"
#include "store/query.h"

const pg_statement_t store_statements[STORE_STATEMENTS] = {
    [SAY_APPEND] = { "append", schema_append },
    [SAY_ENTRIES] = { "entries", schema_insert_entries },
    //  Most batches of a quiet postoffice: without the arrays it takes a third less.
    [SAY_ENTRY] = { "entry", schema_insert_entry },
    [SAY_LOAD] = { "load", query_load_sql },
    [SAY_READ] = { "read", query_read_sql },
    [SAY_LOOKUP] = { "lookup", query_lookup_sql },
    [SAY_RECEIPTS] = { "received",
                       "SELECT " SCHEMA_FUNCTION ("note_received") " ($1, $2, $3, $4)" },
    [SAY_DAY] = { "day", "SELECT " SCHEMA_FUNCTION ("make_day") " ($1::date)" },
    [SAY_PROBE] = { "probe", "SELECT " SCHEMA_FUNCTION ("beat") " ($1::bigint, $2::text)" },
};
