//  racers — visitors who ask a bot without end, and agents who take them from it and give them back
//  at any moment: one of each in every session, as rich clients that reconnect and resume.
//
//  Everything that they do is drawn from a seed. What others do meanwhile over the API may lean on
//  what the agents were told last (racers_control): it is kept in atomics, for other threads.

#ifndef RACERS_H
#define RACERS_H

#include "stack.h"

typedef struct racers racers_t;

//  Half an answer that a client was shown, and the last entry that it had been given before.
typedef struct {
    unsigned session;
    uint64_t behind; //  seq
    bool to_agent;
    uint64_t connected_ms; //  ago
    char frame[160];       //  how it begins
} racer_part_t;

//  In sessions s-0 …, visitor v-K and agent a-K.
racers_t *racers_new (router_stack_t *stack, unsigned count, unsigned edges, uint64_t seed);
void racers_destroy (racers_t **self_p);
unsigned racers_count (const racers_t *self);

//  One turn of everybody, at most 20 ms. Fails the test when a client is told what cannot be.
void racers_turn (racers_t *self);
//  Nobody begins anything from now on; what was said and not acknowledged is said again.
void racers_calm (racers_t *self);
//  Everybody is connected, and has everything acknowledged that was said.
bool racers_are_done (const racers_t *self);

typedef struct {
    uint64_t version; //  of control, as its agent was told
    unsigned offered; //  to this one of the agents at the desk, from 1; 0: to none of them
    bool is_platforms; //  the platform has it, or is asked
} racer_control_t;
racer_control_t racers_control (const racers_t *self, unsigned session);
//  The agents at the desk, to whom an offer may be made.
#define RACER_DESK 2
#define RACER_PLATFORM "platform.scripted"
extern const char *const racer_desk[RACER_DESK];

const racer_part_t *racers_parts (const racers_t *self, size_t *count);
unsigned racers_reconnects (const racers_t *self);

#endif
