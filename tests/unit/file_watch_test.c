//  file_watch — looks come one after the other, and the end waits for the one that is under way.

#include "files/file_watch.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdbool.h>

typedef struct {
    uv_loop_t loop;
    file_watch_t *watch;
    atomic_uint begun, looks;
    atomic_bool is_held; //  a look does not come back
    unsigned looked, gone;
    unsigned last; //  `looked` ends the watch the so many-th time; 0: never
} rig_t;

static void
s_look (void *owner)
{
    rig_t *self = owner;
    self->begun++;
    while (self->is_held)
        ;
    self->looks++;
}

static void
s_looked (void *owner)
{
    rig_t *self = owner;
    self->looked++;
    cr_expect_eq (self->looks, self->looked, "one look at a time");
    if (self->looked == self->last)
        file_watch_end (&self->watch);
}

static void
s_gone (void *owner)
{
    rig_t *self = owner;
    cr_expect_null (self->watch);
    self->gone++;
}

static void
s_start (rig_t *self)
{
    static const file_watch_events_t events = { .look = s_look,
                                                .looked = s_looked,
                                                .gone = s_gone };
    uv_loop_init (&self->loop);
    self->watch = file_watch_new (&self->loop, &events, 1, self);
}

static void
s_end (rig_t *self)
{
    uv_run (&self->loop, UV_RUN_DEFAULT);
    cr_expect_eq (self->gone, 1u);
    cr_expect_eq (uv_loop_close (&self->loop), 0);
}

Test (file_watch, looks_again_and_again)
{
    rig_t rig = { .last = 3 };
    s_start (&rig);
    s_end (&rig);
    cr_expect_eq (rig.looked, 3u);
    cr_expect_eq (rig.looks, 3u);
}

Test (file_watch, ends_at_once_when_nothing_looks)
{
    rig_t rig = { .last = 0 };
    s_start (&rig);
    file_watch_end (&rig.watch);
    cr_expect_eq (rig.gone, 1u);
    s_end (&rig);
    cr_expect_eq (rig.looks, 0u);
}

Test (file_watch, ends_behind_the_look_that_is_under_way)
{
    rig_t rig = { .is_held = true };
    s_start (&rig);
    while (rig.begun == 0)
        uv_run (&rig.loop, UV_RUN_NOWAIT);
    file_watch_end (&rig.watch);
    uv_run (&rig.loop, UV_RUN_NOWAIT);
    cr_expect_eq (rig.gone, 0u, "it is still used");
    rig.is_held = false;
    s_end (&rig);
    cr_expect_eq (rig.looked, 0u);
    cr_expect_eq (rig.looks, 1u);
}
