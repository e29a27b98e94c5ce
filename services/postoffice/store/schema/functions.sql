--  The functions of this program's schema, with those of the other files here. They are versioned
--  by name (a number behind it), so that programs of two schemas run beside each other:
--  whoever migrates creates its own functions and leaves those of others. When anything here
--  changes, there must be a new migration: embed.cmake compares, and says so.

--  Those that no program may use any more.
DO $$
DECLARE
    old regprocedure;
BEGIN
    FOR old IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
        AND p.proname ~ ('^(make_day|count_before|append|load_session|note_received|beat'
                         '|claim_orphans|claim_hosts|forget_nodes|take_work|finish_work'
                         '|release_work|drop_finished|drop_sessions|drop_day|forget_sessions'
                         '|wait_for_search|erase|erase_sessions|erase_elsewhere|erase_entries'
                         '|erase_work|is_at_platform|is_ending|is_overdue|end_sessions'
                         '|work_json|shown_body|get_work|list_work|change_work'
                         '|get_erasure|order_erasure'
                         '|export_visitor'
                         '|json_text|without_nul|search_text|search_visitor|make_search|index_day'
                         '|index_sessions|fill_search'
                         '|forget_search|forget_said|drop_search|search_excerpt|search_hits|search'
                         '|api_time|api_role|session_control|session_offer|log_ends|session_rows'
                         '|list_page|list_sessions|list_participants'
                         '|agent_loads|agent_json|get_agent|list_agents|set_agent|queue|list_queue'
                         '|queue_notices|apps_waiting|note_asked|note_pace|match'
                         '|is_broken|takes|note_destination|take_alerts|alert_is_over|alert_is_seen'
                         '|alert_facts|look_at_alert|alert_transcript|alert_said'
                         '|run_alert|acknowledge'
                         '|acknowledge_alone|alert_stand|hasten_alerts|make_app_alert'
                         '|tell_trouble|watch_app'
                         '|alert_json|get_alert|list_alerts|change_works|destination_json'
                         '|list_destinations|enable_destination|try_alert|give_up_waiting)'
                         '_[0-9]+$')
        AND substring (p.proname FROM '[0-9]+$')::int < (SELECT max (readable_from) FROM migration)
    LOOP
        EXECUTE 'DROP FUNCTION ' || old;
    END LOOP;
END $$;

--  Makes the log's partition of a day. It is attached, not created in place: that lets everybody
--  go on writing meanwhile.
CREATE FUNCTION make_day_@V@ (p_day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    part text := 'log_' || to_char (p_day, 'YYYYMMDD');
BEGIN
    IF to_regclass (part) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock (7365746, 2);
    --  Not to_regclass again: it may remember what it said before we waited.
    IF EXISTS (SELECT FROM pg_class c JOIN pg_class l ON l.relnamespace = c.relnamespace
               WHERE l.oid = 'log'::regclass AND c.relname = part) THEN
        RETURN;
    END IF;
    EXECUTE format ('CREATE TABLE %I (LIKE log INCLUDING DEFAULTS INCLUDING INDEXES)', part);
    EXECUTE format ('ALTER TABLE log ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                    part, p_day, p_day + 1);
END $$;

--  How many of these sessions have an entry with this seq. Planned at every call: a plan made while
--  the day's partition was empty may have taken the wrong index, and one that is kept would lock
--  the partitions of all days.
CREATE FUNCTION count_before_@V@ (c_session text[], c_before bigint[], p_day date) RETURNS bigint
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN (SELECT count (l.seq)
            FROM unnest (c_session, c_before) AS c (session, before)
            JOIN log l ON l.session = c.session AND l.seq = c.before AND l.day = p_day);
END $$;

--  Stores the appends of one day: at most one for each session, everything sorted by session.
--  c_: appends whose predecessor the writer is not sure of, and its seq; o_: appends that open;
--  e_: entries; p_: participants; x_: names that outside systems have for them; s_: what changes of
--  the session itself: control and offer (role 0: they stay), with the version, and for how long
--  the offer stands from now on, and whether it begins; since when the bot does not answer;
--  closed (0: stays, 1: closes, 2: opens again), left
--  (nobody is there any more); w_: work, leased or ready after so long; f_: finishes of turns and
--  timers, with the attempt; a_: agents that were asked; t_: sessions to tell the others of; h_:
--  sessions whose append counts only while the writer is their host.
--  Returns the sessions whose append lost, of which nothing is stored; and, with their session,
--  items that have another state than was asked for: ready in place of leased, as an earlier one of
--  their lane is open, or something is remembered of it; or dead, as their lane is too far behind.
CREATE FUNCTION append_@V@ (
    p_writer bigint, p_day date,
    c_session text[], c_before bigint[],
    o_session text[], o_app text[], o_visitor text[],
    @LOG_PARAMETERS@,
    p_session text[], p_app text[], p_role smallint[], p_user text[], p_sender text[],
    p_present boolean[], p_info text[], p_channel text[], p_out boolean[],
    x_session text[], x_channel text[], x_external_id text[], x_role smallint[], x_user text[],
    s_session text[], s_role smallint[], s_user text[], s_closed smallint[], s_left boolean[],
    s_seq bigint[], s_waits boolean[], s_waiting_for text[], s_offered_to text[],
    s_offer_ms bigint[], s_offer text[], s_begins boolean[],
    s_away bigint[],
    w_session text[], w_item text[], w_kind smallint[], w_topic text[], w_lane text[],
    w_seq bigint[], w_user text[], w_body text[], w_secret text[], w_state smallint[],
    w_after_ms bigint[], w_destination text[], w_address text[],
    f_session text[], f_item text[], f_state smallint[], f_attempt bigint[], f_status smallint[],
    f_took_ms bigint[], f_detail text[],
    a_session text[], a_agent text[], a_missed boolean[], a_away_after bigint[],
    t_session text[], h_session text[])
RETURNS TABLE (refused text, waits text, is_dead boolean) LANGUAGE plpgsql
--  Always by the indexes: a plan that was made while work_item was small reads all of it for the
--  lane of each item.
SET enable_seqscan = off AS $$
DECLARE
    --  How many entries a lane may be behind its session.
    behind_most CONSTANT bigint := 1000;
    lost text[] := '{}';
    created text[] := '{}';
    late text[];
    elsewhere text[] := '{}';
    cancelled text[] := '{}';
    hosted text[];
BEGIN
    IF cardinality (o_session) > 0 THEN
        WITH fresh AS (
            INSERT INTO session (session, app, visitor, day, host, active_at)
            SELECT o.session, o.app, o.visitor, p_day, p_writer, now ()
            FROM unnest (o_session, o_app, o_visitor) AS o (session, app, visitor)
            ON CONFLICT DO NOTHING RETURNING session.session)
        SELECT coalesce (array_agg (f.session), '{}') INTO created FROM fresh f;
        IF cardinality (created) < cardinality (o_session) THEN
            lost := ARRAY (SELECT unnest (o_session) EXCEPT SELECT unnest (created));
        END IF;
    END IF;

    --  The primary key refuses doubles; this refuses gaps (a fail-over may have lost a tail).
    IF cardinality (c_session) > 0
        AND count_before_@V@ (c_session, c_before, p_day) < cardinality (c_session) THEN
        lost := lost || ARRAY (
            SELECT c.session FROM unnest (c_session, c_before) AS c (session, before)
            WHERE NOT EXISTS (
                SELECT FROM log l
                WHERE l.session = c.session AND l.seq = c.before AND l.day = p_day));
    END IF;

    --  Who has left is for the host to say. Another postoffice that takes the session over either
    --  was first, and this append has lost; or its load waits for this transaction, and sees the
    --  entry.
    IF cardinality (h_session) > 0 THEN
        SELECT coalesce (array_agg (s.session), '{}') INTO hosted
        FROM (SELECT s.session FROM session s
              WHERE s.session = ANY (h_session) AND s.host = p_writer
              ORDER BY s.session FOR NO KEY UPDATE) AS s;
        lost := lost || ARRAY (SELECT unnest (h_session) EXCEPT SELECT unnest (hosted));
    END IF;

    --  Event 15: somebody says of an alert that it is seen to. Somebody else has, with an id of the
    --  same event: whoever did not know is told when it has loaded the session. (Of two that know
    --  of none yet one loses by the primary key.)
    IF 15 = ANY (e_event) THEN
        lost := lost || ARRAY (
            SELECT DISTINCT e.session
            FROM unnest (e_session, e_event, e_message_id) AS e (session, event, message_id)
            WHERE e.event = 15 AND e.session <> ALL (lost) AND EXISTS (
                SELECT FROM log l
                WHERE l.session = e.session AND l.message_id = e.message_id AND l.day = p_day));
    END IF;

    BEGIN
        INSERT INTO log (writer, day, @LOG_COLUMNS@)
        SELECT p_writer, p_day, e.* FROM unnest (@LOG_ARRAYS@) AS e (@LOG_COLUMNS@)
        WHERE e.session <> ALL (lost);
    EXCEPTION WHEN unique_violation THEN
        --  Somebody was faster: find out who lost, and take the rest of the losers' rows back.
        WITH stored AS (
            INSERT INTO log (writer, day, @LOG_COLUMNS@)
            SELECT p_writer, p_day, e.* FROM unnest (@LOG_ARRAYS@) AS e (@LOG_COLUMNS@)
            WHERE e.session <> ALL (lost)
            ON CONFLICT DO NOTHING RETURNING log.session),
        wanted AS (SELECT e.session, count (*) AS n FROM unnest (e_session) AS e (session)
                   WHERE e.session <> ALL (lost) GROUP BY 1),
        got AS (SELECT s.session, count (*) AS n FROM stored s GROUP BY 1)
        SELECT coalesce (array_agg (w.session), '{}') INTO late
        FROM wanted w LEFT JOIN got g ON g.session = w.session
        WHERE g.n IS DISTINCT FROM w.n;
        --  Rows of this transaction are the only ones with its number.
        DELETE FROM log l WHERE l.session = ANY (late) AND l.day = p_day
            AND l.xmin = pg_current_xact_id ()::xid;
        lost := lost || late;
    END;

    IF lost <> '{}' AND created <> '{}' THEN
        DELETE FROM session s WHERE s.session = ANY (lost) AND s.session = ANY (created);
    END IF;

    --  Before participants are written: a session that was dropped meanwhile (retention) has lost
    --  its append, too. One that is old enough is never written to without this.
    IF cardinality (s_session) > 0 THEN
        WITH told AS (
            UPDATE session s
            SET control_role = CASE WHEN n.role > 0 THEN n.role ELSE s.control_role END,
                control_user = CASE WHEN n.role > 0 THEN n.who ELSE s.control_user END,
                control_seq = CASE WHEN n.role > 0 THEN n.seq ELSE s.control_seq END,
                control_at = CASE WHEN n.role > 0 THEN now () ELSE s.control_at END,
                --  Who waits already has waited since then, by this clock.
                waiting_since = CASE WHEN n.role = 0 THEN s.waiting_since
                    WHEN n.waits THEN coalesce (s.waiting_since, now ()) END,
                waiting_for = CASE WHEN n.role > 0 THEN nullif (n.waiting_for, '')
                    ELSE s.waiting_for END,
                offered_to = CASE WHEN n.role > 0 THEN n.offered_to ELSE s.offered_to END,
                offer_until = CASE WHEN n.role = 0 THEN s.offer_until
                    WHEN n.offered_to <> '' THEN now () + n.offer_ms * interval '1 ms' END,
                offer = CASE WHEN n.role > 0 THEN n.offer ELSE s.offer END,
                away_seq = CASE WHEN n.role > 0 THEN n.away ELSE s.away_seq END,
                --  Who was asked is not asked again while this offer stands.
                tried = CASE WHEN n.role = 0 THEN s.tried WHEN n.waits THEN
                        CASE WHEN n.begins THEN '{}' ELSE s.tried END
                        || CASE WHEN n.offered_to LIKE 'agent:%' AND n.offered_to <> s.offered_to
                            THEN ARRAY[substr (n.offered_to, 7)] ELSE '{}' END
                    ELSE '{}' END,
                last_agent = CASE WHEN n.role = 2 THEN n.who ELSE s.last_agent END,
                last_agent_at = CASE WHEN n.role = 2 OR n.role > 0 AND s.control_role = 2
                    THEN now () ELSE s.last_agent_at END,
                closed_at = CASE n.closed WHEN 1 THEN now () WHEN 2 THEN NULL ELSE s.closed_at END,
                host = CASE WHEN n.has_left AND s.host = p_writer THEN NULL ELSE s.host END,
                --  That it is closed, as nobody is there, is no activity.
                active_at = CASE n.closed WHEN 1 THEN s.active_at ELSE now () END
            FROM unnest (s_session, s_role, s_user, s_closed, s_left, s_seq, s_waits,
                         s_waiting_for, s_offered_to, s_offer_ms, s_offer, s_begins, s_away)
                 AS n (session, role, who, closed, has_left, seq, waits, waiting_for, offered_to,
                       offer_ms, offer, begins, away)
            WHERE s.session = n.session AND n.session <> ALL (lost) RETURNING s.session)
        SELECT coalesce (array_agg (n.session), '{}') INTO late
        FROM unnest (s_session) AS n (session)
        WHERE n.session <> ALL (lost) AND n.session NOT IN (SELECT t.session FROM told t);
        IF late <> '{}' THEN
            DELETE FROM log l USING unnest (e_session, e_seq) AS e (session, seq)
            WHERE e.session = ANY (late) AND l.session = e.session AND l.seq = e.seq
                AND l.day = p_day;
            lost := lost || late;
        END IF;
    END IF;

    IF cardinality (p_session) > 0 THEN
        INSERT INTO participant AS old (session, role, user_id, sender, present, info, channel,
                                        is_out)
        SELECT DISTINCT ON (p.session COLLATE "C", p.role, p.who COLLATE "C")
               p.session, p.role, p.who, p.sender, p.present, p.info, p.channel, p.is_out
        FROM unnest (p_session, p_role, p_user, p_sender, p_present, p_info, p_channel, p_out)
             WITH ORDINALITY AS p (session, role, who, sender, present, info, channel, is_out, n)
        WHERE p.session <> ALL (lost)
        ORDER BY p.session COLLATE "C", p.role, p.who COLLATE "C", p.n DESC
        ON CONFLICT (session, role, user_id)
        DO UPDATE SET sender = EXCLUDED.sender, present = EXCLUDED.present,
            is_out = EXCLUDED.is_out,
            --  Who leaves, or comes without a word of itself, is known by what was said before.
            info = CASE WHEN EXCLUDED.info = '{}' THEN old.info ELSE EXCLUDED.info END,
            --  A participant with a channel that also comes over a socket keeps the channel; that
            --  of the API ends when it leaves.
            channel = CASE WHEN EXCLUDED.channel <> '' THEN EXCLUDED.channel
                WHEN old.channel = 'api' AND NOT EXCLUDED.present THEN '' ELSE old.channel END;

        INSERT INTO last_session (app, user_id, role, session)
        SELECT DISTINCT ON (p.app COLLATE "C", p.who COLLATE "C", p.role)
               p.app, p.who, p.role, p.session
        FROM unnest (p_session, p_app, p_role, p_user, p_present)
             WITH ORDINALITY AS p (session, app, role, who, present, n)
        WHERE p.present AND p.session <> ALL (lost)
        ORDER BY p.app COLLATE "C", p.who COLLATE "C", p.role, p.n DESC
        ON CONFLICT (app, user_id, role) DO UPDATE SET session = EXCLUDED.session, at = now ();
    END IF;

    IF cardinality (x_session) > 0 THEN
        INSERT INTO external_ref (app, channel, external_id, session, role, user_id)
        SELECT DISTINCT ON (1, 2, 3)
               split_part (x.session, '/', 1) COLLATE "C", x.channel COLLATE "C",
               x.external_id COLLATE "C", x.session, x.role, x.who
        FROM unnest (x_session, x_channel, x_external_id, x_role, x_user)
             WITH ORDINALITY AS x (session, channel, external_id, role, who, n)
        WHERE x.session <> ALL (lost)
        ORDER BY 1, 2, 3, x.n DESC
        ON CONFLICT (app, channel, external_id)
        DO UPDATE SET session = EXCLUDED.session, role = EXCLUDED.role,
            user_id = EXCLUDED.user_id, created_at = now ();
    END IF;

    --  State 5: of a lane. What waits in it is not delivered any more; what is in hand is. (What
    --  comes back to it, take_work meets.)
    IF 5 = ANY (f_state) THEN
        UPDATE work_item w
        SET state = 4, detail = f.detail, secret = NULL, finished_at = now ()
        FROM unnest (f_session, f_item, f_state, f_detail) AS f (session, lane, state, detail)
        WHERE f.state = 5 AND f.session <> ALL (lost) AND w.lane = f.lane AND w.state = 0
            AND w.session = f.session AND w.item NOT LIKE ':over:%'
            AND w.item NOT LIKE ':offer:%';
    END IF;

    IF cardinality (w_session) > 0 THEN
        --  What is leased is under way already, in its first attempt (a turn's are counted when it
        --  ends). A timer that is there is moved, and its attempt is another one: whoever has it
        --  leased, or reports that it was stale, ends nothing.
        RETURN QUERY
        WITH item AS (
            INSERT INTO work_item AS old (kind, session, app, item, topic, lane, seq, user_id,
                                          body, secret, state, holder, attempts, next_at, detail,
                                          finished_at, destination, address, is_told)
            SELECT w.kind, w.session, split_part (w.session, '/', 1), w.item, w.topic, w.lane,
                   w.seq, w.who, w.body, CASE WHEN n.state < 2 THEN w.secret END, n.state,
                   CASE WHEN n.state = 1 THEN p_writer END,
                   CASE WHEN n.state = 1 AND w.kind > 1 THEN 1 ELSE 0 END,
                   now () + w.after_ms * interval '1 ms',
                   CASE n.state WHEN 3 THEN 'too many items of its lane were open'
                       WHEN 4 THEN 'nobody had the offer' ELSE '' END,
                   CASE WHEN n.state > 1 THEN now () END, w.destination, w.address,
                   n.state <> 3
            FROM unnest (w_session, w_item, w_kind, w_topic, w_lane, w_seq, w_user, w_body,
                         w_secret, w_state, w_after_ms, w_destination, w_address)
                 WITH ORDINALITY AS w (session, item, kind, topic, lane, seq, who, body, secret,
                                       state, after_ms, destination, address, n)
            LEFT JOIN LATERAL (
                SELECT e.number, e.session, e.seq, e.replays FROM work_item e
                WHERE e.lane = w.lane AND e.state < 2
                ORDER BY e.number LIMIT 1) AS earlier ON w.lane IS NOT NULL,
            LATERAL (SELECT CASE
                --  Whoever was asked in vain, and never got it, has nothing to end.
                WHEN w.item LIKE ':over:asked:%' AND NOT EXISTS (
                    SELECT FROM work_item o
                    WHERE o.lane = w.lane AND o.state < 2 AND o.attempts > 0)
                    AND NOT EXISTS (SELECT FROM lane_memory m WHERE m.lane = w.lane) THEN 4
                WHEN earlier.session = w.session AND w.seq - earlier.seq >= behind_most
                    AND earlier.replays = 0 AND w.item NOT LIKE ':over:%' THEN 3
                WHEN earlier.number IS NOT NULL AND w.state = 1 THEN 0
                --  Whoever takes it is told.
                WHEN w.state = 1 AND w.lane IS NOT NULL
                    AND EXISTS (SELECT FROM lane_memory m WHERE m.lane = w.lane) THEN 0
                ELSE w.state END::smallint AS state) AS n
            WHERE w.session <> ALL (lost)
            ORDER BY w.n
            ON CONFLICT (item) DO UPDATE
                SET seq = EXCLUDED.seq, body = EXCLUDED.body, state = EXCLUDED.state,
                    holder = EXCLUDED.holder, next_at = EXCLUDED.next_at, finished_at = NULL,
                    attempts = old.attempts + 1
                WHERE old.kind = 3 AND EXCLUDED.kind = 3
            RETURNING old.item, old.state)
        SELECT w.session, w.item, i.state IS NOT DISTINCT FROM 3::smallint
        FROM unnest (w_session, w_item, w_state) AS w (session, item, state)
        LEFT JOIN item i ON i.item = w.item
        WHERE w.session <> ALL (lost) AND i.state IS DISTINCT FROM w.state;
    END IF;

    IF cardinality (f_session) > 0 THEN
        WITH done AS (
            UPDATE work_item w
            SET state = f.state, detail = f.detail, secret = NULL, finished_at = now (),
                attempts = greatest (w.attempts, f.attempt)
            FROM unnest (f_session, f_item, f_state, f_attempt, f_status, f_took_ms, f_detail)
                 AS f (session, item, state, attempt, status, took_ms, detail)
            WHERE w.session = f.session AND w.item = f.item AND f.session <> ALL (lost)
                --  A timer and an offer may be cancelled at any time.
                AND CASE WHEN w.kind = 1 THEN w.state = 1
                    WHEN f.state = 4 THEN w.state < 2
                    ELSE w.kind = 3 AND w.state = 1 AND w.attempts = f.attempt END
            RETURNING w.session, w.holder, w.kind, w.item, f.state, f.attempt, f.status, f.took_ms,
                f.detail),
        --  Of a turn that is answered at once work_item says enough.
        noted AS (
            INSERT INTO work_attempt (item, number, outcome, detail, began_at, took_ms, status)
            SELECT d.item, d.attempt, d.state, d.detail,
                   now () - nullif (d.took_ms, 0) * interval '1 ms', nullif (d.took_ms, 0),
                   nullif (d.status, 0)
            FROM done d
            WHERE d.kind = 1 AND (d.state = 3 OR d.state = 2 AND d.attempt > 1)
            ON CONFLICT DO NOTHING)
        SELECT coalesce (array_agg (DISTINCT d.session) FILTER (WHERE d.kind = 1), '{}'),
               coalesce (array_agg (d.item) FILTER (WHERE d.kind = 2), '{}')
        INTO elsewhere, cancelled
        FROM done d WHERE d.holder <> p_writer;
    END IF;

    --  Its entry is of this session.
    IF 15 = ANY (e_event) THEN
        PERFORM acknowledge_@V@ (e.data::json ->> 'alertId', e.user_id)
        FROM unnest (e_session, e_event, e_data, e_user_id) AS e (session, event, data, user_id)
        WHERE e.event = 15 AND e.session <> ALL (lost);
    END IF;

    --  Behind all others, as the matcher does: agents are locked last, and in this order.
    IF cardinality (a_session) > 0 THEN
        PERFORM FROM agent g
        WHERE (g.app, g.user_id) IN (SELECT split_part (a.session, '/', 1), a.agent
                                     FROM unnest (a_session, a_agent) AS a (session, agent))
        ORDER BY g.app, g.user_id FOR NO KEY UPDATE;
        PERFORM note_asked_@V@ (split_part (a.session, '/', 1), a.agent, a.missed, a.away_after)
        FROM unnest (a_session, a_agent, a_missed, a_away_after) WITH ORDINALITY
             AS a (session, agent, missed, away_after, n)
        WHERE a.session <> ALL (lost) ORDER BY a.n;
    END IF;

    IF cardinality (t_session || elsewhere) > 0 THEN
        PERFORM pg_notify ('session_moved', p_writer || ' ' || t.session)
        FROM unnest (t_session || elsewhere) AS t (session) WHERE t.session <> ALL (lost);
    END IF;
    --  A worker of another postoffice has it.
    IF cardinality (cancelled) > 0 THEN
        PERFORM pg_notify ('session_moved', 'item ' || p_writer || ' ' || c.item)
        FROM unnest (cancelled) AS c (item);
    END IF;

    RETURN QUERY SELECT l, NULL::text, NULL::boolean FROM unnest (lost) AS l;
END $$;

--  A session as it is, in one snapshot: rows of several kinds.
--  0 the session (t4, t5: when it was opened and its last entry stored, in ms since 1970);
--  1 its participants; 2 its unfinished work; 3 message ids of its log, each with
--  its participant; 4 what the visitor said last, when nobody said anything since, and when the
--  first of that was stored; 5 its switchboard, with times in ms since 1970; 6 what was said since
--  the bot lost control, if it has, one more than is kept of it. (Events 3 and 7
--  are messages and failures, role 1 is the visitor; what is hidden of a visitor is a greeting;
--  what a server says for the app, role 6, is no answer, nor is a notice for those who wait. What a
--  bot says answers what it was asked, and nothing that was said behind that.)
--  Whoever loads a session holds its work from then on; and, with p_hosts, is its host: n6 is the
--  host until then. Of two that load it with p_hosts the later one always finds the earlier one.
--  Without p_hosts n6 is the host as it is; one that has nobody to wait for stops being it.
CREATE FUNCTION load_session_@V@ (
    p_session text, p_ids text[], p_recent bigint, p_writer bigint, p_hosts boolean)
RETURNS TABLE (kind int, n1 bigint, n2 bigint, n3 bigint, n4 bigint, n5 bigint, n6 bigint,
               n7 bigint, n8 bigint, t1 text, t2 text, t3 text, t4 text, t5 text)
LANGUAGE plpgsql ROWS 20 AS $$
DECLARE
    v_day date;
    v_host bigint;
BEGIN
    SELECT s.day, s.host INTO v_day, v_host FROM session s WHERE s.session = p_session;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF p_hosts AND v_host IS DISTINCT FROM p_writer THEN
        --  As it is by now: somebody else may have been faster.
        SELECT s.host INTO v_host FROM session s WHERE s.session = p_session FOR NO KEY UPDATE;
        UPDATE session s SET host = p_writer WHERE s.session = p_session;
    ELSIF NOT p_hosts AND v_host = p_writer AND NOT EXISTS (
        SELECT FROM participant p
        WHERE p.session = p_session AND p.present AND p.channel = '') THEN
        UPDATE session s SET host = NULL WHERE s.session = p_session AND s.host = p_writer;
        v_host := NULL;
    END IF;
    UPDATE work_item w SET holder = p_writer
    WHERE w.session = p_session AND w.kind = 1 AND w.state = 1 AND w.holder <> p_writer;

    RETURN QUERY
    WITH recent AS (
        SELECT l.seq, l.time_ms, l.writer, l.message_id, l.role, l.user_id, l.event, l.stored_at
        FROM log l
        WHERE l.session = p_session AND l.day = v_day
        ORDER BY l.seq DESC LIMIT greatest (p_recent, 1)),
    last AS (SELECT r.seq, r.time_ms, r.writer, r.stored_at FROM recent r
             ORDER BY r.seq DESC LIMIT 1)
    SELECT 0, (s.day - date '1970-01-01')::bigint, last.seq, last.time_ms, last.writer,
           s.control_role::bigint, coalesce (v_host, 0),
           coalesce ((extract (epoch FROM s.closed_at) * 1000)::bigint, 0),
           (extract (epoch FROM now () - coalesce (s.active_at, s.created_at)) * 1000)::bigint,
           s.app, s.visitor, s.control_user,
           (extract (epoch FROM s.created_at) * 1000)::bigint::text,
           coalesce ((extract (epoch FROM last.stored_at) * 1000)::bigint, last.time_ms)::text
    FROM session s LEFT JOIN last ON true WHERE s.session = p_session
    UNION ALL
    SELECT 1, p.role, p.present::int, p.received_seq, p.delivered_seq, p.read_seq, p.is_out::int,
           NULL, NULL, p.user_id,
           p.sender, p.info, p.channel,
           CASE WHEN p.channel <> '' THEN (
               SELECT x.external_id FROM external_ref x
               WHERE x.session = p_session AND x.channel = p.channel AND x.role = p.role
                   AND x.user_id = p.user_id
               ORDER BY x.created_at DESC LIMIT 1) END
    FROM participant p WHERE p.session = p_session
    UNION ALL
    (SELECT 2, w.seq, NULL, NULL, NULL, NULL, NULL, NULL, NULL, w.item, w.topic, w.user_id,
            w.body, w.secret
     FROM work_item w WHERE w.session = p_session AND w.kind = 1 AND w.state = 1
     ORDER BY w.seq, w.item)
    UNION ALL
    SELECT 3, r.seq, r.time_ms, r.role, r.event, NULL, NULL, NULL, NULL, r.message_id, r.user_id,
           NULL, NULL, NULL
    FROM recent r
    UNION ALL
    SELECT 3, l.seq, l.time_ms, l.role, l.event, NULL, NULL, NULL, NULL, l.message_id, l.user_id,
           NULL, NULL, NULL
    FROM log l WHERE l.session = p_session AND l.day = v_day AND l.message_id = ANY (p_ids)
        AND l.seq <> ALL (SELECT r.seq FROM recent r)
    UNION ALL
    SELECT 4, q.seq, (
            SELECT l.time_ms FROM log l
            WHERE l.session = p_session AND l.day = v_day AND l.event = 3 AND l.role = 1
                AND NOT l.hidden AND l.seq > coalesce (answered.seq, 0)
            ORDER BY l.seq LIMIT 1),
        NULL, NULL, NULL, NULL, NULL, NULL, q.user_id, q.data, NULL, NULL, NULL
    FROM (SELECT l.seq, l.user_id, l.data FROM log l
          WHERE l.session = p_session AND l.day = v_day AND l.event = 3 AND l.role = 1
              AND NOT l.hidden
          ORDER BY l.seq DESC LIMIT 1) q
    LEFT JOIN (SELECT CASE WHEN a.role = 3 THEN coalesce ((
                          SELECT w.seq FROM work_item w
                          WHERE w.item = substring (a.message_id FROM '^:(?:answer|later):([^:]+)')
                              AND w.session = p_session AND w.seq < a.seq), a.seq)
                      ELSE a.seq END AS seq
               FROM (SELECT l.seq, l.role, l.message_id FROM log l
                     WHERE l.session = p_session AND l.day = v_day AND l.event IN (3, 7)
                         AND l.role NOT IN (1, 6) AND NOT (l.role = 3 AND l.user_id = 'notice')
                     ORDER BY l.seq DESC LIMIT 1) a) answered ON true
    WHERE q.seq > coalesce (answered.seq, 0)
    UNION ALL
    SELECT 5, s.control_seq, (extract (epoch FROM s.control_at) * 1000)::bigint,
           (extract (epoch FROM s.waiting_since) * 1000)::bigint,
           (extract (epoch FROM s.offer_until) * 1000)::bigint,
           (extract (epoch FROM now () - s.waiting_since) * 1000)::bigint, s.away_seq, NULL, NULL,
           s.offered_to, s.offer, NULL, NULL, NULL
    FROM session s WHERE s.session = p_session AND s.control_seq > 0
    UNION ALL
    --  Nothing is read for a NULL.
    (SELECT * FROM (
        SELECT 6, l.seq, l.time_ms, l.role::bigint, NULL::bigint, NULL::bigint, NULL::bigint,
               NULL::bigint, NULL::bigint, l.user_id, l.data, NULL::text, NULL::text, NULL::text
        FROM log l
        WHERE l.session = p_session AND l.day = v_day AND l.event = 3 AND l.role <> 3
            AND NOT l.hidden AND l.seq > (
                SELECT s.away_seq FROM session s WHERE s.session = p_session AND s.away_seq > 0)
        ORDER BY l.seq DESC LIMIT 51) AS said (kind, seq) ORDER BY said.seq);
END $$;

--  What clients of participants have received, and read; it only rises. p_seq is -1 where nothing
--  is said of it.
CREATE FUNCTION note_received_@V@ (
    p_session text[], p_role smallint[], p_user text[], p_seq bigint[], p_delivered bigint[],
    p_read bigint[])
RETURNS void LANGUAGE sql AS $$
    UPDATE participant p SET received_seq = greatest (p.received_seq, nullif (u.seq, -1)),
        delivered_seq = greatest (p.delivered_seq, u.delivered),
        read_seq = greatest (p.read_seq, u.read)
    FROM unnest (p_session, p_role, p_user, p_seq, p_delivered, p_read)
        AS u (session, role, who, seq, delivered, read)
    WHERE p.session = u.session AND p.role = u.role AND p.user_id = u.who
        AND (coalesce (p.received_seq, -1) < u.seq OR p.delivered_seq < u.delivered
            OR p.read_seq < u.read);
$$;

CREATE FUNCTION beat_@V@ (p_writer bigint, p_name text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO node (writer, name, beat_at) VALUES (p_writer, p_name, clock_timestamp ())
    ON CONFLICT (writer) DO UPDATE SET beat_at = clock_timestamp ();
$$;

--  Takes over the work of those who are dead. why: 0 unfinished turns; 1 (with p_own) turns that
--  are old and this writer's already: it may not know, as the answer to an earlier claim or load
--  may have been lost.
CREATE FUNCTION claim_orphans_@V@ (p_writer bigint, p_most bigint, p_own boolean)
RETURNS TABLE (session text, why bigint) LANGUAGE sql AS $$
    WITH orphan AS (
        SELECT w.session, w.item FROM work_item w
        WHERE w.kind = 1 AND w.state = 1 AND w.holder <> p_writer
            AND w.holder NOT IN (SELECT n.writer FROM node n
                                 WHERE n.beat_at > clock_timestamp () - interval '10 s')
        LIMIT p_most FOR UPDATE SKIP LOCKED),
    claimed AS (
        UPDATE work_item w SET holder = p_writer FROM orphan o
        WHERE w.session = o.session AND w.item = o.item
        RETURNING w.session)
    SELECT DISTINCT c.session, 0::bigint FROM claimed c
    UNION ALL
    (SELECT w.session, 1 FROM work_item w
     WHERE p_own AND w.kind = 1 AND w.state = 1 AND w.holder = p_writer
         AND w.created_at < now () - interval '30 s'
     ORDER BY w.created_at LIMIT p_most);
$$;

--  Becomes the host of sessions whose host is dead, at most so many. Then walks on through the
--  writer's own, from behind p_after: one that it does not know of (the answer to an earlier claim
--  was lost, or it handed a session over and nobody took it) has to be found some time. A row for
--  each session: is it claimed just now?
CREATE FUNCTION claim_hosts_@V@ (p_writer bigint, p_most bigint, p_after text)
RETURNS TABLE (found text, is_claimed boolean) LANGUAGE plpgsql ROWS 100
--  Always by the index, whatever the statistics say.
SET enable_seqscan = off AS $$
DECLARE
    v_dead bigint;
    v_left bigint := p_most;
    v_claimed bigint;
BEGIN
    FOR v_dead IN SELECT n.writer FROM node n
                  WHERE n.beat_at < clock_timestamp () - interval '10 s' AND n.writer <> p_writer
    LOOP
        RETURN QUERY
        WITH left_behind AS (
            SELECT s.session FROM session s WHERE s.host = v_dead
            ORDER BY s.session LIMIT v_left FOR NO KEY UPDATE SKIP LOCKED)
        UPDATE session s SET host = p_writer FROM left_behind l WHERE s.session = l.session
        RETURNING s.session, true;
        GET DIAGNOSTICS v_claimed = ROW_COUNT;
        v_left := v_left - v_claimed;
        EXIT WHEN v_left <= 0;
    END LOOP;
    RETURN QUERY
    SELECT s.session, false FROM session s WHERE s.host = p_writer AND s.session > p_after
    ORDER BY s.session LIMIT p_most;
END $$;

--  A node that is silent for an hour is of no use to anybody, once nothing of it is left.
CREATE FUNCTION forget_nodes_@V@ () RETURNS void LANGUAGE sql AS $$
    DELETE FROM node n WHERE n.beat_at < clock_timestamp () - interval '1 hour'
        AND NOT EXISTS (SELECT FROM session s WHERE s.host = n.writer);
$$;

