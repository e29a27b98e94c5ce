//  A test that hangs, or waits in vain, says where everything stood. It is another program's
//  (hanging_example.c), run as ctest runs them.

#include "eventually.h"
#include "ports.h"
#include "process.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static process_t *
s_run (const char *seconds, const char *story)
{
    char filter[60];
    snprintf (filter, sizeof filter, "--filter=hanging/%s", story);
    const char *const arguments[] = { seconds, BIN_DIR "/hanging_example", "--jobs", "1",
                                      "--verbose", filter, NULL };
    process_t *process = process_new ("within", TOOLS "/within", arguments, NULL);
    cr_assert (process);
    return process;
}

static void
s_expect (const char *log, const char *words)
{
    cr_assert (strstr (log, words), "it does not say '%s'", words);
}

//  Where the bot of the other program listened.
static uint16_t
s_port (const char *log)
{
    static const char words[] = "listening on http://127.0.0.1:";
    const char *at = strstr (log, words);
    cr_assert (at);
    return (uint16_t) strtoul (at + strlen (words), NULL, 10);
}

//  Stories, processes, what they logged, stacks.
static void
s_expect_everything (const char *log, const char *story)
{
    s_expect (log, story);
    s_expect (log, "demo-bot, child of ");
    s_expect (log, "the end of /tmp/stentor-patient-bot-");
    s_expect (log, "\ndemo-bot: listening on ");
    s_expect (log, "uv_run");
}

Test (wait_report_harness, a_test_that_hangs_says_where_it_stood)
{
    process_t *within = s_run ("200", "for_ever");
    cr_assert (process_wait_log (within, "now it hangs", 30000));
    process_kill (within, SIGALRM); //  its time is up
    cr_assert_eq (process_wait_exit (within, 60000), 124);
    char *log = process_log (within);
    s_expect (log, "not done in 200 s");
    s_expect (log, "in hanging::for_ever (pid ");
    s_expect (log, "the weather = rain");
    s_expect (log, "s_sleep_for_ever");
    s_expect_everything (log, "hanging::for_ever");
    s_expect (log, "patient-bot is pid ");
    EVENTUALLY (5000, !ports_answers (s_port (log))); //  all of it is ended
    free (log);
    process_destroy (&within);
}

Test (wait_report_harness, a_condition_that_does_not_come_true_says_where_everything_stands)
{
    process_t *within = s_run ("60", "in_vain");
    cr_assert_eq (process_wait_exit (within, 60000), 1);
    char *log = process_log (within);
    s_expect (log, "ms: process_log_count (bot, \"never said\")");
    s_expect (log, "in hanging::in_vain (pid ");
    s_expect (log, "times: patient-bot: never said = 0");
    s_expect (log, "eventually_missed");
    s_expect_everything (log, "hanging::in_vain");
    free (log);
    process_destroy (&within);
}

Test (wait_report_harness, a_program_that_ends_in_time_ends_as_it_would)
{
    process_t *within = process_new ("within", TOOLS "/within",
                                     (const char *[]){ "60", "sh", "-c", "exit 3", NULL }, NULL);
    cr_assert_eq (process_wait_exit (within, 30000), 3);
    process_destroy (&within);
}
