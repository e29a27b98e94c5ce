#include "session/outbound.h"

#include "base/random_id.h"
#include "client/server_frame.h"
#include "json/json_write.h"
#include "model/session_key.h"
#include "tables/edge_metrics.h"

//  A close event: a number, and two texts of close_reasons.def.
#define CLOSE_DATA_MAX 400
//  Event streams that a drain has ended come again within this time.
#define RETURN_MS 1000
#define NEVER_MS 86400000

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
        keepalive_written (connection->keepalive, item.seq, item.frame->size);
        attachment_written (connection->attachment, &item);
        write->what = WRITE_TEXT;
        write->frame = item.frame;
        return true;
    }
    write->what = WRITE_CLOSE;
    return client_wants_close (connection->client, &write->reason);
}

// ---------------------------------------------------------------------------------------------
//  Event streams

//  A browser comes again by itself: when it is sent elsewhere, not all at once; to a session that
//  is not for it as late as can be said.
static uint64_t
s_retry_ms (close_reason_t reason)
{
    return close_reason_is_move (reason)     ? 1 + random_id_number () % RETURN_MS
           : reason == CLOSE_NOT_ITS_SESSION ? NEVER_MS
                                             : 0;
}

//  What a close frame is to a WebSocket.
static int
s_put_close (buffer_t *to, close_reason_t reason)
{
    const close_reason_row_t *row = &close_reasons[reason];
    buffer_t data;
    json_writer_t json;
    buffer_init (&data, CLOSE_DATA_MAX);
    json_write_begin (&json, &data);
    json_open_object (&json, NULL);
    json_put_number (&json, "code", row->ws_code);
    json_put_string (&json, "reason", row->metric);
    json_put_string (&json, "message", row->words);
    json_close_object (&json);
    int rc = json_write_end (&json);
    if (rc == 0)
        rc = event_text_put_named (to, "close", buffer_text (&data), s_retry_ms (reason));
    buffer_free (&data);
    return rc;
}

events_next_t
outbound_next_event (void *connection, buffer_t *to)
{
    websocket_write_t next;
    int rc;
    if (!outbound_next (connection, &next))
        return EVENTS_NONE;
    switch (next.what) {
    case WRITE_TEXT:
        edge_count (EDGE_FRAMES_OUT, 1);
        edge_count (EDGE_BYTES_OUT, next.frame->size);
        rc = event_text_put (to, next.frame->position,
                             (text_t){ next.frame->text, next.frame->size });
        frame_destroy (&next.frame);
        return rc == 0 ? EVENTS_MORE : EVENTS_CUT;
    case WRITE_PING:
        edge_count (EDGE_PINGS, 1);
        return event_text_put_comment (to) == 0 ? EVENTS_MORE : EVENTS_CUT;
    default:
        if (!close_reasons[next.reason].ws_code)
            return EVENTS_CUT;
        return s_put_close (to, next.reason) == 0 ? EVENTS_LAST : EVENTS_CUT;
    }
}
