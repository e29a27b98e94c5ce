//  Whatever comes to the port of TLS, in pieces: it is counted, bounded, and no handshake. The
//  first byte says how large the pieces are.

#include "base/alloc.h"
#include "tls/tls_context.h"
#include "tls/tls_session.h"

#include <openssl/pem.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static tls_context_t s_context;
static tls_shared_t s_shared;
static char s_opened[TLS_TAKEN_MOST];

static text_t
s_pem (BIO *from)
{
    char *bytes;
    long size = BIO_get_mem_data (from, &bytes);
    return (text_t){ bytes, (size_t) size };
}

static void
s_make_context (void)
{
    EVP_PKEY *key = EVP_EC_gen ("P-256");
    X509 *certificate = X509_new ();
    X509_gmtime_adj (X509_getm_notBefore (certificate), -60);
    X509_gmtime_adj (X509_getm_notAfter (certificate), 36000);
    X509_set_pubkey (certificate, key);
    X509_sign (certificate, key, EVP_sha256 ());
    BIO *first = BIO_new (BIO_s_mem ()), *second = BIO_new (BIO_s_mem ());
    PEM_write_bio_X509 (first, certificate);
    PEM_write_bio_PrivateKey (second, key, NULL, NULL, 0, NULL, NULL);
    if (tls_context_make (s_pem (first), s_pem (second), &s_context) != NULL)
        abort ();
    BIO_free (first);
    BIO_free (second);
    X509_free (certificate);
    EVP_PKEY_free (key);
    tls_shared_init (&s_shared);
}

static tls_step_t
s_take (tls_session_t *session, const uint8_t *data, size_t size)
{
    size_t opened;
    char *place = tls_session_place (session, &(size_t){ 0 });
    memcpy (place, data, size);
    tls_step_t step = tls_session_take (session, size, s_opened, &opened);
    if (opened > 0 || tls_session_is_ready (session)
        || tls_session_kept (session) > TLS_RECORD_MOST
        || tls_session_said (session).size > 64u << 10)
        abort ();
    return step;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    if (!s_context.ssl)
        s_make_context ();
    if (size == 0)
        return 0;
    size_t piece = (size_t) *data * 8 + 1, done = 1;
    tls_session_t *session = tls_session_new (&s_shared, s_context.ssl);
    while (done < size) {
        size_t now = size - done < piece ? size - done : piece;
        if (s_take (session, data + done, now) != TLS_GOES_ON)
            break;
        done += now;
    }
    tls_session_lost (session, false);
    tls_session_destroy (&session);
    return 0;
}
