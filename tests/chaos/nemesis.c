//  nemesis — see nemesis.h.

#include "nemesis.h"

#include "schedule.h"

#include "base/clock.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define OPEN_MOST 32

typedef struct {
    drawn_t drawn;
    uint64_t end_us;
    size_t record;
} open_t;

struct nemesis {
    const plan_t *plan;
    deployment_t *site;
    chance_t chance;
    schedule_t deck;
    drawn_t next;
    bool has_next;
    uint64_t next_us;
    uint64_t began_us;
    open_t open[OPEN_MOST];
    unsigned open_count;
    fault_record_t *records;
    size_t count;
    size_t room;
    unsigned counts[FAULTS];
    bool cannot[FAULTS];
    char now[400];
};

static bool
s_is_possible (const nemesis_t *self, int fault)
{
    return plan_wants (self->plan, fault_word (fault))
           && (fault != FAULT_disk_full || deployment_has_disk (self->site));
}

static void
s_draw (nemesis_t *self)
{
    int fault = schedule_draw (&self->deck, &self->chance);
    self->has_next = fault >= 0;
    if (!self->has_next)
        return;
    fault_draw (fault, self->site, &self->chance, &self->next);
    //  In a short run none may hold for most of it.
    if (self->plan->seconds && self->next.hold_ms > self->plan->seconds * 1000 / 4)
        self->next.hold_ms = self->plan->seconds * 1000 / 4;
    self->next_us += 1000 * chance_between (&self->chance, self->plan->gap_least,
                                            self->plan->gap_most);
}

static fault_record_t *
s_record (nemesis_t *self, const drawn_t *drawn)
{
    if (self->count == self->room) {
        self->room = self->room ? 2 * self->room : 256;
        self->records = realloc (self->records, self->room * sizeof *self->records);
        assert (self->records);
    }
    fault_record_t *record = &self->records[self->count++];
    *record = (fault_record_t){ .drawn = *drawn, .from_us = clock_mono_us () };
    return record;
}

static void
s_say (const nemesis_t *self, const drawn_t *drawn)
{
    char text[200];
    fault_describe (drawn, self->site, text, sizeof text);
    fprintf (stderr, "chaos: %7.1f s  %s\n", (double) (clock_mono_us () - self->began_us) / 1e6,
             text);
}

static void
s_end_one (nemesis_t *self, unsigned index)
{
    fault_end (&self->open[index].drawn, self->site);
    self->records[self->open[index].record].to_us = clock_mono_us ();
    self->open[index] = self->open[--self->open_count];
}

static bool
s_collides (const nemesis_t *self)
{
    for (unsigned index = 0; index < self->open_count; index++)
        if (fault_collides (&self->open[index].drawn, &self->next))
            return true;
    return self->open_count == OPEN_MOST;
}

static void
s_begin_next (nemesis_t *self)
{
    int fault = self->next.fault;
    s_say (self, &self->next);
    fault_record_t *record = s_record (self, &self->next);
    if (fault_begin (&self->next, self->site)) {
        self->counts[fault]++;
        self->open[self->open_count++] =
            (open_t){ .drawn = self->next,
                      .end_us = clock_mono_us () + 1000 * self->next.hold_ms,
                      .record = (size_t) (record - self->records) };
    } else {
        self->cannot[fault] = true;
        self->count--;
    }
    //  The gap counts from here, not from when it was due.
    self->next_us = clock_mono_us ();
    s_draw (self);
}

void
nemesis_turn (nemesis_t *self)
{
    uint64_t now = clock_mono_us ();
    for (unsigned index = self->open_count; index-- > 0;)
        if (now >= self->open[index].end_us)
            s_end_one (self, index);
    if (self->has_next && now >= self->next_us && !s_collides (self))
        s_begin_next (self);
}

void
nemesis_end (nemesis_t *self)
{
    self->has_next = false;
    while (self->open_count > 0)
        s_end_one (self, self->open_count - 1);
}

nemesis_t *
nemesis_new (const plan_t *plan, deployment_t *site)
{
    nemesis_t *self = calloc (1, sizeof *self);
    assert (self);
    self->plan = plan;
    self->site = site;
    self->chance.state = plan->seed;
    self->began_us = self->next_us = clock_mono_us ();
    static_assert (FAULTS <= DECK_KINDS, "a kind of card for each fault");
    for (int fault = 0; fault < FAULTS; fault++)
        self->deck.weights[fault] = s_is_possible (self, fault) ? fault_weight (fault) : 0;
    s_draw (self);
    return self;
}

void
nemesis_destroy (nemesis_t **self_p)
{
    nemesis_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    free (self->records);
    free (self);
}

const char *
nemesis_now (nemesis_t *self)
{
    size_t size = 0;
    self->now[0] = '\0';
    for (unsigned index = 0; index < self->open_count && size < sizeof self->now - 40; index++)
        size += (size_t) sprintf (self->now + size, "%s%s", index ? ", " : "",
                                  fault_word (self->open[index].drawn.fault));
    return size ? self->now : "none";
}

unsigned
nemesis_count (const nemesis_t *self, int fault)
{
    return self->counts[fault];
}

bool
nemesis_cannot (const nemesis_t *self, int fault)
{
    return self->cannot[fault];
}

bool
nemesis_has_tried_all (const nemesis_t *self)
{
    for (int fault = 0; fault < FAULTS; fault++)
        if (self->deck.weights[fault] && self->counts[fault] == 0 && !self->cannot[fault])
            return false;
    return true;
}

const fault_record_t *
nemesis_records (const nemesis_t *self, size_t *count)
{
    *count = self->count;
    return self->records;
}
