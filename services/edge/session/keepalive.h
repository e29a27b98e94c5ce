//  keepalive — is the client still there, and what has it received? WebSocket pings answer both.
//
//  At most one ping is out on a connection; its pong confirms everything that was written before
//  it. A widget is pinged at most once a second for that, not for each delivery: a ping, its pong
//  and the RECEIPT would cost as much as the delivery. A rich client says itself what it has.
//
//  No client has a timer. All clients stand in one list, the longest silent first; those with
//  something unconfirmed stand in another one, by when a ping is due; those whose received seq rose
//  in a third one, from which the RECEIPTs are made.

#ifndef KEEPALIVE_H
#define KEEPALIVE_H

#include "client/client.h"

typedef struct keepalives keepalives_t;
typedef struct keepalive keepalive_t;

typedef struct {
    uint64_t ping_every_ms;  //  a client that was silent for so long is pinged
    uint64_t pong_within_ms; //  and closed when it stays silent for so long after that
    //  The client has received more. False when that cannot be told now.
    bool (*received) (void *owner, client_t *client);
    void *owner;
} keepalives_config_t;

keepalives_t *keepalives_new (uv_loop_t *loop, const keepalives_config_t *config);
//  All keepalives are gone. The loop must turn until its timer is closed.
void keepalives_destroy (keepalives_t **self_p);
//  Pings silent clients and closes those that were silent for too long.
void keepalives_tick (keepalives_t *self);
//  Calls `received` for each client whose received seq rose and was not told yet.
void keepalives_tell (keepalives_t *self);

//  Borrows the client.
keepalive_t *keepalive_new (keepalives_t *all, client_t *client);
void keepalive_destroy (keepalive_t **self_p);

//  Something came from the client.
void keepalive_heard (keepalive_t *self);
void keepalive_pong (keepalive_t *self, text_t payload);
//  An entry of the log was written to its socket.
void keepalive_written (keepalive_t *self, uint64_t seq);
//  Is a ping to be written now? Then `number` is its payload, and it counts as written.
bool keepalive_ping (keepalive_t *self, uint64_t *number);
//  What the client is known to have received; SEQ_UNKNOWN when that is not known.
uint64_t keepalive_received_seq (const keepalive_t *self);
//  The log has lost what stood above seq: that was never received. What is written from now on is
//  of the log as it is.
void keepalive_truncate (keepalive_t *self, uint64_t seq);
//  The client is in another session: nothing is known of that.
void keepalive_forget (keepalive_t *self);

#endif
