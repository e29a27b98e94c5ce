//  go_between — stands between the clients and a server of the bus and loses what it is told to.
//
//  It runs on the test's own loop. Whatever it does not lose it passes on whole and in order.

#ifndef GO_BETWEEN_H
#define GO_BETWEEN_H

#include <stdbool.h>
#include <uv.h>

typedef struct go_between go_between_t;

//  `server` is "host:port".
go_between_t *go_between_new (uv_loop_t *loop, const char *server);
void go_between_destroy (go_between_t **self_p);

//  Where clients find it: "127.0.0.1:1234". Borrowed.
const char *go_between_address (const go_between_t *self);

//  Loses the next so many batches to the server, or from it.
void go_between_lose_up (go_between_t *self, unsigned batches);
void go_between_lose_down (go_between_t *self, unsigned batches);
//  Passes the next batch to the server twice.
void go_between_double_up (go_between_t *self);
//  Loses everything in both directions while it holds.
void go_between_cut (go_between_t *self, bool holds);

#endif
