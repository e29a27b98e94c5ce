//  bus_record_fuzz — what comes in on the bus: a header and records. Whatever is read lies within
//  the bytes, every text ends with its NUL, and a record that is written again is the same bytes.

#include "bus/bus_batch.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

//  s_touch_post …: looks at every byte that a record claims to have.
#define BEGIN(name)                                                                                \
    static uint64_t s_touch_##name (const bus_##name##_t *self)                                    \
    {                                                                                              \
        uint64_t sum = 0;
#define NUMBER(name, field) sum += self->field;
#define TEXTF(name, field)                                                                         \
    for (size_t at = 0; at < self->field.size; at++)                                               \
        sum += (unsigned char) self->field.data[at];                                               \
    if (self->field.data[self->field.size] != '\0')                                                \
        abort ();
#define IDS(name, field)                                                                           \
    for (size_t at = 0; at < self->field.count; at++)                                              \
        sum += ids_at (self->field, at);
#define END(name) return sum; }
#include "bus/bus_fields.def"
#undef BEGIN
#undef NUMBER
#undef TEXTF
#undef IDS
#undef END

static uint64_t
s_touch (const bus_record_t *record)
{
    switch (record->kind) {
#define KIND(number, NAME, name, sender, receiver, promise)                                        \
    case BUS_##NAME:                                                                               \
        return s_touch_##name (&record->name);
#include "bus/bus_kinds.def"
#undef KIND
    }
    abort ();
}

//  So that nothing is left out as useless.
extern volatile uint64_t fuzz_seen;
volatile uint64_t fuzz_seen;

static void
s_write_again (const bus_record_t *record, const char *from, size_t size)
{
    buffer_t bytes;
    buffer_init (&bytes, size);
    if (bus_record_write (record, &bytes) != 0 || bytes.size != size
        || memcmp (bytes.data, from, size) != 0)
        abort ();
    buffer_free (&bytes);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    bus_batch_t batch;
    if (bus_batch_open (&batch, (text_t){ (const char *) data, size }) != 0)
        return 0;
    bus_record_t record;
    const char *from = batch.from;
    while (bus_batch_next (&batch, &record) == 1) {
        fuzz_seen += s_touch (&record);
        s_write_again (&record, from, (size_t) (batch.from - from));
        from = batch.from;
    }
    return 0;
}
