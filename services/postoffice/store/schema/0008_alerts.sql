--  readable_from: 4
--  functions: 5ef148ee380726d2a72bc62fd531d21d
--
--  What deliveries remember, and where they go. Programs of schemas 4 to 7 run beside those of this
--  one: each new column has a default, and nothing has changed its meaning.

--  What the item's attempts depend on: a server, an account, an endpoint, such as `email:demo`.
--  Empty: nothing that is known. address: whom it is for there. memory: what its reports have
--  remembered (JSON, or empty). unreported: how often it was handed out and nothing was reported.
ALTER TABLE work_item ADD COLUMN destination text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE work_item ADD COLUMN address text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE work_item ADD COLUMN memory text NOT NULL DEFAULT '';
ALTER TABLE work_item ADD COLUMN unreported integer NOT NULL DEFAULT 0;

--  What is ready of each destination, without a look at what is ready of others; what is in hand of
--  it; and what is ready of none. (Timers, and programs of before, use work_item_ready.)
CREATE INDEX work_item_destined ON work_item (topic, destination, next_at, number)
    WHERE kind = 2 AND state = 0 AND destination <> '';
CREATE INDEX work_item_in_hand ON work_item (destination)
    WHERE kind = 2 AND state = 1 AND destination <> '';
CREATE INDEX work_item_undestined ON work_item (topic, next_at, number)
    WHERE kind = 2 AND state = 0 AND destination = '';

--  What reports have remembered of a lane. It goes with its session.
CREATE TABLE lane_memory (
    lane       text COLLATE "C" PRIMARY KEY,
    session    text COLLATE "C" NOT NULL DEFAULT '',
    memory     text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now ()
);
CREATE INDEX lane_memory_session ON lane_memory (session);

--  Destinations that something was reported of. failures: in a row; from five on the circuit is
--  open: nothing goes there until paused_until, then one item is its probe (`probe`), until
--  probed_until at most. openings: how often it was opened in a row. reason: of the last of these
--  failures, or why it is disabled; empty when it is well. free_at: of one with a pace, when the
--  next item may go.
CREATE TABLE destination (
    name         text COLLATE "C" PRIMARY KEY,
    app          text COLLATE "C" NOT NULL,
    failures     int NOT NULL DEFAULT 0,
    openings     int NOT NULL DEFAULT 0,
    paused_until timestamptz,
    free_at      timestamptz,
    probed_until timestamptz,
    probe        text COLLATE "C" NOT NULL DEFAULT '',
    disabled     boolean NOT NULL DEFAULT false,
    reason       text NOT NULL DEFAULT '',
    failed_at    timestamptz,
    changed_at   timestamptz NOT NULL DEFAULT now ()
) WITH (fillfactor = 70);
CREATE INDEX destination_app ON destination (app, name);

--  Addresses that want nothing any more. channel: the kind of destination, such as `sms`.
CREATE TABLE suppressed_address (
    app     text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    address text COLLATE "C" NOT NULL,
    reason  text NOT NULL DEFAULT '',
    since   timestamptz NOT NULL DEFAULT now (),
    PRIMARY KEY (app, channel, address)
);

--  A dead letter that no alert has looked at yet. Those of before are not told of.
ALTER TABLE work_item ADD COLUMN is_told boolean NOT NULL DEFAULT true;
CREATE INDEX work_item_untold ON work_item (app, number) WHERE state = 3 AND NOT is_told;

--  Alerts that have come up: what people are called about. One that is still to come is an item of
--  kind 3 and topic `alert` only, which has the same name, and its words; so has one whose next
--  step is to come. state: 0 open, 1 acknowledged, 2 seen, 3 over, 4 all steps done, 5 suppressed,
--  6 given up. step: steps done; suppressed: how many of its rule were suppressed before it.
--  about: of an app's trouble, what suffers from it (a destination, a topic): onceSeconds is
--  counted by it.
CREATE TABLE alert (
    alert       text COLLATE "C" PRIMARY KEY,
    number      bigint GENERATED ALWAYS AS IDENTITY,
    app         text COLLATE "C" NOT NULL,
    session     text COLLATE "C" NOT NULL DEFAULT '',
    rule        text COLLATE "C" NOT NULL,
    event       text NOT NULL,
    about       text COLLATE "C" NOT NULL DEFAULT '',
    seq         bigint NOT NULL,
    state       smallint NOT NULL DEFAULT 0,
    step        int NOT NULL DEFAULT 0,
    called      int NOT NULL DEFAULT 0,
    suppressed  bigint NOT NULL DEFAULT 0,
    detail      text NOT NULL DEFAULT '',
    raised_at   timestamptz NOT NULL DEFAULT now (),
    called_at   timestamptz,
    next_at     timestamptz,
    ended_at    timestamptz,
    ended_by    text NOT NULL DEFAULT '',
    change_keys text[] NOT NULL DEFAULT '{}'
) WITH (fillfactor = 80);
CREATE INDEX alert_app ON alert (app, raised_at, number);
CREATE INDEX alert_called ON alert (app, rule, called_at) WHERE called_at IS NOT NULL;
CREATE INDEX alert_session ON alert (session, seq) WHERE session <> '';
CREATE INDEX alert_ended ON alert (app, ended_at) WHERE state > 0;

--  Alerts of a rule that were suppressed since the last one that called somebody.
CREATE TABLE alert_rule (
    app        text COLLATE "C" NOT NULL,
    rule       text COLLATE "C" NOT NULL,
    suppressed bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (app, rule)
);

--  What an app, or the router, suffers from: `bot` (it fails), `worker` (of the topic `name` there
--  is none). told: rules that have called somebody about it.
CREATE TABLE app_trouble (
    app     text COLLATE "C" NOT NULL,
    kind    text COLLATE "C" NOT NULL,
    name    text COLLATE "C" NOT NULL,
    since   timestamptz NOT NULL DEFAULT now (),
    seen_at timestamptz NOT NULL DEFAULT now (),
    told    text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (app, kind, name)
);
