//  pauses — see pauses.h.

#include "pauses.h"

#include <assert.h>
#include <stdlib.h>

#define MOST (1u << 22)
#define TOLD_MOST 4000

void
pauses_free (pauses_t *self)
{
    for (size_t index = 0; index < self->count; index++)
        free (self->pauses[index].steps);
    free (self->pauses);
    *self = (pauses_t){ 0 };
}

static void
s_take_steps (pauses_t *self, pause_t *pause, const timeline_t *whereabouts)
{
    if (pause->to_us - pause->from_us < PAUSE_TOLD || self->told == TOLD_MOST)
        return;
    self->told++;
    pause->steps = calloc (STEPS_KEPT, sizeof *pause->steps);
    assert (pause->steps);
    pause->step_count = timeline_steps (whereabouts, pause->from_us, pause->steps);
}

void
pauses_add (pauses_t *self, const wait_t *wait, uint64_t now_us)
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
    pause_t *pause = &self->pauses[self->count++];
    *pause = (pause_t){
        .from_us = wait->since_us, .to_us = now_us, .user = wait->user, .what = wait->what
    };
    timeline_spent (wait->whereabouts, now_us, pause->spent_us);
    for (where_t where = 0; where < WHERES; where++)
        pause->spent_us[where] -= wait->before_us[where];
    s_take_steps (self, pause, wait->whereabouts);
}
