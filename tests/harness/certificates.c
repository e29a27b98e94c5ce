//  certificates — see certificates.h.

#include "certificates.h"

#include "base/alloc.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATHS_MOST 64
#define AUTHORITIES_MOST 4
#define DAY_S 86400l
//  All of them began so long ago.
#define BEGAN_DAYS 30

typedef struct {
    char name[32];
    X509 *certificate;
    EVP_PKEY *key;
    const char *path;
} authority_t;

struct certificates {
    char folder[40];
    char *paths[PATHS_MOST];
    size_t path_count;
    authority_t authorities[AUTHORITIES_MOST];
    long number; //  of the last certificate
};

certificates_t *
certificates_new (void)
{
    certificates_t *self = alloc_zeroed (sizeof *self);
    snprintf (self->folder, sizeof self->folder, "/tmp/stentor-certificates-XXXXXX");
    cr_assert (mkdtemp (self->folder));
    return self;
}

static int
s_remove (const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void) status, (void) type, (void) place;
    return remove (path);
}

void
certificates_destroy (certificates_t **self_p)
{
    certificates_t *self = *self_p;
    *self_p = NULL;
    nftw (self->folder, s_remove, 4, FTW_DEPTH | FTW_PHYS);
    for (size_t at = 0; at < self->path_count; at++)
        free (self->paths[at]);
    for (size_t at = 0; at < AUTHORITIES_MOST; at++) {
        X509_free (self->authorities[at].certificate);
        EVP_PKEY_free (self->authorities[at].key);
    }
    free (self);
}

const char *
certificates_folder (const certificates_t *self)
{
    return self->folder;
}

// ---------------------------------------------------------------------------------------------

static const char *
s_path (certificates_t *self, const char *name, const char *ending)
{
    char path[120];
    cr_assert_lt (self->path_count, PATHS_MOST);
    snprintf (path, sizeof path, "%s/%s%s", self->folder, name, ending);
    return self->paths[self->path_count++] = alloc_string (path);
}

static void
s_extend (X509 *certificate, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx (&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid (NULL, &context, kind, value);
    cr_assert (extension && X509_add_ext (certificate, extension, -1) == 1, "%s", value);
    X509_EXTENSION_free (extension);
}

//  Without a signature.
static X509 *
s_draft (const char *subject, EVP_PKEY *key, const certificate_wish_t *wish)
{
    X509 *certificate = X509_new ();
    cr_assert (certificate && X509_set_version (certificate, X509_VERSION_3)
               && ASN1_INTEGER_set (X509_get_serialNumber (certificate), wish->number)
               && X509_gmtime_adj (X509_getm_notBefore (certificate), (long) wish->begins_s)
               && X509_gmtime_adj (X509_getm_notAfter (certificate), (long) wish->ends_s)
               && X509_set_pubkey (certificate, key)
               && X509_NAME_add_entry_by_txt (X509_get_subject_name (certificate), "CN",
                                              MBSTRING_UTF8, (const unsigned char *) subject, -1,
                                              -1, 0));
    return certificate;
}

static void
s_sign (X509 *certificate, X509 *issuer, EVP_PKEY *key)
{
    cr_assert (X509_set_issuer_name (certificate, X509_get_subject_name (issuer)));
    cr_assert_gt (X509_sign (certificate, key, EVP_sha256 ()), 0);
}

static void
s_write (const char *path, const char *how, const X509 *certificate, const EVP_PKEY *key)
{
    FILE *file = fopen (path, how);
    cr_assert (file);
    int rc = certificate ? PEM_write_X509 (file, certificate)
                         : PEM_write_PrivateKey (file, key, NULL, NULL, 0, NULL, NULL);
    cr_assert (fclose (file) == 0 && rc == 1);
}

static authority_t *
s_authority (certificates_t *self, const char *name)
{
    authority_t *row = self->authorities;
    while (row->certificate && strcmp (row->name, name) != 0)
        cr_assert_lt (++row - self->authorities, AUTHORITIES_MOST);
    if (row->certificate)
        return row;
    snprintf (row->name, sizeof row->name, "%s", name);
    row->key = EVP_EC_gen ("P-256");
    row->certificate = s_draft (name, row->key, &(certificate_wish_t){
        .begins_s = -BEGAN_DAYS * DAY_S, .ends_s = 365 * DAY_S, .number = ++self->number });
    s_extend (row->certificate, row->certificate, NID_basic_constraints, "critical,CA:TRUE");
    s_extend (row->certificate, row->certificate, NID_subject_key_identifier, "hash");
    s_sign (row->certificate, row->certificate, row->key);
    row->path = s_path (self, name, ".crt");
    s_write (row->path, "w", row->certificate, NULL);
    return row;
}

const char *
certificates_ca (certificates_t *self, const char *name)
{
    return s_authority (self, name)->path;
}

static certificate_t
s_make (certificates_t *self, authority_t *issuer, const certificate_wish_t *wish)
{
    EVP_PKEY *key = EVP_EC_gen ("P-256");
    X509 *certificate = s_draft ("a server of the tests", key, wish);
    s_extend (certificate, issuer->certificate, NID_subject_alt_name, wish->name);
    s_sign (certificate, issuer->certificate, issuer->key);
    char file[40];
    snprintf (file, sizeof file, "server-%zu", self->path_count);
    certificate_t made = { s_path (self, file, ".crt"), s_path (self, file, ".key") };
    s_write (made.certificate, "w", certificate, NULL);
    s_write (made.key, "w", NULL, key);
    X509_free (certificate);
    EVP_PKEY_free (key);
    return made;
}

certificate_t
certificates_of (certificates_t *self, const char *ca, const char *name, int days)
{
    return s_make (self, s_authority (self, ca),
                   &(certificate_wish_t){ .name = name,
                                          .begins_s = -BEGAN_DAYS * DAY_S,
                                          .ends_s = days * DAY_S,
                                          .number = ++self->number });
}

certificate_t
certificates_wished (certificates_t *self, const char *ca, const certificate_wish_t *wish)
{
    authority_t *issuer = s_authority (self, ca);
    certificate_t made = s_make (self, issuer, wish);
    s_write (made.certificate, "a", issuer->certificate, NULL);
    return made;
}
