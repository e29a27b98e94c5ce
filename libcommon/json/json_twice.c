#include "json/json_twice.h"

#include "base/alloc.h"
#include "json/json_members.h"
#include "json/json_read.h"

#include <json-c/json.h>
#include <stdlib.h>

//  A name of an object.
typedef struct {
    text_t written;
    text_t name; //  decoded
    char *own;   //  that `name` stands in; NULL: it is as it is written
} name_t;

typedef struct {
    name_t *names;
    size_t count, room;
} names_t;

typedef struct {
    text_t spared;
    text_t found; //  as it is written; data NULL: nothing yet
} search_t;

static name_t
s_name (text_t written)
{
    name_t self = { .written = written, .name = written };
    if (!memchr (written.data, '\\', written.size))
        return self;
    json_reading_t reading;
    text_t quoted = { written.data - 1, written.size + 2 };
    struct json_object *tree = json_read (
        quoted, &(json_limits_t){ .depth_most = 1, .values_most = 1 }, &reading);
    if (tree) {
        size_t size = (size_t) json_object_get_string_len (tree);
        self.own = alloc_text ((text_t){ json_object_get_string (tree), size });
        self.name = (text_t){ self.own, size };
    }
    json_object_put (tree);
    return self;
}

static void
s_add (names_t *self, text_t written)
{
    if (self->count == self->room) {
        self->room = self->room ? 2 * self->room : 16;
        self->names = alloc_resized (self->names, self->room * sizeof *self->names);
    }
    self->names[self->count++] = s_name (written);
}

//  By name; of one name in the order of the text.
static int
s_compare (const void *left, const void *right)
{
    const name_t *one = left, *other = right;
    int order = text_compare (one->name, other->name);
    return order ? order
                 : (one->written.data > other->written.data)
                       - (one->written.data < other->written.data);
}

static void
s_find (names_t *self, search_t *search)
{
    if (self->count > 1)
        qsort (self->names, self->count, sizeof *self->names, s_compare);
    for (size_t at = 1; at < self->count; at++) {
        const name_t *before = &self->names[at - 1], *name = &self->names[at];
        bool is_earlier = !search->found.data || name->written.data < search->found.data;
        if (text_is (before->name, name->name) && is_earlier)
            search->found = name->written;
    }
    for (size_t at = 0; at < self->count; at++)
        free (self->names[at].own);
    free (self->names);
}

static bool
s_is_spared (const search_t *self, text_t name)
{
    return self->spared.size > 0 && name.size >= self->spared.size
           && memcmp (name.data, self->spared.data, self->spared.size) == 0;
}

//  As deep as the text is, for which its reader has a limit.
static void
s_look (search_t *self, text_t json)
{
    text_t name, value;
    names_t names = { .names = NULL };
    json_members_t walk = json_members_of (json);
    bool is_array = json.size > 0 && *json.data == '[';
    while (is_array ? json_elements_next (&walk, &value)
                    : json_members_next (&walk, &name, &value)) {
        if (!is_array && !s_is_spared (self, name))
            s_add (&names, name);
        if (*value.data == '{' || *value.data == '[')
            s_look (self, value);
    }
    s_find (&names, self);
}

size_t
json_twice_at (text_t json, text_t spared, text_t *name)
{
    search_t search = { .spared = spared, .found = { NULL, 0 } };
    size_t blanks = 0;
    while (blanks < json.size && memchr (" \t\r\n", json.data[blanks], 4))
        blanks++;
    s_look (&search, (text_t){ json.data + blanks, json.size - blanks });
    *name = search.found.data ? search.found : TEXT_EMPTY;
    return search.found.data ? (size_t) (search.found.data - json.data) : json.size;
}
