#include "translation/posted.h"

#include "base/utf8.h"
#include "json/json_body.h"
#include "json/json_read.h"

#include <json-c/json.h>

#define VALUES_MOST 20000

static void
s_copy (char *room, size_t size, text_t text)
{
    if (text.size < size && utf8_is_showable (text)) {
        memcpy (room, text.data, text.size);
        room[text.size] = '\0';
    }
}

void
posted_read (posted_t *self, text_t body)
{
    json_reading_t reading;
    *self = (posted_t){ .id = "" };
    struct json_object *tree = json_read (
        body, &(json_limits_t){ .depth_most = JSON_DEPTH_MOST, .values_most = VALUES_MOST },
        &reading);
    if (json_object_is_type (tree, json_type_object)) {
        s_copy (self->id, sizeof self->id, json_body_text (tree, "id"));
        s_copy (self->conversation, sizeof self->conversation,
                conversation_id_of (json_body_text (tree, "conversationId")));
    }
    json_object_put (tree);
}
