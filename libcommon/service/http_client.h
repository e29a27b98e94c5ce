//  http_client — outgoing HTTP on the service's loop, by libcurl's multi interface. Never blocks:
//  names are resolved by curl's resolver thread.
//
//  A call is remembered by its number. Its answer's body has a ceiling; redirects are not followed;
//  only http and https are spoken (HTTP/1.1); proxies of the environment are not used. Connections
//  are kept and used again. How many calls there may be at once is for the owner to bound.

#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "words/text.h"

#include <stdint.h>
#include <uv.h>

typedef struct http_client http_client_t;
typedef uint64_t http_call_t; //  0 is none

typedef enum {
    HTTP_ANSWERED,     //  there is a status and a whole body
    HTTP_TIMED_OUT,    //  no whole answer within the time limit
    HTTP_UNREACHABLE,  //  name, connect, TLS, or the connection broke before an answer
    HTTP_TOO_LARGE,    //  the body passed its ceiling
} http_outcome_t;

typedef struct {
    http_outcome_t outcome;
    long status;               //  0 when no answer began
    text_t content_type;       //  empty when there was none
    text_t body;
    uint64_t retry_after_ms;   //  from the Retry-After header, 0 when there was none
    uint64_t took_us;
    const char *error;         //  curl's words for what went wrong, "" when answered
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

http_client_t *http_client_new (uv_loop_t *loop, uint64_t connections_per_host);
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
