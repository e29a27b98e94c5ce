//  sharing — when other postoffices are told of a session, and for how long.

#include "sharing.h"

#include <criterion/criterion.h>

Test (sharing, nobody_is_told_before_somebody_says_so)
{
    sharing_t sharing = { 0 };
    sharing_stored (&sharing, 1000);
    cr_assert_not (sharing_tells (&sharing, 1000));
    cr_assert (sharing_heard (&sharing, 1000), "it may have missed what was stored just now");
    cr_assert_not (sharing_heard (&sharing, 1000), "no news");
    cr_assert (sharing_tells (&sharing, 1000));
}

//  Who has written nothing for long, or ever, has nothing that another one could have missed.
Test (sharing, what_was_stored_long_ago_is_known)
{
    sharing_t sharing = { 0 };
    cr_assert_not (sharing_heard (&sharing, 1000));
    sharing = (sharing_t){ 0 };
    sharing_stored (&sharing, 1000);
    cr_assert_not (sharing_heard (&sharing, 1000 + SHARING_RECENT_MS));
    cr_assert (sharing_tells (&sharing, 1000 + SHARING_RECENT_MS));
}

//  Whoever loads a session does not know who was there before.
Test (sharing, a_session_that_was_just_loaded_tells_once)
{
    sharing_t sharing = { 0 };
    sharing_loaded (&sharing, false);
    cr_assert (sharing_tells (&sharing, 1000));
    sharing_stored (&sharing, 1000);
    cr_assert_not (sharing_tells (&sharing, 1001));
}

Test (sharing, ends_when_nobody_answers_for_long)
{
    sharing_t sharing = { 0 };
    (void) sharing_heard (&sharing, 1000);
    uint64_t now = 1000;
    cr_assert (sharing_tells (&sharing, now));
    cr_assert (sharing_tells (&sharing, now + SHARING_UNANSWERED_MS));
    (void) sharing_heard (&sharing, now + SHARING_UNANSWERED_MS);
    //  However long it was silent: it is told at least once more before it is given up.
    now += 100 * SHARING_UNANSWERED_MS;
    cr_assert (sharing_tells (&sharing, now));
    cr_assert (sharing_tells (&sharing, now + SHARING_UNANSWERED_MS + 1));
    cr_assert_not (sharing_tells (&sharing, now + SHARING_UNANSWERED_MS + 2));
}

//  What is due too soon after the last time stays due.
Test (sharing, we_say_so_now_and_then_and_at_last)
{
    sharing_t sharing = { 0 };
    cr_assert_not (sharing_says (&sharing, 1));
    sharing_asked (&sharing);
    cr_assert (sharing_says (&sharing, 1));
    cr_assert (sharing_says (&sharing, 1), "until it was said");
    sharing_said (&sharing, 1);
    cr_assert_not (sharing_says (&sharing, 2 * SHARING_SAY_EVERY_MS));
    sharing_said (&sharing, 100);
    sharing_loaded (&sharing, true);
    cr_assert_not (sharing_says (&sharing, SHARING_SAY_EVERY_MS));
    cr_assert (sharing_says (&sharing, SHARING_SAY_EVERY_MS + 100));
}
