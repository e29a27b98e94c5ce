#include "read/statements.h"
#include "store/migrations.h"

//  What they do is in schema/agents.sql.

const char read_agent_sql[] =
    "SELECT * FROM " SCHEMA_FUNCTION ("get_agent") " ($1::text, $2::text, $3::text::bigint)";
const char read_agents_sql[] =
    "SELECT * FROM " SCHEMA_FUNCTION ("list_agents") " ($1::text, $2::text, $3::text,"
    " $4::text::bigint, $5::text::boolean, $6::text, $7::text::bigint)";
const char read_queue_sql[] =
    "SELECT * FROM " SCHEMA_FUNCTION ("list_queue") " ($1::text, $2::text, $3::text::boolean,"
    " $4::text, $5::text, $6::text::bigint)";
const char change_agent_sql[] =
    "SELECT * FROM " SCHEMA_FUNCTION ("set_agent") " ($1::text, $2::text, $3::text, $4::text,"
    " $5::text, $6::text, $7::text, $8::text, $9::text, $10::text::bigint)";
