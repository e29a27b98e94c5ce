#include "session/endpoint.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "client/server_frame.h"
#include "model/session_key.h"
#include "tables/edge_metrics.h"

#include <stdlib.h>

_Static_assert(BUS_LINKS_MAX <= INT16_MAX, "a postoffice's number fits");

void
endpoint_forget_postoffice (endpoint_t *self)
{
    self->postoffice = NO_POSTOFFICE;
    self->is_known = false;
}

//  Tells the postoffice that was asked last that the client is not there any more. A postoffice
//  that was asked for a session knows of it; a LOOKUP has none yet.
static void
s_detach (endpoint_t *self, bool moved)
{
    bus_detach_t detach = { .endpoint = client_view (self->client)->endpoint,
                            .session = self->session,
                            .received_seq = keepalive_received_seq (self->keepalive),
                            .moved = moved,
                            .read_seq = keepalive_read_seq (self->keepalive) };
    if (self->session.size > 0 && self->postoffice != NO_POSTOFFICE)
        send_queue_detach (self->context->send_queue, (unsigned) self->postoffice, &detach);
    endpoint_forget_postoffice (self);
}

void
endpoint_enter (endpoint_t *self, text_t session)
{
    if (self->session.size > 0 && text_is (session, self->session))
        return;
    s_detach (self, false);
    self->has = (log_position_t){ 0 };
    self->next_window_seq = 0;
    self->catching_up = false;
    client_leave_session (self->client);
    keepalive_forget (self->keepalive);
    post_queue_hold_nothing (self->posts);
    if (self->session.size > 0)
        free ((char *) self->session.data);
    self->session = session.size ? alloc_copy (session) : TEXT_EMPTY;
}

bool
endpoint_send_lookup (endpoint_t *self)
{
    const client_view_t *who = client_view (self->client);
    session_key_room_t room;
    //  The user's name places the LOOKUP as a session's would.
    text_t key = session_key_of (room, who->principal.app, who->principal.user);
    int postoffice = bus_client_postoffice_of (self->context->bus, key);
    bus_record_t record = { .kind = BUS_LOOKUP,
                            .lookup = { .endpoint = who->endpoint,
                                        .app = who->principal.app,
                                        .user = who->principal.user,
                                        .role = who->principal.kind } };
    if (postoffice < 0
        || bus_client_send (self->context->bus, (unsigned) postoffice, &record) != 0)
        return false;
    self->postoffice = (int16_t) postoffice;
    edge_count (EDGE_LOOKUPS, 1);
    return true;
}

static bus_record_t
s_attach_record (const endpoint_t *self, attach_reason_t reason, text_t info)
{
    const client_view_t *who = client_view (self->client);
    bool is_asked = reason == ATTACH_RESUME || self->has.seq == 0;
    log_position_t has = is_asked ? self->attach_has : self->has;
    return (bus_record_t){ .kind = BUS_ATTACH,
                           .attach = { .endpoint = who->endpoint,
                                       .reason = reason,
                                       .session = self->session,
                                       .app = who->principal.app,
                                       .user = who->principal.user,
                                       .role = who->principal.kind,
                                       .dialect = who->dialect,
                                       .seq = has.seq,
                                       .check = has.check,
                                       .time_ms = self->attach_time_ms,
                                       .sender = who->sender,
                                       .may = who->may | PERMISSIONS_SAID,
                                       .info = info,
                                       .joins = self->joins && reason != ATTACH_REATTACH } };
}

bool
endpoint_is_misplaced (const endpoint_t *self)
{
    if (self->session.size == 0 || self->postoffice == NO_POSTOFFICE)
        return false;
    int owner = bus_client_postoffice_of (self->context->bus, self->session);
    return owner >= 0 && owner != self->postoffice;
}

bool
endpoint_send_attach (endpoint_t *self, attach_reason_t reason)
{
    const endpoint_context_t *context = self->context;
    int postoffice = bus_client_postoffice_of (context->bus, self->session);
    if (postoffice < 0)
        return false;
    if (self->postoffice != NO_POSTOFFICE && self->postoffice != postoffice)
        s_detach (self, true);
    //  They follow the ATTACH; what another postoffice says of them is not heard any more.
    post_queue_unsend (self->posts);
    //  An ATTACH must not overtake a DETACH that this postoffice has not heard yet.
    if (!send_queue_send_detaches (context->send_queue, (unsigned) postoffice))
        return false;
    buffer_t info;
    buffer_init (&info, VISITOR_INFO_MAX);
    client_put_info (self->client, &info);
    bus_record_t record = s_attach_record (self, reason, buffer_text (&info));
    int rc = bus_client_send (context->bus, (unsigned) postoffice, &record);
    buffer_free (&info);
    if (rc != 0)
        return false;
    self->postoffice = (int16_t) postoffice;
    self->generation++;
    self->next_window_seq = 0;
    self->catching_up = false;
    edge_count (EDGE_ATTACHES, 1);
    edge_count (EDGE_REATTACHES, reason == ATTACH_REATTACH);
    return true;
}

void
endpoint_tell_joined (const endpoint_t *self, text_t session_id, log_position_t last)
{
    const client_view_t *who = client_view (self->client);
    text_t user = who->dialect == DIALECT_RICH ? who->principal.user : TEXT_EMPTY;
    frame_t *update = server_frame_joined (session_id, last, user);
    client_write (self->client, &update);
}

void
endpoint_tell_not_joined (const endpoint_t *self, verdict_t verdict)
{
    frame_t *update = server_frame_not_joined (session_key_id (self->session),
                                               verdict_code (verdict), verdict_words (verdict));
    client_write (self->client, &update);
    if (client_is_listener (self->client))
        client_close (self->client,
                      verdict_again (verdict) ? CLOSE_NOT_JOINED : CLOSE_NOT_ITS_SESSION);
}

//  A widget draws nothing but entries, and may not have been given the last ones.
static void
s_tell_left (const endpoint_t *self)
{
    frame_t *left = server_frame_broadcast (
        &(bus_broadcast_t){ .session = self->session,
                            .event = EVENT_USER_LEFT,
                            .time_ms = clock_wall_ms (),
                            .sender = client_view (self->client)->sender,
                            .data = TEXT ("{\"why\":\"passed\"}") });
    client_write (self->client, &left);
}

//  Of a session that is not its own the client is told once, and not for each post. A widget whose
//  agent has passed the visitor on shows itself as left: a notice over all of it would not do.
void
endpoint_tell_refused (const endpoint_t *self, const bus_attached_t *attached, uint64_t now_ms)
{
    bool leaves = attached->verdict == VERDICT_PASSED_ON && !client_is_rich (self->client);
    if (leaves) {
        s_tell_left (self);
        post_queue_refuse (self->posts, VERDICT_PASSED_ON, now_ms);
    }
    if (attached->reason == ATTACH_SILENT)
        endpoint_tell_joined (self, TEXT_EMPTY, LOG_POSITION_UNKNOWN);
    else if (!leaves)
        endpoint_tell_not_joined (self, (verdict_t) attached->verdict);
}

void
endpoint_given (endpoint_t *self, const bus_deliver_t *entry)
{
    self->has = (log_position_t){ entry->seq, entry->check };
    self->catching_up = entry->end_of_window != 0;
    keepalive_attended (self->keepalive, entry->attended);
    if (entry->event == EVENT_NEW_MESSAGE)
        keepalive_told (self->keepalive, entry->time_ms);
}

//  What it was given is the most that it can have read.
void
endpoint_read (const endpoint_t *self, uint64_t seq)
{
    keepalive_read (self->keepalive, seq < self->has.seq ? seq : self->has.seq);
}

void
endpoint_warn_unknown (const endpoint_t *self)
{
    static log_limit_t limit = LOG_LIMIT (LOG_WARN, "postoffice does not know an endpoint");
    if (log_limit_allows (&limit))
        log_warn ("postoffice does not know an endpoint", log_text ("session", self->session),
                  log_number ("endpoint", (int64_t) client_view (self->client)->endpoint));
}

void
endpoint_truncate (endpoint_t *self, log_position_t kept)
{
    if (self->has.seq > kept.seq)
        self->has = kept;
    if (self->attach_has.seq != SEQ_UNKNOWN && self->attach_has.seq > kept.seq)
        self->attach_has = kept;
    self->catching_up = false;
    client_drop_above (self->client, kept.seq);
    keepalive_truncate (self->keepalive, kept.seq);
    //  Behind this the postoffice believes receipts again. Should it not come through, too much is
    //  delivered again.
    (void) endpoint_send_receipt (self, 0);
    edge_count (EDGE_TRUNCATED, 1);
}

void
endpoint_refused (endpoint_t *self)
{
    if (!self->is_known)
        self->postoffice = NO_POSTOFFICE;
}

static bool
s_send (const endpoint_t *self, const bus_record_t *record)
{
    return self->postoffice != NO_POSTOFFICE
           && bus_client_send (self->context->bus, (unsigned) self->postoffice, record) == 0;
}

bool
endpoint_send_signal (const endpoint_t *self, event_t event)
{
    bus_record_t record = { .kind = BUS_SIGNAL,
                            .signal = { .endpoint = client_view (self->client)->endpoint,
                                        .session = self->session,
                                        .event = event,
                                        .sender = client_view (self->client)->sender } };
    return s_send (self, &record);
}

bool
endpoint_send_receipt (const endpoint_t *self, uint64_t seq)
{
    bus_record_t record = { .kind = BUS_RECEIPT,
                            .receipt = { .endpoint = client_view (self->client)->endpoint,
                                         .session = self->session,
                                         .seq = seq,
                                         .read_seq =
                                             seq > 0 ? keepalive_read_seq (self->keepalive) : 0 } };
    bool sent = s_send (self, &record);
    edge_count (EDGE_RECEIPTS, sent);
    return sent;
}

void
endpoint_tell_posts (const endpoint_t *self, const bus_deliver_t *entry, uint64_t now_ms)
{
    if (!self->posts)
        return;
    post_queue_told (self->posts, entry->message_id, now_ms);
    //  Whoever takes control is shown as one who joins.
    if (entry->event == EVENT_USER_JOINED && post_queue_may_regain (self->posts, entry->seq))
        keepalive_confirm (self->keepalive);
}
