//  membership — which session each connection is in, as its office is told: LOCATE, SYNC, DETACH,
//  and the posts that travel behind a SYNC.
//
//  An office reads what one edge sends in order, so a POST may follow its SYNC without waiting for
//  the answer. What cannot be sent (no office is up, the bus is full) stays as it is and its
//  connection waits; order within a connection is never changed.

#ifndef MEMBERSHIP_H
#define MEMBERSHIP_H

#include "relay.h"

//  Puts the connection into a session, leaving the one it was in: a SYNC is wanted. seq is what the
//  client has, time_ms its clock. Returns −1 when there is no memory.
__attribute__ ((warn_unused_result)) int membership_enter (relay_t *relay, connection_t *connection,
                                                           text_t session_key, sync_reason_t reason,
                                                           uint64_t seq, uint64_t time_ms);
//  Takes it out of its session, if it is in one, and tells the office.
void membership_leave (relay_t *relay, connection_t *connection);

//  Sends everything that the connection has for its office, as far as that is possible now. True
//  when nothing is left.
bool membership_speak (relay_t *relay, connection_t *connection);

//  A message that must not overtake one that was refused: refused, too.
bool membership_holds_back (relay_t *relay, connection_t *connection, text_t message_id);

//  An ephemeral event; dropped when it cannot be sent now.
void membership_signal (relay_t *relay, connection_t *connection, event_t event);

//  What the offices say.
void membership_located (relay_t *relay, unsigned office, const bus_located_t *located);
void membership_synced (relay_t *relay, unsigned office, const bus_synced_t *synced);
void membership_posted (relay_t *relay, unsigned office, const bus_posted_t *posted);

//  An office came or went: connections that were at one that is gone, or that belong to another one
//  now, are to be synced again.
void membership_office_down (relay_t *relay, unsigned office);
void membership_office_up (relay_t *relay);

//  Time limits: silent connections are located, joins and posts without an answer given up.
void membership_tick (relay_t *relay);

#endif
