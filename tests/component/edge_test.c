//  edge between clients and a scripted postoffice: what it says to whom.

#include "edge_fixture.h"
#include "eventually.h"
#include "http_get.h"
#include "model/principal.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>

#define STARTS_WITH(text, beginning) (strncmp ((text).data, beginning, strlen (beginning)) == 0)

Test (edge, puts_a_visitor_into_a_session)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *client = stage_connect (self, "/any/path?userId=u-1&isAdmin=false");
    ws_client_send_text (client, "{\"event\":\"user joined\",\"sessionId\":\"s-1\",\"timeMs\":77,"
                                 "\"sender\":{\"userId\":\"liar\",\"displayName\":\"Ann\","
                                 "\"isAdmin\":true,\"urlAttributes\":{\"path\":[\"\"]}}}");
    const bus_record_t *attach = stage_hear (self, BUS_ATTACH);
    cr_expect_eq (attach->attach.reason, ATTACH_JOIN);
    cr_expect_eq (attach->attach.role, ROLE_VISITOR);
    cr_expect_eq (attach->attach.dialect, DIALECT_WIDGET);
    cr_expect_eq (attach->attach.seq, SEQ_UNKNOWN);
    cr_expect_eq (attach->attach.time_ms, 77);
    cr_expect (text_is (attach->attach.session, TEXT ("demo/s-1")));
    cr_expect (text_is (attach->attach.user, TEXT ("u-1")));
    cr_expect (
        text_is (attach->attach.sender,
                 TEXT ("{\"deviceId\":\"Widget\",\"userId\":\"u-1\",\"displayName\":\"Ann\","
                       "\"isAdmin\":false,\"urlAttributes\":{\"path\":[\"\"]}}")));
    stage_attached (self, attach, VERDICT_OK, 3);
    json_object *update = ws_client_wait_event (client, "connection update", 2000);
    cr_expect (ws_json_true (update, "data.sessionCreated"));
    cr_expect_eq (ws_json_number (update, "data.seq"), 3);
    ws_client_destroy (&client);
    const bus_record_t *detach = stage_hear (self, BUS_DETACH);
    cr_expect_eq (detach->detach.endpoint, attach->attach.endpoint);
    stage_end (self);
}

//  The next ATTACH must say that of the endpoint.
static void
s_expect_attach (stage_t *self, role_t role, const char *info)
{
    const bus_attach_t *attach = &stage_hear (self, BUS_ATTACH)->attach;
    cr_expect_eq (attach->role, role);
    cr_expect_eq (attach->may, permissions_of (role) | PERMISSIONS_SAID);
    cr_expect (text_is (attach->info, text_of (info)), "%.*s", TEXT_ARGS (attach->info));
}

//  What the request told is there for as long as the connection, wherever its session goes.
Test (edge, says_what_an_endpoint_may_do_and_what_is_known_of_a_visitor)
{
    static const char info[] = "{\"name\":\"Ann\",\"page\":\"https://shop.example/cart\","
                               "\"language\":\"de-CH\",\"addressClass\":\"loopback\","
                               "\"agent\":\"Browser/1 (\\\"B\xc3\xb6se\\\")\"}";
    stage_t *self = START ("EDGE_DEMO_MODE=on");
    ws_options_t options = {
        .port = self->port,
        .target = "/?userId=u-1",
        .origin = "https://shop.example",
        .headers = "User-Agent: Browser/1 (\"B\xc3\xb6se\")\r\nAccept-Language: de-CH,de;q=0.9\r\n"
                   "Referer: https://shop.example/cart?card=secret#secret\r\n",
    };
    ws_client_t *client = ws_client_open (&options);
    cr_assert_eq (ws_client_status (client), 101);
    ws_client_send_text (client, "{\"event\":\"user joined\",\"sessionId\":\"s-1\","
                                 "\"sender\":{\"displayName\":\"Ann\"}}");
    s_expect_attach (self, ROLE_VISITOR, info);
    stage_lose_postoffice (self);
    stage_open_postoffice (self);
    s_expect_attach (self, ROLE_VISITOR, info);
    ws_client_destroy (&client);
    options.target = "/?userId=a-1&isAdmin=true";
    client = ws_client_open (&options);
    ws_client_send_text (client, "{\"event\":\"user joined\",\"sessionId\":\"s-1\"}");
    s_expect_attach (self, ROLE_AGENT, "");
    ws_client_destroy (&client);
    stage_end (self);
}

//  However large or wrong: it is cut or left out, and the visitor comes in.
Test (edge, headers_of_a_visitor_are_bounded)
{
    static char headers[15000];
    char info[400];
    stage_t *self = stage_start (NULL);
    snprintf (headers, sizeof headers,
              "User-Agent: %014000d\r\nAccept-Language: de_CH\r\nReferer: https://u:p@h/\r\n", 0);
    snprintf (info, sizeof info, "{\"addressClass\":\"loopback\",\"agent\":\"%0256d\"}", 0);
    for (int round = 0; round < 2; round++) {
        ws_client_t *client = ws_client_open (
            &(ws_options_t){ .port = self->port, .target = "/?userId=u-1", .headers = headers });
        cr_assert_eq (ws_client_status (client), 101);
        ws_client_send_text (client, "{\"event\":\"user joined\",\"sessionId\":\"s-1\"}");
        s_expect_attach (self, ROLE_VISITOR, round ? "{\"addressClass\":\"loopback\"}" : info);
        ws_client_destroy (&client);
        snprintf (headers, sizeof headers,
                  "User-Agent: a\xff\r\nAccept-Language: *\r\nReferer: javascript:x\r\n"
                  "Referer: https://h/\r\n");
    }
    stage_end (self);
}

Test (edge, posts_with_the_true_sender_and_acknowledges)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *client = stage_connect (self, "/?userId=u-1&protocol=2");
    stage_join (self, client);
    stage_message (client, "s-1", "m-1");
    const bus_record_t *post = stage_hear (self, BUS_POST);
    cr_expect (text_is (post->post.message_id, TEXT ("m-1")));
    cr_expect (text_is (post->post.secret, TEXT ("t")));
    cr_expect (text_is (post->post.data,
                        TEXT ("{\"rawQuery\":\"hi\",\"userId\":\"u-1\",\"sessionId\":\"s-1\"}")));
    cr_expect (STARTS_WITH (post->post.sender, "{\"deviceId\":\"Widget\",\"userId\":\"u-1\""));
    cr_expect_eq (post->post.time_ms, 5);
    cr_expect_eq (post->post.hidden, 0);
    stage_posted (self, post, VERDICT_DUPLICATE, 9);
    json_object *ack = ws_client_wait_event (client, "ack", 2000);
    cr_expect_str_eq (ws_json_text (ack, "data.messageId"), "m-1");
    cr_expect_eq (ws_json_number (ack, "data.seq"), 9);
    cr_expect (ws_json_true (ack, "data.duplicate"));
    ws_client_destroy (&client);
    stage_end (self);
}

Test (edge, delivers_once_and_only_to_who_is_in_the_session)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    uint64_t endpoint = stage_join (self, client);
    stage_deliver (self, endpoint, 4, "{\"outputSpeech\":\"four\"}", false);
    stage_deliver (self, endpoint, 4, "{\"outputSpeech\":\"again\"}", false);
    stage_deliver (self, endpoint + 1, 5, "{\"outputSpeech\":\"other\"}", false);
    stage_deliver (self, endpoint, 6, "{\"outputSpeech\":\"six\"}", false);
    json_object *message = ws_client_wait_event (client, "new message", 2000);
    cr_expect_str_eq (ws_json_text (message, "data.outputSpeech"), "four");
    cr_expect_str_eq (ws_json_text (message, "sender.deviceId"), "Bot");
    cr_expect_str_eq (ws_json_text (message, "sessionId"), "s-1");
    cr_expect_str_eq (ws_json_text (message, "messageId"), "m-bot");
    cr_expect_eq (ws_json_number (message, "timeMs"), 1760000000004);
    message = ws_client_wait_event (client, "new message", 2000);
    cr_expect_str_eq (ws_json_text (message, "data.outputSpeech"), "six");
    ws_client_destroy (&client);
    stage_end (self);
}

Test (edge, tells_what_a_widget_has_received)
{
    stage_t *self = START ("EDGE_PING_EVERY=2s");
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    uint64_t endpoint = stage_join (self, client);
    ws_client_answer_pings (client, false);
    stage_deliver (self, endpoint, 4, "{\"outputSpeech\":\"x\"}", false);
    cr_assert (ws_client_wait_event (client, "new message", 2000));
    ws_message_t message;
    cr_assert_eq (ws_client_next (client, &message, 2000), WS_MESSAGE);
    cr_assert_eq (message.opcode, WS_PING);
    //  A pong that nobody asked for confirms nothing.
    ws_client_send_frame (client, WS_PONG, true, "made up", 7);
    char ping[8];
    cr_assert_eq (message.size, sizeof ping);
    memcpy (ping, message.data, sizeof ping);
    rig_turn_for (&self->rig, 1200);
    cr_assert (!stage_find (self, BUS_RECEIPT));
    ws_client_send_frame (client, WS_PONG, true, ping, sizeof ping);
    const bus_record_t *receipt = stage_hear (self, BUS_RECEIPT);
    cr_expect_eq (receipt->receipt.endpoint, endpoint);
    cr_expect_eq (receipt->receipt.seq, 4);
    ws_client_reset (client);
    cr_expect_eq (stage_hear (self, BUS_DETACH)->detach.received_seq, 4);
    ws_client_destroy (&client);
    stage_end (self);
}

//  A ping for each of them would cost as much as they do. What was not confirmed is brought again,
//  so the last one must be confirmed soon, however many there were.
Test (edge, confirms_by_pace)
{
    enum { DELIVERIES = 100 };
    stage_t *self = stage_start (NULL);
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    uint64_t endpoint = stage_join (self, client);
    double before = process_metric (self->edge, "stentor_edge_pongs_total");
    uint64_t began_ms = clock_mono_ms (), seen = 0;
    for (uint64_t seq = 4; seq < 4 + DELIVERIES; seq++) {
        stage_deliver (self, endpoint, seq, "{\"outputSpeech\":\"x\"}", false);
        cr_assert (ws_client_wait_event (client, "new message", 5000));
    }
    while (seen < 4 + DELIVERIES - 1) {
        //  It answers pings while it listens.
        cr_assert (ws_client_expect_silence (client, 20));
        rig_turn (&self->rig);
        if (stage_find (self, BUS_RECEIPT))
            seen = stage_hear (self, BUS_RECEIPT)->receipt.seq;
        cr_assert_lt (clock_mono_ms () - began_ms, 20000u);
    }
    double pings = process_metric (self->edge, "stentor_edge_pongs_total") - before;
    double seconds = (double) (clock_mono_ms () - began_ms) / 1000;
    cr_assert_leq (pings, 2 + seconds, "%g pings in %g s", pings, seconds);
    ws_client_destroy (&client);
    stage_end (self);
}

Test (edge, finds_the_session_of_a_silent_connection)
{
    stage_t *self = START ("EDGE_SILENCE=200ms");
    ws_client_t *client = stage_connect (self, "/?userId=u-1&isAdmin=false&createWsReason=wakeup");
    const bus_record_t *lookup = stage_hear (self, BUS_LOOKUP);
    cr_expect (text_is (lookup->lookup.user, TEXT ("u-1")));
    cr_expect (text_is (lookup->lookup.app, TEXT ("demo")));
    stage_say (self, &(bus_record_t){ .kind = BUS_LOOKUP_REPLY,
                                      .lookup_reply = { .endpoint = lookup->lookup.endpoint,
                                                        .session = TEXT ("demo/s-1") } });
    const bus_record_t *attach = stage_hear (self, BUS_ATTACH);
    cr_expect_eq (attach->attach.reason, ATTACH_SILENT);
    cr_expect_eq (attach->attach.seq, SEQ_UNKNOWN);
    stage_attached (self, attach, VERDICT_OK, 5);
    cr_expect (ws_json_true (ws_client_wait_event (client, "connection update", 2000),
                             "data.sessionCreated"));
    ws_client_destroy (&client);

    client = stage_connect (self, "/?userId=u-2");
    lookup = stage_hear (self, BUS_LOOKUP);
    stage_say (self, &(bus_record_t){ .kind = BUS_LOOKUP_REPLY,
                                      .lookup_reply = { .endpoint = lookup->lookup.endpoint } });
    cr_expect (ws_json_true (ws_client_wait_event (client, "connection update", 2000),
                             "data.sessionCreated"));
    ws_client_destroy (&client);

    //  A frame wins over an answer that comes late.
    client = stage_connect (self, "/?userId=u-3");
    lookup = stage_hear (self, BUS_LOOKUP);
    stage_join (self, client);
    stage_say (self, &(bus_record_t){ .kind = BUS_LOOKUP_REPLY,
                                      .lookup_reply = { .endpoint = lookup->lookup.endpoint,
                                                        .session = TEXT ("demo/other") } });
    rig_turn_for (&self->rig, 100);
    cr_expect (!stage_find (self, BUS_ATTACH));
    ws_client_destroy (&client);
    stage_end (self);
}

Test (edge, follows_the_session_of_each_frame)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    uint64_t endpoint = stage_join (self, client);
    stage_message (client, "s-2", "m-1");
    const bus_record_t *post = stage_hear (self, BUS_POST);
    const bus_record_t *detach = stage_hear (self, BUS_DETACH);
    const bus_record_t *attach = stage_hear (self, BUS_ATTACH);
    cr_expect (detach < attach && attach < post);
    cr_expect (text_is (detach->detach.session, TEXT ("demo/s-1")));
    cr_expect (text_is (attach->attach.session, TEXT ("demo/s-2")));
    cr_expect_eq (attach->attach.reason, ATTACH_FRAME);
    cr_expect (text_is (post->post.session, TEXT ("demo/s-2")));
    //  A widget's messageId is not its to choose.
    cr_expect_eq (post->post.message_id.size, 32);
    //  A late answer for the old session does not follow into the new one.
    stage_deliver (self, endpoint, 9, "{\"outputSpeech\":\"x\"}", false);
    stage_attached (self, attach, VERDICT_OK, 1);
    cr_expect (ws_client_expect_no (client, "new message", 200));

    ws_client_send_text (client, "{\"event\":\"typing\",\"sessionId\":\"s-2\"}");
    const bus_record_t *signal_record = stage_hear (self, BUS_SIGNAL);
    cr_expect_eq (signal_record->signal.event, EVENT_TYPING);
    cr_expect (!stage_find (self, BUS_ATTACH));
    ws_client_destroy (&client);
    stage_end (self);
}

Test (edge, passes_on_what_the_office_refuses)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *rich = stage_connect (self, "/?userId=u-1&protocol=2");
    stage_join (self, rich);
    stage_message (rich, "s-1", "m-1");
    stage_posted (self, stage_hear (self, BUS_POST), VERDICT_BUSY, 0);
    json_object *busy = ws_client_wait_event (rich, "busy", 2000);
    cr_expect_str_eq (ws_json_text (busy, "data.code"), "busy");
    cr_expect_str_eq (ws_json_text (busy, "data.messageId"), "m-1");
    cr_expect_gt (ws_json_number (busy, "data.retryAfterMs"), 0);
    //  None overtakes it: what comes before it is said again is refused, too.
    stage_message (rich, "s-1", "m-2");
    busy = ws_client_wait_event (rich, "busy", 2000);
    cr_expect_str_eq (ws_json_text (busy, "data.messageId"), "m-2");
    cr_expect (!stage_find (self, BUS_POST));
    stage_message (rich, "s-1", "m-1");
    stage_posted (self, stage_hear (self, BUS_POST), VERDICT_NOT_ALLOWED, 0);
    cr_expect_str_eq (ws_json_text (ws_client_wait_event (rich, "error", 2000), "data.code"),
                      "not_allowed");

    ws_client_t *widget = stage_connect (self, "/?userId=u-2");
    stage_join (self, widget);
    stage_message (widget, "s-1", "m-1");
    stage_posted (self, stage_hear (self, BUS_POST), VERDICT_STORE_DOWN, 0);
    json_object *failure = ws_client_wait_event (widget, "failure", 2000);
    cr_expect_eq (ws_json_number (failure, "data.tries"), 3);
    cr_expect_eq (ws_json_number (failure, "data.delay"), 0);
    cr_expect_str_eq (ws_json_text (failure, "sender.deviceId"), "Bot");
    cr_expect_str_eq (ws_json_text (failure, "sender.userId"), "bot");

    //  Somebody else's session: told once, and the message goes nowhere.
    stage_message (widget, "s-9", "m-2");
    stage_attached (self, stage_hear (self, BUS_ATTACH), VERDICT_NOT_YOURS, 0);
    json_object *update = ws_client_wait_event (widget, "connection update", 2000);
    cr_expect_not (ws_json_true (update, "data.sessionCreated"));
    cr_expect_str_eq (ws_json_text (update, "data.code"), "not_yours");
    stage_posted (self, stage_hear (self, BUS_POST), VERDICT_NOT_JOINED, 0);
    cr_expect (ws_client_expect_silence (widget, 200));
    ws_client_destroy (&rich);
    ws_client_destroy (&widget);
    stage_end (self);
}

Test (edge, says_again_what_a_lost_office_did_not_answer)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *client = stage_connect (self, "/?userId=u-1&protocol=2");
    uint64_t endpoint = stage_join (self, client);
    stage_deliver (self, endpoint, 7, "{\"outputSpeech\":\"x\"}", false);
    stage_message (client, "s-1", "m-1");
    stage_message (client, "s-1", "m-2");
    //  They go together; the second one names the first, which it must not overtake.
    uint64_t first = stage_hear (self, BUS_POST)->post.request_id;
    cr_assert_eq (stage_hear (self, BUS_POST)->post.after, first);
    bus_server_destroy (&self->bus);
    RIG_UNTIL (&self->rig, 5000,
               !process_is_alive (self->edge)
                   || process_metric (self->edge, "stentor_edge_postoffices") == 0);
    stage_message (client, "s-1", "m-3");
    stage_open_postoffice (self);
    const bus_record_t *attach = stage_hear (self, BUS_ATTACH);
    cr_expect_eq (attach->attach.reason, ATTACH_REATTACH);
    cr_expect_eq (attach->attach.seq, 7);
    static const char *const ids[] = { "m-1", "m-2", "m-3" };
    uint64_t before = 0;
    for (unsigned at = 0; at < 3; at++) {
        const bus_record_t *post = stage_hear (self, BUS_POST);
        cr_assert (text_is (post->post.message_id, text_of (ids[at])));
        cr_assert_eq (post->post.after, before);
        before = post->post.request_id;
        if (at == 0)
            stage_attached (self, attach, VERDICT_OK, 7);
        stage_posted (self, post, VERDICT_OK, 8 + at);
        cr_expect_str_eq (ws_json_text (ws_client_wait_event (client, "ack", 2000),
                                        "data.messageId"),
                          ids[at]);
    }
    ws_client_destroy (&client);
    stage_end (self);
}

//  It joined behind entry 5, and nothing was said since: what is stored until another office has it
//  is for it to hear.
Test (edge, tells_another_office_where_a_silent_client_began)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *client = stage_connect (self, "/?userId=u-1&protocol=2");
    ws_client_send_text (client, "{\"event\":\"user joined\",\"sessionId\":\"s-1\"}");
    const bus_record_t *attach = stage_hear (self, BUS_ATTACH);
    cr_assert_eq (attach->attach.reason, ATTACH_JOIN);
    cr_expect_eq (attach->attach.seq, SEQ_UNKNOWN);
    stage_attached (self, attach, VERDICT_OK, 5);
    cr_assert (ws_client_wait_event (client, "connection update", 2000));
    for (int at = 0; at < 2; at++) {
        stage_lose_postoffice (self);
        stage_open_postoffice (self);
        attach = stage_hear (self, BUS_ATTACH);
        cr_expect_eq (attach->attach.reason, ATTACH_REATTACH);
        cr_expect_eq (attach->attach.seq, 5);
        stage_attached (self, attach, VERDICT_OK, 6);
    }
    ws_client_destroy (&client);
    stage_end (self);
}

//  Of two messages under way the first one is refused: so is the second one, at once, and what
//  comes later, until the first one is said again. What the office says of the second is not told.
Test (edge, holds_back_what_follows_a_refused_message)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *client = stage_connect (self, "/?userId=u-1&protocol=2");
    stage_join (self, client);
    stage_message (client, "s-1", "m-1");
    stage_message (client, "s-1", "m-2");
    stage_posted (self, stage_hear (self, BUS_POST), VERDICT_BUSY, 0);
    stage_busy (client, "m-1");
    stage_busy (client, "m-2");
    stage_message (client, "s-1", "m-3");
    stage_busy (client, "m-3");
    stage_posted (self, stage_hear (self, BUS_POST), VERDICT_BUSY, 0);

    stage_message (client, "s-1", "m-1");
    const bus_record_t *again = stage_hear (self, BUS_POST);
    cr_assert (text_is (again->post.message_id, TEXT ("m-1")));
    cr_assert_eq (again->post.after, 0);
    stage_posted (self, again, VERDICT_OK, 2);
    cr_assert (ws_client_wait_event (client, "ack", 2000));
    ws_client_destroy (&client);
    stage_end (self);
}

//  The office has lost an endpoint, or the edge has: it is brought in again by itself. Once; what
//  is refused again at once is told.
Test (edge, brings_in_again_whom_the_office_does_not_know)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *client = stage_connect (self, "/?userId=u-1&protocol=2");
    stage_join (self, client);
    stage_message (client, "s-1", "m-1");
    stage_posted (self, stage_hear (self, BUS_POST), VERDICT_NOT_JOINED, 0);
    const bus_record_t *attach = stage_hear (self, BUS_ATTACH);
    cr_assert_eq (attach->attach.reason, ATTACH_REATTACH);
    stage_attached (self, attach, VERDICT_OK, 3);
    const bus_record_t *post = stage_hear (self, BUS_POST);
    cr_assert (text_is (post->post.message_id, TEXT ("m-1")));
    stage_posted (self, post, VERDICT_OK, 4);
    cr_assert (ws_client_wait_event (client, "ack", 2000));

    stage_message (client, "s-1", "m-2");
    stage_posted (self, stage_hear (self, BUS_POST), VERDICT_NOT_JOINED, 0);
    stage_busy (client, "m-2");
    ws_client_destroy (&client);
    stage_end (self);
}

//  What is held back in one session has nothing to do with another one.
Test (edge, holds_nothing_back_in_another_session)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *client = stage_connect (self, "/?userId=u-1&protocol=2");
    stage_join (self, client);
    stage_message (client, "s-1", "m-1");
    stage_posted (self, stage_hear (self, BUS_POST), VERDICT_BUSY, 0);
    stage_busy (client, "m-1");
    stage_message (client, "s-2", "m-2");
    stage_attached (self, stage_hear (self, BUS_ATTACH), VERDICT_OK, 1);
    stage_posted (self, stage_hear (self, BUS_POST), VERDICT_OK, 2);
    cr_assert (ws_client_wait_event (client, "ack", 2000));
    ws_client_destroy (&client);
    stage_end (self);
}

Test (edge, gives_the_rest_to_who_claims_to_have_more_than_there_is)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *client = stage_connect (self, "/?userId=u-1&protocol=2");
    ws_client_send_text (client, "{\"event\":\"resume\",\"sessionId\":\"s-1\",\"lastSeq\":900}");
    const bus_record_t *attach = stage_hear (self, BUS_ATTACH);
    cr_expect_eq (attach->attach.seq, 900);
    stage_attached (self, attach, VERDICT_OK, 3);
    json_object *update = ws_client_wait_event (client, "connection update", 2000);
    cr_expect_eq (ws_json_number (update, "data.seq"), 3);
    stage_deliver (self, attach->attach.endpoint, 4, "{\"outputSpeech\":\"x\"}", false);
    cr_expect (ws_client_wait_event (client, "new message", 2000));
    ws_client_destroy (&client);
    stage_end (self);
}

Test (edge, asks_for_more_when_a_part_is_written)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    uint64_t endpoint = stage_join (self, client);
    stage_deliver (self, endpoint, 4, "{\"outputSpeech\":\"x\"}", false);
    stage_deliver (self, endpoint, 5, "{\"outputSpeech\":\"x\"}", true);
    const bus_record_t *more = stage_hear (self, BUS_NEXT_WINDOW);
    cr_expect_eq (more->next_window.endpoint, endpoint);
    cr_expect_eq (more->next_window.seq, 5);
    ws_client_destroy (&client);
    stage_end (self);
}

Test (edge, closes_a_reader_that_is_too_slow)
{
    stage_t *self = START ("EDGE_OUTBOX_LIMIT=256k");
    ws_client_t *client = ws_client_open (&(ws_options_t){
        .port = self->port, .target = "/?userId=u-1", .receive_buffer = 4096 });
    cr_assert (client);
    uint64_t endpoint = stage_join (self, client);
    static char data[100001];
    memset (data, ' ', sizeof data - 1);
    static const char answer[] = "{\"outputSpeech\":\"x\"}";
    memcpy (data, answer, sizeof answer - 1);
    for (uint64_t seq = 4; seq < 150 && !stage_find (self, BUS_DETACH); seq++)
        stage_deliver (self, endpoint, seq, data, false);
    stage_hear (self, BUS_DETACH);
    EVENTUALLY (5000, process_metric (self->edge,
                                      "stentor_edge_closed_total{reason=\"slow_reader\"}")
                          == 1);
    EVENTUALLY (5000,
                process_metric (self->edge, "stentor_edge_connections{dialect=\"widget\"}") == 0);
    ws_client_destroy (&client);
    stage_end (self);
}

Test (edge, drops_events_for_a_half_full_outbox_only)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    uint64_t endpoint = stage_join (self, client);
    stage_say (self,
               &(bus_record_t){ .kind = BUS_BROADCAST,
                                .broadcast = { .endpoints = ids_of (&endpoint, 1),
                                               .session = TEXT ("demo/s-1"),
                                               .event = EVENT_TYPING,
                                               .sender = TEXT ("{\"deviceId\":\"Bot\"}") } });
    json_object *typing = ws_client_wait_event (client, "typing", 2000);
    cr_expect_str_eq (ws_json_text (typing, "sender.deviceId"), "Bot");
    ws_client_destroy (&client);
    stage_end (self);
}

static void
s_expect_error (stage_t *self, ws_client_t *client, const char *frame, const char *code)
{
    ws_client_send_text (client, frame);
    json_object *error = ws_client_wait_event (client, "error", 2000);
    cr_expect (error, "%s", frame);
    cr_expect_str_eq (ws_json_text (error, "data.code"), code, "%s", frame);
    (void) self;
}

Test (edge, answers_bad_frames_and_goes_on)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    s_expect_error (self, client, "not json", "bad_request");
    s_expect_error (self, client, "{\"event\":\"dance\",\"sessionId\":\"s\"}", "unknown_event");
    s_expect_error (self, client, "{\"event\":\"barge in\",\"sessionId\":\"s\"}", "not_allowed");
    s_expect_error (self, client, "{\"event\":\"resume\",\"lastSeq\":1,\"sessionId\":\"s\"}",
                    "not_allowed");
    ws_client_send_text (client, "{\"event\":\"user joined\"}");
    cr_expect (ws_client_wait_event (client, "error", 2000));
    json_object *update = ws_client_wait_event (client, "connection update", 2000);
    cr_expect_str_eq (ws_json_text (update, "data.code"), "bad_request");
    stage_join (self, client);
    ws_client_destroy (&client);
    stage_end (self);
}

//  Fifteen in a row are answered, the sixteenth ends it; eight come at once, the others at four a
//  second, so that nobody can keep an edge busy with being refused.
Test (edge, hears_garbage_at_a_pace_and_ends_it)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    stage_join (self, client);
    uint64_t since = clock_mono_ms ();
    for (int at = 0; at < 16; at++)
        ws_client_send_text (client, "{}");
    for (int at = 0; at < 15; at++)
        cr_expect (ws_client_wait_event (client, "error", 5000), "%d", at);
    cr_expect (ws_client_expect_close (client, 1008, 5000));
    //  251 tokens each: the sixteenth is heard when 15 of them, less the burst of 2,000, have come.
    cr_expect_geq (clock_mono_ms () - since, 1700, "not throttled");
    ws_client_destroy (&client);
    stage_end (self);
}

//  Nobody else waits for it, and who has been refused for a while is heard again.
Test (edge, hears_the_good_frame_behind_the_bad_ones)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    ws_client_t *other = stage_connect (self, "/?userId=u-2");
    for (int at = 0; at < 12; at++)
        ws_client_send_text (client, "{}");
    stage_join (self, other);
    stage_join (self, client);
    ws_client_destroy (&other);
    ws_client_destroy (&client);
    stage_end (self);
}

Test (edge, joins_fragments)
{
    stage_t *self = START ("TEXT_LIMIT=256k");
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    stage_join (self, client);
    static char frame[200000];
    int size = snprintf (frame, sizeof frame,
                         "{\"event\":\"new message\",\"sessionId\":\"s-1\",\"data\":{\"rawQuery\":"
                         "\"%0180000d\"}}",
                         7);
    ws_client_send_fragmented (client, WS_TEXT, frame, (size_t) size, 131000);
    cr_expect_gt (stage_hear (self, BUS_POST)->post.data.size, 180000);
    ws_client_send_fragmented (client, WS_TEXT, frame, (size_t) size, 7000);
    cr_expect_gt (stage_hear (self, BUS_POST)->post.data.size, 180000);
    ws_client_destroy (&client);
    stage_end (self);
}

static void
s_expect_close (stage_t *self, ws_opcode_t opcode, const void *data, size_t size, int code)
{
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    ws_client_send_frame (client, opcode, true, data, size);
    cr_expect (ws_client_expect_close (client, code, 4000), "%d", code);
    ws_client_destroy (&client);
}

Test (edge, closes_what_cannot_go_on)
{
    stage_t *self = START ("EDGE_FRAME_LIMIT=64k");
    static char large[70000];
    memset (large, ' ', sizeof large);
    s_expect_close (self, WS_BINARY, "{}", 2, 1003);
    s_expect_close (self, WS_TEXT, "\"\xff\"", 3, 1007);
    s_expect_close (self, WS_TEXT, large, sizeof large, 1009);
    stage_end (self);
}

static void
s_expect_refused (stage_t *self, const char *target, const char *code, int close_code)
{
    ws_client_t *client = stage_connect (self, target);
    json_object *update = ws_client_wait_event (client, "connection update", 2000);
    cr_expect_not (ws_json_true (update, "data.sessionCreated"));
    cr_expect_str_eq (ws_json_text (update, "data.code"), code, "%s", target);
    cr_expect (ws_client_expect_close (client, close_code, 2000), "%s", target);
    ws_client_destroy (&client);
}

Test (edge, refuses_urls)
{
    stage_t *self = stage_start (NULL);
    s_expect_refused (self, "/?isAdmin=false", "bad_request", 4400);
    s_expect_refused (self, "/?userId=a%01", "bad_request", 4400);
    s_expect_refused (self, "/?userId=My-Router", "not_allowed", 4403);
    s_expect_refused (self, "/?userId=u&isAdmin=true", "not_allowed", 4403);
    s_expect_refused (self, "/?userId=u&appId=nope", "unknown_app", 4404);
    stage_end (self);
}

Test (edge, lets_admins_in_in_demo_mode_only)
{
    stage_t *self = START ("EDGE_DEMO_MODE=on");
    cr_expect (process_wait_log (self->edge, "DEMO MODE", 2000));
    ws_client_t *client = stage_connect (self, "/?userId=a-1&isAdmin=true");
    stage_join (self, client);
    ws_client_send_text (client, "{\"event\":\"barge in\",\"sessionId\":\"s-1\","
                                 "\"sender\":{\"displayName\":\"Eve\"}}");
    const bus_record_t *post = stage_hear (self, BUS_POST);
    cr_expect_eq (post->post.event, EVENT_BARGE_IN);
    cr_expect (text_is (post->post.sender, TEXT ("{\"deviceId\":\"Widget\",\"userId\":\"a-1\","
                                                 "\"displayName\":\"Eve\",\"isAdmin\":true}")));
    ws_client_destroy (&client);
    stage_end (self);
}

Test (edge, has_a_limit_of_connections)
{
    stage_t *self = START ("EDGE_CONNECTIONS=1");
    ws_client_t *first = stage_connect (self, "/?userId=u-1");
    ws_client_t *second
        = ws_client_open (&(ws_options_t){ .port = self->port, .target = "/?userId=u-2" });
    cr_assert (second);
    cr_expect_eq (ws_client_status (second), 503);
    ws_client_destroy (&second);
    ws_client_destroy (&first);
    stage_end (self);
}

Test (edge, pings_and_closes_who_does_not_answer)
{
    stage_t *self = START ("EDGE_PING_EVERY=300ms", "EDGE_PONG_WITHIN=300ms");
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    ws_client_answer_pings (client, false);
    ws_message_t message;
    cr_assert_eq (ws_client_next (client, &message, 2000), WS_MESSAGE);
    cr_expect_eq (message.opcode, WS_PING);
    cr_expect (ws_client_expect_close (client, 1006, 3000));
    ws_client_destroy (&client);
    stage_end (self);
}

Test (edge, does_not_read_beyond_its_posts)
{
    stage_t *self = START ("EDGE_POSTS=4");
    ws_client_t *client = stage_connect (self, "/?userId=u-1&protocol=2");
    stage_join (self, client);
    for (int at = 0; at < 50; at++)
        stage_message (client, "s-1", "m");
    rig_turn_for (&self->rig, 300);
    unsigned posts = 0;
    while (stage_find (self, BUS_POST)) {
        const bus_record_t *post = stage_hear (self, BUS_POST);
        cr_assert (process_metric (self->edge, "stentor_edge_posts") <= 5);
        stage_posted (self, post, VERDICT_OK, ++posts);
        rig_turn_for (&self->rig, 30);
    }
    cr_expect_eq (posts, 50);
    ws_client_destroy (&client);
    stage_end (self);
}

Test (edge, goes_away_in_order)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *rich = stage_connect (self, "/?userId=u-1&protocol=2");
    stage_join (self, rich);
    ws_client_t *widget = stage_connect (self, "/?userId=u-2");
    process_kill (self->edge, SIGTERM);
    json_object *away = ws_client_wait_event (rich, "going away", 2000);
    cr_expect (away);
    cr_expect_lt (ws_json_number (away, "data.delayMs"), 1000);
    stage_hear (self, BUS_DETACH);
    cr_expect (ws_client_expect_close (rich, 1001, 4000));
    cr_expect (ws_client_expect_close (widget, 1001, 4000));
    cr_expect_eq (process_wait_exit (self->edge, 8000), 0);
    ws_client_destroy (&rich);
    ws_client_destroy (&widget);
    stage_end (self);
}

Test (edge, hears_what_was_said_before_its_going_was_read)
{
    stage_t *self = stage_start (NULL);
    ws_client_t *client = stage_connect (self, "/?userId=u-1");
    stage_join (self, client);
    process_kill (self->edge, SIGTERM);
    //  The close is written and not read, as reading answers it.
    EVENTUALLY (5000, process_metric (self->edge,
                                      "stentor_edge_closed_total{reason=\"going_away\"}")
                          == 1);
    rig_turn_for (&self->rig, 200);
    stage_message (client, "s-1", "m-1");
    cr_expect (ws_client_expect_close (client, 1001, 4000));
    const bus_record_t *post = stage_hear (self, BUS_POST);
    cr_expect (post < stage_hear (self, BUS_DETACH));
    cr_expect_eq (process_wait_exit (self->edge, 8000), 0);
    ws_client_destroy (&client);
    stage_end (self);
}

Test (edge, serves_a_configuration_with_a_long_url)
{
    char setting[3000];
    snprintf (setting, sizeof setting, "CONNECTION_SERVER_URL=wss://%02900d/", 7);
    stage_t *self = START (setting);
    http_answer_t answer = http_get (self->port, "/config.json", NULL);
    cr_expect_eq (answer.status, 200);
    cr_expect (strstr (answer.body, "0007/\",\"demoMode\":false,\"widget\":false}"));
    http_answer_free (&answer);
    stage_end (self);
}

Test (edge, serves_its_configuration_and_nothing_else_without_a_web_root)
{
    stage_t *self = START ("CONNECTION_SERVER_URL=wss://chat.example/");
    http_answer_t answer = http_get (self->port, "/config.json", NULL);
    cr_expect_eq (answer.status, 200);
    cr_expect_str_eq (answer.body, "{\"appId\":\"demo\",\"connectionServerUrl\":"
                                   "\"wss://chat.example/\",\"demoMode\":false,\"widget\":false}");
    cr_expect (strstr (answer.headers, "nosniff"));
    http_answer_free (&answer);
    answer = http_get (self->port, "/etc/passwd", NULL);
    cr_expect_eq (answer.status, 404);
    http_answer_free (&answer);
    static const char *const widget[] = { "/widget.html", "/widget/xapp-chat-widget.js" };
    for (size_t at = 0; at < 2; at++) {
        answer = http_get (self->port, widget[at], NULL);
        cr_expect_eq (answer.status, 404);
        cr_expect (strstr (answer.body, "make run WIDGET=yes"));
        cr_expect (strstr (answer.body, "EDGE_WIDGET_ROOT"));
        http_answer_free (&answer);
    }
    stage_end (self);
}
