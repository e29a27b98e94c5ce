#include "session/outbound.h"

#include "client/server_frame.h"
#include "client/widget_view.h"
#include "tables/edge_metrics.h"

//  NULL: it is not an endpoint that this postoffice speaks for.
static connection_t *
s_find (const clients_t *clients, unsigned postoffice, uint64_t endpoint, text_t session)
{
    client_t *client = clients_find (clients, endpoint);
    if (!client || client_is_closed (client))
        return NULL;
    connection_t *connection = client_owner (client);
    bool is_at =
        endpoint_is_at (attachment_endpoint (connection->attachment), postoffice, session);
    return is_at ? connection : NULL;
}

//  An entry as the clients of one dialect are given it, made for the first that wants it.
typedef struct {
    bool is_made;
    frame_t *frame; //  NULL: they are not given it
} version_t;

static void
s_make (version_t *self, const bus_deliver_t *entry, dialect_t dialect)
{
    buffer_t data;
    buffer_init (&data, entry->data.size + WIDGET_VIEW_ROOM);
    widget_view_t view
        = dialect == DIALECT_WIDGET ? widget_view (entry, &data) : WIDGET_VIEW_SAME;
    bus_deliver_t changed = *entry;
    if (view == WIDGET_VIEW_CHANGED)
        changed.data = buffer_text (&data);
    self->is_made = true;
    if (view != WIDGET_VIEW_NOTHING)
        self->frame = server_frame_deliver (&changed);
    buffer_free (&data);
}

static void
s_deliver (connection_t *connection, const bus_deliver_t *entry, frame_t *frame, uint64_t now_ms)
{
    endpoint_t *endpoint = attachment_endpoint (connection->attachment);
    endpoint_delivered (endpoint, entry, now_ms);
    if (frame)
        client_put (connection->client,
                    &(outbox_item_t){ .frame = frame,
                                      .seq = entry->seq,
                                      .attach_generation =
                                          entry->end_of_window ? endpoint->generation : 0,
                                      .of_session = true });
    else if (entry->end_of_window)
        attachment_next_window (connection->attachment, entry->seq);
}

void
outbound_deliver (const clients_t *clients, unsigned postoffice, const bus_deliver_t *entry,
                  uint64_t now_ms)
{
    version_t versions[DIALECT_RICH + 1] = { 0 }; //  by dialect
    for (size_t at = 0; at < entry->endpoints.count; at++) {
        connection_t *connection =
            s_find (clients, postoffice, ids_at (entry->endpoints, at), entry->session);
        if (connection && attachment_is_resuming (connection->attachment)) {
            edge_count (EDGE_DELIVERS_IGNORED, 1);
            continue;
        }
        if (!connection || entry->seq <= attachment_endpoint (connection->attachment)->seq) {
            edge_count (EDGE_DELIVERS_IGNORED, 1);
            //  The postoffice waits for this before it sends what comes behind.
            if (connection && entry->end_of_window)
                attachment_next_window (connection->attachment, entry->seq);
            continue;
        }
        dialect_t dialect = client_dialect (connection->client);
        if (!versions[dialect].is_made)
            s_make (&versions[dialect], entry, dialect);
        s_deliver (connection, entry, versions[dialect].frame, now_ms);
    }
    for (size_t dialect = 0; dialect <= DIALECT_RICH; dialect++)
        frame_destroy (&versions[dialect].frame);
}

void
outbound_broadcast (const clients_t *clients, unsigned postoffice, const bus_broadcast_t *event)
{
    frame_t *frame = NULL;
    for (size_t at = 0; at < event->endpoints.count; at++) {
        connection_t *connection =
            s_find (clients, postoffice, ids_at (event->endpoints, at), event->session);
        if (!connection)
            continue;
        if (client_is_half_full (connection->client)) {
            edge_count (EDGE_BROADCASTS_DROPPED, 1);
            continue;
        }
        if (!frame)
            frame = server_frame_broadcast (event);
        client_put (connection->client, &(outbox_item_t){ .frame = frame, .of_session = true });
    }
    frame_destroy (&frame);
}

//  A frame leaves the outbox: its entry is written, and the postoffice may go on behind it.
static void
s_written (connection_t *connection, const outbox_item_t *item)
{
    const endpoint_t *endpoint = attachment_endpoint (connection->attachment);
    if (item->seq)
        keepalive_written (connection_keepalive (connection), item->seq);
    if (item->attach_generation && item->attach_generation == endpoint->generation
        && endpoint->session && !client_is_closed (connection->client))
        attachment_next_window (connection->attachment, item->seq);
}

bool
outbound_next (connection_t *connection, websocket_write_t *write)
{
    if (keepalive_ping (connection_keepalive (connection), &write->ping)) {
        write->what = WRITE_PING;
        return true;
    }
    outbox_item_t item;
    if (client_take (connection->client, &item)) {
        s_written (connection, &item);
        write->what = WRITE_TEXT;
        write->frame = item.frame;
        return true;
    }
    write->what = WRITE_CLOSE;
    return client_wants_close (connection->client, &write->reason);
}
