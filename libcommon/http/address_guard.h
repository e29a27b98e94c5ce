//  address_guard — which addresses may be connected to. Whoever lets customers choose where
//  requests go must not let them reach its own machines (http/address_ranges.def).
//
//  An IPv4 address inside of an IPv6 one (mapped, NAT64, 6to4) counts as that IPv4 address. Of
//  IPv6 only what is assigned to the public (2000::/3) passes.

#ifndef ADDRESS_GUARD_H
#define ADDRESS_GUARD_H

#include "http/cidr.h"

#include <sys/socket.h>

typedef struct address_guard address_guard_t;

//  `allowed` are networks that may be reached all the same, separated by commas; "" is none.
//  NULL when one of them cannot be read.
address_guard_t *address_guard_new (const char *allowed);
void address_guard_destroy (address_guard_t **self_p);

//  NULL when it may be connected to; else the label of the range that it is in.
const char *address_guard_refuses (const address_guard_t *self, const struct sockaddr *address);
//  The same of a host as it stands in a URL, without brackets: NULL for every name but localhost.
const char *address_guard_refuses_host (const address_guard_t *self, const char *host);

//  Is it in one of the networks that are allowed by name? Of a host as above: no name is.
bool address_guard_allows (const address_guard_t *self, const struct sockaddr *address);
bool address_guard_allows_host (const address_guard_t *self, const char *host);

//  What kind of address it is: the label of its range, or "public_v4", "public_v6". A constant.
const char *address_guard_class (const address_guard_t *self, const ip_address_t *ip);

#endif
