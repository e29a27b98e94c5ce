#include "conversation/conversations.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "conversation/steps.h"

#include <stdio.h>
#include <stdlib.h>

#define PATH_MOST 300
#define BODY_MOST 4000
#define SWEEP_MS 10000

//  Every `body.event` that a platform is told (docs/work-items.md); an unknown one is passed over.
static const struct {
    text_t event;
    void (*step) (attempt_t *self);
} s_steps[] = {
    { TEXT ("offer"), step_open },      { TEXT ("new message"), step_say },
    { TEXT ("user left"), step_leave }, { TEXT ("over"), step_end },
    { TEXT ("watch"), step_watch },     { TEXT ("receipt"), step_receipt },
};

static void
s_sweep (void *owner)
{
    conversations_t *self = owner;
    open_conversations_sweep (self->open, clock_wall_ms ());
}

conversations_t *
conversations_new (const conversation_means_t *means)
{
    conversations_t *self = alloc_zeroed (sizeof *self);
    self->means = *means;
    self->open = open_conversations_new ();
    self->sweeps = loop_timer_new (means->loop, s_sweep, self);
    loop_timer_start_ms (self->sweeps, SWEEP_MS, SWEEP_MS);
    loop_timer_unref (self->sweeps);
    return self;
}

void
conversations_destroy (conversations_t **self_p)
{
    loop_timer_destroy (&(*self_p)->sweeps);
    open_conversations_destroy (&(*self_p)->open);
    free (*self_p);
    *self_p = NULL;
}

void
conversations_set_worker (conversations_t *self, worker_t *worker)
{
    self->worker = worker;
}

static void
s_start (void *service, worker_item_t *item)
{
    attempt_t *self = worker_item_view (item)->attempt;
    if (!attempt_begin (self, service, item))
        return;
    for (size_t row = 0; row < sizeof s_steps / sizeof *s_steps; row++)
        if (text_is (self->body.event, s_steps[row].event)) {
            s_steps[row].step (self);
            return;
        }
    step_nothing (self);
}

static void
s_cancel (void *service, worker_item_t *item)
{
    (void) service;
    attempt_free (worker_item_view (item)->attempt);
}

static void
s_remember (void *service, worker_item_t *item, worker_report_t *report)
{
    (void) service;
    attempt_remember (worker_item_view (item)->attempt, report);
}

// ------------------------------------------------------------------------------------------------
//  The visitor types

//  It is shown, or is not.
static void
s_typed (void *owner, const genesys_outcome_t *outcome)
{
    (void) owner;
    (void) outcome;
}

static void
s_notice (void *service, const worker_notice_t *notice)
{
    conversations_t *self = service;
    const app_t *app = apps_find (self->means.apps, notice->app);
    if (!app || !app->genesys.is_there || !app->genesys.typing || notice->event != EVENT_TYPING
        || notice->external_id.size == 0)
        return;
    char path[PATH_MOST];
    buffer_t body;
    genesys_from_t from = { .id = notice->external_id,
                            .name = TEXT_EMPTY,
                            .time_ms = clock_wall_ms (),
                            .message_id = TEXT_EMPTY };
    buffer_init (&body, BODY_MOST);
    snprintf (path, sizeof path, "/api/v2/conversations/messages/%.*s/inbound/open/event",
              TEXT_ARGS (app->genesys.integration_id));
    if (genesys_put_typing (&body, &from) == 0)
        (void) genesys_call (self->means.calls,
                             &(genesys_ask_t){ .app = notice->app,
                                               .use = CALL_TYPING,
                                               .method = "POST",
                                               .path = text_of (path),
                                               .body = buffer_text (&body) },
                             s_typed, NULL);
    buffer_free (&body);
}

worker_kind_t
conversation_kind (conversations_t *self)
{
    (void) self;
    return (worker_kind_t){ .topics = CONVERSATION_TOPIC,
                            .attempt_size = sizeof (attempt_t),
                            .start = s_start,
                            .cancel = s_cancel,
                            .remember = s_remember,
                            .notice = s_notice };
}
