#include "texting/slack_outcome.h"

const delivery_failure_t slack_outcomes[SLACK_OUTCOMES] = {
    [SLACK_POSTED] = { "posted", RETRY_DONE, DESTINATION_WELL, DELIVERY_NOTHING, "posted" },
#define FAILURE(NAME, label, class, destination, effect, words)                                  \
    [SLACK_##NAME] = { label, RETRY_##class, DESTINATION_##destination, DELIVERY_##effect, words },
#include "texting/slack_failures.def"
#undef FAILURE
};

static const struct {
    unsigned status;
    const char *word;
    slack_outcome_t outcome;
} s_errors[] = {
#define ERROR(status, word, FAILURE) { status, word, SLACK_##FAILURE },
#include "texting/slack_errors.def"
#undef ERROR
};

static slack_outcome_t
s_of_answer (unsigned status, const slack_answer_t *said)
{
    for (size_t row = 0; row < sizeof s_errors / sizeof *s_errors; row++) {
        unsigned wanted = s_errors[row].status;
        const char *word = s_errors[row].word;
        if ((wanted == 0 || wanted == status || wanted == status / 100)
            && (!*word || strcmp (word, said->word) == 0))
            return s_errors[row].outcome;
    }
    //  An error without a row is one that Slack made up since; a 200 without one is not Slack's.
    return *said->word ? SLACK_REFUSED : SLACK_UNSURE;
}

slack_outcome_t
slack_outcome_of (const http_answer_t *answer, const slack_answer_t *said, bool is_webhook)
{
    if (answer->outcome == HTTP_CERTIFICATE)
        return SLACK_CERTIFICATE;
    //  Of a webhook the status counts.
    if (answer->outcome == HTTP_ANSWERED && answer->status == 200
        && (said->is_good || (is_webhook && !*said->word && answer->body.size == 0)))
        return SLACK_POSTED;
    if (answer->outcome == HTTP_ANSWERED || answer->status / 100 == 4
        || answer->status / 100 == 5)
        return s_of_answer ((unsigned) answer->status, said);
    return answer->was_sent ? SLACK_UNSURE : SLACK_UNSENT;
}
