//  slack_outcome — what a try at a message of Slack has come to: one pure function over what the
//  HTTP call says and what Slack said. Rows of slack_failures.def.

#ifndef SLACK_OUTCOME_H
#define SLACK_OUTCOME_H

#include "channels/delivery.h"
#include "http/http_outcome.h"
#include "texting/slack_answer.h"

typedef enum {
    SLACK_POSTED,
#define FAILURE(NAME, label, class, destination, effect, words) SLACK_##NAME,
#include "texting/slack_failures.def"
#undef FAILURE
    SLACK_OUTCOMES
} slack_outcome_t;

extern const delivery_failure_t slack_outcomes[SLACK_OUTCOMES];

slack_outcome_t slack_outcome_of (const http_answer_t *answer, const slack_answer_t *said,
                                  bool is_webhook);

#endif
