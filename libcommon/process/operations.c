#include "process/operations.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/metrics.h"
#include "base/log.h"
#include "base/loop_timer.h"
#include "process/process_stats.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

//  At its own limit libmicrohttpd stops listening, and listens again only in a later MHD_run that
//  nothing calls. So that limit is never reached: a connection beyond PLACES takes the place of the
//  oldest one, and a probe is answered however many silent connections are open.
#define PLACES 32
#define CONNECTIONS 64
#define SECONDS_EACH 5
#define BACKLOG 64
#define CONDITIONS 16
#define METRICS_CEILING (4u << 20)
#define READY_CEILING 8192

typedef struct {
    const char *name;
    bool holds;
    char why[OPERATIONS_WHY_MOST + 1]; //  it does not; "" says nothing
} condition_t;

typedef struct {
    list_t link;
    int descriptor;
} caller_t;

struct operations {
    struct MHD_Daemon *daemon;
    list_t callers; //  open connections, the oldest first
    size_t caller_count;
    bool closed_one; //  in this turn
    uint16_t port;
    uv_poll_t poll;   //  on the daemon's epoll descriptor
    loop_timer_t *timer; //  the daemon's timeouts
    condition_t conditions[CONDITIONS];
    size_t condition_count;
};

enum { REQUESTS, REFUSED, EVICTED, READY, COUNTS };

static const metric_row_t s_rows[COUNTS] = {
    [REQUESTS] = { "operations_requests_total", NULL, COUNTER,
                   "requests to the operations port" },
    [REFUSED] = { "operations_refused_total", NULL, COUNTER,
                  "requests to the operations port with an unknown path or method" },
    [EVICTED] = { "operations_evicted_total", NULL, COUNTER,
                  "connections to the operations port closed to make room for newer ones" },
    [READY] = { "ready", NULL, GAUGE, "1 when every condition of readiness holds" },
};
static int64_t s_counts[COUNTS];

static bool
s_is_ready (const operations_t *self)
{
    for (size_t at = 0; at < self->condition_count; at++)
        if (!self->conditions[at].holds)
            return false;
    return true;
}

//  The one of this name, or the place for it.
static size_t
s_condition (const operations_t *self, const char *name)
{
    size_t at = 0;
    while (at < self->condition_count && strcmp (self->conditions[at].name, name) != 0)
        at++;
    assert (at < CONDITIONS);
    return at;
}

void
operations_ready (operations_t *self, const char *condition, bool holds)
{
    size_t at = s_condition (self, condition);
    if (at == self->condition_count)
        self->condition_count++;
    bool was_ready = s_counts[READY];
    self->conditions[at].name = condition;
    self->conditions[at].holds = holds;
    s_counts[READY] = s_is_ready (self);
    if (was_ready != (bool) s_counts[READY])
        log_info (was_ready ? "not ready" : "ready", log_string ("condition", condition));
}

//  What a server elsewhere said may stand in it: control characters are shown as blanks.
void
operations_explain (operations_t *self, const char *condition, text_t why)
{
    size_t at = s_condition (self, condition);
    assert (at < self->condition_count);
    char *to = self->conditions[at].why;
    size_t size = why.size < OPERATIONS_WHY_MOST ? why.size : OPERATIONS_WHY_MOST;
    for (size_t byte = 0; byte < size; byte++)
        to[byte] = (unsigned char) why.data[byte] < ' ' ? ' ' : why.data[byte];
    to[size] = '\0';
}

static struct MHD_Response *
s_static (const char *text)
{
    return MHD_create_response_from_buffer (strlen (text), (void *) text, MHD_RESPMEM_PERSISTENT);
}

//  Takes the buffer's memory.
static struct MHD_Response *
s_from_buffer (buffer_t *buffer)
{
    text_t text = buffer_text (buffer);
    if (text.size == 0)
        return s_static ("");
    return MHD_create_response_from_buffer (text.size, buffer->data, MHD_RESPMEM_MUST_FREE);
}

static unsigned
s_answer_metrics (struct MHD_Response **response)
{
    buffer_t page;
    buffer_init (&page, METRICS_CEILING);
    if (metrics_print (&page) != 0 || process_print (&page) != 0) {
        buffer_free (&page);
        *response = s_static ("the metrics are larger than their limit\n");
        return MHD_HTTP_INTERNAL_SERVER_ERROR;
    }
    *response = s_from_buffer (&page);
    return MHD_HTTP_OK;
}

static void
s_put_reasons (const operations_t *self, buffer_t *page)
{
    for (size_t at = 0; at < self->condition_count; at++) {
        const condition_t *condition = &self->conditions[at];
        char line[OPERATIONS_WHY_MOST + 60];
        if (condition->holds || !*condition->why)
            continue;
        snprintf (line, sizeof line, "%.40s: %s\n", condition->name, condition->why);
        (void) !buffer_put_string (page, line);
    }
}

static unsigned
s_answer_ready (const operations_t *self, struct MHD_Response **response)
{
    if (s_is_ready (self)) {
        *response = s_static ("ready\n");
        return MHD_HTTP_OK;
    }
    buffer_t page;
    buffer_init (&page, READY_CEILING);
    int rc = buffer_put_string (&page, "not ready, missing:");
    for (size_t at = 0; at < self->condition_count && rc == 0; at++) {
        if (self->conditions[at].holds)
            continue;
        rc = buffer_put_string (&page, " ");
        if (rc == 0)
            rc = buffer_put_string (&page, self->conditions[at].name);
    }
    if (rc == 0 && buffer_put_string (&page, "\n") == 0)
        s_put_reasons (self, &page);
    *response = s_from_buffer (&page);
    return MHD_HTTP_SERVICE_UNAVAILABLE;
}

static unsigned
s_answer (const operations_t *self, const char *path, bool is_read, struct MHD_Response **response)
{
    if (!is_read) {
        *response = s_static ("only GET\n");
        return MHD_HTTP_METHOD_NOT_ALLOWED;
    }
    if (strcmp (path, "/healthz") == 0) {
        *response = s_static ("ok\n");
        return MHD_HTTP_OK;
    }
    if (strcmp (path, "/readyz") == 0)
        return s_answer_ready (self, response);
    if (strcmp (path, "/metrics") == 0)
        return s_answer_metrics (response);
    *response = s_static ("here are /healthz, /readyz and /metrics\n");
    return MHD_HTTP_NOT_FOUND;
}

//  libmicrohttpd calls this at the end of a request's head, and again when its body is over. The
//  answer waits for the second call, so that the connection can be used again, unless there is no
//  reason to read a body.
static enum MHD_Result
s_on_request (void *arg, struct MHD_Connection *connection, const char *path, const char *method,
              const char *version, const char *body, size_t *body_size, void **seen)
{
    (void) version, (void) body, (void) body_size;
    const operations_t *self = arg;
    bool is_read = strcmp (method, "GET") == 0 || strcmp (method, "HEAD") == 0;
    if (is_read && !*seen) {
        *seen = arg;
        return MHD_YES;
    }
    *body_size = 0; //  a GET with a body is answered as if it had none
    struct MHD_Response *response = NULL;
    s_counts[REQUESTS]++;
    unsigned status = s_answer (self, path, is_read, &response);
    if (status == MHD_HTTP_NOT_FOUND || status == MHD_HTTP_METHOD_NOT_ALLOWED)
        s_counts[REFUSED]++;
    if (!response)
        return MHD_NO;
    MHD_add_response_header (response, MHD_HTTP_HEADER_CONTENT_TYPE,
                             "text/plain; version=0.0.4; charset=utf-8");
    MHD_add_response_header (response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    enum MHD_Result queued = MHD_queue_response (connection, status, response);
    MHD_destroy_response (response);
    return queued;
}

//  The daemon finds the end of the stream in its next turn, and closes.
static void
s_evict_oldest (operations_t *self)
{
    caller_t *oldest = LIST_THING (list_first (&self->callers), caller_t, link);
    list_remove (&oldest->link);
    self->caller_count--;
    s_counts[EVICTED]++;
    (void) shutdown (oldest->descriptor, SHUT_RDWR);
}

static void
s_on_connection (void *arg, struct MHD_Connection *connection, void **context,
                 enum MHD_ConnectionNotificationCode what)
{
    operations_t *self = arg;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        caller_t *caller = alloc_zeroed (sizeof *caller);
        caller->descriptor
            = MHD_get_connection_info (connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        list_init (&caller->link);
        list_append (&self->callers, &caller->link);
        *context = caller;
        if (++self->caller_count > PLACES)
            s_evict_oldest (self);
        return;
    }
    caller_t *caller = *context;
    self->caller_count -= !list_is_empty (&caller->link);
    list_remove (&caller->link);
    free (caller);
    self->closed_one = true;
}

//  Lets the daemon work, and asks when it wants to work again if nothing happens. After a closed
//  connection it may want to listen again, which it does in its next turn only.
static void
s_turn (void *operations)
{
    operations_t *self = operations;
    self->closed_one = false;
    MHD_run (self->daemon);
    MHD_UNSIGNED_LONG_LONG wait_ms;
    if (self->closed_one)
        loop_timer_start_ms (self->timer, 0, 0);
    else if (MHD_get_timeout (self->daemon, &wait_ms) == MHD_YES)
        loop_timer_start_ms (self->timer, wait_ms, 0);
    else
        loop_timer_stop (self->timer);
}

static void
s_on_poll (uv_poll_t *poll, int status, int events)
{
    (void) status, (void) events;
    s_turn (poll->data);
}

//  Numeric addresses only: a name would have to be resolved, and that blocks.
static int
s_listen (const char *address, uint16_t port)
{
    static const int s_on = 1;
    char service[8];
    snprintf (service, sizeof service, "%u", port);
    struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
                              .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    if (getaddrinfo (address, service, &hints, &found) != 0) {
        errno = EINVAL;
        return -1;
    }
    int listener = socket (found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool is_listening =
        listener != -1 && setsockopt (listener, SOL_SOCKET, SO_REUSEADDR, &s_on, sizeof s_on) == 0
        && bind (listener, found->ai_addr, found->ai_addrlen) == 0
        && listen (listener, BACKLOG) == 0;
    int why = errno;
    freeaddrinfo (found);
    if (is_listening)
        return listener;
    if (listener != -1)
        close (listener);
    errno = why;
    return -1;
}

static uint16_t
s_port_of (int listener)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    char service[8] = "0";
    if (getsockname (listener, (struct sockaddr *) &address, &size) == 0)
        getnameinfo ((struct sockaddr *) &address, size, NULL, 0, service, sizeof service,
                     NI_NUMERICSERV);
    return (uint16_t) strtoul (service, NULL, 10);
}

//  Takes the listener.
static int
s_start_daemon (operations_t *self, int listener)
{
    self->port = s_port_of (listener);
    self->daemon = MHD_start_daemon (MHD_USE_EPOLL, 0, NULL, NULL, s_on_request, self,
                                     MHD_OPTION_LISTEN_SOCKET, listener,
                                     MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
                                     MHD_OPTION_NOTIFY_CONNECTION, s_on_connection, self,
                                     MHD_OPTION_CONNECTION_TIMEOUT, SECONDS_EACH, MHD_OPTION_END);
    if (self->daemon)
        return 0;
    close (listener);
    errno = ENOMEM;
    return -1;
}

operations_t *
operations_new (uv_loop_t *loop, const char *address, uint16_t port)
{
    int listener = s_listen (address, port);
    if (listener == -1)
        return NULL;
    operations_t *self = alloc_zeroed (sizeof *self);
    list_init (&self->callers);
    if (s_start_daemon (self, listener) != 0) {
        free (self);
        return NULL;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info (self->daemon,
                                                            MHD_DAEMON_INFO_EPOLL_FD);
    assert (info);
    uv_poll_init (loop, &self->poll, info->epoll_fd);
    self->poll.data = self;
    self->timer = loop_timer_new (loop, s_turn, self);
    uv_poll_start (&self->poll, UV_READABLE, s_on_poll);
    metrics_register (s_rows, s_counts, COUNTS);
    s_counts[READY] = 1;
    return self;
}

static void
s_on_closed (uv_handle_t *handle)
{
    free (handle->data);
}

void
operations_destroy (operations_t **self_p)
{
    operations_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    //  The loop forgets the descriptor before the daemon closes it.
    uv_poll_stop (&self->poll);
    MHD_stop_daemon (self->daemon);
    uv_close ((uv_handle_t *) &self->poll, s_on_closed);
    loop_timer_destroy (&self->timer);
}

uint16_t
operations_port (const operations_t *self)
{
    return self->port;
}
