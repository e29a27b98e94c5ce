#include "json/json_table.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "json/json_half.h"
#include "json/json_locate.h"
#include "json/json_read.h"
#include "json/json_twice.h"
#include "json/json_write.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define PATH_ROOM 240
#define LINE_ROOM 500
#define FILE_SUFFIX "File"
#define COMMENT "//"

static const json_limits_t s_limits = { .depth_most = 16, .values_most = SIZE_MAX };

//  One reading: where it is, for the line of a complaint.
typedef struct {
    const json_table_reading_t *asked;
    text_t json;
    char path[PATH_ROOM];
    size_t depth; //  bytes of the path
} walk_t;

static void *
s_at (const void *of, const json_field_t *field)
{
    return (char *) (uintptr_t) of + field->offset;
}

// ---------------------------------------------------------------------------------------------
//  Where the reader is, and what it says

__attribute__ ((format (printf, 2, 3))) static size_t
s_enter (walk_t *self, const char *format, ...)
{
    size_t before = self->depth;
    va_list values;
    va_start (values, format);
    int size = vsnprintf (self->path + before, PATH_ROOM - before, format, values);
    va_end (values);
    if (size > 0 && (size_t) size < PATH_ROOM - before)
        self->depth += (size_t) size;
    return before;
}

static void
s_leave (walk_t *self, size_t before)
{
    self->depth = before;
    self->path[before] = '\0';
}

__attribute__ ((format (printf, 4, 0))) static void
s_put_line (const walk_t *self, buffer_t *to, const char *end, const char *format, va_list values)
{
    char words[LINE_ROOM], line[LINE_ROOM + 40];
    vsnprintf (words, sizeof words, format, values);
    snprintf (line, sizeof line, "line %u: %s%s", json_locate_line (self->json, self->path),
              words, end);
    (void) !buffer_put_string (to, line); //  no room for words: the mistake itself still counts
}

//  Always −1, for `return s_mistake (…)`.
__attribute__ ((format (printf, 2, 3))) static int
s_mistake (walk_t *self, const char *format, ...)
{
    va_list values;
    va_start (values, format);
    s_put_line (self, self->asked->complaint, "", format, values);
    va_end (values);
    return -1;
}

__attribute__ ((format (printf, 2, 3))) static void
s_warn (walk_t *self, const char *format, ...)
{
    va_list values;
    va_start (values, format);
    s_put_line (self, self->asked->warnings, "\n", format, values);
    va_end (values);
}

// ---------------------------------------------------------------------------------------------
//  Reading one value

//  Has it no control characters but the line ends that it may have?
static bool
s_is_printable (const json_field_t *field, text_t text)
{
    while (field->has_lines && text.size > 0) {
        size_t line = 0; //  (not strcspn, which takes a NUL for an end)
        while (line < text.size && text.data[line] != '\r' && text.data[line] != '\n')
            line++;
        if (line == text.size)
            break;
        if (!utf8_is_printable ((text_t){ text.data, line }))
            return false;
        text = (text_t){ text.data + line + 1, text.size - line - 1 };
    }
    return utf8_is_printable (text);
}

//  A text within the field's limits and of its format; `what` names it in a complaint.
static int
s_check_text (walk_t *self, const json_field_t *field, const char *what, text_t text)
{
    uint64_t most = field->type == JSON_FIELD_TEXTS ? field->least : field->most;
    if (text.size > most)
        return s_mistake (self, "\"%s\" is longer than %" PRIu64 " bytes", what, most);
    if (field->type != JSON_FIELD_TEXTS && text.size < field->least)
        return s_mistake (self, "\"%s\" must not be empty", what);
    if (!s_is_printable (field, text))
        return s_mistake (self, "\"%s\" has a control character in it", what);
    if (field->format && !field->format->is_valid (text))
        return s_mistake (self, "%s", field->format->words);
    return 0;
}

static int
s_text_of (walk_t *self, const json_field_t *field, const char *what, json_object *value,
           text_t *text)
{
    if (!json_object_is_type (value, json_type_string))
        return s_mistake (self, "\"%s\" must be a string", what);
    *text =
        (text_t){ json_object_get_string (value), (size_t) json_object_get_string_len (value) };
    return s_check_text (self, field, what, *text);
}

static int
s_read_text (walk_t *self, const json_field_t *field, json_object *value, text_t *to)
{
    text_t text;
    if (s_text_of (self, field, field->name, value, &text) != 0)
        return -1;
    if (field->readers & self->asked->reader)
        *to = alloc_copy (text);
    return 0;
}

static int
s_read_number (walk_t *self, const json_field_t *field, json_object *value, uint64_t *to)
{
    int64_t number = json_object_get_int64 (value);
    if (!json_object_is_type (value, json_type_int) || number < (int64_t) field->least
        || number > (int64_t) field->most)
        return s_mistake (self, "\"%s\" must be a whole number from %" PRIu64 " to %" PRIu64,
                          field->name, field->least, field->most);
    *to = (uint64_t) number;
    return 0;
}

static int
s_read_bool (walk_t *self, const json_field_t *field, json_object *value, bool *to)
{
    if (!json_object_is_type (value, json_type_boolean))
        return s_mistake (self, "\"%s\" must be true or false", field->name);
    *to = json_object_get_boolean (value);
    return 0;
}

static int
s_read_texts (walk_t *self, const json_field_t *field, json_object *value, json_texts_t *to)
{
    if (!json_object_is_type (value, json_type_array))
        return s_mistake (self, "\"%s\" must be an array of strings", field->name);
    size_t count = json_object_array_length (value);
    if (count > field->most)
        return s_mistake (self, "\"%s\" has more than %" PRIu64 " elements", field->name,
                          field->most);
    bool is_kept = field->readers & self->asked->reader;
    if (is_kept)
        to->items = alloc_array (count, sizeof (text_t));
    for (size_t at = 0; at < count; at++) {
        text_t text;
        size_t before = s_enter (self, "/%zu", at);
        if (s_text_of (self, field, field->name, json_object_array_get_idx (value, at), &text)
            != 0)
            return -1;
        s_leave (self, before);
        if (is_kept)
            to->items[to->count++] = alloc_copy (text);
    }
    return 0;
}

//  The path is in the configuration, the secret in its file.
static int
s_read_secret_file (walk_t *self, const json_field_t *field, json_object *value, text_t *to)
{
    const json_table_reading_t *asked = self->asked;
    if (!json_object_is_type (value, json_type_string) || json_object_get_string_len (value) == 0)
        return s_mistake (self, "\"%s" FILE_SUFFIX "\" must be the path of a file", field->name);
    text_t path = { json_object_get_string (value), (size_t) json_object_get_string_len (value) };
    if (!utf8_is_printable (path))
        return s_mistake (self, "\"%s" FILE_SUFFIX "\" has a control character in it",
                          field->name);
    if (!(field->readers & asked->reader) || !asked->read_secret)
        return 0;
    buffer_t secret;
    buffer_init (&secret, field->most + 2); //  and a line end
    const char *words = asked->read_secret (asked->owner, path, &secret);
    text_t text = buffer_text (&secret);
    for (int ends = 0; ends < 2 && text.size > 0 && strchr ("\n\r", text.data[text.size - 1]);
         ends++)
        text.size--;
    int rc = words                   ? s_mistake (self, "%.200s: %s", path.data, words)
             : text.size == 0        ? s_mistake (self, "%.200s: the file is empty", path.data)
             : !utf8_is_valid (text) ? s_mistake (self, "%.200s: not UTF-8", path.data)
                                     : s_check_text (self, field, path.data, text);
    if (rc == 0)
        *to = alloc_copy (text);
    buffer_free (&secret);
    return rc;
}

static int s_read_object (walk_t *self, const json_table_t *table, json_object *object, void *to);

static int
s_read_rows (walk_t *self, const json_field_t *field, json_object *value, json_rows_t *to)
{
    size_t count =
        json_object_is_type (value, json_type_array) ? json_object_array_length (value) : 0;
    if (!json_object_is_type (value, json_type_array) || count < field->least
        || count > field->most)
        return s_mistake (self, "\"%s\" must be an array of %" PRIu64 " to %" PRIu64 " objects",
                          field->name, field->least, field->most);
    to->rows = alloc_array (count, field->table->size);
    while (to->count < count) {
        size_t at = to->count++; //  counted first: a row that is half read is freed, too
        size_t before = s_enter (self, "/%zu", at);
        json_object *row = json_object_array_get_idx (value, at);
        if (!json_object_is_type (row, json_type_object))
            return s_mistake (self, "an element of \"%s\" must be an object", field->name);
        if (s_read_object (self, field->table, row, (char *) to->rows + at * field->table->size)
            != 0)
            return -1;
        s_leave (self, before);
    }
    return 0;
}

static int
s_read_value (walk_t *self, const json_field_t *field, json_object *value, void *to)
{
    switch (field->type) {
    case JSON_FIELD_TEXT:
    case JSON_FIELD_SECRET:
        return s_read_text (self, field, value, to);
    case JSON_FIELD_NUMBER:
        return s_read_number (self, field, value, to);
    case JSON_FIELD_BOOL:
        return s_read_bool (self, field, value, to);
    case JSON_FIELD_TEXTS:
        return s_read_texts (self, field, value, to);
    case JSON_FIELD_ROWS:
        return s_read_rows (self, field, value, to);
    case JSON_FIELD_OBJECT:
        break;
    }
    if (!json_object_is_type (value, json_type_object))
        return s_mistake (self, "\"%s\" must be an object", field->name);
    if (field->table->has_mark)
        *(bool *) to = true;
    return s_read_object (self, field->table, value, to);
}

// ---------------------------------------------------------------------------------------------
//  Reading an object

//  Is `key` this field's name, or the name under which its file is given?
static bool
s_is_name (const json_field_t *field, const char *key)
{
    size_t size = strlen (field->name);
    if (strncmp (field->name, key, size) != 0)
        return false;
    return key[size] == '\0'
           || (field->type == JSON_FIELD_SECRET && strcmp (key + size, FILE_SUFFIX) == 0);
}

static int
s_check_names (walk_t *self, const json_table_t *table, json_object *object)
{
    json_object_object_foreach (object, key, value)
    {
        const json_field_t *field = table->fields;
        while (field->name && !s_is_name (field, key))
            field++;
        if (field->name || strncmp (key, COMMENT, sizeof COMMENT - 1) == 0)
            continue;
        size_t before = s_enter (self, "/%.100s", key);
        if (!table->is_open || !json_object_is_type (value, json_type_object))
            return s_mistake (self, "\"%.100s\" is no member that is known here", key);
        s_warn (self, "section \"%.100s\" is not known to this program, and ignored", key);
        s_leave (self, before);
    }
    return 0;
}

//  What an absent member leaves; those of an absent object, too.
static void
s_fall_back (walk_t *self, const json_field_t *field, void *to)
{
    bool is_kept = field->readers & self->asked->reader;
    if (field->type == JSON_FIELD_OBJECT)
        for (const json_field_t *inner = field->table->fields; inner->name; inner++)
            s_fall_back (self, inner, s_at (to, inner));
    else if (field->type == JSON_FIELD_NUMBER)
        *(uint64_t *) to = field->fallback ? strtoull (field->fallback, NULL, 10) : 0;
    else if (field->type == JSON_FIELD_BOOL)
        *(bool *) to = field->fallback && strcmp (field->fallback, "true") == 0;
    else if (field->type == JSON_FIELD_TEXT && is_kept)
        *(text_t *) to = alloc_copy (text_of (field->fallback));
}

//  −1; 0 when the field is absent; 1 when it was read.
static int
s_read_field (walk_t *self, const json_field_t *field, json_object *object, void *to)
{
    char file_name[80];
    json_object *value = NULL, *file = NULL;
    snprintf (file_name, sizeof file_name, "%s" FILE_SUFFIX, field->name);
    bool has_value = json_object_object_get_ex (object, field->name, &value);
    bool has_file =
        field->type == JSON_FIELD_SECRET && json_object_object_get_ex (object, file_name, &file);
    size_t before = s_enter (self, "/%s", has_file ? file_name : field->name);
    if (has_value && has_file)
        return s_mistake (self, "\"%s\" and \"%s\": only one of them", field->name, file_name);
    if (has_file && s_read_secret_file (self, field, file, to) != 0)
        return -1;
    if (has_value && s_read_value (self, field, value, to) != 0)
        return -1;
    s_leave (self, before);
    return has_value || has_file;
}

static int
s_read_object (walk_t *self, const json_table_t *table, json_object *object, void *to)
{
    if (s_check_names (self, table, object) != 0)
        return -1;
    for (const json_field_t *field = table->fields; field->name; field++) {
        int rc = s_read_field (self, field, object, s_at (to, field));
        if (rc < 0)
            return -1;
        if (rc == 1 && field->mark)
            *(bool *) ((char *) to + field->mark) = true;
        if (rc == 0 && field->is_required)
            return s_mistake (self, "\"%s\" is missing: %s", field->name, field->help);
        if (rc == 0)
            s_fall_back (self, field, s_at (to, field));
    }
    //  Texts that are not kept, or not there, are empty and not NULL.
    for (const json_field_t *field = table->fields; field->name; field++) {
        text_t *text = s_at (to, field);
        if ((field->type == JSON_FIELD_TEXT || field->type == JSON_FIELD_SECRET) && !text->data)
            *text = alloc_copy (TEXT_EMPTY);
    }
    return 0;
}

//  −1 with a complaint about the line of this byte.
static int
s_refuse_at (const json_table_reading_t *reading, text_t json, size_t at, const char *words)
{
    char line[LINE_ROOM];
    snprintf (line, sizeof line, "line %u: %s", json_locate_line_at (json, at), words);
    (void) !buffer_put_string (reading->complaint, line);
    return -1;
}

//  Of two members only the last one would count, and the other one would have been written in vain.
static int
s_check_twice (const json_table_reading_t *reading, text_t json)
{
    char words[160];
    text_t name;
    size_t at = json_twice_at (json, TEXT (COMMENT), &name);
    if (at == json.size)
        return 0;
    snprintf (words, sizeof words, "\"%.*s\" is there already",
              name.size < 100 ? (int) name.size : 100, name.data);
    return s_refuse_at (reading, json, at, words);
}

//  A half would become U+FFFD, which nobody has written.
static int
s_check_halves (const json_table_reading_t *reading, text_t json)
{
    size_t at = json_half_at (json);
    return at == json.size
               ? 0
               : s_refuse_at (reading, json, at,
                              "half of a surrogate pair (\\uD800 to \\uDFFF) stands here");
}

int
json_table_read (const json_table_reading_t *reading, text_t json, void *to)
{
    walk_t self = { .asked = reading, .json = json };
    json_reading_t parsed;
    json_object *root = json_read (json, &s_limits, &parsed);
    if (parsed.fault != JSON_READ_OK)
        return s_refuse_at (reading, json, parsed.at, json_read_words (&parsed, json));
    int rc = s_check_halves (reading, json) != 0 || s_check_twice (reading, json) != 0 ? -1
             : json_object_is_type (root, json_type_object)
                 ? s_read_object (&self, reading->table, root, to)
                 : s_mistake (&self, "the file must be an object");
    json_object_put (root);
    if (rc != 0)
        json_table_free (reading->table, to);
    return rc;
}

void
json_table_free (const json_table_t *table, void *of)
{
    for (const json_field_t *field = table->fields; field->name; field++) {
        void *at = s_at (of, field);
        text_t *text = at;
        json_texts_t *texts = at;
        json_rows_t *rows = at;
        switch (field->type) {
        case JSON_FIELD_TEXT:
        case JSON_FIELD_SECRET:
            free ((char *) (uintptr_t) text->data);
            *text = (text_t){ 0 };
            break;
        case JSON_FIELD_TEXTS:
            for (size_t item = 0; item < texts->count; item++)
                free ((char *) (uintptr_t) texts->items[item].data);
            free (texts->items);
            *texts = (json_texts_t){ 0 };
            break;
        case JSON_FIELD_OBJECT:
            json_table_free (field->table, at);
            break;
        case JSON_FIELD_ROWS:
            for (size_t row = 0; row < rows->count; row++)
                json_table_free (field->table, (char *) rows->rows + row * field->table->size);
            free (rows->rows);
            *rows = (json_rows_t){ 0 };
            break;
        case JSON_FIELD_NUMBER:
        case JSON_FIELD_BOOL:
            break;
        }
    }
}

// ---------------------------------------------------------------------------------------------
//  The JSON Schema

static void s_put_object_schema (json_writer_t *json, const json_table_t *table);

static void
s_put_text_schema (json_writer_t *json, uint64_t least, uint64_t most,
                   const json_format_t *format)
{
    json_put_string (json, "type", "string");
    if (least > 0)
        json_put_number (json, "minLength", least);
    json_put_number (json, "maxLength", most);
    if (format && format->pattern)
        json_put_string (json, "pattern", format->pattern);
}

static void
s_put_field_schema (json_writer_t *json, const json_field_t *field)
{
    json_open_object (json, field->name);
    json_put_string (json, "description", field->help);
    switch (field->type) {
    case JSON_FIELD_TEXT:
    case JSON_FIELD_SECRET:
        s_put_text_schema (json, field->least, field->most, field->format);
        if (field->fallback)
            json_put_string (json, "default", field->fallback);
        break;
    case JSON_FIELD_NUMBER:
        json_put_string (json, "type", "integer");
        json_put_number (json, "minimum", field->least);
        json_put_number (json, "maximum", field->most);
        if (field->fallback)
            json_put_json (json, "default", text_of (field->fallback));
        break;
    case JSON_FIELD_BOOL:
        json_put_string (json, "type", "boolean");
        if (field->fallback)
            json_put_json (json, "default", text_of (field->fallback));
        break;
    case JSON_FIELD_TEXTS:
        json_put_string (json, "type", "array");
        json_put_number (json, "maxItems", field->most);
        json_open_object (json, "items");
        s_put_text_schema (json, 0, field->least, field->format);
        json_close_object (json);
        break;
    case JSON_FIELD_ROWS:
        json_put_string (json, "type", "array");
        json_put_number (json, "minItems", field->least);
        json_put_number (json, "maxItems", field->most);
        json_open_object (json, "items");
        s_put_object_schema (json, field->table);
        json_close_object (json);
        break;
    case JSON_FIELD_OBJECT:
        s_put_object_schema (json, field->table);
        break;
    }
    json_close_object (json);
    if (field->type != JSON_FIELD_SECRET)
        return;
    char name[80];
    snprintf (name, sizeof name, "%s" FILE_SUFFIX, field->name);
    json_open_object (json, name);
    json_put_string (json, "description", "path of a file that holds it, instead of it");
    json_put_string (json, "type", "string");
    json_put_number (json, "minLength", 1);
    json_close_object (json);
}

static void
s_put_object_schema (json_writer_t *json, const json_table_t *table)
{
    json_put_string (json, "type", "object");
    json_open_object (json, "properties");
    for (const json_field_t *field = table->fields; field->name; field++)
        s_put_field_schema (json, field);
    json_close_object (json);
    json_open_array (json, "required");
    for (const json_field_t *field = table->fields; field->name; field++)
        if (field->is_required)
            json_put_string (json, NULL, field->name);
    json_close_array (json);
    json_open_object (json, "patternProperties");
    json_put_json (json, "^//", TEXT ("true"));
    json_close_object (json);
    json_put_json (json, "additionalProperties",
                   table->is_open ? TEXT ("{\"type\":\"object\"}") : TEXT ("false"));
}

int
json_table_schema (const json_table_t *table, const char *title, buffer_t *to)
{
    json_writer_t json;
    json_write_begin (&json, to);
    json_open_object (&json, NULL);
    json_put_string (&json, "$schema", "https://json-schema.org/draft/2020-12/schema");
    json_put_string (&json, "title", title);
    s_put_object_schema (&json, table);
    json_close_object (&json);
    return json_write_end (&json);
}

// ---------------------------------------------------------------------------------------------
//  The page for people

static void
s_describe (const json_field_t *field, char *to, size_t room)
{
    switch (field->type) {
    case JSON_FIELD_TEXT:
        snprintf (to, room, "text, at most %" PRIu64 " bytes", field->most);
        break;
    case JSON_FIELD_SECRET:
        snprintf (to, room, "secret, at most %" PRIu64 " bytes", field->most);
        break;
    case JSON_FIELD_NUMBER:
        snprintf (to, room, "whole number, %" PRIu64 " to %" PRIu64, field->least, field->most);
        break;
    case JSON_FIELD_BOOL:
        snprintf (to, room, "true or false");
        break;
    case JSON_FIELD_TEXTS:
        snprintf (to, room, "at most %" PRIu64 " texts", field->most);
        break;
    case JSON_FIELD_ROWS:
        snprintf (to, room, "%" PRIu64 " to %" PRIu64 " objects", field->least, field->most);
        break;
    case JSON_FIELD_OBJECT:
        snprintf (to, room, "object");
        break;
    }
}

#define REQUIRED "required"

static int
s_put_row (buffer_t *to, const char *path, const char *suffix, const char *type,
           const char *fallback, const char *readers, const char *help)
{
    char row[1000];
    const char *mark = *fallback && strcmp (fallback, REQUIRED) != 0 ? "`" : "";
    int size = snprintf (row, sizeof row, "| `%s%s` | %s | %s%s%s | %s | %s |\n", path, suffix,
                         type, mark, fallback, mark, readers, help);
    return size > 0 && (size_t) size < sizeof row ? buffer_put (to, row, (size_t) size) : -1;
}

static int
s_put_rows (const json_table_t *table, const char *base, const char *const *names, buffer_t *to)
{
    for (const json_field_t *field = table->fields; field->name; field++) {
        char path[PATH_ROOM], type[80], readers[200] = "";
        snprintf (path, sizeof path, "%s%s%s", base, *base ? "." : "", field->name);
        s_describe (field, type, sizeof type);
        for (unsigned bit = 0; names[bit]; bit++)
            if (field->readers & 1u << bit)
                snprintf (readers + strlen (readers), sizeof readers - strlen (readers), "%s%s",
                          *readers ? ", " : "", names[bit]);
        const char *fallback = field->is_required ? REQUIRED
                               : field->fallback  ? field->fallback
                                                  : "";
        if (s_put_row (to, path, "", type, fallback, readers, field->help) != 0)
            return -1;
        if (field->type == JSON_FIELD_SECRET
            && s_put_row (to, path, FILE_SUFFIX, "path", "", readers,
                          "file that holds it, instead of it")
                   != 0)
            return -1;
        if (field->type == JSON_FIELD_ROWS)
            snprintf (path + strlen (path), sizeof path - strlen (path), "[]");
        if (field->table && s_put_rows (field->table, path, names, to) != 0)
            return -1;
    }
    return 0;
}

int
json_table_markdown (const json_table_t *table, const char *const *reader_names, buffer_t *to)
{
    if (buffer_put_string (to, "| member | value | default | read by | meaning |\n"
                               "| --- | --- | --- | --- | --- |\n")
        != 0)
        return -1;
    return s_put_rows (table, "", reader_names, to);
}
