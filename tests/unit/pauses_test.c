//  What chaos tells of a pause: how long it was, where the one who waited was, and its steps.

#include "pauses.h"

#include <criterion/criterion.h>

#define SECOND 1000000u

static timeline_t s_whereabouts;
static pauses_t s_pauses;
static wait_t s_wait;

static void
s_begin (void)
{
    s_whereabouts = (timeline_t){ .since_us = SECOND };
    s_pauses = (pauses_t){ 0 };
    s_wait = (wait_t){ .user = "ann", .what = "an ack", .whereabouts = &s_whereabouts };
}

static void
s_expect_spent (const pause_t *pause, unsigned back_off, unsigned away, unsigned connecting,
                unsigned in)
{
    const unsigned expected[] = { back_off, away, connecting, in };
    uint64_t sum = 0;
    for (where_t where = 0; where < WHERES; where++) {
        cr_assert_eq (pause->spent_us[where], expected[where] * SECOND, "%s", where_word (where));
        sum += pause->spent_us[where];
    }
    cr_assert_eq (sum, pause->to_us - pause->from_us);
}

Test (pauses, is_made_of_where_it_was)
{
    s_begin ();
    timeline_move (&s_whereabouts, WHERE_IN, 3 * SECOND);
    wait_begin (&s_wait, 10 * SECOND);
    wait_begin (&s_wait, 11 * SECOND);
    timeline_move (&s_whereabouts, WHERE_SENT_AWAY, 12 * SECOND);
    timeline_move (&s_whereabouts, WHERE_CONNECTING, 15 * SECOND);
    timeline_move (&s_whereabouts, WHERE_BACKING_OFF, 16 * SECOND);
    timeline_move (&s_whereabouts, WHERE_CONNECTING, 24 * SECOND);
    timeline_move (&s_whereabouts, WHERE_IN, 26 * SECOND);
    wait_progress (&s_wait, &s_pauses, 27 * SECOND, true);
    cr_assert_eq (s_pauses.count, 1);
    s_expect_spent (&s_pauses.pauses[0], 8, 3, 3, 3);

    //  The next one begins then, and is too short.
    wait_progress (&s_wait, &s_pauses, 27 * SECOND + SECOND / 2, false);
    wait_progress (&s_wait, &s_pauses, 40 * SECOND, false);
    cr_assert_eq (s_pauses.count, 1);
    pauses_free (&s_pauses);
}

Test (pauses, what_is_forgiven_does_not_count)
{
    s_begin ();
    timeline_move (&s_whereabouts, WHERE_IN, SECOND);
    wait_forgive (&s_wait, SECOND);
    cr_assert_eq (s_wait.since_us, 0);
    wait_begin (&s_wait, 2 * SECOND);
    wait_forgive (&s_wait, 30 * SECOND);
    wait_progress (&s_wait, &s_pauses, 32 * SECOND, false);
    cr_assert_eq (s_pauses.count, 1);
    s_expect_spent (&s_pauses.pauses[0], 0, 0, 0, 2);
    cr_assert_null (s_pauses.pauses[0].steps, "it is short");
    pauses_free (&s_pauses);
}

Test (pauses, a_long_one_has_its_steps)
{
    s_begin ();
    for (unsigned at = 2; at < 100; at++)
        timeline_step (&s_whereabouts, at * SECOND, "step %u", at);
    wait_begin (&s_wait, 80 * SECOND + 1);
    wait_progress (&s_wait, &s_pauses, 100 * SECOND, false);
    const pause_t *pause = &s_pauses.pauses[0];
    cr_assert_eq (pause->step_count, 20, "the last one before it, and all of it");
    cr_assert_str_eq (pause->steps[0].text, "step 80");
    cr_assert_str_eq (pause->steps[19].text, "step 99");

    //  The oldest are forgotten.
    wait_begin (&s_wait, 2 * SECOND);
    wait_progress (&s_wait, &s_pauses, 100 * SECOND, false);
    pause = &s_pauses.pauses[1];
    cr_assert_eq (pause->step_count, STEPS_KEPT);
    cr_assert_eq (pause->steps[0].at_us, (100 - STEPS_KEPT) * (uint64_t) SECOND);
    pauses_free (&s_pauses);
}
