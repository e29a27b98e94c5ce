//  http_url — where a request goes: the parts of its URL that decide how it is sent. Read by
//  libcurl's own parser, so that nobody reads it differently afterwards.

#ifndef HTTP_URL_H
#define HTTP_URL_H

#include <stdbool.h>

typedef struct {
    char *origin; //  "https://example.com:443"
    char *host;   //  in lower case; an address without brackets, and as four numbers
    bool is_tls;
} http_url_t;

//  Returns 0; −1 when it is no URL of http or https: then there is nothing to free.
__attribute__ ((warn_unused_result)) int http_url_read (http_url_t *self, const char *text);
//  Safe on a zeroed struct and safe to call twice.
void http_url_free (http_url_t *self);

//  Whether it can be a proxy's URL: http, https, socks5 or socks5h.
bool http_url_is_proxy (const char *text);

//  Whether the host is in a list with commas: of names (which stand for all below them, too),
//  addresses, networks (10.0.0.0/8), or "*" for every host.
bool http_url_host_is_in (const char *host, const char *list);

#endif
