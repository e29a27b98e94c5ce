#include "session/endpoint.h"

#include "bus/bus_record.h"
#include "base/alloc.h"
#include "base/hash_table.h"
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

//  Its words were refused for want of control: what was said behind them is, too.
static bool
s_lacks_control (const endpoint_t *self)
{
    return self->refused_as == VERDICT_NOT_IN_CONTROL;
}

bool
endpoint_takes (const endpoint_t *self, operation_t *operation)
{
    const bus_post_t *post = &operation->record.post;
    //  A client that could not send it again gives its post no order: it names itself.
    bool is_ordered = post->after != post->request_id;
    bool ends_lack = s_lacks_control (self) && post->event == EVENT_BARGE_IN;
    if (is_ordered && post->after > self->taken_id && !ends_lack)
        operation->behind_refused = true;
    if (!operation->behind_refused)
        return true;
    bool is_word = post->event == EVENT_NEW_MESSAGE;
    operation->verdict =
        is_word && s_lacks_control (self) ? VERDICT_NOT_IN_CONTROL : VERDICT_BUSY;
    return false;
}

//  What was taken once may be refused when it is decided on again: then what came behind it counts
//  as not taken either.
void
endpoint_note_post (endpoint_t *self, const operation_t *operation)
{
    const bus_post_t *post = &operation->record.post;
    verdict_t verdict = operation->verdict;
    bool is_refused = verdict_again (verdict) || verdict == VERDICT_NOT_IN_CONTROL;
    bool ends_lack = s_lacks_control (self) && post->event == EVENT_BARGE_IN && !is_refused;
    if (!operation->behind_refused && (is_refused || ends_lack))
        self->refused_as = is_refused ? verdict : VERDICT_OK;
    if (post->after == post->request_id && !ends_lack)
        return; //  in no order
    if (is_refused && self->taken_id >= post->request_id)
        self->taken_id = post->request_id - 1;
    else if (!is_refused && self->taken_id < post->request_id) {
        self->taken_id = post->request_id;
        self->refused_as = VERDICT_OK;
    }
}

bool
endpoint_is_of (const endpoint_t *self, uint64_t role, text_t user)
{
    return self->role == role && text_is (self->user, user);
}

// ---------------------------------------------------------------------------------------------
//  Edges

typedef struct {
    UT_hash_handle hh;
    peer_t peer;
    list_t endpoints;
} edge_t;

struct edges {
    edge_t *by_peer;
};

edges_t *
edges_new (void)
{
    return alloc_zeroed (sizeof (edges_t));
}

void
edges_destroy (edges_t **self_p)
{
    edges_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    edge_t *edge, *next;
    HASH_ITER (hh, self->by_peer, edge, next)
    {
        HASH_DEL (self->by_peer, edge);
        free (edge);
    }
    free (self);
}

static edge_t *
s_edge (const edges_t *self, peer_t peer)
{
    edge_t *edge;
    HASH_FIND_NUMBER (hh, self->by_peer, peer, edge);
    return edge;
}

void
edges_up (edges_t *self, peer_t peer)
{
    edge_t *edge = alloc_zeroed (sizeof *edge);
    edge->peer = peer;
    list_init (&edge->endpoints);
    HASH_ADD_NUMBER (hh, self->by_peer, peer, edge);
}

void
edges_down (edges_t *self, peer_t peer, list_t *endpoints)
{
    edge_t *edge = s_edge (self, peer);
    if (!edge)
        return;
    list_t *link;
    while ((link = list_first (&edge->endpoints)))
        list_append (endpoints, link);
    HASH_DEL (self->by_peer, edge);
    free (edge);
}

bool
edges_file (edges_t *self, endpoint_t *endpoint)
{
    edge_t *edge = s_edge (self, endpoint->peer);
    if (!edge)
        return false;
    list_append (&edge->endpoints, &endpoint->in_peer);
    return true;
}
