#include "post.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uv_timer_t timer;
    uv_tcp_t socket;
    uv_connect_t connect;
    uv_write_t write;
    struct sockaddr_in to;
    char *bytes;
    char heard[256];
    unsigned open_handles;
} post_t;

//  "http://127.0.0.1:8080/path": false when it is another one.
static bool
s_read (const char *url, struct sockaddr_in *to, const char **path)
{
    char host[64];
    int port = 0, size = 0;
    if (sscanf (url, "http://%63[0-9.]:%5d%n", host, &port, &size) != 2 || url[size] != '/'
        || uv_ip4_addr (host, port, to) != 0)
        return false;
    *path = url + size;
    return true;
}

bool
post_can (const char *url)
{
    struct sockaddr_in to;
    const char *path;
    return s_read (url, &to, &path);
}

static void
s_closed (uv_handle_t *handle)
{
    post_t *self = handle->data;
    if (--self->open_handles > 0)
        return;
    free (self->bytes);
    free (self);
}

static void
s_end (post_t *self)
{
    uv_handle_t *handles[] = { (uv_handle_t *) &self->timer, (uv_handle_t *) &self->socket };
    for (size_t at = 0; at < 2; at++)
        if (!uv_is_closing (handles[at]))
            uv_close (handles[at], s_closed);
}

static void
s_room (uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    (void) wanted;
    post_t *self = handle->data;
    *buffer = uv_buf_init (self->heard, sizeof self->heard);
}

//  Whatever it is: it is over when the other side ends the connection.
static void
s_heard (uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    (void) buffer;
    if (size < 0)
        s_end (stream->data);
}

static void
s_written (uv_write_t *write, int status)
{
    post_t *self = write->data;
    if (status != 0 || uv_read_start ((uv_stream_t *) &self->socket, s_room, s_heard) != 0)
        s_end (self);
}

static void
s_connected (uv_connect_t *connect, int status)
{
    post_t *self = connect->data;
    uv_buf_t buffer = uv_buf_init (self->bytes, (unsigned) strlen (self->bytes));
    self->write.data = self;
    if (status != 0
        || uv_write (&self->write, (uv_stream_t *) &self->socket, &buffer, 1, s_written) != 0)
        s_end (self);
}

static void
s_is_time (uv_timer_t *timer)
{
    post_t *self = timer->data;
    self->connect.data = self;
    if (uv_tcp_connect (&self->connect, &self->socket, (struct sockaddr *) &self->to, s_connected)
        != 0)
        s_end (self);
}

void
post_later (uv_loop_t *loop, const char *url, unsigned after_ms, char *body)
{
    const char *path;
    post_t *self = calloc (1, sizeof *self);
    if (!self)
        abort ();
    if (!s_read (url, &self->to, &path)) {
        free (self);
        free (body);
        return;
    }
    int size = asprintf (&self->bytes,
                         "POST %s HTTP/1.1\r\nHost: router\r\nConnection: close\r\n"
                         "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                         path, strlen (body), body);
    if (size < 0)
        abort ();
    free (body);
    self->open_handles = 2;
    uv_timer_init (loop, &self->timer);
    uv_tcp_init (loop, &self->socket);
    self->timer.data = self->socket.data = self;
    uv_timer_start (&self->timer, s_is_time, after_ms, 0);
}
