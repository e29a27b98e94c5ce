//  postgres — see postgres.h.

#include "postgres.h"

#include "eventually.h"
#include "process.h"

#include <assert.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define START_WITHIN 20000 //  ms
#define ARGUMENTS_MOST 40

struct postgres {
    char directory[64];
    char url[128];
    char *bin; //  where the server's programs are
    process_t *process;
};

//  Where Debian has the newest server: /usr/lib/postgresql/15/bin. The caller frees it.
static char *
s_bin (void)
{
    char *path = NULL;
    for (int version = 30; version >= 13; version--) {
        struct stat status;
        if (asprintf (&path, "/usr/lib/postgresql/%d/bin", version) > 0 && stat (path, &status) == 0)
            return path;
        free (path);
    }
    fprintf (stderr, "harness: no PostgreSQL server in /usr/lib/postgresql\n");
    return NULL;
}

//  Starts one of its programs as a user who is not root; the arguments end with NULL. The kernel
//  forgets whose death to follow when the user changes, so it is told again behind that.
static process_t *
s_run (postgres_t *self, const char *program, const char *const *arguments)
{
    static const char *const s_other_user[] = { "--reuid", "postgres", "--regid", "postgres",
                                                "--init-groups", "setpriv", NULL };
    const char *vector[ARGUMENTS_MOST];
    size_t count = 0;
    char path[200];
    snprintf (path, sizeof path, "%s/%s", self->bin, program);
    for (size_t index = 0; geteuid () == 0 && s_other_user[index]; index++)
        vector[count++] = s_other_user[index];
    vector[count++] = "--pdeathsig";
    vector[count++] = "QUIT";
    vector[count++] = path;
    for (size_t index = 0; arguments[index]; index++) {
        assert (count + 1 < ARGUMENTS_MOST);
        vector[count++] = arguments[index];
    }
    vector[count] = NULL;
    return process_new (program, "setpriv", vector, NULL);
}

static bool
s_make_directory (postgres_t *self)
{
    snprintf (self->directory, sizeof self->directory, "/tmp/stentor-postgres-XXXXXX");
    if (!mkdtemp (self->directory))
        return false;
    snprintf (self->url, sizeof self->url, "host=%s user=stentor dbname=postgres", self->directory);
    if (geteuid () != 0)
        return true;
    const struct passwd *user = getpwnam ("postgres");
    return user && chown (self->directory, user->pw_uid, user->pw_gid) == 0;
}

static bool
s_make_cluster (postgres_t *self)
{
    char data[80];
    snprintf (data, sizeof data, "%s/data", self->directory);
    process_t *initdb = s_run (self, "initdb",
                               (const char *const[]){ "-D", data, "-U", "stentor", "--auth=trust",
                                                      "--encoding=UTF8", "--locale=C.UTF-8",
                                                      "--no-sync", NULL });
    int code = initdb ? process_wait_exit (initdb, START_WITHIN) : -1;
    if (code != 0 && initdb)
        process_print_log (initdb);
    process_destroy (&initdb);
    return code == 0;
}

static bool
s_answers (const postgres_t *self)
{
    return PQping (self->url) == PQPING_OK;
}

bool
postgres_start (postgres_t *self)
{
    char data[80];
    snprintf (data, sizeof data, "%s/data", self->directory);
    self->process =
        s_run (self, "postgres",
               (const char *const[]){ "-D", data, "-c", "listen_addresses=", "-c",
                                      "port=5432", "-k", self->directory, "-c", "fsync=off",
                                      "-c", "max_connections=200", NULL });
    uint64_t deadline = eventually_deadline (START_WITHIN);
    while (self->process && !s_answers (self)) {
        if (process_is_alive (self->process) && eventually_again (deadline))
            continue;
        process_print_log (self->process);
        return false;
    }
    return self->process != NULL;
}

bool
postgres_stop (postgres_t *self)
{
    process_kill (self->process, SIGQUIT);
    bool ended = process_wait_exit (self->process, START_WITHIN) != -1;
    process_destroy (&self->process);
    return ended;
}

postgres_t *
postgres_new (void)
{
    postgres_t *self = calloc (1, sizeof *self);
    assert (self);
    self->bin = s_bin ();
    if (!self->bin || !s_make_directory (self) || !s_make_cluster (self) || !postgres_start (self))
        postgres_destroy (&self);
    return self;
}

void
postgres_destroy (postgres_t **self_p)
{
    postgres_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    if (self->process)
        postgres_stop (self);
    process_t *removal = process_new ("rm", "rm", (const char *const[]){ "-rf", self->directory, NULL },
                                      NULL);
    if (removal)
        process_wait_exit (removal, START_WITHIN);
    process_destroy (&removal);
    free (self->bin);
    free (self);
}

const char *
postgres_url (const postgres_t *self)
{
    return self->url;
}

int64_t
postgres_number (postgres_t *self, const char *query)
{
    PGconn *link = PQconnectdb (self->url);
    PGresult *result = PQexec (link, query);
    int64_t number = -1;
    if (PQresultStatus (result) == PGRES_TUPLES_OK && PQntuples (result) > 0)
        number = strtoll (PQgetvalue (result, 0, 0), NULL, 10);
    else
        fprintf (stderr, "harness: %s", PQerrorMessage (link));
    PQclear (result);
    PQfinish (link);
    return number;
}
