//  What chaos says of a process that cannot be started again: the run must not pass in silence.

#include "faults.h"

#include "eventually.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READY_WITHIN 20000 //  ms

//  Little of everything, and nobody who talks to it.
static const plan_t s_plan = { .edges = 1, .postoffices = 1, .connectors = 1, .workers = 1 };
static const char *const s_programs[] = { "postoffice", "edge", "stentor-connector",
                                          "chaos-worker" };
static const char *s_home; //  of the programs
static char s_place[] = "/tmp/stentor-site-XXXXXX";
static findings_t *s_trouble;
static deployment_t *s_site;

//  The harness finds the program where it is put, or does not.
static void
s_put (const char *program, bool is_there)
{
    char path[500], link[100];
    snprintf (path, sizeof path, "%s/%s", s_home, program);
    snprintf (link, sizeof link, "%s/%s", s_place, program);
    unlink (link);
    if (is_there)
        cr_assert_eq (symlink (path, link), 0);
}

static void
s_put_program (bool is_there)
{
    s_put ("postoffice", is_there);
}

static void
s_begin (void)
{
    s_home = getenv ("BIN_DIR") ? strdup (getenv ("BIN_DIR")) : BIN_DIR;
    cr_assert_not_null (mkdtemp (s_place));
    for (unsigned program = 0; program < sizeof s_programs / sizeof *s_programs; program++)
        s_put (s_programs[program], true);
    setenv ("BIN_DIR", s_place, 1);
    s_trouble = findings_new ();
    s_site = deployment_new (&s_plan, s_place, s_trouble);
    cr_assert_not_null (s_site);
}

//  Links to programs, and hosts files.
static void
s_end (void)
{
    char path[600];
    deployment_destroy (&s_site);
    findings_destroy (&s_trouble);
    DIR *place = opendir (s_place);
    cr_assert_not_null (place);
    for (struct dirent *entry; (entry = readdir (place));) {
        snprintf (path, sizeof path, "%s/%s", s_place, entry->d_name);
        unlink (path);
    }
    closedir (place);
    cr_assert_eq (rmdir (s_place), 0);
}

static drawn_t
s_draw (int fault)
{
    chance_t chance = { .state = 1 };
    drawn_t drawn;
    fault_draw (fault, s_site, &chance, &drawn);
    return drawn;
}

static uint64_t
s_broken (void)
{
    return findings_count (s_trouble, TROUBLE_BROKEN, WHO_SERVICE);
}

static bool
s_is_ready (void)
{
    return stack_wait_ready (deployment_stack (s_site), deployment_name (SITE_POSTOFFICE, 0));
}

Test (chaos_site, a_killed_one_that_does_not_start_is_trouble)
{
    s_begin ();
    drawn_t drawn = s_draw (FAULT_kill_postoffice);
    cr_assert (fault_begin (&drawn, s_site));
    s_put_program (false);
    fault_end (&drawn, s_site);
    cr_assert_eq (s_broken (), 1);

    //  Stopped it cannot be; killed it is once more, and started now.
    drawn_t stop = s_draw (FAULT_stop_postoffice);
    cr_assert (!fault_begin (&stop, s_site));
    s_put_program (true);
    cr_assert (fault_begin (&drawn, s_site));
    fault_end (&drawn, s_site);
    cr_assert (s_is_ready ());
    cr_assert_eq (s_broken (), 1);
    s_end ();
}

Test (chaos_site, a_roll_that_breaks_is_trouble)
{
    s_begin ();
    drawn_t drawn = s_draw (FAULT_roll_postoffices);
    cr_assert (fault_begin (&drawn, s_site));
    cr_assert_eq (s_broken (), 0);
    s_put_program (false);
    cr_assert (fault_begin (&drawn, s_site), "it was done, though not to its end");
    cr_assert_eq (s_broken (), 2, "who cannot be started, and where the roll ended");
    s_end ();
}

Test (chaos_site, one_more_that_does_not_start_is_trouble)
{
    s_begin ();
    drawn_t drawn = s_draw (FAULT_one_more_postoffice);
    s_put_program (false);
    cr_assert (!fault_begin (&drawn, s_site));
    cr_assert_eq (s_broken (), 1);
    s_put_program (true);
    cr_assert (fault_begin (&drawn, s_site));
    fault_end (&drawn, s_site);
    uint64_t deadline = eventually_deadline (READY_WITHIN);
    while (!deployment_is_down (s_site, SITE_POSTOFFICE, 1) && eventually_again (deadline))
        deployment_watch (s_site);
    cr_assert (deployment_is_down (s_site, SITE_POSTOFFICE, 1));
    cr_assert_eq (s_broken (), 1);
    s_end ();
}

Test (chaos_site, one_that_dies_and_does_not_start_is_trouble)
{
    s_begin ();
    s_put_program (false);
    process_kill (stack_process (deployment_stack (s_site), deployment_name (SITE_POSTOFFICE, 0)),
                  SIGKILL);
    deployment_watch (s_site);
    cr_assert_eq (s_broken (), 2, "it ended by itself, and cannot be started");
    cr_assert (deployment_is_down (s_site, SITE_POSTOFFICE, 0));
    deployment_watch (s_site);
    cr_assert_eq (s_broken (), 2);
    s_end ();
}
