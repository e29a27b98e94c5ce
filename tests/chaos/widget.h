//  widget — a client that acts as the chat widget does (../shared: wire/widget.md): no acks and no
//  message ids. `user joined` once; after it lost its connection it tries again every 5 s, and then
//  says nothing until its visitor does. What it cannot say is gone.
//
//  An entry's `timeMs` is its identity: the same one again is not shown again. The same entry under
//  another time would be shown twice, and is complained of.

#ifndef WIDGET_H
#define WIDGET_H

#include "client.h"

typedef struct {
    uint32_t seq;
    uint64_t time_ms;
} shown_t;

typedef struct {
    //  Its session is there.
    void (*is_in) (void *owner);
    //  Something was shown for the first time.
    void (*shown) (void *owner, text_t frame, uint32_t seq);
} widget_events_t;

typedef struct {
    client_t client;
    const widget_events_t *events;
    void *owner;
    bool has_joined;       //  `user joined` was said
    bool has_session;      //  and answered, at any time
    bool is_in;            //  something came on this connection
    uint32_t said;         //  questions, each with its number, said or dropped
    uint64_t ask_at;
    uint64_t shown_at;     //  when something new came last, or the connection
    shown_t *shown;
    size_t shown_count;
    size_t shown_room;
} widget_t;

void widget_init (widget_t *self, crowd_context_t *scene, const widget_events_t *events,
                  void *owner);
void widget_free (widget_t *self);
void widget_tick (widget_t *self);
//  Nothing new has come for a while, on a connection that is in its session.
bool widget_is_quiet (const widget_t *self);

#endif
