//  schedule — cards of several kinds in an order by chance. In each deck every kind comes once
//  before any comes twice; then the rest of it, so that each has come as often as its weight
//  says. Then another one.

#ifndef SCHEDULE_H
#define SCHEDULE_H

#include "chance.h"

#define DECK_KINDS 64
#define DECK_CARDS 1024

//  A zeroed struct has no cards: all weights are 0.
typedef struct {
    unsigned weights[DECK_KINDS]; //  0: there is none of it
    unsigned char cards[DECK_CARDS];
    unsigned count;
    unsigned next;
} schedule_t;

//  The kind of the next card; −1 when there are none.
int schedule_draw (schedule_t *self, chance_t *chance);

#endif
