#include "rules/changeset.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

typedef struct {
    list_t place; //  the text stands behind it
} copy_t;

//  Makes room for one more in an array that holds `count` things. The room doubles at each power
//  of two, so that it need not be kept beside the count.
static void *
s_grow (void *array, size_t count, size_t size)
{
    if (count & (count - 1)) //  neither 0, 1 nor a power of two: there is room
        return array;
    return alloc_resized (array, (count ? count * 2 : 1) * size);
}

changeset_t *
changeset_new (text_t session)
{
    changeset_t *self = alloc_zeroed (sizeof *self);
    self->session = session;
    list_init (&self->ended);
    list_init (&self->operations);
    list_init (&self->copies);
    return self;
}

void
changeset_destroy (changeset_t **self_p)
{
    changeset_t *self = *self_p;
    if (!self)
        return;
    list_t *link;
    while ((link = list_first (&self->operations))) {
        operation_t *operation = LIST_THING (link, operation_t, place);
        operation_destroy (&operation);
    }
    while ((link = list_first (&self->ended))) {
        turn_t *turn = LIST_THING (link, turn_t, in_fold);
        turn_destroy (&turn);
    }
    while ((link = list_first (&self->copies))) {
        list_remove (link);
        free (LIST_THING (link, copy_t, place));
    }
    free (self->entries);
    free (self->origins);
    free (self->participants);
    free (self->external_refs);
    free (self->works);
    free (self->finishes);
    free (self->asked);
    free (self);
    *self_p = NULL;
}

void
changeset_entry (changeset_t *self, uint64_t seq, const store_entry_t *entry, origin_t origin)
{
    if (self->entry_count == 0)
        self->first_seq = seq;
    assert (seq == self->first_seq + self->entry_count);
    self->entries = s_grow (self->entries, self->entry_count, sizeof *self->entries);
    self->origins = s_grow (self->origins, self->entry_count, sizeof *self->origins);
    self->entries[self->entry_count] = *entry;
    self->origins[self->entry_count++] = origin;
}

static size_t
s_participant (const changeset_t *self, uint64_t role, text_t user)
{
    size_t at = 0;
    while (
        at < self->participant_count
        && (self->participants[at].role != role || !text_is (self->participants[at].user, user)))
        at++;
    return at;
}

//  The last word on a participant is the one that counts: one row each.
void
changeset_participant (changeset_t *self, uint64_t role, text_t user, text_t sender, text_t info,
                       bool present)
{
    size_t at = s_participant (self, role, user);
    text_t channel = TEXT_EMPTY;
    if (at == self->participant_count)
        self->participants =
            s_grow (self->participants, self->participant_count++, sizeof *self->participants);
    else {
        channel = self->participants[at].channel;
        info = info.size > 0 ? info : self->participants[at].info;
    }
    if (!present && text_is (channel, CHANNEL_API))
        channel = TEXT_EMPTY; //  which ends it, as the database has it (append)
    self->participants[at] = (store_participant_t){ .role = role,
                                                    .user = user,
                                                    .sender = sender,
                                                    .info = info,
                                                    .channel = channel,
                                                    .present = present };
}

void
changeset_channel (changeset_t *self, uint64_t role, text_t user, text_t channel)
{
    size_t at = s_participant (self, role, user);
    assert (at < self->participant_count);
    self->participants[at].channel = channel;
}

void
changeset_out (changeset_t *self, uint64_t role, text_t user)
{
    size_t at = s_participant (self, role, user);
    assert (at < self->participant_count && !self->participants[at].present);
    self->participants[at].is_out = true;
}

void
changeset_external_ref (changeset_t *self, const store_external_ref_t *ref)
{
    self->external_refs =
        s_grow (self->external_refs, self->external_ref_count, sizeof *self->external_refs);
    self->external_refs[self->external_ref_count++] = *ref;
}

void
changeset_work (changeset_t *self, const store_work_t *work)
{
    self->works = s_grow (self->works, self->work_count, sizeof *self->works);
    self->works[self->work_count++] = *work;
}

void
changeset_asked (changeset_t *self, const store_asked_t *asked)
{
    self->asked = s_grow (self->asked, self->asked_count, sizeof *self->asked);
    self->asked[self->asked_count] = *asked;
    self->asked[self->asked_count++].agent = changeset_keep (self, asked->agent);
}

static void
s_add_finish (changeset_t *self, const store_finish_t *finish)
{
    self->finishes = s_grow (self->finishes, self->finish_count, sizeof *self->finishes);
    self->finishes[self->finish_count++] = *finish;
}

void
changeset_finish (changeset_t *self, turn_t **turn_p, const store_finish_t *finish)
{
    turn_t *turn = *turn_p;
    *turn_p = NULL;
    list_append (&self->ended, &turn->in_fold);
    s_add_finish (self, finish);
    self->finishes[self->finish_count - 1].item = turn->item;
}

//  What was said of the item before: made, set, or cancelled.
static void
s_take_back (changeset_t *self, text_t item)
{
    for (size_t at = 0; at < self->work_count; at++)
        if (text_is (self->works[at].item, item))
            memmove (&self->works[at], &self->works[at + 1],
                     (--self->work_count - at) * sizeof *self->works);
    for (size_t at = 0; at < self->finish_count; at++)
        if (self->finishes[at].state == WORK_CANCELLED && text_is (self->finishes[at].item, item))
            memmove (&self->finishes[at], &self->finishes[at + 1],
                     (--self->finish_count - at) * sizeof *self->finishes);
}

void
changeset_set_timer (changeset_t *self, const timer_set_t *set)
{
    char room[TIMER_ITEM_MAX];
    text_t item = timer_item (room, set->kind, self->session);
    s_take_back (self, item);
    changeset_work (self, &(store_work_t){ .item = changeset_keep (self, item),
                                           .kind = WORK_TIMER,
                                           .topic = TOPIC_TIMER,
                                           .lane = TEXT_EMPTY,
                                           .seq = set->seq,
                                           .user = TEXT_EMPTY,
                                           .body = set->body,
                                           .secret = TEXT_EMPTY,
                                           .after_ms = set->after_ms });
}

void
changeset_cancel_timer (changeset_t *self, timer_kind_t kind)
{
    char room[TIMER_ITEM_MAX];
    text_t item = timer_item (room, kind, self->session);
    s_take_back (self, item);
    s_add_finish (self, &(store_finish_t){ .item = changeset_keep (self, item),
                                           .state = WORK_CANCELLED,
                                           .detail = TEXT_EMPTY });
}

void
changeset_cancel (changeset_t *self, text_t item, text_t why)
{
    s_take_back (self, item);
    s_add_finish (self, &(store_finish_t){ .item = changeset_keep (self, item),
                                           .state = WORK_CANCELLED,
                                           .detail = why });
}

void
changeset_clear (changeset_t *self, text_t lane, text_t why)
{
    size_t kept = 0;
    for (size_t at = 0; at < self->work_count; at++)
        if (!text_is (self->works[at].lane, lane) || work_is_over (self->works[at].item))
            self->works[kept++] = self->works[at];
    self->work_count = kept;
    s_add_finish (self, &(store_finish_t){ .item = changeset_keep (self, lane),
                                           .state = WORK_CLEARED,
                                           .detail = why });
}

void
changeset_finish_timer (changeset_t *self, text_t item, uint64_t attempt)
{
    s_add_finish (self, &(store_finish_t){ .item = changeset_keep (self, item),
                                           .state = WORK_DONE,
                                           .attempt = attempt,
                                           .detail = TEXT_EMPTY });
}

bool
changeset_take (changeset_t *self, operation_t **operation_p)
{
    operation_t *operation = *operation_p;
    *operation_p = NULL;
    list_append (&self->operations, &operation->place);
    self->operation_count++;
    self->bytes += operation->weight;
    return self->operation_count < CHANGESET_OPERATIONS && self->bytes < CHANGESET_BYTES
           && self->entry_count < CHANGESET_ENTRIES;
}

text_t
changeset_keep (changeset_t *self, text_t text)
{
    copy_t *copy = alloc_packed (sizeof *copy, &text, 1);
    list_init (&copy->place);
    list_append (&self->copies, &copy->place);
    return text;
}
