//  clock — the two clocks. Durations and deadlines use the monotonic one, what people and peers
//  are told uses the wall.

#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t
clock_read (clockid_t which, uint64_t per_second)
{
    struct timespec now;
    clock_gettime (which, &now);
    return (uint64_t) now.tv_sec * per_second + (uint64_t) now.tv_nsec / (1000000000u / per_second);
}

static inline uint64_t
clock_mono_ms (void)
{
    return clock_read (CLOCK_MONOTONIC, 1000);
}

static inline uint64_t
clock_mono_us (void)
{
    return clock_read (CLOCK_MONOTONIC, 1000000);
}

static inline uint64_t
clock_wall_ms (void)
{
    return clock_read (CLOCK_REALTIME, 1000);
}

#endif
