#include "session/settle.h"

#include "base/clock.h"
#include "session/catch_up.h"
#include "session/outbound.h"
#include "session/presence.h"
#include "session/replies.h"
#include "session/schedule.h"
#include "tables/postoffice_metrics.h"

static void
s_detach (session_t *self, const operation_t *operation)
{
    const bus_detach_t *detach = &operation->record.detach;
    endpoint_t *endpoint = session_endpoint (self, operation->peer, detach->endpoint);
    if (!endpoint)
        return;
    if (detach->received_seq != SEQ_UNKNOWN)
        presence_receipt (endpoint, detach->received_seq);
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

void
settle_operation (session_t *self, operation_t *operation)
{
    switch (operation->kind) {
    case OPERATION_ATTACH:
        if (operation->verdict == VERDICT_OK) {
            catch_up_attached (self, operation);
            if (settle_is_foreign (self))
                split_hosting_asked (&self->split_hosting);
        } else
            catch_up_refused (self, operation);
        break;
    case OPERATION_DETACH:
        s_detach (self, operation);
        break;
    case OPERATION_POST:
        catch_up_answer_post (self, operation);
        break;
    case OPERATION_ACCEPTED:
        if (operation->verdict != VERDICT_OK)
            reply_accepted_in_vain (self->office, operation);
        break;
    case OPERATION_DONE:
        reply_done (self->office, operation);
        break;
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
           && operation->kind != OPERATION_ACCEPTED;
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

static void
s_end_turns (session_t *self, changeset_t *changeset)
{
    if (!list_is_empty (&changeset->ended))
        presence_end_bot_typing (self);
    for (size_t at = 0; at < changeset->finish_count; at++) {
        turn_t *turn = LIST_THING (list_first (&changeset->ended), turn_t, in_fold);
        workers_forget (self->office->workers, turn,
                        changeset->finishes[at].state == WORK_CANCELLED);
        turn_destroy (&turn);
    }
}

//  The changeset is in the log (or had nothing for it): tell everyone, in order.
void
settle_changeset (session_t *self, changeset_t **changeset_p)
{
    changeset_t *changeset = *changeset_p;
    metric_add (POSTOFFICE_ENTRIES, (int64_t) changeset->entry_count);
    if (changeset->opens)
        metric_add (POSTOFFICE_OPENED, 1);
    s_end_turns (self, changeset);
    list_t *link;
    while ((link = list_first (&changeset->operations))) {
        operation_t *operation = LIST_THING (link, operation_t, place);
        for (size_t at = 0; at < operation->entry_count; at++) {
            size_t index = operation->first_entry + at;
            self->published_seq = changeset->first_seq + index;
            outbound_tell (self->office, &self->endpoints, self->key, self->published_seq,
                           &changeset->entries[index], changeset->origins[index]);
        }
        list_remove (link);
        settle_operation (self, operation);
    }
    changeset_destroy (changeset_p);
    settle_dispatch (self);
}
