#include "files/file_watch.h"

#include "base/alloc.h"
#include "base/loop_timer.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

struct file_watch {
    uv_work_t work;
    uv_loop_t *loop;
    loop_timer_t *timer;
    const file_watch_events_t *events;
    uint64_t every_ms;
    void *owner;
    bool is_looking;
    bool is_ending;
};

static void
s_free (file_watch_t *self)
{
    const file_watch_events_t *events = self->events;
    void *owner = self->owner;
    free (self);
    events->gone (owner);
}

static void
s_look (uv_work_t *work)
{
    const file_watch_t *self = work->data;
    self->events->look (self->owner);
}

//  Nobody cancels a look.
static void
s_looked (uv_work_t *work, int status)
{
    file_watch_t *self = work->data;
    (void) status;
    self->is_looking = false;
    if (self->is_ending) {
        s_free (self);
        return;
    }
    loop_timer_start_ms (self->timer, self->every_ms, 0);
    self->events->looked (self->owner); //  may end the watch
}

static void
s_on_timer (void *owner)
{
    file_watch_t *self = owner;
    self->is_looking = true;
    int rc = uv_queue_work (self->loop, &self->work, s_look, s_looked);
    assert (rc == 0);
}

file_watch_t *
file_watch_new (uv_loop_t *loop, const file_watch_events_t *events, uint64_t every_ms,
                void *owner)
{
    file_watch_t *self = alloc_zeroed (sizeof *self);
    self->loop = loop;
    self->events = events;
    self->every_ms = every_ms;
    self->owner = owner;
    self->work.data = self;
    self->timer = loop_timer_new (loop, s_on_timer, self);
    loop_timer_start_ms (self->timer, every_ms, 0);
    return self;
}

void
file_watch_end (file_watch_t **self_p)
{
    file_watch_t *self = *self_p;
    *self_p = NULL;
    loop_timer_destroy (&self->timer);
    self->is_ending = true;
    if (!self->is_looking)
        s_free (self);
}
