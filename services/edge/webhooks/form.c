#include "webhooks/form.h"

#include "base/alloc.h"
#include "base/percent.h"

#include <stdlib.h>

//  Decoded to `*to`, which is moved behind it. False: it is not well-formed.
static bool
s_decode (text_t text, char **to, text_t *decoded)
{
    long size = percent_decode (text, true, *to);
    *decoded = (text_t){ *to, size > 0 ? (size_t) size : 0 };
    *to += decoded->size;
    return size >= 0;
}

static bool
s_read_field (text_t field, char **to, webhook_field_t *read)
{
    const char *equals = memchr (field.data, '=', field.size);
    size_t size = equals ? (size_t) (equals - field.data) : field.size;
    text_t value = { equals ? equals + 1 : "", equals ? field.size - size - 1 : 0 };
    return s_decode ((text_t){ field.data, size }, to, &read->name)
           && s_decode (value, to, &read->value);
}

int
form_read (form_t *self, text_t body)
{
    self->count = 0;
    self->room = alloc_zeroed (body.size + 1);
    char *to = self->room;
    for (size_t from = 0; from < body.size;) {
        const char *end = memchr (body.data + from, '&', body.size - from);
        size_t size = end ? (size_t) (end - body.data) - from : body.size - from;
        text_t field = { body.data + from, size };
        from += size + 1;
        if (size == 0)
            continue;
        if (self->count == FORM_FIELDS_MOST
            || !s_read_field (field, &to, &self->fields[self->count]))
            return -1;
        self->count++;
    }
    return 0;
}

void
form_free (form_t *self)
{
    free (self->room);
    self->room = NULL;
    self->count = 0;
}

text_t
form_value (const form_t *self, const char *name)
{
    text_t wanted = text_of (name);
    for (size_t at = 0; at < self->count; at++)
        if (text_is (self->fields[at].name, wanted))
            return self->fields[at].value;
    return TEXT_EMPTY;
}
