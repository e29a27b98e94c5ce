#include "bus/bus_client.h"

#include "bus/bus_office.h"
#include "parts/clock.h"
#include "parts/identity.h"
#include "parts/rendezvous.h"
#include "service/log.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define OFFICES_MAX 256
//  How soon to offer an office again what ZeroMQ did not take.
#define RETRY_MS 5
#define REST_FIRST_MS 100
#define REST_MOST_MS 2000
//  A stream that lived this long was a good one: the next rest is a short one.
#define GOOD_AFTER_MS 5000
//  How long to leave an address alone that leads to an office that we have.
#define DOUBLE_REST_MS 30000
//  HELLO is answered within this, even where heartbeats are very quick.
#define ANSWER_LEAST_MS 1000
#define COMPLAIN_EVERY_MS 30000
#define ROUTING_ID_MAX 255

struct bus_client {
    uv_loop_t *loop;
    bus_client_config_t config;
    char *node;
    char *topics;
    bus_client_events_t events;
    void *owner;
    identity_t boot;    //  of this process start
    uint64_t dials;
    uint64_t looked_ms; //  when we last looked who is silent
    uv_timer_t timer;   //  the earliest thing that is due
    bus_directory_t *directory;
    unsigned up;
    unsigned count;     //  rows in use, free ones included
    bus_office_t *offices[OFFICES_MAX];
};

static void s_on_timer (uv_timer_t *timer);

//  Makes sure that the timer fires no later than in so many milliseconds.
static void
s_wake_in (bus_client_t *self, uint64_t ms)
{
    uv_handle_t *handle = (uv_handle_t *) &self->timer;
    if (!uv_is_active (handle) || uv_timer_get_due_in (&self->timer) > ms)
        uv_timer_start (&self->timer, s_on_timer, ms, 0);
}

static void
s_move (bus_office_t *office, office_state_t next, uint64_t due_ms)
{
    bus_client_t *self = office->client;
    bool was_up = office->state == OFFICE_UP, is_up = next == OFFICE_UP;
    self->up += (unsigned) is_up - (unsigned) was_up;
    bus_counts[BUS_COUNT_LINKS_UP] += (int) is_up - (int) was_up;
    office->state = next;
    office->due_ms = due_ms;
    office->since_ms = uv_now (self->loop);
}

static void s_on_woken (void *owner);
static void s_on_message (void *owner, text_t from, text_t body);
static void s_on_garbage (void *owner);
static void s_on_turn (void *owner);

//  A new socket and a new stream, with HELLO at its head.
static void
s_dial (bus_office_t *office)
{
    static const bus_socket_events_t s_events = {
        .woken = s_on_woken, .message = s_on_message, .garbage = s_on_garbage, .turn = s_on_turn
    };
    bus_client_t *self = office->client;
    char id[ROUTING_ID_MAX + 1];
    int size = snprintf (id, sizeof id, "%.128s-%s-%" PRIu64, self->node, self->boot.text,
                         ++self->dials);
    office->socket = bus_socket_new_dealer (self->loop, office->address,
                                            (text_t){ id, (size_t) size }, &s_events, office);
    uint64_t now = uv_now (self->loop);
    if (!office->socket) {
        s_move (office, OFFICE_RESTING, now + backoff_next_ms (&office->backoff));
        return;
    }
    bus_stream_init (&office->stream, identity_number () | 1, self->config.queue_limit, now);
    bus_record_t hello = { .kind = BUS_HELLO };
    hello.hello.protocol = BUS_PROTOCOL;
    hello.hello.role = self->config.role;
    hello.hello.node = text_of (self->node);
    hello.hello.topics = text_of (self->topics);
    hello.hello.credit = self->config.credit;
    int rc = bus_stream_put (&office->stream, &hello);
    assert (rc == 0);
    s_move (office, OFFICE_DIALLING, UINT64_MAX);
}

//  Keys are weighed with the node's name, or with name and address while two have the same.
static void
s_label (bus_client_t *self)
{
    for (unsigned at = 0; at < self->count; at++) {
        bus_office_t *office = self->offices[at];
        bool is_alone = true;
        for (unsigned other = 0; other < self->count; other++)
            if (other != at && self->offices[other]->state == OFFICE_UP
                && strcmp (self->offices[other]->node, office->node) == 0)
                is_alone = false;
        snprintf (office->label, sizeof office->label, "%s%s%s", office->node,
                  is_alone ? "" : " ", is_alone ? "" : office->address);
    }
}

//  One line when an office is lost, and one now and then while it cannot be had.
static void
s_log_end (bus_office_t *office, const char *event, text_t reason)
{
    uint64_t now = uv_now (office->client->loop);
    if (office->state != OFFICE_UP && office->complained_ms
        && now < office->complained_ms + COMPLAIN_EVERY_MS)
        return;
    office->complained_ms = now;
    log_warn (event, log_string ("office", office->address), log_string ("peer_node", office->node),
              log_text ("reason", reason));
}

//  The stream is over. Only from the loop.
static void
s_end (bus_office_t *office, stream_end_t end, text_t reason)
{
    bus_client_t *self = office->client;
    bool was_up = office->state == OFFICE_UP;
    uint64_t now = uv_now (self->loop);
    s_log_end (office, was_up ? "office lost" : "office does not welcome us", reason);
    bus_counts[BUS_COUNT_ENDS + end]++;
    bus_send_goodbye (office->socket, TEXT_EMPTY, office->stream.id, end);
    bus_socket_destroy (&office->socket);
    bus_stream_free (&office->stream);
    if (was_up && now > office->since_ms + GOOD_AFTER_MS)
        backoff_reset (&office->backoff);
    uint64_t rest_ms = end == STREAM_END_DOUBLE ? DOUBLE_REST_MS
                                                : backoff_next_ms (&office->backoff);
    s_move (office, OFFICE_RESTING, now + rest_ms);
    s_wake_in (self, rest_ms);
    if (!was_up)
        return;
    s_label (self);
    self->events.office_down (self->owner, office->number);
}

static void
s_end_for (bus_office_t *office, stream_end_t end)
{
    s_end (office, end, text_of (stream_end_word (end)));
}

//  The same process, reached by another address.
static bool
s_is_double (const bus_office_t *office)
{
    const bus_client_t *self = office->client;
    for (unsigned at = 0; at < self->count; at++) {
        const bus_office_t *other = self->offices[at];
        if (other != office && other->state == OFFICE_UP
            && other->incarnation == office->incarnation)
            return true;
    }
    return false;
}

static void
s_record (bus_office_t *office, const bus_record_t *record)
{
    bus_client_t *self = office->client;
    bus_counts[BUS_COUNT_RECORDS_IN]++;
    if (record->kind == BUS_HEARTBEAT)
        return;
    if (record->kind == BUS_GOODBYE)
        s_end (office, STREAM_END_GOODBYE, record->goodbye.reason);
    else if (record->kind == BUS_WELCOME || record->kind == BUS_UNWELCOME
             || !bus_kind_is_from (record->kind, NODE_POSTOFFICE))
        s_end_for (office, STREAM_END_MALFORMED);
    else
        self->events.record (self->owner, office->number, record);
}

static void
s_records (bus_office_t *office, bus_batch_t *batch)
{
    bus_record_t record;
    int rc = 0;
    while (office->state == OFFICE_UP && (rc = bus_batch_next (batch, &record)) == 1)
        s_record (office, &record);
    if (rc == -1)
        s_end_for (office, STREAM_END_MALFORMED);
}

static void
s_welcome (bus_office_t *office, bus_batch_t *batch)
{
    bus_client_t *self = office->client;
    bus_record_t record;
    if (!bus_stream_take (&office->stream, batch, uv_now (self->loop))
        || bus_batch_next (batch, &record) != 1 || record.kind != BUS_WELCOME) {
        s_end_for (office, STREAM_END_MALFORMED);
        return;
    }
    snprintf (office->node, sizeof office->node, "%s", record.welcome.node.data);
    office->incarnation = record.welcome.incarnation;
    if (s_is_double (office)) {
        s_end_for (office, STREAM_END_DOUBLE);
        return;
    }
    s_move (office, OFFICE_UP, UINT64_MAX);
    s_label (self);
    office->complained_ms = 0;
    log_info ("office up", log_string ("office", office->address),
              log_string ("peer_node", office->node));
    self->events.office_up (self->owner, office->number);
    s_records (office, batch);
}

//  A batch outside the order ends the stream, if it says anything.
static void
s_outside (bus_office_t *office, bus_batch_t *batch)
{
    bus_record_t record;
    if (bus_batch_next (batch, &record) != 1)
        bus_counts[BUS_COUNT_GARBAGE]++;
    else if (record.kind == BUS_GOODBYE)
        s_end (office, STREAM_END_GOODBYE, record.goodbye.reason);
    else if (record.kind == BUS_UNWELCOME) {
        bus_counts[BUS_COUNT_UNWELCOMES]++;
        s_end (office, STREAM_END_UNWELCOME, record.unwelcome.reason);
    } else
        bus_counts[BUS_COUNT_GARBAGE]++;
}

static void
s_on_message (void *owner, text_t from, text_t body)
{
    (void) from;
    bus_office_t *office = owner;
    bus_batch_t batch;
    if (bus_batch_open (&batch, body) != 0 || batch.stream != office->stream.id)
        bus_counts[BUS_COUNT_GARBAGE]++;
    else if (batch.protocol != BUS_PROTOCOL)
        s_end_for (office, STREAM_END_PROTOCOL);
    else if (batch.number == BUS_OUTSIDE)
        s_outside (office, &batch);
    else if (office->state == OFFICE_GREETED)
        s_welcome (office, &batch);
    else if (office->state == OFFICE_UP
             && bus_stream_take (&office->stream, &batch, uv_now (office->client->loop)))
        s_records (office, &batch);
    else
        s_end_for (office, STREAM_END_HOLE);
}

static void
s_on_garbage (void *owner)
{
    (void) owner;
    bus_counts[BUS_COUNT_GARBAGE]++;
}

static uint64_t
s_answer_within (const bus_client_t *self)
{
    uint64_t ms = BUS_SILENT_AFTER * self->config.heartbeat_ms;
    return ms > ANSWER_LEAST_MS ? ms : ANSWER_LEAST_MS;
}

static void
s_on_turn (void *owner)
{
    bus_office_t *office = owner;
    bus_client_t *self = office->client;
    if (bus_stream_waiting (&office->stream) == 0)
        return;
    bus_sent_t sent = bus_stream_flush (&office->stream, office->socket, TEXT_EMPTY);
    if (sent != BUS_SENT) {
        //  While dialling, the new connection will wake us.
        if (office->state != OFFICE_UP)
            return;
        bus_counts[BUS_COUNT_WAITS]++;
        s_wake_in (self, RETRY_MS);
    } else if (office->state == OFFICE_DIALLING) {
        bus_counts[BUS_COUNT_HELLOS]++;
        s_move (office, OFFICE_GREETED, uv_now (self->loop) + s_answer_within (self));
        s_wake_in (self, s_answer_within (self));
    }
}

static void
s_heartbeat (bus_office_t *office)
{
    bus_record_t heartbeat = { .kind = BUS_HEARTBEAT };
    heartbeat.heartbeat.wall_ms = clock_wall_ms ();
    if (bus_stream_waiting (&office->stream) == 0
        && bus_stream_put (&office->stream, &heartbeat) != 0)
        s_end_for (office, STREAM_END_FULL);
}

//  Ends what is silent and lets the others know that we live.
static void
s_look (bus_client_t *self)
{
    self->looked_ms = uv_now (self->loop);
    for (unsigned at = 0; at < self->count; at++) {
        bus_office_t *office = self->offices[at];
        if (office->state == OFFICE_UP) {
            if (bus_stream_is_silent (&office->stream, self->looked_ms, self->config.heartbeat_ms))
                s_end_for (office, STREAM_END_SILENT);
            else
                s_heartbeat (office);
        }
    }
}

//  A process that stood still finds what the offices said meanwhile; but they have given it up, so
//  those streams end before any of that is believed.
static void
s_on_woken (void *owner)
{
    bus_client_t *self = ((bus_office_t *) owner)->client;
    if (uv_now (self->loop) > self->looked_ms + 2 * self->config.heartbeat_ms)
        s_look (self);
}

//  What is due for an office that is not up.
static void
s_step (bus_office_t *office)
{
    bus_client_t *self = office->client;
    bool is_wanted = bus_directory_has (self->directory, office->address);
    uint64_t now = uv_now (self->loop);
    if (office->state == OFFICE_GREETED && now >= office->due_ms)
        s_end_for (office, STREAM_END_UNANSWERED);
    if ((office->state == OFFICE_RESTING || office->state == OFFICE_DIALLING) && !is_wanted) {
        log_info ("office forgotten", log_string ("office", office->address));
        bus_socket_destroy (&office->socket);
        bus_stream_free (&office->stream);
        s_move (office, OFFICE_FREE, UINT64_MAX);
    } else if (office->state == OFFICE_RESTING && now >= office->due_ms)
        s_dial (office);
}

static void
s_on_timer (uv_timer_t *timer)
{
    bus_client_t *self = timer->data;
    uint64_t now = uv_now (self->loop);
    if (now >= self->looked_ms + self->config.heartbeat_ms)
        s_look (self);
    uint64_t due = self->looked_ms + self->config.heartbeat_ms;
    for (unsigned at = 0; at < self->count; at++) {
        s_step (self->offices[at]);
        if (self->offices[at]->due_ms < due)
            due = self->offices[at]->due_ms;
    }
    s_wake_in (self, due > now ? due - now : 0);
}

//  A row for the address, unless there is one; a free row is taken again.
static void
s_on_found (void *owner, const char *address)
{
    bus_client_t *self = owner;
    bus_office_t *office = NULL;
    for (unsigned at = 0; at < self->count; at++) {
        if (self->offices[at]->state == OFFICE_FREE)
            office = self->offices[at];
        else if (strcmp (self->offices[at]->address, address) == 0)
            return;
    }
    if (!office && self->count == OFFICES_MAX)
        return;
    if (!office) {
        office = calloc (1, sizeof *office);
        assert (office);
        office->client = self;
        office->number = self->count;
        self->offices[self->count++] = office;
    }
    snprintf (office->address, sizeof office->address, "%s", address);
    office->node[0] = '\0';
    office->complained_ms = 0;
    office->backoff = (backoff_t){ .first_ms = REST_FIRST_MS, .most_ms = REST_MOST_MS };
    s_move (office, OFFICE_RESTING, uv_now (self->loop));
    s_wake_in (self, 0);
}

static void
s_free (bus_client_t *self)
{
    for (unsigned at = 0; at < self->count; at++)
        free (self->offices[at]);
    free (self->node);
    free (self->topics);
    free (self);
}

bus_client_t *
bus_client_new (uv_loop_t *loop, const bus_client_config_t *config,
                const bus_client_events_t *events, void *owner)
{
    bus_client_t *self = calloc (1, sizeof *self);
    assert (self);
    self->loop = loop;
    self->config = *config;
    self->node = strdup (config->node);
    self->topics = strdup (config->topics);
    assert (self->node && self->topics);
    self->events = *events;
    self->owner = owner;
    self->boot = identity_new ();
    self->looked_ms = uv_now (loop);
    self->directory = bus_directory_new (loop, config->addresses, s_on_found, self);
    if (!self->directory) {
        s_free (self);
        return NULL;
    }
    bus_counters_start ();
    uv_timer_init (loop, &self->timer);
    self->timer.data = self;
    s_wake_in (self, config->heartbeat_ms);
    return self;
}

static void
s_on_closed (uv_handle_t *handle)
{
    s_free (handle->data);
}

//  GOODBYE behind what waits, or out of order when that does not go out.
static void
s_leave (bus_office_t *office)
{
    if (!office->socket)
        return;
    bus_record_t goodbye = { .kind = BUS_GOODBYE };
    goodbye.goodbye.reason = text_of (stream_end_word (STREAM_END_GOODBYE));
    if (office->state != OFFICE_UP || bus_stream_put (&office->stream, &goodbye) != 0
        || bus_stream_flush (&office->stream, office->socket, TEXT_EMPTY) != BUS_SENT)
        bus_send_goodbye (office->socket, TEXT_EMPTY, office->stream.id, STREAM_END_GOODBYE);
    bus_socket_destroy (&office->socket);
    bus_stream_free (&office->stream);
    s_move (office, OFFICE_FREE, UINT64_MAX);
}

void
bus_client_destroy (bus_client_t **self_p)
{
    bus_client_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    bus_directory_destroy (&self->directory);
    for (unsigned at = 0; at < self->count; at++)
        s_leave (self->offices[at]);
    uv_close ((uv_handle_t *) &self->timer, s_on_closed);
}

int
bus_client_office_of (const bus_client_t *self, text_t key)
{
    int best = -1;
    uint64_t most = 0;
    for (unsigned at = 0; at < self->count; at++) {
        const bus_office_t *office = self->offices[at];
        if (office->state != OFFICE_UP)
            continue;
        uint64_t weight = rendezvous_weight (key, text_of (office->label));
        if (best == -1 || weight > most) {
            best = (int) at;
            most = weight;
        }
    }
    return best;
}

unsigned
bus_client_offices_up (const bus_client_t *self)
{
    return self->up;
}

int
bus_client_send (bus_client_t *self, unsigned number, const bus_record_t *record)
{
    if (number >= self->count || self->offices[number]->state != OFFICE_UP)
        return -1;
    bus_office_t *office = self->offices[number];
    if (bus_stream_put (&office->stream, record) != 0)
        return -1;
    if (bus_stream_waiting (&office->stream) >= BUS_BATCH_SIZE)
        (void) bus_stream_flush (&office->stream, office->socket, TEXT_EMPTY);
    return 0;
}
