#include "session/pending_detaches.h"

#include "base/alloc.h"
#include "base/list.h"
#include "tables/edge_metrics.h"

#include <stdlib.h>

struct pending_detaches {
    bus_client_t *bus;
    uint64_t count;
    list_t by_postoffice[BUS_LINKS_MAX];
};

typedef struct {
    list_t link;
    bus_detach_t record; //  its session stands behind the struct
} detach_t;

pending_detaches_t *
pending_detaches_new (bus_client_t *bus)
{
    pending_detaches_t *self = alloc_zeroed (sizeof *self);
    self->bus = bus;
    for (unsigned postoffice = 0; postoffice < BUS_LINKS_MAX; postoffice++)
        list_init (&self->by_postoffice[postoffice]);
    return self;
}

static void
s_drop (pending_detaches_t *self, list_t *link)
{
    list_remove (link);
    free (LIST_THING (link, detach_t, link));
    self->count--;
    edge_count (EDGE_DETACHES_PENDING, -1);
}

void
pending_detaches_forget (pending_detaches_t *self, unsigned postoffice)
{
    for (list_t *first; (first = list_first (&self->by_postoffice[postoffice]));)
        s_drop (self, first);
}

void
pending_detaches_destroy (pending_detaches_t **self_p)
{
    pending_detaches_t *self = *self_p;
    *self_p = NULL;
    for (unsigned postoffice = 0; postoffice < BUS_LINKS_MAX; postoffice++)
        pending_detaches_forget (self, postoffice);
    free (self);
}

void
pending_detaches_put (pending_detaches_t *self, unsigned postoffice, const bus_detach_t *record)
{
    list_t *pending = &self->by_postoffice[postoffice];
    if (self->count >= PENDING_DETACHES_MAX && !list_is_empty (pending)) {
        edge_count (EDGE_DETACHES_DROPPED, 1);
        s_drop (self, list_first (pending));
    }
    text_t session = record->session;
    detach_t *detach = alloc_packed (sizeof *detach, &session, 1);
    detach->record = *record;
    detach->record.session = session;
    list_init (&detach->link);
    list_append (pending, &detach->link);
    self->count++;
    edge_count (EDGE_DETACHES_PENDING, 1);
}

bool
pending_detaches_send (pending_detaches_t *self, unsigned postoffice)
{
    for (list_t *first; (first = list_first (&self->by_postoffice[postoffice]));) {
        const detach_t *detach = LIST_THING (first, detach_t, link);
        bus_record_t record = { .kind = BUS_DETACH, .detach = detach->record };
        if (bus_client_send (self->bus, postoffice, &record) != 0)
            return false;
        s_drop (self, first);
    }
    return true;
}

bool
pending_detaches_send_all (pending_detaches_t *self)
{
    bool sent = true;
    for (unsigned postoffice = 0; self->count > 0 && postoffice < BUS_LINKS_MAX; postoffice++)
        sent = pending_detaches_send (self, postoffice) && sent;
    return sent;
}
