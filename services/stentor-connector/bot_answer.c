#include "bot_answer.h"

#include "json/json_read.h"
#include "base/utf8.h"

#include <json-c/json.h>
#include <stdio.h>
#include <strings.h>

//  A tree of so many takes 50 MB, for the moment in which it is read.
#define VALUES_MOST 65536
static const json_limits_t s_limits = { .depth_most = 64, .values_most = VALUES_MOST };
#define DETAIL_MAX (BOT_REASON_MAX + BOT_DETAIL_BODY + 2)

const bot_failure_row_t bot_failures[BOT_FAILURES] = {
#define FAILURE(NAME, label, class, words) [BOT_##NAME] = { label, RETRY_##class, words },
#include "bot_failures.def"
#undef FAILURE
};

static bot_failure_t
s_failure_of_call (http_outcome_t outcome)
{
    switch (outcome) {
    case HTTP_ANSWERED:
        return BOT_FAILURES;
    case HTTP_TIMED_OUT:
    case HTTP_CONNECT_TIMED_OUT:
    case HTTP_QUEUE_TIMED_OUT:
        return BOT_TIMEOUT;
    case HTTP_BLOCKED:
        return BOT_BLOCKED;
    case HTTP_TOO_LARGE:
    case HTTP_HEAD_TOO_LARGE:
        return BOT_TOO_LARGE;
    case HTTP_BAD_CODING:
        return BOT_BAD_CODING;
    default:
        return BOT_UNREACHABLE;
    }
}

//  The class of an answer by its outside alone; BOT_FAILURES when its body decides.
static bot_failure_t
s_failure_of (const http_answer_t *http)
{
    bot_failure_t failure = s_failure_of_call (http->outcome);
    if (failure == BOT_TIMEOUT || failure == BOT_UNREACHABLE || failure == BOT_BLOCKED)
        return failure;
    long status = http->status;
    if (status == 408 || status == 425 || status == 429 || (status >= 500 && status <= 599))
        return BOT_STATUS_PASSING;
    return status < 200 || status > 299 ? BOT_STATUS_FINAL : failure;
}

static char
s_printable (char byte)
{
    return byte >= ' ' && byte <= '~' ? byte : '.';
}

//  For the log: the class alone does not tell a refused connection from a wrong certificate. And
//  for the operator: that and the beginning of the body, byte by byte; what is not printable
//  becomes a dot.
static void
s_describe (bot_answer_t *self, const http_answer_t *http)
{
    //  Where a bot sends us instead, up to its query, which may carry a secret. So may a name
    //  before the host; a URL with one is not shown at all.
    size_t size = http->location ? strcspn (http->location, "?#") : 0;
    if (size > 0 && memchr (http->location, '@', size))
        size = 0;
    bool is_whole = http->outcome == HTTP_ANSWERED;
    snprintf (self->reason, sizeof self->reason, "status %ld, %zu bytes%s%s%s%.150s%s%.*s",
              http->status, http->body.size, is_whole ? "" : ", ",
              is_whole ? "" : http_outcome_label (http->outcome), *http->error ? ": " : "",
              http->error,
              size ? ", redirects to " : "", size < 150 ? (int) size : 150,
              size ? http->location : "");
    for (char *byte = self->reason; *byte; byte++)
        *byte = s_printable (*byte);
    if (buffer_put_string (&self->detail, self->reason) != 0 || http->body.size == 0
        || buffer_put_string (&self->detail, ": ") != 0)
        return;
    size_t shown = http->body.size < BOT_DETAIL_BODY ? http->body.size : BOT_DETAIL_BODY;
    char *entry = buffer_grow (&self->detail, shown);
    for (size_t index = 0; entry && index < shown; index++)
        entry[index] = s_printable (http->body.data[index]);
}

static void
s_init (bot_answer_t *self, size_t most)
{
    *self = (bot_answer_t){ .outcome = OUTCOME_ANSWERED };
    buffer_init (&self->data, most);
    buffer_init (&self->target, BOT_TARGET_MAX);
    buffer_init (&self->detail, DETAIL_MAX);
}

static void
s_fail (bot_answer_t *self, bot_failure_t failure, long status)
{
    bool has_number = failure == BOT_STATUS_PASSING || failure == BOT_STATUS_FINAL;
    self->outcome = OUTCOME_FAILED;
    self->failure = failure;
    if (has_number)
        snprintf (self->error, sizeof self->error, "%s %ld", bot_failures[failure].words, status);
    else
        snprintf (self->error, sizeof self->error, "%s", bot_failures[failure].words);
}

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
s_read_system (bot_answer_t *self, json_object *answer)
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
s_read_error (bot_answer_t *self, json_object *answer)
{
    json_object *words = s_member (answer, "errorText", json_type_string);
    if (!words || json_object_get_string_len (words) == 0)
        return;
    self->outcome = OUTCOME_BOT_ERROR;
    json_object *speech = json_object_new_object ();
    json_object_object_add (speech, "displayText", json_object_get (words));
    json_object_object_add (answer, "outputSpeech", speech);
}

static void
s_read_object (bot_answer_t *self, json_object *answer)
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
        return;
    if (s_is_trouble (answer))
        self->outcome = OUTCOME_BOT_ERROR;
    s_clean_speech (answer);
    s_clean_displays (answer);
    s_read_system (self, answer);
    s_read_error (self, answer);
    bool has_something = false;
    json_object *value = NULL;
    for (size_t row = 0; row < sizeof names / sizeof *names; row++)
        has_something |= json_object_object_get_ex (answer, names[row], &value) && value;
    if (has_something && buffer_put_text (&self->data, json_print (answer)) != 0)
        s_fail (self, BOT_TOO_LARGE, 0);
}

static void
s_read_body (bot_answer_t *self, text_t body)
{
    bool has_mark = body.size >= 3 && memcmp (body.data, "\xef\xbb\xbf", 3) == 0;
    text_t json = has_mark ? (text_t){ body.data + 3, body.size - 3 } : body;
    json_reading_t reading;
    //  NULL when the bytes are no JSON that we take, or JSON's null: the fault tells them apart.
    json_object *answer = json_read (json, &s_limits, &reading);
    if (body.size == 0)
        s_fail (self, BOT_EMPTY, 0);
    else if (reading.fault == JSON_READ_TOO_MANY)
        s_fail (self, BOT_TOO_LARGE, 0);
    else if (reading.fault != JSON_READ_OK)
        s_fail (self, BOT_NOT_JSON, 0);
    else if (!json_object_is_type (answer, json_type_object))
        s_fail (self, BOT_NOT_OBJECT, 0);
    else
        s_read_object (self, answer);
    json_object_put (answer);
}

void
bot_answer_read (bot_answer_t *self, const http_answer_t *http)
{
    //  Cleaning adds little, but what was written compactly may be written with escapes.
    s_init (self, http->body.size * 2 + 64);
    bot_failure_t failure = s_failure_of (http);
    if (failure != BOT_FAILURES)
        s_fail (self, failure, http->status);
    else
        s_read_body (self, http->body);
    if (self->outcome == OUTCOME_FAILED) {
        buffer_clear (&self->target);
        self->ask = ASK_NOTHING;
        s_describe (self, http);
    }
}

void
bot_answer_none (bot_answer_t *self, bot_failure_t failure, text_t detail)
{
    s_init (self, 0);
    s_fail (self, failure, 0);
    snprintf (self->reason, sizeof self->reason, "%.*s", TEXT_ARGS (detail));
    if (buffer_put_text (&self->detail, detail) != 0)
        buffer_clear (&self->detail);
}

void
bot_answer_free (bot_answer_t *self)
{
    buffer_free (&self->data);
    buffer_free (&self->target);
    buffer_free (&self->detail);
}
