//  Which connection strings of PostgreSQL are as production needs them: wherever it is said.

#include "pg/pg_tls.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct {
    char url[100];
    bool is_verified;
    char environment[2][40]; //  NAME=value
} string_t;

ParameterizedTestParameters (pg_tls, strings)
{
    static string_t cases[] = {
        { "postgres://u:p@db.example/x?sslmode=verify-full", true, { "", "" } },
        { "host=db.example sslmode=verify-full sslrootcert=/x", true, { "", "" } },
        { "postgres://u:p@db.example/x", false, { "", "" } },
        { "postgres://db.example/x?sslmode=disable", false, { "", "" } },
        { "postgres://db.example/x?sslmode=require", false, { "", "" } },
        { "postgres://db.example/x?sslmode=verify-ca", false, { "", "" } },
        { "postgres://db.example/x?sslmode=nonsense", false, { "", "" } },
        //  What the environment says counts where the string says nothing.
        { "postgres://db.example/x", true, { "PGSSLMODE=verify-full", "" } },
        { "host=db.example sslmode=prefer", false, { "PGSSLMODE=verify-full", "" } },
        { "dbname=x", false, { "PGHOST=db.example", "" } },
        { "dbname=x", true, { "PGHOST=db.example", "PGSSLMODE=verify-full" } },
        { "service=full", true, { "", "" } },
        { "service=none", false, { "", "" } },
        { "service=unknown", false, { "", "" } },
        { "dbname=x", true, { "PGSERVICE=full", "" } },
        { "service=full sslmode=require", false, { "", "" } },
        //  No network is between.
        { "host=/var/run/postgresql", true, { "", "" } },
        { "postgres:///x?host=/tmp", true, { "", "" } },
        { "dbname=x", true, { "", "" } },
        { "host=/tmp,@abstract", true, { "", "" } },
        { "host=/tmp,db.example", false, { "", "" } },
        { "host=/tmp hostaddr=10.0.0.1", false, { "", "" } },
        { "hostaddr=10.0.0.1", false, { "", "" } },
        { "host=/tmp,db.example sslmode=verify-full", true, { "", "" } },
    };
    return cr_make_param_array (string_t, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest (string_t *with, pg_tls, strings)
{
    char services[] = "/tmp/pg_tls_test.XXXXXX", name[80];
    static const char text[] = "[full]\nhost=db.example\nsslmode=verify-full\n"
                               "[none]\nhost=db.example\n";
    int file = mkstemp (services);
    cr_assert_eq (write (file, text, sizeof text - 1), (ssize_t) sizeof text - 1);
    close (file);
    snprintf (name, sizeof name, "PGSERVICEFILE=%s", services);
    putenv (name);
    for (size_t at = 0; at < 2; at++)
        if (*with->environment[at])
            putenv (with->environment[at]);
    cr_assert_eq (pg_tls_is_verified (with->url), with->is_verified, "%s", with->url);
    unlink (services);
}

//  Who did not look at the server's certificate has nothing to complain of.
Test (pg_tls, complains_of_what_was_refused)
{
    text_t said = TEXT ("db: SSL error: certificate verify failed");
    cr_assert_null (pg_tls_complaint (&(pg_tls_t){ 0 }, said));
    cr_assert_null (pg_tls_complaint (&(pg_tls_t){ 10 }, TEXT ("Connection refused")),
                    "that was the host before");
    cr_assert_not_null (strstr (pg_tls_complaint (&(pg_tls_t){ 10 }, said), "has expired"));
    cr_assert_not_null (strstr (pg_tls_complaint (&(pg_tls_t){ 19 }, said), "sslrootcert"));
    cr_assert_not_null (pg_tls_complaint (&(pg_tls_t){ 24 }, said), "in OpenSSL's words");
}
