//  delivery_audit — see delivery_audit.h.

#include "delivery_audit.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#define NONE SIZE_MAX
#define STATE_READY 0
#define STATE_LEASED 1
#define STATE_DONE 2
#define STATE_DEAD 3

//  The arrivals, or the changes, of each item, in their order.
typedef struct {
    size_t *first; //  of an item
    size_t *next;  //  behind one of them
} chain_t;

typedef struct {
    const delivery_evidence_t *evidence;
    delivery_counts_t *counts;
    findings_t *trouble;
    chain_t arrivals;
    chain_t changes;
    size_t *ends; //  of an item: the arrival whose answer ended it
} case_t;

#define COMPLAIN(self, kind, ...)                                                                  \
    findings_note ((self)->trouble, TROUBLE_##kind, WHO_DELIVERIES, NULL, __VA_ARGS__)

static size_t *
s_array (size_t count)
{
    size_t *array = malloc ((count + 1) * sizeof *array);
    assert (array);
    for (size_t at = 0; at < count; at++)
        array[at] = NONE;
    return array;
}

//  From the last to the first, so that a chain goes from the first to the last.
static void
s_put (chain_t *self, size_t item, size_t at)
{
    self->next[at] = self->first[item];
    self->first[item] = at;
}

static void
s_begin (case_t *self)
{
    const delivery_evidence_t *evidence = self->evidence;
    size_t items = evidence->order_count;
    self->arrivals = (chain_t){ s_array (items), s_array (evidence->arrival_count) };
    self->changes = (chain_t){ s_array (items), s_array (evidence->change_count) };
    self->ends = s_array (items);
    for (size_t at = evidence->arrival_count; at-- > 0;)
        if (evidence->arrivals[at].item < items)
            s_put (&self->arrivals, evidence->arrivals[at].item, at);
        else
            COMPLAIN (self, BROKEN, "the receiver has item %u, which nobody ordered",
                      evidence->arrivals[at].item);
    for (size_t at = evidence->change_count; at-- > 0;)
        if (evidence->changes[at].item < items)
            s_put (&self->changes, evidence->changes[at].item, at);
}

static void
s_end (case_t *self)
{
    free (self->arrivals.first);
    free (self->arrivals.next);
    free (self->changes.first);
    free (self->changes.next);
    free (self->ends);
}

// ---------------------------------------------------------------------------------------------
//  Duplicates

//  When the attempt was leased, and by whom; NULL when the table does not say.
static const delivery_change_t *
s_lease (const case_t *self, unsigned item, uint64_t attempt)
{
    for (size_t at = self->changes.first[item]; at != NONE; at = self->changes.next[at]) {
        const delivery_change_t *change = &self->evidence->changes[at];
        if (change->state == STATE_LEASED && change->attempt == attempt)
            return change;
    }
    return NULL;
}

static bool
s_was_disturbed (const delivery_cause_t *cause, const delivery_arrival_t *arrival,
                 const delivery_change_t *lease)
{
    uint32_t ways = arrival->worker < DELIVERY_WORKERS_MOST ? cause->paths.of[arrival->worker] : 0;
    if (!lease || lease->postoffice == DELIVERY_NOBODY)
        return ways != 0;
    return ways >> lease->postoffice & 1;
}

//  A fault between the lease of the first of the two and the arrival of the second: the one that
//  began last. NULL: there was none.
static const delivery_cause_t *
s_cause (const case_t *self, const delivery_arrival_t *before, const delivery_arrival_t *again)
{
    const delivery_evidence_t *evidence = self->evidence;
    const delivery_change_t *leases[] = { s_lease (self, again->item, before->attempt),
                                          s_lease (self, again->item, again->attempt) };
    uint64_t from_us = before->at_us;
    for (unsigned which = 0; which < 2; which++)
        if (leases[which] && leases[which]->at_us < from_us)
            from_us = leases[which]->at_us;
    const delivery_cause_t *last = NULL;
    for (size_t at = 0; at < evidence->cause_count; at++) {
        const delivery_cause_t *cause = &evidence->causes[at];
        if (cause->from_us <= again->at_us && cause->to_us + DELIVERY_RECOVERY_US >= from_us
            && (s_was_disturbed (cause, before, leases[0])
                || s_was_disturbed (cause, again, leases[1]))
            && (!last || cause->from_us >= last->from_us))
            last = cause;
    }
    return last;
}

static void
s_explain (case_t *self, const delivery_arrival_t *before, const delivery_arrival_t *again)
{
    delivery_counts_t *counts = self->counts;
    const delivery_cause_t *cause = s_cause (self, before, again);
    counts->duplicates++;
    if (cause && cause->kind < DELIVERY_CAUSES_MOST)
        counts->explained[cause->kind]++;
    else {
        counts->unexplained++;
        COMPLAIN (self, DOUBLED,
                  "item %u, attempt %" PRIu64 " at worker %u, %.3f s behind attempt %" PRIu64
                  " at worker %u: no fault explains it",
                  again->item, again->attempt, again->worker + 1,
                  (double) (again->at_us - before->at_us) / 1e6, before->attempt,
                  before->worker + 1);
    }
}

//  The nearest one before that should have made this one needless; NULL: it is no duplicate.
static const delivery_arrival_t *
s_original (const case_t *self, unsigned item, size_t of)
{
    const delivery_arrival_t *arrivals = self->evidence->arrivals, *original = NULL;
    for (size_t at = self->arrivals.first[item]; at != of; at = self->arrivals.next[at])
        if (arrivals[at].answer != RECEIVER_ASKS_AGAIN
            || arrivals[at].attempt == arrivals[of].attempt)
            original = &arrivals[at];
    return original;
}

// ---------------------------------------------------------------------------------------------
//  One item

static void
s_check_arrivals (case_t *self, unsigned item)
{
    const delivery_order_t *order = &self->evidence->orders[item];
    for (size_t at = self->arrivals.first[item]; at != NONE; at = self->arrivals.next[at]) {
        const delivery_arrival_t *arrival = &self->evidence->arrivals[at];
        if (arrival->lane != order->lane || arrival->number != order->number
            || arrival->answer != delivery_answer (order, arrival->attempt))
            COMPLAIN (self, BROKEN, "item %u came with a body that is not its own", item);
        const delivery_arrival_t *original = s_original (self, item, at);
        if (original)
            s_explain (self, original, arrival);
        if (arrival->answer == RECEIVER_ASKS_AGAIN)
            self->counts->asked_again++;
        else if (self->ends[item] == NONE)
            self->ends[item] = at;
    }
    if (self->ends[item] == NONE)
        COMPLAIN (self, LOST, "item %u has not come to the receiver", item);
}

//  The change that finished it; NULL: none did.
static const delivery_change_t *
s_check_changes (case_t *self, unsigned item)
{
    const delivery_order_t *order = &self->evidence->orders[item];
    const delivery_change_t *finish = NULL;
    uint64_t leased = 0;
    for (size_t at = self->changes.first[item]; at != NONE; at = self->changes.next[at]) {
        const delivery_change_t *change = &self->evidence->changes[at];
        if (change->was > STATE_LEASED)
            COMPLAIN (self, BROKEN, "item %u was finished (%u) and is touched again (%u)", item,
                      change->was, change->state);
        else if (change->state > STATE_LEASED)
            finish = change;
        if (change->state == STATE_LEASED && change->attempt <= leased)
            COMPLAIN (self, DOUBLED, "attempt %" PRIu64 " at item %u is leased behind %" PRIu64,
                      change->attempt, item, leased);
        if (change->state == STATE_LEASED)
            leased = change->attempt;
        if (change->was == STATE_LEASED && change->state == STATE_READY
            && delivery_answer (order, change->attempt) != RECEIVER_ASKS_AGAIN)
            self->counts->leases_lost++;
    }
    return finish;
}

static void
s_check_item (case_t *self, unsigned item)
{
    const delivery_order_t *order = &self->evidence->orders[item];
    unsigned wanted = order->is_dead ? STATE_DEAD : STATE_DONE;
    s_check_arrivals (self, item);
    const delivery_change_t *finish = s_check_changes (self, item);
    if (!finish) {
        COMPLAIN (self, STUCK, "item %u was not finished", item);
        return;
    }
    if (finish->state != wanted)
        COMPLAIN (self, BROKEN, "item %u ends as %u in place of %u", item, finish->state, wanted);
    size_t end = self->ends[item];
    if (end != NONE && finish->at_us < self->evidence->arrivals[end].at_us)
        COMPLAIN (self, LOST, "item %u was finished before the receiver had it", item);
    if (order->is_dead)
        self->counts->dead++;
    else
        self->counts->done++;
}

// ---------------------------------------------------------------------------------------------
//  Lanes

//  Both of one lane, one behind the other.
static void
s_check_neighbours (case_t *self, unsigned before, unsigned item)
{
    size_t first = self->arrivals.first[item];
    if (first == NONE || self->ends[before] == NONE)
        return; //  complained of already
    if (first < self->ends[before])
        COMPLAIN (self, DISORDERED, "lane %d: item %u came before item %u was over",
                  self->evidence->orders[item].lane, item, before);
    for (size_t at = self->arrivals.first[before]; at != NONE; at = self->arrivals.next[at])
        self->counts->late += at > first && first > self->ends[before];
}

static void
s_check_lanes (case_t *self)
{
    const delivery_evidence_t *evidence = self->evidence;
    int lanes = 0;
    for (size_t item = 0; item < evidence->order_count; item++)
        if (evidence->orders[item].lane >= lanes)
            lanes = evidence->orders[item].lane + 1;
    size_t *before = s_array ((size_t) lanes);
    for (size_t item = 0; item < evidence->order_count; item++) {
        int lane = evidence->orders[item].lane;
        if (lane == DELIVERY_NO_LANE)
            continue;
        if (before[lane] != NONE)
            s_check_neighbours (self, (unsigned) before[lane], (unsigned) item);
        before[lane] = item;
    }
    free (before);
}

void
delivery_audit (const delivery_evidence_t *evidence, delivery_counts_t *counts,
                findings_t *trouble)
{
    case_t self = { .evidence = evidence, .counts = counts, .trouble = trouble };
    *counts = (delivery_counts_t){ 0 };
    s_begin (&self);
    for (unsigned item = 0; item < evidence->order_count; item++)
        s_check_item (&self, item);
    s_check_lanes (&self);
    s_end (&self);
}
