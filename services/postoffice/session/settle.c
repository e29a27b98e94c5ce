#include "session/settle.h"

#include "base/clock.h"
#include "rules/changes.h"
#include "rules/deadlines.h"
#include "rules/handover.h"
#include "session/catch_up.h"
#include "session/company.h"
#include "session/outbound.h"
#include "session/presence.h"
#include "session/schedule.h"
#include "tables/handover_counts.h"
#include "tables/postoffice_metrics.h"
#include "triggers/alerts.h"
#include "triggers/webhook_items.h"

// ---------------------------------------------------------------------------------------------
//  Deciding

//  Finds or makes the endpoint of an ATTACH that was granted, with these permissions.
static void
s_admit_endpoint (session_t *self, operation_t *operation, uint64_t may)
{
    const bus_attach_t *attach = &operation->record.attach;
    if (!session_endpoint (self, operation->peer, attach->endpoint)) {
        endpoint_t *endpoint = endpoint_new (self, operation->peer, attach);
        list_append (&self->endpoints, &endpoint->in_session);
        self->endpoint_count++;
        if (!edges_file (self->office->edges, endpoint)) {
            //  Its edge is gone meanwhile. When it was sent away, it is at another postoffice.
            if (operation->arrived_us <= self->office->suspended_us)
                presence_hand_over (self, endpoint);
            else
                presence_lose (self, endpoint);
            operation->verdict = VERDICT_NOT_JOINED;
            return;
        }
    }
    session_endpoint (self, operation->peer, attach->endpoint)->may = may;
    participant_t *participant = fold_participant (&self->fold, attach->role, attach->user);
    if (participant)
        list_remove (&participant->absent);
}

static void
s_decide_attach (switchboard_t *switchboard, session_t *self, operation_t *operation)
{
    const bus_attach_t *attach = &operation->record.attach;
    endpoint_t *endpoint = session_endpoint (self, operation->peer, attach->endpoint);
    //  Before anything is in the changeset: who is not let in must not be in the log as joined.
    if (!endpoint && self->endpoint_count >= self->office->endpoint_limit) {
        metric_add (POSTOFFICE_FULL_ENDPOINTS, 1);
        operation->verdict = VERDICT_BUSY;
        return;
    }
    switchboard_attach (switchboard, operation,
                        session_has_other_endpoint (self, attach->role, attach->user, endpoint));
    if (operation->verdict == VERDICT_OK)
        s_admit_endpoint (self, operation, switchboard_permissions (switchboard, attach));
}

//  A participant without a connection says something: it is as present as it was before.
static void
s_decide_request (switchboard_t *switchboard, session_t *self, operation_t *operation)
{
    if (operation->channel.size > 0) {
        switchboard_visit (switchboard, operation);
        return;
    }
    if (!self->fold.exists) {
        operation->verdict = VERDICT_NOT_JOINED;
        return;
    }
    bus_post_t *post = &operation->record.post;
    text_t user = operation->user;
    if (operation->role == ROLE_VISITOR && user.size == 0) {
        user = changeset_keep (self->changeset, self->fold.visitor);
        operation_say_for (operation, user);
    }
    const participant_t *participant = fold_participant (&self->fold, operation->role, user);
    if (operation->role == ROLE_API)
        post->sender = changeset_keep (self->changeset, switchboard->bot_sender);
    else if (participant && !operation->has_sender)
        post->sender = changeset_keep (self->changeset, participant->sender);
    else
        post->sender = operation->sender.size > 0 ? operation->sender : TEXT ("{}");
    switchboard_post (switchboard, operation, operation->role, user, DIALECT_RICH,
                      PERMISSIONS_ALL);
}

static void
s_decide_post (switchboard_t *switchboard, session_t *self, operation_t *operation)
{
    if (operation->of_request) {
        s_decide_request (switchboard, self, operation);
        return;
    }
    const bus_post_t *post = &operation->record.post;
    endpoint_t *endpoint = session_endpoint (self, operation->peer, post->endpoint);
    if (!endpoint) {
        operation->verdict = VERDICT_NOT_JOINED;
        return;
    }
    bool takes = endpoint_takes (endpoint, operation);
    //  A session may be gone under its endpoints: its day was dropped.
    if (takes && !self->fold.exists)
        operation->verdict = VERDICT_NOT_JOINED;
    else if (takes)
        switchboard_post (switchboard, operation, endpoint->role,
                          changeset_keep (self->changeset, endpoint->user), endpoint->dialect,
                          endpoint->may);
    //  At once: what stands behind it is decided on before it is answered.
    endpoint_note_post (endpoint, operation);
}

//  The log has nothing of it, so nobody hears that the question waits on. Another postoffice may
//  have the session, too, and the question may be over there: then that is loaded.
static void
s_put_off (session_t *self, turn_t *turn)
{
    workers_forget (self->office->workers, turn, false);
    presence_end_bot_typing (self);
    self->stale = self->stale || settle_is_foreign (self) || self->endpoint_count == 0;
}

//  What a worker says of a turn. It speaks only for topics that it subscribed to. The log has
//  nothing of ACCEPTED, so that counts at once: the turn may be over when the changeset is stored.
static void
s_decide_on_work (switchboard_t *switchboard, session_t *self, operation_t *operation)
{
    turn_t *turn = fold_turn (&self->fold, operation_item (operation));
    operation->began_ms = turn ? turn->since_ms : 0;
    if (turn && !turn_is_of (turn, operation->topics ? operation->topics : ""))
        operation->verdict = VERDICT_NOT_ALLOWED;
    else if (operation->kind == OPERATION_DONE) {
        switchboard_done (switchboard, operation);
        if (operation->is_put_off)
            s_put_off (self, turn);
    } else if (turn)
        workers_accepted (self->office->workers, turn, operation->peer);
    else
        operation->verdict = VERDICT_DUPLICATE;
}

//  Is the participant's absence for this postoffice to tell? Not unless it is the host, and was so
//  during all of the grace period: the participant may be at another one, and have come back there
//  without a word in the log. Nor while another postoffice has endpoints of the session: the
//  participant's may be among them. It gets another grace period then, and the others are told
//  something, which they have to answer.
static bool
s_is_to_say (session_t *self, const operation_t *absent)
{
    if (session_has_other_endpoint (self, absent->role, absent->user, NULL))
        return false;
    if (!self->host_since_us || absent->arrived_us < self->host_since_us) {
        metric_add (POSTOFFICE_ABSENCES_REFUSED, 1);
        return false;
    }
    if (!split_hosting_is_on (&self->split_hosting, clock_mono_ms ()))
        return true;
    participant_t *participant = fold_participant (&self->fold, absent->role, absent->user);
    if (participant && participant->present && list_is_empty (&participant->absent)) {
        schedule_await (self->office->schedule, participant);
        (void) store_notify (self->office->store, NOTIFY_MOVED, self->key);
    }
    return false;
}

//  Between now and the commit another postoffice may become the host: then the append loses.
static void
s_decide_absent (switchboard_t *switchboard, session_t *self, operation_t *operation)
{
    switchboard_absent (switchboard, operation);
    if (operation->entry_count == 0)
        return;
    self->changeset->only_host = true;
    list_remove (&fold_participant (&self->fold, operation->role, operation->user)->absent);
}

bool
settle_is_doubtful (const session_t *self, const operation_t *operation)
{
    const bus_attach_t *attach = &operation->record.attach;
    uint64_t check;
    if (operation->tries > 0)
        return false;
    switch (operation->kind) {
    case OPERATION_DONE:
        return !fold_turn (&self->fold, operation->record.done.item);
    case OPERATION_ACCEPTED:
        return !fold_turn (&self->fold, operation->record.accepted.item);
    case OPERATION_ATTACH:
        if (switchboard_is_out (&self->fold, attach))
            return true;
        check = recent_ids_check (&self->fold.recent, attach->seq);
        return attach->seq != SEQ_UNKNOWN
               && (attach->seq > self->fold.last_seq || log_check_differs (attach->check, check));
    case OPERATION_TIMER:
        return operation->timer.seq > self->fold.last_seq;
    case OPERATION_MATCH:
        return operation->match.version > self->fold.control_seq;
    case OPERATION_ANSWERED:
        return !handover_is_of_offer (&self->fold, operation->record.done.item);
    case OPERATION_CHANGE:
        return changes_is_idle (&self->fold, operation);
    case OPERATION_POST:
        //  A version that is not known here may be that of another postoffice's entry.
        if (operation->record.post.version > self->fold.control_seq + 1)
            return true;
        return operation->of_request
               && (!self->fold.exists
                   || (operation->if_match != SEQ_UNKNOWN
                       && operation->if_match != self->fold.last_seq));
    default:
        return false;
    }
}

//  What may end the waiting stands behind it in the queue: a visitor is not told of a place just
//  before an offer, or before nobody is free. It is told at the next time, if it waits then.
static bool
s_is_overtaken (const session_t *self, const operation_t *operation)
{
    if (operation->match.what != MATCH_NOTICE)
        return false;
    for (const list_t *link = self->queue.next; link != &self->queue; link = link->next) {
        const operation_t *later = LIST_THING (link, operation_t, place);
        bool is_match = later->kind == OPERATION_MATCH && later->match.what != MATCH_NOTICE;
        if (is_match || later->kind == OPERATION_TIMER || later->kind == OPERATION_ANSWERED
            || later->kind == OPERATION_CHANGE)
            return true;
    }
    return false;
}

void
settle_decide (session_t *self, switchboard_t *switchboard, operation_t *operation)
{
    operation->verdict = VERDICT_OK;
    operation->seq = operation->time_ms = operation->check = 0;
    operation->opened = operation->is_put_off = false;
    operation->seen = (control_seen_t){ .role = 0 };
    operation->first_entry = self->changeset->entry_count;
    operation->entry_count = 0;
    switch (operation->kind) {
    case OPERATION_ATTACH:
        s_decide_attach (switchboard, self, operation);
        break;
    case OPERATION_POST:
        s_decide_post (switchboard, self, operation);
        break;
    case OPERATION_DONE:
    case OPERATION_ACCEPTED:
        s_decide_on_work (switchboard, self, operation);
        break;
    case OPERATION_ABSENT:
        if (s_is_to_say (self, operation))
            s_decide_absent (switchboard, self, operation);
        break;
    case OPERATION_TIMER:
        deadlines_run (switchboard, operation);
        break;
    case OPERATION_CHANGE:
        changes_decide (switchboard, operation);
        break;
    case OPERATION_MATCH:
        if (s_is_overtaken (self, operation))
            operation->verdict = VERDICT_DUPLICATE;
        else
            switchboard_match (switchboard, operation);
        break;
    case OPERATION_ANSWERED:
        switchboard_answered (switchboard, operation);
        break;
    case OPERATION_DETACH:
        break; //  changes nothing in the log: done when its turn has come
    }
    operation->last_seq = self->fold.last_seq;
    operation->is_closed = self->fold.is_closed;
}

void
settle_end (switchboard_t *switchboard)
{
    deadlines_end (switchboard);
    alerts_end (switchboard);
    webhook_items_end (switchboard);
}

// ---------------------------------------------------------------------------------------------
//  The end

static void
s_detach (session_t *self, const operation_t *operation)
{
    const bus_detach_t *detach = &operation->record.detach;
    endpoint_t *endpoint = session_endpoint (self, operation->peer, detach->endpoint);
    if (!endpoint)
        return;
    if (detach->received_seq != SEQ_UNKNOWN)
        presence_receipt (endpoint, detach->received_seq, detach->read_seq);
    if (detach->moved)
        presence_hand_over (self, endpoint);
    else
        presence_lose (self, endpoint);
}

bool
settle_is_foreign (const session_t *self)
{
    return self->fold.exists && self->fold.last_writer != self->office->rules.writer;
}

//  The answer says what it has read now.
static void
s_mark_read (session_t *self, operation_t *operation)
{
    participant_t *reader =
        operation->verdict == VERDICT_OK ? changes_reader (&self->fold, operation->change) : NULL;
    if (reader)
        operation->seq = company_read (self, reader, operation->change->read_seq);
}

//  The endpoint may be gone already.
static void
s_welcome (session_t *self, const operation_t *operation)
{
    endpoint_t *endpoint =
        session_endpoint (self, operation->peer, operation->record.attach.endpoint);
    if (endpoint)
        company_arrived (endpoint);
}

void
settle_operation (session_t *self, operation_t *operation)
{
    switch (operation->kind) {
    case OPERATION_ATTACH:
        if (operation->verdict == VERDICT_OK) {
            catch_up_attached (self, operation);
            s_welcome (self, operation);
            if (settle_is_foreign (self))
                split_hosting_asked (&self->split_hosting);
        } else {
            const bus_attach_t *attach = &operation->record.attach;
            endpoint_t *endpoint = session_endpoint (self, operation->peer, attach->endpoint);
            if (endpoint && endpoint->state == ENDPOINT_ATTACHING)
                presence_lose (self, endpoint);
            reply_attach (self->office, operation, self->published, false);
        }
        break;
    case OPERATION_DETACH:
        s_detach (self, operation);
        break;
    case OPERATION_POST:
        catch_up_answer_post (self, operation);
        break;
    case OPERATION_DONE:
        if (operation->verdict == VERDICT_OK && !operation->is_refused)
            bot_health_note (self->office->bots,
                             &(bot_outcome_t){ .app = self->fold.app,
                                               .session = self->key,
                                               .began_ms = operation->began_ms,
                                               .done = &operation->record.done });
        reply_work (self->office, operation);
        break;
    case OPERATION_ACCEPTED:
        reply_work (self->office, operation);
        break;
    case OPERATION_TIMER:
        self->office->timer_ended (self->office->timer_owner, operation);
        break;
    case OPERATION_CHANGE:
        if (operation->change->kind == CHANGE_READ)
            s_mark_read (self, operation);
        reply_post (self->office, operation);
        break;
    case OPERATION_ANSWERED:
        self->office->offer_answered (self->office->answered_owner, operation);
        break;
    case OPERATION_MATCH:
    case OPERATION_ABSENT:
        break;
    }
    histogram_add (&postoffice_operation_time, clock_mono_us () - operation->arrived_us);
    schedule_ended (self->office->schedule, operation);
    operation_destroy (&operation);
}

bool
settle_is_elsewhere (const session_t *self, const operation_t *operation)
{
    bool is_of_before = operation->arrived_us <= self->office->suspended_us;
    return (is_of_before || operation->moved_away) && operation->kind != OPERATION_DONE
           && operation->kind != OPERATION_ACCEPTED && operation->kind != OPERATION_TIMER
           && operation->kind != OPERATION_MATCH && operation->kind != OPERATION_ANSWERED
           && !operation->of_request;
}

void
settle_drop (session_t *self, operation_t **operation_p)
{
    schedule_ended (self->office->schedule, *operation_p);
    operation_destroy (operation_p);
}

void
settle_moved_posts (session_t *self, const operation_t *detach)
{
    list_t *lists[] = { &self->queue, self->changeset ? &self->changeset->operations : NULL };
    for (size_t at = 0; at < sizeof lists / sizeof *lists && lists[at]; at++)
        for (list_t *link = lists[at]->next; link != lists[at];) {
            operation_t *post = LIST_THING (link, operation_t, place);
            link = link->next;
            if (post->kind != OPERATION_POST || post->peer != detach->peer
                || operation_endpoint (post) != operation_endpoint (detach))
                continue;
            if (lists[at] == &self->queue) {
                self->queue_count--;
                settle_drop (self, &post);
            } else
                post->moved_away = true;
        }
}

//  Hands the first open turn of each topic to the workers.
void
settle_dispatch (session_t *self)
{
    list_t *turns = &self->fold.turns;
    for (list_t *link = turns->next; link != turns; link = link->next) {
        turn_t *turn = LIST_THING (link, turn_t, in_fold);
        bool first = true;
        for (list_t *earlier = turns->next; first && earlier != link; earlier = earlier->next)
            first = !text_is (LIST_THING (earlier, turn_t, in_fold)->topic, turn->topic);
        if (first)
            workers_want (self->office->workers, turn);
    }
}

//  Deliveries that the append has leased go to workers; the others are in the table.
static void
s_hand_out (session_t *self, const changeset_t *changeset)
{
    bool is_in_table = false;
    for (size_t at = 0; at < changeset->work_count; at++) {
        const store_work_t *work = &changeset->works[at];
        if (work->kind == WORK_DELIVERY && work->is_leased)
            deliveries_hand_out (self->office->deliveries, self->key, self->fold.app, work);
        else
            is_in_table = is_in_table || (work->kind == WORK_DELIVERY && work->after_ms == 0);
    }
    if (is_in_table)
        deliveries_look (self->office->deliveries);
}

static bool
s_is_silent (const session_t *self)
{
    return self->fold.exists && self->fold.control_role == ROLE_ROUTER;
}

void
settle_loaded (session_t *self, uint64_t waited_ms)
{
    if (!s_is_silent (self))
        self->silent_since_us = 0;
    else if (!self->silent_since_us)
        self->silent_since_us = clock_mono_us () - waited_ms * 1000;
}

//  Who ends it counts it.
static void
s_count_silence (session_t *self)
{
    uint64_t now = clock_mono_us (), role = self->fold.control_role;
    if (s_is_silent (self) == (self->silent_since_us > 0))
        return;
    if (self->silent_since_us > 0)
        handover_counts_waited (now - self->silent_since_us,
                                role == ROLE_AGENT || role == ROLE_PLATFORM);
    self->silent_since_us = self->silent_since_us > 0 ? 0 : now;
}

//  Somebody is sought now; or whoever had something to do with the session may have less to do.
static void
s_tell_matcher (const session_t *self)
{
    matcher_t *matcher = self->office->matcher;
    if (matcher && self->fold.offer.waits)
        matcher_somebody_waits (matcher);
    else if (matcher)
        matcher_somebody_is_free (matcher);
}

//  Who passed the visitor on is told no more than this, unless it has come in again meanwhile.
static void
s_put_out (session_t *self, const store_entry_t *left)
{
    const participant_t *participant = fold_participant (&self->fold, left->role, left->user);
    if (participant && participant->is_out)
        presence_put_out (self, participant);
}

//  The changeset is in the log (or had nothing for it): tell everyone, in order.
void
settle_changeset (session_t *self, changeset_t **changeset_p)
{
    changeset_t *changeset = *changeset_p;
    metric_add (POSTOFFICE_ENTRIES, (int64_t) changeset->entry_count);
    if (changeset->opens)
        metric_add (POSTOFFICE_OPENED, 1);
    if (changeset->control_changes) {
        s_tell_matcher (self);
        s_count_silence (self);
    }
    if (!list_is_empty (&changeset->ended))
        presence_end_bot_typing (self);
    for (size_t at = 0; at < changeset->finish_count; at++) {
        list_t *first = list_first (&changeset->ended);
        turn_t *turn = first ? LIST_THING (first, turn_t, in_fold) : NULL;
        if (!turn || !text_is (turn->item, changeset->finishes[at].item)) {
            deliveries_cancel (self->office->deliveries, changeset->finishes[at].item);
            continue; //  of an offer; or of a timer, of which nobody here knows by this name
        }
        bool cancels = changeset->finishes[at].state == WORK_CANCELLED || turn->is_told_elsewhere;
        workers_forget (self->office->workers, turn, cancels);
        turn_destroy (&turn);
    }
    list_t *link;
    while ((link = list_first (&changeset->operations))) {
        operation_t *operation = LIST_THING (link, operation_t, place);
        for (size_t at = 0; at < operation->entry_count; at++) {
            size_t index = operation->first_entry + at;
            const store_entry_t *entry = &changeset->entries[index];
            self->published =
                (log_position_t){ changeset->first_seq + index, entry->check };
            handover_counts_entry (entry->event, entry->data);
            outbound_tell (self->office, &self->endpoints, self->key, self->published, entry,
                           changeset->origins[index]);
            if (entry->event == EVENT_USER_LEFT)
                s_put_out (self, entry);
        }
        list_remove (link);
        settle_operation (self, operation);
    }
    s_hand_out (self, changeset);
    changeset_destroy (changeset_p);
    settle_dispatch (self);
}
