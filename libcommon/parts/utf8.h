//  utf8 — is this UTF-8? As RFC 3629 has it: no overlong forms, no surrogates, nothing above
//  U+10FFFF.

#ifndef UTF8_H
#define UTF8_H

#include "words/text.h"

bool utf8_is_valid (text_t text);

//  The longest beginning of a valid text that has at most `most` bytes and ends between characters.
text_t utf8_cut (text_t text, size_t most);

//  True when there is no control character (U+0000 to U+001F, U+007F) in it.
bool utf8_is_printable (text_t text);

#endif
