//  genesys-connector as a process before a scripted postoffice: it is there whether or not an app
//  has the section, shows each app's numbers, and goes in order.

#include "genesys_platform.h"
#include "worker_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>

static double
s_metric (const worker_fixture_t *self, const char *name, const char *app)
{
    char sample[200];
    snprintf (sample, sizeof sample, "stentor_genesys_%s{app=\"%s\"}", name, app);
    return process_metric (self->process, sample);
}

Test (genesys_process, is_there_without_an_app, .timeout = 60)
{
    worker_fixture_t *self = worker_fixture_start ("genesys-connector", NULL);
    cr_assert (strstr (self->topics, "platform.genesys"), "%s", self->topics);
    RIG_UNTIL (&self->rig, 5000, process_is_ready (self->process));
    cr_assert_neq (s_metric (self, "budget_left", "demo"), s_metric (self, "budget_left", "demo"),
                   "an app without the section has no numbers: they are no number");
    cr_assert_eq (process_stop (self->process, 10000), 0);
    worker_fixture_end (self);
}

Test (genesys_process, shows_the_numbers_of_each_app, .timeout = 60)
{
    genesys_platform_start ("{\"genesys\":{\"requestsPerMinute\":100}}");
    worker_fixture_t *self = worker_fixture_start (
        "genesys-connector", (const char *const[]){ genesys_platform_apps (), NULL });
    cr_assert_eq (s_metric (self, "budget_left", "demo"), 15);
    cr_assert_eq (s_metric (self, "budget_left", "other"), 45);
    cr_assert_eq (s_metric (self, "conversations_open", "demo"), 0);
    cr_assert_eq (
        process_metric (self->process,
                        "stentor_genesys_calls_total{app=\"demo\",result=\"forbidden\"}"),
        0);
    //  Nothing is asked before there is something to ask.
    cr_assert_eq (genesys_platform_count ("LOGIN"), 0);
    cr_assert_eq (process_log_count (self->process, "very-secret"), 0);
    cr_assert_eq (process_stop (self->process, 10000), 0);
    worker_fixture_end (self);
    genesys_platform_end ();
}
