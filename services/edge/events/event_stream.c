#include "events/event_stream.h"

#include "base/alloc.h"

#include <stdlib.h>

#define BYTES_PER_TURN 65536
//  An event that was larger than this gives its memory back.
#define ROOM_TO_KEEP (4 * BYTES_PER_TURN)
#define GATHERED_MOST (128u << 20)
//  So much of what the client still sends is thrown away; one that sends more is ended.
#define DISCARDED_MOST (64u << 10)
//  X-Accel-Buffering: a proxy that knows it passes on at once what comes.
#define HEAD_FIELDS                                                                                \
    "content-type: text/event-stream\r\ncache-control: no-transform\r\nx-accel-buffering: no\r\n"
#define FIELDS_ROOM 1000

struct event_stream {
    stream_t *stream;
    http_stay_t stay;
    const event_stream_events_t *events;
    void *owner;
    uint32_t discarded;
};

//  What a stream is given in one write; all of them, one after the other.
static buffer_t s_gathered = { .ceiling = GATHERED_MOST };

static size_t
s_on_bytes (void *owner, char *data, size_t size)
{
    (void) data;
    event_stream_t *self = owner;
    self->discarded += (uint32_t) size;
    if (self->discarded > DISCARDED_MOST)
        stream_close (self->stream);
    return size;
}

//  A client that has closed: nothing else of it is heard.
static void
s_on_ended (void *owner)
{
    event_stream_abort (owner);
}

static void
s_on_write (void *owner)
{
    event_stream_t *self = owner;
    events_next_t next = EVENTS_MORE;
    buffer_clear (&s_gathered);
    while (next == EVENTS_MORE && s_gathered.size < BYTES_PER_TURN)
        next = self->events->next (self->owner, &s_gathered);
    if (next == EVENTS_CUT) {
        stream_close (self->stream);
        return;
    }
    stream_write (self->stream, buffer_text (&s_gathered));
    if (s_gathered.room > ROOM_TO_KEEP)
        buffer_free (&s_gathered);
    if (next == EVENTS_LAST)
        stream_finish (self->stream);
    else if (next == EVENTS_MORE)
        stream_want_write (self->stream);
}

static void
s_on_closed (void *owner)
{
    event_stream_t *self = owner;
    self->events->closed (self->owner);
    http_stay_end (&self->stay);
    free (self);
}

event_stream_t *
event_stream_new (request_t *request, text_t fields, const event_stream_events_t *events,
                  void *owner)
{
    //  It has no limit of its own.
    static const stream_events_t heard = { .bytes = s_on_bytes,
                                           .ended = s_on_ended,
                                           .write = s_on_write,
                                           .late = s_on_ended,
                                           .closed = s_on_closed };
    buffer_t head;
    http_stay_t stay;
    buffer_init (&head, FIELDS_ROOM);
    stream_t *stream = NULL;
    if (buffer_put_string (&head, HEAD_FIELDS) == 0 && buffer_put_text (&head, fields) == 0)
        stream = request_hand_over (request, buffer_text (&head), &stay);
    else
        request_refuse (request, 500);
    buffer_free (&head);
    if (!stream)
        return NULL;
    event_stream_t *self = alloc_zeroed (sizeof *self);
    *self = (event_stream_t){
        .stream = stream, .stay = stay, .events = events, .owner = owner
    };
    stream_limit (stream, STREAM_FREE, 0);
    stream_hand_over (stream, &heard, self);
    return self;
}

void
event_stream_limit (event_stream_t *self, uint64_t confirmed_within_ms)
{
    stream_confirm_within (self->stream, confirmed_within_ms);
}

const client_address_t *
event_stream_address (const event_stream_t *self)
{
    return &self->stay.caller.address;
}

bool
event_stream_is_full (const event_stream_t *self)
{
    return stream_is_full (self->stream);
}

void
event_stream_want_write (event_stream_t *self)
{
    stream_want_write (self->stream);
}

void
event_stream_abort (event_stream_t *self)
{
    stream_close (self->stream);
}
