//  pauses — the times in which somebody had something outstanding and nothing of it came.

#ifndef PAUSES_H
#define PAUSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAUSE_NOTED 1000000u //  µs: shorter ones are not kept

typedef struct {
    uint64_t from_us;
    uint64_t to_us;
    const char *user; //  who waited
    const char *what; //  for what
} pause_t;

//  A zeroed struct has none.
typedef struct {
    pause_t *pauses;
    size_t count;
    size_t room;
} pauses_t;

//  One party's own. The texts live as long as the pauses.
typedef struct {
    uint64_t since_us; //  0: it waits for nothing
    const char *user;
    const char *what;
} wait_t;

void pauses_free (pauses_t *self);
void pauses_add (pauses_t *self, const wait_t *wait, uint64_t to_us);

static inline void
wait_begin (wait_t *self, uint64_t now_us)
{
    if (self->since_us == 0)
        self->since_us = now_us;
}

//  Something came; `goes_on` when more is outstanding.
static inline void
wait_progress (wait_t *self, pauses_t *pauses, uint64_t now_us, bool goes_on)
{
    if (self->since_us && now_us - self->since_us >= PAUSE_NOTED)
        pauses_add (pauses, self, now_us);
    self->since_us = goes_on ? now_us : 0;
}

#endif
