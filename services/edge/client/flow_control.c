#include "client/flow_control.h"

#include "base/alloc.h"
#include "tables/edge_metrics.h"

#include <assert.h>
#include <stdlib.h>

//  A client that is refused at full speed, closed, and connects again costs the others time: so
//  many refused frames use up its burst.
#define FAULTS_PER_BURST 8

struct flow_control {
    const edge_config_t *config;
    int64_t bytes[FLOW_KINDS];
    int64_t all;
    size_t outbox_highest;
};

static const edge_metric_t s_metrics[FLOW_KINDS] = { [FLOW_OUTBOXES] = EDGE_OUTBOX_BYTES,
                                                     [FLOW_WRITING] = EDGE_WRITING_BYTES,
                                                     [FLOW_INBOXES] = EDGE_INBOX_BYTES,
                                                     [FLOW_POSTS] = EDGE_POST_BYTES_PENDING };

flow_control_t *
flow_control_new (const edge_config_t *config)
{
    flow_control_t *self = alloc_zeroed (sizeof *self);
    self->config = config;
    edge_metrics[EDGE_CONNECTIONS_LIMIT] = (int64_t) config->connections;
    edge_metrics[EDGE_BACKLOG_LIMIT] = (int64_t) config->backlog_limit;
    edge_metrics[EDGE_OUTBOX_LIMIT] = (int64_t) config->outbox_limit;
    return self;
}

void
flow_control_destroy (flow_control_t **self_p)
{
    free (*self_p);
    *self_p = NULL;
}

void
flow_control_add (flow_control_t *self, flow_kind_t kind, int64_t change)
{
    self->bytes[kind] += change;
    self->all += change;
    assert (self->bytes[kind] >= 0);
    edge_metrics[s_metrics[kind]] = self->bytes[kind];
}

void
flow_control_note_outbox (flow_control_t *self, size_t bytes)
{
    if (bytes <= self->outbox_highest)
        return;
    self->outbox_highest = bytes;
    edge_metrics[EDGE_OUTBOX_HIGHEST] = (int64_t) bytes;
}

bool
flow_control_is_overloaded (const flow_control_t *self)
{
    return self->all >= (int64_t) self->config->backlog_limit;
}

size_t
flow_control_outbox_limit (const flow_control_t *self)
{
    return self->config->outbox_limit;
}

void
flow_control_charge (const flow_control_t *self, client_rate_t *rate, uint64_t now_ms,
                     flow_charge_t what, uint64_t count)
{
    const edge_config_t *config = self->config;
    uint64_t frames =
        what == CHARGE_FAULT ? count * (config->frames_burst / FAULTS_PER_BURST) : count;
    if (what == CHARGE_SESSION)
        token_bucket_take_many (&rate->sessions, now_ms, config->sessions_per_second, count);
    else
        token_bucket_take_many (&rate->frames, now_ms, config->frames_per_second, frames);
}

bool
flow_control_is_too_fast (const flow_control_t *self, const client_rate_t *rate, uint64_t now_ms)
{
    const edge_config_t *config = self->config;
    return token_bucket_is_spent (&rate->frames, now_ms, config->frames_per_second,
                                  config->frames_burst)
           || token_bucket_is_spent (&rate->sessions, now_ms, config->sessions_per_second,
                                     config->sessions_burst);
}
