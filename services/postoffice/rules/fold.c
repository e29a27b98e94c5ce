#include "rules/fold.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <assert.h>
#include <stdlib.h>

turn_t *
turn_new (const turn_t *prototype)
{
    text_t texts[] = { prototype->item, prototype->session, prototype->app,   prototype->topic,
                       prototype->user, prototype->body,    prototype->secret };
    turn_t *self = alloc_packed (sizeof *self, texts, sizeof texts / sizeof *texts);
    self->state = prototype->state;
    self->seq = prototype->seq;
    self->lease = prototype->lease;
    self->item = texts[0];
    self->session = texts[1];
    self->app = texts[2];
    self->topic = texts[3];
    self->user = texts[4];
    self->body = texts[5];
    self->secret = texts[6];
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
                      .control_role = ROLE_BOT };
    list_init (&self->participants);
    list_init (&self->turns);
}

void
fold_free (fold_t *self)
{
    list_t *link;
    while ((link = list_first (&self->participants))) {
        participant_t *participant = LIST_THING (link, participant_t, in_fold);
        list_remove (link);
        list_remove (&participant->absent);
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
    recent_ids_free (&self->recent);
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
    fold_init (from, from->session, from->owner);
}

//  Only the first turn of a topic can be in the hands of a worker; the others wait behind it.
static void
s_load_turns (fold_t *self, const stored_session_t *stored)
{
    for (size_t at = 0; at < stored->work_count; at++) {
        const stored_work_t *row = &stored->works[at];
        bool behind = false;
        for (list_t *link = self->turns.next; !behind && link != &self->turns; link = link->next)
            behind = text_is (LIST_THING (link, turn_t, in_fold)->topic, row->topic);
        fold_add_turn (self, turn_new (&(turn_t){ .session = self->session,
                                                  .app = self->app,
                                                  .state = behind ? TURN_QUEUED : TURN_RECOVERED,
                                                  .item = row->item,
                                                  .topic = row->topic,
                                                  .seq = row->seq,
                                                  .user = row->user,
                                                  .body = row->body,
                                                  .secret = row->secret }));
    }
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
    for (size_t at = 0; at < stored->participant_count; at++) {
        const stored_participant_t *row = &stored->participants[at];
        participant_t *participant = fold_admit (self, row->role, row->user, row->sender);
        fold_inform (participant, row->info);
        participant->present = row->present;
        participant->received_seq = row->received_seq;
        fold_reach (participant, row->channel, row->external_id);
    }
    self->will_close = !self->is_closed && !fold_has_company (self);
    s_load_turns (self, stored);
    if (stored->unanswered.seq > 0) {
        question_t question = { .seq = stored->unanswered.seq,
                                .user = stored->unanswered.user,
                                .body = stored->unanswered.body,
                                .secret = TEXT_EMPTY };
        for (size_t at = 0; at < stored->work_count; at++)
            if (stored->works[at].seq == question.seq)
                question.secret = stored->works[at].secret;
        fold_wait (self, &question);
    }
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
        list_append (&self->participants, &participant->in_fold);
    }
    if (!text_is (participant->sender, sender))
        s_replace (&participant->sender, sender);
    participant->present = true;
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

bool
fold_has_company (const fold_t *self)
{
    for (list_t *link = self->participants.next; link != &self->participants; link = link->next)
        if (LIST_THING (link, participant_t, in_fold)->present)
            return true;
    return false;
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
    *copy = (question_t){ question->seq, texts[0], texts[1], texts[2] };
    free (self->unanswered);
    self->unanswered = copy;
}

void
fold_answered (fold_t *self)
{
    free (self->unanswered);
    self->unanswered = NULL;
}

void
fold_keep_secret (fold_t *self, const fold_t *before)
{
    const question_t *now = self->unanswered, *then = before->unanswered;
    if (now && then && now->seq == then->seq && text_is (now->user, then->user)
        && text_is (now->body, then->body) && now->secret.size == 0)
        fold_wait (self, then);
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
