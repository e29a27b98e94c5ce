#include "client/outbox.h"

#include "base/alloc.h"

#include <stdlib.h>

struct outbox_entry {
    outbox_entry_t *next;
    outbox_item_t item;
};

static size_t
s_cost (const frame_t *frame)
{
    return sizeof (outbox_entry_t) + sizeof (frame_t) + frame->size;
}

void
outbox_init (outbox_t *self)
{
    *self = (outbox_t){ NULL, NULL, 0 };
}

void
outbox_clear (outbox_t *self)
{
    outbox_item_t item;
    while (outbox_take (self, &item))
        frame_destroy (&item.frame);
}

static void
s_append (outbox_t *self, outbox_entry_t *entry)
{
    if (self->last)
        self->last->next = entry;
    else
        self->first = entry;
    self->last = entry;
    self->bytes += s_cost (entry->item.frame);
}

int
outbox_put (outbox_t *self, size_t limit, const outbox_item_t *item)
{
    if (self->bytes >= limit)
        return -1;
    outbox_entry_t *entry = alloc_zeroed (sizeof *entry);
    *entry = (outbox_entry_t){ NULL, *item };
    item->frame->references++;
    s_append (self, entry);
    return 0;
}

bool
outbox_take (outbox_t *self, outbox_item_t *item)
{
    outbox_entry_t *entry = self->first;
    if (!entry)
        return false;
    self->first = entry->next;
    if (!self->first)
        self->last = NULL;
    *item = entry->item;
    self->bytes -= s_cost (item->frame);
    free (entry);
    return true;
}

void
outbox_leave_session (outbox_t *self)
{
    outbox_t all = *self;
    outbox_init (self);
    while (all.first) {
        outbox_entry_t *entry = all.first;
        all.first = entry->next;
        entry->next = NULL;
        if (entry->item.of_session) {
            frame_destroy (&entry->item.frame);
            free (entry);
        } else
            s_append (self, entry);
    }
}
