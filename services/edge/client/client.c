#include "client/client.h"

#include "base/alloc.h"
#include "base/hash_table.h"
#include "base/list.h"
#include "base/log.h"
#include "base/random_id.h"
#include "json/json_write.h"
#include "tables/edge_metrics.h"

#include <assert.h>
#include <stdlib.h>

//  Escapes make a text six times as long at most; the path and the query are JSON already.
#define SENDER_MAX 16384
//  A socket that is to be closed gets so long to take what is left for it, and its peer to go.
#define CLOSING_MS 2000
//  So many refused frames one after the other close a client.
#define FAULTS_MAX 16

struct clients {
    uv_loop_t *loop;
    flow_control_t *flow;
    const apps_t *apps;
    client_t *by_endpoint; //  hash table
    list_t closed;         //  clients that the gateway has not heard of yet
    list_t ending;         //  closed and draining clients, the longest first
    uint64_t next_endpoint;
};

//  An empty outbox has no memory of its own, as nearly all are empty nearly always.
typedef struct waiting {
    struct waiting *next;
    outbox_item_t item;
} waiting_t;

struct client {
    client_view_t view;  //  its sender is our own copy
    visitor_info_t info; //  so is its name; that of others than visitors stays empty
    text_t name;         //  that its token gives it; empty: what it says itself
    clients_t *all;
    client_socket_t socket;
    UT_hash_handle hh;
    waiting_t *first; //  in the outbox
    waiting_t *last;
    size_t outbox_bytes; //  of the frames, and what it costs to hold each
    client_rate_t rate;
    list_t ending; //  in one of the lists of all
    uint64_t ending_ms;
    uint8_t close_reason;
    uint8_t faults;
    bool is_counted; //  in edge_closed_total
    char texts[];    //  app, user, and those of the request
};

// ---------------------------------------------------------------------------------------------
//  All clients

clients_t *
clients_new (uv_loop_t *loop, flow_control_t *flow, const apps_t *apps)
{
    clients_t *self = alloc_zeroed (sizeof *self);
    self->loop = loop;
    self->flow = flow;
    self->apps = apps;
    list_init (&self->closed);
    list_init (&self->ending);
    //  A restarted edge does not use the old one's numbers again; half the range is left to count.
    self->next_endpoint = (random_id_number () >> 2) + 1;
    return self;
}

void
clients_destroy (clients_t **self_p)
{
    assert (!(*self_p)->by_endpoint);
    free (*self_p);
    *self_p = NULL;
}

uint64_t
clients_count (const clients_t *self)
{
    return HASH_COUNT (self->by_endpoint);
}

client_t *
clients_find (const clients_t *self, uint64_t endpoint)
{
    client_t *client;
    HASH_FIND_NUMBER (hh, self->by_endpoint, endpoint, client);
    return client;
}

client_t *
clients_next (const clients_t *self, const client_t *client)
{
    return client ? client->hh.next : self->by_endpoint;
}

static void
s_end_later (client_t *client)
{
    client->ending_ms = uv_now (client->all->loop);
    list_append (&client->all->ending, &client->ending);
}

client_t *
clients_next_closed (clients_t *self)
{
    list_t *first = list_first (&self->closed);
    if (!first)
        return NULL;
    client_t *client = LIST_THING (first, client_t, ending);
    s_end_later (client);
    return client;
}

void
clients_abort_late (clients_t *self)
{
    uint64_t now = uv_now (self->loop);
    list_t *next;
    for (list_t *at = self->ending.next; at != &self->ending; at = next) {
        next = at->next;
        client_t *client = LIST_THING (at, client_t, ending);
        if (now - client->ending_ms < CLOSING_MS)
            break;
        s_end_later (client); //  not again in the next tick
        client_socket_abort (&client->socket);
    }
}

// ---------------------------------------------------------------------------------------------
//  One client

//  Only the first reason counts.
static void
s_count_closed (client_t *self, close_reason_t reason)
{
    edge_closed[reason] += !self->is_counted;
    self->is_counted = true;
}

static void
s_count_outbox (client_t *self, const frame_t *frame, int sign)
{
    int64_t bytes = sign * (int64_t) (sizeof (waiting_t) + sizeof (frame_t) + frame->size);
    self->outbox_bytes += (size_t) bytes;
    flow_control_add (self->all->flow, FLOW_OUTBOXES, bytes);
}

bool
client_take (client_t *self, outbox_item_t *item)
{
    waiting_t *first = self->first;
    if (!first)
        return false;
    self->first = first->next;
    if (!self->first)
        self->last = NULL;
    *item = first->item;
    s_count_outbox (self, item->frame, -1);
    free (first);
    return true;
}

static void
s_drop_outbox (client_t *self)
{
    outbox_item_t item;
    while (client_take (self, &item))
        frame_destroy (&item.frame);
}

//  A copy of the text in place of the one that is there. Nearly every frame says the same as the
//  last one.
static void
s_keep (text_t *here, text_t text)
{
    if (text_is (text, *here))
        return;
    if (here->size > 0)
        free ((char *) here->data);
    *here = text.size > 0 ? alloc_copy (text) : TEXT_EMPTY;
}

static edge_metric_t
s_gauge (const client_t *self)
{
    return client_is_listener (self) ? EDGE_CONNECTIONS_EVENTS
           : client_is_rich (self)   ? EDGE_CONNECTIONS_RICH
                                     : EDGE_CONNECTIONS_WIDGET;
}

client_t *
client_new (clients_t *all, const client_identity_t *identity, client_socket_t socket,
            void *owner)
{
    const principal_t *principal = &identity->principal;
    bool is_visitor = principal->kind == ROLE_VISITOR;
    visitor_info_t info = is_visitor ? identity->info : VISITOR_INFO_NONE;
    text_t texts[] = { principal->app, principal->user, info.page,         info.language,
                       info.agent,     identity->name,  principal->session };
    client_t *self = alloc_packed (sizeof *self, texts, sizeof texts / sizeof *texts);
    self->view = (client_view_t){
        .owner = owner,
        .endpoint = all->next_endpoint++,
        .principal = { .kind = principal->kind,
                       .app = texts[0],
                       .user = texts[1],
                       .session = texts[6],
                       .name = TEXT_EMPTY },
        .may = identity->may,
        .dialect = identity->dialect,
        .sender = TEXT_EMPTY,
        .is_listener = socket.events,
    };
    self->info = (visitor_info_t){ TEXT_EMPTY, texts[2], texts[3], info.address_class, texts[4] };
    self->name = texts[5];
    self->all = all;
    self->socket = socket;
    list_init (&self->ending);
    client_stamp (self, &VISITOR_UNKNOWN);
    HASH_ADD_NUMBER (hh, all->by_endpoint, view.endpoint, self);
    edge_count (s_gauge (self), 1);
    edge_count (EDGE_OPENED, 1);
    return self;
}

void
client_destroy (client_t **self_p)
{
    client_t *self = *self_p;
    *self_p = NULL;
    HASH_DELETE (hh, self->all->by_endpoint, self);
    edge_count (s_gauge (self), -1);
    s_count_closed (self, CLOSE_CLIENT);
    list_remove (&self->ending);
    s_drop_outbox (self);
    s_keep (&self->view.sender, TEXT_EMPTY);
    s_keep (&self->info.name, TEXT_EMPTY);
    free (self);
}

const client_view_t *
client_view (const client_t *self)
{
    return &self->view;
}

text_t
client_bot_sender (const client_t *self)
{
    const app_t *app = apps_find (self->all->apps, self->view.principal.app);
    return app ? app->bot.sender : APP_ANY_BOT_SENDER;
}

//  Long texts cost a bot much more than they cost a visitor.
bool
client_is_too_long (const client_t *self, size_t bytes)
{
    const app_t *app = apps_find (self->all->apps, self->view.principal.app);
    return self->view.principal.kind == ROLE_VISITOR && app && bytes > app->text_limit;
}

void
client_stamp (client_t *self, const visitor_t *visitor)
{
    bool is_agent = self->view.principal.kind == ROLE_AGENT;
    text_t unnamed = self->name.size > 0 ? self->name
                     : is_agent          ? TEXT ("Agent")
                                         : TEXT ("Visitor");
    bool is_named = self->name.size == 0 && visitor->name.size > 0;
    buffer_t buffer;
    json_writer_t json;
    buffer_init (&buffer, SENDER_MAX);
    json_write_begin (&json, &buffer);
    json_open_object (&json, NULL);
    json_put_string (&json, "deviceId", "Widget");
    json_put_text (&json, "userId", self->view.principal.user);
    json_put_text (&json, "displayName", is_named ? visitor->name : unnamed);
    json_put_bool (&json, "isAdmin", is_agent);
    json_put_text_if (&json, "email", visitor->email);
    json_put_text_if (&json, "avatarPath", visitor->avatar);
    if (visitor->path.size + visitor->query.size > 0) {
        json_open_object (&json, "urlAttributes");
        json_put_json (&json, "path", visitor->path);
        json_put_json (&json, "query", visitor->query);
        json_close_object (&json);
    }
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0); //  client_frame.c bounds what a visitor says
    s_keep (&self->view.sender, buffer_text (&buffer));
    buffer_free (&buffer);
    if (self->view.principal.kind == ROLE_VISITOR)
        s_keep (&self->info.name, visitor->name);
}

void
client_put_info (const client_t *self, buffer_t *to)
{
    if (self->view.principal.kind == ROLE_VISITOR)
        visitor_info_write (&self->info, to);
}

// ---------------------------------------------------------------------------------------------
//  Writing and reading

static void
s_append (client_t *self, waiting_t *waiting)
{
    waiting->next = NULL;
    if (self->last)
        self->last->next = waiting;
    else
        self->first = waiting;
    self->last = waiting;
    s_count_outbox (self, waiting->item.frame, 1);
}

void
client_put (client_t *self, const outbox_item_t *item)
{
    flow_control_t *flow = self->all->flow;
    if (client_is_closed (self))
        return;
    bool overloaded = client_socket_is_full (&self->socket) && flow_control_is_overloaded (flow);
    edge_count (EDGE_OVERLOADED, overloaded);
    if (overloaded || self->outbox_bytes >= flow_control_outbox_limit (flow)) {
        client_close (self, CLOSE_SLOW_READER);
        return;
    }
    waiting_t *waiting = alloc_zeroed (sizeof *waiting);
    waiting->item = *item;
    item->frame->references++;
    s_append (self, waiting);
    flow_control_note_outbox (flow, self->outbox_bytes);
    client_want_write (self);
}

void
client_write (client_t *self, frame_t **frame_p)
{
    client_put (self, &(outbox_item_t){ .frame = *frame_p });
    frame_destroy (frame_p);
}

void
client_offer (client_t *self, frame_t *frame)
{
    if (self->outbox_bytes * 2 >= flow_control_outbox_limit (self->all->flow))
        edge_count (EDGE_BROADCASTS_DROPPED, 1);
    else
        client_put (self, &(outbox_item_t){ .frame = frame, .of_session = true });
}

//  Keeps what is not of the session, and of its entries those up to this seq.
static void
s_drop (client_t *self, bool all_of_session, uint64_t seq)
{
    waiting_t *at = self->first;
    self->first = self->last = NULL;
    while (at) {
        waiting_t *next = at->next;
        s_count_outbox (self, at->item.frame, -1);
        if (at->item.of_session && (all_of_session || at->item.seq > seq)) {
            frame_destroy (&at->item.frame);
            free (at);
        } else
            s_append (self, at);
        at = next;
    }
}

void
client_leave_session (client_t *self)
{
    s_drop (self, true, 0);
}

void
client_drop_above (client_t *self, uint64_t seq)
{
    s_drop (self, false, seq);
}

void
client_want_write (client_t *self)
{
    client_socket_want_write (&self->socket);
}

const client_address_t *
client_address (const client_t *self)
{
    return client_socket_address (&self->socket);
}

void
client_read (client_t *self, bool on)
{
    self->view.is_paused = !on;
    client_socket_read (&self->socket, on);
}

client_rate_t *
client_rate (client_t *self)
{
    return &self->rate;
}

void
client_note_frame (client_t *self, bool is_good)
{
    self->faults = is_good ? 0 : self->faults + 1;
    if (self->faults >= FAULTS_MAX)
        client_close (self, CLOSE_FAULTS);
}

// ---------------------------------------------------------------------------------------------
//  Closing

void
client_close (client_t *self, close_reason_t reason)
{
    if (client_is_closed (self))
        return;
    const close_reason_row_t *row = &close_reasons[reason];
    s_count_closed (self, reason);
    log_debug ("closing", log_text ("user", self->view.principal.user),
               log_string ("reason", row->metric),
               log_number ("endpoint", (int64_t) self->view.endpoint));
    self->view.state = CLIENT_CLOSED;
    self->close_reason = (uint8_t) reason;
    list_append (&self->all->closed, &self->ending);
    if (row->ws_code == 0) {
        client_socket_abort (&self->socket);
        return;
    }
    //  The socket of a slow reader is full: what it can take is the close frame and no more.
    if (reason == CLOSE_SLOW_READER)
        s_drop_outbox (self);
    client_want_write (self);
}

void
client_drain (client_t *self, close_reason_t reason)
{
    assert (self->view.state == CLIENT_OPEN);
    s_count_closed (self, reason);
    self->view.state = CLIENT_DRAINING;
    self->close_reason = (uint8_t) reason;
    s_end_later (self);
    client_want_write (self);
}

bool
client_has_all (const client_t *self)
{
    return !self->first;
}

bool
client_wants_close (const client_t *self, close_reason_t *reason)
{
    *reason = (close_reason_t) self->close_reason;
    return self->view.state != CLIENT_OPEN;
}
