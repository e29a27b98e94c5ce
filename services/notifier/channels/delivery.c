#include "channels/delivery.h"

#include "base/log.h"
#include "base/random_id.h"

#include <stdio.h>

void
delivery_begin (delivery_t *self, worker_item_t *item, const retry_policy_t *policy)
{
    const worker_item_view_t *view = worker_item_view (item);
    *self = (delivery_t){ .item = item, .policy = policy };
    item_memory_read (&self->memory, view->work.memory);
    if (self->memory.waited >= view->tries) //  a replay may begin to count anew
        self->memory.waited = 0;
    if (self->memory.lost > view->work.lost)
        self->memory.lost = 0;
}

uint64_t
delivery_left_ms (uint64_t all_ms, uint64_t passed_ms)
{
    return passed_ms < all_ms ? all_ms - passed_ms : 1;
}

unsigned
delivery_unsure (const delivery_t *self)
{
    uint64_t all = worker_item_view (self->item)->work.lost;
    uint64_t lost = all > self->memory.lost ? all - self->memory.lost : 0;
    return self->memory.unsure
           + (unsigned) (lost < DELIVERY_UNSURE_MOST ? lost : DELIVERY_UNSURE_MOST);
}

void
delivery_is_sure (delivery_t *self)
{
    self->memory.unsure = 0;
    self->memory.lost = (unsigned) worker_item_view (self->item)->work.lost;
}

//  Whoever replays a dead letter has it tried as if it were new, but for what was accepted of it.
static item_memory_t
s_memory_of_dead (const delivery_t *self)
{
    const worker_item_view_t *view = worker_item_view (self->item);
    return (item_memory_t){ .waited = view->tries,
                            .lost = (unsigned) view->work.lost,
                            .parts = self->memory.parts };
}

void
delivery_remember (delivery_t *self, bool is_unsure, worker_report_t *report)
{
    item_memory_t memory = s_memory_of_dead (self);
    memory.unsure = is_unsure;
    report->remember = item_memory_write (&memory, self->overdue);
    report->remember_lane = text_of (self->lane);
}

static void
s_end (delivery_t *self, worker_report_t *report)
{
    char memory[ITEM_MEMORY_SIZE];
    if (report->outcome == WORKER_DEAD)
        self->memory = s_memory_of_dead (self);
    report->remember = item_memory_write (&self->memory, memory);
    report->remember_lane = text_of (self->lane);
    if (report->pause_ms < self->pause_ms)
        report->pause_ms = self->pause_ms;
    worker_item_done (self->item, report);
}

void
delivery_give_up (delivery_t *self, const char *why)
{
    s_end (self, &(worker_report_t){ .outcome = WORKER_DEAD, .detail = text_of (why) });
}

void
delivery_send_back (delivery_t *self, uint64_t after_ms, const char *why)
{
    self->memory.waited++;
    s_end (self, &(worker_report_t){ .outcome = WORKER_RETRY,
                                     .after_ms = after_ms,
                                     .detail = text_of (why) });
}

void
delivery_lacks (delivery_t *self, const char *what)
{
    uint64_t after_ms = 0;
    bool waits = item_memory_waits (&self->memory, &after_ms);
    s_end (self, &(worker_report_t){ .outcome = waits ? WORKER_RETRY : WORKER_DEAD,
                                     .after_ms = after_ms,
                                     .detail = text_of (what) });
}

void
delivery_succeed (delivery_t *self, unsigned status, const char *detail)
{
    s_end (self, &(worker_report_t){ .outcome = WORKER_ANSWERED,
                                     .status = status,
                                     .detail = text_of (detail),
                                     .destination = DESTINATION_WELL });
}

static void
s_log (const delivery_t *self, const delivery_failure_t *failure, unsigned status, bool is_last)
{
    static log_limit_t last = LOG_LIMIT (LOG_ERROR, "message was not sent"),
                       once = LOG_LIMIT (LOG_WARN, "message was not sent yet");
    const worker_item_view_t *view = worker_item_view (self->item);
    if (!log_limit_allows (is_last ? &last : &once))
        return;
    log_write (is_last ? LOG_ERROR : LOG_WARN,
               is_last ? "message was not sent" : "message was not sent yet",
               (const log_field_t[]){ log_text ("topic", view->work.topic),
                                      log_text ("item", view->work.item),
                                      log_text ("app", view->work.app),
                                      log_string ("class", failure->label),
                                      log_number ("status", status),
                                      log_number ("tries", view->tries - self->memory.waited) },
               6);
}

//  A second login that fails, and a third, are made a minute after the one before.
static void
s_mind_login (delivery_t *self, worker_report_t *report, unsigned *refused)
{
    self->memory.refused++;
    ++*refused;
    report->pause_ms = DELIVERY_REFUSED_PAUSE_MS;
    if (report->after_ms < DELIVERY_REFUSED_PAUSE_MS)
        report->after_ms = DELIVERY_REFUSED_PAUSE_MS;
    if (self->memory.refused < DELIVERY_REFUSED_MOST && *refused < DELIVERY_REFUSED_MOST)
        return;
    report->outcome = WORKER_DEAD;
    report->destination = DESTINATION_DISABLED;
}

void
delivery_fail (delivery_t *self, const delivery_failure_t *failure, const delivery_end_t *end)
{
    char detail[DELIVERY_DETAIL_SIZE], status[16] = "";
    self->memory.unsure += failure->class == RETRY_LOST;
    retry_so_far_t so_far = { .tries =
                                  worker_item_view (self->item)->tries - self->memory.waited,
                              .lost = delivery_unsure (self) };
    retry_decision_t next = retry_decide (self->policy, &so_far, failure->class,
                                          end->retry_after_ms, random_id_number ());
    worker_report_t report = { .outcome =
                                   next.verdict == RETRY_LATER ? WORKER_RETRY : WORKER_DEAD,
                               .after_ms = next.delay_ms + next.jitter_ms,
                               .status = end->status,
                               .destination = failure->destination,
                               .suppress = failure->effect == DELIVERY_SUPPRESS };
    if (failure->effect == DELIVERY_PAUSE)
        report.pause_ms = end->retry_after_ms;
    if (failure->effect == DELIVERY_LOGIN)
        s_mind_login (self, &report, end->refused);
    bool is_last = report.outcome == WORKER_DEAD;
    bool is_disabled = report.destination == DESTINATION_DISABLED;
    if (end->status > 0)
        snprintf (status, sizeof status, ": %u", end->status);
    const char *between = !*end->said ? "" : *status ? " " : ": ";
    snprintf (detail, sizeof detail, "%s%s%s%s%s%s", failure->words, status, between, end->said,
              is_last ? "; " : "",
              !is_last      ? ""
              : is_disabled ? "nothing more goes there until it is enabled"
                            : retry_verdict_words (next.verdict));
    report.detail = text_of (detail);
    s_log (self, failure, end->status, is_last);
    s_end (self, &report);
}
