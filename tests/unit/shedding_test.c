//  shedding — three edges, 10,000 clients and a balancer that knows nothing of it, over simulated
//  minutes: clients of before reach the edges that were added, and then nobody is moved any more.

#include "session/shedding.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>

#define EDGES 3
#define CLIENTS 10000
#define STEP 375            //  ms between two looks of an edge
#define AWAY_MOST 2000      //  ms until a client is back
#define SECONDS(ms) ((ms) * UINT64_C (1000))

typedef struct world world_t;
typedef unsigned balancer_fn (world_t *self, unsigned from);

struct world {
    unsigned edges;
    shedding_t *shedding[EDGES];
    uint64_t clients[EDGES];
    uint64_t said[EDGES];       //  of a second ago
    uint64_t back[EDGES][AWAY_MOST / STEP + 2]; //  who comes back from this edge, by steps from now
    uint64_t now_ms, settled_from_ms, moved;
    uint64_t least;             //  that the first edge had at any time
    uint64_t random;
    unsigned turn;
    balancer_fn *balancer;
};

static const shedding_config_t s_config = { .share = 2, .above = 10, .after_ms = 60000 };
static world_t s_world;

static uint64_t
s_random (world_t *self, uint64_t below)
{
    self->random ^= self->random << 13;
    self->random ^= self->random >> 7;
    self->random ^= self->random << 17;
    return self->random % below;
}

static unsigned
s_by_chance (world_t *self, unsigned from)
{
    (void) from;
    return (unsigned) s_random (self, self->edges);
}

static unsigned
s_by_turns (world_t *self, unsigned from)
{
    (void) from;
    return self->turn++ % self->edges;
}

static unsigned
s_to_the_emptiest (world_t *self, unsigned from)
{
    unsigned least = from;
    for (unsigned at = 0; at < self->edges; at++)
        if (self->clients[at] < self->clients[least])
            least = at;
    return least;
}

//  As a balancer that goes by the client's address.
static unsigned
s_where_it_was (world_t *self, unsigned from)
{
    (void) self;
    return from;
}

static void
s_begin_world (balancer_fn *balancer, unsigned edges)
{
    s_world = (world_t){ .edges = edges,
                         .now_ms = 1000,
                         .settled_from_ms = 1000,
                         .clients = { CLIENTS },
                         .said = { CLIENTS },
                         .least = CLIENTS,
                         .random = 88172645463325252,
                         .balancer = balancer };
    for (unsigned at = 0; at < EDGES; at++)
        s_world.shedding[at] = shedding_new (&s_config);
}

static void
s_end_world (void)
{
    for (unsigned at = 0; at < EDGES; at++)
        shedding_destroy (&s_world.shedding[at]);
}

static void
s_tell (world_t *self, uint64_t silent)
{
    bus_loads_t loads = { .edges = self->edges - silent,
                          .silent = silent,
                          .settled_ms = self->now_ms - self->settled_from_ms };
    for (unsigned at = 0; at < self->edges; at++)
        loads.connections += self->said[at];
    for (unsigned at = 0; at < self->edges; at++)
        shedding_told (self->shedding[at], 1, &loads, self->now_ms);
}

static void
s_come_back (world_t *self)
{
    for (unsigned from = 0; from < self->edges; from++) {
        uint64_t *back = self->back[from];
        for (uint64_t count = back[0]; count > 0; count--)
            self->clients[self->balancer (self, from)]++;
        memmove (back, back + 1, sizeof self->back[from] - sizeof *back);
        back[AWAY_MOST / STEP + 1] = 0;
    }
}

static void
s_step (world_t *self)
{
    self->now_ms += STEP;
    s_come_back (self);
    for (unsigned at = 0; at < self->edges; at++) {
        uint64_t count =
            shedding_step (self->shedding[at], self->clients[at], self->now_ms);
        shedding_sent (self->shedding[at], count);
        self->clients[at] -= count;
        self->moved += count;
        for (; count > 0; count--)
            self->back[at][1 + s_random (self, AWAY_MOST / STEP)]++;
    }
    self->least = self->clients[0] < self->least ? self->clients[0] : self->least;
}

//  Postoffices tell each second, and of what edges said before.
static void
s_run (uint64_t seconds)
{
    world_t *self = &s_world;
    for (uint64_t until = self->now_ms + SECONDS (seconds); self->now_ms < until;) {
        s_tell (self, 0);
        memcpy (self->said, self->clients, sizeof self->said);
        for (unsigned step = 0; step < 3; step++)
            s_step (self);
    }
}

static void
s_expect_even (uint64_t percent)
{
    uint64_t mean = CLIENTS / s_world.edges;
    for (unsigned at = 0; at < s_world.edges; at++)
        cr_expect (s_world.clients[at] <= mean * (100 + percent) / 100
                       && s_world.clients[at] >= mean * (100 - percent) / 100,
                   "edge %u has %" PRIu64 " of %d", at, s_world.clients[at], CLIENTS);
}

//  They reach the mean in some minutes, nobody is moved more often than it takes, the edge that had
//  all does not fall below the mean, and half an hour later nobody more was moved.
static void
s_converges (balancer_fn *balancer, unsigned edges, uint64_t moved_most)
{
    s_begin_world (balancer, edges);
    s_run (58);
    cr_expect_eq (s_world.moved, 0, "nobody goes before edges have settled");
    s_run (30);
    cr_expect_lt (s_world.moved, CLIENTS / 2, "slowly");
    s_run (540);
    s_expect_even (12);
    cr_expect_geq (s_world.least, CLIENTS / edges * 98 / 100);
    uint64_t moved = s_world.moved;
    cr_expect_leq (moved, moved_most);
    s_run (1800);
    cr_expect_eq (s_world.moved, moved, "it does not oscillate");
    s_expect_even (12);
    s_end_world ();
}

Test (shedding, converges_where_the_balancer_chooses_by_chance)
{
    s_converges (s_by_chance, EDGES, CLIENTS * 11 / 10);
}

Test (shedding, converges_with_two_edges)
{
    s_converges (s_by_chance, 2, CLIENTS * 11 / 10);
}

Test (shedding, converges_where_the_balancer_goes_by_turns)
{
    s_converges (s_by_turns, EDGES, CLIENTS * 11 / 10);
}

Test (shedding, converges_where_the_balancer_takes_the_emptiest)
{
    s_converges (s_to_the_emptiest, EDGES, CLIENTS * 7 / 10);
}

Test (shedding, a_balancer_s_noise_moves_nobody)
{
    s_begin_world (s_by_chance, EDGES);
    memset (s_world.clients, 0, sizeof s_world.clients);
    for (unsigned at = 0; at < CLIENTS; at++)
        s_world.clients[s_by_chance (&s_world, 0)]++;
    memcpy (s_world.said, s_world.clients, sizeof s_world.said);
    s_run (3600);
    cr_expect_eq (s_world.moved, 0);
    s_end_world ();
}

//  It stops when as many went as were above the mean, and tries again more and more seldom.
Test (shedding, a_balancer_that_sends_everybody_back_ends_it)
{
    uint64_t above = CLIENTS - CLIENTS / EDGES;
    s_begin_world (s_where_it_was, EDGES);
    s_run (300);
    cr_expect_geq (s_world.moved, above * 95 / 100);
    cr_expect_leq (s_world.moved, above);
    uint64_t moved = s_world.moved;
    s_run (300);
    cr_expect_eq (s_world.moved, moved, "it rests");
    s_run (6 * 3600);
    cr_expect_leq (s_world.moved, 7 * above);
    s_end_world ();
}

Test (shedding, an_edge_that_is_alone_keeps_all)
{
    s_begin_world (s_by_chance, 1);
    s_run (600);
    cr_expect_eq (s_world.moved, 0);
    cr_expect_eq (shedding_mean (s_world.shedding[0]), CLIENTS);
    s_end_world ();
}

//  Everybody is moved by a rollout anyhow.
Test (shedding, waits_while_edges_come_and_go)
{
    s_begin_world (s_by_chance, EDGES);
    for (unsigned change = 0; change < 10; change++) {
        s_run (45);
        s_world.settled_from_ms = s_world.now_ms;
    }
    cr_expect_eq (s_world.moved, 0);
    s_run (70);
    cr_expect_gt (s_world.moved, 0);
    s_end_world ();
}

// ---------------------------------------------------------------------------------------------
//  One edge with 1,000 clients, and what postoffices say

static uint64_t
s_after_ten_seconds (shedding_t *self, uint64_t from_ms)
{
    uint64_t count = 0;
    for (uint64_t ms = 0; ms <= 10000; ms += 500)
        count += shedding_step (self, 1000, from_ms + ms);
    return count;
}

static uint64_t
s_hears (bus_loads_t first, bus_loads_t second, uint64_t share, uint64_t later_ms)
{
    shedding_config_t config = s_config;
    config.share = share;
    shedding_t *self = shedding_new (&config);
    shedding_told (self, 0, &first, 1000 + later_ms);
    shedding_told (self, 1, &second, 1000 + later_ms);
    uint64_t count = 0;
    for (uint64_t ms = 0; ms <= 2000; ms += 500)
        count += shedding_step (self, 1000, 1000 + later_ms + ms);
    shedding_destroy (&self);
    return count;
}

#define LOADS(edges_, connections_, silent_, settled_)                                           \
    ((bus_loads_t){ .edges = edges_,                                                             \
                    .connections = connections_,                                                 \
                    .silent = silent_,                                                           \
                    .settled_ms = settled_ })

Test (shedding, believes_the_highest_mean_and_the_shortest_rest)
{
    const bus_loads_t good = LOADS (2, 1000, 0, 60000);
    cr_expect_gt (s_hears (good, good, 2, 0), 0);
    cr_expect_eq (s_hears (good, good, 0, 0), 0, "a share of 0 switches it off");
    cr_expect_eq (s_hears (good, LOADS (2, 2000, 0, 60000), 2, 0), 0, "another mean");
    cr_expect_eq (s_hears (good, LOADS (2, 1000, 0, 59000), 2, 0), 0, "an edge came there");
    cr_expect_eq (s_hears (good, LOADS (2, 1000, 1, 60000), 2, 0), 0, "an edge of before");
    cr_expect_eq (s_hears (good, LOADS (1, 1000, 0, 60000), 2, 0), 0, "only this edge is there");
    cr_expect_gt (s_hears (good, LOADS (0, 0, 0, 0), 2, 0), 0, "it knows of none");
    cr_expect_eq (s_hears (good, LOADS (2, UINT64_MAX, 0, 60000), 2, 0), 0, "any number");
}

Test (shedding, old_news_count_no_more)
{
    shedding_t *self = shedding_new (&s_config);
    shedding_told (self, 3, &LOADS (2, 1000, 0, 60000), 1000);
    cr_expect_gt (s_after_ten_seconds (self, 1000), 0);
    cr_expect_eq (s_after_ten_seconds (self, 20000), 0);
    cr_expect_eq (shedding_mean (self), 0);
    shedding_told (self, 3, &LOADS (2, 1000, 0, 60000), 40000);
    shedding_postoffice_down (self, 3);
    cr_expect_eq (s_after_ten_seconds (self, 40000), 0);
    shedding_destroy (&self);
}

//  Nobody was there who could go: it goes on asking for them.
Test (shedding, counts_those_who_went_and_not_those_who_were_due)
{
    shedding_t *self = shedding_new (&s_config);
    uint64_t due = 0;
    for (uint64_t ms = 1000; ms < 1000000; ms += 500) {
        shedding_told (self, 3, &LOADS (2, 1000, 0, 60000), ms);
        due += shedding_step (self, 1000, ms);
    }
    cr_expect_gt (due, 9000);
    shedding_destroy (&self);
}

//  A process that stood still makes up for nothing.
Test (shedding, a_long_step_is_one_second)
{
    shedding_t *self = shedding_new (&s_config);
    shedding_told (self, 3, &LOADS (2, 1000, 0, 60000), 1000);
    (void) shedding_step (self, 1000, 1000);
    shedding_told (self, 3, &LOADS (2, 1000, 0, 60000), 3601000);
    cr_expect_leq (shedding_step (self, 1000, 3601000), 10);
    shedding_destroy (&self);
}
