//  bus_resolver — where the postoffices are: the list "host:port,host:port", each host resolved
//  again every few seconds, never blocking the loop. Literal addresses need no resolving.
//
//  Addresses beyond the limits are not used: of those that there are, the first ones in the order
//  of their letters count, so that every node uses the same ones.
//
//  A host that cannot be resolved at the moment keeps the addresses that it had.

#ifndef BUS_RESOLVER_H
#define BUS_RESOLVER_H

#include <stdbool.h>
#include <uv.h>

#define BUS_RESOLVE_EVERY_MS 5000
//  Of one list.
#define BUS_HOSTS_MAX 32
#define BUS_ADDRESSES_OF_HOST 64
#define BUS_ADDRESSES_IN_ALL 256
//  "tcp://[ipv6]:port" and its NUL.
#define BUS_ADDRESS_MAX 80

typedef struct bus_resolver bus_resolver_t;

//  Called for every address, each time that it is found; never from within bus_resolver_new.
typedef void (bus_resolver_found_fn) (void *owner, const char *address);

//  NULL when the list is not of the form.
bus_resolver_t *bus_resolver_new (uv_loop_t *loop, const char *hosts,
                                  bus_resolver_found_fn *found, void *owner);
//  No more calls. The memory goes when the loop has turned.
void bus_resolver_destroy (bus_resolver_t **self_p);

//  Is this address among those found last that are used?
bool bus_resolver_has (const bus_resolver_t *self, const char *address);

#endif
