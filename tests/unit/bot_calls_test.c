//  bot_calls — attempts at a question. The skeleton, the bot and the apps are stand-ins in this
//  file: what a call says to them is written down as a line of words.

#include "bot_calls.h"

#include "model/failure_data.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

static char s_story[500];
static http_answer_fn *s_answered;
static void *s_answered_owner;
static int s_post_errno;  //  why no call can be made; 0: it can
static bool s_is_unknown; //  the app is in no file
static char s_notice[FAILURE_DATA_MAX];
static worker_report_t s_report; //  without its texts
static char s_data[FAILURE_DATA_MAX];

static void
s_note (const char *words)
{
    size_t size = strlen (s_story);
    snprintf (s_story + size, sizeof s_story - size, "%s%s", size ? " " : "", words);
}

static worker_item_view_t s_view;
static _Alignas (16) char s_attempt[100];
#define ITEM ((worker_item_t *) (void *) &s_view)

const worker_item_view_t *
worker_item_view (const worker_item_t *self)
{
    cr_assert_eq (self, ITEM);
    return &s_view;
}

void
worker_item_show (worker_item_t *self, event_t event)
{
    (void) self;
    cr_assert_eq (event, EVENT_TYPING);
    s_note ("typing");
}

void
worker_item_progress (worker_item_t *self, event_t event, text_t data)
{
    (void) self;
    cr_assert_eq (event, EVENT_RETRY_NOTICE);
    snprintf (s_notice, sizeof s_notice, "%.*s", TEXT_ARGS (data));
    s_note ("notice");
}

void
worker_item_done (worker_item_t *self, const worker_report_t *report)
{
    (void) self;
    static const char *const words[] = { "answered", "retry", "dead" };
    s_report = *report;
    if (report->data.data)
        snprintf (s_data, sizeof s_data, "%.*s", TEXT_ARGS (report->data));
    s_note (words[report->outcome]);
}

http_call_t
http_client_send (http_client_t *self, const http_request_t *request, http_answer_fn *answered,
                  void *owner)
{
    (void) self, (void) request;
    if (s_post_errno) {
        s_note ("nopost");
        errno = s_post_errno;
        return 0;
    }
    s_answered = answered;
    s_answered_owner = owner;
    s_note ("post");
    return 7;
}

void
http_client_follow (http_client_t *self, http_call_t call, http_answer_fn *grows)
{
    (void) self;
    cr_assert (call == 7u && grows);
}

void
http_client_wait (http_client_t *self, http_call_t call, uint64_t within_ms)
{
    (void) self, (void) call, (void) within_ms;
    cr_assert_fail ("only answers in parts are given more time");
}

void
http_client_cancel (http_client_t *self, http_call_t call)
{
    (void) self;
    cr_assert_eq (call, 7u);
    s_note ("hangup");
}

const app_t *
apps_find (const apps_t *self, text_t id)
{
    (void) self, (void) id;
    static const app_t app = {
        .id = TEXT ("demo"),
        .bot = { .url = TEXT ("http://bot/"), .key = TEXT ("key"), .name = TEXT ("Bot") }
    };
    return s_is_unknown ? NULL : &app;
}

static const uint64_t s_delays_ms[] = { 1000, 2000 };
static bot_calls_t s_calls = { .retry = { .classes = RETRY_IF_PASSING,
                                          .tries = 3,
                                          .delays_ms = s_delays_ms,
                                          .delays = 2,
                                          .step_ms = 1000 },
                               .timeout_ms = 1000,
                               .answer_limit = 10000,
                               .auth_header = "Authorization",
                               .auth_scheme = "Bearer" };

static void
s_answer (long status, const char *body)
{
    http_answer_t answer = {
        .outcome = HTTP_ANSWERED, .status = status, .error = "", .body = text_of (body)
    };
    s_answered (s_answered_owner, 7, &answer);
}

static void
s_start (const char *body)
{
    worker_kind_t kind = bot_calls_kind (&s_calls);
    cr_assert (kind.attempt_size <= sizeof s_attempt && kind.attempt_ms > s_calls.timeout_ms);
    memset (s_attempt, 0, sizeof s_attempt);
    s_view.work = (bus_work_t){ .item = TEXT ("i"),
                                .session = TEXT ("demo/s"),
                                .app = TEXT ("demo"),
                                .user = TEXT ("u"),
                                .body = text_of (body),
                                .secret = TEXT_EMPTY };
    s_view.tries++;
    s_view.attempt = s_attempt;
    s_story[0] = '\0';
    kind.start (&s_calls, ITEM);
}

Test (bot_calls, answers_decide)
{
    s_start ("{}");
    s_answer (503, "");
    cr_assert_str_eq (s_story, "post typing notice retry");
    cr_assert_eq (s_report.after_ms, 1000u);
    cr_assert_eq (s_report.status, 503u);
    s_start ("{}");
    s_answer (200, "<html>");
    cr_assert_str_eq (s_story, "post typing dead");
    s_start ("{}");
    s_answer (200, "{\"outputSpeech\":\"x\"}");
    cr_assert_str_eq (s_story, "post typing answered");
    cr_assert_eq (s_report.status, 200u);
    cr_assert_not (s_report.is_apology);
    s_start ("{}");
    s_answer (200, "{\"tag\":\"TROUBLE_WITH_REQUEST\",\"outputSpeech\":\"sorry\"}");
    cr_assert_str_eq (s_story, "post typing answered");
    cr_assert (s_report.is_apology);
}

Test (bot_calls, tries_end)
{
    static const char *const stories[] = { "post typing notice retry", "post typing notice retry",
                                           "post typing dead" };
    static const char *const notices[] = {
        "{\"type\":\"BOT\",\"tries\":1,\"delay\":1,\"error\":\"status 500\"}",
        "{\"type\":\"BOT\",\"tries\":2,\"delay\":2,\"error\":\"status 500\"}"
    };
    for (unsigned tries = 0; tries < 3; tries++) {
        s_start ("{}");
        s_answer (500, "");
        cr_assert_str_eq (s_story, stories[tries]);
        if (tries < 2)
            cr_assert_str_eq (s_notice, notices[tries]);
    }
    cr_assert_str_eq (s_data,
                      "{\"type\":\"BOT\",\"tries\":3,\"delay\":0,\"error\":\"status 500\"}");
}

//  What may be otherwise in a moment is tried again; what a person must mend is not.
Test (bot_calls, calls_that_cannot_be_made)
{
    s_post_errno = EAGAIN;
    s_start ("{}");
    cr_assert_str_eq (s_story, "nopost notice retry");
    s_post_errno = EINVAL;
    s_start ("{}");
    cr_assert_str_eq (s_story, "nopost dead");
    s_post_errno = 0;
    s_start ("[1]");
    cr_assert_str_eq (s_story, "dead");
}

Test (bot_calls, an_app_may_come_to_be_known)
{
    s_is_unknown = true;
    s_start ("{}");
    cr_assert_str_eq (s_story, "notice retry");
    s_is_unknown = false;
    s_start ("{}");
    cr_assert_str_eq (s_story, "post typing");
}

Test (bot_calls, a_call_can_be_cancelled)
{
    s_start ("{}");
    bot_calls_kind (&s_calls).cancel (&s_calls, ITEM);
    cr_assert_str_eq (s_story, "post typing hangup");
}

//  What the skeleton says for a call that never ended is what the widget reads of any failure.
Test (bot_calls, an_overdue_call_is_a_failure_like_others)
{
    worker_report_t overdue = bot_calls_kind (&s_calls).overdue;
    buffer_t data;
    buffer_init (&data, FAILURE_DATA_MAX);
    failure_data_write (&data, BOT_TRIES_MOST, 0, "timeout");
    cr_assert_eq (overdue.outcome, WORKER_DEAD);
    cr_assert (text_is (overdue.data, buffer_text (&data)));
    buffer_free (&data);
}
