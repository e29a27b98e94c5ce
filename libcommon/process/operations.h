//  operations — the operations port of a process: /healthz, /readyz and /metrics over HTTP.
//
//  /healthz answers 200 as long as the loop turns; /readyz answers 200 when every named condition
//  holds, else 503 with the names of those that do not, and a line for each that says why;
//  /metrics is Prometheus text.
//  Served by libmicrohttpd from the service's own loop. A connection that is silent for 5 s is
//  closed; 32 are open at most, and one more closes the oldest.

#ifndef OPERATIONS_H
#define OPERATIONS_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

typedef struct operations operations_t;

//  Listens on address:port (port 0: any free one). The address is a number, as a name would have to
//  be asked for. NULL when that fails; errno says why: EINVAL for what is no number.
operations_t *operations_new (uv_loop_t *loop, const char *address, uint16_t port);
//  Stops listening; the loop must turn once more before it is closed.
void operations_destroy (operations_t **self_p);

//  The port that it really listens on.
uint16_t operations_port (const operations_t *self);

//  Says whether a condition of readiness holds. The name is a literal such as "database"; the first
//  call for a name makes it a condition. A process that is draining is not ready either.
void operations_ready (operations_t *self, const char *condition, bool holds);

//  Why a condition does not hold, for people: shown while it does not. Copied, up to
//  OPERATIONS_WHY_MOST bytes; empty: nothing is said. The condition must be one.
#define OPERATIONS_WHY_MOST 400
void operations_explain (operations_t *self, const char *condition, text_t why);

#endif
