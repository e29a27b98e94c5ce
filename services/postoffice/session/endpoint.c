#include "session/endpoint.h"

#include "bus/bus_record.h"
#include "base/alloc.h"
#include "tables/postoffice_metrics.h"

#include <stdlib.h>

void
endpoint_renew (endpoint_t *self)
{
    static uint64_t s_serial;
    self->serial = ++s_serial;
}

endpoint_t *
endpoint_new (session_t *session, peer_t peer, const bus_attach_t *attach)
{
    text_t user = attach->user;
    endpoint_t *self = alloc_packed (sizeof *self, &user, 1);
    self->session = session;
    self->state = ENDPOINT_ATTACHING;
    self->peer = peer;
    self->id = attach->endpoint;
    endpoint_renew (self);
    self->role = attach->role;
    self->dialect = attach->dialect;
    self->received_seq = SEQ_UNKNOWN;
    self->user = user;
    list_init (&self->in_session);
    list_init (&self->in_peer);
    list_init (&self->held);
    metric_add (POSTOFFICE_ENDPOINTS, 1);
    return self;
}

void
endpoint_destroy (endpoint_t **self_p)
{
    endpoint_t *self = *self_p;
    if (!self)
        return;
    list_t *link;
    while ((link = list_first (&self->held))) {
        operation_t *operation = LIST_THING (link, operation_t, place);
        operation_destroy (&operation);
    }
    list_remove (&self->in_session);
    list_remove (&self->in_peer);
    free (self);
    *self_p = NULL;
    metric_add (POSTOFFICE_ENDPOINTS, -1);
}

bool
endpoint_is_of (const endpoint_t *self, uint64_t role, text_t user)
{
    return self->role == role && text_is (self->user, user);
}
