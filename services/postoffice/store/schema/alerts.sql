-- ---------------------------------------------------------------------------------------------
--  Alerts: items of kind 3 and topic `alert`, which a postoffice runs (work/alert_engine.h)

--  Alerts that are due, oldest first, each for 10 s: whoever takes one and dies with it loses it to
--  another by then. Nothing is leased: what becomes of an alert is decided in run_alert, once.
CREATE FUNCTION take_alerts_@V@ (p_most bigint)
RETURNS TABLE (item text, app text, session text, attempt bigint, step bigint, body text)
LANGUAGE sql ROWS 50
SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off AS $$
    WITH due AS (
        SELECT w.item FROM work_item w
        WHERE w.kind = 3 AND w.state = 0 AND w.topic = 'alert' AND w.next_at <= now ()
        ORDER BY w.next_at LIMIT p_most FOR UPDATE OF w SKIP LOCKED),
    taken AS (
        UPDATE work_item w
        SET next_at = now () + interval '10 s', attempts = w.attempts + 1
        FROM due WHERE w.item = due.item RETURNING w.*)
    SELECT t.item, t.app, coalesce (t.session, ''), t.attempts::bigint,
           coalesce (a.step, 0)::bigint, t.body
    FROM taken t LEFT JOIN alert a ON a.alert = t.item;
$$;

--  Is what an alert is about over? It lasts, or not: triggers/alerts.h says when each ends. (Events
--  3 and 8 are messages and closings, 4 and 5 takings and givings back, 1 is a join.)
CREATE FUNCTION alert_is_over_@V@ (w work_item, p_event text) RETURNS boolean
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    s session;
    v_by json;
    v_is_by boolean;
BEGIN
    IF p_event NOT IN ('visitor-waits', 'agent-silent', 'agent-gone') OR w.session IS NULL THEN
        RETURN false;
    END IF;
    SELECT * INTO s FROM session o WHERE o.session = w.session;
    IF NOT FOUND OR s.closed_at IS NOT NULL THEN
        RETURN true;
    END IF;
    v_by := w.body::json -> 'by';
    v_is_by := s.control_role = (v_by ->> 'role')::smallint
        AND s.control_user = coalesce (v_by ->> 'userId', '');
    IF p_event = 'visitor-waits' THEN
        RETURN NOT v_is_by OR EXISTS (
            SELECT FROM log l WHERE l.session = w.session AND l.day = s.day AND l.seq > w.seq
                AND l.event IN (4, 5, 8));
    ELSIF p_event = 'agent-silent' THEN
        RETURN NOT v_is_by OR EXISTS (
            SELECT FROM log l WHERE l.session = w.session AND l.day = s.day AND l.seq > w.seq
                AND l.event = 3 AND l.role IN (2, 4));
    END IF;
    RETURN EXISTS (
        SELECT FROM log l WHERE l.session = w.session AND l.day = s.day AND l.seq > w.seq
            AND (l.event = 4 OR l.event = 1 AND l.role = 2 AND l.user_id = v_by ->> 'userId'));
END $$;

--  Has an agent's client had what the alert is about, or has an agent come or taken over since?
CREATE FUNCTION alert_is_seen_@V@ (w work_item) RETURNS boolean
LANGUAGE sql STABLE SET plan_cache_mode = force_custom_plan AS $$
    SELECT w.session IS NOT NULL AND w.seq > 0 AND (
        EXISTS (SELECT FROM participant p WHERE p.session = w.session AND p.role = 2
                AND greatest (p.delivered_seq, p.read_seq, p.received_seq) >= w.seq)
        OR EXISTS (SELECT FROM session s JOIN log l ON l.session = s.session AND l.day = s.day
                   WHERE s.session = w.session AND l.seq > w.seq AND l.role = 2
                       AND l.event IN (1, 3, 4)));
$$;

--  What decides what becomes of an alert now. once_ms, most: of its rule (0: it has none); sees:
--  the console shows what it is about.
CREATE FUNCTION alert_facts_@V@ (w work_item, p_once_ms bigint, p_most bigint, p_sees boolean)
RETURNS TABLE (is_acknowledged boolean, is_seen boolean, is_over boolean, is_double boolean,
               is_full boolean, suppressed bigint, step bigint)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET enable_seqscan = off AS $$
DECLARE
    a alert;
    v_rule text := w.body::json ->> 'rule';
    v_event text := w.body::json ->> 'event';
    v_about text := coalesce (w.body::json ->> 'about', '');
BEGIN
    SELECT * INTO a FROM alert o WHERE o.alert = w.item;
    step := coalesce (a.step, 0);
    is_acknowledged := coalesce (a.state = 1, false) OR w.session IS NOT NULL AND EXISTS (
        SELECT FROM alert o WHERE o.session = w.session AND o.session <> '' AND o.seq = w.seq
            AND o.event = v_event AND o.state = 1);
    is_seen := p_sees AND alert_is_seen_@V@ (w);
    is_over := alert_is_over_@V@ (w, v_event);
    is_double := step = 0 AND p_once_ms > 0 AND EXISTS (
        SELECT FROM alert o
        WHERE o.app = w.app AND o.rule = v_rule AND o.session = coalesce (w.session, '')
            AND o.about = v_about AND o.alert <> w.item
            AND o.called_at > now () - p_once_ms * interval '1 ms');
    is_full := step = 0 AND p_most > 0 AND (
        SELECT count (*) FROM (
            SELECT FROM alert o
            WHERE o.app = w.app AND o.rule = v_rule AND o.called_at > now () - interval '1 hour'
            LIMIT p_most) AS h) >= p_most;
    suppressed := coalesce ((SELECT r.suppressed FROM alert_rule r
                             WHERE r.app = w.app AND r.rule = v_rule), 0);
    RETURN NEXT;
END $$;

--  What was said, a line each: the last 2,000 lines, and 100,000 characters, behind a mark when
--  there were more. (Event 3 is a message, role 1 the
--  visitor, 5 the router.)
CREATE FUNCTION alert_transcript_@V@ (p_session text) RETURNS text
LANGUAGE sql STABLE SET plan_cache_mode = force_custom_plan AS $$
    SELECT coalesce (
        CASE WHEN count (*) > 2000 OR length (string_agg (t.line, E'\n')) > 100000 THEN '…' END
        || right (string_agg (t.line, E'\n' ORDER BY t.seq) FILTER (WHERE t.place <= 2000),
                  100000),
        string_agg (t.line, E'\n' ORDER BY t.seq), '')
    FROM (
        SELECT l.seq, row_number () OVER (ORDER BY l.seq DESC) AS place,
               to_char (coalesce (l.stored_at, to_timestamp (l.time_ms / 1000.0))
                               AT TIME ZONE 'UTC', 'HH24:MI') || ' '
               || coalesce (nullif (without_nul_@V@ (l.sender)::json ->> 'displayName', ''),
                            nullif (l.user_id, ''), api_role_@V@ (l.role))
               || ': ' || search_text_@V@ (l.data) AS line
        FROM session s JOIN log l ON l.session = s.session AND l.day = s.day
        WHERE s.session = p_session AND l.event = 3 AND NOT l.hidden AND l.data <> ''
        ORDER BY l.seq DESC LIMIT 2001) AS t;
$$;

--  The data of what the visitor had said last when the entry was stored; empty: nothing yet.
CREATE FUNCTION alert_said_@V@ (p_session text, p_seq bigint) RETURNS text
LANGUAGE sql STABLE SET plan_cache_mode = force_custom_plan AS $$
    SELECT coalesce ((
        SELECT l.data FROM session s JOIN log l ON l.session = s.session AND l.day = s.day
        WHERE s.session = p_session AND l.seq <= p_seq AND l.event = 3 AND l.role = 1
            AND NOT l.hidden
        ORDER BY l.seq DESC LIMIT 1), '');
$$;

--  The same, for who has taken it in this attempt; no row: somebody else has. With all that was
--  said, and with what the visitor had said last, when that is asked for.
CREATE FUNCTION look_at_alert_@V@ (
    p_item text, p_attempt bigint, p_once_ms bigint, p_most bigint, p_sees boolean,
    p_with_transcript boolean, p_with_said boolean)
RETURNS TABLE (is_acknowledged boolean, is_seen boolean, is_over boolean, is_double boolean,
               is_full boolean, suppressed bigint, step bigint, transcript text, said text)
LANGUAGE sql STABLE AS $$
    SELECT f.*, CASE WHEN p_with_transcript THEN alert_transcript_@V@ (w.session) ELSE '' END,
           CASE WHEN p_with_said THEN alert_said_@V@ (w.session, w.seq) ELSE '' END
    FROM work_item w, alert_facts_@V@ (w, p_once_ms, p_most, p_sees) AS f
    WHERE w.item = p_item AND w.kind = 3 AND w.state = 0 AND w.attempts = p_attempt;
$$;

--  What an endpoint of an app's servers is told, as an item's body (docs/webhooks.md).
CREATE FUNCTION endpoint_body_@V@ (p_endpoint text, p_type text, p_data jsonb) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT json_build_object ('kind', 'event', 'endpoint', p_endpoint, 'payload', 1,
                              'type', p_type, 'time', api_time_@V@ (now ()),
                              'data', jsonb_strip_nulls (p_data))::text
$$;

--  Carries out what was decided, if all is still as it was then: one postoffice at a time for an
--  app. calls: the n_ are items that call people, and a step is done; state: of the alert from now
--  on, 0 while it goes on, at next_ms. One that is suppressed (5) is counted for the next one of
--  its rule. endpoints: they are told that the rule calls. Returns `done`; `again`: something has
--  changed, look again; `lost`: it is somebody else's.
CREATE FUNCTION run_alert_@V@ (
    p_item text, p_attempt bigint, p_once_ms bigint, p_most bigint, p_sees boolean, p_facts text,
    p_calls boolean, p_state smallint, p_next_ms bigint, p_detail text,
    n_item text[], n_topic text[], n_lane text[], n_destination text[], n_address text[],
    n_user text[], n_body text[], p_endpoints text[])
RETURNS text LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    w work_item;
    f record;
    v_rule text;
    v_next timestamptz := to_timestamp (p_next_ms / 1000.0);
    v_called bigint := 0;
BEGIN
    SELECT * INTO w FROM work_item i WHERE i.item = p_item;
    IF NOT FOUND THEN
        RETURN 'lost';
    END IF;
    PERFORM pg_advisory_xact_lock (7365748, hashtext (w.app));
    SELECT * INTO w FROM work_item i
    WHERE i.item = p_item AND i.kind = 3 AND i.state = 0 AND i.attempts = p_attempt FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'lost';
    END IF;
    v_rule := w.body::json ->> 'rule';
    SELECT * INTO f FROM alert_facts_@V@ (w, p_once_ms, p_most, p_sees);
    IF f::text <> p_facts THEN
        UPDATE work_item i SET next_at = now () WHERE i.item = p_item;
        RETURN 'again';
    END IF;
    IF p_calls THEN
        WITH called AS (
            INSERT INTO work_item (item, kind, app, session, topic, lane, seq, user_id, body,
                                   destination, address)
            SELECT DISTINCT ON (n.item) n.item, 2, w.app, w.session, n.topic, nullif (n.lane, ''),
                   w.seq, n.who, n.body, n.destination, n.address
            FROM unnest (n_item, n_topic, n_lane, n_destination, n_address, n_user, n_body)
                AS n (item, topic, lane, destination, address, who, body)
            ORDER BY n.item
            ON CONFLICT DO NOTHING RETURNING 1)
        SELECT count (*) INTO v_called FROM called;
    END IF;
    IF p_calls AND f.step = 0 THEN
        INSERT INTO work_item (item, kind, app, session, topic, seq, body, destination)
        SELECT ':webhook:' || e.name || ':alert.raised:' || p_item, 2, w.app, w.session,
               'webhook.out', w.seq,
               endpoint_body_@V@ (e.name, 'alert.raised', jsonb_build_object (
                   'alertId', p_item, 'rule', v_rule, 'event', w.body::json ->> 'event',
                   'sessionId', substr (w.session, length (w.app) + 2), 'seq', nullif (w.seq, 0))),
               'webhook:' || w.app || '/' || e.name
        FROM unnest (p_endpoints) AS e (name) ON CONFLICT DO NOTHING;
    END IF;
    --  One that has come to a step counts as called, even if everybody was called already.
    INSERT INTO alert AS a (alert, app, session, rule, event, about, seq, state, step, called,
                            suppressed, detail, called_at, next_at, ended_at)
    VALUES (p_item, w.app, coalesce (w.session, ''), v_rule, w.body::json ->> 'event',
            coalesce (w.body::json ->> 'about', ''), coalesce (w.seq, 0), p_state, p_calls::int,
            v_called,
            CASE WHEN p_calls THEN f.suppressed ELSE 0 END, p_detail,
            CASE WHEN p_calls THEN now () END, CASE WHEN p_state = 0 THEN v_next END,
            CASE WHEN p_state > 0 THEN now () END)
    ON CONFLICT (alert) DO UPDATE
        SET state = EXCLUDED.state, step = a.step + EXCLUDED.step,
            called = a.called + EXCLUDED.called,
            suppressed = a.suppressed + CASE WHEN a.step = 0 THEN EXCLUDED.suppressed ELSE 0 END,
            detail = EXCLUDED.detail, called_at = coalesce (a.called_at, EXCLUDED.called_at),
            next_at = EXCLUDED.next_at, ended_at = EXCLUDED.ended_at;
    IF p_state = 5 THEN
        INSERT INTO alert_rule AS r (app, rule, suppressed) VALUES (w.app, v_rule, 1)
        ON CONFLICT (app, rule) DO UPDATE SET suppressed = r.suppressed + 1;
    ELSIF p_calls AND f.step = 0 AND f.suppressed > 0 THEN
        UPDATE alert_rule r SET suppressed = 0 WHERE r.app = w.app AND r.rule = v_rule;
    END IF;
    UPDATE work_item i
    SET state = CASE WHEN p_state = 0 THEN 0 ELSE 2 END,
        next_at = CASE WHEN p_state = 0 THEN v_next ELSE i.next_at END,
        finished_at = CASE WHEN p_state > 0 THEN now () END, detail = p_detail
    WHERE i.item = p_item;
    RETURN 'done';
END $$;

--  Somebody acknowledges an alert, and with it those of the same event: no step follows, and what
--  is not on its way yet is not sent. One that was still to come calls nobody.
CREATE FUNCTION acknowledge_@V@ (p_alert text, p_by text) RETURNS void LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off AS $$
DECLARE
    a record;
    v_event text;
BEGIN
    SELECT o.app, o.session, o.rule, o.event, o.seq INTO a FROM alert o WHERE o.alert = p_alert;
    IF NOT FOUND THEN
        SELECT w.app, coalesce (w.session, '') AS session, w.body::json ->> 'rule' AS rule,
               w.body::json ->> 'event' AS event, coalesce (w.seq, 0) AS seq
        INTO a FROM work_item w
        WHERE w.item = p_alert AND w.kind = 3 AND w.topic = 'alert';
    END IF;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    --  First all alerts of the event, as run_alert does: who runs one now is waited for, and what
    --  it has made is found below.
    WITH ended AS (
        UPDATE work_item w SET state = 4, finished_at = now (), detail = 'acknowledged'
        WHERE a.session <> '' AND w.session = a.session AND w.kind = 3 AND w.state = 0
            AND w.topic = 'alert' AND w.seq = a.seq AND w.body::json ->> 'event' = a.event
        RETURNING w.*),
    alone AS (
        UPDATE work_item w SET state = 4, finished_at = now (), detail = 'acknowledged'
        WHERE a.session = '' AND w.item = p_alert AND w.kind = 3 AND w.state = 0
        RETURNING w.*)
    INSERT INTO alert (alert, app, session, rule, event, seq)
    SELECT e.item, e.app, coalesce (e.session, ''), e.body::json ->> 'rule', a.event,
           coalesce (e.seq, 0)
    FROM (SELECT * FROM ended UNION ALL SELECT * FROM alone) AS e
    ON CONFLICT DO NOTHING;
    --  Names of what calls people: `:notify:`, the event, what stands behind the rule in the
    --  alert's name, and ':', behind which ';' comes.
    v_event := ':notify:' || a.event || substr (p_alert, 8 + length (a.rule));
    UPDATE work_item w SET state = 4, finished_at = now (), detail = 'acknowledged', secret = NULL
    WHERE w.item > v_event || ':' AND w.item < v_event || ';'
        AND w.app = a.app AND w.kind = 2 AND w.state = 0 AND w.topic LIKE 'notify.%';
    UPDATE alert o
    SET state = 1, next_at = NULL, ended_by = p_by, ended_at = now ()
    WHERE o.state <> 1 AND (o.alert = p_alert
        OR a.session <> '' AND o.session = a.session AND o.seq = a.seq AND o.event = a.event);
END $$;

--  How an alert of the app and session (empty: it has none) stands, whether it has come up or is
--  still to come: its name, its event, and what people are shown of it. No row: there is none.
CREATE FUNCTION alert_stand_@V@ (p_app text, p_alert text, p_session text)
RETURNS TABLE (alert text, event text, stand text)
LANGUAGE sql STABLE SET enable_seqscan = off AS $$
    WITH known AS (
        SELECT a.alert, a.event, a.rule, a.state, a.ended_by, a.ended_at FROM alert a
        WHERE a.alert = p_alert AND a.app = p_app AND a.session = p_session
        UNION ALL
        SELECT w.item, w.body::json ->> 'event', w.body::json ->> 'rule', 0, '', NULL
        FROM work_item w
        WHERE w.item = p_alert AND w.app = p_app AND coalesce (w.session, '') = p_session
            AND w.kind = 3 AND w.topic = 'alert' AND w.state = 0)
    SELECT k.alert, k.event, json_build_object (
        'rule', k.rule, 'state', k.state, 'by', k.ended_by,
        'atMs', (extract (epoch FROM k.ended_at) * 1000)::bigint,
        'agent', (SELECT without_nul_@V@ (p.sender)::json ->> 'displayName' FROM participant p
                  WHERE p.session = p_session AND p.role = 2 AND p.user_id = k.ended_by),
        'visitor', (SELECT coalesce (nullif (without_nul_@V@ (p.info)::json ->> 'name', ''),
                                     nullif (without_nul_@V@ (p.sender)::json ->> 'displayName',
                                             ''), s.visitor)
                    FROM session s LEFT JOIN participant p
                        ON p.session = s.session AND p.role = 1 AND p.user_id = s.visitor
                    WHERE s.session = p_session))::text
    FROM known k ORDER BY k.ended_at LIMIT 1;
$$;

--  acknowledge for one without a session, which has no log; `role`: of whoever does. endpoints:
--  names with commas between them; they are told of the first who does. No row: there is no such
--  alert of the app, or it has a session.
CREATE FUNCTION acknowledge_alone_@V@ (
    p_app text, p_alert text, p_by text, p_role text, p_endpoints text)
RETURNS TABLE (body text, status text) LANGUAGE plpgsql AS $$
DECLARE
    v_is_first boolean;
BEGIN
    PERFORM alert_stand_@V@ (p_app, p_alert, '');
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock (7365748, hashtext (p_app));
    v_is_first := NOT EXISTS (SELECT FROM alert a WHERE a.alert = p_alert AND a.state = 1);
    PERFORM acknowledge_@V@ (p_alert, p_by);
    IF v_is_first THEN
        INSERT INTO work_item (item, kind, app, topic, seq, body, destination)
        SELECT ':webhook:' || e.name || ':alert.acknowledged:' || p_alert, 2, p_app,
               'webhook.out', 0,
               endpoint_body_@V@ (e.name, 'alert.acknowledged', jsonb_build_object (
                   'alertId', p_alert,
                   'by', jsonb_build_object ('role', p_role, 'userId', nullif (p_by, '')))),
               'webhook:' || p_app || '/' || e.name
        FROM unnest (string_to_array (nullif (p_endpoints, ''), ',')) AS e (name)
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN QUERY SELECT json_build_object ('alertId', a.alert, 'endedBy', a.ended_by,
                                           'endedAt', api_time_@V@ (a.ended_at))::text, '200'
    FROM alert a WHERE a.alert = p_alert;
END $$;

--  These calls of people have come to nothing. An alert none of whose calls of its last step has
--  reached anybody, or may yet, does not wait for its next step. Returns an empty text.
CREATE FUNCTION hasten_alerts_@V@ (p_calls text[]) RETURNS text LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off AS $$
DECLARE
    o record;
    v_event text;
BEGIN
    FOR o IN
        WITH told AS (
            SELECT DISTINCT a.alert, a.session, a.seq, a.event
            FROM work_item w JOIN alert a ON a.alert = w.body::json ->> 'alert'
            WHERE w.item = ANY (p_calls))
        SELECT a.alert, a.rule, a.event, a.step FROM told t JOIN alert a ON a.alert = t.alert
        WHERE a.state = 0 AND a.step > 0
        UNION
        SELECT a.alert, a.rule, a.event, a.step
        FROM told t JOIN alert a ON a.session = t.session AND a.session <> '' AND a.seq = t.seq
        WHERE a.event = t.event AND a.state = 0 AND a.step > 0
    LOOP
        --  As in acknowledge; the step is the last part of the name.
        v_event := ':notify:' || o.event || substr (o.alert, 8 + length (o.rule));
        CONTINUE WHEN EXISTS (
            SELECT FROM work_item w
            WHERE w.item > v_event || ':' AND w.item < v_event || ';' AND w.kind = 2
                AND w.item LIKE '%:' || (o.step - 1) AND w.state < 3 AND w.item <> ALL (p_calls));
        --  Nobody waits: who has it runs it just now, or acknowledges it.
        PERFORM FROM work_item w
        WHERE w.item = o.alert AND w.kind = 3 AND w.state = 0 AND w.next_at > now ()
        FOR UPDATE SKIP LOCKED;
        IF FOUND THEN
            UPDATE work_item w SET next_at = now () WHERE w.item = o.alert;
            UPDATE alert a SET next_at = now () WHERE a.alert = o.alert;
        END IF;
    END LOOP;
    RETURN '';
END $$;

-- ---------------------------------------------------------------------------------------------
--  What happens in no session

--  An alert of a rule about an app, in so many words. about: what suffers (alert.about); avoid: the
--  way that is no way just now.
CREATE FUNCTION make_app_alert_@V@ (
    p_app text, p_rule text, p_event text, p_name text, p_about text, p_at timestamptz,
    p_reason text, p_avoid text)
RETURNS void LANGUAGE sql AS $$
    INSERT INTO work_item (item, kind, app, topic, seq, body)
    VALUES (':alert:' || p_rule || '::' || p_app || ':' || p_event || ':' || p_name || ':'
                || (extract (epoch FROM p_at) * 1000)::bigint, 3, p_app, 'alert', 0,
            json_build_object ('rule', p_rule, 'event', p_event, 'about', p_about, 'seq', 0,
                'timeMs', (extract (epoch FROM p_at) * 1000)::bigint, 'avoid', p_avoid,
                'values', json_build_object ('reason', left (p_reason, 1000)))::text)
    ON CONFLICT DO NOTHING;
$$;

--  Rules that are to be told of a trouble, in this order: it lasts for so long, and they were not.
--  What nobody sees just now may be over.
CREATE FUNCTION tell_trouble_@V@ (
    p_app text, p_kind text, p_event text, r_rule text[], r_event text[], r_after_ms bigint[])
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    t record;
    n bigint := 0;
BEGIN
    FOR t IN
        SELECT o.name, o.since, r.rule FROM app_trouble o,
            unnest (r_rule, r_event, r_after_ms) AS r (rule, event, after_ms)
        WHERE o.app = p_app AND o.kind = p_kind AND r.event = p_event AND r.rule <> ALL (o.told)
            AND o.since <= now () - r.after_ms * interval '1 ms'
            AND o.seen_at >= now () - interval '15 s'
    LOOP
        PERFORM make_app_alert_@V@ (p_app, t.rule, p_event, t.name, t.name, t.since, t.name,
                                    '');
        UPDATE app_trouble o SET told = o.told || t.rule
        WHERE o.app = p_app AND o.kind = p_kind AND o.name = t.name;
        n := n + 1;
    END LOOP;
    RETURN n;
END $$;

--  Looks after an app that has such rules or endpoints, one postoffice at a time: whether its bot
--  fails, as this postoffice sees it, and how long ago it answered (-1: it did not); topics of
--  which items wait and no worker is here; dead letters, which the endpoints are told of, too.
--  Returns how many alerts it made.
CREATE FUNCTION watch_app_@V@ (
    p_app text, r_rule text[], r_event text[], r_after_ms bigint[], p_topics text[],
    p_bot_fails boolean, p_bot_well_ms bigint, p_endpoints text[])
RETURNS bigint LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off AS $$
DECLARE
    --  What nobody has seen for so long has ended.
    quiet CONSTANT interval := interval '15 s';
    v_dead record;
    v_rule text;
    v_told boolean;
    n bigint := 0;
BEGIN
    IF NOT pg_try_advisory_xact_lock (7365749, hashtext (p_app)) THEN
        RETURN 0;
    END IF;
    IF p_bot_fails THEN
        INSERT INTO app_trouble (app, kind, name) VALUES (p_app, 'bot', '')
        ON CONFLICT (app, kind, name) DO UPDATE SET seen_at = now ();
    END IF;
    n := n + tell_trouble_@V@ (p_app, 'bot', 'bot-failing', r_rule, r_event, r_after_ms);
    --  It has answered since, and nobody has seen it fail for a while. (Alone that says nothing:
    --  the postoffices may have been away.)
    DELETE FROM app_trouble t
    WHERE t.app = p_app AND t.kind = 'bot' AND t.seen_at < now () - quiet AND p_bot_well_ms >= 0
        AND t.seen_at < now () - p_bot_well_ms * interval '1 ms'
    RETURNING t.told <> '{}' INTO v_told;
    --  Whoever was to be told that it fails, and was not, need not know that it does no more.
    IF FOUND AND (v_told OR 'bot-failing' <> ALL (r_event)) THEN
        FOR v_rule IN SELECT r.rule FROM unnest (r_rule, r_event) AS r (rule, event)
                      WHERE r.event = 'bot-healthy' LOOP
            PERFORM make_app_alert_@V@ (p_app, v_rule, 'bot-healthy', '', '', now (), '', '');
            n := n + 1;
        END LOOP;
    END IF;

    --  Topics of which something waits, though it could be done, and nothing is being done.
    IF 'no-worker' = ANY (r_event) THEN
        INSERT INTO app_trouble (app, kind, name)
        SELECT p_app, 'worker', i.topic FROM (
            SELECT w.topic FROM work_item w
            WHERE w.app = p_app AND w.kind = 2 AND w.state = 0
                AND w.next_at < now () - interval '5 s'
                AND NOT EXISTS (SELECT FROM destination d
                                WHERE d.name = w.destination AND NOT takes_@V@ (d))
            UNION
            SELECT w.topic FROM work_item w
            WHERE w.session >= p_app || '/' AND w.session < p_app || '0' AND w.kind = 1
                AND w.state = 1 AND w.created_at < now () - interval '5 s') AS i
        WHERE i.topic <> ALL (p_topics) AND NOT EXISTS (
            SELECT FROM work_item l WHERE l.kind = 2 AND l.state = 1 AND l.topic = i.topic)
        ON CONFLICT (app, kind, name) DO UPDATE SET seen_at = now ();
        n := n + tell_trouble_@V@ (p_app, 'worker', 'no-worker', r_rule, r_event, r_after_ms);
    END IF;
    DELETE FROM app_trouble t
    WHERE t.app = p_app AND t.kind = 'worker' AND t.seen_at < now () - quiet;

    --  Many of one destination are one alert. That people could not be told of a dead letter is no
    --  reason to tell them of that; nor is that a visitor wants nothing more (STOP).
    FOR v_dead IN
        WITH told AS (
            UPDATE work_item w SET is_told = true
            WHERE w.item IN (
                SELECT u.item FROM work_item u
                WHERE u.app = p_app AND u.state = 3 AND NOT u.is_told
                ORDER BY u.number LIMIT 1000 FOR UPDATE SKIP LOCKED)
            RETURNING w.*),
        webhook AS (
            INSERT INTO work_item (item, kind, app, session, topic, seq, body, destination)
            SELECT ':webhook:' || e.name || ':delivery.dead:' || t.item || ':' || t.attempts, 2,
                   t.app, t.session, 'webhook.out', t.seq,
                   endpoint_body_@V@ (e.name, 'delivery.dead', jsonb_build_object (
                       'itemId', t.item, 'topic', t.topic, 'destination',
                       nullif (t.destination, ''), 'attempts', t.attempts, 'detail', t.detail,
                       'sessionId', substr (t.session, length (t.app) + 2),
                       'seq', nullif (t.seq, 0))),
                   'webhook:' || p_app || '/' || e.name
            FROM told t, unnest (p_endpoints) AS e (name)
            WHERE t.topic <> 'webhook.out' AND t.finished_at > now () - interval '1 hour'
            ON CONFLICT DO NOTHING)
        SELECT t.topic, t.destination, count (*) AS n, max (t.number) AS number,
               (array_agg (t.detail ORDER BY t.number DESC))[1] AS detail
        FROM told t
        WHERE t.finished_at > now () - interval '1 hour'
            AND NOT (t.topic LIKE 'notify.%' AND t.body::json ->> 'event' = 'dead-letter')
            AND (t.topic LIKE 'notify.%' OR NOT EXISTS (
                SELECT FROM suppressed_address s
                WHERE s.app = t.app AND s.channel = split_part (t.destination, ':', 1)
                    AND s.address = t.address AND t.address <> ''))
        GROUP BY t.topic, t.destination
    LOOP
        FOR v_rule IN SELECT r.rule FROM unnest (r_rule, r_event) AS r (rule, event)
                      WHERE r.event = 'dead-letter' LOOP
            PERFORM make_app_alert_@V@ (
                p_app, v_rule, 'dead-letter', v_dead.topic || '/' || v_dead.number,
                v_dead.topic || ' ' || v_dead.destination, now (),
                CASE WHEN v_dead.n > 1 THEN v_dead.n || ' x ' ELSE '' END || v_dead.topic
                    || CASE WHEN v_dead.destination <> '' THEN ' to ' || v_dead.destination
                       ELSE '' END || ': ' || v_dead.detail,
                CASE WHEN v_dead.topic LIKE 'notify.%' THEN substr (v_dead.topic, 8)
                     WHEN v_dead.topic = 'sms.out' THEN 'sms' ELSE '' END);
            n := n + 1;
        END LOOP;
    END LOOP;
    RETURN n;
END $$;

-- ---------------------------------------------------------------------------------------------
--  What the HTTP API shows of them

CREATE FUNCTION alert_json_@V@ (a alert) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object (
        'alertId', a.alert, 'rule', a.rule, 'event', a.event,
        'sessionId', nullif (substr (a.session, length (a.app) + 2), ''),
        'seq', nullif (a.seq, 0),
        'state', (ARRAY['open', 'acknowledged', 'seen', 'over', 'done', 'suppressed',
                        'given up'])[a.state + 1],
        'steps', a.step, 'called', a.called, 'suppressed', a.suppressed, 'detail', a.detail,
        'raisedAt', api_time_@V@ (a.raised_at), 'calledAt', api_time_@V@ (a.called_at),
        'nextAt', api_time_@V@ (a.next_at), 'endedAt', api_time_@V@ (a.ended_at),
        'endedBy', nullif (a.ended_by, ''))
$$;

--  One with the items that call people; no row: there is none.
CREATE FUNCTION get_alert_@V@ (p_app text, p_alert text) RETURNS SETOF text
LANGUAGE sql STABLE SET enable_seqscan = off AS $$
    SELECT (alert_json_@V@ (a) || jsonb_build_object ('calls', (
        SELECT coalesce (jsonb_agg (jsonb_build_object (
            'itemId', w.item, 'topic', w.topic, 'userId', w.user_id,
            'state', (ARRAY['ready', 'leased', 'done', 'dead', 'cancelled'])[w.state + 1],
            'detail', w.detail) ORDER BY w.number), '[]')
        FROM work_item w
        WHERE w.item > v.event || ':' AND w.item < v.event || ';')))::text
    FROM alert a, LATERAL (SELECT ':notify:' || a.event || substr (a.alert, 8 + length (a.rule))
                                  AS event) AS v
    WHERE a.alert = p_alert AND a.app = p_app
$$;

--  Alerts of an app from behind a position (microseconds and number) on, in this direction, by when
--  they came up. Parameters are texts; an empty one does not matter.
CREATE FUNCTION list_alerts_@V@ (
    p_app text, p_session text, p_state text, p_rule text, p_newest boolean, p_backward boolean,
    p_at text, p_number text, p_limit bigint)
RETURNS TABLE (items text, first text, last text, more text) LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    v_falls boolean := p_newest <> p_backward;
    v_order text := CASE WHEN v_falls THEN 'DESC' ELSE 'ASC' END;
    v_at timestamptz := CASE
        WHEN p_at <> '' THEN timestamptz 'epoch' + p_at::bigint * interval '1 us'
        WHEN v_falls THEN 'infinity' ELSE '-infinity' END;
    v_number bigint := CASE WHEN p_number <> '' THEN p_number::bigint ELSE 0 END;
    v_state smallint := array_position (ARRAY['open', 'acknowledged', 'seen', 'over', 'done',
                                              'suppressed', 'given up'], p_state) - 1;
    v_rows alert[];
BEGIN
    EXECUTE format (
        'SELECT array_agg (r.a) FROM (SELECT a FROM alert a WHERE a.app = $1'
        ' AND ($2 = %L OR a.session = $2) AND ($3 IS NULL OR a.state = $3)'
        ' AND ($4 = %L OR a.rule = $4) AND (a.raised_at, a.number) %s ($5, $6)'
        ' ORDER BY a.raised_at %s, a.number %s LIMIT $7 + 1) r',
        '', '', CASE WHEN v_falls THEN '<' ELSE '>' END, v_order, v_order)
    INTO v_rows USING p_app, p_session, v_state, p_rule, v_at, v_number, p_limit;
    RETURN QUERY
    WITH page AS (
        SELECT o.n AS place, alert_json_@V@ (v_rows[o.n]) AS item, json_build_array (
            (extract (epoch FROM (v_rows[o.n]).raised_at) * 1000000)::bigint::text,
            (v_rows[o.n]).number::text) AS mark
        FROM generate_subscripts (v_rows, 1) AS o (n) WHERE o.n <= p_limit),
    ends AS (SELECT min (g.place) AS low, max (g.place) AS high FROM page g)
    SELECT (SELECT coalesce (jsonb_agg (g.item ORDER BY
                CASE WHEN p_backward THEN -g.place ELSE g.place END), '[]') FROM page g)::text,
           (SELECT g.mark::text FROM page g, ends e
            WHERE g.place = CASE WHEN p_backward THEN e.high ELSE e.low END),
           (SELECT g.mark::text FROM page g, ends e
            WHERE g.place = CASE WHEN p_backward THEN e.low ELSE e.high END),
           CASE WHEN cardinality (v_rows) > p_limit THEN 't' ELSE 'f' END;
END $$;

--  What an alert about the session would know now, as triggers/alerts.h has it: body, key,
--  transcript. An empty key: of an app. No row: there is no such session.
CREATE FUNCTION try_alert_@V@ (p_session text, p_rule text, p_event text)
RETURNS TABLE (body text, session text, transcript text, said text) LANGUAGE sql STABLE
SET plan_cache_mode = force_custom_plan AS $$
    SELECT json_build_object ('rule', p_rule, 'event', p_event, 'seq', 0,
                              'timeMs', (extract (epoch FROM now ()) * 1000)::bigint,
                              'values', json_build_object ('reason', 'a try'))::text, '', '', ''
    WHERE p_session = ''
    UNION ALL
    SELECT json_build_object (
        'rule', p_rule, 'event', p_event, 'seq', 0,
        'timeMs', (extract (epoch FROM coalesce (s.waiting_since, now ())) * 1000)::bigint,
        'values', json_build_object (
            'reason', 'a try', 'visitor.id', s.visitor,
            'visitor.name', coalesce (v.info ->> 'name', v.sender ->> 'displayName', ''),
            'visitor.page', coalesce (v.info ->> 'page', ''),
            'visitor.language', coalesce (v.info ->> 'language', ''),
            'agent.name', s.last_agent,
            'group', coalesce (substring (s.waiting_for FROM '^group:(.*)'), ''),
            'message.text', coalesce (left (m.said, 122880), '')))::text,
        s.session, alert_transcript_@V@ (s.session), coalesce (m.said, '')
    FROM session s LEFT JOIN LATERAL (
        SELECT without_nul_@V@ (p.info)::json AS info,
               without_nul_@V@ (coalesce (nullif (p.sender, ''), '{}'))::json AS sender
        FROM participant p
        WHERE p.session = s.session AND p.role = 1 AND p.user_id = s.visitor) AS v ON true
    LEFT JOIN LATERAL (
        SELECT left (search_text_@V@ (l.data), 8192) AS said FROM log l
        WHERE l.session = s.session AND l.day = s.day AND l.event = 3 AND l.role = 1
            AND NOT l.hidden ORDER BY l.seq DESC LIMIT 1) AS m ON true
    WHERE s.session = p_session AND p_session <> '';
$$;
