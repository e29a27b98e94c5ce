#include "session/departures.h"

#include "base/alloc.h"
#include "base/random_id.h"
#include "client/server_frame.h"

#include <stdlib.h>

//  Rich clients come back within this time after they were closed.
#define RETURN_MS 1000
//  A drain sends a client in each millisecond, and all of them within this time at most.
#define DRAIN_MOST_MS 5000
//  What was under way when it was told has come by then, and is answered by the other.
#define TOLD_LEAST_MS 250
#define TOLD_MOST_MS 3000

typedef struct {
    uint64_t endpoint;
    uint64_t told_ms;
} told_t;

struct departures {
    uv_loop_t *loop;
    clients_t *clients;
    bool is_draining;
    uint64_t drain_began_ms;
    uint64_t drain_within_ms;
    uint64_t drain_ms;    //  in which all are told
    uint64_t drain_count; //  clients that were to be sent when it began
    uint64_t drain_sent;  //  of them
    size_t told_count;
    size_t told_room;
    told_t *told; //  and not closed yet
};

departures_t *
departures_new (uv_loop_t *loop, clients_t *clients)
{
    departures_t *self = alloc_zeroed (sizeof *self);
    self->loop = loop;
    self->clients = clients;
    return self;
}

void
departures_destroy (departures_t **self_p)
{
    free ((*self_p)->told);
    free (*self_p);
    *self_p = NULL;
}

// ---------------------------------------------------------------------------------------------
//  One client

static void
s_remember (departures_t *self, const client_t *client)
{
    if (self->told_count == self->told_room) {
        self->told_room = self->told_room * 2 + 64;
        self->told = alloc_resized (self->told, self->told_room * sizeof *self->told);
    }
    self->told[self->told_count++] =
        (told_t){ client_view (client)->endpoint, uv_now (self->loop) };
}

static close_reason_t
s_reason (const departures_t *self)
{
    return self->is_draining ? CLOSE_GOING_AWAY : CLOSE_SHED;
}

static void
s_send (departures_t *self, client_t *client)
{
    connection_t *connection = client_view (client)->owner;
    connection->is_leaving = true;
    if (!client_is_rich (client)) {
        client_drain (client, s_reason (self));
        return;
    }
    frame_t *frame = server_frame_going_away (random_id_number () % RETURN_MS);
    client_write (client, &frame);
    s_remember (self, client);
}

//  Nothing of its own and nothing for it is under way.
static bool
s_is_idle (const connection_t *connection)
{
    attachment_state_t state = attachment_state (connection->attachment);
    return (state == ATTACHMENT_ATTACHED || state == ATTACHMENT_DETACHED) && !connection->pause
           && !attachment_awaits_answer (connection->attachment)
           && client_has_all (connection->client);
}

// ---------------------------------------------------------------------------------------------
//  A few

//  Who goes first.
typedef enum { RANK_QUIET, RANK_LIVE, RANK_AGENT, RANKS } rank_t;

static rank_t
s_rank (const client_t *client)
{
    const client_view_t *view = client_view (client);
    const connection_t *connection = view->owner;
    return view->principal.kind == ROLE_AGENT           ? RANK_AGENT
           : keepalive_is_live (connection->keepalive) ? RANK_LIVE
                                                        : RANK_QUIET;
}

static bool
s_may_go (const client_t *client, rank_t rank, uint64_t before_ms)
{
    const client_view_t *view = client_view (client);
    const connection_t *connection = view->owner;
    return view->state == CLIENT_OPEN && !connection->is_leaving && s_rank (client) == rank
           && connection->opened_ms < before_ms && s_is_idle (connection);
}

uint64_t
departures_send (departures_t *self, uint64_t count, uint64_t before_ms)
{
    uint64_t sent = 0;
    for (rank_t rank = 0; rank < RANKS; rank++)
        for (client_t *at = NULL; sent < count && (at = clients_next (self->clients, at));)
            if (s_may_go (at, rank, before_ms)) {
                s_send (self, at);
                sent++;
            }
    return sent;
}

//  A drain that has little time gives its clients no more than that.
static uint64_t
s_hurry (const departures_t *self, uint64_t ms)
{
    return self->is_draining && self->drain_within_ms < ms ? self->drain_within_ms : ms;
}

//  True when it is done with: closed here, or gone by itself.
static bool
s_close_told (const departures_t *self, const told_t *told)
{
    client_t *client = clients_find (self->clients, told->endpoint);
    uint64_t since_ms = uv_now (self->loop) - told->told_ms;
    if (!client || client_view (client)->state != CLIENT_OPEN)
        return true;
    if (since_ms < s_hurry (self, TOLD_LEAST_MS)
        || (since_ms < s_hurry (self, TOLD_MOST_MS) && !s_is_idle (client_view (client)->owner)))
        return false;
    client_drain (client, s_reason (self));
    return true;
}

static void
s_close_some (departures_t *self)
{
    size_t kept = 0;
    for (size_t at = 0; at < self->told_count; at++)
        if (!s_close_told (self, &self->told[at]))
            self->told[kept++] = self->told[at];
    self->told_count = kept;
}

// ---------------------------------------------------------------------------------------------
//  All

static bool
s_is_staying (const client_t *client)
{
    const client_view_t *view = client_view (client);
    return view->state == CLIENT_OPEN && !((connection_t *) view->owner)->is_leaving;
}

void
departures_drain (departures_t *self, uint64_t within_ms)
{
    self->is_draining = true;
    self->drain_began_ms = uv_now (self->loop);
    for (client_t *at = NULL; (at = clients_next (self->clients, at));)
        self->drain_count += s_is_staying (at);
    self->drain_ms = self->drain_count < DRAIN_MOST_MS ? self->drain_count : DRAIN_MOST_MS;
    self->drain_within_ms = within_ms;
    self->drain_ms = s_hurry (self, self->drain_ms);
}

//  So many that none is left when the time is over.
static void
s_drain_some (departures_t *self)
{
    uint64_t since = uv_now (self->loop) - self->drain_began_ms;
    bool is_over = since >= self->drain_ms;
    uint64_t due = is_over ? 0 : self->drain_count * since / self->drain_ms;
    for (client_t *at = NULL; is_over || self->drain_sent < due;) {
        at = clients_next (self->clients, at);
        if (!at)
            return;
        if (s_is_staying (at)) {
            s_send (self, at);
            self->drain_sent++;
        }
    }
}

void
departures_tick (departures_t *self)
{
    s_close_some (self);
    if (self->is_draining)
        s_drain_some (self);
}
