#include "pg/pg_socket.h"

#include "base/alloc.h"
#include <assert.h>
#include <stdlib.h>

static void
s_on_closed (uv_handle_t *handle)
{
    free (handle);
}

void
pg_socket_forget (pg_socket_t *self)
{
    if (!self->poll)
        return;
    uv_close ((uv_handle_t *) self->poll, s_on_closed);
    self->poll = NULL;
    self->events = 0;
}

//  What happened shows when libpq reads, an error, too.
static void
s_on_poll (uv_poll_t *poll, int status, int events)
{
    pg_socket_t *self = poll->data;
    (void) events;
    //  With an error the library has stopped watching: what is still to come would not be noticed.
    if (status < 0)
        self->events = 0;
    self->stirred (self->owner);
}

//  While dialling libpq may swap its descriptor, also for a new one with the same number: the old
//  one was forgotten before libpq was called, and this is another handle.
void
pg_socket_watch (pg_socket_t *self, const PGconn *connection, int events)
{
    if (!self->poll) {
        self->poll = alloc_array (1, sizeof *self->poll);
        self->poll->data = self;
        int rc = uv_poll_init (self->loop, self->poll, PQsocket (connection));
        assert (rc == 0);
    }
    //  To start it anew costs two system calls, after every request.
    if (self->events == events)
        return;
    self->events = events;
    int rc = uv_poll_start (self->poll, events, s_on_poll);
    assert (rc == 0);
}

int
pg_socket_flush (pg_socket_t *self, PGconn *connection)
{
    int unsent = PQflush (connection);
    if (unsent < 0)
        return -1;
    pg_socket_watch (self, connection, unsent ? UV_READABLE | UV_WRITABLE : UV_READABLE);
    return 0;
}

void
pg_socket_pause (pg_socket_t *self)
{
    self->events = 0;
    if (self->poll)
        uv_poll_stop (self->poll);
}
