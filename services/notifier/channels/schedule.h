//  schedule — when a delivery is tried again: a list of pauses, as an operator writes it in a
//  setting ("1m,5m,15m"). There is one try more than there are pauses.

#ifndef SCHEDULE_H
#define SCHEDULE_H

#include "http/retry_policy.h"

#define SCHEDULE_MOST 20 //  pauses

typedef struct {
    uint64_t delays_ms[SCHEDULE_MOST];
    unsigned delays;
} schedule_t;

//  Returns 0, or −1 when the list has something else than durations, none, or too many.
__attribute__ ((warn_unused_result)) int schedule_read (schedule_t *self, const char *list);

//  The policy that the schedule makes: whatever passes is tried again, up to 10 % later than the
//  list says; what may have been taken (RETRY_LOST) is tried `lost_tries` times in all (0: as
//  often as everything else). Borrows the schedule.
retry_policy_t schedule_policy (const schedule_t *self, unsigned lost_tries);

#endif
