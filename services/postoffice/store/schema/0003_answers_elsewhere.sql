--  A postoffice that loads a session with work takes it to be its own (holder), and keeps its turns
--  until they are over. When another one is told the answer, the row says who else must hear of it:
--  the lock on it makes sure that either the load sees the answer, or the answer sees the load.
--  The function is the one of 0002 but for that.

--  Stores the chunks of one day: at most one chunk for each session, everything sorted by session.
--  c_: chunks whose predecessor the writer is not sure of, and its seq; o_: chunks that open;
--  e_: entries; p_: participants; k_: control; w_: work; f_: finishes; t_: sessions to tell the
--  others of.
--  Returns the sessions whose chunk lost; nothing of those is stored.
CREATE OR REPLACE FUNCTION append_batch (
    p_writer bigint, p_day date,
    c_session text[], c_before bigint[],
    o_session text[], o_app text[], o_visitor text[],
    e_session text[], e_seq bigint[], e_message text[], e_event smallint[], e_time bigint[],
    e_role smallint[], e_user text[], e_sender text[], e_data text[], e_quiet boolean[],
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
        AND count_before (c_session, c_before, p_day) < cardinality (c_session) THEN
        lost := lost || ARRAY (
            SELECT c.session FROM unnest (c_session, c_before) AS c (session, before)
            WHERE NOT EXISTS (
                SELECT FROM log l
                WHERE l.session = c.session AND l.seq = c.before AND l.day = p_day));
    END IF;

    BEGIN
        INSERT INTO log (session, seq, day, message_id, event, time_ms, role, user_id, sender, data,
                         quiet, writer)
        SELECT e.session, e.seq, p_day, e.message, e.event, e.at, e.role, e.who, e.sender, e.data,
               e.quiet, p_writer
        FROM unnest (e_session, e_seq, e_message, e_event, e_time, e_role, e_user, e_sender, e_data,
                     e_quiet)
             AS e (session, seq, message, event, at, role, who, sender, data, quiet)
        WHERE e.session <> ALL (lost);
    EXCEPTION WHEN unique_violation THEN
        --  Somebody was faster: find out who lost, and take the rest of the losers' rows back.
        WITH stored AS (
            INSERT INTO log (session, seq, day, message_id, event, time_ms, role, user_id, sender,
                             data, quiet, writer)
            SELECT e.session, e.seq, p_day, e.message, e.event, e.at, e.role, e.who, e.sender,
                   e.data, e.quiet, p_writer
            FROM unnest (e_session, e_seq, e_message, e_event, e_time, e_role, e_user, e_sender,
                         e_data, e_quiet)
                 AS e (session, seq, message, event, at, role, who, sender, data, quiet)
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

        INSERT INTO place (app, user_id, role, session)
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
        INSERT INTO work (session, item, topic, seq, user_id, body, secret, holder)
        SELECT w.session, w.item, w.topic, w.seq, w.who, w.body, w.secret, p_writer
        FROM unnest (w_session, w_item, w_topic, w_seq, w_user, w_body, w_secret)
             AS w (session, item, topic, seq, who, body, secret)
        WHERE w.session <> ALL (lost)
        ON CONFLICT DO NOTHING;
    END IF;

    IF cardinality (f_session) > 0 THEN
        WITH done AS (
            UPDATE work w
            SET state = f.state, detail = f.detail, secret = NULL, finished_at = now ()
            FROM unnest (f_session, f_item, f_state, f_detail) AS f (session, item, state, detail)
            WHERE w.session = f.session AND w.item = f.item AND w.state = 0
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
