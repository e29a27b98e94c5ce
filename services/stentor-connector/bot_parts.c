#include "bot_parts.h"

#include "json/json_read.h"

#include <json-c/json.h>
#include <stdio.h>
#include <strings.h>

static const json_limits_t s_limits = { .depth_most = 64, .values_most = 65536 };

parts_form_t
parts_form_of (text_t content_type)
{
    static const struct {
        text_t type;
        parts_form_t form;
    } s_types[] = {
        { TEXT ("application/x-ndjson"), PARTS_LINES },
        { TEXT ("text/event-stream"), PARTS_EVENTS },
    };
    const char *end = content_type.size ? memchr (content_type.data, ';', content_type.size) : NULL;
    size_t size = end ? (size_t) (end - content_type.data) : content_type.size;
    while (size > 0 && (content_type.data[size - 1] == ' ' || content_type.data[size - 1] == '\t'))
        size--;
    for (size_t row = 0; row < sizeof s_types / sizeof *s_types; row++)
        if (size == s_types[row].type.size
            && strncasecmp (content_type.data, s_types[row].type.data, size) == 0)
            return s_types[row].form;
    return PARTS_NONE;
}

void
bot_parts_init (bot_parts_t *self, parts_form_t form, size_t most)
{
    *self = (bot_parts_t){ .form = form, .failure = BOT_FAILURES };
    buffer_init (&self->said, most);
    buffer_init (&self->data, most);
    buffer_init (&self->whole, most);
}

void
bot_parts_free (bot_parts_t *self)
{
    buffer_free (&self->said);
    buffer_free (&self->data);
    buffer_free (&self->whole);
}

// ---------------------------------------------------------------------------------------------
//  One object

static void
s_fail (bot_parts_t *self, bot_failure_t failure)
{
    self->failure = failure;
}

static void
s_take_object (bot_parts_t *self, json_object *object, text_t json, bool is_done)
{
    json_object *delta = NULL;
    if (is_done || !json_object_object_get_ex (object, "delta", &delta)) {
        if (buffer_put_text (&self->whole, json) != 0)
            s_fail (self, BOT_TOO_LARGE);
        return;
    }
    if (!json_object_is_type (delta, json_type_string)) {
        s_fail (self, BOT_PART_NO_TEXT);
        return;
    }
    size_t size = (size_t) json_object_get_string_len (delta);
    if (buffer_put (&self->said, json_object_get_string (delta), size) != 0)
        s_fail (self, BOT_TOO_LARGE);
}

static void
s_take_json (bot_parts_t *self, text_t json, bool is_done)
{
    json_reading_t reading;
    json_object *object = json_read (json, &s_limits, &reading);
    if (reading.fault == JSON_READ_TOO_MANY)
        s_fail (self, BOT_TOO_LARGE);
    else if (reading.fault != JSON_READ_OK)
        s_fail (self, BOT_PART_NOT_JSON);
    else if (!json_object_is_type (object, json_type_object))
        s_fail (self, BOT_PART_NO_OBJECT);
    else
        s_take_object (self, object, json, is_done);
    json_object_put (object);
}

// ---------------------------------------------------------------------------------------------
//  Lines

static bool
s_is_blank (text_t line)
{
    for (size_t at = 0; at < line.size; at++)
        if (line.data[at] != ' ' && line.data[at] != '\t')
            return false;
    return true;
}

//  A blank line ends an event.
static void
s_end_event (bot_parts_t *self)
{
    bool is_done = strcmp (self->name, "done") == 0;
    bool counts = is_done || !*self->name || strcmp (self->name, "part") == 0
                  || strcmp (self->name, "message") == 0;
    if (self->has_data && counts)
        s_take_json (self, buffer_text (&self->data), is_done);
    buffer_clear (&self->data);
    self->has_data = false;
    self->name[0] = '\0';
}

//  A field of an event. Those that are not known are ignored, as the format asks.
static void
s_take_field (bot_parts_t *self, text_t line)
{
    const char *colon = memchr (line.data, ':', line.size);
    size_t size = colon ? (size_t) (colon - line.data) : line.size;
    text_t name = { line.data, size };
    size_t skip = colon ? size + 1 : size;
    skip += skip < line.size && colon && line.data[skip] == ' ';
    text_t value = { line.data + skip, line.size - skip };
    if (text_is (name, TEXT ("event"))) //  one that is too long is none of those that count
        snprintf (self->name, sizeof self->name, "%.*s", value.size < 8 ? (int) value.size : 1,
                  value.size < 8 ? value.data : "?");
    if (!text_is (name, TEXT ("data")))
        return;
    if ((self->has_data && buffer_put_string (&self->data, "\n") != 0)
        || buffer_put_text (&self->data, value) != 0)
        s_fail (self, BOT_TOO_LARGE);
    self->has_data = true;
}

static void
s_take_line (bot_parts_t *self, text_t line)
{
    if (self->lines == PARTS_MOST)
        s_fail (self, BOT_TOO_MANY_PARTS);
    else if (self->form == PARTS_EVENTS && line.size > 0)
        s_take_field (self, line);
    else if (self->form == PARTS_EVENTS)
        s_end_event (self);
    else if (!s_is_blank (line))
        s_take_json (self, line, false);
    self->lines++;
}

//  The line at the beginning of what is not read, without its end; `skip` is with it. False: its
//  end has not come. A carriage return ends a line, too; whether a line feed belongs to it is not
//  known while it is the last byte.
static bool
s_next_line (bot_parts_t *self, text_t body, bool is_end, text_t *line, size_t *skip)
{
    for (size_t at = self->looked_at; at < body.size; at++) {
        bool is_return = body.data[at] == '\r';
        if (!is_return && body.data[at] != '\n')
            continue;
        if (is_return && at + 1 == body.size && !is_end) {
            self->looked_at = at;
            return false;
        }
        *line = (text_t){ body.data + self->read, at - self->read };
        *skip = at + 1 + (is_return && at + 1 < body.size && body.data[at + 1] == '\n');
        return true;
    }
    self->looked_at = body.size;
    *line = (text_t){ body.data + self->read, body.size - self->read };
    *skip = body.size;
    return is_end && line->size > 0;
}

void
bot_parts_read (bot_parts_t *self, text_t body, bool is_end)
{
    text_t line;
    size_t skip;
    if (self->read == 0 && body.size >= 3 && memcmp (body.data, "\xef\xbb\xbf", 3) == 0)
        self->read = self->looked_at = 3;
    while (!bot_parts_is_over (self) && s_next_line (self, body, is_end, &line, &skip)) {
        s_take_line (self, line);
        self->read = self->looked_at = skip;
    }
    if (is_end && !bot_parts_is_over (self) && self->form == PARTS_EVENTS)
        s_end_event (self);
}

// ---------------------------------------------------------------------------------------------
//  What came of it

static json_object *
s_speech (const bot_parts_t *self)
{
    json_object *speech = json_object_new_object ();
    json_object_object_add (speech, "displayText",
                            json_object_new_string_len (self->said.data, (int) self->said.size));
    return speech;
}

//  The answer as a bot would say it as a whole. To be given back.
static json_object *
s_compose (const bot_parts_t *self, bool is_truncated)
{
    json_reading_t reading;
    json_object *answer = self->whole.size > 0
                              ? json_read (buffer_text (&self->whole), &s_limits, &reading)
                              : json_object_new_object ();
    if (self->said.size > 0 && !json_object_object_get_ex (answer, "outputSpeech", NULL))
        json_object_object_add (answer, "outputSpeech", s_speech (self));
    if (is_truncated)
        json_object_object_add (answer, "truncated", json_object_new_boolean (true));
    return answer;
}

bool
bot_parts_answer (const bot_parts_t *self, const http_answer_t *http, bot_answer_t *answer,
                  bot_failure_t *why)
{
    bool is_whole = self->whole.size > 0;
    bot_failure_t failure = bot_answer_failure (http);
    failure = failure == BOT_FAILURES ? self->failure : failure;
    bool is_truncated = !is_whole && failure != BOT_FAILURES && self->said.size > 0;
    *why = failure;
    if (!is_whole && self->said.size == 0) {
        bot_answer_failed (answer, failure == BOT_FAILURES ? BOT_EMPTY : failure, http);
        return false;
    }
    json_object *composed = s_compose (self, is_truncated);
    http_answer_t as_whole = { .outcome = HTTP_ANSWERED,
                               .status = http->status,
                               .body = json_print (composed),
                               .error = "" };
    bot_answer_read (answer, &as_whole);
    json_object_put (composed);
    return is_truncated;
}
