#include "bot_calls.h"

#include "base/log.h"
#include "base/metrics.h"
#include "base/random_id.h"
#include "bot_request.h"
#include "model/failure_data.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

//  A key is at most 4000 bytes (apps_file.h); the rest is ": ", a blank and the NUL.
#define HEADER_MAX (4000 + 2 * AUTH_WORD_MAX + 4)
//  Longer than a call takes that ends at its time limit.
#define OVERDUE_AFTER_MS 60000

enum {
    BOT_ERRORS,
    FAILED_FIRST, //  in the order of bot_failure_t
    COUNTS = FAILED_FIRST + BOT_FAILURES
};

static int64_t s_counts[COUNTS];
static const metric_row_t s_rows[COUNTS] = {
    [BOT_ERRORS] = { "connector_bot_errors_total", NULL, COUNTER,
                     "answers in which the bot says itself that it failed" },
#define FAILURE(NAME, label, class, words)                                                         \
    [FAILED_FIRST + BOT_##NAME] = { "connector_bot_failures_total", "class=\"" label "\"",         \
                                    COUNTER, "tries that failed" },
#include "bot_failures.def"
#undef FAILURE
};

static histogram_t s_answer_time = {
    .name = "connector_bot_answer_seconds",
    .help = "time from the question to the bot's answer, failures too",
};

//  One attempt, in the item's memory.
typedef struct {
    const bot_calls_t *calls;
    worker_item_t *item;
    http_call_t call; //  0: the bot is not being asked
} bot_call_t;

//  A bot that is down must not fill the disk.
static void
s_log_failure (const worker_item_view_t *view, const bot_answer_t *answer, bool is_last)
{
    static log_limit_t last = LOG_LIMIT (LOG_ERROR, "bot gave no answer"),
                       once = LOG_LIMIT (LOG_WARN, "bot failed once");
    if (!log_limit_allows (is_last ? &last : &once))
        return;
    log_write (is_last ? LOG_ERROR : LOG_WARN, is_last ? "bot gave no answer" : "bot failed once",
               (const log_field_t[]){
                   log_text ("item", view->work.item), log_text ("session", view->work.session),
                   log_string ("class", bot_failures[answer->failure].label),
                   log_string ("error", answer->error), log_string ("reason", answer->reason),
                   log_number ("tries", view->tries) },
               6);
}

//  The bot failed: again after a while, or for good. The widget counts the seconds down.
static void
s_fail (bot_call_t *call, const bot_answer_t *answer, uint64_t retry_after_ms, unsigned status)
{
    const worker_item_view_t *view = worker_item_view (call->item);
    retry_so_far_t so_far = { .tries = view->tries };
    retry_decision_t next =
        retry_decide (&call->calls->retry, &so_far, bot_failures[answer->failure].class,
                      retry_after_ms, random_id_number ());
    bool is_last = next.verdict != RETRY_LATER;
    s_counts[FAILED_FIRST + answer->failure]++;
    s_log_failure (view, answer, is_last);
    buffer_t data;
    buffer_init (&data, FAILURE_DATA_MAX);
    failure_data_write (&data, is_last ? BOT_TRIES_MOST : view->tries,
                        is_last ? 0 : next.delay_ms / 1000, answer->error);
    worker_report_t report = { .outcome = is_last ? WORKER_DEAD : WORKER_RETRY,
                               .after_ms = next.delay_ms + next.jitter_ms,
                               .status = status,
                               .detail = buffer_text (&answer->detail) };
    if (is_last)
        report.data = buffer_text (&data);
    else
        worker_item_progress (call->item, EVENT_RETRY_NOTICE, buffer_text (&data));
    worker_item_done (call->item, &report);
    buffer_free (&data);
}

static void
s_on_answer (void *owner, http_call_t number, const http_answer_t *http)
{
    bot_call_t *call = owner;
    assert (call->call == number);
    if (http->took_us > 0)
        histogram_add (&s_answer_time, http->took_us);
    bot_answer_t answer;
    bot_answer_read (&answer, http);
    if (answer.outcome == OUTCOME_FAILED)
        s_fail (call, &answer, http->retry_after_ms, (unsigned) http->status);
    else {
        bool is_apology = answer.outcome == OUTCOME_BOT_ERROR;
        s_counts[BOT_ERRORS] += is_apology;
        worker_item_done (call->item,
                          &(worker_report_t){ .outcome = WORKER_ANSWERED,
                                              .is_apology = is_apology,
                                              .status = (unsigned) http->status,
                                              .data = buffer_text (&answer.data),
                                              .ask = answer.ask,
                                              .target = buffer_text (&answer.target),
                                              .detail = buffer_text (&answer.detail) });
    }
    bot_answer_free (&answer);
}

//  Returns 0 when the question is on its way; −1 with errno as http_client_send.
static int
s_post (bot_call_t *call, const app_t *app, text_t question)
{
    const bot_calls_t *calls = call->calls;
    char key[HEADER_MAX];
    int size = snprintf (key, sizeof key, "%s: %s%s%.*s", calls->auth_header, calls->auth_scheme,
                         *calls->auth_scheme ? " " : "", TEXT_ARGS (app->bot.key));
    assert (size > 0
            && (size_t) size < sizeof key); //  its parts were checked when they were read
    const char *headers[] = { "Accept: application/json", app->bot.key.size ? key : NULL, NULL };
    http_request_t request = { .method = "POST",
                               .url = app->bot.url.data,
                               .headers = headers,
                               .content_type = "application/json",
                               .body = question,
                               .timeout_ms = calls->timeout_ms,
                               .answer_limit = calls->answer_limit };
    call->call = http_client_send (calls->http, &request, s_on_answer, call);
    return call->call ? 0 : -1;
}

static void
s_start (void *service, worker_item_t *item)
{
    const bot_calls_t *self = service;
    const worker_item_view_t *view = worker_item_view (item);
    bot_call_t *call = view->attempt;
    *call = (bot_call_t){ .calls = self, .item = item };
    bot_failure_t failure = BOT_NO_BOT;
    const char *why = NULL;
    const app_t *app = apps_find (self->apps, view->work.app);
    buffer_t question;
    buffer_init (&question, BOT_REQUEST_MAX);
    if (bot_request_write (&question, &view->work) != 0) {
        failure = BOT_BAD_QUESTION;
        why = "the question is no JSON object";
    } else if (!app) { //  the edge's file knows it: ours may be the older one
        failure = BOT_UNKNOWN_APP;
        why = "there is no such app here";
    } else if (app->bot.url.size == 0)
        why = "the app has no bot";
    else if (s_post (call, app, buffer_text (&question)) == 0)
        worker_item_show (item, EVENT_TYPING);
    else if (errno == EINVAL)
        why = "the bot's URL is none";
    else {
        failure = BOT_NOT_ASKED;
        why = "no call can be made at the moment";
    }
    buffer_free (&question);
    if (!why)
        return;
    bot_answer_t answer;
    bot_answer_none (&answer, failure, text_of (why));
    s_fail (call, &answer, 0, 0);
    bot_answer_free (&answer);
}

static void
s_cancel (void *service, worker_item_t *item)
{
    const bot_calls_t *self = service;
    bot_call_t *call = worker_item_view (item)->attempt;
    http_client_cancel (self->http, call->call);
}

worker_kind_t
bot_calls_kind (const bot_calls_t *self)
{
    metrics_register (s_rows, s_counts, COUNTS);
    histogram_register (&s_answer_time);
    return (
        worker_kind_t){ .attempt_size = sizeof (bot_call_t),
                        .attempt_ms = self->timeout_ms + OVERDUE_AFTER_MS,
                        .overdue = { .outcome = WORKER_DEAD,
                                     .data = TEXT ("{\"type\":\"BOT\",\"tries\":3,\"delay\":0,"
                                                   "\"error\":\"timeout\"}"),
                                     .detail = TEXT ("the call to the bot never ended") },
                        .start = s_start,
                        .cancel = s_cancel };
}
