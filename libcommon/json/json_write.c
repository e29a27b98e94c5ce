#include "json/json_write.h"

#include "base/utf8.h"

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

//  The longest escape of a byte.
#define ESCAPED 6

bool
json_put_cut (json_writer_t *self, const char *name, text_t value, size_t most)
{
    size_t at = 0, left = most;
    while (at < value.size && left > 0) {
        size_t plain = json_plain_run (value, at);
        plain = plain < left ? plain : left;
        at += plain;
        left -= plain;
        if (at == value.size || left < ESCAPED)
            break;
        at++; //  one that is escaped, or the next plain one
        left -= ESCAPED;
    }
    text_t cut = utf8_cut (value, at);
    json_put_text (self, name, cut);
    return cut.size < value.size;
}

void
json_put_number (json_writer_t *self, const char *name, uint64_t value)
{
    s_put_name (self, name);
    if (!self->full)
        self->full = buffer_put_number (self->buffer, value) != 0;
}

void
json_time (uint64_t time_ms, char text[JSON_TIME_MAX])
{
    time_t seconds = (time_t) (time_ms / 1000);
    struct tm parts = { 0 };
    char second[32];
    gmtime_r (&seconds, &parts);
    strftime (second, sizeof second, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf (text, JSON_TIME_MAX, "%s.%03uZ", second, (unsigned) (time_ms % 1000));
}

void
json_put_time (json_writer_t *self, const char *name, uint64_t time_ms)
{
    char text[JSON_TIME_MAX];
    json_time (time_ms, text);
    json_put_string (self, name, text);
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
