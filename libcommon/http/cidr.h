//  cidr — a network as it is written: 10.0.0.0/8, 2001:db8::/32, or one address. IPv4 stands in the
//  range of IPv6 that is kept for it (::ffff:0:0/96), so that there is one kind of address only.

#ifndef CIDR_H
#define CIDR_H

#include "base/text.h"

#include <stdint.h>
#include <sys/socket.h>

typedef struct {
    uint8_t bytes[16];
} ip_address_t;

typedef struct {
    ip_address_t address;
    unsigned bits; //  0 to 128; of IPv4 96 to 128
} cidr_t;

//  Returns 0; −1 when the text is no network: bits behind the prefix must be zero.
__attribute__ ((warn_unused_result)) int cidr_read (cidr_t *self, text_t text);
//  The first word of a list (commas or blanks between them) that is no network; empty: none.
text_t cidr_list_mistake (const char *networks);
bool cidr_holds (const cidr_t *self, const ip_address_t *address);

//  Returns 0; −1 when it is neither IPv4 nor IPv6.
__attribute__ ((warn_unused_result)) int ip_address_of (ip_address_t *self,
                                                        const struct sockaddr *address);
//  From "127.0.0.1" or "::1". Returns 0, or −1.
__attribute__ ((warn_unused_result)) int ip_address_read (ip_address_t *self, text_t text);
//  One that stands in IPv4's own range, or was made from IPv4's four bytes.
bool ip_address_is_ipv4 (const ip_address_t *self);
ip_address_t ip_address_of_ipv4 (const uint8_t bytes[4]);

#endif
