#include "channels/alert_item.h"

#include "json/json_read.h"

#include <json-c/json.h>
#include <stddef.h>

#define DEPTH_MOST 8
#define VALUES_MOST 200

typedef struct {
    const char *name;
    size_t offset;
} member_t;

static const member_t s_texts[] = {
    { "appId", offsetof (alert_item_t, app) },
    { "sessionId", offsetof (alert_item_t, session) },
    { "alert", offsetof (alert_item_t, alert) },
    { "rule", offsetof (alert_item_t, rule) },
    { "event", offsetof (alert_item_t, event) },
    { "time", offsetof (alert_item_t, time) },
    { "address", offsetof (alert_item_t, address) },
    { "subject", offsetof (alert_item_t, subject) },
    { "text", offsetof (alert_item_t, text) },
    { "html", offsetof (alert_item_t, html) },
    { "link", offsetof (alert_item_t, link) },
    { "console", offsetof (alert_item_t, console) },
};

static const member_t s_numbers[] = {
    { "step", offsetof (alert_item_t, step) },
    { "suppressed", offsetof (alert_item_t, suppressed) },
};

static const member_t s_person[] = {
    { "id", offsetof (alert_item_t, person) },
    { "name", offsetof (alert_item_t, name) },
};

#define ROWS(table) (sizeof (table) / sizeof *(table))

static int
s_take_texts (alert_item_t *self, struct json_object *from, const member_t *rows, size_t count)
{
    for (size_t row = 0; row < count; row++) {
        text_t *text = (text_t *) (void *) ((char *) self + rows[row].offset);
        if (json_object_object_get (from, rows[row].name) //  a null is as good as none
            && json_member_text (from, rows[row].name, text) < 0)
            return -1;
    }
    return 0;
}

static int
s_take_numbers (alert_item_t *self)
{
    for (size_t row = 0; row < ROWS (s_numbers); row++) {
        struct json_object *value = NULL;
        if (!json_object_object_get_ex (self->tree, s_numbers[row].name, &value) || !value)
            continue;
        if (!json_object_is_type (value, json_type_int))
            return -1;
        *(uint64_t *) ((char *) self + s_numbers[row].offset) = json_object_get_uint64 (value);
    }
    return 0;
}

static int
s_take_person (alert_item_t *self)
{
    struct json_object *person = NULL;
    if (!json_object_object_get_ex (self->tree, "person", &person) || !person)
        return 0;
    if (!json_object_is_type (person, json_type_object))
        return -1;
    return s_take_texts (self, person, s_person, ROWS (s_person));
}

void
alert_item_clear (alert_item_t *self)
{
    *self = (alert_item_t){ .tree = NULL };
    for (size_t row = 0; row < ROWS (s_texts); row++)
        *(text_t *) ((char *) self + s_texts[row].offset) = TEXT_EMPTY;
    self->person = self->name = TEXT_EMPTY;
}

int
alert_item_read (alert_item_t *self, text_t body)
{
    alert_item_clear (self);
    json_reading_t reading;
    json_limits_t limits = { .depth_most = DEPTH_MOST, .values_most = VALUES_MOST };
    if (body.size > ALERT_ITEM_MOST)
        return -1;
    self->tree = json_read (body, &limits, &reading);
    if (!self->tree || !json_object_is_type (self->tree, json_type_object)
        || s_take_texts (self, self->tree, s_texts, ROWS (s_texts)) != 0
        || s_take_numbers (self) != 0 || s_take_person (self) != 0) {
        alert_item_free (self);
        return -1;
    }
    return 0;
}

void
alert_item_free (alert_item_t *self)
{
    json_object_put (self->tree);
    self->tree = NULL;
}
