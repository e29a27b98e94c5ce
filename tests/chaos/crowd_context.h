//  crowd_context — what all clients of the crowd share. Belongs to the crowd's thread, but for
//  the counts and the switches.

#ifndef CROWD_CONTEXT_H
#define CROWD_CONTEXT_H

#include "chance.h"
#include "gaps.h"
#include "pauses.h"
#include "phases.h"
#include "plan.h"
#include "deployment.h"
#include "findings.h"

#include "histogram.h"
#include "ws_link.h"

#include <stdatomic.h>

typedef struct {
    const plan_t *plan;
    const deployment_t *site;
    findings_t *trouble;
    ws_loop_t *loop;
    chance_t chance;
    uint64_t now_us;
    char run[12];              //  in the names of this run's users and sessions
    atomic_bool is_talking;    //  something new may be said, and clients have their whims
    pauses_t pauses;
    histogram_t ack_delay;
    gaps_t gaps;               //  when a tail is lost
    phases_t *phases;          //  of a rollout; NULL: it is none
    atomic_uint at[DEPLOYMENT_EDGES_MOST]; //  connected to each edge
    //  Counts.
    atomic_uint_fast64_t said;
    atomic_uint_fast64_t acked;
    atomic_uint_fast64_t delivered; //  messages of people
    atomic_uint_fast64_t answers;   //  of the bot
    atomic_uint_fast64_t shown;     //  to widgets
    atomic_uint_fast64_t connects;
    atomic_uint_fast64_t slow_closes; //  with 1013
    atomic_uint_fast64_t unread_ends; //  of connections that were not read
    atomic_uint_fast64_t busy;
    atomic_uint_fast64_t changed;   //  times that somebody was told of a history that changed
    atomic_uint_fast64_t failures;  //  that a widget was shown
    atomic_uint_fast64_t away;      //  visitors that have left, and not come back so far
} crowd_context_t;

#define SCENE_COUNT(scene, count)                                                                  \
    atomic_fetch_add_explicit (&(scene)->count, 1, memory_order_relaxed)

#endif
