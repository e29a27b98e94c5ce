//  schedule — see schedule.h.

#include "schedule.h"

#include <assert.h>

static void
s_shuffle (unsigned char *cards, unsigned count, chance_t *chance)
{
    for (unsigned left = count; left > 1; left--) {
        unsigned chosen = (unsigned) chance_between (chance, 0, left - 1);
        unsigned char card = cards[chosen];
        cards[chosen] = cards[left - 1];
        cards[left - 1] = card;
    }
}

static void
s_put (schedule_t *self, unsigned kind, unsigned count)
{
    assert (self->count + count <= DECK_CARDS);
    for (unsigned card = 0; card < count; card++)
        self->cards[self->count++] = (unsigned char) kind;
}

static void
s_make (schedule_t *self, chance_t *chance)
{
    self->count = self->next = 0;
    for (unsigned kind = 0; kind < DECK_KINDS; kind++)
        s_put (self, kind, self->weights[kind] > 0);
    unsigned kinds = self->count;
    for (unsigned kind = 0; kind < DECK_KINDS; kind++)
        s_put (self, kind, self->weights[kind] ? self->weights[kind] - 1 : 0);
    s_shuffle (self->cards, kinds, chance);
    s_shuffle (self->cards + kinds, self->count - kinds, chance);
}

int
schedule_draw (schedule_t *self, chance_t *chance)
{
    if (self->next == self->count)
        s_make (self, chance);
    return self->count ? self->cards[self->next++] : -1;
}
