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

//  An offer to the platform of this topic, which takes part: an item in its lane, answered by what
//  comes of it: done, it accepts; dead, it declines. `data` is the entry's, with what the
//  platform is to know of the visitor.
void channel_items_offer (changeset_t *changeset, const fold_t *fold, text_t topic, text_t data);
//  That offer is over, and its item cancelled: it was made with the entry of this seq and time.
void channel_items_withdraw (changeset_t *changeset, text_t topic, uint64_t seq, uint64_t time_ms);
//  Is the item of an offer?
bool channel_items_is_offer (text_t item);

//  The tenancy of this platform, which takes part no more, is over: what waits in its lane is
//  cancelled, and an item that says so is the last one of it. Where nobody has begun with what it
//  was asked, the database makes none.
typedef struct {
    text_t topic;
    const char *why; //  as in the log: "asked", "replaced", "expired" …
    bool was_in_control;
    uint64_t after_ms; //  nobody takes the item before: an attempt may be being stopped
} tenancy_end_t;
void channel_items_over (changeset_t *changeset, const fold_t *fold, const tenancy_end_t *end);

//  The platform that has control from the last entry on wants to look at its far side again and
//  again: an item in a lane of its own, `data` in its body. It ends with the tenancy.
#define CHANNEL_WATCH_LANE "watch"
void channel_items_watch (changeset_t *changeset, const fold_t *fold, text_t topic, text_t data);
//  Before control changes.
void channel_items_unwatch (changeset_t *changeset, const fold_t *fold, text_t topic);

//  The lane of a participant's items, of the session of this key, in a buffer of this room.
#define CHANNEL_LANE_MAX (SESSION_KEY_MAX + USER_ID_MAX + 60)
void channel_items_lane (text_t session, uint64_t role, text_t user, buffer_t *to);

//  How many present participants have a channel?
size_t channel_items_readers (const fold_t *fold);

#endif
