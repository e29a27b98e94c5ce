//  Not with libsodium's decoder: it takes bytes beyond ASCII for the last digit (1.0.18).

#include "auth/base64url.h"

#include <stdint.h>

static int
s_digit (char byte)
{
    return byte >= 'A' && byte <= 'Z'   ? byte - 'A'
           : byte >= 'a' && byte <= 'z' ? byte - 'a' + 26
           : byte >= '0' && byte <= '9' ? byte - '0' + 52
           : byte == '-'                ? 62
           : byte == '_'                ? 63
                                        : -1;
}

size_t
base64url_read (text_t text, void *to, size_t most)
{
    uint8_t *bytes = to;
    uint32_t bits = 0;
    unsigned held = 0;
    size_t size = 0;
    if (text.size % 4 == 1)
        return SIZE_MAX;
    for (size_t at = 0; at < text.size; at++) {
        int digit = s_digit (text.data[at]);
        if (digit < 0)
            return SIZE_MAX;
        bits = (bits << 6 | (uint32_t) digit) & 0xffffff;
        held += 6;
        if (held >= 8) {
            held -= 8;
            if (size == most)
                return SIZE_MAX;
            bytes[size++] = (uint8_t) (bits >> held);
        }
    }
    return (bits & ((1u << held) - 1)) == 0 ? size : SIZE_MAX;
}

int
base64url_put (buffer_t *to, text_t bytes)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t size = (bytes.size * 4 + 2) / 3;
    char *place = buffer_grow (to, size);
    uint32_t bits = 0;
    unsigned held = 0;
    if (!place)
        return -1;
    for (size_t at = 0; at < bytes.size; at++) {
        bits = bits << 8 | (uint8_t) bytes.data[at];
        for (held += 8; held >= 6; held -= 6)
            *place++ = digits[bits >> (held - 6) & 63];
    }
    if (held > 0)
        *place = digits[bits << (6 - held) & 63];
    return 0;
}
