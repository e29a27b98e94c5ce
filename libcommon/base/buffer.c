#include "base/buffer.h"

#include "base/alloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_ROOM 256

void
buffer_free (buffer_t *self)
{
    free (self->data);
    buffer_init (self, self->ceiling);
}

char *
buffer_grow (buffer_t *self, size_t size)
{
    if (size > self->ceiling - self->size)
        return NULL;
    size_t wanted = self->size + size;
    if (wanted > self->room || !self->data) {
        size_t room = self->room ? self->room : FIRST_ROOM;
        while (room < wanted)
            room = room > self->ceiling / 2 ? self->ceiling : room * 2;
        self->data = alloc_resized (self->data, room);
        self->room = room;
    }
    char *place = self->data + self->size;
    self->size = wanted;
    return place;
}

int
buffer_put (buffer_t *self, const void *data, size_t size)
{
    if (size == 0)
        return 0;
    char *place = buffer_grow (self, size);
    if (!place)
        return -1;
    memcpy (place, data, size);
    return 0;
}

int
buffer_put_number (buffer_t *self, uint64_t number)
{
    char digits[24];
    int size = snprintf (digits, sizeof digits, "%" PRIu64, number);
    return buffer_put (self, digits, (size_t) size);
}

//  The escape of one byte, or an empty string when it stands for itself.
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
        if (byte >= 0x20 && byte != 0x7f)
            return "";
        snprintf (room, 8, "\\u%04x", byte);
        return room;
    }
}

int
buffer_put_json (buffer_t *self, text_t text)
{
    size_t before = self->size;
    int rc = buffer_put (self, "\"", 1);
    size_t plain = 0; //  start of the run that stands for itself
    for (size_t at = 0; at < text.size && rc == 0; at++) {
        char room[8];
        const char *escape = s_json_escape ((unsigned char) text.data[at], room);
        if (!*escape)
            continue;
        rc = buffer_put (self, text.data + plain, at - plain);
        if (rc == 0)
            rc = buffer_put_string (self, escape);
        plain = at + 1;
    }
    if (rc == 0)
        rc = buffer_put (self, text.data + plain, text.size - plain);
    if (rc == 0)
        rc = buffer_put (self, "\"", 1);
    if (rc != 0)
        self->size = before;
    return rc;
}
