//  Destinations and memories of deliveries: real postoffices over a real PostgreSQL, and a scripted
//  worker that says of each attempt what the story wants.

#include "base/clock.h"
#include "bus_rig.h"
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

#define TOPIC "test.echo"
#define TAKEN_MOST 2000
#define WITHIN_MS 20000
#define CREDIT 10

//  An item as the worker was given it.
typedef struct {
    unsigned postoffice;
    char item[40];
    char memory[80], lane_memory[80];
    uint64_t attempt, lost, suppressed;
} taken_t;

typedef struct {
    rig_t rig;
    postgres_t *postgres;
    process_t *postoffices[2];
    uint16_t ports[2];
    bus_client_t *worker;
    unsigned up;
    //  What the worker says of items that begin so, item and attempt left out. Of others: done.
    const char *of;
    bus_done_t says;
    bool says_nothing;
    taken_t taken[TAKEN_MOST];
    unsigned count;
    unsigned settled;
} stage_t;

static void
s_report (stage_t *self, const taken_t *taken, const bus_done_t *says)
{
    bus_record_t record = { .kind = BUS_DONE, .done = *says };
    record.done.item = text_of (taken->item);
    record.done.topic = TEXT (TOPIC);
    record.done.attempt = taken->attempt;
    cr_expect_eq (bus_client_send (self->worker, taken->postoffice, &record), 0);
}

static bool
s_begins (const char *item, const char *with)
{
    return with && strncmp (item, with, strlen (with)) == 0;
}

static void
s_on_work (stage_t *self, unsigned postoffice, const bus_work_t *work)
{
    cr_assert (self->count < TAKEN_MOST);
    taken_t *taken = &self->taken[self->count++];
    *taken = (taken_t){ .postoffice = postoffice,
                        .attempt = work->attempt,
                        .lost = work->lost,
                        .suppressed = work->suppressed };
    snprintf (taken->item, sizeof taken->item, "%.*s", TEXT_ARGS (work->item));
    snprintf (taken->memory, sizeof taken->memory, "%.*s", TEXT_ARGS (work->memory));
    snprintf (taken->lane_memory, sizeof taken->lane_memory, "%.*s",
              TEXT_ARGS (work->lane_memory));
    bus_record_t accepted = { .kind = BUS_ACCEPTED, .accepted = { .item = work->item } };
    cr_expect_eq (bus_client_send (self->worker, postoffice, &accepted), 0);
    if (!s_begins (taken->item, self->of))
        s_report (self, taken, &(bus_done_t){ .outcome = OUTCOME_ANSWERED });
    else if (!self->says_nothing)
        s_report (self, taken, &self->says);
}

static void
s_on_record (void *owner, unsigned postoffice, const bus_record_t *record)
{
    stage_t *self = owner;
    if (record->kind == BUS_WORK)
        s_on_work (self, postoffice, &record->work);
    else if (record->kind == BUS_SETTLED)
        self->settled++;
}

static void
s_on_up (void *owner, unsigned postoffice)
{
    (void) postoffice;
    ((stage_t *) owner)->up++;
}

static void
s_on_down (void *owner, unsigned postoffice)
{
    (void) postoffice;
    ((stage_t *) owner)->up--;
}

static void
s_start_postoffice (stage_t *self, unsigned at)
{
    char url[300], bus[80], name[40], operations[40];
    uint16_t port = ports_free ();
    snprintf (url, sizeof url, "POSTGRES_URL=%s", postgres_url (self->postgres));
    snprintf (bus, sizeof bus, "POSTOFFICE_BUS_ADDRESS=tcp://127.0.0.1:%u", self->ports[at]);
    snprintf (name, sizeof name, "NODE_NAME=postoffice-%u", at + 1);
    snprintf (operations, sizeof operations, "OPERATIONS_PORT=%u", port);
    const char *settings[] = { url, bus, name, operations, "WORK_LEASE=20s", NULL };
    self->postoffices[at] =
        process_new (name + strlen ("NODE_NAME="), "postoffice", NULL, settings);
    cr_assert (self->postoffices[at]);
    process_set_operations_port (self->postoffices[at], port);
}

static void
s_start_worker (stage_t *self)
{
    static const bus_client_events_t events = { .postoffice_up = s_on_up,
                                                .postoffice_down = s_on_down,
                                                .record = s_on_record };
    char addresses[80];
    snprintf (addresses, sizeof addresses, "127.0.0.1:%u,127.0.0.1:%u", self->ports[0],
              self->ports[1]);
    self->worker = bus_client_new (&self->rig.loop,
                                   &(bus_client_config_t){ .node = "worker",
                                                           .role = NODE_WORKER,
                                                           .topics = TOPIC,
                                                           .credit = CREDIT,
                                                           .addresses = addresses,
                                                           .heartbeat_ms = 500,
                                                           .queue_limit = 16u << 20 },
                                   &events, self);
}

//  A database that is there already may be older.
static stage_t *
s_start_on (postgres_t *postgres, unsigned postoffices)
{
    stage_t *self = calloc (1, sizeof *self);
    rig_start (&self->rig);
    self->postgres = postgres;
    cr_assert (self->postgres);
    for (unsigned at = 0; at < 2; at++)
        self->ports[at] = ports_free ();
    for (unsigned at = 0; at < postoffices; at++)
        s_start_postoffice (self, at);
    s_start_worker (self);
    RIG_UNTIL (&self->rig, WITHIN_MS, self->up == postoffices);
    for (unsigned at = 0; at < postoffices; at++)
        cr_assert (process_wait_ready (self->postoffices[at], WITHIN_MS));
    return self;
}

static stage_t *
s_start (unsigned postoffices)
{
    return s_start_on (postgres_new (NULL), postoffices);
}

static void
s_end (stage_t *self)
{
    bus_client_destroy (&self->worker);
    for (unsigned at = 0; at < 2; at++)
        if (self->postoffices[at]) {
            cr_expect_eq (process_stop (self->postoffices[at], 15000), 0);
            process_destroy (&self->postoffices[at]);
        }
    postgres_destroy (&self->postgres);
    rig_stop (&self->rig);
    free (self);
}

static void
s_sql (stage_t *self, const char *sql)
{
    cr_assert (postgres_exec (self->postgres, sql));
}

//  Items "NAME1", "NAME2" … of the destination "echo:demo/NAME", for an address.
static void
s_order (stage_t *self, const char *name, unsigned count, const char *lane)
{
    char sql[500], of_lane[60] = "NULL";
    if (lane)
        snprintf (of_lane, sizeof of_lane, "'%s'", lane);
    snprintf (sql, sizeof sql,
              "INSERT INTO work_item (item, app, topic, lane, body, destination, address)"
              " SELECT '%s' || n, 'demo', '" TOPIC "', %s, '{}', 'echo:demo/%s', '+49%s'"
              " FROM generate_series (1, %u) AS n",
              name, of_lane, name, name, count);
    s_sql (self, sql);
}

static bool
s_is (stage_t *self, const char *sql, const char *value)
{
    char *answer = postgres_query (self->postgres, sql);
    bool is_so = answer && strcmp (answer, value) == 0;
    free (answer);
    return is_so;
}

static int64_t
s_count (stage_t *self, const char *where)
{
    char sql[300];
    snprintf (sql, sizeof sql, "SELECT count (*) FROM work_item WHERE %s", where);
    char *answer = postgres_query (self->postgres, sql);
    int64_t count = answer ? strtoll (answer, NULL, 10) : -1;
    free (answer);
    return count;
}

static unsigned
s_times (const stage_t *self, const char *of)
{
    unsigned times = 0;
    for (unsigned at = 0; at < self->count; at++)
        times += s_begins (self->taken[at].item, of);
    return times;
}

// ---------------------------------------------------------------------------------------------

//  A far side that says "later" is left alone, and nobody else waits for that.
Test (destinations, that_are_paused_delay_no_other, .timeout = 120)
{
    stage_t *stage = s_start (1);
    stage->of = "slow";
    stage->says = (bus_done_t){ .outcome = OUTCOME_RETRY, .pause_ms = 3600000 };
    s_order (stage, "slow", 1, NULL);
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_is (stage, "SELECT paused_until > now () + interval"
                                                    " '59 minutes' FROM destination", "t"));
    s_order (stage, "slow2", 1, NULL); //  another destination of the same beginning
    s_sql (stage, "UPDATE work_item SET destination = 'echo:demo/slow' WHERE item = 'slow21'");
    s_order (stage, "quick", 50, NULL);
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_count (stage, "item LIKE 'quick%' AND state = 2") == 50);
    cr_expect_eq (s_count (stage, "item LIKE 'slow%' AND state = 0"), 2);
    stage->of = NULL;
    s_sql (stage, "UPDATE destination SET paused_until = now () WHERE name = 'echo:demo/slow'");
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_count (stage, "state = 2") == 52);
    s_end (stage);
}

//  What waits behind a far side that is gone is not even looked at.
Test (destinations, that_are_dead_cost_nothing, .timeout = 120)
{
    stage_t *stage = s_start (1);
    stage->of = "gone";
    stage->says = (bus_done_t){ .outcome = OUTCOME_DEAD,
                                .destination = DESTINATION_DISABLED,
                                .status = 410,
                                .detail = TEXT ("410 Gone") };
    s_order (stage, "gone", 1, NULL);
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_is (stage, "SELECT disabled AND reason = '410 Gone'"
                                                    " FROM destination", "t"));
    s_sql (stage, "DELETE FROM work_item");
    s_order (stage, "gone", 10000, NULL);
    s_sql (stage, "ANALYZE work_item");
    s_order (stage, "quick", 20, NULL);
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_count (stage, "item LIKE 'quick%' AND state = 2") == 20);
    cr_expect_eq (s_times (stage, "gone"), 1);
    //  Pages that a take touches when nothing can be had: some for each index, none for each item.
    char sql[500];
    snprintf (sql, sizeof sql,
              "CREATE FUNCTION pages () RETURNS bigint LANGUAGE plpgsql AS $$"
              " DECLARE plan json; BEGIN EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT *"
              " FROM take_work_%zu (1, ''{" TOPIC "}'', ''{10}'', ''{email:,sms:,slack:}'',"
              " ''{1000,1000,1000}'', ''{59000,0,0}'')' INTO plan;"
              " RETURN plan -> 0 -> 'Plan' ->> 'Shared Hit Blocks'; END $$",
              migrations_count);
    s_sql (stage, sql);
    //  (The first one plans.)
    char *pages =
        postgres_query (stage->postgres, "SELECT (ARRAY[pages (), pages (), pages ()])[3]");
    cr_expect (strtoull (pages, NULL, 10) < 200, "a take touches %s pages", pages);
    free (pages);
    //  Somebody has mended it.
    stage->of = NULL;
    s_sql (stage, "DELETE FROM work_item WHERE number % 100 > 0;"
                  "UPDATE destination SET disabled = false");
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_count (stage, "state < 2") == 0);
    s_end (stage);
}

//  Far sides that fail in a row are tried out by one item at a time, over all postoffices.
Test (destinations, that_fail_are_probed, .timeout = 120)
{
    stage_t *stage = s_start (2);
    stage->of = "bad";
    stage->says = (bus_done_t){ .outcome = OUTCOME_RETRY,
                                .after_ms = 1,
                                .destination = DESTINATION_FAILED,
                                .detail = TEXT ("refused") };
    s_order (stage, "bad", 100, NULL);
    RIG_UNTIL (&stage->rig, WITHIN_MS,
               s_is (stage, "SELECT failures >= 5 AND openings = 1 AND paused_until > now () +"
                            " interval '9 s' AND reason = 'refused' FROM destination", "t"));
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_count (stage, "state = 1") == 0);
    //  Nothing of it is handed out now.
    unsigned times = stage->count;
    s_order (stage, "good", 30, NULL);
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_times (stage, "good") == 30);
    cr_expect_eq (s_times (stage, "bad"), times);
    //  A probe that says nothing for now is the only one.
    stage->says_nothing = true;
    s_sql (stage, "UPDATE destination SET paused_until = now () WHERE failures > 0");
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_times (stage, "bad") == times + 1);
    s_order (stage, "fine", 30, NULL);
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_times (stage, "fine") == 30);
    cr_expect_eq (s_times (stage, "bad"), times + 1);
    //  It fails: twice as long.
    for (unsigned at = 0; at < stage->count; at++)
        if (s_begins (stage->taken[at].item, "bad") && at >= times)
            s_report (stage, &stage->taken[at], &stage->says);
    RIG_UNTIL (&stage->rig, WITHIN_MS,
               s_is (stage, "SELECT openings = 2 AND probed_until IS NULL AND paused_until >"
                            " now () + interval '39 s' FROM destination WHERE failures > 0", "t"));
    //  One that is well: all of it goes out.
    stage->of = NULL;
    s_sql (stage, "UPDATE destination SET paused_until = now () WHERE failures > 0");
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_count (stage, "state = 2") == 160);
    cr_expect (s_is (stage, "SELECT max (failures + openings || reason) FROM destination", "0"));
    s_end (stage);
}

static void
s_asks (PGconn *connection, const char *sql, const char *value)
{
    PGresult *result = PQexec (connection, sql);
    ExecStatusType status = PQresultStatus (result);
    cr_assert (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, "%s",
               PQerrorMessage (connection));
    if (value)
        cr_expect_str_eq (PQgetvalue (result, 0, 0), value);
    PQclear (result);
}

//  What an item says of its destination now: it failed so often (0: it says nothing of it).
static void
s_note (char sql[200], const char *destination, const char *item, unsigned failed)
{
    snprintf (sql, 200, "SELECT note_destination_%zu ('echo:demo/%s', 'demo', '{%s}', false, %u, 0,"
                        " false, 'refused')", migrations_count, destination, item, failed);
}

//  A stage without postoffices, whose tables are there.
static stage_t *
s_start_empty (void)
{
    stage_t *stage = s_start (1);
    cr_expect_eq (process_stop (stage->postoffices[0], 15000), 0);
    process_destroy (&stage->postoffices[0]);
    return stage;
}

//  Two destinations are broken. One postoffice reports of both, another takes their probes
//  meanwhile: neither waits for what the other one has while it holds what that one wants.
Test (destinations, that_are_broken_lock_nobody_out, .timeout = 120)
{
    stage_t *stage = s_start_empty ();
    char take[300], note[200];
    s_order (stage, "a", 1, NULL);
    s_order (stage, "b", 1, NULL);
    s_sql (stage, "INSERT INTO destination (name, app, failures)"
                  " VALUES ('echo:demo/a', 'demo', 5), ('echo:demo/b', 'demo', 5)");
    snprintf (take, sizeof take, "SELECT string_agg (item, ' ') FROM take_work_%zu (1, '{" TOPIC
                                 "}', '{10}', '{}', '{}', '{}')",
              migrations_count);
    PGconn *reports = PQconnectdb (postgres_url (stage->postgres));
    PGconn *takes = PQconnectdb (postgres_url (stage->postgres));
    s_asks (takes, "SET lock_timeout = '10s'", NULL);
    s_asks (reports, "BEGIN", NULL);
    s_note (note, "a", "before", 1);
    s_asks (reports, note, NULL);
    s_asks (takes, "BEGIN", NULL);
    s_asks (takes, take, "b1");
    s_note (note, "b", "before", 1);
    cr_assert_eq (PQsendQuery (reports, note), 1); //  waits for the one that takes
    EVENTUALLY (WITHIN_MS, s_is (stage, "SELECT count (*) FROM pg_stat_activity"
                                        " WHERE wait_event_type = 'Lock'", "1"));
    s_asks (takes, take, ""); //  the one of `a` is left where it is
    s_asks (takes, "COMMIT", NULL);
    for (PGresult *result; (result = PQgetResult (reports));) {
        cr_expect_eq (PQresultStatus (result), PGRES_TUPLES_OK, "%s", PQerrorMessage (reports));
        PQclear (result);
    }
    s_asks (reports, "ROLLBACK", NULL);
    s_asks (takes, take, "a1");
    PQfinish (reports);
    PQfinish (takes);
    s_end (stage);
}

//  Items "NAME1" … of this destination, at once: a postoffice may take them from now on.
static void
s_order_to (stage_t *self, const char *name, unsigned count, const char *destination)
{
    char sql[300];
    snprintf (sql, sizeof sql,
              "INSERT INTO work_item (item, app, topic, body, destination, address)"
              " SELECT '%s' || n, 'demo', '" TOPIC "', '{}', '%s', '+49%s'"
              " FROM generate_series (1, %u) AS n",
              name, destination, name, count);
    s_sql (self, sql);
}

//  A pace is of a destination, whoever takes for it: also two who do so at the same moment.
Test (destinations, that_have_a_pace_keep_it, .timeout = 120)
{
    stage_t *stage = s_start_empty ();
    char take[400];
    snprintf (take, sizeof take, "SELECT coalesce (string_agg (item, ' ' ORDER BY item), 'none')"
              " FROM take_work_%zu (1, '{" TOPIC ",other}', '{99,99}', '{slack:,email:,email:big}',"
              " '{60000,60000,1000}', '{0,180000,59000}')", migrations_count);
    s_order_to (stage, "a", 3, "slack:demo/C1");
    s_order_to (stage, "b", 2, "slack:demo/C2");
    s_order_to (stage, "m", 6, "email:demo");
    s_order_to (stage, "w", 6, "email:big");
    s_order (stage, "x", 3, NULL); //  without one
    s_sql (stage, "UPDATE work_item SET topic = 'other' WHERE item = 'a3'; INSERT INTO destination"
                  " SELECT DISTINCT destination, 'demo' FROM work_item WHERE item NOT LIKE 'x%'");
    const char *url = postgres_url (stage->postgres);
    PGconn *one = PQconnectdb (url), *two = PQconnectdb (url);
    s_asks (one, "BEGIN", NULL);
    s_asks (one, take, "a1 b1 m1 m2 m3 m4 w1 w2 w3 w4 w5 w6 x1 x2 x3");
    s_asks (two, "BEGIN", NULL);
    s_asks (two, take, "none");
    s_asks (one, "COMMIT", NULL);
    s_asks (two, take, "none");
    s_asks (two, "COMMIT", NULL);
    //  A minute later, and two.
    s_sql (stage, "UPDATE destination SET free_at = free_at - interval '60 s'");
    cr_expect (s_is (stage, take, "a2 b2 m5"));
    s_sql (stage, "UPDATE destination SET free_at = free_at - interval '120 s'");
    cr_expect (s_is (stage, take, "a3 m6"));
    //  One that waits for another try does not count.
    s_sql (stage, "UPDATE work_item SET state = 0, next_at = now () + interval '1 h'"
                  " WHERE item = 'a1'; DELETE FROM destination");
    cr_expect (s_is (stage, take, "none"));
    cr_expect (s_is (stage, "SELECT count (*) FROM destination WHERE free_at IS NOT NULL", "0"));
    PQfinish (one);
    PQfinish (two);
    s_end (stage);
}

//  The same with two postoffices, each with a worker that has room for all of it.
Test (destinations, that_have_a_pace_keep_it_in_two_postoffices, .timeout = 120)
{
    stage_t *stage = s_start (2);
    uint64_t began_ms = clock_mono_ms ();
    s_order_to (stage, "s", 4, "slack:demo/C1");
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_times (stage, "s") == 1);
    s_order (stage, "quick", 30, NULL);
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_times (stage, "quick") == 30);
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_times (stage, "s") == 4);
    cr_expect_geq (clock_mono_ms () - began_ms, 3000);
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_count (stage, "state = 2") == 34);
    s_end (stage);
}

//  What was on its way when the circuit opened comes back while the probe is out: there is no
//  second probe, and the pause is no longer. (The columns: is it probed, openings.)
Test (destinations, whose_probe_is_out_have_no_other, .timeout = 120)
{
    stage_t *stage = s_start_empty ();
    char take[300], note[200];
    static const char now[] = "SELECT concat_ws (' ', probed_until > now (), openings, failures)"
                              " FROM destination";
    s_order (stage, "a", 3, NULL);
    s_sql (stage, "INSERT INTO destination (name, app, failures, openings)"
                  " VALUES ('echo:demo/a', 'demo', 5, 1)");
    snprintf (take, sizeof take, "SELECT coalesce (string_agg (item, ' '), 'none')"
                                 " FROM take_work_%zu (1, '{" TOPIC "}', '{10}', '{}', '{}', '{}')",
              migrations_count);
    cr_expect (s_is (stage, take, "a1"));
    cr_expect (s_is (stage, now, "t 1 5"));
    s_note (note, "a", "before", 1);
    s_sql (stage, note);
    s_note (note, "a", "before", 0);
    s_sql (stage, note);
    cr_expect (s_is (stage, now, "t 1 6"));
    cr_expect (s_is (stage, take, "none"));
    //  The probe says nothing of it: another one. That fails: twice as long.
    s_note (note, "a", "before,a1", 0);
    s_sql (stage, note);
    cr_expect (s_is (stage, take, "a2"));
    s_note (note, "a", "a2", 1);
    s_sql (stage, note);
    cr_expect (s_is (stage, now, "2 7"));
    cr_expect (s_is (stage, "SELECT paused_until > now () + interval '50 s' FROM destination",
                     "t"));
    s_end (stage);
}

//  Nobody mends it: what has waited for three days is dead. What is paused only waits.
Test (destinations, that_stay_dead_give_their_items_up, .timeout = 120)
{
    char sql[100];
    stage_t *stage = s_start (1);
    s_sql (stage, "INSERT INTO destination (name, app, disabled, paused_until)"
                  " VALUES ('echo:demo/gone', 'demo', true, NULL),"
                  " ('echo:demo/late', 'demo', false, now () + interval '1 hour')");
    s_order (stage, "gone", 3, NULL);
    s_order (stage, "late", 1, NULL);
    s_sql (stage, "UPDATE work_item SET next_at = now () - interval '73 hours'"
                  " WHERE item <> 'gone3'");
    snprintf (sql, sizeof sql, "SELECT give_up_waiting_%zu (100)", migrations_count);
    s_sql (stage, sql);
    cr_expect_eq (s_count (stage, "state = 3 AND NOT is_told AND detail LIKE '%three days'"), 2);
    cr_expect_eq (s_count (stage, "state = 0"), 2);
    s_end (stage);
}

//  A far side that hangs has half of the worker at most.
Test (destinations, that_hang_leave_room, .timeout = 120)
{
    stage_t *stage = s_start (1);
    stage->of = "hang";
    stage->says_nothing = true;
    s_order (stage, "hang", 100, NULL);
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_times (stage, "hang") == CREDIT / 2);
    for (unsigned round = 1; round <= 3; round++) {
        char name[20];
        snprintf (name, sizeof name, "quick%u-", round);
        s_order (stage, name, 20, NULL);
        RIG_UNTIL (&stage->rig, WITHIN_MS, s_times (stage, name) == 20);
    }
    cr_expect_eq (s_times (stage, "hang"), CREDIT / 2, "%u are out", s_times (stage, "hang"));
    s_end (stage);
}

//  An address that said STOP.
Test (destinations, have_addresses_that_want_nothing, .timeout = 120)
{
    stage_t *stage = s_start (1);
    stage->of = "stop1";
    stage->says = (bus_done_t){ .outcome = OUTCOME_DEAD,
                                .destination = DESTINATION_WELL,
                                .suppress = 1,
                                .status = 400,
                                .detail = TEXT ("21610") };
    s_order (stage, "stop", 1, NULL);
    RIG_UNTIL (&stage->rig, WITHIN_MS,
               s_is (stage, "SELECT concat_ws (' ', app, channel, address, reason)"
                            " FROM suppressed_address", "demo echo +49stop 21610"));
    stage->of = NULL;
    s_order (stage, "other", 1, NULL);
    s_sql (stage, "INSERT INTO work_item (item, app, topic, body, destination, address)"
                  " VALUES ('stop2', 'demo', '" TOPIC "', '{}', 'echo:demo/stop', '+49stop')");
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->count == 3);
    for (unsigned at = 0; at < 3; at++)
        cr_expect_eq (stage->taken[at].suppressed, strcmp (stage->taken[at].item, "stop2") == 0);
    s_end (stage);
}

// ---------------------------------------------------------------------------------------------

//  What a report remembers is told to the next attempt, whatever died between them.
Test (memories, outlive_a_postoffice, .timeout = 120)
{
    stage_t *stage = s_start (1);
    stage->of = "i";
    stage->says = (bus_done_t){ .outcome = OUTCOME_RETRY,
                                .after_ms = 1000,
                                .remember = TEXT ("{\"unsure\": 1}"),
                                .remember_lane = TEXT ("{\"ts\": \"1.5\"}") };
    s_order (stage, "i", 3, "lane");
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->settled == 1);
    process_kill (stage->postoffices[0], SIGKILL);
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->up == 0);
    process_destroy (&stage->postoffices[0]);
    stage->of = NULL;
    s_start_postoffice (stage, 0);
    RIG_UNTIL (&stage->rig, 3 * WITHIN_MS, s_count (stage, "state = 2") == 3);
    cr_assert_eq (stage->count, 4);
    cr_expect_str_eq (stage->taken[0].memory, "");
    cr_expect_str_eq (stage->taken[0].lane_memory, "");
    cr_expect_str_eq (stage->taken[1].item, "i1");
    cr_expect_eq (stage->taken[1].attempt, 2);
    cr_expect_eq (stage->taken[1].lost, 0);
    cr_expect_str_eq (stage->taken[1].memory, "{\"unsure\": 1}");
    for (unsigned at = 1; at < 4; at++)
        cr_expect_str_eq (stage->taken[at].lane_memory, "{\"ts\": \"1.5\"}");
    cr_expect_str_eq (stage->taken[2].memory, "");
    s_end (stage);
}

//  They are objects of bounded size, or nothing: a worker's bytes go to other workers.
Test (memories, that_are_none_are_ignored, .timeout = 120)
{
    char large[1100] = "{\"a\": \"";
    memset (large + strlen (large), 'x', 1030);
    strcpy (large + strlen (large), "\"}");
    const char *bad[] = { "[1]", "{", "{} x", "17", "{\"a\": \"\xff\"}", large };
    stage_t *stage = s_start (1);
    stage->of = "i";
    for (size_t at = 0; at < sizeof bad / sizeof *bad; at++) {
        stage->says = (bus_done_t){ .outcome = OUTCOME_RETRY,
                                    .after_ms = 1,
                                    .remember = text_of (bad[at]),
                                    .remember_lane = text_of (bad[at]) };
        s_sql (stage, "DELETE FROM work_item");
        unsigned count = stage->count;
        s_order (stage, "i", 1, "lane");
        RIG_UNTIL (&stage->rig, WITHIN_MS, stage->count >= count + 2);
        cr_expect_str_eq (stage->taken[count + 1].memory, "");
        cr_expect_str_eq (stage->taken[count + 1].lane_memory, "");
    }
    cr_expect (s_is (stage, "SELECT count (*) FROM lane_memory", "0"));
    s_end (stage);
}

//  An attempt that began and was never reported is counted: the worker died with it.
Test (lost, is_what_a_dead_worker_had, .timeout = 120)
{
    stage_t *stage = s_start (1);
    stage->of = "i";
    stage->says_nothing = true;
    s_order (stage, "i", 2, NULL);
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->count == 2);
    s_report (stage, &stage->taken[0], &(bus_done_t){ .outcome = OUTCOME_RETRY, .after_ms = 1 });
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->count == 3);
    bus_client_destroy (&stage->worker);
    stage->up = 0;
    stage->of = NULL;
    s_start_worker (stage);
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_count (stage, "state = 2") == 2);
    cr_expect_eq (stage->taken[2].lost, 0, "a report is none");
    cr_assert_eq (stage->count, 5);
    for (unsigned at = 3; at < 5; at++)
        cr_expect_eq (stage->taken[at].lost, 1);
    cr_expect_eq (s_count (stage, "unreported = 1"), 2);
    s_end (stage);
}

//  The postoffice died, and the worker has nothing to say: another postoffice counts it.
Test (lost, is_what_a_dead_postoffice_had, .timeout = 120)
{
    stage_t *stage = s_start (2);
    stage->of = "i";
    stage->says_nothing = true;
    s_order (stage, "i", 1, NULL);
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->count == 1);
    unsigned dead = stage->taken[0].postoffice;
    stage->of = NULL;
    //  Which one of them that is the worker does not know.
    bool is_first =
        s_is (stage, "SELECT n.name FROM work_item w JOIN node n ON n.writer = w.holder",
              "postoffice-1");
    process_t **process = &stage->postoffices[!is_first];
    process_kill (*process, SIGKILL);
    process_wait_exit (*process, WITHIN_MS);
    process_destroy (process);
    RIG_UNTIL (&stage->rig, 2 * WITHIN_MS, s_count (stage, "state = 2 AND unreported = 1") == 1);
    cr_assert_eq (stage->count, 2);
    cr_expect_neq (stage->taken[1].postoffice, dead);
    cr_expect_eq (stage->taken[1].lost, 1);
    s_end (stage);
}

//  What a program of schema 7 left, ready and waiting for another try, goes on.
Test (destinations, follow_from_schema_7, .timeout = 120)
{
    postgres_t *postgres = postgres_new (NULL);
    cr_assert (postgres_exec (postgres,
                              "CREATE TABLE migration (number int PRIMARY KEY, name text NOT NULL,"
                              " applied_at timestamptz NOT NULL DEFAULT now (),"
                              " readable_from int NOT NULL DEFAULT 0)"));
    for (size_t at = 0; at < 7; at++) {
        char row[100];
        snprintf (row, sizeof row, "INSERT INTO migration VALUES (%zu, '%s', now (), %d)", at + 1,
                  migrations_table[at].name, migrations_table[at].readable_from);
        bool is_empty = at == 1 || at == 2; //  comments only
        cr_assert (is_empty || postgres_exec (postgres, migrations_table[at].sql));
        cr_assert (postgres_exec (postgres, row));
    }
    cr_assert (postgres_exec (
        postgres, "INSERT INTO work_item (item, app, topic, lane, body, attempts, next_at)"
                  " SELECT 'i' || n, 'demo', '" TOPIC "', 'l' || n % 3, '{}', n % 2,"
                  " now () + n * interval '20 ms' FROM generate_series (1, 30) n;"
                  "INSERT INTO work_attempt (item, number, outcome)"
                  " SELECT 'i' || n, 1, 0 FROM generate_series (1, 30, 2) n"));
    stage_t *stage = s_start_on (postgres, 1);
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_count (stage, "state = 2 AND unreported = 0") == 30);
    cr_expect_eq (stage->count, 30);
    cr_expect (s_is (stage, "SELECT count (*) FROM work_attempt", "45"));
    s_end (stage);
}
