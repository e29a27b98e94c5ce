-- ---------------------------------------------------------------------------------------------
--  Erasing a visitor's data
--
--  An order (a row of `erasure`) goes through its states in pieces, each of which is one
--  transaction:
--
--      0 ordered ──sessions are gone──► 1 closed ──entries are gone──► 2 emptied
--                                                                         │ with others of its app
--                      4 done ◄──finished work was looked through── 3 looking
--
--  A session's rows go first, and its log gets one more entry, of the router: whatever a postoffice
--  that has the session in memory still appends meets an entry under that number, and is lost, as
--  against another postoffice. All of them are told. When that was so long ago that nobody has the
--  session in memory any more, its entries go. Finished work has no index by session: it is looked
--  through once for all orders of an app that wait for it.
--
--  A session that a platform has, or is asked for, is closed first, by a postoffice: that makes the
--  item that ends the conversation there. The session is left for a later piece until that is
--  done; an hour after the order it goes all the same.
--
--  The sessions are those that there were when the order was given. The visitor may write again
--  before the order is done: a session that begins then is new, and stays.

--  Waits until nobody fills the search, before anything is locked that somebody waits for.
CREATE FUNCTION wait_for_search_@V@ () RETURNS void LANGUAGE plpgsql SET lock_timeout = '20s' AS $$
BEGIN
    PERFORM pg_advisory_xact_lock (7365746, 4);
END $$;

--  Does a platform have the visitor, or is it asked?
CREATE FUNCTION is_at_platform_@V@ (s session) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT s.closed_at IS NULL AND (coalesce (s.control_role = 4, false)
        OR coalesce (s.offered_to LIKE 'platform:%', false))
$$;

--  Is the session about to be closed for an order, or a platform's conversation about to be ended?
CREATE FUNCTION is_ending_@V@ (p_session text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM work_item w
                   WHERE w.session = p_session AND w.kind = 2 AND w.state < 2
                       AND w.item LIKE ':over:%')
        OR EXISTS (SELECT FROM work_item w
                   WHERE w.item = ':timer:erase:' || p_session AND w.state < 2)
$$;

--  Is it so long ago that nothing is waited for any more?
CREATE FUNCTION is_overdue_@V@ (p_asked_at timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT p_asked_at < now () - interval '1 hour'
$$;

--  Has sessions of the order closed (timers.def) that a platform has. Returns how many are new to
--  that.
CREATE FUNCTION end_sessions_@V@ (p_app text, p_user text, p_asked_at timestamptz)
RETURNS bigint
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan SET enable_seqscan = off AS $$
DECLARE
    n bigint;
BEGIN
    INSERT INTO work_item AS old (item, kind, app, session, topic, seq, body)
    SELECT ':timer:erase:' || s.session, 3, s.app, s.session, 'timer', 0, '{}' FROM session s
    WHERE s.app = p_app AND s.visitor = p_user AND s.created_at <= p_asked_at
        AND NOT is_overdue_@V@ (p_asked_at) AND is_at_platform_@V@ (s)
        AND NOT is_ending_@V@ (s.session)
    ON CONFLICT (item) DO UPDATE
        SET state = 0, holder = NULL, next_at = now (), finished_at = NULL,
            attempts = old.attempts + 1
        WHERE old.state > 1;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;

--  Takes sessions of the order away, at most so many, but for those that are to be ended first.
--  Returns how many.
CREATE FUNCTION erase_sessions_@V@ (
    p_app text, p_user text, p_asked_at timestamptz, p_most bigint)
RETURNS bigint
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan SET enable_seqscan = off AS $$
DECLARE
    v record;
    v_seq bigint;
    v_open text[];
    n bigint := 0;
BEGIN
    PERFORM wait_for_search_@V@ ();
    FOR v IN SELECT s.session, s.day, s.created_at FROM session s
             WHERE s.app = p_app AND s.visitor = p_user AND s.created_at <= p_asked_at
                 AND (is_overdue_@V@ (p_asked_at)
                     OR NOT is_at_platform_@V@ (s) AND NOT is_ending_@V@ (s.session))
             ORDER BY s.session LIMIT p_most FOR UPDATE SKIP LOCKED
    LOOP
        --  Closed a moment ago, before it was locked.
        CONTINUE WHEN NOT is_overdue_@V@ (p_asked_at) AND is_ending_@V@ (v.session);
        SELECT coalesce (max (l.seq), 0) + 1 INTO v_seq FROM log l
        WHERE l.session = v.session AND l.day = v.day;
        --  (8 and 5: the router says that the session is closed.) Somebody may be faster: then the
        --  session's turn is the next piece's.
        INSERT INTO log (seq, time_ms, writer, day, event, role, hidden, session, message_id,
                         user_id, sender)
        VALUES (v_seq, (extract (epoch FROM now ()) * 1000)::bigint, 0, v.day, 8, 5, true,
                v.session, ':erased:' || v_seq, 'router', '{}')
        ON CONFLICT DO NOTHING;
        CONTINUE WHEN NOT FOUND;
        INSERT INTO erasure_session (app, user_id, session_key, day, is_own)
        VALUES (p_app, p_user, v.session, v.day, true)
        ON CONFLICT (app, user_id, session_key)
        DO UPDATE SET day = EXCLUDED.day, is_empty = false, closed_at = now ();
        UPDATE erasure e
        SET sessions = e.sessions + 1, since = least (e.since, v.created_at)
        WHERE e.app = p_app AND e.user_id = p_user;
        --  What is open of its work; two statements, as there are two indexes.
        WITH gone AS (
            DELETE FROM work_item w
            WHERE w.session = v.session AND w.kind = 1 AND w.state < 2 RETURNING w.item)
        SELECT coalesce (array_agg (g.item), '{}') INTO v_open FROM gone g;
        DELETE FROM work_attempt a WHERE a.item = ANY (v_open);
        WITH gone AS (
            DELETE FROM work_item w
            WHERE w.session = v.session AND w.kind = 2 AND w.state < 2 RETURNING w.item)
        SELECT coalesce (array_agg (g.item), '{}') INTO v_open FROM gone g;
        DELETE FROM work_attempt a WHERE a.item = ANY (v_open);
        PERFORM forget_sessions_@V@ (ARRAY[v.session]);
        PERFORM pg_notify ('session_moved', '0 ' || v.session);
        n := n + 1;
    END LOOP;
    RETURN n;
END $$;

--  What the visitor said and told of itself in sessions of others: they keep that somebody spoke.
CREATE FUNCTION erase_elsewhere_@V@ (p_app text, p_user text, p_asked_at timestamptz) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan SET enable_seqscan = off AS $$
DECLARE
    v record;
    n bigint;
BEGIN
    DELETE FROM last_session a WHERE a.app = p_app AND a.user_id = p_user AND a.role = 1
    AND NOT EXISTS (
        SELECT FROM session s
        WHERE s.session = a.session AND s.visitor = p_user AND s.created_at > p_asked_at);
    FOR v IN SELECT s.session, s.day, s.created_at FROM participant p
             JOIN session s ON s.session = p.session
             WHERE p.role = 1 AND p.user_id = p_user AND s.app = p_app AND s.visitor <> p_user
    LOOP
        UPDATE log l SET sender = '{}', data = CASE WHEN l.data IS NOT NULL THEN '{"text":""}' END
        WHERE l.session = v.session AND l.day = v.day AND l.role = 1 AND l.user_id = p_user;
        GET DIAGNOSTICS n = ROW_COUNT;
        PERFORM forget_said_@V@ (v.session, v.day, p_user);
        UPDATE participant p SET sender = '{}', info = '{}'
        WHERE p.session = v.session AND p.role = 1 AND p.user_id = p_user;
        DELETE FROM external_ref x
        WHERE x.session = v.session AND x.role = 1 AND x.user_id = p_user;
        INSERT INTO erasure_session (app, user_id, session_key, day, is_own, is_empty)
        VALUES (p_app, p_user, v.session, v.day, false, true) ON CONFLICT DO NOTHING;
        UPDATE erasure e SET entries = e.entries + n, since = least (e.since, v.created_at)
        WHERE e.app = p_app AND e.user_id = p_user;
        PERFORM pg_notify ('session_moved', '0 ' || v.session);
    END LOOP;
END $$;

--  Deletes the entries of sessions that were taken away so long ago: about so many, each session as
--  a whole. Returns how many sessions.
CREATE FUNCTION erase_entries_@V@ (p_most bigint, p_after_ms bigint) RETURNS bigint
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan SET enable_seqscan = off AS $$
DECLARE
    v record;
    n bigint;
    v_entries bigint := 0;
    v_sessions bigint := 0;
BEGIN
    FOR v IN SELECT x.app, x.user_id, x.session_key, x.day FROM erasure_session x
             WHERE NOT x.is_empty AND x.closed_at <= now () - p_after_ms * interval '1 ms'
             ORDER BY x.closed_at LIMIT p_most FOR UPDATE SKIP LOCKED
    LOOP
        DELETE FROM log l WHERE l.session = v.session_key AND l.day = v.day;
        GET DIAGNOSTICS n = ROW_COUNT;
        UPDATE erasure_session x SET is_empty = true
        WHERE x.app = v.app AND x.user_id = v.user_id AND x.session_key = v.session_key;
        --  One of them was the router's, of erase_sessions.
        UPDATE erasure e SET entries = e.entries + greatest (n - 1, 0)
        WHERE e.app = v.app AND e.user_id = v.user_id;
        v_entries := v_entries + n;
        v_sessions := v_sessions + 1;
        EXIT WHEN v_entries >= p_most;
    END LOOP;
    UPDATE erasure e SET state = 2
    WHERE e.state = 1 AND NOT EXISTS (
        SELECT FROM erasure_session x
        WHERE x.app = e.app AND x.user_id = e.user_id AND NOT x.is_empty);
    RETURN v_sessions;
END $$;

--  Looks through finished work of one app for that of sessions that were erased, so many items at a
--  time, in the order in which they were finished. Returns how many it looked at.
CREATE FUNCTION erase_work_@V@ (p_most bigint) RETURNS bigint
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan SET enable_seqscan = off AS $$
DECLARE
    v_app text;
    v_at timestamptz;
    v_number bigint;
    v_count bigint;
BEGIN
    SELECT e.app, e.looked_at, e.looked_number INTO v_app, v_at, v_number FROM erasure e
    WHERE e.state = 3 LIMIT 1;
    IF NOT FOUND THEN
        SELECT e.app INTO v_app FROM erasure e WHERE e.state = 2 ORDER BY e.number LIMIT 1;
        IF NOT FOUND THEN
            RETURN 0;
        END IF;
        UPDATE erasure e SET state = 3 WHERE e.app = v_app AND e.state = 2;
        SELECT min (e.since) INTO v_at FROM erasure e WHERE e.app = v_app AND e.state = 3;
        v_number := 0;
        v_at := coalesce (v_at, now ());
    END IF;
    WITH looked AS MATERIALIZED (
        SELECT w.item, w.number, w.session, w.created_at, w.finished_at FROM work_item w
        WHERE w.app = v_app AND w.state > 1 AND (w.finished_at, w.number) > (v_at, v_number)
        ORDER BY w.finished_at, w.number LIMIT p_most),
    theirs AS (
        SELECT DISTINCT ON (k.item) k.item, x.user_id FROM looked k
        JOIN erasure_session x ON x.app = v_app AND x.session_key = k.session
            AND k.created_at <= x.closed_at
        JOIN erasure e ON e.app = x.app AND e.user_id = x.user_id AND e.state = 3),
    attempts AS (DELETE FROM work_attempt a USING theirs t WHERE a.item = t.item),
    gone AS (
        DELETE FROM work_item w USING theirs t WHERE w.item = t.item AND w.state > 1
        RETURNING t.user_id),
    counted AS (SELECT g.user_id, count (*) AS n FROM gone g GROUP BY 1),
    told AS (
        UPDATE erasure e SET items = e.items + c.n FROM counted c
        WHERE e.app = v_app AND e.user_id = c.user_id)
    SELECT count (*), max (k.finished_at),
           (array_agg (k.number ORDER BY k.finished_at DESC, k.number DESC))[1]
    INTO v_count, v_at, v_number FROM looked k;
    IF v_count = p_most THEN
        UPDATE erasure e SET looked_at = v_at, looked_number = v_number
        WHERE e.app = v_app AND e.state = 3;
        RETURN v_count;
    END IF;
    --  Should a postoffice have been deaf for all that time: what it appended is nobody's.
    DELETE FROM log l USING erasure_session x, erasure e
    WHERE e.app = v_app AND e.state = 3 AND x.app = e.app AND x.user_id = e.user_id AND x.is_own
        AND l.session = x.session_key AND l.day = x.day
        AND NOT EXISTS (
            SELECT FROM session s WHERE s.session = x.session_key AND s.day = x.day);
    DELETE FROM erasure_session x USING erasure e
    WHERE e.app = v_app AND e.state = 3 AND x.app = e.app AND x.user_id = e.user_id;
    UPDATE erasure e SET state = 4, finished_at = now (), since = NULL, looked_at = NULL
    WHERE e.app = v_app AND e.state = 3;
    RETURN v_count;
END $$;

--  One piece of what is ordered. Returns whether there may be more to do at once; and what it came
--  to: sessions taken away, sessions emptied, items of work looked at.
CREATE FUNCTION erase_@V@ (
    p_sessions bigint, p_entries bigint, p_items bigint, p_after_ms bigint)
RETURNS TABLE (more boolean, sessions bigint, emptied bigint, looked bigint)
LANGUAGE plpgsql AS $$
DECLARE
    v record;
    v_is_found boolean;
BEGIN
    sessions := 0;
    emptied := 0;
    looked := 0;
    --  One that waits for nothing but ends is passed over.
    SELECT e.app, e.user_id, e.asked_at INTO v FROM erasure e
    WHERE e.state = 0 AND (
        NOT EXISTS (SELECT FROM session s WHERE s.app = e.app AND s.visitor = e.user_id
                    AND s.created_at <= e.asked_at)
        OR EXISTS (SELECT FROM session s WHERE s.app = e.app AND s.visitor = e.user_id
                   AND s.created_at <= e.asked_at
                   AND (is_overdue_@V@ (e.asked_at) OR NOT is_ending_@V@ (s.session))))
    ORDER BY e.number LIMIT 1;
    v_is_found := FOUND;
    IF v_is_found THEN
        more := end_sessions_@V@ (v.app, v.user_id, v.asked_at) > 0;
        sessions := erase_sessions_@V@ (v.app, v.user_id, v.asked_at, p_sessions);
        more := more OR sessions > 0;
        IF sessions = 0 AND NOT EXISTS (
            SELECT FROM session s WHERE s.app = v.app AND s.visitor = v.user_id
            AND s.created_at <= v.asked_at) THEN
            PERFORM erase_elsewhere_@V@ (v.app, v.user_id, v.asked_at);
            UPDATE erasure e SET state = 1 WHERE e.app = v.app AND e.user_id = v.user_id;
            more := true;
        END IF;
        --  Else somebody has its sessions locked.
        IF more THEN
            RETURN NEXT;
            RETURN;
        END IF;
    END IF;
    emptied := erase_entries_@V@ (p_entries, p_after_ms);
    IF emptied = 0 THEN
        looked := erase_work_@V@ (p_items);
        --  They are of use to whoever asks what became of the order.
        DELETE FROM erasure e WHERE e.state = 4 AND e.finished_at < now () - interval '30 days';
    END IF;
    more := emptied > 0 OR looked = p_items OR v_is_found
        OR EXISTS (SELECT FROM erasure e WHERE e.state IN (2, 3));
    RETURN NEXT;
END $$;
