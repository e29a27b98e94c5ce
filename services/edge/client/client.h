//  client — one client of this edge: who it is, its socket, its outbox and its rate. A client lives
//  as long as its socket; on the bus it is an endpoint, with a number that this edge gives once.
//
//  A client is open, draining (it was told GOING_AWAY and is still read), or closed. client_close
//  only marks it: clients_next_closed tells the gateway, which then makes the client leave its
//  session. What is in the outbox of a closed client is still written, then the close frame; a
//  client that does not go in time is aborted (clients_abort_late).

#ifndef CLIENT_H
#define CLIENT_H

#include "client/flow_control.h"
#include "client/outbox.h"
#include "client/visitor.h"
#include "config/apps.h"
#include "model/model.h"
#include "net/websocket.h"

typedef struct clients clients_t;
typedef struct client client_t;

//  Who a client is; the texts are the client's.
typedef struct {
    text_t app;
    text_t user;
    role_t role;
    dialect_t dialect;
} client_identity_t;

//  Borrows all three. All clients are gone when it is destroyed.
clients_t *clients_new (uv_loop_t *loop, flow_control_t *flow, const apps_t *apps);
void clients_destroy (clients_t **self_p);
uint64_t clients_count (const clients_t *self);
//  NULL: there is none (any more).
client_t *clients_find (const clients_t *self, uint64_t endpoint);
//  The client after this one, in no order; after NULL the first. NULL: no more.
client_t *clients_next (const clients_t *self, const client_t *client);

//  A client that was closed since the last call, or NULL.
client_t *clients_next_closed (clients_t *self);
//  Aborts closed and draining clients that have not gone in time.
void clients_abort_late (clients_t *self);

//  The owner is what clients_next_closed leads to.
client_t *client_new (clients_t *all, const client_identity_t *identity, websocket_t *socket,
                      void *owner);
//  The socket is gone: that is the reason, unless there was one before.
void client_destroy (client_t **self_p);

void *client_owner (const client_t *self);
uint64_t client_endpoint (const client_t *self);
client_identity_t client_identity (const client_t *self);
//  Is its dialect DIALECT_RICH?
bool client_is_rich (const client_t *self);

//  Stamps the sender with who the client really is and what it says of itself. A visitor or an
//  agent without a name gets a name for all of them.
void client_stamp (client_t *self, const visitor_t *visitor);
//  JSON object.
text_t client_sender (const client_t *self);
//  The bot of its app, as the sender of a frame: JSON object.
text_t client_bot_sender (const client_t *self);
//  Is a text of so many bytes longer than its app takes from it?
bool client_is_too_long (const client_t *self, size_t bytes);

//  Puts a frame into the outbox and gives back the caller's reference. A client whose outbox is
//  full, or whose socket is full while the edge is overloaded, is closed (SLOW_READER).
void client_write (client_t *self, frame_t **frame_p);
//  As client_write, but shares the item's frame.
void client_put (client_t *self, const outbox_item_t *item);
//  Is the outbox so full that an ephemeral event is dropped?
bool client_is_half_full (const client_t *self);
//  Drops the frames of the session that the client has left.
void client_leave_session (client_t *self);
//  The next item is the caller's; false when there is none.
__attribute__ ((warn_unused_result)) bool client_take (client_t *self, outbox_item_t *item);
void client_want_write (client_t *self);

//  Stops or goes on reading its socket.
void client_read (client_t *self, bool on);
bool client_is_paused (const client_t *self);
client_rate_t *client_rate (client_t *self);
//  A frame was refused: too many of them, with no good one between, close the client.
void client_note_fault (client_t *self);
void client_forget_faults (client_t *self);

//  Only the first reason counts.
void client_close (client_t *self, close_reason_t reason);
bool client_is_closed (const client_t *self);
//  Tells the client that this edge is ending. It stays in its session and is read until it goes:
//  what it sent before it reads that is not lost.
void client_drain (client_t *self);
//  Is it closed or draining?
bool client_is_ending (const client_t *self);
//  A close frame is to be written behind the outbox, with this reason.
bool client_wants_close (const client_t *self, close_reason_t *reason);

#endif
