#include "read/statements.h"

static_assert (ROLE_PLATFORM == 4 && ROLE_VISITOR == 1, "in the statements");

//  Of one moment, so that who asks may act on `lastSeq`: an entry that makes an item of the lane
//  raises it. `open`: items that are not done, the end of the tenancy not counted. `tenancy`: seq
//  of the newest watch, 0: there is none. `memory`: of the lane.
const char read_platform_look_sql[] =
    "SELECT json_build_object ("
    " 'controls', s.control_role = 4 AND s.control_user = $3::text AND s.closed_at IS NULL,"
    " 'asked', s.offered_to = $5::text, 'version', s.control_seq,"
    " 'lastSeq', coalesce (l.seq, 0),"
    " 'open', (SELECT count (*) FROM (SELECT FROM work_item w WHERE w.lane = $4::text"
    "  AND w.state < 2 AND w.item NOT LIKE ':over:%' LIMIT 1000) AS few),"
    " 'isClosed', s.closed_at IS NOT NULL,"
    " 'visitorPresent', EXISTS (SELECT FROM participant p WHERE p.session = s.session"
    "  AND p.role = 1 AND p.user_id = s.visitor AND p.present),"
    " 'tenancy', coalesce ((SELECT max (w.seq) FROM work_item w"
    "  WHERE w.lane = 'watch' || $4::text AND w.state < 2), 0),"
    " 'memory', coalesce ((SELECT m.memory::json FROM lane_memory m WHERE m.lane = $4::text),"
    "  '{}'::json))::text,"
    " coalesce (l.seq, 0)::text"
    " FROM session s"
    " LEFT JOIN LATERAL (SELECT seq FROM log"
    "  WHERE session = s.session AND day = s.day ORDER BY seq DESC LIMIT 1) l ON true"
    " WHERE s.session = $1::text AND s.app = $2::text";

//  The session that the platform's name of a participant leads to, and how that session stands
//  with the platform. `asked`: it has not answered the offer yet, or its answer is not stored.
//  `seen`: the seq of the entry with this id.
const char read_platform_place_sql[] =
    "SELECT json_build_object ("
    " 'session', " SQL_SESSION_ID ", 'isOpen', s.closed_at IS NULL,"
    " 'controls', s.control_role = 4 AND s.control_user = $2::text,"
    " 'asked', s.offered_to = $5::text,"
    " 'seen', coalesce ((SELECT l.seq FROM log l WHERE l.session = s.session AND l.day = s.day"
    "  AND l.message_id = $4::text AND l.role = 4 LIMIT 1), 0))::text"
    " FROM external_ref x JOIN session s ON s.session = x.session"
    " WHERE x.app = $1::text AND x.channel = $2::text AND x.external_id = $3::text";

//  What became of a message of the platform's is to be told, once; status '': nothing is. In any
//  case something has happened there: whoever watches the conversation looks now.
const char change_platform_receipt_sql[] =
    "WITH here AS (SELECT x.session FROM external_ref x"
    "  WHERE x.app = $1::text AND x.channel = $2::text AND x.external_id = $3::text),"
    " made AS (INSERT INTO work_item (item, kind, app, session, topic, seq, body)"
    "  SELECT ':receipt:' || $2::text || ':' || $1::text || ':' || $5::text || ':' || $4::text, 2,"
    "   $1::text, (SELECT session FROM here), $2::text, 0, json_strip_nulls (json_build_object ("
    "    'event', 'receipt', 'appId', $1::text, 'sessionId',"
    "    (SELECT substr (session, length ($1::text) + 2) FROM here), 'externalId', $3::text,"
    "    'id', $4::text, 'status', $5::text, 'code', nullif ($6::text, ''),"
    "    'reason', nullif ($7::text, ''), 'conversation', nullif ($8::text, ''),"
    "    'timeMs', (extract (epoch FROM now ()) * 1000)::bigint))::text"
    "  WHERE $5::text <> '' ON CONFLICT DO NOTHING),"
    " woken AS (UPDATE work_item w SET"
    "   next_at = CASE w.state WHEN 0 THEN now () ELSE w.next_at END,"
    "   detail = CASE w.state WHEN 1 THEN 'woken' ELSE w.detail END FROM here h"
    "  WHERE w.session = h.session AND w.kind > 1 AND w.state < 2"
    "   AND w.topic = $2::text AND w.item LIKE ':watch:%'"
    "   AND CASE w.state WHEN 0 THEN w.next_at > now () ELSE w.detail <> 'woken' END)"
    " SELECT '{}', '200'";

//  A message of ours, which was delivered, did not reach the people there, or a part of it, or of
//  what an offer began with: `detail` has the platform's ids of all parts, separated by blanks. It
//  is a dead letter, of which nobody was told yet; the ids stay, as another part may fail, too.
//  409: it is of none that is finished; the report of what it is about may come yet.
const char change_platform_failed_sql[] =
    "WITH here AS (SELECT length (x.session) || ':' || x.session AS name FROM external_ref x"
    "  WHERE x.app = $1::text AND x.channel = $2::text AND x.external_id = $3::text),"
    " named AS (SELECT w.item FROM here h, (VALUES (''), (':offer:')) AS p (prefix), work_item w"
    "  WHERE w.item > p.prefix || h.name || '#' AND w.item < p.prefix || h.name || '$'"
    "   AND w.topic = $2::text AND w.state > 1"
    "   AND $4::text = ANY (string_to_array (w.detail, ' '))),"
    " failed AS (UPDATE work_item w SET state = 3, is_told = false, finished_at = now (),"
    "   detail = concat ($4::text, ' failed: ', $5::text,"
    "    CASE WHEN w.detail <> $4::text THEN '; ' || w.detail END)"
    "  FROM named n WHERE w.item = n.item AND w.state = 2)"
    " SELECT CASE WHEN f.is_unknown THEN 'Nothing that is finished has this id' ELSE '{}' END,"
    "  CASE WHEN f.is_unknown THEN '409' ELSE '200' END"
    " FROM (SELECT EXISTS (SELECT FROM here)"
    "  AND NOT EXISTS (SELECT FROM named) AS is_unknown) AS f";
