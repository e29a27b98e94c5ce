//  postgres_tls — see postgres_tls.h.

#include "postgres_tls.h"

#include "eventually.h"
#include "process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WITHIN 30000 //  ms

//  Copies a file into the server's directory, for its user alone.
static bool
s_give (const char *directory, const char *from, const char *name)
{
    char to[200], owner[40];
    struct stat status;
    if (stat (directory, &status) != 0)
        return false;
    snprintf (to, sizeof to, "%s/%s", directory, name);
    snprintf (owner, sizeof owner, "--owner=%u", (unsigned) status.st_uid);
    //  Nobody but root can give files away, and nobody else has to.
    const char *const arguments[] = { "--mode=600", from, to, geteuid () == 0 ? owner : NULL,
                                      NULL };
    process_t *install = process_new ("install", "install", arguments, NULL);
    bool is_done = install && process_wait_exit (install, WITHIN) == 0;
    process_destroy (&install);
    return is_done;
}

//  When this returns, every further connection has what its files say now.
static bool
s_reload (postgres_t *postgres)
{
    char *before = postgres_query (postgres, "select pg_conf_load_time ()");
    bool is_read = false;
    uint64_t deadline = eventually_deadline (WITHIN);
    if (!before || !postgres_exec (postgres, "select pg_reload_conf ()"))
        return false;
    do {
        char *now = postgres_query (postgres, "select pg_conf_load_time ()");
        is_read = now && strcmp (now, before) != 0;
        free (now);
    } while (!is_read && eventually_again (deadline));
    free (before);
    return is_read;
}

bool
postgres_set_tls (postgres_t *postgres, const certificate_t *certificate)
{
    if (!certificate)
        return postgres_exec (postgres, "alter system set ssl = off") && s_reload (postgres);
    char *directory = postgres_query (postgres, "show data_directory");
    bool is_given = directory && s_give (directory, certificate->certificate, "server.crt")
                    && s_give (directory, certificate->key, "server.key");
    free (directory);
    return is_given && postgres_exec (postgres, "alter system set ssl = on")
           && s_reload (postgres);
}
