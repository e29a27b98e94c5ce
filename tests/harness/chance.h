//  chance — numbers by chance that are the same ones for the same seed (splitmix64).

#ifndef CHANCE_H
#define CHANCE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t state;
} chance_t;

static inline uint64_t
chance_next (chance_t *self)
{
    uint64_t mixed = self->state += 0x9e3779b97f4a7c15;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    return mixed ^ mixed >> 31;
}

//  One of least … most.
static inline uint64_t
chance_between (chance_t *self, uint64_t least, uint64_t most)
{
    return least + chance_next (self) % (most - least + 1);
}

//  True once in so many times.
static inline bool
chance_once_in (chance_t *self, unsigned times)
{
    return chance_next (self) % times == 0;
}

#endif
