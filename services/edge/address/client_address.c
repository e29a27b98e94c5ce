#include "address/client_address.h"

#include <arpa/inet.h>

#define IPV4_AT 12
#define IPV6_NETWORK 8 //  bytes

static text_t
s_write (const ip_address_t *ip, char room[CLIENT_ADDRESS_ROOM])
{
    bool is_ipv4 = ip_address_is_ipv4 (ip);
    const char *text = is_ipv4
                           ? inet_ntop (AF_INET, ip->bytes + IPV4_AT, room, CLIENT_ADDRESS_ROOM)
                           : inet_ntop (AF_INET6, ip->bytes, room, CLIENT_ADDRESS_ROOM);
    return text ? text_of (text) : TEXT_EMPTY;
}

text_t
client_address_text (const client_address_t *self, char room[CLIENT_ADDRESS_ROOM])
{
    return s_write (&self->ip, room);
}

ip_address_t
client_address_counted (const client_address_t *self)
{
    ip_address_t ip = self->ip;
    if (!ip_address_is_ipv4 (&ip))
        memset (ip.bytes + IPV6_NETWORK, 0, sizeof ip.bytes - IPV6_NETWORK);
    return ip;
}

text_t
client_address_network (const client_address_t *self, char room[CLIENT_ADDRESS_ROOM])
{
    ip_address_t ip = client_address_counted (self);
    if (ip_address_is_ipv4 (&ip))
        ip.bytes[sizeof ip.bytes - 1] = 0;
    return s_write (&ip, room);
}
