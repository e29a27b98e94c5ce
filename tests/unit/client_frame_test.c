#include "client/client_frame.h"

#include <criterion/criterion.h>
#include <stdio.h>

static frame_fault_t
s_fault (text_t bytes)
{
    client_frame_t frame;
    frame_fault_t fault = client_frame_read (&frame, bytes, TEXT ("u-1"));
    client_frame_free (&frame);
    return fault;
}

#define EXPECT_FAULT(json, fault) cr_expect_eq (s_fault (TEXT (json)), fault, "%s", json)

Test (client_frame, reads_a_message)
{
    client_frame_t frame;
    text_t json = TEXT ("{\"event\":\"new message\",\"sessionId\":\"s-1\",\"timeMs\":1760000000000,"
                        "\"messageId\":\"m-1\",\"sender\":{\"displayName\":\"Ann\","
                        "\"isAdmin\":true,\"urlAttributes\":{\"path\":[\"a\",\"b\"]}},"
                        "\"data\":{\"rawQuery\":\"hi\",\"userId\":\"liar\",\"sessionId\":\"other\","
                        "\"accessToken\":\"secret\","
                        "\"n\":1.50}} \n");
    cr_assert_eq (client_frame_read (&frame, json, TEXT ("u-1")), FAULT_NONE);
    cr_expect_eq (frame.says, SAYS_MESSAGE);
    cr_expect (text_is (frame.session_id, TEXT ("s-1")));
    cr_expect (text_is (frame.message_id, TEXT ("m-1")));
    cr_expect_eq (frame.time_ms, 1760000000000);
    cr_expect (text_is (frame.visitor.name, TEXT ("Ann")));
    cr_expect (text_is (frame.visitor.path, TEXT ("[\"a\",\"b\"]")));
    cr_expect (text_is (frame.secret, TEXT ("secret")));
    cr_expect (text_is (frame.data, TEXT ("{\"rawQuery\":\"hi\",\"userId\":\"u-1\",\"sessionId\":"
                                          "\"s-1\",\"n\":1.50}")),
               "%.*s", TEXT_ARGS (frame.data));
    cr_expect_not (frame.hidden);
    client_frame_free (&frame);
}

static bool
s_is_hidden (const char *data, const char *raw_query)
{
    char json[500];
    int size = snprintf (json, sizeof json,
                         "{\"event\":\"new message\",\"sessionId\":\"s\",\"data\":%s}", data);
    client_frame_t frame;
    cr_assert_eq (client_frame_read (&frame, (text_t){ json, (size_t) size }, TEXT ("u")),
                  FAULT_NONE);
    char data_read[500];
    snprintf (data_read, sizeof data_read, "%.*s", TEXT_ARGS (frame.data));
    cr_expect (!raw_query || strstr (data_read, raw_query), "%s", data_read);
    bool hidden = frame.hidden;
    client_frame_free (&frame);
    return hidden;
}

Test (client_frame, knows_what_has_nothing_to_show)
{
    cr_expect (s_is_hidden ("{\"type\":\"LAUNCH_REQUEST\"}", NULL));
    cr_expect (s_is_hidden ("{\"rawQuery\":\"\"}", NULL));
    cr_expect_not (s_is_hidden ("{\"rawQuery\":\"x\"}", NULL));
    cr_expect_not (s_is_hidden ("{\"type\":\"OPTION_SELECT_REQUEST\",\"token\":\"t\"}",
                                "\"rawQuery\":\"t\""));
    cr_expect_not (s_is_hidden ("{\"type\":\"OPTION_SELECT_REQUEST\",\"token\":\"t\",\"title\":"
                                "\"Red\"}",
                                "\"rawQuery\":\"Red\""));
    cr_expect (s_is_hidden ("{\"type\":\"OPTION_SELECT_REQUEST\",\"token\":null}", NULL));
}

Test (client_frame, reads_every_event)
{
    static const struct {
        const char *json;
        client_says_t says;
    } rows[] = {
        { "{\"event\":\"user joined\",\"sessionId\":\"s\"}", SAYS_JOINED },
        { "{\"event\":\"resume\",\"sessionId\":\"s\",\"lastSeq\":7}", SAYS_RESUME },
        { "{\"event\":\"read\",\"sessionId\":\"s\",\"seq\":7}", SAYS_READ },
        { "{\"event\":\"typing\",\"sessionId\":\"s\"}", SAYS_TYPING },
        { "{\"event\":\"stop typing\",\"sessionId\":\"s\",\"data\":{}}", SAYS_STOP_TYPING },
        { "{\"event\":\"barge in\",\"sessionId\":\"s\",\"data\":null}", SAYS_BARGE_IN },
        { "{\"event\":\"barge out\",\"sessionId\":\"s\"}", SAYS_BARGE_OUT },
        { "{\"event\":\"whisper\",\"sessionId\":\"s\",\"data\":{\"rawQuery\":\"x\"}}",
          SAYS_WHISPER },
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        client_frame_t frame;
        cr_expect_eq (client_frame_read (&frame, text_of (rows[row].json), TEXT ("u")), FAULT_NONE,
                      "%s", rows[row].json);
        cr_expect_eq (frame.says, rows[row].says);
        cr_expect_eq (frame.last.seq, frame.says == SAYS_RESUME ? 7 : SEQ_UNKNOWN);
        client_frame_free (&frame);
    }
}

//  What is for agents only has words, and nothing for a bot.
Test (client_frame, a_whisper_has_words_and_no_secret)
{
    client_frame_t frame;
    EXPECT_FAULT ("{\"event\":\"whisper\",\"sessionId\":\"s\"}", FAULT_DATA);
    EXPECT_FAULT ("{\"event\":\"whisper\",\"sessionId\":\"s\",\"data\":7}", FAULT_DATA);
    EXPECT_FAULT ("{\"event\":\"whisper\",\"sessionId\":\"s\",\"data\":{}}", FAULT_WHISPER);
    EXPECT_FAULT ("{\"event\":\"whisper\",\"sessionId\":\"s\",\"data\":{\"rawQuery\":\"\"}}",
                  FAULT_WHISPER);
    EXPECT_FAULT ("{\"event\":\"whisper\",\"sessionId\":\"s\",\"data\":{\"rawQuery\":7}}",
                  FAULT_TEXT_TYPE);
    text_t json = TEXT ("{\"event\":\"whisper\",\"sessionId\":\"s\","
                        "\"data\":{\"rawQuery\":\"x\",\"accessToken\":\"top\"}}");
    cr_expect_eq (client_frame_read (&frame, json, TEXT ("u")), FAULT_NONE);
    cr_expect_eq (frame.secret.size, 0);
    cr_expect_not (frame.hidden);
    cr_expect (memmem (frame.data.data, frame.data.size, "top", 3) == NULL);
    client_frame_free (&frame);
}

//  A resume says what entry it has; in other frames the field means nothing.
Test (client_frame, reads_a_check)
{
    static const char s_resume[] = "{\"event\":\"resume\",\"sessionId\":\"s\",\"lastSeq\":7,"
                                   "\"check\":\"0123456789abcdef\"}";
    client_frame_t frame;
    cr_expect_eq (client_frame_read (&frame, text_of (s_resume), TEXT ("u")), FAULT_NONE);
    cr_expect_eq (frame.last.seq, 7);
    cr_expect_eq (frame.last.check, 0x0123456789abcdef);
    client_frame_free (&frame);
#define RESUME "{\"event\":\"resume\",\"sessionId\":\"s\",\"lastSeq\":7,\"check\":"
    EXPECT_FAULT (RESUME "7}", FAULT_CHECK);
    EXPECT_FAULT (RESUME "\"0123456789ABCDEF\"}", FAULT_CHECK);
    EXPECT_FAULT (RESUME "\"0123456789abcde\"}", FAULT_CHECK);
    EXPECT_FAULT (RESUME "{}}", FAULT_CHECK);
    EXPECT_FAULT (RESUME "\"\"}", FAULT_NONE);
    EXPECT_FAULT (RESUME "null}", FAULT_NONE);
    EXPECT_FAULT ("{\"event\":\"typing\",\"sessionId\":\"s\",\"check\":7}", FAULT_NONE);
}

Test (client_frame, refuses_what_is_no_object)
{
    EXPECT_FAULT ("", FAULT_NOT_JSON);
    EXPECT_FAULT ("hello", FAULT_NOT_JSON);
    EXPECT_FAULT ("[]", FAULT_NOT_JSON);
    EXPECT_FAULT ("7", FAULT_NOT_JSON);
    EXPECT_FAULT ("null", FAULT_NOT_JSON);
    EXPECT_FAULT ("{\"event\":\"typing\",\"sessionId\":\"s\"", FAULT_NOT_JSON);
    EXPECT_FAULT ("{\"event\":\"typing\",\"sessionId\":\"s\"} x", FAULT_NOT_JSON);
    EXPECT_FAULT ("{\"event\":\"typing\",\"sessionId\":\"s\"}{}", FAULT_NOT_JSON);
    EXPECT_FAULT ("{\"event\":\"typing\",\"sessionId\":\"s\",}", FAULT_NOT_JSON);
    EXPECT_FAULT ("{'event':\"typing\",\"sessionId\":\"s\"}", FAULT_NOT_JSON);
    EXPECT_FAULT ("{\"event\":\"typing\",\"sessionId\":\"s\"}\0", FAULT_NOT_JSON);
    EXPECT_FAULT ("{\"event\":\"\xff\"}", FAULT_NOT_UTF8);
    char deep[300] = "{\"event\":\"typing\",\"sessionId\":\"s\",\"data\":{\"a\":";
    for (int level = 0; level < 40; level++)
        strcat (deep, "[");
    for (int level = 0; level < 40; level++)
        strcat (deep, "]");
    strcat (deep, "}}");
    cr_expect_eq (s_fault (text_of (deep)), FAULT_DEPTH);
}

Test (client_frame, refuses_fields_of_wrong_types)
{
    EXPECT_FAULT ("{}", FAULT_EVENT);
    EXPECT_FAULT ("{\"event\":7,\"sessionId\":\"s\"}", FAULT_EVENT);
    EXPECT_FAULT ("{\"event\":\"dance\",\"sessionId\":\"s\"}", FAULT_UNKNOWN_EVENT);
    EXPECT_FAULT ("{\"event\":\"typing\"}", FAULT_SESSION_ID);
    EXPECT_FAULT ("{\"event\":\"typing\",\"sessionId\":\"\"}", FAULT_SESSION_ID);
    EXPECT_FAULT ("{\"event\":\"typing\",\"sessionId\":7}", FAULT_SESSION_ID);
    EXPECT_FAULT ("{\"event\":\"typing\",\"sessionId\":\"a\\n\"}", FAULT_SESSION_ID);
    EXPECT_FAULT ("{\"event\":\"typing\",\"sessionId\":\"a\\u0000\"}", FAULT_SESSION_ID);
#define REST "\"sessionId\":\"s\"}"
    EXPECT_FAULT ("{\"event\":\"new message\"," REST, FAULT_DATA);
    EXPECT_FAULT ("{\"event\":\"new message\",\"data\":null," REST, FAULT_DATA);
    EXPECT_FAULT ("{\"event\":\"new message\",\"data\":[]," REST, FAULT_DATA);
    EXPECT_FAULT ("{\"event\":\"typing\",\"data\":\"x\"," REST, FAULT_DATA);
    EXPECT_FAULT ("{\"event\":\"new message\",\"data\":{\"accessToken\":{}}," REST,
                  FAULT_ACCESS_TOKEN);
    EXPECT_FAULT ("{\"event\":\"typing\",\"sender\":7," REST, FAULT_SENDER);
    EXPECT_FAULT ("{\"event\":\"typing\",\"sender\":{\"displayName\":7}," REST, FAULT_SENDER);
    EXPECT_FAULT ("{\"event\":\"typing\",\"sender\":{\"urlAttributes\":{\"path\":[7]}}," REST,
                  FAULT_PATH);
    EXPECT_FAULT ("{\"event\":\"typing\",\"sender\":{\"urlAttributes\":7}," REST, FAULT_PATH);
    EXPECT_FAULT ("{\"event\":\"typing\",\"timeMs\":\"now\"," REST, FAULT_TIME);
    EXPECT_FAULT ("{\"event\":\"typing\",\"timeMs\":-1," REST, FAULT_TIME);
    EXPECT_FAULT ("{\"event\":\"typing\",\"timeMs\":1.5," REST, FAULT_TIME);
    EXPECT_FAULT ("{\"event\":\"typing\",\"timeMs\":4503599627370497," REST, FAULT_TIME);
    EXPECT_FAULT ("{\"event\":\"typing\",\"timeMs\":4503599627370496," REST, FAULT_NONE);
    EXPECT_FAULT ("{\"event\":\"typing\",\"messageId\":\"\"," REST, FAULT_MESSAGE_ID);
    EXPECT_FAULT ("{\"event\":\"typing\",\"messageId\":\":answer:1\"," REST, FAULT_MESSAGE_ID);
    EXPECT_FAULT ("{\"event\":\"typing\",\"messageId\":\"\\u003a\"," REST, FAULT_MESSAGE_ID);
    EXPECT_FAULT ("{\"event\":\"typing\",\"messageId\":\"a:answer\"," REST, FAULT_NONE);
    EXPECT_FAULT ("{\"event\":\"resume\"," REST, FAULT_LAST_SEQ);
    EXPECT_FAULT ("{\"event\":\"resume\",\"lastSeq\":1,\"join\":1," REST, FAULT_JOIN);
    EXPECT_FAULT ("{\"event\":\"resume\",\"lastSeq\":1,\"join\":true," REST, FAULT_NONE);
    EXPECT_FAULT ("{\"event\":\"barge in\",\"version\":-1," REST, FAULT_VERSION);
    EXPECT_FAULT ("{\"event\":\"barge out\",\"version\":\"7\"," REST, FAULT_VERSION);
    EXPECT_FAULT ("{\"event\":\"barge out\",\"version\":7," REST, FAULT_NONE);
    EXPECT_FAULT ("{\"event\":\"typing\",\"version\":-1," REST, FAULT_NONE);
    EXPECT_FAULT ("{\"event\":\"resume\",\"lastSeq\":-1," REST, FAULT_LAST_SEQ);
    EXPECT_FAULT ("{\"event\":\"read\"," REST, FAULT_SEQ);
    EXPECT_FAULT ("{\"event\":\"read\",\"seq\":\"7\"," REST, FAULT_SEQ);
    EXPECT_FAULT ("{\"event\":\"read\",\"seq\":-1," REST, FAULT_SEQ);
    EXPECT_FAULT ("{\"event\":\"read\",\"seq\":9223372036854775808," REST, FAULT_SEQ);
    EXPECT_FAULT ("{\"event\":\"read\",\"seq\":0," REST, FAULT_NONE);
}

//  Numbers that nobody here reads go on as they came; those that are read must be in their range.
Test (client_frame, passes_numbers_on_as_they_are)
{
    client_frame_t frame;
    text_t json =
        TEXT ("{\"event\":\"new message\",\"sessionId\":\"s\",\"data\":{\"attributes\":{"
              "\"n\":100000000000000000000,\"m\":[-0,1e309,9223372036854775808,1.50]}}}");
    cr_assert_eq (client_frame_read (&frame, json, TEXT ("u")), FAULT_NONE);
    cr_expect (text_is (frame.data, TEXT ("{\"attributes\":{\"n\":100000000000000000000,\"m\":["
                                          "-0,1e309,9223372036854775808,1.50]},"
                                          "\"sessionId\":\"s\",\"userId\":\"u\"}")),
               "%.*s", TEXT_ARGS (frame.data));
    client_frame_free (&frame);
    EXPECT_FAULT ("{\"event\":\"typing\",\"timeMs\":100000000000000000000," REST, FAULT_TIME);
    EXPECT_FAULT ("{\"event\":\"typing\",\"timeMs\":-0," REST, FAULT_NONE);
    EXPECT_FAULT ("{\"event\":\"resume\",\"lastSeq\":9223372036854775808," REST, FAULT_LAST_SEQ);
    EXPECT_FAULT ("{\"event\":\"resume\",\"lastSeq\":1000000000000000001," REST, FAULT_LAST_SEQ);
    EXPECT_FAULT ("{\"event\":\"resume\",\"lastSeq\":123456789012345678," REST, FAULT_NONE);
    EXPECT_FAULT ("{\"event\":\"resume\",\"lastSeq\":99999999999999999999," REST, FAULT_LAST_SEQ);
}

Test (client_frame, refuses_what_would_be_changed_on_the_way)
{
    //  It would be six bytes where it is passed on.
    EXPECT_FAULT ("{\"event\":\"typing\",\"data\":{\"a\":\"\x01\"}," REST, FAULT_NOT_JSON);
    EXPECT_FAULT ("{\"event\":\"typing\",\"data\":{\"a\\u0000b\":1}," REST, FAULT_NUL_IN_KEY);
    EXPECT_FAULT ("{\"event\":\"typing\",\"data\":{\"a\":\"\\u0000\"}," REST, FAULT_NONE);
    EXPECT_FAULT ("{\"event\":\"typing\",\"data\":{\"a\\\\u0000\":1}," REST, FAULT_NONE);
    cr_expect_neq (s_fault (TEXT ("{\"event\":\"typing\",\"data\":{\"n\":NaN}," REST)), FAULT_NONE);
    cr_expect_neq (s_fault (TEXT ("{\"event\":\"typing\",\"data\":{\"n\":-Infinity}," REST)),
                   FAULT_NONE);
}

Test (client_frame, knows_who_spoke_also_on_a_fault)
{
    client_frame_t frame;
    text_t json = TEXT ("{\"event\":\"user joined\",\"messageId\":\"m\",\"sessionId\":7}");
    cr_assert_eq (client_frame_read (&frame, json, TEXT ("u")), FAULT_SESSION_ID);
    cr_expect_eq (frame.says, SAYS_JOINED);
    cr_expect (text_is (frame.message_id, TEXT ("m")));
    client_frame_free (&frame);
}

//  A refusal that names no message leaves its client in the dark: the names are found wherever
//  the bytes allow it.
Test (client_frame, knows_who_spoke_also_when_it_cannot_read_the_rest)
{
    static const struct {
        const char *data;
        frame_fault_t fault;
    } rows[] = { { "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
                   FAULT_DEPTH },
                 { "{\"a\\u0000b\":1}", FAULT_NUL_IN_KEY },
                 { "{\"a\":\"\x01\"}", FAULT_NOT_JSON },
                 { "{\"a\":NaN}", FAULT_NOT_JSON },
                 { "{\"a\":01}", FAULT_NOT_JSON },
                 { "{\"a\" 1}", FAULT_NOT_JSON } };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        char json[400];
        snprintf (json, sizeof json,
                  "{\"event\":\"new message\",\"data\":%s,\"messageId\":\"m-1\","
                  "\"sessionId\":\"s-1\"}",
                  rows[row].data);
        client_frame_t frame;
        cr_expect_eq (client_frame_read (&frame, text_of (json), TEXT ("u")), rows[row].fault,
                      "%s", json);
        cr_expect_eq (frame.says, SAYS_MESSAGE, "%s", json);
        cr_expect (text_is (frame.message_id, TEXT ("m-1")), "%s", json);
        cr_expect (text_is (frame.session_id, TEXT ("s-1")), "%s", json);
        client_frame_free (&frame);
    }
}

Test (client_frame, an_id_that_is_refused_names_nothing)
{
    client_frame_t frame;
    char json[400];
    snprintf (json, sizeof json,
              "{\"event\":\"typing\",\"sessionId\":\"s\",\"messageId\":\"%0101d\"}", 7);
    cr_assert_eq (client_frame_read (&frame, text_of (json), TEXT ("u")), FAULT_MESSAGE_ID);
    cr_expect_eq (frame.message_id.size, 0);
    cr_expect (text_is (frame.session_id, TEXT ("s")));
    client_frame_free (&frame);
}

Test (client_frame, a_token_has_no_control_characters)
{
    EXPECT_FAULT ("{\"event\":\"new message\",\"data\":{\"accessToken\":\"a\\u0000\"}," REST,
                  FAULT_ACCESS_TOKEN);
    EXPECT_FAULT ("{\"event\":\"new message\",\"data\":{\"accessToken\":\"a\\r\\nX: y\"}," REST,
                  FAULT_ACCESS_TOKEN);
    EXPECT_FAULT ("{\"event\":\"new message\",\"data\":{\"accessToken\":7}," REST,
                  FAULT_ACCESS_TOKEN);
    static char json[9000];
    snprintf (
        json, sizeof json,
        "{\"event\":\"new message\",\"sessionId\":\"s\",\"data\":{\"accessToken\":\"%08193d\"}}",
        7);
    cr_expect_eq (s_fault (text_of (json)), FAULT_ACCESS_TOKEN);
}

//  What is not of its form is left out: it goes with every message, and none of them needs it.
Test (client_frame, reads_what_a_visitor_says_of_itself)
{
    client_frame_t frame;
    text_t json =
        TEXT ("{\"event\":\"typing\",\"sessionId\":\"s\",\"sender\":{\"email\":\"a@b.example\","
              "\"avatarPath\":\"https://a.example/a.png\",\"urlAttributes\":{\"query\":"
              "{\"a\":\"1\"}}}}");
    cr_assert_eq (client_frame_read (&frame, json, TEXT ("u")), FAULT_NONE);
    cr_expect (text_is (frame.visitor.email, TEXT ("a@b.example")));
    cr_expect (text_is (frame.visitor.avatar, TEXT ("https://a.example/a.png")));
    cr_expect (text_is (frame.visitor.query, TEXT ("{\"a\":\"1\"}")));
    client_frame_free (&frame);
    json =
        TEXT ("{\"event\":\"typing\",\"sessionId\":\"s\",\"sender\":{\"email\":\"nobody\","
              "\"avatarPath\":\"javascript:alert(1)\",\"urlAttributes\":{\"query\":{\"a\":1}}}}");
    cr_assert_eq (client_frame_read (&frame, json, TEXT ("u")), FAULT_NONE);
    cr_expect_eq (frame.visitor.email.size + frame.visitor.avatar.size + frame.visitor.query.size,
                  0);
    client_frame_free (&frame);
}

Test (client_frame, measures_the_longest_text)
{
    client_frame_t frame;
    text_t json =
        TEXT ("{\"event\":\"new message\",\"sessionId\":\"s\",\"data\":{\"rawQuery\":\"abc\","
              "\"title\":\"abcde\",\"token\":null}}");
    cr_assert_eq (client_frame_read (&frame, json, TEXT ("u")), FAULT_NONE);
    cr_expect_eq (frame.text_size, 5);
    client_frame_free (&frame);
}

//  What agents are shown of a visitor stands beside what others say.
Test (client_frame, leaves_out_what_cannot_be_shown)
{
    static const char *const marks[] = { "\\u0000",    "\\n",           "\\u007f",
                                         "\xc2\x80",   "\\u009f",       "\xe2\x80\xaa",
                                         "\\u202e",    "\xe2\x81\xa6",  "\\u2069" };
    char json[400];
    for (size_t row = 0; row < sizeof marks / sizeof *marks; row++) {
        const char *mark = marks[row];
        int size = snprintf (json, sizeof json,
                             "{\"event\":\"typing\",\"sessionId\":\"s\",\"sender\":{"
                             "\"displayName\":\"Ann%s\",\"email\":\"a%s@b\","
                             "\"avatarPath\":\"/%s\","
                             "\"urlAttributes\":{\"path\":[\"a\",\"%s\"],"
                             "\"query\":{\"a\":\"%s\"}}}}",
                             mark, mark, mark, mark, mark);
        client_frame_t frame;
        cr_assert_eq (client_frame_read (&frame, (text_t){ json, (size_t) size }, TEXT ("u")),
                      FAULT_NONE, "%s", json);
        const visitor_t *visitor = &frame.visitor;
        cr_expect_eq (visitor->name.size, 0, "%s", json);
        cr_expect_eq (visitor->email.size + visitor->avatar.size, 0, "%s", json);
        cr_expect_eq (visitor->path.size + visitor->query.size, 0, "%s", json);
        client_frame_free (&frame);
    }
}

//  A limit of strings is none for what is no string.
Test (client_frame, texts_are_strings)
{
    static const char *const names[] = { "rawQuery", "title", "token" };
    static const char *const values[] = { "7", "[\"1\"]", "{\"a\":\"b\"}", "true", "1e9" };
    char json[200];
    for (size_t name = 0; name < 3; name++) {
        for (size_t value = 0; value < 5; value++) {
            snprintf (json, sizeof json, "{\"event\":\"new message\",\"data\":{\"%s\":%s}," REST,
                      names[name], values[value]);
            cr_expect_eq (s_fault (text_of (json)), FAULT_TEXT_TYPE, "%s", json);
        }
        snprintf (json, sizeof json, "{\"event\":\"new message\",\"data\":{\"%s\":null}," REST,
                  names[name]);
        cr_expect_eq (s_fault (text_of (json)), FAULT_NONE, "%s", json);
    }
    //  Only of what is said: other events' data is not read.
    EXPECT_FAULT ("{\"event\":\"typing\",\"data\":{\"rawQuery\":7}," REST, FAULT_NONE);
}

Test (client_frame, cuts_a_long_name)
{
    client_frame_t frame;
    char json[400];
    snprintf (json, sizeof json,
              "{\"event\":\"typing\",\"sessionId\":\"s\",\"sender\":{\"displayName\":"
              "\"%099d\xe2\x82\xac\"}}",
              7);
    cr_assert_eq (client_frame_read (&frame, text_of (json), TEXT ("u")), FAULT_NONE);
    cr_expect_eq (frame.visitor.name.size, 99);
    client_frame_free (&frame);
}

Test (client_frame, counts_what_it_costs_to_read)
{
    static char many[40000];
    client_frame_t frame;
    strcpy (many, "{\"event\":\"typing\",\"sessionId\":\"s\",\"x\":[\",,,,{[\"");
    for (int values = 0; values < 640; values++)
        strcat (many, ",1");
    strcat (many, "]}");
    cr_assert_eq (client_frame_read (&frame, text_of (many), TEXT ("u")), FAULT_NONE);
    cr_expect_eq (frame.cost, 1 + 0 + 10);
    client_frame_free (&frame);
    many[strlen (many) - 2] = 0;
    for (size_t size = strlen (many), values = 0; values < 8000; values++)
        size += (size_t) sprintf (many + size, ",{}");
    strcat (many, "]}");
    cr_assert_eq (client_frame_read (&frame, text_of (many), TEXT ("u")), FAULT_VALUES);
    client_frame_free (&frame);
}
