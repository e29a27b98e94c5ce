//  http_pace — turns come in order and no faster than the rate; a full queue says so.

#include "http/http_pace.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TURNS 8

static uv_loop_t s_loop;
static http_turn_t s_turns[TURNS];
static char s_story[100];

static void
s_come (http_turn_t *turn)
{
    size_t size = strlen (s_story);
    snprintf (s_story + size, sizeof s_story - size, "%d", (int) (turn - s_turns));
}

static http_pace_t *
s_pace (const http_rate_t *rate)
{
    uv_loop_init (&s_loop);
    return http_pace_new (&s_loop, rate, s_come);
}

static void
s_end (http_pace_t *pace)
{
    http_pace_destroy (&pace);
    uv_run (&s_loop, UV_RUN_DEFAULT);
    cr_assert_eq (uv_loop_close (&s_loop), 0, "a handle is still open");
}

static void
s_until (size_t come)
{
    while (strlen (s_story) < come)
        uv_run (&s_loop, UV_RUN_ONCE);
}

Test (http_pace, no_rate_no_queue, .timeout = 60)
{
    http_pace_t *pace = s_pace (&(http_rate_t){ .queue_limit = 0 });
    for (unsigned turn = 0; turn < TURNS; turn++)
        cr_assert_eq (http_pace_take (pace, "a", &s_turns[turn]), HTTP_TURN_NOW);
    s_end (pace);
}

Test (http_pace, first_come_first_served_and_no_faster, .timeout = 60)
{
    http_pace_t *pace =
        s_pace (&(http_rate_t){ .per_second = 50, .burst = 2, .queue_limit = 10 });
    uint64_t began_ms = clock_mono_ms ();
    for (unsigned turn = 0; turn < TURNS; turn++)
        cr_assert_eq (http_pace_take (pace, "a", &s_turns[turn]),
                      turn < 2 ? HTTP_TURN_NOW : HTTP_TURN_LATER);
    cr_assert_str_eq (s_story, "", "nobody is called from within");
    s_until (6);
    cr_assert_str_eq (s_story, "234567");
    cr_assert_geq (clock_mono_ms () - began_ms, 6 * 20 - 1);
    s_end (pace);
}

Test (http_pace, origins_do_not_wait_for_each_other, .timeout = 60)
{
    http_pace_t *pace = s_pace (&(http_rate_t){ .per_second = 1, .burst = 1, .queue_limit = 1 });
    cr_assert_eq (http_pace_take (pace, "a", &s_turns[0]), HTTP_TURN_NOW);
    cr_assert_eq (http_pace_take (pace, "b", &s_turns[1]), HTTP_TURN_NOW);
    cr_assert_eq (http_pace_take (pace, "a", &s_turns[2]), HTTP_TURN_LATER);
    cr_assert_eq (http_pace_take (pace, "a", &s_turns[3]), HTTP_TURN_NEVER);
    cr_assert_eq (http_pace_take (pace, "b", &s_turns[4]), HTTP_TURN_LATER);
    http_pace_leave (&s_turns[2]);
    cr_assert_eq (http_pace_take (pace, "a", &s_turns[5]), HTTP_TURN_LATER, "a place is free");
    http_pace_leave (&s_turns[3]);
    http_pace_leave (&s_turns[4]);
    http_pace_leave (&s_turns[5]);
    s_end (pace);
}

Test (http_pace, who_leaves_is_not_called, .timeout = 60)
{
    http_pace_t *pace =
        s_pace (&(http_rate_t){ .per_second = 100, .burst = 1, .queue_limit = 10 });
    for (unsigned turn = 0; turn < 4; turn++)
        (void) http_pace_take (pace, "a", &s_turns[turn]);
    http_pace_leave (&s_turns[2]);
    http_pace_leave (&s_turns[2]);
    s_until (2);
    cr_assert_str_eq (s_story, "13");
    s_end (pace);
}

//  The loop ends when nothing is left to be kept: customers' hosts are not kept for ever.
Test (http_pace, an_origin_at_rest_is_forgotten, .timeout = 60)
{
    http_pace_t *pace =
        s_pace (&(http_rate_t){ .per_second = 200, .burst = 2, .queue_limit = 10 });
    char name[20];
    for (unsigned origin = 0; origin < 1000; origin++) {
        snprintf (name, sizeof name, "http://h%u:80", origin);
        cr_assert_eq (http_pace_take (pace, name, &s_turns[0]), HTTP_TURN_NOW);
    }
    cr_assert (uv_loop_alive (&s_loop));
    uv_run (&s_loop, UV_RUN_DEFAULT);
    cr_assert_eq (http_pace_take (pace, "http://h1:80", &s_turns[0]), HTTP_TURN_NOW);
    s_end (pace);
}

Test (http_pace, a_held_origin_waits, .timeout = 60)
{
    http_pace_t *pace = s_pace (&(http_rate_t){
        .per_second = 1000, .burst = 100, .queue_limit = 10, .hold_most_ms = 100 });
    cr_assert_eq (http_pace_take (pace, "a", &s_turns[0]), HTTP_TURN_NOW);
    while (uv_loop_alive (&s_loop)) //  the answer comes when the origin is at rest
        uv_run (&s_loop, UV_RUN_ONCE);
    uint64_t began_ms = clock_mono_ms ();
    http_pace_hold (pace, "a", 3600000);
    cr_assert_eq (http_pace_take (pace, "a", &s_turns[1]), HTTP_TURN_LATER);
    s_until (1);
    cr_assert_geq (clock_mono_ms () - began_ms, 99, "as long as it may be held, and no longer");
    s_end (pace);
}
