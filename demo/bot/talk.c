#include "talk.h"

#include <ctype.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_TYPE "application/json; charset=utf-8"
#define HELP_CHIPS                                                                                 \
    "[\"Opening hours\",\"Card\",\"List\",\"Carousel\",\"Talk to a person\",\"Help\"]"
#define SESSIONS 256

//  What the bot says to a text that is exactly one of the words (ended by NULL).
typedef struct {
    const char *words[4];
    unsigned status;
    unsigned after_ms;
    const char *body;
} line_t;

static const line_t s_lines[] = {
    { { "hours", "opening hours", "when do you open?" }, 200, 0,
      "{\"outputSpeech\":{\"displayText\":\"We are open Monday to Friday, 9 to 5.\","
      "\"suggestions\":[\"Card\",\"Help\"]},\"reprompt\":\"Anything else?\"}" },
    { { "chips" }, 200, 0,
      "{\"outputSpeech\":{\"displayText\":\"Pick one of these.\",\"suggestions\":["
      "\"Opening hours\",{\"title\":\"List\"},{\"title\":\"Our site\",\"url\":"
      "\"https://www.example.com/\"}]}}" },
    { { "card" }, 200, 0,
      "{\"outputSpeech\":{\"displayText\":\"Here is our shop.\"},\"displays\":[{\"type\":\"CARD\","
      "\"title\":\"The demo shop\",\"content\":\"1 Main Street, open 9 to 5\",\"buttons\":["
      "{\"title\":\"Opening hours\"},{\"title\":\"Map\",\"openUrlAction\":"
      "\"https://www.example.com/map\"}]}]}" },
    { { "list" }, 200, 0,
      "{\"outputSpeech\":{\"displayText\":\"What are you interested in?\"},\"displays\":[{\"type\":"
      "\"LIST\",\"title\":\"Our services\",\"items\":[{\"title\":\"Repairs\",\"description\":"
      "\"While you wait\",\"token\":\"repairs\"},{\"title\":\"Rental\",\"description\":"
      "\"By the day\",\"token\":\"rental\"},{\"title\":\"Sales\",\"description\":\"New and used\","
      "\"token\":\"sales\"}]}]}" },
    { { "carousel" }, 200, 0,
      "{\"outputSpeech\":{\"displayText\":\"Have a look.\"},\"displays\":[{\"type\":\"CAROUSEL\","
      "\"title\":\"Bicycles\",\"items\":[{\"title\":\"City\",\"description\":\"Seven gears\","
      "\"token\":\"city\"},{\"title\":\"Mountain\",\"description\":\"Strong brakes\",\"token\":"
      "\"mountain\"},{\"title\":\"Cargo\",\"description\":\"Carries two children\",\"token\":"
      "\"cargo\"}]}]}" },
    { { "html" }, 200, 0,
      "{\"outputSpeech\":{\"displayText\":\"This is bold.\",\"html\":\"This is <b>bold</b>.\"}}" },
    { { "slow" }, 200, 5000,
      "{\"outputSpeech\":{\"displayText\":\"Sorry, I had to think for five seconds.\"}}" },
    { { "fail" }, 500, 0, "{\"error\":\"the demo bot fails because it was asked to\"}" },
    { { "trouble" }, 200, 0,
      "{\"name\":\"I'm having trouble with that request\",\"tag\":\"TROUBLE_WITH_REQUEST\","
      "\"outputSpeech\":{\"displayText\":\"I'm sorry, I'm having trouble with that request.\"},"
      "\"displays\":[{\"type\":\"CARD\",\"title\":\"TypeError\",\"context\":"
      "\"an internal error that nobody should see\"}]}" },
    { { "empty" }, 200, 0, "{}" },
    { { "hang" }, 200, TALK_FOREVER, "{}" },
    { { "person", "agent", "talk to a person" }, 200, 0,
      "{\"outputSpeech\":{\"displayText\":\"I am calling a person for you.\"},\"system\":"
      "\"HANDOFF\",\"data\":{\"handoffTargetId\":\"front-desk\"}}" },
    { { "call" }, 200, 0,
      "{\"outputSpeech\":{\"displayText\":\"Call us at +1 555 555 0100.\"},\"system\":"
      "\"TRANSFER_CALL\",\"data\":{\"transferPhoneNumber\":\"+15555550100\"}}" },
    { { "location" }, 200, 0,
      "{\"outputSpeech\":{\"displayText\":\"May I know where you are?\"},\"system\":"
      "\"PERMISSION_LOCATION_PRECISE\",\"data\":{\"permissionRequestTTSContext\":"
      "\"To find the nearest shop I need to know where you are.\",\"permissionPrimerAccepted\":"
      "\"Thank you!\",\"permissionDenied\":\"That is fine, too.\"}}" },
    { { "help" }, 200, 0,
      "{\"outputSpeech\":{\"displayText\":\"Try: hours, chips, card, list, carousel, html, slow, "
      "story, stops, later, fail, fail once, garbage, trouble, empty, hang, person, call, "
      "location, or echo with some words.\",\"suggestions\":" HELP_CHIPS "}}" },
};

static const char *
s_get (json_object *request, const char *name)
{
    json_object *value = NULL;
    if (!json_object_object_get_ex (request, name, &value)
        || !json_object_is_type (value, json_type_string))
        return "";
    return json_object_get_string (value);
}

static char *
s_copy (const char *text)
{
    char *copy = strdup (text);
    if (!copy)
        abort ();
    return copy;
}

//  Words with chips under them.
static char *
s_say (const char *before, const char *words, const char *after)
{
    char *text;
    if (asprintf (&text, "%s%s%s", before, words, after) < 0)
        abort ();
    json_object *speech = json_object_new_object ();
    json_object_object_add (speech, "displayText", json_object_new_string (text));
    json_object_object_add (speech, "suggestions", json_tokener_parse (HELP_CHIPS));
    json_object *answer = json_object_new_object ();
    json_object_object_add (answer, "outputSpeech", speech);
    char *body = s_copy (json_object_to_json_string_ext (answer, JSON_C_TO_STRING_PLAIN));
    json_object_put (answer);
    free (text);
    return body;
}

//  True the first time, and every other time, that this session asks. Remembers the last sessions.
static bool
s_is_first_try (const char *session)
{
    static char *sessions[SESSIONS];
    static unsigned next;
    for (unsigned index = 0; index < SESSIONS; index++)
        if (sessions[index] && strcmp (sessions[index], session) == 0) {
            free (sessions[index]);
            sessions[index] = NULL;
            return false;
        }
    free (sessions[next]);
    sessions[next] = s_copy (session);
    next = (next + 1) % SESSIONS;
    return true;
}

static reply_t
s_json (unsigned status, unsigned after_ms, char *body)
{
    return (reply_t){
        .status = status, .content_type = JSON_TYPE, .after_ms = after_ms, .body = body
    };
}

//  An answer in parts, with a whole one at its end; or it stops in the middle.
static reply_t
s_in_parts (bool stops)
{
    static const char begins[] = "{\"delta\":\"Once upon \"}\n{\"delta\":\"a time \"}\n"
                                 "{\"delta\":\"there was \"}\n";
    static const char ends[] = "{\"delta\":\"a small \"}\n{\"delta\":\"router.\"}\n"
                               "{\"outputSpeech\":{\"displayText\":\"Once upon a time there was a "
                               "small router.\",\"suggestions\":[\"Story\",\"Help\"]}}\n";
    char *body;
    if (asprintf (&body, "%s%s", begins, stops ? "" : ends) < 0)
        abort ();
    return (reply_t){ .status = 200,
                      .content_type = "application/x-ndjson",
                      .every_ms = 400,
                      .stops = stops,
                      .body = body };
}

//  The text without blanks at its ends.
static char *
s_trimmed (const char *text)
{
    while (isspace ((unsigned char) *text))
        text++;
    size_t size = strlen (text);
    while (size > 0 && isspace ((unsigned char) text[size - 1]))
        size--;
    char *copy = strndup (text, size);
    if (!copy)
        abort ();
    return copy;
}

static const line_t *
s_line_of (const char *text)
{
    for (size_t row = 0; row < sizeof s_lines / sizeof *s_lines; row++)
        for (const char *const *word = s_lines[row].words; *word; word++)
            if (strcasecmp (*word, text) == 0)
                return &s_lines[row];
    return NULL;
}

//  Nothing for now, and the answer in three seconds.
static reply_t
s_think_longer (bool may_come_later)
{
    if (!may_come_later)
        return s_json (200, 0, s_say ("", "I was not told where I may answer later.", ""));
    reply_t reply = s_json (202, 0, s_copy ("{}"));
    reply.later = s_say ("", "I have thought about it for three seconds.", "");
    reply.later_ms = 3000;
    return reply;
}

static reply_t
s_answer_text (const char *text, const char *session, bool may_come_later)
{
    const line_t *line = s_line_of (text);
    if (line)
        return s_json (line->status, line->after_ms, s_copy (line->body));
    if (strcasecmp (text, "garbage") == 0)
        return (reply_t){
            .status = 200,
            .content_type = "text/html; charset=utf-8",
            .body = s_copy ("<html><body>This is not what a bot should say.</body></html>")
        };
    if (strcasecmp (text, "later") == 0)
        return s_think_longer (may_come_later);
    if (strcasecmp (text, "story") == 0)
        return s_in_parts (false);
    if (strcasecmp (text, "stops") == 0)
        return s_in_parts (true);
    if (strcasecmp (text, "fail once") == 0 && s_is_first_try (session))
        return s_json (500, 0, s_copy ("{\"error\":\"the first try fails\"}"));
    if (strcasecmp (text, "fail once") == 0)
        return s_json (200, 0, s_say ("", "The second try worked.", ""));
    if (strncasecmp (text, "echo ", 5) == 0)
        return s_json (200, 0, s_say ("", text + 5, ""));
    return s_json (200, 0, s_say ("You said \"", text, "\". I am only a demo bot; say \"help\"."));
}

static const char *
s_place_words (json_object *grant)
{
    return strstr (json_object_to_json_string (grant), "\"latitude\"")
               ? "Thank you, the nearest shop is around the corner."
               : "All right, without it, then.";
}

//  A person had the visitor. What nobody answered meanwhile is answered now.
static reply_t
s_answer_return (json_object *request, const char *session, bool may_come_later)
{
    json_object *back = NULL, *unanswered = NULL;
    json_object_object_get_ex (request, "controlReturn", &back);
    json_object_object_get_ex (back, "unanswered", &unanswered);
    bool is_list = json_object_is_type (unanswered, json_type_array);
    size_t count = is_list ? json_object_array_length (unanswered) : 0;
    if (count == 0)
        return s_json (200, 0, s_say ("", "It is me again, the demo bot.", ""));
    json_object *last = json_object_array_get_idx (unanswered, count - 1);
    char *text = s_trimmed (s_get (last, "rawQuery"));
    reply_t reply = s_answer_text (text, session, may_come_later);
    free (text);
    return reply;
}

static reply_t
s_answer (json_object *request, bool may_come_later)
{
    const char *type = s_get (request, "type");
    if (strcmp (type, "LAUNCH_REQUEST") == 0)
        return s_json (200, 0, s_say ("", "Welcome! I am the demo bot. How can I help you?", ""));
    if (strcmp (type, "OPTION_SELECT_REQUEST") == 0)
        return s_json (200, 0, s_say ("You picked ", s_get (request, "token"), "."));
    if (strcmp (type, "PERMISSION_GRANT") == 0)
        return s_json (200, 0, s_say ("", s_place_words (request), ""));
    if (strcmp (type, "CONTROL_RETURN_REQUEST") == 0)
        return s_answer_return (request, s_get (request, "sessionId"), may_come_later);
    if (strcmp (type, "CHANNEL_ACTION_REQUEST") == 0)
        return s_json (200, 0, s_copy ("{\"status\":\"complete\"}"));
    if (strcmp (type, "SESSION_ENDED_REQUEST") == 0)
        return s_json (200, 0, s_copy ("{}"));
    char *text = s_trimmed (s_get (request, "rawQuery"));
    reply_t reply = s_answer_text (text, s_get (request, "sessionId"), may_come_later);
    free (text);
    return reply;
}

reply_t
talk (const char *request, size_t size, bool may_come_later)
{
    json_tokener *tokener = json_tokener_new ();
    json_object *object = json_tokener_parse_ex (tokener, request, (int) size);
    json_tokener_free (tokener);
    reply_t reply = json_object_is_type (object, json_type_object)
                        ? s_answer (object, may_come_later)
                        : s_json (400, 0, s_copy ("{\"error\":\"a request is a JSON object\"}"));
    json_object_put (object);
    return reply;
}
