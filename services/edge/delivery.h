//  delivery — entries of the log and events, from an office into the outboxes of its endpoints; and
//  out of an outbox when its socket can take something.

#ifndef EDGE_DELIVERY_H
#define EDGE_DELIVERY_H

#include "relay.h"

void delivery_deliver (relay_t *relay, unsigned office, const bus_deliver_t *entry);
void delivery_show (relay_t *relay, unsigned office, const bus_show_t *event);

//  The next thing to write to the connection's socket; false: nothing.
bool delivery_next (relay_t *relay, connection_t *connection, websocket_write_t *write);

#endif
