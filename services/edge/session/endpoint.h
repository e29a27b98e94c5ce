//  endpoint — how a client gets to its postoffice and away from it: the session that it is in, the
//  postoffice that has it, and LOOKUP, ATTACH and DETACH; and the small records beside messages. It
//  knows no states: attachment.c decides what is sent when, and sends the messages itself.

#ifndef ENDPOINT_H
#define ENDPOINT_H

#include "model/log_position.h"
#include "session/keepalive.h"
#include "session/posts.h"
#include "session/send_queue.h"

#define NO_POSTOFFICE (-1)

//  What all endpoints share.
typedef struct {
    bus_client_t *bus;
    send_queue_t *send_queue;
    posts_t *posts;
} endpoint_context_t;

//  The body is here because it stands inside its attachment, which reads and changes it.
typedef struct {
    const endpoint_context_t *context;
    client_t *client;
    keepalive_t *keepalive;
    text_t session;           //  key, its own copy; empty: in none
    post_queue_t *posts;      //  NULL: none
    log_position_t has;       //  the last that the client was given, or that its own post got
    log_position_t attach_has; //  for the ATTACH: of a resume, or while there is none; SEQ_UNKNOWN
    uint64_t attach_time_ms;  //  the client's clock, for the ATTACH
    uint64_t next_window_seq; //  0, or a NEXT_WINDOW with it is to be sent
    uint32_t generation;      //  counts its ATTACHes, from 1
    int16_t postoffice;       //  that was asked last, or NO_POSTOFFICE
    uint8_t reason;           //  of the ATTACH: attach_reason_t
    bool joins;               //  likewise: the client means to come in
    bool is_known;            //  that postoffice has accepted it in this session
    bool catching_up;         //  the postoffice holds something back until NEXT_WINDOW
} endpoint_t;

//  Its postoffice is gone, and what that knew of it.
void endpoint_forget_postoffice (endpoint_t *self);
//  Does its session belong to another postoffice than the one that it was asked of?
bool endpoint_is_misplaced (const endpoint_t *self);
//  Leaves the session that it is in, with a DETACH, and enters this one; empty: none.
void endpoint_enter (endpoint_t *self, text_t session);
//  These send what the bus takes; false: it is still to be sent.
bool endpoint_send_lookup (endpoint_t *self);
bool endpoint_send_attach (endpoint_t *self, attach_reason_t reason);
bool endpoint_send_signal (const endpoint_t *self, event_t event);
//  With what it has read, unless seq is 0.
bool endpoint_send_receipt (const endpoint_t *self, uint64_t seq);
//  Tells the client that it is in, with the last entry of the session; or that it is not, and why.
//  A listener has no other session to go to, and is closed.
void endpoint_tell_joined (const endpoint_t *self, text_t session_id, log_position_t last);
void endpoint_tell_not_joined (const endpoint_t *self, verdict_t verdict);
//  Likewise, refused for good.
void endpoint_tell_refused (const endpoint_t *self, const bus_attached_t *attached,
                            uint64_t now_ms);
//  The client is given this entry.
void endpoint_given (endpoint_t *self, const bus_deliver_t *entry);
//  The client says that it has read up to seq.
void endpoint_read (const endpoint_t *self, uint64_t seq);
//  Its postoffice has accepted it, and does not know it any more: a line in the log.
void endpoint_warn_unknown (const endpoint_t *self);
//  The log has lost what stood above this: the client does not have it any more.
void endpoint_truncate (endpoint_t *self, log_position_t kept);
//  The postoffice has refused the ATTACH. It keeps an endpoint that it accepted before.
void endpoint_refused (endpoint_t *self);

//  What an entry that the client is given means for its posts.
void endpoint_tell_posts (const endpoint_t *self, const bus_deliver_t *entry, uint64_t now_ms);

#endif
