//  attachment — which session a client is in, as its postoffice knows it: LOOKUP, ATTACH, DETACH,
//  and the posts that travel behind an ATTACH.
//
//  A postoffice reads what one edge sends in order, so a POST may follow its ATTACH without waiting
//  for the answer. What cannot be sent (no postoffice is up, the bus is full) waits in the send
//  queue; the order within a connection never changes. Everything is remembered by number
//  (endpoint, request id): an answer for a client that is gone is ignored.
//
//  A state machine; attachment_states.def is the table, in words:
//
//                       silence ends         answered            answered: this session
//      SILENT ───────► LOOKUP_DUE ─► LOOKUP_SENT ─► DETACHED        │
//         ▲ refused                                    │            │
//         │ for now          a frame names a session   ▼            ▼
//         └──────────────────────────────────────── ATTACH_DUE ─► ATTACH_SENT ─► ATTACHED
//                             refused for good: DETACHED                         │    ▲
//                        its postoffice is lost, or another owns the session     ▼    │
//                                                     REATTACH_DUE ─► REATTACH_SENT ──┘
//
//  The scenarios that made it so:
//    - A new client says nothing: it is put into its user's last session after EDGE_SILENCE.
//    - A client joins while an ATTACH is out: inbound.c keeps the frame until that is answered.
//    - A client joins while a re-ATTACH is out: the answer to that one is stale, unless it is OK.
//    - A client resumes in its session while entries are on their way: they are ignored until the
//      answer, and come again behind what it misses; given first, they would hide that.
//    - A postoffice is lost: every attachment that it had is attached to the new owner, with the
//      seq that the client has; posts without an answer are sent again.
//    - A postoffice comes up: sessions that it owns now are moved, with a DETACH to the old owner,
//      a part in each turn. Until the ATTACH is sent they are where they were: what the old owner
//      says of posts is heard like what it delivers, or acks would come behind later entries.
//    - A postoffice forgot an endpoint (POSTED says not_joined): attached again, once a second.
//    - A client joins again where it is, and is refused: its postoffice still has it, and is sent a
//      DETACH.
//    - An ATTACH is refused for now: the client is told, is outside for EDGE_SILENCE, and is then
//      looked up again: the unasked connection update repairs the stock widget.
//    - Its agent has passed the visitor on, and is out: its postoffice says so, or refuses its
//      re-ATTACH. A rich client is told that it is not in; a widget that it has left itself, and
//      what it says behind that is refused.
//    - The log has lost entries that the client was given (TRUNCATED): the endpoint goes back to
//      what is there, what waits in the outbox above that is dropped, and receipts begin anew.
//    - No postoffice answers for 8 s: the client is told before it gives up by itself (10 s).

#ifndef ATTACHMENT_H
#define ATTACHMENT_H

#include "client/client.h"
#include "model/log_position.h"
#include "session/keepalive.h"
#include "session/posts.h"

typedef struct attachments attachments_t;
typedef struct attachment attachment_t;

typedef enum {
#define STATE(NAME, deadline, words) ATTACHMENT_##NAME,
#include "session/attachment_states.def"
#undef STATE
    ATTACHMENT_STATES
} attachment_state_t;

typedef enum {
#define EVENT(NAME, ...) ATTACHMENT_EVENT_##NAME,
#include "session/attachment_states.def"
#undef EVENT
    ATTACHMENT_EVENTS
} attachment_event_t;

typedef struct {
    bus_client_t *bus;
    posts_t *posts;
    uint64_t silence_ms; //  EDGE_SILENCE
    //  The client is in this session now, which it has joined (again).
    void (*joined) (void *owner, client_t *client, text_t session);
    //  Something that this client waited for was answered: it may be read on.
    void (*answered) (void *owner, client_t *client);
    void *owner;
} attachments_config_t;

//  Borrows what the config names.
attachments_t *attachments_new (uv_loop_t *loop, const attachments_config_t *config);
//  All attachments are gone. The loop must turn until its timer is closed.
void attachments_destroy (attachments_t **self_p);
//  The answer to a post.
void attachments_posted (attachments_t *self, unsigned postoffice, const bus_posted_t *posted);
//  Time limits of states and posts.
void attachments_tick (attachments_t *self);
//  A postoffice has come up: sessions that it owns now are moved, a part of them in each turn, and
//  what waits for the bus is sent soon.
void attachments_postoffice_up (attachments_t *self);
//  A postoffice is gone, and what it knew of this edge with it.
void attachments_postoffice_down (attachments_t *self, unsigned postoffice);
//  Sends the DETACHes that wait, before the process ends.
void attachments_flush (attachments_t *self);

//  Borrows both. SILENT.
attachment_t *attachment_new (attachments_t *all, client_t *client, keepalive_t *keepalive);
void attachment_destroy (attachment_t **self_p);
attachment_state_t attachment_state (const attachment_t *self);
//  Is this the session that the client is in, or is to be in?
bool attachment_is_in (const attachment_t *self, text_t session);
//  Does this postoffice speak for it, in this session?
bool attachment_is_at (const attachment_t *self, unsigned postoffice, text_t session);
//  Is the answer to its ATTACH, or to a post of it, still to come?
bool attachment_awaits_answer (const attachment_t *self);
//  Has it so many posts unanswered that it may not send more?
bool attachment_is_full (const attachment_t *self);

//  Into this session, out of the one it was in. `has` is what the client has, time_ms its clock.
void attachment_enter (attachment_t *self, text_t session, attach_reason_t reason,
                       log_position_t has, uint64_t time_ms);
//  The client has said so to come in, whoever put it out (docs/switchboard.md, afterPass): behind
//  attachment_enter. A join needs no such word.
void attachment_comes_in (attachment_t *self);
//  Keeps a copy of the post, as one of its session, until it is answered; attachment_send sends it.
//  False: it was refused, and its client told so: because it would overtake a message that was
//  refused, or because it comes too fast (wait_ms is not 0).
bool attachment_post (attachment_t *self, const bus_post_t *post, bool is_named,
                      uint64_t wait_ms);
//  Sends what there is, now or as soon as the bus takes it.
void attachment_send (attachment_t *self);
//  An ephemeral event; dropped when it cannot be sent now.
void attachment_signal (attachment_t *self, event_t event);
//  The client says that it has read its session up to seq.
void attachment_read (attachment_t *self, uint64_t seq);
//  Tells the postoffice what the client has received and read. False when the bus is full.
bool attachment_send_receipt (attachment_t *self);
//  Leaves the session for good.
void attachment_close (attachment_t *self);

//  An entry of the log. True when the client is to be given it: `item` is then what to put into its
//  outbox, but for the frame. False: it has it already, or comes from where the client is not.
bool attachment_deliver (attachment_t *self, unsigned postoffice, const bus_deliver_t *entry,
                         outbox_item_t *item);
//  The item was written to the socket, or is not shown to this client: its postoffice may send the
//  next part of the log, if it waits for that.
void attachment_written (attachment_t *self, const outbox_item_t *item);

//  The log has lost what stood above a seq. True when the client is to be told.
bool attachment_truncate (attachment_t *self, unsigned postoffice,
                          const bus_truncated_t *truncated);

//  What its postoffice says. An answer of another one comes too late.
void attachment_looked_up (attachment_t *self, unsigned postoffice,
                           const bus_lookup_reply_t *reply);
void attachment_attached (attachment_t *self, unsigned postoffice,
                          const bus_attached_t *attached);

#endif
