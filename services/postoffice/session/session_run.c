#include "session/session_run.h"

#include "session/catch_up.h"
#include "session/feed.h"
#include "session/outbound.h"
#include "base/clock.h"
#include "base/alloc.h"
#include "rules/bot_failure.h"
#include "rules/changes.h"
#include "tables/postoffice_metrics.h"
#include "session/company.h"
#include "session/presence.h"
#include "base/log.h"
#include "session/schedule.h"
#include "session/settle.h"
#include "session/truncation.h"

#include <assert.h>
#include <stdlib.h>

//  States, by what the fold is worth:
//
//      UNKNOWN ──turn──► LOADING ──loaded──► READY ──turn──► COMMITTING
//         ▲                 │ failed          ▲ ▲ │ stale         │
//         ├─────────────────┘                 │ └─┼─────stored────┤
//         │◄──────────────────────────────────┼───┘               │
//         └◄──────────conflict, unsure, down, rejected────────────┘
//
//  Events: TURN (the loop gives a turn: something is asked, or may be done now); LOADED and
//  LOAD_FAILED; STORED, CONFLICT, UNSURE, DOWN and REJECTED (what became of the changeset); MOVED
//  and SHARED (another postoffice wrote, has endpoints); STORE_READY (the database is back, and
//  nobody told us what others wrote meanwhile); HANDED_OVER (peers were sent to others).
//
//  The scenarios that made it so:
//  - One changeset of a session is at the store at a time. Operations that come meanwhile wait and
//    go into the next, so that a changeset never builds on one that may be lost.
//  - A changeset that lost (conflict), or of which nobody knows (unsure), leaves the fold ahead of
//    a log that is not there. The operations go back to the head of the queue, the session is
//    loaded, and each is decided again: one that is in the log is found by its message id. What is
//    unsure is never answered "not stored".
//  - MOVED while LOADING or COMMITTING: what is loaded may be older than the write that the notice
//    is about. `stale` is set, and the session is loaded once more when it is READY.
//  - A changeset that PostgreSQL can never take is taken apart: each of its operations goes into
//    one of its own (`alone`), and the one that is rejected alone is refused for good.
//  - A worker speaks of a turn that is not in the fold, or a client has entries that are not: the
//    log is loaded once before a word is refused for good (`doubtful`).
//  - Somebody comes to a session that was loaded for its work, for a request, or that all had left:
//    it is loaded again, as the load for endpoints is what makes this postoffice its host. A
//    changeset that says who has left loses (conflict) when another postoffice is the host by then.
//  - An agent passes its visitor on and is out (afterPass): its endpoints go with the entry that
//    says so, or with the load that finds it. What brings a connection back (REATTACH, resume) does
//    not let it in; the log is loaded once before it is refused (`doubtful`).
//  - An endpoint leaves and comes again in one changeset: its coming waits for the next changeset,
//    because its leaving takes effect only when this one is settled.
//  - Peers that were sent away, and endpoints that have moved, ask elsewhere. What they asked here
//    is dropped, also what is at the store when it comes back from there undecided, and nobody is
//    said to have left because of it.

//  A changeset that loses this often meets somebody who writes all the time: the asker is told
//  "busy".
#define MOST_TRIES 10

//  How far the session's row may be behind in saying when the session was active.
#define TOUCHED_EVERY_MS (5 * 60 * 1000)
//  So many of the last entries are compared with what was told before, when it is loaded again.
#define LOADED_AGAIN_IDS 64

//  What comes with an event.
typedef struct {
    session_event_t event;
    const stored_session_t *stored; //  of LOADED
} news_t;

static void s_happens (session_t *self, const news_t *news);

// ---------------------------------------------------------------------------------------------
//  The store

static void
s_put_back (session_t *self, bool unsure)
{
    list_t operations;
    list_init (&operations);
    list_t *link;
    while ((link = list_first (&self->changeset->operations))) {
        operation_t *operation = LIST_THING (link, operation_t, place);
        if (settle_is_elsewhere (self, operation)) {
            settle_drop (self, &operation);
            continue;
        }
        operation->tries++;
        operation->unsure = operation->unsure || unsure;
        list_append (&operations, link);
        self->queue_count++;
    }
    while ((link = list_first (&self->queue)))
        list_append (&operations, link);
    while ((link = list_first (&operations)))
        list_append (&self->queue, link);
}

//  Does something that the same endpoint asked stand before it in the queue?
static bool
s_is_behind_its_own (const session_t *self, const operation_t *operation)
{
    for (const list_t *link = self->queue.next; link != &operation->place; link = link->next) {
        const operation_t *earlier = LIST_THING (link, operation_t, place);
        if (earlier->peer == operation->peer
            && operation_endpoint (earlier) == operation_endpoint (operation))
            return true;
    }
    return false;
}

//  Answers what cannot wait, or has waited too often, with the verdict; the rest stays.
static void
s_refuse_queued (session_t *self, verdict_t verdict, unsigned tries)
{
    list_t *link = self->queue.next;
    while (link != &self->queue) {
        operation_t *operation = LIST_THING (link, operation_t, place);
        link = link->next;
        bool of_client = operation->kind == OPERATION_ATTACH || operation->kind == OPERATION_POST
                         || operation->kind == OPERATION_CHANGE;
        //  Nobody must be told "not stored" of what may be; the edge has a limit of its own.
        if (operation->unsure)
            continue;
        //  An edge that brings back an endpoint has nobody to tell that it must wait.
        bool reattaches = operation->kind == OPERATION_ATTACH
                          && operation->record.attach.reason == ATTACH_REATTACH;
        if (operation->kind == OPERATION_DETACH
                ? s_is_behind_its_own (self, operation)
                : !of_client || reattaches || operation->tries < tries)
            continue;
        list_remove (&operation->place);
        self->queue_count--;
        operation->verdict = verdict;
        //  Those of a changeset that was lost: the answer would wait until its client has come so
        //  far.
        operation->seq = operation->time_ms = operation->check = 0;
        endpoint_t *endpoint =
            session_endpoint (self, operation->peer, operation_endpoint (operation));
        if (operation->kind == OPERATION_POST && endpoint)
            endpoint_note_post (endpoint, operation);
        settle_operation (self, operation);
    }
}

//  Nothing will ever come of this operation. A worker's answer becomes the failure of its turn,
//  which is stored and shown; everything else is refused for good.
static void
s_refuse_for_good (session_t *self, operation_t *operation)
{
    if (operation->kind == OPERATION_DONE && !operation->spoilt) {
        operation_spoil (operation);
        return;
    }
    list_remove (&operation->place);
    self->queue_count--;
    operation->verdict =
        operation->kind == OPERATION_DONE ? VERDICT_DUPLICATE : VERDICT_BAD_REQUEST;
    operation->seq = operation->time_ms = operation->check = 0;
    settle_operation (self, operation);
}

//  The database can never take the changeset. When that was one operation's, it is that one's
//  fault; of several each goes into a changeset of its own, so that the neighbours are stored.
static void
s_take_apart (session_t *self, const news_t *news)
{
    (void) news;
    size_t writers = 0;
    operation_t *writer = NULL;
    list_t *operations = &self->changeset->operations;
    for (list_t *link = operations->next; link != operations; link = link->next) {
        operation_t *operation = LIST_THING (link, operation_t, place);
        if (operation->entry_count == 0)
            continue;
        operation->alone = true;
        writer = operation;
        writers++;
    }
    assert (writer);
    bool is_to_be_refused = writers == 1 && !settle_is_elsewhere (self, writer);
    s_put_back (self, false);
    if (is_to_be_refused)
        s_refuse_for_good (self, writer);
    schedule_pend (self->office->schedule, self);
}

static void
s_settle_stored (session_t *self, const news_t *news)
{
    (void) news;
    split_hosting_stored (&self->split_hosting, clock_mono_ms ());
    changeset_t *changeset = self->changeset;
    self->changeset = NULL;
    if (changeset->opens)
        session_set_host (self, true);
    if (changeset->is_left)
        presence_resign (self);
    settle_changeset (self, &changeset);
    feed_note (self);
    schedule_pend (self->office->schedule, self);
}

static void
s_decide_again (session_t *self, const news_t *news)
{
    metric_add (POSTOFFICE_CONFLICTS, 1);
    s_put_back (self, news->event == SESSION_UNSURE);
    s_refuse_queued (self, VERDICT_BUSY, MOST_TRIES);
    schedule_pend (self->office->schedule, self);
}

//  The store cannot be asked; the changeset is not stored.
static void
s_refuse_and_retry (session_t *self, const news_t *news)
{
    if (news->event == SESSION_DOWN)
        s_put_back (self, false);
    s_refuse_queued (self, VERDICT_STORE_DOWN, 0);
    schedule_retry (self->office->schedule, self);
}

//  Has the database leased the item to this process?
static bool
s_is_leased (const store_work_t *work, const text_t *waits, size_t wait_count)
{
    bool is_leased = work->is_leased;
    for (size_t at = 0; is_leased && at < wait_count; at++)
        is_leased = !text_is (work->item, waits[at]);
    return is_leased;
}

//  Deliveries that the append was to lease: those that it has not, or nobody knows, are let go. An
//  item that was stored and leased after all is released as one that nobody knows.
static void
s_settle_leases (session_t *self, bool is_stored, const text_t *waits, size_t wait_count)
{
    changeset_t *changeset = self->changeset;
    for (size_t at = 0; at < changeset->work_count; at++) {
        store_work_t *work = &changeset->works[at];
        if (work->kind != WORK_DELIVERY || !work->is_leased)
            continue;
        work->is_leased = is_stored && s_is_leased (work, waits, wait_count);
        if (!work->is_leased)
            deliveries_let_go (self->office->deliveries, work->item);
    }
}

static void
s_on_appended (void *owner, uint64_t request_id, store_outcome_t outcome, const text_t *waits,
               size_t wait_count)
{
    static const session_event_t events[] = {
        [STORED] = SESSION_STORED,           [STORE_CONFLICT] = SESSION_CONFLICT,
        [STORE_UNSURE] = SESSION_UNSURE,     [STORE_DOWN] = SESSION_DOWN,
        [STORE_REJECTED] = SESSION_REJECTED,
    };
    (void) request_id;
    s_settle_leases (owner, outcome == STORED, waits, wait_count);
    s_happens (owner, &(news_t){ .event = events[outcome] });
}

//  What a turn was before the fold was loaded anew.
static turn_t *
s_earlier_turn (const session_t *self, const fold_t *old, text_t item)
{
    turn_t *turn = fold_turn (old, item);
    if (turn || !self->changeset)
        return turn;
    const list_t *ended = &self->changeset->ended;
    for (list_t *link = ended->next; link != ended; link = link->next)
        if (text_is (LIST_THING (link, turn_t, in_fold)->item, item))
            return LIST_THING (link, turn_t, in_fold);
    return NULL;
}

//  What only memory knows goes over from the old fold to the new one. What clients have received
//  does when the log is known to have it.
static void
s_inherit (session_t *self, fold_t *old, bool is_received)
{
    list_t *turns = &self->fold.turns;
    for (list_t *link = turns->next; link != turns; link = link->next) {
        turn_t *turn = LIST_THING (link, turn_t, in_fold);
        turn_t *earlier = s_earlier_turn (self, old, turn->item);
        if (earlier)
            workers_inherit (self->office->workers, turn, earlier);
        else if (turn_is_again (turn))
            bot_failure_put_off (session_bot_failure (self), &self->fold, turn);
    }
    list_t *participants = &self->fold.participants;
    for (list_t *link = participants->next; link != participants; link = link->next) {
        participant_t *participant = LIST_THING (link, participant_t, in_fold);
        participant_t *earlier = fold_participant (old, participant->role, participant->user);
        if (!earlier)
            continue;
        if (participant->present && !list_is_empty (&earlier->absent)) {
            participant->absent_since_ms = earlier->absent_since_ms;
            list_append (&earlier->absent, &participant->absent); //  at its place
        }
        company_inherit (participant, earlier, is_received);
        participant->typing = earlier->typing;
    }
    fold_inherit (&self->fold, old);
    list_t *gone[] = { &old->turns, self->changeset ? &self->changeset->ended : NULL };
    for (size_t at = 0; at < sizeof gone / sizeof *gone && gone[at]; at++)
        for (list_t *link = gone[at]->next; link != gone[at]; link = link->next)
            workers_forget (self->office->workers, LIST_THING (link, turn_t, in_fold), false);
    changeset_destroy (&self->changeset);
}

static void
s_take_over (session_t *self, const news_t *news)
{
    fold_t old;
    fold_move (&old, &self->fold);
    fold_load (&self->fold, news->stored);
    log_position_t told = self->published;
    self->published = fold_last (&self->fold);
    s_inherit (self, &old, truncation_look (self, &old, told));
    fold_free (&old);
    feed_note_load (self, told);
    //  Stale means: since it was asked for. Then it is asked for again, with what it is wanted for.
    self->wanted = self->wanted && self->stale;
    uint64_t host = news->stored->host;
    bool had_other_host = self->load_hosts && host && host != self->office->rules.writer;
    split_hosting_loaded (&self->split_hosting, had_other_host || settle_is_foreign (self));
    presence_loaded (self, host);
    if (self->fold.turn_count == 0)
        presence_end_bot_typing (self);
    presence_put_all_out (self);
    catch_up_all (self);
    settle_dispatch (self);
    settle_loaded (self, news->stored->waited_ms);
    schedule_pend (self->office->schedule, self);
}

static void
s_on_loaded (void *owner, uint64_t request_id, store_outcome_t outcome,
             const stored_session_t *stored)
{
    (void) request_id;
    s_happens (owner,
               &(news_t){ .event = outcome == STORED ? SESSION_LOADED : SESSION_LOAD_FAILED,
                          .stored = stored });
}

static void
s_load_if_wanted (session_t *self, const news_t *news)
{
    (void) news;
    if (!self->queue_count && !self->endpoint_count && !self->fold.turn_count && !self->changeset
        && !self->wanted) {
        schedule_consider_idle (self->office->schedule, self);
        return;
    }
    text_t ids[CHANGESET_OPERATIONS];
    size_t count = 0;
    for (list_t *link = self->queue.next; link != &self->queue && count < CHANGESET_OPERATIONS;
         link = link->next) {
        const operation_t *operation = LIST_THING (link, operation_t, place);
        if (operation->kind == OPERATION_POST)
            ids[count++] = operation->record.post.message_id;
        else if (operation->change)
            ids[count++] = operation->change->message_id;
    }
    metric_add (POSTOFFICE_LOADS, 1);
    uint64_t recent = self->published.seq ? LOADED_AGAIN_IDS : 1;
    self->load_hosts = presence_needs_host (self);
    if (store_load (self->office->store, self->key, ids, count, recent, self->load_hosts, 0,
                    s_on_loaded, self)
        == 0) {
        self->state = SESSION_LOADING;
        self->stale = false;
        return;
    }
    s_refuse_queued (self, VERDICT_BUSY, 0);
    schedule_retry (self->office->schedule, self);
}

//  The first delivery of each lane is leased, when a worker has room for it.
static void
s_lease_deliveries (session_t *self)
{
    changeset_t *changeset = self->changeset;
    for (size_t at = 0; at < changeset->work_count; at++) {
        store_work_t *work = &changeset->works[at];
        bool is_first = work->kind == WORK_DELIVERY && work->after_ms == 0;
        for (size_t before = 0; before < at && is_first; before++)
            is_first = work->lane.size == 0 || !text_is (changeset->works[before].lane, work->lane);
        if (is_first)
            work->is_leased = deliveries_lease (self->office->deliveries, work);
    }
}

static void
s_commit (session_t *self)
{
    changeset_t *changeset = self->changeset;
    s_lease_deliveries (self);
    //  The row says it only so exactly that no message needs a write to it.
    uint64_t now = clock_mono_ms ();
    bool closes = changeset->closing == SESSION_CLOSES; //  which is no activity
    bool touches = !closes && now - self->fold.active_ms >= TOUCHED_EVERY_MS;
    if (touches || (!closes && changeset->control_changes))
        self->fold.active_ms = now;
    //  One that is opened for somebody who is not there needs no host, either.
    changeset->is_left =
        (changeset->only_host || changeset->opens) && presence_is_left (self);
    store_append_t append = { .session = self->key,
                              .opens = changeset->opens,
                              .app = self->fold.app,
                              .visitor = self->fold.visitor,
                              .day_ms = self->fold.day_ms,
                              .day = self->fold.day,
                              .first_seq = changeset->first_seq,
                              .entries = changeset->entries,
                              .entry_count = changeset->entry_count,
                              .participants = changeset->participants,
                              .participant_count = changeset->participant_count,
                              .external_refs = changeset->external_refs,
                              .external_ref_count = changeset->external_ref_count,
                              .control_changes = changeset->control_changes,
                              .control_role = self->fold.control_role,
                              .control_user = self->fold.control_user,
                              .control_seq = self->fold.control_seq,
                              .away_seq = self->fold.meanwhile.since_seq,
                              .offer = self->fold.offer,
                              .offer_begins = changeset->offer_begins,
                              .closing = changeset->closing,
                              .touches = touches,
                              .only_host = changeset->only_host,
                              .is_left = changeset->is_left,
                              .works = changeset->works,
                              .work_count = changeset->work_count,
                              .finishes = changeset->finishes,
                              .finish_count = changeset->finish_count,
                              .asked = changeset->asked, .asked_count = changeset->asked_count,
                              .notify_others = changeset->follows_other };
    self->state = SESSION_COMMITTING;
    if (store_append (self->office->store, &append, 0, s_on_appended, self) != 0)
        s_on_appended (self, 0, STORE_DOWN, NULL, 0);
}

//  An endpoint that leaves and comes again: it is gone when the changeset before is settled, and
//  not before. Coming again has to wait for that.
static bool
s_returns_too_soon (const session_t *self, const operation_t *operation)
{
    if (operation->kind != OPERATION_ATTACH)
        return false;
    const list_t *drafted = &self->changeset->operations;
    for (const list_t *link = drafted->next; link != drafted; link = link->next) {
        const operation_t *earlier = LIST_THING (link, operation_t, place);
        if (earlier->kind == OPERATION_DETACH && earlier->peer == operation->peer
            && operation_endpoint (earlier) == operation_endpoint (operation))
            return true;
    }
    return false;
}

static void
s_wait (session_t *self, const news_t *news)
{
    (void) news;
    schedule_consider_idle (self->office->schedule, self);
}

static void
s_decide (session_t *self)
{
    assert (!self->changeset);
    self->changeset = changeset_new (self->key);
    //  Without endpoints here (a worker brought what a lost postoffice had asked for) they may be
    //  elsewhere, where nobody writes: then each entry is told, not only the first in a row.
    self->changeset->follows_other =
        self->fold.exists
        && (settle_is_foreign (self) || self->endpoint_count == 0
            || split_hosting_tells (&self->split_hosting, clock_mono_ms ()));
    switchboard_t switchboard = session_switchboard (self);
    list_t *link;
    bool is_alone = false, has_room = true;
    while (has_room && (link = list_first (&self->queue))) {
        operation_t *operation = LIST_THING (link, operation_t, place);
        if (s_returns_too_soon (self, operation))
            break;
        if (self->changeset->entry_count > 0 && (operation->alone || is_alone))
            break;
        if (settle_is_doubtful (self, operation)) {
            operation->tries++;
            self->stale = true;
            break;
        }
        self->queue_count--;
        is_alone = operation->alone;
        settle_decide (self, &switchboard, operation);
        has_room = changeset_take (self->changeset, &operation);
    }
    settle_end (&switchboard);
    if (self->changeset->entry_count > 0) {
        s_commit (self);
        return;
    }
    changeset_t *changeset = self->changeset;
    self->changeset = NULL;
    settle_changeset (self, &changeset);
    schedule_pend (self->office->schedule, self);
}

static void
s_go_on (session_t *self, const news_t *news)
{
    //  It was loaded for its work, or for a request, or nobody was left: who comes now needs a
    //  host.
    bool lacks_host =
        self->fold.exists && !self->host_since_us && presence_needs_host (self);
    if (self->stale || lacks_host) {
        self->state = SESSION_UNKNOWN;
        s_load_if_wanted (self, news);
        return;
    }
    catch_up_all (self);
    if (self->queue_count > 0)
        s_decide (self);
    else
        schedule_consider_idle (self->office->schedule, self);
}

void
session_turn (session_t *self)
{
    session_happens (self, SESSION_TURN);
    //  Who wrote last, or has told us something, is to know that there are endpoints here.
    uint64_t now = clock_mono_ms ();
    if (self->endpoint_count > 0 && split_hosting_says (&self->split_hosting, now)
        && store_notify (self->office->store, NOTIFY_SHARED, self->key) == 0)
        split_hosting_said (&self->split_hosting, now);
    //  What is due and could not be said yet is tried again.
    if (self->split_hosting.is_due && self->endpoint_count > 0 && list_is_empty (&self->pending))
        schedule_retry (self->office->schedule, self);
}

//  What a worker says of an item again, while the first time has not been stored, is answered where
//  it was said last; else it would be kept as often as it is said, as long as the database is away.
bool
session_has_heard (session_t *self, const operation_t *operation)
{
    text_t item = operation->of_request ? TEXT_EMPTY : operation_item (operation);
    //  An ACCEPTED of the changeset has been decided on, for the worker that said it.
    bool looks_on = self->changeset && operation->kind == OPERATION_DONE;
    list_t *lists[] = { &self->queue, looks_on ? &self->changeset->operations : NULL };
    for (size_t at = 0; at < sizeof lists / sizeof *lists && lists[at] && item.size > 0; at++)
        for (list_t *link = lists[at]->next; link != lists[at]; link = link->next) {
            operation_t *earlier = LIST_THING (link, operation_t, place);
            if (earlier->kind != operation->kind || !text_is (operation_item (earlier), item)
                || !text_is (text_of (earlier->topics), text_of (operation->topics)))
                continue;
            earlier->peer = operation->peer;
            return true;
        }
    return false;
}

void
session_ask (session_t *self, operation_t **operation_p)
{
    const operation_t *operation = *operation_p;
    if (operation->kind == OPERATION_DETACH && operation->record.detach.moved)
        settle_moved_posts (self, operation);
    list_append (&self->queue, &(*operation_p)->place);
    self->queue_count++;
    *operation_p = NULL;
    schedule_pend (self->office->schedule, self);
}

// ---------------------------------------------------------------------------------------------
//  The machine

static void
s_note_stale (session_t *self, const news_t *news)
{
    (void) news;
    self->stale = true;
    split_hosting_asked (&self->split_hosting);
    if (self->state == SESSION_READY) //  else it has a turn when it is
        schedule_pend (self->office->schedule, self);
}

//  What another postoffice may have missed before we knew of it, it is told of now; should that get
//  lost, it is told when the database is back.
static void
s_hear_shared (session_t *self, const news_t *news)
{
    (void) news;
    bool is_news = !self->split_hosting.is_shared;
    if (split_hosting_heard (&self->split_hosting, clock_mono_ms ()))
        (void) store_notify (self->office->store, NOTIFY_MOVED, self->key);
    //  Who is the host, the database knows. The later of two loads finds the earlier one, so that
    //  each of the two postoffices knows of the other, whatever notice is lost.
    self->stale = self->stale || (is_news && self->host_since_us);
    if (self->state == SESSION_READY)
        schedule_pend (self->office->schedule, self);
}

//  What other postoffices wrote meanwhile was told to nobody. And a fail-over may have lost what
//  another one's load said last of the host: grace periods begin anew, so that it can say so again.
static void
s_load_again (session_t *self, const news_t *news)
{
    (void) news;
    self->stale = true;
    session_set_host (self, false);
    if (self->split_hosting.is_shared
        || split_hosting_was_deaf (&self->split_hosting, self->office->deaf_since_ms))
        (void) store_notify (self->office->store, NOTIFY_MOVED, self->key);
    //  The load may be asked again, and find nobody but ourselves.
    if (self->state == SESSION_LOADING)
        split_hosting_asked (&self->split_hosting);
    if (list_is_empty (&self->pending) && (self->endpoint_count > 0 || self->wanted))
        schedule_retry (self->office->schedule, self);
}

static void
s_hand_over (session_t *self, const news_t *news)
{
    (void) news;
    for (list_t *first; (first = list_first (&self->endpoints));)
        presence_hand_over (self, LIST_THING (first, endpoint_t, in_session));
    presence_resign (self);
    self->stale = true;
    for (list_t *link = self->queue.next; link != &self->queue;) {
        operation_t *operation = LIST_THING (link, operation_t, place);
        link = link->next;
        if (!settle_is_elsewhere (self, operation))
            continue;
        self->queue_count--;
        settle_drop (self, &operation);
    }
    schedule_consider_idle (self->office->schedule, self);
}

#define IS(STATE) (1u << SESSION_##STATE)

typedef struct {
    void (*action) (session_t *self, const news_t *news); //  NULL: cannot happen
    session_state_t enters;
    unsigned ends;
} run_row_t;

static const run_row_t s_rows[SESSION_STATES][SESSION_EVENTS] = {
#define RUN(STATE, EVENT, action, ENTERS, ends)                                                  \
    [SESSION_##STATE][SESSION_##EVENT] = { s_##action, SESSION_##ENTERS, ends },
#define NEVER(STATE, EVENT)
#include "session/session_run.def"
#undef RUN
#undef NEVER
};

static void
s_happens (session_t *self, const news_t *news)
{
    const run_row_t *row = &s_rows[self->state][news->event];
    assert (row->action);
    self->state = row->enters;
    row->action (self, news);
    assert (row->ends & 1u << self->state);
}

void
session_happens (session_t *self, session_event_t event)
{
    s_happens (self, &(news_t){ .event = event });
}
