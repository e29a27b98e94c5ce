//  worker_item — one item of work in a worker: attempts of the service at it, until one of them
//  comes to an outcome; then the outcome, until a postoffice has settled it.
//
//  States and events are a table (worker_item_states.def). The scenarios behind the table:
//
//  - An attempt fails in a way that passes. The service says RETRY: the item PAUSES, and `start`
//    is called again.
//  - The session's postoffice dies while the service has the item, or after the outcome is known.
//    The item MOVED: the new postoffice is sent ACCEPTED, so that it does not give the item to
//    another worker, or DONE.
//  - A postoffice that missed ACCEPTED or DONE hands the item over once more (REPEATED), or two
//    postoffices hand over one item: both are sent again, and the item is done once. DONE is
//    repeated until SETTLED in any case.
//  - No outcome is wanted any more, because an agent took control or another worker has the item:
//    CANCELLED. The attempt is stopped, and the item forgotten.
//  - A postoffice that the item is not from, and has not moved to, says SETTLED or CANCEL: it is
//    ignored, or the outcome would be lost to those who wait for it.
//  - The service forgets an attempt: OVERDUE. It would block its session for ever.
//
//  An item keeps its body and secret while an attempt may begin, and the outcome while it may be
//  sent, never both. It is gone when it has moved to OVER.
//
//  Who owns the schedule depends on the item:
//
//  - A **turn** (topic_is_of_turns) is tried again by this worker, which PAUSES meanwhile; the
//    tries are lost with the worker, and then begin anew. It goes where its session goes.
//  - A **delivery** is tried again by the postoffices: RETRY is reported like the other outcomes,
//    and the next attempt is an item of its own, here or elsewhere. While an attempt lasts, its
//    lease is renewed with ACCEPTED at the postoffice that handed it over; when that is lost, any
//    other is told the outcome. A postoffice that was started anew at the same address is another
//    one: it has not handed over anything.
//
//  When postoffices own the schedule of turns, too, PAUSING and `begin` at its timer will go. What
//  a service says and is told stays as it is, because it keeps nothing from one attempt to the
//  next.

#ifndef WORKER_ITEM_H
#define WORKER_ITEM_H

#include "bus/bus_client.h"
#include "bus/bus_limits.h"
#include "worker/worker_topic.h"

typedef struct worker_item worker_item_t;

//  ------------------------------------------------------------------------------------------------
//  For the service, from `start` until it ends the attempt or is told to `cancel`

//  What an item says of itself, to be read.
typedef struct {
    bus_work_t work; //  as handed over; body, secret and memories only until the outcome is known
    unsigned tries;  //  attempts that have begun, with the one under way: of a turn those of this
                     //  worker, of a delivery all
    void *attempt;   //  the service's own memory for this attempt: zeros when it begins
} worker_item_view_t;

const worker_item_view_t *worker_item_view (const worker_item_t *self);

//  Shows an ephemeral event with data, once. It may be lost.
void worker_item_progress (worker_item_t *self, event_t event, text_t data);
//  Shows an event without data for as long as the attempt lasts: now, every few seconds, and to a
//  postoffice that gets the item.
void worker_item_show (worker_item_t *self, event_t event);

typedef enum {
#define OUTCOME(NAME, label, event, delivery, turn, words) WORKER_##NAME,
#include "worker/worker_outcomes.def"
#undef OUTCOME
    WORKER_OUTCOMES
} worker_outcome_t;

//  What a service reports of an attempt. Texts that are left out are empty.
typedef struct {
    worker_outcome_t outcome;
    uint64_t after_ms; //  of RETRY: how long to wait before the next attempt
    unsigned status;   //  the far side's answer, as its protocol's number (HTTP); 0: there was none
    text_t detail;     //  for the operator: why, and nothing of what was said
    text_t data;       //  of the others: JSON object for the clients, or empty: nothing to show
    bool is_apology;   //  of ANSWERED: the far side says itself that it failed
    fault_t fault;     //  of the others, of a turn
    ask_t ask;         //  of ANSWERED
    text_t target;     //  of the ask
    //  Of a delivery, with any outcome; docs/work-items.md. What is remembered is a JSON object of
    //  BUS_MEMORY_MOST bytes at most, which every later attempt is told; empty: it stays as it is.
    text_t remember;      //  of the item
    text_t remember_lane; //  of its lane
    destination_word_t destination; //  how it is
    uint64_t pause_ms;    //  nothing goes to the destination for so long; 0: it is not said
    bool suppress;        //  the item's address wants nothing any more
} worker_report_t;

//  Ends the attempt; the texts are copied. The item is the service's no more. May be called from
//  within `start`.
void worker_item_done (worker_item_t *self, const worker_report_t *report);

//  ------------------------------------------------------------------------------------------------
//  For worker.c

typedef enum {
#define STATE(NAME, words, label) WORKER_ITEM_##NAME,
#include "worker/worker_item_states.def"
#undef STATE
    WORKER_ITEM_STATES
} worker_item_state_t;

typedef enum {
#define EVENT(NAME, working, pausing, reporting, words) WORKER_ITEM_EVENT_##NAME,
#include "worker/worker_item_states.def"
#undef EVENT
    WORKER_ITEM_EVENTS
} worker_item_event_t;

//  What all items share; lives longer than every item.
typedef struct {
    uv_loop_t *loop;
    bus_client_t *bus;
    size_t attempt_size;
    uint64_t attempt_ms;
    worker_report_t overdue;
    void (*start) (void *service, worker_item_t *item);
    void (*cancel) (void *service, worker_item_t *item);
    void (*remember) (void *service, worker_item_t *item, worker_report_t *report); //  or NULL
    void *service;
    //  From OVER: the item is new. To OVER: it is to be forgotten now.
    void (*moved) (void *owner, worker_item_t *item, worker_item_state_t from,
                   worker_item_state_t to);
    void *owner;
} worker_item_context_t;

//  Says ACCEPTED and starts. The item may be REPORTING at once.
worker_item_t *worker_item_new (const worker_item_context_t *context, worker_topic_t *topic,
                                unsigned postoffice, const bus_work_t *work);
//  Ends without a word to a postoffice, as when the process ends; `moved` is not called.
void worker_item_destroy (worker_item_t **self_p);

//  One step of the table; the item may be over behind it.
void worker_item_happens (worker_item_t *self, worker_item_event_t event);
//  REPEATED, by this postoffice: it is told the outcome from now on, as that of this attempt.
void worker_item_handed_over (worker_item_t *self, unsigned postoffice, uint64_t attempt);
//  This postoffice says SETTLED or CANCELLED: ignored unless it handed the item over, or is told of
//  it since.
void worker_item_hears (worker_item_t *self, unsigned postoffice, worker_item_event_t event);
//  A postoffice came or went: if that concerns this item, MOVED.
void worker_item_postoffice_changed (worker_item_t *self, unsigned postoffice, bool is_up);

#endif
