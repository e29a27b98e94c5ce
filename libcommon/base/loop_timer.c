#include "base/loop_timer.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

struct loop_timer {
    uv_timer_t timer;
    loop_timer_fn *fn;
    void *owner;
};

static void
s_on_timer (uv_timer_t *timer)
{
    const loop_timer_t *self = timer->data;
    if (self->fn)
        self->fn (self->owner);
}

static void
s_on_closed (uv_handle_t *handle)
{
    free (handle->data);
}

loop_timer_t *
loop_timer_new (uv_loop_t *loop, loop_timer_fn *fn, void *owner)
{
    loop_timer_t *self = alloc_zeroed (sizeof *self);
    int rc = uv_timer_init (loop, &self->timer);
    assert (rc == 0);
    self->timer.data = self;
    self->fn = fn;
    self->owner = owner;
    return self;
}

void
loop_timer_destroy (loop_timer_t **self_p)
{
    loop_timer_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    uv_close ((uv_handle_t *) &self->timer, s_on_closed);
}

void
loop_timer_start_ms (loop_timer_t *self, uint64_t first_ms, uint64_t repeat_ms)
{
    uv_timer_start (&self->timer, s_on_timer, first_ms, repeat_ms);
}

void
loop_timer_start_within_ms (loop_timer_t *self, uint64_t first_ms)
{
    if (!loop_timer_is_active (self) || uv_timer_get_due_in (&self->timer) > first_ms)
        loop_timer_start_ms (self, first_ms, 0);
}

void
loop_timer_stop (loop_timer_t *self)
{
    uv_timer_stop (&self->timer);
}

bool
loop_timer_is_active (const loop_timer_t *self)
{
    return uv_is_active ((const uv_handle_t *) &self->timer);
}

void
loop_timer_unref (loop_timer_t *self)
{
    uv_unref ((uv_handle_t *) &self->timer);
}
