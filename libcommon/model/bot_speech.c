#include "model/bot_speech.h"

#include "json/json_read.h"

#include <json-c/json.h>

//  A tree of so many takes 50 MB, for the moment in which it is read.
#define VALUES_MOST 65536
static const json_limits_t s_limits = { .depth_most = 64, .values_most = VALUES_MOST };

static text_t
s_string (json_object *value)
{
    if (!json_object_is_type (value, json_type_string))
        return TEXT_EMPTY;
    return (text_t){ json_object_get_string (value), (size_t) json_object_get_string_len (value) };
}

static json_object *
s_member (json_object *object, const char *name, json_type type)
{
    json_object *value = NULL;
    if (!json_object_is_type (object, json_type_object)
        || !json_object_object_get_ex (object, name, &value) || !json_object_is_type (value, type))
        return NULL;
    return value;
}

static bool
s_is_trouble (json_object *answer)
{
    static const text_t trouble = TEXT ("TROUBLE_WITH_REQUEST");
    json_object *tag = NULL;
    json_object_object_get_ex (answer, "tag", &tag);
    if (text_is (s_string (tag), trouble))
        return true;
    size_t count = json_object_is_type (tag, json_type_array) ? json_object_array_length (tag) : 0;
    for (size_t index = 0; index < count; index++)
        if (text_is (s_string (json_object_array_get_idx (tag, index)), trouble))
            return true;
    return false;
}

static void
s_clean_displays (json_object *answer)
{
    json_object *displays = s_member (answer, "displays", json_type_array);
    size_t index = displays ? json_object_array_length (displays) : 0;
    while (index-- > 0) {
        json_object *display = json_object_array_get_idx (displays, index);
        text_t type = s_string (s_member (display, "type", json_type_string));
        //  The runtime puts the words of an exception into the `context` of a card.
        if (!json_object_is_type (display, json_type_object)
            || (text_is (type, TEXT ("CARD"))
                && json_object_object_get_ex (display, "context", NULL)))
            json_object_array_del_idx (displays, index, 1);
    }
    if (!displays || json_object_array_length (displays) == 0)
        json_object_object_del (answer, "displays");
}

static void
s_clean_speech (json_object *answer)
{
    json_object *speech = NULL;
    if (!json_object_object_get_ex (answer, "outputSpeech", &speech)
        || json_object_is_type (speech, json_type_string))
        return;
    json_object *chips = s_member (speech, "suggestions", json_type_array);
    size_t index = chips ? json_object_array_length (chips) : 0;
    while (index-- > 0) {
        json_object *chip = json_object_array_get_idx (chips, index);
        if (!json_object_is_type (chip, json_type_string)
            && !s_member (chip, "title", json_type_string))
            json_object_array_del_idx (chips, index, 1);
    }
    if (!json_object_is_type (speech, json_type_object))
        json_object_object_del (answer, "outputSpeech");
    else if (!chips)
        json_object_object_del (speech, "suggestions");
}

//  Takes what the switchboard is asked for. The member itself stays in the answer, whatever it is:
//  a page's own code may know it.
static void
s_read_system (bot_speech_t *self, json_object *answer)
{
    text_t system = s_string (s_member (answer, "system", json_type_string));
    const char *name = NULL;
    if (text_is (system, TEXT ("HANDOFF"))) {
        self->ask = ASK_HANDOFF;
        name = "handoffTargetId";
    } else if (text_is (system, TEXT ("TRANSFER_CALL"))) {
        self->ask = ASK_TRANSFER_CALL;
        name = "transferPhoneNumber";
    }
    json_object *data = s_member (answer, "data", json_type_object);
    json_object *target = name ? s_member (data, name, json_type_string) : NULL;
    if (buffer_put_text (&self->target, s_string (target)) != 0)
        buffer_clear (&self->target); //  longer than a target can be: none
}

//  The bot says itself that it failed: people read these words in place of an answer.
static void
s_read_error (bot_speech_t *self, json_object *answer)
{
    json_object *words = s_member (answer, "errorText", json_type_string);
    if (!words || json_object_get_string_len (words) == 0)
        return;
    self->is_apology = true;
    json_object *speech = json_object_new_object ();
    json_object_object_add (speech, "displayText", json_object_get (words));
    json_object_object_add (answer, "outputSpeech", speech);
}

static bot_speech_fault_t
s_read_object (bot_speech_t *self, json_object *answer)
{
    //  Members that a client can make something of: people read some, a page's own code the others.
    static const char *const names[] = { "outputSpeech", "displays", "system",  "data",
                                         "context",      "media",    "reprompt" };
    //  Bodies by which a bot says that it has nothing to say.
    int members = json_object_object_length (answer);
    text_t status = s_string (s_member (answer, "status", json_type_string));
    if (members == 0
        || (members == 1
            && (text_is (status, TEXT ("complete")) || text_is (status, TEXT ("acknowledged")))))
        return BOT_SPEECH_OK;
    if (s_is_trouble (answer))
        self->is_apology = true;
    s_clean_speech (answer);
    s_clean_displays (answer);
    s_read_system (self, answer);
    s_read_error (self, answer);
    bool has_something = false;
    json_object *value = NULL;
    for (size_t row = 0; row < sizeof names / sizeof *names; row++)
        has_something |= json_object_object_get_ex (answer, names[row], &value) && value;
    bool fits = !has_something || buffer_put_text (&self->data, json_print (answer)) == 0;
    return fits ? BOT_SPEECH_OK : BOT_SPEECH_TOO_LARGE;
}

static bot_speech_fault_t
s_read (bot_speech_t *self, text_t body)
{
    bool has_mark = body.size >= 3 && memcmp (body.data, "\xef\xbb\xbf", 3) == 0;
    text_t json = has_mark ? (text_t){ body.data + 3, body.size - 3 } : body;
    json_reading_t reading;
    //  NULL when the bytes are no JSON that we take, or JSON's null: the fault tells them apart.
    json_object *answer = json_read (json, &s_limits, &reading);
    bot_speech_fault_t fault = BOT_SPEECH_NOT_JSON;
    if (reading.fault == JSON_READ_TOO_MANY)
        fault = BOT_SPEECH_TOO_LARGE;
    else if (reading.fault == JSON_READ_OK)
        fault = json_object_is_type (answer, json_type_object) ? s_read_object (self, answer)
                                                               : BOT_SPEECH_NOT_OBJECT;
    json_object_put (answer);
    return fault;
}

bot_speech_fault_t
bot_speech_read (bot_speech_t *self, text_t body)
{
    *self = (bot_speech_t){ .ask = ASK_NOTHING };
    //  Cleaning adds little, but what was written compactly may be written with escapes.
    buffer_init (&self->data, body.size * 2 + 64);
    buffer_init (&self->target, BOT_TARGET_MAX);
    bot_speech_fault_t fault = body.size > 0 ? s_read (self, body) : BOT_SPEECH_EMPTY;
    if (fault == BOT_SPEECH_OK)
        return fault;
    buffer_clear (&self->data);
    buffer_clear (&self->target);
    self->ask = ASK_NOTHING;
    self->is_apology = false;
    return fault;
}

void
bot_speech_free (bot_speech_t *self)
{
    buffer_free (&self->data);
    buffer_free (&self->target);
}
