#include "rules/operation.h"

#include "base/clock.h"
#include "base/alloc.h"
#include "base/utf8.h"
#include "model/failure_data.h"
#include "model/message.h"

#include <assert.h>
#include <stdlib.h>

static operation_kind_t
s_kind (bus_kind_t kind)
{
    switch (kind) {
    case BUS_ATTACH:
        return OPERATION_ATTACH;
    case BUS_DETACH:
        return OPERATION_DETACH;
    case BUS_POST:
        return OPERATION_POST;
    case BUS_ACCEPTED:
        return OPERATION_ACCEPTED;
    case BUS_DONE:
        return OPERATION_DONE;
    default:
        assert (!"a record that is no operation");
        return OPERATION_DONE;
    }
}

//  The user's text, which may be empty, stands behind those of the record.
static operation_t *
s_new (const bus_record_t *record, text_t user)
{
    bus_record_t copy = *record;
    text_t *places[BUS_TEXTS_MAX];
    text_t texts[BUS_TEXTS_MAX + 1];
    size_t count = bus_record_texts (&copy, places);
    size_t weight = sizeof (operation_t) + user.size;
    for (size_t at = 0; at < count; at++) {
        texts[at] = *places[at];
        weight += texts[at].size + 1;
    }
    texts[count] = user;
    operation_t *self = alloc_packed (sizeof *self, texts, count + 1);
    for (size_t at = 0; at < count; at++)
        *places[at] = texts[at];
    list_init (&self->place);
    self->kind = s_kind (copy.kind);
    self->record = copy;
    self->user = texts[count];
    self->weight = weight;
    self->arrived_us = clock_mono_us ();
    self->if_match = SEQ_UNKNOWN;
    return self;
}

operation_t *
operation_of_record (peer_t peer, const bus_record_t *record)
{
    operation_t *self = s_new (record, TEXT_EMPTY);
    self->peer = peer;
    return self;
}

operation_t *
operation_of_request (uint64_t role, text_t user, const bus_record_t *record)
{
    operation_t *self = s_new (record, user);
    self->of_request = true;
    self->sender = self->record.post.sender;
    self->has_sender = self->sender.size > 0;
    self->role = role;
    return self;
}

operation_t *
operation_of_answer (uint64_t request, const bus_record_t *record)
{
    operation_t *self = s_new (record, TEXT_EMPTY);
    self->of_request = true;
    self->request = request;
    self->topics = alloc_text (record->done.topic);
    return self;
}

//  Every text of a change, so that they can be copied and checked.
#define CHANGE_TEXTS 12
static void
s_change_texts (change_t *change, text_t *places[CHANGE_TEXTS])
{
    text_t *all[] = { &change->session, &change->message_id, &change->by_user, &change->by_sender,
                      &change->user,    &change->sender,     &change->info,    &change->first_id,
                      &change->data,    &change->secret,     &change->targets, &change->why };
    static_assert (sizeof all / sizeof *all == CHANGE_TEXTS, "all of them");
    memcpy (places, all, sizeof all);
}

operation_t *
operation_change (const change_t *change)
{
    change_t copy = *change;
    text_t *places[CHANGE_TEXTS], texts[CHANGE_TEXTS];
    s_change_texts (&copy, places);
    size_t weight = sizeof (operation_t) + sizeof (change_t);
    for (size_t at = 0; at < CHANGE_TEXTS; at++) {
        texts[at] = *places[at];
        weight += texts[at].size + 1;
    }
    operation_t *self = alloc_packed (sizeof *self + sizeof copy, texts, CHANGE_TEXTS);
    for (size_t at = 0; at < CHANGE_TEXTS; at++)
        *places[at] = texts[at];
    list_init (&self->place);
    self->kind = OPERATION_CHANGE;
    self->change = (change_t *) (self + 1);
    *self->change = copy;
    self->of_request = true;
    self->if_match = SEQ_UNKNOWN;
    self->weight = weight;
    self->arrived_us = clock_mono_us ();
    return self;
}

operation_t *
operation_absent (uint64_t role, text_t user)
{
    operation_t *self = alloc_packed (sizeof *self, &user, 1);
    list_init (&self->place);
    self->kind = OPERATION_ABSENT;
    self->role = role;
    self->user = user;
    self->weight = sizeof *self + user.size + 1;
    self->arrived_us = clock_mono_us ();
    return self;
}

operation_t *
operation_timer (const timer_due_t *timer)
{
    text_t texts[] = { timer->item, timer->body };
    operation_t *self = alloc_packed (sizeof *self, texts, 2);
    list_init (&self->place);
    self->kind = OPERATION_TIMER;
    self->timer = *timer;
    self->timer.item = texts[0];
    self->timer.body = texts[1];
    self->weight = sizeof *self + texts[0].size + texts[1].size + 2;
    self->arrived_us = clock_mono_us ();
    return self;
}

operation_t *
operation_match (const match_t *match)
{
    text_t texts[] = { match->agent, match->words };
    operation_t *self = alloc_packed (sizeof *self, texts, 2);
    list_init (&self->place);
    self->kind = OPERATION_MATCH;
    self->match = *match;
    self->match.agent = texts[0];
    self->match.words = texts[1];
    self->weight = sizeof *self + texts[0].size + texts[1].size + 2;
    self->arrived_us = clock_mono_us ();
    return self;
}

operation_t *
operation_answered (peer_t peer, const bus_record_t *record)
{
    operation_t *self = operation_of_record (peer, record);
    self->kind = OPERATION_ANSWERED;
    return self;
}

void
operation_destroy (operation_t **self_p)
{
    operation_t *self = *self_p;
    if (!self)
        return;
    list_remove (&self->place);
    free (self->topics);
    buffer_free (&self->said);
    free (self);
    *self_p = NULL;
}

text_t
operation_session (const operation_t *self)
{
    switch (self->kind) {
    case OPERATION_ATTACH:
        return self->record.attach.session;
    case OPERATION_DETACH:
        return self->record.detach.session;
    case OPERATION_POST:
        return self->record.post.session;
    case OPERATION_ACCEPTED:
        return self->record.accepted.session;
    case OPERATION_DONE:
    case OPERATION_ANSWERED:
        return self->record.done.session;
    case OPERATION_CHANGE:
        return self->change->session;
    default:
        return TEXT_EMPTY;
    }
}

//  However often it is decided on: a session's visitor is always the same.
void
operation_say_for (operation_t *self, text_t user)
{
    bus_post_t *post = &self->record.post;
    if (self->said.size > 0)
        return;
    buffer_init (&self->said, post->data.size + MESSAGE_USER_ROOM);
    message_put_user (post->data, user, &self->said);
    if (self->said.size > 0)
        post->data = buffer_text (&self->said);
}

static bool
s_has_record (const operation_t *self)
{
    return self->kind != OPERATION_ABSENT && self->kind != OPERATION_TIMER
           && self->kind != OPERATION_CHANGE && self->kind != OPERATION_MATCH;
}

static bool
s_is_storable (const operation_t *self)
{
    bus_record_t record = self->record;
    text_t *texts[BUS_TEXTS_MAX > CHANGE_TEXTS ? BUS_TEXTS_MAX : CHANGE_TEXTS];
    size_t count = s_has_record (self) ? bus_record_texts (&record, texts) : 0;
    if (self->change) {
        s_change_texts (self->change, texts);
        count = CHANGE_TEXTS;
    }
    for (size_t at = 0; at < count; at++)
        if (!utf8_is_valid (*texts[at])
            || (texts[at]->size > 0 && memchr (texts[at]->data, 0, texts[at]->size)))
            return false;
    return true;
}

void
operation_spoil (operation_t *self)
{
    assert (self->kind == OPERATION_DONE);
    bus_done_t *done = &self->record.done;
    self->spoilt = true;
    done->outcome = OUTCOME_FAILED;
    done->fault = FAULT_OTHER;
    buffer_init (&self->said, FAILURE_DATA_MAX);
    failure_data_write (&self->said, BOT_TRIES_MOST, 0, "the answer cannot be stored");
    done->data = buffer_text (&self->said);
    done->ask = ASK_NOTHING;
    done->target = TEXT_EMPTY;
    done->detail = TEXT ("the answer cannot be stored");
}

bool
operation_make_storable (operation_t *self)
{
    if (s_is_storable (self))
        return true;
    if (self->kind != OPERATION_DONE)
        return false;
    operation_spoil (self);
    return s_is_storable (self); //  not when the item's own names are bad
}

uint64_t
operation_endpoint (const operation_t *self)
{
    switch (self->kind) {
    case OPERATION_ATTACH:
        return self->record.attach.endpoint;
    case OPERATION_DETACH:
        return self->record.detach.endpoint;
    case OPERATION_POST:
        return self->record.post.endpoint;
    default:
        return 0;
    }
}

text_t
operation_item (const operation_t *self)
{
    return self->kind == OPERATION_ACCEPTED ? self->record.accepted.item
           : self->kind == OPERATION_DONE || self->kind == OPERATION_ANSWERED
               ? self->record.done.item
                                            : TEXT_EMPTY;
}
