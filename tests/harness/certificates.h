//  certificates — a certificate authority of the test's own, and certificates of servers, as PEM
//  files in a folder of the test's.
//
//      certificates_t *made = certificates_new ();
//      const char *ca = certificates_ca (made, "ca");
//      certificate_t server = certificates_of (made, "ca", "DNS:localhost", 1);
//
//  Paths are valid until certificates_destroy, which deletes the files. What fails is an assertion.

#ifndef CERTIFICATES_H
#define CERTIFICATES_H

#include <stdint.h>

typedef struct certificates certificates_t;

typedef struct {
    const char *certificate; //  path of the PEM file
    const char *key;
} certificate_t;

certificates_t *certificates_new (void);
void certificates_destroy (certificates_t **self_p);

//  The certificate of the authority of this name, which is made when it is asked for first.
const char *certificates_ca (certificates_t *self, const char *name);

//  A new certificate, signed by that authority, for what OpenSSL calls an alternative name:
//  "DNS:localhost", "IP:127.0.0.1". It is valid until `days` from now; with less than 0 it has
//  expired.
certificate_t certificates_of (certificates_t *self, const char *ca, const char *name, int days);

//  The same with its times in seconds from now on, its serial number, and the authority's
//  certificate behind it.
typedef struct {
    const char *name; //  alternative names: "DNS:localhost,IP:127.0.0.1"
    int64_t begins_s;
    int64_t ends_s;
    long number;
} certificate_wish_t;
certificate_t certificates_wished (certificates_t *self, const char *ca,
                                   const certificate_wish_t *wish);

//  The folder, for files that the test puts beside.
const char *certificates_folder (const certificates_t *self);

#endif
