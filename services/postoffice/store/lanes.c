#include "store/lanes.h"

#include <assert.h>
#include <stdlib.h>
#include "base/hash_table.h"

typedef struct {
    UT_hash_handle hh;
    list_t place;       //  among the lanes
    list_t chunks;
    list_t followers;
    size_t key_size;
    char key[];
} lane_t;

struct lanes {
    lane_t *table;
    list_t order;
};

lanes_t *
lanes_new (void)
{
    lanes_t *self = calloc (1, sizeof *self);
    assert (self);
    list_init (&self->order);
    return self;
}

static void
s_move_all (list_t *from, list_t *to)
{
    while (!list_is_empty (from))
        list_append (to, list_first (from));
}

static lane_t *
s_lane (const lanes_t *self, text_t session)
{
    lane_t *lane;
    HASH_FIND (hh, self->table, session.data, session.size, lane);
    return lane;
}

static lane_t *
s_lane_new (lanes_t *self, text_t session)
{
    lane_t *lane = calloc (1, sizeof *lane + session.size);
    assert (lane);
    list_init (&lane->place);
    list_init (&lane->chunks);
    list_init (&lane->followers);
    memcpy (lane->key, session.data, session.size);
    lane->key_size = session.size;
    HASH_ADD_KEYPTR (hh, self->table, lane->key, lane->key_size, lane);
    list_append (&self->order, &lane->place);
    return lane;
}

static void
s_lane_destroy (lanes_t *self, lane_t *lane)
{
    HASH_DEL (self->table, lane);
    list_remove (&lane->place);
    free (lane);
}

void
lanes_destroy (lanes_t **self_p)
{
    lanes_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    while (!list_is_empty (&self->order)) {
        lane_t *lane = LIST_THING (list_first (&self->order), lane_t, place);
        while (!list_is_empty (&lane->chunks)) {
            chunk_t *chunk = LIST_THING (list_first (&lane->chunks), chunk_t, place);
            chunk_destroy (&chunk);
        }
        while (!list_is_empty (&lane->followers)) {
            query_t *query = LIST_THING (list_first (&lane->followers), query_t, place);
            query_destroy (&query);
        }
        s_lane_destroy (self, lane);
    }
    free (self);
}

bool
lanes_are_empty (const lanes_t *self)
{
    return list_is_empty (&self->order);
}

void
lanes_put (lanes_t *self, chunk_t *chunk)
{
    lane_t *lane = s_lane (self, chunk->copy.session);
    if (!lane)
        lane = s_lane_new (self, chunk->copy.session);
    list_append (&lane->chunks, &chunk->place);
}

bool
lanes_follow (lanes_t *self, query_t *query)
{
    lane_t *lane = s_lane (self, query->session);
    if (!lane)
        return false;
    list_append (&lane->followers, &query->place);
    return true;
}

void
lanes_fill (lanes_t *self, batch_t *batch, size_t most, bool alone, list_t *freed)
{
    list_t *link = self->order.next;
    while (link != &self->order && batch->chunks < most && !(alone && batch->count > 0)) {
        lane_t *lane = LIST_THING (link, lane_t, place);
        link = link->next;
        chunk_t *first = LIST_THING (list_first (&lane->chunks), chunk_t, place);
        if (!batch_takes (batch, chunk_day (first)))
            break;
        batch_add (batch, &lane->chunks, most - batch->chunks);
        if (!list_is_empty (&lane->chunks))
            continue;
        s_move_all (&lane->followers, freed);
        s_lane_destroy (self, lane);
    }
}

void
lanes_take (lanes_t *self, text_t session, list_t *chunks, list_t *freed)
{
    lane_t *lane = s_lane (self, session);
    if (!lane)
        return;
    s_move_all (&lane->chunks, chunks);
    s_move_all (&lane->followers, freed);
    s_lane_destroy (self, lane);
}

void
lanes_put_back (lanes_t *self, list_t *chunks)
{
    assert (!list_is_empty (chunks));
    text_t session = LIST_THING (list_first (chunks), chunk_t, place)->copy.session;
    lane_t *lane = s_lane (self, session);
    if (!lane)
        lane = s_lane_new (self, session);
    s_move_all (&lane->chunks, chunks);
    s_move_all (chunks, &lane->chunks);
    list_remove (&lane->place);
    //  Before the first one is behind the head of a ring that begins there.
    list_append (self->order.next, &lane->place);
}
