//  pg_socket — the descriptor of a libpq connection, watched by the loop.
//
//  The struct stands inside its owner: zeroed, with the first three members set. It is told of
//  everything that happens on the descriptor and looks at nothing itself.

#ifndef PG_SOCKET_H
#define PG_SOCKET_H

#include <libpq-fe.h>
#include <uv.h>

typedef struct {
    uv_loop_t *loop;
    void (*stirred) (void *owner);
    void *owner;
    uv_poll_t *poll;    //  made anew for every descriptor; freed when it has closed
    int events;         //  that it is watched for; 0: none
} pg_socket_t;

//  UV_READABLE, UV_WRITABLE or both.
void pg_socket_watch (pg_socket_t *self, const PGconn *connection, int events);
//  Sends what libpq has to send, as far as it goes now, and watches for the rest and for answers.
//  Returns 0; −1 when the connection is broken.
int pg_socket_flush (pg_socket_t *self, PGconn *connection);
//  Looks away until the next watch of the same descriptor.
void pg_socket_pause (pg_socket_t *self);
//  Before the descriptor is closed, and before libpq may swap it. Safe to call again.
void pg_socket_forget (pg_socket_t *self);

#endif
