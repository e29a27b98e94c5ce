#include "texting/sms.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "channels/delivery.h"
#include "texting/lines.h"
#include "texting/sms_answer.h"
#include "texting/sms_outcome.h"
#include "texting/sms_plan.h"
#include "texting/sms_request.h"
#include "texting/sms_text.h"
#include "texting/texting_try.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define CALLS_MOST 8
#define LIST_SIZE_MOST (2u << 20)  //  bytes
#define ANSWER_SIZE_MOST (256u << 10)
#define BUSY_PAUSE_MS 2000u        //  doubles with each try
#define BUSY_DOUBLES_MOST 5
#define GO_ON_MS 100
#define CALLBACK_MOST 2000
#define TWICE "it may have been sent twice, and is not tried again"

enum {
    SENDING,
    WAITING,
    DUPLICATES,
    FOUND,
    SEGMENTS,
    ENDED_FIRST,
    COUNTS = ENDED_FIRST + SMS_OUTCOMES
};

static int64_t s_counts[COUNTS];
static const metric_row_t s_rows[COUNTS] = {
    [SENDING] = { "notifier_sms_sending", NULL, GAUGE, "requests to Twilio that are under way" },
    [WAITING] = { "notifier_sms_waiting", NULL, GAUGE,
                  "SMS that wait for others of their account" },
    [DUPLICATES] = { "notifier_sms_possibly_twice_total", NULL, COUNTER,
                     "SMS that were sent although a try before may have sent them" },
    [FOUND] = { "notifier_sms_found_total", NULL, COUNTER,
                "SMS that were found in Twilio's list behind a try that was unsure" },
    [SEGMENTS] = { "notifier_sms_segments_total", NULL, COUNTER,
                   "segments of accepted SMS: what Twilio charges for" },
    [ENDED_FIRST + SMS_SENT] = { "notifier_sms_total", "result=\"sent\"", COUNTER,
                                 "requests for an SMS, by what they came to" },
#define FAILURE(NAME, label, class, destination, effect, words)                                  \
    [ENDED_FIRST + SMS_##NAME] = { "notifier_sms_total", "result=\"" label "\"", COUNTER,        \
                                   "requests for an SMS, by what they came to" },
#include "texting/sms_failures.def"
#undef FAILURE
};

//  Of both topics: they share the accounts.
typedef struct {
    const channel_means_t *means;
    lines_t *lines;
    retry_policy_t policy;       //  of what cannot be looked up
    retry_policy_t looks_policy; //  of what can
    unsigned users;
} sms_t;

static sms_t *s_shared;

//  One attempt, in the item's memory.
typedef struct {
    delivery_t delivery;
    sms_t *sms;
    line_turn_t turn;
    http_call_t call; //  0: it waits for its turn
    uint64_t began_ms;
    sms_plan_t plan;
    bool is_looked_up, is_twice, is_found;
    bool has_sent;      //  in this attempt
    uint64_t gap_ms;    //  between messages of the account
    unsigned segments;
} attempt_t;

static void
s_count_waiting (const sms_t *self)
{
    s_counts[WAITING] = lines_waiting (self->lines);
}

// ------------------------------------------------------------------------------------------------
//  Ends

//  Before the item is done: its memory goes with it.
static void
s_let_go (attempt_t *self)
{
    lines_leave (&self->turn);
    s_count_waiting (self->sms);
    sms_plan_free (&self->plan);
}

static void
s_give_up (attempt_t *self, const char *why)
{
    s_let_go (self);
    delivery_give_up (&self->delivery, why);
}

static void
s_send_back (attempt_t *self, uint64_t after_ms, const char *why)
{
    s_let_go (self);
    delivery_send_back (&self->delivery, after_ms, why);
}

static void
s_succeed (attempt_t *self, unsigned status)
{
    char detail[DELIVERY_DETAIL_SIZE];
    *lines_refused (&self->turn) = 0;
    snprintf (detail, sizeof detail, "%s%ssent: %s, segments: %u, messages: %u",
              self->is_twice ? "possible duplicate, " : "",
              self->is_found ? "found in Twilio's list of messages, " : "", self->plan.last_sid,
              self->segments, self->plan.count);
    s_let_go (self);
    delivery_succeed (&self->delivery, status, detail);
}

//  How long the account rests when it has too many requests.
static uint64_t
s_pause (const attempt_t *self, const http_answer_t *answer)
{
    unsigned tries = worker_item_view (self->delivery.item)->tries - self->delivery.memory.waited;
    unsigned doubled = tries < BUSY_DOUBLES_MOST ? tries : BUSY_DOUBLES_MOST;
    uint64_t usual_ms = (uint64_t) BUSY_PAUSE_MS << doubled;
    return answer->retry_after_ms > 0 ? answer->retry_after_ms : usual_ms;
}

static void
s_fail (attempt_t *self, sms_outcome_t outcome, const http_answer_t *answer, const char *said)
{
    const delivery_failure_t *failure = &sms_outcomes[outcome];
    line_turn_t turn = self->turn; //  it has come: it stands in no queue
    sms_t *sms = self->sms;
    delivery_end_t end = { .status = (unsigned) answer->status,
                           .retry_after_ms = answer->retry_after_ms,
                           .said = said,
                           .refused = lines_refused (&turn) };
    if (failure->effect == DELIVERY_PAUSE) {
        end.retry_after_ms = s_pause (self, answer);
        lines_hold (&turn, end.retry_after_ms);
    } else if (failure->effect == DELIVERY_LOGIN)
        lines_hold (&turn, DELIVERY_REFUSED_PAUSE_MS);
    sms_plan_free (&self->plan);
    delivery_fail (&self->delivery, failure, &end);
    lines_leave (&turn);
    s_count_waiting (sms);
}

// ------------------------------------------------------------------------------------------------
//  Sending

static void s_go_on (attempt_t *self, unsigned status);
static void s_looked (void *owner, http_call_t call, const http_answer_t *answer);

static void
s_accepted (attempt_t *self, const sms_answer_t *said)
{
    text_t part = self->plan.parts[self->delivery.memory.parts++];
    unsigned segments = said->segments > 0 ? said->segments : sms_segments (part);
    self->segments += segments;
    s_counts[SEGMENTS] += segments;
    if (delivery_unsure (&self->delivery) > 0) {
        self->is_twice = true;
        s_counts[DUPLICATES]++;
        delivery_is_sure (&self->delivery);
    }
    //  The postoffice counts items: of several messages the account rests for the others.
    if (self->has_sent)
        self->delivery.pause_ms += self->gap_ms;
    self->has_sent = true;
    self->delivery.lane = sms_plan_note (&self->plan, text_of (said->sid));
}

static void
s_posted (void *owner, http_call_t call, const http_answer_t *answer)
{
    attempt_t *self = owner;
    sms_answer_t said;
    (void) call;
    self->call = 0;
    s_counts[SENDING]--;
    sms_answer_read (&said, answer->body);
    sms_outcome_t outcome = sms_outcome_of (answer, *said.sid != '\0', said.code);
    s_counts[ENDED_FIRST + outcome]++;
    if (outcome != SMS_SENT) {
        s_fail (self, outcome, answer,
                *said.said || answer->outcome == HTTP_ANSWERED
                    ? said.said
                    : http_outcome_words (answer->outcome));
        return;
    }
    s_accepted (self, &said);
    s_go_on (self, (unsigned) answer->status);
}

static uint64_t
s_left_ms (const attempt_t *self)
{
    return delivery_left_ms (self->sms->means->try_ms, clock_mono_ms () - self->began_ms);
}

static void
s_call (attempt_t *self, const sms_request_t *request, http_answer_fn *answered,
        uint64_t answer_limit)
{
    const char *const headers[] = { request->login.data, "Accept: application/json", NULL };
    bool is_form = request->form.size > 0;
    http_request_t http = { .method = is_form ? "POST" : "GET",
                            .url = request->url.data,
                            .headers = headers,
                            .content_type =
                                is_form ? "application/x-www-form-urlencoded; charset=utf-8"
                                        : NULL,
                            .body = buffer_text (&request->form),
                            .timeout_ms = s_left_ms (self),
                            .answer_limit = answer_limit,
                            .only_once = is_form };
    self->call = http_client_send (self->sms->means->http, &http, answered, self);
    s_counts[SENDING] += self->call != 0;
}

static const app_t *
s_app (const attempt_t *self)
{
    return apps_find (self->sms->means->apps,
                      worker_item_view (self->delivery.item)->work.app);
}

//  The app, if it has an account. If not, the attempt has ended.
static const app_t *
s_account (attempt_t *self)
{
    const app_t *app = s_app (self);
    if (app && app->sms.is_there)
        return app;
    s_let_go (self);
    delivery_lacks (&self->delivery, app ? "the app has no section \"sms\" here"
                                         : "there is no such app here");
    return NULL;
}

//  Makes the request, or ends the attempt.
static void
s_request (attempt_t *self, bool is_look)
{
    const app_t *app = s_account (self);
    const channel_means_t *means = self->sms->means;
    if (!app)
        return;
    buffer_t callback;
    sms_request_t request;
    buffer_init (&callback, CALLBACK_MOST);
    //  Of the last message alone: what is sent is done, all of it.
    if (self->delivery.memory.parts + 1 == self->plan.count)
        sms_request_put_callback (means->public_url, app->id, text_of (self->plan.via),
                                  worker_item_view (self->delivery.item)->work.item, &callback);
    sms_message_t message = { .to = text_of (self->plan.to),
                              .text = self->plan.parts[self->delivery.memory.parts],
                              .callback = buffer_text (&callback),
                              .valid_s = self->plan.valid_s };
    const char *why =
        is_look ? sms_request_look (&request, means->twilio_url, &app->sms, message.to,
                                    self->plan.since_ms)
                : sms_request_send (&request, means->twilio_url, &app->sms, &message);
    if (!why && is_look)
        s_call (self, &request, s_looked, LIST_SIZE_MOST);
    else if (!why)
        s_call (self, &request, s_posted, ANSWER_SIZE_MOST);
    sms_request_free (&request);
    buffer_free (&callback);
    if (why)
        s_give_up (self, why);
    else if (!self->call)
        s_send_back (self, self->sms->policy.delays_ms[0], "Twilio's URL cannot be called");
}

// ------------------------------------------------------------------------------------------------
//  The look

//  What stands in the list of the messages that are open was sent. Returns how many.
static unsigned
s_take_found (attempt_t *self, const sms_list_t *list)
{
    unsigned before = self->delivery.memory.parts;
    unsigned now = sms_plan_match (&self->plan, list, before);
    for (unsigned part = before; part < now; part++) {
        self->segments += sms_segments (self->plan.parts[part]);
        s_counts[SEGMENTS] += sms_segments (self->plan.parts[part]);
    }
    if (now > before)
        self->delivery.lane = self->plan.lane;
    self->delivery.memory.parts = now;
    s_counts[FOUND] += now - before;
    return now - before;
}

//  What is not in the list was not sent, or cannot be seen: once more, and not a second time.
static void
s_look_was_vain (attempt_t *self)
{
    if (delivery_unsure (&self->delivery) >= DELIVERY_UNSURE_MOST)
        s_give_up (self, TWICE);
    else
        s_request (self, false);
}

static void
s_looked (void *owner, http_call_t call, const http_answer_t *answer)
{
    attempt_t *self = owner;
    sms_answer_t said;
    sms_list_t list;
    (void) call;
    self->call = 0;
    s_counts[SENDING]--;
    bool is_list = answer->outcome == HTTP_ANSWERED && answer->status == 200
                   && sms_list_read (&list, answer->body) == 0;
    if (is_list) {
        self->is_looked_up = true;
        unsigned found = s_take_found (self, &list);
        sms_list_free (&list);
        if (found == 0) {
            s_look_was_vain (self);
            return;
        }
        self->is_found = true;
        delivery_is_sure (&self->delivery);
        s_go_on (self, (unsigned) answer->status);
        return;
    }
    sms_answer_read (&said, answer->body);
    sms_outcome_t outcome = sms_outcome_of (answer, false, said.code);
    if (sms_outcomes[outcome].class == RETRY_FINAL) //  the key may send, and may not read
        s_look_was_vain (self);
    else if (sms_outcomes[outcome].class == RETRY_LOST)
        s_fail (self, SMS_UNSENT, answer, "it could not be asked what was sent before");
    else
        s_fail (self, outcome, answer, said.said);
}

// ------------------------------------------------------------------------------------------------
//  Turns

static void
s_take_turn (attempt_t *self)
{
    const app_t *app = s_account (self);
    uint64_t passed_ms = clock_mono_ms () - self->began_ms, most_ms = self->sms->means->try_ms / 2;
    if (!app)
        return;
    uint64_t per_second = app->sms.per_second ? app->sms.per_second : 1;
    self->gap_ms = 1000 / per_second;
    line_rule_t rule = { .most = CALLS_MOST, .gap_ms = self->gap_ms };
    lines_take (self->sms->lines, app->sms.account_sid, &rule, &self->turn,
                passed_ms < most_ms ? most_ms - passed_ms : 0, self);
    s_count_waiting (self->sms);
}

//  Behind a part that was accepted: the next one, or the end. Half of the time is left for a try.
static void
s_go_on (attempt_t *self, unsigned status)
{
    if (self->delivery.memory.parts >= self->plan.count)
        s_succeed (self, status);
    else if (clock_mono_ms () - self->began_ms >= self->sms->means->try_ms / 2)
        s_send_back (self, GO_ON_MS, "messages of it are left: it goes on");
    else {
        lines_leave (&self->turn);
        s_take_turn (self);
    }
}

static void
s_came (void *owner, bool has_come)
{
    attempt_t *self = owner;
    s_count_waiting (self->sms);
    bool is_unsure = delivery_unsure (&self->delivery) > 0;
    if (!has_come && self->delivery.memory.parts > 0)
        s_send_back (self, GO_ON_MS, "messages of it are left: it goes on");
    else if (!has_come)
        s_send_back (self, self->sms->policy.delays_ms[0],
                     "other SMS of the account took all the time");
    else
        s_request (self, is_unsure && self->plan.since_ms > 0 && !self->is_looked_up);
}

// ------------------------------------------------------------------------------------------------
//  The channels

static void
s_start (void *of_channel, worker_item_t *item)
{
    sms_t *sms = of_channel;
    const worker_item_view_t *view = worker_item_view (item);
    attempt_t *self = view->attempt;
    *self = (attempt_t){ .sms = sms, .began_ms = clock_mono_ms () };
    delivery_begin (&self->delivery, item, &sms->policy);
    bool is_alert = text_is (view->work.topic, text_of (sms_alert_channel.topic));
    const char *why = is_alert ? sms_plan_alert (&self->plan, s_app (self), view->work.body)
                               : sms_plan_entry (&self->plan, view->work.body);
    sms_plan_lane (&self->plan, view->work.lane_memory);
    if (self->plan.since_ms > 0)
        self->delivery.policy = &sms->looks_policy;
    if (why)
        s_give_up (self, why);
    else if (view->work.suppressed)
        s_give_up (self, "the person has said STOP");
    else if (self->delivery.memory.parts >= self->plan.count) {
        s_let_go (self);
        delivery_succeed (&self->delivery, 0, "there is nothing to say in it");
    } else if (self->plan.since_ms == 0
               && delivery_unsure (&self->delivery) >= DELIVERY_UNSURE_MOST)
        s_give_up (self, TWICE);
    else
        s_take_turn (self);
}

static void
s_cancel (void *of_channel, worker_item_t *item)
{
    sms_t *sms = of_channel;
    attempt_t *self = worker_item_view (item)->attempt;
    if (self->call) {
        http_client_cancel (sms->means->http, self->call);
        s_counts[SENDING]--;
    }
    s_let_go (self);
}

//  What was accepted is not sent again; what is under way is looked up.
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
    if (s_shared) {
        s_shared->users++;
        return s_shared;
    }
    s_shared = alloc_zeroed (sizeof *s_shared);
    s_shared->means = means;
    s_shared->lines = lines_new (means->loop, s_came);
    s_shared->policy = schedule_policy (&means->alerts, DELIVERY_UNSURE_MOST);
    s_shared->looks_policy = schedule_policy (&means->alerts, 0);
    s_shared->users = 1;
    metrics_register (s_rows, s_counts, COUNTS);
    return s_shared;
}

static void
s_close (void **self_p)
{
    sms_t *self = *self_p;
    *self_p = NULL;
    if (--self->users > 0)
        return;
    lines_destroy (&self->lines);
    free (self);
    s_shared = NULL;
}

const channel_t sms_alert_channel = { .topic = "notify.sms",
                                      .attempt_size = sizeof (attempt_t),
                                      .open = s_open,
                                      .close = s_close,
                                      .start = s_start,
                                      .cancel = s_cancel,
                                      .remember = s_remember,
                                      .name = "sms",
                                      .send_test = sms_try };

const channel_t sms_out_channel = { .topic = "sms.out",
                                    .attempt_size = sizeof (attempt_t),
                                    .open = s_open,
                                    .close = s_close,
                                    .start = s_start,
                                    .cancel = s_cancel,
                                    .remember = s_remember };
