//  statements — the SQL of what the HTTP API reads (statements.def), and the pieces that several
//  statements have in common.

#ifndef STATEMENTS_H
#define STATEMENTS_H

#include "model/model.h"

#include <assert.h>

extern const char read_session_sql[];
extern const char read_no_endpoints_sql[];
extern const char read_messages_sql[];
extern const char read_transcript_sql[];
extern const char read_transcript_text_sql[];
extern const char read_work_items_sql[];
extern const char read_work_item_sql[];
extern const char read_erasure_sql[];
extern const char read_export_sql[];
extern const char change_work_sql[];
extern const char change_erasure_sql[];
extern const char change_works_sql[];
extern const char read_destinations_sql[];
extern const char change_destination_sql[];
extern const char read_alerts_sql[];
extern const char read_alert_sql[];
extern const char read_alert_stand_sql[];
extern const char read_tried_sql[];
extern const char change_alert_sql[];
extern const char read_sessions_sql[];
extern const char read_search_sql[];
extern const char read_participants_sql[];
extern const char read_agent_sql[];
extern const char read_agents_sql[];
extern const char read_queue_sql[];
extern const char change_agent_sql[];
extern const char read_webhook_place_sql[];
extern const char read_platform_look_sql[];
extern const char read_platform_place_sql[];
extern const char change_platform_receipt_sql[];
extern const char change_platform_failed_sql[];
extern const char change_webhook_status_sql[];
extern const char change_webhook_suppress_sql[];

//  A time as RFC 3339 has it; that of an entry by the database's clock, which entries of before
//  schema 4 do not have. Those have the one that clients see.
#define SQL_RFC_3339(time)                                                                       \
    "to_char (" time " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
#define SQL_STORED_TIME(stored, ms)                                                              \
    SQL_RFC_3339 ("coalesce (" stored ", to_timestamp (" ms " / 1000.0))")

#define SQL_ROLE_NAME(column)                                                                    \
    "(ARRAY['visitor', 'agent', 'bot', 'platform', 'router', 'api'])[" column "]"

//  Who is in control of the session `s`, as JSON.
#define SQL_CONTROL                                                                              \
    "CASE WHEN s.control_user = ''"                                                              \
    " THEN json_build_object ('role', " SQL_ROLE_NAME ("s.control_role") ")"                     \
    " ELSE json_build_object ('role', " SQL_ROLE_NAME ("s.control_role") ","                     \
    "  'userId', s.control_user) END"

//  Who caused the entry of the log `l`. Of a server it is the name of its key, which is nothing for
//  visitors ($3 is not empty): they get `other`.
#define SQL_ENTRY_USER(other)                                                                    \
    "CASE WHEN l.role = 6 AND $3::text <> '' THEN '" other "' ELSE l.user_id END"
static_assert (ROLE_API == 6, "in the statements");

//  Members of an entry of the log `l` behind its seq, message id and event.
#define SQL_ENTRY_REST                                                                           \
    " 'time', " SQL_STORED_TIME ("l.stored_at", "l.time_ms") ","                                 \
    " 'role', " SQL_ROLE_NAME ("l.role") ", 'userId', " SQL_ENTRY_USER ("") ","                  \
    " 'sender', CASE l.sender WHEN '' THEN '{}' ELSE l.sender END::json,"                        \
    " 'data', l.data::json, 'hidden', l.hidden"

//  The id of the session `s`: its key without the app.
#define SQL_SESSION_ID "substr (s.session, length (s.app) + 2)"

//  A page or a piece ends early when its entries (of the log `l`) are so large: an answer must fit
//  into a record of the bus.
#define SQL_PAGE_BYTES "500000"
#define SQL_ENTRY_BYTES "coalesce (octet_length (l.data), 0) + octet_length (l.sender) + 300"

//  That a session is closed, as nobody is there, is no activity.
#define SQL_SESSION_CLOSED "8"
static_assert (EVENT_SESSION_CLOSED == 8, "in the statements");

#endif
