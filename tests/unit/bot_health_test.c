//  What is kept of bots whose apps are in no file, where any app id is accepted.

#include "tables/postoffice_metrics.h"
#include "work/bot_health.h"

#include <criterion/criterion.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

static time_t s_ahead_s;

//  The process's own clock: time passes when the test says so.
int
clock_gettime (clockid_t which, struct timespec *now)
{
    int rc = (int) syscall (SYS_clock_gettime, which, now);
    now->tv_sec += s_ahead_s;
    return rc;
}

static void
s_refuse (void *owner, const turn_t *turn, bool for_good)
{
    (void) owner, (void) turn, (void) for_good;
    cr_assert_fail ("nobody has asked");
}

static void
s_fails (bot_health_t *bots, const char *app, const char *session)
{
    bot_health_note (bots, &(bot_outcome_t){ .app = text_of (app),
                                             .session = text_of (session),
                                             .done = &(bus_done_t){ .outcome = OUTCOME_FAILED,
                                                                    .fault = FAULT_BOT,
                                                                    .status = 503,
                                                                    .tries = 3 } });
}

static bot_view_t
s_view (const bot_health_t *bots, const char *app)
{
    bot_view_t view;
    bot_health_view (bots, text_of (app), &view);
    return view;
}

static void
s_pass (bot_health_t *bots, time_t seconds)
{
    s_ahead_s += seconds;
    bot_health_tick (bots);
}

Test (bot_health, a_bot_of_no_app_is_forgotten)
{
    uv_loop_t loop;
    buffer_t complaint;
    buffer_init (&complaint, 1000);
    cr_assert_eq (uv_loop_init (&loop), 0);
    apps_t *apps = apps_new (&loop, &(apps_config_t){ .file = "", .app_id = "demo" }, &complaint);
    bot_health_t *bots = bot_health_new (apps, s_refuse, NULL);
    const char *const sessions[] = { "1", "2", "3", "4", "5", "6" };
    s_fails (bots, "demo", "1");
    s_fails (bots, "once", "1");
    for (size_t at = 0; at < 6; at++)
        s_fails (bots, "out", sessions[at]);
    cr_assert_eq (s_view (bots, "out").state, CIRCUIT_OPEN);
    cr_assert_eq (postoffice_counts[POSTOFFICE_BOTS_OUT], 1);
    s_pass (bots, 500);
    cr_assert_eq (s_view (bots, "out").state, CIRCUIT_HALF_OPEN);
    cr_assert_eq (s_view (bots, "once").failed_status, 503);
    s_fails (bots, "late", "1");
    s_pass (bots, 200);
    //  Nothing was heard of them for ten minutes; demo is in the file.
    cr_assert_eq (s_view (bots, "out").state, CIRCUIT_CLOSED);
    cr_assert_eq (s_view (bots, "out").openings, 0);
    cr_assert_eq (postoffice_counts[POSTOFFICE_BOTS_OUT], 0);
    cr_assert_eq (s_view (bots, "once").failed_status, 0);
    cr_assert_eq (s_view (bots, "late").failed_status, 503);
    cr_assert_eq (s_view (bots, "demo").failed_status, 503);
    //  When it answered: not yet, and then seven seconds ago.
    cr_assert (!s_view (bots, "demo").has_been_well);
    bot_health_note (bots, &(bot_outcome_t){ .app = TEXT ("demo"),
                                             .session = TEXT ("1"),
                                             .done = &(bus_done_t){
                                                 .outcome = OUTCOME_ANSWERED } });
    s_pass (bots, 7);
    cr_assert (s_view (bots, "demo").has_been_well);
    cr_assert_geq (s_view (bots, "demo").well_ago_ms, 7000);
    bot_health_destroy (&bots);
    apps_destroy (&apps);
    uv_run (&loop, UV_RUN_DEFAULT);
    uv_loop_close (&loop);
    buffer_free (&complaint);
}
