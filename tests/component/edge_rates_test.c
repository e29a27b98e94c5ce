//  edge and those who go on too fast: what each principal, session, app and address may do in a
//  second, and what the others notice of it, which is nothing.

#include "edge_fixture.h"
#include "eventually.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

//  A limit of one a second lets ten through at once.
#define BURST 10
#define REFUSED(limit) "stentor_edge_limit_refused_total{limit=\"" limit "\"}"

static bool
s_comes_in (stage_t *stage, const char *target)
{
    ws_client_t *client = stage_connect (stage, target);
    ws_client_send_format (client, "{\"event\":\"sing\",\"sessionId\":\"s-1\"}");
    json_object *frame = ws_client_wait_event (client, "error", 3000);
    ws_client_destroy (&client);
    return frame != NULL;
}

Test (edge_rates, a_user_that_connects_too_fast_is_told_when_to_come_again, .timeout = 60)
{
    stage_t *stage = START ("EDGE_PRINCIPAL_CONNECTS_PER_SECOND=1");
    ws_client_t *client = NULL;
    int in = 0;
    //  The clock goes on meanwhile.
    for (bool is_refused = false; !is_refused && in < 100; in++) {
        ws_client_destroy (&client);
        client = stage_connect (stage, "/?userId=u-1&protocol=2");
        is_refused = process_metric (stage->edge, REFUSED ("principal_connects")) == 1;
    }
    cr_expect (in > BURST && in < 30, "%d", in);
    json_object *frame = ws_client_wait_event (client, "going away", 3000);
    cr_assert (frame);
    cr_expect (ws_json_number (frame, "data.delayMs") >= 1000);
    frame = ws_client_wait_event (client, "connection update", 3000);
    cr_assert (frame);
    cr_expect_not (ws_json_true (frame, "data.sessionCreated"));
    cr_expect_str_eq (ws_json_text (frame, "data.code"), "busy");
    cr_expect (ws_client_expect_close (client, 1013, 3000));
    ws_client_destroy (&client);
    //  A widget is told in its own words, and others are let in.
    client = stage_connect (stage, "/?userId=u-1");
    if (process_metric (stage->edge, REFUSED ("principal_connects")) == 2) {
        cr_expect (ws_client_wait_event (client, "connection update", 3000));
        cr_expect (ws_client_expect_close (client, 1013, 3000));
    }
    ws_client_destroy (&client);
    cr_expect (s_comes_in (stage, "/?userId=u-2&protocol=2"));
    cr_expect (process_metric (stage->edge, "stentor_edge_closed_total{reason=\"too_fast\"}") > 0);
    cr_expect (process_wait_log (stage->edge, "rate limited", 3000));
    stage_end (stage);
}

Test (edge_rates, an_app_that_is_too_fast_leaves_others_alone, .timeout = 60)
{
    char path[] = "/tmp/edge_rates_test.XXXXXX", setting[100];
    int descriptor = mkstemp (path);
    FILE *file = fdopen (descriptor, "w");
    fprintf (file, "{\"apps\":[{\"appId\":\"a\"},{\"appId\":\"b\"}]}");
    fclose (file);
    snprintf (setting, sizeof setting, "APPS_FILE=%s", path);
    stage_t *stage = START (setting, "EDGE_APP_CONNECTS_PER_SECOND=1");
    int in = 0;
    for (char target[60]; in < 100; in++) {
        snprintf (target, sizeof target, "/?appId=a&userId=u-%d&protocol=2", in);
        ws_client_t *client = stage_connect (stage, target);
        ws_client_destroy (&client);
        if (process_metric (stage->edge, REFUSED ("app_connects")) > 0)
            break;
    }
    cr_expect (in >= BURST && in < 30, "%d", in);
    cr_expect (s_comes_in (stage, "/?appId=b&userId=u-1&protocol=2"));
    stage_end (stage);
    remove (path);
}

//  The postoffice hears of it once.
Test (edge_rates, a_message_too_many_is_busy_and_comes_again, .timeout = 60)
{
    stage_t *stage = START ("EDGE_PRINCIPAL_MESSAGES_PER_SECOND=1");
    ws_client_t *client = stage_connect (stage, "/?userId=u-1&protocol=2");
    stage_join (stage, client);
    json_object *busy = NULL;
    char id[20];
    int count = 0;
    while (!busy && count < 30) {
        snprintf (id, sizeof id, "m-%d", ++count);
        stage_message (client, "s-1", id);
        if (count > BURST)
            busy = ws_client_wait_event (client, "busy", 300);
    }
    cr_assert (busy);
    cr_expect_str_eq (ws_json_text (busy, "data.code"), "busy");
    cr_expect_str_eq (ws_json_text (busy, "data.messageId"), id);
    int64_t delay_ms = ws_json_number (busy, "data.retryAfterMs");
    cr_expect (delay_ms >= 1000 && delay_ms <= 2000, "%lld", (long long) delay_ms);
    cr_expect_eq (process_metric (stage->edge, REFUSED ("principal_messages")), 1);
    rig_turn_for (&stage->rig, (unsigned) delay_ms);
    stage_message (client, "s-1", id);
    //  All of them are there, in order, and each once.
    for (int at = 1; at <= count; at++) {
        snprintf (id, sizeof id, "m-%d", at);
        const bus_record_t *post = stage_hear (stage, BUS_POST);
        cr_expect (text_is (post->post.message_id, text_of (id)), "%s", id);
    }
    cr_expect_null (stage_find (stage, BUS_POST));
    ws_client_destroy (&client);
    EVENTUALLY (5000, process_metric (stage->edge, "stentor_edge_limited") <= 1);
    stage_end (stage);
}
