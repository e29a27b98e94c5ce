#include "server.h"
#include "post.h"
#include "talk.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MOST (1u << 20)
#define CONNECTIONS 4000
#define HANG_MS 600000 //  "never": a bot that hangs keeps the connection for ten minutes

typedef struct exchange exchange_t;

struct server {
    struct MHD_Daemon *daemon;
    uint16_t port;
    uv_poll_t poll;
    uv_timer_t timer;
    unsigned open_handles;
    exchange_t *thinking; //  those that are suspended
};

//  One request and its reply.
struct exchange {
    server_t *server;
    struct MHD_Connection *connection;
    char *request;
    size_t size;
    reply_t reply;
    bool is_known; //  what the reply is
    size_t said;   //  bytes of a reply that is said line by line
    bool is_due;   //  its next line
    uv_timer_t timer;
    bool has_timer;
    exchange_t *next;
};

static void s_turn (server_t *self);

static enum MHD_Result
s_queue (struct MHD_Connection *connection, unsigned status, const char *type, const char *body)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer (strlen (body), (void *) body, MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header (response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    enum MHD_Result queued = MHD_queue_response (connection, status, response);
    MHD_destroy_response (response);
    return queued;
}

static void
s_timer_closed (uv_handle_t *handle)
{
    exchange_t *self = handle->data;
    free (self->request);
    free (self->reply.body);
    free (self);
}

//  Takes it from those that think; its connection goes on and answers.
static void
s_wake (exchange_t *self)
{
    exchange_t **place = &self->server->thinking;
    while (*place && *place != self)
        place = &(*place)->next;
    if (!*place)
        return;
    *place = self->next;
    MHD_resume_connection (self->connection);
}

static void
s_thought (uv_timer_t *timer)
{
    exchange_t *self = timer->data;
    server_t *server = self->server;
    s_wake (self);
    s_turn (server);
}

static void
s_think (exchange_t *self, unsigned after_ms)
{
    server_t *server = self->server;
    self->next = server->thinking;
    server->thinking = self;
    if (!self->has_timer)
        uv_timer_init (server->timer.loop, &self->timer);
    self->timer.data = self;
    self->has_timer = true;
    uv_timer_start (&self->timer, s_thought, after_ms, 0);
    MHD_suspend_connection (self->connection);
}

//  The next line of a reply, when it is due; until then the connection waits.
static ssize_t
s_next_line (void *owner, uint64_t at, char *to, size_t most)
{
    (void) at;
    exchange_t *self = owner;
    const char *line = self->reply.body + self->said;
    const char *end = strchr (line, '\n');
    if (!end && !self->reply.stops)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (!self->is_due) {
        self->is_due = true;
        s_think (self, end ? self->reply.every_ms : HANG_MS);
        return 0;
    }
    size_t size = end ? (size_t) (end + 1 - line) : 0;
    size = size < most ? size : most;
    memcpy (to, line, size);
    self->said += size;
    self->is_due = false;
    return size > 0 ? (ssize_t) size : MHD_CONTENT_READER_END_OF_STREAM;
}

static enum MHD_Result
s_queue_lines (exchange_t *self)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback (MHD_SIZE_UNKNOWN, 4096, s_next_line, self, NULL);
    MHD_add_response_header (response, MHD_HTTP_HEADER_CONTENT_TYPE, self->reply.content_type);
    enum MHD_Result queued = MHD_queue_response (self->connection, self->reply.status, response);
    MHD_destroy_response (response);
    return queued;
}

static enum MHD_Result
s_take (exchange_t *self, const char *body, size_t *size)
{
    if (*size > REQUEST_MOST - self->size)
        return MHD_NO;
    char *request = realloc (self->request, self->size + *size + 1);
    if (!request)
        return MHD_NO;
    memcpy (request + self->size, body, *size);
    self->request = request;
    self->size += *size;
    *size = 0;
    return MHD_YES;
}

static void
s_find_reply (exchange_t *self)
{
    const char *url = MHD_lookup_connection_value (self->connection, MHD_HEADER_KIND,
                                                   "Stentor-Answer-Url");
    self->reply =
        talk (self->request ? self->request : "", self->size, url && post_can (url));
    self->is_known = true;
    if (self->reply.later)
        post_later (self->server->timer.loop, url, self->reply.later_ms, self->reply.later);
    self->reply.later = NULL;
}

static enum MHD_Result
s_on_request (void *owner, struct MHD_Connection *connection, const char *path, const char *method,
              const char *version, const char *body, size_t *size, void **of_request)
{
    (void) version;
    exchange_t *self = *of_request;
    if (!self) {
        self = calloc (1, sizeof *self);
        if (!self)
            return MHD_NO;
        self->server = owner;
        self->connection = connection;
        *of_request = self;
        return MHD_YES;
    }
    if (*size > 0)
        return s_take (self, body, size);
    if (strcmp (method, "POST") != 0)
        return strcmp (path, "/healthz") == 0
                   ? s_queue (connection, MHD_HTTP_OK, "text/plain", "ok\n")
                   : s_queue (connection, MHD_HTTP_NOT_FOUND, "text/plain", "POST a request\n");
    if (!self->is_known) {
        s_find_reply (self);
        if (self->reply.after_ms > 0) {
            s_think (self, self->reply.after_ms == TALK_FOREVER ? HANG_MS : self->reply.after_ms);
            return MHD_YES;
        }
    }
    if (self->reply.every_ms > 0)
        return s_queue_lines (self);
    return s_queue (connection, self->reply.status, self->reply.content_type, self->reply.body);
}

static void
s_on_over (void *owner, struct MHD_Connection *connection, void **of_request,
           enum MHD_RequestTerminationCode why)
{
    (void) owner, (void) connection, (void) why;
    exchange_t *self = *of_request;
    *of_request = NULL;
    if (!self)
        return;
    self->timer.data = self;
    if (self->has_timer)
        uv_close ((uv_handle_t *) &self->timer, s_timer_closed);
    else
        s_timer_closed ((uv_handle_t *) &self->timer);
}

static void
s_on_timer (uv_timer_t *timer)
{
    s_turn (timer->data);
}

static void
s_turn (server_t *self)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    MHD_run (self->daemon);
    if (MHD_get_timeout (self->daemon, &wait_ms) == MHD_YES)
        uv_timer_start (&self->timer, s_on_timer, wait_ms, 0);
    else
        uv_timer_stop (&self->timer);
}

static void
s_on_poll (uv_poll_t *poll, int status, int events)
{
    (void) status, (void) events;
    s_turn (poll->data);
}

static int
s_listen (const char *address, uint16_t *port)
{
    static const int on = 1;
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons (*port) };
    socklen_t size = sizeof to;
    if (inet_pton (AF_INET, address, &to.sin_addr) != 1) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    int listener = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener == -1)
        return -1;
    setsockopt (listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind (listener, (struct sockaddr *) &to, sizeof to) != 0 || listen (listener, 1024) != 0
        || getsockname (listener, (struct sockaddr *) &to, &size) != 0) {
        int why = errno;
        close (listener);
        errno = why;
        return -1;
    }
    *port = ntohs (to.sin_port);
    return listener;
}

server_t *
server_new (uv_loop_t *loop, const char *address, uint16_t port)
{
    int listener = s_listen (address, &port);
    if (listener == -1)
        return NULL;
    server_t *self = calloc (1, sizeof *self);
    if (!self)
        abort ();
    self->port = port;
    self->daemon = MHD_start_daemon (MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
                                     s_on_request, self, MHD_OPTION_LISTEN_SOCKET, listener,
                                     MHD_OPTION_CONNECTION_LIMIT, (unsigned) CONNECTIONS,
                                     MHD_OPTION_NOTIFY_COMPLETED, s_on_over, self, MHD_OPTION_END);
    if (!self->daemon) {
        close (listener);
        free (self);
        errno = ENOMEM;
        return NULL;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info (self->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    uv_poll_init (loop, &self->poll, info->epoll_fd);
    uv_timer_init (loop, &self->timer);
    self->poll.data = self->timer.data = self;
    self->open_handles = 2;
    uv_poll_start (&self->poll, UV_READABLE, s_on_poll);
    return self;
}

uint16_t
server_port (const server_t *self)
{
    return self->port;
}

static void
s_closed (uv_handle_t *handle)
{
    server_t *self = handle->data;
    if (--self->open_handles == 0)
        free (self);
}

void
server_destroy (server_t **self_p)
{
    server_t *self = *self_p;
    *self_p = NULL;
    uv_close ((uv_handle_t *) &self->poll, s_closed);
    uv_close ((uv_handle_t *) &self->timer, s_closed);
    while (self->thinking)
        s_wake (self->thinking); //  the daemon cannot stop while one is suspended
    MHD_stop_daemon (self->daemon);
}
