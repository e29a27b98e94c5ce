#include "bus/bus_resolver.h"

#include "bus/bus_metrics.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/loop_timer.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#define HOST_MAX 254

typedef struct {
    bus_resolver_t *resolver;
    char name[HOST_MAX];
    char port[6];
    bool is_asking;
    bool is_lost; //  the last answer was an error, which is logged once
    uv_getaddrinfo_t request;
    size_t unused; //  addresses beyond those
    size_t count;
    char addresses[BUS_ADDRESSES_OF_HOST][BUS_ADDRESS_MAX]; //  sorted
} host_t;

struct bus_resolver {
    uv_loop_t *loop;
    bus_resolver_found_fn *found;
    void *owner;
    loop_timer_t *timer;
    bool is_destroyed;
    size_t unused;       //  addresses beyond the limits
    unsigned references; //  the owner and every question that is open
    size_t count;
    host_t *hosts[BUS_HOSTS_MAX];
};

static void
s_release (bus_resolver_t *self)
{
    if (--self->references > 0)
        return;
    for (size_t at = 0; at < self->count; at++)
        free (self->hosts[at]);
    free (self);
}

//  "host:port" or "[ipv6]:port". Returns 0, or −1 when it is neither.
static int
s_host_parse (host_t *host, const char *from, size_t size)
{
    const char *colon = memrchr (from, ':', size);
    if (!colon)
        return -1;
    size_t port_size = size - (size_t) (colon + 1 - from);
    size_t name_size = (size_t) (colon - from);
    if (name_size >= 2 && from[0] == '[' && colon[-1] == ']') {
        from++;
        name_size -= 2;
    } else if (memchr (from, ':', name_size))
        return -1;
    if (name_size == 0 || name_size >= HOST_MAX || port_size == 0 || port_size >= sizeof host->port)
        return -1;
    memcpy (host->name, from, name_size);
    memcpy (host->port, colon + 1, port_size);
    if (strspn (host->port, "0123456789") != port_size)
        return -1;
    long port = strtol (host->port, NULL, 10);
    return port >= 1 && port <= 65535 ? 0 : -1;
}

static int
s_parse (bus_resolver_t *self, const char *hosts)
{
    for (const char *from = hosts;;) {
        size_t size = strcspn (from, ",");
        const char *next = from + size;
        for (; size && *from == ' '; size--)
            from++;
        while (size && from[size - 1] == ' ')
            size--;
        if (self->count == BUS_HOSTS_MAX)
            return -1;
        host_t *host = alloc_zeroed (sizeof *host);
        host->resolver = self;
        host->request.data = host;
        self->hosts[self->count++] = host;
        if (s_host_parse (host, from, size) != 0)
            return -1;
        if (!*next)
            return 0;
        from = next + 1;
    }
}

//  In its place; the last one has to go when there are too many. Resolvers change the order from
//  answer to answer, but every node must know the same postoffices.
static void
s_put (host_t *host, const char *address)
{
    size_t at = 0;
    while (at < host->count && strcmp (host->addresses[at], address) < 0)
        at++;
    if (at < host->count && strcmp (host->addresses[at], address) == 0)
        return;
    if (host->count < BUS_ADDRESSES_OF_HOST)
        host->count++;
    else
        host->unused++;
    if (at == BUS_ADDRESSES_OF_HOST)
        return;
    memmove (host->addresses[at + 1], host->addresses[at],
             (host->count - 1 - at) * sizeof *host->addresses);
    snprintf (host->addresses[at], BUS_ADDRESS_MAX, "%s", address);
}

static void
s_note (host_t *host, const struct sockaddr *address)
{
    char ip[INET6_ADDRSTRLEN], text[BUS_ADDRESS_MAX];
    if (address->sa_family != AF_INET && address->sa_family != AF_INET6)
        return;
    bool is_6 = address->sa_family == AF_INET6;
    if (is_6)
        uv_ip6_name ((const struct sockaddr_in6 *) (const void *) address, ip, sizeof ip);
    else
        uv_ip4_name ((const struct sockaddr_in *) (const void *) address, ip, sizeof ip);
    snprintf (text, sizeof text, is_6 ? "tcp://[%s]:%s" : "tcp://%s:%s", ip, host->port);
    s_put (host, text);
}

static size_t
s_total (const bus_resolver_t *self)
{
    size_t total = 0;
    for (size_t at = 0; at < self->count; at++)
        total += self->hosts[at]->count;
    return total;
}

//  Whether it is among the first so many of all hosts together.
static bool
s_is_used (const bus_resolver_t *self, const char *address)
{
    size_t before = 0;
    if (s_total (self) <= BUS_ADDRESSES_IN_ALL)
        return true;
    for (size_t at = 0; at < self->count; at++)
        for (size_t which = 0; which < self->hosts[at]->count; which++)
            before += strcmp (self->hosts[at]->addresses[which], address) < 0;
    return before < BUS_ADDRESSES_IN_ALL;
}

//  Says so when more addresses than before cannot be used.
static void
s_count_unused (bus_resolver_t *self)
{
    size_t total = s_total (self);
    size_t unused = total > BUS_ADDRESSES_IN_ALL ? total - BUS_ADDRESSES_IN_ALL : 0;
    for (size_t at = 0; at < self->count; at++)
        unused += self->hosts[at]->unused;
    if (unused > self->unused)
        log_warn ("postoffice addresses not used: there are too many",
                  log_number ("unused", (int64_t) unused),
                  log_number ("of_host", BUS_ADDRESSES_OF_HOST),
                  log_number ("in_all", BUS_ADDRESSES_IN_ALL));
    bus_counts[BUS_COUNT_ADDRESSES_UNUSED] += (int64_t) unused - (int64_t) self->unused;
    self->unused = unused;
}

static void
s_tell (host_t *host)
{
    bus_resolver_t *self = host->resolver;
    s_count_unused (self);
    for (size_t at = 0; at < host->count; at++)
        if (s_is_used (self, host->addresses[at]))
            self->found (self->owner, host->addresses[at]);
}

static void
s_on_answer (uv_getaddrinfo_t *request, int status, struct addrinfo *answer)
{
    host_t *host = request->data;
    bus_resolver_t *self = host->resolver;
    host->is_asking = false;
    if (!self->is_destroyed && status == 0) {
        host->count = host->unused = 0;
        for (const struct addrinfo *at = answer; at; at = at->ai_next)
            s_note (host, at->ai_addr);
        s_tell (host);
    } else if (!self->is_destroyed && !host->is_lost)
        log_warn ("host cannot be resolved", log_string ("host", host->name),
                  log_string ("reason", uv_strerror (status)));
    host->is_lost = status != 0;
    uv_freeaddrinfo (answer);
    s_release (self);
}

static bool
s_is_literal (host_t *host)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    if (uv_ip4_addr (host->name, 0, &address.v4) != 0
        && uv_ip6_addr (host->name, 0, &address.v6) != 0)
        return false;
    if (host->count == 0)
        s_note (host, &address.any);
    return true;
}

static void
s_ask (host_t *host)
{
    if (s_is_literal (host)) {
        s_tell (host);
        return;
    }
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    if (host->is_asking
        || uv_getaddrinfo (host->resolver->loop, &host->request, s_on_answer, host->name, NULL,
                           &hints)
               != 0)
        return;
    host->is_asking = true;
    host->resolver->references++;
}

static void
s_on_timer (void *owner)
{
    bus_resolver_t *self = owner;
    for (size_t at = 0; at < self->count; at++)
        s_ask (self->hosts[at]);
}

bus_resolver_t *
bus_resolver_new (uv_loop_t *loop, const char *hosts, bus_resolver_found_fn *found, void *owner)
{
    bus_resolver_t *self = alloc_zeroed (sizeof *self);
    self->loop = loop;
    self->found = found;
    self->owner = owner;
    self->references = 1;
    if (s_parse (self, hosts) != 0) {
        s_release (self);
        return NULL;
    }
    self->timer = loop_timer_new (loop, s_on_timer, self);
    loop_timer_start_ms (self->timer, 0, BUS_RESOLVE_EVERY_MS);
    return self;
}

void
bus_resolver_destroy (bus_resolver_t **self_p)
{
    bus_resolver_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    self->is_destroyed = true;
    bus_counts[BUS_COUNT_ADDRESSES_UNUSED] -= (int64_t) self->unused;
    for (size_t at = 0; at < self->count; at++)
        if (self->hosts[at]->is_asking)
            uv_cancel ((uv_req_t *) &self->hosts[at]->request);
    loop_timer_destroy (&self->timer);
    s_release (self);
}

bool
bus_resolver_has (const bus_resolver_t *self, const char *address)
{
    for (size_t at = 0; at < self->count; at++)
        for (size_t which = 0; which < self->hosts[at]->count; which++)
            if (strcmp (self->hosts[at]->addresses[which], address) == 0)
                return s_is_used (self, address);
    return false;
}
