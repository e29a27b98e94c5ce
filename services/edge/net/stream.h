//  stream — the TCP connections of clients, over libuv: bytes in and out, back-pressure both ways,
//  time limits, and an end that loses no answer. What is said on one is its owner's business.
//
//  All share one buffer for reading, so that one that is silent holds nothing: what its owner does
//  not take (the beginning of a head, what came behind a pause) is kept for it, and is offered
//  again with more behind it. Writing is by asking: `write` is called before the loop sleeps, so
//  that what came for a socket in one turn leaves together.
//
//  With a tls_server all of them speak TLS, and their owners do not know: they hear what was opened
//  and say what is sealed. The handshake has a limit of its own, and theirs begins behind it. What
//  waits is counted as it waits: sealed.
//
//  No stream has a timer of its own: those with the same limit stand in one list.

#ifndef STREAM_H
#define STREAM_H

#include "base/text.h"
#include "tls/tls_server.h"

#include <uv.h>

typedef struct streams streams_t;
typedef struct stream stream_t;

typedef struct {
    //  What came, to be changed in place as one likes. Returns how much of it is done with: all,
    //  unless it was told to read no more, but for STREAM_RESTS_MOST bytes.
    size_t (*bytes) (void *owner, char *data, size_t size);
    //  The peer says nothing more; it may still read.
    void (*ended) (void *owner);
    //  It was asked for, or there is room again.
    void (*write) (void *owner);
    //  The limit has passed.
    void (*late) (void *owner);
    //  It is gone, and this is the last that is heard of it.
    void (*closed) (void *owner);
} stream_events_t;

#define STREAM_RESTS_MOST (16u << 10)

typedef enum {
    STREAM_FREE,    //  no limit
    STREAM_HEAD,    //  a request must come whole
    STREAM_BODY,    //  and so must its body
    STREAM_IDLE,    //  the next request must begin
    STREAM_TAKE,    //  what was written must be taken
    STREAM_MESSAGE, //  a WebSocket message must come whole
    STREAM_LINGER,  //  it was ended: the peer must end it, too
    STREAM_SHAKE,   //  the handshake of TLS must be over
    STREAM_LIMITS
} stream_limit_t;

//  Where bytes of sockets wait.
typedef enum {
    NET_INBOX,  //  read, and not whole or not taken yet
    NET_UNSENT, //  written, and not taken by the kernel yet
} net_memory_t;

typedef struct {
    uint64_t limits_ms[STREAM_LIMITS];
    //  So many bytes more (or less) wait there, of all streams together.
    void (*memory) (void *owner, net_memory_t what, int64_t change);
    void *owner;
    tls_server_t *tls; //  NULL: in clear; borrowed
} streams_config_t;

streams_t *streams_new (uv_loop_t *loop, const streams_config_t *config);
//  Ends all at once: `closed` is called for each within. The loop must turn until its handles are
//  gone.
void streams_destroy (streams_t **self_p);
uint64_t streams_count (const streams_t *self);

//  Takes the descriptor, and closes it when it cannot: NULL. It is read at once.
stream_t *stream_new (streams_t *streams, int descriptor, const stream_events_t *events,
                      void *owner);
//  Somebody else owns it from now on: what was not taken is offered to him.
void stream_hand_over (stream_t *self, const stream_events_t *events, void *owner);

//  Stops or goes on reading. What is kept is offered again before the loop sleeps.
void stream_read (stream_t *self, bool on);
//  Not while it is full. What the kernel does not take is copied. A connection that is lost is
//  closed: `closed` comes later.
void stream_write (stream_t *self, text_t bytes);
//  Not everything that was written is taken: `write` is called when it is.
bool stream_is_full (const stream_t *self);
void stream_want_write (stream_t *self);
//  The time runs from `since_ms` of the loop's clock; it has one limit at a time.
void stream_limit (stream_t *self, stream_limit_t limit, uint64_t since_ms);
uint64_t stream_now (const stream_t *self);
//  One whose peer's system confirms nothing of what was written for so long is lost: it is closed.
void stream_confirm_within (stream_t *self, uint64_t milliseconds);

//  Nothing more is said: the peer reads what was written, and then its end. What it still sends is
//  thrown away, up to a bound, so that no reset takes the answer from it. Only `closed` comes yet.
void stream_finish (stream_t *self);
//  Ends it, whatever it holds. Only `closed` comes yet.
void stream_close (stream_t *self);

#endif
