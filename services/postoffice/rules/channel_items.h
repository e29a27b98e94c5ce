//  channel_items — how a participant with a channel is told of an entry: by a delivery, made in the
//  changeset of the entry, of the channel's topic. docs/work-items.md says what workers get.
//
//  Items of one participant go in order, one at a time (their lane). Their number has a limit,
//  which the database keeps (append in schema/functions.sql): what is beyond it is a dead letter
//  from the start.

#ifndef CHANNEL_ITEMS_H
#define CHANNEL_ITEMS_H

#include "rules/changeset.h"

//  Participants of one session that have a channel, at most: each message is an item for each.
#define CHANNELS_MOST 8

//  Adds an item for each present participant of the fold that has a channel and may see the entry.
void channel_items_add (changeset_t *changeset, const fold_t *fold, uint64_t seq,
                        const store_entry_t *entry);

//  How many present participants have a channel?
size_t channel_items_readers (const fold_t *fold);

#endif
