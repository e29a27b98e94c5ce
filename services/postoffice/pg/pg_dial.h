//  pg_dial — the way to one connection: names looked up, dialled, our settings made, the database
//  looked at (pg_fitness.h), and what the owner has to say first said. Nothing here blocks.
//
//  Every step has its limit: a server that accepts and then says nothing is given up. The next
//  attempt begins with the next place that the connection string leads to then; libpq's own list
//  would never get past the silent one.
//
//  How a connection is encrypted is what the connection string says (sslmode, sslrootcert). libpq
//  reads the files anew for each connection: a renewed CA counts from the next one on.

#ifndef PG_DIAL_H
#define PG_DIAL_H

#include "base/text.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <uv.h>

typedef struct pg_dial pg_dial_t;

//  What a greeting says to give the connection up; a reason to fail, below.
extern const char PG_DIAL_REFUSE[];
extern const char PG_DIAL_AGAIN[];

//  What the owner has to say first on a new connection.
typedef struct {
    //  Called with NULL first, then with the last result of what it returned; returns the SQL to
    //  send next, NULL when all is said, or PG_DIAL_REFUSE. May raise the limit for this answer.
    //  May be NULL.
    const char *(*say) (void *owner, const PGresult *result, uint64_t *within_ms);
    //  Before `failed`: no further attempt will help, this database is of no use for good. May be
    //  NULL. It was logged.
    void (*unfit) (void *owner);
    void *owner;
} pg_greeting_t;

typedef struct {
    const char *url;
    const char *node;       //  application_name
    const char *settings;   //  SQL that is said after our settings; may be NULL
    uint64_t answer_ms;     //  limit for dialling, and for each answer to what is said then
    pg_greeting_t greeting;
} pg_dial_config_t;

typedef struct {
    //  The end of an attempt, one of these: the connection is the owner's now; or why there is
    //  none, and libpq's complaint. From the loop or from within pg_dial_start.
    //  `why`: NULL when it was we who refused the database; that was logged. PG_DIAL_AGAIN when the
    //  server rolled the greeting back for another transaction's sake (a deadlock, a lock that was
    //  not had in time).
    //  `is_direct`: who serves it is the process that we dialled; no pooler stands between.
    void (*dialled) (void *owner, PGconn *connection, bool is_direct);
    void (*failed) (void *owner, const char *why, text_t complaint);
} pg_dial_events_t;

pg_dial_t *pg_dial_new (uv_loop_t *loop, const pg_dial_config_t *config,
                        const pg_dial_events_t *events, void *owner);
//  Ends an attempt under way, without a word. Not from within the greeting.
void pg_dial_destroy (pg_dial_t **self_p);

//  Begins an attempt. Only one at a time.
void pg_dial_start (pg_dial_t *self);

//  A server's warning (SQLSTATE class 01, and others of that severity) is counted and logged; small
//  talk is passed over. At a COMMIT under synchronous replication a warning says that nobody waited
//  for the standby: what was stored, and is answered as stored, may be on this server only.
//  `link`: on which; NULL while dialling. Fits PQsetNoticeReceiver, with the name as its argument.
void pg_warned (void *link, const PGresult *notice);

//  Why the last attempt failed that anybody made in this process; empty when it did not.
text_t pg_dial_trouble (void);

//  The first line of libpq's complaint about a connection; NULL has none.
text_t pg_complaint (const PGconn *connection);

#endif
