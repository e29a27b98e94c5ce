#include "http/http_exchange.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "http/retry_after.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

//  Small, because a thousand calls may be waiting: answers are a few kilobytes.
#define RECEIVE_BUFFER 4096L
#define RETRY_AFTER_MOST_MS 86400000u
//  Node closes a kept connection 5 s after its last answer, others sooner, none with a warning. One
//  that was idle for longer than this (in whole seconds, rounded down by curl) is not used again.
#define IDLE_MOST_S 3L
//  A host that moved is found at its new address by the next try, which is a second later at least.
#define NAME_KEPT_S 1L
#define HEAD_LIMIT 16384
#define METHOD_MAX 20

struct http_exchange {
    CURL *easy;
    const http_means_t *means;
    struct curl_slist *headers;
    buffer_t head;
    buffer_t body;
    uint64_t head_most; //  of all heads together
    uint64_t head_left;
    bool head_has_ended; //  what comes behind it are trailers, or another head
    bool head_is_too_large;
    bool body_is_too_large;
    bool is_proxied;
    bool is_tls;
    bool is_alone; //  on a fresh connection
    uint64_t connect_timeout_ms;
    const char *blocked; //  range of the last address that was refused
    unsigned sockets;    //  that were opened, since the last answer
    void (*grew) (void *owner); //  or NULL
    void *owner;
    char error[CURL_ERROR_SIZE];
};

// ------------------------------------------------------------------------------------------------
//  What comes in

static size_t
s_take_body (char *data, size_t one, size_t size, void *owner)
{
    (void) one; //  always 1
    http_exchange_t *self = owner;
    if (buffer_put (&self->body, data, size) == 0) {
        if (self->grew)
            self->grew (self->owner);
        return size;
    }
    self->body_is_too_large = true;
    return 0;
}

//  Line by line, trailers, too. A status line behind the end of a head begins anew: behind a 100,
//  or a redirect that is followed. All of it has one limit, since curl keeps what it has seen.
static size_t
s_take_head (char *line, size_t one, size_t size, void *owner)
{
    (void) one;
    http_exchange_t *self = owner;
    self->head_is_too_large = size > self->head_left;
    self->head_left -= self->head_is_too_large ? 0 : size;
    if (self->head_has_ended && size >= 5 && memcmp (line, "HTTP/", 5) == 0) {
        buffer_clear (&self->head);
        self->head_has_ended = false;
        self->sockets = 0; //  those that follow are of a redirect
    } else if (!self->head_has_ended) {
        self->head_has_ended = size <= 2 && line[size - 1] == '\n';
        if (buffer_put (&self->head, line, size) != 0)
            self->head_is_too_large = true;
    }
    return self->head_is_too_large ? 0 : size;
}

#define CLEAR "not one that http:// may go to"

static const char *
s_refuses (const http_exchange_t *self, const struct sockaddr *address)
{
    const address_guard_t *guard = self->means->guard;
    const char *blocked = address_guard_refuses (guard, address);
    bool is_clear = self->means->keeps_clear && !self->is_tls;
    return !blocked && is_clear && !address_guard_allows (guard, address) ? CLEAR : blocked;
}

//  The same where only the proxy will see the address.
static const char *
s_refuses_host (const http_exchange_t *self, const char *host)
{
    const address_guard_t *guard = self->means->guard;
    const char *blocked = address_guard_refuses_host (guard, host);
    bool is_clear = self->means->keeps_clear && !self->is_tls;
    return !blocked && is_clear && !address_guard_allows_host (guard, host) ? CLEAR : blocked;
}

//  The address that curl is about to connect to: what it says yes to is what is connected to, so
//  that a name cannot be another address a moment later.
static curl_socket_t
s_open_socket (void *owner, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void) purpose;
    http_exchange_t *self = owner;
    bool is_guarded = self->means->guard && !self->is_proxied;
    const char *blocked = is_guarded ? s_refuses (self, &address->addr) : NULL;
    if (blocked) {
        self->blocked = blocked;
        return CURL_SOCKET_BAD;
    }
    self->sockets++;
    return socket (address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

//  Where a kept connection turns out to have ended, curl asks again, whatever the method, provided
//  that not a byte of an answer came. On a fresh connection: so that it is once.
static int
s_before_request (void *owner, char *peer, char *own, int peer_port, int own_port)
{
    (void) peer, (void) own, (void) peer_port, (void) own_port;
    http_exchange_t *self = owner;
    curl_easy_setopt (self->easy, CURLOPT_FRESH_CONNECT, 1L);
    return CURL_PREREQFUNC_OK;
}

// ------------------------------------------------------------------------------------------------
//  Setting up

//  A line end in a header would be another header, or another request.
static bool
s_is_sound (const http_request_t *request)
{
    for (const char *const *header = request->headers; header && *header; header++) {
        const char *colon = strchr (*header, ':');
        if (!colon || colon == *header || !utf8_is_printable (text_of (*header)))
            return false;
    }
    size_t size = strspn (request->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-");
    return size > 0 && size <= METHOD_MAX && !request->method[size]
           && (!request->content_type || utf8_is_printable (text_of (request->content_type)));
}

static void
s_add_header (http_exchange_t *self, const char *header)
{
    struct curl_slist *headers = curl_slist_append (self->headers, header);
    if (!headers)
        alloc_failed ();
    self->headers = headers;
}

static void
s_set_headers (http_exchange_t *self, const http_request_t *request)
{
    for (const char *const *header = request->headers; header && *header; header++)
        s_add_header (self, *header);
    char *type;
    if (asprintf (&type, "Content-Type:%s%s", request->content_type ? " " : "",
                  request->content_type ? request->content_type : "")
        < 0)
        alloc_failed ();
    s_add_header (self, type); //  an empty one keeps curl from guessing
    free (type);
    //  A round trip for leave to send a few kilobytes is not worth it.
    s_add_header (self, "Expect:");
    curl_easy_setopt (self->easy, CURLOPT_HTTPHEADER, self->headers);
    curl_easy_setopt (self->easy, CURLOPT_USERAGENT, "Stentor Chat Router");
    //  Whatever the library can undo. What it undoes is bounded by s_take_body, as it comes out.
    curl_easy_setopt (self->easy, CURLOPT_ACCEPT_ENCODING, "");
}

static bool
s_is_one_of (const char *method, const char *one, const char *other)
{
    return strcmp (method, one) == 0 || strcmp (method, other) == 0;
}

//  Redirects of GET and HEAD only: others would have to be sent as something else.
static void
s_set_method (http_exchange_t *self, const http_request_t *request)
{
    CURL *easy = self->easy;
    bool is_read = s_is_one_of (request->method, "GET", "HEAD");
    if (strcmp (request->method, "HEAD") == 0)
        curl_easy_setopt (easy, CURLOPT_NOBODY, 1L);
    else if (request->body.size > 0 || s_is_one_of (request->method, "POST", "PUT")
             || strcmp (request->method, "PATCH") == 0) {
        curl_easy_setopt (easy, CURLOPT_POST, 1L);
        curl_easy_setopt (easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) request->body.size);
        curl_easy_setopt (easy, CURLOPT_COPYPOSTFIELDS, request->body.data);
    }
    if (!is_read || request->body.size > 0)
        curl_easy_setopt (easy, CURLOPT_CUSTOMREQUEST, request->method);
    //  Behind a proxy nobody would look at the addresses that a redirect names.
    if (request->redirects > 0 && is_read && !(self->is_proxied && self->means->guard)) {
        curl_easy_setopt (easy, CURLOPT_FOLLOWLOCATION, 1L);
        curl_easy_setopt (easy, CURLOPT_MAXREDIRS, (long) request->redirects);
    }
}

static void
s_set_limits (http_exchange_t *self, const http_request_t *request)
{
    CURL *easy = self->easy;
    uint64_t head_limit = request->head_limit ? request->head_limit : HEAD_LIMIT;
    buffer_init (&self->head, head_limit);
    self->head_most = head_limit * (request->redirects + 1);
    buffer_init (&self->body, request->answer_limit);
    self->connect_timeout_ms =
        request->connect_timeout_ms ? request->connect_timeout_ms : request->timeout_ms;
    if (strcmp (request->method, "HEAD") != 0) //  whose length is of what does not come
        curl_easy_setopt (easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t) request->answer_limit);
    curl_easy_setopt (easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt (easy, CURLOPT_BUFFERSIZE, RECEIVE_BUFFER);
    curl_easy_setopt (easy, CURLOPT_MAXAGE_CONN, IDLE_MOST_S);
    curl_easy_setopt (easy, CURLOPT_DNS_CACHE_TIMEOUT, NAME_KEPT_S);
    //  Else a call that ends while its name is still being resolved waits for the resolver's
    //  thread, and the loop with it.
    curl_easy_setopt (easy, CURLOPT_QUICK_EXIT, 1L);
}

static void
s_set_callbacks (http_exchange_t *self)
{
    CURL *easy = self->easy;
    curl_easy_setopt (easy, CURLOPT_OPENSOCKETFUNCTION, s_open_socket);
    curl_easy_setopt (easy, CURLOPT_OPENSOCKETDATA, self);
    curl_easy_setopt (easy, CURLOPT_CLOSESOCKETFUNCTION, http_sockets_close);
    curl_easy_setopt (easy, CURLOPT_CLOSESOCKETDATA, self->means->sockets);
    curl_easy_setopt (easy, CURLOPT_PREREQFUNCTION, s_before_request);
    curl_easy_setopt (easy, CURLOPT_PREREQDATA, self);
    curl_easy_setopt (easy, CURLOPT_HEADERFUNCTION, s_take_head);
    curl_easy_setopt (easy, CURLOPT_HEADERDATA, self);
    curl_easy_setopt (easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt (easy, CURLOPT_WRITEFUNCTION, s_take_body);
    curl_easy_setopt (easy, CURLOPT_WRITEDATA, self);
    curl_easy_setopt (easy, CURLOPT_ERRORBUFFER, self->error);
}

//  Verification is curl's default, and stays on: there is no setting for it.
static void
s_set_tls (http_exchange_t *self)
{
    CURL *easy = self->easy;
    curl_easy_setopt (easy, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt (easy, CURLOPT_PROXY_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
    if (!*self->means->ca_file)
        return;
    curl_easy_setopt (easy, CURLOPT_CAINFO, self->means->ca_file);
    curl_easy_setopt (easy, CURLOPT_PROXY_CAINFO, self->means->ca_file);
}

//  Returns 0, or −1 when curl cannot do it.
static int
s_set_way (http_exchange_t *self, const http_request_t *request)
{
    CURL *easy = self->easy;
    curl_easy_setopt (easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
    //  Empty ones, too: else those of the environment would count. Who goes past the proxy was
    //  decided by us, who must know it.
    curl_easy_setopt (easy, CURLOPT_PROXY, self->is_proxied ? self->means->proxy : "");
    curl_easy_setopt (easy, CURLOPT_NOPROXY, "");
    const char *next = self->is_tls ? "https" : "http,https";
    bool is_set = curl_easy_setopt (easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK
                  && curl_easy_setopt (easy, CURLOPT_REDIR_PROTOCOLS_STR, next) == CURLE_OK
                  && curl_easy_setopt (easy, CURLOPT_URL, request->url) == CURLE_OK;
    return is_set ? 0 : -1;
}

http_exchange_t *
http_exchange_new (const http_means_t *means, const http_request_t *request, const http_url_t *url)
{
    if (!s_is_sound (request)) {
        errno = EINVAL;
        return NULL;
    }
    http_exchange_t *self = alloc_zeroed (sizeof *self);
    self->means = means;
    self->is_tls = url->is_tls;
    self->is_alone = request->only_once;
    self->is_proxied = *means->proxy && !http_url_host_is_in (url->host, means->no_proxy);
    if (self->is_proxied && means->guard)
        self->blocked = s_refuses_host (self, url->host);
    else if (means->guard && *url->host && url->host[strlen (url->host) - 1] == '.')
        self->blocked = address_guard_refuses_host (means->guard, url->host); //  no resolver says
    self->easy = curl_easy_init ();
    if (!self->easy)
        alloc_failed ();
    s_set_headers (self, request);
    s_set_method (self, request);
    s_set_limits (self, request);
    s_set_callbacks (self);
    s_set_tls (self);
    if (s_set_way (self, request) == 0)
        return self;
    http_exchange_destroy (&self);
    errno = EAGAIN;
    return NULL;
}

void
http_exchange_destroy (http_exchange_t **self_p)
{
    http_exchange_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    curl_easy_cleanup (self->easy);
    curl_slist_free_all (self->headers);
    buffer_free (&self->head);
    buffer_free (&self->body);
    free (self);
}

CURL *
http_exchange_easy (const http_exchange_t *self)
{
    return self->easy;
}

const char *
http_exchange_blocked (const http_exchange_t *self)
{
    return self->blocked;
}

void
http_exchange_begin (http_exchange_t *self, const char *token, uint64_t timeout_ms,
                     uint64_t more_ms)
{
    buffer_clear (&self->head);
    buffer_clear (&self->body);
    self->head_left = self->head_most;
    self->head_has_ended = true;
    self->head_is_too_large = self->body_is_too_large = false;
    self->sockets = 0;
    self->error[0] = '\0';
    uint64_t connect_ms = self->connect_timeout_ms;
    connect_ms = connect_ms < timeout_ms ? connect_ms : timeout_ms;
    curl_easy_setopt (self->easy, CURLOPT_TIMEOUT_MS, (long) (timeout_ms + more_ms));
    curl_easy_setopt (self->easy, CURLOPT_CONNECTTIMEOUT_MS, (long) connect_ms);
    curl_easy_setopt (self->easy, CURLOPT_FRESH_CONNECT, (long) self->is_alone);
    if (!*token)
        return;
    //  Curl's own way: a redirect to another host does not carry it.
    curl_easy_setopt (self->easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt (self->easy, CURLOPT_XOAUTH2_BEARER, token);
}

// ------------------------------------------------------------------------------------------------
//  What came of it

//  Where the library's word is not the whole truth, see s_outcome. 0 is HTTP_ANSWERED: the word is
//  in no row.
static const http_outcome_t s_words[CURL_LAST] = {
    [CURLE_COULDNT_RESOLVE_PROXY] = HTTP_PROXY,
    [CURLE_PROXY] = HTTP_PROXY,
    [CURLE_COULDNT_RESOLVE_HOST] = HTTP_NOT_RESOLVED,
    [CURLE_SSL_CONNECT_ERROR] = HTTP_TLS,
    [CURLE_SSL_CIPHER] = HTTP_TLS,
    [CURLE_PEER_FAILED_VERIFICATION] = HTTP_CERTIFICATE,
    [CURLE_SSL_ISSUER_ERROR] = HTTP_CERTIFICATE,
    [CURLE_SSL_CACERT_BADFILE] = HTTP_CERTIFICATE,
    [CURLE_WEIRD_SERVER_REPLY] = HTTP_MALFORMED,
    [CURLE_UNSUPPORTED_PROTOCOL] = HTTP_MALFORMED, //  HTTP/0.9
    [CURLE_PARTIAL_FILE] = HTTP_RESET,
    [CURLE_GOT_NOTHING] = HTTP_RESET,
    [CURLE_SEND_ERROR] = HTTP_RESET,
    [CURLE_OPERATION_TIMEDOUT] = HTTP_TIMED_OUT,
    [CURLE_FILESIZE_EXCEEDED] = HTTP_TOO_LARGE,
    [CURLE_BAD_CONTENT_ENCODING] = HTTP_BAD_CODING,
    [CURLE_WRITE_ERROR] = HTTP_BAD_CODING, //  of what undoes the coding
    [CURLE_TOO_MANY_REDIRECTS] = HTTP_REDIRECTS,
};

static long
s_info (const http_exchange_t *self, CURLINFO which)
{
    long value = 0;
    curl_easy_getinfo (self->easy, which, &value);
    return value;
}

static http_outcome_t
s_broken (const http_exchange_t *self)
{
    long connected = s_info (self, CURLINFO_HTTP_CONNECTCODE);
    if (self->is_proxied && connected != 0 && (connected < 200 || connected > 299))
        return HTTP_PROXY;
    //  Of a connection that broke the system says why; of broken chunks it has nothing to say.
    if (!self->is_tls && s_info (self, CURLINFO_OS_ERRNO) == 0)
        return HTTP_MALFORMED;
    return HTTP_RESET;
}

static http_outcome_t
s_not_connected (const http_exchange_t *self)
{
    if (self->blocked && self->sockets == 0)
        return HTTP_BLOCKED;
    return s_info (self, CURLINFO_OS_ERRNO) == ECONNREFUSED ? HTTP_REFUSED : HTTP_UNREACHABLE;
}

static http_outcome_t
s_outcome (const http_exchange_t *self, CURLcode result)
{
    long status = s_info (self, CURLINFO_RESPONSE_CODE);
    bool is_redirect = status >= 300 && status <= 399;
    if (result == CURLE_OK) //  curl takes a head without its end for one
        return self->head_has_ended && self->head.size > 0 ? HTTP_ANSWERED : HTTP_RESET;
    if (self->head_is_too_large)
        return HTTP_HEAD_TOO_LARGE;
    if (self->body_is_too_large)
        return HTTP_TOO_LARGE;
    if (result == CURLE_COULDNT_CONNECT)
        return s_not_connected (self);
    if (result == CURLE_OPERATION_TIMEDOUT && s_info (self, CURLINFO_REQUEST_SIZE) == 0)
        return HTTP_CONNECT_TIMED_OUT;
    if ((result == CURLE_UNSUPPORTED_PROTOCOL || result == CURLE_URL_MALFORMAT) && is_redirect)
        return HTTP_REDIRECTS;
    if (result == CURLE_RECV_ERROR)
        return s_broken (self);
    return s_words[result] ? s_words[result] : HTTP_LIBRARY;
}

static const char *
s_error (http_exchange_t *self, http_outcome_t outcome, CURLcode result)
{
    if (outcome == HTTP_ANSWERED)
        return "";
    if (outcome == HTTP_BLOCKED)
        snprintf (self->error, sizeof self->error, "the address is in a blocked range: %s",
                  self->blocked);
    else if (result == CURLE_OK || self->head_is_too_large || self->body_is_too_large)
        return http_outcome_words (outcome);
    return self->error[0] ? self->error : curl_easy_strerror (result);
}

void
http_exchange_follow (http_exchange_t *self, void (*grew) (void *owner), void *owner)
{
    self->grew = grew;
    self->owner = owner;
}

void
http_exchange_so_far (const http_exchange_t *self, http_answer_t *answer)
{
    *answer = (http_answer_t){ .outcome = HTTP_ANSWERED,
                               .status = s_info (self, CURLINFO_RESPONSE_CODE),
                               .was_sent = true,
                               .head = buffer_text (&self->head),
                               .body = buffer_text (&self->body),
                               .error = "" };
    answer->content_type = http_answer_header (answer, "Content-Type");
}

void
http_exchange_read (http_exchange_t *self, CURLcode result, http_answer_t *answer)
{
    http_outcome_t outcome = s_outcome (self, result);
    *answer = (http_answer_t){ .outcome = outcome,
                               .status = s_info (self, CURLINFO_RESPONSE_CODE),
                               .head = buffer_text (&self->head),
                               .body = buffer_text (&self->body),
                               .error = s_error (self, outcome, result) };
    answer->was_sent = http_outcome_reach (outcome) != HTTP_REACH_NOWHERE
                       && s_info (self, CURLINFO_REQUEST_SIZE) > 0;
    curl_easy_getinfo (self->easy, CURLINFO_REDIRECT_URL, &answer->location);
    answer->content_type = http_answer_header (answer, "Content-Type");
    answer->retry_after_ms = retry_after_read (http_answer_header (answer, "Retry-After"),
                                               clock_wall_ms () / 1000, RETRY_AFTER_MOST_MS);
}
