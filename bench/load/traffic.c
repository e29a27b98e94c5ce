//  traffic — visitors who send and agents who listen. See plan.h.

#include "conversation.h"
#include "plan.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000u          //  µs
#define READY_WITHIN 30 * SECOND
#define QUIET_WITHIN 15 * SECOND
#define CANNOT_BEGIN 69

typedef struct {
    const plan_t *plan;
    measurement_t measurement;
    conversation_t **pairs;
    unsigned conversation_count;
    uint64_t next_send;              //  open loop: the number of the next message of all
    uint64_t start_us;
    uint64_t cpu_us[PLAN_GAUGES_MOST];
    uint64_t own_cpu_us;
    uint64_t machine_cpu_us;
} traffic_t;

static uint64_t
s_own_cpu_us (void)
{
    return clock_read (CLOCK_PROCESS_CPUTIME_ID, SECOND);
}

// ---------------------------------------------------------------------------------------------
//  Beginning and end

//  Pairs come a few at a time: how many can come at once is another measurement's question.
static bool
s_make_pairs (traffic_t *self)
{
    measurement_t *measurement = &self->measurement;
    unsigned count = self->plan->sessions;
    uint64_t until = clock_mono_us () + READY_WITHIN;
    self->pairs = calloc (count, sizeof *self->pairs);
    assert (self->pairs);
    while (measurement->ready < count) {
        while (self->conversation_count < count
               && self->conversation_count - measurement->ready < self->plan->at_once) {
            conversation_t *pair = conversation_new (measurement, self->conversation_count);
            if (!pair) {
                fprintf (stderr, "bench-load: cannot connect: %s\n", strerror (errno));
                return false;
            }
            self->pairs[self->conversation_count++] = pair;
        }
        ws_loop_turn (measurement->loop, clock_mono_us () + SECOND / 10);
        if (measurement->gone > 0 || clock_mono_us () > until) {
            fprintf (stderr, "bench-load: %u of %u sessions are ready; %u connections gone %s\n",
                     measurement->ready, count, measurement->gone, measurement->why);
            return false;
        }
    }
    return true;
}

static bool
s_begin (traffic_t *self, const plan_t *plan)
{
    *self = (traffic_t){ .plan = plan };
    measurement_t *measurement = &self->measurement;
    measurement->loop = ws_loop_new ();
    measurement->ports = plan->ports;
    measurement->port_count = plan->port_count;
    measurement->run = plan->run;
    measurement->data_size = plan->data_size;
    measurement->listeners = plan->listeners;
    measurement->is_patient = plan->is_patient;
    measurement->is_widget = plan->is_widget;
    return measurement->loop && s_make_pairs (self);
}

static void
s_end (traffic_t *self)
{
    for (unsigned index = 0; index < self->conversation_count; index++)
        conversation_destroy (&self->pairs[index]);
    free (self->pairs);
    ws_loop_destroy (&self->measurement.loop);
}

static bool
s_is_quiet (const traffic_t *self)
{
    for (unsigned index = 0; index < self->conversation_count; index++)
        if (!conversation_is_quiet (self->pairs[index]))
            return false;
    return true;
}

static void
s_go_on (traffic_t *self)
{
    for (unsigned index = 0; self->plan->is_patient && index < self->conversation_count; index++)
        conversation_go_on (self->pairs[index]);
}

//  What is under way arrives, or is lost.
static void
s_wait_quiet (traffic_t *self)
{
    uint64_t until = clock_mono_us () + QUIET_WITHIN;
    self->measurement.is_open = false;
    while (!s_is_quiet (self) && clock_mono_us () < until) {
        ws_loop_turn (self->measurement.loop, clock_mono_us () + SECOND / 20);
        s_go_on (self);
    }
}

// ---------------------------------------------------------------------------------------------
//  Measuring

static void
s_set_times (traffic_t *self)
{
    self->start_us = clock_mono_us ();
    self->measurement.from_us = self->start_us + (uint64_t) self->plan->warm_up_seconds * SECOND;
    self->measurement.to_us = self->measurement.from_us + (uint64_t) self->plan->seconds * SECOND;
}

//  From now on CPU time is counted.
static void
s_start_gauges (traffic_t *self)
{
    for (unsigned index = 0; index < self->plan->sampler_count; index++)
        self->cpu_us[index] = sampler_cpu_us (&self->plan->gauges[index]);
    self->own_cpu_us = s_own_cpu_us ();
    self->machine_cpu_us = sampler_machine_cpu_us ();
}

static void
s_stop_gauges (traffic_t *self)
{
    for (unsigned index = 0; index < self->plan->sampler_count; index++)
        self->cpu_us[index] = sampler_cpu_us (&self->plan->gauges[index]) - self->cpu_us[index];
    self->own_cpu_us = s_own_cpu_us () - self->own_cpu_us;
    self->machine_cpu_us = sampler_machine_cpu_us () - self->machine_cpu_us;
}

//  CPU time of neither the watched ones nor this one: it tells a disturbed run from a good one.
static double
s_others_percent (const traffic_t *self)
{
    uint64_t known = self->own_cpu_us;
    for (unsigned index = 0; index < self->plan->sampler_count; index++)
        known += self->cpu_us[index];
    uint64_t others = self->machine_cpu_us > known ? self->machine_cpu_us - known : 0;
    return (double) others * 100 / SECOND / self->plan->seconds;
}

//  Turns the loop through warm-up and measured time; `send` is called before each turn and says
//  when it wants to be called again.
static void
s_run (traffic_t *self, uint64_t (*send) (traffic_t *self))
{
    measurement_t *measurement = &self->measurement;
    bool is_measuring = false;
    for (uint64_t now; (now = clock_mono_us ()) < measurement->to_us;) {
        if (!is_measuring && now >= measurement->from_us) {
            is_measuring = true;
            s_start_gauges (self);
        }
        uint64_t until = send (self);
        uint64_t mark = is_measuring ? measurement->to_us : measurement->from_us;
        ws_loop_turn (measurement->loop, until < mark ? until : mark);
    }
    s_stop_gauges (self);
}

static int
s_report (traffic_t *self)
{
    measurement_t *measurement = &self->measurement;
    faults_t *faults = &measurement->faults;
    unsigned seconds = self->plan->seconds;
    uint64_t sent = 0;
    for (unsigned index = 0; index < self->conversation_count; index++) {
        ledger_close (conversation_tally (self->pairs[index]), faults);
        sent += conversation_tally (self->pairs[index])->sent;
    }
    //  A message counts when it is both stored and delivered.
    uint64_t done = measurement->acked < measurement->delivered ? measurement->acked
                                                                : measurement->delivered;
    printf ("sent=%" PRIu64 "\nper_second=%" PRIu64 "\n", sent, done / seconds);
    histogram_print (&measurement->ack_delay, "ack");
    histogram_print (&measurement->delivery_delay, "delivery");
    for (unsigned index = 0; index < self->plan->sampler_count; index++)
        printf ("cpu_%s_us=%.1f\n", self->plan->gauges[index].name,
                done ? (double) self->cpu_us[index] / (double) done : 0.0);
    printf ("cpu_load_us=%.1f\n", done ? (double) self->own_cpu_us / (double) done : 0.0);
    printf ("cpu_others_percent=%.0f\n", s_others_percent (self));
    printf ("lost=%" PRIu64 "\ndoubled=%" PRIu64 "\ndisordered=%" PRIu64 "\n", faults->lost,
            faults->doubled, faults->disordered);
    printf ("overheard=%" PRIu64 "\n", measurement->overheard);
    printf ("busies=%" PRIu64 "\n", measurement->busies);
    printf ("unanswered=%" PRIu64 "\nrefused=%" PRIu64 "\nstrange=%" PRIu64 "\ngone=%u\n",
            faults->unanswered, faults->refused, faults->strange, measurement->gone);
    if (measurement->gone > 0)
        fprintf (stderr, "bench-load: %u connections are gone, the last one: %s\n",
                 measurement->gone, measurement->why);
    return faults->lost || faults->doubled || faults->disordered || faults->unanswered
           || faults->strange || measurement->gone;
}

static int
s_traffic (const plan_t *plan, uint64_t (*start) (traffic_t *self),
           uint64_t (*send) (traffic_t *self))
{
    static traffic_t s_self;
    int code = CANNOT_BEGIN;
    if (s_begin (&s_self, plan)) {
        s_set_times (&s_self);
        s_self.measurement.is_open = true;
        start (&s_self);
        s_run (&s_self, send);
        s_wait_quiet (&s_self);
        code = s_report (&s_self);
    }
    s_end (&s_self);
    return code;
}

// ---------------------------------------------------------------------------------------------
//  Closed loop: each pair goes on by itself, once it was set going.

static uint64_t
s_wait (traffic_t *self)
{
    (void) self;
    return UINT64_MAX;
}

static uint64_t
s_fill_all (traffic_t *self)
{
    self->measurement.window = self->plan->window;
    for (unsigned index = 0; index < self->conversation_count; index++)
        conversation_fill (self->pairs[index]);
    return UINT64_MAX;
}

int
traffic_closed (const plan_t *plan)
{
    return s_traffic (plan, s_fill_all, s_wait);
}

// ---------------------------------------------------------------------------------------------
//  Open loop: message n of all is due at start + n / rate, and is the next pair's.

static uint64_t
s_due_us (const traffic_t *self)
{
    return self->start_us + self->next_send * SECOND / self->plan->rate;
}

static uint64_t
s_send_due (traffic_t *self)
{
    uint64_t now = clock_mono_us ();
    while (s_due_us (self) <= now) {
        conversation_t *pair = self->pairs[self->next_send % self->conversation_count];
        if (!conversation_send (pair, s_due_us (self)))
            self->measurement.faults.unanswered++;
        self->next_send++;
    }
    return s_due_us (self);
}

int
traffic_open (const plan_t *plan)
{
    return s_traffic (plan, s_send_due, s_send_due);
}
