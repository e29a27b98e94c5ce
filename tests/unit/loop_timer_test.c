//  loop_timer — fires when it should, as often as it should, and never again once it is destroyed.

#include "base/loop_timer.h"

#include <criterion/criterion.h>

typedef struct {
    uv_loop_t loop;
    loop_timer_t *timer;
    int fired;
    int destroy_at; //  0: never
} fixture_t;

static void
s_on_timer (void *owner)
{
    fixture_t *self = owner;
    if (++self->fired == self->destroy_at)
        loop_timer_destroy (&self->timer);
}

static void
s_open (fixture_t *self)
{
    *self = (fixture_t){ 0 };
    cr_assert_eq (uv_loop_init (&self->loop), 0);
    self->timer = loop_timer_new (&self->loop, s_on_timer, self);
}

//  Nothing is left in the loop: it can be closed.
static void
s_close (fixture_t *self)
{
    loop_timer_destroy (&self->timer);
    cr_assert_null (self->timer);
    uv_run (&self->loop, UV_RUN_DEFAULT);
    cr_assert_eq (uv_loop_close (&self->loop), 0);
}

Test (loop_timer, fires_once_and_from_the_loop_only)
{
    fixture_t self;
    s_open (&self);
    cr_assert_not (loop_timer_is_active (self.timer));
    loop_timer_start_ms (self.timer, 0, 0);
    cr_assert (loop_timer_is_active (self.timer));
    cr_assert_eq (self.fired, 0);
    uv_run (&self.loop, UV_RUN_DEFAULT);
    cr_assert_eq (self.fired, 1);
    cr_assert_not (loop_timer_is_active (self.timer));
    s_close (&self);
}

Test (loop_timer, repeats_until_its_own_function_destroys_it)
{
    fixture_t self;
    s_open (&self);
    self.destroy_at = 3;
    loop_timer_start_ms (self.timer, 1, 1);
    uv_run (&self.loop, UV_RUN_DEFAULT);
    cr_assert_eq (self.fired, 3);
    s_close (&self);
}

Test (loop_timer, what_is_stopped_or_destroyed_does_not_fire)
{
    fixture_t self;
    s_open (&self);
    loop_timer_start_ms (self.timer, 0, 1);
    loop_timer_stop (self.timer);
    cr_assert_not (loop_timer_is_active (self.timer));
    uv_run (&self.loop, UV_RUN_DEFAULT);
    loop_timer_start_ms (self.timer, 0, 1);
    s_close (&self);
    cr_assert_eq (self.fired, 0);
}

Test (loop_timer, within_moves_it_forward_only)
{
    fixture_t self;
    s_open (&self);
    loop_timer_start_within_ms (self.timer, 3600 * 1000);
    cr_assert (loop_timer_is_active (self.timer));
    loop_timer_start_within_ms (self.timer, 0);
    loop_timer_start_within_ms (self.timer, 3600 * 1000);
    uv_run (&self.loop, UV_RUN_DEFAULT);
    cr_assert_eq (self.fired, 1);
    s_close (&self);
}

Test (loop_timer, that_is_unreferenced_does_not_hold_the_loop)
{
    fixture_t self;
    s_open (&self);
    loop_timer_start_ms (self.timer, 3600 * 1000, 0);
    loop_timer_unref (self.timer);
    uv_run (&self.loop, UV_RUN_DEFAULT);
    cr_assert_eq (self.fired, 0);
    s_close (&self);
}
