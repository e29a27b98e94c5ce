//  http_sockets — libcurl's sockets and its one timer on our loop. curl says what it waits for, and
//  is called when it comes; `turned` is called behind that, to see which calls have ended.

#ifndef HTTP_SOCKETS_H
#define HTTP_SOCKETS_H

#include <curl/curl.h>
#include <uv.h>

typedef struct http_sockets http_sockets_t;

//  Sets the socket and timer callbacks of `multi`.
http_sockets_t *http_sockets_new (uv_loop_t *loop, CURLM *multi, void (*turned) (void *owner),
                                  void *owner);
//  When `multi` is gone; the loop must turn until the handles are gone, too.
void http_sockets_destroy (http_sockets_t **self_p);

//  For CURLOPT_CLOSESOCKETFUNCTION; `self` is a http_sockets_t.
int http_sockets_close (void *self, curl_socket_t socket);

#endif
