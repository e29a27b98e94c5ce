//  A test that hangs, and one that waits in vain: what wait_report_harness_test looks at. Neither
//  is run by itself.

#include "eventually.h"
#include "wait_report.h"
#include "ports.h"
#include "process.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

static process_t *
s_start_bot (void)
{
    char settings[3][60];
    uint16_t port = ports_free ();
    snprintf (settings[0], sizeof settings[0], "DEMO_BOT_PORT=%u", port);
    snprintf (settings[1], sizeof settings[1], "OPERATIONS_PORT=%u", ports_free ());
    process_t *bot = process_new ("patient-bot", "demo-bot", NULL,
                                  (const char *[]){ settings[0], settings[1], NULL });
    cr_assert (bot);
    EVENTUALLY (10000, ports_answers (port));
    return bot;
}

//  A name to be found in a stack.
__attribute__ ((noinline)) static void
s_sleep_for_ever (void)
{
    for (;;)
        pause ();
}

Test (hanging, for_ever)
{
    s_start_bot ();
    wait_report_saw ("the weather", "%s", "rain");
    fprintf (stderr, "now it hangs\n");
    s_sleep_for_ever ();
}

//  Neither is this one's condition ever true.
Test (hanging, in_vain)
{
    process_t *bot = s_start_bot ();
    EVENTUALLY (200, process_log_count (bot, "never said"));
}
