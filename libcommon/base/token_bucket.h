//  token_bucket — how fast somebody may go on: a bucket of tokens that fills steadily, in eight
//  bytes. What is taken too much is owed, and waited for.

#ifndef TOKEN_BUCKET_H
#define TOKEN_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

//  All zeros: the bucket is full.
typedef struct {
    uint64_t full_us; //  when it is full again
} token_bucket_t;

static inline uint64_t
token_bucket_token_us (uint64_t per_second)
{
    return 1000000 / per_second;
}

//  For whoever knows how long a token takes, and has no time to divide: takes one.
static inline void
token_bucket_take_us (token_bucket_t *self, uint64_t now_us, uint64_t token_us)
{
    self->full_us = (self->full_us > now_us ? self->full_us : now_us) + token_us;
}

//  The same: in how many microseconds there is a whole token in a bucket that fills in `burst_us`.
static inline uint64_t
token_bucket_wait_us (const token_bucket_t *self, uint64_t now_us, uint64_t token_us,
                      uint64_t burst_us)
{
    uint64_t needed = self->full_us + token_us, there = now_us + burst_us;
    return needed > there ? needed - there : 0;
}

static inline void
token_bucket_take_many (token_bucket_t *self, uint64_t now_ms, uint64_t per_second,
                        uint64_t tokens)
{
    uint64_t now_us = now_ms * 1000;
    self->full_us = (self->full_us > now_us ? self->full_us : now_us)
                    + tokens * token_bucket_token_us (per_second);
}

static inline void
token_bucket_take (token_bucket_t *self, uint64_t now_ms, uint64_t per_second)
{
    token_bucket_take_many (self, now_ms, per_second, 1);
}

//  Is there no whole token left in the bucket, which holds `burst` of them?
static inline bool
token_bucket_is_spent (const token_bucket_t *self, uint64_t now_ms, uint64_t per_second,
                       uint64_t burst)
{
    uint64_t token_us = token_bucket_token_us (per_second);
    return self->full_us + token_us > now_ms * 1000 + burst * token_us;
}

//  In how many milliseconds there is a whole token; 0: now.
static inline uint64_t
token_bucket_wait_ms (const token_bucket_t *self, uint64_t now_ms, uint64_t per_second,
                      uint64_t burst)
{
    if (!token_bucket_is_spent (self, now_ms, per_second, burst))
        return 0;
    uint64_t token_us = token_bucket_token_us (per_second);
    return (self->full_us + token_us - burst * token_us - now_ms * 1000 + 999) / 1000;
}

#endif
