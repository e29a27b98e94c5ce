//  tls_maker — an authority of a test's own and the certificates that it signs, right and wrong.

#ifndef TLS_MAKER_H
#define TLS_MAKER_H

#include <stdint.h>

//  A directory of the test: authority.pem, and what tls_maker_write puts there. There is one in a
//  process at a time.
const char *tls_maker_directory (void);
void tls_maker_remove (void);

typedef struct {
    int64_t begins_s; //  from now on
    int64_t ends_s;   //  from now on
    int serial;
} tls_maker_options_t;

//  A key (of P-256) and its certificate for localhost and 127.0.0.1, of the authority, to
//  DIRECTORY/<name>.pem, with the authority's behind it, and DIRECTORY/<name>.key.
void tls_maker_write (const char *name, const tls_maker_options_t *options);
//  DIRECTORY/name, borrowed until the eighth call.
const char *tls_maker_path (const char *name);

#endif
