//  reconnect_storm — a crowd that comes, says nothing, and comes back when it is cut off. See
//  plan.h.
//
//  A visitor that was cut off waits for a random time of 0 to 5 s, as client.js is told to, and
//  resumes on any of the edges. When that fails it tries again: after 0.5 s at first, each time
//  twice as long up to 5 s, and a random part of that.

#include "plan.h"

#include "frame_reader.h"
#include "histogram.h"
#include "ws_link.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000u //  µs
#define LOOK_EVERY (SECOND / 50)
#define JOINED_WITHIN 120 * SECOND
#define ANSWER_WITHIN (15 * SECOND)
#define RETURN_WITHIN (5 * SECOND)
#define BACK_OFF_LEAST (SECOND / 2)
#define BACK_OFF_MOST (5 * SECOND)
#define CANNOT_BEGIN 69

typedef struct reunion reconnect_storm_t;

typedef enum { AWAY, COMING, IN, CUT_OFF } visitor_state_t;

typedef struct {
    reconnect_storm_t *reunion;
    unsigned number;
    unsigned tries; //  in vain since it was cut off
    ws_link_t *link;
    visitor_state_t state;
    bool has_joined;
    uint64_t at_us; //  away: when it comes; coming: since when
} visitor_t;

struct reunion {
    const plan_t *plan;
    ws_loop_t *loop;
    visitor_t *visitors;
    unsigned begun, in, round;
    uint64_t random;
    uint64_t from_us;      //  of this round: the first one was cut off
    uint64_t in_vain, refusals, cut_off;
    char why[64];
    histogram_t connect;   //  from connect to joined, of the try that succeeded
    histogram_t absence;   //  from cut off to joined
};

static volatile sig_atomic_t s_is_over;

static void
s_on_signal (int number)
{
    (void) number;
    s_is_over = 1;
}

static uint64_t
s_random (reconnect_storm_t *self, uint64_t below)
{
    self->random ^= self->random << 13;
    self->random ^= self->random >> 7;
    self->random ^= self->random << 17;
    return self->random % below;
}

// ---------------------------------------------------------------------------------------------
//  A visitor

static void
s_opened (void *owner, ws_link_t *link)
{
    const visitor_t *self = owner;
    char text[256];
    const char *event = self->has_joined ? "resume" : "user joined";
    int size = snprintf (text, sizeof text,
                         "{\"event\":\"%s\",\"sessionId\":\"%s-%u\",\"lastSeq\":%u,"
                         "\"timeMs\":%" PRIu64 "}",
                         event, self->reunion->plan->run, self->number, self->has_joined,
                         clock_wall_ms ());
    (void) !ws_link_say (link, text, (size_t) size);
}

static void
s_go_away (visitor_t *self, uint64_t after_us)
{
    self->state = CUT_OFF;
    self->at_us = clock_mono_us () + after_us;
}

static void
s_try_again (visitor_t *self)
{
    uint64_t most = BACK_OFF_LEAST << (self->tries < 4 ? self->tries : 4);
    self->reunion->in_vain++;
    self->tries++;
    s_go_away (self, s_random (self->reunion, most < BACK_OFF_MOST ? most : BACK_OFF_MOST));
}

static void
s_gone (void *owner, ws_link_t *link, const char *why)
{
    visitor_t *self = owner;
    reconnect_storm_t *reunion = self->reunion;
    (void) link;
    snprintf (reunion->why, sizeof reunion->why, "%s", why);
    if (self->state == IN) {
        reunion->in--;
        if (reunion->cut_off++ == 0)
            reunion->from_us = clock_mono_us ();
        s_go_away (self, s_random (reunion, RETURN_WITHIN));
    } else if (self->state == COMING)
        s_try_again (self);
}

static void
s_hears (void *owner, ws_link_t *link, text_t text)
{
    visitor_t *self = owner;
    reconnect_storm_t *reunion = self->reunion;
    frame_event_t event = frame_event (text);
    (void) link;
    if (event == FRAME_REFUSAL && self->state == COMING) {
        reunion->refusals++;
        s_try_again (self);
    }
    if (event != FRAME_CONNECTION_UPDATE || self->state != COMING)
        return;
    uint64_t now = clock_mono_us ();
    histogram_add (&reunion->connect, now - self->at_us);
    if (reunion->cut_off > 0)
        histogram_add (&reunion->absence, now - reunion->from_us);
    self->state = IN;
    self->has_joined = true;
    self->tries = 0;
    reunion->in++;
}

static void
s_come (visitor_t *self)
{
    static const ws_events_t s_events = { s_opened, s_hears, s_gone };
    reconnect_storm_t *reunion = self->reunion;
    const plan_t *plan = reunion->plan;
    char target[128];
    snprintf (target, sizeof target, "/?userId=visitor-%s-%u&protocol=2", plan->run, self->number);
    ws_link_destroy (&self->link);
    self->state = COMING;
    self->at_us = clock_mono_us ();
    self->link = ws_link_new (reunion->loop, plan->ports[s_random (reunion, plan->port_count)],
                              target, &s_events, self);
    if (!self->link) {
        snprintf (reunion->why, sizeof reunion->why, "%s", strerror (errno));
        s_try_again (self);
    }
}

static void
s_look_at_all (reconnect_storm_t *self)
{
    uint64_t now = clock_mono_us ();
    for (unsigned index = 0; index < self->begun; index++) {
        visitor_t *visitor = &self->visitors[index];
        if (visitor->state == CUT_OFF) {
            ws_link_destroy (&visitor->link);
            visitor->state = AWAY;
        }
        if (visitor->state == AWAY && visitor->at_us <= now)
            s_come (visitor);
        else if (visitor->state == COMING && now - visitor->at_us > ANSWER_WITHIN)
            s_try_again (visitor);
    }
}

// ---------------------------------------------------------------------------------------------
//  All of them

static bool
s_gather (reconnect_storm_t *self)
{
    uint64_t until = clock_mono_us () + JOINED_WITHIN;
    while (self->in < self->plan->connections && !s_is_over) {
        while (self->begun < self->plan->connections
               && self->begun - self->in < self->plan->at_once) {
            visitor_t *visitor = &self->visitors[self->begun];
            *visitor = (visitor_t){ .reunion = self, .number = self->begun++ };
            s_come (visitor);
        }
        ws_loop_turn (self->loop, clock_mono_us () + LOOK_EVERY);
        s_look_at_all (self);
        if (clock_mono_us () > until) {
            fprintf (stderr, "bench-load: %u of %u have joined; %s\n", self->in,
                     self->plan->connections, self->why);
            return false;
        }
    }
    return true;
}

static void
s_print_round (reconnect_storm_t *self)
{
    char name[32];
    snprintf (name, sizeof name, "round%u_connect", self->round);
    histogram_print (&self->connect, name);
    snprintf (name, sizeof name, "round%u_absence", self->round);
    histogram_print (&self->absence, name);
    printf ("round%u_cut_off=%" PRIu64 "\nround%u_in_vain=%" PRIu64 "\nround%u_refused=%" PRIu64
            "\n",
            self->round, self->cut_off, self->round, self->in_vain, self->round, self->refusals);
    printf ("round%u_all_back=1\n", self->round); //  the last line of a round
    fflush (stdout);
    self->connect = self->absence = (histogram_t){ 0 };
    self->cut_off = self->in_vain = self->refusals = 0;
    self->round++;
}

static void
s_stay (reconnect_storm_t *self)
{
    while (!s_is_over) {
        //  While nobody is missing there is nothing to look at: this costs CPU, too.
        bool is_quiet = self->in == self->plan->connections;
        ws_loop_turn (self->loop, clock_mono_us () + (is_quiet ? SECOND : LOOK_EVERY));
        if (self->cut_off == 0)
            continue;
        s_look_at_all (self);
        if (self->in == self->plan->connections)
            s_print_round (self);
    }
}

int
crowd_reunion (const plan_t *plan)
{
    static reconnect_storm_t s_self;
    reconnect_storm_t *self = &s_self;
    int code = CANNOT_BEGIN;
    *self = (reconnect_storm_t){ .plan = plan,
                                 .loop = ws_loop_new (),
                                 .random = clock_mono_us () | 1 };
    self->visitors = calloc (plan->connections, sizeof *self->visitors);
    assert (self->visitors);
    signal (SIGTERM, s_on_signal);
    if (self->loop && s_gather (self)) {
        s_print_round (self);
        s_stay (self);
        printf ("in=%u\n", self->in);
        code = self->in != plan->connections;
    }
    for (unsigned index = 0; index < self->begun; index++)
        ws_link_destroy (&self->visitors[index].link);
    free (self->visitors);
    ws_loop_destroy (&self->loop);
    return code;
}
