//  turn — one unfinished work item of a session: a question that waits for a worker or is in the
//  hands of one. The row in the `work` table is the durable half; this is the half in memory.
//
//  Owned by the session's fold. While it wants a worker or a worker has it, `place` is in one of
//  the lists of workers.h; turn_destroy takes it out.

#ifndef TURN_H
#define TURN_H

#include "bus/bus_server.h"
#include "base/list.h"
#include "model/model.h"

typedef enum {
    TURN_QUEUED, //  an earlier turn of the same topic goes first, or its entry is not committed
    TURN_RECOVERED, //  loaded from the store: a worker may say that it has it; else it starts anew
    TURN_WAITING,   //  for a worker with credit
    TURN_DISPATCHED, //  handed to a worker that has not said ACCEPTED yet
    TURN_ACCEPTED,   //  a worker is at it
} turn_state_t;

typedef struct {
    list_t place;    //  in the list of its state
    list_t in_fold;  //  in the session's turns, by seq
    turn_state_t state;
    peer_t worker; //  of TURN_DISPATCHED and TURN_ACCEPTED
    peer_t avoid;  //  a worker that was offered it and did not take it in time
    uint64_t since_ms;
    uint64_t attempts;
    uint64_t seq;
    text_t item;     //  these point into the turn's own memory
    text_t session;
    text_t app;
    text_t topic;
    text_t user;
    text_t body;
    text_t secret;
} turn_t;

//  Copies the texts of the prototype; the new turn is in no list. Aborts when memory is exhausted.
turn_t *turn_new (const turn_t *prototype);
void turn_destroy (turn_t **self_p);

//  Is the turn of one of these topics, such as "bot.stentor platform.genesys"?
bool turn_is_of (const turn_t *self, const char *topics);

#endif
