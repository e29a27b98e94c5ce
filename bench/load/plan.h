//  plan — what the load generator was asked to do, and what it can do.

#ifndef PLAN_H
#define PLAN_H

#include "sampler.h"

#include <stdbool.h>
#include <stdint.h>

#define PLAN_PORTS_MOST 16
#define PLAN_GAUGES_MOST 8

typedef struct {
    uint16_t ports[PLAN_PORTS_MOST]; //  of the edges
    unsigned port_count;
    unsigned sessions;               //  of visitor and agent
    unsigned listeners;              //  further agents in each session, who only listen
    unsigned window;                 //  messages under way per visitor
    unsigned rate;                   //  messages per second, all visitors together
    unsigned data_size;              //  bytes
    unsigned connections;            //  idle and storm
    unsigned at_once;                //  how many may be connecting at a time
    unsigned talk;                   //  questions of each guest
    bool is_widget;                  //  the stock widget's dialect, not our own client's
    bool is_patient;                 //  visitors say again what was answered with busy
    unsigned warm_up_seconds;
    unsigned seconds;
    sampler_t gauges[PLAN_GAUGES_MOST];
    unsigned sampler_count;
    char run[24];                    //  in the names of this run's users and sessions
} plan_t;

//  Each prints what it measured as lines "name=value", or says on standard error why it cannot.
//  Returns the exit code: 0; 1 when a message was lost, doubled or out of order, or a connection
//  was; 69 when the load could not be brought to begin.

//  Visitors have `window` messages under way all the time.
int traffic_closed (const plan_t *plan);
//  Visitors send at a fixed rate, whether or not answers come. Delays count from the time at which
//  a message was due, so that a server's pause is not hidden by the wait for it.
int traffic_open (const plan_t *plan);
//  Joined connections that say nothing: what one costs.
int crowd_idle (const plan_t *plan);
//  All connect and join: how long until the last one is in.
int crowd_storm (const plan_t *plan);
//  All connect and join, and come back by themselves when they are cut off, each at a random moment
//  of 5 s. Ends with SIGTERM. What it measured of a return is printed when all are back.
int crowd_reunion (const plan_t *plan);
//  `rate` visitors come each second, ask the bot `talk` questions, one after the other, and go.
int churn_talk (const plan_t *plan);

//  No server: a thread on each CPU asks to be woken every 500 µs, and how late it is, is counted.
int machine_jitter (const plan_t *plan);

//  One hostile client with `at_once` sockets, for warm-up and measured time together. What it
//  managed each second: connections, bytes (and frames) said, connections that the server ended.
//  Text frames that are refused, as fast as they are read.
int hostile_garbage (const plan_t *plan);
//  A frame of 1 GiB, as far as it comes.
int hostile_huge (const plan_t *plan);
//  Connects, and closes or resets at once, leaves half a request, or resets once it is upgraded.
int hostile_connects (const plan_t *plan);

#endif
