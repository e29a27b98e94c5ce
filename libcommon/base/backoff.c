#include "base/backoff.h"

#include "base/random_id.h"

uint64_t
backoff_next_ms (backoff_t *self)
{
    uint64_t wait = self->first_ms;
    for (unsigned doubled = 0; doubled < self->tries && wait < self->most_ms; doubled++)
        wait = wait > self->most_ms / 2 ? self->most_ms : wait * 2;
    if (wait > self->most_ms)
        wait = self->most_ms;
    if (wait < self->most_ms)
        self->tries++; //  at the ceiling counting on would only make the loop above longer
    uint64_t chance = wait / 2;
    return wait - chance + random_id_number () % (chance + 1);
}
