#include "base/percent.h"

#include <string.h>

static int
s_digit (char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

long
percent_decode (text_t text, bool plus, char *to)
{
    long size = 0;
    for (size_t at = 0; at < text.size; at++) {
        char byte = text.data[at];
        if (byte == '%') {
            if (text.size - at < 3)
                return -1;
            int high = s_digit (text.data[at + 1]), low = s_digit (text.data[at + 2]);
            if (high < 0 || low < 0)
                return -1;
            byte = (char) (high * 16 + low);
            at += 2;
        } else if (byte == '+' && plus)
            byte = ' ';
        to[size++] = byte;
    }
    return size;
}

int
percent_encode (text_t text, buffer_t *to)
{
    static const char hex[] = "0123456789ABCDEF";
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    for (size_t at = 0; at < text.size; at++) {
        unsigned char byte = (unsigned char) text.data[at];
        char coded[3] = { '%', hex[byte >> 4], hex[byte & 15] };
        bool is_plain = byte != 0 && strchr (plain, byte);
        if (buffer_put (to, is_plain ? text.data + at : coded, is_plain ? 1 : 3) != 0)
            return -1;
    }
    return 0;
}
