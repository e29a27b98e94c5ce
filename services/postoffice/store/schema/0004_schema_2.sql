--  readable_from: 4
--  functions: 1d9a58d7e533a310868ad2a67077a9a4
--
--  The schema of the opened core: the database's own time in each entry, message ids that belong to
--  their participant, durable work of every kind, and plain names. Programs of schema 3 and 4 do
--  not run side by side; from 4 on a migration says from which number on they do.

ALTER TABLE log RENAME COLUMN quiet TO hidden;
--  The server's clock; entries of before have none, and their time_ms is what is known of them.
ALTER TABLE log ADD COLUMN stored_at timestamptz;
ALTER TABLE log ALTER COLUMN stored_at SET DEFAULT now ();
--  Nobody can use up somebody else's id.
ALTER TABLE log ADD CONSTRAINT log_message UNIQUE (session, message_id, role, user_id, day);
ALTER TABLE log DROP CONSTRAINT log_session_message_id_day_key;

ALTER TABLE participant RENAME COLUMN seen_seq TO received_seq;

--  The session that a user was last in.
ALTER TABLE place RENAME TO last_session;
ALTER INDEX place_pkey RENAME TO last_session_pkey;
CREATE INDEX last_session_session ON last_session (session);

CREATE INDEX session_day ON session (day);

--  Everything that is to happen outside of the log. kind: 1 a turn, which its session asks for and
--  whose answer becomes an entry; 2 a delivery, which only tells the outside something. state:
--  0 ready, 1 leased to `holder`, 2 done, 3 dead, 4 cancelled. A turn is inserted leased by the
--  postoffice that commits it. `number` orders the items of a lane: one is under way at a time.
--  The secret is gone when the item is finished.
CREATE TABLE work_item (
    item        text COLLATE "C" PRIMARY KEY,
    number      bigint GENERATED ALWAYS AS IDENTITY,
    kind        smallint NOT NULL DEFAULT 2,
    app         text NOT NULL,
    session     text COLLATE "C",
    topic       text NOT NULL,
    lane        text COLLATE "C",
    dedupe      text COLLATE "C",
    seq         bigint,
    user_id     text NOT NULL DEFAULT '',
    body        text NOT NULL,
    secret      text,
    state       smallint NOT NULL DEFAULT 0,
    attempts    integer NOT NULL DEFAULT 0,
    next_at     timestamptz NOT NULL DEFAULT now (),
    holder      bigint,
    detail      text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now (),
    finished_at timestamptz
) WITH (fillfactor = 85);
INSERT INTO work_item (item, kind, app, session, topic, seq, user_id, body, secret, state, holder,
                       detail, created_at, finished_at)
SELECT w.item, 1, split_part (w.session, '/', 1), w.session, w.topic, w.seq, w.user_id, w.body,
       w.secret, w.state + 1, w.holder, w.detail, w.created_at, w.finished_at FROM work w;
DROP TABLE work;
--  Open turns of a session; what is to be handed out; the first of a lane; whose leases there are;
--  what may be forgotten.
CREATE INDEX work_item_turn ON work_item (session, seq) INCLUDE (holder)
    WHERE kind = 1 AND state < 2;
CREATE INDEX work_item_ready ON work_item (topic, next_at) WHERE state = 0;
CREATE INDEX work_item_lane ON work_item (lane, number) WHERE lane IS NOT NULL AND state < 2;
CREATE INDEX work_item_leased ON work_item (holder) WHERE kind = 2 AND state = 1;
CREATE INDEX work_item_finished ON work_item (finished_at) WHERE state > 1;
CREATE UNIQUE INDEX work_item_dedupe ON work_item (app, dedupe) WHERE dedupe IS NOT NULL;

--  What came of each attempt at an item.
CREATE TABLE work_attempt (
    item     text COLLATE "C" NOT NULL,
    number   integer NOT NULL,
    ended_at timestamptz NOT NULL DEFAULT now (),
    outcome  smallint NOT NULL,
    detail   text NOT NULL DEFAULT '',
    PRIMARY KEY (item, number)
);

--  Functions had no number in their names before.
DO $$
DECLARE
    old regprocedure;
BEGIN
    FOR old IN SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        AND proname IN ('make_day', 'count_before', 'append_batch', 'load_session', 'note_seen',
                        'beat', 'claim_orphans', 'forget_nodes')
    LOOP
        EXECUTE 'DROP FUNCTION ' || old;
    END LOOP;
END $$;
