//  bus_stream — one end of a stream: numbers what goes out and checks what comes in.
//
//  Records gather in a send queue and leave as batches of about BUS_BATCH_SIZE. What ZeroMQ does
//  not take stays in the queue, at most `queue_limit` bytes, and leaves with a later flush. Every
//  batch that comes in must be the next one; when it is not, the stream is over for both ends.

#ifndef BUS_STREAM_H
#define BUS_STREAM_H

#include "bus/bus_batch.h"
#include "bus/bus_metrics.h"
#include "bus/bus_socket.h"
#include "base/log.h"

//  As much as this is worth a message of its own before the turn ends.
#define BUS_BATCH_SIZE (64 * 1024)
//  Nothing heard for this many heartbeats: the peer is lost.
#define BUS_HEARTBEATS_MISSED 3

//  The heartbeat of a stream: the larger of the two settings, so that nobody is asked for more than
//  it was told to do, and nobody is given up too soon. A peer that asks for none, or for more than
//  BUS_HEARTBEAT_MOST_MS, gets ours.
#define BUS_HEARTBEAT_MOST_MS 60000
uint64_t bus_heartbeat_of (uint64_t ours_ms, uint64_t theirs_ms);

typedef struct bus_stream bus_stream_t;

//  `peer` is the role of the other end. Until bus_stream_agree is called the stream speaks
//  BUS_PROTOCOL_LOWEST, and `heartbeat_ms` is our own setting.
bus_stream_t *bus_stream_new (node_role_t peer, uint64_t id, size_t queue_limit,
                              uint64_t heartbeat_ms, uint64_t now_ms);
void bus_stream_destroy (bus_stream_t **self_p);
//  What HELLO and WELCOME agreed on. A setting of the other side that is not ours is logged.
void bus_stream_agree (bus_stream_t *self, const char *peer_node, uint64_t protocol,
                       uint64_t heartbeat_ms, uint64_t theirs_ms);

uint64_t bus_stream_id (const bus_stream_t *self);
//  What stands in the header of each batch behind HELLO and WELCOME.
uint64_t bus_stream_protocol (const bus_stream_t *self);

//  Queues a copy. Returns 0; −1 when the queue is full or the record larger than BUS_RECORD_MAX.
__attribute__ ((warn_unused_result)) int bus_stream_put (bus_stream_t *self,
                                                         const bus_record_t *record);
//  Queues a HEARTBEAT when one is due. Returns 0; −1 when the queue is full.
__attribute__ ((warn_unused_result)) int bus_stream_put_heartbeat (bus_stream_t *self,
                                                                   uint64_t now_ms);
//  Bytes in the send queue.
size_t bus_stream_queued (const bus_stream_t *self);
//  Sends what is queued: BUS_SENT when nothing is left.
bus_sent_t bus_stream_flush (bus_stream_t *self, bus_socket_t *socket, text_t to);
//  So many bytes of the queue have left. The flush calls it for each batch.
void bus_stream_note_sent (bus_stream_t *self, size_t bytes);

//  Returns true and notes the batch when it is the next one of this stream.
bool bus_stream_take (bus_stream_t *self, const bus_batch_t *batch, uint64_t now_ms);
bool bus_stream_is_silent (const bus_stream_t *self, uint64_t now_ms);

//  What was said of whom, so that one line stands for many: a static one for each event.
typedef struct {
    log_limit_t limit; //  of all together
    struct {
        uint64_t about, until_ms;
    } rows[64];
} bus_said_t;

//  May a line be written about it, the first one in LOG_LIMIT_MS? The caller writes it then.
bool bus_may_say (bus_said_t *self, const char *about);

//  Logs, once in LOG_LIMIT_MS for each peer, what was wrong with a batch or with its last record.
void bus_stream_complain (const bus_stream_t *self, const char *peer_node,
                          const bus_batch_t *batch, const char *why);
//  GOODBYE behind what waits, or outside the order when that does not go out.
void bus_stream_say_goodbye (bus_stream_t *self, bus_socket_t *socket, text_t to,
                             stream_end_t end);

//  Sends one record outside the order, at once or never: GOODBYE or REJECT.
void bus_send_outside (bus_socket_t *socket, text_t to, uint64_t stream,
                       const bus_record_t *record);
void bus_send_goodbye (bus_socket_t *socket, text_t to, uint64_t stream, stream_end_t end);

#endif
