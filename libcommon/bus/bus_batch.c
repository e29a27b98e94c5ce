#include "bus/bus_batch.h"

#include "bus/bus_metrics.h"

#include <stddef.h>

int
bus_batch_open (bus_batch_t *self, text_t bytes)
{
    static const char s_zeros[7];
    if (bytes.size < BUS_HEADER_SIZE || memcmp (bytes.data + 1, s_zeros, sizeof s_zeros) != 0)
        return -1;
    self->protocol = (unsigned char) bytes.data[0];
    memcpy (&self->stream, bytes.data + 8, sizeof self->stream);
    memcpy (&self->number, bytes.data + 16, sizeof self->number);
    self->from = bytes.data + BUS_HEADER_SIZE;
    self->end = bytes.data + bytes.size;
    self->kind = self->place = 0;
    return self->stream == 0 ? -1 : 0;
}

int
bus_batch_next (bus_batch_t *self, bus_record_t *record)
{
    while (self->from != self->end) {
        self->place++;
        self->kind = 0;
        if (self->end - self->from >= (ptrdiff_t) (sizeof (uint32_t) + sizeof self->kind))
            memcpy (&self->kind, self->from + sizeof (uint32_t), sizeof self->kind);
        int rc = bus_record_read (record, &self->from, self->end);
        if (rc != 0)
            return rc;
        bus_counts[BUS_COUNT_SKIPPED]++;
    }
    return 0;
}

void
bus_batch_write_header (char header[BUS_HEADER_SIZE], uint64_t protocol, uint64_t stream,
                        uint64_t number)
{
    memset (header, 0, BUS_HEADER_SIZE);
    header[0] = (char) protocol;
    memcpy (header + 8, &stream, sizeof stream);
    memcpy (header + 16, &number, sizeof number);
}

//  The words that stand for senders in bus_kinds.def, as sets of roles.
enum {
    FROM_POSTOFFICE = 1 << NODE_POSTOFFICE,
    FROM_EDGE = 1 << NODE_EDGE,
    FROM_WORKER = 1 << NODE_WORKER,
    FROM_NODE = FROM_EDGE | FROM_WORKER,
    FROM_ANYONE = FROM_NODE | FROM_POSTOFFICE,
};

bool
bus_kind_is_from (bus_kind_t kind, node_role_t role)
{
    switch (kind) {
#define KIND(number, NAME, name, sender, receiver, promise)                                        \
    case BUS_##NAME:                                                                               \
        return (FROM_##sender >> role) & 1;
#include "bus/bus_kinds.def"
#undef KIND
    }
    return false;
}
