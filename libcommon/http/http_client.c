#include "http/http_client.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/hash_table.h"

//  Small, because a thousand calls may be waiting: answers are a few kilobytes.
#define RECEIVE_BUFFER 4096L
#define RETRY_AFTER_MOST_S 86400
//  Node closes a kept connection 5 s after its last answer, others sooner, none with a warning. One
//  that was idle for longer than this (in whole seconds, rounded down by curl) is not used again.
#define IDLE_MOST_S 3L
//  A host that moved is found at its new address by the next try, which is a second later at least.
#define NAME_KEPT_S 1L

typedef struct {
    http_call_t number;
    http_client_t *client;
    CURL *easy;
    struct curl_slist *headers;
    buffer_t body;
    bool is_too_large;
    uint64_t began_us;
    http_answer_fn *answered;
    void *owner;
    char error[CURL_ERROR_SIZE];
    UT_hash_handle hh;
} call_t;

struct http_client {
    CURLM *multi;
    char *proxy;
    char *no_proxy;
    uv_timer_t timer;
    call_t *calls; //  by number
    http_call_t last;
    struct watch *watches; //  by socket
};

//  One of curl's sockets in our loop, from its first use to its end; freed in its close callback.
//  Between two calls it belongs to none, and is watched all the same: what a host says there
//  unasked (a second answer, a 408, its end) would be taken for the answer to the next question.
typedef struct watch {
    uv_poll_t poll;
    curl_socket_t socket;
    http_client_t *client;
    UT_hash_handle hh;
} watch_t;

static void
s_free_call (call_t **self_p)
{
    call_t *self = *self_p;
    *self_p = NULL;
    HASH_DEL (self->client->calls, self);
    curl_multi_remove_handle (self->client->multi, self->easy);
    curl_easy_cleanup (self->easy);
    curl_slist_free_all (self->headers);
    buffer_free (&self->body);
    free (self);
}

static http_outcome_t
s_outcome (const call_t *self, CURLcode result)
{
    switch (result) {
    case CURLE_OK:
        return HTTP_ANSWERED;
    case CURLE_OPERATION_TIMEDOUT:
        return HTTP_TIMED_OUT;
    case CURLE_FILESIZE_EXCEEDED:
        return HTTP_TOO_LARGE;
    case CURLE_BAD_CONTENT_ENCODING:
        return HTTP_BAD_CODING;
    case CURLE_WRITE_ERROR: //  ours, or that of what undoes the coding
        return self->is_too_large ? HTTP_TOO_LARGE : HTTP_BAD_CODING;
    default:
        return self->is_too_large ? HTTP_TOO_LARGE : HTTP_UNREACHABLE;
    }
}

static void
s_answer (call_t *self, CURLcode result)
{
    curl_off_t retry_after = 0;
    const char *content_type = NULL;
    http_answer_t answer = { .outcome = s_outcome (self, result), .error = "" };
    curl_easy_getinfo (self->easy, CURLINFO_RESPONSE_CODE, &answer.status);
    curl_easy_getinfo (self->easy, CURLINFO_RETRY_AFTER, &retry_after);
    curl_easy_getinfo (self->easy, CURLINFO_CONTENT_TYPE, &content_type);
    curl_easy_getinfo (self->easy, CURLINFO_REDIRECT_URL, &answer.location);
    answer.content_type = text_of (content_type);
    answer.body = buffer_text (&self->body);
    answer.took_us = clock_mono_us () - self->began_us;
    if (retry_after > 0)
        answer.retry_after_ms =
            (uint64_t) (retry_after < RETRY_AFTER_MOST_S ? retry_after : RETRY_AFTER_MOST_S) * 1000;
    if (result != CURLE_OK)
        answer.error = self->error[0] ? self->error : curl_easy_strerror (result);
    self->answered (self->owner, self->number, &answer);
}

//  Tells the owners of all that has ended. Outside of curl's own callbacks, so that an owner may
//  begin and cancel calls from here; its own call is looked up again, for it may have done so.
static void
s_harvest (http_client_t *self)
{
    CURLMsg *message;
    int more;
    while ((message = curl_multi_info_read (self->multi, &more))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode result = message->data.result;
        call_t *call = NULL;
        curl_easy_getinfo (message->easy_handle, CURLINFO_PRIVATE, (char **) &call);
        http_call_t number = call->number;
        s_answer (call, result);
        HASH_FIND (hh, self->calls, &number, sizeof number, call);
        if (call)
            s_free_call (&call);
    }
}

static void
s_turn (http_client_t *self, curl_socket_t socket, int events)
{
    int running;
    curl_multi_socket_action (self->multi, socket, events, &running);
    s_harvest (self);
}

static void
s_timer_fired (uv_timer_t *timer)
{
    s_turn (timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int
s_set_timer (CURLM *multi, long wait_ms, void *owner)
{
    (void) multi;
    http_client_t *self = owner;
    if (wait_ms < 0)
        uv_timer_stop (&self->timer);
    else
        uv_timer_start (&self->timer, s_timer_fired, (uint64_t) wait_ms, 0);
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
    s_turn (watch->client, watch->socket, what); //  the watch may be closed now
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
s_watch_end (http_client_t *client, curl_socket_t socket)
{
    watch_t *watch;
    HASH_FIND (hh, client->watches, &socket, sizeof socket, watch);
    if (!watch)
        return;
    HASH_DEL (client->watches, watch);
    uv_close ((uv_handle_t *) &watch->poll, s_watch_closed);
}

//  Before its number can be another socket's.
static int
s_close_socket (void *owner, curl_socket_t socket)
{
    s_watch_end (owner, socket);
    return close (socket);
}

static watch_t *
s_watch_new (http_client_t *client, curl_socket_t socket)
{
    watch_t *self = alloc_zeroed (sizeof *self);
    self->socket = socket;
    self->client = client;
    self->poll.data = self;
    if (uv_poll_init_socket (client->timer.loop, &self->poll, socket) != 0) {
        free (self);
        return NULL;
    }
    HASH_ADD (hh, client->watches, socket, sizeof self->socket, self);
    return self;
}

static watch_t *
s_watch_of (http_client_t *client, curl_socket_t socket)
{
    watch_t *watch;
    HASH_FIND (hh, client->watches, &socket, sizeof socket, watch);
    return watch ? watch : s_watch_new (client, socket);
}

//  curl's resolver wakes it through a pair of local sockets, and closes them without a word to
//  s_close_socket. A watch that stayed would hold the loop, and watch the next socket of that
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
    watch_t *watch = s_watch_of (owner, socket);
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

static size_t
s_take_body (char *data, size_t one, size_t size, void *owner)
{
    (void) one; //  always 1
    call_t *self = owner;
    if (buffer_put (&self->body, data, size) == 0)
        return size;
    self->is_too_large = true;
    return 0;
}

http_client_t *
http_client_new (uv_loop_t *loop, const http_client_config_t *config)
{
    static bool is_ready;
    if (!is_ready && curl_global_init (CURL_GLOBAL_DEFAULT) != 0)
        return NULL;
    is_ready = true;
    http_client_t *self = alloc_zeroed (sizeof *self);
    self->multi = curl_multi_init ();
    assert (self->multi);
    uv_timer_init (loop, &self->timer);
    self->timer.data = self;
    self->proxy = alloc_string (config->proxy);
    self->no_proxy = alloc_string (config->no_proxy);
    curl_multi_setopt (self->multi, CURLMOPT_SOCKETFUNCTION, s_watch_socket);
    curl_multi_setopt (self->multi, CURLMOPT_SOCKETDATA, self);
    curl_multi_setopt (self->multi, CURLMOPT_TIMERFUNCTION, s_set_timer);
    curl_multi_setopt (self->multi, CURLMOPT_TIMERDATA, self);
    curl_multi_setopt (self->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                       (long) config->connections_per_host);
    return self;
}

static void
s_freed (uv_handle_t *handle)
{
    http_client_t *self = handle->data;
    free (self->proxy);
    free (self->no_proxy);
    free (self);
}

void
http_client_destroy (http_client_t **self_p)
{
    http_client_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    call_t *call, *next;
    HASH_ITER (hh, self->calls, call, next)
    {
        s_free_call (&call);
    }
    curl_multi_cleanup (self->multi);
    uv_close ((uv_handle_t *) &self->timer, s_freed);
}

static void
s_set_request (call_t *self, const http_request_t *request)
{
    CURL *easy = self->easy;
    curl_easy_setopt (easy, CURLOPT_POST, 1L);
    curl_easy_setopt (easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) request->body.size);
    curl_easy_setopt (easy, CURLOPT_COPYPOSTFIELDS, request->body.data);
    for (const char *const *header = request->headers; header && *header; header++)
        self->headers = curl_slist_append (self->headers, *header);
    //  A round trip for leave to send a few kilobytes is not worth it.
    self->headers = curl_slist_append (self->headers, "Expect:");
    curl_easy_setopt (easy, CURLOPT_HTTPHEADER, self->headers);
    curl_easy_setopt (easy, CURLOPT_USERAGENT, "Stentor Chat Router");
    curl_easy_setopt (easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
    //  Empty ones, too: else those of the environment would count.
    curl_easy_setopt (easy, CURLOPT_PROXY, self->client->proxy);
    curl_easy_setopt (easy, CURLOPT_NOPROXY, self->client->no_proxy);
    //  Whatever the library can undo. What it undoes is bounded by s_take_body, as it comes out.
    curl_easy_setopt (easy, CURLOPT_ACCEPT_ENCODING, "");
}

static void
s_set_limits (call_t *self, const http_request_t *request)
{
    CURL *easy = self->easy;
    curl_easy_setopt (easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt (easy, CURLOPT_TIMEOUT_MS, (long) request->timeout_ms);
    curl_easy_setopt (easy, CURLOPT_CONNECTTIMEOUT_MS, (long) request->timeout_ms);
    curl_easy_setopt (easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t) request->answer_limit);
    curl_easy_setopt (easy, CURLOPT_BUFFERSIZE, RECEIVE_BUFFER);
    curl_easy_setopt (easy, CURLOPT_MAXAGE_CONN, IDLE_MOST_S);
    curl_easy_setopt (easy, CURLOPT_DNS_CACHE_TIMEOUT, NAME_KEPT_S);
    //  Else a call that ends while its name is still being resolved waits for the resolver's
    //  thread, and the loop with it.
    curl_easy_setopt (easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt (easy, CURLOPT_CLOSESOCKETFUNCTION, s_close_socket);
    curl_easy_setopt (easy, CURLOPT_CLOSESOCKETDATA, self->client);
    curl_easy_setopt (easy, CURLOPT_WRITEFUNCTION, s_take_body);
    curl_easy_setopt (easy, CURLOPT_WRITEDATA, self);
    curl_easy_setopt (easy, CURLOPT_ERRORBUFFER, self->error);
    curl_easy_setopt (easy, CURLOPT_PRIVATE, self);
}

//  Whether curl can read it, and its scheme is one of these (ended by NULL).
static bool
s_is_url_of (const char *text, const char *const *schemes, unsigned flags)
{
    CURLU *url = curl_url ();
    assert (url);
    char *scheme = NULL;
    bool is_ours = curl_url_set (url, CURLUPART_URL, text, flags) == CURLUE_OK
                   && curl_url_get (url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK;
    while (is_ours && *schemes && strcmp (scheme, *schemes) != 0)
        schemes++;
    is_ours = is_ours && *schemes;
    curl_free (scheme);
    curl_url_cleanup (url);
    return is_ours;
}

bool
http_client_is_proxy (const char *url)
{
    static const char *const schemes[] = { "http", "https", "socks5", "socks5h", NULL };
    //  A proxy's schemes are none of a URL's to curl.
    return strstr (url, "://") && s_is_url_of (url, schemes, CURLU_NON_SUPPORT_SCHEME);
}

bool
http_client_is_token (const char *word)
{
    static const char allowed[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return *word && word[strspn (word, allowed)] == '\0';
}

http_call_t
http_client_post (http_client_t *self, const http_request_t *request, http_answer_fn *answered,
                  void *owner)
{
    call_t *call = alloc_zeroed (sizeof *call);
    call->number = ++self->last;
    call->client = self;
    call->began_us = clock_mono_us ();
    call->answered = answered;
    call->owner = owner;
    buffer_init (&call->body, request->answer_limit);
    call->easy = curl_easy_init ();
    assert (call->easy);
    HASH_ADD (hh, self->calls, number, sizeof call->number, call);
    s_set_request (call, request);
    s_set_limits (call, request);
    static const char *const schemes[] = { "http", "https", NULL };
    bool is_ours = s_is_url_of (request->url, schemes, 0);
    if (is_ours && curl_easy_setopt (call->easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK
        && curl_easy_setopt (call->easy, CURLOPT_URL, request->url) == CURLE_OK
        && curl_multi_add_handle (self->multi, call->easy) == CURLM_OK)
        return call->number;
    s_free_call (&call);
    errno = is_ours ? EAGAIN : EINVAL;
    return 0;
}

void
http_client_cancel (http_client_t *self, http_call_t number)
{
    call_t *call;
    HASH_FIND (hh, self->calls, &number, sizeof number, call);
    if (call)
        s_free_call (&call);
}
