//  message — the body of a post: what is good, and what each bad one is refused with.
//  client_frame_test has the data of frames.

#include "model/message.h"

#include "json/json_read.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <json-c/json.h>
#include <stdio.h>

typedef struct {
    char body[260];
    char complaint[120]; //  how it begins; empty: it is good
    char data[160];      //  what it becomes
} body_case_t;

#define EITHER "The body must have either text or data"
#define ID "messageId must be a string of 1 to 100 bytes"
#define UNKNOWN "The body has a member that is not known: "
#define TEXT_MEMBER "text must be a string that is not empty"

ParameterizedTestParameters (message, bodies)
{
    static body_case_t cases[] = {
        { "{\"messageId\":\"1\",\"text\":\"hi\"}", "",
          "{\"type\":\"INTENT_REQUEST\",\"rawQuery\":\"hi\",\"sessionId\":\"s\","
          "\"userId\":\"u\"}" },
        { "{\"data\":{\"rawQuery\":\"hi\",\"n\":1e400,\"userId\":\"x\"},\"messageId\":\"1\"}", "",
          "{\"rawQuery\":\"hi\",\"n\":1e400,\"userId\":\"u\",\"sessionId\":\"s\"}" },
        { "{\"data\":{\"accessToken\":\"t\"},\"messageId\":\"1\"}", "",
          "{\"sessionId\":\"s\",\"userId\":\"u\"}" },
        { "null", "The body must be a JSON object", "" },
        { "[]", "The body must be a JSON object", "" },
        { "{}", EITHER, "" },
        { "{\"text\":\"hi\"}", "",
          "{\"type\":\"INTENT_REQUEST\",\"rawQuery\":\"hi\",\"sessionId\":\"s\","
          "\"userId\":\"u\"}" },
        { "{\"messageId\":\"\",\"text\":\"hi\"}", ID, "" },
        { "{\"messageId\":null,\"text\":\"hi\"}", ID, "" },
        { "{\"messageId\":7,\"text\":\"hi\"}", ID, "" },
        { "{\"messageId\":\":answer:1\",\"text\":\"hi\"}", ID, "" },
        { "{\"messageId\":\"a\\u0000b\",\"text\":\"hi\"}", ID, "" },
        { "{\"messageId\":"
          "\"0123456789012345678901234567890123456789012345678901234567890123456789"
          "0123456789012345678901234567890\",\"text\":\"hi\"}",
          ID, "" },
        { "{\"messageId\":\"1\"}", EITHER, "" },
        { "{\"messageId\":\"1\",\"text\":\"hi\",\"data\":{}}", EITHER, "" },
        { "{\"messageId\":\"1\",\"text\":\"\"}", TEXT_MEMBER, "" },
        { "{\"messageId\":\"1\",\"text\":null}", TEXT_MEMBER, "" },
        { "{\"messageId\":\"1\",\"text\":{\"a\":1}}", TEXT_MEMBER, "" },
        { "{\"messageId\":\"1\",\"data\":\"hi\"}", "data must be an object", "" },
        { "{\"messageId\":\"1\",\"data\":null}", "data must be an object", "" },
        { "{\"messageId\":\"1\",\"data\":{\"rawQuery\":7}}", "data.rawQuery, data.title", "" },
        { "{\"messageId\":\"1\",\"data\":{\"accessToken\":7}}", "data.accessToken must", "" },
        { "{\"messageId\":\"1\",\"text\":\"hi\",\"sender\":{}}", UNKNOWN "\"sender\"", "" },
        { "{\"messageId\":\"1\",\"text\":\"hi\",\"messageid\":1}", UNKNOWN "\"messageid\"", "" },
        { "{\"\":1}", UNKNOWN "\"\"", "" },
    };
    return cr_make_param_array (body_case_t, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest (body_case_t *param, message, bodies)
{
    json_reading_t reading;
    json_object *body =
        json_read (text_of (param->body),
                   &(json_limits_t){ .depth_most = 32, .values_most = 100 }, &reading);
    message_t message;
    char room[MESSAGE_COMPLAINT];
    const char *complaint = message_read_body (&message, body, TEXT ("s"), TEXT ("u"), room);
    cr_assert_eq (complaint != NULL, *param->complaint != 0, "%s", complaint);
    if (complaint)
        cr_expect_eq (strncmp (complaint, param->complaint, strlen (param->complaint)), 0, "%s",
                      complaint);
    else {
        cr_expect (text_is (message.data, text_of (param->data)), "%.*s",
                   TEXT_ARGS (message.data));
        bool has_id = strstr (param->body, "messageId") != NULL;
        cr_expect (text_is (message.message_id, has_id ? TEXT ("1") : TEXT_EMPTY));
        cr_expect_eq (message.hidden, strstr (param->data, "rawQuery") == NULL);
    }
    json_object_put (body);
}

//  A member's name of any length and content fits.
Test (message, a_long_unknown_member)
{
    static char text[5000];
    snprintf (text, sizeof text, "{\"%04000d\":1}", 7);
    json_reading_t reading;
    json_object *body = json_read (
        text_of (text), &(json_limits_t){ .depth_most = 32, .values_most = 100 }, &reading);
    message_t message;
    char room[MESSAGE_COMPLAINT];
    const char *complaint = message_read_body (&message, body, TEXT ("s"), TEXT ("u"), room);
    cr_assert (complaint && strlen (complaint) < MESSAGE_COMPLAINT - 1
               && complaint[strlen (complaint) - 1] == '"');
    json_object_put (body);
}

//  With and without a tree the same.
Test (message, words_of_what_was_said)
{
    static const char *const rows[][2] = {
        { "{\"rawQuery\":\"a b\"}", "a b" },
        { " { \"x\" : [1,{\"rawQuery\":\"no\"}], \"rawQuery\" : \"a\" } ", "a" },
        { "{\"rawQuery\":\"a\\u0062\\n\"}", "ab\n" },
        { "{\"\\u0072awQuery\":\"x\"}", "x" },
        { "{\"rawQuery\":\"a\",\"rawQuery\":\"b\"}", "b" },
        { "{\"rawQuery\":\"\"}", "" },
        { "{\"outputSpeech\":{\"displayText\":\"y\",\"rawQuery\":\"no\"}}", "y" },
        { "{\"outputSpeech\":\"z\"}", "z" },
        { "{}", "" },
        { "[]", "" },
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        buffer_t words;
        buffer_init (&words, 100);
        cr_expect_not (message_put_words (text_of (rows[row][0]), 100, &words));
        cr_expect (text_is (buffer_text (&words), text_of (rows[row][1])), "%s: %.*s",
                   rows[row][0], TEXT_ARGS (buffer_text (&words)));
        buffer_free (&words);
    }
    buffer_t cut;
    buffer_init (&cut, 100);
    cr_expect (message_put_words (TEXT ("{\"rawQuery\":\"a\xc3\xa4\"}"), 2, &cut));
    cr_expect (text_is (buffer_text (&cut), TEXT ("a")));
    buffer_free (&cut);
}
