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
                         '|erase_work'
                         '|work_json|get_work|list_work|change_work|get_erasure|order_erasure'
                         '|export_visitor'
                         '|search_text|search_visitor|make_search|index_sessions|fill_search'
                         '|forget_search|forget_said|drop_search|search_excerpt|search_hits|search'
                         '|api_time|api_role|log_ends|session_rows|list_page|list_sessions'
                         '|list_participants)'
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
--  the session itself: control (role 0: stays), closed (0: stays, 1: closes, 2: opens again), left
--  (nobody is there any more); w_: work, leased or ready after so long; f_: finishes of turns and
--  timers, with the attempt; t_: sessions to tell the others of; h_: sessions whose append counts
--  only while the writer is their host.
--  Returns the sessions whose append lost, of which nothing is stored; and, with their session,
--  items that have another state than was asked for: ready in place of leased, as an earlier one of
--  their lane is open; or dead, as their lane is too far behind.
CREATE FUNCTION append_@V@ (
    p_writer bigint, p_day date,
    c_session text[], c_before bigint[],
    o_session text[], o_app text[], o_visitor text[],
    @LOG_PARAMETERS@,
    p_session text[], p_app text[], p_role smallint[], p_user text[], p_sender text[],
    p_present boolean[], p_info text[], p_channel text[],
    x_session text[], x_channel text[], x_external_id text[], x_role smallint[], x_user text[],
    s_session text[], s_role smallint[], s_user text[], s_closed smallint[], s_left boolean[],
    w_session text[], w_item text[], w_kind smallint[], w_topic text[], w_lane text[],
    w_seq bigint[], w_user text[], w_body text[], w_secret text[], w_state smallint[],
    w_after_ms bigint[],
    f_session text[], f_item text[], f_state smallint[], f_attempt bigint[], f_status smallint[],
    f_took_ms bigint[], f_detail text[],
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
                closed_at = CASE n.closed WHEN 1 THEN now () WHEN 2 THEN NULL ELSE s.closed_at END,
                host = CASE WHEN n.has_left AND s.host = p_writer THEN NULL ELSE s.host END,
                --  That it is closed, as nobody is there, is no activity.
                active_at = CASE n.closed WHEN 1 THEN s.active_at ELSE now () END
            FROM unnest (s_session, s_role, s_user, s_closed, s_left)
                 AS n (session, role, who, closed, has_left)
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
        INSERT INTO participant AS old (session, role, user_id, sender, present, info, channel)
        SELECT DISTINCT ON (p.session COLLATE "C", p.role, p.who COLLATE "C")
               p.session, p.role, p.who, p.sender, p.present, p.info, p.channel
        FROM unnest (p_session, p_role, p_user, p_sender, p_present, p_info, p_channel)
             WITH ORDINALITY AS p (session, role, who, sender, present, info, channel, n)
        WHERE p.session <> ALL (lost)
        ORDER BY p.session COLLATE "C", p.role, p.who COLLATE "C", p.n DESC
        ON CONFLICT (session, role, user_id)
        DO UPDATE SET sender = EXCLUDED.sender, present = EXCLUDED.present,
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

    IF cardinality (w_session) > 0 THEN
        --  What is leased is under way already, in its first attempt (a turn's are counted when it
        --  ends). A timer that is there is moved, and its attempt is another one: whoever has it
        --  leased, or reports that it was stale, ends nothing.
        RETURN QUERY
        WITH item AS (
            INSERT INTO work_item AS old (kind, session, app, item, topic, lane, seq, user_id,
                                          body, secret, state, holder, attempts, next_at, detail,
                                          finished_at)
            SELECT w.kind, w.session, split_part (w.session, '/', 1), w.item, w.topic, w.lane,
                   w.seq, w.who, w.body, CASE WHEN n.state < 2 THEN w.secret END, n.state,
                   CASE WHEN n.state = 1 THEN p_writer END,
                   CASE WHEN n.state = 1 AND w.kind > 1 THEN 1 ELSE 0 END,
                   now () + w.after_ms * interval '1 ms',
                   CASE WHEN n.state = 3 THEN 'too many items of its lane were open' ELSE '' END,
                   CASE WHEN n.state = 3 THEN now () END
            FROM unnest (w_session, w_item, w_kind, w_topic, w_lane, w_seq, w_user, w_body,
                         w_secret, w_state, w_after_ms)
                 WITH ORDINALITY AS w (session, item, kind, topic, lane, seq, who, body, secret,
                                       state, after_ms, n)
            LEFT JOIN LATERAL (
                SELECT e.number, e.session, e.seq, e.replays FROM work_item e
                WHERE e.lane = w.lane AND e.state < 2
                ORDER BY e.number LIMIT 1) AS earlier ON w.lane IS NOT NULL,
            LATERAL (SELECT CASE
                WHEN earlier.session = w.session AND w.seq - earlier.seq >= behind_most
                    AND earlier.replays = 0 THEN 3
                WHEN earlier.number IS NOT NULL AND w.state = 1 THEN 0
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
                --  A timer may be cancelled at any time.
                AND CASE WHEN w.kind = 1 THEN w.state = 1
                    WHEN w.kind = 3 AND f.state = 4 THEN w.state < 2
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
        SELECT coalesce (array_agg (DISTINCT d.session), '{}') INTO elsewhere
        FROM done d WHERE d.holder <> p_writer AND d.kind = 1;
    END IF;

    IF cardinality (t_session || elsewhere) > 0 THEN
        PERFORM pg_notify ('session_moved', p_writer || ' ' || t.session)
        FROM unnest (t_session || elsewhere) AS t (session) WHERE t.session <> ALL (lost);
    END IF;

    RETURN QUERY SELECT l, NULL::text, NULL::boolean FROM unnest (lost) AS l;
END $$;

--  A session as it is, in one snapshot: rows of several kinds.
--  0 the session (t4, t5: when it was opened and its last entry stored, in ms since 1970);
--  1 its participants; 2 its unfinished work; 3 message ids of its log, each with
--  its participant; 4 what the visitor said last, when nobody said anything since. (Events 3 and 7
--  are messages and failures, role 1 is the visitor; what is hidden of a visitor is a greeting;
--  what a server says for the app, role 6, is no answer.)
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
    SELECT 1, p.role, p.present::int, p.received_seq, NULL, NULL, NULL, NULL, NULL, p.user_id,
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
    SELECT 4, q.seq, NULL, NULL, NULL, NULL, NULL, NULL, NULL, q.user_id, q.data, NULL, NULL, NULL
    FROM (SELECT l.seq, l.role, l.user_id, l.data FROM log l
          WHERE l.session = p_session AND l.day = v_day AND l.event IN (3, 7)
              AND l.role <> 6 AND NOT (l.role = 1 AND l.hidden)
          ORDER BY l.seq DESC LIMIT 1) q
    WHERE q.role = 1;
END $$;

--  What clients of participants have received; it only rises.
CREATE FUNCTION note_received_@V@ (
    p_session text[], p_role smallint[], p_user text[], p_seq bigint[])
RETURNS void LANGUAGE sql AS $$
    UPDATE participant p SET received_seq = u.seq
    FROM unnest (p_session, p_role, p_user, p_seq) AS u (session, role, who, seq)
    WHERE p.session = u.session AND p.role = u.role AND p.user_id = u.who
        AND (p.received_seq IS NULL OR p.received_seq < u.seq);
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

-- ---------------------------------------------------------------------------------------------
--  Deliveries and timers

--  Leases items that are due to the writer, of each topic at most so many, oldest first. Of a lane
--  only the first one counts that is not finished, and only while it is not leased already.
CREATE FUNCTION take_work_@V@ (p_writer bigint, p_topics text[], p_most bigint[])
RETURNS TABLE (item text, app text, session text, topic text, seq bigint, user_id text, body text,
               secret text, attempts bigint) LANGUAGE plpgsql ROWS 100
--  Always along the index, as far as items are wanted: a plan that was made while work_item was
--  small reads and sorts all that is due.
SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
BEGIN
    FOR at IN 1 .. cardinality (p_topics) LOOP
        RETURN QUERY
        --  The first of a lane is looked up once for all its items (Memoize): of lanes whose first
        --  item waits for another try there may be many items, and each take meets all of them.
        WITH due AS (
            SELECT w.item FROM work_item w
            LEFT JOIN LATERAL (
                SELECT e.number FROM work_item e WHERE e.lane = w.lane AND e.state < 2
                ORDER BY e.number LIMIT 1) AS first ON w.lane IS NOT NULL
            --  Of what comes back to a lane, appends may not have known. (As a condition it would
            --  be asked of every item, and the plan would have no Memoize.)
            LEFT JOIN LATERAL (
                SELECT true AS is_busy FROM work_item l
                WHERE l.lane = w.lane AND l.state = 1 AND w.replays > 0
                    AND first.number = w.number LIMIT 1) AS busy ON true
            WHERE w.kind > 1 AND w.state = 0 AND w.topic = p_topics[at] AND w.next_at <= now ()
                AND (w.lane IS NULL OR first.number = w.number) AND busy.is_busy IS NULL
            ORDER BY w.next_at, w.number LIMIT p_most[at] FOR UPDATE OF w SKIP LOCKED)
        UPDATE work_item w
        SET state = 1, holder = p_writer, attempts = w.attempts + 1
        FROM due WHERE w.item = due.item
        RETURNING w.item, w.app, coalesce (w.session, ''), w.topic, coalesce (w.seq, 0), w.user_id,
            w.body, coalesce (w.secret, ''), w.attempts::bigint;
    END LOOP;
END $$;

--  What came of attempts. state: 0 again after so long, 2 done, 3 dead. A report counts while no
--  later attempt has begun, whoever has the lease. Returns the items of which it counted.
CREATE FUNCTION finish_work_@V@ (
    f_item text[], f_topic text[], f_attempt bigint[], f_state smallint[], f_after_ms bigint[],
    f_status smallint[], f_took_ms bigint[], f_detail text[])
RETURNS SETOF text LANGUAGE sql ROWS 100 AS $$
    WITH told AS (
        UPDATE work_item w
        SET state = f.state, detail = f.detail, holder = NULL,
            secret = CASE WHEN f.state > 1 THEN NULL ELSE w.secret END,
            next_at = now () + f.after_ms * interval '1 ms',
            finished_at = CASE WHEN f.state > 1 THEN now () END
        FROM unnest (f_item, f_topic, f_attempt, f_state, f_after_ms, f_status, f_took_ms, f_detail)
            AS f (item, topic, attempt, state, after_ms, status, took_ms, detail)
        WHERE w.item = f.item AND w.topic = f.topic AND w.kind > 1 AND w.state < 2
            AND w.attempts = f.attempt
        RETURNING w.item, w.kind, w.attempts, w.state, w.detail, nullif (f.took_ms, 0) AS took_ms,
            nullif (f.status, 0) AS status),
    noted AS (
        INSERT INTO work_attempt (item, number, outcome, detail, began_at, took_ms, status)
        SELECT t.item, t.attempts, t.state, t.detail, now () - t.took_ms * interval '1 ms',
               t.took_ms, t.status
        FROM told t WHERE t.kind = 2
        ON CONFLICT (item, number) DO UPDATE
            SET outcome = EXCLUDED.outcome, detail = EXCLUDED.detail, ended_at = now (),
                began_at = EXCLUDED.began_at, took_ms = EXCLUDED.took_ms,
                status = EXCLUDED.status)
    SELECT t.item FROM told t;
$$;

--  Items whose lease nobody keeps are ready again, at once: those of postoffices that have died,
--  and those of the writer that it says it has lost. Returns how many; and items that are leased to
--  the writer though it does not know of them. (They are not released here and now: one of them may
--  be in an append that was on its way when the writer wrote the list.)
CREATE FUNCTION release_work_@V@ (
    p_writer bigint, p_known text[], p_lost text[], p_most bigint)
RETURNS TABLE (count bigint, unknown text) LANGUAGE sql
--  Always by the indexes, whatever the statistics say: the table may have been small just now.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    WITH alive AS (
        SELECT n.writer FROM node n WHERE n.beat_at > clock_timestamp () - interval '5 s'),
    lost AS (
        SELECT w.item FROM work_item w
        WHERE w.kind > 1 AND w.state = 1
            AND (w.holder NOT IN (SELECT a.writer FROM alive a)
                 OR (w.holder = p_writer AND w.item = ANY (p_lost)))
        LIMIT p_most FOR UPDATE SKIP LOCKED),
    released AS (
        UPDATE work_item w SET state = 0, holder = NULL, next_at = now ()
        FROM lost WHERE w.item = lost.item RETURNING 1)
    SELECT count (*), NULL FROM released
    UNION ALL
    (SELECT NULL, w.item FROM work_item w
     WHERE w.kind > 1 AND w.state = 1 AND w.holder = p_writer
         --  Not <> ALL, which compares each item with each.
         AND w.item NOT IN (SELECT k FROM unnest (p_known || p_lost) AS k)
     LIMIT p_most);
$$;

--  Deletes finished items that were kept for so long, and what their attempts came to; an app that
--  is named has a time of its own. Returns how many.
CREATE FUNCTION drop_finished_@V@ (
    p_kept_ms bigint, p_most bigint, p_apps text[], p_app_kept_ms bigint[])
RETURNS bigint LANGUAGE plpgsql
--  App by app, by the index of what is finished.
SET enable_seqscan = off AS $$
DECLARE
    v_app text := (SELECT min (w.app) FROM work_item w WHERE w.state > 1);
    v_left bigint := p_most;
    n bigint;
BEGIN
    WHILE v_app IS NOT NULL AND v_left > 0 LOOP
        WITH old AS (
            SELECT w.item FROM work_item w
            WHERE w.app = v_app AND w.state > 1
                AND w.finished_at < now () - interval '1 ms' * coalesce (
                    p_app_kept_ms[array_position (p_apps, v_app)], p_kept_ms)
            ORDER BY w.finished_at, w.number LIMIT v_left FOR UPDATE SKIP LOCKED),
        attempts AS (DELETE FROM work_attempt a USING old WHERE a.item = old.item)
        DELETE FROM work_item w USING old WHERE w.item = old.item;
        GET DIAGNOSTICS n = ROW_COUNT;
        v_left := v_left - n;
        v_app := (SELECT min (w.app) FROM work_item w WHERE w.state > 1 AND w.app > v_app);
    END LOOP;
    RETURN p_most - v_left;
END $$;
