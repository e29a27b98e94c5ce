//  outbound — entries of the log and events, from an office into the outboxes of its endpoints; and
//  out of an outbox when its socket can take something.

#ifndef OUTBOUND_H
#define OUTBOUND_H

#include "session/gateway.h"

void outbound_deliver (gateway_t *gateway, unsigned office, const bus_deliver_t *entry);
void outbound_broadcast (gateway_t *gateway, unsigned office, const bus_broadcast_t *event);

//  The next thing to write to the connection's socket; false: nothing.
bool outbound_next (gateway_t *gateway, connection_t *connection, websocket_write_t *write);

#endif
