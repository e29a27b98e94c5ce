//  bus_record_fuzz — what comes in on the bus: a header and records, some with fields that we do
//  not know, some without those that we do, some of kinds to be skipped. Whatever is read lies
//  within the bytes, every text ends with its NUL, and a record that is written again reads as the
//  same.

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
#define END(name)                                                                                \
    (void) self;                                                                                 \
    return sum;                                                                                  \
    }
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

//  Written it has all its fields, and nothing that we do not know.
static void
s_write_again (const bus_record_t *record)
{
    buffer_t bytes, again;
    bus_record_t read;
    buffer_init (&bytes, SIZE_MAX);
    buffer_init (&again, SIZE_MAX);
    if (bus_record_write (record, &bytes) != 0)
        abort ();
    const char *from = bytes.data;
    if (bus_record_read (&read, &from, bytes.data + bytes.size) != 1
        || from != bytes.data + bytes.size || s_touch (&read) != s_touch (record)
        || bus_record_write (&read, &again) != 0
        || !text_is (buffer_text (&bytes), buffer_text (&again)))
        abort ();
    buffer_free (&bytes);
    buffer_free (&again);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    bus_batch_t batch;
    if (bus_batch_open (&batch, (text_t){ (const char *) data, size }) != 0)
        return 0;
    bus_record_t record;
    while (bus_batch_next (&batch, &record) == 1) {
        fuzz_seen += s_touch (&record);
        s_write_again (&record);
    }
    return 0;
}
