//  base64 — bytes as text and back (RFC 4648 4: the standard alphabet, with padding). Reading is
//  strict: one text for each run of bytes, no blanks, no line ends, left-over bits are zero.

#ifndef BASE64_H
#define BASE64_H

#include "base/buffer.h"

//  Characters for so many bytes, and the most bytes that so many characters stand for.
#define BASE64_SIZE(bytes) (((bytes) + 2) / 3 * 4)
#define BASE64_BYTES(size) ((size) / 4 * 3)

//  Both append and return 0; −1, with nothing appended: the buffer is full, or it is no base64.
__attribute__ ((warn_unused_result)) int base64_put (buffer_t *to, text_t bytes);
__attribute__ ((warn_unused_result)) int base64_read (buffer_t *to, text_t text);

#endif
