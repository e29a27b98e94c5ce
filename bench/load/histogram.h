//  histogram — how often which delay was seen, in microseconds, to within 1.6%.
//
//  Below 64 µs each value has a bucket of its own; above, every power of two is cut into 64. It is
//  fixed in size, and anything longer than 68 s counts as that.

#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS 64
#define HISTOGRAM_POWERS 21

typedef struct {
    uint64_t counts[HISTOGRAM_STEPS * HISTOGRAM_POWERS];
    uint64_t total;
    uint64_t max;
} histogram_t;

//  A zeroed struct is an empty histogram.
void histogram_add (histogram_t *self, uint64_t microseconds);
//  Adds all that `other` has counted.
void histogram_merge (histogram_t *self, const histogram_t *other);
//  The value that so many of a thousand are not above; 0 when nothing was counted.
uint64_t histogram_permille (const histogram_t *self, unsigned permille);
//  Lines "<name>_p50_us=…" for p50, p90, p99, p999 and max, to standard output.
void histogram_print (const histogram_t *self, const char *name);

#endif
