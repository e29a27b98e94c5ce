//  http_client — what a call may have to wait for before it is sent: its token, its turn.

#include "http_rig.h"
#include "base/metrics.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static const http_client_config_t s_plain;

// ------------------------------------------------------------------------------------------------
//  Turns at a paced origin

Test (http_waits, calls_of_an_origin_are_paced, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (&(http_client_config_t){
        .rate = { .per_second = 50, .burst = 2, .queue_limit = 4 } });
    http_request_t request = http_rig_request (rig);
    for (unsigned call = 0; call < 7; call++)
        http_rig_send (rig, &request);
    http_rig_answers (rig, 7);
    cr_assert_eq (rig->heard[6].outcome, HTTP_QUEUE_FULL);
    cr_assert (!rig->heard[6].was_sent && *rig->heard[6].error);
    for (unsigned call = 0; call < 6; call++) {
        cr_assert_eq (rig->heard[call].status, 200);
        //  A token every 20 ms, but for the two that could begin at once.
        cr_assert_geq (rig->heard[call].took_us + 1000, call < 2 ? 0 : (call - 1) * 20000u);
    }
    buffer_t metrics;
    buffer_init (&metrics, 1u << 20);
    cr_assert_eq (metrics_print (&metrics), 0);
    cr_assert_eq (buffer_put (&metrics, "", 1), 0);
    static const char *const lines[] = {
        "\nstentor_http_client_calls 0\n",
        "\nstentor_http_client_queue 0\n",
        "\nstentor_http_client_calls_total{outcome=\"answered\"} 6\n",
        "\nstentor_http_client_calls_total{outcome=\"queue_full\"} 1\n",
    };
    for (size_t line = 0; line < sizeof lines / sizeof *lines; line++)
        cr_assert (strstr (metrics.data, lines[line]), "%s", lines[line]);
    buffer_free (&metrics);
    http_rig_end (rig);
}

Test (http_waits, a_turn_that_does_not_come_in_time, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (&(http_client_config_t){
        .rate = { .per_second = 1, .burst = 1, .queue_limit = 4 } });
    http_request_t request = http_rig_request (rig);
    http_rig_send (rig, &request);
    request.timeout_ms = 100;
    const http_heard_t *late = http_rig_ask (rig, &request);
    cr_assert_eq (late->outcome, HTTP_QUEUE_TIMED_OUT);
    cr_assert (!late->was_sent);
    http_rig_answers (rig, 2);
    cr_assert_eq (bot_asked (rig->bot, ""), 1);
    http_rig_end (rig);
}

//  The time in the queue is a part of the time limit.
Test (http_waits, the_limit_is_of_the_whole_call, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (&(http_client_config_t){
        .rate = { .per_second = 1, .burst = 1, .queue_limit = 4 } });
    bot_rule (rig->bot, "", 0, &(bot_reply_t){ .manner = BOT_HANGS });
    http_request_t request = http_rig_request (rig);
    request.timeout_ms = 2000;
    http_rig_send (rig, &request);
    http_heard_t *second = http_rig_ask (rig, &request);
    cr_assert_eq (second->outcome, HTTP_TIMED_OUT);
    cr_assert_lt (second->took_us, 2900000, "a second of waiting, and a second of hanging");
    http_rig_answers (rig, 2);
    http_rig_end (rig);
}

Test (http_waits, a_429_holds_its_origin, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (&(http_client_config_t){
        .rate = { .per_second = 1000, .burst = 10, .queue_limit = 4, .hold_most_ms = 150 } });
    bot_rule (rig->bot, "<much>", 0,
              &(bot_reply_t){ .status = 429, .headers = "Retry-After: 1\r\n" });
    cr_assert_eq (http_rig_say (rig, "<much>")->retry_after_ms, 1000);
    const http_heard_t *next = http_rig_say (rig, "<next>");
    cr_assert_eq (next->status, 200);
    cr_assert_geq (next->took_us, 140000);
    http_rig_end (rig);
}

// ------------------------------------------------------------------------------------------------
//  Tokens. The renewal is a request to the same bot, as it would be with a real service.

typedef struct {
    http_rig_t *rig;
    bearer_t *bearer;
    unsigned renewals;
    unsigned failures; //  of the next ones
    bool hangs;
} issuer_t;

static void
s_issued (void *owner, http_call_t call, const http_answer_t *answer)
{
    (void) call;
    issuer_t *self = owner;
    if (answer->outcome != HTTP_ANSWERED || answer->status != 200)
        bearer_failed (self->bearer, http_outcome_label (answer->outcome), answer->retry_after_ms);
    else
        bearer_renewed (self->bearer, answer->body, 3600000);
}

static void
s_renew (void *owner, bearer_t *bearer)
{
    issuer_t *self = owner;
    self->bearer = bearer;
    self->renewals++;
    char text[40], token[40];
    snprintf (text, sizeof text, "<token%u>", self->renewals);
    snprintf (token, sizeof token, "t%u", self->renewals);
    bool fails = self->failures > 0;
    self->failures -= fails;
    bot_rule (self->rig->bot, text, 0,
              &(bot_reply_t){ .manner = self->hangs ? BOT_HANGS : BOT_REPLIES,
                              .status = fails ? 401 : 200,
                              .body = token,
                              .after_ms = 20 });
    http_request_t request = http_rig_request (self->rig);
    request.body = text_of (text);
    if (http_client_send (self->rig->client, &request, s_issued, self) == 0)
        bearer_failed (bearer, "no call can be made", 0);
}

static bearer_t *
s_bearer (issuer_t *issuer)
{
    return bearer_new (&(bearer_config_t){ .name = "test",
                                           .margin_ms = 300000,
                                           .waiters = 20,
                                           .backoff_first_ms = 60000,
                                           .backoff_most_ms = 60000,
                                           .renew = s_renew,
                                           .owner = issuer });
}

Test (http_waits, many_calls_and_one_renewal, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (&s_plain);
    issuer_t issuer = { .rig = rig };
    http_request_t request = http_rig_request (rig);
    request.bearer = s_bearer (&issuer);
    for (unsigned call = 0; call < 21; call++)
        http_rig_send (rig, &request);
    http_rig_answers (rig, 21);
    for (unsigned call = 0; call < 20; call++)
        cr_assert_eq (rig->heard[call].status, 200);
    cr_assert_eq (rig->heard[20].outcome, HTTP_NO_TOKEN, "waiters are bounded");
    cr_assert_eq (issuer.renewals, 1);
    cr_assert_eq (bot_asked (rig->bot, "Authorization: Bearer t1\r\n"), 20);
    http_rig_end (rig);
    bearer_destroy (&request.bearer);
}

//  The far side has forgotten the token: all calls that had it are made again, with one new one.
Test (http_waits, a_401_renews_once, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (&s_plain);
    issuer_t issuer = { .rig = rig };
    bot_rule (rig->bot, "Bearer t1\r\n", 0, &(bot_reply_t){ .status = 401, .after_ms = 20 });
    http_request_t request = http_rig_request (rig);
    request.bearer = s_bearer (&issuer);
    for (unsigned call = 0; call < 5; call++)
        http_rig_send (rig, &request);
    http_rig_answers (rig, 5);
    for (unsigned call = 0; call < 5; call++)
        cr_assert_eq (rig->heard[call].status, 200);
    cr_assert_eq (issuer.renewals, 2);
    cr_assert_eq (bot_asked (rig->bot, "Bearer t1\r\n"), 5);
    cr_assert_eq (bot_asked (rig->bot, "Bearer t2\r\n"), 5);
    http_rig_end (rig);
    bearer_destroy (&request.bearer);
}

//  The token is dropped while a call waits for its turn: it is not sent without one.
Test (http_waits, a_token_that_is_lost_in_the_queue, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (&(http_client_config_t){
        .rate = { .per_second = 10, .burst = 2, .queue_limit = 10 } });
    issuer_t issuer = { .rig = rig };
    bot_rule (rig->bot, "Bearer t1\r\n", 0, &(bot_reply_t){ .status = 401 });
    http_request_t request = http_rig_request (rig);
    request.bearer = s_bearer (&issuer);
    http_rig_send (rig, &request);
    http_rig_send (rig, &request);
    http_rig_answers (rig, 2);
    cr_assert_eq (rig->heard[0].status, 200);
    cr_assert_eq (rig->heard[1].status, 200);
    cr_assert_eq (bot_asked (rig->bot, "Bearer t1\r\n"), 1);
    cr_assert_eq (bot_asked (rig->bot, "Bearer t2\r\n"), 2);
    cr_assert_eq (bot_asked (rig->bot, "hello"), 3, "none without a token");
    http_rig_end (rig);
    bearer_destroy (&request.bearer);
}

Test (http_waits, a_second_401_is_the_answer, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (&s_plain);
    issuer_t issuer = { .rig = rig };
    bot_rule (rig->bot, "Authorization: Bearer", 0,
              &(bot_reply_t){ .status = 401, .body = "go away" });
    http_request_t request = http_rig_request (rig);
    request.bearer = s_bearer (&issuer);
    const http_heard_t *heard = http_rig_ask (rig, &request);
    cr_assert_eq (heard->status, 401);
    cr_assert_str_eq (heard->body, "go away", "of the second one alone");
    cr_assert_eq (issuer.renewals, 2);
    http_rig_end (rig);
    bearer_destroy (&request.bearer);
}

Test (http_waits, a_renewal_that_fails, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (&s_plain);
    issuer_t issuer = { .rig = rig, .failures = 1 };
    http_request_t request = http_rig_request (rig);
    request.bearer = s_bearer (&issuer);
    for (unsigned call = 0; call < 3; call++)
        http_rig_send (rig, &request);
    http_rig_answers (rig, 3);
    for (unsigned call = 0; call < 3; call++) {
        cr_assert_eq (rig->heard[call].outcome, HTTP_NO_TOKEN);
        cr_assert (!rig->heard[call].was_sent);
    }
    cr_assert_eq (http_rig_ask (rig, &request)->outcome, HTTP_NO_TOKEN, "a back-off");
    cr_assert_eq (issuer.renewals, 1);
    cr_assert_eq (bot_asked (rig->bot, "Bearer"), 0);
    http_rig_end (rig);
    bearer_destroy (&request.bearer);
}

Test (http_waits, a_token_that_does_not_come_in_time, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (&s_plain);
    issuer_t issuer = { .rig = rig, .hangs = true };
    http_request_t request = http_rig_request (rig);
    request.bearer = s_bearer (&issuer);
    request.timeout_ms = 100;
    cr_assert_eq (http_rig_ask (rig, &request)->outcome, HTTP_NO_TOKEN);
    http_rig_end (rig);
    bearer_destroy (&request.bearer);
}

//  Where a redirect leads is another host's: it is not shown the token.
Test (http_waits, a_token_is_for_its_own_host, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (&s_plain);
    issuer_t issuer = { .rig = rig };
    bot_t *other = bot_new ();
    char header[100];
    snprintf (header, sizeof header, "Location: %s\r\n", bot_url (other));
    bot_rule (rig->bot, "GET /bot", 0, &(bot_reply_t){ .status = 302, .headers = header });
    http_request_t request = http_rig_request (rig);
    request.method = "GET";
    request.body = TEXT_EMPTY;
    request.content_type = NULL;
    request.redirects = 1;
    request.bearer = s_bearer (&issuer);
    cr_assert_eq (http_rig_ask (rig, &request)->status, 200);
    cr_assert_eq (bot_asked (rig->bot, "Bearer t1"), 1);
    cr_assert_eq (bot_asked (other, "GET /bot"), 1);
    cr_assert_eq (bot_asked (other, "Bearer"), 0);
    http_rig_end (rig);
    bearer_destroy (&request.bearer);
    bot_destroy (&other);
}

// ------------------------------------------------------------------------------------------------
//  Given up

//  In each of its states; nobody is told, nothing is left.
Test (http_waits, calls_that_are_cancelled, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (&(http_client_config_t){
        .rate = { .per_second = 2, .burst = 2, .queue_limit = 2 } });
    issuer_t issuer = { .rig = rig, .hangs = true };
    bot_rule (rig->bot, "", 0, &(bot_reply_t){ .manner = BOT_HANGS });
    http_request_t request = http_rig_request (rig);
    http_call_t runs = http_rig_send (rig, &request)->call;
    request.bearer = s_bearer (&issuer);
    http_call_t wants_token = http_rig_send (rig, &request)->call; //  whose renewal runs, too
    bearer_t *bearer = request.bearer;
    request.bearer = NULL;
    http_call_t waits = http_rig_send (rig, &request)->call;
    http_rig_send (rig, &request);
    http_call_t is_full = http_rig_send (rig, &request)->call;
    http_client_cancel (rig->client, wants_token);
    http_client_cancel (rig->client, waits);
    http_client_cancel (rig->client, waits);
    http_client_cancel (rig->client, is_full);
    http_client_cancel (rig->client, runs);
    http_client_cancel (rig->client, 0);
    http_client_cancel (rig->client, 12345);
    cr_assert_eq (rig->answered, 0);
    http_rig_end (rig); //  with a renewal and a call that waits
    cr_assert_eq (rig->answered, 0);
    bearer_destroy (&bearer);
}

static void
s_cancels_all (void *owner, http_call_t call, const http_answer_t *answer)
{
    (void) call;
    http_rig_t *rig = owner;
    char before[20], after[20];
    snprintf (before, sizeof before, "%.*s", TEXT_ARGS (answer->body));
    for (http_call_t number = 0; number < 10; number++)
        http_client_cancel (rig->client, number);
    snprintf (after, sizeof after, "%.*s", TEXT_ARGS (answer->body));
    cr_assert_str_eq (before, after, "an answer lives until its callback returns");
    rig->answered++;
}

Test (http_waits, an_owner_may_cancel_from_within, .timeout = 60)
{
    http_rig_t *rig = http_rig_start (&s_plain);
    bot_says (rig->bot, "", "some words");
    http_request_t request = http_rig_request (rig);
    for (unsigned call = 0; call < 4; call++)
        cr_assert_neq (http_client_send (rig->client, &request, s_cancels_all, rig), 0);
    while (rig->answered == 0)
        uv_run (&rig->loop, UV_RUN_ONCE);
    http_rig_end (rig);
    cr_assert_eq (rig->answered, 1);
}
