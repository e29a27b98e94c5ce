//  outbound — entries of the log and ephemeral events, from a postoffice into the outboxes of its
//  endpoints; and out of an outbox when its socket can take something.

#ifndef OUTBOUND_H
#define OUTBOUND_H

#include "session/connection.h"

void outbound_deliver (const clients_t *clients, unsigned postoffice, const bus_deliver_t *entry);
//  TRUNCATED: the log has lost entries that the client was given. A rich client is told.
void outbound_truncate (const clients_t *clients, unsigned postoffice,
                        const bus_truncated_t *truncated);
void outbound_broadcast (const clients_t *clients, unsigned postoffice,
                         const bus_broadcast_t *event);

//  For websocket_events_t: the next thing to write to the connection's socket; false: nothing.
bool outbound_next (connection_t *connection, websocket_write_t *write);
//  The same for event_stream_events_t.
events_next_t outbound_next_event (void *connection, buffer_t *to);

#endif
