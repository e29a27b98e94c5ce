//  gaps — see gaps.h.

#include "gaps.h"

#include <assert.h>
#include <stdlib.h>

void
gaps_add (gaps_t *self, const gap_t *gap)
{
    if (self->count == self->room) {
        self->room = self->room ? 2 * self->room : 64;
        self->gaps = realloc (self->gaps, self->room * sizeof *self->gaps);
        assert (self->gaps);
    }
    self->gaps[self->count++] = *gap;
}

void
gaps_free (gaps_t *self)
{
    free (self->gaps);
    *self = (gaps_t){ 0 };
}

bool
gap_is_explained (const gap_t *self, const tail_loss_t *loss)
{
    return self->is_again ? tail_loss_has (loss, self->talk, self->is_agent, self->from)
                          : tail_loss_explains (loss, self->talk, self->is_agent, self->from,
                                                self->to);
}
