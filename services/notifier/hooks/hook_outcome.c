#include "hooks/hook_outcome.h"

const hook_outcome_row_t hook_outcomes[HOOK_OUTCOMES] = {
    [HOOK_TAKEN] = { "taken", RETRY_DONE, DESTINATION_WELL, "taken" },
    [HOOK_NOTHING] = { "nothing", RETRY_DONE, DESTINATION_UNSAID, "not told by this channel" },
#define FAILURE(NAME, label, class, destination, words)                                          \
    [HOOK_##NAME] = { label, RETRY_##class, DESTINATION_##destination, words },
#include "hooks/hook_failures.def"
#undef FAILURE
};

static hook_outcome_t
s_of_status (long status)
{
    switch (status) {
    case 410:
        return HOOK_GONE;
    case 429:
        return HOOK_THROTTLED;
    case 502:
    case 503:
    case 504:
        return HOOK_LATER;
    default:
        break;
    }
    static const hook_outcome_t by_hundred[] = { [2] = HOOK_TAKEN, [3] = HOOK_REDIRECTED,
                                                 [4] = HOOK_REFUSED, [5] = HOOK_FAILED };
    bool is_known = status >= 200 && status <= 599;
    return is_known ? by_hundred[status / 100] : HOOK_ODD;
}

static hook_outcome_t
s_of_call (const http_answer_t *answer)
{
    switch (answer->outcome) {
    case HTTP_NOT_RESOLVED:
        return HOOK_RESOLVE;
    case HTTP_REFUSED:
    case HTTP_UNREACHABLE:
    case HTTP_CONNECT_TIMED_OUT:
        return HOOK_UNREACHABLE;
    case HTTP_CERTIFICATE:
        return HOOK_CERTIFICATE;
    case HTTP_TLS:
        return HOOK_TLS;
    case HTTP_PROXY:
        return HOOK_PROXY;
    case HTTP_BLOCKED:
        return HOOK_BLOCKED;
    case HTTP_TIMED_OUT:
        return HOOK_TIMEOUT;
    case HTTP_RESET:
        return HOOK_CUT;
    case HTTP_MALFORMED:
    case HTTP_HEAD_TOO_LARGE:
    case HTTP_TOO_LARGE:
    case HTTP_BAD_CODING:
    case HTTP_ANSWERED:
    case HTTP_REDIRECTS:
        return HOOK_ODD;
    default:
        return HOOK_LIBRARY;
    }
}

hook_outcome_t
hook_outcome_of (const http_answer_t *answer)
{
    return answer->status > 0 ? s_of_status (answer->status) : s_of_call (answer);
}

bool
hook_outcome_waits (hook_outcome_t outcome)
{
    return outcome == HOOK_THROTTLED || outcome == HOOK_LATER;
}
