//  mail_header — header lines of a mail, one at a time. What is put into a header is hostile until
//  it has gone through here: names and subjects hold what visitors wrote.
//
//  A header is folded at 76 bytes, and has nothing but ASCII in it: other words are encoded as
//  RFC 2047 says (UTF-8, base64). Bytes that would end a line, or turn the direction of what stands
//  around them, are taken out: below U+0020, U+007F to U+009F, U+2028 and U+2029, and the marks of
//  bidirectional text. Lines are ended by CRLF; the last one is not.

#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include "base/buffer.h"

#include <stdbool.h>

#define MAIL_ADDRESS_MOST 254 //  bytes, RFC 5321
#define MAIL_VALUE_MOST 500   //  bytes of a value, before it is encoded; the rest is cut
#define MAIL_HEADER_MOST 4096 //  bytes of a header that such a value becomes, at most

//  Whether it is an address that can be mailed to: plain ASCII, one '@', a domain; nothing that
//  could end a command or a header.
bool mail_address_is_good (text_t address);
//  What stands behind its '@'.
text_t mail_address_domain (text_t address);

//  Each puts one header without its line end, and returns 0; −1 when the buffer is full. `name` is
//  ours.
__attribute__ ((warn_unused_result)) int mail_header_put (buffer_t *to, const char *name,
                                                          text_t value);
//  "Name <address>"; only the address when the name is empty. The address must be good.
__attribute__ ((warn_unused_result)) int
mail_header_put_person (buffer_t *to, const char *name, text_t person, text_t address);

#endif
