#include "tls_maker.h"

#include "certificates.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define PATHS 8

static certificates_t *s_made;

const char *
tls_maker_path (const char *name)
{
    static char paths[PATHS][120];
    static unsigned next;
    char *path = paths[next++ % PATHS];
    snprintf (path, sizeof paths[0], "%s/%s", certificates_folder (s_made), name);
    return path;
}

void
tls_maker_start (void)
{
    s_made = certificates_new ();
    (void) certificates_ca (s_made, "authority");
}

void
tls_maker_end (void)
{
    certificates_destroy (&s_made);
}

static void
s_move (const char *from, const char *name, const char *ending)
{
    char whole[80];
    snprintf (whole, sizeof whole, "%.60s%s", name, ending);
    cr_assert_eq (rename (from, tls_maker_path (whole)), 0);
}

void
tls_maker_write (const char *name, const tls_maker_times_t *times, int number)
{
    certificate_t made =
        certificates_wished (s_made, "authority",
                             &(certificate_wish_t){ .name = "DNS:localhost,IP:127.0.0.1",
                                                    .begins_s = times->begins_s,
                                                    .ends_s = times->ends_s,
                                                    .number = number });
    s_move (made.certificate, name, ".pem");
    s_move (made.key, name, ".key");
}
