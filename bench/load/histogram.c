//  histogram — see histogram.h.

#include "histogram.h"

#include <inttypes.h>
#include <stdio.h>

#define STEP_BITS 6
#define BUCKETS (HISTOGRAM_STEPS * HISTOGRAM_POWERS)

static unsigned
s_bucket (uint64_t value)
{
    if (value < HISTOGRAM_STEPS)
        return (unsigned) value;
    unsigned power = 63 - (unsigned) __builtin_clzll (value) - STEP_BITS;
    unsigned step = (unsigned) (value >> power) - HISTOGRAM_STEPS;
    unsigned bucket = (power + 1) * HISTOGRAM_STEPS + step;
    return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

//  The highest value that falls into it.
static uint64_t
s_value (unsigned bucket)
{
    if (bucket < HISTOGRAM_STEPS)
        return bucket;
    unsigned power = bucket / HISTOGRAM_STEPS - 1;
    uint64_t step = bucket % HISTOGRAM_STEPS;
    return ((step + HISTOGRAM_STEPS + 1) << power) - 1;
}

void
histogram_add (histogram_t *self, uint64_t microseconds)
{
    self->counts[s_bucket (microseconds)]++;
    self->total++;
    if (microseconds > self->max)
        self->max = microseconds;
}

void
histogram_merge (histogram_t *self, const histogram_t *other)
{
    for (unsigned bucket = 0; bucket < BUCKETS; bucket++)
        self->counts[bucket] += other->counts[bucket];
    self->total += other->total;
    if (other->max > self->max)
        self->max = other->max;
}

uint64_t
histogram_permille (const histogram_t *self, unsigned permille)
{
    uint64_t wanted = (self->total * permille + 999) / 1000;
    uint64_t seen = 0;
    for (unsigned bucket = 0; bucket < BUCKETS && wanted > 0; bucket++) {
        seen += self->counts[bucket];
        if (seen >= wanted)
            return s_value (bucket) < self->max ? s_value (bucket) : self->max;
    }
    return self->max;
}

void
histogram_print (const histogram_t *self, const char *name)
{
    static const struct {
        const char *name;
        unsigned permille;
    } s_points[] = { { "p50", 500 }, { "p90", 900 }, { "p99", 990 }, { "p999", 999 } };

    for (unsigned index = 0; index < sizeof s_points / sizeof s_points[0]; index++)
        printf ("%s_%s_us=%" PRIu64 "\n", name, s_points[index].name,
                histogram_permille (self, s_points[index].permille));
    printf ("%s_max_us=%" PRIu64 "\n", name, self->max);
}
