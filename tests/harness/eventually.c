//  eventually — see eventually.h.

#include "eventually.h"

#include "wait_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t
s_patience (void)
{
    const char *patience = getenv ("HARNESS_PATIENCE");
    uint64_t factor = patience ? strtoull (patience, NULL, 10) : 1;
    return factor ? factor : 1;
}

uint64_t
eventually_deadline (uint64_t milliseconds)
{
    return clock_mono_ms () + milliseconds * s_patience ();
}

bool
eventually_again (uint64_t deadline)
{
    if (clock_mono_ms () >= deadline)
        return false;
    nanosleep (&(struct timespec){ .tv_nsec = 10000000 }, NULL);
    return true;
}

void
eventually_missed (uint64_t milliseconds, const char *condition)
{
    char why[600];
    snprintf (why, sizeof why, "did not come true in %" PRIu64 " ms: %s",
              milliseconds * s_patience (), condition);
    wait_report_tell (why);
}
