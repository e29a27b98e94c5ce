//  worker — the skeleton of a connector between scripted postoffices, with a service that does
//  nothing but what the test says.

#include "worker/worker.h"

#include "base/metrics.h"
#include "bus_rig.h"
#include "eventually.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>
#include <stdlib.h>

#define OFFICES 2
#define HEARD_MOST 2000
#define ITEMS_MOST 200
#define ID_MAX 24
#define CREDIT 4
#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

//  One record that the worker said to a postoffice.
typedef struct {
    bus_kind_t kind;
    char item[ID_MAX];
    uint64_t number; //  outcome, or ending
} heard_t;

typedef struct {
    bus_server_t *bus;
    char address[RIG_ADDRESS_MAX];
    peer_t peer;
    char topics[64];
    uint64_t credit;
    heard_t heard[HEARD_MOST];
    unsigned count;
} office_t;

//  An item as the service knows it.
typedef struct {
    char id[ID_MAX];
    worker_item_t *item; //  NULL: no attempt is under way
    unsigned starts, cancels;
} toy_t;

static rig_t s_rig;
static office_t s_offices[OFFICES];
static worker_t *s_worker;
static toy_t s_toys[ITEMS_MOST];
static unsigned s_toy_count, s_busy, s_busiest; //  attempts under way, and the most at once
static bool s_is_ready;
static unsigned s_drained;

static toy_t *
s_toy (text_t id)
{
    for (unsigned at = 0; at < s_toy_count; at++)
        if (text_is (text_of (s_toys[at].id), id))
            return &s_toys[at];
    cr_assert (s_toy_count < ITEMS_MOST && id.size < ID_MAX);
    toy_t *toy = &s_toys[s_toy_count++];
    memcpy (toy->id, id.data, id.size);
    return toy;
}

static void
s_start (void *service, worker_item_t *item)
{
    cr_assert_eq (service, &s_rig);
    toy_t *toy = s_toy (worker_item_view (item)->work.item);
    cr_assert_null (toy->item, "%s is attempted twice at once", toy->id);
    toy->item = item;
    toy->starts++;
    s_busy++;
    s_busiest = s_busy > s_busiest ? s_busy : s_busiest;
}

static void
s_cancel (void *service, worker_item_t *item)
{
    (void) service;
    toy_t *toy = s_toy (worker_item_view (item)->work.item);
    cr_assert_eq (toy->item, item);
    toy->item = NULL;
    toy->cancels++;
    s_busy--;
}

//  The service ends its attempt.
static void
s_end_attempt (const char *id, worker_outcome_t outcome, uint64_t after_ms)
{
    toy_t *toy = s_toy (text_of (id));
    cr_assert (toy->item, "%s is not under way", id);
    worker_item_t *item = toy->item;
    toy->item = NULL;
    s_busy--;
    worker_item_done (item, &(worker_report_t){
                                .outcome = outcome, .status = 418, .after_ms = after_ms });
}

static void
s_ready (void *process, bool is_ready)
{
    (void) process;
    s_is_ready = is_ready;
}

static void
s_on_drained (void *process)
{
    (void) process;
    s_drained++;
}

//  The worker of this test. One of a test beside it, whose postoffice has just given its port back,
//  may come to ours.
static const char *
s_node (void)
{
    static char name[40];
    snprintf (name, sizeof name, "toy-%ld", (long) getpid ());
    return name;
}

static void
s_peer_up (void *owner, peer_t peer, const bus_hello_t *hello)
{
    office_t *office = owner;
    if (!text_is (hello->node, text_of (s_node ())))
        return;
    office->peer = peer;
    office->credit = hello->credit;
    snprintf (office->topics, sizeof office->topics, "%.*s", TEXT_ARGS (hello->topics));
}

static void
s_peer_down (void *owner, peer_t peer)
{
    office_t *office = owner;
    if (office->peer == peer)
        office->peer = 0;
}

static void
s_record (void *owner, peer_t peer, const bus_record_t *record)
{
    office_t *office = owner;
    if (office->peer != peer)
        return;
    cr_assert (office->count < HEARD_MOST);
    heard_t *heard = &office->heard[office->count++];
    text_t item = record->kind == BUS_ACCEPTED   ? record->accepted.item
                  : record->kind == BUS_DECLINED ? record->declined.item
                  : record->kind == BUS_PROGRESS ? record->progress.item
                                                 : record->done.item;
    heard->kind = record->kind;
    snprintf (heard->item, sizeof heard->item, "%.*s", TEXT_ARGS (item));
    if (record->kind == BUS_DECLINED)
        heard->number = record->declined.ending;
    else if (record->kind == BUS_DONE) {
        heard->number = record->done.outcome;
        cr_assert (text_is (record->done.trace, TEXT (TRACE)));
        cr_assert_eq (record->done.attempt, 3u);
        cr_assert_gt (record->done.tries, 0u);
        cr_assert_gt (record->done.took_ms, 0u);
        cr_assert_eq (record->done.status, 418u);
    }
}

static void
s_open (office_t *office)
{
    static const bus_server_events_t events = { s_peer_up, s_peer_down, s_record };
    office->bus = rig_postoffice_new (&s_rig, office->address,
                                      &(bus_server_config_t){ .node = "postoffice-test",
                                                              .heartbeat_ms = RIG_HEARTBEAT_MS,
                                                              .queue_limit = RIG_QUEUE_LIMIT,
                                                              .peer_limit = 10 },
                                      &events, office);
}

static void
s_lose (office_t *office)
{
    bus_server_destroy (&office->bus);
    office->peer = 0;
}

static double
s_metric (const char *name)
{
    buffer_t page;
    buffer_init (&page, 1u << 20);
    cr_assert_eq (metrics_print (&page), 0);
    char line[200];
    snprintf (line, sizeof line, "\nstentor_%s ", name);
    const char *found = memmem (page.data, page.size, line, strlen (line));
    cr_assert (found, "no metric %s", name);
    double value = strtod (found + strlen (line), NULL);
    buffer_free (&page);
    return value;
}

static void
s_begin_with (uint64_t attempt_ms)
{
    rig_start (&s_rig);
    static char addresses[OFFICES * RIG_ADDRESS_MAX];
    for (unsigned at = 0; at < OFFICES; at++) {
        s_open (&s_offices[at]);
        size_t size = strlen (addresses);
        snprintf (addresses + size, sizeof addresses - size, "%s%s", at ? "," : "",
                  s_offices[at].address);
    }
    static bus_settings_t bus = { .heartbeat_ms = RIG_HEARTBEAT_MS,
                                  .queue_limit = RIG_QUEUE_LIMIT,
                                  .postoffices = addresses };
    worker_host_t host = { .loop = &s_rig.loop,
                           .node = s_node (),
                           .bus = &bus,
                           .ready = s_ready,
                           .drained = s_on_drained };
    worker_kind_t kind = { .topics = "bot.a bot.b toy",
                           .credit = CREDIT,
                           .attempt_ms = attempt_ms,
                           .overdue = { .outcome = WORKER_DEAD, .status = 418 },
                           .start = s_start,
                           .cancel = s_cancel };
    s_is_ready = true;
    s_worker = worker_new (&host, &kind, &s_rig);
    cr_assert (s_worker);
    cr_assert_not (s_is_ready, "no postoffice is up yet");
    RIG_UNTIL (&s_rig, 10000, s_offices[0].peer && s_offices[1].peer && s_is_ready);
    //  Both ends of both streams: a postoffice whose stream begins late is told of what is in hand.
    RIG_UNTIL (&s_rig, 10000, s_metric ("bus_links_up") == 2 * OFFICES);
}

static void
s_begin (void)
{
    s_begin_with (60000);
}

static void
s_end (void)
{
    worker_destroy (&s_worker);
    cr_assert_eq (s_busy, 0u, "every attempt that was under way is cancelled");
    for (unsigned at = 0; at < OFFICES; at++)
        if (s_offices[at].bus)
            bus_server_destroy (&s_offices[at].bus);
    rig_stop (&s_rig);
}

static void
s_hand_of (office_t *office, const char *id, const char *topic)
{
    bus_record_t record = { .kind = BUS_WORK,
                            .work = { .item = text_of (id),
                                      .session = TEXT ("demo/s-1"),
                                      .topic = text_of (topic),
                                      .app = TEXT ("demo"),
                                      .user = TEXT ("u"),
                                      .body = TEXT ("{}"),
                                      .attempt = 3,
                                      .trace = TEXT (TRACE) } };
    cr_assert_eq (bus_server_send (office->bus, office->peer, &record), 0);
}

static void
s_hand (office_t *office, const char *id)
{
    s_hand_of (office, id, "bot.a");
}

static void
s_settle (office_t *office, const char *id)
{
    bus_record_t record = { .kind = BUS_SETTLED, .settled = { .item = text_of (id) } };
    cr_assert_eq (bus_server_send (office->bus, office->peer, &record), 0);
}

static void
s_say_cancel (office_t *office, const char *id)
{
    bus_record_t record = { .kind = BUS_CANCEL, .cancel = { .item = text_of (id) } };
    cr_assert_eq (bus_server_send (office->bus, office->peer, &record), 0);
}

static unsigned
s_heard (const office_t *office, const char *id, bus_kind_t kind)
{
    unsigned count = 0;
    for (unsigned at = 0; at < office->count; at++)
        count += office->heard[at].kind == kind && strcmp (office->heard[at].item, id) == 0;
    return count;
}

//  The number that came with the last record of that kind.
static uint64_t
s_number (const office_t *office, const char *id, bus_kind_t kind)
{
    const heard_t *last = NULL;
    for (unsigned at = 0; at < office->count; at++)
        if (office->heard[at].kind == kind && strcmp (office->heard[at].item, id) == 0)
            last = &office->heard[at];
    cr_assert (last, "nothing was heard of %s", id);
    return last->number;
}

static double
s_in_hand (void)
{
    return s_metric ("worker_items{state=\"working\"}")
           + s_metric ("worker_items{state=\"pausing\"}")
           + s_metric ("worker_items{state=\"reporting\"}");
}

//  Hands an item over and brings it into a state; nothing else is in hand.
static void
s_bring (office_t *office, const char *id, worker_item_state_t state)
{
    s_hand (office, id);
    RIG_UNTIL (&s_rig, 5000, s_toy (text_of (id))->item);
    if (state == WORKER_ITEM_PAUSING)
        s_end_attempt (id, WORKER_RETRY, 60000);
    else if (state == WORKER_ITEM_REPORTING) {
        s_end_attempt (id, WORKER_ANSWERED, 0);
        RIG_UNTIL (&s_rig, 5000, s_heard (office, id, BUS_DONE) == 1);
    }
    RIG_UNTIL (&s_rig, 5000, s_heard (office, id, BUS_ACCEPTED) == 1);
}

Test (worker, an_item_from_work_to_settled, .timeout = 60)
{
    s_begin ();
    cr_assert_str_eq (s_offices[0].topics, "bot.a bot.b toy");
    cr_assert_eq (s_offices[1].credit, CREDIT);
    s_hand_of (&s_offices[0], "i", "bot.b");
    RIG_UNTIL (&s_rig, 5000, s_heard (&s_offices[0], "i", BUS_ACCEPTED) == 1);
    s_end_attempt ("i", WORKER_ANSWERED, 0);
    RIG_UNTIL (&s_rig, 5000, s_heard (&s_offices[0], "i", BUS_DONE) == 1);
    cr_assert_eq (s_number (&s_offices[0], "i", BUS_DONE), OUTCOME_ANSWERED);
    cr_assert_eq (s_metric ("worker_items{state=\"reporting\"}"), 1);
    s_settle (&s_offices[0], "i");
    RIG_UNTIL (&s_rig, 5000, s_in_hand () == 0);
    cr_assert_eq (s_metric ("worker_taken_total{topic=\"bot.b\"}"), 1);
    cr_assert_eq (s_metric ("worker_taken_total{topic=\"bot.a\"}"), 0);
    cr_assert_eq (s_metric ("worker_outcomes_total{outcome=\"answered\",topic=\"bot.b\"}"), 1);
    cr_assert_eq (s_metric ("worker_reports_total{topic=\"bot.b\"}"), 1);
    cr_assert_eq (s_offices[1].count, 0u);
    cr_assert_eq (s_drained, 0u, "nobody asked for a drain");
    s_end ();
}

Test (worker, credit_is_never_exceeded, .timeout = 60)
{
    enum { EACH = 20 };
    s_begin ();
    char id[ID_MAX];
    for (unsigned round = 0; round < 2 * EACH; round++) {
        snprintf (id, sizeof id, "i-%u", round);
        s_hand (&s_offices[round % 2], id);
    }
    RIG_UNTIL (&s_rig, 5000, s_offices[0].count + s_offices[1].count == 2 * EACH);
    cr_assert_eq (s_busiest, CREDIT);
    cr_assert_eq (s_in_hand (), CREDIT);
    cr_assert_eq (s_metric ("worker_declined_total{reason=\"over_credit\"}"), 2 * EACH - CREDIT);
    //  One that reports is still in hand.
    toy_t *first = &s_toys[0];
    office_t *its = &s_offices[s_heard (&s_offices[1], first->id, BUS_ACCEPTED)];
    s_end_attempt (first->id, WORKER_DEAD, 0);
    RIG_UNTIL (&s_rig, 5000, s_heard (its, first->id, BUS_DONE) == 1);
    s_hand (its, "more");
    RIG_UNTIL (&s_rig, 5000, s_heard (its, "more", BUS_DECLINED) == 1);
    cr_assert_eq (s_number (its, "more", BUS_DECLINED), 0u, "it is full, and not ending");
    s_settle (its, first->id);
    s_hand (its, "more");
    RIG_UNTIL (&s_rig, 5000, s_heard (its, "more", BUS_ACCEPTED) == 1);
    cr_assert_eq (s_busiest, CREDIT);
    s_end ();
}

Test (worker, a_topic_that_is_not_its_own_is_declined, .timeout = 60)
{
    s_begin ();
    s_hand_of (&s_offices[0], "i", "bot");
    RIG_UNTIL (&s_rig, 5000, s_heard (&s_offices[0], "i", BUS_DECLINED) == 1);
    cr_assert_eq (s_number (&s_offices[0], "i", BUS_DECLINED), 0u);
    cr_assert_eq (s_toy_count, 0u);
    cr_assert_eq (s_metric ("worker_declined_total{reason=\"foreign_topic\"}"), 1);
    s_end ();
}

Test (worker, a_retry_comes_after_its_delay, .timeout = 60)
{
    s_begin ();
    s_hand (&s_offices[0], "i");
    RIG_UNTIL (&s_rig, 5000, s_toy (TEXT ("i"))->item);
    uint64_t began_ms = clock_mono_ms ();
    s_end_attempt ("i", WORKER_RETRY, 100);
    RIG_UNTIL (&s_rig, 5000, s_toy (TEXT ("i"))->item);
    cr_assert_geq (clock_mono_ms () - began_ms, 90u);
    cr_assert_eq (worker_item_view (s_toy (TEXT ("i"))->item)->tries, 2u);
    s_end_attempt ("i", WORKER_DEAD, 0);
    RIG_UNTIL (&s_rig, 5000, s_heard (&s_offices[0], "i", BUS_DONE) == 1);
    cr_assert_eq (s_number (&s_offices[0], "i", BUS_DONE), OUTCOME_FAILED);
    cr_assert_eq (s_heard (&s_offices[0], "i", BUS_ACCEPTED), 1u);
    s_end ();
}

Test (worker, cancelled_in_each_state, .timeout = 60)
{
    static const char *const ids[] = { "working", "pausing", "reporting" };
    s_begin ();
    office_t *office = &s_offices[0];
    for (worker_item_state_t state = WORKER_ITEM_WORKING; state < WORKER_ITEM_OVER; state++) {
        const char *id = ids[state];
        s_bring (office, id, state);
        s_say_cancel (&s_offices[1], id);
        s_say_cancel (office, id);
        RIG_UNTIL (&s_rig, 5000, s_in_hand () == 0);
        toy_t *toy = s_toy (text_of (id));
        cr_assert (!toy->item && toy->starts == 1);
        cr_assert_eq (toy->cancels, state == WORKER_ITEM_WORKING);
        cr_assert_eq (s_heard (office, id, BUS_DONE), state == WORKER_ITEM_REPORTING);
        //  It is forgotten: the same one is new.
        s_hand (office, id);
        RIG_UNTIL (&s_rig, 5000, toy->item);
        cr_assert_eq (worker_item_view (toy->item)->tries, 1u);
        s_say_cancel (office, id);
        RIG_UNTIL (&s_rig, 5000, s_in_hand () == 0);
    }
    cr_assert_eq (s_metric ("worker_outcomes_total{outcome=\"cancelled\",topic=\"bot.a\"}"), 5);
    s_end ();
}

//  Its postoffice dies: the other one hears of the item, and of its outcome once.
Test (worker, a_postoffice_is_lost_in_each_state, .timeout = 60)
{
    static const char *const ids[] = { "working", "pausing", "reporting" };
    s_begin ();
    office_t *lost = &s_offices[0], *other = &s_offices[1];
    for (worker_item_state_t state = WORKER_ITEM_WORKING; state < WORKER_ITEM_OVER; state++) {
        const char *id = ids[state];
        RIG_UNTIL (&s_rig, 15000, lost->peer != 0);
        s_bring (lost, id, state);
        s_lose (lost);
        if (state != WORKER_ITEM_REPORTING) {
            RIG_UNTIL (&s_rig, 5000, s_heard (other, id, BUS_ACCEPTED) == 1);
            cr_assert_eq (s_heard (other, id, BUS_DONE), 0u);
        }
        if (state == WORKER_ITEM_WORKING)
            s_end_attempt (id, WORKER_ANSWERED, 0);
        if (state == WORKER_ITEM_PAUSING)
            s_say_cancel (other, id);
        else {
            RIG_UNTIL (&s_rig, 5000, s_heard (other, id, BUS_DONE) == 1);
            s_settle (other, id);
        }
        RIG_UNTIL (&s_rig, 5000, s_in_hand () == 0);
        cr_assert_eq (s_toy (text_of (id))->starts, 1u);
        cr_assert (s_is_ready, "there is another one");
        s_open (lost);
    }
    for (unsigned at = 0; at < 3; at++)
        cr_assert_leq (s_heard (other, ids[at], BUS_DONE), 1u, "%s is reported once", ids[at]);
    s_end ();
}

//  For a moment there is none at all; what ended meanwhile is said to the first that comes.
Test (worker, all_postoffices_are_lost, .timeout = 60)
{
    s_begin ();
    s_bring (&s_offices[0], "i", WORKER_ITEM_WORKING);
    s_bring (&s_offices[0], "j", WORKER_ITEM_WORKING);
    s_lose (&s_offices[0]);
    s_lose (&s_offices[1]);
    RIG_UNTIL (&s_rig, 5000, !s_is_ready);
    s_end_attempt ("j", WORKER_ANSWERED, 0);
    s_open (&s_offices[1]);
    RIG_UNTIL (&s_rig, 15000, s_heard (&s_offices[1], "j", BUS_DONE) == 1);
    RIG_UNTIL (&s_rig, 5000, s_heard (&s_offices[1], "i", BUS_ACCEPTED) > 0);
    cr_assert (s_is_ready);
    cr_assert_eq (s_toy (TEXT ("i"))->cancels, 0u);
    s_end_attempt ("i", WORKER_ANSWERED, 0);
    RIG_UNTIL (&s_rig, 5000, s_heard (&s_offices[1], "i", BUS_DONE) == 1);
    s_settle (&s_offices[1], "i");
    s_settle (&s_offices[1], "j");
    RIG_UNTIL (&s_rig, 5000, s_in_hand () == 0);
    s_end ();
}

Test (worker, two_postoffices_hand_over_one_item, .timeout = 60)
{
    s_begin ();
    s_bring (&s_offices[0], "i", WORKER_ITEM_WORKING);
    s_hand (&s_offices[1], "i");
    RIG_UNTIL (&s_rig, 5000, s_heard (&s_offices[1], "i", BUS_ACCEPTED) == 1);
    //  The first one has been left: it cannot take the item away from the second.
    s_say_cancel (&s_offices[0], "i");
    s_settle (&s_offices[0], "i");
    rig_turn_for (&s_rig, 200);
    cr_assert (s_toy (TEXT ("i"))->item);
    s_end_attempt ("i", WORKER_ANSWERED, 0);
    RIG_UNTIL (&s_rig, 5000, s_heard (&s_offices[1], "i", BUS_DONE) == 1);
    //  Once more after it is done: that one has not heard of it.
    s_hand (&s_offices[0], "i");
    RIG_UNTIL (&s_rig, 5000, s_heard (&s_offices[0], "i", BUS_DONE) == 1);
    cr_assert_eq (s_toy (TEXT ("i"))->starts, 1u);
    s_settle (&s_offices[0], "i");
    RIG_UNTIL (&s_rig, 5000, s_in_hand () == 0);
    cr_assert_eq (s_metric ("worker_repeats_total"), 2);
    s_end ();
}

Test (worker, a_service_that_never_answers, .timeout = 60)
{
    s_begin_with (200);
    s_bring (&s_offices[0], "i", WORKER_ITEM_WORKING);
    RIG_UNTIL (&s_rig, 5000, s_heard (&s_offices[0], "i", BUS_DONE) == 1);
    cr_assert_eq (s_number (&s_offices[0], "i", BUS_DONE), OUTCOME_FAILED);
    cr_assert_eq (s_toy (TEXT ("i"))->cancels, 1u);
    s_settle (&s_offices[0], "i");
    RIG_UNTIL (&s_rig, 5000, s_in_hand () == 0);
    s_end ();
}

Test (worker, a_drain_finishes_what_is_in_hand, .timeout = 60)
{
    s_begin ();
    s_bring (&s_offices[0], "working", WORKER_ITEM_WORKING);
    s_bring (&s_offices[0], "reporting", WORKER_ITEM_REPORTING);
    s_hand (&s_offices[1], "pausing");
    RIG_UNTIL (&s_rig, 5000, s_toy (TEXT ("pausing"))->item);
    s_end_attempt ("pausing", WORKER_RETRY, 300);
    worker_drain (s_worker);
    s_hand (&s_offices[1], "late");
    RIG_UNTIL (&s_rig, 5000, s_heard (&s_offices[1], "late", BUS_DECLINED) == 1);
    cr_assert_eq (s_number (&s_offices[1], "late", BUS_DECLINED), 1u, "it is ending");
    s_hand (&s_offices[0], "working");
    RIG_UNTIL (&s_rig, 5000, s_heard (&s_offices[0], "working", BUS_ACCEPTED) == 2);
    RIG_UNTIL (&s_rig, 5000, s_toy (TEXT ("pausing"))->item);
    s_end_attempt ("pausing", WORKER_ANSWERED, 0);
    s_end_attempt ("working", WORKER_ANSWERED, 0);
    RIG_UNTIL (&s_rig, 5000, s_heard (&s_offices[1], "pausing", BUS_DONE) == 1);
    RIG_UNTIL (&s_rig, 5000, s_heard (&s_offices[0], "working", BUS_DONE) == 1);
    s_settle (&s_offices[0], "working");
    s_settle (&s_offices[0], "reporting");
    RIG_UNTIL (&s_rig, 5000, s_in_hand () == 1);
    cr_assert_eq (s_drained, 0u, "one is not settled yet");
    s_settle (&s_offices[1], "pausing");
    RIG_UNTIL (&s_rig, 5000, s_drained == 1);
    cr_assert_eq (s_metric ("worker_declined_total{reason=\"draining\"}"), 1);
    s_end ();
    cr_assert_eq (s_drained, 1u);
}

//  Its postoffice dies with the lease: the other one is told the outcome, and nothing before.
Test (worker, a_delivery_is_reported_elsewhere, .timeout = 60)
{
    s_begin ();
    s_hand_of (&s_offices[0], "i", "toy");
    RIG_UNTIL (&s_rig, 5000, s_heard (&s_offices[0], "i", BUS_ACCEPTED) == 1);
    s_lose (&s_offices[0]);
    rig_turn_for (&s_rig, 300);
    cr_assert_eq (s_offices[1].count, 0u);
    s_end_attempt ("i", WORKER_RETRY, 3000);
    RIG_UNTIL (&s_rig, 5000, s_heard (&s_offices[1], "i", BUS_DONE) == 1);
    cr_assert_eq (s_number (&s_offices[1], "i", BUS_DONE), OUTCOME_RETRY);
    s_settle (&s_offices[1], "i");
    RIG_UNTIL (&s_rig, 5000, s_in_hand () == 0);
    cr_assert_eq (s_toy (TEXT ("i"))->starts, 1u);
    s_end ();
}

Test (worker, nothing_in_hand_is_drained_at_once, .timeout = 60)
{
    s_begin ();
    worker_drain (s_worker);
    cr_assert_eq (s_drained, 1u);
    s_end ();
}

//  The time to drain is over: the end of the streams hands everything back.
Test (worker, what_is_left_is_handed_back, .timeout = 60)
{
    s_begin ();
    s_bring (&s_offices[0], "working", WORKER_ITEM_WORKING);
    s_bring (&s_offices[0], "pausing", WORKER_ITEM_PAUSING);
    s_bring (&s_offices[0], "reporting", WORKER_ITEM_REPORTING);
    worker_drain (s_worker);
    worker_destroy (&s_worker);
    cr_assert_eq (s_toy (TEXT ("working"))->cancels, 1u);
    cr_assert_eq (s_toy (TEXT ("pausing"))->cancels, 0u);
    RIG_UNTIL (&s_rig, 5000, s_offices[0].peer == 0 && s_offices[1].peer == 0);
    cr_assert_eq (s_drained, 0u);
    s_end ();
}
