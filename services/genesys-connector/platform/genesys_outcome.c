#include "platform/genesys_outcome.h"

#include "platform/genesys_answer.h"

#include <stdio.h>

//  A 429 without the header: a window of the platform's is a minute.
#define HOLD_USUAL_MS 60000
#define CORRELATION_MOST 64

static const char *const s_labels[GENESYS_CLASSES] = {
    [GENESYS_OK] = "ok",
    [GENESYS_PASSING] = "passing",
    [GENESYS_REFUSED] = "refused",
    [GENESYS_FORBIDDEN] = "forbidden",
    [GENESYS_LATER] = "later",
};

const char *
genesys_class_label (genesys_class_t class)
{
    return s_labels[class];
}

static genesys_class_t
s_class_of_status (long status)
{
    if (status >= 200 && status < 300)
        return GENESYS_OK;
    if (status == 401 || status == 403)
        return GENESYS_FORBIDDEN;
    if (status == 429)
        return GENESYS_LATER;
    return status == 408 || status == 425 || status >= 500 ? GENESYS_PASSING : GENESYS_REFUSED;
}

static genesys_class_t
s_class_of (const http_answer_t *answer)
{
    if (answer->outcome == HTTP_ANSWERED)
        return s_class_of_status (answer->status);
    return http_outcome_reach (answer->outcome) == HTTP_REACH_FINALLY ? GENESYS_REFUSED
                                                                      : GENESYS_PASSING;
}

//  A 5xx may come from behind the place where it was done; a 408 and whatever is refused may not.
static bool
s_is_unsure (const http_answer_t *answer)
{
    if (answer->outcome == HTTP_ANSWERED)
        return answer->status >= 500;
    return answer->was_sent && http_outcome_reach (answer->outcome) != HTTP_REACH_NOWHERE;
}

//  Of an answer that broke off it says nothing.
static unsigned
s_status (const http_answer_t *answer)
{
    return answer->outcome == HTTP_ANSWERED ? (unsigned) answer->status : 0;
}

//  Of letters, digits and '-', as a UUID is.
static text_t
s_correlation (const http_answer_t *answer)
{
    text_t id = http_answer_header (answer, "ININ-Correlation-Id");
    if (id.size == 0)
        id = http_answer_header (answer, "Genesys-Correlation-Id");
    for (size_t at = 0; at < id.size; at++)
        if (!strchr ("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-", id.data[at])
            || !id.data[at])
            return TEXT_EMPTY;
    return id.size <= CORRELATION_MOST ? id : TEXT_EMPTY;
}

genesys_outcome_t
genesys_outcome_of (const http_answer_t *answer, char room[GENESYS_WORDS_ROOM])
{
    genesys_outcome_t outcome = { .class = s_class_of (answer),
                                  .status = s_status (answer),
                                  .is_unsure = s_is_unsure (answer),
                                  .body = answer->body,
                                  .correlation = s_correlation (answer),
                                  .retry_after_ms = answer->retry_after_ms,
                                  .words = room };
    char said[ERROR_WORDS_ROOM] = "";
    bool is_at_once = text_is (http_answer_header (answer, "Retry-After"), TEXT ("0"));
    if (outcome.class == GENESYS_LATER && outcome.retry_after_ms == 0)
        outcome.retry_after_ms = is_at_once ? 1 : HOLD_USUAL_MS;
    if (answer->outcome != HTTP_ANSWERED)
        snprintf (room, GENESYS_WORDS_ROOM, "%s", http_outcome_words (answer->outcome));
    else if (outcome.class == GENESYS_OK)
        room[0] = '\0';
    else {
        error_answer_read (answer->body, said);
        snprintf (room, GENESYS_WORDS_ROOM, "%ld%s%s", answer->status, *said ? " " : "", said);
    }
    return outcome;
}
