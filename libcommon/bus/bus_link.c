#include "bus/bus_link.h"

#include "bus/bus_address.h"
#include "bus/bus_stream.h"
#include "base/alloc.h"
#include "base/backoff.h"
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
#define REMIND_EVERY_MS 30000
#define ROUTING_ID_MAX 255

typedef enum {
    LINK_FREE,        //  no address
    LINK_BACKOFF,     //  until due_ms, then a connection is tried
    LINK_CONNECTING,  //  HELLO waits for the connection
    LINK_HANDSHAKING, //  HELLO is out: WELCOME must come until due_ms
    LINK_UP,
} link_state_t;

struct bus_link {
    bus_link_owner_t *owner;
    bus_postoffice_t postoffice;
    link_state_t state;
    uint64_t due_ms;      //  UINT64_MAX: nothing is due
    uint64_t since_ms;    //  when it came into this state
    uint64_t reminded_ms; //  the last line in the log about why it cannot be had
    backoff_t backoff;
    uint64_t certificate; //  which of the postoffices' certificates is tried, or has worked
    char key[BUS_KEY_SIZE + 1]; //  its public key, while there is a socket; "" on a plain bus
    bus_socket_t *socket; //  while connecting, handshaking and up
    bus_stream_t *stream; //  likewise
};

static uint64_t
s_now (const bus_link_t *self)
{
    return uv_now (self->owner->loop);
}

static void
s_move (bus_link_t *self, link_state_t next, uint64_t due_ms)
{
    bus_counts[BUS_COUNT_LINKS_UP] += (next == LINK_UP) - (self->state == LINK_UP);
    self->state = next;
    self->postoffice.is_free = next == LINK_FREE;
    self->postoffice.is_up = next == LINK_UP;
    self->due_ms = due_ms;
    self->since_ms = s_now (self);
    if (due_ms != UINT64_MAX)
        loop_timer_start_within_ms (self->owner->timer,
                                    due_ms > self->since_ms ? due_ms - self->since_ms : 0);
}

//  The socket goes, and with it whatever belonged to the stream.
static void
s_hang_up (bus_link_t *self)
{
    bus_socket_destroy (&self->socket);
    bus_stream_destroy (&self->stream);
}

//  One line when a postoffice is lost, and one now and then while it cannot be had.
static void
s_log_end (bus_link_t *self, text_t reason)
{
    static log_limit_t s_lost = LOG_LIMIT (LOG_WARN, "postoffice lost");
    static log_limit_t s_refused = LOG_LIMIT (LOG_WARN, "postoffice refuses us");
    bool was_up = self->state == LINK_UP;
    uint64_t now = s_now (self);
    if (!was_up && self->reminded_ms && now < self->reminded_ms + REMIND_EVERY_MS)
        return;
    if (!log_limit_allows (was_up ? &s_lost : &s_refused))
        return;
    //  The first refusal behind a loss says why the postoffice does not come back.
    if (!was_up)
        self->reminded_ms = now;
    log_warn (was_up ? "postoffice lost" : "postoffice refuses us",
              log_string ("postoffice", self->postoffice.address),
              log_string ("peer_node", self->postoffice.node), log_text ("reason", reason));
}

//  The stream is over. Only from the loop.
static void
s_end (bus_link_t *self, stream_end_t end, text_t reason)
{
    bool was_up = self->state == LINK_UP;
    uint64_t now = s_now (self);
    s_log_end (self, reason);
    bus_counts[BUS_COUNT_ENDS + end]++;
    bus_send_goodbye (self->socket, TEXT_EMPTY, bus_stream_id (self->stream), end);
    s_hang_up (self);
    if (was_up && now > self->since_ms + GOOD_AFTER_MS)
        backoff_reset (&self->backoff);
    uint64_t backoff_ms =
        end == STREAM_END_DUPLICATE ? DUPLICATE_BACKOFF_MS : backoff_next_ms (&self->backoff);
    s_move (self, LINK_BACKOFF, now + backoff_ms);
    if (was_up)
        self->owner->changed (self->owner->client, &self->postoffice);
}

static void
s_end_for (bus_link_t *self, stream_end_t end)
{
    s_end (self, end, text_of (stream_end_word (end)));
}

//  The batch is against the rules; what exactly is in the log.
static void
s_end_broken (bus_link_t *self, stream_end_t end, const bus_batch_t *batch, const char *why)
{
    const bus_postoffice_t *postoffice = &self->postoffice;
    bus_stream_complain (self->stream, *postoffice->node ? postoffice->node : postoffice->address,
                         batch, why);
    s_end_for (self, end);
}

static void
s_records (bus_link_t *self, bus_batch_t *batch)
{
    bus_record_t record;
    int rc = 0;
    while (self->state == LINK_UP && (rc = bus_batch_next (batch, &record)) == 1) {
        bus_counts[BUS_COUNT_RECORDS_IN]++;
        if (record.kind == BUS_HEARTBEAT)
            continue;
        if (record.kind == BUS_GOODBYE)
            s_end (self, STREAM_END_GOODBYE, record.goodbye.reason);
        else if (record.kind == BUS_WELCOME || record.kind == BUS_REJECT
                 || !bus_kind_is_from (record.kind, NODE_POSTOFFICE))
            s_end_broken (self, STREAM_END_MALFORMED, batch, "not a postoffice's to send");
        else
            self->owner->record (self->owner->reader, self->postoffice.number, &record);
    }
    if (rc == -1)
        s_end_broken (self, STREAM_END_MALFORMED, batch, "cannot be read");
}

//  Said once: whoever is on the way reads and writes every conversation.
static void
s_log_plain (const bus_link_t *self)
{
    static bool s_is_said;
    if (self->owner->keys || s_is_said || bus_address_is_local (self->postoffice.address))
        return;
    s_is_said = true;
    log_warn ("the bus is plain: BUS_KEYS is not set",
              log_string ("postoffice", self->postoffice.address));
}

static void
s_up (bus_link_t *self, uint64_t protocol)
{
    static log_limit_t s_limit = LOG_LIMIT (LOG_INFO, "postoffice up");
    s_log_plain (self);
    s_move (self, LINK_UP, UINT64_MAX);
    self->reminded_ms = 0;
    if (log_limit_allows (&s_limit))
        log_info ("postoffice up", log_string ("postoffice", self->postoffice.address),
                  log_string ("peer_node", self->postoffice.node),
                  log_number ("protocol", (int64_t) protocol));
    self->owner->changed (self->owner->client, &self->postoffice);
}

//  The first batch of a stream: WELCOME, and whatever the postoffice says at once.
static void
s_welcome (bus_link_t *self, bus_batch_t *batch)
{
    bus_record_t record;
    bus_postoffice_t *postoffice = &self->postoffice;
    if (!bus_stream_take (self->stream, batch, s_now (self))
        || bus_batch_next (batch, &record) != 1 || record.kind != BUS_WELCOME) {
        s_end_broken (self, STREAM_END_MALFORMED, batch, "a first batch without WELCOME");
        return;
    }
    const bus_welcome_t *welcome = &record.welcome;
    if (welcome->protocol != batch->protocol || welcome->protocol < BUS_PROTOCOL_LOWEST
        || welcome->protocol > BUS_PROTOCOL_HIGHEST) {
        s_end_for (self, STREAM_END_PROTOCOL);
        return;
    }
    snprintf (postoffice->node, sizeof postoffice->node, "%s", welcome->node.data);
    postoffice->incarnation = welcome->incarnation;
    postoffice->hash_key = hash_key_of (welcome->hash_key);
    postoffice->features = welcome->features & BUS_FEATURES;
    postoffice->is_second = self->owner->is_duplicate (self->owner->client, postoffice);
    if (postoffice->is_second) {
        s_end_for (self, STREAM_END_DUPLICATE);
        return;
    }
    bus_stream_agree (self->stream, postoffice->node, welcome->protocol,
                      bus_heartbeat_of (self->owner->heartbeat_ms, welcome->heartbeat_ms),
                      welcome->set_heartbeat_ms ? welcome->set_heartbeat_ms
                                                : welcome->heartbeat_ms);
    s_up (self, welcome->protocol);
    s_records (self, batch);
}

//  REJECT ends the attempt. The reason `protocol` is logged with both ranges.
static void
s_reject (bus_link_t *self, const bus_reject_t *reject)
{
    bus_counts[BUS_COUNT_REJECTS]++;
    char reason[128];
    if (text_is (reject->reason, text_of (stream_end_word (STREAM_END_PROTOCOL))))
        snprintf (reason, sizeof reason,
                  "protocol: we speak %d to %d, it speaks %" PRIu64 " to %" PRIu64,
                  BUS_PROTOCOL_LOWEST, BUS_PROTOCOL_HIGHEST, reject->lowest, reject->highest);
    else
        snprintf (reason, sizeof reason, "%.*s", TEXT_ARGS (reject->reason));
    s_end (self, STREAM_END_REJECT, text_of (reason));
}

//  A batch outside the order ends the stream, if it says anything.
static void
s_outside (bus_link_t *self, bus_batch_t *batch)
{
    bus_record_t record;
    bool is_read = bus_batch_next (batch, &record) == 1;
    if (is_read && record.kind == BUS_GOODBYE)
        s_end (self, STREAM_END_GOODBYE, record.goodbye.reason);
    else if (is_read && record.kind == BUS_REJECT)
        s_reject (self, &record.reject);
    else if (batch->protocol > BUS_PROTOCOL_HIGHEST)
        s_end_for (self, STREAM_END_PROTOCOL);
    else
        bus_socket_complain (self->socket, text_of (self->postoffice.address),
                             "a batch outside the order that says nothing");
}

static void
s_on_message (void *owner, text_t from, text_t body)
{
    (void) from;
    bus_link_t *self = owner;
    bus_batch_t batch;
    if (bus_batch_open (&batch, body) != 0 || batch.stream != bus_stream_id (self->stream))
        bus_socket_complain (self->socket, text_of (self->postoffice.address),
                             "a message that is no batch of the stream");
    else if (batch.protocol < BUS_PROTOCOL_EXTENSIBLE && self->state != LINK_UP)
        s_end_for (self, STREAM_END_PROTOCOL);
    else if (batch.number == BUS_OUTSIDE)
        s_outside (self, &batch);
    else if (self->state == LINK_HANDSHAKING)
        s_welcome (self, &batch);
    else if (self->state == LINK_UP && batch.protocol != bus_stream_protocol (self->stream))
        s_end_broken (self, STREAM_END_MALFORMED, &batch, "not the protocol of the stream");
    else if (self->state == LINK_UP && bus_stream_take (self->stream, &batch, s_now (self)))
        s_records (self, &batch);
    else
        s_end_broken (self, STREAM_END_GAP, &batch, "a gap in the stream");
}

static void
s_on_woken (void *owner)
{
    bus_link_t *self = owner;
    self->owner->woken (self->owner->client);
}

static void
s_on_turn (void *owner)
{
    bus_link_t *self = owner;
    if (bus_stream_queued (self->stream) == 0)
        return;
    bus_sent_t sent = bus_stream_flush (self->stream, self->socket, TEXT_EMPTY);
    if (self->state != LINK_CONNECTING) {
        if (sent == BUS_SENT)
            return;
        bus_counts[BUS_COUNT_WAITS]++;
        loop_timer_start_within_ms (self->owner->timer, RETRY_MS);
    } else if (sent == BUS_SENT) {
        //  HELLO is with ZeroMQ now: the answer has its time. When it is not sent the new
        //  connection will wake us.
        uint64_t within_ms = BUS_HEARTBEATS_MISSED * self->owner->heartbeat_ms;
        bus_counts[BUS_COUNT_HELLOS]++;
        s_move (self, LINK_HANDSHAKING,
                s_now (self) + (within_ms < ANSWER_LEAST_MS ? ANSWER_LEAST_MS : within_ms));
    }
}

//  The handshake has failed: the postoffice does not list our key, has another one than we tried,
//  or only one of us has keys at all. The next dial tries the next of its certificates.
static void
s_on_refused (void *owner, const char *why, const char *address)
{
    (void) address;
    bus_link_t *self = owner;
    bus_counts[BUS_COUNT_HANDSHAKES_FAILED]++;
    if (self->state == LINK_CONNECTING) {
        self->certificate++;
        s_end (self, STREAM_END_KEY, text_of (why));
    }
}

static bus_socket_t *
s_socket_new (bus_link_t *self)
{
    static const bus_socket_events_t s_events = {
        .woken = s_on_woken, .message = s_on_message, .turn = s_on_turn, .refused = s_on_refused
    };
    bus_link_owner_t *owner = self->owner;
    char id[ROUTING_ID_MAX + 1];
    int size = snprintf (id, sizeof id, "%.128s-%s-%" PRIu64, owner->node, owner->boot.text,
                         ++owner->dials);
    return bus_socket_new_dealer (owner->loop, self->postoffice.address,
                                  (text_t){ id, (size_t) size }, owner->keys, self->certificate,
                                  &s_events, self);
}

//  A new socket and a new stream, with HELLO at its head.
static void
s_dial (bus_link_t *self)
{
    const bus_link_owner_t *owner = self->owner;
    snprintf (self->key, sizeof self->key, "%s",
              owner->keys ? bus_keys_of_postoffice (owner->keys, self->certificate) : "");
    self->socket = s_socket_new (self);
    if (!self->socket) {
        s_move (self, LINK_BACKOFF, s_now (self) + backoff_next_ms (&self->backoff));
        return;
    }
    self->stream = bus_stream_new (NODE_POSTOFFICE, random_id_number () | 1, owner->queue_limit,
                                   owner->heartbeat_ms, s_now (self));
    bus_record_t hello = { .kind = BUS_HELLO };
    hello.hello.lowest = BUS_PROTOCOL_LOWEST;
    hello.hello.highest = BUS_PROTOCOL_HIGHEST;
    hello.hello.role = owner->role;
    hello.hello.node = text_of (owner->node);
    hello.hello.topics = text_of (owner->topics);
    hello.hello.credit = owner->credit;
    hello.hello.heartbeat_ms = owner->heartbeat_ms;
    hello.hello.features = BUS_FEATURES;
    int rc = bus_stream_put (self->stream, &hello);
    assert (rc == 0);
    s_move (self, LINK_CONNECTING, UINT64_MAX);
}

bus_link_t *
bus_link_new (bus_link_owner_t *owner, unsigned number)
{
    bus_link_t *self = alloc_zeroed (sizeof *self);
    self->owner = owner;
    self->postoffice.number = number;
    s_move (self, LINK_FREE, UINT64_MAX);
    return self;
}

void
bus_link_destroy (bus_link_t **self_p)
{
    bus_link_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    if (self->state == LINK_UP)
        bus_stream_say_goodbye (self->stream, self->socket, TEXT_EMPTY, STREAM_END_GOODBYE);
    else if (self->socket)
        bus_send_goodbye (self->socket, TEXT_EMPTY, bus_stream_id (self->stream),
                          STREAM_END_GOODBYE);
    s_hang_up (self);
    s_move (self, LINK_FREE, UINT64_MAX);
    free (self);
}

bus_postoffice_t *
bus_link_postoffice (bus_link_t *self)
{
    return &self->postoffice;
}

void
bus_link_take (bus_link_t *self, const char *address)
{
    assert (self->state == LINK_FREE);
    snprintf (self->postoffice.address, sizeof self->postoffice.address, "%s", address);
    self->postoffice.node[0] = '\0';
    self->postoffice.is_second = false;
    self->reminded_ms = 0;
    self->backoff = (backoff_t){ .first_ms = BACKOFF_FIRST_MS, .most_ms = BACKOFF_MOST_MS };
    s_move (self, LINK_BACKOFF, s_now (self));
}

uint64_t
bus_link_step (bus_link_t *self)
{
    //  Neither up nor about to be: nothing is lost when the address is forgotten.
    bool is_idle = self->state == LINK_BACKOFF || self->state == LINK_CONNECTING;
    if (is_idle && !bus_resolver_has (self->owner->resolver, self->postoffice.address)) {
        log_info ("postoffice forgotten", log_string ("postoffice", self->postoffice.address));
        s_hang_up (self);
        s_move (self, LINK_FREE, UINT64_MAX);
    } else if (s_now (self) >= self->due_ms) {
        if (self->state == LINK_HANDSHAKING)
            s_end_for (self, STREAM_END_UNANSWERED);
        else if (self->state == LINK_BACKOFF)
            s_dial (self);
    }
    return self->due_ms;
}

void
bus_link_check_key (bus_link_t *self)
{
    if (!self->socket || bus_keys_role_of (self->owner->keys, self->key))
        return;
    if (self->state != LINK_CONNECTING) {
        s_end_for (self, STREAM_END_KEY);
        return;
    }
    s_hang_up (self);
    s_move (self, LINK_BACKOFF, s_now (self));
}

void
bus_link_look (bus_link_t *self)
{
    if (self->state != LINK_UP)
        return;
    if (bus_stream_is_silent (self->stream, s_now (self)))
        s_end_for (self, STREAM_END_TIMEOUT);
    else if (bus_stream_put_heartbeat (self->stream, s_now (self)) != 0)
        s_end_for (self, STREAM_END_FULL);
}

int
bus_link_send (bus_link_t *self, const bus_record_t *record)
{
    if (self->state != LINK_UP || bus_stream_put (self->stream, record) != 0)
        return -1;
    if (bus_stream_queued (self->stream) >= BUS_BATCH_SIZE)
        (void) bus_stream_flush (self->stream, self->socket, TEXT_EMPTY);
    return 0;
}
