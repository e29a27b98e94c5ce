#include "net/percent.h"

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
