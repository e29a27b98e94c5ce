//  channel_list — the notifier's channels as one: finds the one that an item is for.

#ifndef CHANNEL_LIST_H
#define CHANNEL_LIST_H

#include "channels/channel.h"

typedef struct channel_list channel_list_t;

//  `rows` ends with NULL and outlives the list. Opens all of them.
channel_list_t *channel_list_new (const channel_t *const *rows, const channel_means_t *means);
//  When the worker is gone.
void channel_list_destroy (channel_list_t **self_p);

//  What the skeleton is to know: topics, start, cancel and the size of an attempt's memory. Its
//  service is the list.
worker_kind_t channel_list_kind (const channel_list_t *self);

#endif
