//  faults — see faults.h.

#include "faults.h"

#include "eventually.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READY_WITHIN 20000 //  ms
#define START_TRIES 5

// ---------------------------------------------------------------------------------------------
//  Processes

static deployment_kind_t
s_kind (target_t target)
{
    switch (target) {
    case TARGET_EDGE:
    case TARGET_SPARE_EDGE:
        return SITE_EDGE;
    case TARGET_CONNECTOR:
    case TARGET_SPARE_CONNECTOR:
        return SITE_CONNECTOR;
    case TARGET_WORKER:
        return SITE_WORKER;
    default:
        return SITE_POSTOFFICE;
    }
}

static const char *
s_name (const drawn_t *drawn)
{
    return deployment_name (s_kind (drawn->target), drawn->which);
}

static bool
s_kill (const drawn_t *drawn, deployment_t *site)
{
    //  One that could not be started is tried again.
    if (!deployment_is_down (site, s_kind (drawn->target), drawn->which))
        deployment_kill (site, s_kind (drawn->target), drawn->which);
    return true;
}

static void
s_launch (const drawn_t *drawn, deployment_t *site)
{
    deployment_launch (site, s_kind (drawn->target), drawn->which);
}

static bool
s_signal (const drawn_t *drawn, deployment_t *site, int signal)
{
    if (deployment_is_down (site, s_kind (drawn->target), drawn->which))
        return false;
    process_kill (stack_process (deployment_stack (site), s_name (drawn)), signal);
    return true;
}

static bool
s_stop (const drawn_t *drawn, deployment_t *site)
{
    return s_signal (drawn, site, SIGSTOP);
}

static void
s_go_on (const drawn_t *drawn, deployment_t *site)
{
    s_signal (drawn, site, SIGCONT);
}

static void
s_nothing (const drawn_t *drawn, deployment_t *site)
{
    (void) drawn, (void) site;
}

//  deployment_watch sees to it that it does go down.
static void
s_await_down (deployment_t *site, deployment_kind_t kind, unsigned number)
{
    uint64_t deadline = eventually_deadline (READY_WITHIN);
    while (!deployment_is_down (site, kind, number) && eventually_again (deadline))
        deployment_watch (site);
}

static bool
s_await_ready (deployment_t *site, deployment_kind_t kind, unsigned number)
{
    if (stack_wait_ready (deployment_stack (site), deployment_name (kind, number)))
        return true;
    findings_note (deployment_trouble (site), TROUBLE_BROKEN, WHO_SERVICE, NULL,
                   "%s is not ready in time", deployment_name (kind, number));
    return false;
}

static bool
s_start_anew (deployment_t *site, deployment_kind_t kind, unsigned number)
{
    if (!s_await_ready (site, kind, number))
        return false;
    deployment_end (site, kind, number);
    s_await_down (site, kind, number);
    return deployment_launch (site, kind, number) && s_await_ready (site, kind, number);
}

//  As whoever does it by hand: the next one when the one before is ready, and no further when one
//  is not.
static bool
s_roll (deployment_t *site, deployment_kind_t kind)
{
    unsigned number = 0, count = deployment_count (site, kind);
    while (number < count && s_start_anew (site, kind, number))
        number++;
    if (number < count)
        findings_note (deployment_trouble (site), TROUBLE_BROKEN, WHO_SERVICE, NULL,
                       "the roll ended at %s, which is %u of %u", deployment_name (kind, number),
                       number + 1, count);
    return true;
}

static bool
s_roll_edges (const drawn_t *drawn, deployment_t *site)
{
    (void) drawn;
    return s_roll (site, SITE_EDGE);
}

static bool
s_roll_postoffices (const drawn_t *drawn, deployment_t *site)
{
    (void) drawn;
    return s_roll (site, SITE_POSTOFFICE);
}

static bool
s_roll_connectors (const drawn_t *drawn, deployment_t *site)
{
    (void) drawn;
    return s_roll (site, SITE_CONNECTOR) && s_roll (site, SITE_WORKER);
}

#define SOON_MS 1000

//  Half of the time DNS knows it before it can be talked to.
static bool
s_add (const drawn_t *drawn, deployment_t *site)
{
    deployment_kind_t kind = s_kind (drawn->target);
    bool is_known_first = drawn->salt & 1;
    s_await_down (site, kind, drawn->which);
    if (is_known_first)
        deployment_set_known (site, kind, drawn->which, true);
    if (!deployment_launch (site, kind, drawn->which)) {
        deployment_set_known (site, kind, drawn->which, false);
        return false;
    }
    //  It may not become ready while another fault holds, whose end must not wait for that.
    process_t *added =
        stack_process (deployment_stack (site), deployment_name (kind, drawn->which));
    uint64_t deadline = eventually_deadline (SOON_MS);
    while (!is_known_first && added && !process_is_ready (added) && eventually_again (deadline))
        ;
    deployment_set_known (site, kind, drawn->which, true);
    return true;
}

static void
s_take_away (const drawn_t *drawn, deployment_t *site)
{
    deployment_kind_t kind = s_kind (drawn->target);
    deployment_set_known (site, kind, drawn->which, false);
    deployment_end (site, kind, drawn->which);
}

// ---------------------------------------------------------------------------------------------
//  Links

static deployment_cables_t
s_cables (target_t target)
{
    return target == TARGET_BUS_LINKS        ? SITE_BUS
           : target == TARGET_POSTGRES_LINKS ? SITE_POSTGRES
                                             : SITE_CLIENTS;
}

//  One link; or all of the process at one end of it, or at the other; or about half of all.
static bool
s_is_meant (const drawn_t *drawn, const deployment_t *site, unsigned number)
{
    deployment_cables_t kind = s_cables (drawn->target);
    const char *here, *there, *the_here, *the_there;
    unsigned meant = drawn->which % deployment_cable_count (site, kind);
    deployment_cable_ends (site, kind, number, &here, &there);
    deployment_cable_ends (site, kind, meant, &the_here, &the_there);
    switch (drawn->salt % 4) {
    case 0:
        return number == meant;
    case 1:
        return strcmp (here, the_here) == 0;
    case 2:
        return strcmp (there, the_there) == 0;
    default:
        return drawn->salt >> (2 + number % 60) & 1;
    }
}

static void
s_set_links (const drawn_t *drawn, deployment_t *site, const cable_state_t *state)
{
    deployment_cables_t kind = s_cables (drawn->target);
    for (unsigned number = 0; number < deployment_cable_count (site, kind); number++)
        if (s_is_meant (drawn, site, number))
            fault_proxy_set (deployment_cables (site), deployment_cable (site, kind, number),
                             state);
}

static bool
s_silence (const drawn_t *drawn, deployment_t *site)
{
    s_set_links (drawn, site, &(cable_state_t){ .manner = CABLE_SILENT });
    return true;
}

static bool
s_slow (const drawn_t *drawn, deployment_t *site)
{
    cable_state_t slow = { .manner = CABLE_SLOW,
                           .delay_ms = 50 + (unsigned) (drawn->salt >> 8) % 251,
                           .bytes_per_second = 20000 + (unsigned) (drawn->salt >> 20) % 480000 };
    s_set_links (drawn, site, &slow);
    return true;
}

static bool
s_reset (const drawn_t *drawn, deployment_t *site)
{
    deployment_cables_t kind = s_cables (drawn->target);
    for (unsigned number = 0; number < deployment_cable_count (site, kind); number++)
        if (s_is_meant (drawn, site, number))
            fault_proxy_reset (deployment_cables (site), deployment_cable (site, kind, number));
    return true;
}

static void
s_heal (const drawn_t *drawn, deployment_t *site)
{
    s_set_links (drawn, site, &(cable_state_t){ .manner = CABLE_GOOD });
}

static void
s_set_one (const drawn_t *drawn, deployment_t *site, cable_manner_t manner)
{
    deployment_cables_t kind = s_cables (drawn->target);
    int cable = deployment_cable (site, kind, drawn->which % deployment_cable_count (site, kind));
    fault_proxy_set (deployment_cables (site), cable, &(cable_state_t){ .manner = manner });
    fault_proxy_reset (deployment_cables (site), cable);
}

static bool
s_lose_postgres (const drawn_t *drawn, deployment_t *site)
{
    s_set_one (drawn, site, CABLE_SILENT);
    return true;
}

static void
s_find_postgres (const drawn_t *drawn, deployment_t *site)
{
    s_set_one (drawn, site, CABLE_GOOD);
}

// ---------------------------------------------------------------------------------------------
//  PostgreSQL

static postgres_t *
s_postgres (deployment_t *site)
{
    return stack_postgres (deployment_stack (site));
}

static void
s_start_postgres (const drawn_t *drawn, deployment_t *site)
{
    (void) drawn;
    for (int try = 0; try < START_TRIES; try++)
        if (postgres_start (s_postgres (site)))
            return;
    findings_note (deployment_trouble (site), TROUBLE_BROKEN, WHO_SERVICE, NULL,
                   "PostgreSQL cannot be started");
}

static bool
s_restart_postgres (const drawn_t *drawn, deployment_t *site)
{
    postgres_stop (s_postgres (site));
    s_start_postgres (drawn, site);
    return true;
}

static bool
s_kill_postgres (const drawn_t *drawn, deployment_t *site)
{
    (void) drawn;
    postgres_kill (s_postgres (site));
    return true;
}

static bool
s_kill_backends (const drawn_t *drawn, deployment_t *site)
{
    unsigned most = drawn->salt & 1 ? POSTGRES_ALL_BACKENDS : 1 + (unsigned) (drawn->salt >> 1) % 5;
    return postgres_kill_backends (s_postgres (site), most) > 0;
}

static bool
s_freeze_postgres (const drawn_t *drawn, deployment_t *site)
{
    (void) drawn;
    postgres_freeze (s_postgres (site));
    return true;
}

static void
s_thaw_postgres (const drawn_t *drawn, deployment_t *site)
{
    (void) drawn;
    postgres_thaw (s_postgres (site));
}

static bool
s_begin_read_only (const drawn_t *drawn, deployment_t *site)
{
    (void) drawn;
    return postgres_exec (s_postgres (site), "alter system set default_transaction_read_only = on")
           && postgres_exec (s_postgres (site), "select pg_reload_conf ()");
}

static void
s_end_read_only (const drawn_t *drawn, deployment_t *site)
{
    (void) drawn;
    for (int try = 0; try < START_TRIES; try++)
        if (postgres_exec (s_postgres (site), "alter system reset default_transaction_read_only")
            && postgres_exec (s_postgres (site), "select pg_reload_conf ()"))
            return;
    findings_note (deployment_trouble (site), TROUBLE_BROKEN, WHO_SERVICE, NULL,
                   "PostgreSQL stays read-only");
}

static bool
s_fill_disk (const drawn_t *drawn, deployment_t *site)
{
    (void) drawn;
    return postgres_fill_disk (s_postgres (site));
}

//  A server that could not write its journal has ended by itself.
static void
s_empty_disk (const drawn_t *drawn, deployment_t *site)
{
    postgres_empty_disk (s_postgres (site));
    s_start_postgres (drawn, site);
}

// ---------------------------------------------------------------------------------------------
//  The table

typedef struct {
    const char *word;
    unsigned weight;
    target_t target;
    uint64_t least_ms;
    uint64_t most_ms;
    bool (*begin) (const drawn_t *drawn, deployment_t *site);
    void (*end) (const drawn_t *drawn, deployment_t *site);
    const char *about;
} fault_row_t;

static const fault_row_t s_rows[] = {
#define FAULT(word, weight, target, least, most, begin, end, about)                                \
    { #word, weight, TARGET_##target, least, most, begin, end, about },
#include "faults.def"
#undef FAULT
};

int
fault_of (const char *word)
{
    for (int fault = 0; fault < FAULTS; fault++)
        if (strcmp (word, s_rows[fault].word) == 0)
            return fault;
    return -1;
}

const char *
fault_word (int fault)
{
    return s_rows[fault].word;
}

const char *
fault_about (int fault)
{
    return s_rows[fault].about;
}

unsigned
fault_weight (int fault)
{
    return s_rows[fault].weight;
}

static bool
s_is_process (target_t target)
{
    return target <= TARGET_WORKER;
}

static bool
s_is_spare (target_t target)
{
    return target >= TARGET_SPARE_EDGE;
}

void
fault_draw (int fault, const deployment_t *site, chance_t *chance, drawn_t *drawn)
{
    const fault_row_t *row = &s_rows[fault];
    *drawn = (drawn_t){ .fault = fault, .target = row->target };
    drawn->which = (unsigned) chance_between (chance, 0, 999999);
    drawn->hold_ms = chance_between (chance, row->least_ms, row->most_ms);
    drawn->salt = chance_next (chance);
    if (s_is_process (row->target))
        drawn->which %= deployment_count (site, s_kind (row->target));
    else if (s_is_spare (row->target))
        drawn->which = deployment_count (site, s_kind (row->target));
}

void
fault_describe (const drawn_t *drawn, const deployment_t *site, char *text, size_t room)
{
    static const char *const s_patterns[] = { "", " all of the first:", " all of the second:",
                                              " half of all:" };
    const char *word = fault_word (drawn->fault);
    if (s_is_process (drawn->target) || s_is_spare (drawn->target))
        snprintf (text, room, "%s %s for %" PRIu64 " ms", word, s_name (drawn), drawn->hold_ms);
    else if (drawn->target <= TARGET_CLIENT_LINKS) {
        const char *here, *there;
        deployment_cables_t kind = s_cables (drawn->target);
        deployment_cable_ends (site, kind, drawn->which % deployment_cable_count (site, kind),
                               &here, &there);
        snprintf (text, room, "%s%s %s to %s for %" PRIu64 " ms", word,
                  s_patterns[drawn->salt % 4], here, there, drawn->hold_ms);
    } else
        snprintf (text, room, "%s for %" PRIu64 " ms", word, drawn->hold_ms);
}

bool
fault_collides (const drawn_t *left, const drawn_t *right)
{
    if (left->target == TARGET_ALL || right->target == TARGET_ALL)
        return true;
    if (left->target != right->target)
        return false;
    return !s_is_process (left->target) || left->which == right->which;
}

//  These postoffices of this worker, or of all.
static void
s_disturb (delivery_paths_t *paths, unsigned worker, uint32_t offices)
{
    for (unsigned each = 0; each < DELIVERY_WORKERS_MOST; each++)
        if (worker == DELIVERY_NOBODY || worker == each)
            paths->of[each] |= offices;
}

static void
s_links_paths (const drawn_t *drawn, const deployment_t *site, delivery_paths_t *paths)
{
    unsigned count = deployment_cable_count (site, s_cables (drawn->target));
    unsigned offices = deployment_count (site, SITE_POSTOFFICE) + 1;
    unsigned workers = deployment_count (site, SITE_WORKER) + 1;
    for (unsigned office = 0; office < offices; office++) {
        bool is_meant = drawn->fault == FAULT_lost_postgres ? office == drawn->which % count
                                                            : s_is_meant (drawn, site, office);
        if (drawn->target == TARGET_POSTGRES_LINKS && is_meant)
            s_disturb (paths, DELIVERY_NOBODY, 1u << office);
        for (unsigned worker = 0; worker < workers && drawn->target == TARGET_BUS_LINKS; worker++)
            if (s_is_meant (drawn, site, deployment_worker_cable (site, worker, office)))
                s_disturb (paths, worker, 1u << office);
    }
}

void
fault_paths (const drawn_t *drawn, const deployment_t *site, delivery_paths_t *paths)
{
    *paths = (delivery_paths_t){ 0 };
    switch (drawn->target) {
    case TARGET_POSTOFFICE:
    case TARGET_SPARE_POSTOFFICE:
        s_disturb (paths, DELIVERY_NOBODY, 1u << drawn->which);
        break;
    case TARGET_WORKER:
        s_disturb (paths, drawn->which, UINT32_MAX);
        break;
    case TARGET_BUS_LINKS:
    case TARGET_POSTGRES_LINKS:
        s_links_paths (drawn, site, paths);
        break;
    case TARGET_POSTGRES:
        s_disturb (paths, DELIVERY_NOBODY, UINT32_MAX);
        break;
    case TARGET_ALL:
        if (drawn->fault != FAULT_roll_edges)
            s_disturb (paths, DELIVERY_NOBODY, UINT32_MAX);
        break;
    default:
        break;
    }
}

bool
fault_begin (const drawn_t *drawn, deployment_t *site)
{
    return s_rows[drawn->fault].begin (drawn, site);
}

void
fault_end (const drawn_t *drawn, deployment_t *site)
{
    s_rows[drawn->fault].end (drawn, site);
}
