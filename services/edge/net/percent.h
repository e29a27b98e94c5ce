//  percent — percent-encoded text of a URL, decoded strictly: a '%' without two hexadecimal digits
//  is a fault, not a text of its own.

#ifndef PERCENT_H
#define PERCENT_H

#include "base/text.h"

//  Writes what it stands for to `to`, which has room for it: it is never longer than the text.
//  With `plus` a '+' is a blank, as in a query. Returns the size, or −1.
long percent_decode (text_t text, bool plus, char *to);

#endif
