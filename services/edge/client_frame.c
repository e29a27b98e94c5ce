#include "client_frame.h"

#include "json_scan.h"
#include "parts/utf8.h"

#include <json-c/json.h>

//  A tree takes 0.3 us and 750 bytes for each value, ten times what the same bytes take as text.
#define VALUES_MOST 8192
//  So much counts as a frame of its own at the client's pace.
#define VALUES_OF_A_FRAME 64
#define BYTES_OF_A_FRAME 4096
#define DEPTH_MAX 32
#define TIME_MAX (1ll << 52)
#define PATH_PARTS_MAX 32
#define PATH_SIZE_MAX 1024

static const frame_fault_row_t s_faults[] = {
#define FAULT(NAME, metric, code, words) { metric, code, words },
#include "frame_faults.def"
#undef FAULT
};

const frame_fault_row_t *
frame_fault_row (frame_fault_t fault)
{
    return &s_faults[fault];
}

static const struct {
    text_t event;
    client_says_t says;
} s_events[] = {
    { { "user joined", 11 }, SAYS_JOINED },
    { { "resume", 6 }, SAYS_RESUME },
    { { "new message", 11 }, SAYS_MESSAGE },
    { { "typing", 6 }, SAYS_TYPING },
    { { "stop typing", 11 }, SAYS_STOP_TYPING },
    { { "barge in", 8 }, SAYS_BARGE_IN },
    { { "barge out", 9 }, SAYS_BARGE_OUT },
};

//  A field that is there and not null.
static bool
s_has (struct json_object *object, const char *name, struct json_object **value)
{
    return json_object_object_get_ex (object, name, value) && *value;
}

static bool
s_text (struct json_object *value, text_t *text)
{
    if (!json_object_is_type (value, json_type_string))
        return false;
    *text = (text_t){ json_object_get_string (value), (size_t) json_object_get_string_len (value) };
    return true;
}

//  An identifier: a string of 1 to `most` bytes without control characters.
static bool
s_id (struct json_object *value, size_t most, text_t *id)
{
    text_t text;
    if (!s_text (value, &text) || text.size == 0 || text.size > most || !utf8_is_printable (text))
        return false;
    *id = text;
    return true;
}

//  A whole number from 0 to `most`; 5.0 is one, too.
static bool
s_number (struct json_object *value, int64_t most, uint64_t *number)
{
    if (json_object_is_type (value, json_type_double)) {
        double real = json_object_get_double (value);
        if (!(real >= 0 && real <= (double) most) || real != (double) (int64_t) real)
            return false;
        *number = (uint64_t) real;
        return true;
    }
    if (!json_object_is_type (value, json_type_int))
        return false;
    int64_t whole = json_object_get_int64 (value);
    if (whole < 0 || whole > most)
        return false;
    *number = (uint64_t) whole;
    return true;
}

static struct json_object *
s_parse (text_t bytes)
{
    struct json_tokener *tokener = json_tokener_new_ex (DEPTH_MAX);
    if (!tokener)
        return NULL;
    json_tokener_set_flags (tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *json = json_tokener_parse_ex (tokener, bytes.data, (int) bytes.size);
    bool whole = json && json_tokener_get_error (tokener) == json_tokener_success
                 && json_scan_is_space (bytes, json_tokener_get_parse_end (tokener))
                 && json_object_is_type (json, json_type_object);
    json_tokener_free (tokener);
    if (!whole) {
        json_object_put (json);
        return NULL;
    }
    return json;
}

static frame_fault_t
s_read_event (client_frame_t *self)
{
    struct json_object *value;
    text_t event;
    if (!s_has (self->json, "event", &value) || !s_text (value, &event))
        return FAULT_EVENT;
    for (size_t row = 0; row < sizeof s_events / sizeof *s_events; row++)
        if (text_is (event, s_events[row].event))
            self->says = s_events[row].says;
    return self->says == SAYS_NOTHING ? FAULT_UNKNOWN_EVENT : FAULT_NONE;
}

static frame_fault_t
s_read_ids (client_frame_t *self)
{
    struct json_object *value;
    if (s_has (self->json, "messageId", &value)
        && !s_id (value, MESSAGE_ID_MAX, &self->message_id))
        return FAULT_MESSAGE_ID;
    if (!s_has (self->json, "sessionId", &value)
        || !s_id (value, SESSION_ID_MAX, &self->session_id))
        return FAULT_SESSION_ID;
    return FAULT_NONE;
}

static frame_fault_t
s_read_numbers (client_frame_t *self)
{
    struct json_object *value;
    if (s_has (self->json, "timeMs", &value) && !s_number (value, TIME_MAX, &self->time_ms))
        return FAULT_TIME;
    bool has = s_has (self->json, "lastSeq", &value);
    if (has && !s_number (value, INT64_MAX - 1, &self->last_seq))
        return FAULT_LAST_SEQ;
    return self->says == SAYS_RESUME && !has ? FAULT_LAST_SEQ : FAULT_NONE;
}

static bool
s_is_path (struct json_object *value)
{
    if (!json_object_is_type (value, json_type_array)
        || json_object_array_length (value) > PATH_PARTS_MAX)
        return false;
    for (size_t at = 0; at < json_object_array_length (value); at++)
        if (!json_object_is_type (json_object_array_get_idx (value, at), json_type_string))
            return false;
    return true;
}

static text_t
s_print (struct json_object *json)
{
    size_t size;
    int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
    const char *printed = json_object_to_json_string_length (json, flags, &size);
    return printed ? (text_t){ printed, size } : TEXT_EMPTY;
}

static frame_fault_t
s_read_path (client_frame_t *self, struct json_object *sender)
{
    struct json_object *attributes, *path;
    if (!s_has (sender, "urlAttributes", &attributes))
        return FAULT_NONE;
    if (!json_object_is_type (attributes, json_type_object))
        return FAULT_PATH;
    if (!s_has (attributes, "path", &path))
        return FAULT_NONE;
    if (!s_is_path (path))
        return FAULT_PATH;
    self->path = s_print (path);
    return self->path.size > PATH_SIZE_MAX ? FAULT_PATH : FAULT_NONE;
}

static frame_fault_t
s_read_sender (client_frame_t *self)
{
    struct json_object *sender, *name;
    if (!s_has (self->json, "sender", &sender))
        return FAULT_NONE;
    if (!json_object_is_type (sender, json_type_object))
        return FAULT_SENDER;
    if (s_has (sender, "displayName", &name)) {
        if (!s_text (name, &self->display_name))
            return FAULT_SENDER;
        self->display_name = utf8_cut (self->display_name, DISPLAY_NAME_MAX);
    }
    return s_read_path (self, sender);
}

static void
s_put_text (struct json_object *object, const char *name, text_t text)
{
    json_object_object_add (object, name,
                            json_object_new_string_len (text.data, (int) text.size));
}

//  What people are shown of a request, "" when nothing.
static text_t
s_raw_query (struct json_object *data)
{
    struct json_object *value;
    text_t text = TEXT_EMPTY;
    if (s_has (data, "rawQuery", &value) && s_text (value, &text) && text.size > 0)
        return text;
    static const char *const stand_ins[] = { "title", "token" };
    if (!s_has (data, "type", &value) || !s_text (value, &text)
        || !text_is (text, TEXT ("OPTION_SELECT_REQUEST")))
        return TEXT_EMPTY;
    for (size_t at = 0; at < sizeof stand_ins / sizeof *stand_ins; at++)
        if (s_has (data, stand_ins[at], &value) && s_text (value, &text) && text.size > 0) {
            s_put_text (data, "rawQuery", text);
            return text;
        }
    return TEXT_EMPTY;
}

static frame_fault_t
s_read_data (client_frame_t *self, text_t user)
{
    struct json_object *data, *token;
    if (!s_has (self->json, "data", &data))
        return self->says == SAYS_MESSAGE ? FAULT_DATA : FAULT_NONE;
    if (!json_object_is_type (data, json_type_object))
        return FAULT_DATA;
    if (self->says != SAYS_MESSAGE)
        return FAULT_NONE;

    if (s_has (data, "accessToken", &token)) {
        if (!s_text (token, &self->secret))
            return FAULT_ACCESS_TOKEN;
        //  Kept alive beside the data, out of it.
        json_object_object_add (self->json, "accessToken", json_object_get (token));
    }
    json_object_object_del (data, "accessToken");
    s_put_text (data, "sessionId", self->session_id);
    s_put_text (data, "userId", user);
    self->quiet = s_raw_query (data).size == 0;
    self->data = s_print (data);
    return self->data.size > 0 ? FAULT_NONE : FAULT_DATA;
}

frame_fault_t
client_frame_read (client_frame_t *self, text_t bytes, text_t user)
{
    *self = (client_frame_t){ .cost = 1,
                              .last_seq = SEQ_UNKNOWN,
                              .session_id = TEXT_EMPTY,
                              .message_id = TEXT_EMPTY,
                              .display_name = TEXT_EMPTY,
                              .path = TEXT_EMPTY,
                              .data = TEXT_EMPTY,
                              .secret = TEXT_EMPTY };
    if (!utf8_is_valid (bytes))
        return FAULT_NOT_UTF8;
    if (bytes.size > INT32_MAX || memchr (bytes.data, 0, bytes.size))
        return FAULT_NOT_JSON;
    size_t values = json_scan_values (bytes);
    self->cost = (unsigned) (1 + bytes.size / BYTES_OF_A_FRAME + values / VALUES_OF_A_FRAME);
    if (values > VALUES_MOST)
        return FAULT_VALUES;
    self->json = s_parse (bytes);
    if (!self->json)
        return FAULT_NOT_JSON;

    frame_fault_t fault = s_read_event (self);
    frame_fault_t next = s_read_ids (self);
    if (fault == FAULT_NONE)
        fault = next;
    if (fault == FAULT_NONE)
        fault = json_scan (bytes);
    if (fault == FAULT_NONE)
        fault = s_read_numbers (self);
    if (fault == FAULT_NONE)
        fault = s_read_sender (self);
    if (fault == FAULT_NONE)
        fault = s_read_data (self, user);
    return fault;
}

void
client_frame_free (client_frame_t *self)
{
    json_object_put (self->json);
    self->json = NULL;
}
