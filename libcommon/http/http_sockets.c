#include "http/http_sockets.h"

#include "base/alloc.h"
#include "base/loop_timer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/hash_table.h"

struct http_sockets {
    CURLM *multi;
    uv_loop_t *loop;
    loop_timer_t *timer;
    struct watch *watches; //  by socket
    void (*turned) (void *owner);
    void *owner;
};

//  One of curl's sockets in our loop, from its first use to its end; freed in its close callback.
//  Between two calls it belongs to none, and is watched all the same: what a host says there
//  unasked (a second answer, a 408, its end) would be taken for the answer to the next question.
typedef struct watch {
    uv_poll_t poll;
    curl_socket_t socket;
    http_sockets_t *sockets;
    UT_hash_handle hh;
} watch_t;

static void
s_turn (http_sockets_t *self, curl_socket_t socket, int events)
{
    int running;
    curl_multi_socket_action (self->multi, socket, events, &running);
    self->turned (self->owner);
}

static void
s_timer_fired (void *owner)
{
    s_turn (owner, CURL_SOCKET_TIMEOUT, 0);
}

static int
s_set_timer (CURLM *multi, long wait_ms, void *owner)
{
    (void) multi;
    http_sockets_t *self = owner;
    if (wait_ms < 0)
        loop_timer_stop (self->timer);
    else
        loop_timer_start_ms (self->timer, (uint64_t) wait_ms, 0);
    return 0;
}

//  A socket with an error is given to curl as one that is ready: curl meets the error itself then,
//  and asks once more on a fresh connection where a kept one had ended. Told of the error outright,
//  curl would end the call.
static void
s_socket_ready (uv_poll_t *poll, int status, int events)
{
    watch_t *watch = poll->data;
    int what = status < 0 ? CURL_CSELECT_IN | CURL_CSELECT_OUT : 0;
    what |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
    what |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
    s_turn (watch->sockets, watch->socket, what); //  the watch may be closed now
}

//  curl finds a socket that was shut down dead, and takes another one.
static void
s_spoke_unasked (uv_poll_t *poll, int status, int events)
{
    (void) status, (void) events;
    watch_t *watch = poll->data;
    uv_poll_stop (poll);
    (void) shutdown (watch->socket, SHUT_RDWR);
}

static void
s_watch_closed (uv_handle_t *handle)
{
    free (handle->data);
}

static void
s_watch_end (http_sockets_t *self, curl_socket_t socket)
{
    watch_t *watch;
    HASH_FIND (hh, self->watches, &socket, sizeof socket, watch);
    if (!watch)
        return;
    HASH_DEL (self->watches, watch);
    uv_close ((uv_handle_t *) &watch->poll, s_watch_closed);
}

//  Before its number can be another socket's.
int
http_sockets_close (void *self, curl_socket_t socket)
{
    s_watch_end (self, socket);
    return close (socket);
}

static watch_t *
s_watch_new (http_sockets_t *sockets, curl_socket_t socket)
{
    watch_t *self = alloc_zeroed (sizeof *self);
    self->socket = socket;
    self->sockets = sockets;
    self->poll.data = self;
    if (uv_poll_init_socket (sockets->loop, &self->poll, socket) != 0) {
        free (self);
        return NULL;
    }
    HASH_ADD (hh, sockets->watches, socket, sizeof self->socket, self);
    return self;
}

//  curl's resolver wakes it through a pair of local sockets, and closes them without a word to
//  http_sockets_close. A watch that stayed would hold the loop, and watch the next socket of that
//  number.
static bool
s_is_connection (curl_socket_t socket)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    return getsockname (socket, (struct sockaddr *)&address, &size) == 0
           && (address.ss_family == AF_INET || address.ss_family == AF_INET6);
}

static int
s_watch_socket (CURL *easy, curl_socket_t socket, int what, void *owner, void *of_socket)
{
    (void) easy, (void) of_socket;
    http_sockets_t *self = owner;
    watch_t *watch;
    HASH_FIND (hh, self->watches, &socket, sizeof socket, watch);
    watch = watch ? watch : s_watch_new (self, socket);
    if (!watch)
        return what == CURL_POLL_REMOVE ? 0 : -1; //  curl gives up what is under way
    if (what == CURL_POLL_REMOVE && !s_is_connection (socket)) {
        s_watch_end (owner, socket);
        return 0;
    }
    if (what == CURL_POLL_REMOVE)
        return uv_poll_start (&watch->poll, UV_READABLE, s_spoke_unasked) == 0 ? 0 : -1;
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    return uv_poll_start (&watch->poll, events, s_socket_ready) == 0 ? 0 : -1;
}

http_sockets_t *
http_sockets_new (uv_loop_t *loop, CURLM *multi, void (*turned) (void *owner), void *owner)
{
    http_sockets_t *self = alloc_zeroed (sizeof *self);
    self->multi = multi;
    self->loop = loop;
    self->turned = turned;
    self->owner = owner;
    self->timer = loop_timer_new (loop, s_timer_fired, self);
    curl_multi_setopt (multi, CURLMOPT_SOCKETFUNCTION, s_watch_socket);
    curl_multi_setopt (multi, CURLMOPT_SOCKETDATA, self);
    curl_multi_setopt (multi, CURLMOPT_TIMERFUNCTION, s_set_timer);
    curl_multi_setopt (multi, CURLMOPT_TIMERDATA, self);
    return self;
}

void
http_sockets_destroy (http_sockets_t **self_p)
{
    http_sockets_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    loop_timer_destroy (&self->timer);
    free (self);
}
