#include "session/departures.h"

#include "base/alloc.h"
#include "base/random_id.h"
#include "client/server_frame.h"

#include <stdlib.h>

//  A drain spreads its closes over this time, and rich clients' returns over the other.
#define DRAIN_MS 2000
#define RETURN_MS 5000
//  Of a few that go while others stay.
#define SHED_RETURN_MS 2000
//  What was under way when it was told has come by then, and is answered by the other.
#define TOLD_LEAST_MS 250
#define TOLD_MOST_MS 3000
//  Told and not closed yet.
#define TOLD_CLIENTS 1000

typedef struct {
    uint64_t endpoint;
    uint64_t told_ms;
} told_t;

struct departures {
    uv_loop_t *loop;
    clients_t *clients;
    bool is_draining;
    uint64_t drain_began_ms;
    uint64_t drain_count; //  connections when the drain began
    unsigned told_count;
    told_t told[TOLD_CLIENTS];
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
    free (*self_p);
    *self_p = NULL;
}

static void
s_tell (client_t *client, uint64_t within_ms)
{
    frame_t *frame = server_frame_going_away (random_id_number () % within_ms);
    client_write (client, &frame);
}

// ---------------------------------------------------------------------------------------------
//  A few

//  Nothing of its own and nothing for it is under way.
static bool
s_is_idle (const connection_t *connection)
{
    attachment_state_t state = attachment_state (connection->attachment);
    return (state == ATTACHMENT_ATTACHED || state == ATTACHMENT_DETACHED) && !connection->pause
           && !attachment_awaits_answer (connection->attachment)
           && client_has_all (connection->client);
}

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
s_may_go (const client_t *client, rank_t rank)
{
    const client_view_t *view = client_view (client);
    const connection_t *connection = view->owner;
    return view->state == CLIENT_OPEN && !connection->is_leaving && s_rank (client) == rank
           && s_is_idle (connection);
}

static void
s_send (departures_t *self, client_t *client)
{
    connection_t *connection = client_view (client)->owner;
    connection->is_leaving = true;
    if (!client_is_rich (client)) {
        client_drain (client, CLOSE_SHED);
        return;
    }
    s_tell (client, SHED_RETURN_MS);
    self->told[self->told_count++] =
        (told_t){ client_view (client)->endpoint, uv_now (self->loop) };
}

uint64_t
departures_send (departures_t *self, uint64_t count)
{
    uint64_t sent = 0;
    for (rank_t rank = 0; rank < RANKS; rank++)
        for (client_t *at = NULL; sent < count && (at = clients_next (self->clients, at));)
            if (self->told_count < TOLD_CLIENTS && s_may_go (at, rank)) {
                s_send (self, at);
                sent++;
            }
    return sent;
}

//  True when it is done with: closed here, or gone by itself.
static bool
s_close_told (const departures_t *self, const told_t *told)
{
    client_t *client = clients_find (self->clients, told->endpoint);
    uint64_t since_ms = uv_now (self->loop) - told->told_ms;
    if (!client || client_view (client)->state != CLIENT_OPEN)
        return true;
    if (since_ms < TOLD_LEAST_MS
        || (since_ms < TOLD_MOST_MS && !s_is_idle (client_view (client)->owner)))
        return false;
    client_drain (client, CLOSE_SHED);
    return true;
}

static void
s_close_some (departures_t *self)
{
    unsigned kept = 0;
    for (unsigned at = 0; at < self->told_count; at++)
        if (!s_close_told (self, &self->told[at]))
            self->told[kept++] = self->told[at];
    self->told_count = kept;
}

// ---------------------------------------------------------------------------------------------
//  All

void
departures_drain (departures_t *self)
{
    self->is_draining = true;
    self->drain_began_ms = uv_now (self->loop);
    self->drain_count = clients_count (self->clients);
    for (client_t *at = NULL; (at = clients_next (self->clients, at));)
        if (client_is_rich (at) && !((connection_t *) client_view (at)->owner)->is_leaving)
            s_tell (at, RETURN_MS);
}

//  Closes so many that none is left when the time is over.
static void
s_drain_some (departures_t *self)
{
    uint64_t since = uv_now (self->loop) - self->drain_began_ms;
    uint64_t left = since >= DRAIN_MS ? 0 : self->drain_count * (DRAIN_MS - since) / DRAIN_MS;
    uint64_t open = clients_count (self->clients);
    for (client_t *at = NULL; (at = clients_next (self->clients, at));) {
        bool is_ending = client_view (at)->state != CLIENT_OPEN;
        if (!is_ending && open <= left)
            break;
        open--;
        if (!is_ending)
            client_drain (at, CLOSE_GOING_AWAY);
    }
}

void
departures_tick (departures_t *self)
{
    s_close_some (self);
    if (self->is_draining)
        s_drain_some (self);
}
