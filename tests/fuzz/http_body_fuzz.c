//  A body of any bytes, in chunks or with a length: read the same however it is cut, never beyond
//  its limit.

#include "net/http_body.h"

#include <stdlib.h>

#define MOST 4096

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

//  Returns the fault; how much was taken is in `at`.
static http_fault_t
s_read (const http_head_t *head, text_t bytes, size_t piece, buffer_t *body, size_t *at)
{
    http_body_reader_t reader;
    http_fault_t fault = http_body_begin (&reader, head, MOST);
    for (*at = 0; *at < bytes.size && !fault && !http_body_is_whole (&reader);) {
        size_t rest = bytes.size - *at, taken;
        fault = http_body_read (
            &reader, (text_t){ bytes.data + *at, rest < piece ? rest : piece }, body, &taken);
        *at += taken;
    }
    return fault;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    http_head_t head = { .body = data[0] & 1 ? HTTP_BODY_CHUNKED : HTTP_BODY_SIZED,
                         .body_size = data[0] };
    size_t piece = data[1] % 16 + 1, at, at_once;
    text_t bytes = { (const char *) data + 2, size - 2 };
    buffer_t body, whole;
    buffer_init (&body, MOST);
    buffer_init (&whole, MOST);
    http_fault_t fault = s_read (&head, bytes, piece, &body, &at);
    if (fault != s_read (&head, bytes, size, &whole, &at_once) || at != at_once
        || !text_is (buffer_text (&body), buffer_text (&whole)))
        abort ();
    buffer_free (&body);
    buffer_free (&whole);
    return 0;
}
