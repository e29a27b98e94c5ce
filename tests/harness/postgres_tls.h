//  postgres_tls — a certificate for a test's own PostgreSQL.
//
//      certificate_t server = certificates_of (made, "ca", "DNS:localhost", 1);
//      cr_assert (postgres_set_tls (postgres, &server));

#ifndef HARNESS_POSTGRES_TLS_H
#define HARNESS_POSTGRES_TLS_H

#include "certificates.h"
#include "postgres.h"

//  From the next connection on, also after a restart, it has this certificate, of which it takes a
//  copy; with NULL it refuses TLS, as it does at first. False after having said why.
bool postgres_set_tls (postgres_t *postgres, const certificate_t *certificate);

#endif
