//  postgres — a private PostgreSQL for one test: a fresh cluster in a temporary directory, reached by
//  a Unix socket in it, gone with the test.
//
//  As root it runs as the system user `postgres`, because the server refuses to be root. It does
//  not flush to the disk: what it has committed survives its own death, which is what tests need.

#ifndef HARNESS_POSTGRES_H
#define HARNESS_POSTGRES_H

#include <stdbool.h>
#include <stdint.h>

typedef struct postgres postgres_t;

//  Makes the cluster, starts the server and waits for it. NULL when that fails, having said why.
postgres_t *postgres_new (void);
void postgres_destroy (postgres_t **self_p);

//  For libpq.
const char *postgres_url (const postgres_t *self);

//  Stops it at once, as a crash would (it recovers when it is started again); starts it and waits.
bool postgres_stop (postgres_t *self);
bool postgres_start (postgres_t *self);

//  The number that a query answers with; −1 when it fails or answers nothing.
int64_t postgres_number (postgres_t *self, const char *query);

#endif
