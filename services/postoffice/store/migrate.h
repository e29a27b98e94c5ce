//  migrate — the migrations over a connection: what a greeting says for them (pg_dial.h), and the
//  command that does nothing else.

#ifndef MIGRATE_H
#define MIGRATE_H

#include "store/migrations.h"
#include "store/store_model.h"

#include <libpq-fe.h>

//  As pg_greeting_t's `say`: NULL when the schema is the right one.
const char *migrate_say (migrations_t *self, const PGresult *result, uint64_t *within_ms);

//  Connects, migrates without a time limit, says on standard output what it did, and returns the
//  exit code: 69 when the database cannot be reached or used, 78 when it never can be, 70 when a
//  migration failed. A migration that loses a deadlock, or does not get a lock, is tried
//  again, some times.
int migrate_run (const char *url);

#endif
