//  bus_batch — one message of the bus: a header and whole records behind it.
//
//  Reading never trusts a length and never allocates; the records point into the batch's bytes.

#ifndef BUS_BATCH_H
#define BUS_BATCH_H

#include "bus/bus_limits.h"
#include "bus/bus_record.h"

//  The number of a batch that stands outside the order: it ends or refuses a stream.
#define BUS_OUTSIDE 0

typedef struct {
    uint64_t protocol; //  of the stream; before WELCOME and outside the order the sender's lowest
    uint64_t stream;   //  chosen at random with HELLO; 0 is no stream
    uint64_t number;   //  1 is HELLO or WELCOME, then rising by one; or BUS_OUTSIDE
    const char *from;  //  the next record
    const char *end;
    uint32_t kind; //  of the last record that was looked at, and which one it was: 1, 2 ...
    uint32_t place;
} bus_batch_t;

//  Returns 0; −1 when the bytes cannot be a batch of any protocol.
__attribute__ ((warn_unused_result)) int bus_batch_open (bus_batch_t *self, text_t bytes);
//  Returns 1 when there was a record, 0 at the end, −1 when the rest is malformed. Skips and counts
//  records of unknown optional kinds.
__attribute__ ((warn_unused_result)) int bus_batch_next (bus_batch_t *self, bus_record_t *record);

void bus_batch_write_header (char header[BUS_HEADER_SIZE], uint64_t protocol, uint64_t stream,
                             uint64_t number);

//  True when a node of that role may send this kind to a postoffice (or for NODE_POSTOFFICE: to
//  anyone) in a running stream.
bool bus_kind_is_from (bus_kind_t kind, node_role_t role);

#endif
