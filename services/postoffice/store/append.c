#include "store/append.h"

#include "base/clock.h"

#include <assert.h>
#include <stdlib.h>

#define DAY_MS 86400000u

//  Walks through everything that a chunk points at: without memory it only measures, with memory it
//  copies and lets the struct point at the copies.
typedef struct {
    char *to;     //  NULL: measure
    size_t used;
} copier_t;

static void
s_text (copier_t *self, text_t *text)
{
    if (self->to) {
        if (text->size > 0)
            memcpy (self->to + self->used, text->data, text->size);
        text->data = self->to + self->used;
    }
    self->used += text->size;
}

//  Arrays come first, so that they are aligned: all of their elements' sizes are multiples of 8.
static void *
s_array (copier_t *self, const void *array, size_t size)
{
    void *copy = (void *) array;
    if (self->to && size > 0)
        copy = memcpy (self->to + self->used, array, size);
    self->used += size;
    return copy;
}

static void
s_walk_texts (copier_t *self, store_chunk_t *chunk, store_entry_t *entries,
              store_participant_t *participants, store_work_t *works, store_finish_t *finishes)
{
    for (size_t at = 0; at < chunk->entry_count; at++) {
        s_text (self, &entries[at].message_id);
        s_text (self, &entries[at].user);
        s_text (self, &entries[at].sender);
        s_text (self, &entries[at].data);
    }
    for (size_t at = 0; at < chunk->participant_count; at++) {
        s_text (self, &participants[at].user);
        s_text (self, &participants[at].sender);
    }
    for (size_t at = 0; at < chunk->work_count; at++) {
        s_text (self, &works[at].item);
        s_text (self, &works[at].topic);
        s_text (self, &works[at].user);
        s_text (self, &works[at].body);
        s_text (self, &works[at].secret);
    }
    for (size_t at = 0; at < chunk->finish_count; at++) {
        s_text (self, &finishes[at].item);
        s_text (self, &finishes[at].detail);
    }
}

//  Texts that the chunk does not use may be left zeroed by its maker.
static void
s_walk (copier_t *self, store_chunk_t *chunk)
{
    store_entry_t *entries =
        s_array (self, chunk->entries, chunk->entry_count * sizeof *entries);
    store_participant_t *participants =
        s_array (self, chunk->participants, chunk->participant_count * sizeof *participants);
    store_work_t *works = s_array (self, chunk->works, chunk->work_count * sizeof *works);
    store_finish_t *finishes =
        s_array (self, chunk->finishes, chunk->finish_count * sizeof *finishes);
    s_text (self, &chunk->session);
    if (chunk->opens) {
        s_text (self, &chunk->app);
        s_text (self, &chunk->visitor);
    }
    if (chunk->control_changes)
        s_text (self, &chunk->control_user);
    s_walk_texts (self, chunk, entries, participants, works, finishes);
    chunk->entries = entries;
    chunk->participants = participants;
    chunk->works = works;
    chunk->finishes = finishes;
}

chunk_t *
chunk_new (const store_chunk_t *chunk)
{
    assert (chunk->entry_count > 0 && chunk->session.size > 0);
    assert (!chunk->opens || chunk->first_seq == 1);
    store_chunk_t measured = *chunk;
    copier_t copier = { .to = NULL };
    s_walk (&copier, &measured);
    chunk_t *self = malloc (sizeof *self + copier.used);
    if (!self)
        return NULL;
    *self = (chunk_t){ .copy = *chunk, .size = sizeof *self + copier.used,
                       .age = { .since_ms = clock_mono_ms () } };
    copier = (copier_t){ .to = (char *) (self + 1) };
    s_walk (&copier, &self->copy);
    list_init (&self->place);
    list_init (&self->age.link);
    return self;
}

void
chunk_destroy (chunk_t **self_p)
{
    chunk_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    list_remove (&self->place);
    list_remove (&self->age.link);
    free (self);
}

bool
chunk_continues (const chunk_t *self, const chunk_t *next)
{
    return !next->copy.opens
           && next->copy.first_seq == self->copy.first_seq + self->copy.entry_count;
}

uint64_t
chunk_day (const chunk_t *self)
{
    return self->copy.opens ? self->copy.day_ms / DAY_MS : self->copy.day;
}
