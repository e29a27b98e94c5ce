--  Functions of schema 6 that fill and ask the search, as a postoffice of commit d8f2eb9 created
--  them: for the test that its programs and ours run side by side. Not to be changed.

--  Makes the log's partition of a day. It is attached, not created in place: that lets everybody
--  go on writing meanwhile.
CREATE FUNCTION make_day_6 (p_day date) RETURNS void LANGUAGE plpgsql AS $$
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

--  A time as RFC 3339 has it; a role's name.
CREATE FUNCTION api_time_6 (p_at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char (p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
$$;

CREATE FUNCTION api_role_6 (p_role int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT (ARRAY['visitor', 'agent', 'bot', 'platform', 'router', 'api'])[p_role];
$$;

--  The functions of the search: what fills it, and what asks it. See functions.sql, and
--  docs/decisions/search.md.

--  Whatever writes to search_entry holds the advisory lock (7365746, 4), and nobody else waits for
--  it.

--  The words in a message's data that people are shown; NULL when there are none. A text of
--  PostgreSQL's has no U+0000: a blank stands for it, so that nobody hides words behind one. (A
--  backslash that is escaped escapes nothing.) What else PostgreSQL does not read nobody finds.
CREATE FUNCTION search_text_6 (p_data text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_data json;
    v_speech json;
BEGIN
    v_data := CASE WHEN strpos (p_data, '\u0000') = 0 THEN p_data
        ELSE regexp_replace (p_data, '(?<!\\)((?:\\\\)*)\\u0000', '\1 ', 'g') END;
    v_speech := v_data -> 'outputSpeech';
    RETURN nullif (coalesce (v_data ->> 'rawQuery',
        CASE json_typeof (v_speech) WHEN 'string' THEN v_data ->> 'outputSpeech'
        WHEN 'object' THEN coalesce (v_speech ->> 'displayText',
            regexp_replace (v_speech ->> 'html', '<[^>]*>', ' ', 'g')) END), '');
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END $$;

--  Who the visitor of a session is: names, ids, and what is known of it.
CREATE FUNCTION search_visitor_6 (p_session text) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_name text;
    v_ids text;
    v_sender text;
    v_info text;
    v_known text;
BEGIN
    SELECT concat_ws (' ', s.visitor, substr (s.session, length (s.app) + 2)), p.sender, p.info
    INTO v_ids, v_sender, v_info
    FROM session s LEFT JOIN participant p
        ON p.session = s.session AND p.role = 1 AND p.user_id = s.visitor
    WHERE s.session = p_session;
    BEGIN
        v_name := v_sender::json ->> 'displayName';
        SELECT string_agg (i.value, ' ') INTO v_known FROM json_each_text (v_info::json) AS i
        WHERE i.value <> v_name;
    EXCEPTION WHEN OTHERS THEN
        v_known := NULL;
    END;
    RETURN concat_ws (' ', nullif (v_name, ''), v_ids, v_known);
END $$;

CREATE FUNCTION make_search_6 (p_number bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first bigint := p_number - p_number % 250000;
    part text := 'search_entry_' || p_number / 250000;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_class c JOIN pg_class e ON e.relnamespace = c.relnamespace
                   WHERE e.oid = 'search_entry'::regclass AND c.relname = part) THEN
        EXECUTE format ('CREATE TABLE %I (LIKE search_entry INCLUDING ALL)', part);
        EXECUTE format ('ALTER TABLE search_entry ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
                        part, first, first + 250000);
    END IF;
END $$;

--  Puts what these sessions' logs have and search_entry does not have there, at most about p_most
--  entries: with rising numbers, or with falling ones when it was there before the task began.
--  Returns how many entries were read; when it is p_most, there may be more.
CREATE FUNCTION index_sessions_6 (
    p_session text[], p_day date[], p_most bigint, p_falls boolean) RETURNS bigint
LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET jit = off AS $$
DECLARE
    v_seq bigint[];
    v_number bigint;
    v_step bigint := CASE WHEN p_falls THEN -1 ELSE 1 END;
    v_day date;
    v_read bigint := 0;
    n bigint;
    found bigint;
BEGIN
    SELECT array_agg (coalesce ((SELECT x.seq FROM search_session x WHERE x.session = c.session), 0)
                      ORDER BY c.n) INTO v_seq
    FROM unnest (p_session) WITH ORDINALITY AS c (session, n);
    SELECT CASE WHEN p_falls THEN t.lower ELSE t.upper END INTO v_number FROM search_state t;
    --  Of each entry there are two at most, and all of them are in two partitions.
    PERFORM make_search_6 (v_number), make_search_6 (v_number + v_step * 2 * p_most);
    FOR v_day IN SELECT DISTINCT d FROM unnest (p_day) AS d ORDER BY 1 LOOP
        WITH fresh AS MATERIALIZED (
            --  Session by session, so that what the limit cuts off is the end of one.
            SELECT l.* FROM unnest (p_session, p_day, v_seq) AS c (session, day, seq),
            LATERAL (
                SELECT e.session, e.seq, e.role, e.hidden, e.event,
                       coalesce (e.stored_at, to_timestamp (e.time_ms / 1000.0)) AS at,
                       CASE WHEN e.event = 3 THEN e.data END AS data
                FROM log e WHERE e.session = c.session AND e.day = v_day AND e.seq > c.seq
                ORDER BY e.seq) AS l
            WHERE c.day = v_day LIMIT p_most - v_read),
        known AS (
            SELECT f.session, f.last_seq, f.seq, f.at, w.visitor,
                   w.visitor IS DISTINCT FROM x.visitor AS differs
            FROM (SELECT r.session, max (r.seq) AS last_seq, max (r.at) AS at,
                         coalesce (max (r.seq) FILTER (WHERE r.event = 1 AND r.role = 1),
                                   min (r.seq)) AS seq
                  FROM fresh r GROUP BY r.session) AS f
            LEFT JOIN LATERAL (SELECT y.visitor FROM search_session y
                               WHERE y.session = f.session) AS x ON true,
            LATERAL (SELECT search_visitor_6 (f.session) AS visitor OFFSET 0) AS w),
        entry AS (
            SELECT f.session, f.seq, f.at, f.role, 1 AS kind, f.hidden, t.text
            FROM fresh f, LATERAL (SELECT search_text_6 (f.data) AS text OFFSET 0) AS t
            WHERE f.data IS NOT NULL AND t.text IS NOT NULL
            UNION ALL
            SELECT k.session, k.seq, k.at, 1, 2, false, k.visitor FROM known k WHERE k.differs),
        numbered AS (
            SELECT e.*, v_number + v_step * (row_number () OVER in_order - 1) AS number
            FROM entry e
            WINDOW in_order AS (ORDER BY v_step * extract (epoch FROM e.at), e.session,
                                         v_step * e.seq, e.kind)),
        stored AS (
            INSERT INTO search_entry (number, session, seq, at, role, kind, hidden, text)
            SELECT m.number, m.session, m.seq, m.at, m.role, m.kind, m.hidden, m.text
            FROM numbered m),
        told AS (
            INSERT INTO search_session AS old (session, seq, first_number, last_number, visitor)
            SELECT k.session, k.last_seq, min (m.number), max (m.number), k.visitor
            FROM known k LEFT JOIN numbered m ON m.session = k.session
            GROUP BY k.session, k.last_seq, k.visitor
            ON CONFLICT (session) DO UPDATE
                SET seq = EXCLUDED.seq, visitor = EXCLUDED.visitor,
                    first_number = least (old.first_number, EXCLUDED.first_number),
                    last_number = greatest (old.last_number, EXCLUDED.last_number))
        SELECT (SELECT count (*) FROM fresh), (SELECT count (*) FROM numbered) INTO n, found;
        v_read := v_read + n;
        v_number := v_number + v_step * found;
        EXIT WHEN v_read >= p_most;
    END LOOP;
    UPDATE search_state SET upper = CASE WHEN p_falls THEN upper ELSE v_number END,
        lower = CASE WHEN p_falls THEN v_number ELSE lower END;
    RETURN v_read;
END $$;

--  A piece of the task: at most about p_most entries. First what is new: sessions that have been
--  active since the last pass began (ten minutes before it, as session.active_at is exact to five).
--  With p_back, and when there is nothing new: what was there before the task began, newest days
--  first. Returns how many entries were read, whether the pass goes on, how long it is since
--  everything of then was there, and whether there is something of before.
CREATE FUNCTION fill_search_6 (p_most bigint, p_back boolean)
RETURNS TABLE (entries bigint, more boolean, behind_ms bigint, backlog boolean)
LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET jit = off AS $$
DECLARE
    v search_state;
    v_found text[];
    v_days date[];
    v_at timestamptz[];
    v_looked int := 0;
    n bigint;
BEGIN
    PERFORM pg_advisory_xact_lock (7365746, 4);
    SELECT * INTO STRICT v FROM search_state;
    entries := 0;
    IF v.pass_at IS NULL THEN
        v.pass_at := clock_timestamp ();
        v.pass_app := (SELECT min (s.app) FROM session s);
        v.pass_active := 'infinity';
        v.pass_session := '';
    END IF;
    --  At most 10,000 sessions, as there may be many without a word.
    WHILE v.pass_app IS NOT NULL AND entries < p_most AND v_looked < 20 LOOP
        v_looked := v_looked + 1;
        SELECT array_agg (c.session), array_agg (c.day), array_agg (c.at) INTO v_found, v_days, v_at
        FROM (SELECT s.session, s.day, coalesce (s.active_at, s.created_at) AS at FROM session s
              WHERE s.app = v.pass_app
                  AND coalesce (s.active_at, s.created_at) >= v.done_at - interval '10 min'
                  AND coalesce (s.active_at, s.created_at) <= v.pass_active
                  AND (coalesce (s.active_at, s.created_at) < v.pass_active
                       OR s.session > v.pass_session)
              ORDER BY coalesce (s.active_at, s.created_at) DESC, s.session LIMIT 500) AS c;
        IF v_found IS NULL THEN
            v.pass_app := (SELECT min (s.app) FROM session s WHERE s.app > v.pass_app);
            v.pass_active := 'infinity';
            v.pass_session := '';
            CONTINUE;
        END IF;
        n := index_sessions_6 (v_found, v_days, p_most - entries, false);
        entries := entries + n;
        IF entries < p_most THEN
            v.pass_active := v_at[cardinality (v_at)];
            v.pass_session := v_found[cardinality (v_found)];
        END IF;
    END LOOP;
    more := v.pass_app IS NOT NULL;
    IF NOT more THEN
        v.done_at := v.pass_at;
        v.pass_at := NULL;
    END IF;

    IF p_back AND NOT more AND v.back_day IS NOT NULL THEN
        SELECT array_agg (c.session), array_agg (v.back_day) INTO v_found, v_days
        FROM (SELECT s.session FROM session s
              WHERE s.day = v.back_day AND s.session > v.back_session
              ORDER BY s.session LIMIT 80) AS c;
        IF v_found IS NULL THEN
            v.back_day := (SELECT max (s.day) FROM session s WHERE s.day < v.back_day);
            v.back_session := '';
        ELSE
            n := index_sessions_6 (v_found, v_days, p_most, true);
            entries := entries + n;
            IF n < p_most THEN
                v.back_session := v_found[cardinality (v_found)];
            END IF;
        END IF;
    END IF;
    backlog := v.back_day IS NOT NULL;
    behind_ms := extract (epoch FROM clock_timestamp () - v.done_at) * 1000;
    UPDATE search_state
    SET done_at = v.done_at, pass_at = v.pass_at, pass_app = v.pass_app,
        pass_active = v.pass_active, pass_session = v.pass_session,
        back_day = v.back_day, back_session = v.back_session;
    RETURN NEXT;
END $$;

--  Nothing of these sessions is found any more.
CREATE FUNCTION forget_search_6 (p_session text[]) RETURNS void
LANGUAGE plpgsql
--  A piece that fills the search is short, but longer than who forgets waits for locks of rows.
SET lock_timeout = '20s'
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET jit = off AS $$
DECLARE
    v_first bigint;
    v_last bigint;
BEGIN
    PERFORM pg_advisory_xact_lock (7365746, 4);
    SELECT min (x.first_number), max (x.last_number) INTO v_first, v_last
    FROM search_session x WHERE x.session = ANY (p_session);
    DELETE FROM search_entry e
    WHERE e.number BETWEEN v_first AND v_last AND e.session = ANY (p_session);
    DELETE FROM search_session x WHERE x.session = ANY (p_session);
END $$;

--  Nothing of what this visitor said in somebody else's session is found any more.
CREATE FUNCTION forget_said_6 (p_session text, p_day date, p_user text) RETURNS void
LANGUAGE plpgsql
--  A piece that fills the search is short, but longer than who forgets waits for locks of rows.
SET lock_timeout = '20s'
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET jit = off AS $$
DECLARE
    v_first bigint;
    v_last bigint;
BEGIN
    PERFORM pg_advisory_xact_lock (7365746, 4);
    SELECT x.first_number, x.last_number INTO v_first, v_last
    FROM search_session x WHERE x.session = p_session;
    DELETE FROM search_entry e USING log l
    WHERE e.number BETWEEN v_first AND v_last AND e.session = p_session AND e.kind = 1
        AND l.session = p_session AND l.day = p_day AND l.seq = e.seq
        AND l.role = 1 AND l.user_id = p_user;
END $$;

--  Drops the partition of the oldest numbers when nothing is in it any more. Who searches waits
--  while the lock is waited for, which is short.
CREATE FUNCTION drop_search_6 () RETURNS SETOF text
LANGUAGE plpgsql SET lock_timeout = '50ms' AS $$
DECLARE
    part text;
    is_empty boolean;
BEGIN
    IF NOT pg_try_advisory_xact_lock (7365746, 4) THEN
        RETURN;
    END IF;
    SELECT c.relname INTO part
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid, search_state t
    WHERE i.inhparent = 'search_entry'::regclass AND c.relname ~ '^search_entry_[0-9]+$'
        AND substr (c.relname, 14)::bigint < t.upper / 250000
        AND (t.back_day IS NULL OR substr (c.relname, 14)::bigint <> t.lower / 250000)
    ORDER BY substr (c.relname, 14)::bigint LIMIT 1;
    IF part IS NULL THEN
        RETURN;
    END IF;
    EXECUTE format ('SELECT NOT EXISTS (SELECT FROM %I)', part) INTO is_empty;
    IF is_empty THEN
        EXECUTE format ('DROP TABLE %I', part);
        RETURN NEXT part;
    END IF;
END $$;

-- ---------------------------------------------------------------------------------------------
--  Asking

--  What is found of a long text: about where the first word of the query is, as its folded form may
--  be shorter or longer.
CREATE FUNCTION search_excerpt_6 (p_text text, p_word text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    most CONSTANT int := 240;
    folded text;
    at int;
BEGIN
    IF length (p_text) <= most THEN
        RETURN p_text;
    END IF;
    folded := search_fold (p_text);
    at := position (' ' || p_word IN ' ' || folded) * length (p_text)::bigint
          / greatest (length (folded), 1) - most / 3;
    at := least (greatest (at, 1), length (p_text) - most + 1);
    RETURN CASE WHEN at > 1 THEN '…' ELSE '' END || substr (p_text, at, most)
           || CASE WHEN at + most <= length (p_text) THEN '…' ELSE '' END;
END $$;

--  Hits as JSON, newest first, and their first and last number. What is of no session, which may
--  have been deleted a moment ago, is left out.
CREATE FUNCTION search_hits_6 (p_app text, p_hits search_entry[], p_word text)
RETURNS TABLE (items text, high bigint, low bigint) LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    RETURN QUERY
    SELECT coalesce (json_agg (json_build_object (
               'kind', CASE h.kind WHEN 1 THEN 'message' ELSE 'visitor' END,
               'sessionId', substr (h.session, length (p_app) + 2), 'visitor', s.visitor,
               'seq', h.seq, 'time', api_time_6 (h.at), 'role', api_role_6 (h.role),
               'text', search_excerpt_6 (h.text, p_word))
               ORDER BY -h.number) FILTER (WHERE s.session IS NOT NULL), '[]')::text,
           max (h.number), min (h.number)
    FROM unnest (p_hits) AS h LEFT JOIN session s ON s.session = h.session;
END $$;

--  A page of what is found, newest first: p_limit hits behind p_position (before it: p_rises), in
--  the order of a list. p_visitor: only in sessions of this visitor; p_session: only in this one;
--  p_kind: `message`, `visitor`, or empty; p_hidden: also what people are not shown. A page that
--  takes too long ends early: with fewer hits, or none, and goes on at its end.
CREATE FUNCTION search_6 (
    p_app text, p_visitor text, p_session text, p_hidden boolean, p_query text, p_kind text,
    p_rises boolean, p_position bigint, p_limit bigint)
RETURNS TABLE (items text, first text, last text, more text) LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET jit = off AS $$
DECLARE
    v_query tsquery := search_query (p_app, p_query);
    v_word text := split_part (search_fold (p_query), ' ', 1);
    v_kind int := CASE p_kind WHEN 'message' THEN 1 WHEN 'visitor' THEN 2 END;
    v_until timestamptz := clock_timestamp () + interval '700 ms';
    v_only text[];
    v_low bigint;
    v_high bigint;
    v_block bigint;
    v_hits search_entry[] := '{}';
    v_cut boolean := false;
BEGIN
    SELECT t.lower + 1, t.upper - 1 INTO v_low, v_high FROM search_state t;
    IF p_position IS NOT NULL AND p_rises THEN
        v_low := greatest (v_low, p_position + 1);
    ELSIF p_position IS NOT NULL THEN
        v_high := least (v_high, p_position - 1);
    END IF;
    IF p_visitor <> '' THEN
        v_only := ARRAY (SELECT s.session FROM session s
                         WHERE s.app = p_app AND s.visitor = p_visitor
                             AND p_session IN ('', s.session)
                         ORDER BY coalesce (s.active_at, s.created_at) DESC LIMIT 1000);
    ELSIF p_session <> '' THEN
        v_only := ARRAY[p_session];
    END IF;
    v_block := CASE WHEN p_rises THEN v_low ELSE v_high END / 250000;
    WHILE v_query IS NOT NULL AND v_block BETWEEN v_low / 250000 AND v_high / 250000
        AND cardinality (v_hits) <= p_limit LOOP
        IF clock_timestamp () > v_until THEN
            v_cut := true;
            EXIT;
        END IF;
        v_hits := v_hits || ARRAY (
            SELECT e FROM search_entry e
            WHERE e.number BETWEEN greatest (v_low, v_block * 250000)
                  AND least (v_high, v_block * 250000 + 249999)
                AND search_words (e.session, e.text) @@ v_query
                --  (Not in a form that would ask the index of sessions for all of the app.)
                AND split_part (e.session, '/', 1) = p_app
                AND (NOT e.hidden OR p_hidden)
                AND e.kind = coalesce (v_kind, e.kind)
                AND (v_only IS NULL OR e.session = ANY (v_only))
            ORDER BY CASE WHEN p_rises THEN e.number ELSE -e.number END
            LIMIT p_limit + 1 - cardinality (v_hits));
        v_block := v_block + CASE WHEN p_rises THEN 1 ELSE -1 END;
    END LOOP;

    more := CASE WHEN v_cut OR cardinality (v_hits) > p_limit THEN 't' ELSE 'f' END;
    SELECT h.items, h.high, h.low INTO items, v_high, v_low
    FROM search_hits_6 (p_app, v_hits[:p_limit], v_word) AS h;
    IF v_cut THEN
        v_block := CASE WHEN p_rises THEN v_block * 250000 - 1 ELSE (v_block + 1) * 250000 END;
        v_high := CASE WHEN p_rises OR v_high IS NULL THEN v_block ELSE v_high END;
        v_low := CASE WHEN p_rises AND v_low IS NOT NULL THEN v_low ELSE v_block END;
    END IF;
    first := json_build_array (v_high::text)::text;
    last := json_build_array (v_low::text)::text;
    IF v_high IS NULL THEN
        first := '';
        last := '';
    END IF;
    RETURN NEXT;
END $$;
