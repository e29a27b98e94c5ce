--  readable_from: 4
--  functions: 73edcd355dc56210e4aae0f423d3bf4a
--
--  What the HTTP API lists, searches, writes once and erases. Programs of schemas 4 and 5 run
--  beside those of this one.

--  All locks at once, in the order in which an append takes them: a deadlock later on would cost
--  the indexes that are made by then. (IF NOT EXISTS, here and below: who has millions of rows may
--  make them beforehand, docs/operations.md.)
LOCK TABLE session, participant IN SHARE MODE;
LOCK TABLE work_item IN ACCESS EXCLUSIVE MODE;

--  Finished work is listed, and forgotten, app by app; dead letters, and deliveries that wait, are
--  found without a look at the rest.
CREATE INDEX IF NOT EXISTS work_item_ended ON work_item (app, finished_at, number) WHERE state > 1;
CREATE INDEX IF NOT EXISTS work_item_dead ON work_item (app, finished_at, number) WHERE state = 3;
CREATE INDEX IF NOT EXISTS work_item_waiting ON work_item (app, created_at, number)
    WHERE kind = 2 AND state < 2;
DROP INDEX work_item_finished;

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

--  Lists of sessions, as an agent's console asks for them every few seconds: those that are open;
--  by when they began; of a visitor; of an agent who answers.
CREATE INDEX IF NOT EXISTS session_open
    ON session (app, (coalesce (active_at, created_at)) DESC, session) WHERE closed_at IS NULL;
CREATE INDEX IF NOT EXISTS session_created ON session (app, created_at DESC, session);
CREATE INDEX IF NOT EXISTS session_visitor
    ON session (app, visitor, (coalesce (active_at, created_at)) DESC, session);
CREATE INDEX IF NOT EXISTS session_agent
    ON session (app, control_user, (coalesce (active_at, created_at)) DESC, session)
    WHERE control_role = 2;
--  Of the app's participants: who is present, and where somebody is.
CREATE INDEX IF NOT EXISTS participant_present ON participant (session, role, user_id)
    WHERE present;
CREATE INDEX IF NOT EXISTS participant_user ON participant (user_id, session, role);

--  Search. A text is found by its words in small letters and without accents. Neither the
--  database's locale nor an extension has a say in it, so that it is the same everywhere and stays
--  the same: an index is made of it. What is no letter and no digit separates words.
CREATE FUNCTION search_fold (p_text text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    t text := p_text;
BEGIN
    IF octet_length (t) > length (t) THEN
        --  An accent is a character of its own behind its letter then, and goes.
        t := regexp_replace (normalize (t, NFKD),
                             E'[\u00ad\u0300-\u036f\u200b-\u200f\ufeff]' COLLATE "C", '', 'g');
        IF octet_length (t) > length (t) THEN
            t := replace (replace (replace (replace (replace (t, 'ß', 'ss'), 'æ', 'ae'),
                                            'Æ', 'ae'), 'œ', 'oe'), 'Œ', 'oe');
            t := translate (t,
                'ẞØøĐđÐðĦħıŁłŦŧŊŋÞþ'
                'ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣςΤΥΦΧΨΩ'
                'АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЂЄЅІЈЉЊЋЏҐ',
                'sooddddhhillttnntt'
                'αβγδεζηθικλμνξοπρσστυφχψω'
                'абвгдежзийклмнопрстуфхцчшщъыьэюяђєѕіјљњћџґ');
        END IF;
    END IF;
    RETURN btrim (regexp_replace (
        lower (t COLLATE "C"),
        E'[\u0001-/:-`{-\u00bf\u00d7\u00f7\u2000-\u206f\u3000-\u303f]+' COLLATE "C", ' ', 'g'));
END $$;

--  The words of what is said in a session, as an index has them: each behind four letters that
--  stand for the app, so that a word of one app is another one than that of the next. Of a text
--  8000 characters count.
CREATE FUNCTION search_words (p_session text, p_text text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    app text := substr (md5 (split_part (p_session, '/', 1)), 1, 4);
    words text := public.search_fold (substr (p_text, 1, 8000));
BEGIN
    --  A word in an index has at most 2046 bytes.
    IF octet_length (words) > 2000 THEN
        words := regexp_replace (words, '([^ ]{200})[^ ]+', '\1', 'g');
    END IF;
    RETURN array_to_tsvector (string_to_array (app || replace (words, ' ', ' ' || app), ' '));
END $$;

--  What is asked for: all of these words. One of three bytes or more is found by its beginning.
--  NULL: there is no word.
CREATE FUNCTION search_query (p_app text, p_text text) RETURNS tsquery
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT string_agg ('''' || substr (md5 (p_app), 1, 4) || substr (w, 1, 100) || ''''
                       || CASE WHEN octet_length (w) > 2 THEN ':*' ELSE '' END, ' & ')::tsquery
    FROM (SELECT DISTINCT w FROM unnest (string_to_array (search_fold (p_text), ' ')) AS w
          WHERE w <> '' LIMIT 20) AS words;
$$;

--  What is searched: what was said (kind 1), and who visitors are (2). A task of the postoffices
--  fills it from the log (fill_search), behind the commits: a message waits for nothing of it.
--  Numbers rise in the order in which things were found; what was there before the task began has
--  numbers below the first one. The partitions have 250,000 numbers each: what is said often is
--  found in the last ones, and what is rare is looked for in all of them.
CREATE TABLE search_entry (
    number  bigint NOT NULL,
    seq     bigint NOT NULL,
    at      timestamptz NOT NULL,
    role    smallint NOT NULL,
    kind    smallint NOT NULL,
    hidden  boolean NOT NULL,
    session text COLLATE "C" NOT NULL,
    text    text NOT NULL
) PARTITION BY RANGE (number);
CREATE INDEX search_entry_session ON search_entry (session);
CREATE INDEX search_entry_words ON search_entry USING gin (search_words (session, text))
    WITH (gin_pending_list_limit = 512);

--  How far a session's log is in search_entry, between which numbers, and what was known of its
--  visitor.
CREATE TABLE search_session (
    session      text COLLATE "C" PRIMARY KEY,
    seq          bigint NOT NULL,
    first_number bigint,
    last_number  bigint,
    visitor      text
) WITH (fillfactor = 85);

--  Where the task is. One row: the next numbers, up and down; everything that was stored before
--  done_at is there; a pass that began at pass_at has come to a session of an app (from the one
--  that was active last on); and days from back_day on, and sessions of that day behind
--  back_session, are of before the task began, and not there yet.
CREATE TABLE search_state (
    upper        bigint NOT NULL DEFAULT 1000000000000,
    lower        bigint NOT NULL DEFAULT 999999999999,
    done_at      timestamptz NOT NULL DEFAULT now (),
    pass_at      timestamptz,
    pass_app     text,
    pass_active  timestamptz,
    pass_session text COLLATE "C",
    back_day     date,
    back_session text COLLATE "C" NOT NULL DEFAULT ''
);
INSERT INTO search_state (back_day) SELECT max (day) FROM session;
