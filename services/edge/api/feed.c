#include "api/feed.h"

#include "api/api_answer.h"
#include "base/alloc.h"
#include "base/hash_table.h"
#include "base/list.h"
#include "base/log.h"
#include "base/loop_timer.h"
#include "events/event_stream.h"
#include "events/feed_queue.h"
#include "tables/edge_metrics.h"

#include <stdio.h>
#include <stdlib.h>

#define TICK_MS 500
//  A client that confirms nothing for so long is lost.
#define CONFIRM_WITHIN_MS 60000
//  Sessions whose rows wait for one watcher; and the time that the last event has.
#define ROWS_MOST 2000
#define END_WITHIN_MS 2000
//  WATCH is said again when it is not confirmed within this.
#define CONFIRMED_WITHIN_MS 2000
//  While a postoffice is away: the first time, as one that has just ended may still have stored
//  something; and again and again.
#define AWAY_FIRST_MS 2000
#define AWAY_EVERY_MS 15000
//  How long a client is to wait until it comes again.
#define RETRY_MS 2000
#define CHECKED_EVERY_MS 2000

//  An app that is watched here.
typedef struct {
    UT_hash_handle hh;
    list_t watchers;
    uint64_t number;   //  of its WATCH: answers to one before it, which ended, do not count
    uint64_t asked_ms; //  when WATCH was said last
    bool confirmed[BUS_LINKS_MAX];
    text_t id; //  behind the struct
} watched_app_t;

typedef struct {
    list_t in_app;
    feed_t *feed;
    watched_app_t *app;
    event_stream_t *stream;
    feed_queue_t *queue;
    bool is_ready;
    bool is_alive_due; //  a comment
    uint64_t written_ms;
    const char *end; //  why it ends; NULL: it does not
    bool is_ended;   //  and that was put
    uint64_t end_ms;
    door_ticket_t ticket;
    principal_t principal; //  its texts stand behind the struct
} watcher_t;

struct feed {
    uv_loop_t *loop;
    feed_config_t config;
    watched_app_t *apps;
    uint64_t last_number;
    uint64_t count;
    unsigned away;     //  postoffices that there should be
    uint64_t again_ms; //  when that is told again
    uint64_t checked_ms; //  when we looked last who may not stay
    loop_timer_t *tick; //  runs while anybody watches
};

static bool
s_tells (const feed_t *self, unsigned postoffice)
{
    return bus_client_has (self->config.bus, postoffice, BUS_FEATURE_FEED);
}

static void
s_say_watch (feed_t *self, const watched_app_t *app, unsigned postoffice, bool ends)
{
    bus_record_t record = {
        .kind = BUS_WATCH, .watch = { .app = app->id, .ends = ends, .number = app->number }
    };
    if (bus_client_send (self->config.bus, postoffice, &record) != 0)
        log_debug ("not sent", log_string ("kind", "WATCH")); //  said again when not confirmed
}

//  To all, or to those that have not confirmed it.
static void
s_ask (feed_t *self, watched_app_t *app)
{
    app->asked_ms = uv_now (self->loop);
    for (unsigned at = 0; at < BUS_LINKS_MAX; at++)
        if (s_tells (self, at) && !app->confirmed[at])
            s_say_watch (self, app, at, false);
}

static bool
s_is_confirmed (const feed_t *self, const watched_app_t *app)
{
    bool is_confirmed = bus_client_postoffices_up (self->config.bus) > 0;
    for (unsigned at = 0; at < BUS_LINKS_MAX && is_confirmed; at++)
        is_confirmed = app->confirmed[at] || !s_tells (self, at);
    return is_confirmed;
}

// ---------------------------------------------------------------------------------------------
//  Watchers

static void
s_make_ready (watched_app_t *app)
{
    for (list_t *link = app->watchers.next; link != &app->watchers; link = link->next) {
        watcher_t *watcher = LIST_THING (link, watcher_t, in_app);
        if (watcher->is_ready)
            continue;
        watcher->is_ready = true;
        feed_queue_ready (watcher->queue);
        event_stream_want_write (watcher->stream);
    }
}

//  Those that are not ready will ask for everything when they are.
static void
s_resync (watched_app_t *app, feed_reason_t reason)
{
    for (list_t *link = app->watchers.next; link != &app->watchers; link = link->next) {
        watcher_t *watcher = LIST_THING (link, watcher_t, in_app);
        if (!watcher->is_ready)
            continue;
        feed_queue_resync (watcher->queue, reason);
        event_stream_want_write (watcher->stream);
    }
}

static void
s_resync_all (feed_t *self, feed_reason_t reason)
{
    watched_app_t *app, *next;
    HASH_ITER (hh, self->apps, app, next)
    s_resync (app, reason);
}

static void
s_end (watcher_t *watcher, const char *why)
{
    if (watcher->end)
        return;
    watcher->end = why;
    watcher->end_ms = uv_now (watcher->feed->loop);
    event_stream_want_write (watcher->stream);
}

static events_next_t
s_put_end (watcher_t *self, buffer_t *to)
{
    char data[200];
    snprintf (data, sizeof data, "{\"reason\":\"%s\"}", self->end);
    bool is_put = event_text_put_named (to, "end", text_of (data), RETRY_MS) == 0;
    self->is_ended = true;
    return is_put ? EVENTS_LAST : EVENTS_CUT;
}

static events_next_t
s_on_next (void *owner, buffer_t *to)
{
    watcher_t *self = owner;
    uint64_t now = uv_now (self->feed->loop);
    if (self->end)
        return self->is_ended ? EVENTS_NONE : s_put_end (self, to);
    bool is_put = feed_queue_next (self->queue, now, to);
    if (!is_put && self->is_alive_due)
        is_put = event_text_put_comment (to) == 0;
    if (!is_put)
        return EVENTS_NONE;
    self->is_alive_due = false;
    self->written_ms = now;
    return EVENTS_MORE;
}

static watched_app_t *
s_app_of (feed_t *self, text_t id)
{
    watched_app_t *app;
    HASH_FIND (hh, self->apps, id.data, id.size, app);
    if (app)
        return app;
    app = alloc_packed (sizeof *app, &id, 1);
    app->id = id;
    app->number = ++self->last_number;
    list_init (&app->watchers);
    HASH_ADD_KEYPTR (hh, self->apps, app->id.data, app->id.size, app);
    s_ask (self, app);
    return app;
}

static void
s_app_end (feed_t *self, watched_app_t *app)
{
    for (unsigned at = 0; at < BUS_LINKS_MAX; at++)
        if (s_tells (self, at))
            s_say_watch (self, app, at, true);
    HASH_DEL (self->apps, app);
    free (app);
}

static void
s_on_closed (void *owner)
{
    watcher_t *watcher = owner;
    feed_t *self = watcher->feed;
    watched_app_t *app = watcher->app;
    list_remove (&watcher->in_app);
    feed_queue_destroy (&watcher->queue);
    free (watcher);
    edge_count (EDGE_FEED_WATCHERS, -1);
    if (list_is_empty (&app->watchers))
        s_app_end (self, app);
    if (--self->count == 0)
        loop_timer_stop (self->tick);
    self->config.gone (self->config.owner);
}

static watcher_t *
s_watcher_new (feed_t *self, const door_pass_t *pass)
{
    const principal_t *who = &pass->principal;
    text_t texts[] = { who->app, who->user, who->session };
    watcher_t *watcher = alloc_packed (sizeof *watcher, texts, sizeof texts / sizeof *texts);
    watcher->feed = self;
    watcher->principal =
        (principal_t){ .kind = who->kind, .app = texts[0], .user = texts[1], .session = texts[2] };
    watcher->ticket = door_ticket (pass);
    watcher->written_ms = uv_now (self->loop);
    list_init (&watcher->in_app);
    return watcher;
}

static void
s_open (feed_t *self, request_t *request, const door_pass_t *pass)
{
    static const event_stream_events_t events = { .next = s_on_next, .closed = s_on_closed };
    watcher_t *watcher = s_watcher_new (self, pass);
    watcher->stream = event_stream_new (request, TEXT_EMPTY, &events, watcher);
    if (!watcher->stream) {
        free (watcher);
        return;
    }
    event_stream_limit (watcher->stream, CONFIRM_WITHIN_MS);
    watcher->queue = feed_queue_new (ROWS_MOST);
    edge_count (EDGE_FEED_WATCHERS, 1);
    if (self->count++ == 0) {
        self->away = bus_client_without (self->config.bus, BUS_FEATURE_FEED);
        self->again_ms = uv_now (self->loop) + AWAY_FIRST_MS;
        loop_timer_start_ms (self->tick, TICK_MS, TICK_MS);
    }
    watcher->app = s_app_of (self, watcher->principal.app);
    list_append (&watcher->app->watchers, &watcher->in_app);
    if (s_is_confirmed (self, watcher->app))
        s_make_ready (watcher->app);
}

void
feed_asked (void *owner, request_t *request, const http_head_t *head, const api_request_t *asked,
            const door_pass_t *pass, text_t fields)
{
    (void) head;
    (void) asked;
    feed_t *self = owner;
    char more[40];
    unsigned seconds, status = request_may_stay (request, &seconds);
    bool is_full = status == 503 || self->count >= self->config.watchers_most;
    request_set_fields (request, fields);
    snprintf (more, sizeof more, "retry-after: %u\r\n", seconds);
    if (pass->principal.session.size > 0)
        api_refuse (request, PROBLEM_FORBIDDEN, "", TEXT ("The token is for one session only"));
    else if (is_full)
        api_refuse (request, PROBLEM_BUSY, "", TEXT_EMPTY);
    else if (status)
        api_refuse (request, PROBLEM_TOO_MANY, more, TEXT_EMPTY);
    else if (bus_client_postoffices_up (self->config.bus) == 0)
        api_refuse (request, PROBLEM_UNAVAILABLE, "", TEXT_EMPTY);
    else
        s_open (self, request, pass);
}

// ---------------------------------------------------------------------------------------------
//  The bus

void
feed_postoffice_up (feed_t *self, unsigned postoffice)
{
    watched_app_t *app, *next;
    HASH_ITER (hh, self->apps, app, next)
    {
        app->confirmed[postoffice] = false;
        if (s_tells (self, postoffice))
            s_say_watch (self, app, postoffice, false);
    }
    self->away = bus_client_without (self->config.bus, BUS_FEATURE_FEED);
}

void
feed_postoffice_down (feed_t *self, unsigned postoffice)
{
    watched_app_t *app, *next;
    HASH_ITER (hh, self->apps, app, next)
    {
        app->confirmed[postoffice] = false;
        s_resync (app, FEED_LOST);
        if (s_is_confirmed (self, app))
            s_make_ready (app);
    }
    self->again_ms = uv_now (self->loop) + AWAY_FIRST_MS;
}

void
feed_watching (feed_t *self, unsigned postoffice, const bus_watching_t *watching)
{
    watched_app_t *app;
    HASH_FIND (hh, self->apps, watching->app.data, watching->app.size, app);
    if (!app)
        return; //  nobody watches it any more
    if (watching->gap) {
        s_resync (app, FEED_GAP);
        return;
    }
    if (watching->number != app->number || app->confirmed[postoffice])
        return;
    app->confirmed[postoffice] = true;
    s_resync (app, FEED_BACK);
    if (s_is_confirmed (self, app))
        s_make_ready (app);
}

void
feed_summary (feed_t *self, const bus_summary_t *summary)
{
    watched_app_t *app;
    HASH_FIND (hh, self->apps, summary->app.data, summary->app.size, app);
    if (!app)
        return;
    feed_row_t *row = feed_row_new (summary->session, summary->seq, summary->row);
    for (list_t *link = app->watchers.next; link != &app->watchers; link = link->next) {
        watcher_t *watcher = LIST_THING (link, watcher_t, in_app);
        (void) feed_queue_put (watcher->queue, row);
        event_stream_want_write (watcher->stream);
    }
    feed_row_drop (&row);
}

// ---------------------------------------------------------------------------------------------
//  Time

//  A key or the app is gone, or a token is over: the edge's file says so, as for sockets.
static void
s_check (feed_t *self, watcher_t *watcher)
{
    close_reason_t reason =
        door_may_stay (self->config.door, &watcher->principal, &watcher->ticket);
    if (reason != CLOSE_CLIENT)
        s_end (watcher, close_reasons[reason].words);
}

static void
s_look_after (feed_t *self, watched_app_t *app, uint64_t now)
{
    if (!s_is_confirmed (self, app) && now >= app->asked_ms + CONFIRMED_WITHIN_MS)
        s_ask (self, app);
    for (list_t *link = app->watchers.next; link != &app->watchers; link = link->next) {
        watcher_t *watcher = LIST_THING (link, watcher_t, in_app);
        if (now >= self->checked_ms + CHECKED_EVERY_MS)
            s_check (self, watcher);
        watcher->is_alive_due = now >= watcher->written_ms + self->config.sign_every_ms;
        if (watcher->is_alive_due || !feed_queue_is_empty (watcher->queue))
            event_stream_want_write (watcher->stream);
        if (watcher->end && now >= watcher->end_ms + END_WITHIN_MS)
            event_stream_abort (watcher->stream);
    }
}

static void
s_on_tick (void *owner)
{
    feed_t *self = owner;
    uint64_t now = uv_now (self->loop);
    unsigned away = bus_client_without (self->config.bus, BUS_FEATURE_FEED);
    bool is_forgotten = away == 0 && self->away > 0;
    if (is_forgotten || (away > 0 && now >= self->again_ms)) {
        s_resync_all (self, FEED_LOST);
        self->again_ms = now + AWAY_EVERY_MS;
    }
    self->away = away;
    watched_app_t *app, *next;
    HASH_ITER (hh, self->apps, app, next)
    s_look_after (self, app, now);
    if (now >= self->checked_ms + CHECKED_EVERY_MS)
        self->checked_ms = now;
}

uint64_t
feed_count (const feed_t *self)
{
    return self->count;
}

void
feed_drain (feed_t *self)
{
    watched_app_t *app, *next;
    HASH_ITER (hh, self->apps, app, next)
    for (list_t *link = app->watchers.next; link != &app->watchers; link = link->next)
        s_end (LIST_THING (link, watcher_t, in_app), "this edge is ending");
}

feed_t *
feed_new (uv_loop_t *loop, const feed_config_t *config)
{
    feed_t *self = alloc_zeroed (sizeof *self);
    self->loop = loop;
    self->config = *config;
    edge_metrics[EDGE_FEED_WATCHERS_LIMIT] = (int64_t) config->watchers_most;
    self->tick = loop_timer_new (loop, s_on_tick, self);
    return self;
}

void
feed_destroy (feed_t **self_p)
{
    feed_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    loop_timer_destroy (&self->tick);
    free (self);
}
