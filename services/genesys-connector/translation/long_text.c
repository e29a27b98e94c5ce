#include "translation/long_text.h"

//  Of the character that begins with this byte: bytes and units of UTF-16. A wrong byte is one.
static size_t
s_size (unsigned char first, size_t *units)
{
    *units = first >= 0xf0 ? 2 : 1;
    return first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
}

bool
long_text_next (text_t *rest, size_t most, text_t *piece)
{
    size_t at = 0, used = 0, units, line = 0, blank = 0;
    while (at < rest->size) {
        size_t size = s_size ((unsigned char) rest->data[at], &units);
        if (size > rest->size - at)
            size = rest->size - at;
        //  What stands just behind a full piece is a good place, too.
        if (used >= most / 2 && rest->data[at] == '\n')
            line = at;
        if (used >= most / 2 && rest->data[at] == ' ')
            blank = at;
        if (used + units > most)
            break;
        at += size;
        used += units;
    }
    bool is_all = at == rest->size;
    size_t cut = is_all ? at : line ? line : blank ? blank : at;
    size_t behind = cut < rest->size && (line || blank) ? cut + 1 : cut;
    *piece = (text_t){ rest->data, cut };
    if (rest->size == 0)
        return false;
    *rest = (text_t){ rest->data + behind, rest->size - behind };
    return true;
}
