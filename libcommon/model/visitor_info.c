#include "model/visitor_info.h"

#include "json/json_read.h"
#include "json/json_write.h"

#include <assert.h>
#include <json-c/json.h>

//  Of a showable text only quotes and backslashes are written as two bytes.
_Static_assert (2
                            * (DISPLAY_NAME_MAX + VISITOR_PAGE_MAX + VISITOR_LANGUAGE_MAX
                               + VISITOR_AGENT_MAX)
                        + 150
                    <= VISITOR_INFO_MAX,
                "what an edge knows fits");

void
visitor_info_write (const visitor_info_t *self, buffer_t *to)
{
    json_writer_t json;
    json_write_begin (&json, to);
    json_open_object (&json, NULL);
    json_put_text_if (&json, "name", self->name);
    json_put_text_if (&json, "page", self->page);
    json_put_text_if (&json, "language", self->language);
    json_put_text_if (&json, "addressClass", self->address_class);
    json_put_text_if (&json, "agent", self->agent);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
}

text_t
visitor_info_of (text_t json)
{
    json_reading_t reading;
    if (json.size <= 2 || json.size > VISITOR_INFO_MAX || json.data[0] != '{')
        return TEXT_EMPTY;
    json_object *tree =
        json_read (json, &(json_limits_t){ .depth_most = 8, .values_most = 100 }, &reading);
    bool is_one = reading.fault == JSON_READ_OK;
    json_object_put (tree);
    return is_one ? json : TEXT_EMPTY;
}
