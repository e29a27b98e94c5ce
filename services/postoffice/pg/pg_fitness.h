//  pg_fitness — what a database must be, beside reachable, for a postoffice to work on it.
//
//  Asked on every new connection, before anything else is said: what is wrong with a database is
//  found out at the start, and not by the first visitor who says something that it cannot take.

#ifndef PG_FITNESS_H
#define PG_FITNESS_H

#include <libpq-fe.h>
#include <stdbool.h>

typedef struct {
    const char *complaint;
    const char *advice;
    bool final;         //  it stays so until POSTGRES_URL leads to another database
} pg_fault_t;

//  One statement with one row, which the call below reads.
extern const char pg_fitness_sql[];

//  NULL when the database will do. Borrowed, for ever. `pid`: the process that serves the
//  connection, by its own account; 0 when it does not say.
const pg_fault_t *pg_fitness_fault (const PGresult *result, int *pid);

#endif
