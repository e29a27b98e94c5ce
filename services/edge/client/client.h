//  client — one client of this edge: who it is, its socket, its outbox and its rate. A client lives
//  as long as its socket; on the bus it is an endpoint, with a number that this edge gives once.
//
//  A client is open, draining (it was told to go elsewhere and is still read), or closed.
//  client_close only marks it: clients_next_closed tells the gateway, which then makes the client
//  leave its session. What is in the outbox of a closed client is still written, then the close
//  frame; a client that does not go in time is aborted (clients_abort_late).
//
//  The outbox holds the frames that wait until the socket can take them: in order, and bounded. It
//  is full when what waits has reached the limit; the frame that reaches it is still taken, so that
//  one frame of any size passes through an empty outbox, and no more than that is ever held.

#ifndef CLIENT_H
#define CLIENT_H

#include "client/client_socket.h"
#include "client/flow_control.h"
#include "client/visitor.h"
#include "config/apps.h"
#include "model/principal.h"
#include "model/visitor_info.h"

typedef struct clients clients_t;
typedef struct client client_t;

//  Who comes in. The client keeps copies of the texts.
typedef struct {
    principal_t principal; //  as the door made it
    uint64_t may;          //  permissions, as bits
    text_t name;           //  as the door knows it; empty: what its frames say
    dialect_t dialect;
    visitor_info_t info; //  of the request; of a visitor only, it is not kept of others
} client_identity_t;

typedef enum { CLIENT_OPEN, CLIENT_DRAINING, CLIENT_CLOSED } client_state_t;

//  What others read of a client. The texts are the client's; the sender is until client_stamp.
typedef struct {
    void *owner;
    uint64_t endpoint; //  its number on the bus
    principal_t principal;
    uint64_t may; //  permissions, as bits
    dialect_t dialect;
    text_t sender; //  JSON object: who it is, and what it says of itself
    client_state_t state;
    bool is_paused;   //  not read
    bool is_listener; //  it has an event stream, and says nothing on it
} client_view_t;

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
client_t *client_new (clients_t *all, const client_identity_t *identity, client_socket_t socket,
                      void *owner);
//  The socket is gone: that is the reason, unless there was one before.
void client_destroy (client_t **self_p);

//  One frame in an outbox.
typedef struct {
    frame_t *frame;
    uint64_t seq;               //  of the log entry in it, 0: none
    uint32_t attach_generation; //  not 0: its postoffice waits for NEXT_WINDOW behind it
    bool of_session;            //  dropped when the client leaves the session
} outbox_item_t;

const client_view_t *client_view (const client_t *self);

static inline bool
client_is_rich (const client_t *self)
{
    return client_view (self)->dialect == DIALECT_RICH;
}

static inline bool
client_is_listener (const client_t *self)
{
    return client_view (self)->is_listener;
}

static inline bool
client_is_closed (const client_t *self)
{
    return client_view (self)->state == CLIENT_CLOSED;
}

//  A client that is bound to one session is in no other.
static inline bool
client_may_be_in (const client_t *self, text_t session_id)
{
    text_t bound = client_view (self)->principal.session;
    return bound.size == 0 || text_is (bound, session_id);
}

//  Stamps the sender with who the client really is and what it says of itself. A visitor or an
//  agent without a name gets a name for all of them.
void client_stamp (client_t *self, const visitor_t *visitor);
//  Appends what is known of a visitor as JSON (visitor_info.h), with the name of the last stamp; of
//  others nothing.
void client_put_info (const client_t *self, buffer_t *to);
//  The bot of its app, as the sender of a frame: JSON object.
text_t client_bot_sender (const client_t *self);
//  Is a text of so many bytes longer than its app takes from it?
bool client_is_too_long (const client_t *self, size_t bytes);

//  Puts a frame into the outbox and gives back the caller's reference. A client whose outbox is
//  full, or whose socket is full while the edge is overloaded, is closed (SLOW_READER).
void client_write (client_t *self, frame_t **frame_p);
//  As client_write, but shares the item's frame.
void client_put (client_t *self, const outbox_item_t *item);
//  Shares the frame of an ephemeral event of its session; dropped when the outbox is half full.
void client_offer (client_t *self, frame_t *frame);
//  Drops the frames of the session that the client has left.
void client_leave_session (client_t *self);
//  Drops the entries above this seq that were not written yet.
void client_drop_above (client_t *self, uint64_t seq);
//  The next item is the caller's; false when there is none.
__attribute__ ((warn_unused_result)) bool client_take (client_t *self, outbox_item_t *item);
void client_want_write (client_t *self);

//  Where it comes from; logs get its network only (client_address_network).
const client_address_t *client_address (const client_t *self);

//  Stops or goes on reading its socket.
void client_read (client_t *self, bool on);
client_rate_t *client_rate (client_t *self);
//  A frame was good, or refused: too many refused ones without a good one close the client.
void client_note_frame (client_t *self, bool is_good);

//  Only the first reason counts.
void client_close (client_t *self, close_reason_t reason);
//  Sends the client to another edge, because this one is ending or has more than others. It stays
//  in its session and is read until it goes: what it sent before it reads that is not lost.
void client_drain (client_t *self, close_reason_t reason);
//  Has everything that was for it been written?
bool client_has_all (const client_t *self);
//  A close frame is to be written behind the outbox, with this reason.
bool client_wants_close (const client_t *self, close_reason_t *reason);

#endif
