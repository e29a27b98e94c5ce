//  http_outcome — what came of a call: a row of a table (http_outcomes.def), and what was answered.

#ifndef HTTP_OUTCOME_H
#define HTTP_OUTCOME_H

#include "base/text.h"

#include <stdint.h>

typedef enum {
#define OUTCOME(NAME, label, reach, words) HTTP_##NAME,
#include "http/http_outcomes.def"
#undef OUTCOME
    HTTP_OUTCOMES
} http_outcome_t;

typedef enum { HTTP_REACH_NOWHERE, HTTP_REACH_PERHAPS, HTTP_REACH_FINALLY } http_reach_t;

const char *http_outcome_label (http_outcome_t outcome);
const char *http_outcome_words (http_outcome_t outcome);
http_reach_t http_outcome_reach (http_outcome_t outcome);

typedef struct {
    http_outcome_t outcome;
    long status;             //  0 when no answer began; with a body that broke off, too
    bool was_sent;           //  a part of the request left: it may have been acted upon
    text_t head;             //  lines of the last answer's head, without the status line
    text_t content_type;     //  empty when there was none
    text_t body;
    uint64_t retry_after_ms; //  from the Retry-After header, 0 when there was none
    uint64_t took_us;        //  from the send to the answer, with all that was waited for
    const char *error;       //  words for the log (the library's own), "" when answered
    const char *location;    //  where a redirect points to (not followed), NULL when nowhere
} http_answer_t;

//  The value of the first header of that name, in any case; empty when there is none.
text_t http_answer_header (const http_answer_t *self, const char *name);

#endif
