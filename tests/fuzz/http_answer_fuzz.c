//  The head of an answer: headers by their names, and what Retry-After says.

#include "http/http_outcome.h"
#include "http/retry_after.h"

#include <assert.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    static const char *const names[] = { "Retry-After", "Content-Type", "a", "" };
    http_answer_t answer = { .head = { (const char *) data, size } };
    for (size_t row = 0; row < sizeof names / sizeof *names; row++) {
        text_t value = http_answer_header (&answer, names[row]);
        assert (value.size <= size && !memchr (value.data, '\n', value.size));
        assert (retry_after_read (value, 784111777, 86400000) <= 86400000);
    }
    assert (retry_after_read (answer.head, 784111777, 86400000) <= 86400000);
    return 0;
}
