#include "session/sessions.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/loop_timer.h"
#include "model/failure_data.h"
#include "rules/channel_items.h"
#include "session/feed.h"
#include "session/company.h"
#include "session/presence.h"
#include "session/outbound.h"
#include "session/schedule.h"
#include "tables/postoffice_metrics.h"

#include <stdlib.h>

#define TICK_MS 250

struct sessions {
    postoffice_context_t *office;
    session_t *by_key;
    loop_timer_t *tick;
};

void
sessions_happen (sessions_t *self, session_event_t event)
{
    if (event == SESSION_HANDED_OVER)
        self->office->suspended_us = clock_mono_us ();
    session_t *session, *next;
    HASH_ITER (hh, self->by_key, session, next)
    session_happens (session, event);
    if (event == SESSION_STORE_READY)
        schedule_retry_some (self->office->schedule);
}

// ---------------------------------------------------------------------------------------------
//  Time

static void
s_end_graces (sessions_t *self, uint64_t now)
{
    participant_t *participant;
    while (now >= self->office->grace_ms
           && (participant =
                   schedule_take_absent (self->office->schedule, now - self->office->grace_ms))) {
        session_t *session = participant->owner;
        operation_t *operation = operation_absent (participant->role, participant->user);
        schedule_begun (self->office->schedule, operation);
        session_ask (session, &operation);
    }
}

static void
s_settle (sessions_t *self, uint64_t now)
{
    participant_t *participant;
    while (now >= self->office->settle_ms
           && (participant = schedule_take_unsettled (self->office->schedule,
                                                      now - self->office->settle_ms)))
        company_settled (participant);
}

static void
s_on_tick (void *owner)
{
    sessions_t *self = owner;
    schedule_t *schedule = self->office->schedule;
    uint64_t now = clock_mono_ms ();
    s_end_graces (self, now);
    s_settle (self, now);
    session_t *session;
    while (now >= self->office->idle_ms
           && (session = schedule_take_idle (schedule, now - self->office->idle_ms))) {
        HASH_DEL (self->by_key, session);
        feed_end_session (session);
        session_destroy (&session);
        metric_add (POSTOFFICE_EVICTED, 1);
    }
    //  Whether the store is ready or not: to find out is a request.
    schedule_retry_some (schedule);
    schedule_load_t load = schedule_load (schedule);
    postoffice_counts[POSTOFFICE_OPERATIONS_QUEUED] = (int64_t) load.operations;
    postoffice_counts[POSTOFFICE_OPERATION_BYTES] = (int64_t) load.bytes;
}

// ---------------------------------------------------------------------------------------------
//  The table

sessions_t *
sessions_new (uv_loop_t *loop, postoffice_context_t *office)
{
    sessions_t *self = alloc_zeroed (sizeof *self);
    self->office = office;
    office->schedule = schedule_new (loop, session_turn);
    office->edges = edges_new ();
    self->tick = loop_timer_new (loop, s_on_tick, self);
    loop_timer_start_ms (self->tick, TICK_MS, TICK_MS);
    return self;
}

void
sessions_destroy (sessions_t **self_p)
{
    sessions_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    session_t *session, *next;
    HASH_ITER (hh, self->by_key, session, next)
    {
        HASH_DEL (self->by_key, session);
        session_destroy (&session);
    }
    edges_destroy (&self->office->edges);
    schedule_destroy (&self->office->schedule);
    loop_timer_destroy (&self->tick);
    free (self);
}

session_t *
sessions_find (sessions_t *self, text_t key)
{
    session_t *session;
    HASH_FIND (hh, self->by_key, key.data, key.size, session);
    return session;
}

static session_t *
s_find_or_make (sessions_t *self, text_t key)
{
    session_t *session = sessions_find (self, key);
    if (session)
        return session;
    session = session_new (self->office, key);
    HASH_ADD_KEYPTR (hh, self->by_key, session->key.data, session->key.size, session);
    return session;
}

void
sessions_ask (sessions_t *self, text_t key, operation_t **operation_p)
{
    operation_t *operation = *operation_p;
    if (!operation_make_storable (operation)) {
        reply_refused (self->office, operation, VERDICT_BAD_REQUEST);
        operation_destroy (operation_p);
        return;
    }
    //  What frees memory or ends work is taken even when too much waits: it is what helps.
    bool adds = operation->kind == OPERATION_ATTACH || operation->kind == OPERATION_POST
                || operation->kind == OPERATION_CHANGE;
    bool is_queue_full = schedule_load (self->office->schedule).bytes + operation->weight
                         > self->office->queue_limit;
    bool is_memory_full = HASH_COUNT (self->by_key) >= self->office->session_limit
                          && !sessions_find (self, key);
    if (adds && (is_queue_full || is_memory_full)) {
        metric_add (is_queue_full ? POSTOFFICE_FULL_QUEUE : POSTOFFICE_FULL_SESSIONS, 1);
        reply_refused (self->office, operation, VERDICT_BUSY);
        operation_destroy (operation_p);
        return;
    }
    session_t *session = sessions_find (self, key);
    if (!adds && session && session_has_heard (session, operation)) {
        operation_destroy (operation_p);
        return;
    }
    metric_add (POSTOFFICE_OPERATIONS, 1);
    schedule_begun (self->office->schedule, operation);
    bool is_timer = operation->kind == OPERATION_TIMER;
    bool is_new = !session;
    session = s_find_or_make (self, key);
    session->is_passing = is_timer && (is_new || session->is_passing);
    session_ask (session, operation_p);
}

void
sessions_refuse_turn (void *of, const turn_t *turn, bool for_good)
{
    buffer_t data;
    buffer_init (&data, FAILURE_DATA_MAX);
    failure_data_write (&data, BOT_TRIES_MOST, 0, "unavailable");
    bus_record_t record = { .kind = BUS_DONE,
                            .done = { .item = turn->item,
                                      .session = turn->session,
                                      .outcome = OUTCOME_FAILED,
                                      .data = buffer_text (&data),
                                      .target = TEXT_EMPTY,
                                      .detail = for_good ? TEXT ("the bot was out for too long")
                                                         : TEXT ("not asked: the bot is out"),
                                      .trace = TEXT_EMPTY,
                                      .topic = turn->topic,
                                      .fault = FAULT_BOT } };
    operation_t *operation = operation_of_record (0, &record);
    operation->topics = alloc_text (turn->topic);
    operation->is_refused = true;
    operation->gives_up = for_good;
    buffer_free (&data);
    sessions_ask (of, turn->session, &operation);
}

//  A worker speaks for topics that it subscribed to.
bool
sessions_offer_answered (sessions_t *self, peer_t peer, const bus_record_t *record)
{
    const bus_done_t *done = &record->done;
    const turn_t of_topic = { .topic = done->topic };
    if (!channel_items_is_offer (done->item) || done->outcome == OUTCOME_RETRY
        || done->session.size == 0
        || !turn_is_of (&of_topic, workers_topics (self->office->workers, peer)))
        return false;
    operation_t *operation = operation_answered (peer, record);
    sessions_ask (self, done->session, &operation);
    return true;
}

static void
s_load (sessions_t *self, session_t *session)
{
    session->wanted = true;
    session->is_passing = false;
    session_happens (session, SESSION_MOVED);
    schedule_pend (self->office->schedule, session);
}

uint64_t
sessions_room (const sessions_t *self)
{
    uint64_t limit = self->office->session_limit, count = HASH_COUNT (self->by_key);
    uint64_t most = limit - limit / 10;
    return count < most ? most - count : 0;
}

void
sessions_adopt (sessions_t *self, text_t key)
{
    s_load (self, s_find_or_make (self, key));
    metric_add (POSTOFFICE_ORPHANS, 1);
}

void
sessions_host (sessions_t *self, text_t key, bool is_claimed)
{
    session_t *session = s_find_or_make (self, key);
    bool is_busy = session->state == SESSION_LOADING || session->state == SESSION_COMMITTING;
    if (!is_claimed && (session->host_since_us || session->wanted || is_busy))
        return;
    presence_resign (session);
    s_load (self, session);
    metric_add (is_claimed ? POSTOFFICE_HOSTS_CLAIMED : POSTOFFICE_HOSTS_FOUND, 1);
}

// ---------------------------------------------------------------------------------------------
//  Edges

void
sessions_edge_down (sessions_t *self, peer_t peer)
{
    list_t endpoints;
    list_init (&endpoints);
    edges_down (self->office->edges, peer, &endpoints);
    list_t *link;
    while ((link = list_first (&endpoints))) {
        endpoint_t *endpoint = LIST_THING (link, endpoint_t, in_peer);
        presence_lose (endpoint->session, endpoint);
    }
}
