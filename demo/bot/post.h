//  post — says something later, to an address that the router gave: one POST of HTTP, and nobody
//  waits for what is answered. It knows http and addresses in digits only, as `make run` has them.

#ifndef POST_H
#define POST_H

#include <stdbool.h>
#include <uv.h>

//  Is it such a URL?
bool post_can (const char *url);
//  In so many milliseconds. Takes the body, JSON.
void post_later (uv_loop_t *loop, const char *url, unsigned after_ms, char *body);

#endif
