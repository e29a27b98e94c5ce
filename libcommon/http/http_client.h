//  http_client — outgoing HTTP on the service's loop, by libcurl's multi interface. Never blocks:
//  names are resolved by curl's resolver thread.
//
//  A call is remembered by its number. Its answer's body has a ceiling, also when it comes
//  compressed; redirects are not followed; only http and https are spoken (HTTP/1.1); the proxy is
//  the configured one, never the environment's. Connections are used again within seconds.
//  A call on a kept connection that turns out to have ended is made again, on a fresh one; nothing
//  else is tried twice. How many calls there may be at once is for the owner to bound.

#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "base/text.h"

#include <stdint.h>
#include <uv.h>

typedef struct http_client http_client_t;
typedef uint64_t http_call_t; //  0 is none

typedef enum {
    HTTP_ANSWERED,     //  there is a status and a whole body
    HTTP_TIMED_OUT,    //  no whole answer within the time limit
    HTTP_UNREACHABLE,  //  name, connect, TLS, or the connection broke before an answer
    HTTP_TOO_LARGE,    //  the body passed its ceiling
    HTTP_BAD_CODING,   //  the body is in a content coding that is unknown, or broken
} http_outcome_t;

typedef struct {
    http_outcome_t outcome;
    long status;               //  0 when no answer began
    text_t content_type;       //  empty when there was none
    text_t body;
    uint64_t retry_after_ms;   //  from the Retry-After header, 0 when there was none
    uint64_t took_us;
    const char *error;         //  curl's words for what went wrong, "" when answered
    const char *location;      //  where a redirect points to (not followed), NULL when nowhere
} http_answer_t;

//  The answer and its texts live until the callback returns.
typedef void http_answer_fn (void *owner, http_call_t call, const http_answer_t *answer);

typedef struct {
    const char *url;
    const char *const *headers; //  "Name: value", ended by NULL; copied
    text_t body;                //  copied; sent with POST
    uint64_t timeout_ms;        //  for the whole call
    uint64_t answer_limit;      //  bytes
} http_request_t;

typedef struct {
    uint64_t connections_per_host;
    const char *proxy;    //  URL of the proxy, "" for none; copied
    const char *no_proxy; //  hosts that are reached without it, with commas; copied
} http_client_config_t;

//  Whether it can be a proxy's URL: http, https, socks5 or socks5h.
bool http_client_is_proxy (const char *url);
//  Whether it can be a header's name (or an authentication scheme): a token of RFC 9110, 5.6.2.
bool http_client_is_token (const char *word);

http_client_t *http_client_new (uv_loop_t *loop, const http_client_config_t *config);
//  Cancels what is under way (no callback); the loop must turn until its handles are gone.
void http_client_destroy (http_client_t **self_p);

//  Begins a call; `answered` is called once, from the loop, unless it is cancelled before.
//  Returns 0 when the call cannot be made; errno says why: EINVAL when the URL is none of ours,
//  EAGAIN when it may be possible a little later.
http_call_t http_client_post (http_client_t *self, const http_request_t *request,
                              http_answer_fn *answered, void *owner);
//  Unknown and finished calls are ignored.
void http_client_cancel (http_client_t *self, http_call_t call);

#endif
