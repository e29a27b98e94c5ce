//  http_client — a body that is read as it grows, and the time that such a call is given.

#include "http_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const http_client_config_t s_plain;

static http_rig_t *s_rig;
static struct {
    unsigned times;
    size_t size; //  of the body, the last time
    char type[60];
    uint64_t gives_ms; //  time, each time; 0: none
    bool cancels;
    bool is_cancelled;
} s_seen;

static void
s_grows (void *owner, http_call_t call, const http_answer_t *answer)
{
    const http_heard_t *heard = owner;
    cr_assert (heard->call == call && !heard->is_answered);
    cr_assert_gt (answer->body.size, s_seen.size, "there is more each time");
    s_seen.times++;
    s_seen.size = answer->body.size;
    snprintf (s_seen.type, sizeof s_seen.type, "%.*s", TEXT_ARGS (answer->content_type));
    if (s_seen.gives_ms)
        http_client_wait (s_rig->client, call, s_seen.gives_ms);
    if (s_seen.cancels) {
        http_client_cancel (s_rig->client, call);
        s_seen.is_cancelled = true;
    }
}

//  Asks for an answer in parts, 100 ms from each to the next, and follows it.
static http_heard_t *
s_follow (bot_manner_t manner, const http_request_t *request)
{
    memset (&s_seen, 0, sizeof s_seen);
    bot_forget_rules (s_rig->bot);
    bot_rule (s_rig->bot, "", 0, &(bot_reply_t){ .manner = manner, .type = "a/b", .every_ms = 100,
                                                 .body = "one\x1etwo\x1ethree\x1e" "four" });
    http_heard_t *heard = http_rig_send (s_rig, request);
    http_client_follow (s_rig->client, heard->call, s_grows);
    return heard;
}

Test (http_growth, told_as_it_comes_and_whole_at_the_end, .timeout = 60)
{
    s_rig = http_rig_start (&s_plain);
    http_request_t request = http_rig_request (s_rig);
    http_heard_t *heard = s_follow (BOT_PARTS, &request);
    http_rig_until (s_rig, &heard->is_answered);
    cr_assert_eq (heard->outcome, HTTP_ANSWERED);
    cr_assert_str_eq (heard->body, "onetwothreefour");
    cr_assert (s_seen.times >= 2 && s_seen.times <= 4, "%u", s_seen.times);
    cr_assert_str_eq (s_seen.type, "a/b");
    http_rig_end (s_rig);
}

Test (http_growth, cancelled_from_within, .timeout = 60)
{
    s_rig = http_rig_start (&s_plain);
    http_request_t request = http_rig_request (s_rig);
    http_heard_t *heard = s_follow (BOT_PARTS, &request);
    s_seen.cancels = true;
    http_rig_until (s_rig, &s_seen.is_cancelled);
    http_rig_say (s_rig, "another");
    cr_assert (s_seen.times == 1 && !heard->is_answered);
    http_rig_end (s_rig);
}

//  Time is given again and again, up to the longest; who gives none has the usual.
Test (http_growth, time, .timeout = 60)
{
    static const struct {
        uint64_t longest_ms, gives_ms;
        bot_manner_t manner;
        http_outcome_t outcome;
        size_t size; //  of what came at least
    } cases[] = {
        { 0, 0, BOT_PARTS, HTTP_TIMED_OUT, 3 },
        { 0, 10000, BOT_PARTS, HTTP_TIMED_OUT, 3 }, //  it may not be given more
        { 10000, 0, BOT_PARTS, HTTP_TIMED_OUT, 3 },
        { 10000, 5000, BOT_PARTS, HTTP_ANSWERED, 15 },
        { 10000, 200, BOT_PARTS_STOP, HTTP_TIMED_OUT, 15 },
        { 350, 5000, BOT_PARTS_STOP, HTTP_TIMED_OUT, 3 },
        { 10000, 5000, BOT_PARTS_CUT, HTTP_RESET, 15 },
    };
    s_rig = http_rig_start (&s_plain);
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        http_request_t request = http_rig_request (s_rig);
        request.timeout_ms = 250;
        request.longest_ms = cases[at].longest_ms;
        http_heard_t *heard = s_follow (cases[at].manner, &request);
        s_seen.gives_ms = cases[at].gives_ms;
        http_rig_until (s_rig, &heard->is_answered);
        bool is_broken = heard->outcome == HTTP_RESET || heard->outcome == HTTP_MALFORMED;
        cr_expect (heard->outcome == cases[at].outcome
                       || (cases[at].outcome == HTTP_RESET && is_broken),
                   "%zu: %s", at, http_outcome_label (heard->outcome));
        cr_expect_geq (strlen (heard->body), cases[at].size, "%zu: %s", at, heard->body);
        cr_expect (heard->was_sent && heard->took_us < 3000000, "%zu", at);
    }
    http_rig_end (s_rig);
}

//  Not connected in its time: that is said, whatever it may be given later.
Test (http_growth, a_connection_is_not_given_more_time, .timeout = 60)
{
    s_rig = http_rig_start (&s_plain);
    char url[60];
    snprintf (url, sizeof url, "https://127.0.0.1:%u/", bot_port (s_rig->bot));
    http_request_t request = http_rig_request (s_rig);
    request.url = url;
    request.timeout_ms = 200;
    request.longest_ms = 20000;
    const http_heard_t *heard = http_rig_ask (s_rig, &request);
    cr_assert_eq (heard->outcome, HTTP_CONNECT_TIMED_OUT, "%s", heard->error);
    cr_assert (!heard->was_sent && heard->took_us < 5000000);
    http_rig_end (s_rig);
}
