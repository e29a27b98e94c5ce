//  hook_outcome — what a try at a webhook has come to: one pure function over what libcurl and the
//  endpoint say.

#ifndef HOOK_OUTCOME_H
#define HOOK_OUTCOME_H

#include "http/retry_policy.h"
#include "model/model.h"

typedef enum {
    HOOK_TAKEN,
    HOOK_NOTHING, //  there was nothing to be said
#define FAILURE(NAME, label, class, destination, words) HOOK_##NAME,
#include "hooks/hook_failures.def"
#undef FAILURE
    HOOK_OUTCOMES
} hook_outcome_t;

typedef struct {
    const char *label;
    retry_class_t class;
    destination_word_t destination;
    const char *words;
} hook_outcome_row_t;

extern const hook_outcome_row_t hook_outcomes[HOOK_OUTCOMES];

hook_outcome_t hook_outcome_of (const http_answer_t *answer);
//  May the answer say how long the endpoint is to be left alone?
bool hook_outcome_waits (hook_outcome_t outcome);

#endif
