#include "read/statements.h"
#include "store/migrations.h"

static_assert (EVENT_NEW_MESSAGE == 3 && ROLE_VISITOR == 1, "in the statements");

//  The session of a person who writes by a webhook. It is the one that the reference leads to, or
//  the last one of that visitor; when that is closed, or there is none, the id of the next one
//  follows from it: everybody who asks at that time comes to the same. (The log of one that was
//  erased is still there for a while: the next one has another name.)
//
//  `seen`: the seq of the entry with this id, in whichever session of the visitor it is. `said`:
//  the last thing that was said to the person, when something could be chosen in it.
const char read_webhook_place_sql[] =
    "WITH last AS ("
    "  SELECT s.session, s.app, s.day, s.closed_at FROM ("
    "    SELECT x.session, 0 AS rank, NULL::timestamptz AS at FROM external_ref x"
    "    WHERE x.app = $1::text AND x.channel = $2::text AND x.external_id = $3::text"
    "    UNION ALL"
    "    (SELECT o.session, 1, coalesce (o.active_at, o.created_at) FROM session o"
    "     WHERE o.app = $1::text AND o.visitor = $4::text"
    "     ORDER BY coalesce (o.active_at, o.created_at) DESC, o.session LIMIT 1)) AS found"
    "  JOIN session s ON s.session = found.session ORDER BY found.rank LIMIT 1),"
    " here AS (SELECT * FROM last WHERE closed_at IS NULL)"
    " SELECT json_build_object ("
    "  'session', coalesce ((SELECT " SQL_SESSION_ID " FROM here s),"
    "   $5::text || '-' || left (encode (sha256 (convert_to (concat_ws (E'\\n', $1::text, $3::text,"
    "    (SELECT session FROM last), (SELECT concat (e.sessions, e.asked_at) FROM erasure e"
    "     WHERE e.app = $1::text AND e.user_id = $4::text)), 'UTF8')), 'hex'), 24)),"
    "  'isOpen', EXISTS (SELECT FROM here),"
    "  'seen', (SELECT l.seq FROM session s JOIN log l ON l.session = s.session AND l.day = s.day"
    "    AND l.message_id = $6::text"
    "   WHERE s.app = $1::text AND s.visitor = $4::text LIMIT 1),"
    "  'said', (SELECT d.data FROM"
    "   (SELECT l.data FROM here h JOIN log l ON l.session = h.session AND l.day = h.day"
    "    WHERE l.event = 3 AND l.role <> 1 AND NOT l.hidden ORDER BY l.seq DESC LIMIT 1) AS d"
    "   WHERE d.data LIKE '%\"displays\"%' OR d.data LIKE '%\"suggestions\"%'))::text";

//  What became of an SMS, as its sender tells: `detail` says so, "<sid> <status> <code>". Messages
//  come in any order: it never goes back, and what has failed stays failed. A failure makes a dead
//  letter, of which nobody was told yet. What the sender has taken, though its answer was lost, is
//  done: it is not sent again. A status of an attempt before a replay is passed over: `detail` has
//  the sid of the last one (services/notifier/texting/sms.c). Code 21610: the person has said STOP.
//  409: the report of the attempt is not stored yet.
#define RANK(status)                                                                             \
    "coalesce (array_position (ARRAY['accepted', 'scheduled', 'queued', 'sending', 'sent',"      \
    " 'delivered', 'read'], " status "), CASE WHEN " status " IN ('undelivered', 'failed',"      \
    " 'canceled') THEN 6 ELSE 0 END)"
const char change_webhook_status_sql[] =
    "WITH told AS ("
    "  SELECT w.item, w.state, w.attempts, w.replays,"
    "   substring (w.detail FROM '[SM]M[0-9a-fA-F]{32}') AS sid,"
    "   CASE WHEN w.detail LIKE $3::text || ' %' THEN split_part (w.detail, ' ', 2) ELSE '' END"
    "   AS before FROM work_item w"
    "  WHERE w.app = $1::text AND w.item = $2::text AND w.topic IN ('sms.out', 'notify.sms')"
    "  FOR UPDATE),"
    " news AS (SELECT t.*, $4::text IN ('undelivered', 'failed') AS has_failed FROM told t"
    "  WHERE t.state <> 1 AND coalesce (t.sid, $3::text) = $3::text"
    "   AND t.before NOT IN ('undelivered', 'failed', 'canceled')"
    "   AND " RANK ("$4::text") " > " RANK ("t.before") "),"
    " moved AS (UPDATE work_item w SET"
    "   detail = concat_ws (' ', $3::text, $4::text, nullif ($5::text, '')),"
    "   state = CASE WHEN n.state = 2 AND n.has_failed THEN 3"
    "    WHEN n.state = 0 AND n.attempts > 0 AND n.replays = 0"
    "     AND $4::text IN ('sent', 'delivered', 'read') THEN 2 ELSE w.state END,"
    "   is_told = w.is_told AND NOT (n.state = 2 AND n.has_failed),"
    "   finished_at = CASE WHEN n.state = 2 AND n.has_failed OR n.state = 0 AND n.attempts > 0"
    "    AND n.replays = 0 AND $4::text IN ('sent', 'delivered', 'read')"
    "    THEN now () ELSE w.finished_at END"
    "  FROM news n WHERE w.item = n.item AND (n.state <> 0 OR n.attempts > 0)"
    "  RETURNING w.item, w.app, w.topic, w.address, w.state),"
    " stopped AS (INSERT INTO suppressed_address (app, channel, address, reason)"
    "  SELECT m.app, 'sms', m.address, 'said STOP' FROM moved m"
    "  WHERE m.state = 3 AND m.address <> '' AND $5::text = '21610' ON CONFLICT DO NOTHING)"
    " SELECT '{}', CASE WHEN t.state = 1 THEN '409' ELSE '200' END,"
    "  (SELECT " SCHEMA_FUNCTION ("hasten_alerts") " (array_agg (m.item)) FROM moved m"
    "   WHERE m.state = 3 AND m.topic = 'notify.sms')"
    " FROM told t";

//  The address wants nothing more, or wants it again.
const char change_webhook_suppress_sql[] =
    "WITH added AS ("
    "  INSERT INTO suppressed_address (app, channel, address, reason)"
    "  SELECT $1::text, $2::text, $3::text, 'said STOP' WHERE $4::text = 't'"
    "  ON CONFLICT DO NOTHING),"
    " gone AS (DELETE FROM suppressed_address s WHERE s.app = $1::text AND s.channel = $2::text"
    "  AND s.address = $3::text AND $4::text <> 't')"
    " SELECT '{}', '200'";
