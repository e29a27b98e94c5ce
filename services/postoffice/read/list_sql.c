#include "read/statements.h"
#include "store/migrations.h"

//  Functions of lists.sql and search.sql: what they may use depends on what is asked for.

const char read_sessions_sql[] =
    "SELECT * FROM " SCHEMA_FUNCTION ("list_sessions") " ($1::text, $2::text, $3::text,"
    " $4::text, $5::text, $6::text, $7::text, $8::text, $9::text, $10::text, $11::text,"
    " $12::text::boolean, $13::text::boolean, $14::text, $15::text, $16::text::bigint)";

const char read_search_sql[] =
    "SELECT * FROM " SCHEMA_FUNCTION ("search") " ($1::text, $2::text, $3::text,"
    " $4::text::boolean, $5::text, $6::text, $7::text::boolean, nullif ($8::text, '')::bigint,"
    " $9::text::bigint, $10::text::boolean)";

const char read_participants_sql[] =
    "SELECT * FROM " SCHEMA_FUNCTION ("list_participants") " ($1::text, $2::text, $3::text,"
    " $4::text, $5::text, $6::text, $7::text::boolean, $8::text, $9::text, $10::text,"
    " $11::text::bigint)";
