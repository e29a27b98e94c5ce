//  nemesis — which fault befalls whom, and when: all of it drawn from the seed, so that the same
//  seed brings the same ones in the same order, each so long after the one before. They come from
//  a deck: each is tried once before any is tried twice. One that would befall the same target as
//  one that still holds waits for its end, and so do those behind it.

#ifndef NEMESIS_H
#define NEMESIS_H

#include "faults.h"

typedef struct {
    drawn_t drawn;
    uint64_t from_us;
    uint64_t to_us; //  0: it still holds
} fault_record_t;

typedef struct nemesis nemesis_t;

nemesis_t *nemesis_new (const plan_t *plan, deployment_t *site);
void nemesis_destroy (nemesis_t **self_p);

//  Ends and begins what is due. May take some seconds, when processes are to be waited for.
void nemesis_turn (nemesis_t *self);
//  Ends all that holds; nothing more begins.
void nemesis_end (nemesis_t *self);

//  "kill_edge, slow_bus", of those that hold now; valid until the next call.
const char *nemesis_now (nemesis_t *self);
unsigned nemesis_count (const nemesis_t *self, int fault);
//  True when it is wanted and was tried, but cannot be done here.
bool nemesis_cannot (const nemesis_t *self, int fault);
//  Each that is wanted was done at least once, or cannot be done here.
bool nemesis_has_tried_all (const nemesis_t *self);
const fault_record_t *nemesis_records (const nemesis_t *self, size_t *count);

#endif
