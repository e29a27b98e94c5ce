#include "rules/fold.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "model/offer.h"

#include <assert.h>
#include <stdlib.h>

turn_t *
turn_new (const turn_t *prototype)
{
    text_t texts[] = { prototype->item, prototype->session, prototype->app,   prototype->topic,
                       prototype->user, prototype->body,    prototype->secret,
                       prototype->memory, prototype->lane_memory };
    turn_t *self = alloc_packed (sizeof *self, texts, sizeof texts / sizeof *texts);
    self->state = prototype->state;
    self->seq = prototype->seq;
    self->lease = prototype->lease;
    self->lost = prototype->lost;
    self->replays = prototype->replays;
    self->is_suppressed = prototype->is_suppressed;
    self->tries_most = prototype->tries_most;
    self->held_until_ms = prototype->held_until_ms;
    self->asked_ms = prototype->asked_ms;
    self->hidden = prototype->hidden;
    self->item = texts[0];
    self->session = texts[1];
    self->app = texts[2];
    self->topic = texts[3];
    self->user = texts[4];
    self->body = texts[5];
    self->secret = texts[6];
    self->memory = texts[7];
    self->lane_memory = texts[8];
    list_init (&self->place);
    list_init (&self->in_fold);
    return self;
}

void
turn_destroy (turn_t **self_p)
{
    turn_t *self = *self_p;
    if (!self)
        return;
    list_remove (&self->place);
    list_remove (&self->in_fold);
    free (self);
    *self_p = NULL;
}

bool
turn_is_again (const turn_t *self)
{
    size_t size = sizeof TURN_AGAIN_PREFIX - 1;
    return self->item.size > size && memcmp (self->item.data, TURN_AGAIN_PREFIX, size) == 0;
}

bool
turn_is_of (const turn_t *self, const char *topics)
{
    for (const char *at = topics; *at; at += strspn (at, " ")) {
        size_t size = strcspn (at, " ");
        if (text_is ((text_t){ at, size }, self->topic))
            return true;
        at += size;
    }
    return false;
}

static void
s_disown (text_t *text)
{
    if (text->size)
        free ((char *) text->data);
    *text = TEXT_EMPTY;
}

//  Empty texts are not allocated, so that disowning can tell.
static void
s_replace (text_t *text, text_t with)
{
    text_t copy = TEXT_EMPTY;
    if (with.size > 0) {
        copy = with;
        alloc_packed (0, &copy, 1); //  it points at the copy now, which is all of the memory
    }
    s_disown (text);
    *text = copy;
}

void
fold_init (fold_t *self, text_t session, void *owner)
{
    *self = (fold_t){ .session = session,
                      .owner = owner,
                      .app = TEXT_EMPTY,
                      .visitor = TEXT_EMPTY,
                      .control_user = TEXT_EMPTY,
                      .control_role = ROLE_BOT,
                      .offer = { .sought = TEXT_EMPTY,
                                 .offered_to = TEXT_EMPTY,
                                 .text = TEXT_EMPTY } };
    list_init (&self->participants);
    list_init (&self->turns);
    meanwhile_init (&self->meanwhile);
}

void
fold_free (fold_t *self)
{
    list_t *link;
    while ((link = list_first (&self->participants))) {
        participant_t *participant = LIST_THING (link, participant_t, in_fold);
        list_remove (link);
        list_remove (&participant->absent);
        list_remove (&participant->unsettled);
        s_disown (&participant->user);
        s_disown (&participant->sender);
        s_disown (&participant->info);
        s_disown (&participant->channel);
        s_disown (&participant->external_id);
        free (participant);
    }
    while ((link = list_first (&self->turns))) {
        turn_t *turn = LIST_THING (link, turn_t, in_fold);
        fold_end_turn (self, turn);
        turn_destroy (&turn);
    }
    s_disown (&self->app);
    s_disown (&self->visitor);
    s_disown (&self->control_user);
    s_disown (&self->offer.sought);
    s_disown (&self->offer.offered_to);
    s_disown (&self->offer.text);
    recent_ids_free (&self->recent);
    meanwhile_free (&self->meanwhile);
    fold_answered (self);
    fold_init (self, self->session, self->owner);
}

void
fold_move (fold_t *self, fold_t *from)
{
    *self = *from;
    list_init (&self->participants);
    list_init (&self->turns);
    list_t *link;
    while ((link = list_first (&from->participants)))
        list_append (&self->participants, link);
    while ((link = list_first (&from->turns)))
        list_append (&self->turns, link);
    meanwhile_move (&self->meanwhile, &from->meanwhile);
    fold_init (from, from->session, from->owner);
}

//  Only the first turn of a topic can be in the hands of a worker; the others wait behind it. Which
//  was for the bot only, its row does not say: so all are but what the log says nobody answered.
static void
s_load_turns (fold_t *self, const stored_session_t *stored)
{
    for (size_t at = 0; at < stored->work_count; at++) {
        const stored_work_t *row = &stored->works[at];
        bool behind = false;
        for (list_t *link = self->turns.next; !behind && link != &self->turns; link = link->next)
            behind = text_is (LIST_THING (link, turn_t, in_fold)->topic, row->topic);
        turn_t *turn = turn_new (&(turn_t){ .session = self->session,
                                            .app = self->app,
                                            .state = behind ? TURN_QUEUED : TURN_RECOVERED,
                                            .item = row->item,
                                            .topic = row->topic,
                                            .seq = row->seq,
                                            .user = row->user,
                                            .body = row->body,
                                            .secret = row->secret,
                                            .asked_ms = clock_wall_ms (),
                                            .hidden = row->seq != stored->unanswered.seq });
        fold_add_turn (self, turn);
        if (turn_is_again (turn)) {
            turn->tries_most = 1;
            self->failures = 1;
            self->told_ms = turn->asked_ms;
        }
    }
}

//  Persons are sought as the bot failed: the visitor was told, and they are not asked for again.
static void
s_load_failure (fold_t *self, const stored_session_t *stored)
{
    offer_t offer;
    if (stored->unanswered.seq == 0 || !offer_read (&offer, stored->offer))
        return;
    if (offer.by_role == ROLE_BOT && text_is (offer.why, TEXT (WHY_BOT_FAILED))) {
        self->failures = 1;
        self->told_ms = clock_wall_ms ();
        self->person_seq = stored->unanswered.seq;
    }
    offer_free (&offer);
}

//  Whom it seeks, only a changeset says.
static void
s_load_offer (fold_t *self, const stored_session_t *stored)
{
    self->control_seq = stored->control_seq;
    self->control_ms = stored->control_ms;
    self->waiting_ms = stored->waiting_ms;
    self->offer_until_ms = stored->offer_until_ms;
    self->offer.waits = stored->offer.size > 0;
    s_replace (&self->offer.offered_to, stored->offered_to);
    s_replace (&self->offer.text, stored->offer);
}

//  One more than are kept are loaded: so it is known whether there were more.
static void
s_load_meanwhile (fold_t *self, const stored_session_t *stored)
{
    if (stored->away_seq == 0)
        return;
    meanwhile_begin (&self->meanwhile, stored->away_seq);
    for (size_t at = 0; at < stored->said_count; at++)
        meanwhile_note (&self->meanwhile, &stored->said[at]);
    self->meanwhile.is_cut = self->meanwhile.is_cut || stored->said_count > MEANWHILE_MOST;
}

static uint64_t
s_at_most (uint64_t seq, uint64_t most)
{
    return seq < most ? seq : most;
}

void
fold_load (fold_t *self, const stored_session_t *stored)
{
    assert (!self->exists && list_is_empty (&self->participants) && list_is_empty (&self->turns));
    if (!stored->exists)
        return;
    self->exists = true;
    s_replace (&self->app, stored->app);
    s_replace (&self->visitor, stored->visitor);
    self->day = stored->day;
    self->last_seq = stored->last_seq;
    self->last_time_ms = stored->last_time_ms;
    self->last_writer = stored->last_writer;
    self->created_ms = stored->created_ms;
    self->stored_ms = stored->last_stored_ms;
    self->closed_ms = stored->closed_ms;
    self->activity_ms = stored->is_closed ? 0 : stored->last_stored_ms;
    self->is_closed = stored->is_closed;
    uint64_t now = clock_mono_ms ();
    self->active_ms = now > stored->active_ago_ms ? now - stored->active_ago_ms : 0;
    fold_control (self, stored->control_role, stored->control_user);
    s_load_offer (self, stored);
    s_load_meanwhile (self, stored);
    for (size_t at = 0; at < stored->participant_count; at++) {
        const stored_participant_t *row = &stored->participants[at];
        participant_t *participant = fold_admit (self, row->role, row->user, row->sender);
        fold_inform (participant, row->info);
        participant->present = row->present;
        participant->is_out = row->is_out && !row->present;
        participant->received_seq = row->received_seq;
        participant->delivered_seq = s_at_most (row->delivered_seq, self->last_seq);
        participant->read_seq = s_at_most (row->read_seq, self->last_seq);
        fold_reach (participant, row->channel, row->external_id);
    }
    self->will_close = !self->is_closed && fold_company (self) != COMPANY_SEEN;
    s_load_turns (self, stored);
    if (stored->unanswered.seq > 0) {
        question_t question = { .seq = stored->unanswered.seq,
                                .user = stored->unanswered.user,
                                .body = stored->unanswered.body,
                                .secret = TEXT_EMPTY,
                                .since_ms = stored->unanswered_ms };
        for (size_t at = 0; at < stored->work_count; at++)
            if (stored->works[at].seq == question.seq)
                question.secret = stored->works[at].secret;
        fold_wait (self, &question);
    }
    s_load_failure (self, stored);
    recent_ids_load (&self->recent, stored->known, stored->known_count);
}

void
fold_open (fold_t *self, text_t app, text_t visitor, uint64_t day_ms)
{
    assert (!self->exists);
    self->exists = true;
    self->day_ms = self->created_ms = day_ms;
    self->day = day_ms / (24 * 3600 * 1000);
    self->active_ms = clock_mono_ms ();
    s_replace (&self->app, app);
    s_replace (&self->visitor, visitor);
}

participant_t *
fold_participant (const fold_t *self, uint64_t role, text_t user)
{
    for (list_t *link = self->participants.next; link != &self->participants; link = link->next) {
        participant_t *participant = LIST_THING (link, participant_t, in_fold);
        if (participant->role == role && text_is (participant->user, user))
            return participant;
    }
    return NULL;
}

participant_t *
fold_admit (fold_t *self, uint64_t role, text_t user, text_t sender)
{
    participant_t *participant = fold_participant (self, role, user);
    if (!participant) {
        participant = alloc_zeroed (sizeof *participant);
        participant->owner = self->owner;
        participant->role = role;
        participant->user = participant->sender = participant->info = TEXT_EMPTY;
        participant->channel = participant->external_id = TEXT_EMPTY;
        participant->received_seq = SEQ_UNKNOWN;
        s_replace (&participant->user, user);
        list_init (&participant->in_fold);
        list_init (&participant->absent);
        list_init (&participant->unsettled);
        list_append (&self->participants, &participant->in_fold);
    }
    if (!text_is (participant->sender, sender))
        s_replace (&participant->sender, sender);
    participant->present = true;
    participant->is_out = false;
    return participant;
}

void
fold_inform (participant_t *participant, text_t info)
{
    if (info.size > sizeof "{}" - 1 && !text_is (participant->info, info))
        s_replace (&participant->info, info);
}

void
fold_reach (participant_t *participant, text_t channel, text_t external_id)
{
    s_replace (&participant->channel, channel);
    s_replace (&participant->external_id, external_id);
}

void
fold_leave (participant_t *participant)
{
    participant->present = false;
    if (participant_is_of_api (participant))
        fold_reach (participant, TEXT_EMPTY, TEXT_EMPTY);
}

company_t
fold_company (const fold_t *self)
{
    company_t company = COMPANY_NONE;
    for (list_t *link = self->participants.next; link != &self->participants; link = link->next) {
        const participant_t *participant = LIST_THING (link, participant_t, in_fold);
        bool is_of_channel = participant->role == ROLE_VISITOR && participant->channel.size > 0
                             && !participant_is_of_api (participant);
        if (participant->present && !is_of_channel)
            return COMPANY_SEEN;
        if (participant->present)
            company = COMPANY_OF_CHANNEL;
    }
    return company;
}

bool
fold_is_attended (const fold_t *self)
{
    return self->exists && self->control_role != 0 && self->control_role != ROLE_BOT;
}

bool
fold_controls (const fold_t *self, uint64_t role, text_t user)
{
    return self->control_role == role && text_is (self->control_user, user);
}

void
fold_control (fold_t *self, uint64_t role, text_t user)
{
    self->control_role = role;
    s_replace (&self->control_user, user);
}

void
fold_offer (fold_t *self, const store_offer_t *offer)
{
    uint64_t now = clock_wall_ms ();
    self->waiting_ms = !offer->waits ? 0 : self->offer.waits ? self->waiting_ms : now;
    self->offer_until_ms = offer->offered_to.size > 0 ? now + offer->for_ms : 0;
    self->offer.waits = offer->waits;
    self->offer.for_ms = offer->for_ms;
    s_replace (&self->offer.sought, offer->sought);
    s_replace (&self->offer.offered_to, offer->offered_to);
    s_replace (&self->offer.text, offer->text);
}

turn_t *
fold_turn (const fold_t *self, text_t item)
{
    for (list_t *link = self->turns.next; link != &self->turns; link = link->next) {
        turn_t *turn = LIST_THING (link, turn_t, in_fold);
        if (text_is (turn->item, item))
            return turn;
    }
    return NULL;
}

void
fold_add_turn (fold_t *self, turn_t *turn)
{
    list_append (&self->turns, &turn->in_fold);
    self->turn_count++;
}

void
fold_end_turn (fold_t *self, turn_t *turn)
{
    assert (self->turn_count > 0);
    self->turn_count--;
    list_remove (&turn->in_fold);
}

void
fold_wait (fold_t *self, const question_t *question)
{
    text_t texts[] = { question->user, question->body, question->secret };
    question_t *copy = alloc_packed (sizeof *copy, texts, sizeof texts / sizeof *texts);
    uint64_t since = self->unanswered ? self->unanswered->since_ms : question->since_ms;
    *copy = (question_t){ .seq = question->seq,
                          .user = texts[0],
                          .body = texts[1],
                          .secret = texts[2],
                          .since_ms = since };
    free (self->unanswered);
    self->unanswered = copy;
}

void
fold_answered (fold_t *self)
{
    self->failures = self->told_ms = 0;
    free (self->unanswered);
    self->unanswered = NULL;
}

void
fold_inherit (fold_t *self, const fold_t *before)
{
    const question_t *now = self->unanswered, *then = before->unanswered;
    bool is_same = now && then && now->seq == then->seq && text_is (now->user, then->user)
                   && text_is (now->body, then->body);
    if (is_same && now->secret.size == 0)
        fold_wait (self, then);
    if (before->person_seq > 0)
        self->person_seq = before->person_seq;
    if (self->failures == 0 && !is_same)
        return;
    self->failures = before->failures > self->failures ? before->failures : self->failures;
    self->told_ms = before->told_ms ? before->told_ms : self->told_ms;
}

log_position_t
fold_last (const fold_t *self)
{
    return (log_position_t){ self->last_seq, recent_ids_check (&self->recent, self->last_seq) };
}

uint64_t
fold_next_time (const fold_t *self, uint64_t wall_ms, uint64_t client_ms)
{
    uint64_t time = wall_ms;
    if (time <= self->last_time_ms)
        time = self->last_time_ms + 1;
    bool believed = client_ms > 0 && client_ms <= wall_ms + CLIENT_AHEAD_MS;
    if (believed && time < client_ms + 2)
        time = client_ms + 2;
    return time;
}
