//  The skeleton of a connector before real postoffices over a real PostgreSQL: deliveries, whose
//  schedule the postoffices own. The service does what the test says.

#include "bus_rig.h"
#include "eventually.h"
#include "ports.h"
#include "postgres.h"
#include "process.h"
#include "worker/worker.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define POSTOFFICES 2
#define ITEMS_MOST 400
#define WITHIN_MS 20000

//  What the service does with an item.
typedef enum { DOES_IT, RETRIES_FIRST, GIVES_UP, WAITS } manner_t;

typedef struct {
    rig_t rig;
    postgres_t *postgres;
    process_t *postoffices[POSTOFFICES];
    char bus_setting[POSTOFFICES][80];
    const char *lease;
    unsigned orders;
    char addresses[100];
    bus_settings_t bus;
    worker_t *worker;
    manner_t manner;
    worker_item_t *items[ITEMS_MOST]; //  that wait
    unsigned count;
    unsigned starts, cancels;
    uint64_t lost; //  the most that an item was said to have been
} stage_t;

static void
s_end_attempt (worker_item_t *item, worker_outcome_t outcome)
{
    worker_item_done (
        item,
        &(worker_report_t){ .outcome = outcome, .after_ms = 200, .detail = TEXT ("said so") });
}

static void
s_start (void *service, worker_item_t *item)
{
    stage_t *self = service;
    const worker_item_view_t *view = worker_item_view (item);
    self->starts++;
    self->lost = view->work.lost > self->lost ? view->work.lost : self->lost;
    cr_assert (text_is (view->work.secret, TEXT ("hidden")));
    if (self->manner == WAITS) {
        cr_assert_lt (self->count, ITEMS_MOST);
        self->items[self->count++] = item;
    } else
        s_end_attempt (item, self->manner == GIVES_UP ? WORKER_DEAD
                             : self->manner == RETRIES_FIRST && view->tries == 1
                                 ? WORKER_RETRY
                                 : WORKER_ANSWERED);
}

static void
s_cancel (void *service, worker_item_t *item)
{
    stage_t *self = service;
    (void) item;
    self->cancels++;
}

static void
s_ready (void *process, bool is_ready)
{
    (void) process, (void) is_ready;
}

static void
s_drained (void *process)
{
    (void) process;
}

//  At the address of before, if it was there before.
static void
s_launch (stage_t *self, unsigned at)
{
    char url[300], name[40], operations[40];
    uint16_t port = ports_free ();
    snprintf (url, sizeof url, "POSTGRES_URL=%s", postgres_url (self->postgres));
    snprintf (name, sizeof name, "NODE_NAME=postoffice-%u", at + 1);
    snprintf (operations, sizeof operations, "OPERATIONS_PORT=%u", port);
    const char *settings[] = { url, self->bus_setting[at], name, operations, self->lease, NULL };
    process_destroy (&self->postoffices[at]);
    self->postoffices[at] =
        process_new (name + strlen ("NODE_NAME="), "postoffice", NULL, settings);
    cr_assert (self->postoffices[at]);
    process_set_operations_port (self->postoffices[at], port);
}

static stage_t *
s_begin (uint64_t credit, const char *lease)
{
    static stage_t stage;
    stage_t *self = &stage;
    rig_start (&self->rig);
    self->postgres = postgres_new (NULL);
    cr_assert (self->postgres);
    self->lease = lease;
    for (unsigned at = 0; at < POSTOFFICES; at++) {
        char end[40];
        uint16_t port = ports_free ();
        snprintf (self->bus_setting[at], sizeof self->bus_setting[at],
                  "POSTOFFICE_BUS_ADDRESS=tcp://127.0.0.1:%u", port);
        snprintf (end, sizeof end, "%s127.0.0.1:%u", at ? "," : "", port);
        strcat (self->addresses, end);
        s_launch (self, at);
    }
    for (unsigned at = 0; at < POSTOFFICES; at++)
        cr_assert (process_wait_ready (self->postoffices[at], WITHIN_MS));
    self->bus = (bus_settings_t){ .heartbeat_ms = 500,
                                  .queue_limit = 16u << 20,
                                  .postoffices = self->addresses };
    worker_host_t host = { .loop = &self->rig.loop,
                           .node = "worker",
                           .bus = &self->bus,
                           .ready = s_ready,
                           .drained = s_drained };
    worker_kind_t kind = { .topics = "test.toy",
                           .credit = credit,
                           .attempt_ms = 120000,
                           .overdue = { .outcome = WORKER_DEAD },
                           .start = s_start,
                           .cancel = s_cancel };
    self->worker = worker_new (&host, &kind, self);
    cr_assert (self->worker);
    return self;
}

static void
s_end (stage_t *self)
{
    worker_destroy (&self->worker);
    for (unsigned at = 0; at < POSTOFFICES; at++)
        process_destroy (&self->postoffices[at]);
    postgres_destroy (&self->postgres);
    rig_stop (&self->rig);
}

//  Of names that no item had before: a worker may still wait to hear of one that is deleted.
static void
s_order (stage_t *self, unsigned count)
{
    char sql[400];
    snprintf (sql, sizeof sql,
              "INSERT INTO work_item (item, app, session, topic, body, secret, next_at)"
              " SELECT 'i%u-' || n, 'demo', 'demo/s' || n, 'test.toy', '{}', 'hidden', now ()"
              " FROM generate_series (1, %u) AS n",
              ++self->orders, count);
    EVENTUALLY (WITHIN_MS, postgres_exec (self->postgres, sql));
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

#define UNTIL_COUNT(stage, count, where)                                                         \
    RIG_UNTIL (&(stage)->rig, WITHIN_MS, s_count (stage, where) == (count))

Test (worker, deliveries_come_to_their_outcomes, .timeout = 120)
{
    stage_t *stage = s_begin (10, "WORK_LEASE=20s");
    s_order (stage, 100);
    UNTIL_COUNT (stage, 100, "state = 2 AND attempts = 1 AND detail = 'said so'");
    cr_assert_eq (stage->starts, 100u);
    cr_assert (postgres_exec (stage->postgres, "DELETE FROM work_item"));
    stage->manner = RETRIES_FIRST;
    s_order (stage, 30);
    UNTIL_COUNT (stage, 30, "state = 2 AND attempts = 2");
    cr_assert_eq (stage->starts, 160u, "the postoffices own the schedule");
    cr_assert (postgres_exec (stage->postgres, "DELETE FROM work_item"));
    stage->manner = GIVES_UP;
    s_order (stage, 20);
    UNTIL_COUNT (stage, 20, "state = 3 AND attempts = 1");
    s_end (stage);
}

//  Each item is attempted once, whoever is told of it.
Test (worker, a_postoffice_dies_with_deliveries_in_hand, .timeout = 120)
{
    enum { ITEMS = 40 };
    stage_t *stage = s_begin (ITEMS, "WORK_LEASE=60s");
    stage->manner = WAITS;
    s_order (stage, ITEMS);
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->count == ITEMS);
    process_kill (stage->postoffices[0], SIGKILL);
    rig_turn_for (&stage->rig, 2000);
    for (unsigned at = 0; at < ITEMS; at++)
        s_end_attempt (stage->items[at], WORKER_ANSWERED);
    UNTIL_COUNT (stage, ITEMS, "state = 2 AND attempts = 1");
    cr_assert_eq (stage->starts, ITEMS);
    cr_assert_eq (stage->cancels, 0u);
    s_end (stage);
}

//  Attempts of all items, as the worker knows them.
static int64_t
s_attempts (const stage_t *self)
{
    int64_t attempts = 0;
    for (unsigned at = 0; at < self->count; at++)
        attempts += (int64_t) worker_item_view (self->items[at])->work.attempt;
    return attempts;
}

static int64_t
s_attempts_stored (stage_t *self)
{
    char *answer =
        postgres_query (self->postgres, "SELECT coalesce (sum (attempts), 0) FROM work_item");
    int64_t attempts = answer ? strtoll (answer, NULL, 10) : -1;
    free (answer);
    return attempts;
}

//  A postoffice that has handed out some of them; POSTOFFICES: none is known to.
static unsigned
s_holder (stage_t *self)
{
    for (unsigned at = 0; at < POSTOFFICES; at++) {
        char where[200];
        snprintf (where, sizeof where,
                  "state = 1 AND holder = (SELECT writer FROM node WHERE name = 'postoffice-%u'"
                  " ORDER BY beat_at DESC LIMIT 1)",
                  at + 1);
        if (s_count (self, where) > 0)
            return at;
    }
    return POSTOFFICES;
}

//  It is another process that is back at the address of the one that was killed: it knows nothing
//  of what that one had handed out, and would cancel what it is told of.
Test (worker, a_killed_postoffice_is_back_at_its_address, .timeout = 120)
{
    enum { ITEMS = 40 };
    static const char leased[] = "state = 1 AND holder IN (SELECT writer FROM node"
                                 " WHERE beat_at > clock_timestamp () - interval '5 s')";
    stage_t *stage = s_begin (ITEMS, "WORK_LEASE=60s");
    stage->manner = WAITS;
    s_order (stage, ITEMS);
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->count == ITEMS);
    for (unsigned kill = 1; kill <= 3; kill++) {
        unsigned at;
        RIG_UNTIL (&stage->rig, WITHIN_MS, (at = s_holder (stage)) < POSTOFFICES);
        int64_t attempts = s_attempts_stored (stage);
        process_kill (stage->postoffices[at], SIGKILL);
        s_launch (stage, at);
        RIG_UNTIL (&stage->rig, WITHIN_MS, process_is_ready (stage->postoffices[at]));
        //  Its leases are others' soon, and the worker is told of each anew.
        RIG_UNTIL (&stage->rig, WITHIN_MS, s_attempts_stored (stage) > attempts);
        UNTIL_COUNT (stage, ITEMS, leased);
        RIG_UNTIL (&stage->rig, WITHIN_MS, s_attempts (stage) == s_attempts_stored (stage));
        cr_assert_eq (stage->cancels, 0u, "kill %u", kill);
    }
    cr_assert_eq (stage->starts, ITEMS, "each is attempted once");
    //  What was counted as lost was this attempt: the next one need not fear that it was made.
    stage->manner = DOES_IT;
    for (unsigned at = 0; at < ITEMS; at++)
        s_end_attempt (stage->items[at], WORKER_RETRY);
    UNTIL_COUNT (stage, ITEMS, "state = 2 AND unreported = 0");
    cr_assert_eq (stage->starts, 2u * ITEMS);
    cr_assert_eq (stage->lost, 0);
    cr_assert_eq (stage->cancels, 0u);
    s_end (stage);
}

//  An attempt that takes longer than a lease keeps it.
Test (worker, a_slow_delivery_keeps_its_lease, .timeout = 120)
{
    stage_t *stage = s_begin (4, "WORK_LEASE=20s");
    stage->manner = WAITS;
    s_order (stage, 2);
    RIG_UNTIL (&stage->rig, WITHIN_MS, stage->count == 2);
    rig_turn_for (&stage->rig, 23000);
    cr_assert_eq (stage->cancels, 0u);
    for (unsigned at = 0; at < 2; at++)
        s_end_attempt (stage->items[at], WORKER_ANSWERED);
    UNTIL_COUNT (stage, 2, "state = 2 AND attempts = 1");
    cr_assert_eq (stage->starts, 2u);
    s_end (stage);
}
