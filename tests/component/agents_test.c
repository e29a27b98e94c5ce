//  Agents, the queue, and who is found for whom, against a real PostgreSQL.

#include "base/clock.h"
#include "store/migrations.h"
#include "store_box.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

//  App a has the agents of `agents` ("ann 2 sales, bob 1 sales"), all of them available.
static postgres_t *
s_database (const char *agents)
{
    char sql[800];
    postgres_t *postgres = postgres_new (NULL);
    box_end (box_new (postgres, 11));
    snprintf (sql, sizeof sql,
              "INSERT INTO agent (app, user_id, state, capacity, groups)"
              " SELECT 'a', split_part (t, ' ', 1), 1, split_part (t, ' ', 2)::int,"
              " ARRAY[split_part (t, ' ', 3)] FROM unnest (string_to_array ('%s', ', ')) t",
              agents);
    sql_exec (postgres, sql);
    //  What an append makes of what was found, and what becomes of an offer.
    sql_exec (
        postgres,
        "CREATE SEQUENCE version START 10;"
        "CREATE FUNCTION waits (id text, target text, seconds int) RETURNS void LANGUAGE sql AS $$"
        " INSERT INTO session (session, app, visitor, day, control_role, control_seq,"
        "  waiting_since, waiting_for) VALUES ('a/' || id, 'a', 'v', current_date, 5,"
        "  nextval ('version'), now () - seconds * interval '1 s', target) $$;"
        "CREATE FUNCTION offered (id text) RETURNS void LANGUAGE sql AS $$"
        " UPDATE session SET offered_to = 'agent:' || reserved_for, waiting_for = NULL,"
        "  offer_until = now () + interval '30 s', control_seq = nextval ('version'),"
        "  tried = tried || reserved_for WHERE session = 'a/' || id $$;"
        "CREATE FUNCTION declined (id text, target text) RETURNS void LANGUAGE sql AS $$"
        " UPDATE session SET offered_to = '', offer_until = NULL, waiting_for = target,"
        "  control_seq = nextval ('version') WHERE session = 'a/' || id $$;"
        "CREATE FUNCTION accepted (id text) RETURNS void LANGUAGE sql AS $$"
        " UPDATE session SET control_role = 2, control_user = substr (offered_to, 7),"
        "  offered_to = '', offer_until = NULL, waiting_since = NULL,"
        "  control_seq = nextval ('version') WHERE session = 'a/' || id $$;"
        "CREATE FUNCTION over (id text) RETURNS void LANGUAGE sql AS $$"
        " UPDATE session SET last_agent = control_user, last_agent_at = now (), control_role = 3,"
        "  control_user = '', control_seq = nextval ('version') WHERE session = 'a/' || id $$;"
        "CREATE FUNCTION found (by_load boolean, last_ms bigint) RETURNS text LANGUAGE sql AS $$"
        " SELECT coalesce (string_agg (substr (session, 3) || ':' || agent, ' '), 'nothing')"
        " FROM match_@V@ ('a', by_load, last_ms, 100) $$");
    return postgres;
}

#define FOUND "SELECT found (false, 0)"

Test (agents, the_one_who_waits_longest_is_first)
{
    postgres_t *postgres = s_database ("ann 2 sales, bob 1 sales");
    sql_exec (postgres,
              "SELECT waits ('late', 'group:sales', 1), waits ('first', 'group:sales', 9),"
              " waits ('third', 'group:sales', 7), waits ('second', 'group:sales', 8)");
    sql_expect (postgres, FOUND, "first:ann second:bob third:ann");
    sql_expect (postgres, FOUND, "nothing");
    //  Room comes free: with the offer, too, they have all that they can.
    sql_exec (postgres, "SELECT offered ('first'), offered ('second'), offered ('third')");
    sql_expect (postgres, FOUND, "nothing");
    sql_exec (postgres, "SELECT accepted ('first'), accepted ('second'), accepted ('third')");
    sql_expect (postgres, FOUND, "nothing");
    sql_exec (postgres, "SELECT over ('third')");
    sql_expect (postgres, FOUND, "late:ann");
    postgres_destroy (&postgres);
}

//  A full group keeps nobody of another one waiting, and a group in which nobody is available
//  says so at once; so does one agent who is wanted by name.
Test (agents, each_target_is_by_itself)
{
    postgres_t *postgres = s_database ("ann 1 sales, bob 1 help, cy 1 help");
    sql_exec (postgres, "UPDATE agent SET state = 2 WHERE user_id = 'cy';"
                        "SELECT waits ('1', 'group:sales', 9), waits ('2', 'group:sales', 8),"
                        " waits ('3', 'group:none', 7), waits ('4', 'agent:cy', 6),"
                        " waits ('5', 'agent:zoe', 5), waits ('6', 'agent:bob', 4),"
                        " waits ('7', 'group:help', 3)");
    sql_expect (postgres, FOUND, "1:ann 3: 4: 5: 6:bob");
    //  That nobody was found is told once, until something has come of it or the time is over.
    sql_expect (postgres, FOUND, "nothing");
    sql_exec (postgres, "UPDATE session SET reserved_until = now () WHERE session = 'a/3'");
    sql_expect (postgres, FOUND, "3:");
    sql_exec (postgres, "UPDATE agent SET state = 1 WHERE user_id = 'cy'");
    sql_expect (postgres, FOUND, "7:cy");
    postgres_destroy (&postgres);
}

//  Who has declined is not asked again for the same visitor; when all have, there is nobody.
Test (agents, who_declines_is_not_asked_again)
{
    postgres_t *postgres = s_database ("ann 1 sales, bob 1 sales");
    sql_exec (postgres, "SELECT waits ('1', 'group:sales', 9)");
    sql_expect (postgres, FOUND, "1:ann");
    sql_exec (postgres, "SELECT offered ('1'), declined ('1', 'group:sales')");
    sql_expect (postgres, FOUND, "1:bob");
    sql_exec (postgres, "SELECT offered ('1'), declined ('1', 'group:sales')");
    sql_expect (postgres, FOUND, "1:");
    //  Who waits anew is somebody else.
    sql_exec (postgres, "UPDATE session SET tried = '{}', control_seq = 99");
    sql_expect (postgres, FOUND, "1:ann");
    //  Control moved before the offer was made: it was not asked.
    sql_exec (postgres, "UPDATE session SET control_seq = 100");
    sql_expect (postgres, FOUND, "1:bob");
    sql_exec (postgres, "UPDATE session SET control_seq = 101");
    sql_expect (postgres, FOUND, "1:ann");
    postgres_destroy (&postgres);
}

//  The postoffice died before the offer was made: the agent was not asked, and is again.
Test (agents, a_reservation_ends_by_itself)
{
    postgres_t *postgres = s_database ("ann 1 sales");
    sql_exec (postgres, "SELECT waits ('1', 'group:sales', 9), waits ('2', 'group:sales', 8)");
    sql_expect (postgres, FOUND, "1:ann");
    sql_expect (postgres, FOUND, "nothing");
    sql_expect (postgres,
                "SELECT reserved_until - now () BETWEEN interval '8 s' AND interval '10 s'"
                " FROM session WHERE session = 'a/1'",
                "t");
    sql_exec (postgres, "UPDATE session SET reserved_until = now () WHERE session = 'a/1'");
    sql_expect (postgres, FOUND, "1:ann");
    postgres_destroy (&postgres);
}

//  With more apps than are looked at in one go, those that begin with A are not all there is.
Test (agents, the_app_that_waits_longest_is_first)
{
    postgres_t *postgres = s_database ("ann 1 sales");
    sql_exec (postgres,
              "INSERT INTO session (session, app, visitor, day, waiting_since, waiting_for)"
              " SELECT a || '/' || n, a, 'v', current_date, now () - n * interval '1 min',"
              " 'group:sales' FROM (VALUES ('a', 3), ('b', 1), ('b', 9), ('c', 5), ('d', 7),"
              " ('d', 2)) w (a, n)");
    sql_expect (postgres,
                "SELECT string_agg (app || waiting || (oldest_ms / 60000), ' ')"
                " FROM apps_waiting_@V@ (3)",
                "b29 d27 c15");
    postgres_destroy (&postgres);
}

//  The agent who answered a visitor last goes before the others, for so long.
Test (agents, the_last_agent_is_first)
{
    postgres_t *postgres = s_database ("ann 9 sales, bob 9 sales, cy 9 sales");
    sql_exec (postgres, "SELECT waits ('1', 'group:sales', 9), waits ('2', 'group:sales', 8);"
                        "UPDATE session SET last_agent = 'cy', last_agent_at = now () -"
                        " CASE session WHEN 'a/1' THEN interval '50 s' ELSE interval '70 s' END");
    sql_expect (postgres, "SELECT found (false, 60000)", "1:cy 2:ann");
    postgres_destroy (&postgres);
}

//  By turns, whoever has much to do; or whoever has least.
Test (agents, by_turns_or_by_load)
{
    postgres_t *postgres = s_database ("ann 9 sales, bob 9 sales, cy 9 sales");
    sql_exec (postgres, "SELECT waits (n::text, 'group:sales', 30 - n)"
                        " FROM generate_series (1, 5) n");
    sql_expect (postgres, FOUND, "1:ann 2:bob 3:cy 4:ann 5:bob");
    sql_exec (postgres, "SELECT waits (n::text, 'group:sales', 30 - n)"
                        " FROM generate_series (6, 9) n");
    sql_expect (postgres, FOUND, "6:cy 7:ann 8:bob 9:cy");
    sql_exec (postgres, "UPDATE session SET control_seq = 99, waiting_for = NULL, waiting_since ="
                        " NULL, control_role = 2, control_user = reserved_for;"
                        "SELECT over (n::text) FROM unnest ('{3,6,9}'::int[]) n;"
                        "SELECT waits (n::text, 'group:sales', 50 - n)"
                        " FROM generate_series (20, 24) n");
    sql_expect (postgres, "SELECT found (true, 0)", "20:cy 21:cy 22:cy 23:ann 24:bob");
    postgres_destroy (&postgres);
}

//  An agent passes its visitor on to its own group: somebody else is found, and both have it until
//  then.
Test (agents, who_passes_a_visitor_on_is_not_found_for_it)
{
    postgres_t *postgres = s_database ("ann 2 sales");
    sql_exec (postgres, "SELECT waits ('1', 'group:sales', 9);"
                        "UPDATE session SET control_role = 2, control_user = 'ann',"
                        " control_seq = 99");
    sql_expect (postgres, FOUND, "1:");
    sql_exec (postgres, "INSERT INTO agent (app, user_id, state, groups) VALUES"
                        " ('a', 'bob', 1, '{sales}'); UPDATE session SET reserved_until = now ()");
    sql_expect (postgres, FOUND, "1:bob");
    sql_expect (postgres,
                "SELECT string_agg (user_id || sessions || offers, ' ' ORDER BY user_id)"
                " FROM agent_loads_@V@ ('a', '{ann,bob}')",
                "ann10 bob01");
    postgres_destroy (&postgres);
}

// ---------------------------------------------------------------------------------------------
//  A program of schema 6 beside ours

//  old_does (id, seq, role, who, closed) appends an entry as such a program does.
static void
s_let_schema_6_append (postgres_t *postgres)
{
    static char functions[30000];
    FILE *file = fopen (APPEND_6, "r");
    cr_assert (file && fread (functions, 1, sizeof functions - 1, file) > 0 && feof (file));
    fclose (file);
    cr_assert (postgres_exec (postgres, functions));
    sql_exec (
        postgres,
        "CREATE FUNCTION old_does (id text, seq bigint, role int, who text, closed int) RETURNS"
        " text LANGUAGE sql AS $$ SELECT coalesce (string_agg (refused, ','), '') FROM append_6 ("
        " 77, current_date, '{}', '{}', '{}', '{}', '{}', ARRAY['a/' || id], ARRAY[seq],"
        " ARRAY['m' || seq], ARRAY[3::smallint], ARRAY[1000::bigint], ARRAY[1::smallint],"
        " ARRAY['v'], ARRAY['{}'], ARRAY['{}'], ARRAY[false],"
        " '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}',"
        " ARRAY['a/' || id], ARRAY[role::smallint], ARRAY[who], ARRAY[closed::smallint],"
        " ARRAY[false], '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}',"
        " '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}') $$");
}

//  It knows of no offer: whom it closes, takes or gives back waits no more, and the version is
//  another one. What it does besides changes nothing of it.
Test (agents, whom_a_program_of_schema_6_answers_waits_no_more)
{
    postgres_t *postgres = s_database ("ann 9 sales");
    s_let_schema_6_append (postgres);
    sql_exec (postgres, "SELECT waits (id, 'group:sales', 9) FROM unnest ('{closed,taken,bot,says,"
                        "asked,idle}'::text[]) id; UPDATE session SET waiting_since = NULL,"
                        " waiting_for = NULL, control_role = 3, control_seq = 7"
                        " WHERE session = 'a/idle'");
    sql_expect (postgres, FOUND, "asked:ann bot:ann closed:ann says:ann taken:ann");
    sql_exec (postgres, "SELECT offered ('asked')");
    sql_expect (postgres,
                "SELECT concat (old_does ('closed', 51, 0, '', 1), old_does ('taken', 52, 2, 'bob',"
                " 0), old_does ('bot', 53, 3, '', 0), old_does ('says', 54, 0, '', 0),"
                " old_does ('asked', 55, 2, 'bob', 0), old_does ('idle', 56, 0, '', 1))",
                "");
    sql_expect (postgres,
                "SELECT string_agg (concat_ws (' ', substr (session, 3), nullif (last_agent, ''),"
                " CASE WHEN control_seq > 50 OR session = 'a/idle' THEN control_seq END), ', '"
                " ORDER BY session) FROM session WHERE waiting_since IS NULL AND offered_to = ''"
                " AND offer_until IS NULL AND waiting_for IS NULL",
                "asked bob 55, bot 53, closed 51, idle 7, taken bob 52");
    sql_expect (postgres, "SELECT string_agg (session, ' ') FROM queue_@V@ ('a')", "a/says");
    sql_expect (postgres, "SELECT offers FROM agent_loads_@V@ ('a', '{ann}')", "1");
    sql_exec (postgres, "UPDATE session SET reserved_until = now ()");
    sql_expect (postgres, FOUND, "says:ann");
    postgres_destroy (&postgres);
}

//  Whatever closed it.
Test (agents, who_is_closed_waits_for_nobody)
{
    postgres_t *postgres = s_database ("ann 9 sales");
    sql_exec (postgres, "SELECT waits ('1', 'group:sales', 9);"
                        "UPDATE session SET closed_at = now (), control_seq = 99");
    sql_expect (postgres, FOUND, "nothing");
    sql_expect (postgres, "SELECT count (*) FROM queue_@V@ ('a')", "0");
    sql_expect (postgres, "SELECT count (*) FROM apps_waiting_@V@ (100)", "0");
    sql_exec (postgres, "UPDATE session SET closed_at = NULL, control_seq = 100");
    sql_expect (postgres, FOUND, "1:ann");
    sql_exec (postgres, "UPDATE session SET closed_at = now (), control_seq = control_seq + 1,"
                        " reserved_seq = control_seq + 1");
    sql_expect (postgres, "SELECT offers FROM agent_loads_@V@ ('a', '{ann}')", "0");
    postgres_destroy (&postgres);
}

// ---------------------------------------------------------------------------------------------
//  Several postoffices

#define OFFICES 6
#define VISITORS 300

typedef struct {
    postgres_t *postgres;
    pthread_t thread;
    int office;
    bool is_good;
} office_t;

//  Finds until nobody waits, and makes of what it finds an offer, which is accepted, declined, or
//  forgotten (its postoffice died); what was accepted is over soon.
static void *
s_match_on (void *argument)
{
    office_t *office = argument;
    char sql[2000];
    //  sql_of has one room for all.
    snprintf (sql, sizeof sql,
              "DO $do$ DECLARE m record; n int := 0; BEGIN LOOP"
              " n := n + 1; EXIT WHEN n > 3000;"
              " CREATE TEMP TABLE IF NOT EXISTS got (session text, agent text, version bigint);"
              " DELETE FROM got;"
              " INSERT INTO got SELECT session, agent, version FROM match_%zu ('a', %s, 0, 7);"
              " INSERT INTO found_log (session, agent, at) SELECT session, agent,"
              "  clock_timestamp () FROM got WHERE agent <> '';"
              " INSERT INTO too_much SELECT l.user_id FROM agent a, agent_loads_%zu ('a',"
              "  ARRAY[a.user_id]) l WHERE l.sessions + l.offers > a.capacity;"
              " COMMIT;"
              //  An append counts only for the version of control that was found.
              " FOR m IN SELECT * FROM got WHERE agent <> '' ORDER BY session LOOP"
              "  IF (SELECT s.control_seq FROM session s WHERE s.session = m.session FOR UPDATE)"
              "   = m.version THEN CASE (random () * 4)::int WHEN 0 THEN NULL;"
              "  WHEN 1 THEN PERFORM offered (substr (m.session, 3)),"
              "   declined (substr (m.session, 3), 'group:sales');"
              "  ELSE PERFORM offered (substr (m.session, 3)), accepted (substr (m.session, 3));"
              "  END CASE; END IF; COMMIT; END LOOP;"
              //  As if 10 s had passed: of what was forgotten, and nobody has found since.
              " UPDATE session s SET reserved_until = now () FROM got g WHERE"
              "  s.session = g.session AND s.control_seq = g.version; COMMIT;"
              " PERFORM over (substr (g.session, 3)) FROM got g WHERE random () < 0.7; COMMIT;"
              " EXIT WHEN NOT EXISTS (SELECT FROM session WHERE waiting_since IS NOT NULL);"
              " UPDATE session SET control_role = 3, control_user = '' WHERE session IN ("
              "  SELECT session FROM session WHERE control_role = 2 AND random () < 0.2"
              "  ORDER BY session FOR UPDATE SKIP LOCKED);"
              " UPDATE session SET tried = '{}' WHERE session IN (SELECT session FROM session"
              "  WHERE waiting_since IS NOT NULL AND cardinality (tried) > 3 ORDER BY session"
              "  FOR UPDATE SKIP LOCKED); COMMIT;"
              " END LOOP; END $do$",
              migrations_count, office->office % 2 ? "true" : "false", migrations_count);
    office->is_good = postgres_exec (office->postgres, sql);
    return NULL;
}

//  Six at once, with a capacity of 7 for 300 visitors: nobody ever has more than its capacity, and
//  whoever was found first had waited longest of those who waited.
Test (agents, nobody_gets_more_than_its_capacity)
{
    postgres_t *postgres = s_database ("ann 1 sales, bob 2 sales, cy 1 sales, di 3 sales");
    office_t offices[OFFICES];
    sql_exec (postgres, "CREATE TABLE found_log (n bigserial, session text, agent text, at"
                        " timestamptz); CREATE TABLE too_much (agent text)");
    char sql[200];
    snprintf (sql, sizeof sql,
              "SELECT waits (lpad (n::text, 4, '0'), 'group:sales', 1000 - n)"
              " FROM generate_series (1, %d) n", VISITORS);
    sql_exec (postgres, sql);
    for (int at = 0; at < OFFICES; at++) {
        offices[at] = (office_t){ .postgres = postgres, .office = at };
        cr_assert_eq (pthread_create (&offices[at].thread, NULL, s_match_on, &offices[at]), 0);
    }
    for (int at = 0; at < OFFICES; at++) {
        pthread_join (offices[at].thread, NULL);
        cr_assert (offices[at].is_good, "office %d", at);
    }
    sql_expect (postgres, "SELECT count (*) FROM session WHERE waiting_since IS NOT NULL", "0");
    sql_expect (postgres, "SELECT count (*) FROM too_much", "0");
    sql_expect (postgres, "SELECT count (DISTINCT session) FROM found_log", "300");
    sql_expect (postgres, "SELECT count (DISTINCT agent) FROM found_log", "4");
    //  When somebody was found for the n-th visitor for the first time, it was one of the next few
    //  who waited: those before it had been found already, but for what others held just then.
    sql_expect (postgres,
                "SELECT max (abs (substr (session, 3)::int - place)) < 15 FROM ("
                " SELECT session, row_number () OVER (ORDER BY min (n)) AS place FROM found_log"
                " GROUP BY session) f",
                "t");
    postgres_destroy (&postgres);
}

// ---------------------------------------------------------------------------------------------
//  Offers that are let pass

typedef struct {
    bool is_answered;
    store_outcome_t outcome;
} append_answer_t;

static void
s_on_appended (void *owner, uint64_t request_id, store_outcome_t outcome, const text_t *waits,
               size_t wait_count)
{
    (void) request_id, (void) waits, (void) wait_count;
    *(append_answer_t *) owner = (append_answer_t){ true, outcome };
}

//  The session's next entry, with what else `also` says.
static store_outcome_t
s_append_also (box_t *box, uint64_t seq, const store_append_t *also)
{
    append_answer_t answer = { .is_answered = false };
    char id[20];
    snprintf (id, sizeof id, "m%llu", (unsigned long long) seq);
    store_entry_t entry = { .message_id = text_of (id), .event = EVENT_NEW_MESSAGE, .time_ms = seq,
                            .role = ROLE_VISITOR, .user = TEXT ("v"), .sender = TEXT ("{}"),
                            .data = TEXT ("{}") };
    store_append_t append = *also;
    append.session = TEXT ("a/s");
    append.opens = seq == 1;
    append.app = TEXT ("a");
    append.visitor = TEXT ("v");
    append.day_ms = clock_wall_ms ();
    append.day = clock_wall_ms () / 86400000;
    append.first_seq = append.control_seq = seq;
    append.entries = &entry;
    append.entry_count = 1;
    cr_assert_eq (store_append (box->store, &append, 1, s_on_appended, &answer), 0);
    UNTIL (box, answer.is_answered);
    return answer.outcome;
}

//  With what became of offers.
static store_outcome_t
s_append (box_t *box, uint64_t seq, const store_asked_t *asked, size_t count)
{
    return s_append_also (box, seq, &(store_append_t){ .asked = asked, .asked_count = count });
}

//  The visitor waits for this, or it is offered to that.
static void
s_offer (box_t *box, uint64_t seq, const char *sought, const char *offered_to, bool begins)
{
    store_append_t also = { .control_changes = true, .control_role = ROLE_ROUTER,
                            .offer_begins = begins,
                            .offer = { .waits = true, .sought = text_of (sought),
                                       .offered_to = text_of (offered_to), .for_ms = 30000,
                                       .text = TEXT ("{}") } };
    cr_assert_eq (s_append_also (box, seq, &also), STORED);
}

//  Whom it was offered to has been asked, and nobody else; of an offer that begins, anew. Who waits
//  keeps its place all the same.
Test (agents, who_was_asked_is_not_asked_in_the_same_offer)
{
    postgres_t *postgres = s_database ("ann 9 sales");
    box_t *box = box_new (postgres, 12);
    s_offer (box, 1, "group:sales", "", true);
    sql_exec (postgres, "CREATE TABLE began AS SELECT waiting_since AS at FROM session");
    sql_expect (postgres, FOUND, "s:ann");
    s_offer (box, 2, "", "agent:ann", false);
    cr_assert_eq (s_append (box, 3, NULL, 0), STORED);
    s_offer (box, 4, "group:sales", "", false);
    sql_expect (postgres, FOUND, "s:");
    s_offer (box, 5, "agent:ann", "", true);
    sql_expect (postgres, FOUND, "s:ann");
    s_offer (box, 6, "group:sales", "", false);
    sql_expect (postgres, FOUND, "s:ann");
    s_offer (box, 7, "", "agent:ann", false);
    s_offer (box, 8, "", "platform:x", false);
    sql_expect (postgres, "SELECT concat (tried, waiting_since = at) FROM session, began",
                "{ann}t");
    const store_append_t over = { .control_changes = true, .control_role = ROLE_BOT };
    cr_assert_eq (s_append_also (box, 9, &over), STORED);
    sql_expect (postgres, "SELECT tried FROM session WHERE waiting_since IS NULL", "{}");
    box_end (box);
    postgres_destroy (&postgres);
}

#define ANN                                                                                      \
    "SELECT state || ' ' || missed || ' ' || why || ' ' || version FROM agent WHERE user_id = 'ann'"

//  With the entry, and only when that is stored: so many in a row, and the agent is away; one that
//  is answered begins the count anew.
Test (agents, who_lets_offers_pass_is_away)
{
    const store_asked_t missed = { TEXT ("ann"), true, 2 }, answered = { TEXT ("ann"), false, 2 };
    const store_asked_t several[] = { missed, { TEXT ("nobody"), true, 2 }, answered, missed };
    postgres_t *postgres = s_database ("ann 3 sales");
    box_t *box = box_new (postgres, 12);
    cr_assert_eq (s_append (box, 1, &missed, 1), STORED);
    sql_expect (postgres, ANN, "1 1 asked 1");
    cr_assert_eq (s_append (box, 2, &answered, 1), STORED);
    sql_expect (postgres, ANN, "1 0 asked 1");
    cr_assert_eq (s_append (box, 3, several, 4), STORED);
    sql_expect (postgres, ANN, "1 1 asked 1");
    //  What is not stored was not so.
    cr_assert_eq (s_append (box, 3, &missed, 1), STORE_CONFLICT);
    sql_expect (postgres, ANN, "1 1 asked 1");
    cr_assert_eq (s_append (box, 4, &missed, 1), STORED);
    sql_expect (postgres, ANN, "0 2 missed 2");
    //  It says that it is there again: anew. Without a limit it is never away.
    sql_expect (postgres,
                "SELECT (body::json ->> 'missed') || (body::json ->> 'why') FROM set_agent_@V@ ("
                "'a', 'ann', 'available', '', '', '', 'asked', '', '', 2)",
                "0asked");
    const store_asked_t unlimited = { TEXT ("ann"), true, 0 };
    for (uint64_t seq = 5; seq < 9; seq++)
        cr_assert_eq (s_append (box, seq, &unlimited, 1), STORED);
    sql_expect (postgres, ANN, "1 4 asked 3");
    box_end (box);
    postgres_destroy (&postgres);
}
