//  split_hosting — when other postoffices are told of a session, and for how long.

#include "session/split_hosting.h"

#include <criterion/criterion.h>

Test (split_hosting, nobody_is_told_before_somebody_says_so)
{
    split_hosting_t split_hosting = { 0 };
    split_hosting_stored (&split_hosting, 1000);
    cr_assert_not (split_hosting_tells (&split_hosting, 1000));
    cr_assert (split_hosting_heard (&split_hosting, 1000),
               "it may have missed what was stored just now");
    cr_assert_not (split_hosting_heard (&split_hosting, 1000), "no news");
    cr_assert (split_hosting_tells (&split_hosting, 1000));
}

//  Who has written nothing for long, or ever, has nothing that another one could have missed.
Test (split_hosting, what_was_stored_long_ago_is_known)
{
    split_hosting_t split_hosting = { 0 };
    cr_assert_not (split_hosting_heard (&split_hosting, 1000));
    split_hosting = (split_hosting_t){ 0 };
    split_hosting_stored (&split_hosting, 1000);
    cr_assert_not (split_hosting_heard (&split_hosting, 1000 + SPLIT_HOSTING_RECENT_MS));
    cr_assert (split_hosting_tells (&split_hosting, 1000 + SPLIT_HOSTING_RECENT_MS));
}

//  Whoever loads a session does not know who was there before.
Test (split_hosting, a_session_that_was_just_loaded_tells_once)
{
    split_hosting_t split_hosting = { 0 };
    split_hosting_loaded (&split_hosting, false);
    cr_assert (split_hosting_tells (&split_hosting, 1000));
    split_hosting_stored (&split_hosting, 1000);
    cr_assert_not (split_hosting_tells (&split_hosting, 1001));
}

Test (split_hosting, ends_when_nobody_answers_for_long)
{
    split_hosting_t split_hosting = { 0 };
    (void) split_hosting_heard (&split_hosting, 1000);
    uint64_t now = 1000;
    cr_assert (split_hosting_tells (&split_hosting, now));
    cr_assert (split_hosting_tells (&split_hosting, now + SPLIT_HOSTING_UNANSWERED_MS));
    (void) split_hosting_heard (&split_hosting, now + SPLIT_HOSTING_UNANSWERED_MS);
    //  However long it was silent: it is told at least once more before it is given up.
    now += 100 * SPLIT_HOSTING_UNANSWERED_MS;
    cr_assert (split_hosting_tells (&split_hosting, now));
    cr_assert (split_hosting_tells (&split_hosting, now + SPLIT_HOSTING_UNANSWERED_MS + 1));
    cr_assert_not (split_hosting_tells (&split_hosting, now + SPLIT_HOSTING_UNANSWERED_MS + 2));
}

//  Nobody was heard from 100,000 on: what was stored a little before or later may have been missed.
Test (split_hosting, what_was_stored_while_nobody_was_heard)
{
    split_hosting_t split_hosting = { 0 };
    cr_assert_not (split_hosting_was_deaf (&split_hosting, 100000));
    split_hosting_stored (&split_hosting, 100000 - SPLIT_HOSTING_RECENT_MS - 1);
    cr_assert_not (split_hosting_was_deaf (&split_hosting, 100000));
    split_hosting_stored (&split_hosting, 100000 - SPLIT_HOSTING_RECENT_MS);
    cr_assert (split_hosting_was_deaf (&split_hosting, 100000));
    split_hosting_stored (&split_hosting, 100000 + 10 * SPLIT_HOSTING_RECENT_MS);
    cr_assert (split_hosting_was_deaf (&split_hosting, 100000));
}

//  What is due too soon after the last time stays due.
Test (split_hosting, we_say_so_now_and_then_and_at_last)
{
    split_hosting_t split_hosting = { 0 };
    cr_assert_not (split_hosting_says (&split_hosting, 1));
    split_hosting_asked (&split_hosting);
    cr_assert (split_hosting_says (&split_hosting, 1));
    cr_assert (split_hosting_says (&split_hosting, 1), "until it was said");
    split_hosting_said (&split_hosting, 1);
    cr_assert_not (split_hosting_says (&split_hosting, 2 * SPLIT_HOSTING_SAY_EVERY_MS));
    split_hosting_said (&split_hosting, 100);
    split_hosting_loaded (&split_hosting, true);
    cr_assert_not (split_hosting_says (&split_hosting, SPLIT_HOSTING_SAY_EVERY_MS));
    cr_assert (split_hosting_says (&split_hosting, SPLIT_HOSTING_SAY_EVERY_MS + 100));
}
