//  endpoint — what one client is on the bus: the session that it is in, the postoffice that has it,
//  and the records that are sent for it: LOOKUP, ATTACH, POST, NEXT_WINDOW, SIGNAL, RECEIPT and
//  DETACH. It knows no states: attachment.c decides what is sent when.

#ifndef ENDPOINT_H
#define ENDPOINT_H

#include "bus/bus_client.h"
#include "session/keepalive.h"
#include "session/posts.h"
#include "session/send_queue.h"

#define NO_POSTOFFICE (-1)

//  What all endpoints share.
typedef struct {
    bus_client_t *bus;
    pending_detaches_t *detaches;
    send_queue_t *send_queue;
    posts_t *posts;
} endpoint_context_t;

//  The body is here because it stands inside its attachment, which reads and changes it.
typedef struct {
    const endpoint_context_t *context;
    client_t *client;
    keepalive_t *keepalive;
    char *session;            //  key, or NULL
    post_queue_t *posts;      //  NULL: none
    uint64_t seq;             //  highest that the client was given, or that its own post got
    uint64_t attach_seq;      //  for the ATTACH: of a resume, or while seq is 0
    uint64_t attach_time_ms;  //  the client's clock, for the ATTACH
    uint64_t next_window_seq; //  0, or a NEXT_WINDOW with it is to be sent
    uint32_t generation;      //  counts its ATTACHes, from 1
    uint16_t session_size;
    int16_t postoffice; //  that was asked last, or NO_POSTOFFICE
    uint8_t reason;     //  of the ATTACH: attach_reason_t
    bool catching_up;   //  the postoffice holds something back until NEXT_WINDOW
} endpoint_t;

//  Borrows all three.
void endpoint_init (endpoint_t *self, const endpoint_context_t *context, client_t *client,
                    keepalive_t *keepalive);

//  Key of the session; empty: none.
text_t endpoint_session (const endpoint_t *self);
//  Leaves the session that it is in, with a DETACH, and enters this one; empty: none.
void endpoint_enter (endpoint_t *self, text_t session);
//  Drops its posts, without a word to the client.
void endpoint_drop_posts (endpoint_t *self);
//  Its posts are to be sent again.
void endpoint_unsend_posts (endpoint_t *self);

//  These send what the bus takes; false: something is left to be sent.
bool endpoint_send_lookup (endpoint_t *self);
bool endpoint_send_attach (endpoint_t *self, attach_reason_t reason);
//  The posts and the NEXT_WINDOW.
bool endpoint_send_posts (endpoint_t *self);
bool endpoint_send_signal (endpoint_t *self, event_t event);
bool endpoint_send_receipt (endpoint_t *self);

//  Does this postoffice speak for it, in this session?
bool endpoint_is_at (const endpoint_t *self, unsigned postoffice, text_t session);
//  Does another postoffice own its session now?
bool endpoint_has_moved (const endpoint_t *self);
//  The client is given this entry.
void endpoint_delivered (endpoint_t *self, const bus_deliver_t *entry, uint64_t now_ms);

#endif
