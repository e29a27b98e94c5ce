#include "events/feed_queue.h"

#include "base/alloc.h"
#include "base/hash_table.h"
#include "base/list.h"
#include "events/event_text.h"
#include "tables/edge_metrics.h"

#include <stdio.h>
#include <stdlib.h>

struct feed_row {
    size_t users;
    uint64_t seq;
    unsigned hash; //  of the session's id
    text_t session; //  stands behind the struct
    buffer_t event; //  the row as an event
};

typedef struct {
    UT_hash_handle hh; //  by the row's session
    list_t place;
    feed_row_t *row;
} waiting_t;

struct feed_queue {
    waiting_t *by_session;
    list_t waiting;
    size_t count;
    size_t rows_most;
    bool is_ready_due;
    feed_reason_t resync;
    uint64_t resync_ms; //  when it was told so last; 0: never
};

// ---------------------------------------------------------------------------------------------
//  Rows

feed_row_t *
feed_row_new (text_t session, uint64_t seq, text_t row)
{
    feed_row_t *self = alloc_packed (sizeof *self, &session, 1);
    self->users = 1;
    self->seq = seq;
    self->session = session;
    HASH_VALUE (session.data, session.size, self->hash);
    buffer_init (&self->event, SIZE_MAX);
    int rc = event_text_put_named (&self->event, "session", row, 0);
    (void) rc; //  without a ceiling it cannot fail
    return self;
}

void
feed_row_drop (feed_row_t **self_p)
{
    feed_row_t *self = *self_p;
    *self_p = NULL;
    if (!self || --self->users > 0)
        return;
    buffer_free (&self->event);
    free (self);
}

// ---------------------------------------------------------------------------------------------
//  The queue

feed_queue_t *
feed_queue_new (size_t rows_most)
{
    feed_queue_t *self = alloc_zeroed (sizeof *self);
    list_init (&self->waiting);
    self->rows_most = rows_most;
    return self;
}

static void
s_drop (feed_queue_t *self, waiting_t *waiting)
{
    HASH_DEL (self->by_session, waiting);
    list_remove (&waiting->place);
    feed_row_drop (&waiting->row);
    free (waiting);
    self->count--;
    edge_count (EDGE_FEED_ROWS_WAITING, -1);
}

static void
s_drop_all (feed_queue_t *self)
{
    for (list_t *first; (first = list_first (&self->waiting));)
        s_drop (self, LIST_THING (first, waiting_t, place));
}

void
feed_queue_destroy (feed_queue_t **self_p)
{
    feed_queue_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    s_drop_all (self);
    free (self);
}

bool
feed_queue_put (feed_queue_t *self, feed_row_t *row)
{
    waiting_t *waiting;
    HASH_FIND_BYHASHVALUE (hh, self->by_session, row->session.data, row->session.size, row->hash,
                           waiting);
    if (waiting && waiting->row->seq > row->seq)
        return true;
    if (!waiting && self->count >= self->rows_most) {
        s_drop_all (self);
        feed_queue_resync (self, FEED_SLOW);
        return false;
    }
    row->users++;
    if (waiting) {
        //  The key stands in the row.
        HASH_DEL (self->by_session, waiting);
        feed_row_drop (&waiting->row);
    } else {
        waiting = alloc_zeroed (sizeof *waiting);
        list_init (&waiting->place);
        list_append (&self->waiting, &waiting->place);
        self->count++;
        edge_count (EDGE_FEED_ROWS_WAITING, 1);
    }
    waiting->row = row;
    HASH_ADD_KEYPTR_BYHASHVALUE (hh, self->by_session, row->session.data, row->session.size,
                                 row->hash, waiting);
    return true;
}

void
feed_queue_resync (feed_queue_t *self, feed_reason_t reason)
{
    self->resync = reason;
}

void
feed_queue_ready (feed_queue_t *self)
{
    self->is_ready_due = true;
}

static bool
s_is_resync_due (const feed_queue_t *self, uint64_t now_ms)
{
    return self->resync != FEED_NOTHING_MISSED
           && (self->resync_ms == 0 || now_ms >= self->resync_ms + FEED_RESYNC_LEAST_MS);
}

static const char *const s_reasons[FEED_REASONS] = { "", "slow", "gap", "postoffice lost",
                                                     "postoffice back" };

bool
feed_queue_next (feed_queue_t *self, uint64_t now_ms, buffer_t *to)
{
    char data[60];
    if (self->is_ready_due) {
        self->is_ready_due = false;
        return event_text_put_named (to, "ready", TEXT ("{}"), 0) == 0;
    }
    if (s_is_resync_due (self, now_ms)) {
        snprintf (data, sizeof data, "{\"reason\":\"%s\"}", s_reasons[self->resync]);
        self->resync = FEED_NOTHING_MISSED;
        self->resync_ms = now_ms;
        edge_count (EDGE_FEED_RESYNCS, 1);
        return event_text_put_named (to, "resync", text_of (data), 0) == 0;
    }
    list_t *first = list_first (&self->waiting);
    if (!first)
        return false;
    waiting_t *waiting = LIST_THING (first, waiting_t, place);
    bool is_put = buffer_put_text (to, buffer_text (&waiting->row->event)) == 0;
    s_drop (self, waiting);
    edge_count (EDGE_FEED_ROWS, 1);
    return is_put;
}

bool
feed_queue_is_empty (const feed_queue_t *self)
{
    return !self->is_ready_due && self->resync == FEED_NOTHING_MISSED && self->count == 0;
}
