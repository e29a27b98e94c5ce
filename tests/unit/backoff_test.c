//  backoff — waits double, stay within their limits, and are not the same for everybody.

#include "base/backoff.h"

#include <criterion/criterion.h>

Test (backoff, doubles_up_to_the_ceiling)
{
    backoff_t backoff = { .first_ms = 100, .most_ms = 1000 };
    static const uint64_t ceilings[] = { 100, 200, 400, 800, 1000, 1000, 1000 };
    for (size_t at = 0; at < sizeof ceilings / sizeof *ceilings; at++) {
        uint64_t wait = backoff_next_ms (&backoff);
        cr_assert (wait >= ceilings[at] / 2 && wait <= ceilings[at], "try %zu waits %llu ms", at,
                   (unsigned long long) wait);
    }
}

Test (backoff, begins_anew_after_a_success)
{
    backoff_t backoff = { .first_ms = 100, .most_ms = 100000 };
    for (int tries = 0; tries < 8; tries++)
        (void) backoff_next_ms (&backoff);
    backoff_reset (&backoff);
    cr_assert_leq (backoff_next_ms (&backoff), 100);
}

Test (backoff, survives_any_number_of_failures)
{
    backoff_t backoff = { .first_ms = 1, .most_ms = UINT64_MAX };
    uint64_t wait = 0;
    for (int tries = 0; tries < 1000; tries++)
        wait = backoff_next_ms (&backoff);
    cr_assert_geq (wait, UINT64_MAX / 2);
}

Test (backoff, never_waits_longer_than_the_most)
{
    backoff_t backoff = { .first_ms = 5000, .most_ms = 1000 };
    cr_assert_leq (backoff_next_ms (&backoff), 1000);
    backoff_t none = { .first_ms = 0, .most_ms = 1000 };
    cr_assert_eq (backoff_next_ms (&none), 0);
}

Test (backoff, has_jitter)
{
    unsigned different = 0;
    uint64_t last = 0;
    for (int process = 0; process < 20; process++) {
        backoff_t backoff = { .first_ms = 100000, .most_ms = 100000 };
        uint64_t wait = backoff_next_ms (&backoff);
        different += wait != last;
        last = wait;
    }
    cr_assert_gt (different, 15);
}
