-- ---------------------------------------------------------------------------------------------
--  Agents: who may be found for a visitor who waits, and who is found. See functions.sql.

--  What these agents have to answer: sessions in their hands, and offers (those that are about to
--  be made, too). A session is one of the two: who is offered what it answers already has one.
CREATE FUNCTION agent_loads_@V@ (p_app text, p_users text[])
RETURNS TABLE (user_id text, sessions bigint, offers bigint) LANGUAGE sql STABLE
SET enable_seqscan = off SET jit = off AS $$
    SELECT u.id, coalesce (h.count, 0), coalesce (o.count, 0)
    FROM unnest (p_users) AS u (id)
    LEFT JOIN (
        SELECT s.control_user, count (*) AS count FROM session s
        WHERE s.app = p_app AND s.control_role = 2 AND s.control_user = ANY (p_users)
            AND s.closed_at IS NULL
        GROUP BY s.control_user) AS h ON h.control_user = u.id
    LEFT JOIN (
        SELECT f.id, count (*) AS count
        FROM (SELECT s.session, substr (s.offered_to, 7) AS id FROM session s
              WHERE s.app = p_app AND s.offered_to <> '' AND s.offered_to LIKE 'agent:%'
                  AND s.closed_at IS NULL
                  AND NOT (s.control_role = 2 AND s.control_user = substr (s.offered_to, 7))
              UNION
              SELECT s.session, s.reserved_for FROM session s
              WHERE s.app = p_app AND s.waiting_since IS NOT NULL AND s.reserved_for <> ''
                  AND s.closed_at IS NULL
                  AND s.reserved_until > clock_timestamp () AND s.reserved_seq = s.control_seq) AS f
        GROUP BY f.id) AS o ON o.id = u.id
$$;

--  An agent as the API shows it. p_limit: after how many missed offers in a row it is away; 0:
--  never.
CREATE FUNCTION agent_json_@V@ (a agent, p_sessions bigint, p_offers bigint, p_limit bigint)
RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object (
        'userId', a.user_id, 'name', a.name, 'groups', a.groups,
        'state', (ARRAY['away', 'available', 'busy'])[a.state + 1], 'why', a.why,
        'changedAt', api_time_@V@ (a.changed_at), 'capacity', a.capacity,
        'sessions', p_sessions, 'offers', p_offers,
        'missed', a.missed, 'awayAfterMissed', p_limit)
$$;

--  One agent, and its version; no row: nobody has set its state yet.
CREATE FUNCTION get_agent_@V@ (p_app text, p_user text, p_limit bigint)
RETURNS TABLE (body text, etag text) LANGUAGE sql STABLE AS $$
    SELECT agent_json_@V@ (a, l.sessions, l.offers, p_limit)::text, a.version::text
    FROM agent a, agent_loads_@V@ (p_app, ARRAY[p_user]) AS l
    WHERE a.app = p_app AND a.user_id = p_user
$$;

--  A page of the app's agents by user id, behind p_at. The others are filters; empty: any.
CREATE FUNCTION list_agents_@V@ (
    p_app text, p_group text, p_state text, p_limit bigint, p_backward boolean, p_at text,
    p_most bigint)
RETURNS TABLE (items text, first text, last text, more text) LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    v_users text[];
    v_rows json[];
BEGIN
    EXECUTE format (
        'SELECT array_agg (c.user_id) FROM (SELECT a.user_id FROM agent a WHERE %s'
        ' ORDER BY a.user_id %s LIMIT $5) AS c',
        concat_ws (' AND ', 'a.app = $1',
            CASE WHEN p_group <> '' THEN '$2 = ANY (a.groups)' END,
            CASE WHEN p_state <> '' THEN 'a.state = $3' END,
            CASE WHEN p_at <> '' THEN 'a.user_id ' || CASE WHEN p_backward THEN '<' ELSE '>' END
                || ' $4' END),
        CASE WHEN p_backward THEN 'DESC' ELSE 'ASC' END)
    INTO v_users
    USING p_app, p_group, array_position (ARRAY['away', 'available', 'busy'], p_state) - 1, p_at,
        p_most + 1;
    v_rows := ARRAY (
        SELECT agent_json_@V@ (a, l.sessions, l.offers, p_limit)
        FROM unnest (v_users) WITH ORDINALITY AS u (id, n)
        JOIN agent a ON a.app = p_app AND a.user_id = u.id
        JOIN agent_loads_@V@ (p_app, v_users) AS l ON l.user_id = u.id
        ORDER BY u.n);
    RETURN QUERY SELECT * FROM list_page_@V@ (
        v_rows, ARRAY (SELECT json_build_array (u) FROM unnest (v_users) AS u), p_most, p_backward);
END $$;

--  Sets what is said of an agent; an empty text: it stays. p_groups: a JSON array. p_why: asked, by
--  the agent itself, or managed. p_match: only if this is the version. Once for each key. Who sets
--  its state begins anew with its missed offers. Returns the agent, or why not, the status of HTTP,
--  and the version.
CREATE FUNCTION set_agent_@V@ (
    p_app text, p_user text, p_state text, p_capacity text, p_groups text, p_name text, p_why text,
    p_key text, p_match text, p_limit bigint)
RETURNS TABLE (body text, status text, etag text) LANGUAGE plpgsql AS $$
DECLARE
    a agent;
BEGIN
    IF p_match = '' THEN
        INSERT INTO agent (app, user_id, version) VALUES (p_app, p_user, 0) ON CONFLICT DO NOTHING;
    END IF;
    SELECT * INTO a FROM agent g WHERE g.app = p_app AND g.user_id = p_user FOR UPDATE;
    IF p_key <> '' AND p_key = ANY (a.change_keys) THEN
        NULL; --  it was done
    ELSIF p_match <> '' AND a.version::text IS DISTINCT FROM p_match THEN
        RETURN QUERY SELECT '', '412', '';
        RETURN;
    ELSE
        UPDATE agent g
        SET state = CASE WHEN p_state = '' THEN g.state
                ELSE array_position (ARRAY['away', 'available', 'busy'], p_state) - 1 END,
            why = CASE WHEN p_state = '' THEN g.why ELSE p_why END,
            missed = CASE WHEN p_state = '' THEN g.missed ELSE 0 END,
            changed_at = CASE WHEN p_state = '' THEN g.changed_at ELSE now () END,
            capacity = CASE WHEN p_capacity = '' THEN g.capacity ELSE p_capacity::int END,
            groups = CASE WHEN p_groups = '' THEN g.groups
                ELSE ARRAY (SELECT DISTINCT e COLLATE "C" FROM json_array_elements_text (
                    p_groups::json) AS e ORDER BY 1) END,
            name = CASE WHEN p_name = '' THEN g.name ELSE p_name END,
            --  The last ones: a request is not sent again for ever.
            change_keys = CASE WHEN p_key = '' THEN g.change_keys
                ELSE (p_key || g.change_keys)[1:20] END,
            version = g.version + 1
        WHERE g.app = p_app AND g.user_id = p_user;
    END IF;
    RETURN QUERY SELECT g.body, '200', g.etag FROM get_agent_@V@ (p_app, p_user, p_limit) AS g;
END $$;

--  What became of an offer to an agent. One that lets so many pass in a row is away.
CREATE FUNCTION note_asked_@V@ (p_app text, p_agent text, p_missed boolean, p_away_after bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE agent a SET missed = CASE WHEN p_missed THEN a.missed + 1 ELSE 0 END
    WHERE a.app = p_app AND a.user_id = p_agent AND (p_missed OR a.missed > 0);
    UPDATE agent a
    SET state = 0, why = 'missed', changed_at = now (), version = a.version + 1
    WHERE a.app = p_app AND a.user_id = p_agent AND p_missed AND a.state <> 0
        AND p_away_after > 0 AND a.missed >= p_away_after;
END $$;

-- ---------------------------------------------------------------------------------------------
--  The queue

--  Those for whom somebody is sought, or whom somebody is offered: each with its place among those
--  who want the same (none while it is offered), and for how long it may still wait.
CREATE FUNCTION queue_@V@ (p_app text)
RETURNS TABLE (session text, version bigint, role smallint, target text, since timestamptz,
               place bigint, expected_ms bigint, offered_to text, offer_until timestamptz,
               told_at timestamptz)
LANGUAGE sql STABLE SET enable_seqscan = off SET jit = off AS $$
    SELECT w.session, w.control_seq, w.control_role, w.waiting_for, w.waiting_since, w.place,
           CASE WHEN p.count > 2 AND p.mean_ms > 0 THEN w.place * p.mean_ms END,
           w.offered_to, w.offer_until, w.told_at
    FROM (SELECT o.*, CASE WHEN o.waiting_for IS NOT NULL THEN row_number () OVER (
                     PARTITION BY o.waiting_for ORDER BY o.waiting_since, o.session) END AS place
          FROM session o
          WHERE o.app = p_app AND o.waiting_since IS NOT NULL AND o.closed_at IS NULL) AS w
    LEFT JOIN queue_pace p ON p.app = p_app AND p.target = w.waiting_for
$$;

--  A page of the queue, those who wait longest first. p_target: only those for whom this is sought.
CREATE FUNCTION list_queue_@V@ (
    p_app text, p_target text, p_backward boolean, p_at text, p_behind text, p_most bigint)
RETURNS TABLE (items text, first text, last text, more text) LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    v_rows json[];
    v_positions json[];
    v_at timestamptz := timestamptz 'epoch' + nullif (p_at, '')::bigint * interval '1 us';
BEGIN
    SELECT array_agg (c.row ORDER BY c.n), array_agg (c.position ORDER BY c.n)
    INTO v_rows, v_positions
    FROM (
        SELECT json_build_object (
                'sessionId', substr (q.session, length (p_app) + 2), 'target', q.target,
                'waitingSince', api_time_@V@ (q.since),
                'waitedSeconds', greatest (extract (epoch FROM now () - q.since), 0)::bigint,
                'place', q.place, 'expectedSeconds', (q.expected_ms + 999) / 1000,
                'offeredTo', nullif (q.offered_to, ''),
                'offeredUntil', api_time_@V@ (q.offer_until)) AS row,
            json_build_array ((extract (epoch FROM q.since) * 1000000)::bigint::text, q.session)
                AS position, q.n
        FROM (
            SELECT w.*, row_number () OVER (ORDER BY CASE WHEN p_backward THEN w.since END DESC,
                CASE WHEN p_backward THEN w.session END DESC, w.since, w.session) AS n
            FROM queue_@V@ (p_app) AS w
            WHERE p_target IN ('', w.target)
                AND (p_at = '' OR CASE WHEN p_backward
                    THEN (w.since, w.session) < (v_at, p_behind)
                    ELSE (w.since, w.session) > (v_at, p_behind) END)
            ORDER BY n LIMIT p_most + 1) AS q) AS c;
    RETURN QUERY SELECT * FROM list_page_@V@ (
        coalesce (v_rows, '{}'), coalesce (v_positions, '{}'), p_most, p_backward);
END $$;

--  Visitors who are to be told their place now, and were not told for so long: those whom nobody
--  answers meanwhile, and for whom neither somebody nor nobody was just found. p_timed: only those
--  whose time is known. Whoever is returned is told by whoever asks.
CREATE FUNCTION queue_notices_@V@ (
    p_app text, p_every_ms bigint, p_timed boolean, p_most bigint)
RETURNS TABLE (session text, version bigint, place bigint, expected_ms bigint)
LANGUAGE plpgsql ROWS 100 SET plan_cache_mode = force_custom_plan SET jit = off AS $$
BEGIN
    RETURN QUERY
    WITH due AS MATERIALIZED (
        SELECT q.session, q.version, q.place, q.expected_ms FROM queue_@V@ (p_app) AS q
        WHERE q.role = 5 AND q.target IS NOT NULL
            AND (NOT p_timed OR q.expected_ms IS NOT NULL)
            AND (q.told_at IS NULL OR q.told_at < now () - p_every_ms * interval '1 ms')
        ORDER BY q.since, q.session LIMIT p_most),
    mine AS MATERIALIZED (
        SELECT s.session FROM session s JOIN due d ON d.session = s.session
        WHERE s.control_seq = d.version
            AND (s.reserved_until > clock_timestamp () AND s.reserved_seq = s.control_seq)
                IS NOT TRUE
            AND (s.told_at IS NULL OR s.told_at < now () - p_every_ms * interval '1 ms')
        FOR NO KEY UPDATE OF s SKIP LOCKED),
    told AS (
        UPDATE session s SET told_at = now () FROM mine m WHERE s.session = m.session
        RETURNING s.session)
    SELECT d.* FROM due d JOIN told t ON t.session = d.session ORDER BY d.place;
END $$;

-- ---------------------------------------------------------------------------------------------
--  Matching

--  The apps in which somebody waits, at most so many, and how many of them and for how long: one
--  look at an index when nobody does. Those with the one who waits longest come first.
CREATE FUNCTION apps_waiting_@V@ (p_most bigint)
RETURNS TABLE (app text, waiting bigint, oldest_ms bigint) LANGUAGE sql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET jit = off AS $$
    WITH RECURSIVE a (app) AS (
        (SELECT s.app FROM session s WHERE s.waiting_since IS NOT NULL AND s.closed_at IS NULL
         ORDER BY s.app, s.waiting_for, s.waiting_since LIMIT 1)
        UNION ALL
        SELECT (SELECT s.app FROM session s
                WHERE s.waiting_since IS NOT NULL AND s.closed_at IS NULL AND s.app > a.app
                ORDER BY s.app, s.waiting_for, s.waiting_since LIMIT 1)
        FROM a WHERE a.app IS NOT NULL)
    SELECT a.app, w.count, w.oldest_ms
    FROM a, LATERAL (
        SELECT count (*) AS count,
               (extract (epoch FROM clock_timestamp () - min (s.waiting_since)) * 1000)::bigint
                   AS oldest_ms
        FROM session s
        WHERE s.app = a.app AND s.waiting_since IS NOT NULL AND s.closed_at IS NULL) AS w
    WHERE a.app IS NOT NULL ORDER BY w.oldest_ms DESC, a.app LIMIT p_most
$$;

--  Somebody was found for those who wanted these, and had waited since then. Who did not have to
--  wait says nothing of how long a queue takes.
CREATE FUNCTION note_pace_@V@ (p_app text, p_targets text[], p_since timestamptz[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO queue_pace (app, target, found_at)
    SELECT p_app, f.target, min (f.since) FROM unnest (p_targets, p_since) AS f (target, since)
    GROUP BY f.target ON CONFLICT DO NOTHING;
    UPDATE queue_pace p
    SET found_at = clock_timestamp (), count = p.count + f.n,
        mean_ms = CASE WHEN f.since > clock_timestamp () - interval '2 s' THEN p.mean_ms
            WHEN p.mean_ms = 0 THEN t.took_ms ELSE (p.mean_ms * 4 + t.took_ms) / 5 END
    FROM (SELECT w.target, count (*) AS n, min (w.since) AS since
          FROM unnest (p_targets, p_since) AS w (target, since) GROUP BY w.target) AS f
    JOIN queue_pace b ON b.app = p_app AND b.target = f.target,
    LATERAL (SELECT greatest (extract (epoch FROM clock_timestamp ()
        - greatest (b.found_at, f.since)) * 1000 / f.n, 1)::bigint AS took_ms) AS t
    WHERE p.app = p_app AND p.target = f.target;
    DELETE FROM queue_pace p
    WHERE p.app = p_app AND p.found_at < clock_timestamp () - interval '30 days';
END $$;

--  Finds agents for an app's visitors who wait, the one who waits longest first, and reserves them
--  for 10 s: a session is offered to its agent by an append, or the reservation ends by itself.
--  Of the available agents of the target those with room count who were not asked for this offer
--  before; first the one who answered it last (until p_last_ms after), then by turns, or whoever
--  has least to do (p_least). Returns sessions with their agent; with an empty one: nobody of the
--  target could take it. One transaction finds at a time for an app, so that nobody gets more than
--  its capacity, wherever it is asked for.
CREATE FUNCTION match_@V@ (p_app text, p_least boolean, p_last_ms bigint, p_most bigint)
RETURNS TABLE (session text, agent text, version bigint, target text) LANGUAGE plpgsql ROWS 100
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET jit = off AS $$
DECLARE
    v_now timestamptz;
    v_users text[];
    v_spare bigint[];
    v_load bigint[];
    v_turn timestamptz[];
    v_found text[] := '{}';
    v_targets text[] := '{}';
    v_since timestamptz[] := '{}';
    --  Of targets: those of v_users that are of them, as an array's text; is there no room left?
    v_names text[] := '{}';
    v_of text[] := '{}';
    v_full boolean[] := '{}';
    v_place int;
    v_at bigint;
    v_left bigint := p_most;
    s record;
BEGIN
    PERFORM pg_advisory_xact_lock (7365747, hashtext (p_app));
    v_now := clock_timestamp ();
    SELECT array_agg (a.user_id ORDER BY a.user_id),
           array_agg (a.capacity - l.sessions - l.offers ORDER BY a.user_id),
           array_agg (l.sessions + l.offers ORDER BY a.user_id),
           array_agg (coalesce (a.offered_at, '-infinity') ORDER BY a.user_id)
    INTO v_users, v_spare, v_load, v_turn
    FROM agent a, agent_loads_@V@ (p_app, ARRAY (
        SELECT g.user_id FROM agent g WHERE g.app = p_app AND g.state = 1)) AS l
    WHERE a.app = p_app AND a.state = 1 AND a.user_id = l.user_id;
    FOR s IN
        WITH RECURSIVE wanted (target) AS (
            (SELECT o.waiting_for FROM session o
             WHERE o.app = p_app AND o.waiting_since IS NOT NULL AND o.closed_at IS NULL
                 AND o.waiting_for > ''
             ORDER BY o.waiting_for LIMIT 1)
            UNION ALL
            SELECT (SELECT o.waiting_for FROM session o
                    WHERE o.app = p_app AND o.waiting_since IS NOT NULL
                        AND o.closed_at IS NULL AND o.waiting_for > w.target
                    ORDER BY o.waiting_for LIMIT 1)
            FROM wanted w WHERE w.target IS NOT NULL)
        SELECT c.* FROM wanted w, LATERAL (
            SELECT o.session, o.control_seq, o.control_role, o.control_user, o.waiting_for,
                   o.waiting_since, o.tried, o.last_agent, o.last_agent_at
            FROM session o
            WHERE o.app = p_app AND o.waiting_for = w.target AND o.waiting_since IS NOT NULL
                AND o.closed_at IS NULL AND o.offered_to = ''
                AND (o.reserved_until > v_now AND o.reserved_seq = o.control_seq) IS NOT TRUE
            ORDER BY o.waiting_since, o.session LIMIT p_most) AS c
        WHERE w.target IS NOT NULL ORDER BY c.waiting_since, c.session
    LOOP
        EXIT WHEN v_left = 0;
        v_place := array_position (v_names, s.waiting_for);
        IF v_place IS NULL THEN
            v_names := v_names || s.waiting_for;
            v_place := cardinality (v_names);
            v_full[v_place] := false;
            v_of[v_place] := ARRAY (
                SELECT u.n FROM unnest (v_users) WITH ORDINALITY AS u (id, n)
                JOIN agent a ON a.app = p_app AND a.user_id = u.id
                WHERE CASE WHEN s.waiting_for LIKE 'agent:%' THEN u.id = substr (s.waiting_for, 7)
                      ELSE substr (s.waiting_for, 7) = ANY (a.groups) END)::text;
        END IF;
        CONTINUE WHEN v_full[v_place] AND s.tried = '{}';
        v_at := NULL;
        SELECT u.n INTO v_at FROM unnest (v_of[v_place]::bigint[]) AS u (n)
        WHERE v_users[u.n] <> ALL (s.tried)
            AND NOT (s.control_role = 2 AND s.control_user = v_users[u.n])
        --  Who has no room comes last: it may have some later.
        ORDER BY v_spare[u.n] > 0 DESC,
            (v_users[u.n] = s.last_agent
             AND s.last_agent_at > v_now - p_last_ms * interval '1 ms') IS TRUE DESC,
            CASE WHEN p_least THEN v_load[u.n] END, v_turn[u.n], v_users[u.n]
        LIMIT 1;
        agent := v_users[v_at];
        IF v_spare[v_at] <= 0 THEN
            v_full[v_place] := v_full[v_place] OR s.tried = '{}' AND s.control_role <> 2;
            CONTINUE;
        END IF;
        --  An append has it just now: at the next time.
        PERFORM FROM session o WHERE o.session = s.session AND o.control_seq = s.control_seq
            FOR NO KEY UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        UPDATE session o
        SET reserved_for = coalesce (agent, ''), reserved_until = v_now + interval '10 s',
            reserved_seq = s.control_seq
        WHERE o.session = s.session;
        v_left := v_left - 1;
        IF agent IS NOT NULL THEN
            v_spare[v_at] := v_spare[v_at] - 1;
            v_load[v_at] := v_load[v_at] + 1;
            --  Each later than the one before, whatever the clock's steps.
            v_turn[v_at] := v_now + cardinality (v_found) * interval '1 us';
            v_found := v_found || agent;
            v_targets := v_targets || s.waiting_for;
            v_since := v_since || s.waiting_since;
        END IF;
        session := s.session;
        version := s.control_seq;
        target := s.waiting_for;
        agent := coalesce (agent, '');
        RETURN NEXT;
    END LOOP;
    IF v_found = '{}' THEN
        RETURN;
    END IF;
    PERFORM note_pace_@V@ (p_app, v_targets, v_since);
    --  In the order in which all others lock agents.
    PERFORM FROM agent a WHERE a.app = p_app AND a.user_id = ANY (v_found)
        ORDER BY a.user_id FOR NO KEY UPDATE;
    UPDATE agent a SET offered_at = u.turn
    FROM unnest (v_users, v_turn) AS u (id, turn)
    WHERE a.app = p_app AND a.user_id = u.id AND u.id = ANY (v_found);
END $$;
