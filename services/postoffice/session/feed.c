#include "session/feed.h"

#include "base/alloc.h"
#include "base/hash_table.h"
#include "base/loop_timer.h"
#include "base/log.h"
#include "json/json_write.h"
#include "model/offer.h"
#include "model/session_key.h"
#include "tables/postoffice_metrics.h"

#include <stdlib.h>

//  An app that somebody watches.
typedef struct {
    UT_hash_handle hh;
    list_t watches;
    text_t id; //  behind the struct
} watched_app_t;

//  An edge that watches it.
typedef struct {
    list_t in_app;
    watched_app_t *app;
    peer_t peer;
    uint64_t number; //  of its last WATCH
    bool has_gap; //  is told no rows until it has taken what waits
} watch_t;

struct feed {
    postoffice_context_t *office;
    watched_app_t *apps;
    list_t changed; //  sessions, by session_t.changed: those that have their turn at the next tick
    list_t awaited; //  and those that are told when they are known
    size_t gaps;    //  watches with one
    buffer_t row;
    loop_timer_t *tick;
};

static watched_app_t *
s_app (const feed_t *self, text_t id)
{
    watched_app_t *app;
    HASH_FIND (hh, self->apps, id.data, id.size, app);
    return app;
}

//  The log's, and nothing of it is under way.
static bool
s_is_known (const session_t *session)
{
    return session->state == SESSION_READY && !session->changeset && session->fold.exists;
}

// ---------------------------------------------------------------------------------------------
//  The row of a session

//  Participants in a row; `presentCount` counts all.
#define PARTICIPANTS_MOST 50
#define ROW_MAX (256 * 1024)

//  0: not known, and left out.
static void
s_put_time (json_writer_t *json, const char *name, uint64_t time_ms)
{
    if (time_ms > 0)
        json_put_time (json, name, time_ms);
}

static void
s_put_who (json_writer_t *json, const char *name, uint64_t role, text_t user)
{
    json_open_object (json, name);
    json_put_string (json, "role", role_name (role));
    json_put_text_if (json, "userId", user);
}

static void
s_put_participants (json_writer_t *json, const fold_t *fold)
{
    uint64_t present = 0;
    json_open_array (json, "participants");
    for (list_t *link = fold->participants.next; link != &fold->participants; link = link->next) {
        const participant_t *participant = LIST_THING (link, participant_t, in_fold);
        if (!participant->present || ++present > PARTICIPANTS_MOST)
            continue;
        s_put_who (json, NULL, participant->role, participant->user);
        json_put_bool (json, "present", true);
        json_put_bool (json, "connected", participant->contact == CONTACT_CONNECTED);
        json_close_object (json);
    }
    json_close_array (json);
    json_put_number (json, "presentCount", present);
}

//  What its own text has of it, and what changes while it stands.
static void
s_put_offer (json_writer_t *json, const fold_t *fold)
{
    offer_t offer;
    if (!offer_read (&offer, fold->offer.text)) {
        json_put_json (json, "offer", TEXT ("null"));
        return;
    }
    json_open_object (json, "offer");
    offer_put (&offer, json);
    s_put_time (json, "since", fold->waiting_ms);
    json_put_text_if (json, "offeredTo", fold->offer.offered_to);
    s_put_time (json, "until", fold->offer_until_ms);
    json_close_object (json);
    offer_free (&offer);
}

//  Appends the session, which exists, as a list has it (lists.sql). −1 when the buffer is full.
static int
s_write_row (const fold_t *fold, buffer_t *to)
{
    json_writer_t json;
    json_write_begin (&json, to);
    json_open_object (&json, NULL);
    json_put_text (&json, "sessionId", session_key_id (fold->session));
    json_put_text (&json, "appId", fold->app);
    json_put_text (&json, "visitor", fold->visitor);
    s_put_time (&json, "createdAt", fold->created_ms);
    json_put_string (&json, "state", fold->is_closed ? "closed" : "open");
    if (fold->is_closed)
        s_put_time (&json, "closedAt", fold->closed_ms);
    else
        json_put_json (&json, "closedAt", TEXT ("null"));
    json_put_number (&json, "lastSeq", fold->last_seq);
    s_put_time (&json, "lastAt", fold->stored_ms);
    s_put_time (&json, "lastActivity", fold->activity_ms);
    s_put_who (&json, "control", fold->control_role, fold->control_user);
    json_put_number (&json, "version", fold->control_seq);
    s_put_time (&json, "since", fold->control_ms);
    json_close_object (&json);
    s_put_offer (&json, fold);
    json_put_bool (&json, "waiting", fold->unanswered != NULL);
    s_put_participants (&json, fold);
    json_close_object (&json);
    return json_write_end (&json);
}

// ---------------------------------------------------------------------------------------------
//  Telling

static void
s_send (feed_t *self, peer_t peer, const bus_record_t *record)
{
    if (bus_server_send (self->office->bus, peer, record) != 0)
        log_debug ("not sent", log_string ("kind", bus_kind_name (record->kind)),
                   log_number ("peer", (int64_t) peer)); //  peer_down follows
}

static void
s_say_watching (feed_t *self, const watch_t *watch, bool is_gap)
{
    bus_record_t record = { .kind = BUS_WATCHING,
                            .watching = { .app = watch->app->id,
                                          .gap = is_gap,
                                          .number = watch->number } };
    metric_add (POSTOFFICE_FEED_GAPS, is_gap);
    s_send (self, watch->peer, &record);
}

static void
s_set_gap (feed_t *self, watch_t *watch, bool has_gap)
{
    if (watch->has_gap == has_gap)
        return;
    watch->has_gap = has_gap;
    self->gaps = has_gap ? self->gaps + 1 : self->gaps - 1;
}

//  Will be told, by the tick.
static void
s_miss (feed_t *self, watched_app_t *app)
{
    for (list_t *link = app->watches.next; link != &app->watches; link = link->next)
        s_set_gap (self, LIST_THING (link, watch_t, in_app), true);
    loop_timer_start_within_ms (self->tick, FEED_EVERY_MS);
}

static void
s_tell (feed_t *self, watched_app_t *app, const session_t *session)
{
    buffer_clear (&self->row);
    if (s_write_row (&session->fold, &self->row) != 0) {
        s_miss (self, app);
        return;
    }
    bus_record_t record = { .kind = BUS_SUMMARY,
                            .summary = { .app = app->id,
                                         .session = session_key_id (session->key),
                                         .seq = session->fold.last_seq,
                                         .row = buffer_text (&self->row) } };
    for (list_t *link = app->watches.next; link != &app->watches; link = link->next) {
        watch_t *watch = LIST_THING (link, watch_t, in_app);
        if (!watch->has_gap
            && bus_server_queued (self->office->bus, watch->peer) > FEED_WAITING_MOST)
            s_set_gap (self, watch, true);
        if (watch->has_gap)
            continue;
        s_send (self, watch->peer, &record);
        metric_add (POSTOFFICE_FEED_ROWS, 1);
    }
}

static void
s_unmark (session_t *session)
{
    if (!list_is_empty (&session->changed))
        metric_add (POSTOFFICE_FEED_CHANGED, -1);
    list_remove (&session->changed);
}

//  Those whose turn has come. One that is at the store waits for what becomes of that.
static void
s_tell_some (feed_t *self)
{
    list_t *first;
    for (unsigned rows = 0; rows < FEED_ROWS_AT_A_TIME && (first = list_first (&self->changed));
         rows++) {
        session_t *session = LIST_THING (first, session_t, changed);
        watched_app_t *app = s_app (self, session_key_app (session->key));
        if (app && !s_is_known (session)) {
            list_append (&self->awaited, first);
            session->is_awaited = true;
            continue;
        }
        s_unmark (session);
        if (app)
            s_tell (self, app, session);
    }
}

//  What waits for them has become less.
static void
s_close_gaps (feed_t *self)
{
    watched_app_t *app, *next;
    HASH_ITER (hh, self->apps, app, next)
    for (list_t *link = app->watches.next; link != &app->watches && self->gaps > 0;
         link = link->next) {
        watch_t *watch = LIST_THING (link, watch_t, in_app);
        if (!watch->has_gap
            || bus_server_queued (self->office->bus, watch->peer) > FEED_WAITING_MOST / 2)
            continue;
        s_set_gap (self, watch, false);
        s_say_watching (self, watch, true);
    }
}

static void
s_on_tick (void *owner)
{
    feed_t *self = owner;
    s_tell_some (self);
    if (self->gaps > 0)
        s_close_gaps (self);
    if (!list_is_empty (&self->changed) || self->gaps > 0)
        loop_timer_start_within_ms (self->tick, FEED_EVERY_MS);
}

// ---------------------------------------------------------------------------------------------
//  Changes

void
feed_mark (feed_t *self, session_t *session)
{
    watched_app_t *app = s_app (self, session_key_app (session->key));
    if (!app)
        return;
    metric_add (POSTOFFICE_FEED_CHANGES, 1);
    if (list_is_empty (&session->changed)) {
        metric_add (POSTOFFICE_FEED_CHANGED, 1);
        list_append (&self->changed, &session->changed);
        session->is_awaited = false;
        loop_timer_start_within_ms (self->tick, FEED_EVERY_MS);
    } else if (session->is_awaited && s_is_known (session)) {
        s_unmark (session);
        s_tell (self, app, session);
    }
}

void
feed_note_load (session_t *session, log_position_t told)
{
    feed_t *self = session->office->feed;
    if (!self)
        return;
    log_position_t last = fold_last (&session->fold);
    watched_app_t *app = s_app (self, session_key_app (session->key));
    bool is_lost = told.seq > last.seq
                   || log_check_differs (told.check,
                                         recent_ids_check (&session->fold.recent, told.seq));
    if (app && told.seq > 0 && is_lost)
        s_miss (self, app);
    if (!list_is_empty (&session->changed) || (told.seq > 0 && told.seq != last.seq))
        feed_mark (self, session);
}

void
feed_end_session (session_t *session)
{
    feed_t *self = session->office->feed;
    if (!self || list_is_empty (&session->changed))
        return;
    watched_app_t *app = s_app (self, session_key_app (session->key));
    s_unmark (session);
    if (app && s_is_known (session))
        s_tell (self, app, session);
    else if (app)
        s_miss (self, app);
}

void
feed_gap (feed_t *self)
{
    watched_app_t *app, *next;
    HASH_ITER (hh, self->apps, app, next)
    s_miss (self, app);
}

// ---------------------------------------------------------------------------------------------
//  Watches

static watch_t *
s_watch (const watched_app_t *app, peer_t peer)
{
    for (list_t *link = app->watches.next; link != &app->watches; link = link->next)
        if (LIST_THING (link, watch_t, in_app)->peer == peer)
            return LIST_THING (link, watch_t, in_app);
    return NULL;
}

static void
s_unmark_all (list_t *sessions)
{
    for (list_t *first; (first = list_first (sessions));)
        s_unmark (LIST_THING (first, session_t, changed));
}

static void
s_end_watch (feed_t *self, watch_t *watch)
{
    watched_app_t *app = watch->app;
    s_set_gap (self, watch, false);
    list_remove (&watch->in_app);
    free (watch);
    if (!list_is_empty (&app->watches))
        return;
    HASH_DEL (self->apps, app);
    free (app);
    metric_add (POSTOFFICE_FEED_APPS, -1);
    if (self->apps)
        return;
    self->office->feed = NULL;
    s_unmark_all (&self->changed);
    s_unmark_all (&self->awaited);
    loop_timer_stop (self->tick);
}

static watched_app_t *
s_app_new (feed_t *self, text_t id)
{
    watched_app_t *app = alloc_packed (sizeof *app, &id, 1);
    app->id = id;
    list_init (&app->watches);
    HASH_ADD_KEYPTR (hh, self->apps, app->id.data, app->id.size, app);
    metric_add (POSTOFFICE_FEED_APPS, 1);
    self->office->feed = self;
    return app;
}

void
feed_watch (feed_t *self, peer_t peer, const bus_watch_t *record)
{
    static log_limit_t limit = LOG_LIMIT (LOG_WARN, "app cannot be watched");
    watched_app_t *app = s_app (self, record->app);
    watch_t *watch = app ? s_watch (app, peer) : NULL;
    if (record->ends) {
        if (watch)
            s_end_watch (self, watch);
        return;
    }
    bool is_good = record->app.size > 0 && record->app.size <= APP_ID_MAX
                   && (app || HASH_COUNT (self->apps) < FEED_APPS_MOST);
    if (!is_good) {
        if (log_limit_allows (&limit))
            log_warn ("app cannot be watched", log_text ("app", record->app));
        return;
    }
    if (!watch) {
        watch = alloc_zeroed (sizeof *watch);
        watch->app = app ? app : s_app_new (self, record->app);
        watch->peer = peer;
        list_init (&watch->in_app);
        list_append (&watch->app->watches, &watch->in_app);
    }
    watch->number = record->number;
    s_say_watching (self, watch, false);
}

void
feed_peer_down (feed_t *self, peer_t peer)
{
    watched_app_t *app, *next;
    HASH_ITER (hh, self->apps, app, next)
    {
        watch_t *watch = s_watch (app, peer);
        if (watch)
            s_end_watch (self, watch);
    }
}

feed_t *
feed_new (uv_loop_t *loop, postoffice_context_t *office)
{
    feed_t *self = alloc_zeroed (sizeof *self);
    self->office = office;
    list_init (&self->changed);
    list_init (&self->awaited);
    buffer_init (&self->row, ROW_MAX);
    self->tick = loop_timer_new (loop, s_on_tick, self);
    return self;
}

void
feed_destroy (feed_t **self_p)
{
    feed_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    watched_app_t *app, *next;
    HASH_ITER (hh, self->apps, app, next)
    for (bool is_last = false; !is_last;) { //  the app goes with the last one
        list_t *first = app->watches.next;
        is_last = first->next == &app->watches;
        s_end_watch (self, LIST_THING (first, watch_t, in_app));
    }
    loop_timer_destroy (&self->tick);
    buffer_free (&self->row);
    free (self);
}
