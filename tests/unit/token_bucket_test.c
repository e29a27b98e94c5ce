#include "base/token_bucket.h"

#include <criterion/criterion.h>

static unsigned
s_take_all (token_bucket_t *pace, uint64_t now_ms)
{
    unsigned taken = 0;
    for (; !token_bucket_is_spent (pace, now_ms, 100, 20); taken++)
        token_bucket_take (pace, now_ms, 100);
    return taken;
}

Test (pace, gives_a_burst_and_then_as_fast_as_it_fills)
{
    token_bucket_t pace = { 0 };
    cr_expect_eq (s_take_all (&pace, 5000), 20);
    cr_expect_eq (s_take_all (&pace, 5009), 0);
    cr_expect_eq (s_take_all (&pace, 5010), 1);
    cr_expect_eq (s_take_all (&pace, 5110), 10);
    cr_expect_eq (s_take_all (&pace, 60000), 20);
}

Test (pace, is_owed_what_was_taken_too_much)
{
    token_bucket_t pace = { 0 };
    for (int at = 0; at < 50; at++)
        token_bucket_take (&pace, 5000, 100);
    cr_expect (token_bucket_is_spent (&pace, 5309, 100, 20));
    cr_expect_not (token_bucket_is_spent (&pace, 5310, 100, 20));
}

Test (pace, has_things_that_cost_more)
{
    token_bucket_t pace = { 0 };
    token_bucket_take_many (&pace, 5000, 100, 15);
    cr_expect_eq (s_take_all (&pace, 5000), 5);
    token_bucket_take_many (&pace, 5000, 100, 30);
    cr_expect (token_bucket_is_spent (&pace, 5309, 100, 20));
    cr_expect_not (token_bucket_is_spent (&pace, 5310, 100, 20));
}
