--  Drops the conversations that began on one day (UTC), beside running postoffices.
--
--      psql "$POSTGRES_URL" -v day=2026-08-24 -f tools/drop-day.sql
--
--  Does nothing, and ends with 3, when somebody has said something in one of them within the last
--  24 hours. When it is interrupted behind its COMMIT, the partition is left: say the last two
--  statements by hand. (Rows of last_session that are left, too, harm nobody: they lead nowhere.)
\set ON_ERROR_STOP on
BEGIN;
SELECT count (*) = 0 AS is_quiet
FROM log
--  (A client whose clock is ahead takes its session's times with it: those say nothing.)
WHERE day = :'day' AND time_ms BETWEEN extract (epoch FROM now () - interval '1 day') * 1000
                               AND extract (epoch FROM now () + interval '1 day') * 1000 \gset
\if :is_quiet
--  A postoffice that has one of them in memory must not go on writing to it. No postoffice is
--  writer 0: all of them listen to this.
SELECT count (pg_notify ('session_moved', '0 ' || session)) AS still_open FROM session s
WHERE day = :'day'
    AND (EXISTS (SELECT FROM participant p WHERE p.session = s.session AND p.present)
         OR EXISTS (SELECT FROM work_item w WHERE w.session = s.session AND w.state < 2));
CREATE TEMPORARY TABLE dropped AS SELECT session FROM session WHERE day = :'day';
DELETE FROM participant p USING session s WHERE s.day = :'day' AND p.session = s.session;
DELETE FROM work_attempt a USING work_item w, session s
WHERE s.day = :'day' AND w.session = s.session AND a.item = w.item;
DELETE FROM work_item w USING session s WHERE s.day = :'day' AND w.session = s.session;
--  Nobody fills the search meanwhile.
SELECT pg_advisory_xact_lock (7365746, 4);
DELETE FROM search_entry e USING search_session x, session s
WHERE s.day = :'day' AND x.session = s.session AND e.session = s.session
    AND e.number BETWEEN x.first_number AND x.last_number;
DELETE FROM search_session x USING session s WHERE s.day = :'day' AND x.session = s.session;
DELETE FROM session WHERE day = :'day';
COMMIT;
--  A user's last session is a row that a join of today wants to write: none is locked for longer than some
--  hundred of them take.
DO $$
DECLARE
    gone integer;
BEGIN
    LOOP
        DELETE FROM last_session WHERE ctid = ANY (ARRAY (
            SELECT p.ctid FROM last_session p JOIN dropped d ON d.session = p.session LIMIT 500));
        GET DIAGNOSTICS gone = ROW_COUNT;
        COMMIT;
        EXIT WHEN gone = 0;
    END LOOP;
    --  Likewise: a message from outside that begins a new conversation moves its name there.
    LOOP
        DELETE FROM external_ref WHERE ctid = ANY (ARRAY (
            SELECT x.ctid FROM external_ref x JOIN dropped d ON d.session = x.session LIMIT 500));
        GET DIAGNOSTICS gone = ROW_COUNT;
        COMMIT;
        EXIT WHEN gone = 0;
    END LOOP;
END $$;
SELECT 'log_' || to_char (:'day'::date, 'YYYYMMDD') AS part \gset
ALTER TABLE log DETACH PARTITION :"part" CONCURRENTLY;
DROP TABLE :"part";
\else
DO $$ BEGIN
    RAISE 'somebody still talks in a conversation of this day: nothing is dropped';
END $$;
\endif
