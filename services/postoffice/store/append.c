#include "store/append.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "model/model.h"

#include <assert.h>
#include <stdlib.h>

#define DAY_MS 86400000u

//  The bytes that the request keeps in memory until it is answered.
static size_t
s_size (const store_append_t *request)
{
    size_t size = sizeof (append_t) + request->session.size;
    for (size_t at = 0; at < request->entry_count; at++) {
        const store_entry_t *entry = &request->entries[at];
        size += sizeof *entry + entry->message_id.size + entry->user.size + entry->sender.size
                + entry->data.size;
    }
    for (size_t at = 0; at < request->participant_count; at++) {
        const store_participant_t *participant = &request->participants[at];
        size += sizeof *participant + participant->user.size + participant->sender.size;
    }
    for (size_t at = 0; at < request->work_count; at++) {
        const store_work_t *work = &request->works[at];
        size += sizeof *work + work->item.size + work->topic.size + work->user.size
                + work->body.size + work->secret.size;
    }
    for (size_t at = 0; at < request->finish_count; at++) {
        const store_finish_t *finish = &request->finishes[at];
        size += sizeof *finish + finish->item.size + finish->detail.size;
    }
    return size;
}

append_t *
append_new (const store_append_t *request)
{
    assert (request->entry_count > 0 && request->session.size > 0);
    assert (!request->opens || request->first_seq == 1);
    for (size_t at = 0; at < request->entry_count; at++)
        assert (event_is_durable (request->entries[at].event));
    append_t *self = alloc_zeroed (sizeof *self);
    *self = (append_t){ .request = *request,
                        .day = request->opens ? request->day_ms / DAY_MS : request->day,
                        .since_ms = clock_mono_ms (),
                        .size = s_size (request) };
    list_init (&self->link);
    return self;
}

void
append_destroy (append_t **self_p)
{
    append_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    list_remove (&self->link);
    free (self);
}

uint64_t
append_before (const append_t *self)
{
    return self->request.first_seq - 1;
}

uint64_t
append_last (const append_t *self)
{
    return self->request.first_seq + self->request.entry_count - 1;
}
