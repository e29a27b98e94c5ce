#include "json/json_write.h"

#include <stdio.h>
#include <time.h>

int
json_write_end (json_writer_t *self)
{
    if (!self->full)
        return 0;
    self->buffer->size = self->began;
    return -1;
}

//  The comma behind the value before, and the name. No value ends with an opening bracket.
static void
s_put_name (json_writer_t *self, const char *name)
{
    const buffer_t *buffer = self->buffer;
    bool is_first = buffer->size == self->began || buffer->data[buffer->size - 1] == '{'
                    || buffer->data[buffer->size - 1] == '[';
    size_t size = name ? strlen (name) : 0;
    char *place = self->full ? NULL : buffer_grow (self->buffer, !is_first + (name ? size + 3 : 0));
    self->full = !place;
    if (place && !is_first)
        *place++ = ',';
    if (place && name) {
        *place++ = '"';
        memcpy (place, name, size);
        memcpy (place + size, "\":", 2);
    }
}

void
json_put_text (json_writer_t *self, const char *name, text_t value)
{
    s_put_name (self, name);
    if (!self->full)
        self->full = buffer_put_json (self->buffer, value) != 0;
}

void
json_put_number (json_writer_t *self, const char *name, uint64_t value)
{
    s_put_name (self, name);
    if (!self->full)
        self->full = buffer_put_number (self->buffer, value) != 0;
}

void
json_put_time (json_writer_t *self, const char *name, uint64_t time_ms)
{
    time_t seconds = (time_t) (time_ms / 1000);
    struct tm parts = { 0 };
    char second[32], whole[48];
    gmtime_r (&seconds, &parts);
    strftime (second, sizeof second, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf (whole, sizeof whole, "%s.%03uZ", second, (unsigned) (time_ms % 1000));
    json_put_string (self, name, whole);
}

void
json_put_json (json_writer_t *self, const char *name, text_t value)
{
    if (value.size == 0)
        return;
    s_put_name (self, name);
    if (!self->full)
        self->full = buffer_put_text (self->buffer, value) != 0;
}
