#include "translation/transcript.h"

#include "base/alloc.h"
#include "json/json_body.h"
#include "json/json_read.h"
#include "model/degrade.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdlib.h>

#define PAGE_VALUES_MOST 200000
#define NAME_MOST 200
#define CUT "(There was more before that.)\n"

void
transcript_begin (transcript_t *self, size_t most)
{
    *self = (transcript_t){ .most = most };
}

void
transcript_free (transcript_t *self)
{
    for (size_t at = 0; at < self->count; at++)
        free (self->lines[at]);
    free (self->lines);
    *self = (transcript_t){ .lines = NULL };
}

//  "Ann (visitor)": two people may have one name.
static int
s_put_who (struct json_object *entry, buffer_t *line)
{
    text_t name = json_body_text (json_body_member (entry, "sender"), "displayName");
    text_t role = json_body_text (entry, "role");
    if (name.size > NAME_MOST)
        name = TEXT_EMPTY;
    return buffer_put_text (line, name)
           | buffer_put_string (line, name.size > 0 ? " (" : "") | buffer_put_text (line, role)
           | buffer_put_string (line, name.size > 0 ? "): " : ": ");
}

//  A line of it, to be freed; NULL: it is nothing to be told.
static char *
s_line (struct json_object *entry)
{
    struct json_object *data = json_body_member (entry, "data");
    if (!text_is (json_body_text (entry, "event"), TEXT ("new message"))
        || json_body_flag (entry, "hidden") || !json_object_is_type (data, json_type_object))
        return NULL;
    buffer_t line;
    buffer_init (&line, DEGRADE_TEXT_MOST + NAME_MOST + 100);
    bool is_there = s_put_who (entry, &line) == 0
                    && degrade_text (json_print (data), &line) == 0;
    char *text = is_there ? alloc_text (buffer_text (&line)) : NULL;
    buffer_free (&line);
    return text;
}

//  False: no more are wanted.
static bool
s_add_line (transcript_t *self, char *line)
{
    if (!line)
        return true;
    size_t size = strlen (line) + 1;
    if (self->count == self->most || self->size + size > TRANSCRIPT_MOST) {
        self->is_cut = true;
        free (line);
        return false;
    }
    self->lines = alloc_resized (self->lines, (self->count + 1) * sizeof *self->lines);
    self->lines[self->count++] = line;
    self->size += size;
    return true;
}

//  Where the next page begins, if there is one.
static uint64_t
s_before (struct json_object *page, struct json_object *items)
{
    size_t count = json_object_array_length (items);
    struct json_object *last = count > 0 ? json_object_array_get_idx (items, count - 1) : NULL;
    return json_body_text (page, "next").size > 0 ? json_body_number (last, "seq") : 0;
}

int
transcript_add (transcript_t *self, text_t page, uint64_t *before)
{
    json_reading_t reading;
    struct json_object *items = NULL, *tree = json_read (
        page, &(json_limits_t){ .depth_most = JSON_DEPTH_MOST, .values_most = PAGE_VALUES_MOST },
        &reading);
    bool is_page = json_object_is_type (tree, json_type_object)
                   && json_object_object_get_ex (tree, "items", &items)
                   && json_object_is_type (items, json_type_array);
    bool goes_on = true;
    for (size_t at = 0; is_page && goes_on && at < json_object_array_length (items); at++)
        goes_on = s_add_line (self, s_line (json_object_array_get_idx (items, at)));
    *before = is_page && goes_on ? s_before (tree, items) : 0;
    json_object_put (tree);
    return is_page ? 0 : -1;
}

void
transcript_put (const transcript_t *self, buffer_t *to)
{
    int rc = self->is_cut && self->most > 0 ? buffer_put_string (to, CUT) : 0;
    for (size_t at = self->count; at > 0; at--)
        rc |= buffer_put_string (to, self->lines[at - 1]) | buffer_put_string (to, "\n");
    assert (rc == 0);
}
