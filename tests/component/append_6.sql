--  What a program of schema 6 appends with, as a postoffice of commit d8f2eb9 created it: for the
--  test that its programs and ours run side by side. Not to be changed.

CREATE FUNCTION count_before_6 (c_session text[], c_before bigint[], p_day date) RETURNS bigint
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
CREATE FUNCTION append_6 (
    p_writer bigint, p_day date,
    c_session text[], c_before bigint[],
    o_session text[], o_app text[], o_visitor text[],
    e_session text[], e_seq bigint[], e_message_id text[], e_event smallint[], e_time_ms bigint[],
    e_role smallint[], e_user_id text[], e_sender text[], e_data text[], e_hidden boolean[],
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
        AND count_before_6 (c_session, c_before, p_day) < cardinality (c_session) THEN
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
        INSERT INTO log (writer, day,
            session, seq, message_id, event, time_ms, role,
            user_id, sender, data, hidden)
        SELECT p_writer, p_day, e.*
            FROM unnest (e_session, e_seq, e_message_id, e_event, e_time_ms, e_role,
            e_user_id, e_sender, e_data, e_hidden)
            AS e (session, seq, message_id, event, time_ms, role, user_id, sender, data,
                  hidden)
        WHERE e.session <> ALL (lost);
    EXCEPTION WHEN unique_violation THEN
        --  Somebody was faster: find out who lost, and take the rest of the losers' rows back.
        WITH stored AS (
            INSERT INTO log (writer, day,
            session, seq, message_id, event, time_ms, role,
            user_id, sender, data, hidden)
            SELECT p_writer, p_day, e.*
            FROM unnest (e_session, e_seq, e_message_id, e_event, e_time_ms, e_role,
            e_user_id, e_sender, e_data, e_hidden)
            AS e (session, seq, message_id, event, time_ms, role, user_id, sender, data,
                  hidden)
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
