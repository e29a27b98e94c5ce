#include "bus/bus_address.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#define TCP "tcp://"
#define HOST_MAX 64 //  a longer one is no number

static bool
s_is_loopback (const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton (AF_INET, host, &v4) == 1)
        return ntohl (v4.s_addr) >> 24 == IN_LOOPBACKNET;
    if (inet_pton (AF_INET6, host, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK (&v6)
               || (IN6_IS_ADDR_V4MAPPED (&v6) && v6.s6_addr[12] == IN_LOOPBACKNET);
    return strcmp (host, "lo") == 0; //  ZeroMQ takes names of interfaces
}

bool
bus_address_is_local (const char *address)
{
    if (strncmp (address, "ipc://", 6) == 0 || strncmp (address, "inproc://", 9) == 0)
        return true;
    if (strncmp (address, TCP, strlen (TCP)) != 0)
        return false;
    const char *from = address + strlen (TCP), *colon = strrchr (from, ':');
    size_t size = colon ? (size_t) (colon - from) : strlen (from);
    if (size >= 2 && from[0] == '[' && from[size - 1] == ']') {
        from++;
        size -= 2;
    }
    char host[HOST_MAX] = "";
    if (size >= sizeof host)
        return false;
    memcpy (host, from, size);
    return s_is_loopback (host);
}
