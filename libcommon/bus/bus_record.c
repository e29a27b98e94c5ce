#include "bus/bus_record.h"

#include "bus/bus_metrics.h"

#include <assert.h>
#include <stddef.h>

_Static_assert (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the bus is written in host order");

//  What a field is and where it stands in its struct: the whole codec is a walk over these rows.
typedef enum { FIELD_END, FIELD_NUMBER, FIELD_TEXT, FIELD_IDS } field_type_t;

typedef struct {
    field_type_t type;
    size_t offset;
} field_t;

#define BEGIN(name) static const field_t s_##name##_fields[] = {
#define NUMBER(name, field) { FIELD_NUMBER, offsetof (bus_##name##_t, field) },
#define TEXTF(name, field) { FIELD_TEXT, offsetof (bus_##name##_t, field) },
#define IDS(name, field) { FIELD_IDS, offsetof (bus_##name##_t, field) },
#define END(name) { FIELD_END, 0 } };
#include "bus/bus_fields.def"
#undef BEGIN
#undef NUMBER
#undef TEXTF
#undef IDS
#undef END

//  The array of a caller of bus_record_texts holds the texts of every kind.
#define BEGIN(name) _Static_assert (0
#define NUMBER(name, field)
#define TEXTF(name, field) +1
#define IDS(name, field)
#define END(name) <= BUS_TEXTS_MAX, #name " has more texts than BUS_TEXTS_MAX");
#include "bus/bus_fields.def"
#undef BEGIN
#undef NUMBER
#undef TEXTF
#undef IDS
#undef END

typedef struct {
    const char *name;
    const field_t *fields;
} kind_row_t;

static const kind_row_t s_kinds[] = {
#define KIND(number, NAME, name, sender, receiver, promise) [number] = { #NAME, s_##name##_fields },
#include "bus/bus_kinds.def"
#undef KIND
};

static const kind_row_t *
s_kind (uint64_t kind)
{
    if (kind >= sizeof s_kinds / sizeof *s_kinds || !s_kinds[kind].name)
        return NULL;
    return &s_kinds[kind];
}

const char *
bus_kind_name (uint64_t kind)
{
    const kind_row_t *row = s_kind (kind);
    return row ? row->name : "?";
}

uint64_t
ids_at (ids_t ids, size_t index)
{
    assert (index < ids.count);
    uint64_t id;
    memcpy (&id, ids.data + index * sizeof id, sizeof id);
    return id;
}

ids_t
ids_of (const uint64_t *numbers, size_t count)
{
    return (ids_t){ (const char *) numbers, count };
}

//  All union members start at the same place.
static char *
s_body (const bus_record_t *record)
{
    return (char *) record + offsetof (bus_record_t, hello);
}

//  A text and ids are alike: a size, and so many units behind it.
static size_t
s_field_size (const field_t *field, const char *body)
{
    if (field->type == FIELD_NUMBER)
        return sizeof (uint64_t);
    size_t size = field->type == FIELD_TEXT
                      ? ((const text_t *) (body + field->offset))->size + 1
                      : ((const ids_t *) (body + field->offset))->count * sizeof (uint64_t);
    return sizeof (uint32_t) + size;
}

//  Writes a size and so many bytes, which stand for `count` units. Returns where they end.
static char *
s_put (char *to, size_t count, const void *bytes, size_t size)
{
    uint32_t wire = (uint32_t) count;
    memcpy (to, &wire, sizeof wire);
    if (size)
        memcpy (to + sizeof wire, bytes, size);
    return to + sizeof wire + size;
}

static char *
s_field_put (const field_t *field, const char *body, char *to)
{
    if (field->type == FIELD_NUMBER) {
        memcpy (to, body + field->offset, sizeof (uint64_t));
        return to + sizeof (uint64_t);
    }
    if (field->type == FIELD_TEXT) {
        const text_t *text = (const text_t *) (body + field->offset);
        to = s_put (to, text->size, text->data, text->size);
        *to = 0;
        return to + 1;
    }
    const ids_t *ids = (const ids_t *) (body + field->offset);
    return s_put (to, ids->count, ids->data, ids->count * sizeof (uint64_t));
}

int
bus_record_write (const bus_record_t *self, buffer_t *to)
{
    const kind_row_t *row = s_kind (self->kind);
    assert (row);
    const char *body = s_body (self);
    size_t size = sizeof (uint32_t);
    for (const field_t *field = row->fields; field->type != FIELD_END; field++)
        size += s_field_size (field, body);
    if (size > UINT32_MAX)
        return -1;

    char *place = buffer_grow (to, sizeof (uint32_t) + size);
    if (!place)
        return -1;
    uint32_t kind = self->kind;
    place = s_put (place, size, &kind, sizeof kind);
    for (const field_t *field = row->fields; field->type != FIELD_END; field++)
        place = s_field_put (field, body, place);
    return 0;
}

static int
s_take_size (const char **from, const char *end, uint32_t *size)
{
    if (end - *from < (ptrdiff_t) sizeof *size)
        return -1;
    memcpy (size, *from, sizeof *size);
    *from += sizeof *size;
    return 0;
}

static int
s_field_take (const field_t *field, char *body, const char **from, const char *end)
{
    if (field->type == FIELD_NUMBER) {
        if (end - *from < (ptrdiff_t) sizeof (uint64_t))
            return -1;
        memcpy (body + field->offset, *from, sizeof (uint64_t));
        *from += sizeof (uint64_t);
        return 0;
    }
    uint32_t size;
    if (s_take_size (from, end, &size) != 0)
        return -1;
    size_t left = (size_t) (end - *from);
    if (field->type == FIELD_TEXT) {
        if (size >= left || (*from)[size] != 0)
            return -1;
        *(text_t *) (body + field->offset) = (text_t){ *from, size };
        *from += size + 1;
        return 0;
    }
    if (size > left / sizeof (uint64_t))
        return -1;
    *(ids_t *) (body + field->offset) = (ids_t){ *from, size };
    *from += size * sizeof (uint64_t);
    return 0;
}

int
bus_record_read (bus_record_t *self, const char **from, const char *end)
{
    uint32_t size, kind;
    if (s_take_size (from, end, &size) != 0 || size > (size_t) (end - *from))
        return -1;
    const char *stop = *from + size;
    if (s_take_size (from, stop, &kind) != 0)
        return -1;
    const kind_row_t *row = s_kind (kind);
    if (!row && kind < BUS_KIND_OPTIONAL)
        return -1;
    if (row) {
        self->kind = (bus_kind_t) kind;
        char *body = s_body (self);
        const field_t *field = row->fields;
        for (; field->type != FIELD_END && *from != stop; field++)
            if (s_field_take (field, body, from, stop) != 0)
                return -1;
        //  Those that the writer did not have.
        for (; field->type != FIELD_END; field++)
            if (field->type == FIELD_NUMBER)
                memset (body + field->offset, 0, sizeof (uint64_t));
            else if (field->type == FIELD_TEXT)
                *(text_t *) (body + field->offset) = TEXT_EMPTY;
            else
                *(ids_t *) (body + field->offset) = (ids_t){ .count = 0 };
    }
    bus_counts[BUS_COUNT_SKIPPED_BYTES] += stop - *from;
    *from = stop;
    return row ? 1 : 0;
}

size_t
bus_record_texts (bus_record_t *self, text_t *texts[BUS_TEXTS_MAX])
{
    const kind_row_t *row = s_kind (self->kind);
    assert (row);
    size_t count = 0;
    for (const field_t *field = row->fields; field->type != FIELD_END; field++)
        if (field->type == FIELD_TEXT) {
            assert (count < BUS_TEXTS_MAX);
            texts[count++] = (text_t *) (void *) (s_body (self) + field->offset);
        }
    return count;
}
