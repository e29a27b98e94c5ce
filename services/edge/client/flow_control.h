//  flow_control — what waits in this edge for all clients together, against the edge's limits, and
//  the rate limit of one client.
//
//  The totals are kept here; the metrics are exported from them and never read. At
//  EDGE_BACKLOG_LIMIT the edge is overloaded: large messages are refused, clients whose sockets are
//  full are closed, and a client with an unanswered post is not read on.

#ifndef FLOW_CONTROL_H
#define FLOW_CONTROL_H

#include "base/token_bucket.h"
#include "tables/edge_config.h"

#include <stddef.h>

typedef struct flow_control flow_control_t;

//  Where bytes wait.
typedef enum {
    FLOW_OUTBOXES, //  frames for clients, not written yet
    FLOW_WRITING,  //  written to sockets that are full
    FLOW_INBOXES,  //  messages and requests that are not whole, or not read on
    FLOW_POSTS,    //  posts without an answer
    FLOW_KINDS
} flow_kind_t;

//  Borrows the config.
flow_control_t *flow_control_new (const edge_config_t *config);
void flow_control_destroy (flow_control_t **self_p);

//  So many bytes more (or less) wait there.
void flow_control_add (flow_control_t *self, flow_kind_t kind, int64_t change);
//  So many bytes wait in one outbox.
void flow_control_note_outbox (flow_control_t *self, size_t bytes);
bool flow_control_is_overloaded (const flow_control_t *self);
size_t flow_control_outbox_limit (const flow_control_t *self);

//  One client's rate. The body is here because it stands inside each client; all zeros: the client
//  has its whole burst left.
typedef struct {
    token_bucket_t frames;   //  all that it sends
    token_bucket_t sessions; //  its joins and changes of session
} client_rate_t;

typedef enum {
    CHARGE_FRAME,   //  it has sent one
    CHARGE_FAULT,   //  that was refused, which costs more: eight of them are a burst
    CHARGE_SESSION, //  it joins, or changes its session
} flow_charge_t;

void flow_control_charge (const flow_control_t *self, client_rate_t *rate, uint64_t now_ms,
                          flow_charge_t what, uint64_t count);
//  Must the client wait before the next frame is read?
bool flow_control_is_too_fast (const flow_control_t *self, const client_rate_t *rate,
                               uint64_t now_ms);

#endif
