#include "work/alert_engine.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop_timer.h"
#include "json/json_body.h"
#include "tables/postoffice_metrics.h"
#include "triggers/webhook_items.h"
#include "work/alert_decision.h"

#include <assert.h>
#include <stdlib.h>

#define TAKE_EVERY_MS 500
#define WATCH_EVERY_MS 5000
#define AGAIN_MS 500 //  while the database is away
//  A rule that is not there may be in a file that is about to be read: so many attempts.
#define RULE_TRIES 30
//  In no hours within two weeks.
#define HOLD_MOST_MS (24u * 3600000u)
#define TOPICS_MOST 64
//  Looks at one alert in a row, when things keep changing.
#define LOOKS_MOST 5

//  One that was taken.
typedef struct {
    due_alert_t due; //  its texts are behind the struct
    unsigned looks;
} alert_t;

struct alert_engine {
    alert_engine_config_t config;
    alert_runs_t *runs;
    loop_timer_t *timer;
    bool is_open, is_draining;
    bool is_busy; //  something is asked and not answered
    alert_t *alerts[ALERTS_AT_ONCE]; //  the last one is next
    size_t count;
    bool is_full; //  there may be more
    alert_question_t question;
    alert_action_t action;
    char **watched; //  apps that are to be looked after, the last one is next
    size_t watched_count;
    uint64_t watched_ms;
};

static void s_next (alert_engine_t *self);

static void
s_rest (alert_engine_t *self, uint64_t after_ms)
{
    self->is_busy = false;
    if (!self->is_draining)
        loop_timer_start_ms (self->timer, after_ms, 0);
}

static alert_t *
s_current (const alert_engine_t *self)
{
    return self->count > 0 ? self->alerts[self->count - 1] : NULL;
}

static void
s_forget (alert_engine_t *self)
{
    free (self->alerts[--self->count]);
}

//  The database is away: what was taken is taken again by and by.
static void
s_give_up (alert_engine_t *self)
{
    while (self->count > 0)
        s_forget (self);
    s_rest (self, AGAIN_MS);
}

// ---------------------------------------------------------------------------------------------
//  One alert

//  NULL: the app has no such rule any more, or a wrong body asks for it.
static const app_alert_t *
s_rule (const app_t *app, text_t body, bool *is_rule_of_event)
{
    struct json_object *said = json_body_read (body);
    text_t name = json_body_text (said, "rule"), event = json_body_text (said, "event");
    const app_alert_t *found = NULL;
    const app_alert_t *rules = app ? app->alerts.rows : NULL;
    for (size_t at = 0; app && at < app->alerts.count && !found; at++)
        if (text_is (rules[at].name, name))
            found = &rules[at];
    *is_rule_of_event = found && text_is (found->on, event) && found->steps.count > 0;
    json_body_free (&said);
    return *is_rule_of_event ? found : NULL;
}

//  What the console shows is seen there; whether somebody is silent, or was gone, is not.
static bool
s_sees (const app_alert_t *rule)
{
    switch (rule->event) {
    case ALERT_ON_SESSION_STARTED:
    case ALERT_ON_VISITOR_WAITS:
    case ALERT_ON_HANDOFF_ASKED:
    case ALERT_ON_OFFER_EXPIRED:
    case ALERT_ON_NOBODY_THERE:
    case ALERT_ON_KEYWORD:
        return true;
    default:
        return false;
    }
}

static bool
s_shows (const app_alert_t *rule, alert_value_t value)
{
    return rule
           && (alert_template_has (rule->text_words, value)
               || alert_template_has (rule->subject_words, value));
}

static void
s_look (alert_engine_t *self)
{
    alert_t *alert = s_current (self);
    const app_t *app = apps_find (self->config.apps, alert->due.app);
    bool is_there;
    const app_alert_t *rule = s_rule (app, alert->due.body, &is_there);
    if (!rule && alert->due.attempt < RULE_TRIES) {
        s_forget (self);
        s_next (self);
        return;
    }
    alert->looks++;
    self->question = (alert_question_t){ .item = alert->due.item,
                                         .attempt = alert->due.attempt,
                                         .once_ms = rule ? rule->once_s * 1000 : 0,
                                         .most_per_hour = rule ? rule->most_per_hour : 0,
                                         .sees = rule && s_sees (rule) };
    if (alert_runs_look (self->runs, &self->question, s_shows (rule, ALERT_VALUE_TRANSCRIPT),
                         s_shows (rule, ALERT_VALUE_MESSAGE_TEXT))
        != 0)
        s_give_up (self);
}

//  When the step behind this one is due. The first one began when the alert first called.
static uint64_t
s_next_ms (const app_alert_t *rule, uint64_t step, uint64_t now_ms)
{
    const app_alert_step_t *steps = rule->steps.rows;
    uint64_t before_s = steps[step].after_s, after_s = steps[step + 1].after_s;
    return now_ms + (after_s > before_s ? (after_s - before_s) * 1000 : 0);
}

static void
s_on_looked (void *owner, bool is_good, const alert_facts_t *facts)
{
    alert_engine_t *self = owner;
    if (!is_good) {
        s_give_up (self);
        return;
    }
    alert_t *alert = s_current (self);
    if (!facts) {
        s_forget (self);
        s_next (self);
        return;
    }
    const app_t *app = apps_find (self->config.apps, alert->due.app);
    bool is_there;
    const app_alert_t *rule = s_rule (app, alert->due.body, &is_there);
    bool has_step = rule && facts->step < rule->steps.count;
    uint64_t now_ms = clock_wall_ms ();
    uint64_t open_ms = rule && rule->open ? alert_hours_next (rule->open, now_ms) : now_ms;
    alert_finding_t finding = alert_finding_of (facts, has_step, open_ms > now_ms);
    alert_action_t action = alert_action_of (finding, facts->step == 0);
    alert_order_t order = { .calls = action == ALERT_CALL,
                            .state = alert_state_behind (action),
                            .next_ms = open_ms,
                            .detail = text_of (alert_finding_words (finding)) };
    alert_notes_t notes = { .notes = NULL };
    text_t endpoints[APP_WEBHOOKS_MOST];
    if (action == ALERT_HOLD && open_ms == UINT64_MAX)
        order.next_ms = now_ms + HOLD_MOST_MS;
    if (action == ALERT_CALL) {
        notes = alert_notes_of (&(alert_step_t){ .app = app,
                                                 .rule = rule,
                                                 .links = &self->config.links,
                                                 .item = alert->due.item,
                                                 .session = alert->due.session,
                                                 .body = alert->due.body,
                                                 .step = facts->step,
                                                 .suppressed = facts->suppressed,
                                                 .transcript = facts->transcript,
                                                 .said = facts->said,
                                                 .now_ms = now_ms });
        order.notes = notes.notes;
        order.note_count = notes.count;
        order.endpoints = endpoints;
        order.endpoint_count = webhook_endpoints (app, WEBHOOK_ALERT_RAISED, endpoints);
        bool is_last = facts->step + 1 == rule->steps.count;
        order.state = is_last ? ALERT_DONE : ALERT_OPEN;
        order.next_ms = is_last ? now_ms : s_next_ms (rule, facts->step, now_ms);
        order.detail = notes.count == 0 ? TEXT ("there is nobody to be called") : TEXT_EMPTY;
        if (notes.count == 0)
            log_warn ("alert calls nobody", log_text ("alert", alert->due.item),
                      log_text ("app", alert->due.app));
    }
    self->action = action;
    if (alert_runs_run (self->runs, &self->question, facts->facts, &order) != 0)
        s_give_up (self);
    alert_notes_free (&notes);
}

static void
s_count (const alert_engine_t *self)
{
    static const postoffice_metric_t s_counts[] = {
        [ALERT_CALL] = POSTOFFICE_ALERTS_CALLED,
        [ALERT_HOLD] = POSTOFFICE_ALERTS_HELD,
        [ALERT_SUPPRESS] = POSTOFFICE_ALERTS_SUPPRESSED,
        [ALERT_END_ACKNOWLEDGED] = POSTOFFICE_ALERTS_ACKNOWLEDGED,
        [ALERT_END_SEEN] = POSTOFFICE_ALERTS_SEEN,
        [ALERT_END_OVER] = POSTOFFICE_ALERTS_OVER,
        [ALERT_GIVE_UP] = POSTOFFICE_ALERTS_GIVEN_UP,
    };
    metric_add (s_counts[self->action], 1);
}

static void
s_on_ran (void *owner, alert_run_t end)
{
    alert_engine_t *self = owner;
    if (end == ALERT_RUN_UNSURE) {
        s_give_up (self);
        return;
    }
    if (end == ALERT_RUN_DONE)
        s_count (self);
    if (end == ALERT_RUN_AGAIN && s_current (self)->looks < LOOKS_MOST) {
        s_look (self);
        return;
    }
    s_forget (self);
    s_next (self);
}

// ---------------------------------------------------------------------------------------------
//  Apps

typedef struct {
    text_t names[TOPICS_MOST];
    size_t count;
} topics_t;

static void
s_add_topic (void *owner, text_t topic, uint64_t room)
{
    topics_t *topics = owner;
    (void) room;
    if (topics->count < TOPICS_MOST)
        topics->names[topics->count++] = topic;
}

static size_t
s_app_rules (const app_t *app, app_rule_t rules[APP_RULES_MOST])
{
    size_t count = 0;
    const app_alert_t *all = app->alerts.rows;
    for (size_t at = 0; at < app->alerts.count && count < APP_RULES_MOST; at++)
        if (all[at].event < ALERT_EVENTS && alert_events[all[at].event].place == ALERT_PLACE_APP)
            rules[count++] = (app_rule_t){ all[at].name, all[at].on, all[at].after_s * 1000 };
    return count;
}

static void
s_add_watched (void *owner, const app_t *app)
{
    alert_engine_t *self = owner;
    app_rule_t rules[APP_RULES_MOST];
    text_t endpoints[APP_WEBHOOKS_MOST];
    if (s_app_rules (app, rules) == 0
        && webhook_endpoints (app, WEBHOOK_DELIVERY_DEAD, endpoints) == 0)
        return;
    self->watched = alloc_resized (self->watched, (self->watched_count + 1) * sizeof (char *));
    self->watched[self->watched_count++] = alloc_text (app->id);
}

static void
s_forget_watched (alert_engine_t *self)
{
    free (self->watched[--self->watched_count]);
}

//  True: it is asked.
static bool
s_watch (alert_engine_t *self)
{
    app_rule_t rules[APP_RULES_MOST];
    const app_t *app = NULL;
    topics_t topics = { .count = 0 };
    text_t endpoints[APP_WEBHOOKS_MOST];
    bot_view_t bot;
    while (self->watched_count > 0
           && !(app = apps_find (self->config.apps,
                                 text_of (self->watched[self->watched_count - 1]))))
        s_forget_watched (self);
    if (!app)
        return false;
    workers_topics_each (self->config.workers, s_add_topic, &topics);
    bot_health_view (self->config.bots, app->id, &bot);
    app_watch_t watch = { .app = app->id,
                          .rules = rules,
                          .rule_count = s_app_rules (app, rules),
                          .topics = topics.names,
                          .topic_count = topics.count,
                          .bot_fails = bot.state != CIRCUIT_CLOSED,
                          .bot_well_ms = bot.has_been_well ? (int64_t) bot.well_ago_ms : -1,
                          .endpoints = endpoints,
                          .endpoint_count =
                              webhook_endpoints (app, WEBHOOK_DELIVERY_DEAD, endpoints) };
    bool is_asked = alert_runs_watch (self->runs, &watch) == 0;
    s_forget_watched (self);
    return is_asked;
}

static void
s_on_watched (void *owner, bool is_good, uint64_t made)
{
    alert_engine_t *self = owner;
    self->is_full = self->is_full || made > 0;
    if (is_good)
        s_next (self);
    else
        s_give_up (self);
}

// ---------------------------------------------------------------------------------------------

static void
s_on_due (void *owner, bool is_good, const due_alert_t *alerts, size_t count)
{
    alert_engine_t *self = owner;
    if (!is_good) {
        s_give_up (self);
        return;
    }
    //  The first one is looked at first.
    for (size_t at = count; at > 0; at--) {
        const due_alert_t *due = &alerts[at - 1];
        text_t texts[] = { due->item, due->app, due->session, due->body };
        alert_t *alert = alloc_packed (sizeof *alert, texts, sizeof texts / sizeof *texts);
        alert->due = (due_alert_t){ .item = texts[0],
                                    .app = texts[1],
                                    .session = texts[2],
                                    .attempt = due->attempt,
                                    .step = due->step,
                                    .body = texts[3] };
        self->alerts[self->count++] = alert;
    }
    self->is_full = count == ALERTS_AT_ONCE;
    s_next (self);
}

//  Nothing is asked: what is next?
static void
s_next (alert_engine_t *self)
{
    uint64_t now = clock_mono_ms ();
    if (self->is_draining) {
        s_give_up (self);
        return;
    }
    if (self->count > 0) {
        s_look (self);
        return;
    }
    if (self->watched_count == 0 && now - self->watched_ms >= WATCH_EVERY_MS) {
        self->watched_ms = now;
        apps_each (self->config.apps, s_add_watched, self);
    }
    if (!s_watch (self))
        s_rest (self, self->is_full ? 1 : TAKE_EVERY_MS);
}

static void
s_on_timer (void *owner)
{
    alert_engine_t *self = owner;
    if (self->is_busy || self->is_draining)
        return;
    self->is_busy = true;
    self->is_full = false;
    if (alert_runs_take (self->runs) != 0)
        s_rest (self, AGAIN_MS);
}

const alert_links_t *
alert_engine_links (const alert_engine_t *self)
{
    return &self->config.links;
}

void
alert_engine_drain (alert_engine_t *self)
{
    self->is_draining = true;
}

alert_engine_t *
alert_engine_new (uv_loop_t *loop, const store_config_t *store,
                  const alert_engine_config_t *config)
{
    static const alert_runs_events_t events = {
        .due = s_on_due, .looked = s_on_looked, .ran = s_on_ran, .watched = s_on_watched
    };
    alert_engine_t *self = alloc_zeroed (sizeof *self);
    self->config = *config;
    self->runs = alert_runs_new (loop, store, &events, self);
    self->timer = loop_timer_new (loop, s_on_timer, self);
    return self;
}

void
alert_engine_open (alert_engine_t *self)
{
    alert_runs_open (self->runs);
    if (!self->is_open)
        loop_timer_start_ms (self->timer, AGAIN_MS, 0);
    self->is_open = true;
}

void
alert_engine_destroy (alert_engine_t **self_p)
{
    alert_engine_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    alert_runs_destroy (&self->runs);
    loop_timer_destroy (&self->timer);
    while (self->count > 0)
        s_forget (self);
    while (self->watched_count > 0)
        s_forget_watched (self);
    free (self->watched);
    free (self);
}
