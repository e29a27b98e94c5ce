//  watch_decision — what a watcher does about what it sees: one table of its states and of who is
//  there (presence.def), and the deadlines.
//
//  A look does one thing at most. Who goes out and who comes in, what is left and what is given
//  back, are two looks: each is remembered before the next.

#ifndef WATCH_DECISION_H
#define WATCH_DECISION_H

#include "translation/watch_memory.h"

typedef struct {
    uint64_t queue_ms;       //  a visitor waits there at most so long for a person
    uint64_t unreachable_ms; //  nothing may be known for so long
} watch_limits_t;

typedef enum {
    WATCH_NOTHING,   //  look again in a while
    WATCH_ENTER,     //  facts.person comes in
    WATCH_EXIT,      //  memory.person goes out
    WATCH_GIVE_BACK, //  the visitor is given back
} watch_act_t;

typedef struct {
    watch_act_t act;
    watch_memory_t next; //  to be remembered once it is done
    const char *why;     //  of EXIT and GIVE_BACK, in words
    bool is_dark;        //  nothing is known: what is on its way there is not waited for
    const char *reason;  //  of GIVE_BACK, as the API has it; NULL: the talk is over
} watch_decision_t;

watch_decision_t watch_decide (const watch_memory_t *memory, const conversation_facts_t *facts,
                               const watch_limits_t *limits, uint64_t now_ms);

//  How long until the next look: of a young conversation `period_ms`, then more, and `least_ms` in
//  any case.
uint64_t watch_pause_ms (const watch_memory_t *memory, uint64_t period_ms, uint64_t least_ms,
                         uint64_t now_ms);

#endif
