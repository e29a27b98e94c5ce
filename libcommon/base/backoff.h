//  backoff — how long to wait before the next try: doubling from `first` to `most`, each time with
//  jitter (half of it is chance), so that those who failed together do not come back together.

#ifndef BACKOFF_H
#define BACKOFF_H

#include <stdint.h>

typedef struct {
    uint64_t first_ms;
    uint64_t most_ms;
    unsigned tries; //  failed so far
} backoff_t;

//  Counts one more failure and returns the wait that follows it.
uint64_t backoff_next_ms (backoff_t *self);
//  It worked: the next failure starts from the beginning.
static inline void
backoff_reset (backoff_t *self)
{
    self->tries = 0;
}

#endif
