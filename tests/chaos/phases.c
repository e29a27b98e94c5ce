//  phases — see phases.h.

#include "phases.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

phases_t *
phases_new (void)
{
    phases_t *self = calloc (1, sizeof *self);
    assert (self);
    return self;
}

void
phases_free (phases_t **self_p)
{
    free (*self_p);
    *self_p = NULL;
}

void
phases_end (phases_t *self, uint64_t now_us)
{
    phase_t *phase = phases_now (self);
    if (phase)
        phase->to_us = now_us;
}

void
phases_begin (phases_t *self, const char *name, uint64_t now_us)
{
    unsigned count = atomic_load (&self->count);
    assert (count < PHASES_MOST);
    phases_end (self, now_us);
    self->phases[count].name = name;
    self->phases[count].from_us = now_us;
    atomic_store_explicit (&self->count, count + 1, memory_order_release);
}

static void
s_print_times (const histogram_t *histogram)
{
    if (histogram->total == 0)
        printf ("  %8s%8s%8s", "-", "-", "-");
    else
        printf ("  %8.2f%8.2f%8.2f", (double) histogram_permille (histogram, 500) / 1e6,
                (double) histogram_permille (histogram, 990) / 1e6,
                (double) histogram->max / 1e6);
}

static void
s_print_phase (const phase_t *phase)
{
    printf ("  %-22s %6.0f %8" PRIu64, phase->name, (double) (phase->to_us - phase->from_us) / 1e6,
            phase->ended);
    for (phase_dialect_t dialect = 0; dialect < PHASE_DIALECTS; dialect++)
        s_print_times (&phase->pause[dialect]);
    s_print_times (&phase->ack);
    for (phase_dialect_t dialect = 0; dialect < PHASE_DIALECTS; dialect++)
        s_print_times (&phase->gap[dialect]);
    printf ("\n");
}

void
phases_print (const phases_t *self)
{
    static const char *const titles[] = { "away, rich", "away, widget", "said to stored",
                                          "said to heard, rich", "to a widget" };
    printf ("\n  %-22s %6s %8s", "s: p50, p99, most", "lasts", "ended");
    for (unsigned at = 0; at < sizeof titles / sizeof *titles; at++)
        printf ("  %24s", titles[at]);
    printf ("\n");
    for (unsigned at = 0; at < atomic_load (&self->count); at++)
        s_print_phase (&self->phases[at]);
}
