--  big_store — fills an empty, migrated store with conversations that have been: for the figures of
--  bench/big_store, and for whoever wants to see how queries behave on a large database.
--
--      psql URL -v sessions=1000000 -v entries=20 -v days=90 -f bench/big_store.sql
--
--  The n-th session began a day's n-th part ago; the newest hundredth is open. Of a session's
--  entries the first is `user joined`, the last but one `user left` and the last `session closed`;
--  the others are said by visitor and bot in turns. The words of a sentence are drawn from 50,000,
--  a few of them very often, as in a language. One message in a thousand has a number of its own,
--  and one in a hundred thousand the word "needle". The same seed makes the same words.
\set ON_ERROR_STOP on
SET synchronous_commit = off;
SET jit = off;
SELECT setseed (0.25) \gset

SELECT string_agg (format ('SELECT %s ((now () AT TIME ZONE ''UTC'')::date - %s)', p.proname, n),
                   ';') AS make_days
FROM generate_series (0, :days) AS n,
     (SELECT p.proname FROM pg_proc p WHERE p.proname ~ '^make_day_[0-9]+$'
      ORDER BY substring (p.proname FROM '[0-9]+$')::int DESC LIMIT 1) AS p \gset
\o /dev/null
:make_days ;
\o

SELECT '{ba,be,bi,bo,da,de,di,ga,gü,ka,ke,ko,la,lé,li,lo,ma,me,mi,mo,na,ne,no,pa,po,ra,ré,ri,'
    || 'ro,sa,se,si,so,ta,te,ti,to,va,vi,za,ña,ö}' AS syllables \gset
CREATE TEMP TABLE vocabulary AS
SELECT row_number () OVER () AS rank, word FROM (
    SELECT DISTINCT word FROM (
        SELECT (SELECT string_agg ((:'syllables'::text[])[1 + floor (random () * 42)::int], '')
                FROM generate_series (1, 2 + (n % 3))) AS word
        FROM generate_series (1, 90000) AS n) AS w LIMIT 50000) AS w;
CREATE TEMP TABLE sentence AS
SELECT n, initcap (string_agg (v.word, ' ' ORDER BY at)) AS words
FROM (SELECT n, at,
             1 + floor ((SELECT count (*) FROM vocabulary) * power (random (), 3))::int AS rank
      FROM generate_series (0, 399999) AS n, generate_series (1, 3 + n % 12) AS at) AS w
JOIN vocabulary v USING (rank) GROUP BY n;
CREATE UNIQUE INDEX ON sentence (n);
ANALYZE sentence;
CREATE TEMP TABLE name AS
SELECT row_number () OVER () - 1 AS n, initcap (word) AS name FROM vocabulary WHERE rank % 25 = 0;
CREATE UNIQUE INDEX ON name (n);
ANALYZE name;

INSERT INTO session (session, app, visitor, day, control_role, control_user, created_at,
                     closed_at, active_at)
SELECT 'demo/' || md5 ('s' || n), 'demo',
       'u-' || substr (md5 ('v' || n % (:sessions * 2 / 5)), 1, 12),
       (began AT TIME ZONE 'UTC')::date, CASE WHEN n % 30 = 0 THEN 2 ELSE 3 END,
       CASE WHEN n % 30 = 0 THEN 'agent-' || n / 30 % 50 ELSE '' END, began,
       CASE WHEN n >= :sessions / 100 THEN least (now (), began + interval '25 h') END,
       began + interval '10 min'
FROM (SELECT n, now () - interval '11 min'
                - interval '1 day' * (:days - 0.1) * n / :sessions AS began
      FROM generate_series (0, :sessions - 1) AS n) AS s
ORDER BY n DESC;

INSERT INTO participant (session, role, user_id, sender, present, info)
SELECT s.session, 1, s.visitor,
       format ('{"displayName":"%s %s","userId":"%s"}',
               (SELECT name FROM name WHERE n = h % 2000),
               (SELECT name FROM name WHERE n = h / 2000 % 2000), s.visitor),
       false,
       format ('{"page":"https://shop.example/p/%s","language":"de-CH"}', h % 5000)
FROM (SELECT *, abs (hashtext (visitor)) AS h FROM session) AS s;
INSERT INTO last_session (app, user_id, role, session)
SELECT DISTINCT ON (visitor) app, visitor, 1, session
FROM session ORDER BY visitor, created_at DESC;

--  A day at a time, each into its partition.
SELECT string_agg (format ($$
INSERT INTO log_%s (session, seq, message_id, event, time_ms, role, user_id, sender, data, hidden,
                    writer, day, stored_at)
SELECT s.session, seq, 'm-' || seq || '-' || substr (s.session, 6, 12), event,
       extract (epoch FROM s.created_at) * 1000 + seq * 20000, role,
       CASE role WHEN 1 THEN s.visitor ELSE '' END,
       CASE role WHEN 1 THEN '{"userId":"' || s.visitor || '"}' ELSE '{}' END,
       CASE WHEN event <> 3 THEN NULL
            WHEN role = 1 THEN '{"type":"INTENT_REQUEST","rawQuery":"' || said
                               || '","sessionId":"' || substr (s.session, 6) || '"}'
            ELSE '{"outputSpeech":{"displayText":"' || said || '","suggestions":[]},'
                 '"displays":[]}' END,
       false, 7, s.day, s.created_at + seq * interval '20 s'
FROM (SELECT e.*, w.words || CASE WHEN h %% 1000 = 1 THEN ' ' || h ELSE '' END
                          || CASE WHEN h %% 100000 = 7 THEN ' Needle' ELSE '' END AS said
      FROM (SELECT s.*, seq, abs (hashtext (s.session || seq)) AS h,
                   CASE WHEN seq = 1 THEN 1
                        WHEN seq = %s - 1 AND s.closed_at IS NOT NULL THEN 2
                        WHEN seq = %s AND s.closed_at IS NOT NULL THEN 8 ELSE 3 END AS event,
                   CASE WHEN seq = %s AND s.closed_at IS NOT NULL THEN 5
                        WHEN seq %% 2 = 1 OR seq = %s - 1 THEN 1 ELSE 3 END AS role
            FROM session s, generate_series (1, %s) AS seq WHERE s.day = %L) AS e
      JOIN sentence w ON w.n = e.h %% 400000
      ORDER BY e.session, e.seq) AS s$$,
    to_char (d, 'YYYYMMDD'), :entries, :entries, :entries, :entries, :entries, d), ';' ORDER BY d)
    AS fill
FROM (SELECT DISTINCT day AS d FROM session) AS days \gset
:fill ;
--  What was there before: from the newest day down. (No search in this schema: nothing to say.)
SELECT to_regclass ('search_state') IS NOT NULL AS has_search \gset
\if :has_search
UPDATE search_state SET back_day = (SELECT max (day) FROM session), back_session = '';
\endif
ANALYZE session, participant, last_session;
