//  pauses — the times in which somebody had something outstanding and nothing of it came, and where
//  the one who waited was meanwhile.

#ifndef PAUSES_H
#define PAUSES_H

#include "timeline.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAUSE_NOTED 1000000u //  µs: shorter ones are not kept
#define PAUSE_TOLD 5000000u  //  of longer ones the steps are kept

typedef struct {
    uint64_t from_us;
    uint64_t to_us;
    const char *user; //  who waited
    const char *what; //  for what
    uint64_t spent_us[WHERES];
    step_t *steps;
    unsigned step_count;
} pause_t;

//  A zeroed struct has none.
typedef struct {
    pause_t *pauses;
    size_t count;
    size_t room;
    size_t told;
} pauses_t;

//  One party's own. The texts live as long as the pauses.
typedef struct {
    uint64_t since_us; //  0: it waits for nothing
    const char *user;
    const char *what;
    const timeline_t *whereabouts;
    uint64_t before_us[WHERES]; //  spent when it began to wait
} wait_t;

void pauses_free (pauses_t *self);
//  The wait is over now.
void pauses_add (pauses_t *self, const wait_t *wait, uint64_t now_us);

static inline void
wait_anew (wait_t *self, uint64_t now_us)
{
    self->since_us = now_us;
    timeline_spent (self->whereabouts, now_us, self->before_us);
}

static inline void
wait_begin (wait_t *self, uint64_t now_us)
{
    if (self->since_us == 0)
        wait_anew (self, now_us);
}

//  Something came; `goes_on` when more is outstanding.
static inline void
wait_progress (wait_t *self, pauses_t *pauses, uint64_t now_us, bool goes_on)
{
    if (self->since_us && now_us - self->since_us >= PAUSE_NOTED)
        pauses_add (pauses, self, now_us);
    self->since_us = 0;
    if (goes_on)
        wait_anew (self, now_us);
}

//  What was until now does not count.
static inline void
wait_forgive (wait_t *self, uint64_t now_us)
{
    if (self->since_us)
        wait_anew (self, now_us);
}

#endif
