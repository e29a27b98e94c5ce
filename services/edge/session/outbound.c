#include "session/outbound.h"

#include "client/server_frame.h"
#include "model/session_key.h"
#include "tables/edge_metrics.h"

//  NULL: there is no such client (any more).
static connection_t *
s_find (const clients_t *clients, uint64_t endpoint)
{
    client_t *client = clients_find (clients, endpoint);
    return client && !client_is_closed (client) ? client_view (client)->owner : NULL;
}

//  The frame is made once for all clients of a dialect, for the first that wants it.
void
outbound_deliver (const clients_t *clients, unsigned postoffice, const bus_deliver_t *entry)
{
    struct {
        bool is_made;
        frame_t *frame; //  NULL: clients of this dialect are not shown the entry
    } versions[DIALECT_RICH + 1] = { 0 };
    for (size_t at = 0; at < entry->endpoints.count; at++) {
        connection_t *connection = s_find (clients, ids_at (entry->endpoints, at));
        outbox_item_t item;
        if (!connection
            || !attachment_deliver (connection->attachment, postoffice, entry, &item)) {
            edge_count (EDGE_DELIVERS_IGNORED, 1);
            continue;
        }
        dialect_t dialect = client_view (connection->client)->dialect;
        if (!versions[dialect].is_made)
            versions[dialect].frame = server_frame_deliver (entry, dialect);
        versions[dialect].is_made = true;
        item.frame = versions[dialect].frame;
        if (item.frame)
            client_put (connection->client, &item);
        else
            attachment_written (connection->attachment, &item);
    }
    for (size_t dialect = 0; dialect <= DIALECT_RICH; dialect++)
        frame_destroy (&versions[dialect].frame);
}

static void
s_put_of_session (client_t *client, frame_t *frame)
{
    client_put (client, &(outbox_item_t){ .frame = frame, .of_session = true });
    frame_destroy (&frame);
}

//  A client.js of before passes over `history changed`, but goes back when it is told of a log that
//  is shorter than what it has.
void
outbound_truncate (const clients_t *clients, unsigned postoffice, const bus_truncated_t *truncated)
{
    connection_t *connection = s_find (clients, truncated->endpoint);
    if (!connection || !attachment_truncate (connection->attachment, postoffice, truncated)
        || !client_is_rich (connection->client))
        return;
    log_position_t kept = { truncated->seq, truncated->check };
    text_t session_id = session_key_id (truncated->session);
    text_t user = client_view (connection->client)->principal.user;
    s_put_of_session (connection->client, server_frame_truncated (truncated));
    s_put_of_session (connection->client, server_frame_joined (session_id, kept, user));
}

void
outbound_broadcast (const clients_t *clients, unsigned postoffice, const bus_broadcast_t *event)
{
    frame_t *frame = NULL;
    for (size_t at = 0; at < event->endpoints.count; at++) {
        connection_t *connection = s_find (clients, ids_at (event->endpoints, at));
        if (!connection || !attachment_is_at (connection->attachment, postoffice, event->session))
            continue;
        if (!frame)
            frame = server_frame_broadcast (event);
        client_offer (connection->client, frame);
    }
    frame_destroy (&frame);
}

bool
outbound_next (connection_t *connection, websocket_write_t *write)
{
    if (keepalive_ping (connection->keepalive, &write->ping)) {
        write->what = WRITE_PING;
        return true;
    }
    outbox_item_t item;
    if (client_take (connection->client, &item)) {
        if (item.seq)
            keepalive_written (connection->keepalive, item.seq);
        attachment_written (connection->attachment, &item);
        write->what = WRITE_TEXT;
        write->frame = item.frame;
        return true;
    }
    write->what = WRITE_CLOSE;
    return client_wants_close (connection->client, &write->reason);
}
