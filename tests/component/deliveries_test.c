//  postoffice's deliveries: a real postoffice (or two) over a real PostgreSQL, and a scripted
//  worker that takes what it is given and says what the story wants.

#include "bus_rig.h"
#include "eventually.h"
#include "ports.h"
#include "postgres.h"
#include "process.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "test.echo"
#define TAKEN_MOST 60000
#define WITHIN_MS 20000
#define LEASE_MS 20000 //  the least that there is

//  An item as the worker was given it.
typedef struct {
    unsigned postoffice;
    char item[40];
    uint64_t attempt;
    bool is_settled;
} taken_t;

//  What the worker does with what it is given.
typedef enum { DOES_IT, FORGETS, WAITS, RETRIES, GIVES_UP, TAKES_NONE } manner_t;

typedef struct {
    rig_t rig;
    postgres_t *postgres;
    process_t *postoffices[2];
    uint16_t ports[2];
    bus_client_t *worker;
    unsigned up;
    unsigned last_down; //  of the postoffices
    manner_t manner;
    uint64_t after_ms;
    taken_t *taken;
    unsigned count;
    unsigned settled;
    unsigned cancelled;
} stage_t;

static void
s_say (stage_t *self, unsigned postoffice, bus_record_t *record)
{
    cr_expect_eq (bus_client_send (self->worker, postoffice, record), 0);
}

static void
s_report (stage_t *self, const taken_t *taken, outcome_t outcome)
{
    s_say (self, taken->postoffice,
           &(bus_record_t){ .kind = BUS_DONE,
                            .done = { .item = text_of (taken->item),
                                      .outcome = outcome,
                                      .after_ms = self->after_ms,
                                      .topic = TEXT (TOPIC),
                                      .attempt = taken->attempt,
                                      .status = 451,
                                      .took_ms = 70,
                                      .detail = TEXT ("said so") } });
}

static void
s_on_work (stage_t *self, unsigned postoffice, const bus_work_t *work)
{
    cr_assert (self->count < TAKEN_MOST);
    taken_t *taken = &self->taken[self->count++];
    *taken = (taken_t){ .postoffice = postoffice, .attempt = work->attempt };
    snprintf (taken->item, sizeof taken->item, "%.*s", TEXT_ARGS (work->item));
    if (self->manner == TAKES_NONE)
        return;
    s_say (self, postoffice,
           &(bus_record_t){ .kind = BUS_ACCEPTED, .accepted = { .item = work->item } });
    if (self->manner == DOES_IT)
        s_report (self, taken, OUTCOME_ANSWERED);
    else if (self->manner == RETRIES)
        s_report (self, taken, OUTCOME_RETRY);
    else if (self->manner == GIVES_UP)
        s_report (self, taken, OUTCOME_DEAD);
}

static void
s_on_record (void *owner, unsigned postoffice, const bus_record_t *record)
{
    stage_t *self = owner;
    if (record->kind == BUS_WORK)
        s_on_work (self, postoffice, &record->work);
    else if (record->kind == BUS_SETTLED)
        self->settled++;
    else if (record->kind == BUS_CANCEL)
        self->cancelled++;
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
    stage_t *self = owner;
    self->up--;
    self->last_down = postoffice;
}

static void
s_start_postoffice (stage_t *self, unsigned at)
{
    char url[300], bus[80], name[40], operations[40];
    uint16_t port = ports_free ();
    snprintf (url, sizeof url, "POSTGRES_URL=%s", postgres_url (self->postgres));
    snprintf (bus, sizeof bus, "POSTOFFICE_BUS_ADDRESS=tcp://127.0.0.1:%u", self->ports[at]);
    snprintf (name, sizeof name, "NODE_NAME=postoffice-%u", at + 1);
    const char *settings[] = { url, bus, name, operations, "WORK_LEASE=20s", NULL };
    snprintf (operations, sizeof operations, "OPERATIONS_PORT=%u", port);
    self->postoffices[at] =
        process_new (name + strlen ("NODE_NAME="), "postoffice", NULL, settings);
    cr_assert (self->postoffices[at]);
    process_set_operations_port (self->postoffices[at], port);
}

static void
s_start_worker (stage_t *self, uint64_t credit)
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
                                                           .topics = TOPIC " bot.stentor",
                                                           .credit = credit,
                                                           .addresses = addresses,
                                                           .heartbeat_ms = 500,
                                                           .queue_limit = 16u << 20 },
                                   &events, self);
}

static stage_t *
s_start (unsigned postoffices, uint64_t credit)
{
    stage_t *self = calloc (1, sizeof *self);
    self->taken = calloc (TAKEN_MOST, sizeof *self->taken);
    rig_start (&self->rig);
    self->postgres = postgres_new (NULL);
    cr_assert (self->postgres);
    for (unsigned at = 0; at < 2; at++)
        self->ports[at] = ports_free ();
    for (unsigned at = 0; at < postoffices; at++)
        s_start_postoffice (self, at);
    s_start_worker (self, credit);
    RIG_UNTIL (&self->rig, WITHIN_MS, self->up == postoffices);
    for (unsigned at = 0; at < postoffices; at++)
        cr_assert (process_wait_ready (self->postoffices[at], WITHIN_MS));
    return self;
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
    free (self->taken);
    free (self);
}

//  Items "i1", "i2" …; a lane for each of so many, in turn; 0: no lanes.
static void
s_order (stage_t *self, unsigned count, unsigned lanes, const char *after)
{
    char sql[400], lane[60] = "NULL";
    if (lanes)
        snprintf (lane, sizeof lane, "'lane' || n %% %u", lanes);
    snprintf (sql, sizeof sql,
              "INSERT INTO work_item (item, app, topic, lane, body, secret, next_at)"
              " SELECT 'i' || n, 'demo', '" TOPIC "', %s, '{}', 'hidden', now () + interval '%s'"
              " FROM generate_series (1, %u) AS n ORDER BY n",
              lane, after, count);
    EVENTUALLY (WITHIN_MS, postgres_exec (self->postgres, sql));
}

//  Sessions "demo/t1" … each with a question to the bot, left by a postoffice that is dead.
static void
s_write_turns (stage_t *self, unsigned count)
{
    char sql[1500];
    snprintf (
        sql, sizeof sql,
        "WITH n AS (SELECT 't' || n AS item, 'demo/t' || n AS session,"
        "  (now () AT TIME ZONE 'UTC')::date AS day FROM generate_series (1, %u) AS n),"
        " s AS (INSERT INTO session (session, app, visitor, day)"
        "  SELECT session, 'demo', 'v', day FROM n),"
        " l AS (INSERT INTO log (seq, time_ms, writer, day, event, role, hidden, session,"
        "   message_id, user_id, sender, data)"
        "  SELECT 1, 1000, 1, day, 3, 1, false, session, 'id', 'v', '{}', '{}' FROM n)"
        " INSERT INTO work_item (item, kind, app, session, topic, seq, user_id, body, state,"
        "  holder) SELECT item, 1, 'demo', session, 'bot.stentor', 1, 'v', '{}', 1, 1 FROM n",
        count);
    EVENTUALLY (WITHIN_MS, postgres_exec (self->postgres, sql));
}

//  The count that the query says.
static int64_t
s_count (stage_t *self, const char *where)
{
    char sql[300], *answer;
    snprintf (sql, sizeof sql, "SELECT count (*) FROM work_item WHERE %s", where);
    answer = postgres_query (self->postgres, sql);
    int64_t count = answer ? strtoll (answer, NULL, 10) : -1;
    free (answer);
    return count;
}

static unsigned
s_times (const stage_t *self, const char *item)
{
    unsigned times = 0;
    for (unsigned at = 0; at < self->count; at++)
        times += strcmp (self->taken[at].item, item) == 0;
    return times;
}

//  Resident bytes of the first postoffice.
static uint64_t
s_memory (stage_t *self)
{
    return (uint64_t) process_metric (self->postoffices[0], "process_resident_memory_bytes");
}

// ---------------------------------------------------------------------------------------------

Test (deliveries, are_done_once_within_the_credit, .timeout = 120)
{
    stage_t *stage = s_start (2, 20);
    s_order (stage, 300, 0, "0");
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->settled == 300);
    cr_expect_eq (stage->count, 300);
    cr_expect_eq (s_count (stage, "state = 2 AND attempts = 1 AND secret IS NULL"
                                  " AND finished_at IS NOT NULL AND detail = 'said so'"),
                  300);
    s_end (stage);
}

//  Of a lane one is under way at a time, in order.
Test (deliveries, of_a_lane_go_in_order, .timeout = 120)
{
    stage_t *stage = s_start (2, 50);
    stage->manner = WAITS;
    s_order (stage, 9, 3, "0");
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->count == 3);
    rig_turn_for (&stage->rig, 500);
    cr_expect_eq (stage->count, 3, "others of a lane are out, too");
    for (unsigned at = 0; at < 3; at++)
        s_report (stage, &stage->taken[at], OUTCOME_ANSWERED);
    stage->manner = DOES_IT;
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->settled == 9);
    unsigned last[3] = { 0 };
    for (unsigned at = 0; at < stage->count; at++) {
        unsigned number = (unsigned) strtoul (stage->taken[at].item + 1, NULL, 10);
        cr_expect (number > last[number % 3], "%u behind %u", number, last[number % 3]);
        last[number % 3] = number;
    }
    s_end (stage);
}

Test (deliveries, that_are_tried_again_or_given_up, .timeout = 120)
{
    stage_t *stage = s_start (1, 10);
    stage->manner = RETRIES;
    stage->after_ms = 300;
    s_order (stage, 1, 0, "0");
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->count == 3);
    cr_expect_eq (stage->taken[2].attempt, 3);
    stage->manner = GIVES_UP;
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_count (stage, "state = 3 AND detail = 'said so'") == 1);
    cr_expect_eq (s_count (stage, "attempts = (SELECT count (*) FROM work_attempt"
                                  " WHERE status = 451 AND took_ms = 70"
                                  " AND began_at = ended_at - interval '70 ms')"),
                  1);
    //  One that is due in three days is not touched.
    stage->manner = RETRIES;
    stage->after_ms = 3 * 24 * 3600000u;
    cr_assert (postgres_exec (stage->postgres, "DELETE FROM work_item"));
    s_order (stage, 1, 0, "0");
    RIG_UNTIL (&stage->rig, WITHIN_MS,
               s_count (stage, "state = 0 AND next_at > now () + interval '71 hours'") == 1);
    unsigned count = stage->count;
    rig_turn_for (&stage->rig, 1000);
    cr_expect_eq (stage->count, count);
    s_end (stage);
}

//  Nobody is told twice by a worker that forgets; it has lost the item.
Test (deliveries, that_a_worker_forgets_are_taken_from_it, .timeout = 120)
{
    stage_t *stage = s_start (1, 10);
    stage->manner = FORGETS;
    s_order (stage, 1, 0, "0");
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->count == 1);
    taken_t first = stage->taken[0];
    stage->manner = WAITS;
    RIG_UNTIL (&stage->rig, LEASE_MS + WITHIN_MS, stage->count == 2);
    cr_expect_eq (stage->taken[1].attempt, 2);
    cr_expect (stage->cancelled >= 1);
    //  What it says of its attempt now is too late.
    s_report (stage, &first, OUTCOME_DEAD);
    s_report (stage, &stage->taken[1], OUTCOME_ANSWERED);
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_count (stage, "state > 1") == 1);
    s_end (stage);
}

//  A postoffice stands still, and its worker reports to another one. When it goes on it has lost
//  its workers, and must not hand out what is done.
Test (deliveries, done_elsewhere_are_not_handed_out_again, .timeout = 120)
{
    //  So many that one postoffice cannot have all of them.
    enum { CREDIT = 20, ITEMS = 2 * CREDIT, WATCHED_MS = 4000 };
    stage_t *stage = s_start (2, CREDIT);
    stage->manner = WAITS;
    s_order (stage, ITEMS, 0, "0");
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->count == ITEMS);
    process_kill (stage->postoffices[0], SIGSTOP);
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->up == 1);
    unsigned moved = 0;
    for (unsigned at = 0; at < ITEMS; at++) {
        taken_t *taken = &stage->taken[at];
        moved += taken->postoffice == stage->last_down;
        if (taken->postoffice == stage->last_down)
            taken->postoffice = !stage->last_down;
        s_report (stage, taken, OUTCOME_ANSWERED);
    }
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->settled == ITEMS);
    process_kill (stage->postoffices[0], SIGCONT);
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->up == 2);
    rig_turn_for (&stage->rig, WATCHED_MS);
    cr_expect_eq (moved, CREDIT);
    cr_expect_eq (stage->count, ITEMS, "%u were handed out", stage->count);
    s_end (stage);
}

//  A worker that is lost with an item: the item is a further attempt.
Test (deliveries, of_a_lost_worker_are_further_attempts, .timeout = 120)
{
    stage_t *stage = s_start (1, 10);
    stage->manner = WAITS;
    s_order (stage, 3, 0, "0");
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->count == 3);
    bus_client_destroy (&stage->worker);
    stage->manner = DOES_IT;
    stage->up = 0;
    s_start_worker (stage, 10);
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_count (stage, "state = 2 AND attempts = 2") == 3);
    cr_expect_eq (stage->count, 6);
    for (unsigned at = 3; at < stage->count; at++)
        cr_expect_eq (stage->taken[at].attempt, 2);
    s_end (stage);
}

//  A turn's tries are in the worker's memory: a row says of the last one how it ended, unless the
//  first one was answered. Numbers that cannot be are not believed.
Test (deliveries, turns_leave_an_attempt_when_they_took_several, .timeout = 120)
{
    static const struct {
        const char *item;
        outcome_t outcome;
        uint64_t tries, status, took_ms;
    } rows[] = { { "t1", OUTCOME_ANSWERED, 1, 200, 40 },
                 { "t2", OUTCOME_ANSWERED, 3, 200, 50 },
                 { "t3", OUTCOME_FAILED, 2, 503, 60 },
                 { "t4", OUTCOME_FAILED, UINT64_MAX, 40000, UINT64_MAX } };
    stage_t *stage = s_start (1, 10);
    stage->manner = TAKES_NONE;
    s_write_turns (stage, 4);
    RIG_UNTIL (&stage->rig, 2 * WITHIN_MS, stage->count >= 4);
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        char session[20];
        snprintf (session, sizeof session, "demo/%s", rows[at].item);
        s_say (stage, 0,
               &(bus_record_t){ .kind = BUS_DONE,
                                .done = { .item = text_of (rows[at].item),
                                          .session = text_of (session),
                                          .outcome = rows[at].outcome,
                                          .topic = TEXT ("bot.stentor"),
                                          .data = TEXT ("{}"),
                                          .detail = TEXT ("said so"),
                                          .tries = rows[at].tries,
                                          .status = rows[at].status,
                                          .took_ms = rows[at].took_ms } });
    }
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_count (stage, "state > 1") == 4);
    char *attempts =
        postgres_query (stage->postgres, "SELECT string_agg (concat_ws (' ', item, number, outcome,"
                                         " status, took_ms, detail), ', ' ORDER BY item)"
                                         " FROM work_attempt");
    cr_expect_str_eq (attempts, "t2 3 2 200 50 said so, t3 2 3 503 60 said so, t4 1 3 said so");
    free (attempts);
    //  (Not those that are put again because the bot has failed.)
    char *counts = postgres_query (
        stage->postgres, "SELECT string_agg (attempts::text, ' ' ORDER BY item) FROM work_item"
                         " WHERE kind = 1 AND item LIKE 't_'");
    cr_expect_str_eq (counts, "1 3 2 1");
    free (counts);
    s_end (stage);
}

Test (deliveries, of_another_topic_cannot_be_reported, .timeout = 120)
{
    stage_t *stage = s_start (1, 10);
    cr_assert (postgres_exec (stage->postgres, "INSERT INTO work_item (item, app, topic, body)"
                                               " VALUES ('x', 'demo', 'other.topic', '{}')"));
    s_say (stage, 0,
           &(bus_record_t){ .kind = BUS_DONE,
                            .done = { .item = TEXT ("x"),
                                      .outcome = OUTCOME_ANSWERED,
                                      .topic = TEXT ("other.topic"),
                                      .attempt = 0 } });
    s_say (stage, 0,
           &(bus_record_t){ .kind = BUS_DONE,
                            .done = { .item = TEXT ("x"),
                                      .outcome = OUTCOME_ANSWERED,
                                      .topic = TEXT (TOPIC),
                                      .attempt = 0 } });
    s_order (stage, 1, 0, "0");
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_count (stage, "item = 'i1' AND state = 2") == 1);
    cr_expect_eq (s_count (stage, "item = 'x' AND state = 0"), 1);
    s_end (stage);
}

//  100,000 that wait cost a postoffice no memory, and those that are due come at once.
Test (deliveries, that_wait_cost_nothing, .timeout = 180)
{
    process_keep_little_of_what_is_freed ();
    stage_t *stage = s_start (1, 100);
    s_order (stage, 10, 0, "0");
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->settled == 10);
    uint64_t before = s_memory (stage);
    cr_assert (postgres_exec (
        stage->postgres, "INSERT INTO work_item (item, app, topic, body, next_at)"
                         " SELECT 'w' || n, 'demo', '" TOPIC "', '{}', now () + interval '3 days'"
                         " FROM generate_series (1, 100000) AS n"));
    cr_assert (postgres_exec (stage->postgres, "INSERT INTO work_item (item, app, topic, body)"
                                               " VALUES ('now', 'demo', '" TOPIC "', '{}')"));
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_times (stage, "now") == 1);
    rig_turn_for (&stage->rig, 1000);
    uint64_t after = s_memory (stage);
    cr_expect (after < before + (1u << 20), "%llu bytes more",
               (unsigned long long) (after - before));
    s_end (stage);
}

//  A database that restarts in the middle: everything is done, and hardly anything twice.
Test (deliveries, go_on_behind_a_database_that_restarts, .timeout = 180)
{
    stage_t *stage = s_start (2, 50);
    s_order (stage, 3000, 0, "0");
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->settled > 100);
    cr_assert (postgres_restart (stage->postgres));
    RIG_UNTIL (&stage->rig, 90000, s_count (stage, "state = 2") == 3000);
    cr_expect (stage->count <= 3000 + 4 * 50, "%u were handed out", stage->count);
    s_end (stage);
}

//  What a killed postoffice held is in the other's hands soon.
Test (deliveries, of_a_killed_postoffice_go_on, .timeout = 180)
{
    stage_t *stage = s_start (2, 100);
    stage->manner = WAITS;
    s_order (stage, 100, 0, "0");
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_count (stage, "state = 1") == 100);
    //  And 50,000 that it held in some other way.
    cr_assert (postgres_exec (
        stage->postgres, "INSERT INTO work_item (item, app, topic, body, state, holder, attempts)"
                         " SELECT 'k' || n, 'demo', '" TOPIC "', '{}', 1, h.writer, 1"
                         " FROM (SELECT writer FROM node WHERE name = 'postoffice-1') AS h,"
                         " generate_series (1, 50000) AS n"));
    process_kill (stage->postoffices[0], SIGKILL);
    uint64_t began = clock_mono_ms ();
    process_destroy (&stage->postoffices[0]);
    stage->manner = DOES_IT;
    RIG_UNTIL (&stage->rig, 60000,
               s_count (stage, "item LIKE 'k%' AND attempts = 1 AND state = 1") == 0);
    fprintf (stderr, "50,000 items of a killed postoffice: ready again after %llu ms\n",
             (unsigned long long) (clock_mono_ms () - began));
    RIG_UNTIL (&stage->rig, 60000, s_count (stage, "item LIKE 'k%' AND state = 2") > 1000);
    s_end (stage);
}

//  The postoffice died, and the attempt goes on: that it is done counts, although another one has
//  begun. That it is to be tried again does not.
Test (deliveries, that_are_done_all_the_same_are_done, .timeout = 120)
{
    stage_t *stage = s_start (2, 10);
    stage->manner = WAITS;
    s_order (stage, 1, 0, "0");
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->count == 1 && s_count (stage, "state = 1") == 1);
    static const char of_first[] =
        "holder = (SELECT writer FROM node WHERE name = 'postoffice-1')";
    bool is_first = s_count (stage, of_first) == 1;
    process_kill (stage->postoffices[!is_first], SIGKILL);
    process_destroy (&stage->postoffices[!is_first]);
    RIG_UNTIL (&stage->rig, 2 * WITHIN_MS, stage->count == 2);
    cr_assert_eq (stage->taken[1].attempt, 2);
    stage->taken[0].postoffice = stage->taken[1].postoffice;
    s_report (stage, &stage->taken[0], OUTCOME_RETRY);
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->settled == 1);
    cr_assert_eq (s_count (stage, "state = 1 AND attempts = 2"), 1);
    s_report (stage, &stage->taken[0], OUTCOME_ANSWERED);
    //  Whoever has the second one is told to stop, and is late with what it has not heard.
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->settled == 2 && stage->cancelled == 1);
    cr_assert_eq (s_count (stage, "state = 2"), 1);
    s_report (stage, &stage->taken[1], OUTCOME_DEAD);
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->settled == 3);
    cr_assert_eq (s_count (stage, "state = 2"), 1);
    s_end (stage);
}

//  Of lanes whose first item waits for another try all later ones are due. A take meets them all,
//  and looks each lane up once, not once for each item.
Test (deliveries, of_lanes_that_wait_cost_a_take_little, .timeout = 120)
{
    stage_t *stage = s_start (1, 10);
    s_order (stage, 60000, 200, "1 hour");
    cr_assert (postgres_exec (
        stage->postgres,
        //  Not the stage's topic: its postoffice takes nothing of it.
        "UPDATE work_item SET topic = 'other.topic', next_at = next_at - interval '2 hours'"
        "  * (substr (item, 2)::int > 200)::int"));
    cr_assert (postgres_exec (stage->postgres, "ANALYZE work_item"));
    cr_assert (postgres_exec (
        stage->postgres,
        "DO $$ DECLARE scans bigint; BEGIN"
        " scans := pg_stat_get_xact_numscans ('work_item_lane'::regclass);"
        " EXECUTE (SELECT format ('SELECT FROM %s (1, ''{other.topic}'', ''{10}'', ''{}'', ''{}'',"
        " ''{}'')', proname)"
        "  FROM pg_proc WHERE proname LIKE 'take_work\\_%');"
        " ASSERT (SELECT count (*) FROM work_item WHERE state = 1) = 0, 'taken out of order';"
        " scans := pg_stat_get_xact_numscans ('work_item_lane'::regclass) - scans;"
        " ASSERT scans BETWEEN 200 AND 2000, format ('%s lanes were looked up', scans);"
        " END $$"));
    s_end (stage);
}

//  One take behind the other, each of them slow: a lease of ours that we do not know is released
//  all the same.
Test (deliveries, that_nobody_knows_are_released_beside_takes, .timeout = 120)
{
    stage_t *stage = s_start (1, 1);
    cr_assert (postgres_exec (
        stage->postgres,
        "CREATE FUNCTION slow () RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep (0.3); RETURN NEW; END $$;"
        " CREATE TRIGGER slow BEFORE UPDATE ON work_item FOR EACH ROW"
        " WHEN (NEW.state = 1 AND NEW.item LIKE 'i%') EXECUTE FUNCTION slow ()"));
    s_order (stage, 200, 0, "0");
    cr_assert (postgres_exec (
        stage->postgres, "INSERT INTO work_item (item, app, topic, body, state, holder, attempts)"
                         " SELECT 'u', 'demo', '" TOPIC "', '{}', 1, writer, 1 FROM node"));
    RIG_UNTIL (&stage->rig, WITHIN_MS, s_count (stage, "item = 'u' AND state = 0") == 1);
    cr_expect (s_count (stage, "state = 0 AND item LIKE 'i%'") > 50, "takes are under way");
    s_end (stage);
}
