//  http_client — requests, answers, and every way in which a call can end; connections that are
//  kept. Where requests go is in http_ways_test, what they wait for in http_waits_test.

#include "http_rig.h"
#include "ports.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const http_client_config_t s_plain;

//  curl wakes itself through sockets of its own while a name is looked up.
Test (http_client, a_name_that_is_not_found_leaves_nothing_on_the_loop, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (&s_plain);
    http_request_t request = http_rig_request (rig);
    request.url = "http://nowhere.invalid/";
    cr_assert_eq (http_rig_ask (rig, &request)->outcome, HTTP_NOT_RESOLVED);
    http_rig_end (rig);
}

// ------------------------------------------------------------------------------------------------
//  Requests

Test (http_client, methods, .timeout = 60)
{
    static const struct {
        const char *method, *body, *type;
        const char *lines[3]; //  that stand in the request; NULL: no more
        const char *not; //  that does not
    } rows[] = {
        { "GET", "", NULL, { "GET /bot HTTP/1.1\r\n" }, "Content-" },
        { "HEAD", "", NULL, { "HEAD /bot HTTP/1.1\r\n" }, "Content-" },
        { "DELETE", "", NULL, { "DELETE /bot HTTP/1.1\r\n" }, "Content-" },
        { "OPTIONS", "", NULL, { "OPTIONS /bot HTTP/1.1\r\n" }, "Content-" },
        { "POST", "", NULL, { "POST /bot HTTP/1.1\r\n", "Content-Length: 0\r\n" }, "Content-Type" },
        { "POST", "a=b", "application/x-www-form-urlencoded",
          { "POST /bot", "Content-Length: 3\r\n",
            "Content-Type: application/x-www-form-urlencoded\r\n" }, "Expect" },
        { "PUT", "{}", "application/json",
          { "PUT /bot", "Content-Length: 2\r\n", "Content-Type: application/json\r\n" }, "Expect" },
        { "PATCH", "{}", "application/json", { "PATCH /bot", "Content-Length: 2\r\n" }, "Expect" },
        { "DELETE", "{}", "application/json", { "DELETE /bot", "\r\n\r\n{}" }, "Expect" },
        { "GET", "{}", "application/json", { "GET /bot", "\r\n\r\n{}" }, "Expect" },
        { "M-SEARCH", "", NULL, { "M-SEARCH /bot HTTP/1.1\r\n" }, "Content-" },
    };
    http_rig_t *rig = http_rig_start (&s_plain);
    for (unsigned row = 0; row < sizeof rows / sizeof *rows; row++) {
        char number[30];
        snprintf (number, sizeof number, "X-Row: row%u.", row);
        const char *const headers[] = { number, "X-Second: a b", NULL };
        http_request_t request = http_rig_request (rig);
        request.method = rows[row].method;
        request.body = text_of (rows[row].body);
        request.content_type = rows[row].type;
        request.headers = headers;
        //  The bot's answer to HEAD has a body: what is behind the head is not read.
        cr_assert_eq (http_rig_ask (rig, &request)->status, 200, "%s", rows[row].method);
        char *said = bot_request (rig->bot, number);
        cr_assert (said && strstr (said, "X-Second: a b\r\n"));
        for (unsigned line = 0; line < 3 && rows[row].lines[line]; line++)
            cr_assert (strstr (said, rows[row].lines[line]), "%s", said);
        cr_assert (!strstr (said, rows[row].not), "%s", said);
        free (said);
    }
    http_rig_end (rig);
}

Test (http_client, what_is_no_request, .timeout = 60)
{
    static const struct {
        const char *method, *url, *header, *type;
    } rows[] = {
        { "", NULL, NULL, NULL },
        { "get", NULL, NULL, NULL },
        { "GET /x HTTP/1.1\r\nX:", NULL, NULL, NULL },
        { "AVERYLONGMETHODTHATNOBODYKNOWS", NULL, NULL, NULL },
        { "GET", "", NULL, NULL },
        { "GET", "bot.example/", NULL, NULL },
        { "GET", "ftp://bot.example/", NULL, NULL },
        { "GET", "file:///etc/passwd", NULL, NULL },
        { "GET", "http://bot.example/\r\nX-Injected: yes", NULL, NULL },
        { "GET", "http://bot.example:99999/", NULL, NULL },
        { "GET", NULL, "X-Injected: a\r\nX-Other: b", NULL },
        { "GET", NULL, "X-Injected: a\nX-Other: b", NULL },
        { "GET", NULL, "no colon", NULL },
        { "GET", NULL, ": no name", NULL },
        { "POST", NULL, NULL, "text/plain\r\nX-Injected: yes" },
    };
    http_rig_t *rig = http_rig_start (&s_plain);
    for (unsigned row = 0; row < sizeof rows / sizeof *rows; row++) {
        const char *const headers[] = { rows[row].header, NULL };
        http_request_t request = http_rig_request (rig);
        request.method = rows[row].method;
        request.url = rows[row].url ? rows[row].url : request.url;
        request.headers = headers;
        request.content_type = rows[row].type;
        errno = 0;
        cr_assert_eq (http_rig_send (rig, &request)->call, 0, "row %u", row);
        cr_assert_eq (errno, EINVAL, "row %u", row);
    }
    cr_assert_eq (bot_accepted (rig->bot), 0);
    http_rig_end (rig);
}

// ------------------------------------------------------------------------------------------------
//  Answers

static void
s_says_raw (http_rig_t *rig, const char *text, const char *bytes)
{
    bot_rule (rig->bot, text, 0, &(bot_reply_t){ .manner = BOT_SAYS_RAW, .body = bytes });
}

static text_t
s_header (const http_heard_t *heard, const char *name)
{
    return http_answer_header (&(http_answer_t){ .head = text_of (heard->head) }, name);
}

Test (http_client, headers_of_the_answer, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (&s_plain);
    s_says_raw (rig, "<early>",
                "HTTP/1.1 103 Early Hints\r\nX-Kind: early\r\nX-Early: yes\r\n\r\n"
                "HTTP/1.1 429 Slow Down\r\nretry-AFTER: 7\r\nX-Kind: last\r\n"
                "Content-Type: text/x\r\nContent-Length: 2\r\n\r\nno");
    s_says_raw (rig, "<trailer>",
                "HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\nX-Kind: head\r\n\r\n"
                "2\r\nno\r\n0\r\nRetry-After: 100\r\n\r\n");
    const http_heard_t *heard = http_rig_say (rig, "<early>");
    cr_assert_eq (heard->outcome, HTTP_ANSWERED);
    cr_assert_eq (heard->status, 429);
    cr_assert_eq (heard->retry_after_ms, 7000);
    cr_assert (text_is (s_header (heard, "x-kind"), TEXT ("last")));
    cr_assert_eq (s_header (heard, "X-Early").size, 0, "of another answer");
    cr_assert_str_eq (heard->body, "no");
    heard = http_rig_say (rig, "<trailer>");
    cr_assert_eq (heard->status, 503);
    cr_assert_eq (heard->retry_after_ms, 0, "a trailer is no header");
    cr_assert (text_is (s_header (heard, "X-Kind"), TEXT ("head")));
    http_rig_end (rig);
}

Test (http_client, retry_after_as_a_date, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (&s_plain);
    char bytes[200];
    time_t then = time (NULL) + 3600;
    strftime (bytes, sizeof bytes,
              "HTTP/1.1 503 No\r\nRetry-After: %a, %d %b %Y %H:%M:%S GMT\r\n\r\n", gmtime (&then));
    s_says_raw (rig, "<date>", bytes);
    const http_heard_t *heard = http_rig_say (rig, "<date>");
    cr_assert (heard->retry_after_ms > 3540000 && heard->retry_after_ms <= 3600000);
    http_rig_end (rig);
}

#define RAW .manner = BOT_SAYS_RAW
#define A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

//  Every outcome of the table that a host can cause, with what the retry policies need to know.
Test (http_client, outcomes, .timeout = 60)
{
    static const struct {
        const char *name;
        bot_reply_t reply;
        http_outcome_t outcome;
        long status;
    } rows[] = {
        { "answered", { .body = "x" }, HTTP_ANSWERED, 200 },
        { "not found", { .status = 404 }, HTTP_ANSWERED, 404 },
        { "to its end", { RAW, .body = "HTTP/1.1 200 OK\r\n\r\nx" }, HTTP_ANSWERED, 200 },
        { "no body", { RAW, .body = "HTTP/1.1 204 No\r\n\r\n" }, HTTP_ANSWERED, 204 },
        { "a limit", { .filler = 1000 }, HTTP_ANSWERED, 200 },
        { "closes", { .manner = BOT_CLOSES }, HTTP_RESET, 0 },
        { "resets", { .manner = BOT_RESETS }, HTTP_RESET, 0 },
        { "cuts", { .manner = BOT_CUTS, .filler = 100 }, HTTP_RESET, 200 },
        { "cuts chunks",
          { RAW,
            .body = "HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab" },
          HTTP_RESET, 500 },
        { "half a head", { RAW, .body = "HTTP/1.1 200 OK\r\nX-A" }, HTTP_RESET, 200 },
        { "hangs", { .manner = BOT_HANGS }, HTTP_TIMED_OUT, 0 },
        { "stops", { .manner = BOT_STOPS, .filler = 100 }, HTTP_TIMED_OUT, 200 },
        { "dribbles", { .manner = BOT_DRIBBLES, .filler = 500 }, HTTP_TIMED_OUT, 0 },
        { "too large", { .filler = 1001 }, HTTP_TOO_LARGE, 200 },
        { "large chunks", { .manner = BOT_CHUNKS, .filler = 1001 }, HTTP_TOO_LARGE, 200 },
        { "without end", { RAW, .body = "HTTP/1.1 200 OK\r\n\r\n", .filler = 1001 },
          HTTP_TOO_LARGE, 200 },
        { "long header", { RAW,
                           .body = "HTTP/1.1 200 OK\r\nX-A: " A50 A50 A50 A50 A50 A50 "\r\n\r\n" },
          HTTP_HEAD_TOO_LARGE, 200 },
        { "many heads", { RAW,
                          .body = "HTTP/1.1 103 E\r\nX-A: " A50 A50 "\r\n\r\n"
                                  "HTTP/1.1 103 E\r\nX-A: " A50 A50 "\r\n\r\n"
                                  "HTTP/1.1 200 OK\r\nX-A: " A50 "\r\n\r\n" },
          HTTP_HEAD_TOO_LARGE, 200 },
        { "heads in a head", { RAW,
                               .body = "HTTP/1.1 200 OK\r\nX-A: " A50 A50 "\r\n"
                                       "HTTP/1: 200 OK\r\nX-A: " A50 A50 "\r\n"
                                       "HTTP/1: 200 OK\r\nX-A: " A50 "\r\n\r\n" },
          HTTP_HEAD_TOO_LARGE, 200 },
        { "long trailers", { RAW,
                             .body = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                     "0\r\nX-A: " A50 A50 A50 A50 A50 "\r\n\r\n" },
          HTTP_HEAD_TOO_LARGE, 200 },
        { "no HTTP", { RAW, .body = "220 mail.example ESMTP\r\n" }, HTTP_MALFORMED, 0 },
        { "no status", { RAW, .body = "HTTP/1.1 OK\r\n\r\n" }, HTTP_MALFORMED, 0 },
        { "no chunk", { RAW,
                        .body = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" },
          HTTP_MALFORMED, 200 },
        { "odd coding", { .headers = "Content-Encoding: x-odd\r\n", .body = "x" }, HTTP_BAD_CODING,
          200 },
        { "no gzip", { .headers = "Content-Encoding: gzip\r\n", .body = "{}" }, HTTP_BAD_CODING,
          200 },
    };
    http_rig_t *rig = http_rig_start (&s_plain);
    for (unsigned row = 0; row < sizeof rows / sizeof *rows; row++) {
        char text[40];
        snprintf (text, sizeof text, "<%s>", rows[row].name);
        bot_rule (rig->bot, text, 0, &rows[row].reply);
        http_request_t request = http_rig_request (rig);
        request.body = text_of (text);
        request.head_limit = 250;
        request.timeout_ms = rows[row].outcome == HTTP_TIMED_OUT ? 300 : 10000;
        const http_heard_t *heard = http_rig_ask (rig, &request);
        cr_assert_eq (heard->outcome, rows[row].outcome, "%s: %s, %s", rows[row].name,
                      http_outcome_label (heard->outcome), heard->error);
        cr_assert (heard->status == rows[row].status, "%s: %ld", rows[row].name, heard->status);
        cr_assert (heard->was_sent, "%s", rows[row].name);
        cr_assert_eq (*heard->error == '\0', heard->outcome == HTTP_ANSWERED, "%s: %s",
                      rows[row].name, heard->error);
        cr_assert_gt (heard->took_us, 0);
    }
    http_rig_end (rig);
}

Test (http_client, nobody_listens, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (&s_plain);
    char url[60];
    snprintf (url, sizeof url, "http://127.0.0.1:%u/?key=secret", ports_free ());
    http_request_t request = http_rig_request (rig);
    request.url = url;
    const http_heard_t *heard = http_rig_ask (rig, &request);
    cr_assert_eq (heard->outcome, HTTP_REFUSED);
    cr_assert (!heard->was_sent && !strstr (heard->error, "secret"), "%s", heard->error);
    http_rig_end (rig);
}

//  A host that accepts, and then says nothing of TLS.
Test (http_client, a_connection_has_its_own_time_limit, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (&s_plain);
    char url[60];
    snprintf (url, sizeof url, "https://127.0.0.1:%u/", bot_port (rig->bot));
    http_request_t request = http_rig_request (rig);
    request.url = url;
    request.connect_timeout_ms = 100;
    const http_heard_t *heard = http_rig_ask (rig, &request);
    cr_assert_eq (heard->outcome, HTTP_CONNECT_TIMED_OUT, "%s", heard->error);
    cr_assert (!heard->was_sent && heard->took_us < 5000000);
    request.connect_timeout_ms = 0;
    request.timeout_ms = 100;
    cr_assert_eq (http_rig_ask (rig, &request)->outcome, HTTP_CONNECT_TIMED_OUT);
    http_rig_end (rig);
}

// ------------------------------------------------------------------------------------------------
//  Connections that are kept

//  Three calls at once leave three connections.
static void
s_keep_three (http_rig_t *rig)
{
    bot_rule (rig->bot, "<slow>", 0, &(bot_reply_t){ .body = "x", .after_ms = 50 });
    http_request_t request = http_rig_request (rig);
    request.body = TEXT ("<slow>");
    for (unsigned call = 0; call < 3; call++)
        http_rig_send (rig, &request);
    http_rig_answers (rig, 3);
    cr_assert_eq (bot_accepted (rig->bot), 3);
}

//  Whatever the method: not a byte of an answer came, on a connection that was kept. Once, and not
//  through all that are kept.
Test (http_client, an_ended_connection_is_asked_again_once, .timeout = 60)
{
    static const char *const methods[] = { "POST", "GET", "DELETE" };
    for (unsigned row = 0; row < 3; row++) {
        http_rig_t *rig = http_rig_start (&s_plain);
        s_keep_three (rig);
        bot_rule (rig->bot, "<ends>", 0, &(bot_reply_t){ .manner = BOT_CLOSES });
        http_request_t request = http_rig_request (rig);
        request.method = methods[row];
        request.body = TEXT ("<ends>");
        cr_assert_eq (http_rig_ask (rig, &request)->outcome, HTTP_RESET);
        cr_assert_eq (bot_asked (rig->bot, "<ends>"), 2, "%s", methods[row]);
        cr_assert_eq (bot_accepted (rig->bot), 4, "on a fresh one");
        http_rig_end (rig);
    }
}

//  A message that must not be there twice: the ones that were kept are left alone.
Test (http_client, what_must_not_be_sent_twice, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (&s_plain);
    s_keep_three (rig);
    bot_rule (rig->bot, "<ends>", 0, &(bot_reply_t){ .manner = BOT_CLOSES });
    http_request_t request = http_rig_request (rig);
    request.body = TEXT ("<ends>");
    request.only_once = true;
    cr_assert_eq (http_rig_ask (rig, &request)->outcome, HTTP_RESET);
    cr_assert_eq (bot_asked (rig->bot, "<ends>"), 1);
    cr_assert_eq (bot_accepted (rig->bot), 4);
    http_rig_end (rig);
}

Test (http_client, a_reset_connection_is_no_failure, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (&s_plain);
    s_keep_three (rig);
    bot_resets_kept (rig->bot);
    cr_assert_eq (http_rig_say (rig, "<again>")->outcome, HTTP_ANSWERED);
    cr_assert_eq (bot_asked (rig->bot, "<again>"), 1);
    http_rig_end (rig);
}

Test (http_client, a_fresh_connection_that_ends_is_a_failure, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (&s_plain);
    bot_rule (rig->bot, "<ends>", 0, &(bot_reply_t){ .manner = BOT_CLOSES });
    bot_rule (rig->bot, "<resets>", 0, &(bot_reply_t){ .manner = BOT_RESETS });
    cr_assert_eq (http_rig_say (rig, "<ends>")->outcome, HTTP_RESET);
    cr_assert_eq (http_rig_say (rig, "<resets>")->outcome, HTTP_RESET);
    cr_assert_eq (bot_asked (rig->bot, "<ends>"), 1);
    cr_assert_eq (bot_asked (rig->bot, "<resets>"), 1);
    http_rig_end (rig);
}

//  An answer had begun: the host has acted.
Test (http_client, an_answer_that_breaks_off_is_not_asked_again, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (&s_plain);
    s_keep_three (rig);
    bot_rule (rig->bot, "<cut>", 0, &(bot_reply_t){ .manner = BOT_CUTS, .filler = 100 });
    cr_assert_eq (http_rig_say (rig, "<cut>")->outcome, HTTP_RESET);
    cr_assert_eq (bot_asked (rig->bot, "<cut>"), 1);
    cr_assert_eq (bot_accepted (rig->bot), 3, "on one that was kept");
    http_rig_end (rig);
}
