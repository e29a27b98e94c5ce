//  keepalive — is the client still there, and what has it received? WebSocket pings answer both.
//
//  At most one ping is out on a connection; its pong confirms everything that was written before
//  it. A widget is pinged at most once a second for that, not for each delivery: a ping, its pong
//  and the RECEIPT would cost as much as the delivery. A rich client says itself what it has when
//  it comes again, and what it has read; the pings that its silence calls for confirm the rest.
//
//  Who is in a live conversation is pinged often, so that others know soon that it is gone: every
//  agent; who has said something, while the conversation goes on and for a while after it; and who
//  is in a session where a person answers. The many others, who have a page open and were greeted,
//  are pinged seldom and cost next to nothing.
//
//  No client has a timer. Each stands in one of two lists, the longest silent first: that of the
//  live ones, or of the quiet ones; those with something unconfirmed stand in another one, by when
//  a ping is due; those whose received or read seq rose in a further one, from which the RECEIPTs
//  are made.

#ifndef KEEPALIVE_H
#define KEEPALIVE_H

#include "client/client.h"

typedef struct keepalives keepalives_t;
typedef struct keepalive keepalive_t;

typedef struct {
    uint64_t ping_every_ms;  //  a client that was silent for so long is pinged
    uint64_t pong_within_ms; //  and closed when it stays silent for so long after that
} keepalive_pace_t;

typedef struct {
    keepalive_pace_t quiet;
    keepalive_pace_t live;
    uint64_t live_for_ms; //  so long after something was said a conversation is live
    //  The client has received or read more. False when that cannot be told now.
    bool (*received) (void *owner, client_t *client);
    void *owner;
} keepalives_config_t;

keepalives_t *keepalives_new (uv_loop_t *loop, const keepalives_config_t *config);
//  All keepalives are gone. The loop must turn until its timer is closed.
void keepalives_destroy (keepalives_t **self_p);
//  Pings silent clients and closes those that were silent for too long.
void keepalives_tick (keepalives_t *self);
//  Calls `received` for each client whose received or read seq rose and was not told yet.
void keepalives_tell (keepalives_t *self);

//  Borrows the client.
keepalive_t *keepalive_new (keepalives_t *all, client_t *client);
void keepalive_destroy (keepalive_t **self_p);

//  Something came from the client.
void keepalive_heard (keepalive_t *self);
void keepalive_pong (keepalive_t *self, text_t payload);
//  So many bytes were written to its socket, with an entry of the log in them; 0: none.
void keepalive_written (keepalive_t *self, uint64_t seq, size_t bytes);
//  It has said something; or was told something that was said then (wall clock).
void keepalive_said (keepalive_t *self);
void keepalive_told (keepalive_t *self, uint64_t time_ms);
//  A person answers in its session, or does not any more.
void keepalive_attended (keepalive_t *self, bool is_attended);
//  It is in its session, at a postoffice that is to be told what is known.
void keepalive_attached (keepalive_t *self, bool is_attended);
//  Is it an agent's, or in a live conversation?
bool keepalive_is_live (const keepalive_t *self);
//  Somebody waits for the client to have the entry that is written next: it is pinged behind it,
//  also when it is a rich one.
void keepalive_confirm (keepalive_t *self);
//  Is a ping to be written now? Then `number` is its payload, and it counts as written.
bool keepalive_ping (keepalive_t *self, uint64_t *number);
//  What the client is known to have received; SEQ_UNKNOWN when that is not known.
uint64_t keepalive_received_seq (const keepalive_t *self);
//  Its client, which was given so much, says that it has read up to this seq.
void keepalive_read (keepalive_t *self, uint64_t seq);
//  0: it said nothing of what it has read.
uint64_t keepalive_read_seq (const keepalive_t *self);
//  The log has lost what stood above seq: that was never received. What is written from now on is
//  of the log as it is.
void keepalive_truncate (keepalive_t *self, uint64_t seq);
//  The client is in another session: nothing is known of that.
void keepalive_forget (keepalive_t *self);

#endif
