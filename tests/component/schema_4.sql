--  The functions of schema 4, as a postoffice of commit 642ef7c created them: for the test that its
--  programs and ours run side by side. Not to be changed.

--  Makes the log's partition of a day. It is attached, not created in place: that lets everybody
--  go on writing meanwhile.
CREATE FUNCTION make_day_4 (p_day date) RETURNS void LANGUAGE plpgsql AS $$
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
CREATE FUNCTION count_before_4 (c_session text[], c_before bigint[], p_day date) RETURNS bigint
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN (SELECT count (l.seq)
            FROM unnest (c_session, c_before) AS c (session, before)
            JOIN log l ON l.session = c.session AND l.seq = c.before AND l.day = p_day);
END $$;

--  Stores the appends of one day: at most one for each session, everything sorted by session.
--  c_: appends whose predecessor the writer is not sure of, and its seq; o_: appends that open;
--  e_: entries; p_: participants; k_: control; w_: work; f_: finishes; t_: sessions to tell the
--  others of.
--  Returns the sessions whose append lost; nothing of those is stored.
CREATE FUNCTION append_4 (
    p_writer bigint, p_day date,
    c_session text[], c_before bigint[],
    o_session text[], o_app text[], o_visitor text[],
    e_session text[], e_seq bigint[], e_message_id text[], e_event smallint[], e_time_ms bigint[],
        e_role smallint[], e_user_id text[], e_sender text[], e_data text[], e_hidden boolean[],
    p_session text[], p_app text[], p_role smallint[], p_user text[], p_sender text[],
    p_present boolean[],
    k_session text[], k_role smallint[], k_user text[],
    w_session text[], w_item text[], w_topic text[], w_seq bigint[], w_user text[], w_body text[],
    w_secret text[],
    f_session text[], f_item text[], f_state smallint[], f_detail text[],
    t_session text[])
RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    lost text[] := '{}';
    created text[] := '{}';
    late text[];
    elsewhere text[] := '{}';
BEGIN
    IF cardinality (o_session) > 0 THEN
        WITH fresh AS (
            INSERT INTO session (session, app, visitor, day)
            SELECT o.session, o.app, o.visitor, p_day
            FROM unnest (o_session, o_app, o_visitor) AS o (session, app, visitor)
            ON CONFLICT DO NOTHING RETURNING session)
        SELECT coalesce (array_agg (session), '{}') INTO created FROM fresh;
        IF cardinality (created) < cardinality (o_session) THEN
            lost := ARRAY (SELECT unnest (o_session) EXCEPT SELECT unnest (created));
        END IF;
    END IF;

    --  The primary key refuses doubles; this refuses gaps (a fail-over may have lost a tail).
    IF cardinality (c_session) > 0
        AND count_before_4 (c_session, c_before, p_day) < cardinality (c_session) THEN
        lost := lost || ARRAY (
            SELECT c.session FROM unnest (c_session, c_before) AS c (session, before)
            WHERE NOT EXISTS (
                SELECT FROM log l
                WHERE l.session = c.session AND l.seq = c.before AND l.day = p_day));
    END IF;

    BEGIN
        INSERT INTO log (writer, day, session, seq, message_id, event, time_ms, role, user_id,
            sender, data, hidden)
        SELECT p_writer, p_day, e.* FROM unnest (e_session, e_seq, e_message_id, e_event,
            e_time_ms, e_role, e_user_id, e_sender, e_data, e_hidden) AS e (session, seq,
                message_id, event, time_ms, role, user_id, sender, data, hidden)
        WHERE e.session <> ALL (lost);
    EXCEPTION WHEN unique_violation THEN
        --  Somebody was faster: find out who lost, and take the rest of the losers' rows back.
        WITH stored AS (
            INSERT INTO log (writer, day, session, seq, message_id, event, time_ms, role, user_id,
                sender, data, hidden)
            SELECT p_writer, p_day, e.* FROM unnest (e_session, e_seq, e_message_id, e_event,
                e_time_ms, e_role, e_user_id, e_sender, e_data, e_hidden) AS e (session, seq,
                    message_id, event, time_ms, role, user_id, sender, data, hidden)
            WHERE e.session <> ALL (lost)
            ON CONFLICT DO NOTHING RETURNING session),
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

    IF cardinality (p_session) > 0 THEN
        INSERT INTO participant (session, role, user_id, sender, present)
        SELECT DISTINCT ON (p.session COLLATE "C", p.role, p.who COLLATE "C")
               p.session, p.role, p.who, p.sender, p.present
        FROM unnest (p_session, p_role, p_user, p_sender, p_present)
             WITH ORDINALITY AS p (session, role, who, sender, present, n)
        WHERE p.session <> ALL (lost)
        ORDER BY p.session COLLATE "C", p.role, p.who COLLATE "C", p.n DESC
        ON CONFLICT (session, role, user_id)
        DO UPDATE SET sender = EXCLUDED.sender, present = EXCLUDED.present;

        INSERT INTO last_session (app, user_id, role, session)
        SELECT DISTINCT ON (p.app COLLATE "C", p.who COLLATE "C", p.role)
               p.app, p.who, p.role, p.session
        FROM unnest (p_session, p_app, p_role, p_user, p_present)
             WITH ORDINALITY AS p (session, app, role, who, present, n)
        WHERE p.present AND p.session <> ALL (lost)
        ORDER BY p.app COLLATE "C", p.who COLLATE "C", p.role, p.n DESC
        ON CONFLICT (app, user_id, role) DO UPDATE SET session = EXCLUDED.session, at = now ();
    END IF;

    IF cardinality (k_session) > 0 THEN
        UPDATE session s SET control_role = k.role, control_user = k.who
        FROM unnest (k_session, k_role, k_user) AS k (session, role, who)
        WHERE s.session = k.session AND k.session <> ALL (lost);
    END IF;

    IF cardinality (w_session) > 0 THEN
        INSERT INTO work_item (kind, session, app, item, topic, seq, user_id, body, secret, state,
                               holder)
        SELECT 1, w.session, split_part (w.session, '/', 1), w.item, w.topic, w.seq, w.who, w.body,
               w.secret, 1, p_writer
        FROM unnest (w_session, w_item, w_topic, w_seq, w_user, w_body, w_secret)
             AS w (session, item, topic, seq, who, body, secret)
        WHERE w.session <> ALL (lost)
        ON CONFLICT DO NOTHING;
    END IF;

    IF cardinality (f_session) > 0 THEN
        WITH done AS (
            UPDATE work_item w
            SET state = f.state, detail = f.detail, secret = NULL, finished_at = now ()
            FROM unnest (f_session, f_item, f_state, f_detail) AS f (session, item, state, detail)
            WHERE w.session = f.session AND w.item = f.item AND w.kind = 1 AND w.state = 1
                AND f.session <> ALL (lost)
            RETURNING w.session, w.holder)
        SELECT coalesce (array_agg (DISTINCT d.session), '{}') INTO elsewhere
        FROM done d WHERE d.holder <> p_writer;
    END IF;

    IF cardinality (t_session || elsewhere) > 0 THEN
        PERFORM pg_notify ('session_moved', p_writer || ' ' || t.session)
        FROM unnest (t_session || elsewhere) AS t (session) WHERE t.session <> ALL (lost);
    END IF;

    RETURN QUERY SELECT unnest (lost);
END $$;

--  A session as it is, in one snapshot: rows of several kinds.
--  0 the session; 1 its participants; 2 its unfinished work; 3 message ids of its log, each with
--  its participant; 4 what the visitor said last, when nobody said anything since. (Events 3 and 7
--  are messages and failures, role 1 is the visitor; what is hidden of a visitor is a greeting.)
--  Whoever loads a session holds its work from then on.
CREATE FUNCTION load_session_4 (
    p_session text, p_ids text[], p_recent bigint, p_writer bigint)
RETURNS TABLE (kind int, n1 bigint, n2 bigint, n3 bigint, n4 bigint, n5 bigint,
               t1 text, t2 text, t3 text, t4 text, t5 text)
LANGUAGE plpgsql ROWS 20 AS $$
DECLARE
    v_day date;
BEGIN
    SELECT s.day INTO v_day FROM session s WHERE s.session = p_session;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE work_item w SET holder = p_writer
    WHERE w.session = p_session AND w.kind = 1 AND w.state = 1 AND w.holder <> p_writer;

    RETURN QUERY
    WITH recent AS (
        SELECT l.seq, l.time_ms, l.writer, l.message_id, l.role, l.user_id FROM log l
        WHERE l.session = p_session AND l.day = v_day
        ORDER BY l.seq DESC LIMIT greatest (p_recent, 1)),
    last AS (SELECT r.seq, r.time_ms, r.writer FROM recent r ORDER BY r.seq DESC LIMIT 1)
    SELECT 0, (s.day - date '1970-01-01')::bigint, last.seq, last.time_ms, last.writer,
           s.control_role::bigint, s.app, s.visitor, s.control_user, NULL::text, NULL::text
    FROM session s LEFT JOIN last ON true WHERE s.session = p_session
    UNION ALL
    SELECT 1, p.role, p.present::int, p.received_seq, NULL, NULL, p.user_id, p.sender, NULL, NULL,
           NULL
    FROM participant p WHERE p.session = p_session
    UNION ALL
    (SELECT 2, w.seq, NULL, NULL, NULL, NULL, w.item, w.topic, w.user_id, w.body, w.secret
     FROM work_item w WHERE w.session = p_session AND w.kind = 1 AND w.state = 1
     ORDER BY w.seq, w.item)
    UNION ALL
    SELECT 3, r.seq, r.time_ms, r.role, NULL, NULL, r.message_id, r.user_id, NULL, NULL, NULL
    FROM recent r
    UNION ALL
    SELECT 3, l.seq, l.time_ms, l.role, NULL, NULL, l.message_id, l.user_id, NULL, NULL, NULL
    FROM log l WHERE l.session = p_session AND l.day = v_day AND l.message_id = ANY (p_ids)
        AND l.seq <> ALL (SELECT r.seq FROM recent r)
    UNION ALL
    SELECT 4, q.seq, NULL, NULL, NULL, NULL, q.user_id, q.data, NULL, NULL, NULL
    FROM (SELECT l.seq, l.role, l.user_id, l.data FROM log l
          WHERE l.session = p_session AND l.day = v_day AND l.event IN (3, 7)
              AND NOT (l.role = 1 AND l.hidden)
          ORDER BY l.seq DESC LIMIT 1) q
    WHERE q.role = 1;
END $$;

--  What clients of participants have received; it only rises.
CREATE FUNCTION note_received_4 (
    p_session text[], p_role smallint[], p_user text[], p_seq bigint[])
RETURNS void LANGUAGE sql AS $$
    UPDATE participant p SET received_seq = u.seq
    FROM unnest (p_session, p_role, p_user, p_seq) AS u (session, role, who, seq)
    WHERE p.session = u.session AND p.role = u.role AND p.user_id = u.who
        AND (p.received_seq IS NULL OR p.received_seq < u.seq);
$$;

CREATE FUNCTION beat_4 (p_writer bigint, p_name text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO node (writer, name, beat_at) VALUES (p_writer, p_name, clock_timestamp ())
    ON CONFLICT (writer) DO UPDATE SET beat_at = clock_timestamp ();
$$;

--  Takes over unfinished work whose holder is dead. Returns its sessions; with p_own, also the
--  sessions of the oldest work that is this writer's already: it may not know, as the answer to an
--  earlier claim or load may have been lost.
CREATE FUNCTION claim_orphans_4 (p_writer bigint, p_most bigint, p_own boolean)
RETURNS TABLE (session text, was_own boolean) LANGUAGE sql AS $$
    WITH alive AS (
        SELECT n.writer FROM node n WHERE n.beat_at > clock_timestamp () - interval '10 s'),
    orphan AS (
        SELECT w.session, w.item FROM work_item w
        WHERE w.kind = 1 AND w.state = 1 AND w.holder <> p_writer
            AND w.holder NOT IN (SELECT a.writer FROM alive a)
        LIMIT p_most FOR UPDATE SKIP LOCKED),
    claimed AS (
        UPDATE work_item w SET holder = p_writer FROM orphan o
        WHERE w.session = o.session AND w.item = o.item
        RETURNING w.session)
    SELECT DISTINCT c.session, false FROM claimed c
    UNION ALL
    (SELECT w.session, true FROM work_item w
     WHERE p_own AND w.kind = 1 AND w.state = 1 AND w.holder = p_writer
         AND w.created_at < now () - interval '30 s'
     ORDER BY w.created_at LIMIT p_most);
$$;

--  A node that is silent for an hour is of no use to anybody.
CREATE FUNCTION forget_nodes_4 () RETURNS void LANGUAGE sql AS $$
    DELETE FROM node WHERE beat_at < clock_timestamp () - interval '1 hour';
$$;

-- ---------------------------------------------------------------------------------------------
--  Deliveries

--  Leases items that are due to the writer, of each topic at most so many, oldest first. Of a lane
--  only the first one counts that is not finished, and only while it is not leased already.
CREATE FUNCTION take_work_4 (p_writer bigint, p_topics text[], p_most bigint[])
RETURNS TABLE (item text, app text, session text, topic text, seq bigint, user_id text, body text,
               secret text, attempts bigint) LANGUAGE plpgsql ROWS 100 AS $$
BEGIN
    FOR at IN 1 .. cardinality (p_topics) LOOP
        RETURN QUERY
        WITH due AS (
            SELECT w.item FROM work_item w
            WHERE w.kind = 2 AND w.state = 0 AND w.topic = p_topics[at] AND w.next_at <= now ()
                AND (w.lane IS NULL OR NOT EXISTS (
                    SELECT FROM work_item e
                    WHERE e.lane = w.lane AND e.state < 2 AND e.number < w.number))
            ORDER BY w.next_at, w.number LIMIT p_most[at] FOR UPDATE SKIP LOCKED)
        UPDATE work_item w
        SET state = 1, holder = p_writer, attempts = w.attempts + 1
        FROM due WHERE w.item = due.item
        RETURNING w.item, w.app, coalesce (w.session, ''), w.topic, coalesce (w.seq, 0), w.user_id,
            w.body, coalesce (w.secret, ''), w.attempts::bigint;
    END LOOP;
END $$;

--  What came of attempts. state: 0 again after so long, 2 done, 3 dead. A report counts while no
--  later attempt has begun, whoever has the lease. Returns the items of which it counted.
CREATE FUNCTION finish_work_4 (
    f_item text[], f_topic text[], f_attempt bigint[], f_state smallint[], f_after_ms bigint[],
    f_detail text[])
RETURNS SETOF text LANGUAGE sql ROWS 100 AS $$
    WITH told AS (
        UPDATE work_item w
        SET state = f.state, detail = f.detail, holder = NULL,
            secret = CASE WHEN f.state > 1 THEN NULL ELSE w.secret END,
            next_at = now () + f.after_ms * interval '1 ms',
            finished_at = CASE WHEN f.state > 1 THEN now () END
        FROM unnest (f_item, f_topic, f_attempt, f_state, f_after_ms, f_detail)
            AS f (item, topic, attempt, state, after_ms, detail)
        WHERE w.item = f.item AND w.topic = f.topic AND w.kind = 2 AND w.state < 2
            AND w.attempts = f.attempt
        RETURNING w.item, w.attempts, w.state, w.detail)
    INSERT INTO work_attempt (item, number, outcome, detail)
    SELECT t.item, t.attempts, t.state, t.detail FROM told t
    ON CONFLICT (item, number) DO UPDATE
        SET outcome = EXCLUDED.outcome, detail = EXCLUDED.detail, ended_at = now ()
    RETURNING item;
$$;

--  Items whose lease nobody keeps are ready again, at once: those of postoffices that have died,
--  and those of the writer that it does not know of. Returns how many.
CREATE FUNCTION release_work_4 (p_writer bigint, p_known text[], p_most bigint)
RETURNS bigint LANGUAGE sql AS $$
    WITH alive AS (
        SELECT n.writer FROM node n WHERE n.beat_at > clock_timestamp () - interval '5 s'),
    lost AS (
        SELECT w.item FROM work_item w
        WHERE w.kind = 2 AND w.state = 1
            AND (w.holder NOT IN (SELECT a.writer FROM alive a)
                 OR (w.holder = p_writer AND w.item <> ALL (p_known)))
        LIMIT p_most FOR UPDATE SKIP LOCKED),
    released AS (
        UPDATE work_item w SET state = 0, holder = NULL, next_at = now ()
        FROM lost WHERE w.item = lost.item RETURNING 1)
    SELECT count (*) FROM released;
$$;

--  Deletes finished items of before, and what their attempts came to. Returns how many.
CREATE FUNCTION drop_finished_4 (p_before timestamptz, p_most bigint)
RETURNS bigint LANGUAGE sql AS $$
    WITH old AS (
        SELECT w.item FROM work_item w WHERE w.state > 1 AND w.finished_at < p_before
        ORDER BY w.finished_at LIMIT p_most FOR UPDATE SKIP LOCKED),
    attempts AS (DELETE FROM work_attempt a USING old WHERE a.item = old.item),
    dropped AS (DELETE FROM work_item w USING old WHERE w.item = old.item RETURNING 1)
    SELECT count (*) FROM dropped;
$$;
