#include "rules/operation.h"

#include "base/clock.h"
#include "base/alloc.h"
#include "base/utf8.h"
#include "model/failure_data.h"

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
    self->role = role;
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

void
operation_destroy (operation_t **self_p)
{
    operation_t *self = *self_p;
    if (!self)
        return;
    list_remove (&self->place);
    free (self->topics);
    buffer_free (&self->failure);
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
        return self->record.done.session;
    default:
        return TEXT_EMPTY;
    }
}

static bool
s_is_storable (const operation_t *self)
{
    bus_record_t record = self->record;
    text_t *texts[BUS_TEXTS_MAX];
    bool has_record = self->kind != OPERATION_ABSENT && self->kind != OPERATION_TIMER;
    size_t count = has_record ? bus_record_texts (&record, texts) : 0;
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
    buffer_init (&self->failure, FAILURE_DATA_MAX);
    failure_data_write (&self->failure, BOT_TRIES_MOST, 0, "the answer cannot be stored");
    done->data = buffer_text (&self->failure);
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
           : self->kind == OPERATION_DONE   ? self->record.done.item
                                            : TEXT_EMPTY;
}
