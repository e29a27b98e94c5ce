#include "pg/pg_tls.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

// ---------------------------------------------------------------------------------------------
//  Connection strings

static const char *
s_value (const PQconninfoOption *options, const char *keyword)
{
    for (; options && options->keyword; options++)
        if (strcmp (options->keyword, keyword) == 0)
            return options->val ? options->val : "";
    return "";
}

//  A host that is left out is the server's usual socket.
static bool
s_is_socket (const PQconninfoOption *options)
{
    const char *host = s_value (options, "host");
    for (;;) {
        size_t size = strcspn (host, ",");
        if (size > 0 && *host != '/' && *host != '@')
            return false;
        if (host[size] == '\0')
            return *s_value (options, "hostaddr") == '\0';
        host += size + 1;
    }
}

//  An option that libpq refuses, so that it reads the string, service files and the environment, as
//  nobody else can, and does not connect.
static PGconn *
s_read (const char *url)
{
    static const char *const keywords[] = { "dbname", "channel_binding", NULL };
    const char *const values[] = { url, "none of libpq's words", NULL };
    return PQconnectStartParams (keywords, values, 1);
}

bool
pg_tls_is_verified (const char *url)
{
    PGconn *connection = s_read (url);
    PQconninfoOption *options = PQconninfo (connection);
    const char *mode = s_value (options, "sslmode");
    //  Without a mode libpq could not make sense of it (an unknown service, say).
    bool is_verified = *mode && (strcmp (mode, "verify-full") == 0 || s_is_socket (options));
    PQconninfoFree (options);
    PQfinish (connection);
    return is_verified;
}

// ---------------------------------------------------------------------------------------------
//  Handshakes

typedef struct {
    int verdict;
    const char *complaint;
} words_t;

#define OTHER_CA                                                                                   \
    "the server's certificate is not of the CA in sslrootcert: name the CA that signed it"

static const words_t s_words[] = {
    { X509_V_ERR_CERT_HAS_EXPIRED,
      "the certificate of the server or of its CA has expired: renew it" },
    { X509_V_ERR_CERT_NOT_YET_VALID,
      "the certificate of the server or of its CA is not valid yet: compare the clocks" },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, OTHER_CA },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, OTHER_CA },
    { X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, OTHER_CA },
    { X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, OTHER_CA },
    { X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, OTHER_CA },
    { X509_V_ERR_CERT_SIGNATURE_FAILURE, OTHER_CA },
    { X509_V_ERR_CERT_REVOKED, "the server's certificate was revoked: give it another one" },
};

//  Who dials at this moment. libpq shakes hands within PQconnectPoll, and there is one thread.
static pg_tls_t *s_dialling;

//  The alert is what we tell the server: the verdict is there then, and the SSL soon is not. Where
//  nobody asks for a certificate's worth there is a verdict as well, and no refusal.
static void
s_on_info (const SSL *ssl, int where, int value)
{
    bool is_refusal = (where & SSL_CB_WRITE_ALERT) == SSL_CB_WRITE_ALERT
                      && value >> 8 == SSL3_AL_FATAL && SSL_in_init (ssl)
                      && SSL_get_verify_mode (ssl) != SSL_VERIFY_NONE;
    if (is_refusal && s_dialling)
        s_dialling->verdict = SSL_get_verify_result (ssl);
}

//  libpq shows us no SSL before its first step, and that one may be the last: this is the only
//  moment that is early enough.
static void
s_on_new_ssl (void *ssl, void *data, CRYPTO_EX_DATA *all, int index, long number, void *word)
{
    (void) data, (void) all, (void) index, (void) number, (void) word;
    if (s_dialling)
        s_dialling->verdict = X509_V_OK; //  of the host before
    SSL_set_info_callback (ssl, s_on_info);
}

PostgresPollingStatusType
pg_tls_poll (pg_tls_t *self, PGconn *connection)
{
    static bool is_listening;
    if (!is_listening)
        is_listening = SSL_get_ex_new_index (0, NULL, s_on_new_ssl, NULL, NULL) != -1;
    s_dialling = self;
    PostgresPollingStatusType next = PQconnectPoll (connection);
    s_dialling = NULL;
    return next;
}

//  With several hosts the last one may have failed without a handshake.
const char *
pg_tls_complaint (const pg_tls_t *self, text_t said)
{
    static const char of_openssl[] = "certificate verify failed";
    if (!memmem (said.data, said.size, of_openssl, strlen (of_openssl)))
        return NULL;
    for (size_t at = 0; at < sizeof s_words / sizeof *s_words; at++)
        if (s_words[at].verdict == self->verdict)
            return s_words[at].complaint;
    return self->verdict == X509_V_OK ? NULL : X509_verify_cert_error_string (self->verdict);
}
