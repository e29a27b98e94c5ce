//  worker — the skeleton of a connector: takes items of its topics from all postoffices, gives them
//  to a service, and reports what came of them.
//
//  The service does one thing: it attempts an item when `start` says so, and says what came of it
//  (worker_item.h). The skeleton has the rest: the bus, ACCEPTED and DONE to whichever postoffice
//  has the session now, items that come twice or are cancelled, attempts that are made again, the
//  drain, readiness, metrics.
//
//  The number of items has a ceiling, which is that of all postoffices together: an item beyond it
//  is declined, and its postoffice hands it to another worker at once. So is an item while
//  draining, and one of a topic that is not the worker's.
//
//  Draining finishes what is in hand. What is still in hand when the worker is destroyed is handed
//  back by the end of its streams: postoffices give it to others.

#ifndef WORKER_H
#define WORKER_H

#include "bus/bus_settings.h"
#include "worker/worker_item.h"
#include "worker/worker_requests.h"

typedef struct worker worker_t;

//  Somebody does something that nobody stores, in a session that `topic` has control of: TYPING of
//  the visitor, at most every few seconds. The texts last until the call returns.
typedef struct {
    text_t app, session; //  ids
    text_t external_id;  //  of the topic's participant, as body.participant of items has it
    text_t topic;
    event_t event;
} worker_notice_t;

typedef struct {
    const char *topics;  //  WORKER_TOPICS_MOST at most, separated by spaces
    uint64_t credit;     //  items in hand at most
    size_t attempt_size; //  bytes of the service's own memory for an attempt, or 0
    uint64_t attempt_ms; //  an attempt that has not ended by then is cancelled; more than the
                         //  service's own time limits need
    worker_report_t overdue; //  what it comes to then; its texts outlive the worker
    //  An attempt begins. The item is the service's until it calls worker_item_done, or `cancel`
    //  is called. Neither may destroy the worker.
    void (*start) (void *service, worker_item_t *item);
    //  The attempt is to stop: nobody wants its outcome. The service forgets the item and says
    //  nothing more of it.
    void (*cancel) (void *service, worker_item_t *item);
    //  The attempt is overdue: adds to the report what of it shall be remembered. The texts stand
    //  in the attempt's memory, which outlives `cancel`. NULL: nothing is.
    void (*remember) (void *service, worker_item_t *item, worker_report_t *report);
    //  An ephemeral event for a session of one of the topics. Some are lost. NULL: none is wanted.
    void (*notice) (void *service, const worker_notice_t *notice);
} worker_kind_t;

//  The process that the worker is in.
typedef struct {
    uv_loop_t *loop;
    const char *node;
    const bus_settings_t *bus;
    void (*ready) (void *process, bool is_ready); //  is any postoffice up?
    void (*drained) (void *process);
    void *process;
} worker_host_t;

//  Copies both structs. NULL when the bus cannot be used: a fatal line in the log says why.
worker_t *worker_new (const worker_host_t *host, const worker_kind_t *kind, void *service);
//  Cancels all attempts and leaves the bus; the loop must turn until its handles are gone. Not from
//  within a callback.
void worker_destroy (worker_t **self_p);

//  Asks a postoffice (worker_requests.h); copies the texts. `answer` is called later, once, unless
//  the request is cancelled or the worker destroyed before. Never NULL.
worker_request_t *worker_ask (worker_t *self, const worker_ask_t *ask, worker_answer_fn *answer,
                              void *owner);

//  Takes nothing more. Calls `drained` when the last item is settled; at once when none is in hand.
void worker_drain (worker_t *self);

#endif
