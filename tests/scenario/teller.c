//  teller — see teller.h.

#include "teller.h"

#define UNDER_WAY 8 //  messages that are said and not acknowledged
#define PAUSE 50    //  ms after a `busy`

bool
teller_may_speak (const teller_t *self, unsigned count, uint64_t now_ms)
{
    return self->next < count && self->next < self->stored + UNDER_WAY && now_ms >= self->pause;
}

unsigned
teller_speaks (teller_t *self)
{
    return self->next++;
}

void
teller_is_refused (teller_t *self, unsigned number, uint64_t now_ms)
{
    if (number < self->stored)
        return;
    if (number < self->next)
        self->next = number;
    self->pause = now_ms + PAUSE;
}

//  What was said again for nothing, because the refusal of an earlier try was under way, is
//  acknowledged once more.
bool
teller_is_acknowledged (teller_t *self, unsigned number, bool duplicate)
{
    if (number < self->stored)
        return duplicate;
    if (number > self->stored)
        return false;
    self->stored++;
    if (self->next < self->stored)
        self->next = self->stored;
    return true;
}
