//  http_exchange — one request and its answer in libcurl's terms: an easy handle, set up once, that
//  may be begun more than once (another token after a 401). What is read has ceilings.

#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "http/address_guard.h"
#include "http/http_outcome.h"
#include "http/http_sockets.h"
#include "http/http_url.h"

typedef struct http_exchange http_exchange_t;

//  See http_client.h, which hands it on.
typedef struct {
    const char *method;
    const char *url;
    const char *const *headers;
    const char *content_type;
    text_t body;
    uint64_t timeout_ms;
    uint64_t longest_ms;
    uint64_t connect_timeout_ms;
    uint64_t head_limit;
    uint64_t answer_limit;
    unsigned redirects;
    bool only_once;
    struct bearer *bearer;
    bool takes_401;
} http_request_t;

//  What all exchanges of a client share; lives longer than each of them.
typedef struct {
    http_sockets_t *sockets;
    address_guard_t *guard; //  NULL: every address
    bool keeps_clear;       //  http:// only where the guard allows it by name
    char *proxy;            //  "" is none
    char *no_proxy;
    char *ca_file; //  "" is the system's
} http_means_t;

//  NULL with errno EINVAL when the request cannot be one, EAGAIN when libcurl refuses it.
http_exchange_t *http_exchange_new (const http_means_t *means, const http_request_t *request,
                                    const http_url_t *url);
//  Not while its handle belongs to a multi handle.
void http_exchange_destroy (http_exchange_t **self_p);

CURL *http_exchange_easy (const http_exchange_t *self);
//  The label of the blocked range, when the URL names an address that only the proxy would see.
const char *http_exchange_blocked (const http_exchange_t *self);
//  Before the handle is given to a multi handle: forgets what was answered. No token: "".
//  `more_ms`: on top of the time, when the call has been connected within it.
void http_exchange_begin (http_exchange_t *self, const char *token, uint64_t timeout_ms,
                          uint64_t more_ms);
//  Before its end: what has come of the answer up to now.
void http_exchange_so_far (const http_exchange_t *self, http_answer_t *answer);
//  `grew` is called, within curl's own callbacks, when more of the body has come.
void http_exchange_follow (http_exchange_t *self, void (*grew) (void *owner), void *owner);
//  Behind its end. The answer's texts live as long as the exchange, or until it begins anew.
void http_exchange_read (http_exchange_t *self, CURLcode result, http_answer_t *answer);

#endif
