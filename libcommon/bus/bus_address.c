#include "bus/bus_address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define TCP "tcp://"
#define HOST_MAX 64 //  a longer one is neither a number nor an interface

//  Takes the host, without brackets. Returns what stands behind its colon; NULL when it is not
//  tcp://host:port.
static const char *
s_split (const char *address, char host[HOST_MAX])
{
    if (strncmp (address, TCP, strlen (TCP)) != 0)
        return NULL;
    const char *from = address + strlen (TCP), *colon = strrchr (from, ':');
    if (!colon)
        return NULL;
    size_t size = (size_t) (colon - from);
    if (size >= 2 && from[0] == '[' && from[size - 1] == ']') {
        from++;
        size -= 2;
    }
    if (size >= HOST_MAX)
        return NULL;
    memcpy (host, from, size);
    host[size] = '\0';
    return colon + 1;
}

static bool
s_is_port (const char *port)
{
    size_t digits = strspn (port, "0123456789");
    return strcmp (port, "*") == 0
           || (digits > 0 && digits <= 5 && port[digits] == '\0'
               && strtoul (port, NULL, 10) <= UINT16_MAX);
}

bool
bus_address_is_good (const char *address)
{
    char host[HOST_MAX];
    const char *port = s_split (address, host);
    if (!port || !s_is_port (port))
        return false;
    struct in_addr v4;
    struct in6_addr v6;
    if (strcmp (host, "*") == 0 || inet_pton (AF_INET, host, &v4) == 1)
        return true;
    bool is_v6 = address[strlen (TCP)] == '[';
    host[strcspn (host, "%")] = '\0'; //  a link-local one names its interface behind it
    return is_v6 ? inet_pton (AF_INET6, host, &v6) == 1 : if_nametoindex (host) != 0;
}

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
    char host[HOST_MAX];
    return s_split (address, host) && s_is_loopback (host);
}
