//  Turns to an account or a place: so many at once, so far apart, first come, first served.

#include "base/clock.h"
#include "texting/lines.h"

#include <criterion/criterion.h>

static uv_loop_t s_loop;
static lines_t *s_lines;
static line_turn_t s_turns[20];
static int s_order[40];
static unsigned s_came, s_late;
static bool s_leaves_at_once;

static void
s_on_turn (void *owner, bool has_come)
{
    line_turn_t *turn = owner;
    if (!has_come) {
        s_late++;
        return;
    }
    s_order[s_came++] = (int) (turn - s_turns);
    if (s_leaves_at_once)
        lines_leave (turn);
}

static void
s_start (void)
{
    cr_assert_eq (uv_loop_init (&s_loop), 0);
    s_lines = lines_new (&s_loop, s_on_turn);
}

static void
s_end (void)
{
    lines_destroy (&s_lines);
    uv_run (&s_loop, UV_RUN_DEFAULT);
    cr_assert_eq (uv_loop_close (&s_loop), 0);
}

static void
s_take (const char *name, unsigned at, unsigned most, uint64_t gap_ms, uint64_t within_ms)
{
    lines_take (s_lines, text_of (name), &(line_rule_t){ .most = most, .gap_ms = gap_ms },
                &s_turns[at], within_ms, &s_turns[at]);
}

static void
s_turn_loop (void)
{
    for (int at = 0; at < 5; at++)
        uv_run (&s_loop, UV_RUN_NOWAIT);
}

Test (lines, have_so_many_at_once)
{
    s_start ();
    for (unsigned at = 0; at < 5; at++)
        s_take ("a", at, 2, 0, 60000);
    s_take ("b", 5, 2, 0, 60000);
    cr_assert_eq (s_came, 0, "never from within");
    s_turn_loop ();
    cr_assert_eq (s_came, 3);
    cr_assert_eq (lines_waiting (s_lines), 3);
    lines_leave (&s_turns[3]); //  gives up
    lines_leave (&s_turns[0]);
    s_turn_loop ();
    cr_assert_eq (s_came, 4);
    cr_assert_eq (s_order[3], 2);
    lines_leave (&s_turns[1]);
    s_turn_loop ();
    cr_assert_eq (s_order[4], 4);
    lines_leave (&s_turns[2]);
    lines_leave (&s_turns[4]);
    lines_leave (&s_turns[5]);
    lines_leave (&s_turns[5]); //  is safe
    s_end ();
}

Test (lines, keep_their_gap)
{
    s_start ();
    s_leaves_at_once = true;
    uint64_t began_ms = clock_mono_ms ();
    for (unsigned at = 0; at < 4; at++)
        s_take ("a", at, 1, 20, 60000);
    while (s_came < 4)
        uv_run (&s_loop, UV_RUN_ONCE);
    cr_assert_geq (clock_mono_ms () - began_ms, 60);
    for (int at = 0; at < 4; at++)
        cr_assert_eq (s_order[at], at);
    s_end ();
}

Test (lines, say_when_it_took_too_long)
{
    s_start ();
    s_take ("a", 0, 1, 0, 60000);
    s_take ("a", 1, 1, 0, 5);
    s_take ("a", 2, 1, 0, 60000);
    while (s_late < 1)
        uv_run (&s_loop, UV_RUN_ONCE);
    lines_leave (&s_turns[1]);
    lines_hold (&s_turns[0], 30);
    uint64_t began_ms = clock_mono_ms ();
    lines_leave (&s_turns[0]);
    while (s_came < 2)
        uv_run (&s_loop, UV_RUN_ONCE);
    cr_assert_geq (clock_mono_ms () - began_ms, 30, "it was held");
    cr_assert_eq (s_order[1], 2);
    lines_leave (&s_turns[2]);
    s_end ();
}
