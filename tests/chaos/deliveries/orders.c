//  orders — see orders.h.

#include "orders.h"

#include "base/clock.h"

#include <assert.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVERY_US 100000 //  between two statements
#define AT_ONCE_MOST 200
#define ROW_SIZE 300
#define LATER_MOST_MS 5000
#define TAKES_MOST_MS 100
#define TAKES_LONG_MS 2000 //  one in three: so that faults hit some between answer and report
#define SLOW_MS (DELIVERY_LEASE_MS + 1000) //  its worker renews the lease

struct orders {
    pthread_t thread;
    bool has_thread;
    atomic_bool is_ending;
    atomic_bool is_quiet;
    char *url;
    chance_t chance;
    uint64_t rate;
    uint64_t late_us; //  from then on none is slow
    unsigned numbers[ORDERS_LANES];
    delivery_order_t *list;
    size_t count;
    size_t room;
};

//  Each state that a delivery or a timer goes through, with the attempt and whose lease it is.
static const char s_trigger[] =
    "CREATE TABLE chaos_step (number bigint GENERATED ALWAYS AS IDENTITY, item text NOT NULL,"
    " at timestamptz NOT NULL DEFAULT clock_timestamp (), attempts int NOT NULL,"
    " was smallint NOT NULL, state smallint NOT NULL, holder bigint);"
    "CREATE FUNCTION chaos_note () RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " INSERT INTO chaos_step (item, attempts, was, state, holder)"
    " VALUES (NEW.item, NEW.attempts, OLD.state, NEW.state, coalesce (NEW.holder, OLD.holder));"
    " RETURN NULL; END $$;"
    "CREATE TRIGGER chaos_note AFTER UPDATE ON work_item FOR EACH ROW"
    " WHEN (NEW.kind <> 1 AND OLD.state <> NEW.state) EXECUTE FUNCTION chaos_note ()";

delivery_order_t
orders_draw (chance_t *chance, unsigned numbers[ORDERS_LANES], bool may_be_slow)
{
    delivery_order_t order = { .lane = DELIVERY_NO_LANE };
    if (chance_between (chance, 1, 10) <= 6) {
        order.lane = (int) chance_between (chance, 0, ORDERS_LANES - 1);
        order.number = numbers[order.lane]++;
    }
    if (chance_once_in (chance, 6))
        order.retries = (unsigned) chance_between (chance, 1, 3);
    order.is_dead = chance_once_in (chance, 50);
    order.takes_ms = (unsigned) chance_between (
        chance, 0, chance_once_in (chance, 3) ? TAKES_LONG_MS : TAKES_MOST_MS);
    if (chance_once_in (chance, 500) && may_be_slow)
        order.takes_ms = SLOW_MS;
    return order;
}

// ---------------------------------------------------------------------------------------------

static void
s_draw (orders_t *self)
{
    if (self->count == self->room) {
        self->room = self->room ? 2 * self->room : 4096;
        self->list = realloc (self->list, self->room * sizeof *self->list);
        assert (self->list);
    }
    bool may_be_slow = clock_mono_us () < self->late_us;
    self->list[self->count++] = orders_draw (&self->chance, self->numbers, may_be_slow);
}

//  One statement, so that all of it is there or nothing. What is there already is left alone: the
//  answer to an earlier try was lost. `number` rises in the order of the rows.
static void
s_write_sql (orders_t *self, size_t from, char *sql)
{
    size_t size =
        (size_t) sprintf (sql, "INSERT INTO work_item (item, app, session, topic, lane, body,"
                               " secret, next_at) VALUES ");
    for (size_t at = from; at < self->count; at++) {
        const delivery_order_t *order = &self->list[at];
        char lane[60] = "NULL";
        uint64_t later = chance_once_in (&self->chance, 10)
                             ? chance_between (&self->chance, 100, LATER_MOST_MS)
                             : 0;
        if (order->lane != DELIVERY_NO_LANE)
            sprintf (lane, "'demo/s%d'", order->lane);
        size += (size_t) sprintf (
            sql + size,
            "%s('" DELIVERY_ITEM "%zu', 'demo', %s, '" DELIVERY_TOPIC "', %s, '" DELIVERY_BODY
            "', 'hidden', now () + interval '%u ms')",
            at > from ? ", " : "", at, lane, lane, order->lane, order->number, order->retries,
            (unsigned) order->is_dead, order->takes_ms, (unsigned) later);
    }
    sprintf (sql + size, " ON CONFLICT (item) DO NOTHING");
}

//  The connection is a new one after each failure: the database may have been killed.
static bool
s_say (orders_t *self, PGconn **connection, const char *sql)
{
    if (!*connection)
        *connection = PQconnectdb (self->url);
    PGresult *result =
        PQstatus (*connection) == CONNECTION_OK ? PQexec (*connection, sql) : NULL;
    bool is_good = PQresultStatus (result) == PGRES_COMMAND_OK;
    PQclear (result);
    if (!is_good) {
        PQfinish (*connection);
        *connection = NULL;
    }
    return is_good;
}

static void *
s_run (void *argument)
{
    orders_t *self = argument;
    PGconn *connection = NULL;
    char *sql = malloc (AT_ONCE_MOST * ROW_SIZE + ROW_SIZE);
    assert (sql);
    uint64_t owed = 0, last = clock_mono_us ();
    while (!atomic_load (&self->is_ending)) {
        usleep (EVERY_US);
        uint64_t now = clock_mono_us ();
        //  Of an outage no more is made up for than one statement takes.
        owed += (now - last) * self->rate;
        last = now;
        size_t from = self->count;
        for (; owed >= 1000000 && self->count - from < AT_ONCE_MOST; owed -= 1000000)
            s_draw (self);
        owed %= 1000000;
        if (self->count == from)
            continue;
        s_write_sql (self, from, sql);
        while (!s_say (self, &connection, sql))
            usleep (EVERY_US);
    }
    PQfinish (connection);
    free (sql);
    atomic_store (&self->is_quiet, true);
    return NULL;
}

orders_t *
orders_new (postgres_t *postgres, const plan_t *plan)
{
    orders_t *self = calloc (1, sizeof *self);
    assert (self);
    self->rate = plan->deliveries;
    self->late_us = plan_late_us (plan, clock_mono_us ());
    self->chance.state = plan->seed ^ 0x6f7264657273;
    self->url = strdup (postgres_url (postgres));
    assert (self->url);
    if (!postgres_exec (postgres, s_trigger)) {
        orders_destroy (&self);
        return NULL;
    }
    int rc = pthread_create (&self->thread, NULL, s_run, self);
    assert (rc == 0);
    self->has_thread = true;
    return self;
}

void
orders_destroy (orders_t **self_p)
{
    orders_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    orders_fall_silent (self);
    if (self->has_thread)
        pthread_join (self->thread, NULL);
    free (self->url);
    free (self->list);
    free (self);
}

void
orders_fall_silent (orders_t *self)
{
    atomic_store (&self->is_ending, true);
}

bool
orders_are_quiet (const orders_t *self)
{
    return atomic_load (&self->is_quiet);
}

const delivery_order_t *
orders_list (const orders_t *self, size_t *count)
{
    assert (orders_are_quiet (self));
    *count = self->count;
    return self->list;
}
