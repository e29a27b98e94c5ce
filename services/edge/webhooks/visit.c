#include "webhooks/visit.h"

#include "base/utf8.h"
#include "json/json_write.h"

#include <json-c/json.h>

#define URL_MOST 2000
#define TYPE_MOST 100

void
visit_free (visit_t *self)
{
    form_free (&self->form);
    json_object_put (self->tree);
    self->tree = NULL;
    buffer_free (&self->attachments);
    buffer_free (&self->decoded);
    buffer_free (&self->lines);
}

bool
visit_is_text (text_t text, size_t most, bool is_name)
{
    return text.size > 0 && text.size <= most && utf8_is_valid (text)
           && !memchr (text.data, 0, text.size) && (!is_name || utf8_is_printable (text));
}

bool
visit_is_type (text_t type)
{
    return visit_is_text (type, TYPE_MOST, true);
}

bool
visit_attach (visit_t *self, text_t url, text_t type)
{
    json_writer_t json;
    if (!visit_is_text (url, URL_MOST, true))
        return false;
    self->attachments.ceiling = self->lines.ceiling = VISIT_ATTACHMENTS_MOST;
    bool is_first = self->attachments.size == 0;
    if (!is_first)
        self->attachments.size--; //  the bracket that ends it
    json_write_begin (&json, &self->attachments);
    json_put_json (&json, NULL, is_first ? TEXT ("[") : TEXT_EMPTY);
    json_open_object (&json, NULL);
    json_put_text (&json, "url", url);
    if (visit_is_type (type))
        json_put_text (&json, "type", type);
    json_close_object (&json);
    json_close_array (&json);
    bool is_full = json_write_end (&json) != 0;
    if (is_full && !is_first)
        self->attachments.size++;
    return !is_full && (self->lines.size == 0 || buffer_put_string (&self->lines, "\n") == 0)
           && buffer_put_text (&self->lines, url) == 0;
}

void
visit_name_attachments (visit_t *self)
{
    buffer_t all;
    text_t lines = buffer_text (&self->lines);
    if (self->attachments.size == 0)
        return;
    buffer_init (&all, self->text.size + lines.size + 1);
    int rc = buffer_put_text (&all, self->text)
             | (self->text.size > 0 ? buffer_put_string (&all, "\n") : 0)
             | buffer_put_text (&all, lines);
    buffer_free (&self->lines);
    self->lines = all;
    self->text = rc == 0 ? buffer_text (&self->lines) : self->text;
}
