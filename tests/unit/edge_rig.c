#include "edge_rig.h"

#include "base/buffer.h"
#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CLIENTS_MOST 16
#define POSTS_MOST 64

edge_config_t rig_config;
clients_t *rig_clients;
keepalives_t *rig_keepalives;
attachments_t *rig_attachments;
inbounds_t *rig_inbounds;
flow_control_t *rig_flow;
posts_t *rig_posts;
bool rig_resumes;
bool rig_bus_is_full;
int rig_full_postoffice;
int rig_owner;
bool rig_sockets_are_full;
client_address_t rig_address;
bus_post_t rig_post;
uint64_t rig_check;
uint64_t rig_age_ms;
bool rig_is_attended;

static uv_loop_t s_loop;
uv_loop_t *const rig_loop = &s_loop;
static apps_t *s_apps;
static limits_t *s_limits;
static uint64_t s_now;
static char s_story[20000];
static uint64_t s_endpoints[CLIENTS_MOST]; //  of c1, c2 …
static char s_sockets[CLIENTS_MOST];
static unsigned s_client_count;
static uint64_t s_posts[POSTS_MOST]; //  request ids, in the order in which they were sent
static unsigned s_post_count;

static void __attribute__ ((format (printf, 1, 2))) s_note (const char *format, ...)
{
    size_t size = strlen (s_story);
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (s_story + size, sizeof s_story - size, format, arguments);
    va_end (arguments);
}

// ---------------------------------------------------------------------------------------------
//  The clock, the sockets, the bus

uint64_t
uv_now (const uv_loop_t *loop)
{
    (void) loop;
    return s_now;
}

static unsigned
s_socket_number (const websocket_t *socket)
{
    return (unsigned) ((const char *) socket - s_sockets) + 1;
}

void
websocket_want_write (websocket_t *self)
{
    (void) self;
}

const client_address_t *
websocket_address (const websocket_t *self)
{
    (void) self;
    return &rig_address;
}

bool
websocket_is_full (const websocket_t *self)
{
    (void) self;
    return rig_sockets_are_full;
}

void
websocket_read (websocket_t *self, bool on)
{
    s_note ("c%u %s\n", s_socket_number (self), on ? "read" : "stop");
}

void
websocket_abort (websocket_t *self)
{
    s_note ("c%u abort\n", s_socket_number (self));
}

void
event_stream_want_write (event_stream_t *self)
{
    (void) self;
}

const client_address_t *
event_stream_address (const event_stream_t *self)
{
    (void) self;
    return &rig_address;
}

bool
event_stream_is_full (const event_stream_t *self)
{
    (void) self;
    return rig_sockets_are_full;
}

void
event_stream_abort (event_stream_t *self)
{
    websocket_abort ((websocket_t *) (void *) self);
}

unsigned
bus_client_postoffices_up (const bus_client_t *self)
{
    (void) self;
    return rig_owner >= 0;
}

int
bus_client_postoffice_of (const bus_client_t *self, text_t key)
{
    (void) self;
    (void) key;
    return rig_owner;
}

static unsigned
s_client_number (uint64_t endpoint)
{
    for (unsigned at = 0; at < s_client_count; at++)
        if (s_endpoints[at] == endpoint)
            return at + 1;
    return 0;
}

//  The place of a post; one that was not sent yet gets the next one.
static unsigned
s_place (uint64_t request_id)
{
    for (unsigned at = 0; at < s_post_count; at++)
        if (s_posts[at] == request_id)
            return at + 1;
    cr_assert (s_post_count < POSTS_MOST);
    s_posts[s_post_count] = request_id;
    return ++s_post_count;
}

static void
s_note_seq (uint64_t seq)
{
    if (seq == SEQ_UNKNOWN)
        s_note (" ?");
    else
        s_note (" %u", (unsigned) seq);
}

static void
s_note_read (uint64_t seq)
{
    if (seq > 0)
        s_note (" read %u", (unsigned) seq);
}

static void
s_note_attach (const bus_attach_t *attach)
{
    static const char *const reasons[] = { [ATTACH_JOIN] = "join",
                                           [ATTACH_FRAME] = "frame",
                                           [ATTACH_SILENT] = "silent",
                                           [ATTACH_RESUME] = "resume",
                                           [ATTACH_REATTACH] = "reattach" };
    s_note ("c%u %.*s %s", s_client_number (attach->endpoint), TEXT_ARGS (attach->session),
            reasons[attach->reason]);
    s_note_seq (attach->seq);
    if (attach->check)
        s_note (" :%u", (unsigned) attach->check);
    if (attach->joins && attach->reason != ATTACH_JOIN)
        s_note (" joins");
}

int
bus_client_send (bus_client_t *self, unsigned postoffice, const bus_record_t *record)
{
    (void) self;
    if (rig_bus_is_full || rig_full_postoffice == (int) postoffice)
        return -1;
    s_note ("p%u %s ", postoffice, bus_kind_name (record->kind));
    if (record->kind == BUS_LOOKUP)
        s_note ("c%u", s_client_number (record->lookup.endpoint));
    else if (record->kind == BUS_ATTACH)
        s_note_attach (&record->attach);
    else if (record->kind == BUS_POST) {
        rig_post = record->post;
        (void) s_place (record->post.request_id);
        s_note ("c%u %.*s", s_client_number (record->post.endpoint),
                TEXT_ARGS (record->post.data));
        if (record->post.after != record->post.request_id)
            s_note (" %u", record->post.after ? s_place (record->post.after) : 0);
    } else if (record->kind == BUS_DETACH) {
        s_note ("c%u %.*s", s_client_number (record->detach.endpoint),
                TEXT_ARGS (record->detach.session));
        s_note_seq (record->detach.received_seq);
        s_note_read (record->detach.read_seq);
        s_note ("%s", record->detach.moved ? " moved" : "");
    } else if (record->kind == BUS_RECEIPT) {
        s_note ("c%u %u", s_client_number (record->receipt.endpoint),
                (unsigned) record->receipt.seq);
        s_note_read (record->receipt.read_seq);
    } else if (record->kind == BUS_NEXT_WINDOW) {
        s_note ("c%u %u", s_client_number (record->next_window.endpoint),
                (unsigned) record->next_window.seq);
    } else if (record->kind == BUS_SIGNAL)
        s_note ("c%u %s", s_client_number (record->signal.endpoint),
                event_wire_name (record->signal.event));
    s_note ("\n");
    return 0;
}

// ---------------------------------------------------------------------------------------------
//  The edge

static void
s_on_answered (void *owner, client_t *client)
{
    (void) owner;
    if (rig_resumes)
        inbound_resume (client_view (client)->owner);
    else
        s_note ("c%u answered\n", s_client_number (client_view (client)->endpoint));
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

void
rig_begin (void)
{
    rig_forget ();
    s_now = 60000;
    s_client_count = s_post_count = 0;
    rig_resumes = rig_bus_is_full = rig_sockets_are_full = false;
    rig_owner = 1;
    rig_full_postoffice = -1;
    rig_check = 0;
    rig_age_ms = RIG_NO_TIME;
    rig_is_attended = false;
    rig_config = (edge_config_t){ .outbox_limit = 4096,
                                  .backlog_limit = 1 << 20,
                                  .frames_per_second = 1000,
                                  .frames_burst = 2000,
                                  .sessions_per_second = 1,
                                  .sessions_burst = 10 };
    cr_assert_eq (uv_loop_init (&s_loop), 0);
    buffer_t complaint;
    buffer_init (&complaint, 1024);
    s_apps = apps_new (&s_loop, &(apps_config_t){ .file = "", .app_id = "demo" }, &complaint);
    cr_assert_not_null (s_apps);
    rig_flow = flow_control_new (&rig_config);
    rig_clients = clients_new (&s_loop, rig_flow, s_apps);
    rig_posts = posts_new (rig_flow, NULL, 3);
    rig_keepalives =
        keepalives_new (&s_loop, &(keepalives_config_t){ .quiet = { 45000, 10000 },
                                                         .live = { 4000, 5000 },
                                                         .live_for_ms = 300000,
                                                         .received = s_on_received });
    rig_attachments = attachments_new (
        &s_loop, &(attachments_config_t){
                     .posts = rig_posts,
                     .silence_ms = 2000,
                     .joined = s_on_joined,
                     .answered = s_on_answered });
    s_limits = NULL;
    rig_limit ();
}

//  Before anybody is there.
void
rig_limit (void)
{
    inbounds_destroy (&rig_inbounds);
    limits_destroy (&s_limits);
    s_limits = limits_new (&(limits_config_t){ .per_second = rig_config.limits, .idle_most = 9 });
    rig_inbounds = inbounds_new (&s_loop, rig_flow, rig_clients, s_limits);
}

void
rig_end (void)
{
    for (client_t *client; (client = clients_next (rig_clients, NULL));) {
        connection_t *connection = client_view (client)->owner;
        rig_disconnect (&connection);
    }
    inbounds_destroy (&rig_inbounds);
    limits_destroy (&s_limits);
    attachments_destroy (&rig_attachments);
    keepalives_destroy (&rig_keepalives);
    posts_destroy (&rig_posts);
    clients_destroy (&rig_clients);
    flow_control_destroy (&rig_flow);
    apps_destroy (&s_apps);
    uv_run (&s_loop, UV_RUN_DEFAULT);
    cr_assert_eq (uv_loop_close (&s_loop), 0);
}

void
rig_wait (uint64_t ms)
{
    s_now += ms;
}

void
rig_turn (unsigned ms)
{
    for (unsigned turn = 0; turn <= ms; turn += 5) {
        if (turn)
            uv_sleep (5);
        uv_run (&s_loop, UV_RUN_NOWAIT);
    }
}

static connection_t *
s_connect (role_t role, dialect_t dialect, bool is_listener)
{
    cr_assert (s_client_count < CLIENTS_MOST);
    connection_t *connection = calloc (1, sizeof *connection);
    client_identity_t identity = {
        .principal = { .kind = role,
                       .app = TEXT ("demo"),
                       .user = TEXT ("u-1"),
                       .session = TEXT_EMPTY },
        .may = permissions_of (role),
        .name = TEXT_EMPTY,
        .dialect = dialect,
    };
    void *place = &s_sockets[s_client_count];
    client_socket_t socket = { .websocket = is_listener ? NULL : place,
                               .events = is_listener ? place : NULL };
    connection->client = client_new (rig_clients, &identity, socket, connection);
    connection->keepalive = keepalive_new (rig_keepalives, connection->client);
    connection->attachment =
        attachment_new (rig_attachments, connection->client, connection->keepalive);
    connection->inbounds = rig_inbounds;
    limits_enter (s_limits, &connection->limited, &identity.principal, &rig_address, s_now);
    s_endpoints[s_client_count++] = client_view (connection->client)->endpoint;
    return connection;
}

connection_t *
rig_connect (role_t role, dialect_t dialect)
{
    return s_connect (role, dialect, false);
}

connection_t *
rig_listen (role_t role)
{
    return s_connect (role, DIALECT_RICH, true);
}

void
rig_disconnect (connection_t **connection_p)
{
    connection_t *connection = *connection_p;
    *connection_p = NULL;
    inbound_end (connection);
    limits_leave (s_limits, &connection->limited, s_now);
    attachment_destroy (&connection->attachment);
    keepalive_destroy (&connection->keepalive);
    client_destroy (&connection->client);
    free (connection);
}

//  The value of a string member, as it stands in the frame.
static void
s_note_member (const frame_t *frame, const char *member)
{
    const char *at = memmem (frame->text, frame->size, member, strlen (member));
    if (!at)
        return;
    at += strlen (member);
    const char *end = memchr (at, '"', frame->size - (size_t) (at - frame->text));
    s_note (" %.*s", (int) (end - at), at);
}

static void
s_write_events (connection_t *connection)
{
    buffer_t text;
    buffer_init (&text, 65536);
    events_next_t next;
    do {
        buffer_clear (&text);
        next = outbound_next_event (connection, &text);
        for (size_t at = 0; at < text.size; at++)
            text.data[at] = text.data[at] == '\n' ? '|' : text.data[at];
        if (next != EVENTS_NONE)
            s_note ("c%u < %.*s%s\n", s_client_number (rig_endpoint (connection)),
                    TEXT_ARGS (buffer_text (&text)), next == EVENTS_MORE ? "" : " (end)");
    } while (next == EVENTS_MORE);
    buffer_free (&text);
}

void
rig_write (connection_t *connection)
{
    if (client_is_listener (connection->client)) {
        s_write_events (connection);
        return;
    }
    websocket_write_t next;
    unsigned number = s_client_number (rig_endpoint (connection));
    while (outbound_next (connection, &next)) {
        if (next.what == WRITE_PING) {
            s_note ("c%u < ping %u\n", number, (unsigned) next.ping);
            continue;
        }
        if (next.what == WRITE_CLOSE) {
            s_note ("c%u < close %s\n", number, close_reasons[next.reason].metric);
            return;
        }
        s_note ("c%u <", number);
        s_note_member (next.frame, "\"event\":\"");
        s_note_member (next.frame, "\"code\":\"");
        s_note_member (next.frame, "\"data\":{\"rawQuery\":\"");
        s_note ("\n");
        frame_destroy (&next.frame);
    }
}

uint64_t
rig_endpoint (const connection_t *connection)
{
    return client_view (connection->client)->endpoint;
}

static uint64_t
s_check (uint64_t seq)
{
    return rig_check ? rig_check + seq : 0;
}

void
rig_truncated (connection_t *connection, uint64_t seq, uint64_t last_seq, bool gone)
{
    bus_truncated_t truncated = { .endpoint = rig_endpoint (connection),
                                  .session = TEXT ("demo/s"),
                                  .seq = seq,
                                  .check = s_check (seq),
                                  .last_seq = last_seq,
                                  .gone = gone };
    outbound_truncate (rig_clients, 1, &truncated);
}

void
rig_attached (connection_t *connection, attach_reason_t reason, verdict_t verdict, uint64_t seq)
{
    const text_t sessions[] = { TEXT ("demo/s"), TEXT ("demo/t"), TEXT ("demo/u") };
    size_t at = 0;
    while (at < 2 && !attachment_is_in (connection->attachment, sessions[at]))
        at++;
    bus_attached_t attached = { .endpoint = rig_endpoint (connection),
                                .session = sessions[at],
                                .verdict = verdict,
                                .reason = reason,
                                .seq = seq,
                                .check = s_check (seq),
                                .attended = rig_is_attended };
    attachment_attached (connection->attachment, 1, &attached);
}

void
rig_looked_up (connection_t *connection, verdict_t verdict, const char *session)
{
    bus_lookup_reply_t reply = { .endpoint = rig_endpoint (connection),
                                 .verdict = verdict,
                                 .session = text_of (session) };
    attachment_looked_up (connection->attachment, 1, &reply);
}

void
rig_posted (unsigned place, verdict_t verdict, uint64_t seq)
{
    cr_assert (place >= 1 && place <= s_post_count);
    bus_posted_t posted = { .request_id = s_posts[place - 1],
                            .session = TEXT ("demo/s"),
                            .verdict = verdict,
                            .seq = seq,
                            .check = s_check (seq) };
    attachments_posted (rig_attachments, 1, &posted);
}

void
rig_deliver (connection_t *connection, uint64_t seq, const char *data, bool end_of_window)
{
    uint64_t endpoints[] = { rig_endpoint (connection) };
    char json[200];
    snprintf (json, sizeof json, "{\"rawQuery\":\"%s\"}", data);
    bus_deliver_t entry = { .endpoints = ids_of (endpoints, 1),
                            .session = TEXT ("demo/s"),
                            .seq = seq,
                            .event = EVENT_NEW_MESSAGE,
                            .message_id = TEXT_EMPTY,
                            .sender = TEXT ("{}"),
                            .data = text_of (json),
                            .end_of_window = end_of_window,
                            .check = s_check (seq),
                            .time_ms =
                                rig_age_ms == RIG_NO_TIME ? 0 : clock_wall_ms () - rig_age_ms,
                            .attended = rig_is_attended };
    outbound_deliver (rig_clients, 1, &entry);
}

void
rig_expect_at (const char *file, unsigned line, const char *story)
{
    cr_assert (strcmp (s_story, story) == 0, "%s:%u: expected\n%sbut it was\n%s", file, line,
               story, s_story);
    rig_forget ();
}

void
rig_forget (void)
{
    s_story[0] = 0;
}
