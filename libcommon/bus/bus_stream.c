#include "bus/bus_stream.h"

//  A queue that was larger than this gives its memory back when it is empty.
#define ROOM_TO_KEEP (256 * 1024)

//  The gauge of all streams to peers of this kind.
static void
s_gauge (bus_stream_t *self)
{
    static const bus_count_t gauges[] = {
        [NODE_POSTOFFICE] = BUS_COUNT_QUEUED_POSTOFFICE,
        [NODE_EDGE] = BUS_COUNT_QUEUED_EDGE,
        [NODE_WORKER] = BUS_COUNT_QUEUED_WORKER,
    };
    size_t waiting = bus_stream_queued (self);
    bus_counts[gauges[self->peer]] += (int64_t) waiting - (int64_t) self->gauged;
    self->gauged = waiting;
}

void
bus_stream_init (bus_stream_t *self, node_role_t peer, uint64_t id, size_t queue_limit,
                 uint64_t now_ms)
{
    *self = (bus_stream_t){ .id = id, .peer = peer, .heard_ms = now_ms, .limit = queue_limit };
    //  What is sent stands in it, too, until it is as much as what waits.
    buffer_init (&self->queue, queue_limit < SIZE_MAX / 2 ? 2 * queue_limit : SIZE_MAX);
}

void
bus_stream_free (bus_stream_t *self)
{
    buffer_free (&self->queue);
    self->sent_offset = 0;
    if (self->id)
        s_gauge (self);
    *self = (bus_stream_t){ .id = 0 };
}

size_t
bus_stream_queued (const bus_stream_t *self)
{
    return self->queue.size - self->sent_offset;
}

//  Forgets what is sent. Moves what waits, so it is not to be called for every few bytes.
static void
s_close_up (bus_stream_t *self)
{
    size_t waiting = bus_stream_queued (self);
    if (waiting && self->sent_offset)
        memmove (self->queue.data, self->queue.data + self->sent_offset, waiting);
    self->queue.size = waiting;
    self->sent_offset = 0;
    if (waiting == 0 && self->queue.room > ROOM_TO_KEEP)
        buffer_free (&self->queue);
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

//  The size of the next batch: whole records, as many as fit, at least one.
static size_t
s_batch_size (const bus_stream_t *self)
{
    const char *from = self->queue.data + self->sent_offset;
    size_t waiting = bus_stream_queued (self), size = 0;
    if (waiting <= BUS_BATCH_SIZE)
        return waiting;
    while (size < waiting) {
        uint32_t record;
        memcpy (&record, from + size, sizeof record);
        if (size && size + sizeof record + record > BUS_BATCH_SIZE)
            break;
        size += sizeof record + record;
    }
    return size;
}

bus_sent_t
bus_stream_flush (bus_stream_t *self, bus_socket_t *socket, text_t to)
{
    while (bus_stream_queued (self)) {
        char header[BUS_HEADER_SIZE];
        bus_batch_write_header (header, self->id, self->sent + 1);
        text_t head = { header, sizeof header };
        text_t body = { self->queue.data + self->sent_offset, s_batch_size (self) };
        bus_sent_t sent = bus_socket_send (socket, to, head, body);
        if (sent != BUS_SENT)
            return sent;
        self->sent++;
        self->sent_offset += body.size;
        s_gauge (self);
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
bus_stream_is_silent (const bus_stream_t *self, uint64_t now_ms, uint64_t heartbeat_ms)
{
    return now_ms > self->heard_ms + BUS_SILENT_AFTER * heartbeat_ms;
}

void
bus_send_outside (bus_socket_t *socket, text_t to, uint64_t stream, const bus_record_t *record)
{
    char header[BUS_HEADER_SIZE];
    bus_batch_write_header (header, stream, BUS_OUTSIDE);
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
