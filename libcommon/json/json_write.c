#include "json/json_write.h"

void
json_write_begin (json_writer_t *self, buffer_t *buffer)
{
    *self = (json_writer_t){ .buffer = buffer, .began = buffer->size };
}

int
json_write_end (json_writer_t *self)
{
    if (!self->full)
        return 0;
    self->buffer->size = self->began;
    return -1;
}

static void
s_put (json_writer_t *self, const char *string)
{
    if (!self->full)
        self->full = buffer_put_string (self->buffer, string) != 0;
}

//  The comma behind the value before, and the name. No value ends with an opening bracket.
static void
s_put_name (json_writer_t *self, const char *name)
{
    const buffer_t *buffer = self->buffer;
    bool is_first = buffer->size == self->began || buffer->data[buffer->size - 1] == '{'
                    || buffer->data[buffer->size - 1] == '[';
    if (!is_first)
        s_put (self, ",");
    if (!name)
        return;
    s_put (self, "\"");
    s_put (self, name);
    s_put (self, "\":");
}

void
json_open_object (json_writer_t *self, const char *name)
{
    s_put_name (self, name);
    s_put (self, "{");
}

void
json_close_object (json_writer_t *self)
{
    s_put (self, "}");
}

void
json_open_array (json_writer_t *self, const char *name)
{
    s_put_name (self, name);
    s_put (self, "[");
}

void
json_close_array (json_writer_t *self)
{
    s_put (self, "]");
}

void
json_put_text (json_writer_t *self, const char *name, text_t value)
{
    s_put_name (self, name);
    if (!self->full)
        self->full = buffer_put_json (self->buffer, value) != 0;
}

void
json_put_text_if (json_writer_t *self, const char *name, text_t value)
{
    if (value.size > 0)
        json_put_text (self, name, value);
}

void
json_put_string (json_writer_t *self, const char *name, const char *value)
{
    json_put_text (self, name, text_of (value));
}

void
json_put_number (json_writer_t *self, const char *name, uint64_t value)
{
    s_put_name (self, name);
    if (!self->full)
        self->full = buffer_put_number (self->buffer, value) != 0;
}

void
json_put_bool (json_writer_t *self, const char *name, bool value)
{
    s_put_name (self, name);
    s_put (self, value ? "true" : "false");
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
