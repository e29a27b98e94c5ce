//  complaint — a log line about something that a stranger can cause as often as he likes: the first
//  is written, then one in ten seconds at most. The counter beside it counts them all.

#ifndef COMPLAINT_H
#define COMPLAINT_H

#include <stdbool.h>
#include <stdint.h>

#define COMPLAINT_EVERY_MS 10000

//  All zeros: nothing was said yet.
typedef struct {
    uint64_t next_ms;
} complaint_t;

static inline bool
complaint_is_due (complaint_t *self, uint64_t now_ms)
{
    if (now_ms < self->next_ms)
        return false;
    self->next_ms = now_ms + COMPLAINT_EVERY_MS;
    return true;
}

#endif
