//  pace — how fast somebody may go on: a bucket of tokens that fills steadily, in eight bytes. What
//  is taken too much is owed, and waited for.

#ifndef PACE_H
#define PACE_H

#include <stdbool.h>
#include <stdint.h>

//  All zeros: the bucket is full.
typedef struct {
    uint64_t full_us; //  when it is full again
} pace_t;

static inline uint64_t
pace_token_us (uint64_t per_second)
{
    return 1000000 / per_second;
}

static inline void
pace_take_many (pace_t *self, uint64_t now_ms, uint64_t per_second, uint64_t tokens)
{
    uint64_t now_us = now_ms * 1000;
    self->full_us = (self->full_us > now_us ? self->full_us : now_us)
                    + tokens * pace_token_us (per_second);
}

static inline void
pace_take (pace_t *self, uint64_t now_ms, uint64_t per_second)
{
    pace_take_many (self, now_ms, per_second, 1);
}

//  Is there no whole token left in the bucket, which holds `burst` of them?
static inline bool
pace_is_spent (const pace_t *self, uint64_t now_ms, uint64_t per_second, uint64_t burst)
{
    uint64_t token_us = pace_token_us (per_second);
    return self->full_us + token_us > now_ms * 1000 + burst * token_us;
}

#endif
