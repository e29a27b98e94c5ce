#include "json/json_table.h"

#include "json/json_read.h"
#include "json/json_write.h"

#include <json-c/json.h>
#include <stdio.h>

#define PATH_ROOM 240

//  Of a URL what tells where it leads: without a name and password, and without a query.
static void
s_put_url (json_writer_t *json, json_object *value)
{
    const char *url = json_object_get_string (value);
    const char *scheme = strstr (url, "://");
    const char *host = scheme ? scheme + 3 : url;
    size_t authority = strcspn (host, "/?#");
    const char *at = memrchr (host, '@', authority);
    char shown[2100];
    size_t end = strcspn (host, "?#");
    const char *from = at ? at + 1 : host;
    snprintf (shown, sizeof shown, "%.*s%.*s%s", (int) (host - url), url,
              (int) (host + end - from), from, host[end] ? "?…" : "");
    json_put_string (json, "value", shown);
}

//  A member that is no object, and no array of objects. NULL: it is absent.
static void
s_put_value (json_writer_t *json, const json_field_t *field, const char *path, json_object *value,
             bool has_file)
{
    bool is_secret = field->type == JSON_FIELD_SECRET || field->is_hidden;
    const char *source = value || has_file ? "file" : field->fallback ? "default" : "unset";
    json_open_object (json, NULL);
    json_put_string (json, "path", path);
    if (is_secret || (!value && !field->fallback))
        json_put_json (json, "value", TEXT ("null"));
    else if (value && field->is_url)
        s_put_url (json, value);
    else if (value)
        json_put_json (json, "value", json_print (value));
    else if (field->type == JSON_FIELD_TEXT)
        json_put_string (json, "value", field->fallback);
    else
        json_put_json (json, "value", text_of (field->fallback));
    json_put_string (json, "source", source);
    json_put_bool (json, "secret", is_secret);
    json_close_object (json);
}

static void
s_put_table (json_writer_t *json, const json_table_t *table, const char *base, json_object *object)
{
    for (const json_field_t *field = table->fields; field->name; field++) {
        char path[PATH_ROOM], file_name[80];
        json_object *value = json_object_object_get (object, field->name);
        snprintf (path, sizeof path, "%s%s%s", base, *base ? "." : "", field->name);
        if (field->type == JSON_FIELD_OBJECT)
            s_put_table (json, field->table, path, value);
        else if (field->type == JSON_FIELD_ROWS) {
            size_t count = value ? json_object_array_length (value) : 0;
            for (size_t at = 0; at < count; at++) {
                char row[PATH_ROOM + 24];
                snprintf (row, sizeof row, "%s[%zu]", path, at);
                s_put_table (json, field->table, row, json_object_array_get_idx (value, at));
            }
        } else {
            snprintf (file_name, sizeof file_name, "%sFile", field->name);
            s_put_value (json, field, path, value,
                         field->type == JSON_FIELD_SECRET
                             && json_object_object_get (object, file_name));
        }
    }
}

int
json_table_values (const json_table_t *table, json_object *object, buffer_t *to)
{
    json_writer_t json;
    json_write_begin (&json, to);
    json_open_array (&json, NULL);
    s_put_table (&json, table, "", object);
    json_close_array (&json);
    return json_write_end (&json);
}
