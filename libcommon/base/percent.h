//  percent — percent-encoded text of a URL. Decoded strictly: a '%' without two hexadecimal digits
//  is a fault, not a text of its own. Encoded so that it stands for itself anywhere in a URL.

#ifndef PERCENT_H
#define PERCENT_H

#include "base/buffer.h"

//  Writes what it stands for to `to`, which has room for it: it is never longer than the text.
//  With `plus` a '+' is a blank, as in a query. Returns the size, or −1.
long percent_decode (text_t text, bool plus, char *to);

//  Puts the text; all but letters, digits and "-._~" is encoded, byte by byte. Returns 0, or −1
//  when the buffer is full: a part of it may stand there.
int percent_encode (text_t text, buffer_t *to);

#endif
