#include "pace.h"

#include <criterion/criterion.h>

static unsigned
s_take_all (pace_t *pace, uint64_t now_ms)
{
    unsigned taken = 0;
    for (; !pace_is_spent (pace, now_ms, 100, 20); taken++)
        pace_take (pace, now_ms, 100);
    return taken;
}

Test (pace, gives_a_burst_and_then_as_fast_as_it_fills)
{
    pace_t pace = { 0 };
    cr_expect_eq (s_take_all (&pace, 5000), 20);
    cr_expect_eq (s_take_all (&pace, 5009), 0);
    cr_expect_eq (s_take_all (&pace, 5010), 1);
    cr_expect_eq (s_take_all (&pace, 5110), 10);
    cr_expect_eq (s_take_all (&pace, 60000), 20);
}

Test (pace, is_owed_what_was_taken_too_much)
{
    pace_t pace = { 0 };
    for (int at = 0; at < 50; at++)
        pace_take (&pace, 5000, 100);
    cr_expect (pace_is_spent (&pace, 5309, 100, 20));
    cr_expect_not (pace_is_spent (&pace, 5310, 100, 20));
}

Test (pace, has_things_that_cost_more)
{
    pace_t pace = { 0 };
    pace_take_many (&pace, 5000, 100, 15);
    cr_expect_eq (s_take_all (&pace, 5000), 5);
    pace_take_many (&pace, 5000, 100, 30);
    cr_expect (pace_is_spent (&pace, 5309, 100, 20));
    cr_expect_not (pace_is_spent (&pace, 5310, 100, 20));
}
