#include "api/list_page.h"

#include "auth/base64url.h"
#include "base/alloc.h"
#include "json/json_read.h"
#include "json/json_write.h"

#include <assert.h>
#include <json-c/json.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define LIMIT "limit"
#define CURSOR "cursor"
#define LIMIT_USUAL 50
#define CURSOR_MOST 4000 //  api_queries.def

struct list_page {
    const api_row_t *row;
    json_object *filter;   //  names and texts
    json_object *position; //  array of texts; NULL: the beginning
    uint64_t limit;
    bool is_backward;
};

// ---------------------------------------------------------------------------------------------
//  Reading

//  The JSON that a cursor stands for; NULL: it is none.
static json_object *
s_decode (text_t cursor)
{
    char bytes[CURSOR_MOST];
    json_reading_t reading;
    size_t size = base64url_read (cursor, bytes, sizeof bytes);
    if (cursor.size > CURSOR_MOST || size == SIZE_MAX)
        return NULL;
    json_limits_t limits = { .depth_most = 3, .values_most = 100 };
    return json_read ((text_t){ bytes, size }, &limits, &reading);
}

//  Are all of its members texts that may stand in the query?
static bool
s_is_filter (const api_row_t *row, json_object *filter)
{
    char room[API_COMPLAINT];
    if (!json_object_is_type (filter, json_type_object))
        return false;
    json_object_object_foreach (filter, name, value)
    {
        text_t text;
        (void) value;
        const api_query_row_t *query = api_query_row (row->operation, text_of (name));
        if (!query || json_member_text (filter, name, &text) != 1
            || api_query_complaint (query, text, room) != NULL)
            return false;
    }
    return true;
}

static bool
s_is_position (json_object *position)
{
    if (!json_object_is_type (position, json_type_array))
        return false;
    size_t count = json_object_array_length (position);
    bool is_good = count > 0 && count <= LIST_POSITION_MOST;
    for (size_t at = 0; is_good && at < count; at++) {
        json_object *part = json_object_array_get_idx (position, at);
        is_good = json_object_is_type (part, json_type_string)
                  && !memchr (json_object_get_string (part), 0,
                              (size_t) json_object_get_string_len (part));
    }
    return is_good;
}

//  What the cursor holds becomes the page's. False: it is none of this list.
static bool
s_take_cursor (list_page_t *self, text_t cursor)
{
    json_object *tree = s_decode (cursor), *operation, *filter, *backward, *position;
    bool is_good = json_object_is_type (tree, json_type_object)
                   && json_object_object_get_ex (tree, "o", &operation)
                   && json_object_is_type (operation, json_type_int)
                   && json_object_get_int64 (operation) == (int64_t) self->row->operation
                   && json_object_object_get_ex (tree, "f", &filter)
                   && s_is_filter (self->row, filter)
                   && json_object_object_get_ex (tree, "b", &backward)
                   && json_object_is_type (backward, json_type_boolean)
                   && json_object_object_get_ex (tree, "p", &position)
                   && s_is_position (position);
    if (is_good) {
        self->filter = json_object_get (filter);
        self->position = json_object_get (position);
        self->is_backward = json_object_get_boolean (backward);
    }
    json_object_put (tree);
    return is_good;
}

//  Takes the query's filter and order, or compares them with those of the cursor.
static const char *
s_take_filter (list_page_t *self, json_object *query)
{
    bool has_cursor = self->filter != NULL;
    if (!has_cursor)
        self->filter = json_object_new_object ();
    if (!query)
        return NULL;
    json_object_object_foreach (query, name, value)
    {
        text_t text, held;
        if (strcmp (name, LIMIT) == 0 || strcmp (name, CURSOR) == 0)
            continue;
        if (!has_cursor)
            json_object_object_add (self->filter, name, json_object_get (value));
        else if (json_member_text (query, name, &text) != 1
                 || json_member_text (self->filter, name, &held) != 1 || !text_is (text, held))
            return "The cursor is of a list with another filter or order";
    }
    return NULL;
}

static const char *
s_check (const api_row_t *row, json_object *query, char room[API_COMPLAINT])
{
    if (!query)
        return NULL;
    if (!json_object_is_type (query, json_type_object))
        return "The query must be an object";
    json_object_object_foreach (query, name, value)
    {
        text_t text;
        (void) value;
        const api_query_row_t *parameter = api_query_row (row->operation, text_of (name));
        if (!parameter || json_member_text (query, name, &text) != 1)
            return "The query has a parameter that is not known here";
        if (api_query_complaint (parameter, text, room))
            return room;
    }
    return NULL;
}

static uint64_t
s_number (text_t digits)
{
    uint64_t number = 0;
    for (size_t at = 0; at < digits.size; at++)
        number = number * 10 + (uint64_t) (digits.data[at] - '0');
    return number;
}

list_page_t *
list_page_new (const api_row_t *row, json_object *query, const char **complaint,
               char room[API_COMPLAINT])
{
    list_page_t *self = alloc_zeroed (sizeof *self);
    text_t limit, cursor;
    self->row = row;
    self->limit = LIMIT_USUAL;
    *complaint = s_check (row, query, room);
    if (!*complaint && json_member_text (query, LIMIT, &limit) == 1)
        self->limit = s_number (limit);
    if (!*complaint && json_member_text (query, CURSOR, &cursor) == 1
        && !s_take_cursor (self, cursor))
        *complaint = "The cursor is none of this list";
    if (!*complaint)
        *complaint = s_take_filter (self, query);
    if (*complaint)
        list_page_destroy (&self);
    return self;
}

void
list_page_destroy (list_page_t **self_p)
{
    list_page_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    json_object_put (self->filter);
    json_object_put (self->position);
    free (self);
}

uint64_t
list_page_limit (const list_page_t *self)
{
    return self->limit;
}

bool
list_page_is_backward (const list_page_t *self)
{
    return self->is_backward;
}

text_t
list_page_filter (const list_page_t *self, const char *name)
{
    text_t text;
    (void) json_member_text (self->filter, name, &text);
    return text;
}

bool
list_page_has (const list_page_t *self, const char *name, const char *value)
{
    return text_is (list_page_filter (self, name), text_of (value));
}

text_t
list_page_position (const list_page_t *self, size_t at)
{
    json_object *part = self->position ? json_object_array_get_idx (self->position, at) : NULL;
    return part ? (text_t){ json_object_get_string (part),
                            (size_t) json_object_get_string_len (part) }
                : TEXT_EMPTY;
}

void
list_page_begin_at (list_page_t *self, uint64_t number)
{
    char digits[24];
    if (self->position)
        return;
    snprintf (digits, sizeof digits, "%llu", (unsigned long long) number);
    self->position = json_object_new_array_ext (1);
    json_object_array_add (self->position, json_object_new_string (digits));
}

// ---------------------------------------------------------------------------------------------
//  Writing

//  As a member; null when there is no position.
static void
s_write_cursor (const list_page_t *self, const char *name, bool is_backward, text_t position,
                json_writer_t *json)
{
    buffer_t bytes;
    json_writer_t cursor;
    char encoded[CURSOR_MOST + 1];
    buffer_init (&bytes, CURSOR_MOST / 4 * 3);
    json_write_begin (&cursor, &bytes);
    json_open_object (&cursor, NULL);
    json_put_number (&cursor, "o", self->row->operation);
    json_put_json (&cursor, "f", json_print (self->filter));
    json_put_bool (&cursor, "b", is_backward);
    json_put_json (&cursor, "p", position);
    json_close_object (&cursor);
    //  A list whose cursor does not fit has a filter that nobody needs: it ends here.
    if (position.size == 0 || json_write_end (&cursor) != 0)
        json_put_json (json, name, TEXT ("null"));
    else {
        sodium_bin2base64 (encoded, sizeof encoded, (const unsigned char *) bytes.data,
                           bytes.size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
        json_put_string (json, name, encoded);
    }
    buffer_free (&bytes);
}

void
list_page_write (const list_page_t *self, const list_items_t *items, buffer_t *to)
{
    json_writer_t json;
    text_t here = self->position ? json_print (self->position) : TEXT_EMPTY;
    text_t first = items->first.size > 0 ? items->first : here;
    text_t last = items->last.size > 0 ? items->last : here;
    //  Where it was read from there is something; ahead there is when the statement says so.
    bool has_next = self->is_backward || items->more;
    bool has_prev = self->is_backward ? items->more : self->position != NULL;
    json_write_begin (&json, to);
    json_open_object (&json, NULL);
    json_put_json (&json, "items", items->items);
    s_write_cursor (self, "next", false, has_next ? last : TEXT_EMPTY, &json);
    s_write_cursor (self, "prev", true, has_prev ? first : TEXT_EMPTY, &json);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0);
}
