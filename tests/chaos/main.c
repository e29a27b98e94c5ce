//  chaos — a router with replicas at full load, and everything that may befall it, for as long as
//  it takes to acknowledge a million messages. Then counts what was lost, doubled or out of order.
//
//      chaos            see docs/chaos.md
//      chaos --lost-tail   with a fail-over that loses acknowledged messages
//      chaos --rollout     nothing fails: everything is replaced, under thousands of clients
//      chaos --help     the settings and the faults
//
//  Ends with 0; 1 when the router did not do what it promises; 64, 69 or 78 when it could not be
//  tried.

#include "audit.h"
#include "crowd.h"
#include "nemesis.h"
#include "report.h"
#include "rollout.h"

#include "eventually.h"

#include "base/clock.h"

#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECOND 1000000u
#define PROGRESS_EVERY (5 * SECOND)
#define WATCH_EVERY SECOND
#define SETTLE_SAID_EVERY (15 * SECOND)

static volatile sig_atomic_t s_is_interrupted;

static void
s_interrupt (int signal)
{
    (void) signal;
    s_is_interrupted = 1;
}

static int
s_remove (const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void) status, (void) type, (void) place;
    return remove (path);
}

static void
s_print_progress (report_t *run, uint64_t began_us, uint64_t since_us, uint64_t before)
{
    uint64_t now = clock_mono_us (), acked = atomic_load (&crowd_scene (run->crowd)->acked);
    printf ("%6.0f s  %9" PRIu64 " acknowledged  %6.0f/s  %" PRIu64 " wrong  now: %s\n",
            (double) (now - began_us) / 1e6, acked,
            (double) (acked - before) * 1e6 / (double) (now - since_us),
            findings_sum (deployment_trouble (run->site)), nemesis_now (run->nemesis));
    fflush (stdout);
}

//  A long run does not end before every fault was tried.
static bool
s_is_over (const report_t *run, uint64_t began_us)
{
    uint64_t seconds = run->plan->seconds;
    return s_is_interrupted
           || (atomic_load (&crowd_scene (run->crowd)->acked) >= run->plan->messages
               && (run->plan->messages < PLAN_LONG || nemesis_has_tried_all (run->nemesis)))
           || (seconds && clock_mono_us () >= began_us + seconds * SECOND);
}

static void
s_rage (report_t *run)
{
    uint64_t began = clock_mono_us (), printed = began, watched = began, before = 0;
    while (!s_is_over (run, began)) {
        nemesis_turn (run->nemesis);
        if (run->loss)
            tail_loss_turn (run->loss);
        uint64_t now = clock_mono_us ();
        if (now >= watched + WATCH_EVERY) {
            deployment_watch (run->site);
            watched = now;
        }
        if (now >= printed + PROGRESS_EVERY) {
            s_print_progress (run, began, printed, before);
            printed = now;
            before = atomic_load (&crowd_scene (run->crowd)->acked);
        }
        eventually_again (UINT64_MAX);
    }
    nemesis_end (run->nemesis);
    run->began_us = began;
    run->talked_us = clock_mono_us () - began;
}

//  Says what is outstanding, when it takes long.
static bool
s_is_settled (const report_t *run, uint64_t *said_us)
{
    uint64_t now = clock_mono_us ();
    bool is_quiet = crowd_is_quiet (run->crowd), is_ordered = orders_are_quiet (run->orders);
    if ((!is_quiet || !is_ordered) && now < *said_us + SETTLE_SAID_EVERY)
        return false;
    int64_t unfinished = audit_unfinished (run->site), closed = audit_closed (run->site);
    int64_t left = (int64_t) atomic_load (&crowd_scene (run->crowd)->away);
    if (is_quiet && is_ordered && unfinished == 0 && closed >= left)
        return true;
    if (now >= *said_us + SETTLE_SAID_EVERY) {
        fprintf (stderr,
                 "chaos: not settled: the crowd %s, the orders %s, %" PRId64
                 " work items are not finished, %" PRId64 " of %" PRId64 " left sessions closed\n",
                 is_quiet ? "is quiet" : "waits", is_ordered ? "are there" : "are not there",
                 unfinished, closed, left);
        *said_us = now;
    }
    return false;
}

//  Nobody says anything new: what is outstanding comes, in a bounded time.
static void
s_settle (report_t *run)
{
    uint64_t began = clock_mono_us (), said = began;
    uint64_t deadline = eventually_deadline (run->plan->settle * 1000);
    crowd_fall_silent (run->crowd);
    orders_fall_silent (run->orders);
    printf ("chaos: no more faults; everything is to settle\n");
    while (eventually_again (deadline) && !s_is_settled (run, &said))
        deployment_watch (run->site);
    run->settled_us = clock_mono_us () - began;
    crowd_end (run->crowd);
}

//  What is there to be tried by the crowd itself, beside the faults. A run that ends with its time
//  may end before it.
static void
s_look_for_untried (const report_t *run)
{
    crowd_context_t *scene = crowd_scene (run->crowd);
    if (run->plan->seconds == 0 && run->plan->pairs >= TALK_SLOW_ONE_IN
        && atomic_load (&scene->acked) >= PLAN_LONG
        && atomic_load (&scene->slow_closes) == 0)
        findings_note (deployment_trouble (run->site), TROUBLE_BROKEN, WHO_SERVICE, NULL,
                       "no slow reader was closed with 1013: that was not tried");
}

//  False when what happened cannot be read.
static bool
s_audit (report_t *run)
{
    bool is_good = (!run->loss || tail_loss_read (run->loss))
                   && audit_run (&run->audit, run->site, run->crowd, run->loss);
    if (!orders_are_quiet (run->orders))
        return false;
    evidence_t *evidence = evidence_new (run->site, run->nemesis, run->orders);
    if (evidence)
        delivery_audit (evidence_view (evidence), &run->deliveries,
                        deployment_trouble (run->site));
    is_good = is_good && evidence;
    evidence_destroy (&evidence);
    return is_good;
}

static int
s_run (const plan_t *plan, const char *place)
{
    findings_t *trouble = findings_new ();
    report_t run = { .plan = plan, .site = deployment_new (plan, place, trouble) };
    int code = 69;
    if (run.site)
        run.orders = orders_new (stack_postgres (deployment_stack (run.site)), plan);
    if (run.orders && plan->is_tail_lost)
        run.loss = tail_loss_new (run.site, plan->seconds / 2);
    if (run.orders && (run.loss || !plan->is_tail_lost)) {
        run.crowd = crowd_new (plan, run.site, trouble);
        run.nemesis = nemesis_new (plan, run.site);
        if (plan->is_rollout)
            rollout_run (&run, &s_is_interrupted);
        else
            s_rage (&run);
        s_settle (&run);
        s_look_for_untried (&run);
        bool is_audited = s_audit (&run);
        report_print (&run);
        code = findings_sum (trouble) > 0 ? 1 : is_audited ? 0 : 69;
    }
    nemesis_destroy (&run.nemesis);
    crowd_destroy (&run.crowd);
    orders_destroy (&run.orders);
    tail_loss_destroy (&run.loss);
    deployment_destroy (&run.site);
    findings_destroy (&trouble);
    return code;
}

int
main (int argc, char **argv)
{
    plan_t plan;
    char place[] = "/tmp/stentor-chaos-XXXXXX";
    if (argc > 1 && strcmp (argv[1], "--help") == 0) {
        plan_help ();
        return 0;
    }
    bool is_tail_lost = argc > 1 && strcmp (argv[1], "--lost-tail") == 0;
    bool is_rollout = argc > 1 && strcmp (argv[1], "--rollout") == 0;
    if (argc > 1 && !is_tail_lost && !is_rollout) {
        fprintf (stderr, "chaos: takes its settings from the environment; --help lists them\n");
        return 64;
    }
    if (!plan_read (&plan))
        return 78;
    if (is_tail_lost)
        plan_lose_tail (&plan);
    if (is_rollout)
        plan_roll_out (&plan);
    if (!mkdtemp (place)) {
        perror ("chaos: /tmp");
        return 69;
    }
    setenv ("TMPDIR", place, 1);
    process_keep_logs ();
    signal (SIGPIPE, SIG_IGN);
    signal (SIGINT, s_interrupt);
    signal (SIGTERM, s_interrupt);
    printf ("chaos: seed %" PRIu64 "\n", plan.seed);
    fflush (stdout);
    int code = s_run (&plan, place);
    if (code == 0)
        nftw (place, s_remove, 16, FTW_DEPTH | FTW_PHYS);
    else
        printf ("\nchaos: the logs of all services are kept in %s\n", place);
    printf ("chaos: %s, seed %" PRIu64 "\n", code == 0 ? "ok" : "FAILED", plan.seed);
    return code;
}
