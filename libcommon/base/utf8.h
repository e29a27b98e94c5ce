//  utf8 — is this UTF-8? As RFC 3629 has it: no overlong forms, no surrogates, nothing above
//  U+10FFFF.

#ifndef UTF8_H
#define UTF8_H

#include "base/text.h"

//  How many bytes at the beginning are whole, valid characters: all, when the text is valid.
size_t utf8_valid_size (text_t text);

static inline bool
utf8_is_valid (text_t text)
{
    return utf8_valid_size (text) == text.size;
}

//  The longest beginning of a valid text that has at most `most` bytes and ends between characters.
text_t utf8_cut (text_t text, size_t most);

//  As much of a valid text as the room has space for, cut between characters, and a NUL.
void utf8_copy (char *room, size_t size, text_t text);

//  True when there is no control character (U+0000 to U+001F, U+007F to U+009F) in it.
bool utf8_is_printable (text_t text);

//  Printable, and without the marks that turn the direction of what stands around them (U+202A to
//  U+202E, U+2066 to U+2069), or end a line (U+2028, U+2029): a text that can be shown beside
//  others.
bool utf8_is_showable (text_t text);

#endif
