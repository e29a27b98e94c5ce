#include "model/message.h"

#include "base/utf8.h"
#include "json/json_members.h"
#include "json/json_read.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdio.h>

#define ACCESS_TOKEN_MAX 8192
#define NAME_SHOWN 60 //  bytes of a member's name that a complaint has

//  A member that is there and not null.
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
    *text =
        (text_t){ json_object_get_string (value), (size_t) json_object_get_string_len (value) };
    return true;
}

static void
s_put_text (struct json_object *object, const char *name, text_t text)
{
    json_object_object_add (object, name,
                            json_object_new_string_len (text.data, (int) text.size));
}

//  The longest of the texts that a bot or a person is given to read. What is no string is refused:
//  it would pass by the limit, which measures strings.
static message_fault_t
s_read_texts (message_t *self, struct json_object *data)
{
    static const char *const names[] = { "rawQuery", "title", "token" };
    struct json_object *value;
    text_t text;
    for (size_t row = 0; row < sizeof names / sizeof *names; row++) {
        if (!s_has (data, names[row], &value))
            continue;
        if (!s_text (value, &text))
            return MESSAGE_TEXT_TYPE;
        if (text.size > self->text_size)
            self->text_size = text.size;
    }
    return MESSAGE_OK;
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

message_fault_t
message_read (message_t *self, struct json_object *object, text_t session_id, text_t user)
{
    *self = (message_t){ .message_id = TEXT_EMPTY, .data = TEXT_EMPTY, .secret = TEXT_EMPTY };
    struct json_object *data, *token;
    if (!s_has (object, "data", &data) || !json_object_is_type (data, json_type_object))
        return MESSAGE_DATA;
    if (s_has (data, "accessToken", &token)) {
        if (!s_text (token, &self->secret) || self->secret.size > ACCESS_TOKEN_MAX
            || !utf8_is_printable (self->secret))
            return MESSAGE_ACCESS_TOKEN;
        //  Kept alive beside the data, out of it.
        json_object_object_add (object, "accessToken", json_object_get (token));
    }
    json_object_object_del (data, "accessToken");
    message_fault_t fault = s_read_texts (self, data);
    if (fault != MESSAGE_OK)
        return fault;
    s_put_text (data, "sessionId", session_id);
    s_put_text (data, "userId", user);
    self->hidden = s_raw_query (data).size == 0;
    self->data = json_print (data);
    return self->data.size > 0 ? MESSAGE_OK : MESSAGE_DATA;
}

void
message_put_user (text_t data, text_t user, buffer_t *to)
{
    json_reading_t reading;
    struct json_object *tree = json_read (
        data, &(json_limits_t){ .depth_most = JSON_DEPTH_MOST, .values_most = SIZE_MAX }, &reading);
    if (json_object_is_type (tree, json_type_object)) {
        s_put_text (tree, "userId", user);
        int rc = buffer_put_text (to, json_print (tree));
        assert (rc == 0); //  the caller's room is for the data and the user
    }
    json_object_put (tree);
}

//  As search_text of the database has it, but for words that are only HTML.
static text_t
s_words (struct json_object *data)
{
    struct json_object *value;
    text_t text = TEXT_EMPTY;
    if (s_has (data, "rawQuery", &value))
        (void) s_text (value, &text);
    else if (s_has (data, "outputSpeech", &value) && !s_text (value, &text))
        (void) json_member_text (value, "displayText", &text);
    return text;
}

//  What is typed is found without a tree: of each message of a session whose bot is away the words
//  are kept. False: json-c is to look.
static bool
s_typed (text_t data, text_t *words)
{
    json_members_t members = json_members_of (data);
    text_t name, value;
    bool is_found = false;
    while (json_members_next (&members, &name, &value)) {
        if (memchr (name.data, '\\', name.size))
            return false;
        if (!text_is (name, TEXT ("rawQuery")))
            continue;
        if (value.size < 2 || *value.data != '"' || memchr (value.data, '\\', value.size))
            return false;
        *words = (text_t){ value.data + 1, value.size - 2 };
        is_found = true;
    }
    return is_found;
}

bool
message_put_words (text_t data, size_t most, buffer_t *to)
{
    text_t typed;
    if (s_typed (data, &typed)) {
        text_t start = utf8_cut (typed, most);
        int put = buffer_put_text (to, start);
        assert (put == 0);
        return start.size < typed.size;
    }
    json_reading_t reading;
    struct json_object *tree = json_read (
        data, &(json_limits_t){ .depth_most = JSON_DEPTH_MOST, .values_most = SIZE_MAX }, &reading);
    text_t words = json_object_is_type (tree, json_type_object) ? s_words (tree) : TEXT_EMPTY;
    text_t kept = utf8_cut (words, most);
    int rc = buffer_put_text (to, kept);
    assert (rc == 0);
    json_object_put (tree);
    return kept.size < words.size;
}

bool
message_id_is_good (text_t message_id)
{
    return message_id.size > 0 && message_id.size <= MESSAGE_ID_MAX
           && utf8_is_printable (message_id) && !message_id_is_reserved (message_id);
}

// ---------------------------------------------------------------------------------------------
//  A body

static const char *
s_unknown (text_t name, char room[MESSAGE_COMPLAINT])
{
    snprintf (room, MESSAGE_COMPLAINT, "The body has a member that is not known: \"%.*s\"",
              TEXT_ARGS (utf8_cut (name, NAME_SHOWN)));
    return room;
}

const char *
message_read_body (message_t *self, struct json_object *body, text_t session_id, text_t user,
                   char room[MESSAGE_COMPLAINT])
{
    static const char *const faults[] = {
        [MESSAGE_OK] = NULL,
        [MESSAGE_DATA] = "data must be an object",
        [MESSAGE_ACCESS_TOKEN] =
            "data.accessToken must be a string of at most 8192 bytes without control characters",
        [MESSAGE_TEXT_TYPE] = "data.rawQuery, data.title and data.token must be strings",
    };
    struct json_object *id = NULL, *text = NULL, *data = NULL;
    text_t message_id, words;
    if (!json_object_is_type (body, json_type_object))
        return "The body must be a JSON object";
    json_object_object_foreach (body, name, value)
    {
        (void) value;
        if (strcmp (name, "messageId") != 0 && strcmp (name, "text") != 0
            && strcmp (name, "data") != 0 && strcmp (name, "as") != 0)
            return s_unknown (text_of (name), room);
    }
    message_id = TEXT_EMPTY;
    if (json_object_object_get_ex (body, "messageId", &id)
        && (!s_text (id, &message_id) || !message_id_is_good (message_id)))
        return "messageId must be a string of 1 to 100 bytes, not begin with a colon, and have "
               "no "
               "control characters";
    bool has_text = json_object_object_get_ex (body, "text", &text);
    if (has_text == json_object_object_get_ex (body, "data", &data))
        return "The body must have either text or data";
    if (has_text && (!s_text (text, &words) || words.size == 0))
        return "text must be a string that is not empty";
    if (has_text) {
        data = json_object_new_object ();
        s_put_text (data, "type", TEXT ("INTENT_REQUEST"));
        s_put_text (data, "rawQuery", words);
        json_object_object_add (body, "data", data);
    }
    const char *complaint = faults[message_read (self, body, session_id, user)];
    self->message_id = message_id;
    return complaint;
}
