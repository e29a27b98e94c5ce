#include "read/statements.h"
#include "store/migrations.h"

//  What they do is in schema/work_api.sql.

const char read_work_items_sql[] =
    "SELECT * FROM " SCHEMA_FUNCTION ("list_work") " ($1::text, $2::text, $3::text, $4::text,"
    " $5::text, $6::text, $7::text::boolean, $8::text::boolean, $9::text, $10::text,"
    " $11::text::bigint)";
const char read_work_item_sql[] =
    "SELECT * FROM " SCHEMA_FUNCTION ("get_work") " ($1::text, $2::text)";
const char read_erasure_sql[] =
    "SELECT * FROM " SCHEMA_FUNCTION ("get_erasure") " ($1::text, $2::text)";
const char read_export_sql[] =
    "SELECT lines, '', next_seq || ' ' || nullif (next_session, ''), 't'"
    " FROM " SCHEMA_FUNCTION ("export_visitor")
    " ($1::text, $2::text, $3::text, $4::text::bigint, $5::text::bigint, '{\"\": \"\""
#define EVENT(number, NAME, wire, log, words) ", \"" #number "\": \"" wire "\""
#include "model/events.def"
#undef EVENT
    "}')";
const char change_work_sql[] =
    "SELECT * FROM " SCHEMA_FUNCTION ("change_work") " ($1::text, $2::text, $3::text, $4::text)";
const char change_works_sql[] =
    "SELECT * FROM " SCHEMA_FUNCTION ("change_works") " ($1::text, $2::text, $3::text, $4::text,"
    " $5::text, $6::text, $7::text::bigint)";
const char read_destinations_sql[] =
    "SELECT * FROM " SCHEMA_FUNCTION ("list_destinations") " ($1::text, $2::text::boolean,"
    " $3::text, $4::text::bigint)";
const char change_destination_sql[] =
    "SELECT * FROM " SCHEMA_FUNCTION ("enable_destination") " ($1::text, $2::text)";
const char read_alerts_sql[] =
    "SELECT * FROM " SCHEMA_FUNCTION ("list_alerts") " ($1::text, $2::text, $3::text, $4::text,"
    " $5::text::boolean, $6::text::boolean, $7::text, $8::text, $9::text::bigint)";
const char read_alert_sql[] =
    "SELECT * FROM " SCHEMA_FUNCTION ("get_alert") " ($1::text, $2::text)";
const char read_alert_stand_sql[] =
    "SELECT * FROM " SCHEMA_FUNCTION ("alert_stand") " ($1::text, $2::text, $3::text)";
const char read_tried_sql[] =
    "SELECT * FROM " SCHEMA_FUNCTION ("try_alert") " ($1::text, $2::text, $3::text)";
const char change_alert_sql[] =
    "SELECT * FROM " SCHEMA_FUNCTION ("acknowledge_alone") " ($1::text, $2::text, $3::text,"
    " $4::text, $5::text)";
const char change_erasure_sql[] =
    "SELECT * FROM " SCHEMA_FUNCTION ("order_erasure") " ($1::text, $2::text, $3::text)";
