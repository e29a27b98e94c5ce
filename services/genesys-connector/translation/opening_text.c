#include "translation/opening_text.h"

#include "base/utf8.h"
#include "json/json_body.h"
#include "json/json_read.h"
#include "json/json_write.h"
#include "model/degrade.h"

#include <assert.h>
#include <json-c/json.h>

#define VALUE_MOST 500 //  bytes of what is told of the visitor
#define NAME_MOST 60
#define OTHERS_MOST 20

static text_t
s_visitor (const genesys_item_t *item, const char *name)
{
    return utf8_cut (json_body_text (json_body_member (item->data, "visitor"), name), VALUE_MOST);
}

text_t
opening_name (const genesys_item_t *item)
{
    return s_visitor (item, "displayName");
}

static int
s_put_line (buffer_t *to, const char *label, text_t value)
{
    if (value.size == 0)
        return 0;
    return buffer_put_string (to, label) | buffer_put_string (to, ": ")
           | buffer_put_text (to, value) | buffer_put_string (to, "\n");
}

//  The last of what nobody has answered.
static int
s_put_unanswered (const genesys_item_t *item, buffer_t *to)
{
    struct json_object *all = json_body_member (item->data, "unanswered");
    size_t count =
        json_object_is_type (all, json_type_array) ? json_object_array_length (all) : 0;
    if (count == 0)
        return 0;
    buffer_t words;
    buffer_init (&words, DEGRADE_TEXT_MOST);
    struct json_object *last = json_object_array_get_idx (all, count - 1);
    int rc = 0;
    if (last && degrade_text (json_print (last), &words) == 0)
        rc = buffer_put_string (to, "\nThe visitor waits with:\n")
             | buffer_put_text (to, buffer_text (&words));
    buffer_free (&words);
    return rc;
}

void
opening_text_put (const genesys_item_t *item, const transcript_t *transcript, buffer_t *to)
{
    text_t name = opening_name (item);
    int rc = s_put_line (to, "Visitor", name.size > 0 ? name : TEXT ("not known by name"))
             | s_put_line (to, "Language", s_visitor (item, "locale"))
             | s_put_line (to, "Page", s_visitor (item, "page"))
             | s_put_line (to, "Reason",
                           utf8_cut (genesys_item_data_text (item, "why"), VALUE_MOST));
    if (transcript->count > 0) {
        rc |= buffer_put_string (to, "\nWhat was said before:\n");
        transcript_put (transcript, to);
    } else
        rc |= s_put_unanswered (item, to);
    assert (rc == 0);
}

//  Of a member that needs no escape in JSON, and can be a name at Genesys.
static bool
s_is_name (const char *name)
{
    size_t size = strlen (name);
    return size > 0 && size <= NAME_MOST
           && strspn (name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
                  == size;
}

//  What a server has said of the visitor beside that (`info` of POST /sessions), as texts.
static void
s_put_others (struct json_object *info, json_writer_t *json)
{
    static const char *const known[] = { "name", "page", "language", "addressClass", "agent",
                                         "appId", "sessionId", "userId", "reason" };
    unsigned count = 0;
    if (!json_object_is_type (info, json_type_object))
        return;
    json_object_object_foreach (info, member, value)
    {
        bool is_known = false;
        for (size_t row = 0; row < sizeof known / sizeof *known; row++)
            is_known = is_known || strcmp (member, known[row]) == 0;
        bool is_scalar = json_object_is_type (value, json_type_string)
                         || json_object_is_type (value, json_type_int)
                         || json_object_is_type (value, json_type_double)
                         || json_object_is_type (value, json_type_boolean);
        if (is_known || !is_scalar || !s_is_name (member) || ++count > OTHERS_MOST)
            continue;
        text_t text = { json_object_get_string (value), 0 };
        text.size = strlen (text.data);
        json_put_text_if (json, member, utf8_cut (text, VALUE_MOST));
    }
}

void
opening_attributes_put (const genesys_item_t *item, buffer_t *to)
{
    json_writer_t json;
    struct json_object *visitor = json_body_member (item->data, "visitor");
    json_write_begin (&json, to);
    json_open_object (&json, NULL);
    json_put_text (&json, "appId", item->app);
    json_put_text (&json, "sessionId", item->session);
    if (json_body_flag (visitor, "isToken"))
        json_put_text_if (&json, "userId", s_visitor (item, "userId"));
    json_put_text_if (&json, "name", s_visitor (item, "displayName"));
    json_put_text_if (&json, "language", s_visitor (item, "locale"));
    json_put_text_if (&json, "page", s_visitor (item, "page"));
    json_put_text_if (&json, "reason",
                      utf8_cut (genesys_item_data_text (item, "why"), VALUE_MOST));
    s_put_others (json_body_member (visitor, "info"), &json);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
}
