#include "read/statements.h"

#define PARTICIPANTS_MOST "1000"

const char read_session_sql[] =
    "SELECT json_build_object ('sessionId', " SQL_SESSION_ID ","
    " 'appId', s.app, 'visitor', s.visitor, 'createdAt', " SQL_RFC_3339 ("s.created_at") ","
    " 'state', CASE WHEN s.closed_at IS NULL THEN 'open' ELSE 'closed' END,"
    " 'closedAt', " SQL_RFC_3339 ("s.closed_at") ","
    " 'lastSeq', coalesce (l.seq, 0),"
    " 'lastAt', " SQL_STORED_TIME ("l.stored_at", "l.time_ms") ","
    " 'lastActivity', coalesce (" SQL_STORED_TIME ("a.stored_at", "a.time_ms") ","
    "  " SQL_RFC_3339 ("s.created_at") "),"
    " 'control', " SQL_CONTROL ","
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
    "   'info', CASE WHEN $3::text = '' OR (q.role = 1 AND q.user_id = $3::text)"
    "    THEN q.info::json ELSE '{}'::json END)"
    "   ORDER BY q.role, q.user_id) AS list"
    "  FROM (SELECT * FROM participant WHERE session = s.session"
    "   ORDER BY role, user_id LIMIT " PARTICIPANTS_MOST ") q) p ON true"
    " WHERE s.session = $1::text AND s.app = $2::text"
    "  AND $3::text IN ('', s.visitor)";

const char read_no_endpoints_sql[] =
    "SELECT '{\"items\":[],\"next\":null,\"prev\":null}'::text FROM session s"
    " WHERE s.session = $1::text AND s.app = $2::text AND $3::text IN ('', s.visitor)";
