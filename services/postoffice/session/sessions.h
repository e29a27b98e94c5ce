//  sessions — all sessions that this postoffice has in memory, the edges whose endpoints are in
//  them, and what happens to them with time: their turn, the end of a grace period, another try
//  after the store was away, dropping those that nobody needs.

#ifndef SESSIONS_H
#define SESSIONS_H

#include "session/session_run.h"

#include <uv.h>

sessions_t *sessions_new (uv_loop_t *loop, postoffice_context_t *office);
//  Destroys all sessions; the store must be gone. The loop must turn until the handles are closed.
void sessions_destroy (sessions_t **self_p);

//  NULL when the session is not in memory.
session_t *sessions_find (sessions_t *self, text_t key);
//  Gives the operation to its session, or refuses it when too much waits. Takes the operation.
void sessions_ask (sessions_t *self, text_t key, operation_t **operation_p);
//  The turn's bot was not asked: the session is told that the turn failed; `for_good`: and is not
//  to put the question again. A bot_refuse_fn, with the sessions as its owner.
void sessions_refuse_turn (void *self, const turn_t *turn, bool for_good);
//  A DONE of an offer to a platform: its session is asked, and then offer_answered called. False:
//  it is of something else, or not for this worker to say.
bool sessions_offer_answered (sessions_t *self, peer_t peer, const bus_record_t *record);
//  How many more may be taken over from dead postoffices: the last tenth of the limit is left for
//  those that clients ask for.
uint64_t sessions_room (const sessions_t *self);
//  Loads the session if it is not here: it has work that nobody sees to.
void sessions_adopt (sessions_t *self, text_t key);
//  This postoffice is the session's host, by the database: loads it, so that everybody who is
//  present and does not come back in time is said to have left. `is_claimed`: since just now, from
//  a dead one; else it is looked at only if it was not known.
void sessions_host (sessions_t *self, text_t key, bool is_claimed);

//  All endpoints of the edge are gone.
void sessions_edge_down (sessions_t *self, peer_t peer);
//  Something that happens to all of them.
//  HANDED_OVER: the peers are sent away, to other postoffices. All endpoints are handed over, and
//  who was awaited and what edges asked for is forgotten.
//  STORE_READY: the store can be used again, and what waited for it tries at once. What other
//  postoffices wrote meanwhile was told to nobody, so every session that somebody is in is loaded
//  again, bit by bit.
void sessions_happen (sessions_t *self, session_event_t event);

#endif
