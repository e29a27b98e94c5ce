//  client_address — where a client comes from: the address of its socket, or the one that a trusted
//  proxy names (forwarded.h). IPv4 within IPv6 is IPv4.
//
//  A whole address tells who somebody is: logs get the network only.

#ifndef CLIENT_ADDRESS_H
#define CLIENT_ADDRESS_H

#include "http/cidr.h"

typedef struct {
    ip_address_t ip;
    bool is_forwarded; //  a trusted proxy says so; else the socket's own
    bool is_exempt;    //  a trusted proxy's own: no limits
} client_address_t;

#define CLIENT_ADDRESS_ROOM 48

//  As people write it: "192.0.2.7", "2001:db8::7".
text_t client_address_text (const client_address_t *self, char room[CLIENT_ADDRESS_ROOM]);
//  And its network, /24 or /64: "192.0.2.0", "2001:db8::".
text_t client_address_network (const client_address_t *self, char room[CLIENT_ADDRESS_ROOM]);

//  What counts as one client: an IPv4 address, or a /64 of IPv6, which one customer gets whole.
ip_address_t client_address_counted (const client_address_t *self);

#endif
