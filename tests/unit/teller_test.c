//  What a client of the scenarios keeps in mind of messages that are under way.

#include "teller.h"

#include <criterion/criterion.h>

enum { ALL = 100, NOW = 1000, LATER = 2000 };

//  Says as much as it may; returns the last number, or -1.
static int
s_speak (teller_t *teller, uint64_t now_ms)
{
    int last = -1;
    while (teller_may_speak (teller, ALL, now_ms))
        last = (int) teller_speaks (teller);
    return last;
}

Test (teller, has_a_few_under_way)
{
    teller_t teller = { 0 };
    cr_assert_eq (s_speak (&teller, NOW), 7);
    cr_assert (teller_is_acknowledged (&teller, 0, false));
    cr_assert_eq (s_speak (&teller, NOW), 8);
    cr_assert_not (teller_may_speak (&(teller_t){ .stored = ALL, .next = ALL }, ALL, NOW));
}

Test (teller, says_all_again_from_the_refused_one_on)
{
    teller_t teller = { 0 };
    s_speak (&teller, NOW);
    for (unsigned number = 0; number < 8; number++)
        teller_is_refused (&teller, number, NOW);
    cr_assert_not (teller_may_speak (&teller, ALL, NOW));
    cr_assert_eq (teller.next, 0);
    cr_assert_eq (s_speak (&teller, LATER), 7);
}

Test (teller, is_refused_before_an_earlier_one_is_acknowledged)
{
    teller_t teller = { 0 };
    s_speak (&teller, NOW);
    for (unsigned number = 4; number < 8; number++)
        teller_is_refused (&teller, number, NOW);
    for (unsigned number = 0; number < 4; number++)
        cr_assert (teller_is_acknowledged (&teller, number, false));
    cr_assert_eq (teller.next, 4);
    cr_assert_eq (s_speak (&teller, LATER), 11);
}

Test (teller, takes_a_late_refusal_for_a_new_one)
{
    teller_t teller = { 0 };
    s_speak (&teller, NOW);
    teller_is_refused (&teller, 4, NOW);
    cr_assert_eq (s_speak (&teller, LATER), 7);
    teller_is_refused (&teller, 6, LATER);
    cr_assert_eq (teller.next, 6);
    for (unsigned number = 0; number < 8; number++)
        cr_assert (teller_is_acknowledged (&teller, number, false));
    cr_assert_eq (teller.next, 8, "is not said a third time");
    cr_assert (teller_is_acknowledged (&teller, 6, true));
    teller_is_refused (&teller, 5, LATER);
    cr_assert_eq (teller.next, 8, "is stored");
}

Test (teller, notices_what_cannot_be)
{
    teller_t teller = { .stored = 3, .next = 8 };
    cr_assert_not (teller_is_acknowledged (&teller, 4, false), "has overtaken 3");
    cr_assert_not (teller_is_acknowledged (&teller, 2, false), "is stored twice");
    cr_assert (teller_is_acknowledged (&teller, 3, true), "its ack was lost");
}
