//  The alert engine: real postoffices over a real PostgreSQL. Alerts are put into the table as
//  rules make them (triggers/alerts.h); whom they call is read from the items for the notifier,
//  which nobody takes here.

#include "eventually.h"
#include "ports.h"
#include "postgres.h"
#include "process.h"
#include "store/migrations.h"

#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WITHIN_MS 40000
#define KEY "0123456789abcdef0123456789abcdef"
#define SECRET "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

typedef struct {
    postgres_t *postgres;
    process_t *postoffices[2];
    char apps[80];
} stage_t;

static const char s_apps[] =
    "{ \"apps\": [ { \"appId\": \"demo\","
    " \"people\": ["
    "  { \"id\": \"anna\", \"name\": \"Anna\", \"email\": \"anna@example.com\","
    "    \"phone\": \"+4930123\", \"slack\": \"U012\", \"groups\": [\"desk\"] },"
    "  { \"id\": \"ben\", \"name\": \"Ben\", \"email\": \"ben@example.com\","
    "    \"groups\": [\"desk\"] } ],"
    " \"email\": { \"url\": \"smtp://127.0.0.1:1\", \"security\": \"none\","
    "   \"from\": \"alerts@example.com\", \"withoutLogin\": true },"
    " \"sms\": { \"accountSid\": \"AC00000000000000000000000000000000\", \"token\": \"t\","
    "   \"from\": \"+15550100\" },"
    " \"slack\": { \"token\": \"xoxb-1\", \"channel\": \"C012\" },"
    " \"alerts\": ["
    "  { \"name\": \"waiting\", \"on\": \"visitor-waits\","
    "    \"steps\": [ { \"afterSeconds\": 0, \"by\": [\"slack\"], \"to\": [\"group:desk\"] },"
    "      { \"afterSeconds\": 2, \"by\": [\"sms\", \"email\"], \"to\": [\"person:anna\"] } ],"
    "    \"subject\": \"{{visitor.name}} waits\","
    "    \"text\": \"<b> {{message.text}} {{session.url}} {{link}}\","
    "    \"mostPerHour\": 1000 },"
    "  { \"name\": \"once\", \"on\": \"keyword\", \"where\": { \"keywords\": [\"refund\"] },"
    "    \"steps\": [ { \"by\": [\"email\"], \"to\": [\"person:anna\"] } ],"
    "    \"subject\": \"s\", \"text\": \"words\", \"onceSeconds\": 3600 },"
    "  { \"name\": \"twin\", \"on\": \"keyword\", \"where\": { \"keywords\": [\"refund\"] },"
    "    \"steps\": [ { \"by\": [\"email\"], \"to\": [\"group:desk\"] } ],"
    "    \"subject\": \"s\", \"text\": \"t\" },"
    "  { \"name\": \"few\", \"on\": \"session-started\","
    "    \"steps\": [ { \"by\": [\"email\"], \"to\": [\"person:ben\"] } ],"
    "    \"subject\": \"s\", \"text\": \"{{suppressed}}\", \"mostPerHour\": 3 },"
    "  { \"name\": \"night\", \"on\": \"handoff-asked\","
    "    \"steps\": [ { \"by\": [\"email\"], \"to\": [\"person:ben\"] } ],"
    "    \"subject\": \"s\", \"text\": \"t\","
    "    \"hours\": { \"zone\": \"UTC\", \"from\": \"%s\", \"to\": \"%s\" } },"
    "  { \"name\": \"far\", \"on\": \"offer-expired\","
    "    \"steps\": [ { \"by\": [\"sms\", \"email\"], \"to\": [\"person:anna\"] },"
    "      { \"afterSeconds\": 3600, \"by\": [\"email\"], \"to\": [\"person:ben\"] } ],"
    "    \"subject\": \"{{visitor.name}}\", \"text\": \"said: {{message.text}}\" },"
    "  { \"name\": \"dead\", \"on\": \"dead-letter\","
    "    \"steps\": [ { \"by\": [\"email\"], \"to\": [\"person:anna\"] } ],"
    "    \"subject\": \"s\", \"text\": \"{{reason}}\" },"
    "  { \"name\": \"nobody\", \"on\": \"no-worker\", \"afterSeconds\": 1,"
    "    \"steps\": [ { \"by\": [\"sms\"], \"to\": [\"person:anna\"] } ],"
    "    \"subject\": \"s\", \"text\": \"{{reason}}\" },"
    "  { \"name\": \"bot\", \"on\": \"bot-failing\","
    "    \"steps\": [ { \"by\": [\"sms\"], \"to\": [\"person:anna\"] } ],"
    "    \"subject\": \"s\", \"text\": \"t\" },"
    "  { \"name\": \"well\", \"on\": \"bot-healthy\","
    "    \"steps\": [ { \"by\": [\"sms\"], \"to\": [\"person:anna\"] } ],"
    "    \"subject\": \"s\", \"text\": \"t\" }"
    " ] }, { \"appId\": \"hooked\","
    " \"people\": [ { \"id\": \"anna\", \"email\": \"anna@example.com\" } ],"
    " \"email\": { \"url\": \"smtp://127.0.0.1:1\", \"security\": \"none\","
    "   \"from\": \"alerts@example.com\", \"withoutLogin\": true },"
    " \"alerts\": [ { \"name\": \"said\", \"on\": \"keyword\","
    "    \"where\": { \"keywords\": [\"refund\"] },"
    "    \"steps\": [ { \"by\": [\"email\"], \"to\": [\"person:anna\"] } ],"
    "    \"subject\": \"s\", \"text\": \"t\" } ],"
    " \"webhooksOut\": ["
    "  { \"name\": \"crm\", \"url\": \"https://crm.example/\", \"secret\": \"" SECRET "\","
    "    \"events\": [\"alert.raised\", \"delivery.dead\"] },"
    "  { \"name\": \"log\", \"url\": \"https://log.example/\", \"secret\": \"" SECRET "\","
    "    \"events\": [\"delivery.dead\"] } ] } ] }";

//  The rule "night" has hours that begin in two hours.
static void
s_write_apps (stage_t *self)
{
    char from[10], to[10];
    time_t begins = time (NULL) + 2 * 3600, ends = begins + 3600;
    strftime (from, sizeof from, "%H:%M", gmtime (&begins));
    strftime (to, sizeof to, "%H:%M", gmtime (&ends));
    snprintf (self->apps, sizeof self->apps, "/tmp/stentor-alerts-%d.json", (int) getpid ());
    FILE *file = fopen (self->apps, "w");
    cr_assert (file);
    fprintf (file, s_apps, from, to);
    fclose (file);
}

static void
s_start_postoffice (stage_t *self, unsigned at)
{
    char url[300], bus[80], name[40], operations[40], apps[120];
    uint16_t port = ports_free ();
    snprintf (url, sizeof url, "POSTGRES_URL=%s", postgres_url (self->postgres));
    snprintf (bus, sizeof bus, "POSTOFFICE_BUS_ADDRESS=tcp://127.0.0.1:%u", ports_free ());
    snprintf (name, sizeof name, "NODE_NAME=postoffice-%u", at + 1);
    snprintf (operations, sizeof operations, "OPERATIONS_PORT=%u", port);
    snprintf (apps, sizeof apps, "APPS_FILE=%s", self->apps);
    const char *settings[] = { url,
                               bus,
                               name,
                               operations,
                               apps,
                               "ALERT_URL=https://chat.example.com/",
                               "ALERT_KEY=" KEY,
                               "CONSOLE_URL=https://console.example.com/{app}?s={session}",
                               NULL };
    self->postoffices[at] =
        process_new (name + strlen ("NODE_NAME="), "postoffice", NULL, settings);
    cr_assert (self->postoffices[at]);
    process_set_operations_port (self->postoffices[at], port);
}

static stage_t *
s_start (unsigned postoffices)
{
    stage_t *self = calloc (1, sizeof *self);
    self->postgres = postgres_new (NULL);
    cr_assert (self->postgres);
    s_write_apps (self);
    for (unsigned at = 0; at < postoffices; at++)
        s_start_postoffice (self, at);
    for (unsigned at = 0; at < postoffices; at++)
        cr_assert (process_wait_ready (self->postoffices[at], WITHIN_MS));
    return self;
}

static void
s_end (stage_t *self)
{
    for (unsigned at = 0; at < 2; at++)
        if (self->postoffices[at]) {
            cr_expect_eq (process_stop (self->postoffices[at], 15000), 0);
            process_destroy (&self->postoffices[at]);
        }
    postgres_destroy (&self->postgres);
    unlink (self->apps);
    free (self);
}

static void
s_sql (stage_t *self, const char *sql)
{
    cr_assert (postgres_exec (self->postgres, sql), "%s", sql);
}

//  Does the query say so?
static bool
s_is (stage_t *self, const char *sql, const char *value)
{
    char *answer = postgres_query (self->postgres, sql);
    bool is_so = answer && strcmp (answer, value) == 0;
    free (answer);
    return is_so;
}
#define S_IS(stage, sql, value) EVENTUALLY (WITHIN_MS, s_is (stage, sql, value))

//  A visitor's sessions s1, s2 …: nobody has control (role 5), the last entry is 3.
static void
s_sessions (stage_t *self, unsigned count)
{
    char sql[900];
    //  A postoffice is ready before it has made the day's partition.
    S_IS (self, "SELECT to_regclass ('log_' || to_char (now () AT TIME ZONE 'UTC', 'YYYYMMDD'))"
                " IS NOT NULL", "t");
    snprintf (sql, sizeof sql,
              "WITH n AS (SELECT 'demo/s' || n AS session, (now () AT TIME ZONE 'UTC')::date AS day"
              "  FROM generate_series (1, %u) AS n), s AS ("
              "  INSERT INTO session (session, app, visitor, day, control_role, control_seq)"
              "  SELECT session, 'demo', 'vic', day, 5, 3 FROM n)"
              " INSERT INTO log (seq, time_ms, writer, day, event, role, hidden, session,"
              "  message_id, user_id, sender, data)"
              " SELECT q, 1000 + q, 1, day, 3, 1, false, session, 'm' || q, 'vic', '{}', '{}'"
              " FROM n, generate_series (1, 3) AS q",
              count);
    s_sql (self, sql);
}

//  As a rule makes it, of the entry 3 of the sessions from `first` to `last`.
static void
s_raise (stage_t *self, const char *rule, const char *event, unsigned first, unsigned last)
{
    char sql[1200];
    snprintf (sql, sizeof sql,
              "INSERT INTO work_item (item, kind, app, session, topic, seq, body)"
              " SELECT ':alert:%s:demo/s' || n || ':3:1003', 3, 'demo', 'demo/s' || n, 'alert', 3,"
              " json_build_object ('rule', '%s', 'event', '%s', 'seq', 3, 'timeMs', 1003,"
              "  'by', json_build_object ('role', 5, 'userId', ''), 'values',"
              "  json_build_object ('visitor.name', 'Ada', 'message.text', 'I & you'))"
              " FROM generate_series (%u, %u) AS n ORDER BY n",
              rule, rule, event, first, last);
    s_sql (self, sql);
}

#define CALLS                                                                                      \
    "SELECT string_agg (concat_ws (' ', substr (topic, 8), user_id, address), ', '"               \
    " ORDER BY topic, user_id) FROM work_item WHERE topic LIKE 'notify.%'"

// ---------------------------------------------------------------------------------------------

Test (alert_engine, calls_step_by_step, .timeout = 200)
{
    stage_t *stage = s_start (1);
    s_sessions (stage, 1);
    s_raise (stage, "waiting", "visitor-waits", 1, 1);
    //  Ben has no id in Slack: the app's channel is told, for him.
    S_IS (stage, CALLS, "slack C012 C012, slack anna U012");
    S_IS (stage, CALLS, "email anna anna@example.com, slack C012 C012, slack anna U012,"
                        " sms anna +4930123");
    S_IS (stage, "SELECT concat_ws (' ', state, step, called, suppressed) FROM alert", "4 2 4 0");
    S_IS (stage, "SELECT concat_ws (' ', state, attempts > 1) FROM work_item WHERE kind = 3",
          "2 t");
    //  In words, as each way has them.
    S_IS (stage, "SELECT body::json ->> 'subject' FROM work_item WHERE topic = 'notify.email'",
          "Ada waits");
    S_IS (stage,
          "SELECT starts_with (body::json ->> 'text', '<b> I &amp; you"
          " https://console.example.com/demo?s=s1 https://chat.example.com/alerts/')"
          " FROM work_item WHERE topic = 'notify.slack' AND user_id = 'anna'",
          "t");
    S_IS (stage,
          "SELECT string_agg (concat_ws (' ', destination, lane), ', ' ORDER BY destination)"
          " FROM work_item WHERE topic LIKE 'notify.%'",
          "email:demo, slack:demo/C012 slack:C012:demo/s1, slack:demo/U012 slack:U012:demo/s1,"
          " sms:demo");
    s_end (stage);
}

Test (alert_engine, stops_when_somebody_acknowledges, .timeout = 200)
{
    stage_t *stage = s_start (2);
    char sql[200];
    s_sessions (stage, 1);
    s_raise (stage, "waiting", "visitor-waits", 1, 1);
    S_IS (stage, "SELECT step FROM alert", "1");
    snprintf (sql, sizeof sql, "SELECT acknowledge_%zu (':alert:waiting:demo/s1:3:1003', 'anna')",
              migrations_count);
    s_sql (stage, sql);
    S_IS (stage, "SELECT concat_ws (' ', state, ended_by) FROM alert", "1 anna");
    //  What is not on its way yet is not sent.
    S_IS (stage, "SELECT string_agg (DISTINCT state::text, ' ') FROM work_item", "4");
    s_end (stage);
}

static void
s_says (PGconn *connection, const char *sql)
{
    PGresult *result = PQexec (connection, sql);
    cr_assert (PQresultStatus (result) < PGRES_BAD_RESPONSE, "%s", PQerrorMessage (connection));
    PQclear (result);
}

//  It was still to come, and so was another one of the event: neither calls anybody. One of an app,
//  which has no log, by its own way; of one that is not there nothing is said.
Test (alert_engine, acknowledged_before_it_calls, .timeout = 200)
{
    stage_t *stage = s_start (1);
    char sql[300];
    s_sessions (stage, 1);
    s_sql (stage, "INSERT INTO work_item (item, kind, app, session, topic, seq, body, next_at)"
                  " SELECT ':alert:' || r || ':demo/s1:3:1003', 3, 'demo', 'demo/s1', 'alert', 3,"
                  " json_build_object ('rule', r, 'event', 'keyword'), now () + interval '1 hour'"
                  " FROM unnest (ARRAY['once', 'twin']) AS r");
    s_sql (stage, "INSERT INTO work_item (item, kind, app, topic, seq, body, next_at) VALUES"
                  " (':alert:bot::demo:bot-failing::1', 3, 'demo', 'alert', 0,"
                  " '{\"rule\":\"bot\",\"event\":\"bot-failing\"}', now () + interval '1 hour')");
    snprintf (sql, sizeof sql, "SELECT acknowledge_%zu (':alert:once:demo/s1:3:1003', 'anna')",
              migrations_count);
    s_sql (stage, sql);
    cr_expect (s_is (stage, "SELECT string_agg (concat_ws (' ', rule, state, step, called, seq,"
                            " ended_by), ', ' ORDER BY rule) FROM alert",
                     "once 1 0 0 3 anna, twin 1 0 0 3 anna"));
    static const char *const askers[] = { "anna", "ben" };
    for (size_t at = 0; at < 2; at++) {
        snprintf (sql, sizeof sql, "SELECT status || ' ' || (body::json ->> 'endedBy') FROM"
                  " acknowledge_alone_%zu ('demo', ':alert:bot::demo:bot-failing::1', '%s', 'api',"
                  " 'crm,log')", migrations_count, askers[at]);
        cr_expect (s_is (stage, sql, "200 anna"), "%s is told who was first", askers[at]);
    }
    snprintf (sql, sizeof sql, "SELECT count (*) FROM acknowledge_alone_%zu ('demo',"
              " ':alert:bot::demo:bot-failing::2', 'anna', 'api', 'crm')", migrations_count);
    cr_expect (s_is (stage, sql, "0"));
    cr_expect (s_is (stage, "SELECT string_agg (DISTINCT state::text, ' ') FROM work_item"
                            " WHERE kind = 3", "4"));
    //  The app's servers are told of the first one, once each.
    cr_expect (s_is (stage, "SELECT string_agg (destination || ' ' || (body::jsonb - 'time')::text,"
                            " ', ' ORDER BY number) FROM work_item WHERE kind = 2"
                            " AND destination = 'webhook:demo/log'",
                     "webhook:demo/log {\"data\": {\"by\": {\"role\": \"api\", \"userId\":"
                     " \"anna\"}, \"alertId\": \":alert:bot::demo:bot-failing::1\"}, \"kind\":"
                     " \"event\", \"type\": \"alert.acknowledged\", \"payload\": 1,"
                     " \"endpoint\": \"log\"}"));
    cr_expect (s_is (stage, "SELECT count (*) FROM work_item WHERE kind = 2", "2"));
    cr_expect (s_is (stage, "SELECT count (*) FROM alert WHERE state = 1", "3"));
    s_end (stage);
}

//  Another rule of the event calls while the alert is acknowledged: whom it calls is not called.
Test (alert_engine, acknowledged_while_another_rule_calls, .timeout = 200)
{
    stage_t *stage = s_start (1);
    char sql[200];
    process_stop (stage->postoffices[0], 15000); //  the tables are there
    process_destroy (&stage->postoffices[0]);
    s_sessions (stage, 1);
    s_raise (stage, "waiting", "visitor-waits", 1, 1);
    s_raise (stage, "other", "visitor-waits", 1, 1);
    s_sql (stage, "INSERT INTO alert (alert, app, session, rule, event, seq)"
                  " VALUES (':alert:waiting:demo/s1:3:1003', 'demo', 'demo/s1', 'waiting',"
                  "  'visitor-waits', 3)");
    PGconn *runs = PQconnectdb (postgres_url (stage->postgres));
    PGconn *acknowledges = PQconnectdb (postgres_url (stage->postgres));
    s_says (runs, "BEGIN");
    s_says (runs, "SELECT FROM work_item WHERE item = ':alert:other:demo/s1:3:1003' FOR UPDATE");
    snprintf (sql, sizeof sql, "SELECT acknowledge_%zu (':alert:waiting:demo/s1:3:1003', 'anna')",
              migrations_count);
    cr_assert_eq (PQsendQuery (acknowledges, sql), 1);
    S_IS (stage, "SELECT count (*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'", "1");
    s_says (runs, "INSERT INTO work_item (item, kind, app, session, topic, seq, body) VALUES"
                  " (':notify:visitor-waits:demo/s1:3:1003:anna:email:0', 2, 'demo', 'demo/s1',"
                  "  'notify.email', 3, '{}')");
    s_says (runs, "UPDATE work_item SET state = 2 WHERE item = ':alert:other:demo/s1:3:1003'");
    s_says (runs, "COMMIT");
    for (PGresult *result; (result = PQgetResult (acknowledges));)
        PQclear (result);
    cr_expect (s_is (stage, "SELECT state FROM work_item WHERE topic = 'notify.email'", "4"));
    PQfinish (runs);
    PQfinish (acknowledges);
    s_end (stage);
}

//  The same rule about the same session, twice: the second calls nobody, and the next says so.
Test (alert_engine, calls_once_and_counts_what_it_did_not, .timeout = 200)
{
    stage_t *stage = s_start (2);
    s_sessions (stage, 2);
    s_raise (stage, "once", "keyword", 1, 1);
    S_IS (stage, "SELECT count (*) FROM alert WHERE state = 4", "1");
    s_sql (stage, "INSERT INTO work_item (item, kind, app, session, topic, seq, body)"
                  " SELECT replace (item, ':3:', ':2:'), 3, app, session, topic, 2, body"
                  " FROM work_item WHERE kind = 3");
    S_IS (stage, "SELECT count (*) FROM alert WHERE state = 5 AND detail LIKE '%onceSeconds'", "1");
    s_raise (stage, "once", "keyword", 2, 2);
    S_IS (stage, "SELECT string_agg (body::json ->> 'text', ', ' ORDER BY number)"
                 " FROM work_item WHERE topic = 'notify.email'",
          "words, words\n(not sent since the last one: 1)");
    S_IS (stage, "SELECT suppressed FROM alert_rule", "0");
    s_end (stage);
}

Test (alert_engine, calls_so_often_in_an_hour, .timeout = 200)
{
    stage_t *stage = s_start (2);
    s_sessions (stage, 20);
    s_raise (stage, "few", "session-started", 1, 20);
    S_IS (stage, "SELECT string_agg (n, ' ' ORDER BY n) FROM (SELECT state || ':' || count (*) AS n"
                 " FROM alert GROUP BY state) AS s",
          "4:3 5:17");
    S_IS (stage, "SELECT count (*) FROM work_item WHERE topic = 'notify.email'", "3");
    S_IS (stage, "SELECT suppressed FROM alert_rule", "17");
    s_end (stage);
}

//  Two rules of one event call somebody of both once.
Test (alert_engine, is_one_call_for_a_person, .timeout = 200)
{
    stage_t *stage = s_start (2);
    s_sessions (stage, 1);
    s_raise (stage, "once", "keyword", 1, 1);
    s_raise (stage, "twin", "keyword", 1, 1);
    S_IS (stage, "SELECT count (*) FROM alert WHERE state = 4", "2");
    S_IS (stage, CALLS, "email anna anna@example.com, email ben ben@example.com");
    s_end (stage);
}

Test (alert_engine, waits_for_the_hours_of_its_rule, .timeout = 200)
{
    stage_t *stage = s_start (1);
    s_sessions (stage, 1);
    s_raise (stage, "night", "handoff-asked", 1, 1);
    S_IS (stage, "SELECT state = 0 AND step = 0 AND next_at BETWEEN now () + interval '110 minutes'"
                 " AND now () + interval '121 minutes' FROM alert", "t");
    S_IS (stage, "SELECT next_at > now () + interval '110 minutes' FROM work_item", "t");
    s_end (stage);
}

Test (alert_engine, ends_with_what_it_is_about, .timeout = 200)
{
    stage_t *stage = s_start (1);
    s_sessions (stage, 4);
    s_sql (stage,
           //  Somebody took over, in 1; it was closed, 2; an agent has had it on the screen, 3.
           "UPDATE session SET control_role = 2, control_user = 'a', control_seq = 4"
           " WHERE session = 'demo/s1';"
           "UPDATE session SET closed_at = now () WHERE session = 'demo/s2';"
           "INSERT INTO participant (session, role, user_id, sender, present, delivered_seq)"
           " VALUES ('demo/s3', 2, 'a', '{}', true, 3), ('demo/s4', 2, 'a', '{}', true, 2)");
    s_raise (stage, "waiting", "visitor-waits", 1, 4);
    S_IS (stage, "SELECT string_agg (state || ':' || step, ' ' ORDER BY session) FROM alert"
                 " WHERE session < 'demo/s4'", "3:0 3:0 2:0");
    S_IS (stage, "SELECT step > 0 FROM alert WHERE session = 'demo/s4'", "t");
    S_IS (stage, "SELECT count (DISTINCT session) FROM work_item WHERE kind = 2", "1");
    s_end (stage);
}

//  Both postoffices are killed again and again while they run alerts: each one calls each person
//  once at each step, and none is lost.
Test (alert_engine, loses_and_doubles_nothing_when_killed, .timeout = 240)
{
    enum { ALERTS = 300, KILLS = 6 };
    stage_t *stage = s_start (2);
    s_sessions (stage, ALERTS);
    s_sql (stage, "CREATE TABLE called (item text);"
                  "CREATE FUNCTION note_call () RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                  " INSERT INTO called VALUES (NEW.item); RETURN NEW; END $$;"
                  "CREATE TRIGGER note_call AFTER INSERT ON work_item FOR EACH ROW"
                  " WHEN (NEW.kind = 2 AND NEW.item LIKE ':notify:visitor-waits%')"
                  " EXECUTE FUNCTION note_call ()");
    s_raise (stage, "waiting", "visitor-waits", 1, ALERTS);
    for (unsigned kill = 0; kill < KILLS; kill++) {
        unsigned at = kill % 2;
        char sql[120];
        //  In the middle: some more are called since the last time.
        snprintf (sql, sizeof sql, "SELECT count (*) >= %u FROM called", (kill + 1) * 40);
        S_IS (stage, sql, "t");
        process_kill (stage->postoffices[at], SIGKILL);
        process_wait_exit (stage->postoffices[at], WITHIN_MS);
        process_destroy (&stage->postoffices[at]);
        s_start_postoffice (stage, at);
    }
    for (unsigned at = 0; at < 2; at++)
        cr_assert (process_wait_ready (stage->postoffices[at], WITHIN_MS));
    S_IS (stage, "SELECT count (*) FROM alert WHERE state = 4 AND step = 2 AND called = 4"
                 " AND rule = 'waiting'", "300");
    S_IS (stage, "SELECT concat_ws (' ', count (*), count (DISTINCT item)) FROM called",
          "1200 1200");
    S_IS (stage, "SELECT count (*) FROM work_item WHERE kind = 3 AND state < 2", "0");
    s_end (stage);
}

// ---------------------------------------------------------------------------------------------

//  By another way than the one that died; once, whichever postoffice finds it; many are one.
Test (alert_engine, tells_of_dead_letters, .timeout = 200)
{
    stage_t *stage = s_start (2);
    s_sql (stage,
           "INSERT INTO work_item (item, app, topic, body, destination, state, finished_at, detail,"
           " is_told) SELECT 'mail' || n, 'demo', 'notify.email', '{\"event\": \"keyword\"}',"
           " 'email:demo', 3, now (), 'the certificate has expired', false"
           " FROM generate_series (1, 40) AS n");
    //  (In Slack what could be a link is broken by a space without width.)
    S_IS (stage, "SELECT string_agg (topic || ' ' || replace (split_part (body::json ->> 'text',"
                              " E'\\n', 1), chr (8203), ''), ', ' ORDER BY topic)"
                 " FROM work_item WHERE kind = 2 AND state = 0",
          "notify.slack 40 x notify.email to email:demo: the certificate has expired,"
          " notify.sms 40 x notify.email to email:demo: the certificate has expired");
    //  That this was not delivered either is nobody's news.
    s_sql (stage, "UPDATE work_item SET state = 3, finished_at = now (), is_told = false"
                  " WHERE kind = 2 AND state = 0");
    S_IS (stage, "SELECT count (*) FROM work_item WHERE NOT is_told", "0");
    S_IS (stage, "SELECT count (*) FROM alert", "1");
    s_end (stage);
}

//  onceSeconds is counted by destination: one that is dead for an hour hides no other one. That a
//  visitor wants nothing more is nobody's news; that somebody who is to be called does, is.
static void
s_dies (stage_t *stage, const char *topic, const char *destination, const char *address)
{
    char sql[600];
    snprintf (sql, sizeof sql,
              "INSERT INTO work_item (item, app, topic, body, destination, address, state,"
              " finished_at, detail, is_told) SELECT 'd' || count (*), 'demo', '%s',"
              " '{\"event\": \"keyword\"}', '%s', '%s', 3, now (), 'why', false FROM work_item",
              topic, destination, address);
    s_sql (stage, sql);
}

#define ABOUTS                                                                                     \
    "SELECT string_agg (about || ' ' || state, ', ' ORDER BY number) FROM alert"                   \
    " WHERE rule = 'dead'"

Test (alert_engine, tells_of_each_destination, .timeout = 200)
{
    stage_t *stage = s_start (2);
    s_dies (stage, "webhook.out", "webhook:demo/crm", "");
    S_IS (stage, ABOUTS, "webhook.out webhook:demo/crm 4");
    s_dies (stage, "notify.slack", "slack:demo/C1", "");
    S_IS (stage, ABOUTS, "webhook.out webhook:demo/crm 4, notify.slack slack:demo/C1 4");
    s_dies (stage, "webhook.out", "webhook:demo/crm", "");
    S_IS (stage, ABOUTS, "webhook.out webhook:demo/crm 4, notify.slack slack:demo/C1 4,"
                         " webhook.out webhook:demo/crm 5");
    s_sql (stage, "INSERT INTO suppressed_address (app, channel, address)"
                  " VALUES ('demo', 'sms', '+49151')");
    s_dies (stage, "sms.out", "sms:demo", "+49151");
    S_IS (stage, "SELECT count (*) FROM work_item WHERE state = 3 AND NOT is_told", "0");
    cr_expect (s_is (stage, "SELECT count (*) FROM work_item WHERE item LIKE ':alert:dead:%'",
                     "3"));
    s_dies (stage, "sms.out", "sms:demo", "+49152");
    s_dies (stage, "notify.sms", "sms:demo", "+49151");
    S_IS (stage, "SELECT string_agg (about || ' ' || state, ', ' ORDER BY about) FROM alert"
                 " WHERE rule = 'dead' AND about LIKE '%sms:demo'",
          "notify.sms sms:demo 4, sms.out sms:demo 4");
    s_end (stage);
}

//  What the visitor had said before the changeset of the cause is in the alert, too; not what it
//  said later, nor what it was greeted with.
Test (alert_engine, knows_what_was_said_before, .timeout = 200)
{
    stage_t *stage = s_start (1);
    s_sessions (stage, 2);
    s_sql (stage,
           "UPDATE log SET data = '{\"rawQuery\": \"order & 7\"}' WHERE seq = 2;"
           "UPDATE log SET hidden = true WHERE seq = 3;"
           "INSERT INTO log (seq, time_ms, writer, day, event, role, hidden, session, message_id,"
           " user_id, sender, data)"
           " SELECT 4, 1004, 1, day, 3, 1, false, session, 'm4', 'vic', '{}',"
           " '{\"rawQuery\": \"later\"}' FROM session;"
           "DELETE FROM log WHERE session = 'demo/s2' AND seq = 2");
    s_sql (stage, "INSERT INTO work_item (item, kind, app, session, topic, seq, body)"
                  " SELECT ':alert:far:' || session || ':3:1003', 3, 'demo', session, 'alert', 3,"
                  " '{\"rule\": \"far\", \"event\": \"offer-expired\", \"seq\": 3,"
                  " \"timeMs\": 1003, \"values\": {}}' FROM session");
    S_IS (stage, "SELECT string_agg (split_part (body::json ->> 'text', E'\\n', 1), ', '"
                 " ORDER BY session) FROM work_item WHERE topic = 'notify.email'",
          "said: order & 7, said: ");
    s_end (stage);
}

//  Nobody was reached: the next step does not wait for an hour. As long as one call may reach
//  somebody it does.
Test (alert_engine, does_not_wait_behind_a_step_that_has_failed, .timeout = 200)
{
    stage_t *stage = s_start (1);
    char sql[600];
    static const char *const ways[] = { "notify.sms", "notify.email" };
    s_sessions (stage, 1);
    s_raise (stage, "far", "offer-expired", 1, 1);
    S_IS (stage, CALLS, "email anna anna@example.com, sms anna +4930123");
    for (size_t at = 0; at < 2; at++) {
        cr_expect (s_is (stage, "SELECT concat_ws (' ', a.step, a.next_at > now () + interval"
                                " '50 minutes', i.next_at > now () + interval '50 minutes')"
                                " FROM alert a JOIN work_item i ON i.item = a.alert", "1 t t"));
        snprintf (sql, sizeof sql,
                  "UPDATE work_item SET state = 1, attempts = 1 WHERE topic = '%s';"
                  "SELECT finish_work_%zu (ARRAY[item], ARRAY[topic], '{1}', '{3}', '{0}', '{0}',"
                  " '{0}', '{undelivered}', '{0}', '{\"\"}', '{\"\"}', '{0}', '{0}', '{f}')"
                  " FROM work_item WHERE topic = '%s'",
                  ways[at], migrations_count, ways[at]);
        s_sql (stage, sql);
    }
    S_IS (stage, "SELECT user_id FROM work_item WHERE topic = 'notify.email' AND state = 0", "ben");
    S_IS (stage, "SELECT concat_ws (' ', state, step) FROM alert", "4 2");
    s_end (stage);
}

//  The app's servers, by webhooks: each endpoint that has chosen it, once, whoever finds it. Nobody
//  is told by a webhook of a webhook that is dead.
Test (alert_engine, tells_endpoints, .timeout = 200)
{
    stage_t *stage = s_start (2);
    s_sql (stage,
           "INSERT INTO work_item (item, app, session, topic, seq, body, destination, state,"
           " finished_at, detail, attempts, is_told)"
           " SELECT n, 'hooked', 'hooked/s1', n, 7, '{}', 'x:hooked', 3, now (), 'why', 3, false"
           " FROM unnest (ARRAY['sms.out', 'webhook.out']) AS n");
    s_sql (stage, "INSERT INTO work_item (item, kind, app, topic, seq, body)"
                  " VALUES (':alert:said::hooked:1', 3, 'hooked', 'alert', 0,"
                  " '{\"rule\":\"said\",\"event\":\"keyword\",\"timeMs\":1003}')");
    S_IS (stage, "SELECT string_agg (item || ' ' || destination, ', ' ORDER BY item)"
                 " FROM work_item WHERE item LIKE ':webhook:%'",
          ":webhook:crm:alert.raised::alert:said::hooked:1 webhook:hooked/crm,"
          " :webhook:crm:delivery.dead:sms.out:3 webhook:hooked/crm,"
          " :webhook:log:delivery.dead:sms.out:3 webhook:hooked/log");
    S_IS (stage, "SELECT body::jsonb - 'time' FROM work_item WHERE item LIKE ':webhook:log:%'",
          "{\"data\": {\"seq\": 7, \"topic\": \"sms.out\", \"detail\": \"why\", \"itemId\":"
          " \"sms.out\", \"attempts\": 3, \"sessionId\": \"s1\", \"destination\":"
          " \"x:hooked\"}, \"kind\": \"event\", \"type\": \"delivery.dead\", \"payload\": 1,"
          " \"endpoint\": \"log\"}");
    S_IS (stage, "SELECT body::json -> 'data' FROM work_item WHERE item LIKE '%alert.raised%'",
          "{\"rule\": \"said\", \"event\": \"keyword\", \"alertId\": \":alert:said::hooked:1\"}");
    S_IS (stage, "SELECT count (*) FROM work_item WHERE NOT is_told AND state = 3", "0");
    s_end (stage);
}

Test (alert_engine, tells_of_a_topic_without_a_worker, .timeout = 200)
{
    stage_t *stage = s_start (2);
    s_sql (stage, "INSERT INTO work_item (item, app, topic, body)"
                  " SELECT 'i' || n, 'demo', 'platform.none', '{}' FROM generate_series (1, 9) n");
    S_IS (stage, "SELECT string_agg (user_id || ' ' || split_part (body::json ->> 'text',"
                              " E'\\n', 1), ', ')"
                 " FROM work_item WHERE topic = 'notify.sms'",
          "anna platform.none");
    //  Its own items have no worker here either: another topic, another alert.
    S_IS (stage, "SELECT string_agg (name, ' ' ORDER BY name) FROM app_trouble WHERE told <> '{}'",
          "notify.sms platform.none");
    s_end (stage);
}

//  How many alerts a look makes, at the app of the rules "bot" and "well".
static void
s_look (char sql[300], const char *app, unsigned after_ms, const char *well_ms)
{
    snprintf (sql, 300, "SELECT watch_app_%zu ('%s', '{bot,well}', '{bot-failing,bot-healthy}',"
                        " '{%u,0}', '{}', false, %s, '{}')",
              migrations_count, app, after_ms, well_ms);
}

//  As postoffices see it: it fails; then it answers, and nobody has seen it fail for a while.
Test (alert_engine, tells_of_the_bot, .timeout = 200)
{
    stage_t *stage = s_start (2);
    char sql[300];
    s_sql (stage, "INSERT INTO app_trouble (app, kind, name, seen_at) VALUES ('demo', 'bot', '',"
                  " now () + interval '1 minute')");
    S_IS (stage, "SELECT string_agg (rule || ' ' || step, ', ') FROM alert WHERE step > 0",
          "bot 1");
    //  The postoffices were away: nobody has seen it fail, and nobody has seen it answer since.
    s_sql (stage, "UPDATE app_trouble SET since = now () - interval '1 hour',"
                  " seen_at = now () - interval '30 minutes'");
    s_look (sql, "demo", 0, "-1");
    cr_expect (s_is (stage, sql, "0"));
    s_look (sql, "demo", 0, "2400000");
    cr_expect (s_is (stage, sql, "0"));
    cr_expect (s_is (stage, "SELECT count (*) FROM app_trouble WHERE kind = 'bot'", "1"));
    s_look (sql, "demo", 0, "60000");
    S_IS (stage, sql, "1"); //  unless a postoffice looks at this moment
    S_IS (stage, "SELECT string_agg (rule || ' ' || step, ', ' ORDER BY raised_at) FROM alert"
                 " WHERE rule IN ('bot', 'well') AND step > 0",
          "bot 1, well 1");
    cr_expect (s_is (stage, "SELECT count (*) FROM app_trouble WHERE kind = 'bot'", "0"));
    s_end (stage);
}

//  It was over before anybody was to be told of it; but who has no rule about that has the other.
Test (alert_engine, tells_of_no_bot_that_failed_shortly, .timeout = 200)
{
    stage_t *stage = s_start (1);
    char sql[300];
    static const char trouble[] = "INSERT INTO app_trouble (app, kind, name, seen_at)"
                                  " VALUES ('x', 'bot', '', now () - interval '1 minute')";
    s_sql (stage, trouble);
    s_look (sql, "x", 600000, "1");
    cr_expect (s_is (stage, sql, "0"));
    cr_expect (s_is (stage, "SELECT count (*) FROM app_trouble", "0"));
    s_sql (stage, trouble);
    snprintf (sql, sizeof sql, "SELECT watch_app_%zu ('x', '{well}', '{bot-healthy}', '{0}', '{}',"
                               " false, 1, '{}')", migrations_count);
    cr_expect (s_is (stage, sql, "1"));
    s_end (stage);
}
