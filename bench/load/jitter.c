//  jitter — how late this machine wakes a thread that sleeps: what every delay measured here has in
//  it, whoever is measured. See plan.h.

#include "histogram.h"
#include "plan.h"

#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#define CPUS_MOST 64u
#define EVERY_NS 500000u         //  as often as a message of 2,000 a second
#define SECOND_NS 1000000000u
#define CANNOT_BEGIN 69

typedef struct {
    pthread_t thread;
    histogram_t lateness;
    unsigned seconds;
} sleeper_t;

static void *
s_sleep (void *argument)
{
    sleeper_t *self = argument;
    uint64_t due = clock_read (CLOCK_MONOTONIC, SECOND_NS);
    for (uint64_t end = due + (uint64_t) self->seconds * SECOND_NS; due < end;) {
        due += EVERY_NS;
        struct timespec until = { (time_t) (due / SECOND_NS), (long) (due % SECOND_NS) };
        while (clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
            ;
        uint64_t now = clock_read (CLOCK_MONOTONIC, SECOND_NS);
        histogram_add (&self->lateness, (now - due) / 1000);
    }
    return NULL;
}

//  A thread stays on its CPU: a pause is often one CPU's alone.
static bool
s_start (sleeper_t *self, unsigned cpu)
{
    cpu_set_t only;
    CPU_ZERO (&only);
    CPU_SET (cpu, &only);
    pthread_attr_t attributes;
    pthread_attr_init (&attributes);
    pthread_attr_setaffinity_np (&attributes, sizeof only, &only);
    int code = pthread_create (&self->thread, &attributes, s_sleep, self);
    pthread_attr_destroy (&attributes);
    if (code)
        fprintf (stderr, "bench-load: no thread on CPU %u: %s\n", cpu, strerror (code));
    return code == 0;
}

int
machine_jitter (const plan_t *plan)
{
    static sleeper_t s_sleepers[CPUS_MOST];
    static histogram_t s_all;
    cpu_set_t allowed;
    unsigned count = 0;
    prctl (PR_SET_TIMERSLACK, 1ul);   //  ns; its threads inherit it
    int code = sched_getaffinity (0, sizeof allowed, &allowed) ? CANNOT_BEGIN : 0;
    for (unsigned cpu = 0; cpu < CPU_SETSIZE && count < CPUS_MOST && code == 0; cpu++) {
        if (!CPU_ISSET (cpu, &allowed))
            continue;
        s_sleepers[count].seconds = plan->seconds;
        if (s_start (&s_sleepers[count], cpu))
            count++;
        else
            code = CANNOT_BEGIN;
    }
    for (unsigned at = 0; at < count; at++) {
        pthread_join (s_sleepers[at].thread, NULL);
        histogram_merge (&s_all, &s_sleepers[at].lateness);
    }
    histogram_print (&s_all, "late");
    return code;
}
