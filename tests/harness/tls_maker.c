#include "tls_maker.h"

#include <assert.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S 86400
#define PATHS 8

static char s_directory[40];
static EVP_PKEY *s_authority_key;
static X509 *s_authority;

const char *
tls_maker_path (const char *name)
{
    static char paths[PATHS][120];
    static unsigned next;
    char *path = paths[next++ % PATHS];
    snprintf (path, sizeof paths[0], "%s/%s", s_directory, name);
    return path;
}

static FILE *
s_file (const char *name, const char *ending)
{
    char whole[80];
    snprintf (whole, sizeof whole, "%.60s%s", name, ending);
    FILE *file = fopen (tls_maker_path (whole), "w");
    assert (file);
    return file;
}

static void
s_extend (X509 *to, X509 *issuer, int what, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx (&context, issuer, to, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid (NULL, &context, what, value);
    assert (extension);
    X509_add_ext (to, extension, -1);
    X509_EXTENSION_free (extension);
}

static X509 *
s_certificate (EVP_PKEY *key, const char *name, const tls_maker_options_t *options)
{
    X509 *self = X509_new ();
    assert (self);
    X509_set_version (self, X509_VERSION_3);
    ASN1_INTEGER_set (X509_get_serialNumber (self), options->serial);
    X509_gmtime_adj (X509_getm_notBefore (self), (long) options->begins_s);
    X509_gmtime_adj (X509_getm_notAfter (self), (long) options->ends_s);
    X509_set_pubkey (self, key);
    X509_NAME_add_entry_by_txt (X509_get_subject_name (self), "CN", MBSTRING_ASC,
                                (const unsigned char *) name, -1, -1, 0);
    return self;
}

static void
s_make_authority (void)
{
    s_authority_key = EVP_EC_gen ("P-256");
    assert (s_authority_key);
    s_authority = s_certificate (s_authority_key, "authority of a test",
                                 &(tls_maker_options_t){ -DAY_S, 10 * DAY_S, 1 });
    X509_set_issuer_name (s_authority, X509_get_subject_name (s_authority));
    s_extend (s_authority, s_authority, NID_basic_constraints, "critical,CA:TRUE");
    s_extend (s_authority, s_authority, NID_subject_key_identifier, "hash");
    X509_sign (s_authority, s_authority_key, EVP_sha256 ());
    FILE *file = s_file ("authority", ".pem");
    PEM_write_X509 (file, s_authority);
    fclose (file);
}

const char *
tls_maker_directory (void)
{
    strcpy (s_directory, "/tmp/tls_maker_XXXXXX");
    char *made = mkdtemp (s_directory);
    assert (made);
    s_make_authority ();
    return s_directory;
}

void
tls_maker_remove (void)
{
    char command[80];
    X509_free (s_authority);
    EVP_PKEY_free (s_authority_key);
    snprintf (command, sizeof command, "rm -rf '%s'", s_directory);
    int rc = system (command);
    assert (rc == 0);
}

void
tls_maker_write (const char *name, const tls_maker_options_t *options)
{
    EVP_PKEY *key = EVP_EC_gen ("P-256");
    assert (key);
    X509 *certificate = s_certificate (key, "edge", options);
    X509_set_issuer_name (certificate, X509_get_subject_name (s_authority));
    s_extend (certificate, s_authority, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    X509_sign (certificate, s_authority_key, EVP_sha256 ());
    FILE *file = s_file (name, ".pem");
    PEM_write_X509 (file, certificate);
    PEM_write_X509 (file, s_authority);
    fclose (file);
    file = s_file (name, ".key");
    PEM_write_PrivateKey (file, key, NULL, NULL, 0, NULL, NULL);
    fclose (file);
    X509_free (certificate);
    EVP_PKEY_free (key);
}
