//  sharing — when other postoffices are told of a session, and for how long.

#include "sharing.h"

#include <criterion/criterion.h>

Test (sharing, nobody_is_told_before_somebody_says_so)
{
    sharing_t sharing = { 0 };
    cr_assert_not (sharing_tells (&sharing, 1000));
    cr_assert (sharing_heard (&sharing));
    cr_assert_not (sharing_heard (&sharing), "no news");
    cr_assert (sharing_tells (&sharing, 1000));
}

//  Whoever loads a session does not know who was there before.
Test (sharing, a_session_that_was_just_loaded_tells_once)
{
    sharing_t sharing = { .is_fresh = true };
    cr_assert (sharing_tells (&sharing, 1000));
    sharing.is_fresh = false;
    cr_assert_not (sharing_tells (&sharing, 1001));
}

Test (sharing, ends_when_nobody_answers_for_long)
{
    sharing_t sharing = { 0 };
    sharing_heard (&sharing);
    uint64_t now = 1000;
    cr_assert (sharing_tells (&sharing, now));
    cr_assert (sharing_tells (&sharing, now + SHARING_UNANSWERED_MS));
    sharing_heard (&sharing);
    //  However long it was silent: it is told at least once more before it is given up.
    now += 100 * SHARING_UNANSWERED_MS;
    cr_assert (sharing_tells (&sharing, now));
    cr_assert (sharing_tells (&sharing, now + SHARING_UNANSWERED_MS + 1));
    cr_assert_not (sharing_tells (&sharing, now + SHARING_UNANSWERED_MS + 2));
}

Test (sharing, we_say_so_now_and_then)
{
    sharing_t sharing = { 0 };
    cr_assert (sharing_says (&sharing, 1));
    cr_assert_not (sharing_says (&sharing, SHARING_SAY_EVERY_MS));
    cr_assert (sharing_says (&sharing, SHARING_SAY_EVERY_MS + 1));
}
