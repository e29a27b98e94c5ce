//  tls_context — what the handshakes are made with: a certificate with its chain, the key that
//  belongs to it, and the rules: TLS 1.2 at least, forward secrecy, http/1.1 and nothing else by
//  ALPN, no renegotiation, no compression, no early data, tickets that this process alone can read.
//
//  It is made in any thread. A session keeps what it was made with.

#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include "base/text.h"

#include <openssl/ssl.h>
#include <stdint.h>

typedef struct {
    SSL_CTX *ssl;
    int64_t begins_s; //  of the certificate: seconds since 1970
    int64_t ends_s;
} tls_context_t;

//  From PEM. NULL, and `to` is the caller's to free; or what is wrong, beginning with the setting.
const char *tls_context_make (text_t certificate, text_t key, tls_context_t *to);
void tls_context_free (tls_context_t *self);

//  From now on other keys are used for tickets: those of before cannot be read any more, by
//  nobody, and their clients make a whole handshake. 0; −1: it has the keys of before.
__attribute__ ((warn_unused_result)) int tls_context_renew_tickets (tls_context_t *self);

//  Is the certificate for this host?
bool tls_context_is_for (const tls_context_t *self, text_t host);

#endif
