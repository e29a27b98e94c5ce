#include "session/endpoint.h"

#include "base/alloc.h"
#include "model/session_key.h"
#include "tables/edge_metrics.h"

#include <stdlib.h>

_Static_assert(BUS_LINKS_MAX <= INT16_MAX && SESSION_KEY_MAX <= UINT16_MAX, "they fit");

void
endpoint_init (endpoint_t *self, const endpoint_context_t *context, client_t *client,
               keepalive_t *keepalive)
{
    *self = (endpoint_t){
        .context = context, .client = client, .keepalive = keepalive, .postoffice = NO_POSTOFFICE
    };
}

text_t
endpoint_session (const endpoint_t *self)
{
    return self->session ? (text_t){ self->session, self->session_size } : TEXT_EMPTY;
}

static bool
s_send (endpoint_t *self, int postoffice, const bus_record_t *record)
{
    return bus_client_send (self->context->bus, (unsigned) postoffice, record) == 0;
}

// ---------------------------------------------------------------------------------------------
//  Entering and leaving

//  Tells the postoffice that was asked last that the client is not there any more.
static void
s_detach (endpoint_t *self, bool moved)
{
    const endpoint_context_t *context = self->context;
    unsigned postoffice = (unsigned) self->postoffice;
    bus_detach_t detach = { .endpoint = client_endpoint (self->client),
                            .session = endpoint_session (self),
                            .received_seq = keepalive_received_seq (self->keepalive),
                            .moved = moved };
    pending_detaches_put (context->detaches, postoffice, &detach);
    if (!pending_detaches_send (context->detaches, postoffice))
        send_queue_retry (context->send_queue);
}

static void
s_leave (endpoint_t *self)
{
    //  A postoffice that was asked for a session knows of it; a LOOKUP has none yet.
    if (self->session && self->postoffice != NO_POSTOFFICE)
        s_detach (self, false);
    self->postoffice = NO_POSTOFFICE;
    self->seq = self->next_window_seq = 0;
    self->catching_up = false;
    client_leave_session (self->client);
    keepalive_forget (self->keepalive);
    if (self->posts)
        post_queue_hold_nothing (self->posts);
}

void
endpoint_enter (endpoint_t *self, text_t session)
{
    if (self->session && text_is (session, endpoint_session (self)))
        return;
    s_leave (self);
    free (self->session);
    self->session = session.size ? alloc_text (session) : NULL;
    self->session_size = (uint16_t) session.size;
}

void
endpoint_drop_posts (endpoint_t *self)
{
    post_queue_destroy (&self->posts);
}

void
endpoint_unsend_posts (endpoint_t *self)
{
    if (self->posts)
        post_queue_unsend (self->posts);
}

// ---------------------------------------------------------------------------------------------
//  Sending

bool
endpoint_send_lookup (endpoint_t *self)
{
    client_t *client = self->client;
    session_key_room_t room;
    //  The user's name places the LOOKUP as a session's would.
    text_t key = session_key_of (room, client_app (client), client_user (client));
    int postoffice = bus_client_postoffice_of (self->context->bus, key);
    bus_record_t record = { .kind = BUS_LOOKUP,
                            .lookup = { .endpoint = client_endpoint (client),
                                        .app = client_app (client),
                                        .user = client_user (client),
                                        .role = client_role (client) } };
    if (postoffice < 0 || !s_send (self, postoffice, &record))
        return false;
    self->postoffice = (int16_t) postoffice;
    edge_count (EDGE_LOOKUPS, 1);
    return true;
}

bool
endpoint_send_attach (endpoint_t *self, attach_reason_t reason)
{
    client_t *client = self->client;
    int postoffice = bus_client_postoffice_of (self->context->bus, endpoint_session (self));
    if (postoffice < 0)
        return false;
    if (self->postoffice != NO_POSTOFFICE && self->postoffice != postoffice) {
        s_detach (self, true);
        self->postoffice = NO_POSTOFFICE;
        endpoint_unsend_posts (self);
    }
    //  An ATTACH must not overtake a DETACH that this postoffice has not heard yet.
    if (!pending_detaches_send (self->context->detaches, (unsigned) postoffice))
        return false;
    bool is_asked = reason == ATTACH_RESUME || self->seq == 0;
    bus_record_t record = { .kind = BUS_ATTACH,
                            .attach = { .endpoint = client_endpoint (client),
                                        .reason = reason,
                                        .session = endpoint_session (self),
                                        .app = client_app (client),
                                        .user = client_user (client),
                                        .role = client_role (client),
                                        .dialect = client_dialect (client),
                                        .seq = is_asked ? self->attach_seq : self->seq,
                                        .time_ms = self->attach_time_ms,
                                        .sender = client_sender (client) } };
    if (!s_send (self, postoffice, &record))
        return false;
    self->postoffice = (int16_t) postoffice;
    self->generation++;
    self->next_window_seq = 0;
    self->catching_up = false;
    edge_count (EDGE_ATTACHES, 1);
    edge_count (EDGE_REATTACHES, reason == ATTACH_REATTACH);
    return true;
}

static bool
s_send_next_window (endpoint_t *self)
{
    if (self->next_window_seq == 0)
        return true;
    bus_record_t record = { .kind = BUS_NEXT_WINDOW,
                            .next_window = { .endpoint = client_endpoint (self->client),
                                             .session = endpoint_session (self),
                                             .seq = self->next_window_seq } };
    if (!s_send (self, self->postoffice, &record))
        return false;
    self->next_window_seq = 0;
    return true;
}

bool
endpoint_send_posts (endpoint_t *self)
{
    post_t *post;
    while (self->posts && (post = post_queue_next_unsent (self->posts))) {
        bus_record_t record = { .kind = BUS_POST, .post = post->record };
        record.post.after = post_before (post);
        if (!s_send (self, self->postoffice, &record))
            return false;
        edge_count (EDGE_POSTS_SENT_AGAIN, post->ever_sent);
        post_sent (post, self->postoffice);
    }
    return s_send_next_window (self);
}

bool
endpoint_send_signal (endpoint_t *self, event_t event)
{
    bus_record_t record = { .kind = BUS_SIGNAL,
                            .signal = { .endpoint = client_endpoint (self->client),
                                        .session = endpoint_session (self),
                                        .event = event,
                                        .sender = client_sender (self->client) } };
    return self->postoffice != NO_POSTOFFICE && s_send (self, self->postoffice, &record);
}

bool
endpoint_send_receipt (endpoint_t *self)
{
    bus_record_t record = { .kind = BUS_RECEIPT,
                            .receipt = { .endpoint = client_endpoint (self->client),
                                         .session = endpoint_session (self),
                                         .seq = keepalive_received_seq (self->keepalive) } };
    if (!s_send (self, self->postoffice, &record))
        return false;
    edge_count (EDGE_RECEIPTS, 1);
    return true;
}

// ---------------------------------------------------------------------------------------------
//  What postoffices say

bool
endpoint_is_at (const endpoint_t *self, unsigned postoffice, text_t session)
{
    return self->session && self->postoffice == (int) postoffice
           && text_is (endpoint_session (self), session);
}

bool
endpoint_has_moved (const endpoint_t *self)
{
    if (!self->session || self->postoffice == NO_POSTOFFICE)
        return false;
    int owner = bus_client_postoffice_of (self->context->bus, endpoint_session (self));
    return owner >= 0 && owner != self->postoffice;
}

void
endpoint_delivered (endpoint_t *self, const bus_deliver_t *entry, uint64_t now_ms)
{
    self->seq = entry->seq;
    self->catching_up = entry->end_of_window != 0;
    if (self->posts)
        post_queue_told (self->posts, entry->message_id, now_ms);
}
