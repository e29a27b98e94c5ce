//  connection — one client's connection: who it is, which session it is in, what it has been
//  given.
//
//  The struct is open to the files of the gateway, which all work on it; only connections.c makes
//  and frees one. A connection is always in exactly one place (connection_place_t), and
//  connections_move is the one door through which that changes.
//
//  It lives as long as its socket. An idle one is kept small: what is rarely there is allocated
//  when it is needed.

#ifndef CONNECTION_H
#define CONNECTION_H

#include "client/outbox.h"
#include "base/token_bucket.h"
#include "base/list.h"
#include "client/visitor.h"
#include "net/websocket.h"
#include "model/model.h"

#include "base/hash_table.h"

//  PLACE (NAME, "what it is doing")
typedef enum {
    PLACE_SILENT,      //  has said nothing yet: EDGE_SILENCE is running
    PLACE_LOCATING,    //  its office is asked which session its user was last in
    PLACE_NOWHERE,     //  is in no session; the next frame says where it goes
    PLACE_JOINING,     //  an ATTACH is wanted or on its way: the client is waiting
    PLACE_IN,          //  the office has it in the session
    PLACE_REATTACHING, //  an ATTACH is wanted or on its way: the client notices nothing
    PLACE_CLOSING,     //  only what is left in the outbox is written
    PLACE_COUNT
} connection_place_t;

//  A message that was refused for now and that its client is to say again.
typedef struct {
    char *id;        //  NULL: none
    uint64_t request_id; //  of its post: later ones have higher ones
} hold_t;

struct connection {
    uint64_t endpoint; //  what the bus calls it: unique in the life of this process
    UT_hash_handle hh;
    websocket_t *socket;
    list_t placed;  //  in the list of its place, the longest there first
    list_t living;  //  by when it was last heard
    list_t waiting; //  has something for an office that could not be sent
    list_t parting; //  was told that we go; is in its session and heard until it goes, too
    list_t resting; //  goes too fast: not read for a while
    list_t unconfirmed; //  what was written to it is to be confirmed; by check_ms
    list_t changed;     //  its confirmed seq is to be told with RECEIPT

    connection_place_t place;
    uint8_t role;    //  role_t
    uint8_t dialect; //  dialect_t
    uint8_t reason;  //  of the ATTACH: attach_reason_t
    uint8_t faults;  //  refused frames since the last good one
    bool asked;      //  what the place wants of the office was sent
    bool paused;     //  not read: see inbound_resume
    bool catching_up; //  the office holds something back until NEXT_WINDOW
    bool ping_wanted;
    bool ping_out;
    bool spoke; //  said something: a late answer to LOOKUP is no use any more
    close_reason_t close_reason;
    int office;     //  that was asked last, −1: none
    uint32_t attach_generation; //  counts its ATTACH records, from 1
    uint64_t placed_ms;
    uint64_t rejoined_ms; //  when it was brought in again last, as its office had lost it
    uint64_t heard_ms;
    uint64_t parting_ms;
    token_bucket_t frames;   //  of all that it says
    token_bucket_t sessions; //  of its joins and changes of session

    char *session;       //  key, or NULL
    size_t session_size;
    uint64_t seq;        //  highest that went into the outbox, or was given to its own post
    uint64_t attach_seq; //  for the ATTACH that is wanted
    uint64_t attach_time_ms;
    uint64_t written_seq;
    uint64_t pinged_seq;    //  written before the ping that is out
    uint64_t confirmed_seq; //  known to be received
    uint64_t next_window_seq; //  0, or a NEXT_WINDOW with it is to be sent
    uint64_t ping_number;
    uint64_t pinged_ms; //  when the last ping was written
    uint64_t check_ms;  //  when it is looked at whether a ping is to confirm what was written

    outbox_t outbox;
    list_t posts; //  not answered yet, in order
    uint32_t post_count;
    size_t post_bytes;
    char *held; //  NULL, or a frame that moves it and waits for what its session still owes it
    size_t held_size;
    hold_t refused; //  the message that is to come again before any other
    hold_t behind;  //  the first one that was refused because of it
    uint64_t refused_ms;

    char *sender; //  JSON: the stamped sender
    size_t sender_size;
    uint16_t app_size;
    uint16_t user_size;
    char names[]; //  app, NUL, user, NUL
};

static inline text_t
connection_app (const connection_t *self)
{
    return (text_t){ self->names, self->app_size };
}

static inline text_t
connection_user (const connection_t *self)
{
    return (text_t){ self->names + self->app_size + 1, self->user_size };
}

static inline text_t
connection_session (const connection_t *self)
{
    return self->session ? (text_t){ self->session, self->session_size } : TEXT_EMPTY;
}

static inline text_t
connection_sender (const connection_t *self)
{
    return self->sender ? (text_t){ self->sender, self->sender_size } : TEXT_EMPTY;
}

static inline bool
connection_is_parting (const connection_t *self)
{
    return !list_is_empty (&self->parting);
}

//  Is what the client says now said in a session (or in one that it is on its way into)?
bool connection_is_placed (const connection_t *self);

//  These return 0, or −1 when there is no memory; then nothing is changed.
//  Makes app and session id the session key; NULL data leaves the session.
int connection_set_session (connection_t *self, text_t session_key);
//  Stamps the sender with who it really is, and what it says of itself. Without a name it is called
//  what a visitor or an agent is called.
int connection_stamp (connection_t *self, const visitor_t *visitor);

#endif
