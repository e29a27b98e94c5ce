//  tls_server — TLS of the port of clients: whose certificate is shown, and the sessions that are
//  made with it.
//
//  The files are watched, as the apps file is: when one changes, both are read again in libuv's
//  thread pool, and new connections get what they hold; the others go on with what they have. A
//  pair with a mistake (a key that does not belong, as between two writes) is logged once and tried
//  again at each look, and the old one stays in force. A certificate that expires while it is in
//  force stays so: that is for a person to mend, who is told while there is time.

#ifndef TLS_SERVER_H
#define TLS_SERVER_H

#include "tls/tls_session.h"

#include <uv.h>

typedef struct tls_server tls_server_t;

//  NULL, with a complaint that begins with the setting, when the files cannot be used. Blocks: it
//  is called before the loop turns.
tls_server_t *tls_server_new (uv_loop_t *loop, const char *certificate, const char *key,
                              buffer_t *complaint);
//  Calls `renewed` when another certificate has come into force.
void tls_server_when_renewed (tls_server_t *self, void (*renewed) (void *owner), void *owner);
//  Its sessions are lost already; they may be destroyed later.
void tls_server_destroy (tls_server_t **self_p);

//  With the certificate of now. NULL when there is no memory.
tls_session_t *tls_server_session (tls_server_t *self);

//  Is the certificate for the host of this URL? One without a host asks nothing.
bool tls_server_is_for (const tls_server_t *self, const char *url);

#endif
