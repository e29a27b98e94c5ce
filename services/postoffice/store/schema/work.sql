-- ---------------------------------------------------------------------------------------------
--  Deliveries and timers: what is due, and what came of it

--  Leases items that are due to the writer, of each topic at most so many, oldest first. Of a lane
--  only the first one counts that is not finished, and only while it is not leased already.
--
--  Of a destination that is paused, disabled or broken no item is looked at: names are walked along
--  an index, a step for each. A broken one whose pause is over gives one item, its probe. One
--  destination has as many items in hand as are free for others at most.
--
--  p_paced: destinations, or kinds of them (`slack:`), that get one item in p_gap_ms, whoever takes
--  it; after a rest as many more at once as p_burst_ms has gaps. Where that is negative, one item
--  is in hand at a time: what a worker sends late, on its first connection say, would else come
--  with the one behind it. The worker's report pauses it for the gap then.
CREATE FUNCTION take_work_@V@ (
    p_writer bigint, p_topics text[], p_most bigint[], p_paced text[], p_gap_ms bigint[],
    p_burst_ms bigint[])
RETURNS TABLE (item text, app text, session text, topic text, seq bigint, user_id text, body text,
               secret text, attempts bigint, memory text, lane_memory text, lost bigint,
               replays bigint, is_suppressed boolean)
LANGUAGE plpgsql ROWS 100
--  Always along the index, as far as items are wanted: a plan that was made while work_item was
--  small reads and sorts all that is due.
SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
    v_names text[] := '{}';
    v_of int[] := '{}';
    v_found text[];
BEGIN
    FOR at IN 1 .. cardinality (p_topics) LOOP
        CONTINUE WHEN p_topics[at] = 'timer';
        v_found := ARRAY (
            WITH RECURSIVE name (destination) AS (
                (SELECT w.destination FROM work_item w
                 WHERE w.kind = 2 AND w.state = 0 AND w.destination <> ''
                     AND w.topic = p_topics[at]
                 ORDER BY w.destination LIMIT 1)
                UNION ALL
                SELECT (SELECT w.destination FROM work_item w
                        WHERE w.kind = 2 AND w.state = 0 AND w.destination <> ''
                            AND w.topic = p_topics[at] AND w.destination > n.destination
                        ORDER BY w.destination LIMIT 1)
                FROM name n WHERE n.destination IS NOT NULL)
            SELECT n.destination FROM name n WHERE n.destination IS NOT NULL);
        v_names := v_names || v_found;
        v_of := v_of || array_fill (at, ARRAY[cardinality (v_found)]);
    END LOOP;
    --  Rows to count the pace in. All at once, and in one order: later on nothing here waits.
    IF cardinality (v_names) > 0 AND cardinality (p_paced) > 0 THEN
        INSERT INTO destination (name, app)
        SELECT DISTINCT u.name, split_part (split_part (u.name, ':', 2), '/', 1)
        FROM unnest (v_names) AS u (name)
        WHERE (u.name = ANY (p_paced) OR split_part (u.name, ':', 1) || ':' = ANY (p_paced))
            AND NOT EXISTS (SELECT FROM destination d WHERE d.name = u.name)
        ORDER BY u.name ON CONFLICT DO NOTHING;
    END IF;
    FOR at IN 1 .. cardinality (p_topics) LOOP
        --  They have no lanes and no destinations.
        IF p_topics[at] = 'timer' THEN
            RETURN QUERY
            WITH due AS (
                SELECT w.item FROM work_item w
                WHERE w.kind = 3 AND w.state = 0 AND w.topic = p_topics[at]
                    AND w.next_at <= now ()
                ORDER BY w.next_at LIMIT p_most[at] FOR UPDATE OF w SKIP LOCKED)
            UPDATE work_item w
            SET state = 1, holder = p_writer, attempts = w.attempts + 1
            FROM due WHERE w.item = due.item
            RETURNING w.item, w.app, coalesce (w.session, ''), w.topic, coalesce (w.seq, 0),
                w.user_id, w.body, coalesce (w.secret, ''), w.attempts::bigint, '', '', 0::bigint,
                0::bigint, false;
            CONTINUE;
        END IF;
        RETURN QUERY
        WITH name AS (
            SELECT u.destination, p.gap, p.burst, p.is_single
            FROM unnest (v_names, v_of) AS u (destination, topic)
            LEFT JOIN LATERAL (
                SELECT x.gap_ms * interval '1 ms' AS gap, x.burst_ms < 0 AS is_single,
                       greatest (x.burst_ms, 0) * interval '1 ms' AS burst
                FROM unnest (p_paced, p_gap_ms, p_burst_ms) AS x (paced, gap_ms, burst_ms)
                WHERE x.paced IN (u.destination, split_part (u.destination, ':', 1) || ':')
                ORDER BY length (x.paced) DESC LIMIT 1) AS p ON true
            WHERE u.topic = at),
        --  Whose turn it is. Another postoffice that takes of one meanwhile has it.
        paced AS MATERIALIZED (
            SELECT d.name, n.gap,
                   1 + floor (extract (epoch FROM
                           now () + n.burst - greatest (d.free_at, now ()))
                       / extract (epoch FROM n.gap)) AS most
            FROM name n JOIN destination d ON d.name = n.destination
            WHERE n.gap IS NOT NULL AND takes_@V@ (d) AND NOT is_broken_@V@ (d)
                AND coalesce (d.free_at <= now () + n.burst, true)
                AND NOT (n.is_single AND EXISTS (
                    SELECT FROM work_item h
                    WHERE h.destination = n.destination AND h.destination <> '' AND h.kind = 2
                        AND h.state = 1))
                AND EXISTS (
                    SELECT FROM work_item w
                    WHERE w.kind = 2 AND w.state = 0 AND w.destination <> ''
                        AND w.destination = n.destination AND w.topic = p_topics[at]
                        AND w.next_at <= now ())
            FOR UPDATE OF d SKIP LOCKED),
        free AS (
            SELECT n.destination, is_broken_@V@ (d) AS is_probe,
                   CASE WHEN is_broken_@V@ (d) THEN 1
                   ELSE least (greatest (2 * p_most[at] - held.n, 0) / 2, p.most)::bigint
                   END AS most
            FROM name n LEFT JOIN destination d ON d.name = n.destination
            LEFT JOIN paced p ON p.name = n.destination,
            LATERAL (SELECT count (*) AS n FROM (
                SELECT FROM work_item h
                WHERE h.destination = n.destination AND h.destination <> '' AND h.kind = 2
                    AND h.state = 1 LIMIT 2 * p_most[at] + 1) AS x) AS held
            WHERE (d.name IS NULL OR takes_@V@ (d))
                AND (n.gap IS NULL OR p.name IS NOT NULL OR is_broken_@V@ (d))),
        --  The first of a lane is looked up once for all its items (Memoize): of lanes whose first
        --  item waits for another try there may be many items, and each take meets all of them. Of
        --  what comes back to a lane, appends may not have known. (As a condition that would be
        --  asked of every item, and the plan would have no Memoize.)
        ready AS (
            SELECT p.* FROM (
                SELECT w.item, w.next_at, w.number, '' AS destination, false AS is_probe
                FROM work_item w
                LEFT JOIN LATERAL (
                    SELECT e.number FROM work_item e WHERE e.lane = w.lane AND e.state < 2
                    ORDER BY e.number LIMIT 1) AS first ON w.lane IS NOT NULL
                LEFT JOIN LATERAL (
                    SELECT true AS is_busy FROM work_item l
                    WHERE l.lane = w.lane AND l.state = 1 AND w.replays > 0
                        AND first.number = w.number LIMIT 1) AS busy ON true
                WHERE w.kind = 2 AND w.state = 0 AND w.destination = '' AND w.topic = p_topics[at]
                    AND w.next_at <= now () AND (w.lane IS NULL OR first.number = w.number)
                    AND busy.is_busy IS NULL
                ORDER BY w.next_at, w.number LIMIT p_most[at] FOR UPDATE OF w SKIP LOCKED) AS p
            UNION ALL
            SELECT d.* FROM free f CROSS JOIN LATERAL (
                SELECT w.item, w.next_at, w.number, w.destination, f.is_probe
                FROM work_item w
                LEFT JOIN LATERAL (
                    SELECT e.number FROM work_item e WHERE e.lane = w.lane AND e.state < 2
                    ORDER BY e.number LIMIT 1) AS first ON w.lane IS NOT NULL
                LEFT JOIN LATERAL (
                    SELECT true AS is_busy FROM work_item l
                    WHERE l.lane = w.lane AND l.state = 1 AND w.replays > 0
                        AND first.number = w.number LIMIT 1) AS busy ON true
                WHERE w.kind = 2 AND w.state = 0 AND w.destination <> ''
                    AND w.destination = f.destination AND w.topic = p_topics[at]
                    AND w.next_at <= now () AND (w.lane IS NULL OR first.number = w.number)
                    AND busy.is_busy IS NULL
                ORDER BY w.next_at, w.number LIMIT f.most FOR UPDATE OF w SKIP LOCKED) AS d),
        due AS (SELECT r.* FROM ready r ORDER BY r.next_at, r.number LIMIT p_most[at]),
        --  Nobody waits here: what another postoffice probes, or reports of, is left for the next
        --  time. Else two that hold a destination each could wait for the other's.
        broken AS (
            SELECT d.name FROM destination d
            WHERE d.name IN (SELECT r.destination FROM due r WHERE r.is_probe) AND takes_@V@ (d)
            ORDER BY d.name FOR UPDATE SKIP LOCKED),
        probe AS (
            UPDATE destination d SET probed_until = now () + interval '60 s', probe = r.item
            FROM broken b JOIN due r ON r.destination = b.name
            WHERE r.is_probe AND d.name = b.name AND takes_@V@ (d)
            RETURNING d.name, d.probe),
        --  What came back to a lane whose platform has lost the visitor meanwhile is not delivered:
        --  the end of the tenancy stands behind it.
        late AS (
            SELECT r.item FROM due r JOIN work_item w ON w.item = r.item
            WHERE w.lane IS NOT NULL AND w.topic LIKE 'platform.%' AND w.item NOT LIKE ':over:%'
                AND EXISTS (SELECT FROM work_item o
                            WHERE o.lane = w.lane AND o.state < 2 AND o.number > w.number
                                AND o.item LIKE ':over:%')),
        taken AS (
            UPDATE work_item w
            SET state = CASE WHEN l.item IS NULL THEN 1 ELSE 4 END,
                holder = CASE WHEN l.item IS NULL THEN p_writer END,
                attempts = w.attempts + CASE WHEN l.item IS NULL THEN 1 ELSE 0 END,
                finished_at = CASE WHEN l.item IS NULL THEN w.finished_at ELSE now () END
            FROM due r LEFT JOIN late l ON l.item = r.item
            WHERE w.item = r.item
                AND (NOT r.is_probe OR r.item IN (SELECT b.probe FROM probe b))
            RETURNING w.item, w.app, w.session, w.topic, w.seq, w.user_id, w.body, w.secret,
                w.attempts, w.memory, w.lane, w.unreported, w.replays, w.destination, w.address,
                w.state),
        spent AS (
            UPDATE destination d
            SET free_at = greatest (d.free_at, clock_timestamp ()) + p.gap * t.n
            FROM paced p
            JOIN (SELECT x.destination, count (*) AS n FROM taken x GROUP BY x.destination) AS t
                ON t.destination = p.name
            WHERE d.name = p.name)
        SELECT t.item, t.app, coalesce (t.session, ''), t.topic, coalesce (t.seq, 0), t.user_id,
               t.body, coalesce (t.secret, ''), t.attempts::bigint, t.memory,
               coalesce (m.memory, ''), t.unreported::bigint, t.replays::bigint,
               t.address <> '' AND EXISTS (
                   SELECT FROM suppressed_address s
                   WHERE s.app = t.app AND s.channel = split_part (t.destination, ':', 1)
                       AND s.address = t.address)
        FROM taken t LEFT JOIN lane_memory m ON m.lane = t.lane WHERE t.state = 1;
    END LOOP;
END $$;

--  What came of attempts. state: 0 again after so long, 2 done, 3 dead. A report counts while no
--  later attempt has begun, whoever has the lease; that it is done counts behind that, too. (But of
--  a watch, whose attempts are looks.) Returns the items of which it counted. lost: how often the
--  item was handed out in this attempt without a report; below 0: so many of those before that were
--  counted so are this attempt; memory, lane_memory: what is to be remembered, empty: it stays;
--  word: how the destination is (0 unsaid, 1 well, 2 failed, 3 disabled), pause_ms: it is left
--  alone for so long; suppress: its address wants nothing more.
CREATE FUNCTION finish_work_@V@ (
    f_item text[], f_topic text[], f_attempt bigint[], f_state smallint[], f_after_ms bigint[],
    f_status smallint[], f_took_ms bigint[], f_detail text[], f_lost bigint[], f_memory text[],
    f_lane_memory text[], f_word smallint[], f_pause_ms bigint[], f_suppress boolean[])
RETURNS SETOF text LANGUAGE plpgsql ROWS 100 AS $$
DECLARE
    v_told text[];
    v_destined boolean;
    v_calls text[];
    d record;
BEGIN
    WITH told AS (
        UPDATE work_item w
        SET state = f.state, detail = f.detail, holder = NULL,
            secret = CASE WHEN f.state > 1 THEN NULL ELSE w.secret END,
            --  Somebody wanted it to look while it did: what it has seen may be of before.
            next_at = now () + CASE WHEN w.detail = 'woken' AND w.item LIKE ':watch:%' THEN 0
                ELSE f.after_ms END * interval '1 ms',
            finished_at = CASE WHEN f.state > 1 THEN now () END,
            unreported = greatest (w.unreported + f.lost, 0),
            is_told = w.is_told AND NOT (f.state = 3 AND w.kind = 2),
            memory = CASE WHEN f.memory <> '' THEN f.memory ELSE w.memory END
        FROM unnest (f_item, f_topic, f_attempt, f_state, f_after_ms, f_status, f_took_ms, f_detail,
                     f_lost, f_memory, f_lane_memory, f_suppress)
            AS f (item, topic, attempt, state, after_ms, status, took_ms, detail, lost, memory,
                  lane_memory, suppresses)
        WHERE w.item = f.item AND w.topic = f.topic AND w.kind IN (2, 3) AND w.state < 2
            AND (w.attempts = f.attempt
                 OR w.attempts > f.attempt AND f.state = 2 AND w.kind = 2
                    AND w.item NOT LIKE ':watch:%')
        RETURNING w.item, w.kind, w.topic, w.attempts, w.state, w.detail,
            nullif (f.took_ms, 0) AS took_ms, nullif (f.status, 0) AS status, w.app, w.session,
            w.lane, w.destination, w.address, f.lane_memory, f.suppresses),
    noted AS (
        INSERT INTO work_attempt (item, number, outcome, detail, began_at, took_ms, status)
        SELECT t.item, t.attempts, t.state, t.detail, now () - t.took_ms * interval '1 ms',
               t.took_ms, t.status
        --  A look at the far side is no failure, and there may be thousands of them.
        FROM told t WHERE t.kind = 2 AND NOT (t.state = 0 AND t.item LIKE ':watch:%')
        ON CONFLICT (item, number) DO UPDATE
            SET outcome = EXCLUDED.outcome, detail = EXCLUDED.detail, ended_at = now (),
                began_at = EXCLUDED.began_at, took_ms = EXCLUDED.took_ms,
                status = EXCLUDED.status),
    lanes AS (
        INSERT INTO lane_memory (lane, session, memory)
        SELECT DISTINCT ON (t.lane) t.lane, coalesce (t.session, ''), t.lane_memory
        FROM (SELECT t.lane, t.session, t.lane_memory FROM told t
              --  Cancelled meanwhile: what was begun there is to be known to what follows.
              UNION ALL
              SELECT w.lane, w.session, f.lane_memory
              FROM unnest (f_item, f_topic, f_attempt, f_lane_memory)
                  AS f (item, topic, attempt, lane_memory)
              JOIN work_item w ON w.item = f.item AND w.topic = f.topic
                  AND w.attempts = f.attempt AND w.state = 4 AND w.kind = 2) AS t
        WHERE t.lane_memory <> '' AND t.lane IS NOT NULL
        ORDER BY t.lane
        ON CONFLICT (lane) DO UPDATE SET memory = EXCLUDED.memory, changed_at = now ()),
    suppressed AS (
        INSERT INTO suppressed_address (app, channel, address, reason)
        SELECT DISTINCT ON (1, 2, 3)
               t.app COLLATE "C", split_part (t.destination, ':', 1) COLLATE "C", t.address,
               t.detail
        FROM told t WHERE t.suppresses AND t.address <> '' AND t.destination <> ''
        ORDER BY 1, 2, 3
        ON CONFLICT DO NOTHING)
    SELECT coalesce (array_agg (t.item), '{}'),
           coalesce (bool_or (t.destination <> ''), false),
           array_agg (t.item) FILTER (WHERE t.state = 3 AND t.kind = 2 AND t.topic LIKE 'notify.%')
    INTO v_told, v_destined, v_calls FROM told t;
    IF v_calls IS NOT NULL THEN
        PERFORM hasten_alerts_@V@ (v_calls);
    END IF;

    --  In one order, so that two of these never wait for each other.
    IF v_destined THEN
        FOR d IN
            SELECT w.destination AS name, min (w.app) AS app, array_agg (w.item) AS items,
                   bool_or (f.word = 1 OR f.word = 0 AND f.state = 2) AS is_well,
                   count (*) FILTER (WHERE f.word = 2) AS failed, max (f.pause_ms) AS pause_ms,
                   bool_or (f.word = 3) AS is_off,
                   coalesce (max (f.detail) FILTER (WHERE f.word = 3),
                             max (f.detail) FILTER (WHERE f.word = 2), '') AS why
            FROM unnest (f_item, f_state, f_detail, f_word, f_pause_ms)
                 AS f (item, state, detail, word, pause_ms)
            JOIN work_item w ON w.item = f.item
            LEFT JOIN destination old ON old.name = w.destination
            WHERE w.item = ANY (v_told) AND w.destination <> ''
            GROUP BY w.destination
            HAVING bool_or (f.word > 1 OR f.pause_ms > 0 OR old.name IS NULL OR old.failures > 0
                            OR old.probed_until IS NOT NULL)
            ORDER BY w.destination
        LOOP
            PERFORM note_destination_@V@ (d.name, d.app, d.items, d.is_well, d.failed, d.pause_ms,
                                          d.is_off, d.why);
        END LOOP;
    END IF;
    RETURN QUERY SELECT t FROM unnest (v_told) AS t;
END $$;

--  Nothing goes there but one item at a time.
CREATE FUNCTION is_broken_@V@ (d destination) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce (d.failures >= 5, false);
$$;

--  May something go there now?
CREATE FUNCTION takes_@V@ (d destination) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NOT d.disabled AND coalesce (d.paused_until <= now (), true)
        AND (d.failures < 5 OR coalesce (d.probed_until <= now (), true));
$$;

--  How a destination is now. Failures in a row open the circuit, for 30 s; each probe that fails,
--  for twice as long, up to 15 minutes. What else was on its way then and fails changes nothing.
CREATE FUNCTION note_destination_@V@ (
    p_name text, p_app text, p_items text[], p_is_well boolean, p_failed bigint,
    p_pause_ms bigint, p_is_off boolean, p_why text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    d destination;
    v_is_probed boolean;
BEGIN
    INSERT INTO destination (name, app) VALUES (p_name, p_app) ON CONFLICT DO NOTHING;
    SELECT * INTO d FROM destination o WHERE o.name = p_name FOR UPDATE;
    v_is_probed := d.probed_until IS NOT NULL AND d.probe = ANY (p_items);
    IF p_is_well THEN
        --  That it rests stands: it may have been refused since.
        d.failures := 0;
        d.openings := 0;
        d.probed_until := NULL;
        d.reason := '';
    ELSIF p_failed > 0 THEN
        d.reason := p_why;
        IF d.failures + p_failed >= 5 AND (d.failures < 5 OR v_is_probed) THEN
            d.paused_until := greatest (d.paused_until,
                now () + least (interval '30 s' * (1 << least (d.openings, 8)),
                                interval '15 minutes'));
            d.openings := d.openings + 1;
        END IF;
        d.failures := least (d.failures + p_failed, 1000000);
        d.failed_at := now ();
    END IF;
    --  Failed or silent, it is over. What else was on its way when the circuit opened ends none.
    IF v_is_probed THEN
        d.probed_until := NULL;
    END IF;
    IF p_pause_ms > 0 THEN
        d.paused_until := greatest (d.paused_until, now () + p_pause_ms * interval '1 ms');
    END IF;
    UPDATE destination o
    SET failures = d.failures, openings = d.openings, paused_until = d.paused_until,
        probed_until = d.probed_until, disabled = o.disabled OR p_is_off, failed_at = d.failed_at,
        --  Why it was disabled stays until it is enabled.
        reason = CASE WHEN o.disabled THEN o.reason WHEN p_is_off THEN p_why ELSE d.reason END,
        changed_at = now ()
    WHERE o.name = p_name;
END $$;

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
        UPDATE work_item w
        SET state = 0, holder = NULL, next_at = now (),
            unreported = w.unreported + (w.kind = 2 AND w.holder <> p_writer)::int
        FROM lost WHERE w.item = lost.item RETURNING 1)
    SELECT count (*), NULL FROM released
    UNION ALL
    (SELECT NULL, w.item FROM work_item w
     WHERE w.kind > 1 AND w.state = 1 AND w.holder = p_writer
         --  Not <> ALL, which compares each item with each.
         AND w.item NOT IN (SELECT k FROM unnest (p_known || p_lost) AS k)
     LIMIT p_most);
$$;

--  What waits for a destination that has taken nothing for three days is dead: so a far side that
--  never comes back does not gather items for ever. (What is tried again is due anew each time.)
CREATE FUNCTION give_up_waiting_@V@ (p_most bigint) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off AS $$
DECLARE
    d destination;
BEGIN
    FOR d IN SELECT * FROM destination o WHERE o.disabled OR is_broken_@V@ (o) ORDER BY o.name LOOP
        UPDATE work_item w
        SET state = 3, finished_at = now (), secret = NULL, is_told = false,
            detail = 'nothing could go to its destination for three days'
        WHERE w.item IN (
            SELECT u.item FROM work_item u
            WHERE u.app = d.app AND u.kind = 2 AND u.state = 0 AND u.destination = d.name
                AND u.next_at < now () - interval '72 hours'
            LIMIT p_most FOR UPDATE SKIP LOCKED);
    END LOOP;
END $$;

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
    DELETE FROM alert a WHERE a.alert IN (
        WITH RECURSIVE p (app) AS (
            (SELECT x.app FROM alert x WHERE x.state > 0 ORDER BY x.app LIMIT 1)
            UNION ALL
            SELECT (SELECT x.app FROM alert x WHERE x.state > 0 AND x.app > p.app
                    ORDER BY x.app LIMIT 1) FROM p WHERE p.app IS NOT NULL)
        SELECT o.alert FROM p, LATERAL (
            SELECT x.alert FROM alert x
            WHERE x.app = p.app AND x.state > 0
                AND x.ended_at < now () - interval '1 ms' * coalesce (
                    p_app_kept_ms[array_position (p_apps, p.app)], p_kept_ms)
            ORDER BY x.ended_at LIMIT p_most) AS o);
    PERFORM give_up_waiting_@V@ (p_most);
    --  Destinations that nobody speaks of any more: they are few.
    DELETE FROM destination d
    WHERE NOT d.disabled AND d.failures = 0
        AND greatest (d.changed_at, d.free_at) < now () - interval '30 days'
        AND NOT EXISTS (SELECT FROM work_item w WHERE w.app = d.app AND w.kind = 2 AND w.state < 2
                        AND w.destination = d.name);
    RETURN p_most - v_left;
END $$;
