//  attachment — which session each connection is in, as its office is told: LOOKUP, ATTACH,
//  DETACH, and the posts that travel behind an ATTACH.
//
//  An office reads what one edge sends in order, so a POST may follow its ATTACH without waiting
//  for the answer. What cannot be sent (no office is up, the bus is full) stays as it is and its
//  connection waits; order within a connection is never changed.

#ifndef ATTACHMENT_H
#define ATTACHMENT_H

#include "session/gateway.h"

//  Puts the connection into a session, leaving the one it was in: an ATTACH is wanted. seq is
//  what the client has, time_ms its clock. Returns −1 when there is no memory.
__attribute__ ((warn_unused_result)) int
attachment_enter (gateway_t *gateway, connection_t *connection, text_t session_key,
                  attach_reason_t reason, uint64_t seq, uint64_t time_ms);
//  Takes it out of its session, if it is in one, and tells the office.
void attachment_leave (gateway_t *gateway, connection_t *connection);

//  Sends everything that the connection has for its office, as far as that is possible now. True
//  when nothing is left.
bool attachment_speak (gateway_t *gateway, connection_t *connection);

//  A message that must not overtake one that was refused: refused, too.
bool attachment_holds_back (gateway_t *gateway, connection_t *connection, text_t message_id);

//  An ephemeral event; dropped when it cannot be sent now.
void attachment_signal (gateway_t *gateway, connection_t *connection, event_t event);

//  What the offices say.
void attachment_lookup_reply (gateway_t *gateway, unsigned office,
                              const bus_lookup_reply_t *located);
void attachment_attached (gateway_t *gateway, unsigned office, const bus_attached_t *attached);
void attachment_posted (gateway_t *gateway, unsigned office, const bus_posted_t *posted);

//  An office came or went: connections that were at one that is gone, or that belong to another
//  one now, are to be attached again.
void attachment_office_down (gateway_t *gateway, unsigned office);
void attachment_office_up (gateway_t *gateway);

//  Time limits: silent connections are located, joins and posts without an answer given up.
void attachment_tick (gateway_t *gateway);

#endif
