//  bus_record — every kind comes back as it was written, and bytes that are no record are refused
//  without a step outside them.

#include "bus/bus_batch.h"
#include "bus/bus_metrics.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define CEILING (1024 * 1024)

static const uint64_t s_numbers[] = { 0, 1, 255, UINT32_MAX, UINT64_MAX - 1, UINT64_MAX };
static const uint64_t s_ids[] = { 7, UINT64_MAX, 0, 42 };

//  A value for the nth field, different for each.
static uint64_t
s_number (unsigned nth)
{
    return s_numbers[nth % (sizeof s_numbers / sizeof *s_numbers)] - nth / 6;
}

static text_t
s_text (unsigned nth)
{
    static const text_t s_texts[] = { { "", 0 }, { "a", 1 }, { "{\"text\":\"\\u00e4\"}", 17 },
                                      { "nul \0 within", 12 }, { "\xff\xfe no UTF-8", 11 } };
    return s_texts[nth % (sizeof s_texts / sizeof *s_texts)];
}

static ids_t
s_some_ids (unsigned nth)
{
    return ids_of (s_ids, nth % 5);
}

//  s_fill_post, s_same_post …: for each kind a function that sets, one that compares all fields.
#define BEGIN(name) static void s_fill_##name (bus_##name##_t *self, unsigned nth) {
#define NUMBER(name, field) self->field = s_number (nth++);
#define TEXTF(name, field) self->field = s_text (nth++);
#define IDS(name, field) self->field = s_some_ids (nth++);
#define END(name)                                                                                \
    (void) self, (void) nth;                                                                     \
    }
#include "bus/bus_fields.def"
#undef BEGIN
#undef NUMBER
#undef TEXTF
#undef IDS
#undef END

static bool
s_same_ids (ids_t left, ids_t right)
{
    bool same = left.count == right.count;
    for (size_t at = 0; same && at < left.count; at++)
        same = ids_at (left, at) == ids_at (right, at);
    return same;
}

#define BEGIN(name)                                                                                \
    static bool s_same_##name (const bus_##name##_t *left, const bus_##name##_t *right)            \
    {                                                                                              \
        bool same = true;
#define NUMBER(name, field) same = same && left->field == right->field;
#define TEXTF(name, field)                                                                         \
    same = same && text_is (left->field, right->field)                                             \
           && right->field.data[right->field.size] == '\0';
#define IDS(name, field) same = same && s_same_ids (left->field, right->field);
#define END(name)                                                                                \
    (void) left, (void) right;                                                                   \
    return same;                                                                                 \
    }
#include "bus/bus_fields.def"
#undef BEGIN
#undef NUMBER
#undef TEXTF
#undef IDS
#undef END

static void
s_fill (bus_record_t *record, bus_kind_t kind, unsigned nth)
{
    memset (record, 0, sizeof *record);
    record->kind = kind;
    switch (kind) {
#define KIND(number, NAME, name, sender, receiver, promise)                                        \
    case BUS_##NAME:                                                                               \
        s_fill_##name (&record->name, nth);                                                        \
        return;
#include "bus/bus_kinds.def"
#undef KIND
    }
}

static bool
s_same (const bus_record_t *left, const bus_record_t *right)
{
    switch (left->kind) {
#define KIND(number, NAME, name, sender, receiver, promise)                                        \
    case BUS_##NAME:                                                                               \
        return right->kind == BUS_##NAME && s_same_##name (&left->name, &right->name);
#include "bus/bus_kinds.def"
#undef KIND
    }
    return false;
}

static const bus_kind_t s_kinds[] = {
#define KIND(number, NAME, name, sender, receiver, promise) BUS_##NAME,
#include "bus/bus_kinds.def"
#undef KIND
};
#define KINDS (sizeof s_kinds / sizeof *s_kinds)

Test (bus_record, every_kind_comes_back)
{
    buffer_t bytes;
    buffer_init (&bytes, CEILING);
    for (unsigned nth = 0; nth < 30; nth++) {
        buffer_clear (&bytes);
        for (size_t at = 0; at < KINDS; at++) {
            bus_record_t record;
            s_fill (&record, s_kinds[at], nth);
            cr_assert_eq (bus_record_write (&record, &bytes), 0);
        }
        const char *from = bytes.data;
        for (size_t at = 0; at < KINDS; at++) {
            bus_record_t written, read;
            s_fill (&written, s_kinds[at], nth);
            cr_assert_eq (bus_record_read (&read, &from, bytes.data + bytes.size), 1);
            cr_assert (s_same (&written, &read), "%s", bus_kind_name (s_kinds[at]));
        }
        cr_assert_eq (from, bytes.data + bytes.size);
    }
    buffer_free (&bytes);
}

//  The bytes stand in memory of their own, so that a sanitizer sees any step outside.
static int
s_read_copy (const char *bytes, size_t size)
{
    char *copy = malloc (size ? size : 1);
    if (size)
        memcpy (copy, bytes, size);
    const char *from = copy;
    bus_record_t record;
    int rc = bus_record_read (&record, &from, copy + size);
    free (copy);
    return rc;
}

Test (bus_record, a_cut_record_is_refused)
{
    buffer_t bytes;
    buffer_init (&bytes, CEILING);
    for (size_t at = 0; at < KINDS; at++) {
        bus_record_t record;
        s_fill (&record, s_kinds[at], 2);
        buffer_clear (&bytes);
        cr_assert_eq (bus_record_write (&record, &bytes), 0);
        cr_assert_eq (s_read_copy (bytes.data, bytes.size), 1);
        for (size_t size = 0; size < bytes.size; size++)
            cr_assert_eq (s_read_copy (bytes.data, size), -1, "%s cut to %zu",
                          bus_kind_name (s_kinds[at]), size);
    }
    buffer_free (&bytes);
}

Test (bus_record, a_changed_byte_never_leads_outside)
{
    buffer_t bytes;
    buffer_init (&bytes, CEILING);
    for (size_t at = 0; at < KINDS; at++) {
        bus_record_t record;
        s_fill (&record, s_kinds[at], 3);
        buffer_clear (&bytes);
        cr_assert_eq (bus_record_write (&record, &bytes), 0);
        for (size_t place = 0; place < bytes.size; place++)
            for (unsigned bit = 0; bit < 8; bit++) {
                bytes.data[place] ^= (char) (1 << bit);
                (void) s_read_copy (bytes.data, bytes.size);
                bytes.data[place] ^= (char) (1 << bit);
            }
    }
    buffer_free (&bytes);
}

Test (bus_record, hostile_bytes_are_refused)
{
    static const struct {
        const char *what;
        text_t bytes;
    } s_rows[] = {
        { "nothing", TEXT ("") },
        { "half a size", TEXT ("\x04\0") },
        { "a size of zero", TEXT ("\0\0\0\0") },
        { "a size without a body", TEXT ("\x08\0\0\0") },
        { "the largest size", TEXT ("\xff\xff\xff\xff\x03\0\0\0\0\0\0\0\0\0\0\0") },
        { "kind 0", TEXT ("\x04\0\0\0\0\0\0\0") },
        { "a kind that is none", TEXT ("\x04\0\0\0\x63\0\0\0") },
        { "a kind in a gap of the table", TEXT ("\x04\0\0\0\x06\0\0\0") },
        { "the last kind that may not be skipped", TEXT ("\x04\0\0\0\x7f\0\0\0") },
        { "HELLO, half a number", TEXT ("\x08\0\0\0\x01\0\0\0"
                                        "1234") },
        { "GOODBYE, text longer than the record", TEXT ("\x0a\0\0\0\x04\0\0\0\x02\0\0\0"
                                                        "ab"
                                                        "\0") },
        { "GOODBYE, text of the largest size", TEXT ("\x0b\0\0\0\x04\0\0\0\xff\xff\xff\xff"
                                                     "ab") },
        { "GOODBYE, text without its NUL", TEXT ("\x0b\0\0\0\x04\0\0\0\x02\0\0\0"
                                                 "abc") },
        { "DELIVER, more ids than bytes", TEXT ("\x10\0\0\0\x14\0\0\0\x02\0\0\0"
                                                "12345678") },
        { "DELIVER, ids beyond any size", TEXT ("\x10\0\0\0\x14\0\0\0\xff\xff\xff\x1f"
                                                "12345678") },
    };
    for (size_t at = 0; at < sizeof s_rows / sizeof *s_rows; at++)
        cr_assert_eq (s_read_copy (s_rows[at].bytes.data, s_rows[at].bytes.size), -1, "%s",
                      s_rows[at].what);
}

static void
s_set_size (buffer_t *bytes, uint32_t size)
{
    memcpy (bytes->data, &size, sizeof size);
}

//  What a later version says more is skipped, whatever it is.
Test (bus_record, bytes_behind_the_last_field_are_skipped)
{
    buffer_t bytes;
    buffer_init (&bytes, CEILING);
    for (size_t at = 0; at < KINDS; at++) {
        bus_record_t written, read;
        s_fill (&written, s_kinds[at], 1);
        for (uint32_t more = 1; more < 20; more++) {
            buffer_clear (&bytes);
            cr_assert_eq (bus_record_write (&written, &bytes), 0);
            memset (buffer_grow (&bytes, more), 0xff, more);
            s_set_size (&bytes, (uint32_t) bytes.size - 4);
            const char *from = bytes.data;
            int64_t skipped = bus_counts[BUS_COUNT_SKIPPED_BYTES];
            cr_assert_eq (bus_record_read (&read, &from, bytes.data + bytes.size), 1);
            cr_assert_eq (bus_counts[BUS_COUNT_SKIPPED_BYTES], skipped + more);
            cr_assert_eq (from, bytes.data + bytes.size);
            cr_assert (s_same (&written, &read), "%s", bus_kind_name (s_kinds[at]));
        }
    }
    buffer_free (&bytes);
}

//  A record of an earlier version ends between two fields: those that it has are read, the others
//  are zero and empty. One that ends within a field is malformed.
Test (bus_record, fields_that_are_missing_at_the_end_are_empty)
{
    buffer_t bytes, again;
    buffer_init (&bytes, CEILING);
    buffer_init (&again, CEILING);
    for (size_t at = 0; at < KINDS; at++) {
        bus_record_t written, read;
        s_fill (&written, s_kinds[at], 3);
        buffer_clear (&bytes);
        cr_assert_eq (bus_record_write (&written, &bytes), 0);
        size_t whole = bytes.size;
        unsigned good = 0;
        for (size_t size = 8; size < whole; size++) {
            char copy[1024];
            cr_assert_leq (size, sizeof copy);
            memcpy (copy, bytes.data, size);
            uint32_t stated = (uint32_t) size - 4;
            memcpy (copy, &stated, sizeof stated);
            const char *from = copy;
            if (bus_record_read (&read, &from, copy + size) != 1)
                continue;
            good++;
            //  Written again it is whole: what was there, and zeros.
            buffer_clear (&again);
            cr_assert_eq (bus_record_write (&read, &again), 0);
            cr_assert_eq (memcmp (again.data + 8, copy + 8, size - 8), 0);
            for (size_t rest = size; rest < again.size; rest++)
                cr_assert_eq (again.data[rest], 0);
        }
        text_t *texts[BUS_TEXTS_MAX];
        cr_assert (s_kinds[at] == BUS_HEARTBEAT || good > 0);
        cr_assert_geq (good + 1, bus_record_texts (&written, texts));
    }
    buffer_free (&bytes);
    buffer_free (&again);
}

Test (bus_batch, unknown_kinds_above_the_mark_are_skipped_and_counted)
{
    char header[BUS_HEADER_SIZE];
    buffer_t bytes;
    buffer_init (&bytes, CEILING);
    bus_batch_write_header (header, BUS_PROTOCOL_LOWEST, 77, 5);
    memcpy (buffer_grow (&bytes, sizeof header), header, sizeof header);
    static const uint32_t s_unknown[] = { BUS_KIND_OPTIONAL + 71, 200, UINT32_MAX };
    for (size_t at = 0; at < 3; at++) {
        uint32_t size = 7;
        memcpy (buffer_grow (&bytes, sizeof size), &size, sizeof size);
        memcpy (buffer_grow (&bytes, sizeof size), &s_unknown[at], sizeof size);
        memcpy (buffer_grow (&bytes, 3), "any", 3);
        cr_assert_eq (bus_record_write (&(bus_record_t){ .kind = BUS_HEARTBEAT }, &bytes), 0);
    }
    bus_batch_t batch;
    bus_record_t record;
    int64_t before = bus_counts[BUS_COUNT_SKIPPED];
    cr_assert_eq (bus_batch_open (&batch, buffer_text (&bytes)), 0);
    for (int count = 0; count < 3; count++) {
        cr_assert_eq (bus_batch_next (&batch, &record), 1);
        cr_assert_eq (record.kind, BUS_HEARTBEAT);
    }
    cr_assert_eq (bus_batch_next (&batch, &record), 0);
    cr_assert_eq (bus_counts[BUS_COUNT_SKIPPED], before + 3);
    buffer_free (&bytes);
}

Test (bus_record, a_full_buffer_stays_as_it_was)
{
    buffer_t bytes;
    buffer_init (&bytes, 64);
    bus_record_t record = { .kind = BUS_GOODBYE };
    record.goodbye.reason = TEXT ("gap");
    cr_assert_eq (bus_record_write (&record, &bytes), 0);
    size_t before = bytes.size;
    record.goodbye.reason = TEXT ("a reason that is longer than what is left of the room");
    cr_assert_neq (bus_record_write (&record, &bytes), 0);
    cr_assert_eq (bytes.size, before);
    buffer_free (&bytes);
}

Test (bus_record, an_unset_text_is_empty)
{
    buffer_t bytes;
    buffer_init (&bytes, 64);
    bus_record_t record = { .kind = BUS_GOODBYE };
    cr_assert_eq (bus_record_write (&record, &bytes), 0);
    const char *from = bytes.data;
    cr_assert_eq (bus_record_read (&record, &from, bytes.data + bytes.size), 1);
    cr_assert (text_is (record.goodbye.reason, TEXT_EMPTY));
    buffer_free (&bytes);
}

Test (bus_batch, a_header_is_read_and_checked)
{
    char header[BUS_HEADER_SIZE];
    bus_batch_write_header (header, 9, 77, 5);
    bus_batch_t batch;
    bus_record_t record;
    cr_assert_eq (bus_batch_open (&batch, (text_t){ header, sizeof header }), 0);
    cr_assert (batch.protocol == 9 && batch.stream == 77 && batch.number == 5);
    cr_assert_eq (bus_batch_next (&batch, &record), 0);
    cr_assert_neq (bus_batch_open (&batch, (text_t){ header, sizeof header - 1 }), 0);
    header[3] = 1;
    cr_assert_neq (bus_batch_open (&batch, (text_t){ header, sizeof header }), 0);
    bus_batch_write_header (header, 9, 0, 1);
    cr_assert_neq (bus_batch_open (&batch, (text_t){ header, sizeof header }), 0);
}

Test (bus_batch, who_may_say_what)
{
    cr_assert (bus_kind_is_from (BUS_POST, NODE_EDGE));
    cr_assert_not (bus_kind_is_from (BUS_POST, NODE_WORKER));
    cr_assert_not (bus_kind_is_from (BUS_POST, NODE_POSTOFFICE));
    cr_assert (bus_kind_is_from (BUS_DONE, NODE_WORKER));
    cr_assert_not (bus_kind_is_from (BUS_DONE, NODE_EDGE));
    cr_assert (bus_kind_is_from (BUS_WORK, NODE_POSTOFFICE));
    cr_assert (bus_kind_is_from (BUS_HELLO, NODE_EDGE));
    cr_assert (bus_kind_is_from (BUS_HELLO, NODE_WORKER));
    cr_assert_not (bus_kind_is_from ((bus_kind_t) 99, NODE_EDGE));
}
