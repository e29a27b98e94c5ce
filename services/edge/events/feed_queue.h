//  feed_queue — what one watcher of an app's sessions is still to be told: the newest row of each
//  session that has changed, in the order in which they changed first, and whether it must ask for
//  everything again. However slow the watcher is, there is one row of a session, and no more than a
//  certain number of sessions: beyond it all of them go, and it is told to ask again.
//
//  Rows are shared by all watchers that wait for them.

#ifndef FEED_QUEUE_H
#define FEED_QUEUE_H

#include "base/buffer.h"

#include <stdbool.h>

typedef struct feed_row feed_row_t;

//  `row` is JSON as of the session's log entry `seq`. The caller has it until feed_row_drop.
feed_row_t *feed_row_new (text_t session, uint64_t seq, text_t row);
void feed_row_drop (feed_row_t **self_p);

typedef struct feed_queue feed_queue_t;

feed_queue_t *feed_queue_new (size_t rows_most);
void feed_queue_destroy (feed_queue_t **self_p);

//  A row of a session that waits already is replaced, unless it is the newer one. False: there were
//  too many, and FEED_SLOW stands for them.
bool feed_queue_put (feed_queue_t *self, feed_row_t *row);

//  Why all is to be asked for again.
typedef enum {
    FEED_NOTHING_MISSED,
    FEED_SLOW, //  it reads too slowly
    FEED_GAP,  //  a postoffice did not tell all
    FEED_LOST, //  a postoffice cannot be reached
    FEED_BACK, //  it can be reached again
    FEED_REASONS
} feed_reason_t;

//  It is told so, once for all that is said before it is: not within so short a time after the last
//  time. What it is told of sessions meanwhile does no harm.
void feed_queue_resync (feed_queue_t *self, feed_reason_t reason);
//  It is told that it is told all from now on; before anything else.
void feed_queue_ready (feed_queue_t *self);

//  Puts the next event. False: there is none (now), or none that fits.
#define FEED_RESYNC_LEAST_MS 1000
bool feed_queue_next (feed_queue_t *self, uint64_t now_ms, buffer_t *to);
bool feed_queue_is_empty (const feed_queue_t *self);

#endif
