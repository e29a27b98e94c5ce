//  tls_wire — TLS on the socket of a test's client: what the other clients of the harness speak
//  where the port is known for it. Blocking, every wait with a deadline.

#ifndef TLS_WIRE_H
#define TLS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ssl_st;

typedef struct {
    const char *authority; //  PEM file of who is trusted; NULL: everybody
    int least;             //  TLS1_1_VERSION …; 0: OpenSSL's own
    int most;
    const char *protocols; //  of ALPN, as they are sent: "\x08http/1.1"; NULL: none are offered
} tls_wire_options_t;

//  From now on this port speaks TLS, and ws_client, tcp_talk and http_get do, too. 0: none does.
void tls_wire_at (uint16_t port, const char *authority);
bool tls_wire_is_at (uint16_t port);

//  A handshake on a connected socket, which does not block from then on. NULL when it fails within
//  5 s; then `alert` is what the server said, or 0. NULL for the options: those of tls_wire_at.
struct ssl_st *tls_wire_open (int handle, const tls_wire_options_t *options, int *alert);
//  Without the end of TLS, as one who is lost.
void tls_wire_free (struct ssl_st **self_p);

//  As send and recv do with MSG_DONTWAIT: 0 is the end in order, −1 with errno.
ssize_t tls_wire_send (struct ssl_st *self, const void *data, size_t size);
ssize_t tls_wire_recv (struct ssl_st *self, void *data, size_t size);
//  Something was read from the socket already that was not given out yet.
bool tls_wire_has_more (const struct ssl_st *self);
//  The server has said that it says nothing more (close_notify).
bool tls_wire_was_ended (const struct ssl_st *self);

#endif
