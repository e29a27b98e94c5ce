#include "worker/worker_item.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/loop_timer.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#define RENEW_EVERY_MS 15000 //  a postoffice's WORK_LEASE is longer
#define SHOWN_EVERY_MS 5000 //  a postoffice or a browser may have forgotten
#define DONE_EVERY_MS 15000 //  a stream loses nothing; this is for what nobody thought of
#define DONE_REFUSED_MS 500 //  the bus was full, or no postoffice is there
#define NO_POSTOFFICE (-1)
#define NO_EVENT ((event_t) 0)

struct worker_item {
    const worker_item_context_t *context;
    worker_topic_t *topic;
    worker_item_state_t state;
    bool is_turn;
    int postoffice;  //  that is told of it; NO_POSTOFFICE: none is up
    int handed_over; //  by this one last; NO_POSTOFFICE: it is lost
    int home;        //  handed_over, lost or not
    uint64_t home_incarnation; //  and which start of its process: another one knows nothing of it
    uint64_t again;  //  of a delivery: attempts that are this one, as it was handed over anew
    worker_item_view_t view;
    void *content;                 //  of body, secret and memories; NULL while REPORTING
    const worker_report_t *given;  //  while the attempt is being ended
    worker_report_t *report;       //  while REPORTING, with its texts
    loop_timer_t *timer;
    event_t shown;          //  while the attempt lasts; NO_EVENT: nothing
    uint64_t overdue_at_ms; //  on the loop's clock
    uint64_t began_ms;      //  likewise; the attempt
    uint64_t took_ms;       //  the last attempt, while REPORTING
    _Alignas (max_align_t) char attempt[];
};

typedef void step_fn (worker_item_t *self);
//  Without the s_ of other static functions: these names stand in worker_item_states.def.
static step_fn ignore, send_accepted, send_working, send_all, send_done;
static step_fn look_after, begin, put_off, conclude, give_up, finish;

static step_fn *const s_steps[WORKER_ITEM_EVENTS][WORKER_ITEM_STATES] = {
#define EVENT(NAME, working, pausing, reporting, words)                                          \
    [WORKER_ITEM_EVENT_##NAME] = { working, pausing, reporting, ignore },
#include "worker/worker_item_states.def"
#undef EVENT
};

static void
ignore (worker_item_t *self)
{
    (void) self;
}

static void
s_move (worker_item_t *self, worker_item_state_t next, uint64_t timer_ms)
{
    worker_item_state_t from = self->state;
    self->state = next;
    loop_timer_start_ms (self->timer, timer_ms, 0);
    self->context->moved (self->context->owner, self, from, next);
}

//  0 when the record is on its way.
static int
s_send (worker_item_t *self, const bus_record_t *record)
{
    if (self->postoffice == NO_POSTOFFICE)
        return -1; //  there will be another: MOVED
    return bus_client_send (self->context->bus, (unsigned) self->postoffice, record);
}

static void
send_accepted (worker_item_t *self)
{
    if (!self->is_turn && self->postoffice != self->handed_over)
        return; //  it does not have the item, and would cancel it
    const bus_work_t *work = &self->view.work;
    bus_record_t record = { .kind = BUS_ACCEPTED,
                            .accepted = { .item = work->item, .session = work->session } };
    if (s_send (self, &record) != 0)
        return; //  the postoffice will hand the item over again, and hear it then
}

void
worker_item_progress (worker_item_t *self, event_t event, text_t data)
{
    const bus_work_t *work = &self->view.work;
    bus_record_t record = { .kind = BUS_PROGRESS,
                            .progress = { .item = work->item,
                                          .session = work->session,
                                          .event = event,
                                          .data = data,
                                          .trace = work->trace } };
    if (s_send (self, &record) != 0)
        return; //  ephemeral: may be lost
}

//  Until the attempt is overdue, what is shown is shown again, and the lease renewed.
static void
s_look_again (worker_item_t *self)
{
    uint64_t now_ms = uv_now (self->context->loop);
    uint64_t wait_ms = self->overdue_at_ms > now_ms ? self->overdue_at_ms - now_ms : 0;
    if (!self->is_turn && wait_ms > RENEW_EVERY_MS)
        wait_ms = RENEW_EVERY_MS;
    if (self->shown != NO_EVENT && wait_ms > SHOWN_EVERY_MS)
        wait_ms = SHOWN_EVERY_MS;
    loop_timer_start_ms (self->timer, wait_ms, 0);
}

static void
s_send_shown (worker_item_t *self)
{
    if (self->shown != NO_EVENT)
        worker_item_progress (self, self->shown, TEXT_EMPTY);
    s_look_again (self);
}

void
worker_item_show (worker_item_t *self, event_t event)
{
    assert (self->state == WORKER_ITEM_WORKING);
    self->shown = event;
    s_send_shown (self);
}

static void
send_working (worker_item_t *self)
{
    send_accepted (self);
    s_send_shown (self);
}

static void
look_after (worker_item_t *self)
{
    if (uv_now (self->context->loop) >= self->overdue_at_ms) {
        worker_item_happens (self, WORKER_ITEM_EVENT_OVERDUE);
        return;
    }
    if (!self->is_turn)
        send_accepted (self); //  the lease goes on
    s_send_shown (self);
}

static void
send_done (worker_item_t *self)
{
    static const outcome_t s_on_bus[WORKER_OUTCOMES][2] = {
#define OUTCOME(NAME, label, event, delivery, turn, words)                                       \
    [WORKER_##NAME] = { OUTCOME_##delivery, OUTCOME_##turn },
#include "worker/worker_outcomes.def"
#undef OUTCOME
    };
    const bus_work_t *work = &self->view.work;
    const worker_report_t *report = self->report;
    bus_record_t record = { .kind = BUS_DONE };
    record.done.item = work->item;
    record.done.session = work->session;
    record.done.outcome = s_on_bus[report->outcome][self->is_turn];
    if (report->is_apology)
        record.done.outcome = OUTCOME_BOT_ERROR;
    record.done.after_ms = report->after_ms;
    record.done.data = report->data;
    record.done.ask = report->ask;
    record.done.target = report->target;
    record.done.detail = report->detail;
    record.done.trace = work->trace;
    record.done.topic = work->topic;
    record.done.attempt = work->attempt;
    record.done.tries = self->view.tries;
    record.done.status = report->status;
    record.done.took_ms = self->took_ms;
    record.done.fault = report->fault;
    record.done.remember = report->remember;
    record.done.remember_lane = report->remember_lane;
    record.done.destination = report->destination;
    record.done.pause_ms = report->pause_ms;
    record.done.suppress = report->suppress;
    record.done.again = self->again;
    bool is_sent = s_send (self, &record) == 0;
    self->topic->counts[WORKER_REPORTS] += is_sent;
    loop_timer_start_ms (self->timer, is_sent ? DONE_EVERY_MS : DONE_REFUSED_MS, 0);
}

//  Handed over although it is done: that postoffice has not heard of it.
static void
send_all (worker_item_t *self)
{
    send_accepted (self);
    send_done (self);
}

static void
begin (worker_item_t *self)
{
    const worker_item_context_t *context = self->context;
    memset (self->attempt, 0, context->attempt_size);
    self->view.tries = self->is_turn ? self->view.tries + 1 : (unsigned) self->view.work.attempt;
    self->shown = NO_EVENT;
    self->began_ms = uv_now (context->loop);
    self->overdue_at_ms = self->began_ms + context->attempt_ms;
    s_move (self, WORKER_ITEM_WORKING, context->attempt_ms);
    s_look_again (self);
    context->start (context->service, self);
}

static void
put_off (worker_item_t *self)
{
    s_move (self, WORKER_ITEM_PAUSING, self->given->after_ms);
}

//  The outcome is known: no attempt will begin any more.
static void
conclude (worker_item_t *self)
{
    uint64_t took_ms = uv_now (self->context->loop) - self->began_ms;
    self->took_ms = took_ms > 0 ? took_ms : 1; //  0 is "not said"
    const worker_report_t *given = self->given;
    assert (given->remember.size <= BUS_MEMORY_MOST
            && given->remember_lane.size <= BUS_MEMORY_MOST);
    text_t texts[] = { given->detail, given->data, given->target, given->remember,
                       given->remember_lane };
    self->report = alloc_packed (sizeof *self->report, texts, sizeof texts / sizeof *texts);
    *self->report = *given;
    self->report->detail = texts[0];
    self->report->data = texts[1];
    self->report->target = texts[2];
    self->report->remember = texts[3];
    self->report->remember_lane = texts[4];
    bus_work_t *work = &self->view.work;
    work->body = work->secret = work->memory = work->lane_memory = TEXT_EMPTY;
    free (self->content);
    self->content = NULL;
    s_move (self, WORKER_ITEM_REPORTING, DONE_EVERY_MS);
    send_done (self);
}

void
worker_item_done (worker_item_t *self, const worker_report_t *report)
{
    static const struct {
        worker_item_event_t event;
        unsigned count;
    } s_rows[WORKER_OUTCOMES] = {
#define OUTCOME(NAME, label, event, delivery, turn, words)                                       \
    [WORKER_##NAME] = { WORKER_ITEM_EVENT_##event, WORKER_ENDED_##NAME },
#include "worker/worker_outcomes.def"
#undef OUTCOME
    };
    assert (self->state == WORKER_ITEM_WORKING && report->outcome < WORKER_OUTCOMES);
    self->topic->counts[s_rows[report->outcome].count]++;
    self->given = report;
    worker_item_happens (self,
                         self->is_turn ? s_rows[report->outcome].event : WORKER_ITEM_EVENT_ENDED);
    self->given = NULL;
}

//  A fault of the service's: without this, its session would wait for ever.
static void
give_up (worker_item_t *self)
{
    static log_limit_t limit = LOG_LIMIT (LOG_ERROR, "attempt at an item is overdue");
    if (log_limit_allows (&limit))
        log_error ("attempt at an item is overdue", log_text ("item", self->view.work.item),
                   log_text ("session", self->view.work.session),
                   log_text ("topic", self->view.work.topic));
    worker_report_t report = self->context->overdue;
    if (self->context->remember)
        self->context->remember (self->context->service, self, &report);
    self->context->cancel (self->context->service, self);
    worker_item_done (self, &report);
}

void
worker_item_destroy (worker_item_t **self_p)
{
    worker_item_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    if (self->state == WORKER_ITEM_WORKING)
        self->context->cancel (self->context->service, self);
    loop_timer_destroy (&self->timer);
    free (self->content);
    free (self->report);
    free (self);
}

//  What ends in REPORTING was counted when its outcome was known.
static void
finish (worker_item_t *self)
{
    self->topic->counts[WORKER_CANCELLED] += self->state != WORKER_ITEM_REPORTING;
    self->context->moved (self->context->owner, self, self->state, WORKER_ITEM_OVER);
    worker_item_destroy (&self);
}

static void
s_timer_fired (void *owner)
{
    worker_item_happens (owner, WORKER_ITEM_EVENT_TIMER);
}

static void
s_set_home (worker_item_t *self, unsigned postoffice)
{
    self->postoffice = self->handed_over = self->home = (int) postoffice;
    self->home_incarnation = bus_client_incarnation (self->context->bus, postoffice);
}

worker_item_t *
worker_item_new (const worker_item_context_t *context, worker_topic_t *topic, unsigned postoffice,
                 const bus_work_t *work)
{
    text_t texts[] = {
        work->item, work->session, work->topic, work->app, work->user, work->trace
    };
    text_t content[] = { work->body, work->secret, work->memory, work->lane_memory };
    worker_item_t *self =
        alloc_packed (sizeof *self + context->attempt_size, texts, sizeof texts / sizeof *texts);
    self->content = alloc_packed (0, content, sizeof content / sizeof *content);
    self->view = (worker_item_view_t){ .work = { .item = texts[0],
                                                 .session = texts[1],
                                                 .topic = texts[2],
                                                 .app = texts[3],
                                                 .user = texts[4],
                                                 .trace = texts[5],
                                                 .body = content[0],
                                                 .secret = content[1],
                                                 .memory = content[2],
                                                 .lane_memory = content[3],
                                                 .attempt = work->attempt,
                                                 .tries = work->tries,
                                                 .lost = work->lost,
                                                 .suppressed = work->suppressed,
                                                 .replays = work->replays },
                                       .attempt = self->attempt };
    self->context = context;
    self->topic = topic;
    self->is_turn = topic_is_of_turns (work->topic);
    s_set_home (self, postoffice);
    self->timer = loop_timer_new (context->loop, s_timer_fired, self);
    self->state = WORKER_ITEM_OVER;
    topic->counts[WORKER_TAKEN]++;
    send_accepted (self);
    begin (self);
    return self;
}

void
worker_item_happens (worker_item_t *self, worker_item_event_t event)
{
    assert (event < WORKER_ITEM_EVENTS && self->state < WORKER_ITEM_STATES);
    s_steps[event][self->state] (self);
}

void
worker_item_handed_over (worker_item_t *self, unsigned postoffice, uint64_t attempt)
{
    s_set_home (self, postoffice);
    self->again += !self->is_turn && attempt > self->view.work.attempt;
    self->view.work.attempt = attempt;
    worker_item_happens (self, WORKER_ITEM_EVENT_REPEATED);
}

void
worker_item_hears (worker_item_t *self, unsigned postoffice, worker_item_event_t event)
{
    //  Whoever owns the session since has been sent ACCEPTED or DONE, and will answer, too.
    if (self->postoffice == (int) postoffice || self->handed_over == (int) postoffice)
        worker_item_happens (self, event);
    else
        log_debug ("not this postoffice's item", log_text ("item", self->view.work.item));
}

//  The process that handed it over, and not another one at its address, which would cancel what it
//  does not know.
static bool
s_is_home (const worker_item_t *self, unsigned postoffice)
{
    return self->home == (int) postoffice
           && self->home_incarnation == bus_client_incarnation (self->context->bus, postoffice);
}

//  A turn goes where its session is. A delivery stays with the lease; when that is lost, any
//  postoffice takes the outcome.
void
worker_item_postoffice_changed (worker_item_t *self, unsigned postoffice, bool is_up)
{
    const bus_work_t *work = &self->view.work;
    if (!is_up && self->handed_over == (int) postoffice)
        self->handed_over = NO_POSTOFFICE;
    int owner =
        bus_client_postoffice_of (self->context->bus, self->is_turn ? work->session : work->item);
    bool is_lost = !is_up && self->postoffice == (int) postoffice;
    bool is_back = is_up && !self->is_turn && s_is_home (self, postoffice);
    bool is_found =
        is_up
        && ((self->is_turn && owner == (int) postoffice) || self->postoffice == NO_POSTOFFICE);
    if (!is_lost && !is_found && !is_back)
        return;
    if (is_back)
        self->handed_over = (int) postoffice;
    self->postoffice = is_back ? (int) postoffice : owner;
    worker_item_happens (self, WORKER_ITEM_EVENT_MOVED);
}

const worker_item_view_t *
worker_item_view (const worker_item_t *self)
{
    return &self->view;
}
