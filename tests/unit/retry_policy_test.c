//  retry_policy — what the far side said by attempt by policy: done, again in so long, or dead. The
//  policies of this file are those of the services that the client was made for.

#include "http/retry_policy.h"

#include <criterion/criterion.h>

#define S(seconds) ((seconds) * 1000u)
#define HOUR_MS 3600000u

//  Bots: the same question may be put again after whatever passes.
static const uint64_t s_bot_delays[] = { S (5), S (5) };
static const retry_policy_t s_bot = { .classes = RETRY_IF_PASSING,
                                      .tries = 3,
                                      .delays_ms = s_bot_delays,
                                      .delays = 2,
                                      .step_ms = 1000,
                                      .jitter_percent = 100,
                                      .jitter_most_ms = 200,
                                      .retry_after_most_ms = S (30) };

//  Webhooks: for days, by the list of Standard Webhooks.
static const uint64_t s_webhook_delays[] = { S (5),        S (300),      S (1800),
                                             2 * HOUR_MS,  5 * HOUR_MS,  10 * HOUR_MS,
                                             14 * HOUR_MS, 20 * HOUR_MS, 24 * HOUR_MS };
static const retry_policy_t s_webhook = { .classes = RETRY_IF_PASSING,
                                          .tries = 10,
                                          .delays_ms = s_webhook_delays,
                                          .delays = 9,
                                          .jitter_percent = 10,
                                          .jitter_most_ms = HOUR_MS,
                                          .retry_after_most_ms = 24 * HOUR_MS };

//  Slack, Twilio: no key by which the far side knows a message again. One more try at most when
//  the first may have been posted.
static const retry_policy_t s_once = { .classes = RETRY_IF_PASSING,
                                       .tries = 6,
                                       .lost_tries = 2,
                                       .first_ms = 100,
                                       .most_ms = 3000,
                                       .retry_after_most_ms = S (300),
                                       .total_ms = S (600) };

//  An order that must not be given twice.
static const retry_policy_t s_careful = { .classes = RETRY_IF (UNSENT) | RETRY_IF (BUSY),
                                          .tries = 4,
                                          .first_ms = 1000,
                                          .most_ms = 4000 };

Test (retry_policy, classes)
{
    static const struct {
        http_outcome_t outcome;
        long status;
        bool was_sent;
        retry_class_t class;
    } rows[] = {
        { HTTP_ANSWERED, 200, true, RETRY_DONE },      { HTTP_ANSWERED, 202, true, RETRY_DONE },
        { HTTP_ANSWERED, 204, true, RETRY_DONE },      { HTTP_ANSWERED, 299, true, RETRY_DONE },
        { HTTP_ANSWERED, 301, true, RETRY_FINAL },     { HTTP_ANSWERED, 307, true, RETRY_FINAL },
        { HTTP_ANSWERED, 400, true, RETRY_FINAL },     { HTTP_ANSWERED, 401, true, RETRY_FINAL },
        { HTTP_ANSWERED, 403, true, RETRY_FINAL },     { HTTP_ANSWERED, 404, true, RETRY_FINAL },
        { HTTP_ANSWERED, 408, true, RETRY_BUSY },      { HTTP_ANSWERED, 409, true, RETRY_FINAL },
        { HTTP_ANSWERED, 410, true, RETRY_FINAL },     { HTTP_ANSWERED, 413, true, RETRY_FINAL },
        { HTTP_ANSWERED, 422, true, RETRY_FINAL },     { HTTP_ANSWERED, 425, true, RETRY_BUSY },
        { HTTP_ANSWERED, 429, true, RETRY_BUSY },      { HTTP_ANSWERED, 500, true, RETRY_SERVER },
        { HTTP_ANSWERED, 502, true, RETRY_SERVER },    { HTTP_ANSWERED, 503, true, RETRY_SERVER },
        { HTTP_ANSWERED, 504, true, RETRY_SERVER },    { HTTP_ANSWERED, 599, true, RETRY_SERVER },
        { HTTP_ANSWERED, 600, true, RETRY_FINAL },     { HTTP_ANSWERED, 0, true, RETRY_FINAL },
        //  A body that broke off does not change what the status says.
        { HTTP_RESET, 503, true, RETRY_SERVER },       { HTTP_TOO_LARGE, 429, true, RETRY_BUSY },
        { HTTP_RESET, 200, true, RETRY_LOST },         { HTTP_RESET, 404, true, RETRY_LOST },
        { HTTP_TIMED_OUT, 0, true, RETRY_LOST },       { HTTP_TIMED_OUT, 0, false, RETRY_UNSENT },
        { HTTP_MALFORMED, 0, true, RETRY_LOST },
        { HTTP_NOT_RESOLVED, 0, false, RETRY_UNSENT },
        { HTTP_REFUSED, 0, false, RETRY_UNSENT },      { HTTP_TLS, 0, false, RETRY_UNSENT },
        { HTTP_CERTIFICATE, 0, false, RETRY_UNSENT },  { HTTP_PROXY, 0, false, RETRY_UNSENT },
        { HTTP_QUEUE_FULL, 0, false, RETRY_UNSENT },   { HTTP_NO_TOKEN, 0, false, RETRY_UNSENT },
        { HTTP_BLOCKED, 0, false, RETRY_FINAL },       { HTTP_TOO_LARGE, 200, true, RETRY_FINAL },
        { HTTP_HEAD_TOO_LARGE, 200, true, RETRY_FINAL },
        { HTTP_BAD_CODING, 200, true, RETRY_FINAL },
        { HTTP_REDIRECTS, 302, true, RETRY_FINAL },
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        http_answer_t answer = { .outcome = rows[row].outcome,
                                 .status = rows[row].status,
                                 .was_sent = rows[row].was_sent };
        cr_assert_eq (retry_class_of (&answer), rows[row].class, "%s %ld: %s",
                      http_outcome_label (rows[row].outcome), rows[row].status,
                      retry_class_label (retry_class_of (&answer)));
    }
}

//  Every class by every policy, at the first try.
Test (retry_policy, classes_and_policies)
{
    static const struct {
        const char *name;
        const retry_policy_t *policy;
        bool again[RETRY_CLASSES]; //  done, unsent, lost, busy, server, final
    } rows[] = {
        { "bot", &s_bot, { false, true, true, true, true, false } },
        { "webhook", &s_webhook, { false, true, true, true, true, false } },
        { "once", &s_once, { false, true, true, true, true, false } },
        { "careful", &s_careful, { false, true, false, true, false, false } },
    };
    retry_so_far_t so_far = { .tries = 1, .lost = 1 };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
        for (retry_class_t class = 0; class < RETRY_CLASSES; class ++) {
            retry_decision_t decision = retry_decide (rows[row].policy, &so_far, class, 0, 0);
            cr_assert_eq (decision.verdict == RETRY_LATER, rows[row].again[class], "%s %s",
                          rows[row].name, retry_class_label (class));
            cr_assert_eq (decision.verdict == RETRY_NO_NEED, class == RETRY_DONE);
        }
}

Test (retry_policy, what_may_be_made_twice_is_asked_again_when_it_was_lost)
{
    retry_so_far_t so_far = { .tries = 1, .lost = 1, .may_be_made_twice = true };
    cr_assert_eq (retry_decide (&s_careful, &so_far, RETRY_LOST, 0, 0).verdict, RETRY_LATER);
    so_far.may_be_made_twice = false;
    cr_assert_eq (retry_decide (&s_careful, &so_far, RETRY_LOST, 0, 0).verdict, RETRY_NEVER);
    cr_assert (retry_is_idempotent ("GET") && retry_is_idempotent ("PUT"));
    cr_assert (!retry_is_idempotent ("POST") && !retry_is_idempotent ("PATCH"));
}

Test (retry_policy, one_more_try_when_it_may_have_been_posted)
{
    retry_so_far_t so_far = { .tries = 3, .lost = 1 };
    cr_assert_eq (retry_decide (&s_once, &so_far, RETRY_LOST, 0, 0).verdict, RETRY_LATER);
    so_far.lost = 2;
    cr_assert_eq (retry_decide (&s_once, &so_far, RETRY_LOST, 0, 0).verdict, RETRY_USED_UP);
    cr_assert_eq (retry_decide (&s_once, &so_far, RETRY_UNSENT, 0, 0).verdict, RETRY_LATER);
}

Test (retry_policy, schedules)
{
    static const struct {
        const retry_policy_t *policy;
        uint64_t delays_ms[12]; //  0: dead
    } rows[] = {
        { &s_bot, { S (5), S (5), 0 } },
        { &s_webhook,
          { S (5), S (300), S (1800), 2 * HOUR_MS, 5 * HOUR_MS, 10 * HOUR_MS, 14 * HOUR_MS,
            20 * HOUR_MS, 24 * HOUR_MS, 0 } },
        { &s_once, { 100, 200, 400, 800, 1600, 0 } },
        { &s_careful, { 1000, 2000, 4000, 0 } },
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
        for (unsigned tries = 1;; tries++) {
            retry_so_far_t so_far = { .tries = tries };
            uint64_t delay_ms = rows[row].delays_ms[tries - 1];
            retry_decision_t decision =
                retry_decide (rows[row].policy, &so_far, RETRY_BUSY, 0, 0);
            cr_assert_eq (decision.verdict, delay_ms ? RETRY_LATER : RETRY_USED_UP);
            cr_assert_eq (decision.delay_ms, delay_ms, "row %zu, try %u", row, tries);
            if (!delay_ms)
                break;
        }
}

Test (retry_policy, doubling_ends_at_its_most)
{
    retry_policy_t policy = { .classes = RETRY_IF_PASSING, .tries = 4000000000u, .first_ms = 700,
                              .most_ms = 3000 };
    static const uint64_t delays[] = { 700, 1400, 2800, 3000, 3000 };
    for (unsigned tries = 1; tries <= 5; tries++) {
        retry_so_far_t so_far = { .tries = tries };
        cr_assert_eq (retry_decide (&policy, &so_far, RETRY_BUSY, 0, 0).delay_ms,
                      delays[tries - 1]);
    }
    retry_so_far_t many = { .tries = 3999999999u };
    cr_assert_eq (retry_decide (&policy, &many, RETRY_BUSY, 0, 0).delay_ms, 3000);
    policy.most_ms = UINT64_MAX;
    cr_assert_geq (retry_decide (&policy, &many, RETRY_BUSY, 0, 0).delay_ms, UINT64_MAX / 2);
}

Test (retry_policy, retry_after_is_believed_up_to_a_point)
{
    retry_so_far_t so_far = { .tries = 1 };
    static const uint64_t rows[][2] = {
        { 0, S (5) }, { S (4), S (5) }, { S (7), S (7) }, { S (30), S (30) }, { HOUR_MS, S (30) },
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
        cr_assert_eq (retry_decide (&s_bot, &so_far, RETRY_SERVER, rows[row][0], 0).delay_ms,
                      rows[row][1]);
}

Test (retry_policy, whole_steps)
{
    uint64_t delays[1];
    retry_policy_t policy = s_bot;
    policy.delays_ms = delays;
    policy.delays = 1;
    static const uint64_t rows[][2] = { { 0, 1000 },    { 1, 1000 },    { 1000, 1000 },
                                        { 1001, 2000 }, { 4999, 5000 }, { 5000, 5000 } };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        delays[0] = rows[row][0];
        retry_so_far_t so_far = { .tries = 1 };
        cr_assert_eq (retry_decide (&policy, &so_far, RETRY_LOST, 0, 0).delay_ms, rows[row][1]);
    }
}

Test (retry_policy, jitter_is_on_top_and_bounded)
{
    retry_so_far_t so_far = { .tries = 1 };
    for (uint64_t chance = 0; chance < 100000; chance += 7) {
        cr_assert_lt (retry_decide (&s_bot, &so_far, RETRY_LOST, 0, chance).jitter_ms, 200);
        cr_assert_lt (retry_decide (&s_webhook, &so_far, RETRY_LOST, 0, chance).jitter_ms, 500);
        cr_assert_eq (retry_decide (&s_once, &so_far, RETRY_LOST, 0, chance).jitter_ms, 0);
    }
    so_far.tries = 9;
    cr_assert_lt (retry_decide (&s_webhook, &so_far, RETRY_LOST, 0, UINT64_MAX).jitter_ms, HOUR_MS);
}

Test (retry_policy, every_verdict_has_words)
{
    for (retry_verdict_t verdict = 0; verdict < RETRY_VERDICTS; verdict++)
        cr_assert (*retry_verdict_words (verdict));
}

Test (retry_policy, no_try_begins_beyond_the_total)
{
    retry_so_far_t so_far = { .tries = 2, .elapsed_ms = S (600) - 200 };
    cr_assert_eq (retry_decide (&s_once, &so_far, RETRY_BUSY, 0, 0).verdict, RETRY_LATER);
    so_far.elapsed_ms++;
    cr_assert_eq (retry_decide (&s_once, &so_far, RETRY_BUSY, 0, 0).verdict, RETRY_TOO_LATE);
    so_far.elapsed_ms = S (400);
    cr_assert_eq (retry_decide (&s_once, &so_far, RETRY_BUSY, S (250), 0).verdict, RETRY_TOO_LATE);
}
