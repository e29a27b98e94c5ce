#include "json/json_body.h"

#include "json/json_read.h"

#include <json-c/json.h>

json_object *
json_body_read (text_t body)
{
    static const json_limits_t limits = { .depth_most = 4, .values_most = 64 };
    json_reading_t reading;
    json_object *object = body.size > 0 ? json_read (body, &limits, &reading) : NULL;
    if (!json_object_is_type (object, json_type_object))
        json_body_free (&object);
    return object;
}

void
json_body_free (json_object **object_p)
{
    json_object_put (*object_p);
    *object_p = NULL;
}

text_t
json_body_text (json_object *object, const char *name)
{
    text_t text;
    (void) json_member_text (object, name, &text);
    return text;
}

json_object *
json_body_member (json_object *object, const char *name)
{
    json_object *member = NULL;
    return json_object_object_get_ex (object, name, &member) ? member : NULL;
}

uint64_t
json_body_number (json_object *object, const char *name)
{
    json_object *member = json_body_member (object, name);
    return json_object_is_type (member, json_type_int) ? json_object_get_uint64 (member) : 0;
}

bool
json_body_flag (json_object *object, const char *name)
{
    json_object *member = json_body_member (object, name);
    return json_object_is_type (member, json_type_boolean) && json_object_get_boolean (member);
}
