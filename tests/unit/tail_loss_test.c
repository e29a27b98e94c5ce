//  What a lost tail explains, and what it does not.

#include "gaps.h"

#include <criterion/criterion.h>

static const lost_message_t s_lost[] = {
    { .talk = 7, .number = 5 },
    { .talk = 7, .number = 4 },
    { .talk = 7, .number = 6, .is_stored_again = true },
    { .talk = 7, .is_agent = true, .number = 9 },
    { .talk = 3, .number = 5 },
};

static tail_loss_t *s_loss;

static void
s_begin (void)
{
    s_loss = tail_loss_of (s_lost, sizeof s_lost / sizeof *s_lost);
}

static void
s_end (void)
{
    tail_loss_destroy (&s_loss);
}

TestSuite (tail_loss, .init = s_begin, .fini = s_end);

Test (tail_loss, is_counted)
{
    cr_assert_eq (tail_loss_entries (s_loss), 5);
    cr_assert_eq (tail_loss_messages (s_loss), 4);
}

Test (tail_loss, knows_what_is_gone)
{
    cr_assert (tail_loss_is_gone (s_loss, 7, false, 4));
    cr_assert (tail_loss_is_gone (s_loss, 7, true, 9));
    cr_assert (!tail_loss_is_gone (s_loss, 7, true, 4), "another's");
    cr_assert (!tail_loss_is_gone (s_loss, 3, false, 4), "another session's");
    cr_assert (!tail_loss_is_gone (s_loss, 7, false, 6), "it was sent again");
    cr_assert (tail_loss_has (s_loss, 7, false, 6));
}

Test (tail_loss, explains_a_gap_that_is_lost_wholly)
{
    cr_assert (tail_loss_explains (s_loss, 7, false, 4, 7));
    cr_assert (tail_loss_explains (s_loss, 7, false, 4, 4), "no gap at all");
    cr_assert (!tail_loss_explains (s_loss, 7, false, 4, 8));
    cr_assert (!tail_loss_explains (s_loss, 7, false, 3, 6));
}

Test (tail_loss, of_nothing_explains_nothing)
{
    tail_loss_t *nothing = tail_loss_of (NULL, 0);
    cr_assert (!tail_loss_explains (nothing, 7, false, 4, 5));
    tail_loss_destroy (&nothing);
}

//  One who was not told of an entry that is there is deaf.
Test (tail_loss, judges_what_was_heard)
{
    gaps_t gaps = { 0 };
    gaps_add (&gaps, &(gap_t){ .talk = 7, .from = 4, .to = 6 });
    gaps_add (&gaps, &(gap_t){ .talk = 7, .from = 4, .to = 8 });
    gaps_add (&gaps, &(gap_t){ .talk = 7, .from = 6, .is_again = true });
    gaps_add (&gaps, &(gap_t){ .talk = 7, .from = 8, .is_again = true });
    const bool expected[] = { true, false, true, false };
    for (size_t at = 0; at < gaps.count; at++)
        cr_assert_eq (gap_is_explained (&gaps.gaps[at], s_loss), expected[at], "%zu", at);
    gaps_free (&gaps);
}
