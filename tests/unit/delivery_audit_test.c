//  What chaos says of its deliveries: what is trouble, what is a duplicate, and what explains it.

#include "delivery_audit.h"
#include "orders.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define MS 1000u
#define MOST 16

enum { READY, LEASED, DONE, DEAD };
enum { KILL = 3, OTHER = 5 }; //  kinds of fault

static delivery_order_t s_orders[MOST];
static delivery_arrival_t s_arrivals[MOST];
static delivery_change_t s_changes[MOST];
static delivery_cause_t s_causes[MOST];
static delivery_evidence_t s_evidence;
static delivery_counts_t s_counts;
static findings_t *s_trouble;

static void
s_begin (void)
{
    s_evidence = (delivery_evidence_t){
        .orders = s_orders, .arrivals = s_arrivals, .changes = s_changes, .causes = s_causes
    };
    s_trouble = findings_new ();
}

static void
s_end (void)
{
    findings_destroy (&s_trouble);
}

TestSuite (delivery_audit, .init = s_begin, .fini = s_end);

static void
s_order (int lane, unsigned number, unsigned retries, bool is_dead, unsigned takes_ms)
{
    s_orders[s_evidence.order_count++] = (delivery_order_t){ .lane = lane,
                                                             .number = number,
                                                             .retries = retries,
                                                             .is_dead = is_dead,
                                                             .takes_ms = takes_ms };
}

//  A worker's attempt as the receiver saw it; the answer is the order's.
static void
s_arrive (unsigned at_ms, unsigned item, uint64_t attempt, unsigned worker)
{
    const delivery_order_t *order = &s_orders[item];
    s_arrivals[s_evidence.arrival_count++] =
        (delivery_arrival_t){ .at_us = at_ms * MS,
                              .worker = worker,
                              .item = item,
                              .attempt = attempt,
                              .answer = delivery_answer (order, attempt),
                              .lane = order->lane,
                              .number = order->number };
}

static void
s_change (unsigned at_ms, unsigned item, uint64_t attempt, unsigned was, unsigned state,
          unsigned postoffice)
{
    s_changes[s_evidence.change_count++] = (delivery_change_t){ .at_us = at_ms * MS,
                                                                .item = item,
                                                                .attempt = attempt,
                                                                .was = was,
                                                                .state = state,
                                                                .postoffice = postoffice };
}

//  Leased, attempted and finished by worker and postoffice 0, at once.
static void
s_deliver (unsigned at_ms, unsigned item, uint64_t attempt)
{
    s_change (at_ms, item, attempt, READY, LEASED, 0);
    s_arrive (at_ms + 1, item, attempt, 0);
    s_change (at_ms + 2, item, attempt, LEASED, s_orders[item].is_dead ? DEAD : DONE, 0);
}

static void
s_fault (unsigned kind, unsigned from_ms, unsigned to_ms, unsigned worker, uint32_t offices)
{
    delivery_cause_t *cause = &s_causes[s_evidence.cause_count++];
    *cause = (delivery_cause_t){ .kind = kind, .from_us = from_ms * MS, .to_us = to_ms * MS };
    cause->paths.of[worker] = offices;
}

//  What was wrong, of each kind: "lost 1, doubled 2".
static void
s_expect (unsigned line, const char *expected)
{
    char found[200] = "";
    delivery_audit (&s_evidence, &s_counts, s_trouble);
    for (findings_kind_t kind = 0; kind < TROUBLE_KINDS; kind++) {
        unsigned count = (unsigned) findings_count (s_trouble, kind, WHO_DELIVERIES);
        size_t size = strlen (found);
        if (count)
            snprintf (found + size, sizeof found - size, "%s%s %u", size ? ", " : "",
                      findings_word (kind), count);
    }
    cr_assert_str_eq (found, expected, "line %u: %s", line, found);
}
#define EXPECT(expected) s_expect (__LINE__, expected)

Test (delivery_audit, all_is_well)
{
    s_order (0, 0, 0, false, 10);
    s_order (0, 1, 1, false, 10);
    s_order (DELIVERY_NO_LANE, 0, 0, true, 10);
    s_deliver (100, 0, 1);
    s_change (200, 1, 1, READY, LEASED, 0);
    s_arrive (201, 1, 1, 0);
    s_change (202, 1, 1, LEASED, READY, 0);
    s_deliver (300, 1, 2);
    s_deliver (400, 2, 1);
    EXPECT ("");
    cr_assert_eq (s_counts.done, 2);
    cr_assert_eq (s_counts.dead, 1);
    cr_assert_eq (s_counts.asked_again, 1);
    cr_assert_eq (s_counts.duplicates, 0);
    cr_assert_eq (s_counts.leases_lost, 0);
}

Test (delivery_audit, one_that_did_not_come)
{
    s_order (0, 0, 0, false, 0);
    s_order (0, 1, 0, false, 0);
    s_change (100, 0, 1, READY, LEASED, 0);
    s_change (101, 0, 1, LEASED, DONE, 0);
    s_deliver (200, 1, 1);
    EXPECT ("lost 1");
}

Test (delivery_audit, one_that_only_was_asked_for_again)
{
    s_order (0, 0, 2, false, 0);
    s_arrive (100, 0, 1, 0);
    EXPECT ("lost 1, stuck 1");
}

Test (delivery_audit, finished_before_it_came)
{
    s_order (0, 0, 0, false, 0);
    s_change (100, 0, 1, READY, LEASED, 0);
    s_change (101, 0, 1, LEASED, DONE, 0);
    s_arrive (102, 0, 1, 0);
    EXPECT ("lost 1");
}

Test (delivery_audit, another_end_than_the_receivers)
{
    s_order (0, 0, 0, true, 0);
    s_change (100, 0, 1, READY, LEASED, 0);
    s_arrive (101, 0, 1, 0);
    s_change (102, 0, 1, LEASED, DONE, 0);
    EXPECT ("broken 1");
}

//  A late report undoes what was finished.
Test (delivery_audit, touched_again)
{
    s_order (0, 0, 0, false, 0);
    s_deliver (100, 0, 1);
    s_change (300, 0, 1, DONE, READY, 0);
    EXPECT ("broken 1");
}

Test (delivery_audit, an_attempt_with_two_leases)
{
    s_order (0, 0, 0, false, 0);
    s_change (100, 0, 1, READY, LEASED, 0);
    s_change (101, 0, 1, LEASED, READY, 0);
    s_deliver (200, 0, 1);
    EXPECT ("doubled 1");
    cr_assert_eq (s_counts.leases_lost, 1);
}

Test (delivery_audit, another_body)
{
    s_order (0, 0, 0, false, 0);
    s_deliver (100, 0, 1);
    s_arrivals[0].number = 7;
    EXPECT ("broken 1");
}

Test (delivery_audit, nobodys_item)
{
    s_order (0, 0, 0, false, 0);
    s_deliver (100, 0, 1);
    s_arrive (200, 0, 2, 0);
    s_arrivals[1].item = 9;
    EXPECT ("broken 1");
}

Test (delivery_audit, a_lane_out_of_order)
{
    s_order (4, 0, 1, false, 0);
    s_order (4, 1, 0, false, 0);
    s_change (100, 0, 1, READY, LEASED, 0);
    s_arrive (101, 0, 1, 0);
    s_change (102, 0, 1, LEASED, READY, 0);
    s_deliver (200, 1, 1);
    s_deliver (300, 0, 2);
    EXPECT ("out of order 1");
}

//  Other lanes, and what has none, have nothing to do with each other.
Test (delivery_audit, others_may_come_in_any_order)
{
    s_order (1, 0, 0, false, 0);
    s_order (2, 0, 0, false, 0);
    s_order (DELIVERY_NO_LANE, 0, 0, false, 0);
    s_order (DELIVERY_NO_LANE, 0, 0, false, 0);
    for (unsigned item = 4; item-- > 0;)
        s_deliver (100 * (5 - item), item, 1);
    EXPECT ("");
}

// ---------------------------------------------------------------------------------------------
//  Duplicates: worker 0 has told the receiver and reports to nobody; worker 1 tells it again.

static void
s_twice (void)
{
    s_change (10000, 0, 1, READY, LEASED, 2);
    s_arrive (10100, 0, 1, 0);
    s_change (17000, 0, 1, LEASED, READY, 2);
    s_change (17100, 0, 2, READY, LEASED, 1);
    s_arrive (17200, 0, 2, 1);
    s_change (17300, 0, 2, LEASED, DONE, 1);
}

Test (delivery_audit, a_duplicate_without_a_cause)
{
    s_order (DELIVERY_NO_LANE, 0, 0, false, 0);
    s_twice ();
    EXPECT ("doubled 1");
    cr_assert_eq (s_counts.duplicates, 1);
    cr_assert_eq (s_counts.unexplained, 1);
}

Test (delivery_audit, a_duplicate_by_a_killed_worker)
{
    s_order (DELIVERY_NO_LANE, 0, 0, false, 0);
    s_twice ();
    s_fault (KILL, 10150, 11000, 0, UINT32_MAX);
    EXPECT ("");
    cr_assert_eq (s_counts.explained[KILL], 1);
}

//  Faults of others explain nothing: another worker, another postoffice, another time.
Test (delivery_audit, a_duplicate_beside_a_fault)
{
    s_order (DELIVERY_NO_LANE, 0, 0, false, 0);
    s_twice ();
    s_fault (KILL, 10150, 11000, 5, UINT32_MAX);
    s_fault (KILL, 10150, 11000, 0, 1u << 1 | 1u << 3);
    s_fault (KILL, 10150, 11000, 1, 1u << 2);
    s_fault (KILL, 1000, 6900, 0, UINT32_MAX);
    s_fault (KILL, 17300, 19000, 0, UINT32_MAX);
    EXPECT ("doubled 1");
    cr_assert_eq (s_counts.unexplained, 1);
}

//  The postoffices of both attempts count, and so does the time behind a fault.
Test (delivery_audit, the_last_of_two_faults_is_the_cause)
{
    s_order (DELIVERY_NO_LANE, 0, 0, false, 0);
    s_twice ();
    s_fault (KILL, 6000, 7500, 0, 1u << 2);
    EXPECT ("");
    cr_assert_eq (s_counts.explained[KILL], 1);
    s_fault (OTHER, 12000, 12000, 1, 1u << 1);
    EXPECT ("");
    cr_assert_eq (s_counts.explained[KILL], 0);
    cr_assert_eq (s_counts.explained[OTHER], 1);
}

//  One that the receiver asked for again comes again, and then once more with the same number.
Test (delivery_audit, an_attempt_that_comes_twice)
{
    s_order (DELIVERY_NO_LANE, 0, 1, false, 0);
    s_change (100, 0, 1, READY, LEASED, 0);
    s_arrive (101, 0, 1, 0);
    s_arrive (150, 0, 1, 1);
    s_change (152, 0, 1, LEASED, READY, 0);
    s_deliver (300, 0, 2);
    EXPECT ("doubled 1");
    cr_assert_eq (s_counts.duplicates, 1);
}

//  A frozen worker goes on behind the next item of its lane.
Test (delivery_audit, a_late_duplicate_in_a_lane)
{
    s_order (3, 0, 0, false, 0);
    s_order (3, 1, 0, false, 0);
    s_change (9000, 0, 1, READY, LEASED, 0);
    s_change (16000, 0, 1, LEASED, READY, 0);
    s_change (16100, 0, 2, READY, LEASED, 0);
    s_arrive (16200, 0, 2, 1);
    s_change (16300, 0, 2, LEASED, DONE, 0);
    s_deliver (16400, 1, 1);
    s_arrive (19000, 0, 1, 0);
    s_fault (KILL, 9100, 18999, 0, UINT32_MAX);
    EXPECT ("");
    cr_assert_eq (s_counts.late, 1);
    cr_assert_eq (s_counts.explained[KILL], 1);
}

Test (orders, the_seed_gives_them)
{
    chance_t chances[] = { { .state = 3 }, { .state = 3 } };
    unsigned numbers[2][ORDERS_LANES] = { { 0 } }, next[ORDERS_LANES] = { 0 };
    unsigned in_lanes = 0, again = 0, dead = 0, slow = 0;
    for (unsigned count = 0; count < 5000; count++) {
        delivery_order_t order = orders_draw (&chances[0], numbers[0], true);
        delivery_order_t other = orders_draw (&chances[1], numbers[1], true);
        cr_assert (order.lane == other.lane && order.takes_ms == other.takes_ms
                   && order.retries == other.retries && order.is_dead == other.is_dead);
        in_lanes += order.lane != DELIVERY_NO_LANE;
        again += order.retries > 0;
        dead += order.is_dead;
        slow += order.takes_ms > DELIVERY_LEASE_MS;
        if (order.lane != DELIVERY_NO_LANE)
            cr_assert_eq (order.number, next[order.lane]++);
    }
    cr_assert (in_lanes > 2500 && in_lanes < 3500 && again > 500 && dead > 50 && slow > 2);
}
