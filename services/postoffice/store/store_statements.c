#include "store/store_statements.h"

#include "store/query.h"

const pg_statement_t store_statements[STORE_STATEMENTS] = {
    [SAY_APPEND] = { "append",
                     "SELECT append_batch ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, "
                     "$13,"
                     " $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28,"
                     " $29, $30, $31, $32, $33, $34, $35, $36, $37, $38)" },
    [SAY_ENTRIES] = { "entries", "INSERT INTO log (writer, day, session, seq, message_id, event, "
                                 "time_ms, role, user_id,"
                                 " sender, data, quiet)"
                                 " SELECT $1::bigint, $2::date, e.* FROM unnest ($3::text[], "
                                 "$4::bigint[], $5::text[],"
                                 " $6::smallint[], $7::bigint[], $8::smallint[], $9::text[], "
                                 "$10::text[], $11::text[],"
                                 " $12::boolean[]) AS e" },
    //  Most batches of a quiet postoffice: without the arrays it takes a third less.
    [SAY_ENTRY] = { "entry", "INSERT INTO log (writer, day, session, seq, message_id, event, "
                             "time_ms, role, user_id,"
                             " sender, data, quiet)"
                             " VALUES ($1::bigint, $2::date, $3::text, $4::bigint, $5::text, "
                             "$6::smallint, $7::bigint,"
                             " $8::smallint, $9::text, $10::text, $11::text, $12::boolean)" },
    [SAY_LOAD] = { "load", QUERY_LOAD_SQL },
    [SAY_READ] = { "read", QUERY_READ_SQL },
    [SAY_LOOKUP] = { "lookup", QUERY_LOOKUP_SQL },
    [SAY_RECEIPTS] = { "seen", "SELECT note_seen ($1, $2, $3, $4)" },
    [SAY_DAY] = { "day", "SELECT make_day ($1::date)" },
    [SAY_PROBE] = { "probe", "SELECT beat ($1::bigint, $2::text)" },
};
