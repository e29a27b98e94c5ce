#include "pg/pg_values.h"

#include <arpa/inet.h>
#include <assert.h>
#include <endian.h>
#include <limits.h>
#include <string.h>

//  dimensions, has NULLs, element type, length, lower bound
#define ARRAY_HEAD 20
//  An array without elements has no dimensions.
#define ARRAY_HEAD_EMPTY 12
//  PostgreSQL counts days from 2000.
#define DAY_OF_2000 10957
//  More than libpq could send.
#define VALUE_MOST ((size_t) INT_MAX)
//  What a value keeps when it was sent; a huge one gives its memory back.
#define VALUE_KEPT (256u << 10)

static void
s_put (buffer_t *bytes, const void *data, size_t size)
{
    int rc = buffer_put (bytes, data, size);
    assert (rc == 0); //  out of memory: the queue's ceiling is far below libpq's
}

//  PostgreSQL's numbers are big-endian.
static void
s_put_number (buffer_t *bytes, uint64_t number, size_t size)
{
    uint64_t wire = htobe64 (number << (64 - 8 * size));
    s_put (bytes, &wire, size);
}

void
pg_values_free (pg_values_t *self)
{
    for (size_t at = 0; at < PG_VALUES_MOST; at++)
        buffer_free (&self->values[at].bytes);
    self->count = 0;
}

static pg_value_t *
s_next (pg_values_t *self, pg_type_t type)
{
    assert (self->count < PG_VALUES_MOST);
    pg_value_t *value = &self->values[self->count++];
    if (!value->bytes.ceiling)
        buffer_init (&value->bytes, VALUE_MOST);
    buffer_clear (&value->bytes);
    value->count = 0;
    value->is_null = false;
    value->type = type;
    return value;
}

//  Its bytes on the wire.
static size_t
s_size_of (pg_type_t type)
{
    switch (type) {
    case PG_BOOL:
        return 1;
    case PG_SMALL:
        return 2;
    case PG_DAY:
        return 4;
    case PG_NUMBER:
        return 8;
    case PG_TEXT:
        break;
    }
    assert (!"a type that is no number");
    return 0;
}

void
pg_values_number (pg_values_t *self, pg_type_t type, int64_t number)
{
    uint64_t wire = (uint64_t) (type == PG_DAY ? number - DAY_OF_2000 : number);
    s_put_number (&s_next (self, 0)->bytes, wire, s_size_of (type));
}

void
pg_values_null (pg_values_t *self)
{
    s_next (self, 0)->is_null = true;
}

void
pg_values_text (pg_values_t *self, text_t text)
{
    pg_value_t *value = s_next (self, 0);
    s_put (&value->bytes, text.data, text.size);
}

pg_value_t *
pg_values_array (pg_values_t *self, pg_type_t type)
{
    pg_value_t *value = s_next (self, type);
    const uint32_t head[] = { 1, 0, type, 0, 1 };
    for (size_t at = 0; at < sizeof head / sizeof *head; at++)
        s_put_number (&value->bytes, head[at], 4);
    return value;
}

void
pg_array_number (pg_value_t *self, int64_t number)
{
    size_t size = s_size_of (self->type);
    self->count++;
    s_put_number (&self->bytes, size, 4);
    s_put_number (&self->bytes, (uint64_t) number, size);
}

void
pg_array_text (pg_value_t *self, text_t text)
{
    assert (self->type == PG_TEXT);
    self->count++;
    s_put_number (&self->bytes, text.size, 4);
    s_put (&self->bytes, text.data, text.size);
}

void
pg_array_null (pg_value_t *self)
{
    uint32_t has_nulls = htonl (1);
    memcpy (self->bytes.data + 4, &has_nulls, sizeof has_nulls);
    self->count++;
    s_put_number (&self->bytes, UINT32_MAX, 4);
}

//  Writes the number of elements into the head; returns the value's size.
static int
s_seal (pg_value_t *value)
{
    if (value->type && value->count == 0) {
        memset (value->bytes.data, 0, 4);
        return ARRAY_HEAD_EMPTY;
    }
    if (value->type) {
        uint32_t count = htonl (value->count);
        memcpy (value->bytes.data + 12, &count, sizeof count);
    }
    return (int) value->bytes.size;
}

int
pg_values_send (pg_values_t *self, PGconn *connection, const char *statement)
{
    const char *data[PG_VALUES_MOST];
    int sizes[PG_VALUES_MOST];
    int formats[PG_VALUES_MOST];
    for (size_t at = 0; at < self->count; at++) {
        sizes[at] = s_seal (&self->values[at]);
        data[at] = self->values[at].is_null ? NULL
                   : sizes[at]              ? self->values[at].bytes.data
                                            : "";
        formats[at] = 1;
    }
    int sent =
        PQsendQueryPrepared (connection, statement, (int) self->count, data, sizes, formats, 1);
    for (size_t at = 0; at < self->count; at++)
        if (self->values[at].bytes.room > VALUE_KEPT)
            buffer_free (&self->values[at].bytes);
    self->count = 0;
    return sent;
}

bool
pg_is_null (const PGresult *result, int row, int column)
{
    return PQgetisnull (result, row, column);
}

text_t
pg_text (const PGresult *result, int row, int column)
{
    return (text_t){ PQgetvalue (result, row, column),
                     (size_t) PQgetlength (result, row, column) };
}

int64_t
pg_number (const PGresult *result, int row, int column)
{
    const unsigned char *data = (const unsigned char *) PQgetvalue (result, row, column);
    int size = PQgetlength (result, row, column);
    if (size == 0)
        return 0;
    uint64_t number = data[0] & 0x80 ? UINT64_MAX : 0;
    for (int at = 0; at < size; at++)
        number = number << 8 | data[at];
    return (int64_t) number;
}

bool
pg_flag (const PGresult *result, int row, int column)
{
    return pg_number (result, row, column) != 0;
}
