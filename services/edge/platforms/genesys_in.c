#include "platforms/genesys_in.h"

#include "base/utf8.h"
#include "json/json_given.h"
#include "json/json_read.h"
#include "platforms/genesys_data.h"

#include <json-c/json.h>

#define TYPING_DEFAULT_MS 5000
#define TYPING_MOST_MS 60000
#define REASON_MOST 200

typedef struct json_object tree_t;

webhook_fault_t
genesys_verify (const genesys_secrets_t *secrets, const genesys_headers_t *headers, text_t body)
{
    webhook_fault_t fault = webhook_genesys_verify (secrets->keys, body, headers->signature);
    webhook_keys_t second = { &secrets->second, 1 };
    bool is_second = !secrets->has_second || webhook_keys_have (second, headers->second);
    if (fault != WEBHOOK_GOOD || is_second)
        return fault;
    return headers->second.size > 0 ? WEBHOOK_WRONG : WEBHOOK_MISSING;
}

// ---------------------------------------------------------------------------------------------

//  Something that can be stored, and shown in a log line.
static text_t
s_word (tree_t *object, const char *name, size_t most)
{
    text_t text;
    bool is_good = json_member_text (object, name, &text) == 1 && text.size <= most
                   && utf8_is_printable (text);
    return is_good ? text : TEXT_EMPTY;
}

//  An event's typing, if it is on.
static bool
s_read_typing (platform_word_t *self, tree_t *event)
{
    tree_t *typing = json_given_object (event, "typing"), *duration = NULL;
    text_t type = s_word (event, "eventType", 40), state = s_word (typing, "type", 40);
    if (!text_is (type, TEXT ("Typing")) || (state.size > 0 && !text_is (state, TEXT ("On"))))
        return false;
    self->duration_ms = TYPING_DEFAULT_MS;
    if (typing && json_object_object_get_ex (typing, "duration", &duration)
        && json_object_is_type (duration, json_type_int)) {
        int64_t ms = json_object_get_int64 (duration);
        if (ms > 0)
            self->duration_ms = ms < TYPING_MOST_MS ? (uint64_t) ms : TYPING_MOST_MS;
    }
    return true;
}

static void
s_read_event (platform_word_t *self)
{
    tree_t *events = json_given_array (self->tree, "events");
    size_t count = events ? json_object_array_length (events) : 0;
    for (size_t at = 0; at < count && at < GENESYS_PARTS_MOST; at++)
        if (s_read_typing (self, json_object_array_get_idx (events, at)))
            self->what = PLATFORM_TYPING;
}

//  Receipts of success say nothing that is not known here.
static void
s_read_receipt (platform_word_t *self)
{
    tree_t *reasons = json_given_array (self->tree, "reasons");
    tree_t *reason =
        reasons && json_object_array_length (reasons) ? json_object_array_get_idx (reasons, 0)
                                                      : NULL;
    text_t code = s_word (reason, "code", REASON_MOST);
    if (!text_is (s_word (self->tree, "status", 40), TEXT ("Failed")) || self->id.size == 0)
        return;
    self->reason = code.size > 0 ? code : s_word (reason, "message", REASON_MOST);
    self->what = PLATFORM_FAILED;
}

//  Somebody has said it, whatever its type is called.
static bool
s_is_message (tree_t *tree, text_t type)
{
    tree_t *text = NULL, *content = json_given_array (tree, "content");
    return text_is (type, TEXT ("Text")) || text_is (type, TEXT ("Structured"))
           || (json_object_object_get_ex (tree, "text", &text)
               && json_object_get_string_len (text) > 0)
           || (content && json_object_array_length (content) > 0);
}

static void
s_read_message (platform_word_t *self, text_t body)
{
    self->what = PLATFORM_SAYS;
    if (self->id.size == 0) { //  the same when the platform sends it again
        webhook_id_of (body, self->made_id);
        self->id = text_of (self->made_id);
    }
    buffer_init (&self->data, GENESYS_DATA_MOST);
    if (genesys_data_write (self->tree, self->id, &self->data) != 0)
        buffer_free (&self->data);
}

const char *
genesys_read (platform_word_t *self, text_t body)
{
    json_reading_t reading;
    self->tree = json_read (body, &(json_limits_t){ .depth_most = 20, .values_most = 5000 },
                            &reading);
    if (!json_object_is_type (self->tree, json_type_object))
        return "The body must be a JSON object";
    tree_t *channel = json_given_object (self->tree, "channel");
    text_t type = s_word (self->tree, "type", 40);
    self->external_id = s_word (json_given_object (channel, "to"), "id", GENESYS_ID_MOST);
    self->id = s_word (self->tree, "id", GENESYS_ID_MOST);
    self->conversation = s_word (self->tree, "conversationId", GENESYS_ID_MOST);
    self->time_ms = json_time_read (s_word (channel, "time", 60));
    if (self->external_id.size == 0)
        return "channel.to.id must be a text of 1 to 200 bytes";
    if (text_is (type, TEXT ("Event")))
        s_read_event (self);
    else if (text_is (type, TEXT ("Receipt")))
        s_read_receipt (self);
    else if (s_is_message (self->tree, type))
        s_read_message (self, body);
    return NULL;
}

void
platform_word_free (platform_word_t *self)
{
    buffer_free (&self->data);
    json_object_put (self->tree);
    self->tree = NULL;
}
