#include "channels/entry_item.h"

#include "json/json_read.h"
#include "model/degrade.h"

#include <json-c/json.h>

#define DEPTH_MOST 64
#define VALUES_MOST 20000

static uint64_t
s_number (struct json_object *tree, const char *name)
{
    struct json_object *value = NULL;
    if (!json_object_object_get_ex (tree, name, &value)
        || !json_object_is_type (value, json_type_int))
        return 0;
    return json_object_get_uint64 (value);
}

//  The postoffice says it; one of before leaves it to us.
static int
s_take_text (entry_item_t *self)
{
    text_t text;
    struct json_object *data = NULL;
    if (json_member_text (self->tree, "text", &text) < 0)
        return -1;
    if (text.size > 0)
        return buffer_put_text (&self->text, text);
    if (text_is (self->event, TEXT ("new message"))
        && json_object_object_get_ex (self->tree, "data", &data) && data
        && degrade_text (json_print (data), &self->text) != 0)
        buffer_clear (&self->text); //  nothing to show in it
    return 0;
}

static int
s_take (entry_item_t *self)
{
    struct json_object *participant = NULL;
    if (!self->tree || !json_object_is_type (self->tree, json_type_object))
        return -1;
    (void) json_object_object_get_ex (self->tree, "participant", &participant);
    if (participant && !json_object_is_type (participant, json_type_object))
        return -1;
    self->time_ms = s_number (self->tree, "timeMs");
    self->seq = s_number (self->tree, "seq");
    return json_member_text (self->tree, "appId", &self->app) < 0
                   || json_member_text (self->tree, "sessionId", &self->session) < 0
                   || json_member_text (self->tree, "event", &self->event) < 0
                   || json_member_text (participant, "externalId", &self->external_id) < 0
                   || json_member_text (participant, "via", &self->via) < 0
               ? -1
               : s_take_text (self);
}

int
entry_item_read (entry_item_t *self, text_t body)
{
    *self = (entry_item_t){ .app = TEXT_EMPTY,
                            .session = TEXT_EMPTY,
                            .event = TEXT_EMPTY,
                            .external_id = TEXT_EMPTY,
                            .via = TEXT_EMPTY };
    buffer_init (&self->text, ENTRY_ITEM_MOST);
    json_reading_t reading;
    json_limits_t limits = { .depth_most = DEPTH_MOST, .values_most = VALUES_MOST };
    if (body.size > ENTRY_ITEM_MOST)
        return -1;
    self->tree = json_read (body, &limits, &reading);
    if (s_take (self) == 0)
        return 0;
    entry_item_free (self);
    return -1;
}

void
entry_item_free (entry_item_t *self)
{
    json_object_put (self->tree);
    self->tree = NULL;
    buffer_free (&self->text);
}
