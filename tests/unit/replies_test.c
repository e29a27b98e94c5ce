//  replies — what is refused is counted each time, and logged no faster than somebody can read.

#include "office_rig.h"
#include "tables/postoffice_metrics.h"
#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

TestSuite (answers, .init = rig_begin, .fini = rig_end);

static int s_pipe[2], s_stderr;

static void
s_catch (void)
{
    cr_assert_eq (pipe2 (s_pipe, O_CLOEXEC), 0);
    cr_assert_neq (fcntl (s_pipe[0], F_SETFL, O_NONBLOCK), -1);
    s_stderr = fcntl (STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    dup2 (s_pipe[1], STDERR_FILENO);
}

//  How many lines have these words in them, of all that were written since s_catch.
static unsigned
s_lines (const char *words)
{
    static char lines[65536];
    ssize_t size = read (s_pipe[0], lines, sizeof lines - 1);
    lines[size > 0 ? size : 0] = '\0';
    dup2 (s_stderr, STDERR_FILENO);
    close (s_pipe[0]);
    close (s_pipe[1]);
    close (s_stderr);
    unsigned count = 0;
    for (const char *at = lines; (at = strstr (at, words)); at++)
        count++;
    return count;
}

Test (answers, an_impatient_client_does_not_fill_the_log)
{
    visitor_joins (1, 5);
    rig_run ();
    int64_t before = postoffice_verdicts[VERDICT_NOT_JOINED];
    s_catch ();
    char id[20];
    for (int at = 0; at < 500; at++) {
        snprintf (id, sizeof id, "m%d", at);
        say (1, 99, id); //  an endpoint that never came in
        rig_run ();
    }
    cr_assert_eq (s_lines ("\"refused\""), LOG_LIMIT_LINES);
    cr_assert_eq (postoffice_verdicts[VERDICT_NOT_JOINED] - before, 500);
}

//  Somebody else's refusal, of another kind, is still seen.
Test (answers, each_verdict_has_its_own_limit)
{
    visitor_joins (1, 5);
    for (int at = 0; at < 100; at++)
        say (1, 99, "m");
    rig_run ();
    s_catch ();
    attach_as (1, 6, ROLE_VISITOR, "mallory", DIALECT_RICH, ATTACH_JOIN, 0);
    rig_run ();
    cr_assert_eq (s_lines ("not_yours"), 1);
}
