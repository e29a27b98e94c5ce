#include "session/send_queue.h"

#include "base/alloc.h"
#include "base/loop_timer.h"
#include "tables/edge_metrics.h"

#include <stdlib.h>

//  So many are tried at a time, and so many of them may be refused by the bus; the next ones are
//  tried after RETRY_MS.
#define SENT_AT_ONCE 512
#define REFUSED_AT_ONCE 64
#define RETRY_MS 5

struct send_queue {
    bus_client_t *bus;
    send_queue_send_fn *send;
    list_t waiting; //  links of clients
    loop_timer_t *timer;
    bool scheduled; //  the timer runs, or is being handled
    uint64_t detach_count;
    list_t detaches[BUS_LINKS_MAX]; //  by postoffice
};

typedef struct {
    list_t link;
    bus_detach_t record; //  its session stands behind the struct
} detach_t;

// ---------------------------------------------------------------------------------------------
//  Clients that wait

static void
s_schedule (send_queue_t *self, uint64_t wait_ms)
{
    if (self->scheduled || bus_client_postoffices_up (self->bus) == 0)
        return;
    self->scheduled = true;
    loop_timer_start_ms (self->timer, wait_ms, 0);
}

//  `scheduled` stays set until the end: what is added meanwhile waits for the next time.
static void
s_on_timer (void *owner)
{
    send_queue_t *self = owner;
    bool detached = send_queue_send_all_detaches (self);
    int refused = 0, tried = 0;
    list_t *first;
    while (bus_client_postoffices_up (self->bus) > 0 && tried++ < SENT_AT_ONCE
           && refused < REFUSED_AT_ONCE && (first = list_first (&self->waiting))) {
        send_queue_remove (self, first);
        if (!self->send (first)) {
            send_queue_add (self, first);
            refused++;
        }
    }
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

// ---------------------------------------------------------------------------------------------
//  DETACHes that wait

static void
s_drop (send_queue_t *self, list_t *link)
{
    list_remove (link);
    free (LIST_THING (link, detach_t, link));
    self->detach_count--;
    edge_count (EDGE_DETACHES_PENDING, -1);
}

void
send_queue_detach (send_queue_t *self, unsigned postoffice, const bus_detach_t *record)
{
    list_t *pending = &self->detaches[postoffice];
    if (self->detach_count >= PENDING_DETACHES_MAX && !list_is_empty (pending)) {
        edge_count (EDGE_DETACHES_DROPPED, 1);
        s_drop (self, list_first (pending));
    }
    text_t session = record->session;
    detach_t *detach = alloc_packed (sizeof *detach, &session, 1);
    detach->record = *record;
    detach->record.session = session;
    list_init (&detach->link);
    list_append (pending, &detach->link);
    self->detach_count++;
    edge_count (EDGE_DETACHES_PENDING, 1);
    if (!send_queue_send_detaches (self, postoffice))
        s_schedule (self, RETRY_MS);
}

bool
send_queue_send_detaches (send_queue_t *self, unsigned postoffice)
{
    for (list_t *first; (first = list_first (&self->detaches[postoffice]));) {
        const detach_t *detach = LIST_THING (first, detach_t, link);
        bus_record_t record = { .kind = BUS_DETACH, .detach = detach->record };
        if (bus_client_send (self->bus, postoffice, &record) != 0)
            return false;
        s_drop (self, first);
    }
    return true;
}

bool
send_queue_send_all_detaches (send_queue_t *self)
{
    bool sent = true;
    for (unsigned at = 0; self->detach_count > 0 && at < BUS_LINKS_MAX; at++)
        sent = send_queue_send_detaches (self, at) && sent;
    return sent;
}

void
send_queue_forget (send_queue_t *self, unsigned postoffice)
{
    for (list_t *first; (first = list_first (&self->detaches[postoffice]));)
        s_drop (self, first);
}

// ---------------------------------------------------------------------------------------------
//  Life

send_queue_t *
send_queue_new (uv_loop_t *loop, bus_client_t *bus, send_queue_send_fn *send)
{
    send_queue_t *self = alloc_zeroed (sizeof *self);
    self->bus = bus;
    self->send = send;
    list_init (&self->waiting);
    for (unsigned postoffice = 0; postoffice < BUS_LINKS_MAX; postoffice++)
        list_init (&self->detaches[postoffice]);
    self->timer = loop_timer_new (loop, s_on_timer, self);
    return self;
}

void
send_queue_destroy (send_queue_t **self_p)
{
    send_queue_t *self = *self_p;
    *self_p = NULL;
    for (unsigned postoffice = 0; postoffice < BUS_LINKS_MAX; postoffice++)
        send_queue_forget (self, postoffice);
    loop_timer_destroy (&self->timer);
    free (self);
}
