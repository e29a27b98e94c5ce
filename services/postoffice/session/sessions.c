#include "session/sessions.h"

#include "base/alloc.h"
#include "session/replies.h"
#include "base/clock.h"
#include "tables/postoffice_metrics.h"
#include "session/presence.h"
#include "base/log.h"

#include <assert.h>
#include <stdlib.h>

#define TICK_MS 250
//  Sessions that try again in one tick: more would come upon the database all at once.
#define RETRIES_AT_ONCE 1000

//  An edge, as far as its endpoints go.
typedef struct {
    UT_hash_handle hh;
    peer_t peer;
    list_t endpoints;
} edge_t;

struct sessions {
    postoffice_context_t *office;
    session_t *by_key;
    edge_t *edges;
    list_t pending;      //  sessions that get a turn before the loop sleeps
    list_t retrying;     //  sessions that get a turn at the next tick
    list_t idle;         //  sessions that nobody needs, longest first
    list_t absent;       //  participants without an endpoint, longest first
    uint64_t unfinished; //  operations
    uint64_t weight;     //  their bytes
    uv_idle_t turns;     //  runs while something is pending
    uv_timer_t tick;
    unsigned handles;    //  not closed yet
};

static void
s_on_turns (uv_idle_t *handle)
{
    sessions_t *self = handle->data;
    //  What becomes pending meanwhile gets its turn in the loop's next round.
    list_t now;
    list_init (&now);
    list_t *link;
    while ((link = list_first (&self->pending)))
        list_append (&now, link);
    while ((link = list_first (&now))) {
        list_remove (link);
        session_turn (LIST_THING (link, session_t, pending));
    }
    if (list_is_empty (&self->pending))
        uv_idle_stop (&self->turns);
}

void
sessions_pend (sessions_t *self, session_t *session)
{
    list_remove (&session->idle);
    list_append (&self->pending, &session->pending);
    uv_idle_start (&self->turns, s_on_turns);
}

void
sessions_retry (sessions_t *self, session_t *session)
{
    list_append (&self->retrying, &session->pending);
}

static void
s_retry_some (sessions_t *self)
{
    list_t *link;
    for (int retried = 0; retried < RETRIES_AT_ONCE && (link = list_first (&self->retrying));
         retried++)
        sessions_pend (self, LIST_THING (link, session_t, pending));
}

void
sessions_store_ready (sessions_t *self)
{
    session_t *session, *next;
    HASH_ITER (hh, self->by_key, session, next)
    {
        if (session->state != SESSION_READY && session->state != SESSION_COMMITTING)
            continue; //  will be, or is being, loaded anyway
        session->stale = true;
        if (session->split_hosting.is_shared)
            (void)store_notify (self->office->store, NOTIFY_MOVED, session->key);
        if (list_is_empty (&session->pending) && session->endpoint_count > 0)
            sessions_retry (self, session);
    }
    s_retry_some (self);
}

void
sessions_hand_over (sessions_t *self)
{
    self->office->suspended_us = clock_mono_us ();
    session_t *session, *next;
    HASH_ITER (hh, self->by_key, session, next)
    session_hand_over (session);
}

// ---------------------------------------------------------------------------------------------
//  Time

static void
s_end_graces (sessions_t *self, uint64_t now)
{
    list_t *link;
    while ((link = list_first (&self->absent))) {
        participant_t *participant = LIST_THING (link, participant_t, absent);
        if (now - participant->absent_since_ms < self->office->grace_ms)
            return;
        list_remove (link);
        session_t *session = participant->session;
        operation_t *operation = operation_absent (participant->role, participant->user);
        self->unfinished++;
        self->weight += operation->weight;
        session_ask (session, &operation);
    }
}

static void
s_drop_idle (sessions_t *self, uint64_t now)
{
    list_t *link;
    while ((link = list_first (&self->idle))) {
        session_t *session = LIST_THING (link, session_t, idle);
        if (now - session->idle_since_ms < self->office->idle_ms)
            return;
        list_remove (link);
        if (!session_is_idle (session))
            continue;
        HASH_DEL (self->by_key, session);
        session_destroy (&session);
        metric_add (POSTOFFICE_EVICTED, 1);
    }
}

static void
s_on_tick (uv_timer_t *timer)
{
    sessions_t *self = timer->data;
    uint64_t now = clock_mono_ms ();
    s_end_graces (self, now);
    s_drop_idle (self, now);
    s_retry_some (self); //  whether the store is ready or not: to find out is one request
    postoffice_counts[POSTOFFICE_OPERATIONS_QUEUED] = (int64_t) self->unfinished;
    postoffice_counts[POSTOFFICE_OPERATION_BYTES] = (int64_t) self->weight;
}

void
sessions_await_return (sessions_t *self, participant_t *participant)
{
    list_append (&self->absent, &participant->absent);
}

void
sessions_consider_idle (sessions_t *self, session_t *session)
{
    if (!list_is_empty (&session->idle) || !list_is_empty (&session->pending)
        || !session_is_idle (session))
        return;
    session->idle_since_ms = clock_mono_ms ();
    list_append (&self->idle, &session->idle);
}

// ---------------------------------------------------------------------------------------------
//  The table

sessions_t *
sessions_new (uv_loop_t *loop, postoffice_context_t *office)
{
    sessions_t *self = alloc_zeroed (sizeof *self);
    self->office = office;
    list_init (&self->pending);
    list_init (&self->retrying);
    list_init (&self->idle);
    list_init (&self->absent);
    uv_idle_init (loop, &self->turns);
    uv_timer_init (loop, &self->tick);
    self->turns.data = self->tick.data = self;
    uv_timer_start (&self->tick, s_on_tick, TICK_MS, TICK_MS);
    return self;
}

static void
s_on_closed (uv_handle_t *handle)
{
    sessions_t *self = handle->data;
    if (--self->handles == 0)
        free (self);
}

void
sessions_destroy (sessions_t **self_p)
{
    sessions_t *self = *self_p;
    if (!self)
        return;
    session_t *session, *next_session;
    HASH_ITER (hh, self->by_key, session, next_session)
    {
        HASH_DEL (self->by_key, session);
        session_destroy (&session);
    }
    edge_t *edge, *next_edge;
    HASH_ITER (hh, self->edges, edge, next_edge)
    {
        HASH_DEL (self->edges, edge);
        free (edge);
    }
    self->handles = 2;
    uv_close ((uv_handle_t *) &self->turns, s_on_closed);
    uv_close ((uv_handle_t *) &self->tick, s_on_closed);
    *self_p = NULL;
}

session_t *
sessions_find (sessions_t *self, text_t key)
{
    session_t *session;
    HASH_FIND (hh, self->by_key, key.data, key.size, session);
    return session;
}

static session_t *
s_find_or_make (sessions_t *self, text_t key)
{
    session_t *session = sessions_find (self, key);
    if (session)
        return session;
    session = session_new (self->office, key);
    HASH_ADD_KEYPTR (hh, self->by_key, session->key.data, session->key.size, session);
    return session;
}

//  What can never be stored is refused here, before others would be drafted with it. A worker's
//  answer is not refused, as the worker would say it again for ever: its turn has failed.
static bool
s_can_spoil (operation_t *operation)
{
    if (operation->kind != OPERATION_DONE)
        return false;
    operation_spoil (operation);
    return operation_is_storable (operation);
}

void
sessions_ask (sessions_t *self, text_t key, operation_t **operation_p)
{
    operation_t *operation = *operation_p;
    if (!operation_is_storable (operation) && !s_can_spoil (operation)) {
        reply_refused (self->office, operation, VERDICT_BAD_REQUEST);
        operation_destroy (operation_p);
        return;
    }
    //  What frees memory or ends work is taken even when too much waits: it is what helps.
    bool adds = operation->kind == OPERATION_ATTACH || operation->kind == OPERATION_POST;
    bool full = self->weight + operation->weight > self->office->queue_limit
                || (HASH_COUNT (self->by_key) >= self->office->session_limit
                    && !sessions_find (self, key));
    if (adds && full) {
        reply_refused (self->office, operation, VERDICT_BUSY);
        operation_destroy (operation_p);
        return;
    }
    session_t *session = adds ? NULL : sessions_find (self, key);
    if (session && session_has_heard (session, operation)) {
        operation_destroy (operation_p);
        return;
    }
    metric_add (POSTOFFICE_OPERATIONS, 1);
    self->unfinished++;
    self->weight += operation->weight;
    session_ask (s_find_or_make (self, key), operation_p);
}

void
sessions_operation_ended (sessions_t *self, const operation_t *operation)
{
    assert (self->unfinished > 0);
    self->unfinished--;
    self->weight -= operation->weight;
}

void
sessions_adopt (sessions_t *self, text_t key)
{
    session_t *session = s_find_or_make (self, key);
    session->wanted = true;
    session_moved (session);
    sessions_pend (self, session);
    metric_add (POSTOFFICE_ORPHANS, 1);
}

uint64_t
sessions_unfinished (const sessions_t *self)
{
    return self->unfinished;
}

// ---------------------------------------------------------------------------------------------
//  Edges

static edge_t *
s_edge (sessions_t *self, peer_t peer)
{
    edge_t *edge;
    HASH_FIND (hh, self->edges, &peer, sizeof peer, edge);
    return edge;
}

void
sessions_edge_up (sessions_t *self, peer_t peer)
{
    edge_t *edge = alloc_zeroed (sizeof *edge);
    edge->peer = peer;
    list_init (&edge->endpoints);
    HASH_ADD (hh, self->edges, peer, sizeof edge->peer, edge);
}

void
sessions_edge_down (sessions_t *self, peer_t peer)
{
    edge_t *edge = s_edge (self, peer);
    if (!edge)
        return;
    HASH_DEL (self->edges, edge);
    list_t *link;
    while ((link = list_first (&edge->endpoints))) {
        endpoint_t *endpoint = LIST_THING (link, endpoint_t, in_peer);
        presence_lose (endpoint->session, endpoint);
    }
    free (edge);
}

bool
sessions_file_endpoint (sessions_t *self, endpoint_t *endpoint)
{
    edge_t *edge = s_edge (self, endpoint->peer);
    if (!edge)
        return false;
    list_append (&edge->endpoints, &endpoint->in_peer);
    return true;
}
