//  pg_address — the places that a connection string leads to, with their names looked up: libpq
//  would do that itself, and the loop would stand still meanwhile.
//
//  A name with several addresses becomes as many places, so that libpq tries them one after the
//  other; a name that is not found is left out as long as there is another place. The names stay
//  beside the addresses, for TLS to verify. Socket directories, literal addresses and hosts with a
//  hostaddr are places as they are.
//
//  A string without a host leads where libpq's environment says (PGHOST, a service file); a name
//  from there is looked up by libpq.
//
//  Complaints never quote the string: a password that was not percent-encoded may stand anywhere.

#ifndef PG_ADDRESS_H
#define PG_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

typedef struct pg_address pg_address_t;

typedef void pg_address_resolved_fn (void *owner);

//  Is it a connection string at all?
bool pg_address_is_string (const char *url);

//  Begins to look up. Unless pg_address_is_resolved at once, `resolved` is called when it is.
pg_address_t *pg_address_new (uv_loop_t *loop, const char *url, pg_address_resolved_fn *resolved,
                              void *owner);
//  At any time; `resolved` is not called any more.
void pg_address_destroy (pg_address_t **self_p);

bool pg_address_is_resolved (const pg_address_t *self);
//  When resolved: what is wrong, NULL when nothing is.
const char *pg_address_failure (const pg_address_t *self);

//  For PQconnectStartParams: lists of the same length, each "" when it has nothing to say.
typedef struct {
    const char *host;
    const char *hostaddr;
    const char *port;
} pg_places_t;

//  When resolved, without failure: the places, with the one of this number (any; they are a circle)
//  first. Valid until the next call.
pg_places_t pg_address_places (pg_address_t *self, size_t first);

#endif
