-- ---------------------------------------------------------------------------------------------
--  Retention

--  All rows of these sessions, but for their entries and their other work. The sessions are locked
--  already.
CREATE FUNCTION forget_sessions_@V@ (p_sessions text[]) RETURNS void LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off AS $$
BEGIN
    DELETE FROM participant p WHERE p.session = ANY (p_sessions);
    DELETE FROM external_ref x WHERE x.session = ANY (p_sessions);
    DELETE FROM work_item w WHERE w.session = ANY (p_sessions) AND w.kind = 3 AND w.state < 2;
    DELETE FROM alert a WHERE a.session = ANY (p_sessions) AND a.session <> '';
    DELETE FROM lane_memory m WHERE m.session = ANY (p_sessions);
    --  A row that a join of today writes just now leads elsewhere in a moment.
    DELETE FROM last_session a WHERE a.ctid = ANY (ARRAY (
        SELECT b.ctid FROM last_session b
        WHERE b.session = ANY (p_sessions) FOR UPDATE SKIP LOCKED));
    DELETE FROM session s WHERE s.session = ANY (p_sessions);
    PERFORM forget_search_@V@ (p_sessions);
END $$;

--  Drops sessions in which nothing happened for so long, oldest first, with all that is theirs: at
--  most p_most, and about p_entries of entries (a session is dropped as a whole). A session stays
--  while it has a host that lives, or a turn or a delivery that is not finished; its timers go with
--  it. An app that is named has a time of its own; 0: its sessions are kept for ever. Returns how
--  many sessions, how many of their entries, and whether there may be more. (A planner that knows
--  too little would rather read whole tables.)
CREATE FUNCTION drop_sessions_@V@ (
    p_kept_ms bigint, p_most bigint, p_entries bigint, p_apps text[], p_app_kept_ms bigint[])
RETURNS TABLE (sessions bigint, entries bigint, more boolean)
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan SET enable_seqscan = off AS $$
DECLARE
    v_kept_ms bigint;
    before timestamptz;
    v_app text := (SELECT min (s.app) FROM session s);
    v_found text[];
    v_days date[];
    v_day date;
    v_old text[];
    n bigint;
BEGIN
    sessions := 0;
    entries := 0;
    more := false;
    WHILE v_app IS NOT NULL AND sessions < p_most AND entries < p_entries LOOP
        v_kept_ms := coalesce (p_app_kept_ms[array_position (p_apps, v_app)], p_kept_ms);
        before := now () - v_kept_ms * interval '1 ms';
        SELECT array_agg (c.session), array_agg (c.day) INTO v_found, v_days FROM (
            SELECT s.session, s.day FROM session s
            WHERE s.app = v_app AND v_kept_ms > 0
                AND coalesce (s.active_at, s.created_at) < before
                AND (s.host IS NULL OR NOT EXISTS (
                    SELECT FROM node n WHERE n.writer = s.host
                        AND n.beat_at > clock_timestamp () - interval '1 minute'))
                --  Two conditions, as there are two indexes.
                AND NOT EXISTS (SELECT FROM work_item w
                                WHERE w.session = s.session AND w.kind = 1 AND w.state < 2)
                AND NOT EXISTS (SELECT FROM work_item w
                                WHERE w.session = s.session AND w.kind = 2 AND w.state < 2)
            ORDER BY coalesce (s.active_at, s.created_at) LIMIT p_most - sessions
            FOR UPDATE OF s SKIP LOCKED) c;
        more := more OR coalesce (cardinality (v_found), 0) = p_most - sessions;
        FOR v_day IN SELECT DISTINCT d FROM unnest (v_days) AS d ORDER BY 1 LOOP
            EXIT WHEN entries >= p_entries;
            --  A plain insert of entries does not tell the session's row, and schema 4 never did:
            --  the last entry is what counts. (Before schema 4 a client's clock is all there is; if
            --  it was ahead, it says nothing.)
            WITH last AS (
                SELECT c.session, coalesce (l.seq, 0) AS seq,
                       coalesce (l.stored_at,
                                 CASE WHEN l.time_ms < extract (epoch FROM now ()) * 1000
                                 THEN to_timestamp (l.time_ms / 1000.0) END, '-infinity') AS at
                FROM unnest (v_found, v_days) AS c (session, day)
                LEFT JOIN LATERAL (
                    SELECT e.seq, e.stored_at, e.time_ms FROM log e
                    WHERE e.session = c.session AND e.day = v_day
                    ORDER BY e.seq DESC LIMIT 1) l ON true
                WHERE c.day = v_day),
            fresh AS (
                UPDATE session s SET active_at = f.at FROM last f
                WHERE s.session = f.session AND f.at >= before),
            old AS (
                SELECT o.session, sum (o.seq) OVER (ORDER BY o.session) - o.seq AS with_before
                FROM last o WHERE o.at < before)
            SELECT coalesce (array_agg (o.session), '{}') INTO v_old
            FROM old o WHERE o.with_before < p_entries - entries;

            --  A postoffice of schema 4 may have one in memory; no postoffice is writer 0.
            PERFORM pg_notify ('session_moved', '0 ' || p.session) FROM (
                SELECT DISTINCT q.session FROM participant q
                WHERE q.session = ANY (v_old) AND q.present) p;
            DELETE FROM log l WHERE l.session = ANY (v_old) AND l.day = v_day;
            GET DIAGNOSTICS n = ROW_COUNT;
            entries := entries + n;
            PERFORM forget_sessions_@V@ (v_old);
            sessions := sessions + cardinality (v_old);
        END LOOP;
        v_app := (SELECT min (s.app) FROM session s WHERE s.app > v_app);
    END LOOP;
    more := more OR entries >= p_entries;
    RETURN NEXT;
END $$;

--  Drops the log's partition of the oldest day before this one in which no session is left, and
--  returns its name; nothing when there is none. What wants to write to the log waits while the
--  lock is waited for, which is short. First the partition's own, which nobody needs: who has it
--  (a vacuum, a dump) may have it for long. And before all, the search, which reads the log half of
--  the time when there is much to fill: a day would never go.
CREATE FUNCTION drop_day_@V@ (p_before date) RETURNS SETOF text
LANGUAGE plpgsql SET lock_timeout = '50ms' AS $$
DECLARE
    part text;
    v_day date;
BEGIN
    SELECT c.relname, to_date (substr (c.relname, 5), 'YYYYMMDD') INTO part, v_day
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'log'::regclass AND c.relname ~ '^log_[0-9]{8}$'
        AND to_date (substr (c.relname, 5), 'YYYYMMDD') < p_before
        AND NOT EXISTS (SELECT FROM session s
                        WHERE s.day = to_date (substr (c.relname, 5), 'YYYYMMDD'))
    ORDER BY c.relname LIMIT 1;
    IF part IS NULL THEN
        RETURN;
    END IF;
    PERFORM wait_for_search_@V@ ();
    EXECUTE format ('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', part);
    IF NOT EXISTS (SELECT FROM session s WHERE s.day = v_day) THEN
        EXECUTE format ('DROP TABLE %I', part);
        RETURN NEXT part;
    END IF;
END $$;
