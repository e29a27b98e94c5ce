#include "tls/tls_context.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#define TICKET_SECONDS 3600
#define TICKETS_OF_A_HANDSHAKE 1
//  RSA of 2048 bits or an elliptic curve, and no SHA-1 (SSL_CTX_set_security_level).
#define SECURITY_LEVEL 2

//  Whose key is stolen later does not tell what was said: never by the certificate's own key.
#define CIPHERS "DEFAULT:!kRSA"
//  OpenSSL's keys of tickets: a name and two keys.
#define TICKET_KEYS_MOST 128

//  What is read of the two files.
typedef struct {
    X509 *certificate;
    STACK_OF (X509) * chain;
    EVP_PKEY *key;
} pair_t;

// ---------------------------------------------------------------------------------------------
//  Reading

static BIO *
s_reader (text_t bytes)
{
    return bytes.size > 0 && bytes.size < INT_MAX ? BIO_new_mem_buf (bytes.data, (int) bytes.size)
                                                  : NULL;
}

//  OpenSSL would ask at the terminal.
static int
s_no_passphrase (char *to, int size, int is_for_writing, void *owner)
{
    (void) to;
    (void) size;
    (void) is_for_writing;
    (void) owner;
    return -1;
}

//  Behind the last one there is nothing that begins.
static bool
s_is_at_end (void)
{
    unsigned long error = ERR_peek_last_error ();
    return ERR_GET_LIB (error) == ERR_LIB_PEM && ERR_GET_REASON (error) == PEM_R_NO_START_LINE;
}

static const char *
s_read_chain (BIO *from, pair_t *to)
{
    X509 *next;
    to->certificate = PEM_read_bio_X509 (from, NULL, s_no_passphrase, NULL);
    if (!to->certificate)
        return "EDGE_TLS_CERTIFICATE has no certificate in PEM";
    to->chain = sk_X509_new_null ();
    while ((next = PEM_read_bio_X509 (from, NULL, s_no_passphrase, NULL)))
        if (!to->chain || sk_X509_push (to->chain, next) <= 0) {
            X509_free (next);
            return "EDGE_TLS_CERTIFICATE cannot be kept";
        }
    return s_is_at_end () ? NULL : "EDGE_TLS_CERTIFICATE has a damaged certificate in its chain";
}

static const char *
s_read_certificate (text_t bytes, pair_t *to)
{
    BIO *from = s_reader (bytes);
    if (!from)
        return "EDGE_TLS_CERTIFICATE has no certificate in PEM";
    const char *mistake = s_read_chain (from, to);
    BIO_free (from);
    return mistake;
}

static const char *
s_read_key (text_t bytes, pair_t *to)
{
    BIO *from = s_reader (bytes);
    if (from)
        to->key = PEM_read_bio_PrivateKey (from, NULL, s_no_passphrase, NULL);
    BIO_free (from);
    return to->key ? NULL : "EDGE_TLS_KEY has no private key in PEM without a passphrase";
}

static const char *
s_check (const pair_t *pair)
{
    if (X509_check_private_key (pair->certificate, pair->key) != 1)
        return "EDGE_TLS_KEY does not belong to EDGE_TLS_CERTIFICATE";
    if (X509_cmp_current_time (X509_get0_notAfter (pair->certificate)) <= 0)
        return "EDGE_TLS_CERTIFICATE has expired";
    if (X509_cmp_current_time (X509_get0_notBefore (pair->certificate)) >= 0)
        return "EDGE_TLS_CERTIFICATE is not valid yet";
    return NULL;
}

// ---------------------------------------------------------------------------------------------
//  Rules

//  Whoever offers protocols and not this one would not understand us.
static int
s_choose_protocol (SSL *ssl, const unsigned char **chosen, unsigned char *chosen_size,
                   const unsigned char *offered, unsigned size, void *owner)
{
    static const unsigned char ours[] = "\x08http/1.1";
    (void) ssl;
    (void) owner;
    unsigned char *found;
    if (SSL_select_next_proto (&found, chosen_size, ours, sizeof ours - 1, offered, size)
        != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *
s_ruled (void)
{
    SSL_CTX *self = SSL_CTX_new (TLS_server_method ());
    if (!self)
        return NULL;
    SSL_CTX_set_options (self, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION
                                   | SSL_OP_CIPHER_SERVER_PREFERENCE
                                   | SSL_OP_PRIORITIZE_CHACHA);
    //  A silent client holds no buffers.
    SSL_CTX_set_mode (self, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_security_level (self, SECURITY_LEVEL);
    SSL_CTX_set_session_cache_mode (self, SSL_SESS_CACHE_OFF); //  tickets are the client's to keep
    SSL_CTX_set_timeout (self, TICKET_SECONDS);
    SSL_CTX_set_alpn_select_cb (self, s_choose_protocol, NULL);
    if (SSL_CTX_set_min_proto_version (self, TLS1_2_VERSION) != 1
        || SSL_CTX_set_cipher_list (self, CIPHERS) != 1
        || SSL_CTX_set_num_tickets (self, TICKETS_OF_A_HANDSHAKE) != 1
        || SSL_CTX_set_max_early_data (self, 0) != 1
        || SSL_CTX_set_session_id_context (self, (const unsigned char *) "edge", 4) != 1) {
        SSL_CTX_free (self);
        return NULL;
    }
    return self;
}

// ---------------------------------------------------------------------------------------------
//  Both

static int64_t
s_seconds (const ASN1_TIME *time)
{
    struct tm parts;
    return ASN1_TIME_to_tm (time, &parts) == 1 ? (int64_t) timegm (&parts) : 0;
}

static const char *
s_make (const pair_t *pair, tls_context_t *to)
{
    const char *mistake = s_check (pair);
    if (mistake)
        return mistake;
    SSL_CTX *ssl = s_ruled ();
    if (!ssl)
        return "EDGE_TLS_CERTIFICATE cannot be used: OpenSSL's own settings do not allow TLS 1.2";
    if (SSL_CTX_use_certificate (ssl, pair->certificate) != 1
        || SSL_CTX_set1_chain (ssl, pair->chain) != 1
        || SSL_CTX_use_PrivateKey (ssl, pair->key) != 1) {
        SSL_CTX_free (ssl);
        return "EDGE_TLS_CERTIFICATE is too weak, or of a kind that TLS does not know";
    }
    *to = (tls_context_t){ .ssl = ssl,
                           .begins_s = s_seconds (X509_get0_notBefore (pair->certificate)),
                           .ends_s = s_seconds (X509_get0_notAfter (pair->certificate)) };
    return NULL;
}

const char *
tls_context_make (text_t certificate, text_t key, tls_context_t *to)
{
    pair_t pair = { NULL, NULL, NULL };
    ERR_clear_error ();
    const char *mistake = s_read_certificate (certificate, &pair);
    if (!mistake)
        mistake = s_read_key (key, &pair);
    if (!mistake)
        mistake = s_make (&pair, to);
    X509_free (pair.certificate);
    sk_X509_pop_free (pair.chain, X509_free);
    EVP_PKEY_free (pair.key);
    ERR_clear_error ();
    return mistake;
}

void
tls_context_free (tls_context_t *self)
{
    SSL_CTX_free (self->ssl);
    self->ssl = NULL;
}

int
tls_context_renew_tickets (tls_context_t *self)
{
    unsigned char keys[TICKET_KEYS_MOST];
    long size = SSL_CTX_get_tlsext_ticket_keys (self->ssl, NULL, 0);
    if (size <= 0 || size > TICKET_KEYS_MOST || RAND_priv_bytes (keys, (int) size) != 1)
        return -1;
    int rc = SSL_CTX_set_tlsext_ticket_keys (self->ssl, keys, size) == 1 ? 0 : -1;
    explicit_bzero (keys, sizeof keys);
    return rc;
}

bool
tls_context_is_for (const tls_context_t *self, text_t host)
{
    char name[256];
    X509 *certificate = SSL_CTX_get0_certificate (self->ssl);
    if (host.size == 0 || host.size >= sizeof name)
        return false;
    memcpy (name, host.data, host.size);
    name[host.size] = 0;
    return X509_check_host (certificate, name, host.size, 0, NULL) == 1
           || X509_check_ip_asc (certificate, name, 0) == 1;
}
