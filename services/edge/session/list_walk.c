#include "session/list_walk.h"

#include "base/alloc.h"
#include "base/loop_timer.h"

#include <stdlib.h>

struct list_walk {
    list_t *list;
    list_walk_fn *fn;
    loop_timer_t *timer;
    size_t each_turn;
    size_t left; //  so many from the head on, or more than there are
};

static void
s_go_on (void *walk)
{
    list_walk_t *self = walk;
    size_t most = self->each_turn;
    for (list_t *link; most > 0 && self->left > 0 && (link = list_first (self->list)); most--) {
        self->left--;
        list_append (self->list, link);
        self->fn (link);
    }
    if (self->left > 0 && !list_is_empty (self->list))
        loop_timer_start_ms (self->timer, 1, 0);
}

list_walk_t *
list_walk_new (uv_loop_t *loop, list_t *list, list_walk_fn *fn)
{
    list_walk_t *self = alloc_zeroed (sizeof *self);
    self->list = list;
    self->fn = fn;
    self->timer = loop_timer_new (loop, s_go_on, self);
    return self;
}

void
list_walk_destroy (list_walk_t **self_p)
{
    list_walk_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    loop_timer_destroy (&self->timer);
    free (self);
}

void
list_walk_start (list_walk_t *self, size_t each_turn)
{
    self->each_turn = each_turn;
    self->left = 0;
    for (const list_t *link = self->list->next; link != self->list; link = link->next)
        self->left++;
    s_go_on (self);
}
