//  plan — what `make chaos` was asked to do, from the environment.

#ifndef PLAN_H
#define PLAN_H

#include <stdbool.h>
#include <stdint.h>

//  PLAN_NUMBER (member, NAME, default, least, most, "what it is for")
//  A default of 0 with a least above it: not set.
#define PLAN_NUMBERS(PLAN_NUMBER)                                                                  \
    PLAN_NUMBER (seed, "CHAOS_SEED", 0, 1, 999999999, "the same schedule of faults again")         \
    PLAN_NUMBER (messages, "CHAOS_MESSAGES", 1000000, 1, 1000000000,                               \
                 "ends when so many were acknowledged")                                            \
    PLAN_NUMBER (seconds, "CHAOS_SECONDS", 0, 5, 86400,                                            \
                 "ends after so long; alone, whatever was acknowledged")                           \
    PLAN_NUMBER (edges, "EDGES", 3, 1, 6, "how many, and one more that comes and goes")            \
    PLAN_NUMBER (postoffices, "POSTOFFICES", 3, 1, 6, "likewise")                                  \
    PLAN_NUMBER (connectors, "STENTOR_CONNECTORS", 2, 1, 6, "likewise")                            \
    PLAN_NUMBER (workers, "CHAOS_WORKERS", 3, 1, 6, "scripted workers that take deliveries")       \
    PLAN_NUMBER (deliveries, "CHAOS_DELIVERIES", 50, 0, 1000, "that are ordered a second")         \
    PLAN_NUMBER (gap_least, "CHAOS_GAP_LEAST", 2000, 100, 600000,                                  \
                 "ms from the beginning of a fault to the next one, at least")                     \
    PLAN_NUMBER (gap_most, "CHAOS_GAP_MOST", 6000, 100, 600000, "and at most")                     \
    PLAN_NUMBER (clients, "ROLLOUT_CLIENTS", 10000, 20, 16000, "of --rollout")                     \
    PLAN_NUMBER (prestop, "ROLLOUT_PRESTOP", 10000, 0, 60000,                                      \
                 "ms before SIGTERM in which a process is off the balancer, of --rollout")         \
    PLAN_NUMBER (shed_after, "ROLLOUT_SHED_AFTER", 60, 0, 3600, "EDGE_SHED_AFTER, in s")           \
    PLAN_NUMBER (shed_share, "ROLLOUT_SHED_SHARE", 2, 0, 100, "EDGE_SHED_SHARE")                   \
    PLAN_NUMBER (pairs, "CHAOS_PAIRS", 60, 0, 1000, "visitor and agent, both in the rich dialect") \
    PLAN_NUMBER (askers, "CHAOS_ASKERS", 30, 0, 1000, "rich visitors who ask the bot")             \
    PLAN_NUMBER (widgets, "CHAOS_WIDGETS", 30, 0, 1000,                                            \
                 "widgets that ask the bot, and as many that an agent talks to")                   \
    PLAN_NUMBER (leavers, "CHAOS_LEAVERS", 60, 0, 1000,                                            \
                 "rich visitors who ask the bot, leave, and come back or do not")                  \
    PLAN_NUMBER (rate, "CHAOS_RATE", 5000, 1, 1000000,                                             \
                 "messages a second that all of them want to say")                                 \
    PLAN_NUMBER (settle, "CHAOS_SETTLE", 120, 10, 3600, "s in which everything must settle")       \
    PLAN_NUMBER (disk, "CHAOS_DISK", 8000, 0, 100000,                                              \
                 "MB of memory that PostgreSQL's own disk may take; 0: none, and no disk full")

//  So many messages or more are a long run, in which everything has to have been tried.
#define PLAN_LONG 500000

typedef struct {
#define PLAN_MEMBER(member, name, value, least, most, about) uint64_t member;
    PLAN_NUMBERS (PLAN_MEMBER)
#undef PLAN_MEMBER
    bool is_tail_lost;  //  --lost-tail
    bool is_rollout;    //  --rollout
    const char *only;   //  words of faults; NULL: all
    const char *except; //  words of faults; NULL: none
} plan_t;

//  False when a setting is wrong, which is said on standard error.
bool plan_read (plan_t *self);
//  Makes it a run in which a tail of the log is lost, with what can be judged then.
void plan_lose_tail (plan_t *self);
//  Makes it a rollout under many clients who talk slowly.
void plan_roll_out (plan_t *self);
//  The settings, to standard output.
void plan_help (void);
//  What takes long to settle is not begun behind this time, in µs, of a run that began then.
//  UINT64_MAX: nobody knows when it ends.
uint64_t plan_late_us (const plan_t *self, uint64_t began_us);
//  True when faults of this word are wanted.
bool plan_wants (const plan_t *self, const char *word);

#endif
