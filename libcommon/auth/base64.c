#include "auth/base64.h"

static const char s_alphabet[]
    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int
base64_put (buffer_t *to, text_t bytes)
{
    char *place = bytes.size ? buffer_grow (to, BASE64_SIZE (bytes.size)) : NULL;
    if (!place)
        return bytes.size ? -1 : 0;
    for (size_t at = 0; at < bytes.size; at += 3) {
        size_t left = bytes.size - at;
        unsigned group = (unsigned) (unsigned char) bytes.data[at] << 16;
        if (left > 1)
            group |= (unsigned) (unsigned char) bytes.data[at + 1] << 8;
        if (left > 2)
            group |= (unsigned char) bytes.data[at + 2];
        *place++ = s_alphabet[group >> 18];
        *place++ = s_alphabet[group >> 12 & 63];
        *place++ = left > 1 ? s_alphabet[group >> 6 & 63] : '=';
        *place++ = left > 2 ? s_alphabet[group & 63] : '=';
    }
    return 0;
}

//  The value of a character; −1: it is none of the alphabet.
static int
s_value (char byte)
{
    return byte >= 'A' && byte <= 'Z'   ? byte - 'A'
           : byte >= 'a' && byte <= 'z' ? byte - 'a' + 26
           : byte >= '0' && byte <= '9' ? byte - '0' + 52
           : byte == '+'                ? 62
           : byte == '/'                ? 63
                                        : -1;
}

//  Four characters, the last `missing` of which are padding. Returns false: they are no group.
static bool
s_read_group (const char *four, unsigned missing, char *to)
{
    unsigned group = 0;
    for (unsigned at = 0; at < 4 - missing; at++) {
        int value = s_value (four[at]);
        if (value < 0)
            return false;
        group = group << 6 | (unsigned) value;
    }
    group <<= 6 * missing;
    for (unsigned at = 0; at < 3 - missing; at++)
        to[at] = (char) (group >> (16 - 8 * at) & 255);
    //  What the padding leaves over.
    return missing == 0 || (group & ((1u << 8 * missing) - 1)) == 0;
}

int
base64_read (buffer_t *to, text_t text)
{
    unsigned missing = 0;
    if (text.size % 4 != 0)
        return -1;
    while (missing < 2 && missing < text.size && text.data[text.size - 1 - missing] == '=')
        missing++;
    size_t before = to->size, size = BASE64_BYTES (text.size) - missing;
    char *place = size ? buffer_grow (to, size) : NULL;
    if (!place)
        return size ? -1 : 0;
    for (size_t at = 0; at < text.size; at += 4) {
        bool is_last = at + 4 == text.size;
        if (!s_read_group (text.data + at, is_last ? missing : 0, place)) {
            to->size = before;
            return -1;
        }
        place += 3;
    }
    return 0;
}
