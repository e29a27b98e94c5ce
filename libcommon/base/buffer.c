#include "base/buffer.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>

_Static_assert (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "s_plain_of_eight counts from below");

#define FIRST_ROOM 256

void
buffer_free (buffer_t *self)
{
    free (self->data);
    buffer_init (self, self->ceiling);
}

char *
buffer_grow_room (buffer_t *self, size_t size)
{
    if (size > self->ceiling - self->size)
        return NULL;
    size_t wanted = self->size + size;
    if (wanted > self->room || !self->data) {
        size_t room = self->room ? self->room : FIRST_ROOM;
        while (room < wanted)
            room = room > self->ceiling / 2 ? self->ceiling : room * 2;
        self->room = room < self->ceiling ? room : self->ceiling;
        //  Also a buffer with a ceiling of 0 has a place for no bytes.
        self->data = alloc_resized (self->data, self->room ? self->room : 1);
    }
    char *place = self->data + self->size;
    self->size = wanted;
    return place;
}

int
buffer_put_number (buffer_t *self, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char) ('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return buffer_put (self, digits + at, sizeof digits - at);
}

static bool
s_is_plain (unsigned char byte)
{
    return byte >= 0x20 && byte != 0x7f && byte != '"' && byte != '\\';
}

//  How many of the eight bytes stand before the first one that needs an escape.
static size_t
s_plain_of_eight (uint64_t eight)
{
    const uint64_t ones = UINT64_C (0x0101010101010101), highs = 0x80 * ones;
    uint64_t quote = eight ^ ('"' * ones), backslash = eight ^ ('\\' * ones);
    uint64_t del = eight ^ (0x7f * ones);
    //  The highest bit of the first byte that was 0 (the first three), or below 0x20. Behind it a
    //  carry may have set others.
    uint64_t found = ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash)
                     | ((del - ones) & ~del) | ((eight - 0x20 * ones) & ~eight);
    return found & highs ? (size_t) __builtin_ctzll (found & highs) / 8 : sizeof eight;
}

size_t
json_plain_run (text_t text, size_t from)
{
    size_t at = from < text.size ? from : text.size;
    from = at;
    for (uint64_t eight; text.size - at >= sizeof eight;) {
        memcpy (&eight, text.data + at, sizeof eight);
        size_t plain = s_plain_of_eight (eight);
        at += plain;
        if (plain < sizeof eight)
            return at - from;
    }
    while (at < text.size && s_is_plain ((unsigned char) text.data[at]))
        at++;
    return at - from;
}

//  The escape of a byte that does not stand for itself.
static const char *
s_json_escape (unsigned char byte, char room[8])
{
    switch (byte) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        snprintf (room, 8, "\\u%04x", byte);
        return room;
    }
}

int
buffer_put_json (buffer_t *self, text_t text)
{
    size_t before = self->size;
    int rc = buffer_put (self, "\"", 1);
    for (size_t at = 0; at < text.size && rc == 0;) {
        char room[8];
        size_t plain = json_plain_run (text, at);
        rc = buffer_put (self, text.data + at, plain);
        at += plain;
        if (rc == 0 && at < text.size)
            rc = buffer_put_string (self, s_json_escape ((unsigned char) text.data[at++], room));
    }
    if (rc == 0)
        rc = buffer_put (self, "\"", 1);
    if (rc != 0)
        self->size = before;
    return rc;
}
