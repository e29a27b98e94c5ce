#include "work/matcher.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/loop_timer.h"
#include "tables/postoffice_metrics.h"

#include <stdlib.h>

//  What happens at once is one look.
#define SOON_MS 10
#define WAITING_MS 1000
#define IDLE_MS 5000
#define AGAIN_MS 500 //  while the database is away
#define WORDS_MAX 1000

struct matcher {
    apps_t *apps;
    matched_fn *matched;
    void *owner;
    matches_t *matches;
    loop_timer_t *timer;
    bool is_open, is_draining;
    bool is_looking; //  until all that was asked for is answered
    bool is_due;     //  look once more behind it
    bool has_waiting; //  somebody waits, as far as is known here
    char *waiting[MATCHES_AT_ONCE]; //  apps that are still to be asked for
    size_t waiting_count;
};

// ---------------------------------------------------------------------------------------------
//  Words for who waits

static text_t
s_form (const app_queue_t *queue)
{
    if (queue->text.size > 0)
        return queue->text;
    return text_is (queue->tell, TEXT ("time"))
               ? TEXT ("You will be answered in about {minutes} min.")
               : TEXT ("You are number {place} in the queue.");
}

static bool
s_takes (text_t *form, text_t name)
{
    if (form->size < name.size || memcmp (form->data, name.data, name.size) != 0)
        return false;
    *form = (text_t){ form->data + name.size, form->size - name.size };
    return true;
}

static text_t
s_words (text_t form, const queue_notice_t *notice, buffer_t *to)
{
    uint64_t minutes = (notice->expected_ms + 59999) / 60000;
    int rc = 0;
    buffer_clear (to);
    while (form.size > 0 && rc == 0)
        if (s_takes (&form, TEXT ("{place}")))
            rc = buffer_put_number (to, notice->place);
        else if (s_takes (&form, TEXT ("{minutes}")))
            rc = buffer_put_number (to, minutes);
        else {
            rc = buffer_put (to, form.data, 1);
            form = (text_t){ form.data + 1, form.size - 1 };
        }
    return rc == 0 ? buffer_text (to) : TEXT_EMPTY;
}

// ---------------------------------------------------------------------------------------------

static void
s_forget_app (matcher_t *self)
{
    self->waiting_count--;
    free (self->waiting[self->waiting_count]);
}

static void
s_forget_apps (matcher_t *self)
{
    while (self->waiting_count > 0)
        s_forget_app (self);
}

static void
s_end (matcher_t *self, uint64_t next_ms)
{
    s_forget_apps (self);
    self->is_looking = false;
    loop_timer_start_ms (self->timer, self->is_due ? SOON_MS : next_ms, 0);
}

//  Asks for the next app; its answers go on from there.
static void
s_next (matcher_t *self)
{
    const app_t *app = NULL;
    //  An app that is gone has nobody who answers; its sessions' own deadlines see to them.
    while (self->waiting_count > 0
           && !(app = apps_find (self->apps,
                                 text_of (self->waiting[self->waiting_count - 1]))))
        s_forget_app (self);
    if (!app) {
        s_end (self, self->has_waiting ? WAITING_MS : IDLE_MS);
        return;
    }
    const app_switchboard_t *rules = &app->switchboard;
    bool is_least_busy = text_is (rules->pick, TEXT ("least-busy"));
    metric_add (POSTOFFICE_MATCH_RUNS, 1);
    if (self->is_draining
        || matches_find (self->matches, app->id, is_least_busy, rules->last_agent_s * 1000) != 0)
        s_end (self, AGAIN_MS);
}

static void
s_on_waiting (void *owner, bool is_good, const waiting_app_t *apps, size_t count)
{
    matcher_t *self = owner;
    if (!is_good) {
        s_end (self, AGAIN_MS);
        return;
    }
    uint64_t waiting = 0, oldest_ms = 0;
    for (size_t at = 0; at < count; at++) {
        waiting += apps[at].count;
        oldest_ms = apps[at].oldest_ms > oldest_ms ? apps[at].oldest_ms : oldest_ms;
        //  The last one is asked for first, and they begin with whoever waits longest.
        self->waiting[count - 1 - at] = alloc_text (apps[at].app);
    }
    self->waiting_count = count;
    self->has_waiting = count > 0;
    postoffice_counts[POSTOFFICE_WAITING] = (int64_t) waiting;
    postoffice_counts[POSTOFFICE_WAITING_OLDEST] = (int64_t) (oldest_ms / 1000);
    s_next (self);
}

static void
s_on_found (void *owner, bool is_good, const found_agent_t *agents, size_t count)
{
    matcher_t *self = owner;
    for (size_t at = 0; at < count; at++) {
        const found_agent_t *found = &agents[at];
        metric_add (found->agent.size > 0 ? POSTOFFICE_MATCH_FOUND : POSTOFFICE_MATCH_NOBODY, 1);
        self->matched (self->owner, &(matched_t){ .session = found->session,
                                                  .version = found->version,
                                                  .agent = found->agent,
                                                  .words = TEXT_EMPTY });
    }
    //  There may be more.
    self->is_due = self->is_due || count == MATCHES_AT_ONCE;
    const app_t *app = apps_find (self->apps, text_of (self->waiting[self->waiting_count - 1]));
    const app_queue_t *queue = app ? &app->switchboard.queue : NULL;
    bool tells = queue && !text_is (queue->tell, TEXT ("none"));
    if (!is_good)
        s_end (self, AGAIN_MS);
    else if (!tells) {
        s_forget_app (self);
        s_next (self);
    } else if (matches_tell (self->matches, app->id, queue->every_s * 1000,
                             strstr (s_form (queue).data, "{minutes}"))
               != 0)
        s_end (self, AGAIN_MS);
}

static void
s_on_notices (void *owner, bool is_good, const queue_notice_t *notices, size_t count)
{
    matcher_t *self = owner;
    buffer_t words;
    buffer_init (&words, WORDS_MAX);
    const app_t *app = apps_find (self->apps, text_of (self->waiting[self->waiting_count - 1]));
    for (size_t at = 0; app && at < count; at++) {
        text_t said = s_words (s_form (&app->switchboard.queue), &notices[at], &words);
        if (said.size == 0) //  without words it would say that nobody was found
            continue;
        metric_add (POSTOFFICE_QUEUE_NOTICES, 1);
        self->matched (self->owner, &(matched_t){ .session = notices[at].session,
                                                  .version = notices[at].version,
                                                  .agent = TEXT_EMPTY,
                                                  .words = said });
    }
    buffer_free (&words);
    if (!is_good) {
        s_end (self, AGAIN_MS);
        return;
    }
    s_forget_app (self);
    s_next (self);
}

static void
s_look (matcher_t *self)
{
    self->is_due = false;
    self->is_looking = matches_look (self->matches) == 0;
    if (!self->is_looking)
        loop_timer_start_ms (self->timer, AGAIN_MS, 0);
}

static void
s_on_timer (void *owner)
{
    matcher_t *self = owner;
    if (!self->is_draining)
        s_look (self);
}

void
matcher_somebody_waits (matcher_t *self)
{
    self->has_waiting = true;
    self->is_due = true;
    if (self->is_open && !self->is_looking && !self->is_draining)
        loop_timer_start_within_ms (self->timer, SOON_MS);
}

void
matcher_somebody_is_free (matcher_t *self)
{
    if (self->has_waiting)
        matcher_somebody_waits (self);
}

void
matcher_drain (matcher_t *self)
{
    self->is_draining = true;
}

// ---------------------------------------------------------------------------------------------

matcher_t *
matcher_new (uv_loop_t *loop, const store_config_t *store, apps_t *apps, matched_fn *matched,
             void *owner)
{
    static const matches_events_t events = { .waiting = s_on_waiting,
                                             .found = s_on_found,
                                             .notices = s_on_notices };
    matcher_t *self = alloc_zeroed (sizeof *self);
    self->apps = apps;
    self->matched = matched;
    self->owner = owner;
    self->matches = matches_new (loop, store, &events, self);
    self->timer = loop_timer_new (loop, s_on_timer, self);
    return self;
}

void
matcher_open (matcher_t *self)
{
    matches_open (self->matches);
    if (!self->is_open)
        loop_timer_start_ms (self->timer, AGAIN_MS, 0);
    self->is_open = true;
}

void
matcher_destroy (matcher_t **self_p)
{
    matcher_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    matches_destroy (&self->matches);
    loop_timer_destroy (&self->timer);
    s_forget_apps (self);
    free (self);
}
