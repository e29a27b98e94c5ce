#include "bot_calls.h"

#include "auth/answer_url.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop_timer.h"
#include "base/metrics.h"
#include "base/random_id.h"
#include "bot_live.h"
#include "bot_probe.h"
#include "bot_request.h"
#include "model/failure_data.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

//  A key is at most 4000 bytes (apps_file.h); the rest is ": ", a blank and the NUL.
#define HEADER_MAX (4000 + 2 * AUTH_WORD_MAX + 4)
#define URL_HEADER "Stentor-Answer-Url"
#define URL_HEADER_MAX (ANSWER_URL_MAX + sizeof URL_HEADER + 3)
#define ACCEPT "Accept: application/json, application/x-ndjson, text/event-stream"
//  Longer than a call takes that ends at its time limit.
#define OVERDUE_AFTER_MS 60000

enum {
    BOT_ERRORS,
    TRUNCATED,
    LATER_WAITING,
    FAILED_FIRST, //  in the order of bot_failure_t
    COUNTS = FAILED_FIRST + BOT_FAILURES
};

static int64_t s_counts[COUNTS];
static const metric_row_t s_rows[COUNTS] = {
    [BOT_ERRORS] = { "connector_bot_errors_total", NULL, COUNTER,
                     "answers in which the bot says itself that it failed" },
    [TRUNCATED] = { "connector_bot_truncated_total", NULL, COUNTER,
                    "answers in parts that stopped: what was said until then is the answer" },
    [LATER_WAITING] = { "connector_bot_later", NULL, GAUGE,
                        "questions that bots have accepted (202), to answer them later" },
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
    bot_live_t *live; //  its answer comes in parts; else NULL
    uint64_t parts_until_ms;
    loop_timer_t *later; //  it will answer later; else NULL
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

//  Would others fail, too?
static fault_t
s_fault (const bot_answer_t *answer, unsigned status)
{
    if (answer->failure == BOT_NO_LATER)
        return FAULT_OTHER; //  it is not set up here
    switch (bot_failures[answer->failure].class) {
    case RETRY_LOST:
    case RETRY_SERVER:
        return FAULT_BOT;
    case RETRY_FINAL: //  words that are no answer, or a refusal of these
        return status >= 200 && status <= 299 ? FAULT_BOT : FAULT_OTHER;
    default:
        return FAULT_OTHER;
    }
}

//  The bot failed: again after a while, or for good. The widget counts the seconds down.
static void
s_fail (bot_call_t *call, const bot_answer_t *answer, uint64_t retry_after_ms, unsigned status)
{
    const worker_item_view_t *view = worker_item_view (call->item);
    retry_so_far_t so_far = { .tries = view->tries };
    retry_policy_t policy = call->calls->retry;
    if (view->work.tries > 0 && view->work.tries < policy.tries)
        policy.tries = (unsigned) view->work.tries;
    retry_decision_t next =
        retry_decide (&policy, &so_far, bot_failures[answer->failure].class, retry_after_ms,
                      random_id_number ());
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
                               .fault = s_fault (answer, status),
                               .detail = buffer_text (&answer->detail) };
    if (is_last)
        report.data = buffer_text (&data);
    else
        worker_item_progress (call->item, EVENT_RETRY_NOTICE, buffer_text (&data));
    worker_item_done (call->item, &report);
    buffer_free (&data);
}

//  The time is over for a bot that would answer later.
static void
s_too_late (void *owner)
{
    bot_call_t *call = owner;
    bot_answer_t answer;
    loop_timer_destroy (&call->later);
    s_counts[LATER_WAITING]--;
    bot_answer_none (&answer, BOT_LATER, TEXT ("202, and no answer in time"));
    s_fail (call, &answer, 0, 202);
    bot_answer_free (&answer);
}

//  The item stays in hand until it is cancelled: its turn has an answer then.
static void
s_wait_for_later (bot_call_t *call)
{
    call->call = 0;
    call->later = loop_timer_new (call->calls->loop, s_too_late, call);
    loop_timer_start_ms (call->later, call->calls->later_ms, 0);
    s_counts[LATER_WAITING]++;
}

//  A 202 that has an answer all the same is one.
static bool
s_comes_later (const http_answer_t *http, const bot_answer_t *answer)
{
    return http->outcome == HTTP_ANSWERED && http->status == 202 && answer->said.data.size == 0;
}

//  Takes what was read.
static void
s_conclude (bot_call_t *call, bot_answer_t *answer, const http_answer_t *http)
{
    bot_live_destroy (&call->live);
    if (answer->outcome == OUTCOME_FAILED)
        s_fail (call, answer, http->retry_after_ms, (unsigned) http->status);
    else {
        bool is_apology = answer->outcome == OUTCOME_BOT_ERROR;
        s_counts[BOT_ERRORS] += is_apology;
        worker_item_done (call->item,
                          &(worker_report_t){ .outcome = WORKER_ANSWERED,
                                              .is_apology = is_apology,
                                              .status = (unsigned) http->status,
                                              .data = buffer_text (&answer->said.data),
                                              .ask = answer->said.ask,
                                              .target = buffer_text (&answer->said.target),
                                              .detail = buffer_text (&answer->detail) });
    }
    bot_answer_free (answer);
}

//  What was said stays, marked as half an answer: people have read it, and the bot has acted upon
//  the question.
static void
s_note_truncated (const bot_call_t *call, bot_failure_t why)
{
    static log_limit_t limit = LOG_LIMIT (LOG_WARN, "bot stopped in the middle of its answer");
    const worker_item_view_t *view = worker_item_view (call->item);
    s_counts[TRUNCATED]++;
    if (log_limit_allows (&limit))
        log_warn ("bot stopped in the middle of its answer",
                  log_text ("item", view->work.item), log_text ("session", view->work.session),
                  log_string ("class", bot_failures[why].label));
}

static void
s_end_parts (bot_call_t *call, const http_answer_t *http)
{
    bot_answer_t answer;
    bot_failure_t why;
    if (bot_parts_answer (bot_live_parts (call->live), http, &answer, &why))
        s_note_truncated (call, why);
    s_conclude (call, &answer, http);
}

//  Does the answer come in parts? The first time that something of it has come.
static bool
s_has_parts (bot_call_t *call, const http_answer_t *http)
{
    bool is_good = http->status >= 200 && http->status <= 299 && http->status != 202;
    parts_form_t form = is_good ? parts_form_of (http->content_type) : PARTS_NONE;
    if (form != PARTS_NONE && !call->live) {
        call->live =
            bot_live_new (call->calls->loop, call->item, form, call->calls->answer_limit);
        call->parts_until_ms = clock_mono_ms () + call->calls->parts_ms;
    }
    return call->live;
}

//  Each line gives it time for the next one, up to the time for all.
static void
s_give_time (const bot_call_t *call)
{
    uint64_t now_ms = clock_mono_ms ();
    uint64_t left_ms = call->parts_until_ms > now_ms ? call->parts_until_ms - now_ms : 0;
    uint64_t part_ms = call->calls->part_within_ms;
    http_client_wait (call->calls->http, call->call, part_ms < left_ms ? part_ms : left_ms);
}

static void
s_on_growth (void *owner, http_call_t number, const http_answer_t *http)
{
    bot_call_t *call = owner;
    bool is_new = !call->live;
    if (!s_has_parts (call, http))
        return;
    if (bot_live_read (call->live, http->body, false) || is_new)
        s_give_time (call);
    if (!bot_parts_is_over (bot_live_parts (call->live)))
        return;
    //  Nothing behind it counts.
    http_client_t *client = call->calls->http;
    s_end_parts (call, http);
    http_client_cancel (client, number);
}

static void
s_on_answer (void *owner, http_call_t number, const http_answer_t *http)
{
    bot_call_t *call = owner;
    assert (call->call == number);
    if (http->took_us > 0)
        histogram_add (&s_answer_time, http->took_us);
    if (s_has_parts (call, http)) {
        (void) bot_live_read (call->live, http->body, http->outcome == HTTP_ANSWERED);
        s_end_parts (call, http);
        return;
    }
    bot_answer_t answer;
    bot_answer_read (&answer, http);
    bool comes_later = s_comes_later (http, &answer);
    if (!comes_later) {
        s_conclude (call, &answer, http);
        return;
    }
    bot_answer_free (&answer);
    if (call->calls->answer_key.size > 0) {
        s_wait_for_later (call);
        return;
    }
    bot_answer_failed (&answer, BOT_NO_LATER, http);
    s_conclude (call, &answer, http);
}

//  Where the bot may answer later, as a header; "": nowhere. It is valid for as long as it is
//  waited for.
static void
s_put_answer_url (const bot_calls_t *calls, const bus_work_t *work, char header[URL_HEADER_MAX])
{
    header[0] = '\0';
    if (calls->answer_key.size == 0)
        return;
    buffer_t url;
    buffer_init (&url, ANSWER_URL_MAX);
    uint64_t expires_ms = clock_wall_ms () + calls->timeout_ms + calls->later_ms;
    answer_claim_t claim = { expires_ms / 1000 + 1, work->item, work->session };
    if (answer_url_write (calls->answer_key, calls->answer_base, &claim, &url) == 0)
        snprintf (header, URL_HEADER_MAX, URL_HEADER ": %.*s", TEXT_ARGS (buffer_text (&url)));
    buffer_free (&url);
}

//  Returns 0 when the question is on its way; −1 with errno as http_client_send.
static int
s_post (bot_call_t *call, const app_t *app, text_t question)
{
    const bot_calls_t *calls = call->calls;
    char key[HEADER_MAX], later[URL_HEADER_MAX];
    s_put_answer_url (calls, &worker_item_view (call->item)->work, later);
    int size = snprintf (key, sizeof key, "%s: %s%s%.*s", calls->auth_header, calls->auth_scheme,
                         *calls->auth_scheme ? " " : "", TEXT_ARGS (app->bot.key));
    assert (size > 0
            && (size_t) size < sizeof key); //  its parts were checked when they were read
    const char *headers[4] = { ACCEPT };
    size_t count = 1;
    if (app->bot.key.size > 0)
        headers[count++] = key;
    if (*later)
        headers[count++] = later;
    http_request_t request = { .method = "POST",
                               .url = app->bot.url.data,
                               .headers = headers,
                               .content_type = "application/json",
                               .body = question,
                               .timeout_ms = calls->timeout_ms,
                               .longest_ms = calls->timeout_ms + calls->parts_ms,
                               .answer_limit = calls->answer_limit };
    call->call = http_client_send (calls->http, &request, s_on_answer, call);
    if (!call->call)
        return -1;
    http_client_follow (calls->http, call->call, s_on_growth);
    return 0;
}

static void
s_start (void *service, worker_item_t *item)
{
    const bot_calls_t *self = service;
    const worker_item_view_t *view = worker_item_view (item);
    if (bot_probe_is (&view->work)) {
        bot_probe_start (self->http, self->apps, self->timeout_ms, item);
        return;
    }
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
    if (bot_probe_is (&worker_item_view (item)->work)) {
        bot_probe_cancel (self->http, item);
        return;
    }
    bot_call_t *call = worker_item_view (item)->attempt;
    bot_live_destroy (&call->live);
    s_counts[LATER_WAITING] -= call->later != NULL;
    loop_timer_destroy (&call->later);
    http_client_cancel (self->http, call->call);
}

worker_kind_t
bot_calls_kind (const bot_calls_t *self)
{
    metrics_register (s_rows, s_counts, COUNTS);
    histogram_register (&s_answer_time);
    uint64_t longer_ms = self->parts_ms > self->later_ms ? self->parts_ms : self->later_ms;
    return (
        worker_kind_t){ .attempt_size = sizeof (bot_call_t) > BOT_PROBE_SIZE
                                            ? sizeof (bot_call_t)
                                            : BOT_PROBE_SIZE,
                        .attempt_ms = self->timeout_ms + longer_ms + OVERDUE_AFTER_MS,
                        .overdue = { .outcome = WORKER_DEAD,
                                     .fault = FAULT_BOT,
                                     .data = TEXT ("{\"type\":\"BOT\",\"tries\":3,\"delay\":0,"
                                                   "\"error\":\"timeout\"}"),
                                     .detail = TEXT ("the call to the bot never ended") },
                        .start = s_start,
                        .cancel = s_cancel };
}
