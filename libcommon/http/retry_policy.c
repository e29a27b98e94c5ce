#include "http/retry_policy.h"

#include <assert.h>

bool
retry_is_idempotent (const char *method)
{
    static const char *const methods[] = { "GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE" };
    for (size_t row = 0; row < sizeof methods / sizeof *methods; row++)
        if (strcmp (method, methods[row]) == 0)
            return true;
    return false;
}

const char *
retry_class_label (retry_class_t class)
{
    static const char *const labels[RETRY_CLASSES] = {
        [RETRY_DONE] = "done",     [RETRY_UNSENT] = "unsent", [RETRY_LOST] = "lost",
        [RETRY_BUSY] = "busy",     [RETRY_SERVER] = "server", [RETRY_FINAL] = "final",
    };
    assert (class < RETRY_CLASSES);
    return labels[class];
}

const char *
retry_verdict_words (retry_verdict_t verdict)
{
    static const char *const words[RETRY_VERDICTS] = {
        [RETRY_NO_NEED] = "done",
        [RETRY_LATER] = "tried again later",
        [RETRY_NEVER] = "another try would not help",
        [RETRY_USED_UP] = "no try is left",
        [RETRY_TOO_LATE] = "too late for another try",
    };
    assert (verdict < RETRY_VERDICTS);
    return words[verdict];
}

//  Of an answer's status, whether or not its body came whole.
static retry_class_t
s_class_of_status (long status)
{
    if (status == 408 || status == 425 || status == 429)
        return RETRY_BUSY;
    if (status >= 500 && status <= 599)
        return RETRY_SERVER;
    return status >= 200 && status <= 299 ? RETRY_DONE : RETRY_FINAL;
}

retry_class_t
retry_class_of (const http_answer_t *answer)
{
    retry_class_t by_status = s_class_of_status (answer->status);
    if (answer->outcome == HTTP_ANSWERED || by_status == RETRY_BUSY || by_status == RETRY_SERVER)
        return by_status;
    if (http_outcome_reach (answer->outcome) == HTTP_REACH_FINALLY)
        return RETRY_FINAL;
    return answer->was_sent ? RETRY_LOST : RETRY_UNSENT;
}

static bool
s_may_be_tried (const retry_policy_t *policy, const retry_so_far_t *so_far, retry_class_t class)
{
    if (class == RETRY_DONE || class == RETRY_FINAL)
        return false;
    return policy->classes & 1u << class || (class == RETRY_LOST && so_far->may_be_made_twice);
}

static uint64_t
s_scheduled (const retry_policy_t *policy, unsigned tries)
{
    if (policy->delays > 0)
        return policy->delays_ms[tries < policy->delays ? tries - 1 : policy->delays - 1];
    uint64_t delay = policy->first_ms;
    for (unsigned doubled = 1; doubled < tries && delay && delay < policy->most_ms; doubled++)
        delay = delay > policy->most_ms / 2 ? policy->most_ms : delay * 2;
    return delay < policy->most_ms ? delay : policy->most_ms;
}

//  The schedule's delay, or what the far side asks for when that is longer.
static uint64_t
s_delay (const retry_policy_t *policy, unsigned tries, uint64_t retry_after_ms)
{
    uint64_t delay = s_scheduled (policy, tries);
    uint64_t asked = retry_after_ms < policy->retry_after_most_ms ? retry_after_ms
                                                                  : policy->retry_after_most_ms;
    delay = delay > asked ? delay : asked;
    if (policy->step_ms == 0)
        return delay;
    uint64_t steps = delay / policy->step_ms + (delay % policy->step_ms > 0);
    return (steps > 0 ? steps : 1) * policy->step_ms;
}

static uint64_t
s_jitter (const retry_policy_t *policy, uint64_t delay, uint64_t chance)
{
    uint64_t most = delay / 100 * policy->jitter_percent
                    + delay % 100 * policy->jitter_percent / 100;
    most = most < policy->jitter_most_ms ? most : policy->jitter_most_ms;
    return most > 0 ? chance % most : 0;
}

retry_decision_t
retry_decide (const retry_policy_t *policy, const retry_so_far_t *so_far, retry_class_t class,
              uint64_t retry_after_ms, uint64_t chance)
{
    assert (class < RETRY_CLASSES && so_far->tries > 0);
    if (class == RETRY_DONE)
        return (retry_decision_t){ .verdict = RETRY_NO_NEED };
    if (!s_may_be_tried (policy, so_far, class))
        return (retry_decision_t){ .verdict = RETRY_NEVER };
    if (so_far->tries >= policy->tries
        || (class == RETRY_LOST && policy->lost_tries > 0 && !so_far->may_be_made_twice
            && so_far->lost >= policy->lost_tries))
        return (retry_decision_t){ .verdict = RETRY_USED_UP };
    uint64_t delay = s_delay (policy, so_far->tries, retry_after_ms);
    if (policy->total_ms > 0 && so_far->elapsed_ms + delay > policy->total_ms)
        return (retry_decision_t){ .verdict = RETRY_TOO_LATE };
    return (retry_decision_t){ .verdict = RETRY_LATER,
                               .delay_ms = delay,
                               .jitter_ms = s_jitter (policy, delay, chance) };
}
