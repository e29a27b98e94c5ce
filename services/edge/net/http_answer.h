//  http_answer — the head of an answer, field by field. Whatever does not fit spoils it, and
//  http_answer_end says so.

#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include "base/buffer.h"

typedef struct {
    buffer_t *to;
    int rc;
} http_answer_t;

//  The status line and what all answers have: Server, Date, and Connection: close unless another
//  request may follow.
http_answer_t http_answer_begin (buffer_t *to, unsigned status, bool keep_alive);
void http_answer_field (http_answer_t *self, const char *name, text_t value);
//  The empty line. Returns 0, or −1 when something did not fit.
__attribute__ ((warn_unused_result)) int http_answer_end (http_answer_t *self);

const char *http_status_words (unsigned status);

#define HTTP_DATE_ROOM 32
//  As HTTP has it: "Tue, 15 Nov 1994 08:12:31 GMT".
text_t http_date (int64_t seconds, char to[HTTP_DATE_ROOM]);

#endif
