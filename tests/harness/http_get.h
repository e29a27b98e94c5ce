//  http_get — one blocking HTTP/1.1 GET to 127.0.0.1, for operations ports and served pages.

#ifndef HTTP_GET_H
#define HTTP_GET_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    int status;    //  0: no answer
    char *headers; //  the status line and the header lines
    char *body;
    size_t body_size;
} http_answer_t;

//  `target` is sent as it is; `headers` are further lines, each with its "\r\n", or NULL. Waits 5 s
//  at most. The answer is given back with http_answer_free.
http_answer_t http_get (uint16_t port, const char *target, const char *headers);
//  Any method, with a body.
http_answer_t http_request (uint16_t port, const char *method, const char *target,
                            const char *headers, const char *body, size_t body_size);
void http_answer_free (http_answer_t *self);

#endif
