//  bench-load — puts load on the router, or on anything else that speaks as much of its protocol,
//  and measures what comes back.
//
//      bench-load MODE --ports=8080[,8081…] [--watch=edge=PID[,PID…]]…
//                 [--sessions=200] [--window=8] [--rate=2000] [--data=200]
//                 [--connections=2000] [--at-once=500] [--warm-up=2] [--seconds=10]
//                 [--talk=3] [--patient=0] [--listeners=0] [--widget=0]
//
//  MODE is closed, open, idle, storm, reunion, guests, a hostile one (garbage, huge, connects), or
//  jitter, which needs no port.
//  See plan.h for what each does and the exit codes; 64 for wrong arguments.

#include "plan.h"

#include "base/clock.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WRONG_ARGUMENTS 64

enum { PORTS = 1, WATCH, NUMBER };

static bool
s_read_ports (plan_t *plan, const char *text)
{
    for (const char *at = text; plan->port_count < PLAN_PORTS_MOST;) {
        char *end;
        unsigned long port = strtoul (at, &end, 10);
        if (port == 0 || port > UINT16_MAX || (*end && *end != ','))
            return false;
        plan->ports[plan->port_count++] = (uint16_t) port;
        if (!*end)
            return true;
        at = end + 1;
    }
    return false;
}

//  The numbers, their limits, and where they go.
typedef struct {
    const char *name;
    unsigned *place;
    unsigned least, most;
} number_t;

static bool
s_read_number (const number_t *number, const char *text)
{
    char *end;
    unsigned long value = strtoul (text, &end, 10);
    if (end == text || *end || value < number->least || value > number->most) {
        fprintf (stderr, "bench-load: %s is a number from %u to %u\n", number->name, number->least,
                 number->most);
        return false;
    }
    *number->place = (unsigned) value;
    return true;
}

static bool
s_read_option (plan_t *plan, const number_t *numbers, int option, const char *text)
{
    if (option == PORTS)
        return s_read_ports (plan, text);
    if (option == WATCH)
        return plan->sampler_count < PLAN_GAUGES_MOST
               && sampler_parse (&plan->gauges[plan->sampler_count++], text);
    return option >= NUMBER && s_read_number (&numbers[option - NUMBER], text);
}

static bool
s_read_options (plan_t *plan, int argc, char **argv)
{
    unsigned is_patient = 0, is_widget = 0;
    const number_t numbers[] = {
        { "sessions", &plan->sessions, 1, 9000 },
        { "listeners", &plan->listeners, 0, 62 },
        { "window", &plan->window, 1, 1024 },
        { "rate", &plan->rate, 1, 1000000 },
        { "data", &plan->data_size, 80, 4096 },
        { "connections", &plan->connections, 1, 19000 },
        { "at-once", &plan->at_once, 1, 19000 },
        { "talk", &plan->talk, 1, 1000 },
        { "patient", &is_patient, 0, 1 },
        { "widget", &is_widget, 0, 1 },
        { "warm-up", &plan->warm_up_seconds, 0, 600 },
        { "seconds", &plan->seconds, 1, 3600 },
    };
    enum { NUMBERS = sizeof numbers / sizeof numbers[0] };
    struct option options[NUMBERS + 3] = { { "ports", required_argument, NULL, PORTS },
                                           { "watch", required_argument, NULL, WATCH } };
    for (int index = 0; index < NUMBERS; index++)
        options[index + 2]
            = (struct option){ numbers[index].name, required_argument, NULL, NUMBER + index };
    for (int option; (option = getopt_long (argc, argv, "", options, NULL)) != -1;)
        if (!s_read_option (plan, numbers, option, optarg))
            return false;
    plan->is_patient = is_patient;
    plan->is_widget = is_widget;
    return true;
}

int
main (int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run) (const plan_t *plan);
        bool has_server;
    } s_modes[] = { { "closed", traffic_closed, true },     { "open", traffic_open, true },
                    { "idle", crowd_idle, true },           { "storm", crowd_storm, true },
                    { "reunion", crowd_reunion, true },     { "guests", churn_talk, true },
                    { "garbage", hostile_garbage, true },   { "huge", hostile_huge, true },
                    { "connects", hostile_connects, true }, { "jitter", machine_jitter, false } };

    static plan_t s_plan = { .sessions = 200,
                             .window = 8,
                             .rate = 2000,
                             .data_size = 200,
                             .connections = 2000,
                             .at_once = 500,
                             .talk = 3,
                             .warm_up_seconds = 2,
                             .seconds = 10 };
    snprintf (s_plan.run, sizeof s_plan.run, "%" PRIx64 ".%x", clock_wall_ms (),
              (unsigned) getpid ());
    for (unsigned mode = 0; argc > 1 && mode < sizeof s_modes / sizeof s_modes[0]; mode++)
        if (strcmp (argv[1], s_modes[mode].name) == 0
            && s_read_options (&s_plan, argc - 1, argv + 1)
            && s_modes[mode].has_server == (s_plan.port_count > 0))
            return s_modes[mode].run (&s_plan);
    fprintf (stderr, "bench-load: usage: MODE --ports=PORT[,PORT…] [options]; "
                     "see bench/load/main.c\n");
    return WRONG_ARGUMENTS;
}
