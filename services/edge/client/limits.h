//  limits — how fast each principal, session, app and address may go on in this edge: connect,
//  join, say something, ask the API. The rows are limits.def. A bucket of tokens for each; what is
//  refused is told when to come again, and takes no token.
//
//  A principal is who the door says: a visitor, an agent or a server of one app. Of those who come
//  without a token anybody may use the name, so what such a principal is refused may be another's
//  fault; what it does counts for its address, too.
//
//  For a session only counts what it has let in: an ATTACH or a request that its postoffice has
//  accepted, and what is said behind that. So nobody is kept out of a session by those who may not
//  be in it.
//
//  Each has a place in a table as long as somebody holds it, and for a while after that, so that
//  coming again does not fill its buckets. A bucket that is full again is the same as none: idle
//  places are forgotten then, which is 10 s later at most. Of more idle ones than `idle_most` those
//  left longest ago go first; each scope has its own table, so that many names of one do not push
//  out another. To forget a place early gives somebody more than the limit, and takes nothing from
//  anybody. Memory is bounded by the connections and `idle_most`. Keys are digests that nobody can
//  choose.

#ifndef LIMITS_H
#define LIMITS_H

#include "address/client_address.h"
#include "model/principal.h"
#include "tables/limit_rows.h"

#include <stdint.h>

typedef struct limits limits_t;
typedef struct limit_place limit_place_t;

//  One connection's (or request's) share. All zeros: nobody.
typedef struct {
    limit_place_t *places[LIMIT_SCOPES]; //  NULL: it is not counted there
} limited_t;

//  0: no limit, for each.
typedef struct {
    const uint64_t (*per_second)[LIMIT_ACTS]; //  [LIMIT_SCOPES], borrowed
    uint64_t idle_most;                       //  of each scope
} limits_config_t;

limits_t *limits_new (const limits_config_t *config);
//  Those who were in have left.
void limits_destroy (limits_t **self_p);

//  The principal, its app and its address (NULL: it is not counted). It was not in.
void limits_enter (limits_t *self, limited_t *who, const principal_t *principal,
                   const client_address_t *address, uint64_t now_ms);
void limits_leave (limits_t *self, limited_t *who, uint64_t now_ms);

//  In how many milliseconds it may do this; 0: now. More is counted and logged as refused. The
//  session is the key of the one that it joins or asks about; empty: none, or the one it is in.
uint64_t limits_wait_ms (limits_t *self, const limited_t *who, limit_act_t act, text_t session,
                         uint64_t now_ms);
//  It does it.
void limits_take (limits_t *self, const limited_t *who, limit_act_t act, uint64_t now_ms);

//  The session has accepted it: it is in that one from now on, and has joined it. Empty: in none.
void limits_enter_session (limits_t *self, limited_t *who, text_t session, uint64_t now_ms);
//  The session has accepted what somebody did who is not in it.
void limits_take_of_session (limits_t *self, text_t session, limit_act_t act, uint64_t now_ms);

#endif
