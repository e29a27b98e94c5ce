//  hex — bytes as hexadecimal digits, of which there is one text for each run of bytes: small
//  letters only.

#ifndef HEX_H
#define HEX_H

#include "base/text.h"

//  Writes two digits for each byte, and no NUL behind them.
void hex_write (char *to, const unsigned char *bytes, size_t size);
//  Reads `size` bytes. False: the digits are not just these, or others than small ones; what stands
//  in `bytes` then says nothing.
bool hex_read (text_t digits, unsigned char *bytes, size_t size);

#endif
