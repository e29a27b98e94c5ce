#include "read/statements.h"
#include "store/migrations.h"

#define PARTICIPANTS_MOST "1000"

//  A visitor is told of the others what it was shown itself: no number of an entry that is not for
//  it.
#define SEEN(name)                                                                               \
    "CASE WHEN $3::text = '' OR (q.role = 1 AND q.user_id = $3::text)"                           \
    " THEN coalesce ((c.one ->> '" name "')::bigint, 0)"                                         \
    " ELSE coalesce ((SELECT l.seq FROM log l WHERE l.session = s.session AND l.day = s.day"     \
    "  AND l.seq <= (c.one ->> '" name "')::bigint AND NOT l.hidden"                             \
    "  AND (1::bigint << l.event) & $5::text::bigint <> 0 ORDER BY l.seq DESC LIMIT 1), 0) END"

const char read_session_sql[] =
    "SELECT json_build_object ('sessionId', " SQL_SESSION_ID ","
    " 'appId', s.app, 'visitor', s.visitor, 'createdAt', " SQL_RFC_3339 ("s.created_at") ","
    " 'state', CASE WHEN s.closed_at IS NULL THEN 'open' ELSE 'closed' END,"
    " 'closedAt', " SQL_RFC_3339 ("s.closed_at") ","
    " 'lastSeq', coalesce (l.seq, 0),"
    " 'lastAt', " SQL_STORED_TIME ("l.stored_at", "l.time_ms") ","
    " 'lastActivity', coalesce (" SQL_STORED_TIME ("a.stored_at", "a.time_ms") ","
    "  " SQL_RFC_3339 ("s.created_at") "),"
    " 'control', " SCHEMA_FUNCTION ("session_control") " (s),"
    " 'offer', CASE WHEN $3::text = '' THEN " SCHEMA_FUNCTION ("session_offer") " (s) END,"
    " 'participants', coalesce (p.list, '[]'::json))::text,"
    " coalesce (l.seq, 0)::text"
    " FROM session s"
    " LEFT JOIN LATERAL (SELECT seq, stored_at, time_ms FROM log"
    "  WHERE session = s.session AND day = s.day ORDER BY seq DESC LIMIT 1) l ON true"
    " LEFT JOIN LATERAL (SELECT stored_at, time_ms FROM log"
    "  WHERE session = s.session AND day = s.day AND event <> " SQL_SESSION_CLOSED
    "  ORDER BY seq DESC LIMIT 1) a ON true"
    " LEFT JOIN LATERAL (SELECT json_agg (json_build_object ("
    "   'role', " SQL_ROLE_NAME ("q.role") ", 'userId', q.user_id, 'present', q.present,"
    "   'connected', coalesce ((c.one ->> 'connected')::boolean, false),"
    "   'deliveredSeq', " SEEN ("deliveredSeq") ", 'readSeq', " SEEN ("readSeq") ","
    "   'info', CASE WHEN $3::text = '' OR (q.role = 1 AND q.user_id = $3::text)"
    "    THEN q.info::json ELSE '{}'::json END)"
    "   ORDER BY q.role, q.user_id) AS list"
    "  FROM (SELECT * FROM participant WHERE session = s.session"
    "   ORDER BY role, user_id LIMIT " PARTICIPANTS_MOST ") q"
    "  LEFT JOIN LATERAL (SELECT one FROM json_array_elements ($4::text::json) AS one"
    "   WHERE one ->> 'userId' = q.user_id AND one ->> 'role' = " SQL_ROLE_NAME ("q.role")
    "   LIMIT 1) c ON true) p ON true"
    " WHERE s.session = $1::text AND s.app = $2::text"
    "  AND $3::text IN ('', s.visitor)";

const char read_no_endpoints_sql[] =
    "SELECT '{\"items\":[],\"next\":null,\"prev\":null}'::text FROM session s"
    " WHERE s.session = $1::text AND s.app = $2::text AND $3::text IN ('', s.visitor)";
