//  timeline — see timeline.h.

#include "timeline.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *
where_word (where_t where)
{
    static const char *const s_words[] = { "backing off", "sent away", "connecting", "in" };
    return s_words[where];
}

void
timeline_move (timeline_t *self, where_t where, uint64_t now_us)
{
    self->spent_us[self->where] += now_us - self->since_us;
    self->since_us = now_us;
    self->where = where;
}

void
timeline_step (timeline_t *self, uint64_t now_us, const char *format, ...)
{
    step_t *step = &self->steps[self->step_count++ % STEPS_KEPT];
    va_list arguments;
    step->at_us = now_us;
    va_start (arguments, format);
    vsnprintf (step->text, sizeof step->text, format, arguments);
    va_end (arguments);
}

void
timeline_spent (const timeline_t *self, uint64_t now_us, uint64_t spent_us[WHERES])
{
    memcpy (spent_us, self->spent_us, sizeof self->spent_us);
    spent_us[self->where] += now_us - self->since_us;
}

unsigned
timeline_steps (const timeline_t *self, uint64_t since_us, step_t *steps)
{
    unsigned kept = self->step_count < STEPS_KEPT ? self->step_count : STEPS_KEPT;
    unsigned first = self->step_count, oldest = self->step_count - kept;
    while (first > oldest && self->steps[(first - 1) % STEPS_KEPT].at_us >= since_us)
        first--;
    first -= first > oldest;
    for (unsigned at = first; at < self->step_count; at++)
        steps[at - first] = self->steps[at % STEPS_KEPT];
    return self->step_count - first;
}
