#include "tls/tls_session.h"

#include "base/alloc.h"
#include "base/log.h"
#include "tables/edge_metrics.h"

#include <assert.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#define SAID_MOST (80u << 20)
//  More than this is given back before the next one speaks.
#define SAID_TO_KEEP (256u << 10)
//  A client's half of a handshake is a few KiB.
#define HANDSHAKE_MOST (32u << 10)
//  What is said of keys behind it costs us more than the client, and is said a few times at most.
#define MESSAGES_MOST 64

struct tls_session {
    SSL *ssl;
    tls_shared_t *shared;
    text_t opening; //  of shared->sealed: not taken by OpenSSL yet
    char *kept;     //  the beginning of a record
    uint32_t kept_size;
    uint32_t shaken; //  bytes that the handshake took
    unsigned messages; //  of handshakes, behind it: new keys
    bool awaits_hello; //  in clear, and none of it has come
    bool is_ready;
    bool is_counted; //  what became of the handshake
    bool has_failed;
};

static const struct {
    const char *words;
} s_results[] = {
#define TLS_RESULT(NAME, metric, words) { words },
#include "tables/tls_results.def"
#undef TLS_RESULT
};

// ---------------------------------------------------------------------------------------------
//  What OpenSSL reads and writes

static int
s_bio_read (BIO *bio, char *to, size_t size, size_t *done)
{
    tls_session_t *self = BIO_get_data (bio);
    text_t *from = &self->opening;
    BIO_clear_retry_flags (bio);
    *done = size < from->size ? size : from->size;
    if (*done == 0) {
        BIO_set_retry_read (bio);
        return 0;
    }
    memcpy (to, from->data, *done);
    *from = (text_t){ from->data + *done, from->size - *done };
    return 1;
}

static int
s_bio_write (BIO *bio, const char *from, size_t size, size_t *done)
{
    tls_session_t *self = BIO_get_data (bio);
    BIO_clear_retry_flags (bio);
    if (buffer_put (&self->shared->said, from, size) != 0)
        return 0;
    *done = size;
    return 1;
}

static long
s_bio_control (BIO *bio, int what, long number, void *more)
{
    (void) bio;
    (void) number;
    (void) more;
    return what == BIO_CTRL_FLUSH;
}

static const BIO_METHOD *
s_bio_method (void)
{
    static BIO_METHOD *method;
    if (method)
        return method;
    BIO_METHOD *fresh = BIO_meth_new (BIO_get_new_index () | BIO_TYPE_SOURCE_SINK, "session");
    if (!fresh || BIO_meth_set_read_ex (fresh, s_bio_read) != 1
        || BIO_meth_set_write_ex (fresh, s_bio_write) != 1
        || BIO_meth_set_ctrl (fresh, s_bio_control) != 1) {
        BIO_meth_free (fresh);
        return NULL;
    }
    method = fresh;
    return method;
}

// ---------------------------------------------------------------------------------------------
//  What becomes of the handshake

static void
s_count (tls_session_t *self, tls_result_t result)
{
    const char *words = s_results[result].words;
    if (self->is_counted)
        return;
    self->is_counted = true;
    edge_tls_handshakes[result]++;
    static log_limit_t limit = LOG_LIMIT (LOG_INFO, "TLS handshake failed");
    if (*words && log_limit_allows (&limit))
        log_info ("TLS handshake failed", log_string ("reason", words));
}

static tls_result_t
s_result_of_error (void)
{
    int reason = ERR_GET_REASON (ERR_peek_last_error ());
    switch (reason) {
    case SSL_R_NO_APPLICATION_PROTOCOL:
        return TLS_RESULT_PROTOCOL;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_UNKNOWN_PROTOCOL:
        return TLS_RESULT_VERSION;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
        return TLS_RESULT_CIPHER;
    default:
        return reason >= SSL_AD_REASON_OFFSET ? TLS_RESULT_CLIENT : TLS_RESULT_MALFORMED;
    }
}

static tls_step_t
s_fail (tls_session_t *self, tls_result_t result)
{
    s_count (self, result);
    self->has_failed = true;
    return TLS_FAILED;
}

//  An alert that says why may have been written.
static tls_step_t
s_step_of_error (tls_session_t *self, int returned)
{
    switch (SSL_get_error (self->ssl, returned)) {
    case SSL_ERROR_WANT_READ:
        return TLS_GOES_ON;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_PEER_ENDED;
    default:
        return s_fail (self, s_result_of_error ());
    }
}

// ---------------------------------------------------------------------------------------------
//  What comes

char *
tls_session_place (tls_session_t *self, size_t *size)
{
    *size = TLS_TAKEN_MOST - self->kept_size;
    return self->shared->sealed + self->kept_size;
}

static void
s_keep (tls_session_t *self, text_t rest)
{
    if (rest.size == 0)
        return;
    self->kept = alloc_resized (NULL, rest.size);
    memcpy (self->kept, rest.data, rest.size);
    self->kept_size = (uint32_t) rest.size;
}

//  OpenSSL makes all the room at once that a hello says it takes, before more of it has come.
static bool
s_is_hello_large (tls_session_t *self)
{
    size_t size = self->awaits_hello ? tls_records_message (self->opening) : 0;
    self->awaits_hello = self->awaits_hello && size == 0;
    return size > HANDSHAKE_MOST;
}

static tls_step_t
s_shake_on (tls_session_t *self)
{
    self->shaken += (uint32_t) self->opening.size;
    if (s_is_hello_large (self))
        return s_fail (self, TLS_RESULT_MALFORMED);
    int rc = SSL_do_handshake (self->ssl);
    if (rc != 1) {
        tls_step_t step = s_step_of_error (self, rc);
        return step == TLS_GOES_ON && self->shaken > HANDSHAKE_MOST
                   ? s_fail (self, TLS_RESULT_MALFORMED)
                   : step;
    }
    self->is_ready = true;
    s_count (self, SSL_session_reused (self->ssl) ? TLS_RESULT_RESUMED : TLS_RESULT_FULL);
    return TLS_GOES_ON;
}

//  One record after the other, as each is looked at. What is behind the handshake is left.
static tls_step_t
s_shake (tls_session_t *self)
{
    tls_step_t step = TLS_GOES_ON;
    text_t left = self->opening;
    while (left.size > 0 && step == TLS_GOES_ON && !self->is_ready) {
        size_t size = tls_records_first (left);
        self->opening = (text_t){ left.data, size };
        left = (text_t){ left.data + size, left.size - size };
        step = s_shake_on (self);
    }
    self->opening = left;
    return step;
}

//  A server's hello that asks for another one of the client has this for its random bytes.
static bool
s_is_retry (const unsigned char *message, size_t size)
{
    static const unsigned char word[] = { 0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11,
                                          0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
                                          0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e,
                                          0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c };
    return size > 6 + sizeof word && *message == SSL3_MT_SERVER_HELLO
           && memcmp (message + 6, word, sizeof word) == 0;
}

//  OpenSSL tells of each message and record.
static void
s_on_message (int is_written, int version, int type, const void *bytes, size_t size, SSL *ssl,
              void *owner)
{
    (void) version;
    (void) ssl;
    tls_session_t *self = owner;
    self->awaits_hello |= is_written && type == SSL3_RT_HANDSHAKE && s_is_retry (bytes, size);
    self->messages += self->is_ready && !is_written && type == SSL3_RT_HANDSHAKE;
}

//  OpenSSL would say no, but make room for all of that hello first, however large it says it is.
static bool
s_begins_anew (const tls_session_t *self)
{
    return SSL_version (self->ssl) < TLS1_3_VERSION && tls_records_are_of_handshake (self->opening);
}

//  All of it, so that nothing waits inside OpenSSL.
static tls_step_t
s_open (tls_session_t *self, char *to, size_t *opened)
{
    int rc;
    if (s_begins_anew (self))
        return s_fail (self, TLS_RESULT_MALFORMED);
    while ((rc = SSL_read (self->ssl, to + *opened, (int) (TLS_TAKEN_MOST - *opened))) > 0)
        *opened += (size_t) rc;
    return self->messages > MESSAGES_MOST ? s_fail (self, TLS_RESULT_MALFORMED)
                                          : s_step_of_error (self, rc);
}

//  What was spoken to us in clear is answered in clear.
static tls_step_t
s_refuse_plain (tls_session_t *self)
{
    (void) !buffer_put_string (&self->shared->said,
                               "HTTP/1.1 400 Bad Request\r\nserver: stentor-edge\r\n"
                               "connection: close\r\ncontent-type: text/plain\r\n\r\n"
                               "this port speaks TLS: come by https:// or wss://\n");
    return s_fail (self, TLS_RESULT_PLAIN);
}

static void
s_begin (tls_session_t *self)
{
    buffer_t *said = &self->shared->said;
    ERR_clear_error ();
    if (said->room > SAID_TO_KEEP)
        buffer_free (said);
    buffer_clear (said);
}

tls_step_t
tls_session_take (tls_session_t *self, size_t size, char *to, size_t *opened)
{
    text_t bytes = { self->shared->sealed, self->kept_size + size };
    size_t whole = 0;
    *opened = 0;
    s_begin (self);
    assert (bytes.size <= TLS_TAKEN_MOST);
    if (self->kept)
        memcpy (self->shared->sealed, self->kept, self->kept_size);
    tls_session_forget (self);
    if (self->has_failed)
        return TLS_FAILED;
    bool is_first = self->shaken == 0;
    switch (tls_records_look (bytes, is_first, &whole)) {
    case TLS_BYTES_HTTP:
        return s_refuse_plain (self);
    case TLS_BYTES_OTHER:
        return s_fail (self, TLS_RESULT_MALFORMED);
    default:
        break;
    }
    s_keep (self, (text_t){ bytes.data + whole, bytes.size - whole });
    self->opening = (text_t){ bytes.data, whole };
    tls_step_t step = self->is_ready || whole == 0 ? TLS_GOES_ON : s_shake (self);
    if (step == TLS_GOES_ON && self->is_ready)
        step = s_open (self, to, opened);
    self->opening = TEXT_EMPTY;
    return step;
}

size_t
tls_session_kept (const tls_session_t *self)
{
    return self->kept_size;
}

void
tls_session_forget (tls_session_t *self)
{
    free (self->kept);
    self->kept = NULL;
    self->kept_size = 0;
}

// ---------------------------------------------------------------------------------------------
//  What leaves

text_t
tls_session_said (const tls_session_t *self)
{
    return buffer_text (&self->shared->said);
}

text_t
tls_session_seal (tls_session_t *self, text_t bytes)
{
    s_begin (self);
    if (!self->is_ready || self->has_failed || bytes.size == 0 || bytes.size > INT_MAX
        || SSL_write (self->ssl, bytes.data, (int) bytes.size) != (int) bytes.size)
        return TEXT_EMPTY;
    return tls_session_said (self);
}

text_t
tls_session_end (tls_session_t *self)
{
    s_begin (self);
    if (self->is_ready && !self->has_failed)
        (void) SSL_shutdown (self->ssl);
    return tls_session_said (self);
}

// ---------------------------------------------------------------------------------------------
//  Life

void
tls_shared_init (tls_shared_t *self)
{
    buffer_init (&self->said, SAID_MOST);
}

void
tls_shared_free (tls_shared_t *self)
{
    buffer_free (&self->said);
}

static BIO *
s_bio_new (tls_session_t *self)
{
    const BIO_METHOD *method = s_bio_method ();
    BIO *bio = method ? BIO_new (method) : NULL;
    if (bio) {
        BIO_set_data (bio, self);
        BIO_set_init (bio, 1);
    }
    return bio;
}

tls_session_t *
tls_session_new (tls_shared_t *shared, struct ssl_ctx_st *context)
{
    tls_session_t *self = alloc_zeroed (sizeof *self);
    self->shared = shared;
    self->awaits_hello = true;
    self->ssl = SSL_new (context);
    BIO *bio = self->ssl ? s_bio_new (self) : NULL;
    if (!bio) {
        tls_session_destroy (&self);
        return NULL;
    }
    SSL_set_bio (self->ssl, bio, bio);
    SSL_set_accept_state (self->ssl);
    SSL_set_msg_callback (self->ssl, s_on_message);
    SSL_set_msg_callback_arg (self->ssl, self);
    return self;
}

void
tls_session_lost (tls_session_t *self, bool is_late)
{
    s_count (self, is_late ? TLS_RESULT_LATE : TLS_RESULT_GONE);
}

void
tls_session_destroy (tls_session_t **self_p)
{
    tls_session_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    SSL_free (self->ssl);
    tls_session_forget (self);
    free (self);
}

bool
tls_session_is_ready (const tls_session_t *self)
{
    return self->is_ready;
}
