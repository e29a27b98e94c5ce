#include "texting/sms_outcome.h"

const delivery_failure_t sms_outcomes[SMS_OUTCOMES] = {
    [SMS_SENT] = { "sent", RETRY_DONE, DESTINATION_WELL, DELIVERY_NOTHING, "sent" },
#define FAILURE(NAME, label, class, destination, effect, words)                                  \
    [SMS_##NAME] = { label, RETRY_##class, DESTINATION_##destination, DELIVERY_##effect, words },
#include "texting/sms_failures.def"
#undef FAILURE
};

#define ANY_CODE 1u

static const struct {
    unsigned status;
    unsigned code;
    sms_outcome_t outcome;
} s_errors[] = {
#define ERROR(status, code, FAILURE) { status, code, SMS_##FAILURE },
#include "texting/sms_errors.def"
#undef ERROR
};

static bool
s_fits (unsigned wanted, unsigned status)
{
    return wanted == 0 || wanted == status || wanted == status / 100;
}

static sms_outcome_t
s_of_status (unsigned status, unsigned code)
{
    for (size_t row = 0; row < sizeof s_errors / sizeof *s_errors; row++)
        if (s_fits (s_errors[row].status, status)
            && (s_errors[row].code == 0 || s_errors[row].code == code
                || (s_errors[row].code == ANY_CODE && code > 0)))
            return s_errors[row].outcome;
    return SMS_UNSURE; //  a 2xx that is no message, a 5xx that is not Twilio's own
}

sms_outcome_t
sms_outcome_of (const http_answer_t *answer, bool is_good, unsigned code)
{
    if (answer->outcome == HTTP_CERTIFICATE)
        return SMS_CERTIFICATE;
    if (answer->outcome == HTTP_ANSWERED && is_good && answer->status / 100 == 2)
        return SMS_SENT;
    if (answer->outcome == HTTP_ANSWERED || answer->status / 100 == 4)
        return s_of_status ((unsigned) answer->status, code);
    return answer->was_sent ? SMS_UNSURE : SMS_UNSENT;
}
