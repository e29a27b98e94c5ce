//  event_stream — an answer of HTTP that has no end (Server-Sent Events): what a client receives
//  that cannot have a WebSocket. Text out, nothing in: what the client still sends is thrown away.
//
//  Like a WebSocket it writes when it is asked to: before the loop sleeps `next` is called until
//  nothing is left or a turn's share is reached, and one that is full is not asked until the kernel
//  has taken what it was given. It counts as a connection of the edge, and of its address.

#ifndef EVENT_STREAM_H
#define EVENT_STREAM_H

#include "events/event_text.h"
#include "net/http_request.h"

typedef struct event_stream event_stream_t;

typedef enum {
    EVENTS_NONE, //  nothing was put
    EVENTS_MORE, //  an event, and there may be more
    EVENTS_LAST, //  what was put is the last: the connection ends behind it
    EVENTS_CUT,  //  something did not fit: the connection ends
} events_next_t;

typedef struct {
    //  Puts the next event (event_text.h).
    events_next_t (*next) (void *owner, buffer_t *to);
    //  It is gone, and this is the last that is heard of it.
    void (*closed) (void *owner);
} event_stream_events_t;

//  Within the request's `asked`, when request_may_stay says 0. `fields` are further lines of the
//  head, each with its "\r\n", beside those of request_set_fields. NULL: only the head was wanted.
event_stream_t *event_stream_new (request_t *request, text_t fields,
                                  const event_stream_events_t *events, void *owner);
//  A client that confirms nothing of what was written for so long is lost, as it has no pongs: the
//  system watches over that.
void event_stream_limit (event_stream_t *self, uint64_t confirmed_within_ms);

//  Where the client comes from; the stream's own.
const client_address_t *event_stream_address (const event_stream_t *self);
//  The kernel has not taken all that was written.
bool event_stream_is_full (const event_stream_t *self);

//  These may be called from anywhere in the loop.
void event_stream_want_write (event_stream_t *self);
//  Ends it soon, whatever it holds.
void event_stream_abort (event_stream_t *self);

#endif
