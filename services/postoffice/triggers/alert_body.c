#include "triggers/alert_body.h"

#include "base/utf8.h"
#include "json/json_body.h"
#include "json/json_write.h"

#include <assert.h>

#define MARK "\xe2\x80\xa6"

static void
s_put_value (const alert_body_t *self, alert_value_t value, json_writer_t *json)
{
    const char *name = alert_value_name (value);
    text_t text = self->values[value];
    size_t most = value == ALERT_VALUE_MESSAGE_TEXT ? ALERT_MOST_MAIL : ALERT_MOST_VALUE;
    if (!text.data || text.size <= most) {
        json_put_text_if (json, name, text);
        return;
    }
    buffer_t cut;
    buffer_init (&cut, most);
    int rc = buffer_put_text (&cut, utf8_cut (text, most - (sizeof MARK - 1)));
    rc = rc == 0 ? buffer_put_string (&cut, MARK) : rc;
    assert (rc == 0);
    json_put_text (json, name, buffer_text (&cut));
    buffer_free (&cut);
}

void
alert_body_write (const alert_body_t *self, buffer_t *to)
{
    json_writer_t json;
    json_write_begin (&json, to);
    json_open_object (&json, NULL);
    json_put_text (&json, "rule", self->rule);
    json_put_string (&json, "event", alert_events[self->event].name);
    json_put_number (&json, "seq", self->seq);
    json_put_number (&json, "timeMs", self->time_ms);
    json_open_object (&json, "by");
    json_put_number (&json, "role", self->role);
    json_put_text (&json, "userId", self->user);
    json_close_object (&json);
    json_open_object (&json, "values");
    for (int value = 0; value < ALERT_VALUES; value++)
        s_put_value (self, (alert_value_t) value, &json);
    json_close_object (&json);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
}

bool
alert_body_read (alert_body_t *self, text_t body)
{
    *self = (alert_body_t){ .object = json_body_read (body) };
    self->rule = json_body_text (self->object, "rule");
    self->event = alert_event_named (json_body_text (self->object, "event"));
    self->seq = json_body_number (self->object, "seq");
    self->time_ms = json_body_number (self->object, "timeMs");
    struct json_object *by = json_body_member (self->object, "by");
    self->role = json_body_number (by, "role");
    self->user = json_body_text (by, "userId");
    struct json_object *values = json_body_member (self->object, "values");
    for (int value = 0; value < ALERT_VALUES; value++)
        self->values[value] = json_body_text (values, alert_value_name ((alert_value_t) value));
    if (self->event < ALERT_EVENTS && self->rule.size > 0)
        return true;
    alert_body_free (self);
    return false;
}

void
alert_body_free (alert_body_t *self)
{
    json_body_free (&self->object);
}
