#include "session/lookups.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/log.h"
#include "base/utf8.h"

#include <stdlib.h>

//  On the bus a question's number is its endpoint.
typedef struct {
    list_t link;
    postoffice_context_t *office;
    peer_t peer;
    uint64_t endpoint;
} lookup_t;

struct lookups {
    postoffice_context_t *office;
    list_t under_way;
};

lookups_t *
lookups_new (postoffice_context_t *office)
{
    lookups_t *self = alloc_zeroed (sizeof *self);
    self->office = office;
    list_init (&self->under_way);
    return self;
}

void
lookups_destroy (lookups_t **self_p)
{
    lookups_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    for (list_t *link; (link = list_first (&self->under_way));) {
        list_remove (link);
        free (LIST_THING (link, lookup_t, link));
    }
    free (self);
}

static void
s_on_found (void *owner, uint64_t request_id, store_outcome_t outcome, text_t session)
{
    (void) request_id;
    lookup_t *lookup = owner;
    bus_record_t record = { .kind = BUS_LOOKUP_REPLY,
                            .lookup_reply = { .endpoint = lookup->endpoint,
                                              .verdict = outcome == STORED ? VERDICT_OK
                                                                           : VERDICT_STORE_DOWN,
                                              .session = session } };
    if (bus_server_send (lookup->office->bus, lookup->peer, &record) != 0)
        log_debug ("answer not sent", log_string ("kind", "LOOKUP_REPLY"));
    list_remove (&lookup->link);
    free (lookup);
}

void
lookups_ask (lookups_t *self, peer_t peer, const bus_lookup_t *asked)
{
    //  A name that cannot be stored has never been in a session.
    bool is_storable = utf8_is_valid (asked->app) && utf8_is_valid (asked->user)
                       && utf8_is_printable (asked->app) && utf8_is_printable (asked->user);
    lookup_t *lookup = alloc_zeroed (sizeof *lookup);
    *lookup = (lookup_t){ .office = self->office, .peer = peer, .endpoint = asked->endpoint };
    list_init (&lookup->link);
    list_append (&self->under_way, &lookup->link);
    if (!is_storable)
        s_on_found (lookup, 0, STORED, TEXT_EMPTY);
    else if (store_lookup (self->office->store, asked->app, asked->user, asked->role, 0,
                           s_on_found, lookup)
             != 0)
        s_on_found (lookup, 0, STORE_DOWN, TEXT_EMPTY);
}
