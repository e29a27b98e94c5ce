//  keepalive — is the client still there, and what has it received? WebSocket pings answer both:
//  one at most is out on a connection; its pong says that everything written before it has
//  arrived. A widget is asked by pace, at most once a second, not for each delivery.
//
//  No connection has a timer: all stand in one list, the longest not heard first, and those with
//  something unconfirmed in another one, by when they are looked at.

#ifndef KEEPALIVE_H
#define KEEPALIVE_H

#include "session/gateway.h"

//  Something came from the client.
void keepalive_heard (gateway_t *gateway, connection_t *connection);
//  An entry of the log was written to its socket.
void keepalive_written (gateway_t *gateway, connection_t *connection, uint64_t seq);
//  Is a ping to be written now? Then `number` is its payload and it counts as written.
bool keepalive_ping (gateway_t *gateway, connection_t *connection, uint64_t *number);
void keepalive_pong (gateway_t *gateway, connection_t *connection, text_t payload);
//  What the office may be told that the client has; SEQ_UNKNOWN when that is not known.
uint64_t keepalive_received_seq (const connection_t *connection);
//  It is in another session: nothing is known of that.
void keepalive_forget (connection_t *connection);

//  Pings those not heard for EDGE_PING_EVERY, closes those that were silent for EDGE_PONG_WITHIN
//  more, and tells the offices what was confirmed.
void keepalive_tick (gateway_t *gateway);

#endif
