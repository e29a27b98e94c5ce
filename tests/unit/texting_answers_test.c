//  What Twilio and Slack are asked, and how their answers are read.

#include "texting/slack_answer.h"
#include "texting/sms_answer.h"
#include "texting/sms_outcome.h"
#include "texting/sms_request.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define SID "SM0123456789abcdef0123456789ABCDEF"

Test (sms_answer, of_a_message)
{
    sms_answer_t said;
    sms_answer_read (&said, TEXT ("{\"sid\":\"" SID "\",\"num_segments\":\"12\","
                                  "\"status\":\"queued\",\"error_code\":null,\"code\":null}"));
    cr_assert_str_eq (said.sid, SID);
    cr_assert_eq (said.segments, 12);
    cr_assert_eq (said.code, 0);
    cr_assert_str_eq (said.said, "");
    sms_answer_read (&said, TEXT ("{\"code\":21211,\"message\":\"The 'To' number\","
                                  "\"status\":400}"));
    cr_assert_str_eq (said.said, "21211 The 'To' number");
    cr_assert_eq (said.code, 21211);
}

Test (sms_answer, of_every_wrong_shape)
{
    static const char *const bodies[] = {
        "", "null", "[]", "7", "{", "{}", "<html>", "{\"sid\":7}", "{\"sid\":\"SM12\"}",
        "{\"sid\":\"SM0123456789abcdef0123456789ABCDEG\"}",
        "{\"sid\":\"XX0123456789abcdef0123456789ABCDEF\"}", "{\"code\":\"21211\"}",
        "{\"code\":-1}", "{\"code\":1e9}", "{\"code\":99999999}", "{\"message\":\"words\"}",
        "{\"num_segments\":3}", "{\"num_segments\":\"-3\"}", "{\"num_segments\":\"3000\"}",
    };
    for (size_t at = 0; at < sizeof bodies / sizeof *bodies; at++) {
        sms_answer_t said;
        sms_answer_read (&said, text_of (bodies[at]));
        cr_expect (!*said.sid && said.code == 0 && !*said.said && said.segments == 0, "%s",
                   bodies[at]);
    }
    sms_answer_t said;
    sms_answer_read (&said, TEXT ("{\"code\":5,\"message\":\"two\\nlines\"}"));
    cr_assert_str_eq (said.said, "5 ");
}

Test (sms_answer, of_a_list)
{
    sms_list_t list;
    cr_assert_eq (sms_list_read (&list, TEXT (
        "{\"messages\":[{\"sid\":\"SM2\",\"body\":\"two\",\"direction\":\"outbound-api\","
        "\"date_created\":\"Thu, 26 Nov 2026 21:00:00 +0000\"},"
        "{\"sid\":\"SM3\",\"body\":\"in\",\"direction\":\"inbound\"},7,null,{},"
        "{\"sid\":\"SM1\",\"body\":\"one\",\"date_created\":null}]}")), 0);
    cr_assert_eq (list.count, 2);
    cr_assert (text_is (list.messages[0].body, TEXT ("two")));
    cr_assert_eq (list.messages[0].created_s, 1795726800);
    cr_assert (text_is (list.messages[1].sid, TEXT ("SM1")));
    cr_assert_eq (list.messages[1].created_s, 0);
    sms_list_free (&list);
    static const char *const wrong[] = { "", "[]", "{}", "{\"messages\":{}}", "{\"messages\":[" };
    for (size_t at = 0; at < sizeof wrong / sizeof *wrong; at++)
        cr_expect_eq (sms_list_read (&list, text_of (wrong[at])), -1, "%s", wrong[at]);
}

Test (sms_answer, of_times)
{
    cr_assert_eq (sms_answer_time (TEXT ("Thu, 01 Jan 1970 00:00:01 +0000")), 1);
    cr_assert_eq (sms_answer_time (TEXT ("Mon, 29 Feb 2016 23:59:59 +0000")), 1456790399);
    cr_assert_eq (sms_answer_time (TEXT ("Tue, 01 Mar 2016 00:00:00 +0000")), 1456790400);
    static const char *const wrong[] = { "", "yesterday", "Thu, 26 Nov 2026 21:00:00 +0100",
                                         "Thu, 26 Now 2026 21:00:00 +0000",
                                         "Thu, 26 anF 2026 21:00:00 +0000",
                                         "Thu, 26 Nov 2026 21:00:00 +0000 and more",
                                         "2026-11-26T21:00:00Z" };
    for (size_t at = 0; at < sizeof wrong / sizeof *wrong; at++)
        cr_expect_eq (sms_answer_time (text_of (wrong[at])), 0, "%s", wrong[at]);
}

//  No answer is "sent" unless it is a message.
Test (sms_outcome, of_every_status)
{
    for (unsigned status = 0; status < 1000; status++)
        for (int is_good = 0; is_good < 2; is_good++)
            for (unsigned code = 0; code < 2; code++) {
                http_answer_t answer = { .outcome = status ? HTTP_ANSWERED : HTTP_RESET,
                                         .status = status,
                                         .was_sent = true };
                sms_outcome_t outcome = sms_outcome_of (&answer, is_good, code * 29999);
                cr_expect_eq (outcome == SMS_SENT, is_good && status / 100 == 2, "%u", status);
                cr_expect (outcome < SMS_OUTCOMES);
                cr_expect (status / 100 != 4 || outcome != SMS_UNSURE, "%u", status);
            }
}

Test (sms_request, is_a_form)
{
    app_sms_t account = { .is_there = true,
                          .account_sid = TEXT ("AC00000000000000000000000000000000"),
                          .api_key_sid = TEXT_EMPTY,
                          .token = TEXT ("12345"),
                          .from = TEXT ("+15555550111"),
                          .messaging_service_sid = TEXT_EMPTY };
    sms_message_t message = { .to = TEXT ("+15555550122"),
                              .text = TEXT ("Disk full & \u00e4"),
                              .callback = TEXT ("https://edge.example/tw/status") };
    sms_request_t request;
    cr_assert_null (sms_request_send (&request, "https://api.example", &account, &message));
    cr_assert_str_eq (request.url.data,
                      "https://api.example/2010-04-01/Accounts/AC00000000000000000000000000000000"
                      "/Messages.json");
    cr_assert (text_is (buffer_text (&request.form),
                        TEXT ("To=%2B15555550122&From=%2B15555550111&Body=Disk%20full%20%26%20"
                              "%C3%A4&StatusCallback=https%3A%2F%2Fedge.example%2Ftw%2Fstatus")));
    cr_assert_str_eq (request.login.data,
                      "Authorization: Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw"
                      "MDAwMDoxMjM0NQ==");
    sms_request_free (&request);
    cr_assert_null (sms_request_look (&request, "https://api.example", &account,
                                      TEXT ("+15555550122"), 1795726800000));
    cr_assert (strstr (request.url.data,
                       "/Messages.json?To=%2B15555550122&From=%2B15555550111"
                       "&DateSent%3E=2026-11-26&PageSize=100"));
    cr_assert_eq (request.form.size, 0);
    sms_request_free (&request);
    account.token = TEXT_EMPTY;
    cr_assert (sms_request_send (&request, "https://api.example", &account, &message));
    sms_request_free (&request);
}

Test (sms_request, says_where_it_is_told_what_became_of_it)
{
    static const char *const rows[][3] = {
        { "https://edge.example", "text",
          "https://edge.example/webhooks/a%20b/text/status?item=%3A1%2F2" },
        { "https://edge.example/chat/", "text",
          "https://edge.example/chat/webhooks/a%20b/text/status?item=%3A1%2F2" },
        { "", "text", "" },
        { "https://edge.example", "", "" },
        { "https://my_edge.example:8443/", "text", "" }, //  Twilio refuses it
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        buffer_t to;
        buffer_init (&to, 200);
        sms_request_put_callback (rows[row][0], TEXT ("a b"), text_of (rows[row][1]),
                                  TEXT (":1/2"), &to);
        cr_expect (text_is (buffer_text (&to), text_of (rows[row][2])), "%.*s",
                   TEXT_ARGS (buffer_text (&to)));
        buffer_free (&to);
    }
}

Test (slack_answer, of_chat_post_message)
{
    slack_answer_t said;
    slack_answer_read (&said, TEXT ("{\"ok\":true,\"ts\":\"1700000000.000100\"}"), false);
    cr_assert (said.is_good);
    cr_assert_str_eq (said.ts, "1700000000.000100");
    slack_answer_read (&said, TEXT ("{\"ok\":false,\"error\":\"channel_not_found\"}"), false);
    cr_assert (!said.is_good);
    cr_assert_str_eq (said.word, "channel_not_found");
    static const char *const odd[] = {
        "", "ok", "{}", "[]", "{\"ok\":\"true\"}", "{\"ok\":1}", "{\"ok\":false}",
        "{\"ok\":false,\"error\":7}", "{\"ok\":false,\"error\":\"Not A Word\"}",
        "{\"ok\":false,\"error\":\"x\\u0000y\"}",
    };
    for (size_t at = 0; at < sizeof odd / sizeof *odd; at++) {
        slack_answer_read (&said, text_of (odd[at]), false);
        cr_expect (!said.is_good && !*said.word && !*said.ts, "%s", odd[at]);
    }
    slack_answer_read (&said, TEXT ("{\"ok\":true,\"ts\":\"17\\\"}\"}"), false);
    cr_assert (said.is_good && !*said.ts);
}

Test (slack_answer, of_a_webhook)
{
    static const struct {
        const char *body;
        bool is_good;
        const char *word;
    } rows[] = {
        { "ok", true, "" },
        { "no_service", false, "no_service" },
        { "invalid_payload\n", false, "invalid_payload" },
        { "", false, "" },
        { "https://hooks.slack.com/services/T/B/X", false, "" },
        { "{\"ok\":false,\"error\":\"ratelimited\"}", false, "ratelimited" },
        { "okay then", false, "" },
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        slack_answer_t said;
        slack_answer_read (&said, text_of (rows[row].body), true);
        cr_expect_eq (said.is_good, rows[row].is_good, "%s", rows[row].body);
        cr_expect_str_eq (said.word, rows[row].word);
    }
    static const char *const wrong[] = { "", ".", "1.", ".1", "1", "1.2.3", "1.2x", "-1.2" };
    for (size_t at = 0; at < sizeof wrong / sizeof *wrong; at++)
        cr_expect (!slack_is_ts (text_of (wrong[at])), "%s", wrong[at]);
}
