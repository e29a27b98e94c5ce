#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

//  How long the character is that begins with this byte, and the range of its second byte.
//  0: no character begins so.
static size_t
s_length (unsigned char lead, unsigned char *least, unsigned char *most)
{
    *least = 0x80;
    *most = 0xbf;
    if (lead < 0x80)
        return 1;
    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    if (lead < 0xe0)
        return 2;
    if (lead == 0xe0)
        *least = 0xa0;
    if (lead == 0xed)
        *most = 0x9f;
    if (lead == 0xf0)
        *least = 0x90;
    if (lead == 0xf4)
        *most = 0x8f;
    return lead < 0xf0 ? 3 : 4;
}

//  Behind the ASCII characters that begin here, eight at a time: most texts are little else.
static size_t
s_skip_ascii (text_t text, size_t at)
{
    for (uint64_t eight; text.size - at >= sizeof eight; at += sizeof eight) {
        memcpy (&eight, text.data + at, sizeof eight);
        if (eight & UINT64_C (0x8080808080808080))
            break;
    }
    while (at < text.size && (unsigned char) text.data[at] < 0x80)
        at++;
    return at;
}

size_t
utf8_valid_size (text_t text)
{
    const unsigned char *bytes = (const unsigned char *) text.data;
    size_t at = 0;
    while ((at = s_skip_ascii (text, at)) < text.size) {
        unsigned char least, most;
        size_t length = s_length (bytes[at], &least, &most);
        if (length == 0 || length > text.size - at)
            return at;
        if (length > 1 && (bytes[at + 1] < least || bytes[at + 1] > most))
            return at;
        for (size_t more = 2; more < length; more++)
            if ((bytes[at + more] & 0xc0) != 0x80)
                return at;
        at += length;
    }
    return at;
}

text_t
utf8_cut (text_t text, size_t most)
{
    if (text.size <= most)
        return text;
    while (most > 0 && ((unsigned char) text.data[most] & 0xc0) == 0x80)
        most--;
    return (text_t){ text.data, most };
}

void
utf8_copy (char *room, size_t size, text_t text)
{
    text = utf8_cut (text, size - 1);
    if (text.size > 0)
        memcpy (room, text.data, text.size);
    room[text.size] = '\0';
}

bool
utf8_is_printable (text_t text)
{
    for (size_t at = 0; at < text.size; at++) {
        unsigned char byte = (unsigned char) text.data[at];
        if (byte < 0x20 || byte == 0x7f)
            return false;
        //  U+0080 to U+009F.
        if (byte == 0xc2 && at + 1 < text.size && (unsigned char) text.data[at + 1] < 0xa0)
            return false;
    }
    return true;
}

bool
utf8_is_showable (text_t text)
{
    for (size_t at = 0; at + 2 < text.size; at++) {
        unsigned char last = (unsigned char) text.data[at + 2];
        if (memcmp (text.data + at, "\xe2\x80", 2) == 0 && last >= 0xa8 && last <= 0xae)
            return false;
        if (memcmp (text.data + at, "\xe2\x81", 2) == 0 && last >= 0xa6 && last <= 0xa9)
            return false;
    }
    return utf8_is_printable (text);
}
