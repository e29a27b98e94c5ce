//  A postoffice and a PostgreSQL that speaks TLS, with certificates that are right and that are
//  not: what is wrong is said in one line, in the log and by /readyz, and is healed without a
//  restart.

#include "eventually.h"
#include "http_get.h"
#include "ports.h"
#include "postgres_tls.h"
#include "process.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PASSWORD "not-for-the-log"

typedef struct {
    postgres_t *postgres;
    certificates_t *made;
    char url[200];
    uint16_t operations;
    process_t *postoffice;
} rig_t;

//  The database has this certificate; the postoffice is to believe that file.
static rig_t
s_rig (const char *ca_file)
{
    rig_t rig = { .postgres = postgres_new (NULL), .made = certificates_new () };
    cr_assert (rig.postgres);
    if (!ca_file)
        ca_file = certificates_ca (rig.made, "ca");
    snprintf (rig.url, sizeof rig.url,
              "POSTGRES_URL=postgresql://stentor:" PASSWORD "@localhost:%u/postgres"
              "?sslmode=verify-full&sslrootcert=%s",
              postgres_port (rig.postgres), ca_file);
    return rig;
}

static void
s_certify (rig_t *rig, const char *ca, const char *name, int days)
{
    certificate_t certificate = certificates_of (rig->made, ca, name, days);
    cr_assert (postgres_set_tls (rig->postgres, &certificate));
}

static void
s_start (rig_t *rig)
{
    char port[40];
    rig->operations = ports_free ();
    snprintf (port, sizeof port, "OPERATIONS_PORT=%u", rig->operations);
    const char *const settings[] = { rig->url, port, "POSTOFFICE_BUS_ADDRESS=tcp://127.0.0.1:*",
                                     "NODE_NAME=office", "SHUTDOWN_GRACE=1s", NULL };
    rig->postoffice = process_new ("postoffice", "postoffice", NULL, settings);
    cr_assert (rig->postoffice);
    process_set_operations_port (rig->postoffice, rig->operations);
}

static void
s_end (rig_t *rig)
{
    if (rig->postoffice)
        cr_assert_eq (process_log_count (rig->postoffice, PASSWORD), 0);
    process_destroy (&rig->postoffice);
    postgres_destroy (&rig->postgres);
    certificates_destroy (&rig->made);
}

//  Does /readyz say so?
static bool
s_is_told (const rig_t *rig, const char *words)
{
    http_answer_t answer = http_get (rig->operations, "/readyz", NULL);
    bool is_told = answer.status == 503 && strstr (answer.body, "missing: database\n")
                   && strstr (answer.body, "\ndatabase: ") && strstr (answer.body, words)
                   && !strstr (answer.body, PASSWORD);
    http_answer_free (&answer);
    return is_told;
}

//  It tries again and again, and says each time what is wrong.
static void
s_says (rig_t *rig, const char *words)
{
    EVENTUALLY (30000, process_log_count (rig->postoffice, words) >= 2);
    EVENTUALLY (10000, s_is_told (rig, words));
    cr_assert_geq (process_log_count (rig->postoffice, "database link lost"), 2);
    cr_assert (process_is_alive (rig->postoffice));
    cr_assert_not (process_is_ready (rig->postoffice));
}

//  All that the postoffice needs, and the others follow: none is in the clear.
static bool
s_are_encrypted (rig_t *rig)
{
    char *counts = postgres_query (rig->postgres,
                                   "select count (*) filter (where ssl) > 5"
                                   " and not bool_or (not ssl) from pg_stat_ssl"
                                   " join pg_stat_activity using (pid)"
                                   " where application_name = 'office'");
    bool rc = counts && strcmp (counts, "t") == 0;
    free (counts);
    return rc;
}

Test (database_tls, every_connection_is_encrypted_and_verified, .timeout = 120)
{
    rig_t rig = s_rig (NULL);
    s_certify (&rig, "ca", "DNS:localhost", 1);
    s_start (&rig);
    cr_assert (process_wait_ready (rig.postoffice, 30000));
    EVENTUALLY (10000, s_are_encrypted (&rig));
    cr_assert_eq (process_log_count (rig.postoffice, "database link lost"), 0);
    //  So they are after a restart of the database.
    cr_assert (postgres_restart (rig.postgres));
    EVENTUALLY (20000, process_log_count (rig.postoffice, "database is usable") == 2);
    cr_assert (process_wait_ready (rig.postoffice, 20000));
    EVENTUALLY (10000, s_are_encrypted (&rig));
    s_end (&rig);
}

//  Each is mended on the side of the database.
typedef struct {
    const char *ca, *name;
    int days;
    const char *words;
} fault_t;

static const fault_t s_faults[] = {
    { "ca", "DNS:other.example", 1, "does not match host name" },
    { "ca", "DNS:localhost", -1, "has expired" },
    { "another", "DNS:localhost", 1, "is not of the CA in sslrootcert" },
};

static void
s_is_said_and_healed (const fault_t *fault)
{
    rig_t rig = s_rig (NULL);
    s_certify (&rig, fault->ca, fault->name, fault->days);
    s_start (&rig);
    s_says (&rig, fault->words);
    s_certify (&rig, "ca", "DNS:localhost", 1);
    cr_assert (process_wait_ready (rig.postoffice, 30000));
    EVENTUALLY (10000, s_are_encrypted (&rig));
    s_end (&rig);
}

Test (database_tls, the_certificate_of_another_host, .timeout = 120)
{
    s_is_said_and_healed (&s_faults[0]);
}

Test (database_tls, a_certificate_that_has_expired, .timeout = 120)
{
    s_is_said_and_healed (&s_faults[1]);
}

Test (database_tls, a_certificate_of_another_ca, .timeout = 120)
{
    s_is_said_and_healed (&s_faults[2]);
}

Test (database_tls, a_database_that_refuses_tls, .timeout = 120)
{
    rig_t rig = s_rig (NULL);
    s_start (&rig);
    s_says (&rig, "server does not support SSL, but SSL was required");
    s_certify (&rig, "ca", "DNS:localhost", 1);
    cr_assert (process_wait_ready (rig.postoffice, 30000));
    EVENTUALLY (10000, s_are_encrypted (&rig));
    s_end (&rig);
}

Test (database_tls, a_ca_that_is_not_there_yet, .timeout = 120)
{
    char file[] = "/tmp/stentor-ca-XXXXXX";
    cr_assert (mkdtemp (file));
    cr_assert_eq (rmdir (file), 0);
    rig_t rig = s_rig (file);
    s_certify (&rig, "ca", "DNS:localhost", 1);
    s_start (&rig);
    s_says (&rig, "does not exist");
    cr_assert_eq (symlink (certificates_ca (rig.made, "ca"), file), 0);
    cr_assert (process_wait_ready (rig.postoffice, 30000));
    unlink (file);
    s_end (&rig);
}

//  The file of a Secret is a link that is swapped.
static void
s_swap (const char *link, const char *to)
{
    char next[200];
    snprintf (next, sizeof next, "%s.next", link);
    cr_assert (symlink (to, next) == 0 && rename (next, link) == 0);
}

Test (database_tls, a_renewed_ca_counts_for_new_connections, .timeout = 120)
{
    certificates_t *links = certificates_new ();
    char file[200];
    snprintf (file, sizeof file, "%s/ca.crt", certificates_folder (links));
    rig_t rig = s_rig (file);
    s_swap (file, certificates_ca (rig.made, "ca"));
    s_certify (&rig, "ca", "DNS:localhost", 1);
    s_start (&rig);
    cr_assert (process_wait_ready (rig.postoffice, 30000));
    s_certify (&rig, "next", "DNS:localhost", 1);
    cr_assert_gt (postgres_kill_backends (rig.postgres, POSTGRES_ALL_BACKENDS), 0);
    s_says (&rig, "is not of the CA in sslrootcert");
    s_swap (file, certificates_ca (rig.made, "next"));
    cr_assert (process_wait_ready (rig.postoffice, 30000));
    EVENTUALLY (10000, s_are_encrypted (&rig));
    s_end (&rig);
    certificates_destroy (&links);
}

//  What `postoffice migrate` says, and that it ends so.
static void
s_migrates (const rig_t *rig, int exit_code, const char *words)
{
    process_t *migrate = process_new ("migrate", "postoffice",
                                      (const char *const[]){ "migrate", NULL },
                                      (const char *const[]){ rig->url, "PRODUCTION=on", NULL });
    cr_assert (migrate);
    cr_assert_eq (process_wait_exit (migrate, 60000), exit_code);
    cr_assert_eq (process_log_count (migrate, words), 1);
    cr_assert_eq (process_log_count (migrate, PASSWORD), 0);
    process_destroy (&migrate);
}

Test (database_tls, migrate_says_the_same, .timeout = 120)
{
    rig_t rig = s_rig (NULL);
    s_migrates (&rig, 69, "server does not support SSL");
    s_certify (&rig, "ca", "DNS:localhost", -1);
    s_migrates (&rig, 69, "has expired");
    s_certify (&rig, "ca", "DNS:localhost", 1);
    s_migrates (&rig, 0, "schema 0 → ");
    //  And in production it does nothing without.
    snprintf (rig.url, sizeof rig.url, "POSTGRES_URL=host=localhost port=%u",
              postgres_port (rig.postgres));
    s_migrates (&rig, 78, "POSTGRES_URL must have sslmode=verify-full");
    s_end (&rig);
}
