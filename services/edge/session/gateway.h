//  gateway — between the sockets of clients and the postoffices: what a client sends becomes
//  records, what a postoffice sends becomes frames. It knows no rules of sessions: postoffices
//  decide.
//
//  The gateway brings the parts of a connection together (connection.h) and calls downwards only:
//
//      gateway      sockets and postoffices that come and go, drain, time
//      inbound      a client's frame: refused, deferred, or placed in its session and posted
//      balance      how many clients this edge has beside others, and who is sent to them
//      outbound     entries and events into outboxes, and out of them
//      attachment   the states of a client's session; endpoint: how it gets in and out
//      posts        messages without an answer, and what a client is told of them
//      keepalive    pings, and what a client has received
//      send_queue   what waits for the bus
//      client       identity, socket, outbox, rate
//
//  The sockets call inbound and outbound themselves for what concerns one connection.
//
//  News go up in two ways: an attachment tells that something was answered, so that its client may
//  be read on; and clients that were closed stand in a list, which is walked when an event has been
//  handled (connections_end_event): they leave their sessions then.

#ifndef GATEWAY_H
#define GATEWAY_H

#include "api/api.h"
#include "config/apps.h"
#include "net/websocket.h"
#include "tables/edge_config.h"

#include <uv.h>

typedef struct gateway gateway_t;

//  Borrows config and apps. NULL after having logged why it cannot run.
gateway_t *gateway_new (uv_loop_t *loop, const char *node, const edge_config_t *config,
                        const apps_t *apps);
//  Calls `reached`, once, when a postoffice is reached for the first time.
void gateway_when_reached (gateway_t *self, void (*reached) (void *owner), void *owner);
//  The sockets are gone already. The loop must turn until its handles are gone.
void gateway_destroy (gateway_t **self_p);

//  What the sockets are given; the owner is the gateway.
extern const websocket_events_t gateway_socket_events;

//  The HTTP API, which speaks over the gateway's bus. The gateway's own.
api_t *gateway_api (gateway_t *self);
//  Likewise what outside systems send.
struct webhooks *gateway_webhooks (gateway_t *self);
struct platforms *gateway_platforms (gateway_t *self);

//  Closes all connections, spread over a short time, and calls `drained` when none is left.
void gateway_drain (gateway_t *self, void (*drained) (void *owner), void *owner);

#endif
