#include "bot_call.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/loop_timer.h"
#include "bot_request.h"
#include "base/random_id.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define TYPING_EVERY_MS 5000     //  a postoffice or a browser may have forgotten
#define DONE_EVERY_MS 15000      //  a stream loses nothing; this is for what nobody thought of
#define DONE_REFUSED_MS 500      //  the bus was full, or no postoffice is there
//  A key is at most 4000 bytes (apps_file.h); the rest is ": ", a blank and the NUL.
#define HEADER_MAX (4000 + 2 * AUTH_WORD_MAX + 4)
#define NO_POSTOFFICE (-1)

struct bot_call {
    const bot_call_context_t *context;
    bot_call_state_t state;
    int postoffice;  //  that owns the session; NO_POSTOFFICE: none is up
    int handed_over; //  by this one last; NO_POSTOFFICE: it is lost
    bot_call_view_t view; //  its texts are those below
    loop_timer_t *timer;
    http_call_t call;
    uint64_t took_us;           //  the last try's; 0: the bot was not asked
    uint64_t retry_after_ms;    //  that the bot asked for
    buffer_t request;           //  until REPORTING
    bot_answer_t answer;        //  while REPORTING
    char *session;
    char *app;
    char *topic;
    uint64_t attempt;           //  the postoffice's count of the WORK
    char item[];
};

typedef void step_fn (bot_call_t *self);
//  Without the s_ of other static functions: these names stand in bot_call_states.def.
static step_fn ignore, send_accepted, send_all, send_typing, send_asking, send_done;
static step_fn ask, judge, finish;

static step_fn *const s_steps[BOT_CALL_EVENTS][BOT_CALL_STATES] = {
#define EVENT(NAME, asking, pausing, reporting, words)                                           \
    [BOT_CALL_EVENT_##NAME] = { asking, pausing, reporting, ignore },
#include "bot_call_states.def"
#undef EVENT
};

static void
ignore (bot_call_t *self)
{
    (void) self;
}

static void
s_timer_fired (void *owner)
{
    bot_call_happens (owner, BOT_CALL_EVENT_TIMER);
}

static void
s_move (bot_call_t *self, bot_call_state_t next, uint64_t timer_ms, uint64_t repeat_ms)
{
    bot_call_state_t from = self->state;
    self->state = next;
    loop_timer_start_ms (self->timer, timer_ms, repeat_ms);
    self->context->moved (self->context->owner, self, from, next);
}

static void
send_accepted (bot_call_t *self)
{
    if (self->postoffice == NO_POSTOFFICE)
        return; //  there will be another: MOVED
    bus_record_t record = { .kind = BUS_ACCEPTED };
    record.accepted.item = self->view.item;
    record.accepted.session = self->view.session;
    if (bus_client_send (self->context->bus, (unsigned) self->postoffice, &record) != 0)
        return; //  the postoffice will hand the item again, and hear it then
}

static void
s_send_progress (bot_call_t *self, event_t event, text_t data)
{
    if (self->postoffice == NO_POSTOFFICE)
        return;
    bus_record_t record = { .kind = BUS_PROGRESS };
    record.progress.item = self->view.item;
    record.progress.session = self->view.session;
    record.progress.event = event;
    record.progress.data = data;
    if (bus_client_send (self->context->bus, (unsigned) self->postoffice, &record) != 0)
        return; //  ephemeral: may be lost
}

static void
send_typing (bot_call_t *self)
{
    s_send_progress (self, EVENT_TYPING, TEXT_EMPTY);
}

static void
send_asking (bot_call_t *self)
{
    send_accepted (self);
    send_typing (self);
}

static void
send_done (bot_call_t *self)
{
    const bot_answer_t *answer = &self->answer;
    bus_record_t record = { .kind = BUS_DONE };
    record.done.item = self->view.item;
    record.done.session = self->view.session;
    record.done.outcome = answer->outcome;
    record.done.data = buffer_text (&answer->data);
    record.done.ask = answer->ask;
    record.done.target = buffer_text (&answer->target);
    record.done.detail = buffer_text (&answer->detail);
    record.done.topic = text_of (self->topic);
    record.done.attempt = self->attempt;
    bool is_sent =
        self->postoffice != NO_POSTOFFICE
        && bus_client_send (self->context->bus, (unsigned) self->postoffice, &record) == 0;
    uint64_t again_ms = is_sent ? DONE_EVERY_MS : DONE_REFUSED_MS;
    loop_timer_start_ms (self->timer, again_ms, 0);
}

//  Handed although it is done: that postoffice has not heard of it.
static void
send_all (bot_call_t *self)
{
    send_accepted (self);
    send_done (self);
}

//  The outcome is known: the question is not needed any more.
static void
s_conclude (bot_call_t *self)
{
    buffer_free (&self->request);
    if (self->answer.outcome == OUTCOME_FAILED) {
        buffer_free (&self->answer.data);
        buffer_init (&self->answer.data, FAILURE_DATA_MAX);
        failure_data_write (&self->answer.data, BOT_TRIES_MOST, 0, self->answer.error);
    }
    s_move (self, BOT_CALL_REPORTING, DONE_EVERY_MS, 0);
    send_done (self);
}

static void
judge (bot_call_t *self)
{
    const bot_call_context_t *context = self->context;
    bool has_failed = self->answer.outcome == OUTCOME_FAILED;
    self->view.failed += has_failed;
    retry_so_far_t so_far = { .tries = self->view.failed + !has_failed };
    retry_decision_t next =
        retry_decide (&context->retry, &so_far,
                      has_failed ? bot_failures[self->answer.failure].class : RETRY_DONE,
                      self->retry_after_ms, random_id_number ());
    bool is_last = next.verdict != RETRY_LATER;
    context->tried (context->owner, self, &self->answer, is_last, self->took_us);
    if (is_last) {
        s_conclude (self);
        return;
    }
    buffer_t notice;
    buffer_init (&notice, FAILURE_DATA_MAX);
    failure_data_write (&notice, self->view.failed, next.delay_ms / 1000, self->answer.error);
    s_send_progress (self, EVENT_RETRY_NOTICE, buffer_text (&notice));
    buffer_free (&notice);
    bot_answer_free (&self->answer);
    s_move (self, BOT_CALL_PAUSING, next.delay_ms + next.jitter_ms, 0);
}

static void
s_on_answer (void *owner, http_call_t call, const http_answer_t *http)
{
    bot_call_t *self = owner;
    assert (self->call == call);
    self->call = 0;
    self->took_us = http->took_us;
    self->retry_after_ms = http->retry_after_ms;
    bot_answer_read (&self->answer, http);
    bot_call_happens (self, BOT_CALL_EVENT_ANSWERED);
}

//  Returns 0 when the question is on its way; −1 with errno as http_client_send.
static int
s_post (bot_call_t *self, const app_t *app)
{
    const bot_call_context_t *context = self->context;
    char key[HEADER_MAX];
    int size =
        snprintf (key, sizeof key, "%s: %s%s%.*s", context->auth_header, context->auth_scheme,
                  *context->auth_scheme ? " " : "", TEXT_ARGS (app->bot.key));
    assert (size > 0 && (size_t) size < sizeof key); //  its parts were checked when they were read
    const char *headers[] = { "Accept: application/json", app->bot.key.size ? key : NULL, NULL };
    http_request_t request = { .method = "POST",
                               .url = app->bot.url.data,
                               .headers = headers,
                               .content_type = "application/json",
                               .body = buffer_text (&self->request),
                               .timeout_ms = context->timeout_ms,
                               .answer_limit = context->answer_limit };
    self->call = http_client_send (context->http, &request, s_on_answer, self);
    return self->call ? 0 : -1;
}

static void
ask (bot_call_t *self)
{
    bot_failure_t failure = BOT_NO_BOT;
    const char *why;
    s_move (self, BOT_CALL_ASKING, TYPING_EVERY_MS, TYPING_EVERY_MS);
    const app_t *app = apps_find (self->context->apps, text_of (self->app));
    if (self->request.size == 0) {
        failure = BOT_BAD_QUESTION;
        why = "the question is no JSON object";
    } else if (!app) { //  the edge's file knows it: ours may be the older one
        failure = BOT_UNKNOWN_APP;
        why = "there is no such app here";
    } else if (app->bot.url.size == 0)
        why = "the app has no bot";
    else if (s_post (self, app) == 0) {
        send_typing (self);
        return;
    } else if (errno == EINVAL)
        why = "the bot's URL is none";
    else {
        failure = BOT_NOT_ASKED;
        why = "no call can be made at the moment";
    }
    bot_answer_none (&self->answer, failure, text_of (why));
    self->took_us = self->retry_after_ms = 0;
    judge (self);
}

void
bot_call_destroy (bot_call_t **self_p)
{
    bot_call_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    http_client_cancel (self->context->http, self->call);
    buffer_free (&self->request);
    bot_answer_free (&self->answer);
    loop_timer_destroy (&self->timer);
    free (self->session);
    free (self->app);
    free (self->topic);
    free (self);
}

static void
finish (bot_call_t *self)
{
    self->context->moved (self->context->owner, self, self->state, BOT_CALL_OVER);
    bot_call_destroy (&self);
}

bot_call_t *
bot_call_new (const bot_call_context_t *context, unsigned postoffice, const bus_work_t *work)
{
    bot_call_t *self = alloc_zeroed (sizeof *self + work->item.size + 1);
    memcpy (self->item, work->item.data, work->item.size);
    self->context = context;
    self->postoffice = self->handed_over = (int) postoffice;
    self->session = alloc_text (work->session);
    self->view =
        (bot_call_view_t){ .item = text_of (self->item), .session = text_of (self->session) };
    self->app = alloc_text (work->app);
    self->topic = alloc_text (work->topic);
    self->attempt = work->attempt;
    self->timer = loop_timer_new (context->loop, s_timer_fired, self);
    buffer_init (&self->request, BOT_REQUEST_MAX);
    if (bot_request_write (&self->request, work) != 0)
        buffer_clear (&self->request);
    send_accepted (self);
    ask (self);
    return self;
}

void
bot_call_happens (bot_call_t *self, bot_call_event_t event)
{
    assert (event < BOT_CALL_EVENTS && self->state < BOT_CALL_STATES);
    s_steps[event][self->state] (self);
}

void
bot_call_hears (bot_call_t *self, unsigned postoffice, bot_call_event_t event)
{
    if (event == BOT_CALL_EVENT_REPEATED)
        self->postoffice = self->handed_over = (int) postoffice;
    //  Whoever owns the session since has been sent ACCEPTED or DONE, and will answer, too.
    if (self->postoffice == (int) postoffice || self->handed_over == (int) postoffice)
        bot_call_happens (self, event);
    else
        log_debug ("not this postoffice's item", log_text ("item", self->view.item));
}

void
bot_call_postoffice_changed (bot_call_t *self, unsigned postoffice, bool is_up)
{
    if (!is_up && self->handed_over == (int) postoffice)
        self->handed_over = NO_POSTOFFICE;
    bool is_lost = !is_up && self->postoffice == (int) postoffice;
    int owner = bus_client_postoffice_of (self->context->bus, self->view.session);
    bool is_found = is_up && (owner == (int) postoffice || self->postoffice == NO_POSTOFFICE);
    if (!is_lost && !is_found)
        return;
    self->postoffice = owner;
    bot_call_happens (self, BOT_CALL_EVENT_MOVED);
}

const bot_call_view_t *
bot_call_view (const bot_call_t *self)
{
    return &self->view;
}
