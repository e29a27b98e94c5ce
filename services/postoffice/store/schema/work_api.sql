-- ---------------------------------------------------------------------------------------------
--  What the HTTP API lists and changes outside of sessions

--  An item as people see it: no secret, and no body.
CREATE FUNCTION work_json_@V@ (w work_item) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object (
        'itemId', w.item, 'kind', (ARRAY['turn', 'delivery', 'timer'])[w.kind],
        'state', (ARRAY['ready', 'leased', 'done', 'dead', 'cancelled'])[w.state + 1],
        'topic', w.topic, 'sessionId', substr (w.session, length (w.app) + 2),
        'userId', nullif (w.user_id, ''), 'seq', w.seq, 'attempts', w.attempts,
        'replays', w.replays, 'lost', w.unreported,
        'destination', nullif (w.destination, ''),
        'createdAt', api_time_@V@ (w.created_at),
        'nextAt', CASE WHEN w.state = 0 THEN api_time_@V@ (w.next_at) END,
        'finishedAt', api_time_@V@ (w.finished_at),
        'detail', w.detail)
$$;

--  A body as people see it: whoever has the address by which an alert is acknowledged may do so,
--  and it is its addressee's. Its last part goes wherever it stands, in the words of the rule,
--  too. (By its text: json does not give out all that it takes, such as \u0000. In the texts of
--  people a quote has a backslash before it.)
CREATE FUNCTION shown_body_@V@ (p_body text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN t.token IS NULL THEN p_body ELSE replace (p_body, t.token, '…') END
    FROM (SELECT substring (p_body FROM '"link": ?"[^"\\]*/alerts/([^"/\\]+)"') AS token) AS t
$$;

--  One item with its body and its attempts; no row: there is none. (The body as it is: jsonb does
--  not take all that JSON has, such as \u0000.)
CREATE FUNCTION get_work_@V@ (p_app text, p_item text) RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT rtrim (work_json_@V@ (w)::text, '}') || ', "body": '
        || CASE WHEN w.body LIKE '{%' THEN shown_body_@V@ (w.body::json::text) ELSE 'null' END
        || ', "tries": ' || (
            SELECT coalesce (jsonb_agg (jsonb_build_object (
                'number', a.number,
                'outcome', (ARRAY['retry', 'leased', 'done', 'dead'])[a.outcome + 1],
                'beganAt', api_time_@V@ (a.began_at), 'endedAt', api_time_@V@ (a.ended_at),
                'tookMs', a.took_ms, 'status', a.status, 'detail', a.detail)
                ORDER BY a.number), '[]')
            FROM work_attempt a WHERE a.item = w.item)::text || '}'
    FROM work_item w WHERE w.item = p_item AND w.app = p_app
$$;

--  Items of an app from behind a position (microseconds and number) on, in this direction, by when
--  they were finished, or else made. Parameters are texts; an empty one does not matter. Each
--  index is followed for at most 10,000 items: a filter that few of them pass ends a page early,
--  and the last position is then that of the last item that was looked at.
CREATE FUNCTION list_work_@V@ (
    p_app text, p_session text, p_state text, p_kind text, p_topic text, p_destination text,
    p_newest boolean, p_backward boolean, p_at text, p_number text, p_limit bigint)
RETURNS TABLE (items text, first text, last text, more text) LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    looked_most CONSTANT bigint := 10000;
    v_state smallint :=
        array_position (ARRAY['ready', 'leased', 'done', 'dead', 'cancelled'], p_state) - 1;
    v_kind smallint := array_position (ARRAY['turn', 'delivery', 'timer'], p_kind);
    v_falls boolean := p_newest <> p_backward;
    v_op text := CASE WHEN v_falls THEN '<' ELSE '>' END;
    v_order text := CASE WHEN v_falls THEN 'DESC' ELSE 'ASC' END;
    v_at timestamptz := CASE
        WHEN p_at <> '' THEN timestamptz 'epoch' + p_at::bigint * interval '1 us'
        WHEN v_falls THEN 'infinity' ELSE '-infinity' END;
    v_number bigint := CASE WHEN p_number <> '' THEN p_number::bigint ELSE 0 END;
    v_column text;
    v_where text;
    v_base text;
    v_rows work_item[];
    v_found work_item[] := '{}';
    v_end_at timestamptz := CASE WHEN v_falls THEN '-infinity' ELSE 'infinity' END;
    v_end_number bigint := 0;
    v_stop record;
    v_stops boolean := false;
BEGIN
    --  What is finished; deliveries that are not, or all that is open of one session; turns.
    FOR v_column, v_where IN
        SELECT 'finished_at', CASE WHEN v_state = 3 THEN 'w.state = 3' ELSE 'w.state > 1' END
                              || ' AND w.app = $1'
        WHERE v_state IS NULL OR v_state > 1
        UNION ALL
        SELECT 'created_at', CASE WHEN p_session = ''
                             THEN 'w.kind = 2 AND w.state < 2 AND w.app = $1'
                             ELSE 'w.kind > 1 AND w.state < 2 AND w.session = $4' END
        WHERE v_state IS NULL OR v_state < 2
        UNION ALL
        SELECT 'created_at', CASE WHEN p_session = ''
                             THEN 'w.kind = 1 AND w.state < 2 AND w.session >= $1 || ''/'''
                                  || ' AND w.session < $1 || ''0'''
                             ELSE 'w.kind = 1 AND w.state < 2 AND w.session = $4' END
        WHERE v_state IS NULL OR v_state < 2
    LOOP
        v_base := format ('SELECT w AS item, w.%I AS at, w.number FROM work_item w'
                          ' WHERE %s AND (w.%I, w.number) %s ($2, $3)'
                          ' ORDER BY w.%I %s, w.number %s LIMIT %s',
                          v_column, v_where, v_column, v_op, v_column, v_order, v_order,
                          looked_most);
        EXECUTE format (
            'SELECT array_agg (f.item) FROM (SELECT b.item FROM (%s) b'
            ' WHERE ($4 = '''' OR (b.item).session = $4) AND ($5 IS NULL OR (b.item).state = $5)'
            ' AND (b.item).kind = coalesce ($6,'
            '  CASE WHEN (b.item).kind < 3 THEN (b.item).kind END)'
            ' AND ($7 = '''' OR (b.item).topic = $7)'
            ' AND ($9 = '''' OR (b.item).destination = $9) LIMIT $8 + 1) f', v_base)
        INTO v_rows
        USING p_app, v_at, v_number, p_session, v_state, v_kind, p_topic, p_limit,
            p_destination;
        v_found := v_found || coalesce (v_rows, '{}');
        CONTINUE WHEN coalesce (cardinality (v_rows), 0) > p_limit;
        --  It found less than it may: has it looked at all there is?
        EXECUTE format ('SELECT b.at, b.number FROM (%s) b OFFSET $5 - 1', v_base)
        INTO v_stop USING p_app, v_at, v_number, p_session, looked_most;
        CONTINUE WHEN v_stop.at IS NULL;
        v_stops := true;
        --  (In brackets: else plpgsql takes the first THEN for its own.)
        IF (CASE WHEN v_falls THEN (v_stop.at, v_stop.number) > (v_end_at, v_end_number)
            ELSE (v_stop.at, v_stop.number) < (v_end_at, v_end_number) END) THEN
            v_end_at := v_stop.at;
            v_end_number := v_stop.number;
        END IF;
    END LOOP;

    RETURN QUERY
    WITH found AS (
        SELECT f AS item, coalesce (f.finished_at, f.created_at) AS at, f.number
        FROM unnest (v_found) AS f),
    counted AS (
        SELECT c.*, row_number () OVER (
            ORDER BY CASE WHEN v_falls THEN c.at END DESC,
                     CASE WHEN v_falls THEN c.number END DESC, c.at, c.number) AS place
        FROM found c
        WHERE NOT v_stops
            OR CASE WHEN v_falls THEN (c.at, c.number) >= (v_end_at, v_end_number)
               ELSE (c.at, c.number) <= (v_end_at, v_end_number) END),
    page AS (SELECT c.* FROM counted c WHERE c.place <= p_limit),
    ends AS (
        SELECT min (p.place) AS low, max (p.place) AS high,
               (SELECT count (*) FROM counted) > p_limit AS is_full FROM page p),
    --  The direction of reading turned into that of the list.
    marks AS (
        SELECT (SELECT array[(extract (epoch FROM p.at) * 1000000)::bigint::text, p.number::text]
                FROM page p WHERE p.place = e.low) AS near,
               CASE WHEN v_stops AND NOT e.is_full
               THEN array[(extract (epoch FROM v_end_at) * 1000000)::bigint::text,
                          v_end_number::text]
               ELSE (SELECT array[(extract (epoch FROM p.at) * 1000000)::bigint::text,
                                  p.number::text]
                     FROM page p WHERE p.place = e.high) END AS far,
               e.is_full OR v_stops AS more
        FROM ends e)
    SELECT (SELECT coalesce (jsonb_agg (work_json_@V@ (p.item) ORDER BY
                CASE WHEN p_backward THEN -p.place ELSE p.place END), '[]') FROM page p)::text,
           to_json (CASE WHEN p_backward THEN m.far ELSE m.near END)::text,
           to_json (CASE WHEN p_backward THEN m.near ELSE m.far END)::text,
           CASE WHEN m.more THEN 't' ELSE 'f' END
    FROM marks m;
END $$;

--  Replays or drops an item, once for each key. Returns the item, or why not, and the status of
--  HTTP; no row: there is none. A delivery that is replayed goes behind what is open of its lane,
--  and waits for a second: an append that does not know of it yet may lease another one of the
--  lane.
CREATE FUNCTION change_work_@V@ (p_app text, p_item text, p_what text, p_key text)
RETURNS TABLE (body text, status text) LANGUAGE plpgsql AS $$
DECLARE
    w work_item;
    v_key text := p_what || ':' || p_key;
    v_state text;
BEGIN
    SELECT * INTO w FROM work_item i WHERE i.item = p_item AND i.app = p_app FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    v_state := (ARRAY['ready', 'leased', 'done', 'dead', 'cancelled'])[w.state + 1];
    IF p_key <> '' AND v_key = ANY (w.change_keys) THEN
        status := '200';
    ELSIF w.kind = 3 THEN
        body := 'A timer is the router''s own';
    ELSIF w.kind = 1 AND p_what = 'replay' THEN
        body := 'A question belongs to its session: it is asked again by saying it again';
    ELSIF p_what = 'replay' AND EXISTS (
        SELECT FROM erasure_session x
        WHERE x.app = p_app AND x.session_key = w.session AND x.is_own) THEN
        body := 'The data of the item''s visitor are being erased';
    ELSIF p_what = 'replay' AND w.state NOT IN (3, 4) THEN
        body := 'The item is ' || v_state || ': only dead and cancelled ones are replayed';
    ELSIF p_what = 'drop' AND w.state NOT IN (0, 3) THEN
        body := 'The item is ' || v_state || ': only ready and dead ones are dropped';
    ELSIF p_what = 'replay' THEN
        UPDATE work_item i
        SET state = 0, number = DEFAULT, holder = NULL, finished_at = NULL,
            replays = i.replays + 1,
            next_at = CASE WHEN i.lane IS NULL THEN now () ELSE now () + interval '1 s' END
        WHERE i.item = p_item RETURNING * INTO w;
        status := '200';
    ELSE
        UPDATE work_item i
        SET state = 4, holder = NULL, secret = NULL,
            finished_at = coalesce (i.finished_at, now ()),
            detail = CASE WHEN i.state = 0 THEN 'dropped' ELSE i.detail END
        WHERE i.item = p_item RETURNING * INTO w;
        status := '200';
    END IF;
    IF status IS NULL THEN
        status := '409';
        RETURN NEXT;
        RETURN;
    END IF;
    --  The last ones: a request is not sent again for ever.
    IF p_key <> '' AND v_key <> ALL (w.change_keys) THEN
        UPDATE work_item i SET change_keys = (v_key || i.change_keys)[1:20] WHERE i.item = p_item;
    END IF;
    body := work_json_@V@ (w)::text;
    RETURN NEXT;
END $$;

--  How far an order to erase is; no row: nothing is ordered.
CREATE FUNCTION get_erasure_@V@ (p_app text, p_user text) RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT json_build_object (
        'userId', e.user_id, 'state', CASE e.state WHEN 4 THEN 'done' ELSE 'running' END,
        'askedAt', api_time_@V@ (e.asked_at), 'finishedAt', api_time_@V@ (e.finished_at),
        'sessions', e.sessions, 'entries', e.entries, 'workItems', e.items)::text
    FROM erasure e WHERE e.app = p_app AND e.user_id = p_user
$$;

--  Orders that the visitor's data be erased, once for each key. An order that is under way begins
--  again: the visitor may have come back meanwhile.
CREATE FUNCTION order_erasure_@V@ (p_app text, p_user text, p_key text)
RETURNS TABLE (body text, status text) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO erasure AS old (app, user_id, key) VALUES (p_app, p_user, p_key)
    ON CONFLICT (app, user_id) DO UPDATE
        SET state = 0, key = EXCLUDED.key, asked_at = now (), finished_at = NULL,
            sessions = CASE WHEN old.state = 4 THEN 0 ELSE old.sessions END,
            entries = CASE WHEN old.state = 4 THEN 0 ELSE old.entries END,
            items = CASE WHEN old.state = 4 THEN 0 ELSE old.items END
        WHERE EXCLUDED.key = '' OR old.key <> EXCLUDED.key;
    RETURN QUERY SELECT e, '202' FROM get_erasure_@V@ (p_app, p_user) AS e;
END $$;

--  All that is stored about a visitor, as lines of JSON, from behind a position on: a session and a
--  seq of it. A piece has about 500 entries, or 256 KiB. Returns the lines, and the position at
--  which the next piece begins; an empty one: there is none. The visitor's own entries are all
--  there; of others those of these events that are not hidden, and only in its own sessions.
--  p_names has the events' names by their numbers.
CREATE FUNCTION export_visitor_@V@ (
    p_app text, p_user text, p_session text, p_seq bigint, p_events bigint, p_names json)
RETURNS TABLE (lines text, next_session text, next_seq bigint) LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off AS $$
DECLARE
    entries_most CONSTANT bigint := 500;
    bytes_most CONSTANT bigint := 256 * 1024;
    sessions_most CONSTANT bigint := 200;
    v_lines text[] := '{}';
    v_left bigint := entries_most;
    v_bytes bigint := 0;
    v_count bigint := 0;
    v_seq bigint;
    s record;
    e record;
BEGIN
    IF p_session = '' THEN
        v_lines := v_lines || json_build_object (
            'type', 'visitor', 'appId', p_app, 'userId', p_user, 'lastSessionId', (
                SELECT substr (a.session, length (p_app) + 2) FROM last_session a
                WHERE a.app = p_app AND a.user_id = p_user AND a.role = 1))::text;
    END IF;
    next_session := '';
    next_seq := 0;
    FOR s IN
        SELECT t.*, substr (t.session, length (p_app) + 2) AS id FROM (
            SELECT o.session, o.day, o.created_at, o.closed_at, true AS is_own FROM session o
            WHERE o.app = p_app AND o.visitor = p_user
            UNION ALL
            SELECT o.session, o.day, o.created_at, o.closed_at, false FROM participant p
            JOIN session o ON o.session = p.session
            WHERE p.role = 1 AND p.user_id = p_user AND o.app = p_app AND o.visitor <> p_user) t
        WHERE t.session COLLATE "C" >= p_session ORDER BY t.session COLLATE "C"
    LOOP
        IF v_count = sessions_most OR v_left = 0 OR v_bytes >= bytes_most THEN
            next_session := s.session;
            next_seq := -1;
            EXIT;
        END IF;
        v_count := v_count + 1;
        v_seq := CASE WHEN s.session = p_session THEN p_seq ELSE -1 END;
        IF v_seq < 0 THEN
            v_lines := v_lines || json_build_object (
                'type', 'session', 'sessionId', s.id, 'isOwn', s.is_own,
                'createdAt', api_time_@V@ (s.created_at),
                'closedAt', api_time_@V@ (s.closed_at))::text
            || ARRAY (
                SELECT json_build_object (
                    'type', 'participant', 'sessionId', s.id,
                    'sender', coalesce (nullif (p.sender, ''), '{}')::json,
                    'info', p.info::json, 'channel', nullif (p.channel, ''), 'externalIds', ARRAY (
                        SELECT x.external_id FROM external_ref x
                        WHERE x.session = s.session AND x.role = 1 AND x.user_id = p_user))::text
                FROM participant p
                WHERE p.session = s.session AND p.role = 1 AND p.user_id = p_user);
        END IF;
        FOR e IN
            SELECT l.seq, json_build_object (
                'type', 'entry', 'sessionId', s.id, 'seq', l.seq, 'messageId', l.message_id,
                'event', p_names ->> l.event::text,
                'time', api_time_@V@ (coalesce (l.stored_at, to_timestamp (l.time_ms / 1000.0))),
                'role', api_role_@V@ (l.role), 'userId', l.user_id,
                'sender', coalesce (nullif (l.sender, ''), '{}')::json,
                'data', l.data::json)::text AS line
            FROM log l
            WHERE l.session = s.session AND l.day = s.day AND l.seq > v_seq
                AND ((l.role = 1 AND l.user_id = p_user)
                     OR (s.is_own AND NOT l.hidden AND (1::bigint << l.event) & p_events <> 0))
            ORDER BY l.seq
        LOOP
            --  Of this session there is more.
            IF v_left = 0 OR v_bytes >= bytes_most THEN
                next_session := s.session;
                next_seq := v_seq;
                EXIT;
            END IF;
            v_lines := v_lines || e.line;
            v_bytes := v_bytes + octet_length (e.line);
            v_left := v_left - 1;
            v_seq := e.seq;
        END LOOP;
        EXIT WHEN next_session <> '';
    END LOOP;
    lines := array_to_string (v_lines, E'\n') || CASE WHEN v_lines <> '{}' THEN E'\n' ELSE '' END;
    RETURN NEXT;
END $$;

--  Replays or drops many deliveries that are dead (or, to be dropped, ready): those of a topic, a
--  destination, a session; an empty text does not matter. At most so many at once, oldest first.
CREATE FUNCTION change_works_@V@ (
    p_app text, p_what text, p_state text, p_topic text, p_destination text, p_session text,
    p_limit bigint)
RETURNS TABLE (body text, status text) LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off AS $$
DECLARE
    v_state smallint := CASE p_state WHEN 'ready' THEN 0 WHEN 'cancelled' THEN 4 ELSE 3 END;
    v_item text;
    n bigint := 0;
BEGIN
    FOR v_item IN
        SELECT w.item FROM work_item w
        WHERE w.app = p_app AND w.kind = 2 AND w.state = v_state
            AND (p_topic = '' OR w.topic = p_topic)
            AND (p_destination = '' OR w.destination = p_destination)
            AND (p_session = '' OR w.session = p_session)
        ORDER BY w.number LIMIT p_limit + 1
    LOOP
        EXIT WHEN n = p_limit;
        IF (SELECT c.status FROM change_work_@V@ (p_app, v_item, p_what, '') AS c) = '200' THEN
            n := n + 1;
        END IF;
    END LOOP;
    body := json_build_object ('changed', n, 'more', n = p_limit)::text;
    status := '200';
    RETURN NEXT;
END $$;

--  Destinations of an app that something was reported of, by name, from behind one on.
CREATE FUNCTION destination_json_@V@ (d destination) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object (
        'destination', d.name,
        'state', CASE WHEN d.disabled THEN 'disabled' WHEN d.failures > 0 THEN 'failing'
            WHEN d.paused_until > now () THEN 'paused' ELSE 'well' END,
        'failures', d.failures, 'reason', d.reason,
        'pausedUntil', CASE WHEN d.paused_until > now ()
            THEN api_time_@V@ (d.paused_until) END,
        'failedAt', api_time_@V@ (d.failed_at), 'changedAt', api_time_@V@ (d.changed_at),
        'waiting', (SELECT count (*) FROM (
            SELECT FROM work_item w
            WHERE w.app = d.app AND w.kind = 2 AND w.state < 2 AND w.destination = d.name
            LIMIT 1000) AS w))
$$;

CREATE FUNCTION list_destinations_@V@ (
    p_app text, p_backward boolean, p_name text, p_limit bigint)
RETURNS TABLE (items text, first text, last text, more text) LANGUAGE sql STABLE AS $$
    WITH found AS (
        SELECT d FROM destination d
        WHERE d.app = p_app
            AND (p_name = '' OR CASE WHEN p_backward THEN d.name < p_name ELSE d.name > p_name END)
        ORDER BY CASE WHEN p_backward THEN d.name END DESC, d.name LIMIT p_limit + 1),
    page AS (
        SELECT (f.d).name, destination_json_@V@ (f.d) AS item FROM found f
        ORDER BY CASE WHEN p_backward THEN (f.d).name END DESC, (f.d).name LIMIT p_limit)
    SELECT (SELECT coalesce (jsonb_agg (p.item ORDER BY p.name), '[]') FROM page p)::text,
           (SELECT json_build_array (min (p.name))::text FROM page p HAVING count (*) > 0),
           (SELECT json_build_array (max (p.name))::text FROM page p HAVING count (*) > 0),
           CASE WHEN (SELECT count (*) FROM found) > p_limit THEN 't' ELSE 'f' END
$$;

--  It takes items again from now on, whatever was reported of it.
CREATE FUNCTION enable_destination_@V@ (p_app text, p_name text)
RETURNS TABLE (body text, status text) LANGUAGE sql AS $$
    UPDATE destination d
    SET disabled = false, failures = 0, openings = 0, paused_until = NULL, probed_until = NULL,
        reason = '', changed_at = now ()
    WHERE d.name = p_name AND d.app = p_app
    RETURNING destination_json_@V@ (d)::text, '200';
$$;
