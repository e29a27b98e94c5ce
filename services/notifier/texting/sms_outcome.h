//  sms_outcome — what a try at an SMS has come to: one pure function over what the HTTP call says
//  and what Twilio said. Rows of sms_failures.def.

#ifndef SMS_OUTCOME_H
#define SMS_OUTCOME_H

#include "channels/delivery.h"
#include "http/http_outcome.h"

typedef enum {
    SMS_SENT,
#define FAILURE(NAME, label, class, destination, effect, words) SMS_##NAME,
#include "texting/sms_failures.def"
#undef FAILURE
    SMS_OUTCOMES
} sms_outcome_t;

extern const delivery_failure_t sms_outcomes[SMS_OUTCOMES];

//  `is_good`: the body is what was asked for. `code` is that of Twilio's error, or 0.
sms_outcome_t sms_outcome_of (const http_answer_t *answer, bool is_good, unsigned code);

#endif
