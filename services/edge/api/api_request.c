#include "api/api_request.h"

#include "base/percent.h"
#include "base/utf8.h"
#include "net/client_url.h"

#include <stdio.h>

#define NAME_MOST 40
#define VALUE_MOST 4000

//  The parameter's text, decoded into its room. False: it cannot be one.
static bool
s_take_parameter (api_request_t *self, api_parameter_t parameter, text_t raw)
{
    char decoded[3 * API_PARAMETER_MAX];
    if (raw.size > sizeof decoded)
        return false;
    long size = percent_decode (raw, false, decoded);
    text_t text = { decoded, size > 0 ? (size_t) size : 0 };
    if (text.size == 0 || text.size > api_parameter_most (parameter) || !utf8_is_valid (text)
        || !utf8_is_printable (text))
        return false;
    memcpy (self->rooms[parameter], text.data, text.size);
    self->parameters[parameter] = (text_t){ self->rooms[parameter], text.size };
    return true;
}

// ---------------------------------------------------------------------------------------------
//  The query

typedef struct {
    char name_room[NAME_MOST], value_room[VALUE_MOST];
    text_t name, value;
} pair_t;

//  The query's first pair, which is taken off it. False: the query is empty.
static bool
s_next (text_t *query, text_t *pair)
{
    if (query->size == 0)
        return false;
    const char *end = memchr (query->data, '&', query->size);
    size_t size = end ? (size_t) (end - query->data) : query->size;
    *pair = (text_t){ query->data, size };
    size_t skip = end ? size + 1 : size;
    *query = (text_t){ query->data + skip, query->size - skip };
    return true;
}

//  False: it is badly encoded or too large.
static bool
s_decode (text_t raw, char *room, size_t most, text_t *text)
{
    long size = raw.size <= most ? percent_decode (raw, true, room) : -1;
    *text = (text_t){ room, size > 0 ? (size_t) size : 0 };
    return size >= 0 && utf8_is_valid (*text) && utf8_is_printable (*text);
}

static bool
s_read_pair (pair_t *self, text_t pair)
{
    const char *equals = memchr (pair.data, '=', pair.size);
    size_t size = equals ? (size_t) (equals - pair.data) : pair.size;
    text_t value = { equals ? equals + 1 : "", equals ? pair.size - size - 1 : 0 };
    return s_decode ((text_t){ pair.data, size }, self->name_room, NAME_MOST, &self->name)
           && s_decode (value, self->value_room, VALUE_MOST, &self->value);
}

//  Those that say who asks are read elsewhere (client_url.h).
static const char *
s_check_query (const api_row_t *row, text_t query, char room[API_COMPLAINT])
{
    pair_t pair;
    text_t raw;
    const char *complaint = NULL;
    const api_query_row_t *seen[16];
    size_t count = 0;
    while (!complaint && s_next (&query, &raw)) {
        if (raw.size == 0)
            continue;
        if (!s_read_pair (&pair, raw))
            return "The query is badly encoded, or a part of it is too long";
        if (client_url_has (pair.name))
            continue;
        const api_query_row_t *parameter = api_query_row (row->operation, pair.name);
        if (!parameter) {
            snprintf (room, API_COMPLAINT, "There is no parameter %.*s here",
                      TEXT_ARGS (pair.name));
            return room;
        }
        for (size_t at = 0; at < count; at++)
            if (seen[at] == parameter || count == sizeof seen / sizeof *seen) {
                snprintf (room, API_COMPLAINT, "%s is there twice", parameter->name);
                return room;
            }
        seen[count++] = parameter;
        complaint = api_query_complaint (parameter, pair.value, room);
    }
    return complaint;
}

static void
s_write_query (const api_request_t *self, json_writer_t *json)
{
    pair_t pair;
    text_t query = self->query, raw;
    bool is_open = false;
    while (s_next (&query, &raw)) {
        if (raw.size == 0 || !s_read_pair (&pair, raw))
            continue;
        const api_query_row_t *row = api_query_row (self->row->operation, pair.name);
        if (!row || client_url_has (pair.name))
            continue;
        if (!is_open)
            json_open_object (json, "query");
        is_open = true;
        json_put_text (json, row->name, pair.value);
    }
    if (is_open)
        json_close_object (json);
}

text_t
api_request_query (const api_request_t *self, const char *name, char *room)
{
    pair_t pair;
    text_t query = self->query, raw;
    while (s_next (&query, &raw)) {
        if (!s_read_pair (&pair, raw) || !text_is (pair.name, text_of (name)))
            continue;
        memcpy (room, pair.value.data, pair.value.size);
        return (text_t){ room, pair.value.size };
    }
    return TEXT_EMPTY;
}

// ---------------------------------------------------------------------------------------------
//  Headers

static bool
s_is_key (text_t key)
{
    for (size_t at = 0; at < key.size; at++)
        if (key.data[at] <= ' ' || key.data[at] > '~')
            return false;
    return key.size <= API_KEY_MOST;
}

//  One strong entity tag, of which the quotes go: a session has no weak ones, and `*` says nothing
//  that the path does not say.
static bool
s_take_tag (text_t *tag)
{
    if (tag->size == 0)
        return true;
    if (tag->size < 3 || tag->size > API_ETAG_MOST || tag->data[0] != '"'
        || tag->data[tag->size - 1] != '"' || !s_is_key (*tag))
        return false;
    *tag = (text_t){ tag->data + 1, tag->size - 2 };
    return !memchr (tag->data, '"', tag->size);
}

//  The one field of this name, which says something; empty: there is none. False: it is there
//  twice, or says nothing.
static bool
s_take_field (const http_head_t *head, const char *name, text_t *value)
{
    unsigned at = 0;
    text_t first;
    bool is_there = http_head_field (head, name, &at, &first);
    return http_head_only (head, name, value) == 0 && (!is_there || value->size > 0);
}

const char *
api_request_read (api_request_t *self, const api_match_t *match, const http_head_t *head,
                  char room[API_COMPLAINT])
{
    *self = (api_request_t){ .row = match->row, .query = head->query };
    for (api_parameter_t at = 0; at < API_PARAMETERS; at++) {
        self->parameters[at] = TEXT_EMPTY;
        if (match->parameters[at].size == 0 || s_take_parameter (self, at, match->parameters[at]))
            continue;
        snprintf (room, API_COMPLAINT,
                  "{%s} of the path is 1 to %zu bytes without control characters",
                  api_parameter_name (at), api_parameter_most (at));
        return room;
    }
    if (!s_take_field (head, "Idempotency-Key", &self->key) || !s_is_key (self->key))
        return "An Idempotency-Key has 1 to 200 printable ASCII characters and no blank";
    if (!s_take_field (head, "If-Match", &self->if_match) || !s_take_tag (&self->if_match))
        return "If-Match must have one entity tag as ETag had it, with its quotes";
    return s_check_query (match->row, head->query, room);
}

void
api_request_write (const api_request_t *self, json_writer_t *json)
{
    for (api_parameter_t at = 0; at < API_PARAMETERS; at++)
        json_put_text_if (json, api_parameter_name (at), self->parameters[at]);
    s_write_query (self, json);
    json_put_text_if (json, "key", self->key);
    json_put_text_if (json, "ifMatch", self->if_match);
}
