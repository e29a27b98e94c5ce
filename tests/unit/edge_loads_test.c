//  edge_loads — what a postoffice tells edges of all of them: whom it counts, since when nothing
//  has changed, and how often it says so.

#include "edge_loads.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <uv.h>

static edge_loads_t *s_loads;
static uint64_t s_now;
static char s_story[2000];

uint64_t
uv_now (const uv_loop_t *loop)
{
    (void) loop;
    return s_now;
}

int
bus_server_send (bus_server_t *self, peer_t peer, const bus_record_t *record)
{
    (void) self;
    size_t size = strlen (s_story);
    const bus_loads_t *loads = &record->loads;
    cr_assert_eq (record->kind, BUS_LOADS);
    snprintf (s_story + size, sizeof s_story - size, "%se%u %u/%u/%u %u", size ? ", " : "",
              (unsigned) peer, (unsigned) loads->edges, (unsigned) loads->connections,
              (unsigned) loads->silent, (unsigned) loads->settled_ms);
    return 0;
}

static void
s_begin (void)
{
    s_now = 10000;
    s_loads = edge_loads_new (NULL, NULL);
}

static void
s_end (void)
{
    edge_loads_destroy (&s_loads);
}

TestSuite (edge_loads, .init = s_begin, .fini = s_end);

static void
s_expect (uint64_t after_ms, const char *story)
{
    *s_story = 0;
    s_now += after_ms;
    edge_loads_tick (s_loads);
    cr_expect_str_eq (s_story, story);
}

static void
s_says (peer_t peer, uint64_t connections, bool ends)
{
    edge_loads_said (s_loads, peer, &(bus_load_t){ .connections = connections, .ends = ends });
}

Test (edge_loads, each_is_told_of_all_once_a_second)
{
    edge_loads_up (s_loads, 1, true);
    edge_loads_up (s_loads, 2, true);
    s_expect (EDGE_LOADS_EVERY_MS, "e1 0/0/2 1000, e2 0/0/2 1000");
    s_says (1, 70, false);
    s_says (2, 30, false);
    s_says (9, 500, false); //  a worker, or nobody
    s_expect (EDGE_LOADS_EVERY_MS - 1, "");
    s_expect (1, "e1 2/100/0 2000, e2 2/100/0 2000");
}

Test (edge_loads, an_edge_of_before_is_silent_and_told_nothing)
{
    edge_loads_up (s_loads, 1, true);
    edge_loads_up (s_loads, 2, false);
    s_says (1, 70, false);
    s_expect (1000, "e1 1/70/1 1000");
}

Test (edge_loads, who_ends_or_is_gone_counts_no_more)
{
    edge_loads_up (s_loads, 1, true);
    edge_loads_up (s_loads, 2, true);
    s_says (1, 70, false);
    s_says (2, 30, false);
    s_now += 60000;
    s_says (2, 29, true);
    s_expect (1000, "e1 1/70/0 1000, e2 1/70/0 1000");
    s_says (2, 10, true);
    s_expect (1000, "e1 1/70/0 2000, e2 1/70/0 2000");
    edge_loads_down (s_loads, 2);
    edge_loads_down (s_loads, 2);
    s_expect (1000, "e1 1/70/0 1000");
}

Test (edge_loads, the_sum_of_any_numbers_is_one)
{
    edge_loads_up (s_loads, 1, true);
    edge_loads_up (s_loads, 2, false);
    s_says (1, UINT64_MAX, false);
    s_says (2, UINT64_MAX, false);
    s_expect (1000, "e1 2/4294967294/0 1000");
}
