//  tls_maker — the files that an edge's certificate and key stand in: right, wrong, and changed
//  while it runs. The folder and its authority (authority.crt) are those of certificates.h, and
//  there is one in a process at a time.

#ifndef TLS_MAKER_H
#define TLS_MAKER_H

#include <stdint.h>

void tls_maker_start (void);
void tls_maker_end (void);

//  In seconds from now on.
typedef struct {
    int64_t begins_s;
    int64_t ends_s;
} tls_maker_times_t;

//  A certificate for localhost and 127.0.0.1 with its authority's behind it, and its key: renamed
//  to FOLDER/<name>.pem and FOLDER/<name>.key. The number is the certificate's.
void tls_maker_write (const char *name, const tls_maker_times_t *times, int number);
//  FOLDER/name, borrowed until the eighth call.
const char *tls_maker_path (const char *name);

#endif
