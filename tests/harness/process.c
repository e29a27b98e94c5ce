//  process — see process.h.

#include "process.h"

#include "eventually.h"
#include "http_get.h"
#include "wait_report.h"
#include "base/list.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef BIN_DIR
#define BIN_DIR "."
#endif

#define STOP_WITHIN 10000   //  ms between SIGTERM and SIGKILL
#define LOG_PRINTED 12000   //  bytes of a log's end that are shown
#define SETTINGS_MOST 256

struct process {
    list_t place; //  among those that are not destroyed yet
    char *name;
    char *log_path;
    pid_t pid;
    bool is_stopped; //  by a SIGSTOP of this test
    bool ended;
    int exit_code;
    uint16_t operations_port;
};

static list_t s_all = { &s_all, &s_all };
static bool s_logs_are_kept;

//  Names those that the pids of lookout belong to, and those that have ended.
static void
s_speak (void)
{
    for (list_t *link = s_all.next; link != &s_all; link = link->next) {
        process_t *process = LIST_THING (link, process_t, place);
        if (process_is_alive (process))
            fprintf (stderr, "  %s is pid %d\n", process->name, (int) process->pid);
        else
            fprintf (stderr, "  %s (pid %d) has ended with %d\n", process->name,
                     (int) process->pid, process->exit_code);
    }
}

void
process_keep_logs (void)
{
    s_logs_are_kept = true;
}

//  Takes it out of the list, with its log's file; the program itself must be gone.
static void
s_forget (process_t *self)
{
    list_remove (&self->place);
    if (!s_logs_are_kept)
        unlink (self->log_path);
    free (self->log_path);
    free (self->name);
    free (self);
}

//  The test is over and these were never destroyed: show what they had to say.
__attribute__ ((destructor)) static void
s_show_what_is_left (void)
{
    if (!list_is_empty (&s_all) && !s_logs_are_kept && !wait_report_has_told ())
        wait_report_tell ("the test has ended early");
    while (!list_is_empty (&s_all)) {
        process_t *process = LIST_THING (list_first (&s_all), process_t, place);
        if (!s_logs_are_kept)
            process_print_log (process);
        process_kill (process, SIGKILL);
        s_forget (process);
    }
}

static bool
s_is_program (const char *path)
{
    struct stat status;
    return stat (path, &status) == 0 && S_ISREG (status.st_mode) && access (path, X_OK) == 0;
}

//  Where programs are looked for that are given by name, before PATH.
static const char *
s_programs (void)
{
    const char *programs = getenv ("BIN_DIR"); //  of another build, say
    return programs ? programs : BIN_DIR;
}

//  The path of a program that is given by path, or by name. The caller frees it.
static char *
s_find (const char *program)
{
    if (strchr (program, '/'))
        return s_is_program (program) ? strdup (program) : NULL;
    char *places, *path = NULL, *rest;
    if (asprintf (&places, "%s:%s", s_programs (), getenv ("PATH") ? getenv ("PATH") : "/usr/bin")
        < 0)
        return NULL;
    for (char *place = strtok_r (places, ":", &rest); place; place = strtok_r (NULL, ":", &rest)) {
        if (asprintf (&path, "%s/%s", place, program) > 0 && s_is_program (path))
            break;
        free (path);
        path = NULL;
    }
    free (places);
    return path;
}

static bool
s_is_named (const char *const *settings, const char *setting)
{
    size_t name = strcspn (setting, "=") + 1;
    while (*settings && strncmp (*settings, setting, name) != 0)
        settings++;
    return *settings != NULL;
}

void
process_settings (const char **to, size_t most, const char *const *more, const char *const *usual)
{
    size_t count = 0;
    *to = NULL;
    for (; more && *more && count + 1 < most; more++)
        to[count++] = *more;
    to[count] = NULL;
    for (; *usual && count + 1 < most; usual++)
        if (!s_is_named (to, *usual)) {
            to[count++] = *usual;
            to[count] = NULL;
        }
    assert (!*usual && (!more || !*more)); //  else there was no room
}

//  What every program gets of the test's own environment, before its settings.
static size_t
s_inherit (char **environment)
{
    static const char *const s_names[] = { "PATH",          "HOME",         "TMPDIR",
                                           "ASAN_OPTIONS",  "LSAN_OPTIONS", "TSAN_OPTIONS",
                                           "UBSAN_OPTIONS" };
    size_t count = 0;
    for (size_t index = 0; index < sizeof s_names / sizeof s_names[0]; index++) {
        const char *value = getenv (s_names[index]);
        if (value && asprintf (&environment[count], "%s=%s", s_names[index], value) > 0)
            count++;
    }
    environment[count++] = strdup ("LC_ALL=C.UTF-8");
    return count;
}

static char *
s_log_new (const char *name)
{
    const char *place = getenv ("TMPDIR") ? getenv ("TMPDIR") : "/tmp";
    char *path;
    if (asprintf (&path, "%s/stentor-%s-XXXXXX", place, name) < 0)
        return NULL;
    int handle = mkostemp (path, O_APPEND | O_CLOEXEC);
    assert (handle >= 0);
    close (handle);
    return path;
}

//  In the child: becomes the program or ends with 127. No memory is asked for: another thread of
//  the test may have held the lock of it when this one was forked, and nobody lets go of it here.
static void
s_become (const char *path, char *const *vector, char **environment, const char *log_path,
          pid_t parent)
{
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    if (getppid () != parent)
        _exit (127);
    sigset_t none;
    sigemptyset (&none);
    for (int number = 1; number < NSIG; number++)
        signal (number, SIG_DFL);
    sigprocmask (SIG_SETMASK, &none, NULL);
    int log = open (log_path, O_WRONLY | O_APPEND);
    int nothing = open ("/dev/null", O_RDONLY);
    if (log < 0 || nothing < 0 || dup2 (nothing, 0) < 0 || dup2 (log, 1) < 0 || dup2 (log, 2) < 0)
        _exit (127);
    closefrom (3);
    execve (path, vector, environment);
    _exit (127);
}

process_t *
process_new (const char *name, const char *program, const char *const *arguments,
             const char *const *settings)
{
    char *path = s_find (program);
    if (!path) {
        fprintf (stderr, "harness: there is no program %s (looked in %s and PATH)\n", program,
                 s_programs ());
        return NULL;
    }
    char *environment[SETTINGS_MOST + 16] = { NULL };
    size_t inherited = s_inherit (environment);
    for (size_t index = 0; settings && settings[index] && index < SETTINGS_MOST; index++)
        environment[inherited + index] = (char *) (uintptr_t) settings[index];

    char *vector[64] = { path };
    for (size_t index = 0; arguments && arguments[index] && index < 62; index++)
        vector[index + 1] = (char *) (uintptr_t) arguments[index];

    process_t *self = calloc (1, sizeof *self);
    assert (self);
    wait_report_ask (s_speak);
    self->name = strdup (name);
    self->log_path = s_log_new (name);
    list_init (&self->place);
    pid_t parent = getpid ();
    //  A signal to the child must not meet a handler of ours in it.
    sigset_t all, before;
    sigfillset (&all);
    pthread_sigmask (SIG_BLOCK, &all, &before);
    self->pid = fork ();
    assert (self->pid >= 0);
    if (self->pid == 0)
        s_become (path, vector, environment, self->log_path, parent);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    list_append (&s_all, &self->place);
    for (size_t index = 0; index < inherited; index++)
        free (environment[index]);
    free (path);
    return self;
}

//  Any of these in a log is a failure, whatever the exit code was.
static bool
s_sanitizer_spoke (const process_t *self)
{
    return process_log_count (self, "Sanitizer:") || process_log_count (self, "runtime error:");
}

void
process_destroy (process_t **self_p)
{
    process_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    if (process_stop (self, STOP_WITHIN) == -1) {
        fprintf (stderr, "harness: %s did not end within %d ms of SIGTERM\n", self->name,
                 STOP_WITHIN);
        wait_report_tell ("a process does not end");
        process_kill (self, SIGKILL);
    }
    bool bad = s_sanitizer_spoke (self);
    if (bad)
        process_print_log (self);
    s_forget (self);
    if (bad)
        abort ();
}

static void
s_saw (const process_t *self, const char *what, double value)
{
    char sight[200];
    snprintf (sight, sizeof sight, "%s: %s", self->name, what);
    wait_report_saw (sight, "%g", value);
}

const char *
process_name (const process_t *self)
{
    return self->name;
}

pid_t
process_pid (const process_t *self)
{
    return self->pid;
}

static void
s_reap (process_t *self)
{
    int status;
    if (self->ended || waitpid (self->pid, &status, WNOHANG) != self->pid)
        return;
    self->ended = true;
    self->exit_code = WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
}

bool
process_is_alive (process_t *self)
{
    s_reap (self);
    return !self->ended;
}

void
process_kill (process_t *self, int signal)
{
    if (!process_is_alive (self))
        return;
    kill (self->pid, signal);
    if (signal == SIGSTOP || signal == SIGCONT)
        self->is_stopped = signal == SIGSTOP;
    if (signal == SIGKILL)
        process_wait_exit (self, STOP_WITHIN);
}

int
process_wait_exit (process_t *self, uint64_t milliseconds)
{
    uint64_t deadline = eventually_deadline (milliseconds);
    while (process_is_alive (self))
        if (!eventually_again (deadline))
            return -1;
    return self->exit_code;
}

//  One that is stopped could not end. The others get no SIGCONT: it would take the SIGSTOP away by
//  which the leak sanitizer looks at a process that ends, and both would wait for ever.
int
process_stop (process_t *self, uint64_t milliseconds)
{
    process_kill (self, SIGTERM);
    if (self->is_stopped)
        process_kill (self, SIGCONT);
    return process_wait_exit (self, milliseconds);
}

// ---------------------------------------------------------------------------------------------
//  The log

const char *
process_log_path (const process_t *self)
{
    return self->log_path;
}

char *
process_log (const process_t *self)
{
    FILE *file = fopen (self->log_path, "re");
    assert (file);
    struct stat status;
    fstat (fileno (file), &status);
    size_t room = (size_t) status.st_size;
    char *log = malloc (room + 1);
    assert (log);
    log[fread (log, 1, room, file)] = 0;
    fclose (file);
    return log;
}

unsigned
process_log_count (const process_t *self, const char *text)
{
    char *log = process_log (self);
    unsigned count = 0;
    for (char *at = strstr (log, text); at; at = at ? strstr (at, text) : NULL) {
        count++;
        at = strchr (at, '\n');
    }
    free (log);
    s_saw (self, text, count);
    return count;
}

bool
process_wait_log (process_t *self, const char *text, uint64_t milliseconds)
{
    uint64_t deadline = eventually_deadline (milliseconds);
    while (process_log_count (self, text) == 0) {
        bool alive = process_is_alive (self);
        if (alive && eventually_again (deadline))
            continue;
        if (process_log_count (self, text))
            break; //  its last words
        fprintf (stderr, "harness: %s %s and never logged \"%s\"\n", self->name,
                 alive ? "is alive" : "has ended", text);
        wait_report_tell ("a line of a log does not come");
        return false;
    }
    return true;
}

void
process_print_log (const process_t *self)
{
    char *log = process_log (self);
    size_t size = strlen (log);
    const char *from = size > LOG_PRINTED ? log + size - LOG_PRINTED : log;
    fprintf (stderr, "---- the end of the log of %s (pid %d)\n%s----\n", self->name,
             (int) self->pid, from);
    free (log);
}

// ---------------------------------------------------------------------------------------------
//  The operations port

void
process_set_operations_port (process_t *self, uint16_t port)
{
    self->operations_port = port;
}

bool
process_is_ready (process_t *self)
{
    http_answer_t answer = http_get (self->operations_port, "/readyz", NULL);
    bool ready = answer.status == 200;
    s_saw (self, "readiness, as HTTP status", answer.status);
    http_answer_free (&answer);
    return ready;
}

bool
process_wait_ready (process_t *self, uint64_t milliseconds)
{
    uint64_t deadline = eventually_deadline (milliseconds);
    while (!process_is_ready (self)) {
        bool alive = process_is_alive (self);
        if (alive && eventually_again (deadline))
            continue;
        http_answer_t answer = http_get (self->operations_port, "/readyz", NULL);
        fprintf (stderr, "harness: %s %s and is not ready: %s\n", self->name,
                 alive ? "is alive" : "has ended", answer.body ? answer.body : "no answer");
        http_answer_free (&answer);
        process_print_log (self);
        wait_report_tell ("a process does not become ready");
        return false;
    }
    return true;
}

double
process_metric (process_t *self, const char *sample)
{
    http_answer_t answer = http_get (self->operations_port, "/metrics", NULL);
    double value = NAN;
    size_t length = strlen (sample);
    for (char *line = answer.body; line && *line; line = strchr (line, '\n')) {
        line += *line == '\n';
        if (strncmp (line, sample, length) == 0 && line[length] == ' ') {
            value = strtod (line + length, NULL);
            break;
        }
    }
    http_answer_free (&answer);
    s_saw (self, sample, value);
    return value;
}

void
process_keep_little_of_what_is_freed (void)
{
    const char *given = getenv ("ASAN_OPTIONS");
    char options[500];
    snprintf (options, sizeof options,
              "%s%squarantine_size_mb=1:thread_local_quarantine_size_kb=16",
              given ? given : "", given ? ":" : "");
    setenv ("ASAN_OPTIONS", options, 1);
}
