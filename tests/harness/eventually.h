//  eventually — waiting for a condition, with a deadline. The only place where a test sleeps, and
//  never for longer than it takes to look again.
//
//      EVENTUALLY (5000, process_metric (edge, "stentor_edge_connections") == 3);
//
//  When it does not come true, lookout says what was seen last and where everything stands.

#ifndef EVENTUALLY_H
#define EVENTUALLY_H

#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

//  Sanitizers and a busy machine make everything slower; every deadline of the harness is
//  multiplied by HARNESS_PATIENCE from the environment (default 1) and given in milliseconds.
uint64_t eventually_deadline (uint64_t milliseconds);
//  Sleeps 10 ms. False when the deadline has passed: then look no more.
bool eventually_again (uint64_t deadline);
//  It did not: says where everything stands.
void eventually_missed (uint64_t milliseconds, const char *condition);

//  Fails the Criterion test when the condition does not come true in time.
#define EVENTUALLY(milliseconds, condition)                                                        \
    do {                                                                                           \
        uint64_t eventually_until = eventually_deadline (milliseconds);                            \
        while (!(condition))                                                                       \
            if (!eventually_again (eventually_until)) {                                            \
                eventually_missed (milliseconds, #condition);                                      \
                cr_assert_fail ("did not come true in %d ms: %s", (int) (milliseconds),            \
                                #condition);                                                       \
            }                                                                                      \
    } while (0)

#endif
