#include "bus/bus_stream.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/keyed_hash.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

//  A queue that was larger than this gives its memory back when it is empty.
#define ROOM_TO_KEEP (256 * 1024)

struct bus_stream {
    uint64_t id;
    node_role_t peer;
    uint64_t protocol;
    uint64_t heartbeat_ms;
    uint64_t beat_ms;   //  the last HEARTBEAT
    uint64_t sent;      //  number of the last batch out
    uint64_t received;  //  number of the last batch in
    uint64_t heard_ms;  //  when that was, on the loop's clock
    size_t limit;       //  of the send queue
    buffer_t queue;     //  records
    size_t sent_offset; //  bytes of `queue` that are sent already
    size_t gauged;      //  what the gauges know of
    size_t gauged_held;
};

uint64_t
bus_heartbeat_of (uint64_t ours_ms, uint64_t theirs_ms)
{
    return theirs_ms > ours_ms && theirs_ms <= BUS_HEARTBEAT_MOST_MS ? theirs_ms : ours_ms;
}

//  The gauges of all streams, and of those to peers of this kind.
static void
s_gauge (bus_stream_t *self)
{
    static const bus_count_t gauges[] = {
        [NODE_POSTOFFICE] = BUS_COUNT_QUEUED_POSTOFFICE,
        [NODE_EDGE] = BUS_COUNT_QUEUED_EDGE,
        [NODE_WORKER] = BUS_COUNT_QUEUED_WORKER,
    };
    size_t queued = bus_stream_queued (self);
    bus_counts[gauges[self->peer]] += (int64_t) queued - (int64_t) self->gauged;
    bus_counts[BUS_COUNT_QUEUE_HELD] += (int64_t) self->queue.size - (int64_t) self->gauged_held;
    self->gauged = queued;
    self->gauged_held = self->queue.size;
}

bus_stream_t *
bus_stream_new (node_role_t peer, uint64_t id, size_t queue_limit, uint64_t heartbeat_ms,
                uint64_t now_ms)
{
    bus_stream_t *self = alloc_zeroed (sizeof *self);
    self->id = id;
    self->peer = peer;
    self->protocol = BUS_PROTOCOL_LOWEST;
    self->heartbeat_ms = heartbeat_ms;
    self->heard_ms = now_ms;
    self->limit = queue_limit;
    //  Sent bytes stay in the queue's memory until they are as many as those that wait.
    buffer_init (&self->queue, queue_limit < SIZE_MAX / 2 ? 2 * queue_limit : SIZE_MAX);
    return self;
}

void
bus_stream_destroy (bus_stream_t **self_p)
{
    bus_stream_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    buffer_free (&self->queue);
    self->queue.size = self->sent_offset = 0;
    s_gauge (self);
    free (self);
}

void
bus_stream_agree (bus_stream_t *self, const char *peer_node, uint64_t protocol,
                  uint64_t heartbeat_ms, uint64_t theirs_ms)
{
    static log_limit_t s_limit = LOG_LIMIT (LOG_WARN, "heartbeats differ");
    uint64_t ours_ms = self->heartbeat_ms;
    self->protocol = protocol;
    self->heartbeat_ms = heartbeat_ms;
    if (ours_ms != theirs_ms && log_limit_allows (&s_limit))
        log_warn ("heartbeats differ", log_string ("peer_node", peer_node),
                  log_number ("ours_ms", (int64_t) ours_ms),
                  log_number ("theirs_ms", (int64_t) theirs_ms),
                  log_number ("agreed_ms", (int64_t) heartbeat_ms));
}

uint64_t
bus_stream_id (const bus_stream_t *self)
{
    return self->id;
}

uint64_t
bus_stream_protocol (const bus_stream_t *self)
{
    return self->protocol;
}

size_t
bus_stream_queued (const bus_stream_t *self)
{
    return self->queue.size - self->sent_offset;
}

//  Forgets what is sent. Moves the rest, so it is not to be called for every few bytes.
static void
s_close_up (bus_stream_t *self)
{
    size_t queued = bus_stream_queued (self);
    if (queued && self->sent_offset)
        memmove (self->queue.data, self->queue.data + self->sent_offset, queued);
    self->queue.size = queued;
    self->sent_offset = 0;
    if (queued == 0 && self->queue.room > ROOM_TO_KEEP)
        buffer_free (&self->queue);
    s_gauge (self);
}

int
bus_stream_put (bus_stream_t *self, const bus_record_t *record)
{
    //  At least half of it is sent: on the average no byte is moved more often than it is written.
    if (self->sent_offset && self->sent_offset >= bus_stream_queued (self))
        s_close_up (self);
    size_t before = self->queue.size;
    int rc = bus_record_write (record, &self->queue);
    if (rc == 0
        && (self->queue.size - before > BUS_RECORD_MAX
            || bus_stream_queued (self) > self->limit)) {
        self->queue.size = before;
        rc = -1;
    }
    bus_counts[rc == 0 ? BUS_COUNT_RECORDS_OUT : BUS_COUNT_REFUSED]++;
    s_gauge (self);
    return rc;
}

int
bus_stream_put_heartbeat (bus_stream_t *self, uint64_t now_ms)
{
    //  A quarter of an interval early is early enough: our own ticks are not exact.
    if (bus_stream_queued (self) > 0
        || now_ms + self->heartbeat_ms / 4 < self->beat_ms + self->heartbeat_ms)
        return 0;
    self->beat_ms = now_ms;
    return bus_stream_put (self, &(bus_record_t){ .kind = BUS_HEARTBEAT });
}

//  The size of the next batch: whole records, as many as fit, at least one.
static size_t
s_batch_size (const bus_stream_t *self)
{
    const char *from = self->queue.data + self->sent_offset;
    size_t queued = bus_stream_queued (self), size = 0;
    if (queued <= BUS_BATCH_SIZE)
        return queued;
    while (size < queued) {
        uint32_t record;
        memcpy (&record, from + size, sizeof record);
        if (size && size + sizeof record + record > BUS_BATCH_SIZE)
            break;
        size += sizeof record + record;
    }
    return size;
}

void
bus_stream_note_sent (bus_stream_t *self, size_t bytes)
{
    self->sent++;
    self->sent_offset += bytes;
    s_gauge (self);
}

bus_sent_t
bus_stream_flush (bus_stream_t *self, bus_socket_t *socket, text_t to)
{
    while (bus_stream_queued (self)) {
        char header[BUS_HEADER_SIZE];
        bus_batch_write_header (header, self->protocol, self->id, self->sent + 1);
        text_t head = { header, sizeof header };
        text_t body = { self->queue.data + self->sent_offset, s_batch_size (self) };
        bus_sent_t sent = bus_socket_send (socket, to, head, body);
        if (sent != BUS_SENT)
            return sent;
        bus_stream_note_sent (self, body.size);
        bus_counts[BUS_COUNT_BATCHES_OUT]++;
        bus_counts[BUS_COUNT_BYTES_OUT] += (int64_t) (head.size + body.size);
    }
    s_close_up (self);
    return BUS_SENT;
}

bool
bus_stream_take (bus_stream_t *self, const bus_batch_t *batch, uint64_t now_ms)
{
    if (batch->stream != self->id || batch->number != self->received + 1)
        return false;
    self->received++;
    self->heard_ms = now_ms;
    bus_counts[BUS_COUNT_BATCHES_IN]++;
    bus_counts[BUS_COUNT_BYTES_IN] += batch->end - batch->from + BUS_HEADER_SIZE;
    return true;
}

bool
bus_stream_is_silent (const bus_stream_t *self, uint64_t now_ms)
{
    return now_ms > self->heard_ms + BUS_HEARTBEATS_MISSED * self->heartbeat_ms;
}

bool
bus_may_say (bus_said_t *self, const char *about)
{
    uint64_t hash = keyed_hash (hash_key_of_process (), text_of (about));
    size_t row = hash % (sizeof self->rows / sizeof *self->rows);
    uint64_t now = clock_mono_ms ();
    if (self->rows[row].about == hash && now < self->rows[row].until_ms)
        return false;
    self->rows[row].about = hash;
    self->rows[row].until_ms = now + LOG_LIMIT_MS;
    return log_limit_allows (&self->limit);
}

void
bus_stream_complain (const bus_stream_t *self, const char *peer_node, const bus_batch_t *batch,
                     const char *why)
{
    static bus_said_t s_said = { .limit = LOG_LIMIT (LOG_WARN, "batch refused") };
    if (!bus_may_say (&s_said, peer_node))
        return;
    char kind[32];
    snprintf (kind, sizeof kind, "%s %u", bus_kind_name (batch->kind), batch->kind);
    log_warn ("batch refused", log_string ("peer_node", peer_node), log_string ("why", why),
              log_string ("kind", batch->place ? kind : ""), log_number ("record", batch->place),
              log_number ("batch", (int64_t) batch->number),
              log_number ("expected_batch", (int64_t) (self->received + (batch->place == 0))));
}

void
bus_send_outside (bus_socket_t *socket, text_t to, uint64_t stream, const bus_record_t *record)
{
    char header[BUS_HEADER_SIZE];
    bus_batch_write_header (header, BUS_PROTOCOL_LOWEST, stream, BUS_OUTSIDE);
    buffer_t body;
    buffer_init (&body, 1024);
    if (bus_record_write (record, &body) == 0)
        (void) bus_socket_send (socket, to, (text_t){ header, sizeof header },
                                buffer_text (&body));
    buffer_free (&body);
}

void
bus_send_goodbye (bus_socket_t *socket, text_t to, uint64_t stream, stream_end_t end)
{
    bus_record_t goodbye = { .kind = BUS_GOODBYE };
    goodbye.goodbye.reason = text_of (stream_end_word (end));
    bus_send_outside (socket, to, stream, &goodbye);
}

void
bus_stream_say_goodbye (bus_stream_t *self, bus_socket_t *socket, text_t to, stream_end_t end)
{
    bus_record_t goodbye = { .kind = BUS_GOODBYE };
    goodbye.goodbye.reason = text_of (stream_end_word (end));
    if (bus_stream_put (self, &goodbye) != 0 || bus_stream_flush (self, socket, to) != BUS_SENT)
        bus_send_goodbye (socket, to, self->id, end);
}
