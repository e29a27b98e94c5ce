#include "edge_fixture.h"

#include "eventually.h"
#include "ports.h"
#include "tls_maker.h"
#include "tls_wire.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SETTINGS_MOST 64
#define QUIET_FOR_MS 1000
#define QUIET_MOST_MS 60

static stage_t s_stage;

static void
s_peer_up (void *owner, peer_t peer, const bus_hello_t *hello)
{
    stage_t *self = owner;
    cr_assert_eq (hello->role, NODE_EDGE);
    self->peer = peer;
}

static void
s_peer_down (void *owner, peer_t peer)
{
    stage_t *self = owner;
    if (self->peer == peer)
        self->peer = 0;
}

static void
s_record (void *owner, peer_t peer, const bus_record_t *record)
{
    (void) peer;
    stage_t *self = owner;
    cr_assert (self->count < HEARD_MOST);
    bus_record_t *heard = &self->heard[self->count++].record;
    text_t *texts[BUS_TEXTS_MAX];
    *heard = *record;
    for (size_t count = bus_record_texts (heard, texts); count > 0; count--) {
        text_t *text = texts[count - 1];
        text->data = strndup (text->data, text->size);
    }
}

void
stage_open_postoffice (stage_t *self)
{
    static const bus_server_events_t s_events = { s_peer_up, s_peer_down, s_record };
    self->bus = rig_postoffice_new (&self->rig, self->address,
                                    &(bus_server_config_t){ .node = "postoffice-test",
                                                            .heartbeat_ms = 500,
                                                            .queue_limit = 16u << 20,
                                                            .peer_limit = 10 },
                                    &s_events, self);
}

void
stage_lose_postoffice (stage_t *self)
{
    bus_server_destroy (&self->bus);
    RIG_UNTIL (&self->rig, 5000, process_metric (self->edge, "stentor_edge_postoffices") == 0);
}

static bool
s_has_certificate (const char *const *settings)
{
    static const char name[] = "EDGE_TLS_CERTIFICATE=";
    for (; settings && *settings; settings++)
        if (strncmp (*settings, name, sizeof name - 1) == 0)
            return true;
    return false;
}

//  Two settings: of TLS, where the tests are told to speak it.
static void
s_over_tls (const char *settings[2])
{
    static char certificate[160], key[160];
    settings[0] = settings[1] = NULL;
    if (!getenv ("EDGE_OVER_TLS"))
        return;
    tls_maker_start ();
    tls_maker_write ("edge", &(tls_maker_times_t){ .begins_s = -60, .ends_s = 3600 }, 1);
    snprintf (certificate, sizeof certificate, "EDGE_TLS_CERTIFICATE=%s",
              tls_maker_path ("edge.pem"));
    snprintf (key, sizeof key, "EDGE_TLS_KEY=%s", tls_maker_path ("edge.key"));
    settings[0] = certificate;
    settings[1] = key;
}

stage_t *
stage_start (const char *const *more)
{
    stage_t *self = &s_stage;
    rig_start (&self->rig);
    stage_open_postoffice (self);
    self->port = ports_free ();
    uint16_t operations_port = ports_free ();
    char postoffice[100], port[60], operations[60];
    snprintf (postoffice, sizeof postoffice, "POSTOFFICE_ADDRESSES=%.60s", self->address);
    snprintf (port, sizeof port, "EDGE_PORT=%u", self->port);
    snprintf (operations, sizeof operations, "OPERATIONS_PORT=%u", operations_port);
    const char *over_tls[2];
    s_over_tls (over_tls);
    //  All clients of a test are one address, and often one user.
    const char *const usual[] = { postoffice,
                                  port,
                                  operations,
                                  "BUS_HEARTBEAT=500ms",
                                  "EDGE_SILENCE=60s",
                                  "SHUTDOWN_GRACE=8s",
                                  "EDGE_ADDRESS_SOCKETS=0",
                                  "EDGE_ADDRESS_SILENT=0",
                                  "EDGE_ADDRESS_SOCKETS_PER_SECOND=0",
                                  "EDGE_ADDRESS_UPGRADES_PER_SECOND=0",
                                  "EDGE_ADDRESS_REQUESTS_PER_SECOND=0",
#define LIMIT(SCOPE, ACT, metric, setting, fallback, words) setting "=0",
#include "edge/tables/limits.def"
#undef LIMIT
                                  over_tls[0],
                                  over_tls[1],
                                  NULL };
    const char *settings[SETTINGS_MOST];
    process_settings (settings, SETTINGS_MOST, more, usual);
    bool is_tls = s_has_certificate (settings);
    tls_wire_at (is_tls ? self->port : 0, is_tls ? tls_maker_path ("authority.crt") : NULL);
    self->edge = process_new ("edge", "edge", NULL, settings);
    cr_assert (self->edge);
    process_set_operations_port (self->edge, operations_port);
    RIG_UNTIL (&self->rig, 10000, self->peer != 0);
    cr_assert (process_wait_log (self->edge, "listening", 5000));
    return self;
}

void
stage_end (stage_t *self)
{
    if (process_is_alive (self->edge))
        process_kill (self->edge, SIGTERM);
    cr_expect_eq (process_wait_exit (self->edge, 10000), 0);
    process_destroy (&self->edge);
    if (self->bus)
        bus_server_destroy (&self->bus);
    rig_stop (&self->rig);
    if (getenv ("EDGE_OVER_TLS"))
        tls_maker_end ();
}

ws_client_t *
stage_connect (stage_t *self, const char *target)
{
    ws_client_t *client = ws_client_connect (target, self->port, target);
    cr_assert (client, "no connection to %s", target);
    return client;
}

heard_t *
stage_find (stage_t *self, bus_kind_t kind)
{
    for (unsigned index = 0; index < self->count; index++)
        if (!self->heard[index].taken && self->heard[index].record.kind == kind)
            return &self->heard[index];
    return NULL;
}

const bus_record_t *
stage_hear (stage_t *self, bus_kind_t kind)
{
    RIG_UNTIL (&self->rig, 5000, stage_find (self, kind) != NULL);
    heard_t *heard = stage_find (self, kind);
    heard->taken = true;
    return &heard->record;
}

void
stage_say (stage_t *self, const bus_record_t *record)
{
    cr_assert_eq (bus_server_send (self->bus, self->peer, record), 0);
    rig_turn_for (&self->rig, 20);
}

void
stage_attached (stage_t *self, const bus_record_t *attach, verdict_t verdict, uint64_t seq)
{
    stage_say (self, &(bus_record_t){ .kind = BUS_ATTACHED,
                                      .attached = { .endpoint = attach->attach.endpoint,
                                                    .session = attach->attach.session,
                                                    .verdict = verdict,
                                                    .reason = attach->attach.reason,
                                                    .seq = seq } });
}

void
stage_posted (stage_t *self, const bus_record_t *post, verdict_t verdict, uint64_t seq)
{
    stage_say (self, &(bus_record_t){ .kind = BUS_POSTED,
                                      .posted = { .request_id = post->post.request_id,
                                                  .endpoint = post->post.endpoint,
                                                  .session = post->post.session,
                                                  .verdict = verdict,
                                                  .seq = seq,
                                                  .time_ms = 1760000000000 } });
}

void
stage_deliver (stage_t *self, uint64_t endpoint, uint64_t seq, const char *data,
               bool end_of_window)
{
    stage_say (self, &(bus_record_t){ .kind = BUS_DELIVER,
                                      .deliver = { .endpoints = ids_of (&endpoint, 1),
                                                   .session = TEXT ("demo/s-1"),
                                                   .seq = seq,
                                                   .event = EVENT_NEW_MESSAGE,
                                                   .time_ms = 1760000000000 + seq,
                                                   .message_id = TEXT ("m-bot"),
                                                   .sender = TEXT ("{\"deviceId\":\"Bot\"}"),
                                                   .data = text_of (data),
                                                   .end_of_window = end_of_window } });
}

uint64_t
stage_join (stage_t *self, ws_client_t *client)
{
    ws_client_send_text (client, "{\"event\":\"user joined\",\"sessionId\":\"s-1\"}");
    const bus_record_t *attach = stage_hear (self, BUS_ATTACH);
    cr_assert_eq (attach->attach.reason, ATTACH_JOIN);
    stage_attached (self, attach, VERDICT_OK, 1);
    json_object *update = ws_client_wait_event (client, "connection update", 2000);
    cr_assert (ws_json_true (update, "data.sessionCreated"));
    return attach->attach.endpoint;
}

void
stage_message (ws_client_t *client, const char *session, const char *message_id)
{
    ws_client_send_format (client,
                           "{\"event\":\"new message\",\"sessionId\":\"%s\",\"messageId\":\"%s\","
                           "\"data\":{\"rawQuery\":\"hi\",\"userId\":\"liar\","
                           "\"accessToken\":\"t\"},\"sender\":{\"userId\":\"liar\","
                           "\"isAdmin\":true,\"displayName\":\"Ann\"},"
                           "\"timeMs\":5}",
                           session, message_id);
}

int
stage_mute (const stage_t *self)
{
    return stage_mute_from (self, "127.0.0.1");
}

int
stage_mute_from (const stage_t *self, const char *source)
{
    int mute = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in own = { .sin_family = AF_INET };
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons (self->port) };
    address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    cr_assert (mute != -1 && inet_pton (AF_INET, source, &own.sin_addr) == 1);
    //  The port is chosen with the peer known: there are enough for all.
    cr_assert_eq (setsockopt (mute, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on), 0);
    cr_assert_eq (bind (mute, (struct sockaddr *) &own, sizeof own), 0);
    cr_assert_eq (connect (mute, (struct sockaddr *) &address, sizeof address), 0);
    return mute;
}

void
stage_busy (ws_client_t *client, const char *message_id)
{
    json_object *busy = ws_client_wait_event (client, "busy", 2000);
    cr_assert (busy);
    cr_assert_str_eq (ws_json_text (busy, "data.messageId"), message_id);
}

//  Processor time that the edge has used, in ms.
static uint64_t
s_cpu_ms (stage_t *self)
{
    char path[64], line[1024];
    snprintf (path, sizeof path, "/proc/%d/stat", (int) process_pid (self->edge));
    FILE *file = fopen (path, "r");
    cr_assert (file && fgets (line, sizeof line, file));
    fclose (file);
    unsigned long user, system;
    int read = sscanf (strrchr (line, ')') + 2,
                       "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
    cr_assert_eq (read, 2);
    return (user + system) * 1000 / (uint64_t) sysconf (_SC_CLK_TCK);
}

void
stage_expect_quiet (stage_t *self, const char *after)
{
    uint64_t before = s_cpu_ms (self);
    rig_turn_for (&self->rig, QUIET_FOR_MS);
    uint64_t used = s_cpu_ms (self) - before;
    cr_expect_leq (used, QUIET_MOST_MS, "%llu ms of %d after %s", (unsigned long long) used,
                   QUIET_FOR_MS, after);
}
