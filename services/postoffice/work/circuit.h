//  circuit — whether one app's bot is asked. It opens when the bot has failed so often in a row, in
//  two sessions at least: one question may be too much for a bot that is well. After a pause it is
//  tried out, by one probe at a time (HALF_OPEN); after so many answers in a row it closes. Each
//  time that it is tried out in vain, the pause doubles; so it does when it opens again soon after
//  it has closed.
//
//  States and events are a table (circuit.def). Nothing here keeps time or sends: the caller says
//  what happens, and when it is due.

#ifndef CIRCUIT_H
#define CIRCUIT_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
#define STATE(NAME, label, words) CIRCUIT_##NAME,
#include "work/circuit.def"
#undef STATE
    CIRCUIT_STATES
} circuit_state_t;

typedef enum {
#define EVENT(NAME, closed, open, half_open, words) CIRCUIT_EVENT_##NAME,
#include "work/circuit.def"
#undef EVENT
    CIRCUIT_EVENTS
} circuit_event_t;

typedef struct {
    uint64_t failures;     //  so many tries that failed in a row open it
    uint64_t answers;      //  so many answers in a row close it
    uint64_t open_ms;      //  the first pause; a quarter of it more by chance
    uint64_t open_most_ms; //  the longest one
} circuit_rules_t;

//  All zeros: closed, and nothing is known.
typedef struct {
    circuit_state_t state;
    uint64_t failures; //  tries in a row
    uint64_t by;       //  the session of the first of them
    bool is_of_several; //  others are of another session
    uint64_t answers;  //  in a row, while HALF_OPEN
    uint64_t openings; //  in a row
    uint64_t since_ms; //  monotonic clock: when it came into this state
    uint64_t due_ms;   //  of OPEN: the end of the pause
} circuit_t;

typedef struct {
    circuit_event_t event;
    uint64_t tries;  //  of FAILED: how many there were
    uint64_t by;     //  of FAILED: a number for its session
    uint64_t now_ms; //  monotonic clock
    uint64_t chance; //  any number
} circuit_news_t;

//  True when the state is another one now.
bool circuit_happens (circuit_t *self, const circuit_rules_t *rules, const circuit_news_t *news);

const char *circuit_label (circuit_state_t state);

#endif
