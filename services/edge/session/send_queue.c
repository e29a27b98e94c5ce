#include "session/send_queue.h"

#include "base/alloc.h"
#include "tables/edge_metrics.h"

#include <stdlib.h>

//  So many are tried at a time, and so many of them may be refused by the bus; the next ones are
//  tried after RETRY_MS.
#define SENT_AT_ONCE 512
#define REFUSED_AT_ONCE 64
#define RETRY_MS 5

struct send_queue {
    bus_client_t *bus;
    pending_detaches_t *detaches;
    send_queue_events_t events;
    list_t waiting;
    uv_timer_t *timer;
    bool scheduled; //  the timer runs, or is being handled
};

static void s_on_timer (uv_timer_t *timer);

static void
s_schedule (send_queue_t *self, uint64_t wait_ms)
{
    if (self->scheduled || bus_client_postoffices_up (self->bus) == 0)
        return;
    self->scheduled = true;
    uv_timer_start (self->timer, s_on_timer, wait_ms, 0);
}

static void
s_send_some (send_queue_t *self)
{
    int refused = 0;
    for (int tried = 0; tried < SENT_AT_ONCE && refused < REFUSED_AT_ONCE; tried++) {
        list_t *first = list_first (&self->waiting);
        if (!first)
            return;
        send_queue_remove (self, first);
        if (!self->events.send (self->events.owner, first)) {
            send_queue_add (self, first);
            refused++;
        }
    }
}

//  `scheduled` stays set until the end: what is added meanwhile waits for the next time.
static void
s_on_timer (uv_timer_t *timer)
{
    send_queue_t *self = timer->data;
    bool detached = pending_detaches_send_all (self->detaches);
    if (bus_client_postoffices_up (self->bus) > 0)
        s_send_some (self);
    self->scheduled = false;
    if (!list_is_empty (&self->waiting) || !detached)
        s_schedule (self, RETRY_MS);
}

void
send_queue_add (send_queue_t *self, list_t *link)
{
    if (list_is_empty (link)) {
        list_append (&self->waiting, link);
        edge_count (EDGE_UNSENT, 1);
    }
    s_schedule (self, 0);
}

void
send_queue_remove (send_queue_t *self, list_t *link)
{
    (void) self;
    if (list_is_empty (link))
        return;
    list_remove (link);
    edge_count (EDGE_UNSENT, -1);
}

void
send_queue_retry (send_queue_t *self)
{
    s_schedule (self, RETRY_MS);
}

send_queue_t *
send_queue_new (uv_loop_t *loop, bus_client_t *bus, pending_detaches_t *detaches,
                const send_queue_events_t *events)
{
    send_queue_t *self = alloc_zeroed (sizeof *self);
    self->bus = bus;
    self->detaches = detaches;
    self->events = *events;
    list_init (&self->waiting);
    self->timer = alloc_zeroed (sizeof *self->timer);
    uv_timer_init (loop, self->timer);
    self->timer->data = self;
    return self;
}

static void
s_on_timer_closed (uv_handle_t *handle)
{
    free (handle);
}

void
send_queue_destroy (send_queue_t **self_p)
{
    send_queue_t *self = *self_p;
    *self_p = NULL;
    uv_close ((uv_handle_t *) self->timer, s_on_timer_closed);
    free (self);
}
