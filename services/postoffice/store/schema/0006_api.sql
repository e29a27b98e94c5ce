--  readable_from: 4
--  functions: 34a38d9dcc45408132d38375cb4aad16
--
--  What the HTTP API lists, searches, writes once and erases. Programs of schemas 4 and 5 run
--  beside those of this one.

--  Finished work is listed, and forgotten, app by app; dead letters, and deliveries that wait, are
--  found without a look at the rest.
DROP INDEX work_item_finished;
CREATE INDEX work_item_finished ON work_item (app, finished_at, number) WHERE state > 1;
CREATE INDEX work_item_dead ON work_item (app, finished_at, number) WHERE state = 3;
CREATE INDEX work_item_waiting ON work_item (app, created_at, number)
    WHERE kind = 2 AND state < 2;

--  How often an item was made ready again by hand, and the keys of the requests that changed it, so
--  that each does so once.
ALTER TABLE work_item ADD COLUMN replays integer NOT NULL DEFAULT 0;
ALTER TABLE work_item ADD COLUMN change_keys text[] NOT NULL DEFAULT '{}';

--  Whose data are to be deleted, and how far that is: erasure.sql. A visitor's order is one row; a
--  finished one stays for 30 days.
CREATE TABLE erasure (
    app           text COLLATE "C" NOT NULL,
    user_id       text COLLATE "C" NOT NULL,
    number        bigint GENERATED ALWAYS AS IDENTITY,
    state         smallint NOT NULL DEFAULT 0,
    key           text NOT NULL DEFAULT '',
    asked_at      timestamptz NOT NULL DEFAULT now (),
    finished_at   timestamptz,
    sessions      bigint NOT NULL DEFAULT 0,
    entries       bigint NOT NULL DEFAULT 0,
    items         bigint NOT NULL DEFAULT 0,
    since         timestamptz,
    looked_at     timestamptz,
    looked_number bigint,
    PRIMARY KEY (app, user_id)
);
CREATE INDEX erasure_open ON erasure (state, number) WHERE state < 4;
--  The sessions of orders that are under way.
CREATE TABLE erasure_session (
    app         text COLLATE "C" NOT NULL,
    user_id     text COLLATE "C" NOT NULL,
    session_key text COLLATE "C" NOT NULL,
    day         date NOT NULL,
    is_own      boolean NOT NULL,
    is_empty    boolean NOT NULL DEFAULT false,
    closed_at   timestamptz NOT NULL DEFAULT now (),
    PRIMARY KEY (app, user_id, session_key)
);
--  A visitor's sessions; and those of others that it takes part in.
CREATE INDEX session_visitor ON session (app, visitor);
CREATE INDEX participant_visitor ON participant (user_id, session) WHERE role = 1;
