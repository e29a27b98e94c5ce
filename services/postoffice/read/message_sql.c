#include "read/statements.h"

//  Entries in the direction of reading, one more than the page has: those behind the position.
#define ENTRIES(is_up, order)                                                                    \
    "(SELECT l.* FROM log l WHERE " is_up " AND l.session = s.session AND l.day = s.day"         \
    "  AND l.seq > s.low AND l.seq < s.high"                                                     \
    "  AND (1::bigint << l.event) & $10::text::bigint <> 0"                                      \
    "  AND (NOT l.hidden OR $11::text::boolean)"                                                 \
    "  ORDER BY l.seq " order " LIMIT $7::text::bigint + 1)"

const char read_messages_sql[] =
    "WITH s AS ("
    " SELECT s.session, s.day,"
    "  greatest (nullif ($8::text, '')::bigint,"
    "   CASE WHEN $4::text::boolean THEN nullif ($6::text, '')::bigint END, 0) AS low,"
    "  least (nullif ($9::text, '')::bigint,"
    "   CASE WHEN NOT $4::text::boolean THEN nullif ($6::text, '')::bigint END,"
    "   9223372036854775807) AS high"
    " FROM session s"
    " WHERE s.session = $1::text AND s.app = $2::text AND $3::text IN ('', s.visitor)),"
    "e AS ("
    " SELECT l.*, row_number () OVER w <= $7::text::bigint"
    "  AND (row_number () OVER w = 1 OR"
    "   sum (" SQL_ENTRY_BYTES ") OVER w <= " SQL_PAGE_BYTES ") AS fits"
    " FROM s, LATERAL (" ENTRIES ("$4::text::boolean", "ASC") " UNION ALL "
    ENTRIES ("NOT $4::text::boolean", "DESC") ") l"
    " WINDOW w AS (ORDER BY CASE WHEN $4::text::boolean THEN l.seq ELSE -l.seq END)),"
    "j AS ("
    " SELECT l.seq, l.fits, json_build_object ('seq', l.seq, 'messageId', l.message_id,"
    "  'event', CASE l.event"
#define EVENT(number, NAME, wire, log, words) " WHEN " #number " THEN '" wire "'"
#include "model/events.def"
#undef EVENT
    " END," SQL_ENTRY_REST ") AS entry"
    " FROM e l)"
    "SELECT coalesce (json_agg (j.entry"
    "  ORDER BY CASE WHEN $5::text::boolean THEN -j.seq ELSE j.seq END)"
    "  FILTER (WHERE j.fits), '[]')::text,"
    " json_build_array (CASE WHEN $5::text::boolean THEN max (j.seq) FILTER (WHERE j.fits)"
    "  ELSE min (j.seq) FILTER (WHERE j.fits) END::text)::text,"
    " json_build_array (CASE WHEN $5::text::boolean THEN min (j.seq) FILTER (WHERE j.fits)"
    "  ELSE max (j.seq) FILTER (WHERE j.fits) END::text)::text,"
    " CASE WHEN bool_or (NOT j.fits) THEN 't' ELSE 'f' END"
    " FROM s LEFT JOIN j ON true GROUP BY s.session";
