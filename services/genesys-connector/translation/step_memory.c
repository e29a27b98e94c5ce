#include "translation/step_memory.h"

#include "base/utf8.h"
#include "json/json_body.h"
#include "translation/memory_frame.h"

static bool
s_is_id (text_t id)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    for (size_t at = 0; at < id.size; at++)
        if (!id.data[at] || !strchr (allowed, id.data[at]))
            return false;
    return id.size > 0;
}

void
item_memory_add_id (item_memory_t *self, text_t id)
{
    size_t size = strlen (self->ids), blank = size > 0;
    if (!s_is_id (id) || size + blank + id.size >= sizeof self->ids)
        return;
    if (blank)
        self->ids[size++] = ' ';
    memcpy (self->ids + size, id.data, id.size);
    self->ids[size + id.size] = '\0';
}

static void
s_read_ids (item_memory_t *self, text_t ids)
{
    while (ids.size > 0) {
        const char *blank = memchr (ids.data, ' ', ids.size);
        text_t id = { ids.data, blank ? (size_t) (blank - ids.data) : ids.size };
        size_t taken = id.size + (blank != NULL);
        item_memory_add_id (self, id);
        ids = (text_t){ ids.data + taken, ids.size - taken };
    }
}

void
item_memory_read (item_memory_t *self, text_t json)
{
    struct json_object *tree = json_body_read (json);
    *self = (item_memory_t){ .fails = json_body_number (tree, "fails"),
                             .parts = json_body_number (tree, "parts"),
                             .unnamed = json_body_number (tree, "unnamed"),
                             .is_unsure = json_body_flag (tree, "unsure") };
    s_read_ids (self, json_body_text (tree, "ids"));
    json_body_free (&tree);
}

text_t
item_memory_write (const item_memory_t *self, char room[STEP_MEMORY_SIZE])
{
    memory_frame_t frame;
    json_writer_t *json = memory_begin (&frame, STEP_MEMORY_SIZE);
    json_put_number (json, "fails", self->fails);
    json_put_number (json, "parts", self->parts);
    json_put_number (json, "unnamed", self->unnamed);
    json_put_bool (json, "unsure", self->is_unsure);
    json_put_text_if (json, "ids", text_of (self->ids));
    return memory_end (&frame, room);
}

void
lane_memory_read (lane_memory_t *self, text_t json)
{
    struct json_object *tree = json_body_read (json);
    text_t id = conversation_id_of (json_body_text (tree, "conversation"));
    text_t before = conversation_id_of (json_body_text (tree, "before"));
    *self = (lane_memory_t){ .opening = json_body_number (tree, "opening"),
                             .is_whole = json_body_flag (tree, "whole"),
                             .messages = json_body_number (tree, "messages"),
                             .attributes = json_body_flag (tree, "attributes") };
    utf8_copy (self->conversation, sizeof self->conversation, id);
    utf8_copy (self->before, sizeof self->before, before);
    json_body_free (&tree);
}

text_t
lane_memory_write (const lane_memory_t *self, char room[STEP_MEMORY_SIZE])
{
    memory_frame_t frame;
    json_writer_t *json = memory_begin (&frame, STEP_MEMORY_SIZE);
    json_put_number (json, "opening", self->opening);
    json_put_text_if (json, "conversation", text_of (self->conversation));
    json_put_text_if (json, "before", text_of (self->before));
    json_put_bool (json, "whole", self->is_whole);
    json_put_number (json, "messages", self->messages);
    json_put_bool (json, "attributes", self->attributes);
    return memory_end (&frame, room);
}
