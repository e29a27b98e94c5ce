#include "session/outbound.h"

#include "base/clock.h"
#include "tables/postoffice_metrics.h"
#include "base/log.h"

//  A record to an edge that is gone, or too full and therefore dropped, needs no answer here: the
//  edge comes back on a new stream and asks for what its endpoints missed.
static void
s_send (postoffice_context_t *office, peer_t peer, const bus_record_t *record)
{
    if (bus_server_send (office->bus, peer, record) != 0)
        log_debug ("not sent", log_string ("kind", bus_kind_name (record->kind)),
                   log_number ("peer", (int64_t) peer));
}

static void
s_deliver (postoffice_context_t *office, peer_t peer, ids_t endpoints, text_t session,
           uint64_t event, const stored_entry_t *entry, bool end_of_window)
{
    bus_record_t record = { .kind = BUS_DELIVER,
                            .deliver = { .endpoints = endpoints,
                                         .session = session,
                                         .seq = entry->seq,
                                         .event = event,
                                         .time_ms = entry->time_ms,
                                         .message_id = entry->message_id,
                                         .sender = entry->sender,
                                         .data = entry->data,
                                         .end_of_window = end_of_window } };
    s_send (office, peer, &record);
    metric_add (POSTOFFICE_DELIVERIES, (int64_t) endpoints.count);
}

static uint64_t
s_event_for (const endpoint_t *endpoint, const stored_entry_t *entry, bool replay)
{
    return audience_event (entry, &(listener_t){ .role = endpoint->role,
                                                 .dialect = endpoint->dialect,
                                                 .user = endpoint->user,
                                                 .replay = replay });
}

//  Endpoints of one edge that are told the same go into one record.
#define GROUP 64
typedef struct {
    peer_t peer;
    uint64_t event;
    uint64_t ids[GROUP];
    size_t count;
} group_t;

static void
s_flush (postoffice_context_t *office, group_t *group, text_t session,
         const stored_entry_t *entry)
{
    if (group->count)
        s_deliver (office, group->peer, ids_of (group->ids, group->count), session, group->event,
                   entry, false);
    group->count = 0;
}

void
outbound_tell (postoffice_context_t *office, list_t *endpoints, text_t session, uint64_t seq,
               const store_entry_t *row, origin_t origin)
{
    stored_entry_t entry = { .seq = seq,
                             .message_id = row->message_id,
                             .event = row->event,
                             .time_ms = row->time_ms,
                             .role = row->role,
                             .user = row->user,
                             .sender = row->sender,
                             .data = row->data,
                             .hidden = row->hidden };
    group_t group = { .count = 0 };
    for (list_t *link = endpoints->next; link != endpoints; link = link->next) {
        endpoint_t *endpoint = LIST_THING (link, endpoint_t, in_session);
        if (endpoint->state != ENDPOINT_LIVE || endpoint->cursor >= entry.seq)
            continue;
        endpoint->cursor = entry.seq;
        if (endpoint->peer == origin.peer && endpoint->id == origin.endpoint)
            continue;
        uint64_t event = s_event_for (endpoint, &entry, false);
        if (!event)
            continue;
        if (group.count == GROUP || group.peer != endpoint->peer || group.event != event)
            s_flush (office, &group, session, &entry);
        group.peer = endpoint->peer;
        group.event = event;
        group.ids[group.count++] = endpoint->id;
    }
    s_flush (office, &group, session, &entry);
}

static bool
s_is_addressed (const endpoint_t *endpoint, const ephemeral_t *showing)
{
    if (endpoint->role == ROLE_VISITOR && !showing->to_visitors)
        return false;
    return !endpoint_is_of (endpoint, showing->except_role, showing->except_user);
}

void
outbound_broadcast_one (postoffice_context_t *office, const endpoint_t *endpoint, text_t session,
                        const ephemeral_t *showing)
{
    if (!s_is_addressed (endpoint, showing))
        return;
    bus_record_t record = { .kind = BUS_BROADCAST,
                            .broadcast = { .endpoints = ids_of (&endpoint->id, 1),
                                           .session = session,
                                           .event = showing->event,
                                           .time_ms = clock_wall_ms (),
                                           .sender = showing->sender,
                                           .data = showing->data } };
    s_send (office, endpoint->peer, &record);
    metric_add (POSTOFFICE_BROADCASTS, 1);
}

void
outbound_broadcast (postoffice_context_t *office, list_t *endpoints, text_t session,
                    const ephemeral_t *showing)
{
    for (list_t *link = endpoints->next; link != endpoints; link = link->next) {
        endpoint_t *endpoint = LIST_THING (link, endpoint_t, in_session);
        if (endpoint->state == ENDPOINT_LIVE)
            outbound_broadcast_one (office, endpoint, session, showing);
        else if (showing->event == EVENT_STOP_TYPING)
            endpoint->settle_typing = true; //  else it would show for ever what ended meanwhile
    }
}

bool
outbound_catch_up (postoffice_context_t *office, endpoint_t *endpoint, text_t session,
                   const stored_entry_t *entries, size_t count, bool last)
{
    metric_add (POSTOFFICE_CATCH_UPS, 1);
    size_t final = count; //  the last one that is for it
    for (size_t at = 0; at < count; at++)
        if (entries[at].seq > endpoint->cursor && s_event_for (endpoint, &entries[at], true))
            final = at;
    for (size_t at = 0; at < count; at++) {
        if (entries[at].seq <= endpoint->cursor)
            continue;
        uint64_t event = s_event_for (endpoint, &entries[at], true);
        endpoint->cursor = entries[at].seq;
        if (event)
            s_deliver (office, endpoint->peer, ids_of (&endpoint->id, 1), session, event,
                       &entries[at], !last && at == final);
    }
    return !last && final < count;
}
