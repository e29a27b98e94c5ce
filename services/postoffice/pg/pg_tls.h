//  pg_tls — what there is to know of the encryption of a connection to PostgreSQL: whether a
//  connection string asks for all of it, and why a certificate was not accepted. libpq's own words
//  for any such certificate are "certificate verify failed".

#ifndef PG_TLS_H
#define PG_TLS_H

#include "base/text.h"

#include <libpq-fe.h>
#include <stdbool.h>

//  Will every connection of this string be encrypted, with a server whose certificate and name were
//  verified (sslmode=verify-full)? Whatever says so counts: the string, a service file, PGSSLMODE.
//  A Unix socket is good as it is: no network is between, and libpq speaks no TLS over it.
bool pg_tls_is_verified (const char *url);

//  What a handshake found wrong with the server's certificate. Zeroed before each dialling.
typedef struct {
    long verdict; //  OpenSSL's, when it refused the certificate
} pg_tls_t;

//  PQconnectPoll, and what there is to know of its handshake.
PostgresPollingStatusType pg_tls_poll (pg_tls_t *self, PGconn *connection);
//  Why the certificate was refused, and what would help; NULL when that is not what libpq has said
//  of the connection at its end, or nobody knows. Borrowed, for ever.
const char *pg_tls_complaint (const pg_tls_t *self, text_t said);

#endif
