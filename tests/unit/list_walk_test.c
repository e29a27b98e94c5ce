//  list_walk — everything that stands in the list is seen once, a part in each turn, whatever comes
//  and goes meanwhile.

#include "session/list_walk.h"

#include <criterion/criterion.h>

enum { THINGS = 10 };

typedef struct {
    list_t place;
    unsigned seen;
} thing_t;

static uv_loop_t s_loop;
static list_t s_list;
static thing_t s_things[THINGS + 1];
static list_walk_t *s_walk;
static thing_t *s_to_remove; //  when the next one is seen

static void
s_see (list_t *link)
{
    LIST_THING (link, thing_t, place)->seen++;
    if (s_to_remove)
        list_remove (&s_to_remove->place);
    s_to_remove = NULL;
}

static void
s_begin (void)
{
    uv_loop_init (&s_loop);
    list_init (&s_list);
    for (unsigned at = 0; at <= THINGS; at++)
        list_init (&s_things[at].place);
    for (unsigned at = 0; at < THINGS; at++)
        list_append (&s_list, &s_things[at].place);
    s_walk = list_walk_new (&s_loop, &s_list, s_see);
}

static void
s_end (void)
{
    list_walk_destroy (&s_walk);
    list_walk_destroy (&s_walk);
    uv_run (&s_loop, UV_RUN_DEFAULT);
    cr_assert_eq (uv_loop_close (&s_loop), 0);
}

TestSuite (list_walk, .init = s_begin, .fini = s_end);

static unsigned
s_seen (void)
{
    unsigned seen = 0;
    for (unsigned at = 0; at <= THINGS; at++)
        seen += s_things[at].seen;
    return seen;
}

Test (list_walk, sees_a_part_in_each_turn)
{
    uv_run (&s_loop, UV_RUN_NOWAIT);
    cr_assert_eq (s_seen (), 0);
    list_walk_start (s_walk, 4);
    cr_assert_eq (s_seen (), 4);
    uv_run (&s_loop, UV_RUN_ONCE);
    cr_assert_eq (s_seen (), 8);
    uv_run (&s_loop, UV_RUN_DEFAULT);
    for (unsigned at = 0; at < THINGS; at++)
        cr_assert_eq (s_things[at].seen, 1);
}

Test (list_walk, begins_anew)
{
    list_walk_start (s_walk, 4);
    list_walk_start (s_walk, 4);
    uv_run (&s_loop, UV_RUN_DEFAULT);
    for (unsigned at = 0; at < THINGS; at++)
        cr_assert_geq (s_things[at].seen, 1);
    cr_assert_eq (s_seen (), THINGS + 4);
}

Test (list_walk, things_come_and_go)
{
    s_to_remove = &s_things[5];
    list_walk_start (s_walk, 4);
    list_remove (&s_things[0].place); //  seen already
    list_append (&s_list, &s_things[THINGS].place);
    uv_run (&s_loop, UV_RUN_DEFAULT);
    for (unsigned at = 0; at < THINGS; at++)
        if (at != 5)
            cr_assert_geq (s_things[at].seen, 1, "%u", at);
    cr_assert_eq (s_things[5].seen, 0);
    while (!list_is_empty (&s_list))
        list_remove (s_list.next);
    list_walk_start (s_walk, 4);
    uv_run (&s_loop, UV_RUN_DEFAULT);
}

Test (list_walk, ends_in_the_middle)
{
    list_walk_start (s_walk, 1);
    list_walk_destroy (&s_walk);
    uv_run (&s_loop, UV_RUN_DEFAULT);
    cr_assert_eq (s_seen (), 1);
}
