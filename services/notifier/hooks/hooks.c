#include "hooks/hooks.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random_id.h"
#include "channels/item_memory.h"
#include "hooks/hook_request.h"
#include "hooks/hook_send.h"
#include "hooks/hook_try.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define DETAIL_SIZE 500

enum { SENDING, ENDED_FIRST, COUNTS = ENDED_FIRST + HOOK_OUTCOMES };

#define RESULTS_HELP "tries at webhooks, by what they came to"
static int64_t s_counts[COUNTS];
static const metric_row_t s_rows[COUNTS] = {
    [SENDING] = { "notifier_webhooks_sending", NULL, GAUGE, "webhooks that are being sent" },
    [ENDED_FIRST + HOOK_TAKEN] = { "notifier_webhooks_total", "result=\"taken\"", COUNTER,
                                   RESULTS_HELP },
    [ENDED_FIRST + HOOK_NOTHING] = { "notifier_webhooks_total", "result=\"nothing\"", COUNTER,
                                     RESULTS_HELP },
#define FAILURE(NAME, label, class, destination, words)                                          \
    [ENDED_FIRST + HOOK_##NAME] = { "notifier_webhooks_total", "result=\"" label "\"", COUNTER,  \
                                    RESULTS_HELP },
#include "hooks/hook_failures.def"
#undef FAILURE
};

static histogram_t s_time = { .name = "notifier_webhook_seconds",
                              .help = "time that a try at a webhook took, failures too" };

typedef struct {
    const channel_means_t *means;
    retry_policy_t policy;
} hooks_t;

//  One attempt, in the item's memory.
typedef struct {
    hooks_t *hooks;
    worker_item_t *item;
    item_memory_t memory; //  `waited`: tries of before the item was dead and replayed
    http_call_t call;     //  0: none is under way
} attempt_t;

//  Of a try that was answered: its status; else why not, in libcurl's words.
typedef struct {
    unsigned status;
    uint64_t retry_after_ms;
    const char *error;
} end_t;

// ---------------------------------------------------------------------------------------------
//  Reports

//  Whoever replays a dead letter has it tried as if it were new.
static void
s_end (attempt_t *self, worker_report_t *report)
{
    char memory[ITEM_MEMORY_SIZE];
    if (report->outcome == WORKER_DEAD)
        self->memory.waited = worker_item_view (self->item)->tries;
    report->remember = item_memory_write (&self->memory, memory);
    worker_item_done (self->item, report);
}

static void
s_log_failure (const attempt_t *self, hook_outcome_t outcome, const end_t *end, bool is_last)
{
    static log_limit_t once = LOG_LIMIT (LOG_WARN, "webhook was not taken yet");
    static log_limit_t last = LOG_LIMIT (LOG_ERROR, "webhook was not taken");
    const worker_item_view_t *view = worker_item_view (self->item);
    if (!log_limit_allows (is_last ? &last : &once))
        return;
    log_write (is_last ? LOG_ERROR : LOG_WARN,
               is_last ? "webhook was not taken" : "webhook was not taken yet",
               (const log_field_t[]){ log_text ("item", view->work.item),
                                      log_text ("app", view->work.app),
                                      log_string ("class", hook_outcomes[outcome].label),
                                      log_number ("status", end->status),
                                      log_string ("error", end->error),
                                      log_number ("tries", view->tries - self->memory.waited) },
               6);
}

//  "the endpoint takes nothing now: HTTP 503; no try is left". Nothing of the answer's body: it may
//  repeat what is secret in the URL.
static void
s_write_detail (hook_outcome_t outcome, const end_t *end, const char *verdict,
                char detail[DETAIL_SIZE])
{
    char said[DETAIL_SIZE / 2] = "";
    if (end->status > 0)
        snprintf (said, sizeof said, ": HTTP %u", end->status);
    else if (*end->error)
        snprintf (said, sizeof said, ": %s", end->error);
    snprintf (detail, DETAIL_SIZE, "%s%s%s%s", hook_outcomes[outcome].words, said,
              *verdict ? "; " : "", verdict);
}

static void
s_succeed (attempt_t *self, hook_outcome_t outcome, const end_t *end)
{
    char detail[DETAIL_SIZE];
    s_write_detail (outcome, end, "", detail);
    s_end (self, &(worker_report_t){ .outcome = WORKER_ANSWERED,
                                     .status = end->status,
                                     .detail = text_of (detail),
                                     .destination = hook_outcomes[outcome].destination });
}

static void
s_fail (attempt_t *self, hook_outcome_t outcome, const end_t *end)
{
    const retry_policy_t *policy = &self->hooks->policy;
    const hook_outcome_row_t *row = &hook_outcomes[outcome];
    unsigned tries = worker_item_view (self->item)->tries - self->memory.waited;
    retry_so_far_t so_far = { .tries = tries, .may_be_made_twice = true };
    uint64_t asked_ms = hook_outcome_waits (outcome) ? end->retry_after_ms : 0;
    asked_ms = asked_ms < policy->retry_after_most_ms ? asked_ms : policy->retry_after_most_ms;
    retry_decision_t next =
        retry_decide (policy, &so_far, row->class, asked_ms, random_id_number ());
    bool is_last = next.verdict != RETRY_LATER;
    char detail[DETAIL_SIZE];
    const char *verdict = row->destination == DESTINATION_DISABLED
                              ? "nothing more goes to it until it is enabled"
                          : is_last ? retry_verdict_words (next.verdict)
                                    : "";
    s_write_detail (outcome, end, verdict, detail);
    s_log_failure (self, outcome, end, is_last);
    s_end (self, &(worker_report_t){ .outcome = is_last ? WORKER_DEAD : WORKER_RETRY,
                                     .after_ms = next.delay_ms + next.jitter_ms,
                                     .status = end->status,
                                     .detail = text_of (detail),
                                     .destination = row->destination,
                                     .pause_ms = asked_ms });
}

//  The endpoint is not in this process's file.
static void
s_lack (attempt_t *self, hook_outcome_t outcome)
{
    uint64_t after_ms = 0;
    bool waits = item_memory_waits (&self->memory, &after_ms);
    s_end (self, &(worker_report_t){ .outcome = waits ? WORKER_RETRY : WORKER_DEAD,
                                     .after_ms = after_ms,
                                     .detail = text_of (hook_outcomes[outcome].words) });
}

static void
s_come_to (attempt_t *self, hook_outcome_t outcome, const end_t *end)
{
    s_counts[ENDED_FIRST + outcome]++;
    if (hook_outcomes[outcome].class == RETRY_DONE)
        s_succeed (self, outcome, end);
    else if (outcome == HOOK_UNKNOWN)
        s_lack (self, outcome);
    else
        s_fail (self, outcome, end);
}

// ---------------------------------------------------------------------------------------------
//  A try

static void
s_answered (void *owner, http_call_t call, const http_answer_t *answer)
{
    attempt_t *self = owner;
    (void) call;
    self->call = 0;
    s_counts[SENDING]--;
    histogram_add (&s_time, answer->took_us);
    s_come_to (self, hook_outcome_of (answer),
               &(end_t){ .status = (unsigned) answer->status,
                         .retry_after_ms = answer->retry_after_ms,
                         .error = answer->error });
}

static void
s_start (void *of_channel, worker_item_t *item)
{
    hooks_t *hooks = of_channel;
    const worker_item_view_t *view = worker_item_view (item);
    attempt_t *self = view->attempt;
    *self = (attempt_t){ .hooks = hooks, .item = item };
    item_memory_read (&self->memory, view->work.memory);
    if (self->memory.waited >= view->tries) //  a replay may begin to count anew
        self->memory.waited = 0;
    hook_request_t request;
    const app_t *app = apps_find (hooks->means->apps, view->work.app);
    hook_outcome_t outcome =
        hook_request_make (&request, app, &view->work, clock_wall_ms () / 1000);
    if (outcome == HOOK_TAKEN)
        outcome = hook_send (hooks->means, &request, s_answered, self, &self->call);
    hook_request_free (&request);
    if (outcome == HOOK_TAKEN)
        s_counts[SENDING]++;
    else
        s_come_to (self, outcome, &(end_t){ .error = "" });
}

static void
s_cancel (void *of_channel, worker_item_t *item)
{
    hooks_t *hooks = of_channel;
    attempt_t *self = worker_item_view (item)->attempt;
    http_client_cancel (hooks->means->guarded, self->call);
    s_counts[SENDING]--;
}

static void *
s_open (const channel_means_t *means)
{
    hooks_t *self = alloc_zeroed (sizeof *self);
    self->means = means;
    self->policy = schedule_policy (&means->webhooks, 0);
    metrics_register (s_rows, s_counts, COUNTS);
    histogram_register (&s_time);
    return self;
}

static void
s_close (void **self_p)
{
    free (*self_p);
    *self_p = NULL;
}

const channel_t hooks_channel = { .topic = "webhook.out",
                                  .attempt_size = sizeof (attempt_t),
                                  .open = s_open,
                                  .close = s_close,
                                  .start = s_start,
                                  .cancel = s_cancel,
                                  .name = "webhook",
                                  .send_test = hook_try };
