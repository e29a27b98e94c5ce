//  crowd — many connections that join and then say nothing. See plan.h.

#include "plan.h"

#include "frame_reader.h"
#include "histogram.h"
#include "ws_link.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000u //  µs
#define JOINED_WITHIN 60 * SECOND
#define SETTLING SECOND * 2
//  These come first, so that what a service makes once is not taken for the price of a connection.
#define FIRST_COMERS 50u
#define CANNOT_BEGIN 69

typedef struct crowd crowd_t;

typedef struct {
    crowd_t *crowd;
    unsigned number;
    ws_link_t *link;
    uint64_t from_us;
} visitor_t;

struct crowd {
    const plan_t *plan;
    ws_loop_t *loop;
    visitor_t *visitors;
    unsigned begun, joined, gone;
    char why[64];          //  the last one has gone
    histogram_t delay;     //  from connect to joined
};

static void
s_opened (void *owner, ws_link_t *link)
{
    const visitor_t *self = owner;
    char text[256];
    int size = snprintf (text, sizeof text,
                         "{\"event\":\"user joined\",\"sessionId\":\"%s-%u\","
                         "\"timeMs\":%" PRIu64 "}",
                         self->crowd->plan->run, self->number, clock_wall_ms ());
    (void) !ws_link_say (link, text, (size_t) size);
}

static void
s_gone (void *owner, ws_link_t *link, const char *why)
{
    crowd_t *crowd = ((visitor_t *) owner)->crowd;
    (void) link;
    crowd->gone++;
    snprintf (crowd->why, sizeof crowd->why, "%s", why);
}

static void
s_hears (void *owner, ws_link_t *link, text_t text)
{
    const visitor_t *self = owner;
    switch (frame_event (text)) {
    case FRAME_CONNECTION_UPDATE:
        self->crowd->joined++;
        histogram_add (&self->crowd->delay, clock_mono_us () - self->from_us);
        break;
    case FRAME_REFUSAL:
        s_gone (owner, link, "refused");
        break;
    case FRAME_ACK:
    case FRAME_NEW_MESSAGE:
    case FRAME_OTHER:
        break;
    }
}

static bool
s_visitor_comes (crowd_t *self)
{
    static const ws_events_t s_events = { s_opened, s_hears, s_gone };
    visitor_t *visitor = &self->visitors[self->begun];
    char target[128];
    *visitor
        = (visitor_t){ .crowd = self, .number = self->begun, .from_us = clock_mono_us () };
    snprintf (target, sizeof target, "/?userId=visitor-%s-%u&protocol=2", self->plan->run,
              self->begun);
    uint16_t port = self->plan->ports[self->begun % self->plan->port_count];
    visitor->link = ws_link_new (self->loop, port, target, &s_events, visitor);
    if (!visitor->link) {
        fprintf (stderr, "bench-load: cannot connect: %s\n", strerror (errno));
        return false;
    }
    self->begun++;
    return true;
}

//  Until so many are in.
static bool
s_come (crowd_t *self, unsigned count)
{
    uint64_t until = clock_mono_us () + JOINED_WITHIN;
    while (self->joined < count) {
        while (self->begun < count && self->begun - self->joined < self->plan->at_once)
            if (!s_visitor_comes (self))
                return false;
        ws_loop_turn (self->loop, clock_mono_us () + SECOND / 10);
        if (self->gone > 0 || clock_mono_us () > until) {
            fprintf (stderr, "bench-load: %u of %u connections have joined; %u are gone %s\n",
                     self->joined, count, self->gone, self->why);
            return false;
        }
    }
    return true;
}

static bool
s_begin (crowd_t *self, const plan_t *plan)
{
    *self = (crowd_t){ .plan = plan, .loop = ws_loop_new () };
    self->visitors = calloc (plan->connections + FIRST_COMERS, sizeof *self->visitors);
    assert (self->visitors);
    return self->loop != NULL;
}

static void
s_end (crowd_t *self)
{
    for (unsigned index = 0; index < self->begun; index++)
        ws_link_destroy (&self->visitors[index].link);
    free (self->visitors);
    ws_loop_destroy (&self->loop);
}

static void
s_stay (crowd_t *self, uint64_t time_us)
{
    for (uint64_t until = clock_mono_us () + time_us; clock_mono_us () < until;)
        ws_loop_turn (self->loop, until);
}

static void
s_read_gauges (const plan_t *plan, uint64_t (*read) (const sampler_t *gauge), uint64_t *values)
{
    for (unsigned index = 0; index < plan->sampler_count; index++)
        values[index] = read (&plan->gauges[index]);
}

static int
s_measure_idle (crowd_t *self)
{
    const plan_t *plan = self->plan;
    uint64_t memory[2][PLAN_GAUGES_MOST], cpu[2][PLAN_GAUGES_MOST];
    if (!s_come (self, FIRST_COMERS))
        return CANNOT_BEGIN;
    s_stay (self, SETTLING);
    s_read_gauges (plan, sampler_pss_bytes, memory[0]);
    if (!s_come (self, FIRST_COMERS + plan->connections))
        return CANNOT_BEGIN;
    s_stay (self, SETTLING);
    s_read_gauges (plan, sampler_pss_bytes, memory[1]);
    s_read_gauges (plan, sampler_cpu_us, cpu[0]);
    s_stay (self, (uint64_t) plan->seconds * SECOND);
    s_read_gauges (plan, sampler_cpu_us, cpu[1]);

    printf ("connections=%u\n", plan->connections);
    for (unsigned index = 0; index < plan->sampler_count; index++) {
        const char *name = plan->gauges[index].name;
        double grown = (double) memory[1][index] - (double) memory[0][index];
        printf ("memory_%s_bytes=%.0f\n", name, grown / plan->connections);
        printf ("total_%s_bytes=%" PRIu64 "\n", name, memory[1][index]);
        printf ("cpu_%s_percent=%.2f\n", name,
                (double) (cpu[1][index] - cpu[0][index]) * 100 / SECOND / plan->seconds);
    }
    printf ("gone=%u\n", self->gone);
    return self->gone > 0;
}

int
crowd_idle (const plan_t *plan)
{
    static crowd_t s_self;
    int code = s_begin (&s_self, plan) ? s_measure_idle (&s_self) : CANNOT_BEGIN;
    s_end (&s_self);
    return code;
}

int
crowd_storm (const plan_t *plan)
{
    static crowd_t s_self;
    int code = CANNOT_BEGIN;
    if (s_begin (&s_self, plan)) {
        uint64_t start = clock_mono_us ();
        if (s_come (&s_self, plan->connections)) {
            printf ("connections=%u\nall_joined_us=%" PRIu64 "\n", plan->connections,
                    clock_mono_us () - start);
            histogram_print (&s_self.delay, "join");
            code = 0;
        }
    }
    s_end (&s_self);
    return code;
}
