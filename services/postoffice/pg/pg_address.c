#include "pg/pg_address.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <assert.h>
#include <libpq-fe.h>
#include <net/if.h>
#include <netdb.h>
#include <stdlib.h>

//  More than these in a string are too many; more than these altogether are left out.
#define HOSTS_MOST 16
#define PLACES_MOST 48
#define HOST_LENGTH_MOST 255
#define LIST_MOST (64u << 10)

//  One host as it stands in the string.
typedef struct {
    pg_address_t *address;
    char *host;
    char *hostaddr;
    char *port;
    uv_getaddrinfo_t request;
    struct addrinfo *found;     //  libuv's; NULL: it is a place as it is, or was not found
    bool is_name;
} host_t;

typedef struct {
    const host_t *host;
    char address[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];   //  "" for what is a place as it is
} place_t;

struct pg_address {
    pg_address_resolved_fn *resolved;
    void *owner;
    const char *failure;
    host_t hosts[HOSTS_MOST];
    size_t host_count;
    size_t looking;         //  look-ups under way
    bool orphaned;          //  destroyed while some were: freed when the last one ends
    place_t places[PLACES_MOST];
    size_t place_count;
    buffer_t lists[3];
};

// ---------------------------------------------------------------------------------------------
//  The connection string

static const char *
s_option (const PQconninfoOption *options, const char *keyword)
{
    for (; options->keyword; options++)
        if (strcmp (options->keyword, keyword) == 0)
            return options->val ? options->val : "";
    return "";
}

static size_t
s_count (const char *list)
{
    size_t count = *list ? 1 : 0;
    for (; *list; list++)
        count += *list == ',';
    return count;
}

//  The element of a list with this number, for the caller to free; "" when it has none.
static char *
s_element (const char *list, size_t number)
{
    while (number > 0 && (list = strchr (list, ',')) != NULL) {
        list++;
        number--;
    }
    return alloc_text (list ? (text_t){ list, strcspn (list, ",") } : TEXT_EMPTY);
}

static bool
s_is_port (const char *port)
{
    return strspn (port, "0123456789") == strlen (port) && strlen (port) <= 5;
}

//  A socket directory or a literal address is a place as it is. Of a name only this is seen to:
//  may it be said in a log?
static const char *
s_take_host (host_t *host)
{
    static const char may_have[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
        "-._:%";
    if (!s_is_port (host->port))
        return "POSTGRES_URL has a port that is none; is its password percent-encoded?";
    if (strlen (host->host) > HOST_LENGTH_MOST || strlen (host->hostaddr) > HOST_LENGTH_MOST)
        return "POSTGRES_URL has a host that is too long";
    char binary[sizeof (struct in6_addr)];
    bool is_directory = host->host[0] == '/' || host->host[0] == '@';
    bool is_literal = inet_pton (AF_INET, host->host, binary) == 1
                      || inet_pton (AF_INET6, host->host, binary) == 1;
    if (!*host->host || *host->hostaddr || is_directory || is_literal)
        return NULL;
    if (strspn (host->host, may_have) != strlen (host->host))
        return "POSTGRES_URL has a host that is none; is its password percent-encoded?";
    host->is_name = true;
    return NULL;
}

//  libpq's rules: as many addresses as names, as many ports or one for all.
static const char *
s_take_hosts (pg_address_t *self, const PQconninfoOption *options)
{
    const char *names = s_option (options, "host");
    const char *addresses = s_option (options, "hostaddr");
    const char *ports = s_option (options, "port");
    size_t count = *addresses ? s_count (addresses) : s_count (names);
    if (count > HOSTS_MOST)
        return "POSTGRES_URL has too many hosts";
    if ((*names && s_count (names) != count) || (s_count (ports) > 1 && s_count (ports) != count))
        return "POSTGRES_URL has not as many ports or addresses as hosts";
    if (count == 0 && !s_is_port (ports))
        return "POSTGRES_URL has a port that is none; is its password percent-encoded?";
    self->host_count = count;
    const char *failure = NULL;
    for (size_t at = 0; at < count; at++) {
        host_t *host = &self->hosts[at];
        host->address = self;
        host->host = s_element (names, at);
        host->hostaddr = s_element (addresses, at);
        host->port = s_element (ports, s_count (ports) > 1 ? at : 0);
        failure = failure ? failure : s_take_host (host);
    }
    return failure;
}

bool
pg_address_is_string (const char *url)
{
    PQconninfoOption *options = PQconninfoParse (url, NULL);
    PQconninfoFree (options);
    return options;
}

// ---------------------------------------------------------------------------------------------
//  Looking up

static void
s_add_place (pg_address_t *self, const host_t *host, const struct addrinfo *found)
{
    if (self->place_count == PLACES_MOST)
        return;
    place_t *place = &self->places[self->place_count];
    *place = (place_t){ .host = host };
    if (!found
        || getnameinfo (found->ai_addr, found->ai_addrlen, place->address, sizeof place->address,
                        NULL, 0, NI_NUMERICHOST) == 0)
        self->place_count++;
}

static void
s_collect (pg_address_t *self)
{
    for (size_t at = 0; at < self->host_count; at++) {
        const host_t *host = &self->hosts[at];
        if (!host->is_name)
            s_add_place (self, host, NULL);
        for (const struct addrinfo *found = host->found; found; found = found->ai_next)
            s_add_place (self, host, found);
    }
    if (self->host_count > 0 && self->place_count == 0)
        self->failure = "no host name of POSTGRES_URL was found";
}

static void
s_not_found (const host_t *host, int why)
{
    log_warn ("host name not found", log_string ("host", host->host),
              log_string ("why", uv_strerror (why)));
}

static void
s_free (pg_address_t *self)
{
    for (size_t at = 0; at < self->host_count; at++) {
        uv_freeaddrinfo (self->hosts[at].found);
        free (self->hosts[at].host);
        free (self->hosts[at].hostaddr);
        free (self->hosts[at].port);
    }
    for (size_t at = 0; at < 3; at++)
        buffer_free (&self->lists[at]);
    free (self);
}

static void
s_on_found (uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    host_t *host = request->data;
    pg_address_t *self = host->address;
    host->found = found;
    self->looking--;
    if (self->orphaned) {
        if (self->looking == 0)
            s_free (self);
        return;
    }
    if (status != 0)
        s_not_found (host, status);
    if (self->looking > 0)
        return;
    s_collect (self);
    self->resolved (self->owner);
}

// ---------------------------------------------------------------------------------------------

pg_address_t *
pg_address_new (uv_loop_t *loop, const char *url, pg_address_resolved_fn *resolved, void *owner)
{
    pg_address_t *self = alloc_zeroed (sizeof *self);
    self->resolved = resolved;
    self->owner = owner;
    for (size_t at = 0; at < 3; at++)
        buffer_init (&self->lists[at], LIST_MOST);
    //  libpq's own complaint would quote parts of the string.
    PQconninfoOption *options = PQconninfoParse (url, NULL);
    self->failure =
        options ? s_take_hosts (self, options) : "POSTGRES_URL is no connection string";
    PQconninfoFree (options);
    if (self->failure)
        return self;
    static const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    for (size_t at = 0; at < self->host_count; at++) {
        host_t *host = &self->hosts[at];
        host->request.data = host;
        int rc = host->is_name
                     ? uv_getaddrinfo (loop, &host->request, s_on_found, host->host, NULL, &hints)
                     : 0;
        self->looking += host->is_name && rc == 0;
        if (rc != 0)
            s_not_found (host, rc);
    }
    if (self->looking == 0)
        s_collect (self);
    return self;
}

void
pg_address_destroy (pg_address_t **self_p)
{
    pg_address_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    if (self->looking == 0) {
        s_free (self);
        return;
    }
    self->orphaned = true;
    for (size_t at = 0; at < self->host_count; at++)
        if (self->hosts[at].is_name)
            uv_cancel ((uv_req_t *) &self->hosts[at].request); //  one under way goes on
}

bool
pg_address_is_resolved (const pg_address_t *self)
{
    return self->looking == 0;
}

const char *
pg_address_failure (const pg_address_t *self)
{
    return self->failure;
}

static void
s_put (buffer_t *list, const char *element, bool is_last)
{
    int rc = buffer_put_string (list, element);
    if (rc == 0)
        rc = buffer_put (list, is_last ? "" : ",", 1);
    assert (rc == 0); //  libpq's own limits are far below
}

pg_places_t
pg_address_places (pg_address_t *self, size_t first)
{
    if (self->place_count == 0)
        return (pg_places_t){ "", "", "" };
    for (size_t at = 0; at < 3; at++)
        buffer_clear (&self->lists[at]);
    for (size_t at = 0; at < self->place_count; at++) {
        const place_t *place = &self->places[(first + at) % self->place_count];
        bool is_last = at + 1 == self->place_count;
        s_put (&self->lists[0], place->host->host, is_last);
        s_put (&self->lists[1], *place->address ? place->address : place->host->hostaddr, is_last);
        s_put (&self->lists[2], place->host->port, is_last);
    }
    return (pg_places_t){ self->lists[0].data, self->lists[1].data, self->lists[2].data };
}
