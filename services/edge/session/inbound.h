//  inbound — what a client says: read, refused with a reason, or placed in its session and posted.

#ifndef INBOUND_H
#define INBOUND_H

#include "session/gateway.h"

//  Takes one frame of the connection.
void inbound_text (gateway_t *gateway, connection_t *connection, text_t bytes);

//  It has sent what costs as much as so many frames, without any: counts at its pace.
void inbound_owe (gateway_t *gateway, connection_t *connection, uint64_t frames);

//  Looks who has rested enough.
void inbound_tick (gateway_t *gateway);

//  Reads its socket again when nothing is in the way any more: too many unanswered posts, a frame
//  that waits for answers before it may go to another session, or the pace that it went at.
void inbound_resume (gateway_t *gateway, connection_t *connection);

//  True when the connection has as many posts unanswered as it may have.
bool inbound_is_full (const gateway_t *gateway, const connection_t *connection);

#endif
