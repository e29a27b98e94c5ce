//  report — see report.h.

#include "report.h"

#include <inttypes.h>
#include <stdio.h>

#define RECOVERY 3000000 //  µs behind a fault in which a pause may be its doing

static uint64_t
s_least (uint64_t left, uint64_t right)
{
    return left < right ? left : right;
}

//  How much of the pause the fault, and the recovery from it, fell into.
static uint64_t
s_overlap (const pause_t *pause, const fault_record_t *record)
{
    uint64_t from = pause->from_us > record->from_us ? pause->from_us : record->from_us;
    uint64_t to = s_least (pause->to_us, record->to_us + RECOVERY);
    return to > from ? to - from : 0;
}

//  The fault that the pause is put down to: the one that fell into most of it, and of those the one
//  that began last; −1: none did.
static int
s_cause (const report_t *self, const pause_t *pause)
{
    size_t count;
    const fault_record_t *records = nemesis_records (self->nemesis, &count);
    uint64_t most = 0;
    int cause = -1;
    for (size_t index = 0; index < count; index++) {
        uint64_t overlap = s_overlap (pause, &records[index]);
        if (overlap > 0 && overlap >= most) {
            most = overlap;
            cause = records[index].drawn.fault;
        }
    }
    return cause;
}

static double
s_seconds (const pause_t *pause)
{
    return (double) (pause->to_us - pause->from_us) / 1e6;
}

static void
s_longest_of_faults (const report_t *self, double *longest)
{
    const pauses_t *pauses = &crowd_scene (self->crowd)->pauses;
    for (size_t index = 0; index < pauses->count; index++) {
        double seconds = s_seconds (&pauses->pauses[index]);
        int cause = s_cause (self, &pauses->pauses[index]);
        if (cause >= 0 && seconds > longest[cause])
            longest[cause] = seconds;
    }
}

static void
s_print_faults (const report_t *self)
{
    double longest[FAULTS] = { 0 };
    s_longest_of_faults (self, longest);
    printf ("\n  %-22s %6s  %s\n", "fault", "times", "longest pause put down to it");
    for (int fault = 0; fault < FAULTS; fault++) {
        unsigned count = nemesis_count (self->nemesis, fault);
        if (!plan_wants (self->plan, fault_word (fault)))
            continue;
        printf ("  %-22s %6u  ", fault_word (fault), count);
        if (fault == FAULT_disk_full && !deployment_has_disk (self->site))
            printf ("NOT RUN: no disk of its own (CHAOS_DISK, root)\n");
        else if (count == 0 && nemesis_cannot (self->nemesis, fault))
            printf ("NOT RUN: it cannot be done here\n");
        else if (count == 0)
            printf ("NOT TRIED: the run ended before\n");
        else if (longest[fault] > 0)
            printf ("%.1f s\n", longest[fault]);
        else
            printf ("below 1 s\n");
    }
}

// ---------------------------------------------------------------------------------------------
//  The longest pauses, and what they are made of

//  µs that count, of a kind of pauses; 0: it is none of them.
typedef uint64_t measure_t (const pause_t *pause);

static uint64_t
s_whole (const pause_t *pause)
{
    return pause->to_us - pause->from_us;
}

static uint64_t
s_of_connected (const pause_t *pause)
{
    return pause->spent_us[WHERE_IN] == s_whole (pause) ? s_whole (pause) : 0;
}

static uint64_t
s_of_away (const pause_t *pause)
{
    return s_of_connected (pause) ? 0 : s_whole (pause);
}

static uint64_t
s_but_for_back_off (const pause_t *pause)
{
    return s_whole (pause) - pause->spent_us[WHERE_BACKING_OFF];
}

//  The faults that held then, as " (kill_edge, slow_bus)".
static void
s_print_faults_at (const report_t *self, uint64_t at_us)
{
    size_t count;
    const fault_record_t *records = nemesis_records (self->nemesis, &count);
    const char *before = "   (";
    for (size_t index = 0; index < count; index++)
        if (records[index].from_us <= at_us && at_us <= records[index].to_us) {
            printf ("%s%s", before, fault_word (records[index].drawn.fault));
            before = ", ";
        }
    printf ("%s\n", *before == ',' ? ")" : "");
}

static double
s_run_seconds (const report_t *self, uint64_t at_us)
{
    return ((double) at_us - (double) self->began_us) / 1e6;
}

static void
s_print_pause (const report_t *self, const char *title, measure_t *measure)
{
    const pauses_t *pauses = &crowd_scene (self->crowd)->pauses;
    const pause_t *most = NULL;
    for (size_t index = 0; index < pauses->count; index++)
        if (measure (&pauses->pauses[index]) > (most ? measure (most) : 0))
            most = &pauses->pauses[index];
    if (!most) {
        printf ("  %-32s below 1 s\n", title);
        return;
    }
    printf ("  %-32s %.1f s: %s waited %.1f s for %s, until %.1f s\n", title,
            (double) measure (most) / 1e6, most->user, s_seconds (most), most->what,
            s_run_seconds (self, most->to_us));
    printf ("  %-32s", "");
    for (where_t where = 0; where < WHERES; where++)
        printf ("%s %s %.1f s", where ? "," : "", where_word (where),
                (double) most->spent_us[where] / 1e6);
    printf ("\n");
    for (unsigned index = 0; index < most->step_count; index++) {
        printf ("  %30.1f s  %s", s_run_seconds (self, most->steps[index].at_us),
                most->steps[index].text);
        s_print_faults_at (self, most->steps[index].at_us);
    }
}

static void
s_print_pauses (const report_t *self)
{
    printf ("\n");
    s_print_pause (self, "longest pause, always connected", s_of_connected);
    s_print_pause (self, "longest pause, not always", s_of_away);
    s_print_pause (self, "longest but for own back-off", s_but_for_back_off);
}

static void
s_print_troubles (const report_t *self)
{
    findings_t *trouble = deployment_trouble (self->site);
    printf ("\n  %-22s", "");
    for (findings_kind_t kind = 0; kind < TROUBLE_KINDS; kind++)
        printf (" %12s", findings_word (kind));
    for (who_t who = 0; who < WHO_KINDS; who++) {
        printf ("\n  %-22s", who_word (who));
        for (findings_kind_t kind = 0; kind < TROUBLE_KINDS; kind++)
            printf (" %12" PRIu64, findings_count (trouble, kind, who));
    }
    printf ("\n");
}

static void
s_print_memory (const report_t *self)
{
    static const char *const s_words[] = { "edge", "postoffice", "stentor-connector",
                                           "chaos-worker" };
    printf ("\n  %-22s %12s %12s\n", "most memory, MB", "VmHWM", "Pss");
    for (deployment_kind_t kind = 0; kind < SITE_KINDS; kind++) {
        uint64_t peak, pss;
        deployment_memory (self->site, kind, &peak, &pss);
        printf ("  %-22s %12.1f %12.1f\n", s_words[kind], (double) peak / 1024,
                (double) pss / 1024);
    }
}

static void
s_print_deliveries (const report_t *self)
{
    const delivery_counts_t *counts = &self->deliveries;
    printf ("\n  deliveries             %" PRIu64 " done, %" PRIu64 " refused by the receiver,"
            " which asked again %" PRIu64 " times\n",
            counts->done, counts->dead, counts->asked_again);
    printf ("  leases lost            %" PRIu64 "\n", counts->leases_lost);
    printf ("  duplicates             %" PRIu64 ", of them late in their lane %" PRIu64
            ", not explained %" PRIu64 "\n",
            counts->duplicates, counts->late, counts->unexplained);
    for (int fault = 0; fault < FAULTS; fault++)
        if (counts->explained[fault])
            printf ("  by %-28s %" PRIu64 "\n", fault_word (fault), counts->explained[fault]);
}

static void
s_print_loss (const report_t *self)
{
    if (!self->loss)
        return;
    printf ("\n  lost with the tail     %" PRIu64 " entries, of them acknowledged messages that are"
            " nowhere %" PRIu64 "\n",
            tail_loss_entries (self->loss), tail_loss_messages (self->loss));
    printf ("  history changed        told %" PRIuFAST64 " times; %zu gaps and repetitions heard\n",
            atomic_load (&crowd_scene (self->crowd)->changed),
            crowd_scene (self->crowd)->gaps.count);
}

static void
s_print_counts (const report_t *self)
{
    crowd_context_t *scene = crowd_scene (self->crowd);
    const plan_t *plan = self->plan;
    double seconds = (double) self->talked_us / 1e6;
    uint64_t acked = atomic_load (&scene->acked);
    printf ("  seed                   %" PRIu64 "\n", plan->seed);
    printf ("  duration               %.0f s, and %.1f s to settle\n", seconds,
            (double) self->settled_us / 1e6);
    printf ("  replicas               %" PRIu64 " edges, %" PRIu64 " postoffices, %" PRIu64
            " stentor-connectors, and one more of each now and then\n",
            plan->edges, plan->postoffices, plan->connectors);
    printf ("  sessions               %" PRIu64 " visitor and agent, %" PRIu64
            " visitor and bot, %" PRIu64 " widget and bot, %" PRIu64 " widget and agent,"
            " %" PRIu64 " leavers\n",
            plan->pairs, plan->askers, plan->widgets, plan->widgets, plan->leavers);
    printf ("  said, acknowledged     %" PRIuFAST64 ", %" PRIu64 " (%.0f a second)\n",
            atomic_load (&scene->said), acked, (double) acked / seconds);
    printf ("  delivered              %" PRIuFAST64 " of people, %" PRIuFAST64
            " answers of the bot, %" PRIuFAST64 " shown by widgets\n",
            atomic_load (&scene->delivered), atomic_load (&scene->answers),
            atomic_load (&scene->shown));
    printf ("  in the log             %" PRIu64 " entries of %" PRIu64 " sessions\n",
            self->audit.entries, self->audit.sessions);
    printf ("  closed                 %" PRIu64 " sessions that were left, reopened %" PRIu64 "\n",
            self->audit.closed, self->audit.reopened);
    printf ("  connections made       %" PRIuFAST64 ", lost while it was not read %" PRIuFAST64
            ", closed with 1013 %" PRIuFAST64 "\n",
            atomic_load (&scene->connects), atomic_load (&scene->unread_ends),
            atomic_load (&scene->slow_closes));
    printf ("  busy                   %" PRIuFAST64 ", failures shown by widgets %" PRIuFAST64 "\n",
            atomic_load (&scene->busy), atomic_load (&scene->failures));
    printf ("  said to acknowledged   p50 %.1f ms, p99 %.1f ms, p99.9 %.1f ms\n",
            (double) histogram_permille (&scene->ack_delay, 500) / 1e3,
            (double) histogram_permille (&scene->ack_delay, 990) / 1e3,
            (double) histogram_permille (&scene->ack_delay, 999) / 1e3);
}

void
report_print (const report_t *self)
{
    printf ("\nchaos report\n");
    s_print_counts (self);
    if (self->plan->is_rollout)
        phases_print (crowd_scene (self->crowd)->phases);
    else
        s_print_faults (self);
    s_print_pauses (self);
    s_print_loss (self);
    s_print_deliveries (self);
    s_print_troubles (self);
    s_print_memory (self);
    fflush (stdout);
}
