#include "bot_call.h"

#include "base/alloc.h"
#include "base/log.h"
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
    unsigned failed;
    uv_timer_t timer;
    http_call_t call;
    const http_answer_t *heard; //  during the call's callback only
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
static step_fn ask, take_answer, finish;

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
s_timer_fired (uv_timer_t *timer)
{
    bot_call_happens (timer->data, BOT_CALL_EVENT_TIMER);
}

static void
s_move (bot_call_t *self, bot_call_state_t next, uint64_t timer_ms, uint64_t repeat_ms)
{
    bot_call_state_t from = self->state;
    self->state = next;
    uv_timer_start (&self->timer, s_timer_fired, timer_ms, repeat_ms);
    self->context->moved (self->context->owner, self, from, next);
}

//  A record that is lost here is sent again when the postoffice is back: MOVED.
static int
s_send (bot_call_t *self, const bus_record_t *record)
{
    if (self->postoffice == NO_POSTOFFICE)
        return -1;
    return bus_client_send (self->context->bus, (unsigned) self->postoffice, record);
}

static void
send_accepted (bot_call_t *self)
{
    bus_record_t record = { .kind = BUS_ACCEPTED };
    record.accepted.item = bot_call_item (self);
    record.accepted.session = bot_call_session (self);
    if (s_send (self, &record) != 0)
        return; //  the postoffice will hand the item again, and hear it then
}

static void
s_send_progress (bot_call_t *self, event_t event, text_t data)
{
    bus_record_t record = { .kind = BUS_PROGRESS };
    record.progress.item = bot_call_item (self);
    record.progress.session = bot_call_session (self);
    record.progress.event = event;
    record.progress.data = data;
    if (s_send (self, &record) != 0)
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
    record.done.item = bot_call_item (self);
    record.done.session = bot_call_session (self);
    record.done.outcome = answer->outcome;
    record.done.data = buffer_text (&answer->data);
    record.done.ask = answer->ask;
    record.done.target = buffer_text (&answer->target);
    record.done.detail = buffer_text (&answer->detail);
    record.done.topic = text_of (self->topic);
    record.done.attempt = self->attempt;
    uint64_t again_ms = s_send (self, &record) == 0 ? DONE_EVERY_MS : DONE_REFUSED_MS;
    uv_timer_start (&self->timer, s_timer_fired, again_ms, 0);
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
s_pause (bot_call_t *self, const retry_decision_t *next)
{
    buffer_t notice;
    buffer_init (&notice, FAILURE_DATA_MAX);
    failure_data_write (&notice, self->failed, next->delay_ms / 1000, self->answer.error);
    s_send_progress (self, EVENT_RETRY_NOTICE, buffer_text (&notice));
    buffer_free (&notice);
    bot_answer_free (&self->answer);
    s_move (self, BOT_CALL_PAUSING, next->delay_ms + next->jitter_ms, 0);
}

static void
s_judge (bot_call_t *self, uint64_t retry_after_ms, uint64_t took_us)
{
    const bot_call_context_t *context = self->context;
    bool has_failed = self->answer.outcome == OUTCOME_FAILED;
    self->failed += has_failed;
    retry_so_far_t so_far = { .tries = self->failed + !has_failed };
    retry_decision_t next = retry_decide (
        &context->retry, &so_far,
        has_failed ? bot_failure_class (self->answer.failure) : RETRY_DONE, retry_after_ms,
        random_id_number ());
    bool is_last = next.verdict != RETRY_LATER;
    context->tried (context->owner, self, &self->answer, is_last, took_us);
    if (!is_last)
        s_pause (self, &next);
    else
        s_conclude (self);
}

static void
take_answer (bot_call_t *self)
{
    bot_answer_read (&self->answer, self->heard);
    s_judge (self, self->heard->retry_after_ms, self->heard->took_us);
}

static void
s_on_answer (void *owner, http_call_t call, const http_answer_t *http)
{
    bot_call_t *self = owner;
    assert (self->call == call);
    self->call = 0;
    self->heard = http;
    bot_call_happens (self, BOT_CALL_EVENT_ANSWERED);
    self->heard = NULL; //  an answer never ends a call: it is still there
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

//  The bot is not asked this time.
static void
s_cannot_ask (bot_call_t *self, bot_failure_t failure, text_t detail)
{
    bot_answer_none (&self->answer, failure, detail);
    s_judge (self, 0, 0);
}

static void
ask (bot_call_t *self)
{
    s_move (self, BOT_CALL_ASKING, TYPING_EVERY_MS, TYPING_EVERY_MS);
    const app_t *app = apps_find (self->context->apps, text_of (self->app));
    if (!app) //  the edge's file knows it: ours may be the older one
        s_cannot_ask (self, BOT_UNKNOWN_APP, TEXT ("there is no such app here"));
    else if (app->bot.url.size == 0)
        s_cannot_ask (self, BOT_NO_BOT, TEXT ("the app has no bot"));
    else if (s_post (self, app) == 0)
        send_typing (self);
    else if (errno == EINVAL)
        s_cannot_ask (self, BOT_NO_BOT, TEXT ("the bot's URL is none"));
    else
        s_cannot_ask (self, BOT_NOT_ASKED, TEXT ("no call can be made at the moment"));
}

static void
s_closed (uv_handle_t *handle)
{
    bot_call_t *self = handle->data;
    free (self->session);
    free (self->app);
    free (self->topic);
    free (self);
}

void
bot_call_destroy (bot_call_t **self_p)
{
    bot_call_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    http_client_cancel (self->context->http, self->call);
    self->state = BOT_CALL_OVER;
    buffer_free (&self->request);
    bot_answer_free (&self->answer);
    uv_close ((uv_handle_t *) &self->timer, s_closed);
}

static void
finish (bot_call_t *self)
{
    self->context->moved (self->context->owner, self, self->state, BOT_CALL_OVER);
    self->context->over (self->context->owner, self);
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
    self->app = alloc_text (work->app);
    self->topic = alloc_text (work->topic);
    self->attempt = work->attempt;
    uv_timer_init (context->loop, &self->timer);
    self->timer.data = self;
    buffer_init (&self->request, BOT_REQUEST_MAX);
    send_accepted (self);
    if (bot_request_write (&self->request, work) == 0) {
        ask (self);
        return self;
    }
    s_move (self, BOT_CALL_ASKING, TYPING_EVERY_MS, TYPING_EVERY_MS);
    s_cannot_ask (self, BOT_BAD_QUESTION, TEXT ("the question is no JSON object"));
    return self;
}

void
bot_call_happens (bot_call_t *self, bot_call_event_t event)
{
    assert (event < BOT_CALL_EVENTS && self->state < BOT_CALL_STATES);
    s_steps[event][self->state] (self);
}

void
bot_call_repeated (bot_call_t *self, unsigned postoffice)
{
    self->postoffice = self->handed_over = (int) postoffice;
    bot_call_happens (self, BOT_CALL_EVENT_REPEATED);
}

void
bot_call_ended (bot_call_t *self, unsigned postoffice, bot_call_event_t event)
{
    //  Its successor has been sent ACCEPTED or DONE, and will answer, too.
    if (self->postoffice == (int) postoffice || self->handed_over == (int) postoffice)
        bot_call_happens (self, event);
    else
        log_debug ("not this postoffice's item", log_text ("item", bot_call_item (self)));
}

void
bot_call_postoffice_up (bot_call_t *self, unsigned postoffice)
{
    int now = bus_client_postoffice_of (self->context->bus, bot_call_session (self));
    if (now != (int) postoffice && self->postoffice != NO_POSTOFFICE)
        return;
    self->postoffice = now;
    bot_call_happens (self, BOT_CALL_EVENT_MOVED);
}

void
bot_call_postoffice_down (bot_call_t *self, unsigned postoffice)
{
    if (self->handed_over == (int) postoffice)
        self->handed_over = NO_POSTOFFICE;
    if (self->postoffice != (int) postoffice)
        return;
    self->postoffice = bus_client_postoffice_of (self->context->bus, bot_call_session (self));
    bot_call_happens (self, BOT_CALL_EVENT_MOVED);
}

text_t
bot_call_item (const bot_call_t *self)
{
    return text_of (self->item);
}

text_t
bot_call_session (const bot_call_t *self)
{
    return text_of (self->session);
}

unsigned
bot_call_failed (const bot_call_t *self)
{
    return self->failed;
}
