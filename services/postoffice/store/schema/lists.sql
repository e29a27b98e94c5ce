
--  What the HTTP API lists. See functions.sql.

--  A time as RFC 3339 has it; a role's name.
CREATE FUNCTION api_time_@V@ (p_at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char (p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
$$;
CREATE FUNCTION api_role_@V@ (p_role int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT (ARRAY['visitor', 'agent', 'bot', 'platform', 'router', 'api'])[p_role];
$$;

--  Who is in control of a session; and the offer, if there is one, which is not for visitors.
CREATE FUNCTION session_control_@V@ (s session) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_strip_nulls (json_build_object (
        'role', api_role_@V@ (s.control_role), 'userId', nullif (s.control_user, ''),
        'version', s.control_seq, 'since', api_time_@V@ (s.control_at)));
$$;
CREATE FUNCTION session_offer_@V@ (s session) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN s.offer <> '' THEN json_strip_nulls (json_build_object (
        'targets', s.offer::json -> 'targets', 'step', s.offer::json -> 'step',
        'why', s.offer::json -> 'why', 'by', s.offer::json -> 'by',
        'since', api_time_@V@ (s.waiting_since), 'offeredTo', nullif (s.offered_to, ''),
        'until', api_time_@V@ (s.offer_until))) END;
$$;

--  What lists say of the sessions' logs, in this order: the last seq and its time; when something
--  happened last (that a session is closed, as nobody is there, is no activity); and whether the
--  visitor said the last word, as load_session has it. Day by day: a plan for one day knows its
--  partition, and is soon made.
CREATE FUNCTION log_ends_@V@ (p_sessions text[], p_days date[])
RETURNS TABLE (place bigint, seq bigint, at timestamptz, active_at timestamptz, waits boolean)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    v_day date;
BEGIN
    FOR v_day IN SELECT DISTINCT d FROM unnest (p_days) AS d LOOP
        RETURN QUERY
        SELECT c.place, l.seq, coalesce (l.stored_at, to_timestamp (l.time_ms / 1000.0)),
               coalesce (a.stored_at, to_timestamp (a.time_ms / 1000.0)), m.role = 1
        FROM unnest (p_sessions, p_days) WITH ORDINALITY AS c (session, day, place)
        LEFT JOIN LATERAL (
            SELECT e.seq, e.stored_at, e.time_ms FROM log e
            WHERE e.session = c.session AND e.day = v_day
            ORDER BY e.seq DESC LIMIT 1) AS l ON true
        LEFT JOIN LATERAL (
            SELECT e.stored_at, e.time_ms FROM log e
            WHERE e.session = c.session AND e.day = v_day AND e.event <> 8
            ORDER BY e.seq DESC LIMIT 1) AS a ON true
        LEFT JOIN LATERAL (
            SELECT e.role FROM log e
            WHERE e.session = c.session AND e.day = v_day AND e.event IN (3, 7)
                AND e.role <> 6 AND NOT (e.role = 1 AND e.hidden)
                AND NOT (e.role = 3 AND e.user_id = 'notice')
            ORDER BY e.seq DESC LIMIT 1) AS m ON true
        WHERE c.day = v_day;
    END LOOP;
END $$;

--  The sessions as a list shows them, in this order. Planned once for a connection: whatever is
--  asked for, it is found by primary keys. Who is present stands there as in the feed (feed_row.h):
--  at most 50.
CREATE FUNCTION session_rows_@V@ (p_sessions text[], p_days date[], p_offers boolean)
RETURNS json[]
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    RETURN ARRAY (
        SELECT json_build_object (
            'sessionId', substr (s.session, length (s.app) + 2), 'appId', s.app,
            'visitor', s.visitor, 'createdAt', api_time_@V@ (s.created_at),
            'state', CASE WHEN s.closed_at IS NULL THEN 'open' ELSE 'closed' END,
            'closedAt', api_time_@V@ (s.closed_at),
            'lastSeq', coalesce (l.seq, 0), 'lastAt', api_time_@V@ (l.at),
            'lastActivity', api_time_@V@ (coalesce (l.active_at, s.created_at)),
            'control', session_control_@V@ (s),
            'offer', CASE WHEN p_offers THEN session_offer_@V@ (s) END,
            'waiting', coalesce (l.waits, false),
            'participants', coalesce (q.list, '[]'::json),
            'presentCount', coalesce (q.count, 0))
        FROM log_ends_@V@ (p_sessions, p_days) AS l
        JOIN session s ON s.session = p_sessions[l.place]
        LEFT JOIN LATERAL (
            SELECT json_agg (json_build_object (
                'role', api_role_@V@ (o.role), 'userId', o.user_id, 'present', true)
                ORDER BY o.role, o.user_id) FILTER (WHERE o.place <= 50) AS list,
                count (*) AS count
            FROM (SELECT p.role, p.user_id,
                         row_number () OVER (ORDER BY p.role, p.user_id) AS place
                  FROM participant p WHERE p.session = s.session AND p.present) AS o)
            AS q ON true
        ORDER BY l.place);
END $$;

--  What the answer to a list has of rows that were read, and their positions: in the order of the
--  list, though they were read from behind (p_backward).
CREATE FUNCTION list_page_@V@ (
    p_rows json[], p_positions json[], p_limit bigint, p_backward boolean)
RETURNS TABLE (items text, first text, last text, more text) LANGUAGE plpgsql IMMUTABLE
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
    SELECT coalesce (json_agg (r.row ORDER BY CASE WHEN p_backward THEN -r.n ELSE r.n END)
                     FILTER (WHERE r.row IS NOT NULL), '[]')::text,
           coalesce (p_positions[CASE WHEN p_backward THEN count (*) ELSE 1 END]::text, ''),
           coalesce (p_positions[CASE WHEN p_backward THEN 1 ELSE count (*) END]::text, ''),
           CASE WHEN cardinality (p_positions) > p_limit THEN 't' ELSE 'f' END
    FROM unnest (p_rows[:p_limit]) WITH ORDINALITY AS r (row, n);
END $$;

--  A page of sessions: p_limit of them behind a position (before it: p_backward), in the order of
--  the list. p_visitor: only this visitor's; the others are filters; empty: any. Only what is asked
--  for stands in the statement, so that it is planned for it. The order is by created_at, or by
--  active_at, which is exact to five minutes.
CREATE FUNCTION list_sessions_@V@ (
    p_app text, p_visitor text, p_of_visitor text, p_state text, p_control text, p_agent text,
    p_active_after text, p_active_before text, p_created_after text, p_created_before text,
    p_sort text, p_falls boolean, p_backward boolean, p_at text, p_behind text, p_limit bigint)
RETURNS TABLE (items text, first text, last text, more text) LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    v_active CONSTANT text := 'coalesce (s.active_at, s.created_at)';
    v_key CONSTANT text := CASE p_sort WHEN 'createdAt' THEN 's.created_at' ELSE v_active END;
    v_down CONSTANT boolean := p_falls <> p_backward;
    v_order text := v_key;
    v_where text;
    v_sessions text[];
    v_days date[];
    v_positions json[];
BEGIN
    --  Old sessions by when they were active, and such that are active by when they began, stand
    --  far from each other in the order of the other time: whoever walks along it passes all that
    --  is between. An index cannot be walked along in this form of the key, so they are sorted.
    IF v_key = v_active AND p_falls AND p_created_before <> ''
        OR v_key <> v_active AND NOT p_falls AND p_active_after <> '' THEN
        v_order := v_key || ' + interval ''0''';
    END IF;
    v_where := concat_ws (' AND ', 's.app = $1',
        CASE WHEN p_visitor <> '' THEN 's.visitor = $2' END,
        CASE WHEN p_of_visitor <> '' THEN 's.visitor = $3' END,
        CASE p_state WHEN 'open' THEN 's.closed_at IS NULL'
                     WHEN 'closed' THEN 's.closed_at IS NOT NULL' END,
        CASE WHEN p_control = 'agent' OR p_agent <> '' THEN 's.control_role = 2' END,
        CASE p_control WHEN 'bot' THEN 's.control_role = 3'
                       WHEN 'platform' THEN 's.control_role = 4'
                       WHEN 'router' THEN 's.control_role = 5' END,
        CASE WHEN p_agent <> '' THEN 's.control_user = $4' END,
        CASE WHEN p_active_after <> '' THEN v_active || ' >= $5' END,
        CASE WHEN p_active_before <> ''
            THEN format ('%s < $6 AND s.created_at < $6', v_active) END,
        --  It was not active before it began.
        CASE WHEN p_created_after <> ''
            THEN format ('s.created_at >= $7 AND %s >= $7', v_active) END,
        CASE WHEN p_created_before <> '' THEN 's.created_at < $8' END,
        CASE WHEN p_at <> '' THEN format (
            CASE WHEN v_down THEN '%1$s <= $9 AND (%1$s < $9 OR s.session > $10)'
                 ELSE '%1$s >= $9 AND (%1$s > $9 OR s.session < $10)' END, v_key) END);
    EXECUTE format (
        'SELECT array_agg (c.session), array_agg (c.day), array_agg (json_build_array ('
        '  (extract (epoch FROM c.key) * 1000000)::bigint::text, c.session))'
        ' FROM (SELECT s.session, s.day, %1$s AS key FROM session s'
        '       WHERE %2$s ORDER BY %3$s %4$s LIMIT $11) AS c',
        v_key, v_where, v_order,
        CASE WHEN v_down THEN 'DESC, s.session' ELSE 'ASC, s.session DESC' END)
    INTO v_sessions, v_days, v_positions
    USING p_app, p_visitor, p_of_visitor, p_agent,
        nullif (p_active_after, '')::timestamptz, nullif (p_active_before, '')::timestamptz,
        nullif (p_created_after, '')::timestamptz, nullif (p_created_before, '')::timestamptz,
        timestamptz 'epoch' + nullif (p_at, '')::bigint * interval '1 us', p_behind, p_limit + 1;
    RETURN QUERY SELECT * FROM list_page_@V@ (
        session_rows_@V@ (v_sessions[:p_limit], v_days[:p_limit], p_visitor = ''), v_positions,
        p_limit, p_backward);
END $$;

--  A page of the participants of the app's sessions, by session, role and user. p_visitor: only of
--  this visitor's sessions; the others are filters.
CREATE FUNCTION list_participants_@V@ (
    p_app text, p_visitor text, p_session text, p_user text, p_role text, p_present text,
    p_backward boolean, p_at text, p_at_role text, p_at_user text, p_limit bigint)
RETURNS TABLE (items text, first text, last text, more text) LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    v_where text;
    v_rows json[];
    v_positions json[];
BEGIN
    v_where := concat_ws (' AND ', 'p.session >= $1 || ''/'' AND p.session < $1 || ''0''',
        CASE WHEN p_visitor <> '' THEN 'EXISTS (SELECT FROM session o'
            ' WHERE o.session = p.session AND o.visitor = $2)' END,
        CASE WHEN p_session <> '' THEN 'p.session = $3' END,
        CASE WHEN p_user <> '' THEN 'p.user_id = $4' END,
        CASE WHEN p_role <> '' THEN 'api_role_@V@ (p.role) = $5' END,
        CASE p_present WHEN 'true' THEN 'p.present' WHEN 'false' THEN 'NOT p.present' END,
        CASE WHEN p_at <> '' THEN format ('(p.session, p.role, p.user_id) %s ($6, $7, $8)',
                                          CASE WHEN p_backward THEN '<' ELSE '>' END) END);
    EXECUTE format (
        'SELECT array_agg (c.row), array_agg (c.position) FROM (SELECT json_build_object ('
        '  ''sessionId'', substr (p.session, length ($1) + 2),'
        '  ''role'', api_role_@V@ (p.role), ''userId'', p.user_id,'
        '  ''sender'', CASE p.sender WHEN '''' THEN ''{}'' ELSE p.sender END::json,'
        '  ''present'', p.present, ''channel'', nullif (p.channel, '''')) AS row,'
        '  json_build_array (p.session, p.role::text, p.user_id) AS position'
        ' FROM participant p WHERE %1$s'
        ' ORDER BY p.session %2$s, p.role %2$s, p.user_id %2$s LIMIT $9) AS c',
        v_where, CASE WHEN p_backward THEN 'DESC' ELSE 'ASC' END)
    INTO v_rows, v_positions
    USING p_app, p_visitor, p_session, p_user, p_role, p_at, nullif (p_at_role, '')::int,
        p_at_user, p_limit + 1;
    RETURN QUERY SELECT * FROM list_page_@V@ (v_rows, v_positions, p_limit, p_backward);
END $$;
