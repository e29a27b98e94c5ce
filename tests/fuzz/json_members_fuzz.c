//  The members of whatever bytes there are lie inside of them, in order; of a valid object they
//  are all of its members.

#include "json/json_members.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

//  How many members the bytes have when they are a valid object; −1 when they are none.
static int
s_members (text_t json)
{
    struct json_tokener *tokener = json_tokener_new ();
    json_tokener_set_flags (tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *object = json_tokener_parse_ex (tokener, json.data, (int) json.size);
    json_tokener_free (tokener);
    int members =
        json_object_is_type (object, json_type_object) ? json_object_object_length (object) : -1;
    json_object_put (object);
    return members;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    text_t json = { (const char *) data, size }, name, value;
    json_members_t all = json_members_of (json);
    const char *at = json.data;
    int found = 0;
    for (; json_members_next (&all, &name, &value); found++) {
        assert (name.data > at && value.data > name.data + name.size);
        assert (value.size > 0 && value.data + value.size <= json.data + json.size);
        at = value.data + value.size - 1;
    }
    int members = s_members (json);
    assert (members < 0
            || found >= members); //  a name that stands twice is one member of json-c's
    return 0;
}
