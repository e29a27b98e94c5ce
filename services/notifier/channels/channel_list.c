#include "channels/channel_list.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

#define TOPICS_SIZE 400

struct channel_list {
    const channel_t *const *rows;
    void **states; //  in the order of the rows
    char topics[TOPICS_SIZE];
};

channel_list_t *
channel_list_new (const channel_t *const *rows, const channel_means_t *means)
{
    channel_list_t *self = alloc_zeroed (sizeof *self);
    self->rows = rows;
    size_t count = 0, used = 0;
    while (rows[count])
        count++;
    self->states = alloc_zeroed ((count + 1) * sizeof *self->states);
    for (size_t row = 0; row < count; row++) {
        used += (size_t) snprintf (self->topics + used, TOPICS_SIZE - used, "%s%s",
                                   row ? " " : "", rows[row]->topic);
        assert (used < TOPICS_SIZE);
        self->states[row] = rows[row]->open (means);
    }
    return self;
}

void
channel_list_destroy (channel_list_t **self_p)
{
    channel_list_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    for (size_t row = 0; self->rows[row]; row++)
        self->rows[row]->close (&self->states[row]);
    free (self->states);
    free (self);
}

//  The skeleton declines what is not of our topics: there is one.
static size_t
s_find (const channel_list_t *self, const worker_item_t *item)
{
    text_t topic = worker_item_view (item)->work.topic;
    size_t row = 0;
    while (self->rows[row] && !text_is (topic, text_of (self->rows[row]->topic)))
        row++;
    assert (self->rows[row]);
    return row;
}

static void
s_start (void *service, worker_item_t *item)
{
    channel_list_t *self = service;
    size_t row = s_find (self, item);
    self->rows[row]->start (self->states[row], item);
}

static void
s_cancel (void *service, worker_item_t *item)
{
    channel_list_t *self = service;
    size_t row = s_find (self, item);
    self->rows[row]->cancel (self->states[row], item);
}

static void
s_remember (void *service, worker_item_t *item, worker_report_t *report)
{
    channel_list_t *self = service;
    size_t row = s_find (self, item);
    if (self->rows[row]->remember)
        self->rows[row]->remember (self->states[row], item, report);
}

worker_kind_t
channel_list_kind (const channel_list_t *self)
{
    worker_kind_t kind = { .topics = self->topics,
                           .start = s_start,
                           .cancel = s_cancel,
                           .remember = s_remember };
    for (size_t row = 0; self->rows[row]; row++)
        if (self->rows[row]->attempt_size > kind.attempt_size)
            kind.attempt_size = self->rows[row]->attempt_size;
    return kind;
}
