#include "bus/bus_link.h"

#include "base/clock.h"
#include "base/log.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

//  How soon to offer a postoffice again what ZeroMQ did not take.
#define RETRY_MS 5
#define BACKOFF_FIRST_MS 100
#define BACKOFF_MOST_MS 2000
//  A stream that lived this long was a good one: the next rest is a short one.
#define GOOD_AFTER_MS 5000
//  How long to leave an address alone that leads to a postoffice that we have.
#define DUPLICATE_BACKOFF_MS 30000
//  HELLO is answered within this, even where heartbeats are very quick.
#define ANSWER_LEAST_MS 1000
#define COMPLAIN_EVERY_MS 30000
#define ROUTING_ID_MAX 255

static uint64_t
s_now (const bus_link_t *self)
{
    return uv_now (self->owner->loop);
}

static void
s_move (bus_link_t *self, bus_link_state_t next, uint64_t due_ms)
{
    bus_counts[BUS_COUNT_LINKS_UP] += (next == LINK_UP) - (self->state == LINK_UP);
    self->state = next;
    self->due_ms = due_ms;
    self->since_ms = s_now (self);
}

//  One line when a postoffice is lost, and one now and then while it cannot be had.
static void
s_log_end (bus_link_t *self, const char *event, text_t reason)
{
    uint64_t now = s_now (self);
    if (self->state != LINK_UP && self->complained_ms
        && now < self->complained_ms + COMPLAIN_EVERY_MS)
        return;
    self->complained_ms = now;
    log_warn (event, log_string ("postoffice", self->address),
              log_string ("peer_node", self->node), log_text ("reason", reason));
}

//  The socket goes, and with it whatever belonged to the stream.
static void
s_hang_up (bus_link_t *self)
{
    bus_socket_destroy (&self->socket);
    bus_stream_free (&self->stream);
}

//  The stream is over. Only from the loop.
static void
s_end (bus_link_t *self, stream_end_t end, text_t reason)
{
    bool was_up = self->state == LINK_UP;
    uint64_t now = s_now (self);
    s_log_end (self, was_up ? "postoffice lost" : "postoffice refuses us", reason);
    bus_counts[BUS_COUNT_ENDS + end]++;
    bus_send_goodbye (self->socket, TEXT_EMPTY, self->stream.id, end);
    s_hang_up (self);
    if (was_up && now > self->since_ms + GOOD_AFTER_MS)
        backoff_reset (&self->backoff);
    uint64_t backoff_ms =
        end == STREAM_END_DUPLICATE ? DUPLICATE_BACKOFF_MS : backoff_next_ms (&self->backoff);
    s_move (self, LINK_BACKOFF, now + backoff_ms);
    self->owner->wake_in (self->owner->client, backoff_ms);
    if (was_up)
        self->owner->down (self->owner->client, self);
}

static void
s_end_for (bus_link_t *self, stream_end_t end)
{
    s_end (self, end, text_of (stream_end_word (end)));
}

static void
s_record (bus_link_t *self, const bus_record_t *record)
{
    bus_counts[BUS_COUNT_RECORDS_IN]++;
    if (record->kind == BUS_HEARTBEAT)
        return;
    if (record->kind == BUS_GOODBYE)
        s_end (self, STREAM_END_GOODBYE, record->goodbye.reason);
    else if (record->kind == BUS_WELCOME || record->kind == BUS_REJECT
             || !bus_kind_is_from (record->kind, NODE_POSTOFFICE))
        s_end_for (self, STREAM_END_MALFORMED);
    else
        self->owner->record (self->owner->client, self, record);
}

static void
s_records (bus_link_t *self, bus_batch_t *batch)
{
    bus_record_t record;
    int rc = 0;
    while (self->state == LINK_UP && (rc = bus_batch_next (batch, &record)) == 1)
        s_record (self, &record);
    if (rc == -1)
        s_end_for (self, STREAM_END_MALFORMED);
}

//  The first batch of a stream: WELCOME, and whatever the postoffice says at once.
static void
s_welcome (bus_link_t *self, bus_batch_t *batch)
{
    bus_record_t record;
    if (!bus_stream_take (&self->stream, batch, s_now (self))
        || bus_batch_next (batch, &record) != 1 || record.kind != BUS_WELCOME) {
        s_end_for (self, STREAM_END_MALFORMED);
        return;
    }
    snprintf (self->node, sizeof self->node, "%s", record.welcome.node.data);
    self->incarnation = record.welcome.incarnation;
    if (self->owner->is_duplicate (self->owner->client, self)) {
        s_end_for (self, STREAM_END_DUPLICATE);
        return;
    }
    s_move (self, LINK_UP, UINT64_MAX);
    self->complained_ms = 0;
    log_info ("postoffice up", log_string ("postoffice", self->address),
              log_string ("peer_node", self->node));
    self->owner->up (self->owner->client, self);
    s_records (self, batch);
}

//  A batch outside the order ends the stream, if it says anything.
static void
s_outside (bus_link_t *self, bus_batch_t *batch)
{
    bus_record_t record;
    if (bus_batch_next (batch, &record) != 1)
        bus_counts[BUS_COUNT_GARBAGE]++;
    else if (record.kind == BUS_GOODBYE)
        s_end (self, STREAM_END_GOODBYE, record.goodbye.reason);
    else if (record.kind == BUS_REJECT) {
        bus_counts[BUS_COUNT_REJECTS]++;
        s_end (self, STREAM_END_REJECT, record.reject.reason);
    } else
        bus_counts[BUS_COUNT_GARBAGE]++;
}

static void
s_on_message (void *owner, text_t from, text_t body)
{
    (void) from;
    bus_link_t *self = owner;
    bus_batch_t batch;
    if (bus_batch_open (&batch, body) != 0 || batch.stream != self->stream.id)
        bus_counts[BUS_COUNT_GARBAGE]++;
    else if (batch.protocol != BUS_PROTOCOL)
        s_end_for (self, STREAM_END_PROTOCOL);
    else if (batch.number == BUS_OUTSIDE)
        s_outside (self, &batch);
    else if (self->state == LINK_HANDSHAKING)
        s_welcome (self, &batch);
    else if (self->state == LINK_UP && bus_stream_take (&self->stream, &batch, s_now (self)))
        s_records (self, &batch);
    else
        s_end_for (self, STREAM_END_GAP);
}

static void
s_on_garbage (void *owner)
{
    (void) owner;
    bus_counts[BUS_COUNT_GARBAGE]++;
}

static void
s_on_woken (void *owner)
{
    bus_link_t *self = owner;
    self->owner->woken (self->owner->client);
}

//  HELLO is with ZeroMQ now: the answer has its time.
static void
s_hello_sent (bus_link_t *self)
{
    uint64_t within_ms = BUS_SILENT_AFTER * self->owner->heartbeat_ms;
    if (within_ms < ANSWER_LEAST_MS)
        within_ms = ANSWER_LEAST_MS;
    bus_counts[BUS_COUNT_HELLOS]++;
    s_move (self, LINK_HANDSHAKING, s_now (self) + within_ms);
    self->owner->wake_in (self->owner->client, within_ms);
}

static void
s_on_turn (void *owner)
{
    bus_link_t *self = owner;
    if (bus_stream_queued (&self->stream) == 0)
        return;
    bus_sent_t sent = bus_stream_flush (&self->stream, self->socket, TEXT_EMPTY);
    if (self->state == LINK_CONNECTING) {
        //  When it is not sent the new connection will wake us.
        if (sent == BUS_SENT)
            s_hello_sent (self);
    } else if (sent != BUS_SENT) {
        bus_counts[BUS_COUNT_WAITS]++;
        self->owner->wake_in (self->owner->client, RETRY_MS);
    }
}

static bus_socket_t *
s_socket_new (bus_link_t *self)
{
    static const bus_socket_events_t s_events = {
        .woken = s_on_woken, .message = s_on_message, .garbage = s_on_garbage, .turn = s_on_turn
    };
    bus_link_owner_t *owner = self->owner;
    char id[ROUTING_ID_MAX + 1];
    int size = snprintf (id, sizeof id, "%.128s-%s-%" PRIu64, owner->node, owner->boot.text,
                         ++owner->dials);
    return bus_socket_new_dealer (owner->loop, self->address, (text_t){ id, (size_t)size },
                                  &s_events, self);
}

//  A new socket and a new stream, with HELLO at its head.
static void
s_dial (bus_link_t *self)
{
    const bus_link_owner_t *owner = self->owner;
    self->socket = s_socket_new (self);
    if (!self->socket) {
        s_move (self, LINK_BACKOFF, s_now (self) + backoff_next_ms (&self->backoff));
        return;
    }
    bus_stream_init (&self->stream, NODE_POSTOFFICE, random_id_number () | 1, owner->queue_limit,
                     s_now (self));
    bus_record_t hello = { .kind = BUS_HELLO };
    hello.hello.protocol = BUS_PROTOCOL;
    hello.hello.role = owner->role;
    hello.hello.node = text_of (owner->node);
    hello.hello.topics = text_of (owner->topics);
    hello.hello.credit = owner->credit;
    int rc = bus_stream_put (&self->stream, &hello);
    assert (rc == 0);
    s_move (self, LINK_CONNECTING, UINT64_MAX);
}

bus_link_t *
bus_link_new (bus_link_owner_t *owner, unsigned number)
{
    bus_link_t *self = calloc (1, sizeof *self);
    assert (self);
    self->owner = owner;
    self->number = number;
    self->due_ms = UINT64_MAX;
    return self;
}

//  GOODBYE behind what waits, or out of order when that does not go out.
static void
s_leave (bus_link_t *self)
{
    bus_record_t goodbye = { .kind = BUS_GOODBYE };
    goodbye.goodbye.reason = text_of (stream_end_word (STREAM_END_GOODBYE));
    if (self->state != LINK_UP || bus_stream_put (&self->stream, &goodbye) != 0
        || bus_stream_flush (&self->stream, self->socket, TEXT_EMPTY) != BUS_SENT)
        bus_send_goodbye (self->socket, TEXT_EMPTY, self->stream.id, STREAM_END_GOODBYE);
}

void
bus_link_destroy (bus_link_t **self_p)
{
    bus_link_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    if (self->socket)
        s_leave (self);
    s_hang_up (self);
    s_move (self, LINK_FREE, UINT64_MAX);
    free (self);
}

void
bus_link_take (bus_link_t *self, const char *address)
{
    assert (self->state == LINK_FREE);
    snprintf (self->address, sizeof self->address, "%s", address);
    self->node[0] = '\0';
    self->complained_ms = 0;
    self->backoff = (backoff_t){ .first_ms = BACKOFF_FIRST_MS, .most_ms = BACKOFF_MOST_MS };
    s_move (self, LINK_BACKOFF, s_now (self));
    self->owner->wake_in (self->owner->client, 0);
}

void
bus_link_forget (bus_link_t *self)
{
    assert (self->state != LINK_UP);
    log_info ("postoffice forgotten", log_string ("postoffice", self->address));
    s_hang_up (self);
    s_move (self, LINK_FREE, UINT64_MAX);
}

void
bus_link_step (bus_link_t *self)
{
    if (s_now (self) < self->due_ms)
        return;
    if (self->state == LINK_HANDSHAKING)
        s_end_for (self, STREAM_END_UNANSWERED);
    else if (self->state == LINK_BACKOFF)
        s_dial (self);
}

void
bus_link_look (bus_link_t *self)
{
    if (self->state != LINK_UP)
        return;
    bus_record_t heartbeat = { .kind = BUS_HEARTBEAT };
    heartbeat.heartbeat.wall_ms = clock_wall_ms ();
    if (bus_stream_is_silent (&self->stream, s_now (self), self->owner->heartbeat_ms))
        s_end_for (self, STREAM_END_TIMEOUT);
    else if (bus_stream_queued (&self->stream) == 0
             && bus_stream_put (&self->stream, &heartbeat) != 0)
        s_end_for (self, STREAM_END_FULL);
}

int
bus_link_send (bus_link_t *self, const bus_record_t *record)
{
    if (self->state != LINK_UP || bus_stream_put (&self->stream, record) != 0)
        return -1;
    if (bus_stream_queued (&self->stream) >= BUS_BATCH_SIZE)
        (void) bus_stream_flush (&self->stream, self->socket, TEXT_EMPTY);
    return 0;
}
