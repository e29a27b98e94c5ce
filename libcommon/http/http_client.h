//  http_client — outgoing HTTP on the service's loop, by libcurl's multi interface. Never blocks:
//  names are resolved by curl's resolver thread.
//
//  A call is remembered by its number. Only http and https are spoken (HTTP/1.1, TLS 1.2 and
//  later, certificates are verified); the proxy is the configured one, never the environment's.
//  Connections are used again within seconds. A call on a kept connection that turns out to have
//  ended is made again once, on a fresh one, provided that not a byte of an answer came; nothing
//  else is tried twice: that is for a retry_policy.
//
//  A call may have to wait before it is sent: for its bearer token, for its turn at a paced origin.
//  How many calls there may be at once is for the owner to bound.

#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "http/http_exchange.h"
#include "http/http_pace.h"

typedef struct http_client http_client_t;
typedef uint64_t http_call_t; //  0 is none

//  The answer and its texts live until the callback returns.
typedef void http_answer_fn (void *owner, http_call_t call, const http_answer_t *answer);

//  http_request_t, all of it copied:
//
//      method              "GET", "POST" … in capitals
//      url                 of http or https
//      headers             "Name: value", ended by NULL; NULL is none. To another host a redirect
//                          takes all along but Authorization and Cookie: no other secrets then
//      content_type        NULL: none, or one of the headers
//      body                sent when it is not empty, and with POST, PUT and PATCH
//      timeout_ms          of the whole call, with what it waits for
//      longest_ms          of a call that may be given more time (http_client_wait): no more than
//                          this in all; 0: none is given
//      connect_timeout_ms  of name, connection and TLS; 0: as timeout_ms
//      head_limit          bytes of the answer's head; 0: 16 KiB
//      answer_limit        bytes of its body, also when it comes compressed
//      redirects           that GET and HEAD follow; never from https to http
//      only_once           on a connection of its own, so that it is never sent again by itself
//      bearer              whose token is sent; a 401 renews it and asks again, once. NULL: none
//      takes_401           a 401 renews it, and is the answer: who asks again does so in its turn

typedef struct {
    uint64_t connections_per_host; //  0: no limit
    const char *proxy;    //  URL of the proxy; copied, like all that follow. "" or NULL is none
    const char *no_proxy; //  hosts that are reached without it (http_url_host_is_in)
    const char *ca_file;  //  certificates to trust beside the system's
    bool is_guarded;      //  private and special addresses are refused (address_guard.h)
    const char *allowed;  //  networks that are not
    bool keeps_clear;     //  of a guarded one: http:// goes to such networks only
    http_rate_t rate;     //  for each origin
} http_client_config_t;

//  Whether it can be a header's name (or an authentication scheme): a token of RFC 9110, 5.6.2.
bool http_client_is_token (const char *word);

//  NULL when libcurl cannot be started, or `allowed` cannot be read.
http_client_t *http_client_new (uv_loop_t *loop, const http_client_config_t *config);
//  Cancels what is under way (no callback); the loop must turn until its handles are gone.
void http_client_destroy (http_client_t **self_p);

//  Begins a call; `answered` is called once, from the loop, unless it is cancelled before.
//  Returns 0 when the call cannot be made; errno says why: EINVAL when the URL, the method or a
//  header is none, EAGAIN when it may be possible a little later.
http_call_t http_client_send (http_client_t *self, const http_request_t *request,
                              http_answer_fn *answered, void *owner);
//  For a body that is read as it grows: `grows` is called from the loop, again and again, with the
//  answer up to now, whose texts live until it returns; the owner may cancel the call there. The
//  whole answer is `answered` all the same. Unknown and finished calls are ignored.
void http_client_follow (http_client_t *self, http_call_t call, http_answer_fn *grows);
//  The call ends (HTTP_TIMED_OUT) unless it has ended, or is given time again, within this; for
//  calls with `longest_ms` that curl has. Others are ignored.
void http_client_wait (http_client_t *self, http_call_t call, uint64_t within_ms);
//  Unknown and finished calls are ignored.
void http_client_cancel (http_client_t *self, http_call_t call);

#endif
