#include "bot_answer.h"

#include "base/utf8.h"

#include <stdio.h>
#include <strings.h>

#define DETAIL_MAX (BOT_REASON_MAX + BOT_DETAIL_BODY + 2)

const bot_failure_row_t bot_failures[BOT_FAILURES] = {
#define FAILURE(NAME, label, class, words) [BOT_##NAME] = { label, RETRY_##class, words },
#include "bot_failures.def"
#undef FAILURE
};

static bot_failure_t
s_failure_of_call (http_outcome_t outcome)
{
    switch (outcome) {
    case HTTP_ANSWERED:
        return BOT_FAILURES;
    case HTTP_TIMED_OUT:
    case HTTP_CONNECT_TIMED_OUT:
    case HTTP_QUEUE_TIMED_OUT:
        return BOT_TIMEOUT;
    case HTTP_BLOCKED:
        return BOT_BLOCKED;
    case HTTP_TOO_LARGE:
    case HTTP_HEAD_TOO_LARGE:
        return BOT_TOO_LARGE;
    case HTTP_BAD_CODING:
        return BOT_BAD_CODING;
    default:
        return BOT_UNREACHABLE;
    }
}

bot_failure_t
bot_answer_failure (const http_answer_t *http)
{
    bot_failure_t failure = s_failure_of_call (http->outcome);
    if (failure == BOT_TIMEOUT || failure == BOT_UNREACHABLE || failure == BOT_BLOCKED)
        return failure;
    long status = http->status;
    if (status == 408 || status == 425 || status == 429 || (status >= 500 && status <= 599))
        return BOT_STATUS_PASSING;
    return status < 200 || status > 299 ? BOT_STATUS_FINAL : failure;
}

static char
s_printable (char byte)
{
    return byte >= ' ' && byte <= '~' ? byte : '.';
}

//  For the log: the class alone does not tell a refused connection from a wrong certificate. And
//  for the operator: that and the beginning of the body, byte by byte; what is not printable
//  becomes a dot.
static void
s_describe (bot_answer_t *self, const http_answer_t *http)
{
    //  Where a bot sends us instead, up to its query, which may carry a secret. So may a name
    //  before the host; a URL with one is not shown at all.
    size_t size = http->location ? strcspn (http->location, "?#") : 0;
    if (size > 0 && memchr (http->location, '@', size))
        size = 0;
    bool is_whole = http->outcome == HTTP_ANSWERED;
    snprintf (self->reason, sizeof self->reason, "status %ld, %zu bytes%s%s%s%.150s%s%.*s",
              http->status, http->body.size, is_whole ? "" : ", ",
              is_whole ? "" : http_outcome_label (http->outcome), *http->error ? ": " : "",
              http->error,
              size ? ", redirects to " : "", size < 150 ? (int) size : 150,
              size ? http->location : "");
    for (char *byte = self->reason; *byte; byte++)
        *byte = s_printable (*byte);
    if (buffer_put_string (&self->detail, self->reason) != 0 || http->body.size == 0
        || buffer_put_string (&self->detail, ": ") != 0)
        return;
    size_t shown = http->body.size < BOT_DETAIL_BODY ? http->body.size : BOT_DETAIL_BODY;
    char *entry = buffer_grow (&self->detail, shown);
    for (size_t index = 0; entry && index < shown; index++)
        entry[index] = s_printable (http->body.data[index]);
}

static void
s_init (bot_answer_t *self)
{
    *self = (bot_answer_t){ .outcome = OUTCOME_ANSWERED };
    buffer_init (&self->detail, DETAIL_MAX);
}

static void
s_fail (bot_answer_t *self, bot_failure_t failure, long status)
{
    bool has_number = failure == BOT_STATUS_PASSING || failure == BOT_STATUS_FINAL;
    self->outcome = OUTCOME_FAILED;
    self->failure = failure;
    if (has_number)
        snprintf (self->error, sizeof self->error, "%s %ld", bot_failures[failure].words, status);
    else
        snprintf (self->error, sizeof self->error, "%s", bot_failures[failure].words);
}

static const bot_failure_t s_failures[BOT_SPEECH_FAULTS] = {
    [BOT_SPEECH_OK] = BOT_FAILURES,
    [BOT_SPEECH_EMPTY] = BOT_EMPTY,
    [BOT_SPEECH_NOT_JSON] = BOT_NOT_JSON,
    [BOT_SPEECH_NOT_OBJECT] = BOT_NOT_OBJECT,
    [BOT_SPEECH_TOO_LARGE] = BOT_TOO_LARGE,
};

static void
s_read_body (bot_answer_t *self, text_t body)
{
    bot_failure_t failure = s_failures[bot_speech_read (&self->said, body)];
    if (failure != BOT_FAILURES)
        s_fail (self, failure, 0);
    else if (self->said.is_apology)
        self->outcome = OUTCOME_BOT_ERROR;
}

void
bot_answer_read (bot_answer_t *self, const http_answer_t *http)
{
    s_init (self);
    bot_failure_t failure = bot_answer_failure (http);
    if (failure != BOT_FAILURES)
        s_fail (self, failure, http->status);
    else
        s_read_body (self, http->body);
    if (self->outcome == OUTCOME_FAILED) {
        s_describe (self, http);
    }
}

void
bot_answer_failed (bot_answer_t *self, bot_failure_t failure, const http_answer_t *http)
{
    s_init (self);
    s_fail (self, failure, http->status);
    s_describe (self, http);
}

void
bot_answer_none (bot_answer_t *self, bot_failure_t failure, text_t detail)
{
    s_init (self);
    s_fail (self, failure, 0);
    snprintf (self->reason, sizeof self->reason, "%.*s", TEXT_ARGS (detail));
    if (buffer_put_text (&self->detail, detail) != 0)
        buffer_clear (&self->detail);
}

void
bot_answer_free (bot_answer_t *self)
{
    bot_speech_free (&self->said);
    buffer_free (&self->detail);
}
