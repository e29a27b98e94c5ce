//  endpoint — one live connection of a participant, as the postoffice sees it: where it is, what it
//  may be shown, and how much of the log it has been sent.
//
//  Belongs to its session and stands in the list of its edge (edges_t, below), so that a lost
//  edge's endpoints are found. Nothing is sent that is not above its cursor: nothing twice, no
//  hole. The cursor only rises, unless the log has lost what the endpoint was sent (truncation.h).
//
//  The struct is open to the modules of this room: a session's parts read and move its cursor.

#ifndef ENDPOINT_H
#define ENDPOINT_H

#include "rules/audience.h"
#include "bus/bus_server.h"
#include "model/log_position.h"
#include "rules/operation.h"
#include "base/list.h"
#include "model/principal.h"

typedef struct session session_t;

typedef enum {
    ENDPOINT_ATTACHING, //  its ATTACH is not answered yet
    ENDPOINT_LIVE,      //  is sent entries as they are committed
    ENDPOINT_LAGGING,   //  missed something that could not be asked of the store yet
    ENDPOINT_READING,   //  what it missed is being read from the log
    ENDPOINT_PAUSED, //  a part was sent; the edge says NEXT_WINDOW when the client has room again
} endpoint_state_t;

typedef struct {
    list_t in_session;
    list_t in_peer;
    session_t *session;
    endpoint_state_t state;
    peer_t peer;
    uint64_t id;        //  connectionId, unique at its edge
    uint64_t serial;    //  unique in this process: how answers of the store find it
    uint64_t role;
    uint64_t dialect;
    uint64_t may;       //  permissions of the session, as bits (principal.h)
    log_position_t cursor; //  everything up to this was sent, or is not for it
    bool is_compared;   //  the log is known to have the cursor's entry
    bool awaits_receipt; //  RECEIPT 0, which answers TRUNCATED: those before it do not count
    uint64_t
        received_seq; //  the client is known to have received up to this; SEQ_UNKNOWN: not known
    list_t held;        //  posts that are done and wait to be answered (operations)
    uint64_t taken_id;  //  the last post that was taken in its order, by request id; 0: none
    verdict_t refused_as; //  of the last one that was refused, and not because of another
    bool settle_company; //  to be told who is connected when it has caught up
    uint64_t shown_seq; //  of the last entry that it was given, or made
    bool settle_typing; //  to be told the typing state when it has caught up
    text_t user;        //  in the endpoint's own memory
} endpoint_t;

//  Gives it another serial: what was asked of the store for it before is not for it any more.
void endpoint_renew (endpoint_t *self);

//  In state ENDPOINT_ATTACHING and in no list. It may do nothing yet.
endpoint_t *endpoint_new (session_t *session, peer_t peer, const bus_attach_t *attach);
void endpoint_destroy (endpoint_t **self_p);

//  May the post be taken, as far as its order goes? Else it has a verdict. Each post names the one
//  that its client sent before it and that was not answered yet. It is taken when that one was, so
//  that none overtakes another: when a post is refused for now, all that are on their way behind it
//  are refused, too, until the client begins anew with the refused one. Once refused an operation
//  stays so, however often it is decided on: what was behind it has been answered by then.
//
//  So it is with an agent's words that are refused for want of control, until this endpoint takes
//  control: its client may be on another connection by now, and say the same there.
bool endpoint_takes (const endpoint_t *self, operation_t *post);
//  The post was decided on, or is refused: notes which posts may follow.
void endpoint_note_post (endpoint_t *self, const operation_t *post);

static inline bool
endpoint_may (const endpoint_t *self, permission_t permission)
{
    return self->may & PERMISSION_BIT (permission);
}

bool endpoint_is_of (const endpoint_t *self, uint64_t role, text_t user);

//  The edges that are connected, and which endpoints each has.
typedef struct edges edges_t;

edges_t *edges_new (void);
void edges_destroy (edges_t **self_p);

void edges_up (edges_t *self, peer_t peer);
//  The edge is gone: moves its endpoints to the list. Unknown peers are ignored.
void edges_down (edges_t *self, peer_t peer, list_t *endpoints);
//  Puts the endpoint into its edge's list; false when the edge is gone.
bool edges_file (edges_t *self, endpoint_t *endpoint);

#endif
