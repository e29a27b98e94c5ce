//  server — HTTP for the demo bot, by libmicrohttpd on a libuv loop: POST to any path is a request
//  for the bot, GET /healthz says ok. Answers that take their time keep nobody else waiting.

#ifndef SERVER_H
#define SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

typedef struct server server_t;

//  NULL when it cannot listen there; errno says why.
server_t *server_new (uv_loop_t *loop, const char *address, uint16_t port);
uint16_t server_port (const server_t *self);
//  The loop must turn until the handles are gone.
void server_destroy (server_t **self_p);

#endif
