//  The edge as a real process: what it refuses of a message, how it says so to each kind of
//  client, and what it passes on.

#include "edge_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START(...) stage_start ((const char *const[]){ __VA_ARGS__, NULL })

//  Ways to spoil a message behind its ids: what stands in its `data`.
static const struct {
    const char *data;
    const char *words;
} s_spoilt[] = {
    { "{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
      "nested" },
    { "{\"a\":NaN}", "JSON" },
    { "{\"a\\u0000b\":1}", "NUL" },
    { "{\"rawQuery\":\"hi\",\"accessToken\":\"a\\u0000b\"}", "accessToken" },
    { "{\"rawQuery\":\"hi\",\"accessToken\":{}}", "accessToken" },
    { "[]", "data" },
};

enum { SPOILT = sizeof s_spoilt / sizeof *s_spoilt };

static void
s_say (ws_client_t *client, size_t row, const char *id)
{
    cr_assert (
        ws_client_send_format (client,
                               "{\"event\":\"new message\",\"data\":%s,\"messageId\":\"%s\","
                               "\"sessionId\":\"s-1\"}",
                               s_spoilt[row].data, id));
}

//  Its client waits for a word about this message, and about no other.
Test (edge_refusals, an_error_names_its_message)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *client = stage_connect (self, "/?userId=u-1&protocol=2");
    stage_join (self, client);
    for (size_t row = 0; row < SPOILT; row++) {
        char id[20];
        snprintf (id, sizeof id, "m-%zu", row);
        s_say (client, row, id);
        json_object *error = ws_client_wait_event (client, "error", 5000);
        cr_assert_str_eq (ws_json_text (error, "data.messageId"), id, "%s", s_spoilt[row].data);
        cr_assert_str_eq (ws_json_text (error, "data.code"), "bad_request");
        cr_assert (strstr (ws_json_text (error, "data.message"), s_spoilt[row].words), "%s",
                   ws_json_text (error, "data.message"));
        cr_assert_str_eq (ws_json_text (error, "sessionId"), "s-1");
    }
    stage_message (client, "s-1", "good");
    cr_assert (text_is (stage_hear (self, BUS_POST)->post.message_id, TEXT ("good")));
    ws_client_destroy (&client);
    stage_end (self);
}

//  It knows no errors: without a failure its visitor would wait for an answer for ever.
Test (edge_refusals, a_widget_is_shown_a_failure)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    stage_join (self, client);
    for (size_t row = 0; row < SPOILT; row++) {
        s_say (client, row, "m");
        json_object *failure = ws_client_wait_event (client, "failure", 5000);
        cr_assert (failure, "%s", s_spoilt[row].data);
        cr_assert_eq (ws_json_number (failure, "data.tries"), 3);
        cr_assert_str_eq (ws_json_text (failure, "sender.deviceId"), "Bot");
        cr_assert (strstr (ws_json_text (failure, "data.error"), s_spoilt[row].words));
    }
    //  What is no message is refused as before.
    ws_client_send_text (client, "{\"event\":\"dance\",\"sessionId\":\"s-1\"}");
    cr_assert (ws_client_expect_no (client, "failure", 300));
    ws_client_destroy (&client);
    stage_end (self);
}

Test (edge_refusals, numbers_go_on_as_they_are)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    stage_join (self, client);
    ws_client_send_text (
        client, "{\"event\":\"new message\",\"sessionId\":\"s-1\",\"data\":{\"rawQuery\":"
                "\"x\",\"attributes\":{\"n\":100000000000000000000,\"m\":-0}}}");
    text_t data = stage_hear (self, BUS_POST)->post.data;
    cr_assert (memmem (data.data, data.size, "{\"n\":100000000000000000000,\"m\":-0}", 34),
               "%.*s", TEXT_ARGS (data));
    ws_client_destroy (&client);
    stage_end (self);
}

//  Bounded, checked, and never instead of who it really is.
Test (edge_refusals, what_a_visitor_says_of_itself_is_shown)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    stage_join (self, client);
    ws_client_send_text (
        client, "{\"event\":\"new message\",\"sessionId\":\"s-1\",\"data\":{\"rawQuery\":\"x\"},"
                "\"sender\":{\"userId\":\"liar\",\"isAdmin\":true,\"displayName\":\"Ann\","
                "\"email\":\"ann@b.example\",\"avatarPath\":\"/ann.png\",\"urlAttributes\":{"
                "\"path\":[\"a\"],\"query\":{\"q\":\"1\"}}}}");
    static const char expected[] =
        "{\"deviceId\":\"Widget\",\"userId\":\"u-1\",\"displayName\":\"Ann\",\"isAdmin\":false,"
        "\"email\":\"ann@b.example\",\"avatarPath\":\"/"
        "ann.png\",\"urlAttributes\":{\"path\":[\"a\"],"
        "\"query\":{\"q\":\"1\"}}}";
    text_t sender = stage_hear (self, BUS_POST)->post.sender;
    cr_assert (text_is (sender, text_of (expected)), "%.*s", TEXT_ARGS (sender));
    ws_client_destroy (&client);
    stage_end (self);
}

static void
s_say_long (ws_client_t *client, size_t size)
{
    static char text[3000];
    memset (text, 'x', size);
    text[size] = '\0';
    cr_assert (
        ws_client_send_format (client,
                               "{\"event\":\"new message\",\"sessionId\":\"s-1\",\"messageId\":"
                               "\"m-%zu\",\"data\":{\"rawQuery\":\"%s\"}}",
                               size, text));
}

//  Nor is it got round by another type than text; the next message is the first to be posted.
Test (edge_refusals, a_text_is_a_string)
{
    stage_t *self = START ("TEXT_LIMIT=2000");
    ws_client_t *visitor = stage_connect (self, "/?userId=u-1&protocol=2");
    stage_join (self, visitor);
    cr_assert (ws_client_send_format (
        visitor, "{\"event\":\"new message\",\"sessionId\":\"s-1\",\"messageId\":\"m-1\","
                 "\"data\":{\"rawQuery\":[\"1\"]}}"));
    json_object *error = ws_client_wait_event (visitor, "error", 5000);
    cr_assert_str_eq (ws_json_text (error, "data.code"), "bad_request");
    cr_assert_str_eq (ws_json_text (error, "data.messageId"), "m-1");
    s_say_long (visitor, 10);
    cr_assert (text_is (stage_hear (self, BUS_POST)->post.message_id, TEXT ("m-10")));
    ws_client_destroy (&visitor);
    stage_end (self);
}

//  A long text costs some bots minutes. An agent's goes to no bot.
Test (edge_refusals, a_text_has_a_limit)
{
    stage_t *self = START ("TEXT_LIMIT=2000", "EDGE_DEMO_MODE=on");
    ws_client_t *visitor = stage_connect (self, "/?userId=u-1&protocol=2");
    stage_join (self, visitor);
    s_say_long (visitor, 2000);
    cr_assert (text_is (stage_hear (self, BUS_POST)->post.message_id, TEXT ("m-2000")));
    s_say_long (visitor, 2001);
    json_object *error = ws_client_wait_event (visitor, "error", 5000);
    cr_assert_str_eq (ws_json_text (error, "data.code"), "too_large");
    cr_assert_str_eq (ws_json_text (error, "data.messageId"), "m-2001");
    ws_client_t *widget = stage_connect (self, "/?userId=u-1");
    stage_join (self, widget);
    s_say_long (widget, 2001);
    cr_assert (ws_client_wait_event (widget, "failure", 5000));
    ws_client_t *agent = stage_connect (self, "/?userId=a-1&isAdmin=true&protocol=2");
    stage_join (self, agent);
    s_say_long (agent, 2001);
    cr_assert (text_is (stage_hear (self, BUS_POST)->post.message_id, TEXT ("m-2001")));
    ws_client_destroy (&agent);
    ws_client_destroy (&widget);
    ws_client_destroy (&visitor);
    stage_end (self);
}
