//  rollout — see rollout.h.

#include "rollout.h"

#include "eventually.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>

#define SECOND 1000000u
#define WATCH_EVERY SECOND
#define PRINT_EVERY (5 * SECOND)
#define BALANCER_NOTICES_MS 1000
#define READY_WITHIN_MS 60000
#define DOWN_WITHIN_MS 60000
#define ALL_IN_WITHIN_MS 180000
#define EVEN_WITHIN_MS 1200000
#define EVEN_FOR_MS 5000

typedef struct {
    report_t *run;
    const volatile sig_atomic_t *is_over;
    uint64_t watched_us, printed_us;
    uint64_t acked_before;
} rollout_t;

static crowd_context_t *
s_scene (const rollout_t *self)
{
    return crowd_scene (self->run->crowd);
}

static unsigned
s_at (const rollout_t *self, unsigned edge)
{
    return atomic_load (&s_scene (self)->at[edge]);
}

static unsigned
s_edges (const rollout_t *self)
{
    return deployment_count (self->run->site, SITE_EDGE) + 1;
}

//  A row: how many each edge has. The last one is the spare, which a rollout begins with.
static void
s_print (rollout_t *self, uint64_t now)
{
    const phase_t *phase = phases_now (s_scene (self)->phases);
    uint64_t acked = atomic_load (&s_scene (self)->acked);
    printf ("%6.0f s  %-22s", (double) (now - self->run->began_us) / 1e6,
            phase ? phase->name : "");
    for (unsigned edge = 0; edge < s_edges (self); edge++)
        printf (" %6u", s_at (self, edge));
    printf ("  %6.0f/s  %" PRIu64 " wrong\n",
            (double) (acked - self->acked_before) * 1e6 / (double) (now - self->printed_us),
            findings_sum (deployment_trouble (self->run->site)));
    fflush (stdout);
    self->printed_us = now;
    self->acked_before = acked;
}

//  False when it is time to give up.
static bool
s_turn (rollout_t *self, uint64_t deadline)
{
    uint64_t now = clock_mono_us ();
    if (now >= self->watched_us + WATCH_EVERY) {
        deployment_watch (self->run->site);
        self->watched_us = now;
    }
    if (now >= self->printed_us + PRINT_EVERY)
        s_print (self, now);
    return !*self->is_over && eventually_again (deadline);
}

static void
s_wait_ms (rollout_t *self, uint64_t ms)
{
    uint64_t until = clock_mono_us () + ms * 1000;
    while (clock_mono_us () < until && s_turn (self, UINT64_MAX))
        ;
}

typedef bool condition_t (rollout_t *self, unsigned which);

static void
s_until (rollout_t *self, condition_t *condition, unsigned which, uint64_t within_ms,
         const char *what)
{
    uint64_t deadline = eventually_deadline (within_ms);
    bool goes_on = true;
    while (goes_on && !condition (self, which))
        goes_on = s_turn (self, deadline);
    if (!goes_on && !*self->is_over)
        findings_note (deployment_trouble (self->run->site), TROUBLE_BROKEN, WHO_SERVICE, NULL,
                       "within %" PRIu64 " s: %s %u", within_ms / 1000, what, which + 1);
}

static void
s_begin (const rollout_t *self, const char *phase)
{
    phases_begin (s_scene (self)->phases, phase, clock_mono_us ());
}

// ---------------------------------------------------------------------------------------------
//  What is waited for

static uint64_t
s_at_all (const rollout_t *self)
{
    uint64_t sum = 0;
    for (unsigned edge = 0; edge < s_edges (self); edge++)
        sum += s_at (self, edge);
    return sum;
}

static bool
s_all_are_in (rollout_t *self, unsigned unused)
{
    (void) unused;
    return s_at_all (self) >= self->run->plan->clients;
}

static bool
s_is_down (rollout_t *self, deployment_kind_t kind, unsigned number)
{
    return deployment_is_down (self->run->site, kind, number);
}

static bool
s_edge_is_down (rollout_t *self, unsigned number)
{
    return s_is_down (self, SITE_EDGE, number);
}

static bool
s_postoffice_is_down (rollout_t *self, unsigned number)
{
    return s_is_down (self, SITE_POSTOFFICE, number);
}

static bool
s_is_ready (rollout_t *self, deployment_kind_t kind, unsigned number)
{
    process_t *process =
        stack_process (deployment_stack (self->run->site), deployment_name (kind, number));
    return process && process_is_ready (process);
}

static bool
s_edge_is_ready (rollout_t *self, unsigned number)
{
    return s_is_ready (self, SITE_EDGE, number);
}

static bool
s_postoffice_is_ready (rollout_t *self, unsigned number)
{
    return s_is_ready (self, SITE_POSTOFFICE, number);
}

//  None begins to shed there: 10 % or two standard deviations above the mean. A few are on their
//  way.
static bool
s_is_even (rollout_t *self, unsigned count)
{
    uint64_t mean = self->run->plan->clients / count, noise = 0;
    while ((noise + 1) * (noise + 1) <= 4 * mean)
        noise++;
    uint64_t margin = mean / 10 > noise ? mean / 10 : noise;
    for (unsigned edge = 0; edge < s_edges (self); edge++)
        if (s_at (self, edge) > mean + margin + 1)
            return false;
    return s_at_all (self) >= self->run->plan->clients * 98 / 100;
}

// ---------------------------------------------------------------------------------------------
//  One process

static void
s_start (rollout_t *self, deployment_kind_t kind, unsigned number)
{
    deployment_launch (self->run->site, kind, number);
    s_until (self, kind == SITE_EDGE ? s_edge_is_ready : s_postoffice_is_ready, number,
             READY_WITHIN_MS, "not ready: number");
    deployment_set_known (self->run->site, kind, number, true);
}

//  For the first second of preStop new connections still come.
static void
s_end_all (rollout_t *self, deployment_kind_t kind, unsigned first, unsigned last)
{
    uint64_t prestop = self->run->plan->prestop;
    uint64_t notices = prestop < 2 * BALANCER_NOTICES_MS ? prestop / 2 : BALANCER_NOTICES_MS;
    s_wait_ms (self, notices);
    for (unsigned number = first; number <= last; number++)
        deployment_set_known (self->run->site, kind, number, false);
    s_wait_ms (self, prestop - notices);
    for (unsigned number = first; number <= last; number++)
        deployment_end (self->run->site, kind, number);
    for (unsigned number = first; number <= last; number++)
        s_until (self, kind == SITE_EDGE ? s_edge_is_down : s_postoffice_is_down, number,
                 DOWN_WITHIN_MS, "not down: number");
}

// ---------------------------------------------------------------------------------------------
//  All of it

static void
s_replace (rollout_t *self, deployment_kind_t kind, const char *phase)
{
    unsigned count = deployment_count (self->run->site, kind);
    s_begin (self, phase);
    s_start (self, kind, count);
    for (unsigned number = 0; number < count && !*self->is_over; number++) {
        s_end_all (self, kind, number, number);
        s_start (self, kind, number);
    }
    s_end_all (self, kind, count, count);
    s_until (self, s_all_are_in, 0, ALL_IN_WITHIN_MS, "somebody is missing behind a rollout");
}

static void
s_to_one (rollout_t *self, const char *phase)
{
    s_begin (self, phase);
    s_end_all (self, SITE_EDGE, 1, deployment_count (self->run->site, SITE_EDGE) - 1);
    s_until (self, s_all_are_in, 0, ALL_IN_WITHIN_MS, "somebody is missing at edge");
}

static void
s_to_all (rollout_t *self)
{
    unsigned count = deployment_count (self->run->site, SITE_EDGE);
    s_begin (self, "edges 1 to all");
    for (unsigned number = 1; number < count; number++)
        deployment_launch (self->run->site, SITE_EDGE, number);
    for (unsigned number = 1; number < count; number++) {
        s_until (self, s_edge_is_ready, number, READY_WITHIN_MS, "not ready: edge");
        deployment_set_known (self->run->site, SITE_EDGE, number, true);
    }
    s_until (self, s_is_even, count, EVEN_WITHIN_MS, "clients are not spread; edges, and one:");
    s_wait_ms (self, EVEN_FOR_MS);
}

void
rollout_run (report_t *run, const volatile sig_atomic_t *is_over)
{
    rollout_t self = { .run = run, .is_over = is_over };
    run->began_us = self.watched_us = self.printed_us = clock_mono_us ();
    s_begin (&self, "all come in");
    s_until (&self, s_all_are_in, 0, ALL_IN_WITHIN_MS, "not all come in");
    s_begin (&self, "nothing happens");
    s_wait_ms (&self, run->plan->prestop);
    s_replace (&self, SITE_EDGE, "edges replaced");
    s_replace (&self, SITE_POSTOFFICE, "postoffices replaced");
    s_to_one (&self, "edges all to 1");
    s_to_all (&self);
    s_to_one (&self, "edges to 1 again");
    s_print (&self, clock_mono_us ());
    phases_end (s_scene (&self)->phases, clock_mono_us ());
    run->talked_us = clock_mono_us () - run->began_us;
}
