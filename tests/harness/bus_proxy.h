//  bus_proxy — stands between the clients and a server of the bus and loses what it is told to.
//
//  It runs on the test's own loop. Whatever it does not lose it passes on whole and in order.

#ifndef BUS_PROXY_H
#define BUS_PROXY_H

#include <stdbool.h>
#include <uv.h>

typedef struct bus_proxy bus_proxy_t;

//  `server` is "host:port".
bus_proxy_t *bus_proxy_new (uv_loop_t *loop, const char *server);
void bus_proxy_destroy (bus_proxy_t **self_p);

//  Where clients find it: "127.0.0.1:1234". Borrowed.
const char *bus_proxy_address (const bus_proxy_t *self);

//  Loses the next so many batches to the server, or from it.
void bus_proxy_lose_up (bus_proxy_t *self, unsigned batches);
void bus_proxy_lose_down (bus_proxy_t *self, unsigned batches);
//  Passes the next batch to the server twice.
void bus_proxy_double_up (bus_proxy_t *self);
//  Loses everything in both directions while it holds.
void bus_proxy_cut (bus_proxy_t *self, bool holds);

#endif
