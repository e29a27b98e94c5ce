#include "http/url_place.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>

#define HOST_MOST 253 //  RFC 1035, without the dot at its end
#define LABEL_MOST 63
#define PORT_MOST 65535u
#define PORT_DIGITS_MOST 5

text_t
url_place_of (const char *from)
{
    size_t size = strcspn (from, "/?#");
    const char *at = memrchr (from, '@', size);
    const char *host = at ? at + 1 : from;
    return (text_t){ host, size - (size_t) (host - from) };
}

//  Where the host ends.
static size_t
s_host_size (text_t place)
{
    const char *bracket = place.size > 0 && *place.data == '['
                              ? memchr (place.data, ']', place.size)
                              : NULL;
    const char *colon = bracket ? NULL : memchr (place.data, ':', place.size);
    return bracket ? (size_t) (bracket - place.data) + 1
           : colon ? (size_t) (colon - place.data)
                   : place.size;
}

text_t
url_place_port (text_t place)
{
    size_t host = s_host_size (place);
    return host < place.size ? (text_t){ place.data + host + 1, place.size - host - 1 }
                             : TEXT_EMPTY;
}

//  Without one it is the scheme's own.
static bool
s_is_port (text_t port)
{
    unsigned number = 0;
    for (size_t at = 0; at < port.size && at < PORT_DIGITS_MOST; at++) {
        if (!isdigit ((unsigned char) port.data[at]))
            return false;
        number = number * 10 + (unsigned) (port.data[at] - '0');
    }
    return port.size == 0 || (port.size <= PORT_DIGITS_MOST && number > 0 && number <= PORT_MOST);
}

//  With brackets; what stands behind a '%' is an interface of this machine.
static bool
s_is_ipv6 (text_t host)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    const char *zone = memchr (host.data, '%', host.size);
    size_t size = zone ? (size_t) (zone - host.data) - 1 : host.size - 2;
    if (host.size < 4 || host.data[host.size - 1] != ']' || size >= sizeof text)
        return false;
    memcpy (text, host.data + 1, size);
    text[size] = '\0';
    return inet_pton (AF_INET6, text, &address) == 1;
}

//  Labels with dots between them. Some have a '_' in their names; what is encoded is a byte.
static bool
s_is_name (text_t host)
{
    size_t label = 0;
    for (size_t at = 0; at < host.size; at++) {
        unsigned char byte = (unsigned char) host.data[at];
        if (byte == '.' && label > 0) {
            label = 0;
            continue;
        }
        bool is_encoded = byte == '%' && host.size - at > 2
                          && isxdigit ((unsigned char) host.data[at + 1])
                          && isxdigit ((unsigned char) host.data[at + 2]);
        bool is_good = is_encoded || (byte < 0x80 && isalnum (byte)) || byte == '-' || byte == '_';
        if (!is_good || ++label > LABEL_MOST)
            return false;
    }
    return label > 0 && host.size <= HOST_MOST;
}

//  Names do not end in a number: then it is an address, of one to four parts.
static bool
s_ends_in_number (text_t host)
{
    const char *dot = memrchr (host.data, '.', host.size);
    const char *last = dot ? dot + 1 : host.data;
    const char *end = host.data + host.size;
    if (memchr (host.data, '%', host.size))
        return false; //  what it says is seen when it is decoded
    bool is_hex = end - last > 1 && last[0] == '0' && (last[1] == 'x' || last[1] == 'X');
    for (const char *at = is_hex ? last + 2 : last; at < end; at++)
        if (is_hex ? !isxdigit ((unsigned char) *at) : !isdigit ((unsigned char) *at))
            return false;
    return end > last;
}

static bool
s_is_ipv4 (text_t host)
{
    char text[HOST_MOST + 1];
    struct in_addr address;
    snprintf (text, sizeof text, "%.*s", TEXT_ARGS (host));
    return inet_aton (text, &address) == 1;
}

bool
url_place_is_one (text_t place)
{
    text_t host = { place.data, s_host_size (place) };
    bool has_port = host.size < place.size;
    if (has_port && (place.data[host.size] != ':' || !s_is_port (url_place_port (place))))
        return false;
    if (host.size > 0 && *host.data == '[')
        return s_is_ipv6 (host);
    if (host.size > 1 && host.data[host.size - 1] == '.')
        host.size--;
    return s_is_name (host) && (!s_ends_in_number (host) || s_is_ipv4 (host));
}
