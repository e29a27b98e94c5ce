//  bus_stream — one end of a stream: numbers what goes out and checks what comes in.
//
//  Records gather here and leave as batches of about BUS_BATCH_SIZE. What ZeroMQ does not take
//  stays here, at most `queue_limit` bytes, and leaves with a later flush. Every batch that comes
//  in must be the next one; when it is not, the stream is over for both ends.

#ifndef BUS_STREAM_H
#define BUS_STREAM_H

#include "bus/bus_batch.h"
#include "bus/bus_metrics.h"
#include "bus/bus_socket.h"

//  As much as this is worth a message of its own before the turn ends.
#define BUS_BATCH_SIZE (64 * 1024)
//  Nothing heard for this many heartbeats: gone.
#define BUS_SILENT_AFTER 3

typedef struct {
    uint64_t id;       //  0: none
    node_role_t peer;
    uint64_t sent;     //  number of the last batch out
    uint64_t received; //  number of the last batch in
    uint64_t heard_ms; //  when that was, on the loop's clock
    size_t limit;      //  of what waits
    buffer_t queue;    //  records
    size_t sent_offset; //  bytes of `waiting` that are sent already
    size_t gauged;     //  what the gauge knows of
} bus_stream_t;

//  `peer` is what the other end is.
void bus_stream_init (bus_stream_t *self, node_role_t peer, uint64_t id, size_t queue_limit,
                      uint64_t now_ms);
//  Safe on a zeroed struct and safe to call twice.
void bus_stream_free (bus_stream_t *self);

//  Queues a copy. Returns 0; −1 when the queue is full or the record larger than BUS_RECORD_MAX.
__attribute__ ((warn_unused_result)) int bus_stream_put (bus_stream_t *self,
                                                         const bus_record_t *record);
size_t bus_stream_queued (const bus_stream_t *self);
//  Sends what waits: BUS_SENT when nothing does any more.
bus_sent_t bus_stream_flush (bus_stream_t *self, bus_socket_t *socket, text_t to);

//  Returns true and notes the batch when it is the next one of this stream.
bool bus_stream_take (bus_stream_t *self, const bus_batch_t *batch, uint64_t now_ms);
bool bus_stream_is_silent (const bus_stream_t *self, uint64_t now_ms, uint64_t heartbeat_ms);

//  Sends one record outside the order, at once or never: GOODBYE or REJECT.
void bus_send_outside (bus_socket_t *socket, text_t to, uint64_t stream,
                       const bus_record_t *record);
void bus_send_goodbye (bus_socket_t *socket, text_t to, uint64_t stream, stream_end_t end);

#endif
