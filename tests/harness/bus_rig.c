#include "bus_rig.h"

#include "eventually.h"

#include <criterion/criterion.h>
#include <stdio.h>

static void
s_nothing (uv_timer_t *timer)
{
    (void) timer;
}

void
rig_start (rig_t *self)
{
    uv_loop_init (&self->loop);
    uv_timer_init (&self->loop, &self->wake);
    uv_timer_start (&self->wake, s_nothing, 5, 5);
}

void
rig_stop (rig_t *self)
{
    uv_close ((uv_handle_t *) &self->wake, NULL);
    for (int turn = 0; turn < 10000 && uv_loop_alive (&self->loop); turn++)
        uv_run (&self->loop, UV_RUN_ONCE);
    cr_assert_eq (uv_loop_close (&self->loop), 0, "a handle is left open");
}

void
rig_turn (rig_t *self)
{
    uv_run (&self->loop, UV_RUN_ONCE);
}

void
rig_turn_for (rig_t *self, uint64_t milliseconds)
{
    uint64_t until = clock_mono_ms () + milliseconds;
    while (clock_mono_ms () < until)
        rig_turn (self);
}

static void
s_peer_up (void *owner, peer_t peer, const bus_hello_t *hello)
{
    rig_server_t *self = owner;
    self->ups++;
    self->peer = peer;
    self->next = 0;
    self->credit = hello->credit;
    snprintf (self->node, sizeof self->node, "%s", hello->node.data);
    snprintf (self->topics, sizeof self->topics, "%s", hello->topics.data);
}

static void
s_peer_down (void *owner, peer_t peer)
{
    (void) peer;
    ((rig_server_t *) owner)->downs++;
}

static void
s_server_record (void *owner, peer_t peer, const bus_record_t *record)
{
    rig_server_t *self = owner;
    self->records++;
    if (peer == self->peer && (record->kind != BUS_SIGNAL || record->signal.endpoint != self->next))
        self->is_broken = true;
    self->next++;
    if (!self->answer_every || self->records % self->answer_every != 0)
        return;
    if (rig_server_say (self, peer, self->answered, TEXT ("demo/s-1")) == 0)
        self->answered++;
    else
        self->refused++;
}

static const bus_server_events_t s_server_events = { s_peer_up, s_peer_down, s_server_record };

bus_server_t *
rig_postoffice_new (rig_t *rig, char address[RIG_ADDRESS_MAX], const bus_server_config_t *config,
                    const bus_server_events_t *events, void *owner)
{
    char endpoint[RIG_ADDRESS_MAX + sizeof "tcp://"];
    snprintf (endpoint, sizeof endpoint, "tcp://%s", *address ? address : "127.0.0.1:*");
    bus_server_config_t bound = *config;
    bound.address = endpoint;
    //  A port that was just left may still be closing.
    bus_server_t *bus;
    uint64_t deadline = eventually_deadline (5000);
    while (!(bus = bus_server_new (&rig->loop, &bound, events, owner))) {
        cr_assert (clock_mono_ms () < deadline, "%s cannot be bound", endpoint);
        rig_turn (rig);
    }
    snprintf (address, RIG_ADDRESS_MAX, "%s", bus_server_endpoint (bus) + strlen ("tcp://"));
    return bus;
}

void
rig_server_start_with (rig_server_t *self, rig_t *rig, const bus_server_config_t *config)
{
    self->bus = rig_postoffice_new (rig, self->address, config, &s_server_events, self);
}

void
rig_server_start (rig_server_t *self, rig_t *rig, const char *node)
{
    rig_server_start_with (self, rig,
                           &(bus_server_config_t){ .node = node,
                                                   .heartbeat_ms = RIG_HEARTBEAT_MS,
                                                   .queue_limit = RIG_QUEUE_LIMIT,
                                                   .peer_limit = RIG_PEERS_MAX });
}

static void
s_postoffice_up (void *owner, unsigned postoffice)
{
    rig_client_t *self = owner;
    self->ups++;
    self->postoffice = (int) postoffice;
    self->next[postoffice] = 0;
    self->said[postoffice] = 0;
}

static void
s_postoffice_down (void *owner, unsigned postoffice)
{
    (void) postoffice;
    ((rig_client_t *) owner)->downs++;
}

static void
s_client_record (void *owner, unsigned postoffice, const bus_record_t *record)
{
    rig_client_t *self = owner;
    self->records++;
    if (record->kind != BUS_POSTED || record->posted.request_id < self->next[postoffice])
        self->is_broken = true;
    self->next[postoffice] = record->posted.request_id + 1;
    if (self->is_answering && rig_client_say (self, postoffice, TEXT ("{}")) != 0)
        self->is_broken = true;
}

static const bus_client_events_t s_client_events = { s_postoffice_up, s_postoffice_down,
                                                     s_client_record };

void
rig_client_start_with (rig_client_t *self, rig_t *rig, const bus_client_config_t *config)
{
    self->bus = bus_client_new (&rig->loop, config, &s_client_events, self);
    cr_assert (self->bus, "\"%s\" is not taken as a list of addresses", config->addresses);
}

void
rig_client_start (rig_client_t *self, rig_t *rig, const char *node, const char *addresses)
{
    rig_client_start_with (self, rig,
                           &(bus_client_config_t){ .node = node,
                                                   .role = NODE_EDGE,
                                                   .topics = "",
                                                   .addresses = addresses,
                                                   .heartbeat_ms = RIG_HEARTBEAT_MS,
                                                   .queue_limit = RIG_QUEUE_LIMIT });
}

int
rig_client_say (rig_client_t *self, unsigned postoffice, text_t sender)
{
    bus_record_t record = { .kind = BUS_SIGNAL };
    record.signal.endpoint = self->said[postoffice];
    record.signal.session = TEXT ("demo/s-1");
    record.signal.event = EVENT_TYPING;
    record.signal.sender = sender;
    int rc = bus_client_send (self->bus, postoffice, &record);
    if (rc == 0)
        self->said[postoffice]++;
    return rc;
}

int
rig_server_say (rig_server_t *self, peer_t peer, uint64_t number, text_t session)
{
    bus_record_t record = { .kind = BUS_POSTED };
    record.posted.request_id = number;
    record.posted.session = session;
    return bus_server_send (self->bus, peer, &record);
}
