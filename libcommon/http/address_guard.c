#include "http/address_guard.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

static const struct {
    const char *network;
    int within;
    const char *label;
} s_ranges[] = {
#define RANGE(network, within, label) { network, within, label },
#include "http/address_ranges.def"
#undef RANGE
};
#define RANGES (sizeof s_ranges / sizeof *s_ranges)
#define PUBLIC "2000::/3"

struct address_guard {
    cidr_t ranges[RANGES];
    cidr_t public;
    cidr_t *allowed;
    size_t allowed_count;
};

static cidr_t
s_network (const char *text)
{
    cidr_t network;
    int rc = cidr_read (&network, text_of (text));
    assert (rc == 0);
    return network;
}

static int
s_read_allowed (address_guard_t *self, const char *at)
{
    for (at += strspn (at, ", \t"); *at; at += strspn (at, ", \t")) {
        text_t word = { at, strcspn (at, ", \t") };
        size_t size = (self->allowed_count + 1) * sizeof *self->allowed;
        self->allowed = alloc_resized (self->allowed, size);
        if (cidr_read (&self->allowed[self->allowed_count++], word) != 0)
            return -1;
        at += word.size;
    }
    return 0;
}

address_guard_t *
address_guard_new (const char *allowed)
{
    address_guard_t *self = alloc_zeroed (sizeof *self);
    for (size_t row = 0; row < RANGES; row++)
        self->ranges[row] = s_network (s_ranges[row].network);
    self->public = s_network (PUBLIC);
    if (s_read_allowed (self, allowed) != 0)
        address_guard_destroy (&self);
    return self;
}

void
address_guard_destroy (address_guard_t **self_p)
{
    address_guard_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    free (self->allowed);
    free (self);
}

static bool
s_is_allowed (const address_guard_t *self, const ip_address_t *address)
{
    for (size_t row = 0; row < self->allowed_count; row++)
        if (cidr_holds (&self->allowed[row], address))
            return true;
    return false;
}

//  An address inside of another one is looked at in its place: at most twice, as IPv4 has none.
static const char *
s_refuses (const address_guard_t *self, const ip_address_t *address)
{
    if (s_is_allowed (self, address))
        return NULL;
    for (size_t row = 0; row < RANGES; row++) {
        if (!cidr_holds (&self->ranges[row], address))
            continue;
        if (s_ranges[row].within < 0)
            return s_ranges[row].label;
        ip_address_t inner = ip_address_of_ipv4 (address->bytes + s_ranges[row].within);
        return s_refuses (self, &inner);
    }
    bool is_public = ip_address_is_ipv4 (address) || cidr_holds (&self->public, address);
    return is_public ? NULL : "reserved";
}

const char *
address_guard_refuses (const address_guard_t *self, const struct sockaddr *address)
{
    ip_address_t ip;
    return ip_address_of (&ip, address) == 0 ? s_refuses (self, &ip) : "family";
}

const char *
address_guard_class (const address_guard_t *self, const ip_address_t *ip)
{
    const char *label = s_refuses (self, ip);
    return label ? label : ip_address_is_ipv4 (ip) ? "public_v4" : "public_v6";
}

//  RFC 6761, 6.3: never anybody else, whoever is asked for it.
static bool
s_is_localhost (text_t name)
{
    static const char local[] = ".localhost";
    size_t size = sizeof local - 1;
    if (name.size == size - 1)
        return strncasecmp (name.data, local + 1, name.size) == 0;
    return name.size > size && strncasecmp (name.data + name.size - size, local, size) == 0;
}

//  The address that a host of a URL is, without being looked up. False: it has to be.
static bool
s_read_host (ip_address_t *ip, const char *host)
{
    static const uint8_t loopback[4] = { 127, 0, 0, 1 };
    *ip = ip_address_of_ipv4 (loopback);
    text_t text = { host, strcspn (host, "%") }; //  an IPv6 address may have its zone behind it
    text.size -= text.size > 0 && text.data[text.size - 1] == '.';
    return s_is_localhost (text) || ip_address_read (ip, text) == 0;
}

const char *
address_guard_refuses_host (const address_guard_t *self, const char *host)
{
    ip_address_t ip;
    return s_read_host (&ip, host) ? s_refuses (self, &ip) : NULL;
}

bool
address_guard_allows (const address_guard_t *self, const struct sockaddr *address)
{
    ip_address_t ip;
    return ip_address_of (&ip, address) == 0 && s_is_allowed (self, &ip);
}

bool
address_guard_allows_host (const address_guard_t *self, const char *host)
{
    ip_address_t ip;
    return s_read_host (&ip, host) && s_is_allowed (self, &ip);
}
