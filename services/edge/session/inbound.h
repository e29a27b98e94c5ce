//  inbound — what a client sends: a frame is read, refused with a reason, or placed in its session
//  and posted; and whether the client may be read on.
//
//  A client is not read while one of these holds. Each has its own event that ends it;
//  inbound_resume looks at all of them:
//
//      it is too fast                              the rate allows more (inbounds_tick)
//      it has as many posts unanswered as allowed  an answer
//      the edge is overloaded, and it has posts    an answer
//      it sent a frame that must wait (deferred)   an answer
//      it goes to a session too fast (deferred)    its time (inbounds_tick)
//
//  A frame must wait when it names another session while an answer of the old one is missing, or
//  joins while an ATTACH is out: one ATTACH at a time, and the answers to posts come from the
//  session that they went to.

#ifndef INBOUND_H
#define INBOUND_H

#include "session/connection.h"

//  Borrows all of them.
inbounds_t *inbounds_new (uv_loop_t *loop, flow_control_t *flow, clients_t *clients,
                          limits_t *limits);
//  All connections are gone.
void inbounds_destroy (inbounds_t **self_p);
//  Reads clients again that have waited for their rate.
void inbounds_tick (inbounds_t *self);

//  These are websocket_events_t's: what comes from the client, or is wrong with it.
void inbound_text (connection_t *connection, text_t bytes);
void inbound_fragment (connection_t *connection, bool is_costly);
void inbound_pong (connection_t *connection, text_t payload);
void inbound_fault (connection_t *connection, close_reason_t reason);

//  The connection is in this session now: what it says counts there (attachments_config_t).
void inbound_joined (connection_t *connection, text_t session);
//  Reads the client again when nothing is in the way any more.
void inbound_resume (connection_t *connection);
//  The connection ends.
void inbound_end (connection_t *connection);

#endif
