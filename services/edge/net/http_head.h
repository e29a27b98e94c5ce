//  http_head — the head of an HTTP/1.x request, read strictly as RFC 9112 has it, or refused.
//
//  What a proxy in front may read otherwise than we do is not guessed at: a line that ends in LF
//  alone, a folded field, a blank before a colon, two lengths, a length beside a transfer coding,
//  no Host or two. The texts point into the bytes that were read; there is no copy.

#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "tables/reasons.h"
#include "base/text.h"

#include <stdint.h>

#define HTTP_HEAD_MAX (16u << 10)
#define HTTP_FIELDS_MAX 100

typedef struct {
    text_t name;
    text_t value; //  without the blanks around it
} http_field_t;

typedef enum { HTTP_BODY_NONE, HTTP_BODY_SIZED, HTTP_BODY_CHUNKED } http_body_t;

typedef struct {
    text_t method;
    text_t path;  //  as it was sent, percents and all: begins with '/'; or is "*"; CONNECT: empty
    text_t query; //  what stands behind the '?', or empty
    unsigned minor; //  HTTP/1.minor; a higher one counts as 1
    bool keep_alive; //  another request may follow, behind the body
    http_body_t body;
    uint64_t body_size; //  of one that is sized
    unsigned field_count;
    http_field_t fields[HTTP_FIELDS_MAX];
} http_head_t;

//  Reads the head at the beginning of the bytes. HTTP_NO_FAULT with a size: it is whole, and that
//  long. With the size 0: nothing is wrong so far, and more must come.
http_fault_t http_head_read (http_head_t *self, text_t bytes, size_t *size);

bool http_head_is (const http_head_t *self, const char *method);

//  The value of the first field of this name (any case) at or behind `*at`, which is moved behind
//  it; false when there is none.
bool http_head_field (const http_head_t *self, const char *name, unsigned *at, text_t *value);
//  The only one's; empty when there is none. −1 when there are two.
int http_head_only (const http_head_t *self, const char *name, text_t *value);
//  Is the token (any case) in the lists of the fields of this name?
bool http_head_has_token (const http_head_t *self, const char *name, const char *token);

//  Takes the next element off a list with commas; false when there is none.
bool http_list_next (text_t *rest, text_t *element);
bool http_text_is (text_t text, const char *word); //  in any case

#endif
