//  intake — what a client says: read, refused with a reason, or placed in its session and posted.

#ifndef INTAKE_H
#define INTAKE_H

#include "relay.h"

//  Takes one frame of the connection.
void intake_text (relay_t *relay, connection_t *connection, text_t bytes);

//  It has sent what costs as much as so many frames, without any: counts at its pace.
void intake_owe (relay_t *relay, connection_t *connection, uint64_t frames);

//  Looks who has rested enough.
void intake_tick (relay_t *relay);

//  Reads its socket again when nothing is in the way any more: too many unanswered posts, a frame
//  that waits for answers before it may go to another session, or the pace that it went at.
void intake_resume (relay_t *relay, connection_t *connection);

//  True when the connection has as many posts unanswered as it may have.
bool intake_is_full (const relay_t *relay, const connection_t *connection);

#endif
