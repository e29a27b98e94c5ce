#include "texting/lines.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash_table.h"

#include <assert.h>
#include <stdlib.h>

struct lines {
    uv_loop_t *loop;
    line_fn *came;
    struct line *lines;
    unsigned waiting;
};

typedef struct line {
    UT_hash_handle hh;
    lines_t *lines;
    list_t queue; //  of line_turn_t
    line_rule_t rule;
    unsigned taken;
    unsigned refused;
    uint64_t free_ms; //  when the next turn may be
    loop_timer_t *timer;
    char name[];
} line_t;

lines_t *
lines_new (uv_loop_t *loop, line_fn *came)
{
    lines_t *self = alloc_zeroed (sizeof *self);
    self->loop = loop;
    self->came = came;
    return self;
}

static void
s_forget (line_t *line)
{
    assert (line->taken == 0 && list_is_empty (&line->queue));
    HASH_DEL (line->lines->lines, line);
    loop_timer_destroy (&line->timer);
    free (line);
}

void
lines_destroy (lines_t **self_p)
{
    lines_t *self = *self_p;
    *self_p = NULL;
    line_t *line, *next;
    HASH_ITER (hh, self->lines, line, next)
        s_forget (line);
    free (self);
}

static void
s_unqueue (line_turn_t *turn)
{
    list_remove (&turn->link);
    loop_timer_destroy (&turn->limit);
    turn->line->lines->waiting--;
}

//  The owners may come again at once, and may hold the line.
static void
s_turn (void *owner)
{
    line_t *line = owner;
    list_t *first;
    uint64_t now_ms = clock_mono_ms ();
    while (line->free_ms <= now_ms && line->taken < line->rule.most
           && (first = list_first (&line->queue))) {
        line_turn_t *turn = LIST_THING (first, line_turn_t, link);
        s_unqueue (turn);
        line->taken++;
        line->free_ms = now_ms + line->rule.gap_ms;
        line->lines->came (turn->owner, true);
    }
    if (line->free_ms > now_ms)
        loop_timer_start_ms (line->timer, line->free_ms - now_ms, 0);
    else if (line->taken == 0 && line->refused == 0 && list_is_empty (&line->queue))
        s_forget (line);
}

static void
s_is_late (void *owner)
{
    line_turn_t *turn = owner;
    lines_t *self = turn->line->lines;
    loop_timer_start_within_ms (turn->line->timer, 0);
    s_unqueue (turn);
    turn->line = NULL;
    self->came (turn->owner, false);
}

static line_t *
s_line (lines_t *self, text_t name)
{
    line_t *line;
    HASH_FIND (hh, self->lines, name.data, name.size, line);
    if (line)
        return line;
    line = alloc_zeroed (sizeof *line + name.size + 1);
    line->lines = self;
    memcpy (line->name, name.data, name.size);
    list_init (&line->queue);
    line->timer = loop_timer_new (self->loop, s_turn, line);
    HASH_ADD_KEYPTR (hh, self->lines, line->name, name.size, line);
    return line;
}

void
lines_take (lines_t *self, text_t name, const line_rule_t *rule, line_turn_t *turn,
            uint64_t within_ms, void *owner)
{
    line_t *line = s_line (self, name);
    line->rule = *rule;
    *turn = (line_turn_t){ .line = line, .owner = owner };
    list_init (&turn->link);
    list_append (&line->queue, &turn->link);
    self->waiting++;
    turn->limit = loop_timer_new (self->loop, s_is_late, turn);
    loop_timer_start_ms (turn->limit, within_ms, 0);
    loop_timer_start_within_ms (line->timer, 0);
}

void
lines_leave (line_turn_t *turn)
{
    line_t *line = turn->line;
    if (!line)
        return;
    if (turn->limit)
        s_unqueue (turn);
    else
        line->taken--;
    turn->line = NULL;
    loop_timer_start_within_ms (line->timer, 0);
}

void
lines_hold (line_turn_t *turn, uint64_t milliseconds)
{
    uint64_t until_ms = clock_mono_ms () + milliseconds;
    if (turn->line->free_ms < until_ms)
        turn->line->free_ms = until_ms;
}

unsigned *
lines_refused (line_turn_t *turn)
{
    return &turn->line->refused;
}

unsigned
lines_waiting (const lines_t *self)
{
    return self->waiting;
}
