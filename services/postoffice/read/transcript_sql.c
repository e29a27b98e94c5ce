#include "read/statements.h"

#include "store/migrations.h"

//  A piece of a log: entries of seq 1, 2, 3 … behind $4, as many as fit. It answers with the lines,
//  nothing, the seq of the last line when there are others behind it, and 't' when there is a
//  session. $1 session key, $2 app, $3 visitor or '', $4 seq or '', $5 events, $6 hidden ones, too?
#define ENTRIES_MOST "1000"
#define PIECE                                                                                    \
    "WITH s AS ("                                                                                \
    " SELECT s.session, s.day, coalesce (nullif ($4::text, '')::bigint, 0) AS low"               \
    " FROM session s"                                                                            \
    " WHERE s.session = $1::text AND s.app = $2::text AND $3::text IN ('', s.visitor)),"         \
    "e AS ("                                                                                     \
    " SELECT l.*, row_number () OVER w <= " ENTRIES_MOST                                         \
    "  AND (row_number () OVER w = 1 OR"                                                         \
    "   sum (" SQL_ENTRY_BYTES ") OVER w <= " SQL_PAGE_BYTES ") AS fits"                         \
    " FROM s, LATERAL ("                                                                         \
    "  SELECT l.* FROM log l WHERE l.session = s.session AND l.day = s.day AND l.seq > s.low"    \
    "   AND (1::bigint << l.event) & $5::text::bigint <> 0"                                      \
    "   AND (NOT l.hidden OR $6::text::boolean)"                                                 \
    "  ORDER BY l.seq LIMIT " ENTRIES_MOST " + 1) l"                                             \
    " WINDOW w AS (ORDER BY l.seq)),"

#define LINES                                                                                    \
    "SELECT coalesce ("                                                                          \
    " string_agg (j.line || E'\\n', '' ORDER BY j.seq) FILTER (WHERE j.fits), ''),"             \
    " '', CASE WHEN bool_or (NOT j.fits) THEN max (j.seq) FILTER (WHERE j.fits) END::text, "

const char read_transcript_sql[] =
    PIECE "j AS ("
    " SELECT l.seq, l.fits, json_build_object ('seq', l.seq, 'messageId', l.message_id,"
    "  'event', CASE l.event"
#define EVENT(number, NAME, wire, log, words) " WHEN " #number " THEN '" wire "'"
#include "model/events.def"
#undef EVENT
    " END," SQL_ENTRY_REST ")::text AS line FROM e l)"
    LINES "'t' FROM s LEFT JOIN j ON true GROUP BY s.session";

//  Lines for people: when, who, and what was said, or between stars what else happened. Lines of
//  one message behind its first one are indented, and other control characters are blanks: they
//  could make a terminal show something else. $7 zone.
#define SPEAKER                                                                                  \
    "coalesce (nullif (nullif (l.sender, '')::json ->> 'displayName', ''), "                     \
    SQL_ENTRY_USER ("Server") ")"                                                                \
    " || ' (' || " SQL_ROLE_NAME ("l.role")                                                      \
    " || CASE WHEN l.role < 3 THEN ' ' || l.user_id ELSE '' END || ')'"
#define UNSEEN "'[\\x01-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069]'"
#define WHISPER "11"
static_assert (EVENT_WHISPER == 11 && EVENT_NEW_MESSAGE == 3, "in the statements");

//  What became of an offer, which visitors are not told: to whom and why, and how it ended. By the
//  router (5) goes without saying.
static_assert (EVENT_OFFER == 12 && EVENT_OFFER_ENDED == 13 && ROLE_ROUTER == 5,
               "in the statements");
#define IN_BRACKETS(text) "coalesce (' (' || (" text ") || ')', '')"
#define OFFERED                                                                                  \
    "CASE l.event WHEN 12 THEN 'offered to ' || coalesce ("                                      \
    "   d.data ->> 'to', d.data -> 'targets' ->> (d.data ->> 'step')::int, 'nobody')"            \
    "  || " IN_BRACKETS ("d.data ->> 'why'")                                                     \
    "  || CASE l.role WHEN 5 THEN '' ELSE ': ' || " SPEAKER " END"                               \
    " WHEN 13 THEN 'offer ended: ' || coalesce (d.data ->> 'why', '')"                           \
    "  || CASE l.role WHEN 5 THEN " IN_BRACKETS ("d.data ->> 'to'")                              \
    "   ELSE ' by ' || " SPEAKER " END END"
#define LOCAL_TIME                                                                               \
    "to_char (coalesce (l.stored_at, to_timestamp (l.time_ms / 1000.0)) AT TIME ZONE z.zone,"    \
    " 'YYYY-MM-DD HH24:MI:SS')"

const char read_transcript_text_sql[] =
    PIECE "z AS ("
    //  All names are looked through, which takes some milliseconds.
    " SELECT CASE WHEN $7::text = 'UTC' OR EXISTS ("
    "  SELECT FROM pg_timezone_names n WHERE n.name = $7::text) THEN $7::text END AS zone),"
    "j AS ("
    " SELECT l.seq, l.fits,"
    "  CASE WHEN $4::text = '' AND l.seq = min (l.seq) OVER ()"
    "   THEN '# times are of ' || z.zone || E'\n' ELSE '' END"
    "  || " LOCAL_TIME " || '  ' || CASE WHEN t.offered IS NOT NULL"
    "   THEN regexp_replace ('* ' || t.offered || ' *', " UNSEEN ", ' ', 'g')"
    "  WHEN t.said IS NULL THEN '* ' || CASE l.event"
#define EVENT(number, NAME, wire, log, words) " WHEN " #number " THEN '" wire "'"
#include "model/events.def"
#undef EVENT
    "   END || ': ' || " SPEAKER " || ' *'"
    "  ELSE regexp_replace (" SPEAKER " || CASE l.event WHEN " WHISPER " THEN ' whispers: '"
    "    ELSE ': ' END || replace (t.said, E'\n', E'\n    '),"
    "   " UNSEEN ", ' ', 'g') END AS line"
    " FROM e l, z, LATERAL ("
    "  SELECT CASE WHEN l.event IN (3, " WHISPER ")"
    "   THEN " SCHEMA_FUNCTION ("search_text") " (l.data) END AS said, " OFFERED " AS offered"
    "  FROM (SELECT CASE WHEN l.event IN (12, 13) THEN l.data::json END AS data) d"
    "  OFFSET 0) t)"
    LINES "CASE WHEN z.zone IS NULL"
    "  THEN 'zone must be a name of the time zone database, such as Europe/Zurich' ELSE 't' END"
    " FROM z CROSS JOIN s LEFT JOIN j ON true GROUP BY s.session, z.zone";
