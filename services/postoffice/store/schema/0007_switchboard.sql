--  readable_from: 4
--  functions: 8f7265cbff78f808a6b07695b4004317
--
--  The switchboard: which version control has, whom a waiting visitor is offered to, and until
--  when. Programs of schemas 4 to 6 run beside those of this one: each new column has a default,
--  and nothing has changed its meaning.

--  Of the log's last entry that changed control or the offer: its seq, and when it was stored. 0
--  and NULL: none since schema 7.
ALTER TABLE session ADD COLUMN control_seq bigint NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN control_at timestamptz;
--  Since when the visitor waits, or a successor is sought. NULL: there is no offer.
ALTER TABLE session ADD COLUMN waiting_since timestamptz;
--  Whom the offer is for and nobody was found of yet: `group:x` or `agent:y`. NULL: nobody is to be
--  found (there is no offer, or it is made to somebody just now).
ALTER TABLE session ADD COLUMN waiting_for text;
--  To whom it is made just now: `agent:y` or `platform:x`, and until when. Empty: to nobody.
ALTER TABLE session ADD COLUMN offered_to text NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN offer_until timestamptz;
--  All of the offer, as model/offer.h writes it: JSON. Empty: there is none.
ALTER TABLE session ADD COLUMN offer text NOT NULL DEFAULT '';
--  Since when the bot does not answer: the seq of the entry with which it lost control. 0: it has
--  it.
ALTER TABLE session ADD COLUMN away_seq bigint NOT NULL DEFAULT 0;
--  Agents who have been asked in it.
ALTER TABLE session ADD COLUMN tried text[] NOT NULL DEFAULT '{}';
--  The agent who had control last, and until when at least.
ALTER TABLE session ADD COLUMN last_agent text NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN last_agent_at timestamptz;
--  An agent to whom it is about to be offered, as the matcher found; written by it only.
ALTER TABLE session ADD COLUMN reserved_for text NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN reserved_until timestamptz;
--  And the rest of what the matcher keeps (agents.sql): the version for which that was found; when
--  the visitor was told its place in the queue last.
ALTER TABLE session ADD COLUMN reserved_seq bigint;
ALTER TABLE session ADD COLUMN told_at timestamptz;

--  Programs of schemas 4 to 6 write who has control, and that it is closed, but nothing of the
--  rest: without this, whoever they answer or close would wait for ever. The version is the seq of
--  what they stored last. Ours say a version with each change of control; closing alone changes
--  none.
CREATE FUNCTION session_control_moved () RETURNS trigger LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    NEW.control_seq := greatest (NEW.control_seq, (
        SELECT max (l.seq) FROM log l WHERE l.session = NEW.session AND l.day = NEW.day));
    NEW.control_at := now ();
    NEW.waiting_since := NULL;
    NEW.waiting_for := NULL;
    NEW.offered_to := '';
    NEW.offer_until := NULL;
    NEW.offer := '';
    NEW.tried := '{}';
    NEW.away_seq := CASE WHEN NEW.control_role = 3 THEN 0 WHEN OLD.away_seq > 0 THEN OLD.away_seq
        ELSE NEW.control_seq END;
    IF NEW.control_role = 2 THEN
        NEW.last_agent := NEW.control_user;
    END IF;
    IF 2 IN (OLD.control_role, NEW.control_role) THEN
        NEW.last_agent_at := now ();
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER session_control BEFORE UPDATE OF control_role, control_user, closed_at ON session
    FOR EACH ROW WHEN (
        NEW.control_seq = OLD.control_seq
        AND (NEW.control_role <> OLD.control_role OR NEW.control_user <> OLD.control_user
             OR NEW.closed_at IS NOT NULL AND OLD.closed_at IS NULL
                 AND NEW.waiting_since IS NOT NULL))
    EXECUTE FUNCTION session_control_moved ();

--  The most that one of a participant's clients has received, and what it has read as it says
--  itself. 0: nothing is known. (received_seq is the least that all of them have.)
ALTER TABLE participant ADD COLUMN delivered_seq bigint NOT NULL DEFAULT 0;
ALTER TABLE participant ADD COLUMN read_seq bigint NOT NULL DEFAULT 0;
--  An agent that is not present, and was put out of the session: what its connections of before ask
--  for does not bring it in again. Means nothing of one that is present.
ALTER TABLE participant ADD COLUMN is_out boolean NOT NULL DEFAULT false;

--  Who waits: a message touches nothing of it.
CREATE INDEX IF NOT EXISTS session_waiting ON session (app, waiting_for, waiting_since)
    WHERE waiting_since IS NOT NULL;
--  What an agent has to answer, beside what it answers already.
CREATE INDEX IF NOT EXISTS session_offered ON session (app, offered_to) WHERE offered_to <> '';
CREATE INDEX IF NOT EXISTS session_reserved ON session (app, reserved_for)
    WHERE waiting_since IS NOT NULL AND reserved_for <> '';
--  The list of those whom a platform answers (4), or nobody (5).
CREATE INDEX IF NOT EXISTS session_elsewhere ON session (app, control_role) WHERE control_role > 3;

--  People who answer visitors. state: 0 away, 1 available, 2 busy; it is the person's, whatever its
--  connections do. why: who set it (asked: the agent, managed: somebody else, missed: the router,
--  after so many offers that nobody answered). version rises with every change that is not the
--  matcher's; offered_at is when somebody was found for it last.
CREATE TABLE agent (
    app          text COLLATE "C" NOT NULL,
    user_id      text COLLATE "C" NOT NULL,
    name         text NOT NULL DEFAULT '',
    groups       text[] NOT NULL DEFAULT '{}',
    state        smallint NOT NULL DEFAULT 0,
    why          text NOT NULL DEFAULT 'asked',
    capacity     int NOT NULL DEFAULT 3,
    missed       int NOT NULL DEFAULT 0,
    version      bigint NOT NULL DEFAULT 1,
    changed_at   timestamptz NOT NULL DEFAULT now (),
    offered_at   timestamptz,
    change_keys  text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (app, user_id)
);
CREATE INDEX agent_available ON agent (app, user_id) WHERE state = 1;

--  How fast a queue moves: the mean time between two visitors of it for whom somebody was found.
CREATE TABLE queue_pace (
    app        text COLLATE "C" NOT NULL,
    target     text COLLATE "C" NOT NULL,
    found_at   timestamptz NOT NULL,
    mean_ms    bigint NOT NULL DEFAULT 0,
    count      bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (app, target)
);

--  What a visitor's row was read from, so that it is read again only when that has changed. NULL:
--  not known, as a program of schema 6 wrote the row.
ALTER TABLE search_session ADD COLUMN hash bigint;

--  As before, and the same words as before, with one step for what separates words in place of one
--  for each word: blanks stay as many as they are. What takes longest, the letters of other
--  alphabets, is left out when only the punctuation was not ASCII.
CREATE OR REPLACE FUNCTION search_fold (p_text text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    t text := p_text;
BEGIN
    IF octet_length (t) > length (t) THEN
        --  An accent is a character of its own behind its letter then, and goes.
        t := regexp_replace (normalize (t, NFKD),
                             E'[\u00ad\u0300-\u036f\u200b-\u200f\ufeff]' COLLATE "C", '', 'g');
        t := regexp_replace (t, E'[\u0080-\u00bf\u00d7\u00f7\u2000-\u206f\u3000-\u303f]+'
                                COLLATE "C", ' ', 'g');
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
    RETURN btrim (regexp_replace (lower (t COLLATE "C"),
                                  E'[\u0001-\u001f!-/:-`{-\u007f]+' COLLATE "C", ' ', 'g'));
END $$;

CREATE OR REPLACE FUNCTION search_words (p_session text, p_text text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    app text := substr (md5 (split_part (p_session, '/', 1)), 1, 4);
    words text := public.search_fold (substr (p_text, 1, 8000));
BEGIN
    --  A word in an index has at most 2046 bytes.
    IF octet_length (words) > 2000 THEN
        words := regexp_replace (words, '([^ ]{200})[^ ]+', '\1', 'g');
    END IF;
    RETURN array_to_tsvector (array_remove (
        string_to_array (app || replace (words, ' ', ' ' || app), ' '), app));
END $$;

--  Partitions that are there already: see make_search.
DO $$
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = 'search_entry'::regclass
    LOOP
        EXECUTE format ('ALTER TABLE %s SET (autovacuum_analyze_threshold = 10000,'
                        ' autovacuum_analyze_scale_factor = 1)', part);
    END LOOP;
END $$;
