#include "session/gateway.h"

#include "session/outbound.h"
#include "tables/edge_metrics.h"
#include "session/inbound.h"
#include "session/keepalive.h"
#include "session/attachment.h"
#include "base/random_id.h"
#include "client/server_frame.h"

#include <assert.h>
#include <stdlib.h>

//  So many connections speak to their offices at a time, so that thousands that lost one do not
//  fill the bus at once; and so long it is until the next ones do.
#define SPEAK_AT_ONCE 512
#define SPEAK_AGAIN_MS 5
#define REFUSED_AT_ONCE 64
//  A socket that is to be closed is given so long to take what is left for it, and its peer to go.
#define CLOSING_MS 2000
//  A drain spreads its closes over this time, and rich clients' returns over the other.
#define DRAIN_MS 2000
#define RETURN_MS 5000
#define TICK_LEAST_MS 20
#define TICK_MOST_MS 1000

// ---------------------------------------------------------------------------------------------
//  Speaking

static void
s_speak_some (gateway_t *self)
{
    int refused = 0;
    for (int spoken = 0; spoken < SPEAK_AT_ONCE && refused < REFUSED_AT_ONCE; spoken++) {
        list_t *first = list_first (&self->waiting);
        if (!first)
            return;
        connection_t *connection = LIST_THING (first, connection_t, waiting);
        list_remove (first);
        edge_count (EDGE_UNSENT, -1);
        if (!attachment_speak (self, connection)) {
            gateway_wait (self, connection);
            refused++;
        }
    }
}

//  Whoever is refused now waits for the next time, as `pumping` stays set until the end.
static void
s_on_pump (uv_timer_t *timer)
{
    gateway_t *self = timer->data;
    bool detached = pending_detaches_send_all (&self->pending_detaches, self->bus);
    if (bus_client_postoffices_up (self->bus) > 0)
        s_speak_some (self);
    self->pumping = false;
    if (!list_is_empty (&self->waiting) || !detached)
        gateway_wait (self, NULL);
}

//  NULL: only to look again.
void
gateway_wait (gateway_t *self, connection_t *connection)
{
    if (connection && list_is_empty (&connection->waiting)) {
        list_append (&self->waiting, &connection->waiting);
        edge_count (EDGE_UNSENT, 1);
    }
    //  With no office there is nothing to try: office_up begins again.
    if (self->pumping || bus_client_postoffices_up (self->bus) == 0)
        return;
    self->pumping = true;
    uv_timer_start (self->pump, s_on_pump, connection ? 0 : SPEAK_AGAIN_MS, 0);
}

text_t
gateway_bot_sender (const gateway_t *self, const connection_t *connection)
{
    const app_t *app = apps_find (self->apps, connection_app (connection));
    return app ? app->bot_sender : APP_ANY_BOT_SENDER;
}

bool
gateway_is_overloaded (const gateway_t *self)
{
    int64_t waiting = edge_metrics[EDGE_OUTBOX_BYTES] + edge_metrics[EDGE_WRITING_BYTES]
                      + edge_metrics[EDGE_INBOX_BYTES] + edge_metrics[EDGE_POST_BYTES_PENDING];
    return waiting >= (int64_t) self->config->backlog_limit;
}

// ---------------------------------------------------------------------------------------------
//  The bus

static void
s_on_office_up (void *owner, unsigned office)
{
    gateway_t *self = owner;
    edge_metrics[EDGE_POSTOFFICES_UP] = bus_client_postoffices_up (self->bus);
    log_info ("postoffice up", log_number ("postoffice", office));
    attachment_office_up (self);
    gateway_wait (self, NULL);
}

static void
s_on_office_down (void *owner, unsigned office)
{
    gateway_t *self = owner;
    edge_metrics[EDGE_POSTOFFICES_UP] = bus_client_postoffices_up (self->bus);
    log_warn ("postoffice down", log_number ("postoffice", office));
    attachment_office_down (self, office);
}

static void
s_on_record (void *owner, unsigned office, const bus_record_t *record)
{
    gateway_t *self = owner;
    switch (record->kind) {
    case BUS_DELIVER:
        outbound_deliver (self, office, &record->deliver);
        break;
    case BUS_BROADCAST:
        outbound_broadcast (self, office, &record->broadcast);
        break;
    case BUS_POSTED:
        attachment_posted (self, office, &record->posted);
        break;
    case BUS_ATTACHED:
        attachment_attached (self, office, &record->attached);
        break;
    case BUS_LOOKUP_REPLY:
        attachment_lookup_reply (self, office, &record->lookup_reply);
        break;
    default:
        log_warn ("unexpected record", log_string ("kind", bus_kind_name (record->kind)));
    }
}

// ---------------------------------------------------------------------------------------------
//  Closing

void
gateway_close (gateway_t *self, connection_t *connection, close_reason_t reason)
{
    if (connection->place == PLACE_CLOSING)
        return;
    const close_reason_row_t *row = close_reason_row (reason);
    edge_closed[reason] += !connection_is_parting (connection);
    log_debug ("closing", log_text ("user", connection_user (connection)),
               log_string ("reason", row->metric),
               log_number ("endpoint", (int64_t) connection->endpoint));
    attachment_leave (self, connection);
    posts_remove_all (&self->posts, connection);
    if (!list_is_empty (&connection->waiting)) {
        list_remove (&connection->waiting);
        edge_count (EDGE_UNSENT, -1);
    }
    connection->close_reason = reason;
    connections_move (&self->connections, connection, PLACE_CLOSING, gateway_now (self));
    if (row->ws_code == 0) {
        websocket_abort (connection->socket);
        return;
    }
    //  A reader that is too slow has a full socket; what it can take is the close and no more.
    if (reason == CLOSE_SLOW_READER) {
        edge_count (EDGE_OUTBOX_BYTES, -(int64_t) connection->outbox.bytes);
        outbox_clear (&connection->outbox);
    }
    websocket_want_write (connection->socket);
}

//  Tells it that we go. It stays in its session and is read until it has gone: what it said before
//  it read that is not thrown away.
static void
s_part (gateway_t *self, connection_t *connection)
{
    edge_closed[CLOSE_GOING_AWAY]++;
    connection->close_reason = CLOSE_GOING_AWAY;
    connection->parting_ms = gateway_now (self);
    list_append (&self->parting, &connection->parting);
    websocket_want_write (connection->socket);
}

static void
s_kill_parting (gateway_t *self)
{
    list_t *all = &self->parting, *next;
    for (list_t *at = all->next; at != all; at = next) {
        next = at->next;
        connection_t *connection = LIST_THING (at, connection_t, parting);
        if (gateway_now (self) - connection->parting_ms < CLOSING_MS)
            break;
        list_append (all, at); //  not again in the next tick
        connection->parting_ms = gateway_now (self);
        websocket_abort (connection->socket);
    }
}

static void
s_kill_late (gateway_t *self)
{
    list_t *all = &self->connections.places[PLACE_CLOSING], *next;
    for (list_t *at = all->next; at != all; at = next) {
        next = at->next;
        connection_t *connection = LIST_THING (at, connection_t, placed);
        if (gateway_now (self) - connection->placed_ms < CLOSING_MS)
            break;
        list_append (all, at); //  not again in the next tick
        connection->placed_ms = gateway_now (self);
        websocket_abort (connection->socket);
    }
}

//  Closes so many that none is left when the time is over.
static void
s_drain_some (gateway_t *self)
{
    uint64_t since = gateway_now (self) - (self->drained_at_ms - DRAIN_MS);
    uint64_t left = since >= DRAIN_MS ? 0 : self->drain_to_close * (DRAIN_MS - since) / DRAIN_MS;
    connection_t *connection, *next;
    uint64_t open = self->connections.count;
    HASH_ITER (hh, self->connections.by_endpoint, connection, next) {
        if (connection->place == PLACE_CLOSING || connection_is_parting (connection)) {
            open--;
            continue;
        }
        if (open <= left)
            break;
        open--;
        s_part (self, connection);
    }
}

static void
s_check_drained (gateway_t *self)
{
    if (!self->drained || self->connections.count > 0)
        return;
    void (*drained) (void *owner) = self->drained;
    self->drained = NULL;
    (void) pending_detaches_send_all (&self->pending_detaches, self->bus);
    drained (self->owner);
}

void
gateway_drain (gateway_t *self, void (*drained) (void *owner), void *owner)
{
    self->drained = drained;
    self->owner = owner;
    self->drained_at_ms = gateway_now (self) + DRAIN_MS;
    self->drain_to_close = self->connections.count;
    connection_t *connection, *next;
    HASH_ITER (hh, self->connections.by_endpoint, connection, next) {
        if (connection->dialect != DIALECT_RICH)
            continue;
        frame_t *frame = server_frame_going_away (random_id_number () % RETURN_MS);
        gateway_write (self, connection, &frame);
    }
    s_check_drained (self);
}

// ---------------------------------------------------------------------------------------------
//  The sockets

static int
s_on_upgrade (void *owner, const client_url_t *url, text_t origin)
{
    gateway_t *self = owner;
    //  An app that is not there is refused in the socket, in words that a client can read.
    const app_t *app = apps_find (self->apps, client_url_app (url));
    if (!app || apps_allows_origin (self->apps, app->id, origin))
        return 0;
    edge_count (EDGE_REFUSED_ORIGIN, 1);
    return 403;
}

static close_reason_t
s_check (const gateway_t *self, const client_url_t *url, const app_t *app)
{
    close_reason_t reason = client_url_check (url);
    if (reason != CLOSE_CLIENT)
        return reason;
    if (!app)
        return CLOSE_UNKNOWN_APP;
    return url->admin && !self->config->demo_mode ? CLOSE_NOT_ALLOWED : CLOSE_CLIENT;
}

static verdict_t
s_verdict_of (close_reason_t reason)
{
    return reason == CLOSE_UNKNOWN_APP   ? VERDICT_UNKNOWN_APP
           : reason == CLOSE_NOT_ALLOWED ? VERDICT_NOT_ALLOWED
                                         : VERDICT_BAD_REQUEST;
}

static connection_t *
s_on_opened (void *owner, websocket_t *socket, const client_url_t *url)
{
    gateway_t *self = owner;
    const app_t *app = url->app_is_bad ? NULL : apps_find (self->apps, client_url_app (url));
    connection_t *connection =
        connections_add (&self->connections, app ? app->id : TEXT_EMPTY, client_url_user (url),
                         url->admin ? ROLE_AGENT : ROLE_VISITOR,
                         url->rich ? DIALECT_RICH : DIALECT_WIDGET, socket, gateway_now (self));
    if (!connection)
        return NULL;
    close_reason_t reason = s_check (self, url, app);
    if (reason == CLOSE_CLIENT)
        return connection;
    verdict_t verdict = s_verdict_of (reason);
    frame_t *update = server_frame_not_joined (TEXT_EMPTY, verdict_code (verdict),
                                               close_reason_row (reason)->words);
    gateway_write (self, connection, &update);
    gateway_close (self, connection, reason);
    return connection;
}

static void
s_on_text (void *owner, connection_t *connection, text_t text)
{
    inbound_text (owner, connection, text);
}

static void
s_on_fragment (void *owner, connection_t *connection)
{
    keepalive_heard (owner, connection);
}

static void
s_on_overhead (void *owner, connection_t *connection, unsigned frames)
{
    inbound_owe (owner, connection, frames);
}

static void
s_on_pong (void *owner, connection_t *connection, text_t payload)
{
    keepalive_pong (owner, connection, payload);
}

static bool
s_may_grow (void *owner)
{
    if (!gateway_is_overloaded (owner))
        return true;
    edge_count (EDGE_OVERLOADED, 1);
    return false;
}

static void
s_on_fault (void *owner, connection_t *connection, close_reason_t reason)
{
    gateway_close (owner, connection, reason);
}

static bool
s_on_next (void *owner, connection_t *connection, websocket_write_t *write)
{
    return outbound_next (owner, connection, write);
}

static void
s_on_closed (void *owner, connection_t *connection)
{
    gateway_t *self = owner;
    if (connection->place != PLACE_CLOSING) {
        edge_closed[CLOSE_CLIENT] += !connection_is_parting (connection);
        attachment_leave (self, connection);
        posts_remove_all (&self->posts, connection);
        if (!list_is_empty (&connection->waiting))
            edge_count (EDGE_UNSENT, -1);
    }
    connections_remove (&self->connections, &connection);
    s_check_drained (self);
}

const websocket_events_t gateway_socket_events = { .upgrade = s_on_upgrade,
                                                   .opened = s_on_opened,
                                                   .text = s_on_text,
                                                   .fragment = s_on_fragment,
                                                   .overhead = s_on_overhead,
                                                   .may_grow = s_may_grow,
                                                   .pong = s_on_pong,
                                                   .fault = s_on_fault,
                                                   .next = s_on_next,
                                                   .closed = s_on_closed };

// ---------------------------------------------------------------------------------------------
//  Life

static void
s_on_tick (uv_timer_t *timer)
{
    gateway_t *self = timer->data;
    attachment_tick (self);
    keepalive_tick (self);
    inbound_tick (self);
    s_kill_late (self);
    s_kill_parting (self);
    if (self->drained)
        s_drain_some (self);
}

//  Fine enough for the shortest of the limits that it watches over.
static uint64_t
s_tick_ms (const edge_config_t *config)
{
    uint64_t shortest = config->silence;
    if (config->ping_every < shortest)
        shortest = config->ping_every;
    if (config->pong_within < shortest)
        shortest = config->pong_within;
    uint64_t tick = shortest / 4;
    return tick < TICK_LEAST_MS ? TICK_LEAST_MS : tick > TICK_MOST_MS ? TICK_MOST_MS : tick;
}

static uv_timer_t *
s_timer (gateway_t *self)
{
    uv_timer_t *timer = malloc (sizeof *timer);
    assert (timer);
    uv_timer_init (self->loop, timer);
    timer->data = self;
    return timer;
}

gateway_t *
gateway_new (uv_loop_t *loop, const char *node, const edge_config_t *config, const apps_t *apps)
{
    static const bus_client_events_t events = { .postoffice_up = s_on_office_up,
                                                .postoffice_down = s_on_office_down,
                                                .record = s_on_record };
    gateway_t *self = calloc (1, sizeof *self);
    assert (self);
    self->loop = loop;
    self->config = config;
    self->apps = apps;
    connections_init (&self->connections);
    posts_init (&self->posts);
    list_init (&self->waiting);
    list_init (&self->parting);
    list_init (&self->resting);
    list_init (&self->unconfirmed);
    list_init (&self->changed);
    pending_detaches_init (&self->pending_detaches);
    bus_client_config_t bus = { .node = node,
                                .role = NODE_EDGE,
                                .topics = "",
                                .addresses = config->postoffice_addresses,
                                .heartbeat_ms = config->bus_heartbeat,
                                .queue_limit = config->bus_queue_limit };
    self->bus = bus_client_new (loop, &bus, &events, self);
    if (!self->bus) {
        free (self);
        return NULL;
    }
    self->pump = s_timer (self);
    self->confirm = s_timer (self);
    self->tick = s_timer (self);
    self->tick_ms = s_tick_ms (config);
    uv_timer_start (self->tick, s_on_tick, self->tick_ms, self->tick_ms);
    edge_metrics[EDGE_CONNECTIONS_LIMIT] = (int64_t) config->connections;
    edge_metrics[EDGE_BACKLOG_LIMIT] = (int64_t) config->backlog_limit;
    edge_metrics[EDGE_OUTBOX_LIMIT] = (int64_t) config->outbox_limit;
    return self;
}

static void
s_on_timer_closed (uv_handle_t *handle)
{
    free (handle);
}

void
gateway_destroy (gateway_t **self_p)
{
    gateway_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    assert (self->connections.count == 0);
    bus_client_destroy (&self->bus);
    pending_detaches_free (&self->pending_detaches);
    uv_close ((uv_handle_t *) self->pump, s_on_timer_closed);
    uv_close ((uv_handle_t *) self->confirm, s_on_timer_closed);
    uv_close ((uv_handle_t *) self->tick, s_on_timer_closed);
    free (self);
}
