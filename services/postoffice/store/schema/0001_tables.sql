--  Everything that a postoffice remembers. Every key begins with the session (or with the app), so
--  that the tables can be spread over several servers without a redesign.

--  One row for each conversation. Its day is the one on which it began, for ever: the log's rows of
--  a session all stand in the partition of that day.
CREATE TABLE session (
    session      text COLLATE "C" PRIMARY KEY,
    app          text NOT NULL,
    visitor      text NOT NULL,
    day          date NOT NULL,
    control_role smallint NOT NULL DEFAULT 3,
    control_user text NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 85);

--  The order of a conversation. The primary key is the fence between postoffices: only one of them
--  can write entry n. Retention drops partitions.
CREATE TABLE log (
    seq        bigint NOT NULL,
    time_ms    bigint NOT NULL,
    writer     bigint NOT NULL,
    day        date NOT NULL,
    event      smallint NOT NULL,
    role       smallint NOT NULL,
    quiet      boolean NOT NULL,
    session    text COLLATE "C" NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    user_id    text NOT NULL,
    sender     text NOT NULL,
    data       text,
    PRIMARY KEY (session, seq, day),
    UNIQUE (session, message_id, day)
) PARTITION BY RANGE (day);

CREATE TABLE participant (
    session  text COLLATE "C" NOT NULL,
    role     smallint NOT NULL,
    user_id  text COLLATE "C" NOT NULL,
    sender   text NOT NULL,
    present  boolean NOT NULL,
    seen_seq bigint,
    PRIMARY KEY (session, role, user_id)
) WITH (fillfactor = 85);

--  The session that a user was last in.
CREATE TABLE place (
    app     text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    role    smallint NOT NULL,
    session text NOT NULL,
    at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (app, user_id, role)
) WITH (fillfactor = 85);

--  Orders to connectors. state: 0 waiting, 1 answered, 2 failed, 3 cancelled. The secret is gone
--  when the item is finished.
CREATE TABLE work (
    session     text COLLATE "C" NOT NULL,
    item        text COLLATE "C" NOT NULL,
    topic       text NOT NULL,
    seq         bigint NOT NULL,
    user_id     text NOT NULL,
    body        text NOT NULL,
    secret      text,
    state       smallint NOT NULL DEFAULT 0,
    detail      text NOT NULL DEFAULT '',
    holder      bigint NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    PRIMARY KEY (session, item)
);
CREATE INDEX work_unfinished ON work (session, seq) INCLUDE (holder) WHERE state = 0;

--  The postoffices that live: each one says so every two seconds.
CREATE TABLE node (
    writer  bigint PRIMARY KEY,
    name    text NOT NULL,
    beat_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
