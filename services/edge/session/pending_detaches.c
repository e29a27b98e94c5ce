#include "session/pending_detaches.h"

#include "tables/edge_metrics.h"

#include <stdlib.h>

#define PENDING_DETACHES_MAX 100000

typedef struct {
    list_t place;
    bus_detach_t record; //  its session stands behind the struct
    char session[];
} detach_t;

void
pending_detaches_init (pending_detaches_t *self)
{
    self->count = 0;
    for (unsigned office = 0; office < BUS_LINKS_MAX; office++)
        list_init (&self->by_office[office]);
}

static void
s_drop (pending_detaches_t *self, list_t *link)
{
    list_remove (link);
    free (LIST_THING (link, detach_t, place));
    self->count--;
    edge_count (EDGE_DETACHES_PENDING, -1);
}

void
pending_detaches_forget (pending_detaches_t *self, unsigned office)
{
    for (list_t *first; (first = list_first (&self->by_office[office]));)
        s_drop (self, first);
}

void
pending_detaches_free (pending_detaches_t *self)
{
    for (unsigned office = 0; office < BUS_LINKS_MAX; office++)
        pending_detaches_forget (self, office);
}

void
pending_detaches_put (pending_detaches_t *self, unsigned office, const bus_detach_t *record)
{
    list_t *waiting = &self->by_office[office];
    if (self->count >= PENDING_DETACHES_MAX && !list_is_empty (waiting)) {
        edge_count (EDGE_DETACHES_DROPPED, 1);
        s_drop (self, list_first (waiting));
    }
    detach_t *detach = malloc (sizeof *detach + record->session.size);
    if (!detach)
        return;
    detach->record = *record;
    detach->record.session.data = detach->session;
    if (record->session.size)
        memcpy (detach->session, record->session.data, record->session.size);
    list_init (&detach->place);
    list_append (waiting, &detach->place);
    self->count++;
    edge_count (EDGE_DETACHES_PENDING, 1);
}

bool
pending_detaches_send (pending_detaches_t *self, bus_client_t *bus, unsigned office)
{
    for (list_t *first; (first = list_first (&self->by_office[office]));) {
        const detach_t *detach = LIST_THING (first, detach_t, place);
        bus_record_t record = { .kind = BUS_DETACH, .detach = detach->record };
        if (bus_client_send (bus, office, &record) != 0)
            return false;
        s_drop (self, first);
    }
    return true;
}

bool
pending_detaches_send_all (pending_detaches_t *self, bus_client_t *bus)
{
    bool sent = true;
    for (unsigned office = 0; self->count > 0 && office < BUS_LINKS_MAX; office++)
        sent = pending_detaches_send (self, bus, office) && sent;
    return sent;
}
