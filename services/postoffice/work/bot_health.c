#include "work/bot_health.h"

#include "base/clock.h"
#include "base/hash_table.h"
#include "base/log.h"
#include "base/random_id.h"
#include "rules/bot_failure.h"
#include "tables/postoffice_metrics.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

//  Questions of one app that are let go in one tick.
#define LET_GO_AT_ONCE 20
//  Health requests while half-open: the next one, and how long one may take with its worker.
#define PROBE_EVERY_MS 1000
#define PROBE_WITHIN_MS 10000
//  How often what waits is looked through for what is too old.
#define LOOK_EVERY_MS 1000
//  A bot of no app in the file is forgotten when nothing was heard of it for so long.
#define FORGOTTEN_AFTER_MS 600000

//  One app's bot.
typedef struct {
    text_t app; //  in its own memory
    circuit_t circuit;
    list_t held;           //  turns, the longest first
    bool has_probe;        //  one is out: a turn, or `request`
    turn_t *request;       //  a health request; NULL: none
    bool asks_questions;   //  no worker makes health requests just now: questions tell
    uint64_t request_at_ms; //  monotonic clock: when the next one may be made
    uint64_t answered_ms;   //  likewise: when it answered last
    uint64_t heard_ms;      //  likewise: when it answered or failed last
    uint64_t well_ms;       //  likewise: when it, or its health address, answered last; 0: never
    uint64_t out_since_ms;  //  likewise: since when it is not closed
    uint64_t openings, failed_ms, failed_status;
    UT_hash_handle hh;
} bot_t;

struct bot_health {
    apps_t *apps;
    workers_t *workers;
    bot_refuse_fn *refuse;
    void *owner;
    bot_t *bots;
    uint64_t look_at_ms;
};

bot_health_t *
bot_health_new (apps_t *apps, bot_refuse_fn *refuse, void *owner)
{
    bot_health_t *self = alloc_zeroed (sizeof *self);
    self->apps = apps;
    self->refuse = refuse;
    self->owner = owner;
    return self;
}

void
bot_health_begin (bot_health_t *self, workers_t *workers)
{
    self->workers = workers;
}

static const app_failure_t *
s_policy (const bot_health_t *self, text_t app)
{
    const app_t *row = app.size > 0 ? apps_find (self->apps, app) : NULL;
    return row ? &row->switchboard.failure : &app_failure_usual;
}

static bot_t *
s_find (const bot_health_t *self, text_t app)
{
    bot_t *bot = NULL;
    HASH_FIND (hh, self->bots, app.data, app.size, bot);
    return bot;
}

static bot_t *
s_find_or_make (bot_health_t *self, text_t app)
{
    bot_t *bot = s_find (self, app);
    if (bot)
        return bot;
    bot = alloc_packed (sizeof *bot, &app, 1);
    bot->app = app;
    bot->circuit.since_ms = bot->heard_ms = clock_mono_ms ();
    list_init (&bot->held);
    HASH_ADD_KEYPTR (hh, self->bots, bot->app.data, bot->app.size, bot);
    return bot;
}

// ---------------------------------------------------------------------------------------------
//  What waits

static void
s_let_go (bot_health_t *self, turn_t *turn)
{
    metric_add (POSTOFFICE_QUESTIONS_AGAIN, turn_is_again (turn));
    workers_release (self->workers, turn);
}

static void
s_refuse (bot_health_t *self, turn_t *turn, bool for_good)
{
    if (turn->is_refused)
        return;
    turn->is_refused = true;
    metric_add (for_good ? POSTOFFICE_QUESTIONS_GIVEN_UP : POSTOFFICE_QUESTIONS_REFUSED, 1);
    self->refuse (self->owner, turn, for_good);
}

static void
s_hold (bot_t *bot, turn_t *turn)
{
    list_append (&bot->held, &turn->place);
}

//  The bot is not asked any more: who waited for the probe is told so.
static void
s_refuse_new (bot_health_t *self, bot_t *bot)
{
    for (list_t *link = bot->held.next; link != &bot->held; link = link->next) {
        turn_t *turn = LIST_THING (link, turn_t, place);
        if (!turn_is_again (turn))
            s_refuse (self, turn, false);
    }
}

static void
s_give_up_old (bot_health_t *self, bot_t *bot)
{
    uint64_t now_ms = clock_wall_ms (), most_ms = 1000 * s_policy (self, bot->app)->ask_again_s;
    for (list_t *link = bot->held.next; link != &bot->held; link = link->next) {
        turn_t *turn = LIST_THING (link, turn_t, place);
        if (turn_is_again (turn) && now_ms > turn->asked_ms + most_ms)
            s_refuse (self, turn, true);
    }
}

//  The first that may go; NULL: none.
static turn_t *
s_next (const bot_t *bot, uint64_t now_ms)
{
    for (list_t *link = bot->held.next; link != &bot->held; link = link->next) {
        turn_t *turn = LIST_THING (link, turn_t, place);
        if (!turn->is_refused && turn->held_until_ms <= now_ms)
            return turn;
    }
    return NULL;
}

static void
s_let_some_go (bot_health_t *self, bot_t *bot)
{
    turn_t *turn;
    for (int count = 0; count < LET_GO_AT_ONCE && (turn = s_next (bot, clock_mono_ms ()));
         count++)
        s_let_go (self, turn);
}

// ---------------------------------------------------------------------------------------------
//  Probes

static void
s_probe_with_question (bot_health_t *self, bot_t *bot)
{
    turn_t *turn = bot->has_probe ? NULL : s_next (bot, UINT64_MAX);
    if (!turn)
        return;
    turn->is_probe = bot->has_probe = true;
    s_let_go (self, turn);
}

static void
s_end_request (bot_health_t *self, bot_t *bot, bool cancel)
{
    workers_forget (self->workers, bot->request, cancel);
    turn_destroy (&bot->request);
    bot->has_probe = false;
    bot->request_at_ms = clock_mono_ms () + PROBE_EVERY_MS;
}

static void
s_look_for_topic (void *owner, text_t topic, uint64_t room)
{
    (void) room;
    bool *is_there = owner;
    *is_there |= text_is (topic, TOPIC_BOT_HEALTH);
}

static void
s_probe_with_request (bot_health_t *self, bot_t *bot)
{
    uint64_t now_ms = clock_mono_ms ();
    char item[80];
    bool is_there = false;
    workers_topics_each (self->workers, s_look_for_topic, &is_there);
    bool is_late = bot->request && now_ms > bot->request_at_ms + PROBE_WITHIN_MS;
    bot->asks_questions = !is_there || is_late; //  workers of before, or none that answers
    if (bot->request && bot->asks_questions)
        s_end_request (self, bot, true);
    if (bot->has_probe || bot->asks_questions || now_ms < bot->request_at_ms)
        return;
    snprintf (item, sizeof item, ":health:%s", random_id_new ().text);
    bot->has_probe = true;
    bot->request_at_ms = now_ms;
    bot->request = turn_new (&(turn_t){ .state = TURN_QUEUED,
                                        .item = text_of (item),
                                        .session = TEXT_EMPTY,
                                        .app = bot->app,
                                        .topic = TOPIC_BOT_HEALTH,
                                        .user = TEXT_EMPTY,
                                        .body = TEXT ("{}"),
                                        .secret = TEXT_EMPTY });
    workers_want (self->workers, bot->request);
}

static void
s_probe (bot_health_t *self, bot_t *bot)
{
    if (s_policy (self, bot->app)->health_url.size > 0)
        s_probe_with_request (self, bot);
    if (bot->asks_questions || s_policy (self, bot->app)->health_url.size == 0)
        s_probe_with_question (self, bot);
}

void
bot_health_probe_ended (void *of, const turn_t *turn)
{
    bot_t *bot = s_find (of, turn->app);
    if (bot)
        bot->has_probe = bot->request != NULL;
}

// ---------------------------------------------------------------------------------------------
//  What happens

static void
s_on_closed (bot_t *bot)
{
    log_info ("bot is asked again", log_text ("app", bot->app),
              log_number ("after_ms", (int64_t) (clock_mono_ms () - bot->out_since_ms)));
    metric_add (POSTOFFICE_BOTS_OUT, -1);
    bot->asks_questions = false;
    for (list_t *link = bot->held.next; link != &bot->held; link = link->next)
        LIST_THING (link, turn_t, place)->held_until_ms = 0;
}

static void
s_on_open (bot_health_t *self, bot_t *bot, circuit_state_t before)
{
    static log_limit_t limit = LOG_LIMIT (LOG_WARN, "bot is not asked any more");
    bot->openings++;
    metric_add (POSTOFFICE_BOT_OPENINGS, 1);
    metric_add (POSTOFFICE_BOTS_OUT, before == CIRCUIT_CLOSED);
    if (before == CIRCUIT_CLOSED)
        bot->out_since_ms = clock_mono_ms ();
    if (before == CIRCUIT_CLOSED && log_limit_allows (&limit))
        log_warn ("bot is not asked any more", log_text ("app", bot->app),
                  log_number ("failures", (int64_t) bot->circuit.failures),
                  log_number ("status", (int64_t) bot->failed_status));
    s_refuse_new (self, bot);
}

static void
s_happens (bot_health_t *self, bot_t *bot, circuit_event_t event, uint64_t tries, uint64_t by)
{
    const app_failure_t *policy = s_policy (self, bot->app);
    circuit_rules_t rules = { .failures = policy->failures,
                              .answers = policy->answers,
                              .open_ms = policy->open_s * 1000,
                              .open_most_ms = policy->open_most_s * 1000 };
    circuit_state_t before = bot->circuit.state;
    if (event == CIRCUIT_EVENT_ANSWERED)
        bot->well_ms = clock_mono_ms ();
    bool is_tried_out = before == CIRCUIT_HALF_OPEN;
    if (is_tried_out && event == CIRCUIT_EVENT_ANSWERED)
        metric_add (POSTOFFICE_BOT_PROBES_ANSWERED, 1);
    if (is_tried_out && event == CIRCUIT_EVENT_FAILED)
        metric_add (POSTOFFICE_BOT_PROBES_FAILED, 1);
    circuit_news_t news = { .event = event,
                            .tries = tries,
                            .by = by,
                            .now_ms = clock_mono_ms (),
                            .chance = random_id_number () };
    bool has_moved = circuit_happens (&bot->circuit, &rules, &news);
    if (has_moved && bot->circuit.state == CIRCUIT_OPEN)
        s_on_open (self, bot, before);
    if (has_moved && bot->circuit.state == CIRCUIT_CLOSED)
        s_on_closed (bot);
    if (bot->circuit.state == CIRCUIT_HALF_OPEN)
        s_probe (self, bot);
}

//  A ladder of tries in which others were answered says little: only its last try counts.
static uint64_t
s_tries (const bot_t *bot, const bot_outcome_t *outcome)
{
    return bot->answered_ms > outcome->began_ms ? 1 : outcome->done->tries;
}

void
bot_health_note (bot_health_t *self, const bot_outcome_t *outcome)
{
    const bus_done_t *done = outcome->done;
    bot_t *bot = s_find_or_make (self, outcome->app);
    bot->heard_ms = clock_mono_ms ();
    if (done->outcome != OUTCOME_FAILED) {
        bot->answered_ms = clock_mono_ms ();
        s_happens (self, bot, CIRCUIT_EVENT_ANSWERED, 0, 0);
        return;
    }
    bool is_of_bot = bot_failure_is_of_bot (done);
    if (is_of_bot) {
        bot->failed_ms = clock_wall_ms ();
        bot->failed_status = done->status;
    }
    s_happens (self, bot, is_of_bot ? CIRCUIT_EVENT_FAILED : CIRCUIT_EVENT_UNCLEAR,
               s_tries (bot, outcome), keyed_hash (hash_key_of_process (), outcome->session));
}

bool
bot_health_admit (void *of, turn_t *turn)
{
    bot_health_t *self = of;
    if (!topic_is_of_turns (turn->topic) || turn->is_probe)
        return true;
    bool is_again = turn_is_again (turn);
    uint64_t now_ms = clock_mono_ms ();
    bot_t *bot = is_again ? s_find_or_make (self, turn->app) : s_find (self, turn->app);
    if (!bot)
        return true;
    switch (bot->circuit.state) {
    case CIRCUIT_CLOSED:
        if (turn->held_until_ms <= now_ms)
            return true;
        s_hold (bot, turn);
        return false;
    case CIRCUIT_HALF_OPEN:
        if (!bot->has_probe
            && (bot->asks_questions || s_policy (self, turn->app)->health_url.size == 0)) {
            turn->is_probe = bot->has_probe = true;
            return true;
        }
        s_hold (bot, turn);
        return false;
    default:
        s_hold (bot, turn);
        if (!is_again)
            s_refuse (self, turn, false);
        return false;
    }
}

static bot_t *
s_find_request (const bot_health_t *self, text_t item)
{
    for (bot_t *bot = self->bots; bot; bot = bot->hh.next)
        if (bot->request && text_is (bot->request->item, item))
            return bot;
    return NULL;
}

bool
bot_health_accepted (bot_health_t *self, peer_t peer, text_t item)
{
    bot_t *bot = s_find_request (self, item);
    if (bot)
        workers_accepted (self->workers, bot->request, peer);
    return bot != NULL;
}

bool
bot_health_done (bot_health_t *self, peer_t peer, const bus_done_t *done)
{
    if (!text_is (done->topic, TOPIC_BOT_HEALTH))
        return false;
    bot_t *bot = s_find_request (self, done->item);
    if (!bot || !turn_is_of (bot->request, workers_topics (self->workers, peer)))
        return true; //  of before: nobody waits for it
    s_end_request (self, bot, false);
    bool is_well = done->outcome == OUTCOME_ANSWERED;
    s_happens (self, bot, is_well ? CIRCUIT_EVENT_ANSWERED : CIRCUIT_EVENT_FAILED, 1,
               0);
    return true;
}

//  Where any app id is accepted there are as many bots as clients make up. One that is open has its
//  time, and one of the file is shown to people.
static bool
s_is_forgotten (const bot_health_t *self, const bot_t *bot, uint64_t now_ms)
{
    bool is_idle = list_is_empty (&bot->held) && !bot->has_probe && !bot->request;
    return is_idle && bot->circuit.state != CIRCUIT_OPEN
           && now_ms >= bot->heard_ms + FORGOTTEN_AFTER_MS && !apps_find (self->apps, bot->app);
}

static void
s_forget_idle (bot_health_t *self, uint64_t now_ms)
{
    bot_t *bot, *next;
    HASH_ITER (hh, self->bots, bot, next)
    {
        if (!s_is_forgotten (self, bot, now_ms))
            continue;
        metric_add (POSTOFFICE_BOTS_OUT, bot->circuit.state == CIRCUIT_CLOSED ? 0 : -1);
        HASH_DEL (self->bots, bot);
        free (bot);
    }
}

void
bot_health_tick (bot_health_t *self)
{
    uint64_t now_ms = clock_mono_ms ();
    bool looks = now_ms >= self->look_at_ms;
    if (looks) {
        self->look_at_ms = now_ms + LOOK_EVERY_MS;
        s_forget_idle (self, now_ms);
    }
    for (bot_t *bot = self->bots; bot; bot = bot->hh.next) {
        if (looks)
            s_give_up_old (self, bot);
        if (bot->circuit.state == CIRCUIT_OPEN && now_ms >= bot->circuit.due_ms)
            s_happens (self, bot, CIRCUIT_EVENT_DUE, 0, 0);
        else if (bot->circuit.state == CIRCUIT_HALF_OPEN)
            s_probe (self, bot);
        else if (bot->circuit.state == CIRCUIT_CLOSED)
            s_let_some_go (self, bot);
    }
}

// ---------------------------------------------------------------------------------------------
//  For people

//  A time of the monotonic clock by the wall clock.
static uint64_t
s_wall_ms (uint64_t mono_ms)
{
    return clock_wall_ms () + mono_ms - clock_mono_ms ();
}

void
bot_health_view (const bot_health_t *self, text_t app, bot_view_t *view)
{
    const bot_t *bot = s_find (self, app);
    *view = (bot_view_t){ .state = CIRCUIT_CLOSED };
    if (!bot)
        return;
    *view = (bot_view_t){ .state = bot->circuit.state,
                          .since_ms = s_wall_ms (bot->circuit.since_ms),
                          .failures = bot->circuit.failures,
                          .answers = bot->circuit.answers,
                          .openings = bot->openings,
                          .failed_ms = bot->failed_ms,
                          .failed_status = bot->failed_status,
                          .has_been_well = bot->well_ms > 0,
                          .well_ago_ms = clock_mono_ms () - bot->well_ms };
    if (bot->circuit.state == CIRCUIT_OPEN)
        view->due_ms = s_wall_ms (bot->circuit.due_ms);
    for (const list_t *link = bot->held.next; link != &bot->held; link = link->next)
        view->waiting++;
}

// ---------------------------------------------------------------------------------------------

void
bot_health_destroy (bot_health_t **self_p)
{
    bot_health_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    bot_t *bot, *next;
    HASH_ITER (hh, self->bots, bot, next)
    {
        HASH_DEL (self->bots, bot);
        if (bot->request)
            s_end_request (self, bot, false);
        free (bot);
    }
    free (self);
}
