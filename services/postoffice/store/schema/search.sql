
--  The functions of the search: what fills it, and what asks it. See functions.sql, and
--  docs/decisions/search.md.

--  Whatever writes to search_entry holds the advisory lock (7365746, 4), and nobody else waits for
--  it.

--  The words in a message's data that people are shown; NULL when there are none.
CREATE FUNCTION json_text_@V@ (p json) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT nullif (coalesce (p ->> 'rawQuery', p #>> '{outputSpeech,displayText}',
        CASE json_typeof (p -> 'outputSpeech') WHEN 'string' THEN p ->> 'outputSpeech'
        WHEN 'object' THEN regexp_replace (p #>> '{outputSpeech,html}', '<[^>]*>', ' ', 'g') END),
        '');
$$;

--  A text of PostgreSQL's has no U+0000: a blank stands for it, so that nobody hides words behind
--  one. (A backslash that is escaped escapes nothing.)
CREATE FUNCTION without_nul_@V@ (p text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN strpos (p, '\u0000') = 0 THEN p
        ELSE regexp_replace (p, '(?<!\\)((?:\\\\)*)\\u0000', '\1 ', 'g') END;
$$;

--  The words of data that may be anything: what PostgreSQL does not read as JSON nobody finds.
CREATE FUNCTION search_text_@V@ (p_data text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_data json;
BEGIN
    v_data := without_nul_@V@ (p_data);
    RETURN json_text_@V@ (v_data);
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END $$;

--  Who the visitor of a session is: names, ids, and what is known of it.
CREATE FUNCTION search_visitor_@V@ (p_session text, p_visitor text, p_sender text, p_info text)
RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_ids text := concat_ws (' ', p_visitor, substr (p_session, strpos (p_session, '/') + 1));
    v_name text;
    v_known text;
BEGIN
    BEGIN
        v_name := p_sender::json ->> 'displayName';
        SELECT string_agg (i.value, ' ') INTO v_known FROM json_each_text (p_info::json) AS i
        WHERE i.value <> v_name;
    EXCEPTION WHEN OTHERS THEN
        v_known := NULL;
    END;
    RETURN concat_ws (' ', nullif (v_name, ''), v_ids, v_known);
END $$;

CREATE FUNCTION make_search_@V@ (p_number bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first bigint := p_number - p_number % 250000;
    part text := 'search_entry_' || p_number / 250000;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_class c JOIN pg_class e ON e.relnamespace = c.relnamespace
                   WHERE e.oid = 'search_entry'::regclass AND c.relname = part) THEN
        --  What is computed for each entry that an index is made of is computed again by each
        --  ANALYZE: so there are a few of them while the partition grows, not hundreds, and each
        --  looks at 3000 entries, not 30,000. The planner only asks which words are frequent.
        EXECUTE format ('CREATE TABLE %I (LIKE search_entry INCLUDING ALL)'
                        ' WITH (autovacuum_analyze_threshold = 10000,'
                        ' autovacuum_analyze_scale_factor = 1)', part);
        EXECUTE (SELECT format ('ALTER TABLE %I ', part)
                        || string_agg (format ('ALTER %I SET STATISTICS 10', a.attname), ', ')
                 FROM pg_attribute a WHERE a.attrelid = part::regclass AND a.attnum > 0);
        EXECUTE (SELECT format ('ALTER INDEX %s ALTER 1 SET STATISTICS 10', i.indexrelid::regclass)
                 FROM pg_index i WHERE i.indrelid = part::regclass AND i.indexprs IS NOT NULL);
        EXECUTE format ('ALTER TABLE search_entry ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
                        part, first, first + 250000);
    END IF;
END $$;

--  What is whispered (event 11) is of kind 3, and hidden, so that a program that does not know the
--  kind shows it to no visitor.
--
--  Puts what these sessions' logs of a day have and search_entry does not have there, at most about
--  p_most entries: with rising numbers, or with falling ones when it was there before the task
--  began. Returns how many entries were read; when it is p_most, there may be more. It fails where
--  data are no JSON for PostgreSQL, unless it is to be careful, which takes longer.
CREATE FUNCTION index_day_@V@ (
    p_session text[], p_visitor text[], p_day date, p_most bigint, p_falls boolean,
    p_careful boolean)
RETURNS bigint LANGUAGE plpgsql
--  Along the indexes, in their order: whatever the statistics say.
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET jit = off AS $$
DECLARE
    v_next bigint;
    v_read bigint;
    v_found bigint;
BEGIN
    SELECT CASE WHEN p_falls THEN t.lower ELSE t.upper END INTO v_next FROM search_state t;
    WITH fresh AS MATERIALIZED (
        --  Session by session, so that what the limit cuts off is the end of one. Of a session
        --  with nothing new this is two looks into indexes.
        SELECT l.*, c.visitor
        FROM unnest (p_session, p_visitor) AS c (session, visitor)
        LEFT JOIN LATERAL (SELECT y.seq FROM search_session y
                           WHERE y.session = c.session OFFSET 0) AS x ON true,
        LATERAL (
            SELECT e.session, e.seq, e.role, e.hidden, e.event,
                   coalesce (e.stored_at, to_timestamp (e.time_ms / 1000.0)) AS at,
                   CASE WHEN e.event IN (3, 11) THEN e.data END AS data
            FROM log e
            WHERE e.session = c.session AND e.day = p_day AND e.seq > coalesce (x.seq, 0)
            ORDER BY e.seq) AS l
        LIMIT p_most),
    said AS (
        SELECT f.session, f.seq, f.at, f.role, f.hidden, f.event = 11 AS is_whisper,
               CASE WHEN p_careful THEN search_text_@V@ (f.data)
                   ELSE json_text_@V@ (f.json) END AS text
        FROM (SELECT r.*, CASE WHEN NOT p_careful THEN without_nul_@V@ (r.data)::json END AS json
              FROM fresh r WHERE r.data IS NOT NULL OFFSET 0) AS f),
    --  Who a visitor is has changed when what it is read from has.
    known AS MATERIALIZED (
        SELECT f.session, f.last_seq, f.at, w.hash,
               CASE WHEN w.hash IS DISTINCT FROM x.hash AND w.visitor IS DISTINCT FROM x.visitor
                   THEN f.seq END AS seq,
               CASE WHEN w.hash IS DISTINCT FROM x.hash THEN w.visitor ELSE x.visitor END
                   AS visitor
        FROM (SELECT r.session, r.visitor, max (r.seq) AS last_seq, max (r.at) AS at,
                     coalesce (max (r.seq) FILTER (WHERE r.event = 1 AND r.role = 1),
                               min (r.seq)) AS seq
              FROM fresh r GROUP BY r.session, r.visitor) AS f
        LEFT JOIN LATERAL (SELECT y.visitor, y.hash FROM search_session y
                           WHERE y.session = f.session OFFSET 0) AS x ON true
        LEFT JOIN LATERAL (SELECT p.sender, p.info FROM participant p
                           WHERE p.session = f.session AND p.role = 1 AND p.user_id = f.visitor
                           OFFSET 0) AS p ON true,
        LATERAL (SELECT hashtextextended (concat_ws (' ', f.visitor, p.sender, p.info), 0) AS hash
                 OFFSET 0) AS h,
        LATERAL (SELECT h.hash, CASE WHEN h.hash IS DISTINCT FROM x.hash THEN
                 search_visitor_@V@ (f.session, f.visitor, p.sender, p.info) END AS visitor
                 OFFSET 0) AS w),
    entry AS (
        SELECT s.session, s.seq, s.at, s.role, CASE WHEN s.is_whisper THEN 3 ELSE 1 END AS kind,
               s.hidden OR s.is_whisper AS hidden, s.text
        FROM said s WHERE s.text IS NOT NULL
        UNION ALL
        SELECT k.session, k.seq, k.at, 1, 2, false, k.visitor FROM known k WHERE k.seq IS NOT NULL),
    numbered AS MATERIALIZED (
        SELECT e.*, row_number () OVER (ORDER BY e.at, e.session, e.seq, e.kind) AS n FROM entry e),
    counted AS (SELECT count (*) AS n FROM numbered),
    placed AS MATERIALIZED (
        SELECT m.*, v_next + m.n - CASE WHEN p_falls THEN c.n ELSE 1 END AS number
        FROM numbered m, counted c),
    stored AS (
        INSERT INTO search_entry (number, session, seq, at, role, kind, hidden, text)
        SELECT m.number, m.session, m.seq, m.at, m.role, m.kind, m.hidden, m.text FROM placed m),
    told AS (
        INSERT INTO search_session AS old (session, seq, first_number, last_number, visitor, hash)
        SELECT k.session, k.last_seq, m.first, m.last, k.visitor, k.hash
        FROM known k LEFT JOIN (
            SELECT m.session, min (m.number) AS first, max (m.number) AS last
            FROM placed m GROUP BY m.session) AS m ON m.session = k.session
        ON CONFLICT (session) DO UPDATE
            SET seq = EXCLUDED.seq, visitor = EXCLUDED.visitor, hash = EXCLUDED.hash,
                first_number = least (old.first_number, EXCLUDED.first_number),
                last_number = greatest (old.last_number, EXCLUDED.last_number))
    SELECT (SELECT count (*) FROM fresh), c.n INTO v_read, v_found FROM counted c;
    IF v_found > 0 AND p_falls THEN
        UPDATE search_state SET lower = v_next - v_found;
    ELSIF v_found > 0 THEN
        UPDATE search_state SET upper = v_next + v_found;
    END IF;
    RETURN v_read;
END $$;

--  The same for sessions of several days.
CREATE FUNCTION index_sessions_@V@ (
    p_session text[], p_visitor text[], p_day date[], p_most bigint, p_falls boolean)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_day date;
    v_session text[];
    v_visitor text[];
    v_next bigint;
    v_read bigint := 0;
BEGIN
    SELECT CASE WHEN p_falls THEN t.lower ELSE t.upper END INTO v_next FROM search_state t;
    --  Of each entry there are two at most, and all of them are in two partitions.
    PERFORM make_search_@V@ (v_next),
        make_search_@V@ (v_next + 2 * p_most * CASE WHEN p_falls THEN -1 ELSE 1 END);
    FOR v_day, v_session, v_visitor IN
        SELECT c.day, array_agg (c.session ORDER BY c.n), array_agg (c.visitor ORDER BY c.n)
        FROM unnest (p_session, p_visitor, p_day) WITH ORDINALITY AS c (session, visitor, day, n)
        GROUP BY c.day ORDER BY c.day LOOP
        --  One way out for all of them: one for each entry would cost more than the entry.
        BEGIN
            v_read := v_read + index_day_@V@ (v_session, v_visitor, v_day, p_most - v_read, p_falls,
                                              false);
        EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
            v_read := v_read + index_day_@V@ (v_session, v_visitor, v_day, p_most - v_read, p_falls,
                                              true);
        END;
        EXIT WHEN v_read >= p_most;
    END LOOP;
    RETURN v_read;
END $$;

--  A piece of the task: at most about p_most entries. First what is new: sessions that have been
--  active since the last pass began (ten minutes before it, as session.active_at is exact to five).
--  With p_back, and when there is nothing new: what was there before the task began, newest days
--  first. Returns how many entries were read, whether the pass goes on, how long it is since
--  everything of then was there, and whether there is something of before.
CREATE FUNCTION fill_search_@V@ (p_most bigint, p_back boolean)
RETURNS TABLE (entries bigint, more boolean, behind_ms bigint, backlog boolean)
LANGUAGE plpgsql
--  Along the index of sessions by activity, and no further than the limit: see index_day.
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_sort = off SET jit = off AS $$
DECLARE
    v search_state;
    v_found text[];
    v_visitors text[];
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
    --  At most 20,000 sessions, as there may be many without a word.
    WHILE v.pass_app IS NOT NULL AND entries < p_most AND v_looked < 20 LOOP
        v_looked := v_looked + 1;
        SELECT array_agg (c.session), array_agg (c.visitor), array_agg (c.day), array_agg (c.at)
        INTO v_found, v_visitors, v_days, v_at
        FROM (SELECT s.session, s.visitor, s.day, coalesce (s.active_at, s.created_at) AS at
              FROM session s
              WHERE s.app = v.pass_app
                  AND coalesce (s.active_at, s.created_at) >= v.done_at - interval '10 min'
                  AND coalesce (s.active_at, s.created_at) <= v.pass_active
                  AND (coalesce (s.active_at, s.created_at) < v.pass_active
                       OR s.session > v.pass_session)
              ORDER BY coalesce (s.active_at, s.created_at) DESC, s.session LIMIT 1000) AS c;
        IF v_found IS NULL THEN
            v.pass_app := (SELECT min (s.app) FROM session s WHERE s.app > v.pass_app);
            v.pass_active := 'infinity';
            v.pass_session := '';
            CONTINUE;
        END IF;
        n := index_sessions_@V@ (v_found, v_visitors, v_days, p_most - entries, false);
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
        SELECT array_agg (c.session), array_agg (c.visitor), array_agg (v.back_day)
        INTO v_found, v_visitors, v_days
        FROM (SELECT s.session, s.visitor FROM session s
              WHERE s.day = v.back_day AND s.session > v.back_session
              ORDER BY s.session LIMIT 400) AS c;
        IF v_found IS NULL THEN
            v.back_day := (SELECT max (s.day) FROM session s WHERE s.day < v.back_day);
            v.back_session := '';
        ELSE
            n := index_sessions_@V@ (v_found, v_visitors, v_days, p_most, true);
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
CREATE FUNCTION forget_search_@V@ (p_session text[]) RETURNS void
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
CREATE FUNCTION forget_said_@V@ (p_session text, p_day date, p_user text) RETURNS void
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
CREATE FUNCTION drop_search_@V@ () RETURNS SETOF text
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
CREATE FUNCTION search_excerpt_@V@ (p_text text, p_word text) RETURNS text
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
CREATE FUNCTION search_hits_@V@ (p_app text, p_hits search_entry[], p_word text)
RETURNS TABLE (items text, high bigint, low bigint) LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    RETURN QUERY
    SELECT coalesce (json_agg (json_build_object (
               'kind', CASE h.kind WHEN 1 THEN 'message' WHEN 3 THEN 'whisper' ELSE 'visitor' END,
               'sessionId', substr (h.session, length (p_app) + 2), 'visitor', s.visitor,
               'seq', h.seq, 'time', api_time_@V@ (h.at), 'role', api_role_@V@ (h.role),
               'text', search_excerpt_@V@ (h.text, p_word))
               ORDER BY -h.number) FILTER (WHERE s.session IS NOT NULL), '[]')::text,
           max (h.number), min (h.number)
    FROM unnest (p_hits) AS h LEFT JOIN session s ON s.session = h.session;
END $$;

--  A page of what is found, newest first: p_limit hits behind p_position (before it: p_rises), in
--  the order of a list. p_visitor: only in sessions of this visitor; p_session: only in this one;
--  p_kind: `message`, `visitor`, `whisper`, or empty; p_hidden: also what people are not shown;
--  p_whispers: also what agents whisper, which nobody finds who does not say so. A page that
--  takes too long ends early: with fewer hits, or none, and goes on at its end.
CREATE FUNCTION search_@V@ (
    p_app text, p_visitor text, p_session text, p_hidden boolean, p_query text, p_kind text,
    p_rises boolean, p_position bigint, p_limit bigint, p_whispers boolean DEFAULT false)
RETURNS TABLE (items text, first text, last text, more text) LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET jit = off AS $$
DECLARE
    v_query tsquery := search_query (p_app, p_query);
    v_word text := split_part (search_fold (p_query), ' ', 1);
    v_kind int := CASE p_kind WHEN 'message' THEN 1 WHEN 'visitor' THEN 2
                              WHEN 'whisper' THEN 3 END;
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
                AND CASE WHEN e.kind = 3 THEN p_whispers ELSE NOT e.hidden OR p_hidden END
                AND e.kind = coalesce (v_kind, e.kind)
                AND (v_only IS NULL OR e.session = ANY (v_only))
            ORDER BY CASE WHEN p_rises THEN e.number ELSE -e.number END
            LIMIT p_limit + 1 - cardinality (v_hits));
        v_block := v_block + CASE WHEN p_rises THEN 1 ELSE -1 END;
    END LOOP;

    more := CASE WHEN v_cut OR cardinality (v_hits) > p_limit THEN 't' ELSE 'f' END;
    SELECT h.items, h.high, h.low INTO items, v_high, v_low
    FROM search_hits_@V@ (p_app, v_hits[:p_limit], v_word) AS h;
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
