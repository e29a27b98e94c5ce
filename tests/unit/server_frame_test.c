//  server_frame — what the stock widget can bear of a bot's answer, and that nothing else changes.

#include "client/server_frame.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>

#define SAY "\"outputSpeech\":{\"displayText\":\"Hi\"}"
#define BOT "{\"deviceId\":\"Bot\",\"userId\":\"bot\",\"displayName\":\"Bot\"}"
#define PERSON "{\"deviceId\":\"Widget\",\"userId\":\"u\",\"displayName\":\"Bot\"}"

typedef struct {
    char sender[80];
    char data[300];
    char shown[300];
} case_t;

#define SAME "same"
#define NOTHING ""

ParameterizedTestParameters (server_frame, cases)
{
    static case_t cases[] = {
        { BOT, "{" SAY "}", SAME },
        { BOT, "{" SAY ",\"system\":\"HANDOFF\"}", SAME },
        { BOT, "{" SAY ",\"system\":\"SURFACE_CLOSE\"}", SAME },
        { BOT, "{\"displays\":[{\"type\":\"CARD\"}]}", SAME },
        { BOT, "{\"context\":{\"active\":[{\"name\":\"shop\"}]}}", SAME },
        //  Its handler fails over these
        { BOT, "{" SAY ",\"system\":\"TRANSFER_CALL\",\"data\":{\"n\":12345678901234567890123}}",
          "{" SAY ",\"data\":{\"n\":12345678901234567890123}}" },
        { BOT, "{\"system\":\"PERMISSION_PHONE_NUMBER\"," SAY "}", "{" SAY "}" },
        { BOT, "{\"name\":\"a\",\"system\":\"PERMISSION_LIST\"," SAY ",\"data\":{}}",
          "{\"name\":\"a\"," SAY ",\"data\":{}}" },
        { BOT, "{" SAY ",\"system\":\"PERMISSION_EMAIL\"}",
          "{" SAY ",\"system\":\"PERMISSION_EMAIL\",\"data\":{}}" },
        { BOT, "{\"system\":\"PERMISSION_LOCATION_PRECISE\",\"data\":null," SAY "}",

          "{\"system\":\"PERMISSION_LOCATION_PRECISE\"," SAY ",\"data\":{}}" },
        { BOT, "{" SAY ",\"system\":\"PERMISSION_EMAIL\",\"data\":{\"a\":1}}", SAME },
        { BOT, "{" SAY ",\"system\":7}", "{" SAY "}" },
        { BOT, "{\"system\":null," SAY "}", "{" SAY "}" },
        { BOT, "{" SAY ",\"system\":\"\",\"data\":{}}", "{" SAY ",\"data\":{}}" },
        { BOT, "{" SAY ",\"system\":[\"TRANSFER_CALL\",{\"system\":\"a\"}],\"context\":{}}",
          "{" SAY ",\"context\":{}}" },
        { BOT, "{" SAY ",\"system\":{\"PERMISSION_EMAIL\":true}}", "{" SAY "}" },
        //  It would draw an empty entry
        { BOT, "{\"system\":7}", NOTHING },
        { BOT, "{\"system\":\"\",\"data\":{}}", NOTHING },
        { BOT, "{\"data\":{\"order\":7}}", NOTHING },
        { BOT, "{\"media\":[]}", NOTHING },
        { BOT, "{\"data\":{\"outputSpeech\":1}}", NOTHING },
        { BOT, "{\"name\":\"a\"," SAY "}", SAME },
        { BOT, "{\"system\":\"TRANSFER_CALL\",\"data\":{}}", NOTHING },
        //  A word inside is no member
        { BOT, "{" SAY ",\"data\":{\"system\":\"TRANSFER_CALL\",\"b\":[\"}\"]}}", SAME },
        //  People say what they like
        { PERSON, "{\"rawQuery\":\"hi\",\"system\":\"TRANSFER_CALL\"}", SAME },
    };
    return cr_make_param_array (case_t, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest (case_t *param, server_frame, cases)
{
    bus_deliver_t entry = { .session = TEXT_EMPTY,
                            .event = EVENT_NEW_MESSAGE,
                            .message_id = TEXT_EMPTY,
                            .sender = text_of (param->sender),
                            .data = text_of (param->data) };
    const char *shown = strcmp (param->shown, SAME) == 0 ? param->data : param->shown;
    char expected[700];
    int size = snprintf (expected, sizeof expected,
                         "{\"event\":\"new message\",\"data\":%s,\"sender\":%s,\"timeMs\":0,"
                         "\"seq\":0}",
                         shown, param->sender);
    frame_t *frame = server_frame_deliver (&entry, DIALECT_WIDGET);
    cr_assert_eq (frame == NULL, *shown == 0, "%s", param->data);
    if (frame)
        cr_assert (
            text_is ((text_t){ frame->text, frame->size }, (text_t){ expected, (size_t) size }),
            "%s: %.*s", param->data, (int) frame->size, frame->text);
    frame_destroy (&frame);
    //  Other clients are given it as it is.
    frame = server_frame_deliver (&entry, DIALECT_RICH);
    cr_assert_not_null (memmem (frame->text, frame->size, param->data, strlen (param->data)));
    frame_destroy (&frame);
}

//  An agent, or a platform, that writes through the API: the widget knows neither device.
Test (server_frame, a_widget_knows_each_sender_of_a_message)
{
    static const struct {
        const char *sender, *data, *shown;
    } rows[] = {
        { "{\"deviceId\":\"Api\",\"userId\":\"ann\",\"isAdmin\":true}", "{\"rawQuery\":\"hi\"}",
          "{\"deviceId\":\"Widget\",\"userId\":\"ann\",\"isAdmin\":true}" },
        { "{\"userId\":\"platform.x\",\"deviceId\":\"platform.x\",\"displayName\":\"Ann\"}",
          "{\"rawQuery\":\"hi\",\"data\":{\"displays\":[]}}",
          "{\"deviceId\":\"Widget\",\"userId\":\"platform.x\",\"displayName\":\"Ann\"}" },
        { "{\"userId\":\"platform.x\",\"deviceId\":\"platform.x\"}", "{" SAY "}",
          "{\"deviceId\":\"Bot\",\"userId\":\"platform.x\"}" },
        { "{\"userId\":\"u\"}", "{\"displays\":[]}", "{\"deviceId\":\"Bot\",\"userId\":\"u\"}" },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        char wanted[300];
        bus_deliver_t entry = { .session = TEXT_EMPTY,
                                .event = EVENT_NEW_MESSAGE,
                                .message_id = TEXT_EMPTY,
                                .sender = text_of (rows[at].sender),
                                .data = text_of (rows[at].data) };
        int size = snprintf (wanted, sizeof wanted, "\"sender\":%s,\"timeMs\"", rows[at].shown);
        frame_t *frame = server_frame_deliver (&entry, DIALECT_WIDGET);
        cr_expect (memmem (frame->text, frame->size, wanted, (size_t) size), "%.*s",
                   (int) frame->size, frame->text);
        frame_destroy (&frame);
        frame = server_frame_deliver (&entry, DIALECT_RICH);
        cr_expect (memmem (frame->text, frame->size, rows[at].sender, strlen (rows[at].sender)));
        frame_destroy (&frame);
    }
}

Test (server_frame, other_events_are_left_alone)
{
    bus_deliver_t entry = { .session = TEXT_EMPTY,
                            .event = EVENT_FAILURE,
                            .message_id = TEXT_EMPTY,
                            .sender = text_of (BOT),
                            .data = TEXT ("{\"type\":\"BOT\",\"tries\":3}") };
    frame_t *frame = server_frame_deliver (&entry, DIALECT_WIDGET);
    cr_assert_not_null (memmem (frame->text, frame->size, entry.data.data, entry.data.size));
    frame_destroy (&frame);
}

// ---------------------------------------------------------------------------------------------
//  Positions in the log

static void
s_expect_frame (frame_t *frame, const char *text)
{
    cr_expect (text_is ((text_t){ frame->text, frame->size }, text_of (text)), "%.*s",
               (int) frame->size, frame->text);
    frame_destroy (&frame);
}

//  Beside each seq, for those who say it again.
Test (server_frame, a_rich_client_is_given_the_check)
{
    bus_deliver_t entry = { .session = TEXT ("demo/s"),
                            .event = EVENT_NEW_MESSAGE,
                            .message_id = TEXT_EMPTY,
                            .sender = TEXT ("{\"deviceId\":\"Bot\"}"),
                            .data = TEXT ("{\"context\":{}}"),
                            .time_ms = 5,
                            .seq = 7,
                            .check = 0xabc };
    s_expect_frame (server_frame_deliver (&entry, DIALECT_RICH),
                    "{\"event\":\"new message\",\"sessionId\":\"s\",\"data\":"
                    "{\"context\":{}},"
                    "\"sender\":{\"deviceId\":\"Bot\"},\"timeMs\":5,\"seq\":7,"
                    "\"check\":\"0000000000000abc\"}");
    s_expect_frame (server_frame_deliver (&entry, DIALECT_WIDGET),
                    "{\"event\":\"new message\",\"sessionId\":\"s\",\"data\":"
                    "{\"context\":{}},"
                    "\"sender\":{\"deviceId\":\"Bot\"},\"timeMs\":5,\"seq\":7}");
    log_position_t last = { 7, 0xabc };
    s_expect_frame (server_frame_joined (TEXT ("s"), last, TEXT ("u")),
                    "{\"event\":\"connection update\",\"sessionId\":\"s\",\"data\":"
                    "{\"sessionCreated\":true,\"seq\":7,\"check\":\"0000000000000abc\","
                    "\"userId\":\"u\"}}");
    s_expect_frame (server_frame_joined (TEXT ("s"), last, TEXT_EMPTY),
                    "{\"event\":\"connection update\",\"sessionId\":\"s\",\"data\":"
                    "{\"sessionCreated\":true,\"seq\":7}}");
    bus_posted_t posted = { .seq = 7, .check = 0xabc, .time_ms = 5 };
    s_expect_frame (server_frame_ack (TEXT ("s"), TEXT ("m"), &posted),
                    "{\"event\":\"ack\",\"sessionId\":\"s\",\"data\":{\"messageId\":\"m\","
                    "\"seq\":7,\"check\":\"0000000000000abc\",\"timeMs\":5,\"duplicate\":false}}");
}

Test (server_frame, a_history_that_changed)
{
    bus_truncated_t truncated = {
        .session = TEXT ("demo/s"), .seq = 7, .check = 0xabc, .last_seq = 9
    };
    s_expect_frame (server_frame_truncated (&truncated),
                    "{\"event\":\"history changed\",\"sessionId\":\"s\",\"seq\":7,"
                    "\"check\":\"0000000000000abc\",\"data\":{\"lastSeq\":9}}");
    truncated.seq = truncated.check = 0;
    s_expect_frame (server_frame_truncated (&truncated),
                    "{\"event\":\"history changed\",\"sessionId\":\"s\",\"seq\":0,"
                    "\"data\":{\"lastSeq\":9}}");
}

Test (server_frame, the_slower_of_two)
{
    s_expect_frame (server_frame_overtaken (
                        TEXT ("s"), TEXT ("b-1"),
                        &(bus_posted_t){ .verdict = VERDICT_PRECONDITION,
                                         .control = TEXT ("{\"role\":\"agent\",\"version\":7}"),
                                         .words = TEXT ("agent otto has control, version 7") }),
                    "{\"event\":\"error\",\"sessionId\":\"s\",\"data\":{\"code\":"
                    "\"precondition\",\"message\":\"agent otto has control, version 7\","
                    "\"messageId\":\"b-1\",\"control\":{\"role\":\"agent\",\"version\":7}}}");
}
