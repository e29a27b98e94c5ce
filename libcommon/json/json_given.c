#include "json/json_given.h"

#include "json/json_read.h"

#include <json-c/json.h>

static json_object *
s_given (json_object *tree, const char *name, json_type type)
{
    json_object *value = NULL;
    bool is_there = json_object_is_type (tree, json_type_object)
                    && json_object_object_get_ex (tree, name, &value);
    return is_there && json_object_is_type (value, type) ? value : NULL;
}

json_object *
json_given_object (json_object *tree, const char *name)
{
    return s_given (tree, name, json_type_object);
}

json_object *
json_given_array (json_object *tree, const char *name)
{
    return s_given (tree, name, json_type_array);
}

text_t
json_given_text (json_object *tree, const char *name)
{
    text_t text;
    return json_member_text (tree, name, &text) == 1 ? text : TEXT_EMPTY;
}
