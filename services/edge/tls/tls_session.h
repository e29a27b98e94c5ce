//  tls_session — the TLS of one connection, without the connection: what came is opened, what is
//  to leave is sealed. Of what waits it holds the beginning of a record, and nothing else.
//
//  All sessions of a loop share one place for what was read and one for what is to be written, so
//  that a silent one holds neither.

#ifndef TLS_SESSION_H
#define TLS_SESSION_H

#include "base/buffer.h"
#include "tls/tls_records.h"

//  So much is opened at once: no less than a record, and nearly all of a second one.
#define TLS_TAKEN_MOST (20u << 10)

typedef struct {
    char sealed[TLS_TAKEN_MOST]; //  came, and is looked at
    buffer_t said;               //  is to leave
} tls_shared_t;

void tls_shared_init (tls_shared_t *self);
void tls_shared_free (tls_shared_t *self);

typedef struct tls_session tls_session_t;
struct ssl_ctx_st;

typedef enum {
    TLS_GOES_ON,
    TLS_PEER_ENDED, //  it says nothing more (close_notify)
    TLS_FAILED,     //  nothing that comes is understood any more
} tls_step_t;

//  NULL when there is no memory.
tls_session_t *tls_session_new (tls_shared_t *shared, struct ssl_ctx_st *context);
void tls_session_destroy (tls_session_t **self_p);

//  The handshake is over: what is sealed will be understood.
bool tls_session_is_ready (const tls_session_t *self);

//  Where the next bytes are read to; tls_session_take is told at once how many came.
char *tls_session_place (tls_session_t *self, size_t *size);
//  Opens them to `to`, which has room for TLS_TAKEN_MOST bytes. Then there may be something to say.
tls_step_t tls_session_take (tls_session_t *self, size_t size, char *to, size_t *opened);
//  Bytes of a record that is not whole yet. Forget: they are not asked for any more.
size_t tls_session_kept (const tls_session_t *self);
void tls_session_forget (tls_session_t *self);

//  What is to leave: of the last take; of bytes; the last word. Borrowed until the next call for
//  any session. Bytes that cannot be sealed are TEXT_EMPTY.
text_t tls_session_said (const tls_session_t *self);
text_t tls_session_seal (tls_session_t *self, text_t bytes);
text_t tls_session_end (tls_session_t *self);

//  The connection ends. A handshake that is not over is counted as gone, or late.
void tls_session_lost (tls_session_t *self, bool is_late);

#endif
