//  wait_report — see wait_report.h.

#include "wait_report.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIGHTS_KEPT 16
#define SPEAKERS_MOST 8
#define TOLD_MOST 2

typedef struct {
    char what[120];
    char value[120];
    unsigned times; //  in a row that it was this value
    uint64_t at_ms; //  0: none
} sight_t;

static sight_t s_sights[SIGHTS_KEPT];
static void (*s_speakers[SPEAKERS_MOST]) (void);
static unsigned s_told;
static uint64_t s_began_ms;

//  The one of that name, else a free one, else the oldest.
static sight_t *
s_sight (const char *what)
{
    sight_t *oldest = &s_sights[0];
    for (unsigned index = 0; index < SIGHTS_KEPT; index++) {
        sight_t *sight = &s_sights[index];
        if (strncmp (sight->what, what, sizeof sight->what - 1) == 0)
            return sight;
        if (sight->at_ms < oldest->at_ms)
            oldest = sight;
    }
    *oldest = (sight_t){ 0 };
    snprintf (oldest->what, sizeof oldest->what, "%s", what);
    return oldest;
}

void
wait_report_saw (const char *what, const char *format, ...)
{
    char value[sizeof s_sights->value];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (value, sizeof value, format, arguments);
    va_end (arguments);
    sight_t *sight = s_sight (what);
    sight->times = strcmp (sight->value, value) == 0 ? sight->times + 1 : 1;
    memcpy (sight->value, value, sizeof value);
    sight->at_ms = clock_mono_ms ();
}

void
wait_report_ask (void (*speak) (void))
{
    for (unsigned index = 0; index < SPEAKERS_MOST; index++) {
        if (s_speakers[index] == speak)
            return;
        if (!s_speakers[index]) {
            s_speakers[index] = speak;
            return;
        }
    }
}

static void
s_tell_story (void)
{
    const struct criterion_test *test = criterion_current_test;
    fprintf (stderr, "in %s::%s (pid %d), %" PRIu64 " ms after its beginning\n",
             test ? test->category : "no story", test ? test->name : "", (int) getpid (),
             clock_mono_ms () - s_began_ms);
}

static void
s_tell_sights (void)
{
    uint64_t now = clock_mono_ms ();
    for (unsigned index = 0; index < SIGHTS_KEPT; index++) {
        const sight_t *sight = &s_sights[index];
        if (sight->at_ms)
            fprintf (stderr, "  seen %" PRIu64 " ms ago, %u times: %s = %s\n", now - sight->at_ms,
                     sight->times, sight->what, sight->value);
    }
}

static void
s_speak (const char *why)
{
    fprintf (stderr, "**** lookout: %s\n", why);
    s_tell_story ();
    s_tell_sights ();
    for (unsigned index = 0; index < SPEAKERS_MOST && s_speakers[index]; index++)
        s_speakers[index]();
}

//  Everything that this process started, and this process.
static void
s_look_around (void)
{
    char pid[16];
    snprintf (pid, sizeof pid, "%d", (int) getpid ());
    //  Where the kernel lets only a parent look, a child of ours may, too.
    prctl (PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    pid_t child = fork ();
    if (child == 0) {
        dup2 (STDERR_FILENO, STDOUT_FILENO);
        execl (TOOLS "/whereabouts", "whereabouts", pid, (char *) NULL);
        _exit (127);
    }
    if (child > 0)
        waitpid (child, NULL, 0);
}

void
wait_report_tell (const char *why)
{
    if (s_told++ >= TOLD_MOST)
        return;
    s_speak (why);
    s_look_around ();
    fprintf (stderr, "**** lookout: that was all\n");
}

bool
wait_report_has_told (void)
{
    return s_told > 0;
}

//  It hangs, and will be ended: what may not be called in a handler can make nothing worse.
static void
s_is_asked (int signal)
{
    (void) signal;
    if (criterion_current_test)
        s_speak ("not done in time");
}

__attribute__ ((constructor)) static void
s_begin (void)
{
    s_began_ms = clock_mono_ms ();
    signal (SIGUSR2, s_is_asked);
}
