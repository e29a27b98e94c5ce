#include "texting/slack.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "channels/alert_item.h"
#include "channels/delivery.h"
#include "json/json_body.h"
#include "json/json_write.h"
#include "texting/fit.h"
#include "texting/lines.h"
#include "texting/slack_answer.h"
#include "texting/slack_client.h"
#include "texting/slack_outcome.h"
#include "texting/texting_try.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_MOST 4000 //  bytes, escaped: what Slack recommends; alerts are shorter
#define PACE_MS 1000
#define BUSY_PAUSE_MS 30000 //  when Slack does not say how long
#define ANSWER_SIZE_MOST (256u << 10)
#define BODY_MOST (64u << 10)
#define NAME_SIZE 300
#define HEADER_SIZE 4200
#define URL_SIZE 2100
#define LANE_SIZE 60
#define TWICE "it may have been posted twice, and is not tried again"

enum { SENDING, WAITING, DUPLICATES, ENDED_FIRST, COUNTS = ENDED_FIRST + SLACK_OUTCOMES };

static int64_t s_counts[COUNTS];
static const metric_row_t s_rows[COUNTS] = {
    [SENDING] = { "notifier_slack_sending", NULL, GAUGE, "requests to Slack that are under way" },
    [WAITING] = { "notifier_slack_waiting", NULL, GAUGE,
                  "messages that wait for others to the same place in Slack" },
    [DUPLICATES] = { "notifier_slack_possibly_twice_total", NULL, COUNTER,
                     "messages that were posted although a try before may have posted them" },
    [ENDED_FIRST + SLACK_POSTED] = { "notifier_slack_total", "result=\"posted\"", COUNTER,
                                     "tries at messages of Slack, by what they came to" },
#define FAILURE(NAME, label, class, destination, effect, words)                                  \
    [ENDED_FIRST + SLACK_##NAME] = { "notifier_slack_total", "result=\"" label "\"", COUNTER,    \
                                     "tries at messages of Slack, by what they came to" },
#include "texting/slack_failures.def"
#undef FAILURE
};

typedef struct {
    const channel_means_t *means;
    lines_t *lines; //  by webhook, or by channel of an app
    retry_policy_t policy;
} slack_t;

//  One attempt, in the item's memory.
typedef struct {
    delivery_t delivery;
    slack_t *slack;
    line_turn_t turn;
    http_client_t *client; //  of the call
    http_call_t call; //  0: it waits for its turn
    uint64_t began_ms;
    bool is_webhook;
    char ts[SLACK_TS_SIZE]; //  of the thread; "": it begins one
    char lane[LANE_SIZE];
} attempt_t;

// ------------------------------------------------------------------------------------------------
//  Ends

static void
s_count_waiting (const slack_t *self)
{
    s_counts[WAITING] = lines_waiting (self->lines);
}

static void
s_let_go (attempt_t *self)
{
    lines_leave (&self->turn);
    s_count_waiting (self->slack);
}

static void
s_give_up (attempt_t *self, const char *why)
{
    s_let_go (self);
    delivery_give_up (&self->delivery, why);
}

static void
s_send_back (attempt_t *self, const char *why)
{
    s_let_go (self);
    delivery_send_back (&self->delivery, self->slack->policy.delays_ms[0], why);
}

static void
s_succeed (attempt_t *self, const slack_answer_t *said, unsigned status)
{
    char detail[DELIVERY_DETAIL_SIZE];
    bool is_twice = delivery_unsure (&self->delivery) > 0;
    s_counts[DUPLICATES] += is_twice;
    *lines_refused (&self->turn) = 0;
    if (*said->ts && !*self->ts) {
        snprintf (self->lane, sizeof self->lane, "{\"ts\":\"%s\"}", said->ts);
        self->delivery.lane = self->lane;
    }
    snprintf (detail, sizeof detail, "%sposted%s%s%s", is_twice ? "possible duplicate, " : "",
              *said->ts ? ": " : "", said->ts, *self->ts ? ", in the session's thread" : "");
    s_let_go (self);
    delivery_succeed (&self->delivery, status, detail);
}

static void
s_fail (attempt_t *self, slack_outcome_t outcome, const http_answer_t *answer, const char *word)
{
    const delivery_failure_t *failure = &slack_outcomes[outcome];
    line_turn_t turn = self->turn; //  it has come: it stands in no queue
    slack_t *slack = self->slack;
    delivery_end_t end = { .status = (unsigned) answer->status,
                           .retry_after_ms = answer->retry_after_ms,
                           .said = answer->outcome == HTTP_ANSWERED
                                       ? word
                                       : http_outcome_words (answer->outcome),
                           .refused = lines_refused (&turn) };
    if (failure->effect == DELIVERY_PAUSE) {
        if (end.retry_after_ms == 0)
            end.retry_after_ms = BUSY_PAUSE_MS;
        lines_hold (&turn, end.retry_after_ms);
    } else if (failure->effect == DELIVERY_LOGIN)
        lines_hold (&turn, DELIVERY_REFUSED_PAUSE_MS);
    delivery_fail (&self->delivery, failure, &end);
    lines_leave (&turn);
    s_count_waiting (slack);
}

// ------------------------------------------------------------------------------------------------
//  Posting

static void s_post (attempt_t *self);

static void
s_posted (void *owner, http_call_t call, const http_answer_t *answer)
{
    attempt_t *self = owner;
    slack_answer_t said;
    (void) call;
    self->call = 0;
    s_counts[SENDING]--;
    slack_answer_read (&said, answer->body, self->is_webhook);
    slack_outcome_t outcome = slack_outcome_of (answer, &said, self->is_webhook);
    s_counts[ENDED_FIRST + outcome]++;
    if (outcome == SLACK_POSTED)
        s_succeed (self, &said, (unsigned) answer->status);
    else if (outcome == SLACK_NO_THREAD && *self->ts) { //  somebody has deleted its first message
        *self->ts = '\0';
        s_post (self);
    } else
        s_fail (self, outcome, answer, said.word);
}

static text_t
s_address (const app_t *app, const alert_item_t *alert)
{
    return alert->address.size > 0 ? alert->address : app->slack.channel;
}

//  The subject is the title of the text, which may be missing.
static void
s_put_words (const alert_item_t *alert, buffer_t *to)
{
    buffer_t whole;
    text_t link = alert->link.size > 0 ? alert->link : alert->console;
    bool has_title = alert->subject.size > 0 && alert->text.size > 0;
    buffer_init (&whole, ALERT_ITEM_MOST);
    int rc = buffer_put_string (&whole, has_title ? "*" : "");
    rc = rc == 0 ? buffer_put_text (&whole, alert->subject) : rc;
    rc = rc == 0 ? buffer_put_string (&whole, has_title ? "*\n" : "") : rc;
    rc = rc == 0 ? buffer_put_text (&whole, alert->text) : rc;
    assert (rc == 0); //  both are of one item
    fit_put (&fit_slack, buffer_text (&whole), link, TEXT_MOST, to);
    buffer_free (&whole);
}

//  The message as JSON, or −1: it is too large.
static int
s_write (const attempt_t *self, const app_t *app, const alert_item_t *alert, buffer_t *to)
{
    buffer_t text;
    json_writer_t json;
    buffer_init (&text, 4 * TEXT_MOST);
    s_put_words (alert, &text);
    json_write_begin (&json, to);
    json_open_object (&json, NULL);
    if (!self->is_webhook)
        json_put_text (&json, "channel", s_address (app, alert));
    json_put_text (&json, "text", buffer_text (&text));
    if (*self->ts)
        json_put_string (&json, "thread_ts", self->ts);
    json_put_bool (&json, "unfurl_links", false);
    json_put_bool (&json, "unfurl_media", false);
    json_close_object (&json);
    buffer_free (&text);
    return json_write_end (&json);
}

static uint64_t
s_left_ms (const attempt_t *self)
{
    return delivery_left_ms (self->slack->means->try_ms, clock_mono_ms () - self->began_ms);
}

static void
s_call (attempt_t *self, const app_t *app, text_t body)
{
    char login[HEADER_SIZE], url[URL_SIZE];
    snprintf (login, sizeof login, "Authorization: Bearer %.*s", TEXT_ARGS (app->slack.token));
    if (self->is_webhook)
        snprintf (url, sizeof url, "%.*s", TEXT_ARGS (app->slack.webhook));
    else
        snprintf (url, sizeof url, "%s/chat.postMessage", self->slack->means->slack_url);
    const char *const headers[] = { "Accept: application/json", self->is_webhook ? NULL : login,
                                    NULL };
    http_request_t http = { .method = "POST",
                            .url = url,
                            .headers = headers,
                            .content_type = "application/json; charset=utf-8",
                            .body = body,
                            .timeout_ms = s_left_ms (self),
                            .answer_limit = ANSWER_SIZE_MOST,
                            .only_once = true };
    self->client = slack_client (self->slack->means, self->is_webhook, url);
    self->call = http_client_send (self->client, &http, s_posted, self);
    s_counts[SENDING] += self->call != 0;
    self->delivery.pause_ms = PACE_MS;
}

//  Ends the attempt if there is none.
static bool
s_has_way (attempt_t *self, const app_t *app)
{
    if (app && app->slack.is_there)
        return true;
    s_let_go (self);
    delivery_lacks (&self->delivery, app ? "the app has no section \"slack\" here"
                                         : "there is no such app here");
    return false;
}

//  Makes the request, or ends the attempt.
static void
s_post (attempt_t *self)
{
    const worker_item_view_t *view = worker_item_view (self->delivery.item);
    const app_t *app = apps_find (self->slack->means->apps, view->work.app);
    alert_item_t alert;
    buffer_t body;
    if (!s_has_way (self, app))
        return;
    if (alert_item_read (&alert, view->work.body) != 0) {
        s_give_up (self, "the item cannot be read");
        return;
    }
    buffer_init (&body, BODY_MOST);
    bool is_good = s_write (self, app, &alert, &body) == 0;
    if (is_good)
        s_call (self, app, buffer_text (&body));
    buffer_free (&body);
    alert_item_free (&alert);
    if (!is_good)
        s_give_up (self, "the message is too large");
    else if (!self->call)
        s_send_back (self, "Slack's URL cannot be called");
}

static void
s_came (void *owner, bool has_come)
{
    attempt_t *self = owner;
    s_count_waiting (self->slack);
    if (has_come)
        s_post (self);
    else
        s_send_back (self, "other messages to the same place took all the time");
}

// ------------------------------------------------------------------------------------------------
//  The channel

//  Ids of Slack have no other letters; whatever else stands there is nobody's.
static bool
s_is_id (text_t id)
{
    for (size_t at = 0; at < id.size; at++)
        if (!id.data[at] || !strchr ("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", id.data[at]))
            return false;
    return id.size > 0 && id.size <= 64;
}

//  By which way: NULL, or why there is none. Writes the name of its line.
static const char *
s_choose_way (attempt_t *self, const app_t *app, const alert_item_t *alert, char name[NAME_SIZE])
{
    text_t address = s_address (app, alert);
    self->is_webhook = app->slack.token.size == 0 || address.size == 0;
    if (self->is_webhook && app->slack.webhook.size == 0)
        return app->slack.token.size > 0 ? "there is no channel: the app's \"slack\" has none"
                                         : "the app's \"slack\" has neither a token nor a webhook";
    if (!self->is_webhook && !s_is_id (address))
        return "the address is no id of Slack";
    snprintf (name, NAME_SIZE, "%.*s/%.*s", TEXT_ARGS (app->id),
              TEXT_ARGS (self->is_webhook ? TEXT_EMPTY : address));
    return NULL;
}

//  A thread is of chat.postMessage; a webhook does not say what it has posted.
static void
s_read_lane (attempt_t *self, text_t memory)
{
    struct json_object *object = json_body_read (memory);
    text_t ts = json_body_text (object, "ts");
    if (!self->is_webhook && slack_is_ts (ts))
        memcpy (self->ts, ts.data, ts.size);
    json_body_free (&object);
}

static void
s_start (void *of_channel, worker_item_t *item)
{
    slack_t *slack = of_channel;
    const worker_item_view_t *view = worker_item_view (item);
    const app_t *app = apps_find (slack->means->apps, view->work.app);
    attempt_t *self = view->attempt;
    alert_item_t alert;
    char name[NAME_SIZE];
    *self = (attempt_t){ .slack = slack, .began_ms = clock_mono_ms () };
    delivery_begin (&self->delivery, item, &slack->policy);
    if (!s_has_way (self, app))
        return;
    if (alert_item_read (&alert, view->work.body) != 0) {
        s_give_up (self, "the item cannot be read");
        return;
    }
    const char *why = s_choose_way (self, app, &alert, name);
    if (!why && alert.text.size == 0 && alert.subject.size == 0)
        why = "there is nothing to say in it";
    alert_item_free (&alert);
    if (!why && view->work.suppressed)
        why = "the address wants nothing any more";
    if (!why && delivery_unsure (&self->delivery) >= DELIVERY_UNSURE_MOST)
        why = TWICE;
    if (why) {
        s_give_up (self, why);
        return;
    }
    s_read_lane (self, view->work.lane_memory);
    line_rule_t rule = { .most = 1, .gap_ms = PACE_MS };
    lines_take (slack->lines, text_of (name), &rule, &self->turn, slack->means->try_ms / 2, self);
    s_count_waiting (slack);
}

static void
s_cancel (void *of_channel, worker_item_t *item)
{
    (void) of_channel;
    attempt_t *self = worker_item_view (item)->attempt;
    if (self->call) {
        http_client_cancel (self->client, self->call);
        s_counts[SENDING]--;
    }
    s_let_go (self);
}

//  What is under way may be posted.
static void
s_remember (void *of_channel, worker_item_t *item, worker_report_t *report)
{
    (void) of_channel;
    attempt_t *self = worker_item_view (item)->attempt;
    delivery_remember (&self->delivery, self->call != 0, report);
}

static void *
s_open (const channel_means_t *means)
{
    slack_t *self = alloc_zeroed (sizeof *self);
    self->means = means;
    self->lines = lines_new (means->loop, s_came);
    self->policy = schedule_policy (&means->alerts, DELIVERY_UNSURE_MOST);
    metrics_register (s_rows, s_counts, COUNTS);
    return self;
}

static void
s_close (void **self_p)
{
    slack_t *self = *self_p;
    *self_p = NULL;
    lines_destroy (&self->lines);
    free (self);
}

const channel_t slack_channel = { .topic = "notify.slack",
                                  .attempt_size = sizeof (attempt_t),
                                  .open = s_open,
                                  .close = s_close,
                                  .start = s_start,
                                  .cancel = s_cancel,
                                  .remember = s_remember,
                                  .name = "slack",
                                  .send_test = slack_try };
