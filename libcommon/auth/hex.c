#include "auth/hex.h"

void
hex_write (char *to, const unsigned char *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t at = 0; at < size; at++) {
        *to++ = digits[bytes[at] >> 4];
        *to++ = digits[bytes[at] & 15];
    }
}

//  16: it is none.
static unsigned
s_digit (char byte)
{
    return byte >= '0' && byte <= '9'   ? (unsigned) (byte - '0')
           : byte >= 'a' && byte <= 'f' ? (unsigned) (byte - 'a') + 10
                                        : 16;
}

bool
hex_read (text_t digits, unsigned char *bytes, size_t size)
{
    if (digits.size != 2 * size)
        return false;
    for (size_t at = 0; at < size; at++) {
        unsigned high = s_digit (digits.data[2 * at]), low = s_digit (digits.data[2 * at + 1]);
        if (high > 15 || low > 15)
            return false;
        bytes[at] = (unsigned char) (high << 4 | low);
    }
    return true;
}
