#include "http/cidr.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define ADDRESS_MAX INET6_ADDRSTRLEN //  with the NUL
#define IPV4_BITS 96                 //  of the range that is kept for it

static const uint8_t s_ipv4_range[12] = { [10] = 0xff, [11] = 0xff };

ip_address_t
ip_address_of_ipv4 (const uint8_t bytes[4])
{
    ip_address_t self;
    memcpy (self.bytes, s_ipv4_range, sizeof s_ipv4_range);
    memcpy (self.bytes + sizeof s_ipv4_range, bytes, 4);
    return self;
}

bool
ip_address_is_ipv4 (const ip_address_t *self)
{
    return memcmp (self->bytes, s_ipv4_range, sizeof s_ipv4_range) == 0;
}

int
ip_address_of (ip_address_t *self, const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy (&ipv4, address, sizeof ipv4);
        *self = ip_address_of_ipv4 ((const uint8_t *) &ipv4.sin_addr);
        return 0;
    }
    if (address->sa_family != AF_INET6)
        return -1;
    struct sockaddr_in6 ipv6;
    memcpy (&ipv6, address, sizeof ipv6);
    memcpy (self->bytes, &ipv6.sin6_addr, sizeof self->bytes);
    return 0;
}

int
ip_address_read (ip_address_t *self, text_t text)
{
    char word[ADDRESS_MAX];
    uint8_t ipv4[4];
    if (text.size >= sizeof word || memchr (text.data, '\0', text.size))
        return -1;
    memcpy (word, text.data, text.size);
    word[text.size] = '\0';
    if (inet_pton (AF_INET, word, ipv4) == 1) {
        *self = ip_address_of_ipv4 (ipv4);
        return 0;
    }
    return inet_pton (AF_INET6, word, self->bytes) == 1 ? 0 : -1;
}

//  One to three digits, and none of them a zero for nothing.
static int
s_read_bits (text_t digits, unsigned most, unsigned *bits)
{
    if (digits.size < 1 || digits.size > 3 || (digits.size > 1 && *digits.data == '0'))
        return -1;
    *bits = 0;
    for (size_t at = 0; at < digits.size; at++) {
        if (digits.data[at] < '0' || digits.data[at] > '9')
            return -1;
        *bits = *bits * 10 + (unsigned) (digits.data[at] - '0');
    }
    return *bits <= most ? 0 : -1;
}

//  Of the byte: those that belong to a prefix of so many bits.
static uint8_t
s_mask (unsigned bits, unsigned byte)
{
    if (bits >= byte * 8 + 8)
        return 0xff;
    return bits <= byte * 8 ? 0 : (uint8_t) (0xff << (byte * 8 + 8 - bits));
}

int
cidr_read (cidr_t *self, text_t text)
{
    const char *slash = memchr (text.data, '/', text.size);
    text_t address = { text.data, slash ? (size_t) (slash - text.data) : text.size };
    if (ip_address_read (&self->address, address) != 0)
        return -1;
    bool is_ipv4 = !memchr (address.data, ':', address.size);
    self->bits = is_ipv4 ? 32 : 128;
    if (slash) {
        text_t digits = { slash + 1, text.size - address.size - 1 };
        if (s_read_bits (digits, self->bits, &self->bits) != 0)
            return -1;
    }
    self->bits += is_ipv4 ? IPV4_BITS : 0;
    for (unsigned byte = 0; byte < sizeof self->address.bytes; byte++)
        if (self->address.bytes[byte] & ~s_mask (self->bits, byte))
            return -1;
    return 0;
}

text_t
cidr_list_mistake (const char *networks)
{
    static const char between[] = ", \t";
    cidr_t network;
    for (const char *at = networks + strspn (networks, between); *at; at += strspn (at, between)) {
        text_t word = { at, strcspn (at, between) };
        if (cidr_read (&network, word) != 0)
            return word;
        at += word.size;
    }
    return TEXT_EMPTY;
}

bool
cidr_holds (const cidr_t *self, const ip_address_t *address)
{
    for (unsigned byte = 0; byte < sizeof address->bytes; byte++)
        if ((self->address.bytes[byte] ^ address->bytes[byte]) & s_mask (self->bits, byte))
            return false;
    return true;
}
