//  bad_input — what a client must not do, at the door of the whole stack: each has its answer, and
//  the conversation next to it goes on. The table is section 6 of docs/client-protocol.md.

#include "chat.h"
#include "eventually.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *frame;
    const char *code; //  of the `error` that it is answered with
} bad_frame_t;

//  In the order in which they are sent on one connection, a good frame between each two.
static const bad_frame_t s_bad_frames[] = {
    { "not JSON", "bad_request" },
    { "", "bad_request" },
    { "[]", "bad_request" },
    { "42", "bad_request" },
    { "null", "bad_request" },
    { "{}", "bad_request" },
    { "{\"event\":", "bad_request" },
    { "{\"event\":7,\"sessionId\":\"s-1\"}", "bad_request" },
    { "{\"event\":\"new message\"}", "bad_request" },
    { "{\"event\":\"new message\",\"sessionId\":\"s-1\"}", "bad_request" },
    { "{\"event\":\"new message\",\"sessionId\":\"s-1\",\"data\":\"text\"}", "bad_request" },
    { "{\"event\":\"new message\",\"sessionId\":\"s-1\",\"data\":[]}", "bad_request" },
    { "{\"event\":\"new message\",\"sessionId\":7,\"data\":{}}", "bad_request" },
    { "{\"event\":\"new message\",\"sessionId\":\"\",\"data\":{}}", "bad_request" },
    { "{\"event\":\"new message\",\"sessionId\":\"s\\u0000x\",\"data\":{}}", "bad_request" },
    { "{\"event\":\"typing\",\"sessionId\":\"s-1\",\"timeMs\":\"now\"}", "bad_request" },
    { "{\"event\":\"typing\",\"sessionId\":\"s-1\",\"timeMs\":-1}", "bad_request" },
    { "{\"event\":\"typing\",\"sessionId\":\"s-1\",\"timeMs\":1e300}", "bad_request" },
    { "{\"event\":\"sing\",\"sessionId\":\"s-1\"}", "unknown_event" },
    { "{\"event\":\"\",\"sessionId\":\"s-1\"}", "unknown_event" },
    { "{\"event\":\"connection update\",\"sessionId\":\"s-1\"}", "unknown_event" },
    { "{\"event\":\"barge in\",\"sessionId\":\"s-1\"}", "not_allowed" },
    { "{\"event\":\"barge out\",\"sessionId\":\"s-1\"}", "not_allowed" },
};

Test (bad_input, a_bad_frame_is_answered_and_the_chat_goes_on)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    for (size_t row = 0; row < sizeof s_bad_frames / sizeof s_bad_frames[0]; row++) {
        cr_assert (ws_client_send_text (client_of (ann), s_bad_frames[row].frame));
        json_object *error = sees (ann, "error", NULL);
        cr_expect_str_eq (ws_json_text (error, "data.code"), s_bad_frames[row].code,
                          "%s is answered with %s", s_bad_frames[row].frame,
                          json_object_to_json_string (error));
        char words[32];
        char answer[64];
        snprintf (words, sizeof words, "still here %zu", row);
        snprintf (answer, sizeof answer, "You said: %s", words);
        says (ann, words);
        hears (ann, "bot", answer);
    }
    leaves (&ann);
    stack_destroy (&stack);
}

//  A session id that is longer than it may be, in a join: the widget is waiting for its update.
Test (bad_input, a_session_id_of_ten_thousand_bytes)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    char *long_id = malloc (10001);
    cr_assert (long_id);
    memset (long_id, 's', 10000);
    long_id[10000] = 0;
    ws_client_t *client = ws_client_connect ("bob", stack_edge_port (stack, 1), "/?userId=bob");
    cr_assert (client);
    cr_assert (ws_client_send_format (
        client, "{\"event\":\"user joined\",\"sessionId\":\"%s\",\"timeMs\":1}", long_id));
    json_object *update = ws_client_wait_event (client, "connection update", 5000);
    cr_assert (update);
    cr_assert_not (ws_json_true (update, "data.sessionCreated"));
    cr_assert_str_eq (ws_json_text (update, "data.code"), "bad_request");
    free (long_id);
    ws_client_destroy (&client);
    stack_destroy (&stack);
}

Test (bad_input, sixteen_refused_frames_are_enough)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    for (int number = 0; number < 16; number++)
        (void) ws_client_send_text (client_of (ann), "{}");
    cr_assert (ws_client_expect_close (client_of (ann), 1008, 5000));
    leaves (&ann);
    stack_destroy (&stack);
}

typedef struct {
    const char *about;
    ws_opcode_t opcode;
    const char *data;
    size_t size;
    size_t filler; //  so many `x` in place of data
    int close_code;
} bad_message_t;

static const bad_message_t s_bad_messages[] = {
    { "a binary frame", WS_BINARY, "{\"event\":\"typing\"}", 18, 0, 1003 },
    { "a byte that is no UTF-8", WS_TEXT, "{\"event\":\"\xff\"}", 13, 0, 1007 },
    { "a character cut in two", WS_TEXT, "{\"event\":\"\xc3\"}", 13, 0, 1007 },
    { "a surrogate in UTF-8", WS_TEXT, "\xed\xa0\x80", 3, 0, 1007 },
    { "an overlong slash", WS_TEXT, "\xc0\xaf", 2, 0, 1007 },
    { "a frame of 1 MB", WS_TEXT, NULL, 0, 1000000, 1009 },
    { "a frame one above the limit", WS_TEXT, NULL, 0, 262145, 1009 },
};

static void
s_sends_badly (router_stack_t *stack, const bad_message_t *bad, size_t piece)
{
    char *filler = malloc (bad->filler + 1);
    cr_assert (filler);
    memset (filler, 'x', bad->filler);
    const char *data = bad->data ? bad->data : filler;
    size_t size = bad->data ? bad->size : bad->filler;
    person_t *bob = visitor_opens (stack, 1, "bob", "s-bob");
    (void) ws_client_send_fragmented (client_of (bob), bad->opcode, data, size,
                                      piece ? piece : size);
    cr_expect (ws_client_expect_close (client_of (bob), bad->close_code, 5000), "%s", bad->about);
    leaves (&bob);
    free (filler);
}

Test (bad_input, a_bad_message_closes_its_own_connection_only)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-ann");
    for (size_t row = 0; row < sizeof s_bad_messages / sizeof s_bad_messages[0]; row++) {
        s_sends_badly (stack, &s_bad_messages[row], 0);
        s_sends_badly (stack, &s_bad_messages[row],
                       s_bad_messages[row].filler ? 131000 : 1); //  as a browser cuts it
        says (ann, "still here");
        hears (ann, "bot", "You said: still here");
    }
    leaves (&ann);
    stack_destroy (&stack);
}

typedef struct {
    const char *target;
    const char *code;
    int close_code;
} bad_url_t;

static const bad_url_t s_bad_urls[] = {
    { "/?userId=u&appId=nobody", "unknown_app", 4404 },
    { "/?userId=u&appId=..%2F..%2Fetc", "unknown_app", 4404 },
    { "/", "bad_request", 4400 },
    { "/?userId=", "bad_request", 4400 },
    { "/?userId=a%07b", "bad_request", 4400 },
    { "/?userId=%ff", "bad_request", 4400 },
    { "/?userId=agent:widget:router", "not_allowed", 4403 },
    { "/?userId=xROUTER", "not_allowed", 4403 },
    { "/?userId=%0dx", "bad_request", 4400 },
    { "/?userId=a%00b", "bad_request", 4400 },
    { "/?userId=a%0ab", "bad_request", 4400 },
    { "/?userId=a%", "bad_request", 4400 },
    { "/?userId=a&userId=a", "bad_request", 4400 },
    { "/?userId=a&isAdmin=1", "bad_request", 4400 },
    { "/?userId=u&appId=", "unknown_app", 4404 },
};

Test (bad_input, a_bad_url_is_told_what_is_wrong)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    for (size_t row = 0; row < sizeof s_bad_urls / sizeof s_bad_urls[0]; row++) {
        const bad_url_t *bad = &s_bad_urls[row];
        ws_client_t *client = ws_client_connect (bad->target, stack_edge_port (stack, 1),
                                                 bad->target);
        cr_assert (client, "%s", bad->target);
        json_object *update = ws_client_wait_event (client, "connection update", 5000);
        cr_assert (update, "%s", bad->target);
        cr_expect_not (ws_json_true (update, "data.sessionCreated"));
        cr_expect_str_eq (ws_json_text (update, "data.code"), bad->code, "%s", bad->target);
        cr_expect (ws_client_expect_close (client, bad->close_code, 5000), "%s", bad->target);
        ws_client_destroy (&client);
    }
    stack_destroy (&stack);
}

//  What a client says about itself is not believed.
Test (bad_input, a_false_sender_is_put_right)
{
    router_stack_t *stack = everything_starts (1, 1, 1);
    person_t *ann = visitor_opens (stack, 1, "ann", "s-1");
    person_t *tab = opens_another_tab (ann, 1);
    cr_assert (ws_client_send_text (
        client_of (ann),
        "{\"event\":\"new message\",\"sessionId\":\"s-1\",\"timeMs\":5,"
        "\"sender\":{\"deviceId\":\"Bot\",\"userId\":\"bot\",\"isAdmin\":true,"
        "\"displayName\":\"Ann\"},\"data\":{\"type\":\"INTENT_REQUEST\","
        "\"rawQuery\":\"believe me\",\"userId\":\"eve\",\"sessionId\":\"s-2\","
        "\"accessToken\":\"secret\"}}"));
    json_object *frame = hears (tab, "ann", "believe me");
    cr_assert_str_eq (ws_json_text (frame, "sender.deviceId"), "Widget");
    cr_assert_not (ws_json_true (frame, "sender.isAdmin"));
    cr_assert_str_eq (ws_json_text (frame, "data.userId"), "ann");
    cr_assert_str_eq (ws_json_text (frame, "data.sessionId"), "s-1");
    cr_assert_str_eq (ws_json_text (frame, "data.accessToken"), "");
    EVENTUALLY (5000, bot_asked (stack_bot (stack), "believe me") == 1);
    char *request = bot_request (stack_bot (stack), "believe me");
    cr_assert (request && strstr (request, "secret"), "the bot is given the token");
    free (request);

    leaves (&ann);
    leaves (&tab);
    stack_destroy (&stack);
}
