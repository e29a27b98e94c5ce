//  worker_requests — what a worker asks of postoffices in the name of a platform: a REQUEST as an
//  edge sends it, answered by whoever has the session.
//
//  A postoffice believes no principal of a worker: it is the platform whose topic the worker has
//  subscribed to, of the app that it names, and may do what docs/bus.md lists. Postoffices without
//  BUS_FEATURE_WORKERS_ASK are asked nothing.
//
//  A request whose postoffice is lost is asked of the next one, until its deadline
//  (asking/inquiry.h).

#ifndef WORKER_REQUESTS_H
#define WORKER_REQUESTS_H

#include "bus/bus_client.h"
#include "model/api_operation.h"

typedef struct worker_requests worker_requests_t;
typedef struct worker_request worker_request_t;

typedef struct {
    text_t app, session; //  ids
    text_t platform;     //  in whose name: one of the worker's topics, such as "platform.genesys"
    api_operation_t operation;
    text_t query;         //  as in a URL, without the question mark; or empty
    text_t body;          //  JSON, or empty
    text_t key;           //  Idempotency-Key, or empty
    uint64_t if_match;    //  last seq, or SEQ_UNKNOWN: any
    uint64_t deadline_ms; //  from now
} worker_ask_t;

//  status: as in HTTP; 0: no postoffice answered in time. body: JSON, perhaps empty; a problem from
//  400 on. last_seq: of the session's log behind it; 0: not said. The request is over.
typedef void worker_answer_fn (void *owner, unsigned status, text_t body, uint64_t last_seq);

//  worker_ask (worker.h) begins one. Nobody is told its answer from here on; it may be carried out.
//  NULL is no request.
void worker_request_cancel (worker_request_t **self_p);

//  ------------------------------------------------------------------------------------------------
//  For worker.c

worker_requests_t *worker_requests_new (uv_loop_t *loop, bus_client_t *bus);
worker_request_t *worker_requests_ask (worker_requests_t *self, const worker_ask_t *ask,
                                       worker_answer_fn *answer, void *owner);
//  Answers nobody.
void worker_requests_destroy (worker_requests_t **self_p);
void worker_requests_reply (worker_requests_t *self, const bus_reply_t *reply);
void worker_requests_postoffice_up (worker_requests_t *self);
void worker_requests_postoffice_down (worker_requests_t *self, unsigned postoffice);

#endif
