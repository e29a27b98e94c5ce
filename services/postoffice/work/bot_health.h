//  bot_health — which apps' bots are well, as this postoffice sees it: a circuit (circuit.h) for
//  each bot that has failed, fed by the outcomes of turns, and the questions that wait for it.
//
//  A turn that is to go to a worker is admitted, or HELD:
//
//  - While the circuit is OPEN, one whose visitor has not been told yet is refused: its session is
//    told that it failed, and asks again (rules/bot_failure.h). One that is_again waits.
//  - While it is HALF_OPEN, one at a time is admitted, as the probe; others wait for what comes of
//    it. With a healthUrl the probe is a request of a worker (TOPIC_BOT_HEALTH) in place of it.
//  - While it is CLOSED, one that is_again waits for its own time; what waited is let go some at a
//    time, so that a bot that is back is not thrown down again.
//
//  A question that is too old is given up. All of it is in memory: a postoffice that takes over
//  finds the turns, and asks each when its time has come (docs/decisions/bot-circuits.md).

#ifndef BOT_HEALTH_H
#define BOT_HEALTH_H

#include "config/apps.h"
#include "work/circuit.h"
#include "work/workers.h"

typedef struct bot_health bot_health_t;

//  The turn's session is to be told that it failed; `for_good`: and is not to ask again.
typedef void bot_refuse_fn (void *owner, const turn_t *turn, bool for_good);

bot_health_t *bot_health_new (apps_t *apps, bot_refuse_fn *refuse, void *owner);
//  Before the workers, after the sessions.
void bot_health_destroy (bot_health_t **self_p);
//  The workers whose config has the two functions below, with the bot_health_t as their owner.
void bot_health_begin (bot_health_t *self, workers_t *workers);

//  workers_config_t.admit and probe_ended
bool bot_health_admit (void *self, turn_t *turn);
void bot_health_probe_ended (void *self, const turn_t *turn);

//  What came of a turn was stored.
typedef struct {
    text_t app, session;
    uint64_t began_ms; //  monotonic clock: when a worker took it; 0: not known
    const bus_done_t *done;
} bot_outcome_t;
void bot_health_note (bot_health_t *self, const bot_outcome_t *outcome);
//  A worker has taken a health request, or says what came of it. False: the record is of no such.
bool bot_health_accepted (bot_health_t *self, peer_t peer, text_t item);
bool bot_health_done (bot_health_t *self, peer_t peer, const bus_done_t *done);
//  To be called some times a second.
void bot_health_tick (bot_health_t *self);

//  An app's bot, for people. Times are of the wall clock, 0: never.
typedef struct {
    circuit_state_t state;
    uint64_t since_ms;       //  0: since the postoffice began
    uint64_t failures;       //  tries in a row
    uint64_t answers;        //  in a row, while half-open
    uint64_t due_ms;         //  when it is tried out next, while open
    uint64_t waiting;        //  questions
    uint64_t openings;       //  in all
    uint64_t failed_ms;      //  when it failed last, by its own fault
    uint64_t failed_status;  //  and with which status; 0: no answer
    bool has_been_well;      //  it, or its health address, has answered this postoffice
    uint64_t well_ago_ms;    //  and so long ago for the last time
} bot_view_t;
void bot_health_view (const bot_health_t *self, text_t app, bot_view_t *view);

#endif
