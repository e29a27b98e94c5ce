#include "translation/genesys_item.h"

#include "json/json_body.h"
#include "json/json_read.h"

#include <json-c/json.h>

#define VALUES_MOST 20000

//  An object that may be missing. −1: it is something else.
static int
s_object (struct json_object *tree, const char *name, struct json_object **object)
{
    *object = NULL;
    if (!json_object_object_get_ex (tree, name, object) || !*object)
        return 0;
    return json_object_is_type (*object, json_type_object) ? 0 : -1;
}

static int
s_take (genesys_item_t *self)
{
    struct json_object *participant, *sender, *tree = self->tree;
    if (!json_object_is_type (tree, json_type_object)
        || s_object (tree, "participant", &participant) != 0
        || s_object (tree, "sender", &sender) != 0 || s_object (tree, "data", &self->data) != 0)
        return -1;
    self->seq = json_body_number (tree, "seq");
    self->time_ms = json_body_number (tree, "timeMs");
    //  A receipt has no participant.
    struct json_object *owner = participant ? participant : tree;
    const struct {
        struct json_object *object;
        const char *name;
        text_t *text;
    } rows[] = {
        { tree, "event", &self->event },     { tree, "appId", &self->app },
        { tree, "sessionId", &self->session }, { owner, "externalId", &self->external_id },
        { tree, "role", &self->role },       { tree, "userId", &self->user },
        { sender, "displayName", &self->name },
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
        if (json_member_text (rows[row].object, rows[row].name, rows[row].text) < 0)
            return -1;
    return 0;
}

int
genesys_item_read (genesys_item_t *self, text_t body)
{
    json_reading_t reading;
    *self = (genesys_item_t){ .event = TEXT_EMPTY };
    if (body.size > GENESYS_ITEM_MOST)
        return -1;
    self->tree = json_read (
        body, &(json_limits_t){ .depth_most = JSON_DEPTH_MOST, .values_most = VALUES_MOST },
        &reading);
    if (s_take (self) == 0)
        return 0;
    genesys_item_free (self);
    *self = (genesys_item_t){ .event = TEXT_EMPTY };
    return -1;
}

void
genesys_item_free (genesys_item_t *self)
{
    json_object_put (self->tree);
    self->tree = self->data = NULL;
}

text_t
genesys_item_text (const genesys_item_t *self, const char *name)
{
    return json_body_text (self->tree, name);
}

text_t
genesys_item_data_text (const genesys_item_t *self, const char *name)
{
    return json_body_text (self->data, name);
}
