//  http_pace — how fast an origin (scheme, host, port) is asked: a token bucket for each, and
//  before it a queue in which calls wait for their turn, first come, first served.
//
//  A turn stands inside the call that waits; how long it waits is the call's concern, which leaves
//  when its time is up. An origin that nobody waits for, and whose bucket is full, is forgotten.

#ifndef HTTP_PACE_H
#define HTTP_PACE_H

#include "base/list.h"

#include <stdint.h>
#include <uv.h>

typedef struct {
    uint64_t per_second;  //  calls to one origin; 0: no limit, and no queue
    uint64_t burst;       //  that may begin at once after a pause
    uint64_t queue_limit; //  calls that may wait for one origin
    uint64_t hold_most_ms; //  a 429 or 503 with Retry-After stops its origin, so long at most
} http_rate_t;

typedef struct http_pace http_pace_t;

typedef struct {
    list_t link;
    struct http_origin *origin; //  NULL: it waits for nothing
} http_turn_t;

typedef enum {
    HTTP_TURN_NOW,
    HTTP_TURN_LATER, //  `come` will be called
    HTTP_TURN_NEVER, //  the queue is at its limit
} http_turn_when_t;

typedef void http_turn_fn (http_turn_t *turn);

http_pace_t *http_pace_new (uv_loop_t *loop, const http_rate_t *rate, http_turn_fn *come);
//  Nobody waits any more; the loop must turn until its timers are gone.
void http_pace_destroy (http_pace_t **self_p);

http_turn_when_t http_pace_take (http_pace_t *self, const char *origin, http_turn_t *turn);
//  Gives the place in the queue up; nothing is to be done for a turn that does not wait.
void http_pace_leave (http_turn_t *turn);
//  The origin is not asked for so long, hold_most_ms at most.
void http_pace_hold (http_pace_t *self, const char *origin, uint64_t milliseconds);

#endif
