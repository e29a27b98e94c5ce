#include "session/gateway.h"

#include "api/api_answer.h"
#include "api/feed.h"
#include "api/openapi_page.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/loop_timer.h"
#include "client/door.h"
#include "client/request_info.h"
#include "client/server_frame.h"
#include "model/session_key.h"
#include "platforms/platforms.h"
#include "session/balance.h"
#include "session/inbound.h"
#include "session/outbound.h"
#include "tables/edge_metrics.h"
#include "webhooks/webhooks.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

//  Numbers of questions have this bit; those of the API's requests do not.
#define QUESTION_NUMBERS (UINT64_C (1) << 62)
//  The part of SHUTDOWN_GRACE in which clients are told to go; as much is theirs to go, and in the
//  rest those who do not are cut off.
#define DRAIN_PART 4
#define TICK_LEAST_MS 20
#define TICK_MOST_MS 1000
#define TICKETS_EVERY_MS 2000
//  Of the parameters that the events have (api_queries.def).
#define API_QUERY_TEXT_MOST 2000
#define API_QUERY(OPERATION, name, KIND, least, most, choices, words)                            \
    static_assert (API_##OPERATION != API_EVENTS || (most) <= API_QUERY_TEXT_MOST, name);
#include "model/api_queries.def"
#undef API_QUERY
//  So many idle principals, sessions, apps and addresses are remembered, of about 150 bytes each.
#define IDLE_LIMITED 65536

struct gateway {
    uv_loop_t *loop;
    const edge_config_t *config;
    const apps_t *apps;
    door_t door;
    address_guard_t *ranges;
    bus_client_t *bus;
    flow_control_t *flow;
    clients_t *clients;
    limits_t *limits;
    keepalives_t *keepalives;
    posts_t *posts;
    attachments_t *attachments;
    inbounds_t *inbounds;
    openapi_page_t *openapi;
    api_calls_t *calls;
    api_t *api;
    questions_t *questions;
    webhooks_t *webhooks;
    platforms_t *platforms;
    feed_t *feed;
    balance_t *balance;
    loop_timer_t *tick;
    uint64_t token_count; //  connections that came with a token
    uint64_t tickets_ms;  //  when tickets were looked at last
    uint64_t apps_seen;   //  and which apps
    void (*reached) (void *owner); //  NULL: nobody waits for a first postoffice
    void *reached_owner;
    void (*drained) (void *owner); //  NULL: not draining
    void *owner;
};

// ---------------------------------------------------------------------------------------------
//  The bus

static attachment_t *
s_attachment_of (const gateway_t *self, uint64_t endpoint)
{
    client_t *client = clients_find (self->clients, endpoint);
    return client ? ((connection_t *) client_view (client)->owner)->attachment : NULL;
}

static void
s_say_reached (gateway_t *self)
{
    void (*reached) (void *owner) = self->reached;
    self->reached = NULL;
    if (reached)
        reached (self->reached_owner);
}

static void
s_on_postoffice_up (void *owner, unsigned postoffice)
{
    gateway_t *self = owner;
    s_say_reached (self);
    edge_metrics[EDGE_POSTOFFICES_UP] = bus_client_postoffices_up (self->bus);
    attachments_postoffice_up (self->attachments);
    questions_postoffice_up (self->questions);
    feed_postoffice_up (self->feed, postoffice);
}

static void
s_on_postoffice_down (void *owner, unsigned postoffice)
{
    gateway_t *self = owner;
    edge_metrics[EDGE_POSTOFFICES_UP] = bus_client_postoffices_up (self->bus);
    attachments_postoffice_down (self->attachments, postoffice);
    api_calls_postoffice_down (self->calls, postoffice);
    questions_postoffice_down (self->questions, postoffice);
    feed_postoffice_down (self->feed, postoffice);
    balance_postoffice_down (self->balance, postoffice);
}

static void
s_on_record (void *owner, unsigned postoffice, const bus_record_t *record)
{
    gateway_t *self = owner;
    attachment_t *attachment;
    static log_limit_t limit = LOG_LIMIT (LOG_WARN, "unexpected record");
    switch (record->kind) {
    case BUS_DELIVER:
        outbound_deliver (self->clients, postoffice, &record->deliver);
        break;
    case BUS_TRUNCATED:
        outbound_truncate (self->clients, postoffice, &record->truncated);
        break;
    case BUS_BROADCAST:
        outbound_broadcast (self->clients, postoffice, &record->broadcast);
        break;
    case BUS_POSTED:
        attachments_posted (self->attachments, postoffice, &record->posted);
        break;
    case BUS_ATTACHED:
        attachment = s_attachment_of (self, record->attached.endpoint);
        if (attachment)
            attachment_attached (attachment, postoffice, &record->attached);
        break;
    case BUS_LOOKUP_REPLY:
        attachment = s_attachment_of (self, record->lookup_reply.endpoint);
        if (attachment)
            attachment_looked_up (attachment, postoffice, &record->lookup_reply);
        break;
    case BUS_REPLY:
        if (!questions_reply (self->questions, &record->reply))
            api_calls_reply (self->calls, &record->reply);
        break;
    case BUS_WATCHING:
        feed_watching (self->feed, postoffice, &record->watching);
        break;
    case BUS_SUMMARY:
        feed_summary (self->feed, &record->summary);
        break;
    case BUS_LOADS:
        balance_told (self->balance, postoffice, &record->loads);
        break;
    default:
        if (log_limit_allows (&limit))
            log_warn ("unexpected record", log_string ("kind", bus_kind_name (record->kind)));
    }
    connections_end_event (self->clients);
}

static void
s_on_answered (void *owner, client_t *client)
{
    (void) owner;
    inbound_resume (client_view (client)->owner);
}

static void
s_on_joined (void *owner, client_t *client, text_t session)
{
    (void) owner;
    inbound_joined (client_view (client)->owner, session);
}

static bool
s_on_received (void *owner, client_t *client)
{
    (void) owner;
    connection_t *connection = client_view (client)->owner;
    return attachment_send_receipt (connection->attachment);
}

// ---------------------------------------------------------------------------------------------
//  The sockets

static int
s_on_upgrade (void *owner, const client_url_t *url, text_t origin)
{
    gateway_t *self = owner;
    //  An app that is not there is refused in the socket, in words that a client can read.
    const app_t *app = apps_find (self->apps, url->app);
    if (!app || apps_allows_origin (self->apps, app->id, origin))
        return 0;
    edge_count (EDGE_REFUSED_ORIGIN, 1);
    return 403;
}

//  One more that comes in, and at once into a session when it is named. In how many milliseconds
//  it may; 0: now, and it does.
static uint64_t
s_limit (gateway_t *self, limited_t *limited, const principal_t *principal,
         const client_address_t *address, text_t session)
{
    uint64_t now = uv_now (self->loop);
    limits_enter (self->limits, limited, principal, address, now);
    uint64_t wait_ms = limits_wait_ms (self->limits, limited, LIMIT_CONNECT, TEXT_EMPTY, now);
    if (wait_ms == 0 && session.size > 0)
        wait_ms = limits_wait_ms (self->limits, limited, LIMIT_JOIN, session, now);
    if (wait_ms > 0)
        return wait_ms;
    limits_take (self->limits, limited, LIMIT_CONNECT, now);
    if (session.size > 0)
        limits_take (self->limits, limited, LIMIT_JOIN, now);
    return 0;
}

//  A client may come too fast.
static close_reason_t
s_limit_client (gateway_t *self, connection_t *connection, const principal_t *principal)
{
    client_t *client = connection->client;
    uint64_t wait_ms = s_limit (self, &connection->limited, principal, client_address (client),
                                TEXT_EMPTY);
    if (wait_ms == 0)
        return CLOSE_CLIENT;
    if (client_is_rich (client)) {
        frame_t *frame = server_frame_going_away (posts_retry_ms (wait_ms));
        client_write (client, &frame);
    }
    return CLOSE_TOO_FAST;
}

//  Is told why it may not come in, in words that a client can read.
static void
s_refuse (client_t *client, close_reason_t reason)
{
    verdict_t verdict = reason == CLOSE_UNKNOWN_APP ? VERDICT_UNKNOWN_APP
                        : reason == CLOSE_BAD_URL   ? VERDICT_BAD_REQUEST
                        : reason == CLOSE_TOO_FAST  ? VERDICT_BUSY
                                                    : VERDICT_NOT_ALLOWED;
    bool is_of_token =
        reason == CLOSE_NO_TOKEN || reason == CLOSE_BAD_TOKEN
                       || reason == CLOSE_TOKEN_EXPIRED || reason == CLOSE_BAD_KEY;
    const char *code = is_of_token ? "unauthenticated" : verdict_code (verdict);
    frame_t *update = server_frame_not_joined (TEXT_EMPTY, code, close_reasons[reason].words);
    client_write (client, &update);
    client_close (client, reason);
}

//  Whoever passed the door; identity has the dialect.
static void
s_open (gateway_t *self, connection_t *connection, const door_pass_t *pass,
        client_identity_t *identity, client_socket_t socket, const http_head_t *head)
{
    char page[REQUEST_INFO_PAGE_MOST];
    identity->principal = pass->principal;
    identity->may = pass->may;
    identity->name = pass->name;
    request_info_read (&identity->info, head, client_socket_address (&socket), self->ranges,
                       page);
    connection->client = client_new (self->clients, identity, socket, connection);
    connection->keepalive = keepalive_new (self->keepalives, connection->client);
    connection->attachment =
        attachment_new (self->attachments, connection->client, connection->keepalive);
    connection->inbounds = self->inbounds;
    connection->opened_ms = uv_now (self->loop);
    connection->ticket = door_ticket (pass);
    self->token_count += connection->ticket.key != 0;
}

static connection_t *
s_on_opened (void *owner, websocket_t *socket, const client_url_t *url, const http_head_t *head)
{
    gateway_t *self = owner;
    client_identity_t identity = { .dialect = url->rich ? DIALECT_RICH : DIALECT_WIDGET };
    door_pass_t pass;
    close_reason_t reason = door_ask (&self->door, url, head, &pass);
    if (reason == CLOSE_CLIENT
        && permission_scope (PERMIT_SESSION_JOIN, pass.principal.kind) == SCOPE_NEVER)
        reason = CLOSE_NOT_ALLOWED; //  such a kind has no connections
    connection_t *connection = alloc_zeroed (sizeof *connection);
    connection->gateway = self;
    s_open (self, connection, &pass, &identity, (client_socket_t){ .websocket = socket }, head);
    if (reason == CLOSE_CLIENT)
        reason = s_limit_client (self, connection, &pass.principal);
    door_pass_free (&pass);
    if (reason != CLOSE_CLIENT)
        s_refuse (connection->client, reason);
    connections_end_event (self->clients);
    return connection;
}

static bool
s_may_grow (void *owner)
{
    const gateway_t *self = owner;
    bool overloaded = flow_control_is_overloaded (self->flow);
    edge_count (EDGE_OVERLOADED, overloaded);
    return !overloaded;
}

static void
s_on_memory (void *owner, net_memory_t what, int64_t change)
{
    gateway_t *self = owner;
    flow_control_add (self->flow, what == NET_INBOX ? FLOW_INBOXES : FLOW_WRITING, change);
}

static void s_check_drained (gateway_t *self);

static void
s_on_closed (void *owner, connection_t *connection)
{
    gateway_t *self = owner;
    inbound_end (connection);
    limits_leave (self->limits, &connection->limited, uv_now (self->loop));
    attachment_destroy (&connection->attachment);
    keepalive_destroy (&connection->keepalive);
    client_destroy (&connection->client);
    self->token_count -= connection->ticket.key != 0;
    free (connection);
    s_check_drained (self);
}

static void
s_on_listener_closed (void *owner)
{
    connection_t *connection = owner;
    s_on_closed (connection->gateway, connection);
}

//  What the client has of the session: everything behind it is sent. False: it is not clear.
static bool
s_read_position (const http_head_t *head, const api_request_t *asked, log_position_t *has)
{
    char room[API_QUERY_TEXT_MOST];
    text_t id;
    if (http_head_only (head, "Last-Event-ID", &id) != 0)
        return false;
    if (id.size == 0)
        id = api_request_query (asked, "lastEventId", room);
    if (event_id_read (id, has) != 0)
        return false;
    if (has->seq == SEQ_UNKNOWN)
        *has = (log_position_t){ 0 };
    return true;
}

//  May it have a stream? Else it was refused.
static bool
s_may_listen (request_t *request, const api_request_t *asked, const door_pass_t *pass)
{
    text_t bound = pass->principal.session;
    if (bound.size > 0 && !text_is (bound, asked->parameters[API_PARAMETER_SESSION])) {
        api_refuse (request, PROBLEM_FORBIDDEN, "", TEXT_EMPTY);
        return false;
    }
    unsigned seconds, status = request_may_stay (request, &seconds);
    if (status == 429)
        api_refuse_for (request, seconds);
    else if (status)
        api_refuse (request, PROBLEM_BUSY, "", TEXT_EMPTY);
    return status == 0;
}

//  GET …/events: the client is in the session, as if it had sent `resume` there.
static void
s_on_events_asked (void *owner, request_t *request, const http_head_t *head,
                   const api_request_t *asked, const door_pass_t *pass, text_t fields)
{
    static const event_stream_events_t events = { .next = outbound_next_event,
                                                  .closed = s_on_listener_closed };
    gateway_t *self = owner;
    log_position_t has;
    request_set_fields (request, fields);
    if (!s_read_position (head, asked, &has)) {
        api_refuse (request, PROBLEM_BAD_REQUEST, "",
                    TEXT ("Last-Event-ID, or lastEventId, must be the id of an event"));
        return;
    }
    if (!s_may_listen (request, asked, pass))
        return;
    session_key_room_t room;
    text_t session = session_key_of (room, pass->principal.app,
                                     asked->parameters[API_PARAMETER_SESSION]);
    connection_t *connection = alloc_zeroed (sizeof *connection);
    uint64_t wait_ms = s_limit (self, &connection->limited, &pass->principal,
                                request_address (request), session);
    if (wait_ms > 0)
        api_refuse_for (request, (wait_ms + 999) / 1000);
    event_stream_t *stream =
        wait_ms > 0 ? NULL : event_stream_new (request, TEXT_EMPTY, &events, connection);
    if (!stream) {
        limits_leave (self->limits, &connection->limited, uv_now (self->loop));
        free (connection);
        return;
    }
    char name_room[API_QUERY_TEXT_MOST];
    visitor_t visitor = VISITOR_UNKNOWN;
    event_stream_limit (stream, self->config->live_pong_within);
    connection->gateway = self;
    client_identity_t identity = { .dialect = DIALECT_RICH };
    s_open (self, connection, pass, &identity, (client_socket_t){ .events = stream }, head);
    visitor.name = api_request_query (asked, "displayName", name_room);
    client_stamp (connection->client, &visitor);
    attachment_enter (connection->attachment, session, ATTACH_RESUME, has, 0);
    char join_room[API_QUERY_TEXT_MOST];
    if (text_is (api_request_query (asked, "join", join_room), TEXT ("true")))
        attachment_comes_in (connection->attachment);
    attachment_send (connection->attachment);
    connections_end_event (self->clients);
}

const websocket_events_t gateway_socket_events = { .upgrade = s_on_upgrade,
                                                   .opened = s_on_opened,
                                                   .closed = s_on_closed,
                                                   .may_grow = s_may_grow,
                                                   .memory = s_on_memory,
                                                   .text = inbound_text,
                                                   .fragment = inbound_fragment,
                                                   .pong = inbound_pong,
                                                   .fault = inbound_fault,
                                                   .next = outbound_next };

api_t *
gateway_api (gateway_t *self)
{
    return self->api;
}

struct webhooks *
gateway_webhooks (gateway_t *self)
{
    return self->webhooks;
}

platforms_t *
gateway_platforms (gateway_t *self)
{
    return self->platforms;
}

// ---------------------------------------------------------------------------------------------
//  Draining

static void
s_check_drained (gateway_t *self)
{
    if (!self->drained || clients_count (self->clients) > 0 || feed_count (self->feed) > 0)
        return;
    void (*drained) (void *owner) = self->drained;
    self->drained = NULL;
    attachments_flush (self->attachments);
    drained (self->owner);
}

void
gateway_drain (gateway_t *self, void (*drained) (void *owner), void *owner)
{
    self->drained = drained;
    self->owner = owner;
    balance_drain (self->balance, self->config->common.shutdown_grace / DRAIN_PART);
    balance_tick (self->balance);
    feed_drain (self->feed);
    connections_end_event (self->clients);
    s_check_drained (self);
}

// ---------------------------------------------------------------------------------------------
//  Life

//  Closes those who would not come in any more: when the apps have changed, and from time to time
//  for the ends of tokens.
static void
s_check_tickets (gateway_t *self)
{
    uint64_t now = uv_now (self->loop), changes = apps_changes (self->apps);
    bool are_over = self->token_count > 0 && now - self->tickets_ms >= TICKETS_EVERY_MS;
    if (!are_over && changes == self->apps_seen)
        return;
    self->tickets_ms = now;
    self->apps_seen = changes;
    for (client_t *at = NULL; (at = clients_next (self->clients, at));) {
        const client_view_t *view = client_view (at);
        const connection_t *connection = view->owner;
        close_reason_t reason =
            client_is_closed (at)
                ? CLOSE_CLIENT
                : door_may_stay (&self->door, &view->principal, &connection->ticket);
        if (reason != CLOSE_CLIENT)
            client_close (at, reason);
    }
}

static void
s_on_tick (void *owner)
{
    gateway_t *self = owner;
    s_check_tickets (self);
    attachments_tick (self->attachments);
    keepalives_tick (self->keepalives);
    keepalives_tell (self->keepalives);
    inbounds_tick (self->inbounds);
    clients_abort_late (self->clients);
    balance_tick (self->balance);
    connections_end_event (self->clients);
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
    //  Half a second of the ten in which others are to know that somebody is gone.
    if (config->live_ping_every / 2 < shortest)
        shortest = config->live_ping_every / 2;
    if (config->live_pong_within / 2 < shortest)
        shortest = config->live_pong_within / 2;
    uint64_t tick = shortest / 4;
    return tick < TICK_LEAST_MS ? TICK_LEAST_MS : tick > TICK_MOST_MS ? TICK_MOST_MS : tick;
}

static void
s_on_watcher_gone (void *owner)
{
    s_check_drained (owner);
}

static void
s_start_parts (gateway_t *self)
{
    const edge_config_t *config = self->config;
    self->flow = flow_control_new (config);
    self->clients = clients_new (self->loop, self->flow, self->apps);
    self->limits = limits_new (
        &(limits_config_t){ .per_second = config->limits, .idle_most = IDLE_LIMITED });
    self->posts = posts_new (self->flow, self->bus, config->posts);
    keepalives_config_t keepalives = { .quiet = { config->ping_every, config->pong_within },
                                       .live = { config->live_ping_every,
                                                 config->live_pong_within },
                                       .live_for_ms = config->live_for,
                                       .received = s_on_received,
                                       .owner = self };
    self->keepalives = keepalives_new (self->loop, &keepalives);
    attachments_config_t attachments = { .bus = self->bus,
                                         .posts = self->posts,
                                         .silence_ms = config->silence,
                                         .joined = s_on_joined,
                                         .answered = s_on_answered,
                                         .owner = self };
    self->attachments = attachments_new (self->loop, &attachments);
    self->openapi = openapi_page_new ();
    self->feed = feed_new (self->loop, &(feed_config_t){ .bus = self->bus,
                                                         .door = &self->door,
                                                         .watchers_most = config->watchers,
                                                         .sign_every_ms = config->ping_every,
                                                         .gone = s_on_watcher_gone,
                                                         .owner = self });
    self->balance = balance_new (self->loop, self->bus, self->clients, &config->shedding);
    self->calls = api_calls_new (
        self->loop, &(api_calls_config_t){ .bus = self->bus,
                                           .apps = self->apps,
                                           .limits = self->limits,
                                           .requests_most = config->api_requests });
    api_config_t api = { .apps = self->apps,
                         .door = &self->door,
                         .limits = self->limits,
                         .calls = self->calls,
                         .answer_key = text_of (self->config->answer_key),
                         .alert_key = text_of (self->config->alert_key),
                         .local = { [API_EVENTS] = { s_on_events_asked, self },
                                    [API_FEED] = { feed_asked, self->feed },
                                    [API_OPENAPI] = { openapi_page_asked, self->openapi } } };
    self->api = api_new (&api);
    self->questions = questions_new (self->loop, self->bus, QUESTION_NUMBERS);
    self->webhooks = webhooks_new (&(webhooks_config_t){ .apps = self->apps,
                                                         .limits = self->limits,
                                                         .questions = self->questions,
                                                         .public_url = config->public_url,
                                                         .requests_most = config->api_requests });
    platforms_config_t platforms = { .apps = self->apps,
                                     .questions = self->questions,
                                     .window_ms = config->platform_window,
                                     .requests_most = config->api_requests };
    self->platforms = platforms_new (&platforms);
    self->inbounds = inbounds_new (self->loop, self->flow, self->clients, self->limits);
}

gateway_t *
gateway_new (uv_loop_t *loop, const char *node, const edge_config_t *config, const apps_t *apps)
{
    static const bus_client_events_t events = { .postoffice_up = s_on_postoffice_up,
                                                .postoffice_down = s_on_postoffice_down,
                                                .record = s_on_record };
    gateway_t *self = alloc_zeroed (sizeof *self);
    self->loop = loop;
    self->config = config;
    self->apps = apps;
    self->door = (door_t){ .apps = apps, .demo_mode = config->demo_mode };
    bus_client_config_t bus = { .node = node,
                                .role = NODE_EDGE,
                                .topics = "",
                                .addresses = config->bus.postoffices,
                                .heartbeat_ms = config->bus.heartbeat_ms,
                                .queue_limit = config->bus.queue_limit,
                                .keys = config->bus.keys };
    self->bus = bus_client_new (loop, &bus, &events, self);
    if (!self->bus) {
        free (self);
        return NULL;
    }
    self->ranges = address_guard_new ("");
    s_start_parts (self);
    uint64_t tick_ms = s_tick_ms (config);
    self->tick = loop_timer_new (loop, s_on_tick, self);
    loop_timer_start_ms (self->tick, tick_ms, tick_ms);
    return self;
}

void
gateway_when_reached (gateway_t *self, void (*reached) (void *owner), void *owner)
{
    self->reached = reached;
    self->reached_owner = owner;
}

void
gateway_destroy (gateway_t **self_p)
{
    gateway_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    bus_client_destroy (&self->bus);
    loop_timer_destroy (&self->tick);
    webhooks_destroy (&self->webhooks);
    platforms_destroy (&self->platforms);
    questions_destroy (&self->questions);
    api_destroy (&self->api);
    api_calls_destroy (&self->calls);
    openapi_page_destroy (&self->openapi);
    feed_destroy (&self->feed);
    balance_destroy (&self->balance);
    inbounds_destroy (&self->inbounds);
    limits_destroy (&self->limits);
    attachments_destroy (&self->attachments);
    keepalives_destroy (&self->keepalives);
    posts_destroy (&self->posts);
    clients_destroy (&self->clients);
    flow_control_destroy (&self->flow);
    address_guard_destroy (&self->ranges);
    free (self);
}
