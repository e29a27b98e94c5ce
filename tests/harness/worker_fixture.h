//  worker_fixture — a worker as a real process before a scripted postoffice (bus_server on the
//  test's own loop), which hands it items and keeps what it hears.
//
//  There is one at a time. Texts of what was heard live until the end of the test.

#ifndef HARNESS_WORKER_FIXTURE_H
#define HARNESS_WORKER_FIXTURE_H

#include "bus_rig.h"
#include "eventually.h"
#include "process.h"

#define WORKER_HEARD_MOST 2000

//  One record that the worker said.
typedef struct {
    bus_kind_t kind;
    uint64_t at_ms;
    char *item;
    uint64_t outcome; //  outcome_t; these are of DONE
    uint64_t after_ms, status, destination, pause_ms, suppress;
    char *detail, *data, *remember, *remember_lane;
} worker_heard_t;

//  What the worker asked (REQUEST), and how that is answered: with a status of HTTP, a body (JSON)
//  in the room, and the session's last seq (0: not said). Status 0: not at all.
#define WORKER_ANSWER_ROOM 65536
typedef struct {
    uint64_t operation; //  api_operation_t
    char *principal, *body; //  JSON
} worker_asked_t;
typedef unsigned worker_fixture_answer_fn (void *owner, const worker_asked_t *asked,
                                           char body[WORKER_ANSWER_ROOM], uint64_t *last_seq);

typedef struct {
    rig_t rig;
    bus_server_t *bus;
    char address[RIG_ADDRESS_MAX]; //  of the bus
    peer_t peer;
    char topics[400];
    uint64_t credit;
    worker_heard_t heard[WORKER_HEARD_MOST];
    unsigned count;
    worker_asked_t asked[WORKER_HEARD_MOST];
    unsigned asked_count;
    worker_fixture_answer_fn *answer; //  NULL: nothing is answered
    void *answer_owner;
    process_t *process;
} worker_fixture_t;

//  Starts the program and waits until it has come to the postoffice. `more` are settings in place
//  of the usual ones, ended by NULL.
worker_fixture_t *worker_fixture_start (const char *program, const char *const *more);
//  What is still in hand is nobody's concern: the worker need not drain.
void worker_fixture_end (worker_fixture_t *self);
//  Starts the program again, with the settings of before, as when it was killed.
void worker_fixture_again (worker_fixture_t *self);

//  Hands over a delivery. What the record leaves out: session demo/<item>, app demo, attempt 1.
void worker_fixture_hand (worker_fixture_t *self, const bus_work_t *work);
void worker_fixture_cancel (worker_fixture_t *self, const char *item);
//  The visitor does something that nobody stores (NOTICE).
void worker_fixture_notice (worker_fixture_t *self, const bus_notice_t *notice);
void worker_fixture_settle (worker_fixture_t *self, const char *item);

//  How often this was said of the item.
unsigned worker_fixture_count (const worker_fixture_t *self, const char *item, bus_kind_t kind);
//  Waits for what came of it, the `nth` time from 1 on.
const worker_heard_t *worker_fixture_done (worker_fixture_t *self, const char *item, unsigned nth,
                                           uint64_t within_ms);

#endif
