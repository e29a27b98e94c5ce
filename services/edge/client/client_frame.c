#include "client/client_frame.h"

#include "json/json_members.h"
#include "json/json_read.h"
#include "base/utf8.h"
#include "model/message.h"

#include <json-c/json.h>

//  So much counts as a frame of its own at the client's pace: a tree costs ten times what the same
//  bytes cost as text.
#define VALUES_OF_A_FRAME 64
#define BYTES_OF_A_FRAME 4096
static const json_limits_t s_limits = { .depth_most = 32, .values_most = 8192 };
#define TIME_MAX (1ll << 52)
#define PATH_PARTS_MAX 32
#define PATH_SIZE_MAX 1024
#define QUERY_SIZE_MAX 1024
#define EMAIL_MAX 254
#define AVATAR_MAX 1000

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
    { { "read", 4 }, SAYS_READ },
    { { "whisper", 7 }, SAYS_WHISPER },
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

//  A whole number from 0 to `most`; 5.0 is one, too, as far as a double counts in ones.
#define REAL_MOST 0x1p53
static bool
s_number (struct json_object *value, int64_t most, uint64_t *number)
{
    if (json_object_is_type (value, json_type_double)) {
        double real = json_object_get_double (value);
        if (!(real >= 0 && real <= REAL_MOST && real <= (double) most)
            || real != (double) (int64_t) real)
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

static frame_fault_t
s_parse (client_frame_t *self, text_t bytes)
{
    static const frame_fault_t faults[] = {
        [JSON_READ_OK] = FAULT_NONE,           [JSON_READ_NOT_UTF8] = FAULT_NOT_UTF8,
        [JSON_READ_NOT_JSON] = FAULT_NOT_JSON, [JSON_READ_TOO_DEEP] = FAULT_DEPTH,
        [JSON_READ_TOO_MANY] = FAULT_VALUES,   [JSON_READ_NUL_IN_NAME] = FAULT_NUL_IN_KEY,
        [JSON_READ_NUMBER] = FAULT_NUMBER
    };
    json_reading_t reading;
    self->json = json_read (bytes, &s_limits, &reading);
    self->cost += (unsigned) (reading.values / VALUES_OF_A_FRAME);
    if (reading.fault != JSON_READ_OK)
        return faults[reading.fault];
    return json_object_is_type (self->json, json_type_object) ? FAULT_NONE : FAULT_NOT_JSON;
}

//  A string as it stands in the text, when it has no escapes: "" when it is none or has some.
static text_t
s_plain_string (text_t value, size_t most)
{
    if (value.size < 2 || value.data[0] != '"' || memchr (value.data, '\\', value.size))
        return TEXT_EMPTY;
    text_t text = { value.data + 1, value.size - 2 };
    return text.size <= most && utf8_is_printable (text) ? text : TEXT_EMPTY;
}

static client_says_t
s_says (text_t event)
{
    for (size_t row = 0; row < sizeof s_events / sizeof *s_events; row++)
        if (text_is (event, s_events[row].event))
            return s_events[row].says;
    return SAYS_NOTHING;
}

//  Reads the event and the ids of a frame that cannot be parsed, as far as its members can be told
//  apart: the refusal names the message.
static void
s_read_refused (client_frame_t *self, text_t bytes)
{
    json_members_t all = json_members_of (bytes);
    text_t name, value;
    while (json_members_next (&all, &name, &value))
        if (text_is (name, TEXT ("event")))
            self->says = s_says (s_plain_string (value, 32));
        else if (text_is (name, TEXT ("messageId")))
            self->message_id = s_plain_string (value, MESSAGE_ID_MAX);
        else if (text_is (name, TEXT ("sessionId")))
            self->session_id = s_plain_string (value, SESSION_ID_MAX);
}

//  The event, the ids and the numbers: all that frames of every kind have. The ids are read even if
//  the event is wrong.
static frame_fault_t
s_read_head (client_frame_t *self)
{
    struct json_object *value;
    text_t event = TEXT_EMPTY;
    bool has_event = s_has (self->json, "event", &value) && s_text (value, &event);
    self->says = s_says (event);
    bool is_named = !s_has (self->json, "messageId", &value)
                    || (s_id (value, MESSAGE_ID_MAX, &self->message_id)
                        && message_id_is_good (self->message_id));
    bool has_session = s_has (self->json, "sessionId", &value)
                       && s_id (value, SESSION_ID_MAX, &self->session_id);
    if (!has_event)
        return FAULT_EVENT;
    if (self->says == SAYS_NOTHING)
        return FAULT_UNKNOWN_EVENT;
    if (!is_named)
        return FAULT_MESSAGE_ID;
    if (!has_session)
        return FAULT_SESSION_ID;
    if (s_has (self->json, "timeMs", &value) && !s_number (value, TIME_MAX, &self->time_ms))
        return FAULT_TIME;
    bool has_seq = s_has (self->json, "lastSeq", &value);
    if (has_seq && !s_number (value, INT64_MAX - 1, &self->last.seq))
        return FAULT_LAST_SEQ;
    if (self->says == SAYS_READ
        && (!s_has (self->json, "seq", &value) || !s_number (value, INT64_MAX - 1, &self->seq)))
        return FAULT_SEQ;
    text_t check = TEXT_EMPTY;
    if (self->says == SAYS_RESUME && s_has (self->json, "check", &value)
        && (!s_text (value, &check) || log_check_read (check, &self->last.check) != 0))
        return FAULT_CHECK;
    if (self->says == SAYS_RESUME && s_has (self->json, "join", &value)) {
        if (!json_object_is_type (value, json_type_boolean))
            return FAULT_JOIN;
        self->joins = json_object_get_boolean (value);
    }
    bool is_order = self->says == SAYS_BARGE_IN || self->says == SAYS_BARGE_OUT;
    if (is_order && s_has (self->json, "version", &value)
        && !s_number (value, INT64_MAX - 1, &self->version))
        return FAULT_VERSION;
    return self->says == SAYS_RESUME && !has_seq ? FAULT_LAST_SEQ : FAULT_NONE;
}

//  What people may be shown of a visitor. What is not of its form is left out: it goes with every
//  message, and none of them needs it. A path or name of another type is refused.
static bool
s_is_path (struct json_object *value, bool *is_showable)
{
    *is_showable = true;
    if (!json_object_is_type (value, json_type_array)
        || json_object_array_length (value) > PATH_PARTS_MAX)
        return false;
    for (size_t at = 0; at < json_object_array_length (value); at++) {
        text_t part;
        if (!s_text (json_object_array_get_idx (value, at), &part))
            return false;
        *is_showable = *is_showable && utf8_is_showable (part);
    }
    return true;
}

static text_t
s_query (struct json_object *attributes)
{
    struct json_object *query;
    if (!s_has (attributes, "query", &query) || !json_object_is_type (query, json_type_object))
        return TEXT_EMPTY;
    json_object_object_foreach (query, name, value)
    {
        text_t text;
        if (!utf8_is_showable (text_of (name)) || !s_text (value, &text)
            || !utf8_is_showable (text))
            return TEXT_EMPTY;
    }
    text_t printed = json_print (query);
    return printed.size <= QUERY_SIZE_MAX ? printed : TEXT_EMPTY;
}

static text_t
s_email (struct json_object *sender)
{
    struct json_object *value;
    text_t email = TEXT_EMPTY;
    if (!s_has (sender, "email", &value) || !s_id (value, EMAIL_MAX, &email)
        || !utf8_is_showable (email))
        return TEXT_EMPTY;
    const char *at = memchr (email.data, '@', email.size);
    bool is_one = at && at > email.data && at < email.data + email.size - 1
                  && !memchr (email.data, ' ', email.size);
    return is_one ? email : TEXT_EMPTY;
}

//  A picture of the web, or of the site itself: no script, no data.
static text_t
s_avatar (struct json_object *sender)
{
    struct json_object *value;
    text_t path = TEXT_EMPTY;
    if (!s_has (sender, "avatarPath", &value) || !s_id (value, AVATAR_MAX, &path)
        || !utf8_is_showable (path))
        return TEXT_EMPTY;
    bool is_one = path.data[0] == '/' || strncasecmp (path.data, "https://", 8) == 0
                  || strncasecmp (path.data, "http://", 7) == 0;
    return is_one ? path : TEXT_EMPTY;
}

static frame_fault_t
s_read_path (client_frame_t *self, struct json_object *sender)
{
    struct json_object *attributes, *path;
    bool is_showable;
    if (!s_has (sender, "urlAttributes", &attributes))
        return FAULT_NONE;
    if (!json_object_is_type (attributes, json_type_object))
        return FAULT_PATH;
    self->visitor.query = s_query (attributes);
    if (!s_has (attributes, "path", &path))
        return FAULT_NONE;
    if (!s_is_path (path, &is_showable))
        return FAULT_PATH;
    text_t printed = json_print (path);
    if (printed.size > PATH_SIZE_MAX)
        return FAULT_PATH;
    if (is_showable)
        self->visitor.path = printed;
    return FAULT_NONE;
}

static frame_fault_t
s_read_name (client_frame_t *self, struct json_object *sender)
{
    struct json_object *value;
    text_t name;
    if (!s_has (sender, "displayName", &value))
        return FAULT_NONE;
    if (!s_text (value, &name))
        return FAULT_SENDER;
    if (utf8_is_showable (name))
        self->visitor.name = utf8_cut (name, DISPLAY_NAME_MAX);
    return FAULT_NONE;
}

static frame_fault_t
s_read_sender (client_frame_t *self)
{
    struct json_object *sender;
    if (!s_has (self->json, "sender", &sender))
        return FAULT_NONE;
    if (!json_object_is_type (sender, json_type_object))
        return FAULT_SENDER;
    frame_fault_t fault = s_read_name (self, sender);
    self->visitor.email = s_email (sender);
    self->visitor.avatar = s_avatar (sender);
    return fault == FAULT_NONE ? s_read_path (self, sender) : fault;
}

static frame_fault_t
s_read_data (client_frame_t *self, text_t user)
{
    static const frame_fault_t faults[] = {
        [MESSAGE_OK] = FAULT_NONE,
        [MESSAGE_DATA] = FAULT_DATA,
        [MESSAGE_ACCESS_TOKEN] = FAULT_ACCESS_TOKEN,
        [MESSAGE_TEXT_TYPE] = FAULT_TEXT_TYPE,
    };
    struct json_object *data;
    bool has_data = s_has (self->json, "data", &data);
    bool is_whisper = self->says == SAYS_WHISPER;
    if (self->says != SAYS_MESSAGE && !is_whisper)
        return !has_data || json_object_is_type (data, json_type_object) ? FAULT_NONE
                                                                         : FAULT_DATA;
    message_t message;
    message_fault_t fault = message_read (&message, self->json, self->session_id, user);
    self->data = message.data;
    self->secret = is_whisper ? TEXT_EMPTY : message.secret; //  it is for a bot
    self->text_size = message.text_size;
    self->hidden = message.hidden;
    return fault == MESSAGE_OK && is_whisper && message.hidden ? FAULT_WHISPER : faults[fault];
}

frame_fault_t
client_frame_read (client_frame_t *self, text_t bytes, text_t user)
{
    *self = (client_frame_t){ .cost = (unsigned) (1 + bytes.size / BYTES_OF_A_FRAME),
                              .last = LOG_POSITION_UNKNOWN,
                              .version = SEQ_UNKNOWN,
                              .session_id = TEXT_EMPTY,
                              .message_id = TEXT_EMPTY,
                              .visitor = VISITOR_UNKNOWN,
                              .data = TEXT_EMPTY,
                              .secret = TEXT_EMPTY };
    frame_fault_t fault = s_parse (self, bytes);
    if (fault != FAULT_NONE) {
        if (fault != FAULT_NOT_UTF8)
            s_read_refused (self, bytes);
        return fault;
    }
    fault = s_read_head (self);
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
