#include "tls_wire.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define SHAKE_WITHIN_MS 5000

static uint16_t s_port;
static char s_authority[200];

void
tls_wire_at (uint16_t port, const char *authority)
{
    s_port = port;
    snprintf (s_authority, sizeof s_authority, "%s", authority ? authority : "");
    signal (SIGPIPE, SIG_IGN);
}

bool
tls_wire_is_at (uint16_t port)
{
    return s_port != 0 && port == s_port;
}

static SSL *
s_new (int handle, const tls_wire_options_t *options)
{
    SSL_CTX *context = SSL_CTX_new (TLS_client_method ());
    assert (context);
    //  What is too old is offered all the same: the server must say no.
    SSL_CTX_set_security_level (context, options->most && options->most < TLS1_2_VERSION ? 0 : 1);
    SSL_CTX_set_min_proto_version (context, options->least);
    SSL_CTX_set_max_proto_version (context, options->most);
    if (options->protocols)
        SSL_CTX_set_alpn_protos (context, (const unsigned char *) options->protocols,
                                 (unsigned) strlen (options->protocols));
    if (options->authority && *options->authority) {
        int rc = SSL_CTX_load_verify_locations (context, options->authority, NULL);
        assert (rc == 1);
        SSL_CTX_set_verify (context, SSL_VERIFY_PEER, NULL);
    }
    SSL *self = SSL_new (context);
    SSL_CTX_free (context);
    assert (self);
    SSL_set_fd (self, handle);
    SSL_set_mode (self, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return self;
}

//  Waits for what the handshake waits for. False at the deadline, and when it has failed.
static bool
s_may_go_on (SSL *self, int handle, int rc, uint64_t until_ms)
{
    int error = SSL_get_error (self, rc);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
        return false;
    uint64_t now = clock_mono_ms ();
    struct pollfd entry = { .fd = handle,
                            .events = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT };
    return now < until_ms && poll (&entry, 1, (int) (until_ms - now)) == 1;
}

SSL *
tls_wire_open (int handle, const tls_wire_options_t *options, int *alert)
{
    const tls_wire_options_t usual = { .authority = s_authority };
    uint64_t until_ms = clock_mono_ms () + SHAKE_WITHIN_MS;
    SSL *self = s_new (handle, options ? options : &usual);
    int rc;
    fcntl (handle, F_SETFL, fcntl (handle, F_GETFL) | O_NONBLOCK);
    ERR_clear_error ();
    while ((rc = SSL_connect (self)) != 1 && s_may_go_on (self, handle, rc, until_ms))
        ERR_clear_error ();
    int reason = ERR_GET_REASON (ERR_peek_last_error ());
    if (alert)
        *alert = rc != 1 && reason > SSL_AD_REASON_OFFSET ? reason - SSL_AD_REASON_OFFSET : 0;
    if (rc != 1)
        tls_wire_free (&self);
    return self;
}

void
tls_wire_free (SSL **self_p)
{
    SSL_free (*self_p);
    *self_p = NULL;
}

static ssize_t
s_result (SSL *self, int rc)
{
    if (rc > 0)
        return rc;
    int error = SSL_get_error (self, rc), why = errno;
    unsigned long reason = ERR_peek_last_error ();
    if (error == SSL_ERROR_ZERO_RETURN
        || ERR_GET_REASON (reason) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return 0;
    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN
            : error == SSL_ERROR_SYSCALL && why                           ? why
                                                                          : EPROTO;
    return -1;
}

ssize_t
tls_wire_send (SSL *self, const void *data, size_t size)
{
    ERR_clear_error ();
    errno = 0;
    ssize_t sent = s_result (self, SSL_write (self, data, (int) size));
    //  The end that was heard is what is told first.
    errno = sent == 0 ? EPIPE : errno;
    return sent == 0 ? -1 : sent;
}

ssize_t
tls_wire_recv (SSL *self, void *data, size_t size)
{
    ERR_clear_error ();
    errno = 0;
    return s_result (self, SSL_read (self, data, (int) size));
}

bool
tls_wire_has_more (const SSL *self)
{
    return SSL_pending (self) > 0;
}

bool
tls_wire_was_ended (const SSL *self)
{
    return (SSL_get_shutdown (self) & SSL_RECEIVED_SHUTDOWN) != 0;
}
