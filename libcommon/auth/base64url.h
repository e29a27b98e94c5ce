//  base64url — bytes as RFC 4648 5 writes them, without padding, as all of JOSE does (RFC 7515 2).
//  Strictly: bits that are left over are zero, so that there is one text for each run of bytes.

#ifndef BASE64URL_H
#define BASE64URL_H

#include "base/buffer.h"

//  What this many digits come to, at most.
#define BASE64URL_BYTES(digits) ((digits) / 4 * 3 + 2)

//  Writes the bytes that the text stands for. Returns their number; SIZE_MAX when the text is no
//  base64url, or they are more than `most`.
size_t base64url_read (text_t text, void *to, size_t most);
//  Appends them and returns 0; −1, with nothing appended: the buffer is full.
__attribute__ ((warn_unused_result)) int base64url_put (buffer_t *to, text_t bytes);

#endif
