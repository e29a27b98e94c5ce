--  readable_from: 4
--  functions: b8491a2edeacb2f0ba37a44880d2b23b
--
--  Who keeps a session's presence, sessions that are closed, timers, participants without a socket,
--  and what an API lists. Programs of schema 4 run beside those of this one: each new column has a
--  default, and nothing has changed its meaning.

--  The postoffice that keeps who is present (its endpoints, the grace periods): a lease that holds
--  while that one lives (node), as with work. NULL: nobody is there.
ALTER TABLE session ADD COLUMN host bigint;
CREATE INDEX session_host ON session (host, session) WHERE host IS NOT NULL;
--  NULL: it is open.
ALTER TABLE session ADD COLUMN closed_at timestamptz;
--  About when something was last written: exact to some minutes, so that no message needs a write
--  to the session's row. NULL: not since schema 5.
ALTER TABLE session ADD COLUMN active_at timestamptz;
CREATE INDEX session_active ON session (app, (coalesce (active_at, created_at)) DESC, session);

--  How the participant is reached: '' by sockets, else by work items of this topic.
ALTER TABLE participant ADD COLUMN channel text NOT NULL DEFAULT '';
--  What its last client told of itself: a JSON object of bounded size.
ALTER TABLE participant ADD COLUMN info text NOT NULL DEFAULT '{}';

--  Names that outside systems have for a participant's place in a session: a phone number, a
--  conversation of a contact centre, a thread.
CREATE TABLE external_ref (
    app         text COLLATE "C" NOT NULL,
    channel     text COLLATE "C" NOT NULL,
    external_id text COLLATE "C" NOT NULL,
    session     text COLLATE "C" NOT NULL,
    role        smallint NOT NULL,
    user_id     text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now (),
    PRIMARY KEY (app, channel, external_id)
);
CREATE INDEX external_ref_session ON external_ref (session);

--  Items of kind 3 are timers: topic `timer`, run by a postoffice. Their id follows from session
--  and purpose, so that setting one again moves it.
CREATE INDEX work_item_held ON work_item (holder) WHERE kind > 1 AND state = 1;
--  It serves those that ask for kind = 2, too.
DROP INDEX work_item_leased;
--  What is open of a session beside its turns: retention asks for it.
CREATE INDEX work_item_open ON work_item (session, kind) WHERE kind > 1 AND state < 2;

ALTER TABLE work_attempt ADD COLUMN began_at timestamptz;
ALTER TABLE work_attempt ADD COLUMN took_ms bigint;
--  The answer's number in the protocol of the topic (HTTP, SMTP …); NULL: there was none.
ALTER TABLE work_attempt ADD COLUMN status smallint;
