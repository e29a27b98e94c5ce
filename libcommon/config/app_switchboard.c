#include "config/app_switchboard.h"

static const char *const s_steps[FAILURE_STEPS] = {
    [FAILURE_RETRY] = "retry", [FAILURE_TEXT] = "text", [FAILURE_PERSON] = "person"
};

const app_failure_t app_failure_usual = {
    .text = { APP_FAILURE_WORDS, sizeof APP_FAILURE_WORDS - 1 },
    .failures = APP_FAILURE_FAILURES,
    .answers = APP_FAILURE_ANSWERS,
    .open_s = APP_FAILURE_OPEN_S,
    .open_most_s = APP_FAILURE_OPEN_MOST_S,
    .tell_s = APP_FAILURE_TELL_S,
    .ask_again_s = APP_FAILURE_ASK_AGAIN_S,
    .health_url = { "", 0 },
};

bool
app_failure_has (const app_failure_t *self, failure_step_t step)
{
    for (size_t at = 0; at < self->steps.count; at++)
        if (text_is (self->steps.items[at], text_of (s_steps[step])))
            return true;
    return self->steps.count == 0 && step == FAILURE_RETRY;
}

bool
app_failure_is_step (text_t name)
{
    int step = 0;
    while (step < FAILURE_STEPS && !text_is (name, text_of (s_steps[step])))
        step++;
    return step < FAILURE_STEPS;
}
