//  postgres — see postgres.h.

#include "postgres.h"

#include "eventually.h"
#include "wait_report.h"
#include "base/list.h"
#include "ports.h"
#include "process.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define ON_DISK "/tmp/stentor-postgres-"
//  A copy of a thousand small files there takes a seventh of the time.
#define IN_MEMORY "/dev/shm/stentor-postgres-"
#define MEMORY_LEAST (4ull << 30) //  bytes that are free there; in a container it may be tiny
#define PROGRAMS "/usr/lib/postgresql/"
#define INITDB_WITHIN 60000 //  ms, here and below
#define COPY_WITHIN 30000
#define START_WITHIN 30000
#define STOP_WITHIN 20000
#define ANSWER_WITHIN 60000
#define ARGUMENTS_MOST 40
#define FILL_TRIES 1000

struct postgres {
    list_t place; //  among those that are not destroyed yet
    postgres_options_t options;
    unsigned version;
    uint16_t port;
    char url[80];
    char own_url[200]; //  for what the harness itself asks: waits for nothing for ever
    const char *places; //  what all directories begin with, the template's, too
    char directory[sizeof IN_MEMORY + 6];
    int lock; //  on the directory: it has an owner
    process_t *server; //  NULL: not running
};

static list_t s_all = { &s_all, &s_all };

//  Who the server runs as when the test is root; NULL when it runs as the test does.
static const struct passwd *
s_user (void)
{
    if (geteuid () != 0)
        return NULL;
    const struct passwd *user = getpwnam ("postgres");
    return user ? user : getpwnam ("nobody");
}

static uid_t
s_uid (void)
{
    const struct passwd *user = s_user ();
    return user ? user->pw_uid : geteuid ();
}

//  The newest version that is installed; 0 when none is.
static unsigned
s_newest_version (void)
{
    glob_t found;
    unsigned newest = 0;
    if (glob (PROGRAMS "*/bin/postgres", 0, NULL, &found) == 0)
        for (size_t index = 0; index < found.gl_pathc; index++) {
            unsigned version =
                (unsigned) strtoul (found.gl_pathv[index] + strlen (PROGRAMS), NULL, 10);
            newest = version > newest ? version : newest;
        }
    globfree (&found);
    return newest;
}

//  Starts one of PostgreSQL's own programs, as its user and from a directory that this user can
//  enter. When the test dies it gets SIGQUIT, on which the server cleans up and ends at once.
static process_t *
s_run (const postgres_t *self, const char *name, const char *const *arguments)
{
    const struct passwd *user = s_user ();
    const char *all[ARGUMENTS_MOST] = { "--chdir=/", "setpriv", "--pdeathsig", "QUIT" };
    char uid[32], gid[32], path[100];
    size_t count = 4;
    if (user) {
        snprintf (uid, sizeof uid, "--reuid=%u", (unsigned) user->pw_uid);
        snprintf (gid, sizeof gid, "--regid=%u", (unsigned) user->pw_gid);
        all[count++] = uid;
        all[count++] = gid;
        all[count++] = "--clear-groups";
    }
    snprintf (path, sizeof path, PROGRAMS "%u/bin/%s", self->version, name);
    all[count++] = path;
    for (; *arguments; arguments++) {
        assert (count < ARGUMENTS_MOST - 1);
        all[count++] = *arguments;
    }
    return process_new (name, "env", all, NULL);
}

//  Waits for a program that has an end. True when it ended well.
static bool
s_is_done (process_t *process, uint64_t milliseconds)
{
    if (!process)
        return false;
    bool done = process_wait_exit (process, milliseconds) == 0;
    if (!done)
        process_print_log (process);
    process_destroy (&process);
    return done;
}

// ---------------------------------------------------------------------------------------------
//  Directories

static int
s_remove_one (const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void) status, (void) type, (void) place;
    remove (path);
    return 0;
}

static void
s_remove_all (const char *directory)
{
    nftw (directory, s_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

//  Tests that were killed leave their directories behind: who can lock one owns it.
static void
s_sweep (void)
{
    glob_t found;
    (void) glob (ON_DISK "??????", 0, NULL, &found);
    if (glob (IN_MEMORY "??????", GLOB_APPEND, NULL, &found) == 0 || found.gl_pathc > 0)
        for (size_t index = 0; index < found.gl_pathc; index++) {
            const char *path = found.gl_pathv[index];
            int lock = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
            if (lock < 0)
                continue; //  somebody else's
            if (flock (lock, LOCK_EX | LOCK_NB) == 0)
                s_remove_all (path);
            close (lock);
        }
    globfree (&found);
}

//  Whoever asks for fsync means a disk.
static const char *
s_places (const postgres_options_t *options)
{
    struct statvfs memory;
    bool is_room = !options->fsync && !options->is_on_disk && statvfs ("/dev/shm", &memory) == 0
                   && (uint64_t) memory.f_bavail * memory.f_frsize >= MEMORY_LEAST;
    return is_room ? IN_MEMORY : ON_DISK;
}

//  A new directory that no sweep of another test takes away.
static bool
s_make_directory (postgres_t *self)
{
    self->places = s_places (&self->options);
    for (;;) {
        snprintf (self->directory, sizeof self->directory, "%sXXXXXX", self->places);
        if (!mkdtemp (self->directory)) {
            perror ("harness: the directory of a PostgreSQL");
            return false;
        }
        self->lock = open (self->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (self->lock >= 0 && flock (self->lock, LOCK_EX) == 0
            && access (self->directory, F_OK) == 0)
            break;
        //  A sweep came between.
        if (self->lock >= 0)
            close (self->lock);
        self->lock = -1;
    }
    const struct passwd *user = s_user ();
    return !user || fchown (self->lock, user->pw_uid, user->pw_gid) == 0;
}

//  True when it is there and is ours: anybody may put anything there.
static bool
s_is_template (const char *template)
{
    struct stat status;
    return lstat (template, &status) == 0 && S_ISDIR (status.st_mode) && status.st_uid == s_uid ();
}

//  Makes it in our own directory and moves it to its place. When another test was faster, its is as
//  good.
static bool
s_make_template (const postgres_t *self, const char *template)
{
    char made[100];
    snprintf (made, sizeof made, "%s/template", self->directory);
    const char *const arguments[] = { "-D",           made,         "-U",
                                      "stentor",      "-A",         "trust",
                                      "-E",           "UTF8",       "--locale=C.UTF-8",
                                      "--no-sync",    NULL };
    if (!s_is_done (s_run (self, "initdb", arguments), INITDB_WITHIN))
        return false;
    if (rename (made, template) != 0)
        s_remove_all (made);
    if (s_is_template (template))
        return true;
    fprintf (stderr, "harness: %s is in the way\n", template);
    return false;
}

//  Where nobody else sees it: whoever forgets to take it away leaves nothing behind.
static bool
s_mount_disk (const postgres_t *self, const char *data)
{
    char options[120];
    snprintf (options, sizeof options, "size=%" PRIu64 ",mode=0700,uid=%u",
              self->options.disk_bytes, (unsigned) s_uid ());
    return unshare (CLONE_NEWNS) == 0 && mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0
           && mkdir (data, 0700) == 0 && mount ("stentor", data, "tmpfs", 0, options) == 0;
}

static bool
s_make_data (const postgres_t *self)
{
    char template[100], data[100];
    snprintf (template, sizeof template, "%stemplate-%u-%u", self->places, self->version,
              (unsigned) s_uid ());
    snprintf (data, sizeof data, "%s/data", self->directory);
    if (!s_is_template (template) && !s_make_template (self, template))
        return false;
    if (self->options.disk_bytes && !s_mount_disk (self, data)) {
        perror ("harness: no disk of its own for PostgreSQL");
        return false;
    }
    const char *const arguments[] = { "-aT", template, data, NULL };
    return s_is_done (process_new ("cp", "cp", arguments, NULL), COPY_WITHIN);
}

// ---------------------------------------------------------------------------------------------
//  The server

//  Without shared memory that outlives a killed server (see also s_forget_memory).
static process_t *
s_launch (const postgres_t *self)
{
    char data[100], port[32], sockets[100];
    snprintf (data, sizeof data, "%s/data", self->directory);
    snprintf (port, sizeof port, "port=%u", self->port);
    snprintf (sockets, sizeof sockets, "unix_socket_directories=%s", self->directory);
    const char *fsync = self->options.fsync ? "fsync=on" : "fsync=off";
    const char *const arguments[] = { "-D", data,
                                      "-c", "listen_addresses=127.0.0.1",
                                      "-c", port,
                                      "-c", sockets,
                                      "-c", fsync,
                                      "-c", "max_connections=200",
                                      "-c", "dynamic_shared_memory_type=mmap",
                                      "-c", "max_wal_size=512MB",
                                      NULL };
    return s_run (self, "postgres", arguments);
}

bool
postgres_start (postgres_t *self)
{
    if (self->server && process_is_alive (self->server))
        return true;
    process_destroy (&self->server);
    self->server = s_launch (self);
    uint64_t deadline = eventually_deadline (START_WITHIN);
    while (self->server && PQping (self->own_url) != PQPING_OK) {
        if (process_is_alive (self->server) && eventually_again (deadline))
            continue;
        fprintf (stderr, "harness: PostgreSQL does not come up\n");
        process_print_log (self->server);
        wait_report_tell ("PostgreSQL does not come up");
        postgres_kill (self);
    }
    return self->server != NULL;
}

bool
postgres_stop (postgres_t *self)
{
    if (!self->server)
        return true;
    process_kill (self->server, SIGINT);
    bool well = process_wait_exit (self->server, STOP_WITHIN) == 0;
    if (!well) {
        fprintf (stderr, "harness: PostgreSQL does not end well\n");
        process_print_log (self->server);
        wait_report_tell ("PostgreSQL does not end well");
    }
    postgres_kill (self);
    return well;
}

bool
postgres_restart (postgres_t *self)
{
    return postgres_stop (self) && postgres_start (self);
}

// ---------------------------------------------------------------------------------------------
//  Killing

//  State letter and parent of a process; false when it is gone.
static bool
s_look (pid_t pid, char *state, pid_t *parent)
{
    char path[40], line[300] = "";
    snprintf (path, sizeof path, "/proc/%d/stat", (int) pid);
    int handle = open (path, O_RDONLY | O_CLOEXEC);
    if (handle < 0)
        return false;
    ssize_t size = read (handle, line, sizeof line - 1);
    close (handle);
    //  The name before it may have anything in it, brackets too.
    const char *rest = size > 0 ? strrchr (line, ')') : NULL;
    if (!rest || strlen (rest) < 5)
        return false;
    *state = rest[2];
    *parent = (pid_t) strtol (rest + 4, NULL, 10);
    return true;
}

//  Returns the children of a process; the caller frees them.
static pid_t *
s_children (pid_t pid, size_t *count)
{
    pid_t *children = NULL, parent;
    char state;
    *count = 0;
    DIR *processes = opendir ("/proc");
    assert (processes);
    for (struct dirent *entry = readdir (processes); entry; entry = readdir (processes)) {
        pid_t child = (pid_t) strtol (entry->d_name, NULL, 10);
        if (child <= 0 || !s_look (child, &state, &parent) || parent != pid)
            continue;
        children = realloc (children, (*count + 1) * sizeof *children);
        assert (children);
        children[(*count)++] = child;
    }
    closedir (processes);
    return children;
}

//  Stopped, it has no more children than can be seen.
static void
s_freeze (pid_t pid)
{
    uint64_t deadline = eventually_deadline (STOP_WITHIN);
    char state = 'Z';
    pid_t parent;
    kill (pid, SIGSTOP);
    while (s_look (pid, &state, &parent) && state != 'T' && state != 'Z')
        if (!eventually_again (deadline))
            break;
}

//  A zombie holds nothing any more; it waits for whoever is process 1 here.
static bool
s_is_gone (pid_t pid)
{
    char state;
    pid_t parent;
    return !s_look (pid, &state, &parent) || state == 'Z' || state == 'X';
}

//  All of them get the signal before any of them runs again. Returns the children; the caller frees
//  them.
static pid_t *
s_signal_all (pid_t pid, int signal, size_t *count)
{
    s_freeze (pid);
    pid_t *children = s_children (pid, count);
    for (size_t index = 0; index < *count; index++)
        kill (children[index], signal);
    kill (pid, signal);
    return children;
}

static void
s_kill_family (process_t *server)
{
    size_t count;
    pid_t *children = s_signal_all (process_pid (server), SIGKILL, &count);
    process_kill (server, SIGKILL);
    uint64_t deadline = eventually_deadline (STOP_WITHIN);
    for (size_t index = 0; index < count; index++)
        while (!s_is_gone (children[index]) && eventually_again (deadline))
            ;
    free (children);
}

static void
s_signal_family (postgres_t *self, int signal)
{
    size_t count;
    if (self->server && process_is_alive (self->server))
        free (s_signal_all (process_pid (self->server), signal, &count));
}

void
postgres_freeze (postgres_t *self)
{
    s_signal_family (self, SIGSTOP);
}

void
postgres_thaw (postgres_t *self)
{
    s_signal_family (self, SIGCONT);
}

static bool
s_resize_disk (const postgres_t *self, uint64_t bytes)
{
    char data[100], options[40];
    snprintf (data, sizeof data, "%s/data", self->directory);
    snprintf (options, sizeof options, "size=%" PRIu64, bytes);
    return mount ("stentor", data, NULL, MS_REMOUNT, options) == 0;
}

bool
postgres_fill_disk (postgres_t *self)
{
    char data[100];
    struct statvfs disk;
    snprintf (data, sizeof data, "%s/data", self->directory);
    //  What the server takes between the two is what the next try is for.
    for (int try = 0; self->options.disk_bytes && try < FILL_TRIES; try++)
        if (statvfs (data, &disk) == 0
            && s_resize_disk (self, (disk.f_blocks - disk.f_bfree) * disk.f_frsize))
            return true;
    return false;
}

void
postgres_empty_disk (postgres_t *self)
{
    s_resize_disk (self, self->options.disk_bytes);
}

//  A killed server leaves a small piece of System V memory behind, named in line 7 of its file.
static void
s_forget_memory (const postgres_t *self)
{
    char path[100], line[200];
    int key, id;
    snprintf (path, sizeof path, "%s/data/postmaster.pid", self->directory);
    FILE *file = fopen (path, "re");
    if (!file)
        return;
    for (int number = 1; fgets (line, sizeof line, file); number++)
        if (number == 7 && sscanf (line, "%d %d", &key, &id) == 2)
            shmctl (id, IPC_RMID, NULL);
    fclose (file);
}

void
postgres_kill (postgres_t *self)
{
    if (self->server && process_is_alive (self->server)) {
        s_kill_family (self->server);
        s_forget_memory (self);
    }
    process_destroy (&self->server);
}

// ---------------------------------------------------------------------------------------------
//  Its life

//  The test is over and these were never destroyed. Before the destructors, process's among them.
static void
s_destroy_what_is_left (void)
{
    while (!list_is_empty (&s_all)) {
        postgres_t *self = LIST_THING (list_first (&s_all), postgres_t, place);
        if (self->server)
            process_print_log (self->server);
        postgres_destroy (&self);
    }
}

//  A copy of what the primary has, which says where the rest comes from.
static bool
s_copy_data (const postgres_t *self, const postgres_t *primary)
{
    char data[100], port[32];
    snprintf (data, sizeof data, "%s/data", self->directory);
    snprintf (port, sizeof port, "%u", primary->port);
    const char *const arguments[] = { "-D", data,      "-h",         "127.0.0.1",         "-p",
                                      port, "-U",      "stentor",    "--checkpoint=fast", "-X",
                                      "stream", "--no-sync", "--write-recovery-conf", NULL };
    return s_is_done (s_run (self, "pg_basebackup", arguments), COPY_WITHIN);
}

static postgres_t *
s_new (const postgres_options_t *options, const postgres_t *primary)
{
    static bool s_is_prepared;
    if (!s_is_prepared) {
        s_is_prepared = true;
        atexit (s_destroy_what_is_left);
        s_sweep ();
    }
    postgres_t *self = calloc (1, sizeof *self);
    assert (self);
    list_init (&self->place);
    list_append (&s_all, &self->place);
    self->lock = -1;
    self->options = options ? *options : (postgres_options_t){ 0 };
    self->version = s_newest_version ();
    self->port = ports_free ();
    snprintf (self->url, sizeof self->url, "postgresql://stentor@127.0.0.1:%u/postgres",
              self->port);
    snprintf (self->own_url, sizeof self->own_url,
              "%s?connect_timeout=10&options=-c%%20statement_timeout%%3D%d", self->url,
              ANSWER_WITHIN);
    if (self->version == 0)
        fprintf (stderr, "harness: there is no PostgreSQL below " PROGRAMS "\n");
    else if (s_make_directory (self)
             && (primary ? s_copy_data (self, primary) : s_make_data (self))
             && postgres_start (self))
        return self;
    postgres_destroy (&self);
    return NULL;
}

postgres_t *
postgres_new (const postgres_options_t *options)
{
    return s_new (options, NULL);
}

postgres_t *
postgres_standby_new (postgres_t *primary)
{
    return s_new (NULL, primary);
}

void
postgres_destroy (postgres_t **self_p)
{
    postgres_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    postgres_stop (self);
    list_remove (&self->place);
    if (self->lock >= 0) {
        char data[100];
        snprintf (data, sizeof data, "%s/data", self->directory);
        if (self->options.disk_bytes)
            umount2 (data, MNT_DETACH);
        s_remove_all (self->directory);
        close (self->lock);
    }
    free (self);
}

const char *
postgres_url (const postgres_t *self)
{
    return self->url;
}

uint16_t
postgres_port (const postgres_t *self)
{
    return self->port;
}

// ---------------------------------------------------------------------------------------------
//  SQL

//  Returns the result, NULL when it failed.
//  What the server knows the harness' own connections by.
#define OWN_NAME "test harness"

static PGresult *
s_ask (const postgres_t *self, const char *sql)
{
    static const char *const names[] = { "dbname", "application_name", NULL };
    const char *const values[] = { self->own_url, OWN_NAME, NULL };
    PGconn *connection = PQconnectdbParams (names, values, 1);
    PGresult *result = PQstatus (connection) == CONNECTION_OK ? PQexec (connection, sql) : NULL;
    ExecStatusType status = PQresultStatus (result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        fprintf (stderr, "harness: %s\n%s", sql, PQerrorMessage (connection));
        PQclear (result);
        result = NULL;
    }
    PQfinish (connection);
    return result;
}

bool
postgres_exec (postgres_t *self, const char *sql)
{
    PGresult *result = s_ask (self, sql);
    PQclear (result);
    return result != NULL;
}

char *
postgres_query (postgres_t *self, const char *sql)
{
    PGresult *result = s_ask (self, sql);
    char *text = NULL;
    if (PQntuples (result) > 0 && PQnfields (result) > 0 && !PQgetisnull (result, 0, 0))
        text = strdup (PQgetvalue (result, 0, 0));
    PQclear (result);
    wait_report_saw (sql, "%s", text ? text : "NULL");
    return text;
}

bool
postgres_is_level (postgres_t *standby, postgres_t *primary)
{
    char *end = postgres_query (primary, "select pg_current_wal_lsn ()"), sql[100];
    snprintf (sql, sizeof sql, "select pg_last_wal_replay_lsn () >= '%s'", end ? end : "0/0");
    char *is_level = postgres_query (standby, sql);
    bool rc = end && is_level && strcmp (is_level, "t") == 0;
    free (end);
    free (is_level);
    return rc;
}

bool
postgres_promote (postgres_t *standby)
{
    char *rc = postgres_query (standby, "select pg_promote ()");
    bool is_promoted = rc && strcmp (rc, "t") == 0;
    free (rc);
    return is_promoted;
}

unsigned
postgres_kill_backends (postgres_t *self, unsigned most)
{
    char sql[500];
    //  Each is waited for: it has let go of its locks when this returns. The server may still be
    //  ending the connection of a query that we made before.
    snprintf (sql, sizeof sql,
              "select count(*) filter (where pg_terminate_backend (pid, 5000)) from (select pid"
              " from pg_stat_activity where backend_type = 'client backend'"
              " and application_name <> '" OWN_NAME "' order by backend_start limit %u) as victims",
              most);
    char *count = postgres_query (self, sql);
    unsigned killed = count ? (unsigned) strtoul (count, NULL, 10) : 0;
    free (count);
    return killed;
}
