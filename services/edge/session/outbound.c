#include "session/outbound.h"

#include "tables/edge_metrics.h"
#include "session/keepalive.h"
#include "client/server_frame.h"
#include "client/widget_view.h"

//  Is it an endpoint that this office speaks for?
static connection_t *
s_listener (gateway_t *gateway, unsigned office, uint64_t endpoint, text_t session)
{
    connection_t *connection = connections_find (&gateway->connections, endpoint);
    if (!connection || !connection_is_placed (connection) || connection->office != (int) office
        || !text_is (connection_session (connection), session))
        return NULL;
    return connection;
}

static void
s_put (gateway_t *gateway, connection_t *connection, const outbox_item_t *item)
{
    if (websocket_is_full (connection->socket) && gateway_is_overloaded (gateway)) {
        edge_count (EDGE_OVERLOADED, 1);
        gateway_close (gateway, connection, CLOSE_SLOW_READER);
        return;
    }
    size_t before = connection->outbox.bytes;
    if (outbox_put (&connection->outbox, gateway->config->outbox_limit, item) != 0) {
        gateway_close (gateway, connection, CLOSE_SLOW_READER);
        return;
    }
    edge_count (EDGE_OUTBOX_BYTES, (int64_t) (connection->outbox.bytes - before));
    if ((int64_t) connection->outbox.bytes > edge_metrics[EDGE_OUTBOX_HIGHEST])
        edge_metrics[EDGE_OUTBOX_HIGHEST] = (int64_t) connection->outbox.bytes;
    websocket_want_write (connection->socket);
}

void
gateway_write (gateway_t *gateway, connection_t *connection, frame_t **frame_p)
{
    if (connection->place != PLACE_CLOSING) {
        if (*frame_p)
            s_put (gateway, connection, &(outbox_item_t){ .frame = *frame_p });
        else
            gateway_close (gateway, connection, CLOSE_NO_MEMORY);
    }
    frame_destroy (frame_p);
}

//  The office may send the next part. Should this get lost, the stream is, too, and the ATTACH that
//  follows asks for the rest.
static void
s_next_window (gateway_t *gateway, connection_t *connection, uint64_t seq)
{
    connection->next_window_seq = seq;
    gateway_wait (gateway, connection);
}

//  An entry as the clients of one dialect are given it, made for the first who wants it.
typedef struct {
    bool is_made;
    bool is_for_them; //  else they are not told of it
    frame_t *frame;   //  NULL: there is no memory for it
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
    self->is_for_them = view != WIDGET_VIEW_NOTHING;
    if (self->is_for_them && view != WIDGET_VIEW_NO_MEMORY)
        self->frame = server_frame_deliver (&changed);
    buffer_free (&data);
}

static void
s_deliver_to (gateway_t *gateway, connection_t *connection, const bus_deliver_t *entry,
              const version_t *version)
{
    if (version->is_for_them && !version->frame) {
        gateway_close (gateway, connection, CLOSE_NO_MEMORY);
        return;
    }
    connection->seq = entry->seq;
    posts_is_told (connection, entry->message_id, gateway_now (gateway));
    connection->catching_up = entry->end_of_window != 0;
    if (version->is_for_them)
        s_put (gateway, connection,
               &(outbox_item_t){ .frame = version->frame,
                                 .seq = entry->seq,
                                 .attach_generation =
                                     entry->end_of_window ? connection->attach_generation : 0,
                                 .of_session = true });
    else if (entry->end_of_window)
        s_next_window (gateway, connection, entry->seq);
}

void
outbound_deliver (gateway_t *gateway, unsigned office, const bus_deliver_t *entry)
{
    version_t versions[DIALECT_RICH + 1] = { 0 }; //  by dialect
    for (size_t at = 0; at < entry->endpoints.count; at++) {
        connection_t *connection =
            s_listener (gateway, office, ids_at (entry->endpoints, at), entry->session);
        if (!connection || entry->seq <= connection->seq) {
            edge_count (EDGE_DELIVERS_IGNORED, 1);
            //  The office waits for the word to go on with what comes behind.
            if (connection && entry->end_of_window)
                s_next_window (gateway, connection, entry->seq);
            continue;
        }
        version_t *version = &versions[connection->dialect];
        if (!version->is_made)
            s_make (version, entry, connection->dialect);
        s_deliver_to (gateway, connection, entry, version);
    }
    for (size_t dialect = 0; dialect <= DIALECT_RICH; dialect++)
        frame_destroy (&versions[dialect].frame);
}

void
outbound_broadcast (gateway_t *gateway, unsigned office, const bus_broadcast_t *event)
{
    frame_t *frame = NULL;
    for (size_t at = 0; at < event->endpoints.count; at++) {
        connection_t *connection =
            s_listener (gateway, office, ids_at (event->endpoints, at), event->session);
        if (!connection)
            continue;
        if (connection->outbox.bytes * 2 >= gateway->config->outbox_limit) {
            edge_count (EDGE_BROADCASTS_DROPPED, 1);
            continue;
        }
        if (!frame && !(frame = server_frame_broadcast (event)))
            return;
        s_put (gateway, connection, &(outbox_item_t){ .frame = frame, .of_session = true });
    }
    frame_destroy (&frame);
}

bool
outbound_next (gateway_t *gateway, connection_t *connection, websocket_write_t *write)
{
    if (keepalive_ping (gateway, connection, &write->ping)) {
        write->what = WRITE_PING;
        return true;
    }
    size_t before = connection->outbox.bytes;
    outbox_item_t item;
    if (outbox_take (&connection->outbox, &item)) {
        edge_count (EDGE_OUTBOX_BYTES, -(int64_t) (before - connection->outbox.bytes));
        if (item.seq)
            keepalive_written (gateway, connection, item.seq);
        if (item.attach_generation && item.attach_generation == connection->attach_generation
            && connection_is_placed (connection))
            s_next_window (gateway, connection, item.seq);
        write->what = WRITE_TEXT;
        write->frame = item.frame;
        return true;
    }
    write->what = WRITE_CLOSE;
    write->reason = connection->close_reason;
    return connection->place == PLACE_CLOSING || connection_is_parting (connection);
}
