//  pauses — see pauses.h.

#include "pauses.h"

#include <stdlib.h>

#define MOST (1u << 22)

void
pauses_free (pauses_t *self)
{
    free (self->pauses);
    *self = (pauses_t){ 0 };
}

void
pauses_add (pauses_t *self, const wait_t *wait, uint64_t to_us)
{
    if (self->count == self->room) {
        size_t room = self->room ? self->room * 2 : 1024;
        pause_t *pauses =
            room <= MOST ? realloc (self->pauses, room * sizeof *pauses) : NULL;
        if (!pauses)
            return;
        self->pauses = pauses;
        self->room = room;
    }
    self->pauses[self->count++] = (pause_t){ wait->since_us, to_us, wait->user, wait->what };
}
