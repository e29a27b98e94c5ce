#include "rules/recent_ids.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

#define ROOM_LEAST 8

//  Twice the room, as far as the full size allows. It is full: the order is that of the ring.
static void
s_grow (recent_ids_t *self)
{
    size_t room = self->room ? 2 * self->room : ROOM_LEAST;
    if (room > self->most)
        room = self->most;
    recent_id_t *ring = alloc_zeroed (room * (sizeof *ring + 1));
    unsigned char *tags = (unsigned char *) (ring + room);
    if (self->room > 0) {
        memcpy (ring, self->ring, self->room * sizeof *ring);
        memcpy (tags, self->tags, self->room);
    }
    free (self->ring);
    self->next = self->room;
    self->ring = ring;
    self->tags = tags;
    self->room = room;
}

void
recent_ids_free (recent_ids_t *self)
{
    free (self->ring);
    *self = (recent_ids_t){ 0 };
}

//  Of one id there may be many, each of another participant.
void
recent_ids_load (recent_ids_t *self, const stored_id_t *ids, size_t count)
{
    assert (!self->ring);
    self->most = count + RECENT_IDS;
    for (size_t at = 0; at < count; at++) {
        const stored_id_t *id = &ids[at];
        log_mark_t mark = { id->role, id->user, id->message_id, id->time_ms };
        recent_ids_add (
            self, &(recent_id_t){ .digest = recent_ids_digest (id->role, id->user, id->message_id),
                                  .seq = id->seq,
                                  .time_ms = id->time_ms,
                                  .check = log_check_of (&mark),
                                  .event = id->event });
    }
}

keyed_digest_t
recent_ids_digest (uint64_t role, text_t user, text_t message_id)
{
    //  The one has the asker in it, the other is of whoever was first.
    if (message_id_is_of_key (message_id) || message_id_is_of_alert (message_id)) {
        role = 0;
        user = TEXT_EMPTY;
    }
    text_t texts[] = { { (const char *) &role, sizeof role }, user, message_id };
    return keyed_digest (hash_key_of_process (), texts, sizeof texts / sizeof *texts);
}

static unsigned char
s_tag (const keyed_digest_t *digest)
{
    return digest->bytes[0] | 1;
}

void
recent_ids_add (recent_ids_t *self, const recent_id_t *id)
{
    if (self->most == 0)
        self->most = RECENT_IDS;
    if (self->next == self->room)
        self->next = 0;
    if (self->next == 0 && self->room < self->most)
        s_grow (self);
    self->ring[self->next] = *id;
    self->tags[self->next++] = s_tag (&id->digest);
}

const recent_id_t *
recent_ids_find (const recent_ids_t *self, keyed_digest_t digest)
{
    for (size_t at = 0; at < self->room; at++) {
        const unsigned char *tag = memchr (self->tags + at, s_tag (&digest), self->room - at);
        if (!tag)
            return NULL;
        at = (size_t) (tag - self->tags);
        if (keyed_digest_is (&self->ring[at].digest, &digest))
            return &self->ring[at];
    }
    return NULL;
}

uint64_t
recent_ids_check (const recent_ids_t *self, uint64_t seq)
{
    for (size_t at = 0; seq && at < self->room; at++)
        if (self->ring[at].seq == seq)
            return self->ring[at].check;
    return 0;
}

uint64_t
recent_ids_common_seq (const recent_ids_t *self, const recent_ids_t *other)
{
    uint64_t common = 0;
    for (size_t at = 0; at < self->room; at++) {
        const recent_id_t *recent = &self->ring[at];
        if (recent->seq > common && recent->check == recent_ids_check (other, recent->seq))
            common = recent->seq;
    }
    return common;
}
