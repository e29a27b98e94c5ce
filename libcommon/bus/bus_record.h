//  bus_record — one thing said on the bus: a kind and its fields, read from and written to bytes.
//
//  Shape on the wire (docs/bus.md has the grammar):
//      record  = size kind *field          size: of what follows it
//      number  = 8 bytes, text = size bytes NUL, ids = count *number; little-endian, sizes 4 bytes
//
//  Records can grow: fields that are missing at the end read as zero or empty, bytes behind the
//  last field that is known are skipped, and so are whole records of unknown kinds from
//  BUS_KIND_OPTIONAL on. So processes with and without a new field or kind understand each other.
//
//  A record borrows its texts and ids: one that was read points into the bytes it was read from,
//  and one that is written is copied. Reading never trusts a length and never allocates.

#ifndef BUS_RECORD_H
#define BUS_RECORD_H

#include "base/buffer.h"
#include "model/model.h"

//  The range of protocols that this program speaks. The highest is raised for a change that a peer
//  without it would misread; the lowest when an old way of speaking is given up.
#define BUS_PROTOCOL_LOWEST 3
#define BUS_PROTOCOL_HIGHEST 3
//  From this protocol on HELLO and REJECT of any later one can be read.
#define BUS_PROTOCOL_EXTENSIBLE 3
//  Bits that HELLO and WELCOME agree on.
#define BUS_FEATURE_FEED 1u //  WATCH is answered
#define BUS_FEATURE_WORKERS_ASK 2u //  REQUEST of a worker is answered
#define BUS_FEATURE_NOTICE 4u      //  a worker is told NOTICE
#define BUS_FEATURE_LOAD 8u        //  LOAD is heard, and LOADS is told
#define BUS_FEATURES                                                                             \
    (BUS_FEATURE_FEED | BUS_FEATURE_WORKERS_ASK | BUS_FEATURE_NOTICE | BUS_FEATURE_LOAD)
//  Unknown kinds from this number on are skipped.
#define BUS_KIND_OPTIONAL 128

typedef enum {
#define KIND(number, NAME, name, sender, receiver, promise) BUS_##NAME = number,
#include "bus/bus_kinds.def"
#undef KIND
} bus_kind_t;

//  A borrowed list of numbers, in wire form: read one with ids_at.
typedef struct {
    const char *data;
    size_t count;
} ids_t;

uint64_t ids_at (ids_t ids, size_t index);
//  Borrows an array of numbers (the wire form is little-endian, as is every machine this runs on).
ids_t ids_of (const uint64_t *numbers, size_t count);

#define BEGIN(name) typedef struct {
#define NUMBER(name, field) uint64_t field;
#define TEXTF(name, field) text_t field;
#define IDS(name, field) ids_t field;
#define END(name) } bus_##name##_t;
#include "bus/bus_fields.def"
#undef BEGIN
#undef NUMBER
#undef TEXTF
#undef IDS
#undef END

typedef struct {
    bus_kind_t kind;
    union {
#define KIND(number, NAME, name, sender, receiver, promise) bus_##name##_t name;
#include "bus/bus_kinds.def"
#undef KIND
    };
} bus_record_t;

//  Appends the record. Returns 0, or −1 when the buffer is at its ceiling (nothing is appended).
//  Texts with NULL data count as empty.
__attribute__ ((warn_unused_result)) int bus_record_write (const bus_record_t *self, buffer_t *to);

//  Reads the record at *from and moves *from behind it. Returns 1; 0 when it was of an unknown kind
//  that may be skipped; −1 when the bytes are no record (*from is then undefined).
__attribute__ ((warn_unused_result)) int bus_record_read (bus_record_t *self, const char **from,
                                                          const char *end);

//  The texts of a record, in the order of its fields: for who copies records. Returns how many.
#define BUS_TEXTS_MAX 10
size_t bus_record_texts (bus_record_t *self, text_t *texts[BUS_TEXTS_MAX]);

//  "POST"; "?" for a number that is no kind.
const char *bus_kind_name (uint64_t kind);

#endif
