//  outbox — the frames that wait until one client's socket can take them: in order, and bounded.
//
//  An empty outbox has no memory of its own, as nearly all are empty nearly always. It is full when
//  what waits has reached the limit; the frame that reaches it is still taken, so that one frame of
//  any size passes through an empty outbox, and no more than limit + one frame is ever held.

#ifndef OUTBOX_H
#define OUTBOX_H

#include "net/frame.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct outbox_entry outbox_entry_t;

typedef struct {
    outbox_entry_t *first;
    outbox_entry_t *last;
    size_t bytes; //  of the frames, and what it costs to hold each
} outbox_t;

//  One frame in an outbox.
typedef struct {
    frame_t *frame;
    uint64_t seq;    //  of the log entry in it, 0: none
    uint32_t attach_generation; //  not 0: its postoffice waits for NEXT_WINDOW behind it
    bool of_session;            //  dropped when the client leaves the session
} outbox_item_t;

void outbox_init (outbox_t *self);
//  Gives every frame back.
void outbox_clear (outbox_t *self);

//  Shares the item's frame. Returns 0; −1 when the outbox was full already.
__attribute__ ((warn_unused_result)) int outbox_put (outbox_t *self, size_t limit,
                                                     const outbox_item_t *item);

//  Drops the frames of the session that the client has left.
void outbox_leave_session (outbox_t *self);

//  The next frame is the caller's now; false when there is none.
__attribute__ ((warn_unused_result)) bool outbox_take (outbox_t *self, outbox_item_t *item);

#endif
